"""Clients that leave: in the head, in the body, in the reply, in the handshake, or after a long silence."""

import socket
import ssl
import struct

from .client import Client

GARBAGE = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"


class Rude(Client):
    """Whatever it does, it ends by a reset or by closing; others must not notice."""

    rest = 0.25

    def turn(self):
        how = self.chance.choice(HOW)
        try:
            how(self)
        except OSError:
            pass  # The server was faster to end it.
        self.ledger.passes("rude: " + how.__name__.strip("_").replace("_", " "))

    def open(self):
        return self.server.connect(self.chance.choice(["tls", "plain"]), timeout=10)

    def head(self, method, path, *lines):
        fields = [f"{method} {path} HTTP/1.1", "Host: localhost", "X-Soak: " + self.ledger.identity("rude"), *lines]
        return "\r\n".join(fields).encode() + b"\r\n"

    def _reset_in_the_head(self):
        connection = self.open()
        connection.send(self.head("GET", "/group/bytes?size=10")[: self.chance.randrange(5, 60)])
        reset(connection.socket)

    def _close_in_the_head(self):
        with self.open() as connection:
            connection.send(self.head("GET", "/group/bytes?size=10"))

    def _reset_in_the_body(self):
        connection = self.open()
        connection.send(self.head("POST", "/group/digest", "Content-Length: 200000") + b"\r\n" + b"x" * 70_000)
        reset(connection.socket)

    def _reset_in_a_chunk(self):
        connection = self.open()
        head = self.head("POST", "/group/digest", "Transfer-Encoding: chunked")
        connection.send(head + b"\r\n" + b"8000\r\n" + b"x" * 9000)
        reset(connection.socket)

    def _reset_before_the_reply(self):
        connection = self.open()
        connection.send(self.head("GET", "/group/bytes?size=1000&delay=300") + b"\r\n")
        self.end.wait(0.1)
        reset(connection.socket)

    def _reset_in_the_reply(self):
        connection = self.open()
        connection.send(self.head("GET", "/group/bytes?size=2000000") + b"\r\n")
        connection.take(10_000)
        reset(connection.socket)

    def _stall_in_the_reply_and_leave(self):
        with self.open() as connection:
            connection.send(self.head("GET", "/group/bytes?size=2000000") + b"\r\n")
            connection.take(1000)
            self.end.wait(self.chance.uniform(0.5, 3))

    def _stall_in_the_head_and_leave(self):
        with self.open() as connection:
            connection.send(b"GET /group/ HTT")
            self.end.wait(self.chance.uniform(1, 8))

    def _stall_in_the_body_and_leave(self):
        with self.open() as connection:
            connection.send(self.head("POST", "/group/digest", "Content-Length: 5000") + b"\r\n" + b"x" * 100)
            self.end.wait(self.chance.uniform(1, 8))

    def _say_nothing_and_leave(self):
        with self.server.connect("tls", context=None, timeout=10):
            self.end.wait(self.chance.uniform(0.5, 8))

    def _half_a_handshake(self):
        raw = socket.create_connection(("127.0.0.1", self.server.ports["tls"]), 10)
        raw.sendall(hello(self.server.context)[: self.chance.randrange(1, 200)])
        self.end.wait(self.chance.uniform(0, 2))
        if self.chance.random() < 0.5:
            reset(raw)
        raw.close()

    def _a_hello_and_no_more(self):
        with socket.create_connection(("127.0.0.1", self.server.ports["tls"]), 10) as raw:
            raw.sendall(hello(self.server.context))
            raw.recv(100)
            self.end.wait(self.chance.uniform(0, 6))

    def _garbage_to_TLS(self):
        with socket.create_connection(("127.0.0.1", self.server.ports["tls"]), 10) as raw:
            raw.sendall(GARBAGE * 20)
            raw.recv(100)

    def _leave_a_websocket_without_a_word(self):
        connection = self.open()
        key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
        lines = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", key]
        connection.send(self.head("GET", "/group/ws", *lines) + b"\r\n")
        connection.take(100)
        reset(connection.socket)


#: The ways of leaving.
HOW = [how for name, how in vars(Rude).items() if name.startswith("_") and not name.startswith("__")]


def hello(context):
    """The first flight of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def reset(sock):
    """Ends a connection with a TCP reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
