"""Streams of one connection: many of them, their ends, their windows, and what happens to them when the server goes on."""

import os
import signal
import subprocess
import threading
import time

import pytest
from hyperframe.frame import DataFrame

from harness.ports import wait_until
from harness.site import Site

from . import frames
from .frames import Wire
from .session import session

MEBIBYTE = 1 << 20
CANCEL, NO_ERROR, PROTOCOL_ERROR = 8, 0, 1
BOTH = pytest.mark.peers("postern-nginx", "postern-native")
NATIVE = pytest.mark.peers("postern-native")


def site(recorder, **options):
    return Site(upstream=recorder.address, http2=True, **options)


@pytest.fixture
def server(peer, start, recorder):
    return start(peer, site(recorder))


# Many at once.


def test_more_streams_than_the_limit(peer, server, recorder):
    """A client that keeps to the limit of 128 has all of its 200 requests answered."""
    with session(server) as client:
        client.ping()
        limit = client.h2.remote_settings.max_concurrent_streams
        assert limit == 128
        open_now, answered = [], []
        for number in range(200):
            while len(open_now) >= limit:
                client.wait(lambda: any(stream.done for stream in open_now))
                answered += [stream for stream in open_now if stream.done]
                open_now = [stream for stream in open_now if not stream.done]
            open_now.append(client.start("GET", f"/{number}"))
        client.finish(*open_now)
        assert [stream.status for stream in answered + open_now] == [200] * 200
    assert sorted(int(request.target[1:]) for request in recorder.requests) == list(range(200))


@NATIVE
def test_streams_beyond_the_limit_are_not_served(peer, start, recorder):
    """A client that doesn't keep to the limit it has agreed to loses the connection, and the log says why."""
    go = threading.Event()
    recorder.on("/held", lambda exchange: (go.wait(10), exchange.reply()))
    server = start(peer, site(recorder, server="http2_max_concurrent_streams 4;"))
    with session(server) as client:
        client.ping()
        assert client.h2.remote_settings.max_concurrent_streams == 4
        client.h2.remote_settings._settings[3].clear()  # Forgets what it was told.
        client.h2.remote_settings._settings[3].append(1000)
        streams = [client.start("GET", "/held") for _ in range(10)]
        assert client.wait_end() == PROTOCOL_ERROR
        go.set()
        assert not any(stream.status for stream in streams)
    assert len(recorder.requests) <= 4
    server.wait_logged("HTTP/2's rules were violated")


@BOTH
def test_a_slow_reply_holds_nobody_up(peer, server, recorder):
    go = threading.Event()
    recorder.on("/slow", lambda exchange: (go.wait(10), exchange.reply(body=b"slow")))
    with session(server) as client:
        slow = client.start("GET", "/slow")
        assert [client.ask("GET", f"/{number}").status for number in range(50)] == [200] * 50
        assert not slow.done
        go.set()
        assert client.finish(slow).text == "slow"


# A client that gives a stream up: its upstream connection is closed, and the others go on.


def waits_for_its_end(gone):
    """A handler that tells when the proxy has left it."""

    def handler(exchange):
        gone.append(exchange.wait_peer_gone(10))
        exchange.close()

    return handler


def cancelled(server, recorder, begin, handler, needs_head=True):
    """A stream that is begun, and reset when it is where it should be."""
    reached, gone = threading.Event(), []
    wait = waits_for_its_end(gone)
    recorder.on_head("/given-up", lambda exchange: (handler(exchange), reached.set(), wait(exchange)))
    with session(server) as client:
        other = client.start("GET", "/other")
        stream = begin(client)
        wait_until(lambda: client.move(0.01) or reached.is_set(), "the phase")
        client.reset(stream, CANCEL)
        client.wait(lambda: gone, 5)
        assert client.finish(other).status == 200
        assert client.ask("GET", "/after").status == 200
    assert gone == [True]


@BOTH
def test_reset_while_waiting_for_the_reply(peer, server, recorder):
    cancelled(server, recorder, lambda client: client.start("GET", "/given-up"), lambda exchange: None)


