"""WebSocket through the proxy, with Python's websockets and byte by byte."""

import os
import threading

import pytest
from websockets.exceptions import InvalidStatus

from harness.client import basic, head
from harness.site import Site
from harness.websocket import WebSocket

UPGRADE = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]


@pytest.fixture
def server(peer, start, recorder, users):
    recorder.on("/echo", lambda exchange: exchange.echo_websocket())
    recorder.on("/raw", lambda exchange: exchange.echo_bytes())
    return start(peer, Site(upstream=recorder.address, auth=True, users=users))


def open_socket(server, path="/echo", user="alice", password="password", **options):
    return WebSocket(
        f"wss://localhost:{server.ports['tls']}{path}", server.context, dict([basic(user, password)]), **options
    )


def test_messages_are_echoed(peer, server, recorder):
    with open_socket(server) as socket:
        for message in ["hello", "", "ünïcode", b"\x00\x01\xff", "x" * 70000]:
            assert socket.echo(message) == message
        socket.ping()
    upgrade = recorder.last("/echo")
    assert upgrade.value("Upgrade") == "websocket"
    assert upgrade.value("Connection").lower() == "upgrade"


def test_a_25_mib_message(peer, server):
    message = os.urandom(25 << 20)
    with open_socket(server, compression=None) as socket:
        assert socket.echo(message) == message


def test_the_close_code_arrives(peer, server):
    with open_socket(server) as socket:
        socket.close(4000, "two ticks missed")
        assert socket.close_code == 4000


def test_a_wrong_password_is_refused(peer, server, recorder):
    with pytest.raises(InvalidStatus) as refusal:
        open_socket(server, password="wrong")
    assert refusal.value.response.status_code == 401
    assert recorder.requests == []


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_the_gateways_refusal_arrives_as_it_is(peer, server, recorder, status):
    recorder.on("/no", lambda exchange: exchange.reply(status, b"no, and here is why\n", [("X-Why", "because")]))
    with pytest.raises(InvalidStatus) as refusal:
        open_socket(server, "/no")
    response = refusal.value.response
    assert (response.status_code, response.headers["X-Why"], response.body) == (
        status,
        "because",
        b"no, and here is why\n",
    )


def test_bytes_right_behind_the_101_arrive(peer, server, recorder):
    recorder.on("/greet", lambda exchange: (exchange.accept_websocket(b"\x81\x05hello"), exchange.receive()))
    with server.connect() as connection:
        answer = connection.request("GET", "/greet", [*UPGRADE, basic("alice", "password")])
        assert answer.status == 101
        assert answer.value("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert connection.exactly(7) == b"\x81\x05hello"


def test_bytes_pass_untouched(peer, server):
    with server.connect() as connection:
        assert connection.request("GET", "/raw", [*UPGRADE, basic("alice", "password")]).status == 101
        for block in [b"\x00", b"GET / HTTP/1.1\r\n\r\n", os.urandom(200_000)]:
            assert connection.exchange(block, len(block)) == block


def test_early_client_bytes_are_not_lost(peer, server):
    """A client that sends frames before it has seen the 101 is impatient, not hostile."""
    with server.connect() as connection:
        connection.send(head("GET", "/raw", [*UPGRADE, basic("alice", "password")]) + b"early bytes")
        assert connection.response().status == 101
        assert connection.exactly(11) == b"early bytes"


def test_closing_the_client_closes_the_gateways_side(peer, server, recorder):
    gone = threading.Event()

    def hold(exchange):
        exchange.accept_websocket()
        if exchange.wait_peer_gone(10):
            gone.set()

    recorder.on("/hold", hold)
    connection = server.connect()
    assert connection.request("GET", "/hold", [*UPGRADE, basic("alice", "password")]).status == 101
    connection.close()
    assert gone.wait(5)


def test_closing_the_gateways_side_closes_the_client(peer, server, recorder):
    recorder.on("/bye", lambda exchange: exchange.accept_websocket(b"\x88\x00"))
    with server.connect() as connection:
        assert connection.request("GET", "/bye", [*UPGRADE, basic("alice", "password")]).status == 101
        assert connection.exactly(2) == b"\x88\x00"
        assert connection.is_closed()


@pytest.mark.peers("postern-nginx", "postern-native")
def test_an_upgrade_needs_no_lines_in_the_file(peer, start, recorder):
    """The guide's file forgets Upgrade and Connection; Postern passes a WebSocket all the same."""
    recorder.on("/echo", lambda exchange: exchange.echo_websocket())
    server = start(peer, Site(upstream=recorder.address, websocket_lines=False))
    with WebSocket(f"wss://localhost:{server.ports['tls']}/echo", server.context) as socket:
        assert socket.echo("hello") == "hello"


@pytest.mark.peers("postern-nginx", "postern-native")
def test_a_refusal_without_its_blank_line_is_a_502(peer, server, recorder):
    recorder.on(
        "/old",
        lambda exchange: (exchange.send(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\n"), exchange.close()),
    )
    with server.connect() as connection:
        assert connection.request("GET", "/old", [*UPGRADE, basic("alice", "password")]).status == 502


@pytest.mark.peers("postern-nginx", "postern-native")
def test_without_a_101_the_connection_stays_http(peer, server, recorder):
    recorder.on("/plain", lambda exchange: exchange.reply(200, b"no upgrade here"))
    with server.connect() as connection:
        assert connection.request("GET", "/plain", [*UPGRADE, basic("alice", "password")]).status == 200
        assert connection.request("GET", "/again", [basic("alice", "password")]).status == 200
