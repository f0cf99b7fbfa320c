"""Bounds of one stream among others: a slow one is ended alone, and each counts as a connection does where those count."""

import time

import pytest

from harness.client import basic
from harness.ports import wait_until
from harness.site import Limit, Site

from .session import session
from .test_websocket import echo, frame, opened

POSTERN = pytest.mark.peers("postern-nginx", "postern-native")
NATIVE = pytest.mark.peers("postern-native")
LIMITED = {"nginx": 503, "postern-nginx": 503, "postern-native": 429}
#: What both rates are held to at once, where nothing may be ended by either.
BOTH_RATES = "client_min_rate 1m/s over=500ms; send_min_rate 1m/s over=500ms;"


def site(recorder, **options):
    return Site(upstream=recorder.address, http2=True, **options)


def keep_going(client, stream, drip, seconds=10):
    """Sends on a stream bit by bit, while others are asked for on the same connection; how long until it had its answer."""
    began, others = time.monotonic(), 0
    while not stream.done and stream.status is None:
        assert time.monotonic() - began < seconds, "never ended"
        drip()
        assert client.ask("GET", "/other").status == 200
        others += 1
        time.sleep(0.02)
    assert others > 10
    return time.monotonic() - began


# Rates.


@POSTERN
def test_a_body_in_drips_ends_its_stream_alone(peer, start, recorder):
    server = start(peer, site(recorder, server="client_min_rate 1k/s over=1s;"))
    with session(server) as client:
        slow = client.start("POST", "/drip", [("content-length", "100000")], ends=False)
        fast = client.start("POST", "/fast", [("content-length", "100000")], ends=False)
        sent = 0

        def drip():
            nonlocal sent
            client.send(slow, b"x")
            client.send(fast, b"y" * 500)
            sent += 500

        waited = keep_going(client, slow, drip)
        assert slow.status == 408
        assert 0.9 < waited
        # The other upload of this connection was fast enough all the time, and is finished.
        client.send(fast, b"y" * (100_000 - sent), ends=True)
        assert client.finish(fast).status == 200
        assert client.ask("GET", "/after").status == 200
        assert (client.goaway, client.closed) == (None, False)
    assert recorder.last("/fast").body_length == 100_000
    server.wait_logged("slower than client_min_rate")
    assert server.error_log.count("slower than client_min_rate") == 1


@POSTERN
def test_a_reader_in_drips_loses_its_stream_alone(peer, start, recorder):
    recorder.on("/big", lambda exchange: exchange.reply(body=bytes(4 << 20)))
    server = start(peer, site(recorder, server="send_min_rate 100k/s over=1s;"))
    with session(server, window=1 << 24) as client:
        slow = client.start("GET", "/big")
        slow.reads = False

        def read_a_little():
            if slow.owed > 100:
                slow.owed -= 100
                client.h2.increment_flow_control_window(100, slow.id)
            assert len(client.ask("GET", "/big").body) == 4 << 20

        began = time.monotonic()
        while not slow.done and time.monotonic() - began < 15:
            read_a_little()
        assert slow.reset is not None and not slow.ended
        assert time.monotonic() - began > 0.9
        assert len(slow.body) < 1 << 20
        assert client.ask("GET", "/after").status == 200
        assert (client.goaway, client.closed) == (None, False)
    server.wait_logged("slower than send_min_rate")
    assert server.error_log.count("slower than send_min_rate") == 1


@POSTERN
def test_a_slow_event_stream_is_exempt(peer, start, recorder):
    def events(exchange):
        exchange.start_chunked()
        for number in range(12):
            exchange.chunk(f"data: {number}\n\n".encode() + b":" + b" " * 20_000 + b"\n\n")
            time.sleep(0.25)
        exchange.end_chunked()

    recorder.on("/events", events)
    server = start(peer, site(recorder, server=BOTH_RATES))
    with session(server) as client:
        # One is read as it comes, the other not at all for three seconds.
        read, unread = client.start("GET", "/events"), client.start("GET", "/events")
        unread.reads = False
        client.finish(read)
        assert b"data: 11\n" in read.body and read.ended
        client.ping()
        assert not unread.done and len(unread.body) == 65535
        unread.reads = True
        client.give_back(unread)
        client.finish(unread)
        assert b"data: 11\n" in unread.body and unread.ended


@POSTERN
def test_a_quiet_websocket_is_exempt(peer, start, recorder):
    recorder.on("/echo", lambda exchange: exchange.echo_websocket())
    server = start(peer, site(recorder, server=BOTH_RATES))
    with session(server) as client:
        stream = opened(client)
        assert stream.status == 200
        for _ in range(6):
            echo(client, stream, 1, b"still here")
            time.sleep(0.3)
        # It may leave what comes unread, too.
        stream.reads = False
        for _ in range(10):
            client.send(stream, frame(2, bytes(20_000)))
        client.wait(lambda: len(stream.body) > 60_000)
        began = time.monotonic()
        while time.monotonic() - began < 2:
            assert client.ask("GET", "/other").status == 200
            time.sleep(0.05)
        assert not stream.done
        stream.reads = True
        client.give_back(stream)
        client.wait(lambda: len(stream.body) > 200_000)


# Counts.


def waits(exchange):
    exchange.wait_peer_gone(20)