@BOTH
def test_reset_while_the_body_is_sent(peer, server, recorder):
    def begin(client):
        return client.start("POST", "/given-up", [("content-length", "100000")], b"x" * 20000, ends=False)

    cancelled(server, recorder, begin, lambda exchange: exchange.receive(1000))


@BOTH
def test_reset_while_an_unsized_body_is_sent(peer, server, recorder):
    def begin(client):
        return client.start("POST", "/given-up", [], b"x" * 20000, ends=False)

    cancelled(server, recorder, begin, lambda exchange: exchange.receive(1000))


@BOTH
def test_reset_in_the_reply(peer, server, recorder):
    def begin(client):
        stream = client.start("GET", "/given-up")
        client.wait(lambda: stream.body)
        return stream

    cancelled(server, recorder, begin, lambda exchange: (exchange.start_chunked(), exchange.chunk(b"some")))


@BOTH
def test_reset_while_the_window_is_shut(peer, server, recorder):
    """The proxy has read all it wanted and waits for the client; the upstream waits for the proxy."""

    def begin(client):
        stream = client.start("GET", "/given-up")
        stream.reads = False
        client.wait(lambda: len(stream.body) >= 65535)
        return stream

    def fill(exchange):
        exchange.start_chunked()
        exchange.chunk(b"x" * 100_000)

    cancelled(server, recorder, begin, fill)


@NATIVE
def test_reset_before_the_login_is_decided(peer, start, recorder):
    """The hash is under way; what comes of it finds nobody."""
    import subprocess

    from harness.client import basic

    users = subprocess.run(
        ["htpasswd", "-nbBC", "11", "carol", "password"], capture_output=True, text=True, check=True
    ).stdout
    server = start(peer, site(recorder, auth=True, users=users))
    with session(server) as client:
        for number in range(5):
            stream = client.start("GET", f"/{number}", [("authorization", basic("carol", f"wrong{number}")[1])])
            client.ping()
            client.reset(stream)
        assert client.ask("GET", "/last", [("authorization", basic("carol", "password")[1])]).status == 200
    assert [request.target for request in recorder.requests] == ["/last"]


@BOTH
def test_the_connection_goes_while_streams_run(peer, server, recorder):
    gone = []
    recorder.on("/held", waits_for_its_end(gone))
    with session(server) as client:
        for _ in range(10):
            client.start("GET", "/held")
        client.wait(lambda: len(recorder.for_path("/held")) == 10)
    wait_until(lambda: len(gone) == 10, "ten upstream connections to be freed")
    assert gone == [True] * 10


# An upstream that fails.


def no_reply(exchange):
    exchange.close()


def half_a_head(exchange):
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-")
    exchange.close()


def garbage(exchange):
    exchange.send(b"\x00\x01 garbage\r\n\r\n")
    exchange.close()


def silence(exchange):
    exchange.wait_peer_gone(10)
    exchange.close()


def half_a_body(exchange):
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour")
    exchange.close()


def half_a_chunk(exchange):
    exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n8\r\nfo")
    exchange.close()


def reset_in_the_body(exchange):
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour")
    time.sleep(0.05)
    exchange.reset()


def bad_chunk(exchange):
    exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfourfive\r\n0\r\n\r\n")
    exchange.close()


FAILURES = {
    "no reply": (no_reply, 502),
    "half a head": (half_a_head, 502),
    "garbage": (garbage, 502),
    "silence": (silence, 504),
    "half a body": (half_a_body, "reset"),
    "half a chunk": (half_a_chunk, "reset"),
    "a reset in the body": (reset_in_the_body, "reset"),
    "a bad chunk": (bad_chunk, "reset"),
}


@BOTH
def test_upstreams_that_fail(peer, start, recorder):
    server = start(peer, site(recorder, location="proxy_read_timeout 400ms;"))
    seen = {}
    with session(server) as client:
        streams = {}
        for name, (handler, _) in FAILURES.items():
            path = "/" + name.replace(" ", "-")
            recorder.on(path, handler)
            streams[name] = client.start("POST", path, body=b"x")
        client.finish(*streams.values())
        for name, stream in streams.items():
            # What can't be whole isn't begun, unless its beginning is out already.
            cut = stream.reset is not None and stream.status in (None, 200) and not stream.ended
            seen[name] = "reset" if cut else stream.status
        assert client.ask("GET", "/after").status == 200
    assert seen == {name: outcome for name, (_, outcome) in FAILURES.items()}


