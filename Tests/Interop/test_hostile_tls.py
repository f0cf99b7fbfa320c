"""What clients can do to TLS itself, before, within and after its handshake.

Each attack runs while another client keeps a connection; bounded are the time until the attacker's ends, its lines in the
log (one), and the memory it takes.
"""

import contextlib
import os
import re
import socket
import ssl
import threading
import time

import pytest
from tlslite.api import HandshakeSettings, TLSConnection
from tlslite.constants import AlertDescription, AlertLevel, ContentType
from tlslite.errors import TLSAbruptCloseError, TLSLocalAlert, TLSRemoteAlert
from tlslite.messages import Alert, ApplicationData, ClientHello

from harness.client import head
from harness.site import Site
from hostile import hellos
from hostile.hellos import ALERT, CIPHER_CHANGE, DATA, HANDSHAKE, hello_12, hello_13, message, pieces, record

pytestmark = pytest.mark.peers("postern-nginx", "postern-native")

#: Seconds until an attacker's connection has ended, or its answer has come.
PATIENCE = 3
GROWTH = 8 << 20


@pytest.fixture
def server(peer, start, recorder):
    lines = "ssl_protocols TLSv1.2 TLSv1.3; listen {multiplexed} ssl http2;"
    return start(peer, Site(upstream=recorder.address, server=lines, listeners=["multiplexed"]))


@contextlib.contextmanager
def undisturbed(server, recorder, lines=1, says=None, growth=GROWTH):
    """Another client goes on before, while and after; the attack has left no more than `lines` lines and little memory."""
    with server.connect() as other:
        assert other.request().status == 200
        seen, memory, logged = len(recorder.requests), server.peak_memory(), len(server.error_log)
        yield
        assert other.request().status == 200
        assert server.get().status == 200
        assert len(recorder.requests) == seen + 2, "only the other client's requests went up"
    if says:
        server.wait_logged(says)
    new = [line for line in server.error_log[logged:].splitlines() if line.strip()]
    assert len(new) <= lines, new
    assert server.peak_memory() - memory < growth


def ended(connection, patience=PATIENCE):
    """All that comes until the server ends the connection, which it has to do in time."""
    connection.settimeout(patience)
    received, deadline = b"", time.monotonic() + patience
    while True:
        try:
            part = connection.recv(1 << 16)
        except ConnectionError:
            return received
        except TimeoutError:
            raise AssertionError(f"still open after {patience} s: {received[:40]}") from None
        if not part:
            return received
        received += part
        assert time.monotonic() < deadline, "still talking"


def alert(received):
    """The number of the plain alert that the bytes end with, or None."""
    match = re.search(rb"\x15\x03.\x00\x02\x02(.)$", received, re.S)
    return match[1][0] if match else None


def attack(server, *parts):
    with socket.create_connection(("127.0.0.1", server.ports["tls"])) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for part in parts:
                connection.sendall(part)
        except ConnectionError:
            pass
        return ended(connection)


# Before and within the handshake.

BIG = hellos.extension(21, bytes(65000))
SHORT_NAME = hellos.extension(0, b"\x00\x0e\x00\x00\x20localhost")
HELLO = record(HANDSHAKE, hello_13())

