"""What a client can do wrong."""

import os
import socket
import time

from harness.client import head

from .fault import Fault
from .stage import outcome, reset
from .upstream_faults import WEBSOCKET

#: What the shared server allows for a head and for a handshake.
HEADER_TIMEOUT = "client_header_timeout 1s;"
BODY_TIMEOUT = "client_body_timeout 400ms;"
SEND_TIMEOUT = "send_timeout 400ms;"
MANY = 100
SOME = 20


FAULTS = []


def client(name, sees, log, within=2.0, **options):
    """Decorates what a client does."""

    def decorate(function):
        FAULTS.append(Fault(name, sees, within, log, function, **options))
        return function

    return decorate


LEFT = ("info", "client closed the connection before it had its reply")


def wait_for(connection, timeout=10):
    connection.socket.settimeout(timeout)
    return outcome(connection)[0]


@client("client resets while its request runs", "connection closed", LEFT, script="silent", at_once=SOME)
def resets(stage, fault):
    connection = stage.connect()
    connection.send(head("GET", fault.path))
    time.sleep(0.005)
    reset(connection)
    return "connection closed"


@client("client closes while its request runs", "connection closed", LEFT, script="silent", at_once=SOME)
def closes(stage, fault):
    with stage.connect() as connection:
        connection.send(head("GET", fault.path))
        time.sleep(0.005)
    return "connection closed"


@client("client closes its side while its request runs", "connection closed", LEFT, script="silent", at_once=SOME)
def half_closes(stage, fault):
    with stage.connect() as connection:
        connection.send(head("GET", fault.path))
        time.sleep(0.005)
        connection.socket.shutdown(socket.SHUT_WR)
        return wait_for(connection)


@client("client closes its side with its request", "connection closed", LEFT, script="silent", at_once=SOME)
def half_closes_at_once(stage, fault):
    with stage.connect() as connection:
        connection.send(head("GET", fault.path))
        connection.socket.shutdown(socket.SHUT_WR)
        return wait_for(connection)


@client("client resets in the middle of a reply", "200, cut short", LEFT, script="zeros", times=300)
def resets_in_a_reply(stage, fault):
    connection = stage.connect()
    connection.send(head("GET", fault.path))
    status = connection.response_head().status
    reset(connection)
    return f"{status}, cut short"


@client(
    "client resets an upgraded connection",
    "101, connection closed",
    ("info", "broke on the client's side: recv: Connection reset by peer"),
    script="upgrades",
)
def resets_a_tunnel(stage, fault):
    connection = stage.connect()
    connection.send(head("GET", fault.path, WEBSOCKET))
    status = connection.response_head().status
    reset(connection)
    return f"{status}, connection closed"


@client(
    "client leaves in the middle of a head",
    "connection closed",
    ("info", "left in the middle of a request's head"),
)
def leaves_in_a_head(stage, fault):
    with stage.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHo")
        connection.socket.shutdown(socket.SHUT_WR)
        return wait_for(connection)


@client(
    "client trickles its head",
    "408",
    ("info", "took too long to send a request's head"),
    within=6.0,
    times=MANY,
    at_once=MANY,
)
def trickles(stage, fault):
    with stage.connect() as connection:
        try:
            for byte in head("GET", fault.path, [("X-Slow", "x" * 1000)]):
                connection.send(bytes([byte]))
                connection.socket.settimeout(0.2)
                try:
                    if connection.socket.recv(1, socket.MSG_PEEK):
                        break
                except TimeoutError:
                    pass
        except OSError:
            pass
        return wait_for(connection)


@client(
    "client connects and says nothing",
    "connection closed",
    ("info", "sent no request in time"),
    within=6.0,
    times=MANY,
    at_once=MANY,
)
def says_nothing(stage, fault):
    with stage.connect() as connection:
        return wait_for(connection)


@client(
    "client stops in its body",
    "408",
    ("info", "took too long to send a request's body"),
    within=5.0,
    location=BODY_TIMEOUT,
    script="takes_the_body",
    times=MANY,
    at_once=MANY,
)
def stops_in_its_body(stage, fault):
    with stage.connect() as connection:
        connection.send(head("POST", fault.path, [("Content-Length", "100")]) + b"some")
        return wait_for(connection)


@client(
    "client aborts an upload",
    "connection closed",
    ("info", "client left in the middle of a request's body"),
    script="takes_the_body",
)
def aborts_an_upload(stage, fault):
    with stage.connect() as connection:
        connection.send(head("POST", fault.path, [("Content-Length", "1000000")]) + bytes(20_000))
        connection.socket.shutdown(socket.SHUT_WR)
        return wait_for(connection)


@client(
    "client sends a bad chunk",
    "400",
    ("info", "body refused: a chunk's bytes aren't followed by CRLF"),
    script="silent",
)
def sends_a_bad_chunk(stage, fault):
    with stage.connect() as connection:
        connection.send(head("POST", fault.path, [("Transfer-Encoding", "chunked")]) + b"4\r\nfourfive\r\n0\r\n\r\n")
        return wait_for(connection)