@BOTH
def test_an_upstream_that_is_not_there(peer, start, recorder):
    server = start(peer, Site(upstream="127.0.0.1:9", http2=True))
    with session(server) as client:
        streams = [client.start("GET", f"/{number}") for number in range(20)]
        client.finish(*streams)
        assert {stream.status for stream in streams} == {502}


# Bodies that aren't as long as was said.


@BOTH
@pytest.mark.parametrize("said, sent", [(10, 4), (4, 10), (0, 5), (5, 0)])
def test_a_body_against_its_length(peer, server, recorder, said, sent):
    with session(server) as client:
        stream = client.start("POST", "/length", [("content-length", str(said))], ends=sent == 0)
        if sent:
            client.send(stream, b"x" * sent, ends=True)
        client.finish(stream)
        # A length of 0 is a whole request, which may have had its answer when the rest comes.
        assert stream.reset == 1 or stream.status == 400 or said == 0
        assert client.ask("GET", "/after").status == 200
    whole = [request for request in recorder.for_path("/length") if request.body_length == sent]
    assert whole == []


@BOTH
def test_a_body_that_goes_on_while_its_reply_waits(peer, server, recorder):
    """The gateway has answered what looked whole; the client's shut window holds the answer's end back when more comes."""
    recorder.on("/short", lambda exchange: exchange.reply(body=b"x" * 70_000))
    with session(server) as client:
        stream = client.start("POST", "/short", [("content-length", "5")], b"hello", ends=False)
        stream.reads = False
        client.wait(lambda: len(stream.body) == 65535)
        assert client.ask("GET", "/between").status == 200
        client.send(stream, b"more")
        client.wait(lambda: stream.reset is not None)
        assert stream.reset == PROTOCOL_ERROR
        assert client.ask("GET", "/after").status == 200
    said = "client's stream was reset: more body than content-length says; from 127.0.0.1"
    wait_until(lambda: server.error_log.count(said) == 1, "the line that says why")


# Flow control.


@BOTH
def test_a_stalled_download_holds_its_window_and_no_more(peer, server, recorder):
    """64 streams whose replies nobody reads: each costs its window and what the proxy reads ahead of it."""
    sent = []

    def endless(exchange):
        count = 0
        try:
            exchange.start_chunked()
            while True:
                exchange.chunk(b"x" * 16384)
                count += 16384
                counts[threading.get_ident()] = count
        except OSError:
            sent.append(count)

    counts = {}
    recorder.on("/endless", endless)
    with session(server, window=64 * 65535 + MEBIBYTE) as client:
        client.ask("GET", "/warm")
        before = server.resident()
        streams = [client.start("GET", "/endless") for _ in range(64)]
        for stream in streams:
            stream.reads = False
        client.wait(lambda: all(len(stream.body) == 65535 for stream in streams))
        for _ in range(20):
            assert client.ask("GET", "/others").status == 200
        settled = 0
        while settled != (settled := sum(counts.values())):
            client.move(0.2)
        grown = server.resident() - before
        # The pieces that lie in the sockets' buffers between proxy and upstream are the kernel's.
        assert grown < 64 * (65535 + 65536) + MEBIBYTE, f"{grown >> 10} KiB"
        for stream in streams:
            assert len(stream.body) == 65535
            client.reset(stream)
        assert client.ask("GET", "/after").status == 200


@BOTH
def test_a_refused_upload_may_end(peer, server, recorder):
    """A reply that comes before the body's end doesn't cost the stream: it isn't reset while the client goes on sending."""
    with session(server) as client:
        refused = client.start("POST", "/a/%zz", [("content-length", "60000")], ends=False)
        client.wait(lambda: refused.ended)
        assert refused.status == 400
        for _ in range(6):
            client.send(refused, b"x" * 10_000)
            assert client.ask("GET", "/beside").status == 200
        client.send(refused, b"", ends=True)
        client.ping()
        assert refused.reset is None
    assert [request.target for request in recorder.requests] == ["/beside"] * 6