REFUSED = {
    "nothing but noise": ([bytes(range(128, 256)) * 64], None),
    "noise in the shape of records": ([record(HANDSHAKE, os.urandom(512)) * 8], None),
    "a record of an unknown type": ([record(99, b"x" * 32)], None),
    "data first": ([record(DATA, b"GET / HTTP/1.1\r\n\r\n")], None),
    "an alert first": ([record(ALERT, b"\x02\x28")], None),
    "warnings without end": ([record(ALERT, b"\x01\x5a") * 1000], None),
    "a change of cipher first": ([record(CIPHER_CHANGE, b"\x01") * 100], None),
    "a record longer than records are": ([record(HANDSHAKE, b"", length=0xFFFF) + bytes(65535)], 22),
    "empty records without end": ([record(HANDSHAKE, b"") * 1000], None),
    "a hello of 16 MiB, announced": ([record(HANDSHAKE, message(1, b"\x03\x03" + bytes(100), length=0xFFFFFF))], 47),
    "a hello cut off inside": ([record(HANDSHAKE, message(1, hello_13()[4:60]))], 50),
    "a hello with bytes behind": ([record(HANDSHAKE, message(1, hello_13()[4:] + b"\0\0\0"))], 50),
    "the hello of SSL 2": ([hellos.SSL2], None),
    "the hello of SSL 3": ([record(HANDSHAKE, hellos.hello(version=0x0300, common=False), 0x0300)], 40),
    "the hello of TLS 1.0": ([record(HANDSHAKE, hellos.hello(version=0x0301))], 70),
    "the hello of TLS 1.1": ([record(HANDSHAKE, hellos.hello(version=0x0302))], 70),
    "no suite in common": ([record(HANDSHAKE, hellos.hello(suites=b"\x00\x0a\x00\x05"))], 40),
    "no protocol in common": ([record(HANDSHAKE, hello_13(hellos.protocols(b"spdy/1", b"smtp")))], 120),
    "no protocol in common, TLS 1.2": ([record(HANDSHAKE, hello_12(hellos.protocols(b"spdy/1")))], 120),
    "an empty protocol": ([record(HANDSHAKE, hello_13(hellos.protocols(b"")))], 50),
    "a name longer than it is": ([record(HANDSHAKE, hello_13(SHORT_NAME, sni=None))], 50),
    "a name with NUL": ([record(HANDSHAKE, hello_13(sni=b"localhost\0.evil"))], 112),
    "a name of 300 bytes": ([record(HANDSHAKE, hello_13(sni=b"a" * 300))], 112),
    "two names": ([record(HANDSHAKE, hello_13(hellos.name(b"other")))], 47),
    "a name of another kind": ([record(HANDSHAKE, hello_13(hellos.name(b"localhost", 7), sni=None))], 50),
    "noise behind the hello": ([HELLO, os.urandom(4096)], None),
    "a hello behind the hello": ([HELLO, record(HANDSHAKE, hello_13())], None),
    "data behind the hello": ([HELLO, record(DATA, os.urandom(64))], None),
    "empty records behind the hello": ([HELLO, record(DATA, b"", 0x0303) * 200], None),
    "changes of cipher behind the hello": ([HELLO, record(CIPHER_CHANGE, b"\x01", 0x0303) * 200], None),
    "a Finished that isn't": ([record(HANDSHAKE, hello_12()), record(HANDSHAKE, message(20, bytes(12)))], None),
    "early data": ([record(HANDSHAKE, hello_13(hellos.EARLY_DATA)), record(DATA, os.urandom(300), 0x0303) * 100], None),
}


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.replace(" ", "-"))
def test_handshakes_that_are_none(peer, server, recorder, case):
    parts, number = REFUSED[case]
    with undisturbed(server, recorder, says="TLS handshake with"):
        began = time.monotonic()
        received = attack(server, *parts)
        assert time.monotonic() - began < PATIENCE
        if number is not None:
            assert alert(received) == number, received[-20:]


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("hello", [hello_12, hello_13], ids=["1.2", "1.3"])
def test_hellos_in_pieces(peer, server, recorder, hello, size):
    """Legal, so they are answered; then garbage, byte by byte."""
    with undisturbed(server, recorder):
        garbage = [bytes([byte]) for byte in os.urandom(64)]
        received = attack(server, pieces(hello(), size), *garbage, os.urandom(40000))
        assert received[:1] == b"\x16" and received[5] == 2, "a ServerHello"


@pytest.mark.parametrize("size", [16384, 64])
def test_a_hello_of_64_KiB(peer, server, recorder, size):
    with undisturbed(server, recorder):
        began = time.monotonic()
        received = attack(server, pieces(hello_13(BIG), size), os.urandom(40000))
        assert time.monotonic() - began < PATIENCE
        assert received[0] in (0x15, 0x16)


def test_many_who_stop_halfway(peer, server, recorder):
    """100 hellos of which the last byte never comes, and 100 that nothing follows."""
    connections = []
    count = 200
    with undisturbed(server, recorder, lines=count, growth=count * (64 << 10)):
        try:
            for index in range(count):
                connection = socket.create_connection(("127.0.0.1", server.ports["tls"]))
                connections.append(connection)
                connection.sendall(HELLO[:-1] if index % 2 else HELLO)
            assert server.get().status == 200
            recorder.requests.pop()
        finally:
            for connection in connections:
                connection.close()


