"""The upstream of the soak, a process of its own that may be killed at any moment.

Its journal has a line when a request's head has come and one when its whole reply is in the kernel; each is in the file
before anything else happens, so that what was under way at a SIGKILL can be read from it.
"""

import asyncio
import base64
import hashlib
import os
import random
import struct
import sys
from urllib.parse import parse_qsl

#: What bodies are cut from: the same bytes here and in the clients.
BYTES = random.Random(7).randbytes(4 << 20)

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Upstream:
    def __init__(self, label, journal):
        self.label = label.encode()
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        #: Requests that wait, and what they wait for, by key.
        self.doors = {}

    def note(self, word, identity):
        os.write(self._journal, f"{word} {identity}\n".encode())

    async def serve(self, reader, writer):
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        path, _, query = target.partition("?")
        request = Request(method, path.rpartition("/")[2], dict(parse_qsl(query)), fields, reader, writer, self)
        identity = fields.get("x-soak", "-")
        self.note("B", identity)
        await request.read_body()
        goes_on = await getattr(request, "do_" + request.action)()
        await writer.drain()
        self.note("E", identity)
        return goes_on is not False and fields.get("connection", "").lower() != "close"


class Request:
    def __init__(self, method, action, query, fields, reader, writer, upstream):
        self.method, self.action, self.query, self.fields = method, action, query, fields
        self.reader, self.writer, self.upstream = reader, writer, upstream
        self.body = b""

    async def read_body(self):
        if "chunked" in self.fields.get("transfer-encoding", ""):
            parts = []
            while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
                parts.append((await self.reader.readexactly(size + 2))[:-2])
            while await self.reader.readuntil(b"\r\n") != b"\r\n":
                pass
            self.body = b"".join(parts)
        elif length := int(self.fields.get("content-length", 0)):
            self.body = await self.reader.readexactly(length)

    def begin(self, status, length, *more):
        """Writes a head; a `length` of None makes the reply chunked."""
        framing = b"Transfer-Encoding: chunked" if length is None else b"Content-Length: %d" % length
        lines = [b"HTTP/1.1 " + status, b"X-Upstream: " + self.upstream.label, framing, *more]
        self.writer.write(b"\r\n".join(lines) + b"\r\n\r\n")

    def chunk(self, data):
        self.writer.write(b"%x\r\n" % len(data) + data + b"\r\n")

    async def do_bytes(self):
        """SIZE bytes FROM a place; in chunks of PART, PAUSE milliseconds apart, where that is asked."""
        size, start = int(self.query["size"]), int(self.query.get("from", 0))
        await asyncio.sleep(int(self.query.get("delay", 0)) / 1000)
        data = memoryview(BYTES)[start : start + size]
        if part := int(self.query.get("part", 0)):
            self.begin(b"200 OK", None)
            for offset in range(0, size, part):
                self.chunk(bytes(data[offset : offset + part]))
                await self.writer.drain()
                await asyncio.sleep(int(self.query.get("pause", 0)) / 1000)
            self.writer.write(b"0\r\n\r\n")
        else:
            self.begin(b"200 OK", size)
            if self.method != "HEAD":
                self.writer.write(data)

    async def do_digest(self):
        await asyncio.sleep(int(self.query.get("delay", 0)) / 1000)
        said = f"{len(self.body)} {hashlib.sha256(self.body).hexdigest()}".encode()
        self.begin(b"200 OK", len(said))
        self.writer.write(said)

    async def do_echo(self):
        self.begin(b"200 OK", None)
        for offset in range(0, len(self.body), 40_000):
            self.chunk(self.body[offset : offset + 40_000])
            await self.writer.drain()
        self.writer.write(b"0\r\n\r\n")

    async def do_hold(self):
        """Answers once `release` has been asked with the same key."""
        waiting, door = self.upstream.doors.setdefault(self.query["key"], ([], asyncio.Event()))
        waiting.append(self)
        await asyncio.wait_for(door.wait(), 60)
        self.begin(b"200 OK", 4)
        self.writer.write(b"held")

    async def do_held(self):
        """How many wait for a key."""
        said = str(len(self.upstream.doors.get(self.query["key"], ([], None))[0])).encode()
        self.begin(b"200 OK", len(said))
        self.writer.write(said)

    async def do_release(self):
        self.upstream.doors.pop(self.query["key"])[1].set()
        self.begin(b"200 OK", 0)

    async def do_events(self):
        """Server-sent events, numbered from FROM on, PAUSE milliseconds apart, COUNT of them or without end."""
        number, pause = int(self.query.get("from", 0)), int(self.query.get("pause", 100)) / 1000
        last = number + int(self.query.get("count", 1 << 40))
        self.begin(b"200 OK", None, b"Content-Type: text/event-stream", b"Cache-Control: no-store")
        while number < last:
            self.chunk(event(number))
            await self.writer.drain()
            number += 1
            await asyncio.sleep(pause)
        self.writer.write(b"0\r\n\r\n")

    async def do_ws(self):
        """Echoes a WebSocket's messages."""
        accept = base64.b64encode(hashlib.sha1(self.fields["sec-websocket-key"].encode() + _GUID).digest())
        lines = [b"HTTP/1.1 101 Switching Protocols", b"X-Upstream: " + self.upstream.label, b"Upgrade: websocket"]
        lines += [b"Connection: Upgrade", b"Sec-WebSocket-Accept: " + accept]
        self.writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
        while True:
            opcode, length = await self.reader.readexactly(2)
            length &= 127
            if length == 126:
                length = struct.unpack(">H", await self.reader.readexactly(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", await self.reader.readexactly(8))[0]
            mask = await self.reader.readexactly(4)
            payload = masked(await self.reader.readexactly(length), mask)
            self.writer.write(frame(opcode & 15, payload))
            await self.writer.drain()
            if opcode & 15 == 8:
                return False


def event(number):
    """The text of the event with this number."""
    start = number * 37 % 100_000
    return f"id: {number}\ndata: {hashlib.sha256(BYTES[start : start + 64]).hexdigest()}\n\n".encode()


def masked(payload, mask):
    """RFC 6455, section 5.3."""
    length = len(payload)
    pad = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(length, "big")


def frame(opcode, payload, mask=b""):
    """A whole WebSocket message in one frame; a client's has a mask of four bytes."""
    length, bit = len(payload), 0x80 if mask else 0
    if length < 126:
        head = bytes([0x80 | opcode, bit | length])
    elif length < 65536:
        head = bytes([0x80 | opcode, bit | 126]) + struct.pack(">H", length)
    else:
        head = bytes([0x80 | opcode, bit | 127]) + struct.pack(">Q", length)
    return head + mask + (masked(payload, mask) if mask else payload)


async def main(port, label, journal):
    upstream = Upstream(label, journal)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", port, backlog=512, limit=1 << 16)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