@BOTH
def test_a_refused_upload_ends_in_time(peer, server, recorder):
    """A client that never ends the body of a request that is answered is told to stop after two seconds."""
    with session(server) as client:
        refused = client.start("POST", "/a/%zz", [("content-length", "60000")], ends=False)
        client.wait(lambda: refused.ended)
        began = time.monotonic()
        client.wait(lambda: refused.reset is not None, 5)
        assert refused.reset == NO_ERROR
        assert 1.5 < time.monotonic() - began < 4
        assert client.ask("GET", "/after").status == 200


@BOTH
def test_curl_keeps_the_reply_to_a_refused_upload(peer, server, recorder):
    """curl takes a stream's reset for the loss of its reply, whatever the code."""
    url = f"https://localhost:{server.ports['tls']}/a/%zz"
    for _ in range(20):
        shown = subprocess.run(
            ["curl", "-sk", "--http2", "-d", "x" * 100, "-o", os.devnull, "-w", "%{http_code} %{errormsg}", url],
            capture_output=True, text=True, timeout=20, check=False,
        )
        assert shown.stdout == "400 "


@BOTH
def test_a_stalled_upload_holds_its_window_and_no_more(peer, server, recorder):
    """An upstream that reads nothing: each upload stops at its window, and other streams go on."""
    go = threading.Event()
    recorder.on_head("/stuck", lambda exchange: (go.wait(20), exchange.close()))
    with session(server) as client:
        client.ask("GET", "/warm")
        before = server.resident()
        streams = [client.start("POST", "/stuck", [], b"x" * (32 * MEBIBYTE), ends=True) for _ in range(8)]
        last = -1
        until = time.monotonic() + 10
        while last != (last := sum(len(stream.outgoing) for stream in streams)) and time.monotonic() < until:
            for _ in range(5):
                client.move(0.1)
        assert all(stream.outgoing for stream in streams)
        grown = server.resident() - before
        assert grown < 8 * (65535 + 2 * 65536) + MEBIBYTE, f"{grown >> 10} KiB"
        assert client.ask("GET", "/others").status == 200
        assert client.ask("POST", "/others", body=b"a body of its own" * 100).status == 200
        go.set()


@BOTH
def test_a_small_window_is_kept(peer, start, recorder):
    """A stream goes on as its window does, by a byte at a time if need be."""
    recorder.on("/big", lambda exchange: exchange.reply(body=b"x" * 1000))
    server = start(peer, site(recorder, listeners=["h2c"], server="listen {h2c} http2;"))
    with Wire(server.ports["h2c"], None, frames.PREFACE + frames.settings((4, 100))) as wire:
        wire.send(frames.get(1, "/big", scheme="http"))
        sizes = []
        for came in wire.frames():
            if isinstance(came, DataFrame):
                sizes.append(len(came.data))
                if "END_STREAM" in came.flags:
                    break
                wire.send(frames.window(1, 1 if len(sizes) < 10 else 500))
    assert sizes[:10] == [100] + [1] * 9
    assert sum(sizes) == 1000


@NATIVE
def test_chunk_size(peer, start, recorder):
    recorder.on("/big", lambda exchange: exchange.reply(body=b"x" * 100_000))
    server = start(peer, site(recorder, server="http2_chunk_size 2k;"))
    with session(server) as client:
        stream = client.ask("GET", "/big")
        assert len(stream.body) == 100_000
        assert max(stream.frames) == 2048


@pytest.mark.peers("nginx", "postern-nginx", "postern-native")
def test_preread_size(peer, start, recorder):
    """What a client may send of a body before anybody has asked for it."""
    go = threading.Event()
    recorder.on_head("/stuck", lambda exchange: (go.wait(20), exchange.close()))
    server = start(peer, site(recorder, server="http2_body_preread_size 10k;"))
    with session(server) as client:
        client.ping()
        assert client.h2.remote_settings.initial_window_size == 10240


