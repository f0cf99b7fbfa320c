"""Loads that wrk can't make, each run as a process of its own so that it can be pinned. Prints operations done.

load.py echo PORT                    an upstream that accepts an upgrade and then echoes bytes (runs until ended)
load.py handshake PORT SECONDS       full TLS 1.3 handshakes
load.py resumed PORT SECONDS         resumed handshakes with one request each
load.py websocket PORT SECONDS TLS   64-byte messages echoed, 16 connections in turn
load.py idle PORT COUNT              opens COUNT TLS connections with one request each, then waits for a line on stdin
load.py requests PORT COUNT TLS [HEADER…]   COUNT requests on one connection
"""

import asyncio
import base64
import hashlib
import os
import socket
import ssl
import sys
import time

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(port, context=None, session=None):
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(raw, server_hostname="localhost", session=session) if context else raw


def exchange(peer, request, pending=b""):
    """Sends a request and reads its reply; returns the status line."""
    peer.sendall(request)
    data = pending
    while b"\r\n\r\n" not in data:
        part = peer.recv(65536)
        if not part:
            raise ConnectionError("closed")
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, value = line.split(b":", 1)
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += peer.recv(65536)
    return head.split(b"\r\n", 1)[0]


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.head = transport, b""
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        if self.head is None:
            self.transport.write(data)
            return
        self.head += data
        if b"\r\n\r\n" not in self.head:
            return
        key = next(
            line.split(b":", 1)[1].strip()
            for line in self.head.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key:")
        )
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.head = None


async def echo(port):
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


def handshake(port, seconds):
    context, count, end = tls_context(), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        connect(port, context).close()
        count += 1
    return count


def resumed(port, seconds):
    context, count, end = tls_context(), 0, time.monotonic() + seconds
    with connect(port, context) as first:
        exchange(first, REQUEST)
        session = first.session
    while time.monotonic() < end:
        with connect(port, context, session) as peer:
            exchange(peer, REQUEST)
            if not peer.session_reused:
                raise RuntimeError("not resumed")
            session = peer.session
            count += 1
    return count


def websocket(port, seconds, tls):
    context = tls_context() if tls else None
    peers = [connect(port, context) for _ in range(16)]
    for peer in peers:
        if b" 101 " not in exchange(peer, UPGRADE) + b" ":
            raise RuntimeError("no upgrade")
    message = b"\x82\xba" + os.urandom(4 + 58)
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for peer in peers:
            peer.sendall(message)
        for peer in peers:
            missing = len(message)
            while missing:
                part = peer.recv(missing)
                if not part:
                    raise ConnectionError("closed")
                missing -= len(part)
            count += 1
    return count


def idle(port, count):
    context = tls_context()
    peers = []
    for _ in range(count):
        peers.append(connect(port, context))
        exchange(peers[-1], REQUEST)
    print(len(peers), flush=True)
    sys.stdin.readline()
    return None


def requests(port, count, tls, *headers):
    request = REQUEST[:-2] + b"".join(header.encode() + b"\r\n" for header in headers) + b"\r\n"
    with connect(port, tls_context() if tls else None) as peer:
        for _ in range(count):
            status = exchange(peer, request)
            if b" 200 " not in status + b" ":
                raise RuntimeError(status)
    return count


def main():
    kind, port, *rest = sys.argv[1:]
    port = int(port)
    if kind == "echo":
        asyncio.run(echo(port))
    elif kind == "handshake":
        print(handshake(port, float(rest[0])))
    elif kind == "resumed":
        print(resumed(port, float(rest[0])))
    elif kind == "websocket":
        print(websocket(port, float(rest[0]), rest[1] == "tls"))
    elif kind == "idle":
        idle(port, int(rest[0]))
    elif kind == "requests":
        print(requests(port, int(rest[0]), rest[1] == "tls", *rest[2:]))


if __name__ == "__main__":
    main()