# After the handshake.


def shaken(server, version, port="tls"):
    """A client that has shaken hands and knows how to misbehave; on the port "multiplexed" it is to speak HTTP/2."""
    raw = socket.create_connection(("127.0.0.1", server.ports[port]))
    raw.settimeout(20)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = TLSConnection(raw)
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = version
    protocols = [bytearray(b"h2")] if port == "multiplexed" else None
    connection.handshakeClientCert(settings=settings, serverName="localhost", alpn=protocols)
    connection.raw = raw
    return connection


def put(connection, *messages):
    """Sends messages as they are; False when the server has ended the connection."""
    try:
        for each in messages:
            for _ in connection._sendMsg(each, randomizeFirstBlock=False):
                pass
    except (OSError, TLSAbruptCloseError, TLSRemoteAlert):
        return False
    return True


def updated(connection, asks):
    """Takes a new key, says so, and asks for one of the server's where `asks` is 1; False as with `put`."""
    try:
        for _ in connection.send_keyupdate_request(asks):
            pass
    except (OSError, TLSAbruptCloseError, TLSRemoteAlert):
        return False
    return True


def told(connection):
    """The alert the server ends with, if its socket still gives it."""
    try:
        connection.sock.settimeout(PATIENCE)
        while connection.read(max=1 << 14, min=1):
            pass
    except TLSRemoteAlert as error:
        return error.description
    except (OSError, TLSAbruptCloseError, TLSLocalAlert):
        return None
    return None


def flood(server, recorder, version, port, step, count, says):
    """Takes up to `count` steps on a session, of which each says whether it still stands."""
    with undisturbed(server, recorder, says=says):
        connection = shaken(server, version, port)
        began, sent = time.monotonic(), 0
        while sent < count and step(connection):
            sent += 1
        assert sent < count, "all of it was taken"
        told(connection)
        assert time.monotonic() - began < 10
        connection.sock.close()


@pytest.mark.parametrize("asks", [0, 1], ids=["just-so", "asking-back"])
@pytest.mark.parametrize("port", ["tls", "multiplexed"], ids=["http1", "http2"])
def test_key_updates_are_bounded(peer, server, recorder, asks, port):
    """10,000 of them; what passes is what the sockets hold before the end is seen."""
    def step(connection):
        return updated(connection, asks)

    flood(server, recorder, (3, 4), port, step, 10_000, "too many key updates")


def test_key_updates_within_bounds(peer, server, recorder):
    connection = shaken(server, (3, 4))
    for _ in range(10):
        assert updated(connection, 1)
        connection.write(head("GET", "/"))
        assert b"200 OK" in connection.read(max=1 << 14, min=1)
    connection.sock.close()


@pytest.mark.parametrize("version, says", [((3, 3), "too many warn alerts"), ((3, 4), "")], ids=["1.2", "1.3"])
@pytest.mark.parametrize("port", ["tls", "multiplexed"], ids=["http1", "http2"])
def test_warnings_are_bounded(peer, server, recorder, version, says, port):
    warning = Alert().create(AlertDescription.user_canceled, AlertLevel.warning)
    flood(server, recorder, version, port, lambda connection: put(connection, warning), 10_000, says)


@pytest.mark.parametrize("version", [(3, 3), (3, 4)], ids=["1.2", "1.3"])
@pytest.mark.parametrize("port", ["tls", "multiplexed"], ids=["http1", "http2"])
def test_empty_records_are_bounded(peer, server, recorder, version, port):
    def step(connection):
        return put(connection, ApplicationData().create(bytearray()))

    flood(server, recorder, version, port, step, 10_000, "record too small")


@pytest.mark.parametrize("port", ["tls", "multiplexed"], ids=["http1", "http2"])
def test_renegotiation_is_bounded(peer, server, recorder, port):
    """Each attempt is refused with a warning; who goes on is ended."""

    hello = ClientHello().create((3, 3), bytearray(32), bytearray(), [0xC02F, 0x00FF], None)
    flood(server, recorder, (3, 3), port, lambda connection: put(connection, hello), 10_000, "renegotiation")