# Ends of a connection.


@BOTH
def test_drain_finishes_what_runs(peer, start, recorder):
    go = threading.Event()
    recorder.on("/slow", lambda exchange: (exchange.start_chunked(), go.wait(10), exchange.chunk(b"end"), exchange.end_chunked()))
    server = start(peer, site(recorder))
    with session(server) as client:
        streams = [client.start("GET", "/slow") for _ in range(10)]
        client.wait(lambda: all(stream.status == 200 for stream in streams))
        server.signal(signal.SIGQUIT)
        client.wait(lambda: client.goaway is not None)
        assert client.goaway == NO_ERROR
        go.set()
        client.wait(lambda: all(stream.done for stream in streams))
        assert {bytes(stream.body) for stream in streams} == {b"end"}
        assert client.wait_end() == NO_ERROR
    assert server.wait_exit() == 0


@BOTH
def test_a_drain_ends_idle_connections(peer, start, recorder):
    server = start(peer, site(recorder))
    with session(server) as client:
        client.ask("GET", "/")
        server.signal(signal.SIGQUIT)
        assert client.wait_end(5) == NO_ERROR
    assert server.wait_exit() == 0


def test_requests_of_one_connection(peer, start, recorder):
    server = start(peer, site(recorder, server="keepalive_requests 10;"))
    with session(server) as client:
        for number in range(10):
            assert client.ask("GET", f"/{number}").status == 200
        assert client.wait_end(5) == NO_ERROR
        assert client.last_stream >= 19
    with session(server) as client:
        assert client.ask("GET", "/again").status == 200


def test_keepalive_timeout(peer, start, recorder):
    server = start(peer, site(recorder, server="keepalive_timeout 1s;"))
    with session(server) as client:
        assert client.ask("GET", "/").status == 200
        began = time.monotonic()
        assert client.wait_end(10) == NO_ERROR
        assert 0.5 < time.monotonic() - began < 4


@BOTH
def test_an_idle_stream_keeps_its_connection(peer, start, recorder):
    """The keep-alive timeout is for connections without a stream."""
    go = threading.Event()
    recorder.on("/slow", lambda exchange: (go.wait(10), exchange.reply()))
    server = start(peer, site(recorder, server="keepalive_timeout 300ms;"))
    with session(server) as client:
        stream = client.start("GET", "/slow")
        until = time.monotonic() + 1
        while time.monotonic() < until:
            client.move(0.1)
        assert not client.closed and client.goaway is None
        go.set()
        assert client.finish(stream).status == 200


@BOTH
def test_a_reload_keeps_streams(peer, start, recorder):
    """What runs finishes on what it began with; what begins on the same connection afterwards may meet the new rules."""
    go = threading.Event()
    recorder.on("/slow", lambda exchange: (go.wait(10), exchange.reply(body=b"old")))
    server = start(peer, site(recorder))
    with session(server) as client:
        streams = [client.start("GET", "/slow") for _ in range(10)]
        client.wait(lambda: len(recorder.for_path("/slow")) == 10)
        denied = "location = /denied { deny all; }"
        server.rewrite(site(recorder, nginx_server=denied, native_server=denied))
        server.reload()
        go.set()
        client.finish(*streams)
        assert {stream.text for stream in streams} == {"old"}
        if client.goaway is None:
            assert client.ask("GET", "/denied").status == 403
    with session(server) as client:
        assert client.ask("GET", "/denied").status == 403


@BOTH
def test_prior_knowledge_streams(peer, start, recorder):
    """All the same without TLS."""
    server = start(peer, site(recorder, listeners=["h2c"], server="listen {h2c} http2;"))
    with session(server, "h2c") as client:
        streams = [client.start("POST", f"/{number}", body=b"x" * 100_000) for number in range(50)]
        client.finish(*streams)
        assert {stream.status for stream in streams} == {200}
    assert all(request.body_length == 100_000 for request in recorder.requests)
