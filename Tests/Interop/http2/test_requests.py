"""Requests over HTTP/2: what passes, how it arrives upstream, what it comes back as."""

import hashlib
import random
import re
import subprocess
import threading
import time

import pytest

from harness.client import basic
from harness.site import Limit, Site

from .session import session

MEBIBYTE = 1 << 20


@pytest.fixture
def server(peer, start, recorder):
    return start(peer, site(recorder))


def site(recorder, **options):
    return Site(upstream=recorder.address, http2=True, **options)


def curl(server, path, *arguments, port="tls"):
    """curl's body, and what it says about the reply: version, status."""
    scheme = "https" if port == "tls" else "http"
    done = subprocess.run(
        ["curl", "-sk", "--max-time", "20", "-w", "\n%{http_version} %{http_code}", *arguments]
        + [f"{scheme}://127.0.0.1:{server.ports[port]}{path}"],
        capture_output=True,
        timeout=30,
    )
    body, _, words = done.stdout.rpartition(b"\n")
    return body, words.decode()


# The choice of the protocol.


@pytest.mark.parametrize("flag, version", [("--http2", "2"), ("--http1.1", "1.1"), ("--http1.0", "1.1")])
def test_alpn_chooses(peer, server, flag, version):
    assert curl(server, "/", flag) == (b"ok\n", f"{version} 200")


def test_alpn_offers_nothing_that_is_not_asked_for(start, recorder):
    server = start("postern-native", Site(upstream=recorder.address))
    assert curl(server, "/", "--http2") == (b"ok\n", "1.1 200")


@pytest.mark.peers("postern-nginx", "postern-native")
def test_http2_on(peer, start, recorder):
    """The directive, which Nginx has since 1.25."""
    server = start(peer, Site(upstream=recorder.address, server="http2 on;"))
    assert curl(server, "/", "--http2") == (b"ok\n", "2 200")


def test_prior_knowledge_where_the_listener_says_so(peer, start, recorder):
    server = start(peer, site(recorder, listeners=["h2c"], server="listen {h2c} http2;"))
    assert curl(server, "/", "--http2-prior-knowledge", port="h2c") == (b"ok\n", "2 200")
    body, words = curl(server, "/", "--http2-prior-knowledge", port="plain")
    assert words.split() != ["2", "200"]
    assert [request.version for request in recorder.requests] == ["HTTP/1.1"]


@pytest.mark.peers("postern-nginx", "postern-native")
def test_http1_beside_prior_knowledge(peer, start, recorder):
    server = start(peer, site(recorder, listeners=["h2c"], server="listen {h2c} http2;"))
    assert curl(server, "/", "--http1.1", port="h2c") == (b"ok\n", "1.1 200")


@pytest.mark.parametrize("port", ["plain", "h2c"])
def test_an_upgrade_to_h2c_is_not_heard(start, recorder, port):
    server = start("postern-native", site(recorder, listeners=["h2c"], server="listen {h2c} http2;"))
    fields = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAoAAAAAIAAAAA")]
    with server.connect(port, context=None) as connection:
        answer = connection.request("GET", "/", fields)
        assert (answer.status, answer.version) == (200, "HTTP/1.1")
    seen = recorder.last()
    assert seen.value("Upgrade") is None
    assert seen.value("HTTP2-Settings") is None