@pytest.mark.parametrize("version", [(3, 3), (3, 4)], ids=["1.2", "1.3"])
@pytest.mark.parametrize(
    "garbage",
    {
        "noise": os.urandom(4096),
        "records-of-noise": record(DATA, os.urandom(512), 0x0303) * 4,
        "oversize": record(DATA, b"", 0x0303, length=16384 + 2049) + bytes(16384 + 2049),
        "just-within": record(DATA, os.urandom(16384 + 256), 0x0303),
        "plain-alert": record(ALERT, b"\x01\x00", 0x0303),
        "plain-hello": HELLO,
        "tiny": record(DATA, b"x", 0x0303),
        "empty": record(DATA, b"", 0x0303) * 100,
    }.items(),
    ids=lambda pair: pair[0],
)
@pytest.mark.parametrize("where", ["idle", "in-a-head", "in-a-body"])
def test_garbage_after_the_handshake(peer, server, recorder, version, garbage, where):
    with undisturbed(server, recorder):
        connection = shaken(server, version)
        if where == "in-a-head":
            connection.write(b"GET / HTTP/1.1\r\nHost: local")
        if where == "in-a-body":
            connection.write(head("POST", "/.postern/nowhere", [("Content-Length", "100")])[:-2])
        connection.raw.sendall(garbage[1])
        ended(connection.raw)
        connection.sock.close()


@pytest.mark.parametrize("version", [(3, 3), (3, 4)], ids=["1.2", "1.3"])
def test_a_handshake_message_after_the_handshake(peer, server, recorder, version):
    """A Finished, a Certificate, a request for a certificate: none has a place there."""
    for kind in (11, 13, 15, 20):
        with undisturbed(server, recorder):
            connection = shaken(server, version)
            raw = connection._recordLayer
            for _ in raw.sendRecord(Raw(ContentType.handshake, message(kind, bytes(32)))):
                pass
            ended(connection.raw)
            connection.sock.close()


class Raw:
    """A message of any bytes, for tlslite's record layer."""

    def __init__(self, kind, data):
        self.contentType = kind
        self.data = bytearray(data)

    def write(self):
        return self.data


# Ends.


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_a_request_after_close_notify_is_none(peer, server, recorder, version):
    with undisturbed(server, recorder):
        old = (3, 3) if version == ssl.TLSVersion.TLSv1_2 else (3, 4)
        connection = shaken(server, old)
        put(
            connection,
            Alert().create(AlertDescription.close_notify, AlertLevel.warning),
            ApplicationData().create(bytearray(head("GET", "/"))),
        )
        ended(connection.raw)
        connection.sock.close()


@pytest.mark.parametrize("version", [(3, 3), (3, 4)], ids=["1.2", "1.3"])
@pytest.mark.parametrize("layer", ["tls", "tcp"])
def test_half_closed_after_a_request(peer, server, recorder, version, layer):
    """Both directions end apart: the request before the end is answered, and then the connection ends."""
    connection = shaken(server, version)
    connection.write(head("GET", "/"))
    if layer == "tls":
        put(connection, Alert().create(AlertDescription.close_notify, AlertLevel.warning))
    else:
        connection.raw.shutdown(socket.SHUT_WR)
    began = time.monotonic()
    ended(connection.raw)
    assert time.monotonic() - began < PATIENCE
    connection.sock.close()
    assert server.get().status == 200


def test_close_notify_within_the_handshake(peer, server, recorder):
    with undisturbed(server, recorder):
        attack(server, HELLO, record(ALERT, b"\x01\x00", 0x0303), record(ALERT, b"\x01\x00", 0x0303))


def test_attackers_at_once(peer, server, recorder):
    """Eight of the floods beside each other; another client's requests go on all the while."""
    stop = threading.Event()

    def run():
        while not stop.is_set():
            with contextlib.suppress(Exception):
                attack(server, HELLO, os.urandom(2000))
            with contextlib.suppress(OSError):
                connection = shaken(server, (3, 4))
                while updated(connection, 1):
                    pass
                connection.sock.close()

    threads = [threading.Thread(target=run, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        slowest, deadline = 0.0, time.monotonic() + 2
        while time.monotonic() < deadline:
            began = time.monotonic()
            assert server.get().status == 200
            slowest = max(slowest, time.monotonic() - began)
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    assert slowest < 1.5, "the test's own threads share the interpreter"
    assert server.get().status == 200