@client(
    "client stops reading",
    "200, cut short",
    ("info", "took too long to read the reply"),
    within=6.0,
    location=SEND_TIMEOUT,
    script="zeros",
    times=30,
    at_once=30,
)
def stops_reading(stage, fault):
    with stage.connect(receive_buffer=16384) as connection:
        connection.send(head("GET", fault.path))
        status = connection.response_head().status
        wait_hangup(connection.socket)
        return f"{status}, cut short"


def wait_hangup(sock, timeout=5.0):
    """Until the peer is gone, without reading what it sent."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0] != 1:  # TCP_ESTABLISHED
            return
        time.sleep(0.02)
    raise AssertionError("never hung up")


@client("client pipelines 1,000 requests", "200", (), within=10.0, location="keepalive_requests 2000;", times=5)
def pipelines(stage, fault):
    with stage.connect() as connection:
        data = connection.exchange(head("GET", fault.path) * 1000, 1)
        while data.count(b"HTTP/1.1 200 OK\r\n") + data.count(b"HTTP/1.1 200 \r\n") < 1000:
            part = connection.take(1 << 20)
            if not part:
                return f"{data.count(b'HTTP/1.1 200')} of 1000"
            data += part
        return "200"


@client(
    "client sends a request that can't be read",
    "400",
    ("info", "sent a request that is refused: more than one Content-Length"),
)
def malformed(stage, fault):
    with stage.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
        return wait_for(connection)


@client("client's head is too large", "431", ("info", "sent a request that is refused: a field is too long"))
def large_head(stage, fault):
    with stage.connect() as connection:
        connection.send(head("GET", fault.path, [("X-Big", "x" * 40_000)]))
        return wait_for(connection)


@client(
    "client announces a body that is too large",
    "413",
    ("warn", "was refused with 413: body-too-large"),
    location="client_max_body_size 1k;",
)
def large_body(stage, fault):
    with stage.connect() as connection:
        connection.send(head("POST", fault.path, [("Content-Length", "2000")]))
        return wait_for(connection)


@client("client sends plain text to a TLS port", "400", ("info", "TLS handshake failed: http request"))
def plain_text(stage, fault):
    with stage.connect("tls", context=None) as connection:
        connection.send(head("GET", fault.path))
        return wait_for(connection)


@client("client sends garbage to a TLS port", "connection closed", ("info", "TLS handshake failed: unexpected message"))
def garbage(stage, fault):
    with stage.connect("tls", context=None) as connection:
        connection.send(b"\x16\x03\x01\x00\x05garbage garbage")
        try:
            while connection.take():
                pass
        except OSError:
            pass
        return "connection closed"


@client(
    "client leaves in the middle of a handshake",
    "connection closed",
    ("info", "TLS handshake failed: the peer closed the connection"),
)
def leaves_in_a_handshake(stage, fault):
    with stage.connect("tls", context=None) as connection:
        connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        connection.socket.shutdown(socket.SHUT_WR)
        return wait_for(connection)


@client(
    "client stops in the middle of a handshake",
    "connection closed",
    ("info", "timed out during the TLS handshake"),
    within=6.0,
    times=MANY,
    at_once=MANY,
)
def stops_in_a_handshake(stage, fault):
    with stage.connect("tls", context=None) as connection:
        connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        return wait_for(connection)


@client(
    "client breaks TLS in the middle of a record",
    "connection closed",
    ("info", "broke between requests: TLS read failed: decryption failed or bad record mac"),
    times=200,
)
def breaks_tls(stage, fault):
    with stage.connect("tls") as connection:
        write_raw(connection, b"\x17\x03\x03\x00\x20" + b"\xaa" * 32)
        return wait_for(connection)


@client(
    "client leaves in the middle of a TLS record",
    "connection closed",
    ("info", "left in the middle of a request's head"),
    times=200,
)
def leaves_in_a_record(stage, fault):
    with stage.connect("tls") as connection:
        connection.send(b"GET / HTTP/1.1\r\n")
        write_raw(connection, b"\x17\x03\x03\x40\x00" + b"\xaa" * 32)
    return "connection closed"


@client("client goes on after closing TLS", "connection closed", (), times=200)
def goes_on_after_close(stage, fault):
    with stage.connect("tls") as connection:
        plain = socket.socket(fileno=os.dup(connection.socket.fileno()))
        with plain:
            connection.socket.settimeout(0)
            try:
                connection.socket.unwrap()
            except OSError:
                pass
            try:
                plain.settimeout(5)
                plain.send(b"\x17\x03\x03\x00\x20" + b"\xaa" * 32)
                plain.send(b"GET / HTTP/1.1\r\n\r\n")
                while plain.recv(65536):
                    pass
            except OSError:
                pass
        return "connection closed"


def write_raw(connection, data):
    """Past the TLS session, onto the socket."""
    os.write(connection.socket.fileno(), data)