def at_once(recorder, count, **options):
    recorder.on("/wait", waits)
    recorder.on("/echo", lambda exchange: exchange.echo_websocket())
    return site(
        recorder,
        nginx_top="limit_conn_zone $binary_remote_addr zone=clients:1m;",
        nginx_server=f"limit_conn clients {count};",
        native_server=f"limit_conn {count} per=ip;",
        **options,
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_each_stream_counts(peer, start, recorder, workers):
    """Nginx's rule: in HTTP/2 each concurrent request is considered a separate connection."""
    server = start(peer, at_once(recorder, 3, workers=workers))
    with session(server) as client, session(server) as other:
        for _ in range(5):
            assert client.ask("GET", "/one").status == 200
        held = [client.start("GET", "/wait") for _ in range(3)]
        wait_until(lambda: sum(request.target == "/wait" for request in recorder.requests) == 3, "three requests")
        refused = client.finish(*[client.start("GET", "/more") for _ in range(5)])
        assert refused.status == LIMITED[peer]
        assert {stream.status for stream in client.streams.values() if stream.id > held[-1].id} == {LIMITED[peer]}
        assert other.ask("GET", "/more").status == LIMITED[peer]
        with server.connect() as plain:
            assert plain.request(target="/more").status == LIMITED[peer]
        # A stream that ends makes room, for whichever connection.
        client.reset(held[0])
        wait_until(lambda: other.ask("GET", "/more").status == 200, "room")
        assert client.ask("GET", "/more").status == 200
        assert not any(stream.done for stream in held[1:])


def test_an_idle_connection_is_no_request(peer, start, recorder):
    server = start(peer, at_once(recorder, 1))
    with session(server) as first, session(server) as second:
        for _ in range(3):
            assert first.ask("GET", "/x").status == 200
            assert second.ask("GET", "/x").status == 200


@POSTERN
def test_a_websocket_counts_while_it_lasts(peer, start, recorder):
    server = start(peer, at_once(recorder, 1))
    with session(server) as client:
        stream = opened(client)
        echo(client, stream, 1, b"open")
        assert client.ask("GET", "/more").status == LIMITED[peer]
        client.reset(stream)
        wait_until(lambda: client.ask("GET", "/more").status == 200, "room")


@NATIVE
def test_streams_of_a_user_and_of_a_server(peer, start, recorder, users):
    recorder.on("/wait", waits)
    lines = "limit_conn 2 per=user; limit_conn 3 per=server;"
    server = start(peer, site(recorder, auth=True, users=users, native_server=lines))
    alice, bob = [basic("alice", "password")], [basic("bob", "password")]
    with session(server) as client:
        held = [client.start("GET", "/wait", alice) for _ in range(2)]
        wait_until(lambda: len(recorder.requests) == 2, "two requests")
        # She has two on this connection; he may have one more, and then the server has enough.
        assert client.ask("GET", "/more", alice).status == 429
        assert client.ask("GET", "/more", bob).status == 200
        held.append(client.start("GET", "/wait", bob))
        wait_until(lambda: sum(request.target == "/wait" for request in recorder.requests) == 3, "three requests")
        assert client.ask("GET", "/more", bob).status == 429
        client.reset(held[0])
        wait_until(lambda: client.ask("GET", "/more", bob).status == 200, "room")


@NATIVE
def test_a_users_rate_counts_streams(peer, start, recorder, users):
    lines = "limit_req rate=1r/m burst=2 nodelay per=user; limit_req rate=1r/m burst=4 nodelay per=server;"
    server = start(peer, site(recorder, auth=True, users=users, native_server=lines))
    with session(server) as client:
        hers = [client.start("GET", "/", [basic("alice", "password")]) for _ in range(4)]
        client.finish(*hers)
        assert sorted(stream.status for stream in hers) == [200, 200, 200, 429]
        his = [client.start("GET", "/", [basic("bob", "password")]) for _ in range(3)]
        client.finish(*his)
        assert [stream.status for stream in his].count(200) in (1, 2)  # The server's five, less her three or four.
        refused = next(stream for stream in hers if stream.status == 429)
        assert 1 <= int(refused.value("retry-after")) <= 60


def test_a_rate_delays_one_stream_alone(peer, start, recorder):
    """Without nodelay a request waits for its turn; nobody behind it on the connection waits for that."""
    lines = "location /free { proxy_pass http://gateway; %s }"
    nginx = lines % "limit_req zone=free burst=100 nodelay;"
    native = lines % "limit_req rate=1000r/s burst=100 per=ip;"
    top = "limit_req_zone $binary_remote_addr zone=free:1m rate=1000r/s;"
    limit = Limit("4r/s", 10, nodelay=False)
    server = start(peer, site(recorder, limit=limit, nginx_top=top, nginx_server=nginx, native_server=native))
    with session(server) as client:
        began = time.monotonic()
        delayed = [client.start("GET", "/slow") for _ in range(5)]
        for _ in range(20):
            assert client.ask("GET", "/free").status == 200
        assert time.monotonic() - began < 0.9 and not all(stream.done for stream in delayed)
        client.finish(*delayed)
        assert [stream.status for stream in delayed] == [200] * 5
        assert 0.9 <= time.monotonic() - began < 3