def test_nghttp(peer, server):
    done = subprocess.run(
        ["nghttp", "-v", "--no-verify-peer", f"https://127.0.0.1:{server.ports['tls']}/n"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert ":status: 200" in done.stdout
    assert "GOAWAY" not in done.stdout.split(":status: 200")[0]


def test_h2load(peer, server):
    done = subprocess.run(
        ["h2load", "-n2000", "-c4", "-m32", f"https://127.0.0.1:{server.ports['tls']}/l"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "2000 succeeded, 0 failed" in done.stdout, done.stdout


# What arrives upstream.


@pytest.mark.peers("postern-native")
def test_byte_for_byte(peer, server, recorder):
    """Nothing of HTTP/2 is left: the request that an HTTP/1.1 client's would have become."""
    with session(server) as client:
        stream = client.ask("GET", "/a?b=c", [("x-one", "1"), ("accept", "*/*"), ("x-two", "2"), ("te", "trailers")])
        assert (stream.status, stream.text) == (200, "ok\n")
    with server.connect() as connection:
        connection.request("GET", "/a?b=c", [("x-one", "1"), ("accept", "*/*"), ("x-two", "2")])
    first, second = (re.sub(rb"X-Request-ID: [0-9a-f]{32}", b"", request.head) for request in recorder.requests)
    assert first.split(b"\r\n")[0] == b"GET /a?b=c HTTP/1.1"
    assert first == second


def test_methods_and_bodies(peer, server, recorder):
    body = b"0123456789" * 1000
    with session(server) as client:
        assert client.ask("HEAD", "/head").status == 200
        assert client.ask("POST", "/sized", [("content-length", "10000")], body).status == 200
        assert client.ask("POST", "/unsized", body=body).status == 200
        assert client.ask("PUT", "/empty").status == 200
        assert client.ask("POST", "/zero", [("content-length", "0")]).status == 200
        assert client.ask("DELETE", "/gone").status == 200
        assert client.ask("OPTIONS", "/options").status == 200
        assert client.ask("QUERY", "/odd", body=b"x").status == 200
    assert [(r.method, r.target, r.version, len(r.body)) for r in recorder.requests] == [
        ("HEAD", "/head", "HTTP/1.1", 0),
        ("POST", "/sized", "HTTP/1.1", 10000),
        ("POST", "/unsized", "HTTP/1.1", 10000),
        ("PUT", "/empty", "HTTP/1.1", 0),
        ("POST", "/zero", "HTTP/1.1", 0),
        ("DELETE", "/gone", "HTTP/1.1", 0),
        ("OPTIONS", "/options", "HTTP/1.1", 0),
        ("QUERY", "/odd", "HTTP/1.1", 1),
    ]
    for request in recorder.requests:
        assert not (request.value("Content-Length") and request.value("Transfer-Encoding"))
    assert recorder.requests[1].value("Content-Length") == "10000"


def test_a_body_of_unknown_length_arrives_as_it_comes(peer, server, recorder):
    parts = []
    came = threading.Semaphore(0)

    def take(exchange):
        while True:
            line = b""
            while not line.endswith(b"\r\n"):
                line += exchange.receive(1)
            size = int(line, 16)
            data = b""
            while len(data) < size + 2:
                data += exchange.receive(size + 2 - len(data))
            parts.append(data[:-2])
            came.release()
            if not size:
                break
        exchange.reply()

    recorder.on_head("/slow", take)
    with session(server) as client:
        stream = client.start("POST", "/slow", ends=False)
        for number in range(5):
            client.send(stream, b"part %d" % number)
            client.ping()
            assert came.acquire(timeout=5)
        client.send(stream, b"", ends=True)
        assert client.finish(stream).status == 200
    assert b"".join(parts) == b"part 0part 1part 2part 3part 4"
    assert recorder.last("/slow").value("Transfer-Encoding") == "chunked"


def test_crumbs_become_one_cookie(peer, server, recorder):
    with session(server) as client:
        client.ask("GET", "/", [("cookie", "a=1"), ("x-between", "y"), ("cookie", "b=2; c=3"), ("cookie", "d=4")])
    assert recorder.last().values("Cookie") == ["a=1; b=2; c=3; d=4"]


@pytest.mark.peers("postern-native")
@pytest.mark.parametrize(
    "named, host, status",
    [
        ("localhost", None, 200),
        ("localhost", "localhost", 200),
        (None, "localhost", 200),
        ("localhost", "elsewhere", 400),
        (None, None, 400),
    ],
)
def test_authority_and_host_agree(peer, server, recorder, named, host, status):
    with session(server, lenient=True) as client:
        fields = [("host", host)] if host else []
        assert client.ask("GET", "/", fields, authority=named).status == status
    expected = ["localhost"] if status == 200 else []
    assert [request.value("X-Forwarded-Host") or request.value("Host") for request in recorder.requests] == expected


def test_variables(peer, start, recorder):
    text = "$server_protocol $scheme $http2 $connection_requests $request_method $host"
    lines = f'location = /variables {{ default_type text/plain; return 200 "{text} $ssl_protocol $request"; }}'
    server = start(peer, site(recorder, nginx_server=lines, native_server=lines))
    with session(server) as client:
        for number in (1, 2, 3):
            words = client.ask("GET", "/variables?x").text.replace("TLSv1.2", "TLSv1.3")
            assert words == f"HTTP/2.0 https h2 {number} GET localhost TLSv1.3 GET /variables?x HTTP/2.0"


def test_the_access_log_says_so(peer, server):
    with session(server) as client:
        client.ask("GET", "/logged?x=1", [("user-agent", "interop")])
        client.ask("POST", "/posted", body=b"abc")
    lines = server.access_lines(2)
    assert '"GET /logged?x=1 HTTP/2.0" 200 3 "-" "interop"' in lines[0]
    assert '"POST /posted HTTP/2.0" 200 3 "-" "-"' in lines[1]


# Replies.


@pytest.mark.peers("postern-nginx", "postern-native")
def test_interim_replies(peer, server, recorder):
    def hint(exchange):
        exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        exchange.reply(body=b"final")

    recorder.on("/hints", hint)
    with session(server) as client:
        stream = client.ask("GET", "/hints")
    assert stream.status == 200
    assert stream.body == b"final"
    assert stream.interim == [(103, [("link", "</a.css>; rel=preload")])]


@pytest.mark.peers("postern-nginx", "postern-native")
def test_expect(peer, server, recorder):
    """The body comes when it was asked for."""
    with session(server) as client:
        stream = client.start("POST", "/expect", [("expect", "100-continue"), ("content-length", "5")], ends=False)
        client.wait(lambda: stream.interim)
        assert stream.interim[0][0] == 100
        client.send(stream, b"hello", ends=True)
        assert client.finish(stream).status == 200
    assert recorder.last("/expect").body == b"hello"


@pytest.mark.peers("postern-native")
def test_expect_refused(peer, start, recorder):
    server = start(peer, site(recorder, body_limit="1k"))
    with session(server) as client:
        stream = client.start("POST", "/", [("expect", "100-continue"), ("content-length", "5000")], ends=False)
        assert client.head(stream).status == 413
        assert stream.interim == []
    assert recorder.requests == []


@pytest.mark.peers("postern-nginx", "postern-native")
def test_trailers_both_ways(peer, server, recorder):
    def reply(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n")
        exchange.chunk(b"body")
        exchange.send(b"0\r\nX-Sum: 42\r\n\r\n")

    recorder.on("/trailers", reply)
    with session(server) as client:
        stream = client.ask("POST", "/trailers", [("te", "trailers")], b"abc", trailers=[("x-check", "7")])
    assert (stream.status, stream.text) == (200, "body")
    assert stream.trailers == [("x-sum", "42")]
    assert recorder.last("/trailers").body == b"abc"
    assert recorder.last("/trailers").trailers.lower() == b"x-check: 7\r\n"


def test_fields_of_http1_do_not_come_back(peer, server, recorder):
    fields = [("Connection", "X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "timeout=5"), ("X-Stays", "2")]
    recorder.on("/hop", lambda exchange: exchange.reply(fields=fields))
    with session(server) as client:
        stream = client.ask("GET", "/hop")
        assert client.ask("GET", "/next").status == 200
    names = [name for name, _ in stream.fields]
    assert stream.value("x-stays") == "2"
    assert not {"connection", "keep-alive", "transfer-encoding", "proxy-connection", "upgrade"} & set(names)
    assert all(name == name.lower() for name in names)


@pytest.mark.parametrize("status", [204, 304])
def test_replies_without_a_body(peer, server, recorder, status):
    recorder.on("/none", lambda exchange: exchange.reply(status=status))
    with session(server) as client:
        stream = client.ask("GET", "/none")
        assert (stream.status, bytes(stream.body), stream.reset) == (status, b"", None)
        head = client.ask("HEAD", "/head")
        assert (head.status, bytes(head.body), head.value("content-length")) == (200, b"", "3")


def test_each_event_arrives_before_the_next_is_sent(peer, server, recorder):
    arrived = threading.Semaphore(0)

    def events(exchange):
        exchange.start_chunked()
        for number in range(20):
            exchange.chunk(f"data: {number}\n\n".encode())
            assert arrived.acquire(timeout=5)
        exchange.end_chunked()

    recorder.on("/events", events)
    with session(server) as client:
        stream = client.start("GET", "/events")
        for number in range(20):
            client.wait(lambda: stream.body.endswith(b"data: %d\n\n" % number), 5)
            arrived.release()
        client.finish(stream)
        assert stream.value("content-type") == "text/event-stream"
    assert recorder.errors == []


def test_a_reply_that_ends_with_the_connection(peer, server, recorder):
    def stream(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 100_000)
        exchange.close()

    recorder.on("/close", stream)
    with session(server) as client:
        assert len(client.ask("GET", "/close").body) == 100_000
        assert client.ask("GET", "/next").status == 200


# Large bodies.


def test_large_bodies_both_ways_at_once(peer, server, recorder):
    size, count = 10 * MEBIBYTE, 4
    body = random.Random(2).randbytes(size)
    digest = hashlib.sha256(body).hexdigest()

    def echo(exchange):
        hasher, left = hashlib.sha256(), int(exchange.request.value("Content-Length"))
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
        while left:
            part = exchange.receive(min(left, 1 << 18))
            assert part, "cut short"
            hasher.update(part)
            exchange.send(part)
            left -= len(part)
        digests.append(hasher.hexdigest())

    digests = []
    recorder.on_head("/echo", echo)
    with session(server) as client:
        streams = [
            client.start("POST", "/echo", [("content-length", str(size))], body if number < 2 else body[:MEBIBYTE] * 10)
            for number in range(count)
        ]
        client.finish(*streams, timeout=60)
        assert [hashlib.sha256(stream.body).hexdigest() for stream in streams[:2]] == [digest] * 2
        assert all(len(stream.body) == size for stream in streams)
    assert digests.count(digest) == 2


# Logins, limits, refusals.


def test_logins(peer, start, recorder, users):
    server = start(peer, site(recorder, auth=True, users=users))
    with session(server) as client:
        refused = client.ask("GET", "/private")
        assert refused.status == 401
        assert refused.value("www-authenticate").startswith('Basic realm="OpenClaw"')
        assert client.ask("GET", "/private", [("authorization", basic("alice", "wrong")[1])]).status == 401
        for _ in range(3):
            assert client.ask("GET", "/private", [("authorization", basic("alice", "password")[1])]).status == 200
        # What this connection has proved proves nothing for a request that doesn't say it.
        assert client.ask("GET", "/private").status == 401
    assert len(recorder.requests) == 3


@pytest.mark.peers("postern-native")
def test_a_costly_password_is_hashed_once_for_a_connection(peer, start, recorder):
    """As many streams as there may be, each with the same login: more than one hash would take seconds."""
    hashed = subprocess.run(
        ["htpasswd", "-nbBC", "12", "carol", "password"], capture_output=True, text=True, check=True
    ).stdout
    server = start(peer, site(recorder, auth=True, users=hashed))
    login = [("authorization", basic("carol", "password")[1])]
    with session(server) as client:
        assert client.ask("GET", "/first", login).status == 200
        began = time.monotonic()
        streams = [client.start("GET", f"/{number}", login) for number in range(100)]
        client.finish(*streams)
        assert {stream.status for stream in streams} == {200}
        assert time.monotonic() - began < 2.0


def test_limits(peer, start, recorder):
    server = start(peer, site(recorder, limit=Limit("1r/m", burst=3)))
    with session(server) as client:
        streams = [client.start("GET", f"/{number}") for number in range(10)]
        client.finish(*streams)
    refusal = 429 if peer == "postern-native" else 503
    assert sorted(stream.status for stream in streams) == [200] * 4 + [refusal] * 6
    assert len(recorder.requests) == 4


REFUSALS = """
location /denied/ { deny all; }
location = /none { return 404; }
location = /redirect { return 301 /elsewhere; }
location /small/ { client_max_body_size 1k; proxy_pass http://gateway; }
"""


def test_refusals(peer, start, recorder):
    server = start(peer, site(recorder, nginx_server=REFUSALS, native_server=REFUSALS))
    with session(server) as client:
        assert client.ask("GET", "/denied/x").status == 403
        assert client.ask("GET", "/none").status == 404
        assert client.ask("GET", "/redirect").value("location").endswith("/elsewhere")
        assert client.ask("GET", "/denied/x", [("accept", "application/json")]).status == 403
        head = client.ask("HEAD", "/none")
        assert (head.status, bytes(head.body)) == (404, b"")
        told = client.start("POST", "/small/told", [("content-length", "2000")], ends=False)
        assert client.head(told).status == 413
        assert client.ask("GET", "/after").status == 200
    assert [request.target for request in recorder.requests] == ["/after"]


@pytest.mark.peers("postern-nginx", "postern-native")
def test_a_body_that_outgrows_its_limit(peer, start, recorder):
    server = start(peer, site(recorder, nginx_server=REFUSALS, native_server=REFUSALS))
    with session(server) as client:
        stream = client.ask("POST", "/small/untold", body=b"x" * 2000)
        assert stream.status == 413
        assert client.ask("GET", "/after").status == 200
    assert all(request.body_length < 2000 for request in recorder.requests)


@pytest.mark.peers("postern-nginx", "postern-native")
def test_heads_too_large(peer, server, recorder):
    with session(server) as client:
        assert client.ask("GET", "/" + "x" * 9000).status == 414
        assert client.ask("GET", "/", [("x-big", "x" * 9000)]).status in (400, 431)
        assert client.ask("GET", "/", [(f"x-{number}", "y" * 50) for number in range(300)]).status in (400, 431)
        assert client.ask("GET", "/after").status == 200
    assert [request.target for request in recorder.requests] == ["/after"]


def test_a_large_head_passes(peer, start, recorder):
    """Several CONTINUATION frames' worth."""
    server = start(peer, site(recorder, server="large_client_header_buffers 8 16k;"))
    fields = [(f"x-{number}", f"{number}" * 6000) for number in range(1, 6)]
    recorder.on("/large", lambda exchange: exchange.reply(fields=[("X-Large", "y" * 3000)]))
    with session(server) as client:
        stream = client.ask("GET", "/large", fields)
        assert stream.status == 200
        assert stream.value("x-large") == "y" * 3000
    assert [recorder.last().value(name) for name, _ in fields] == [value for _, value in fields]


@pytest.mark.peers("postern-native")
def test_proxied_replies_with_a_large_head(peer, start, recorder):
    """More than a frame holds."""
    server = start(peer, site(recorder, location="proxy_buffer_size 64k;"))
    recorder.on("/large", lambda exchange: exchange.reply(fields=[(f"X-{n}", f"{n}" * 5000) for n in range(1, 8)]))
    with session(server, settings={6: 1 << 20}) as client:
        stream = client.ask("GET", "/large")
        assert stream.status == 200
        assert all(stream.value(f"x-{n}") == f"{n}" * 5000 for n in range(1, 8))
