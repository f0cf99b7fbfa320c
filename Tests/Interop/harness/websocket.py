"""A blocking face for the asyncio WebSocket client.

The library's own blocking client reads and writes one TLS socket from two threads, which Python's ssl module does not
guard before 3.13; large messages then break now and then, whatever the server does.
"""

import asyncio
import threading

from websockets.asyncio.client import connect


class WebSocket:
    """One client connection, driven by an event loop in a thread of its own."""

    def __init__(self, url, context, headers=None, timeout=20, **options):
        self._timeout = timeout
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        options = {"open_timeout": timeout, "close_timeout": 5, "max_size": 64 << 20, "proxy": None} | options
        try:
            self._socket = self._run(self._connect(url, context, headers or {}, options))
        except BaseException:
            self._end()
            raise

    @staticmethod
    async def _connect(url, context, headers, options):
        return await connect(url, ssl=context, additional_headers=headers, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.close()
        finally:
            self._end()

    @property
    def close_code(self):
        return self._socket.close_code

    def send(self, message):
        self._run(self._socket.send(message))

    def recv(self):
        return self._run(self._socket.recv())

    def echo(self, message):
        """Sends and receives at once, so that neither side's buffers must hold the whole message."""

        async def both():
            _, reply = await asyncio.gather(self._socket.send(message), self._socket.recv())
            return reply

        return self._run(both(), 120)

    def ping(self):
        """Waits for the pong."""

        async def answered():
            await (await self._socket.ping())

        self._run(answered())

    def close(self, code=1000, reason=""):
        self._run(self._socket.close(code, reason))

    def _run(self, work, timeout=None):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout or self._timeout)

    def _end(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
