"""Streams that stay open: WebSockets and event streams, over HTTP/1 and HTTP/2."""

import socket
import struct
import time

from harness.client import Connection
from harness.client import head as request_head
from http2.session import Session, ssl_context
from http2.test_websocket import frame, opened

#: What the recorder serves them at.
SOCKET, EVENTS = "/socket", "/events"


def serve_streams(recorder):
    recorder.on(SOCKET, lambda exchange: exchange.echo_websocket())

    def tick(exchange):
        exchange.start_chunked()
        while not exchange.wait_peer_gone(0.05):
            exchange.chunk(b"data: tick\n\n")

    recorder.on(EVENTS, tick)


class SocketOverHTTP1:
    kind = "WebSocket over HTTP/1"

    def __init__(self, server, fields, user):
        self.user = user
        self.connection = Connection(server.ports["tls"], server.context)
        handshake = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ]
        self.connection.send(request_head("GET", SOCKET, handshake + list(fields)))
        answer = self.connection.response_head()
        assert answer.status == 101, answer.head

    def goes_on(self):
        self.connection.send(frame(1, b"on"))
        return self.connection.exactly(4) == frame(1, b"on", b"")

    def end(self, timeout):
        self.connection.socket.settimeout(timeout)
        code = _close_code(self.connection.exactly(4))
        # The other side's turn; then it is closed.
        self.connection.send(frame(8, struct.pack(">H", code)))
        return code

    def close(self):
        self.connection.close()


class SocketOverHTTP2:
    kind = "WebSocket over HTTP/2"

    def __init__(self, server, fields, user):
        self.user = user
        self.session = Session(server.ports["tls"], ssl_context())
        self.stream = opened(self.session, SOCKET, [(name.lower(), value) for name, value in fields])
        assert self.stream.status == 200, self.stream.text

    def goes_on(self):
        had = len(self.stream.body)
        self.session.send(self.stream, frame(1, b"on"))
        self.session.wait(lambda: len(self.stream.body) >= had + 4, 5)
        return bytes(self.stream.body[had:]) == frame(1, b"on", b"")

    def end(self, timeout):
        had = len(self.stream.body)
        self.session.wait(lambda: len(self.stream.body) >= had + 4, timeout)
        code = _close_code(bytes(self.stream.body[had : had + 4]))
        # The stream has ended, and no other of its connection.
        self.session.finish(self.stream, timeout=timeout)
        assert self.session.ask("GET", "/").status in (200, 401, 403)
        return code

    def close(self):
        self.session.close()


class EventsOverHTTP1:
    kind = "events over HTTP/1"

    def __init__(self, server, fields, user):
        self.user = user
        self.connection = Connection(server.ports["tls"], server.context)
        self.connection.send(request_head("GET", EVENTS, fields))
        answer = self.connection.response_head()
        assert answer.status == 200, answer.head

    def goes_on(self):
        return all(self.connection.chunk() == b"data: tick\n\n" for _ in range(2))

    def end(self, timeout):
        self.connection.socket.settimeout(timeout)
        limit = time.monotonic() + timeout
        while time.monotonic() < limit:
            try:
                if not self.connection.take():
                    return None
            except ConnectionError:
                return None
        raise TimeoutError

    def close(self):
        self.connection.close()


class EventsOverHTTP2:
    kind = "events over HTTP/2"

    def __init__(self, server, fields, user):
        self.user = user
        self.session = Session(server.ports["tls"], ssl_context())
        self.stream = self.session.head(self.session.start("GET", EVENTS, fields))
        assert self.stream.status == 200, self.stream.text

    def goes_on(self):
        had = len(self.stream.body)
        self.session.wait(lambda: len(self.stream.body) > had + 12 or self.stream.done, 5)
        return not self.stream.done

    def end(self, timeout):
        self.session.finish(self.stream, timeout=timeout)
        assert self.stream.reset is not None, "it ends as if it were complete"
        assert self.session.ask("GET", "/").status in (200, 401, 403)

    def close(self):
        self.session.close()


KINDS = [SocketOverHTTP1, SocketOverHTTP2, EventsOverHTTP1, EventsOverHTTP2]


def _close_code(data):
    assert data[:2] == b"\x88\x02", f"no close with a code alone: {data!r}"
    return struct.unpack(">H", data[2:])[0]


def open_streams(server, fields, user, each=3):
    """So many of each kind, each on a connection of its own, with these fields to prove the caller."""
    return [kind(server, fields, user) for kind in KINDS for _ in range(each)]


def time_of_end(stream, timeout):
    """When a stream has ended, on the monotonic clock; a WebSocket by a close with code 1008."""
    try:
        code = stream.end(timeout)
    except (TimeoutError, socket.timeout, AssertionError) as error:
        raise AssertionError(f"{stream.kind} of {stream.user} hasn't ended: {error!r}") from error
    ended = time.monotonic()
    assert code in (None, 1008), f"{stream.kind}: code {code}"
    return ended
