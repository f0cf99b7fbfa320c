"""Bounds on clients: requests at once, connections of one address, and how slow one may be."""

import socket
import time

import pytest

from harness.ports import wait_until
from harness.site import Site

LIMITED = {"nginx": 503, "postern-nginx": 503, "postern-native": 429}


def waiting(recorder):
    """An upstream that answers `/wait` when its client has gone."""
    recorder.on("/wait", lambda exchange: exchange.wait_peer_gone(20))
    recorder.on("/ws", lambda exchange: (exchange.accept_websocket(), exchange.echo_websocket()))
    return recorder


def at_once(recorder, count, **options):
    return Site(
        upstream=recorder.address,
        nginx_top="limit_conn_zone $binary_remote_addr zone=clients:1m;",
        nginx_server=f"limit_conn clients {count};",
        native_server=f"limit_conn {count} per=ip;",
        **options,
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_requests_at_once(peer, start, recorder, workers):
    server = start(peer, at_once(waiting(recorder), 3, workers=workers))
    connections = [server.connect() for _ in range(3)]
    for connection in connections:
        connection.send(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wait_until(lambda: len(recorder.requests) == 3, "three requests")
    assert server.get("/more").status == LIMITED[peer]
    connections[0].close()
    wait_until(lambda: server.get("/more").status == 200, "room")
    for connection in connections[1:]:
        connection.close()


def test_idle_connections_are_no_requests(peer, start, recorder):
    server = start(peer, at_once(recorder, 1))
    with server.connect() as first, server.connect() as second:
        for _ in range(3):
            assert first.request().status == 200
            assert second.request().status == 200


def test_upgraded_connections_count_while_they_last(peer, start, recorder):
    server = start(peer, at_once(waiting(recorder), 1))
    fields = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    connection = server.connect()
    assert connection.request(target="/ws", fields=fields).status == 101
    time.sleep(0.2)
    assert server.get("/more").status == LIMITED[peer]
    connection.close()
    wait_until(lambda: server.get("/more").status == 200, "room")


@pytest.mark.peers("postern-nginx", "postern-native")
@pytest.mark.parametrize("workers", [1, 2])
def test_connections_of_one_address(peer, start, recorder, workers):
    server = start(peer, Site(upstream=recorder.address, workers=workers, top="client_max_connections 20 per=ip;"))
    # The connection that told that the server is there must have been seen to end, on whichever loop.
    server.wait_logged("the peer closed the connection")
    # Whatever they do: idle, in a handshake, with half a head.
    connections = [server.connect("plain") for _ in range(10)]
    connections += [server.connect("tls", context=None) for _ in range(9)]
    connections[0].send(b"GET / HT")
    connections.append(server.connect())
    assert connections[-1].request().status == 200
    refused = 0
    for _ in range(50):
        with server.connect("plain") as connection:
            try:
                refused += connection.take() == b""
            except ConnectionError:
                refused += 1
    assert refused == 50
    assert server.error_log.count("which is all that client_max_connections allows") == 1
    assert server.error_log.count("raise client_max_connections; if it is a balancer's, name it in set_real_ip_from") == 1
    with server.connect("plain", source="127.0.0.2") as other:
        assert other.request().status == 200
    for connection in connections:
        connection.close()
    wait_until(lambda: _answers(server), "room")


def _answers(server):
    try:
        return server.get(port="plain").status == 200
    except (ConnectionError, OSError):
        return False


@pytest.mark.peers("postern-nginx", "postern-native")
@pytest.mark.parametrize("port", ["plain", "tls"])
def test_a_body_in_drips_gets_408(peer, start, recorder, port):
    server = start(peer, Site(upstream=recorder.address, server="client_min_rate 1k/s over=1s;"))
    began = time.monotonic()
    with server.connect(port) as connection:
        connection.send(b"POST /drip HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
        connection.socket.settimeout(0.05)
        reply = None
        while reply is None and time.monotonic() - began < 15:
            connection.send(b"x")
            try:
                reply = connection.response()
            except TimeoutError:
                continue
    assert reply.status == 408
    assert 0.9 <= time.monotonic() - began < 10
    server.wait_logged("slower than client_min_rate")


@pytest.mark.peers("postern-nginx", "postern-native")
@pytest.mark.parametrize("port", ["plain", "tls"])
def test_a_reader_in_drips_is_cut_off(peer, start, recorder, port):
    body = bytes(16 << 20)
    recorder.on("/big", lambda exchange: exchange.reply(body=body))
    server = start(peer, Site(upstream=recorder.address, server="send_min_rate 100k/s over=1s;"))
    with server.connect(port, receive_buffer=4096) as connection:
        connection.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        ended = False
        began = time.monotonic()
        while not ended and time.monotonic() - began < 20:
            time.sleep(0.05)
            try:
                ended = connection.take(100) == b""
            except OSError:
                ended = True
    assert ended
    server.wait_logged("slower than send_min_rate")


@pytest.mark.peers("postern-nginx", "postern-native")
def test_a_slow_event_stream_is_not(peer, start, recorder):
    def events(exchange):
        exchange.start_chunked()
        for number in range(12):
            exchange.chunk(f"data: {number}\n\n".encode())
            time.sleep(0.25)
        exchange.end_chunked()

    recorder.on("/events", events)
    server = start(
        peer, Site(upstream=recorder.address, server="send_min_rate 1m/s over=500ms; client_min_rate 1m/s over=500ms;")
    )
    reply = server.get("/events")
    assert reply.status == 200
    assert reply.text.endswith("data: 11\n\n")
