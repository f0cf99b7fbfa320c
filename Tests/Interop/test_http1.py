"""HTTP/1.1 as clients and gateways speak it."""

import subprocess
import time

import pytest

from harness.client import head
from harness.site import Site


@pytest.fixture
def server(peer, start, recorder):
    return start(peer, Site(upstream=recorder.address))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_methods_pass(peer, server, recorder, method):
    answer = server.get("/path?a=1&b=%2F", method=method)
    assert answer.status == 200
    assert recorder.last().line == f"{method} /path?a=1&b=%2F HTTP/1.1"


def test_head_has_no_body(peer, server, recorder):
    recorder.on("/sized", lambda exchange: exchange.reply(body=b"x" * 1234))
    with server.connect() as connection:
        answer = connection.request("HEAD", "/sized")
        assert (answer.status, answer.value("Content-Length")) == (200, "1234")
        assert connection.request().body == b"ok\n"
    assert recorder.for_path("/sized")[0].method == "HEAD"


@pytest.mark.parametrize("status", [204, 304])
def test_replies_without_a_body(peer, server, recorder, status):
    recorder.on("/none", lambda exchange: exchange.reply(status, b"", [("ETag", '"1"')]))
    with server.connect() as connection:
        answer = connection.request("GET", "/none", [("If-None-Match", '"1"')])
        assert answer.status == status
        assert answer.value("Transfer-Encoding") is None
        assert connection.request().body == b"ok\n"


@pytest.mark.parametrize("status", [200, 201, 400, 404, 418, 500, 503, 599])
def test_the_gateways_status_and_fields_pass(peer, server, recorder, status):
    fields = [("X-One", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/"), ("X-Empty", "")]
    recorder.on("/s", lambda exchange: exchange.reply(status, b"body", fields))
    answer = server.get("/s")
    assert (answer.status, answer.body) == (status, b"body")
    assert answer.values("Set-Cookie") == ["a=1", "b=2; Path=/"]
    assert answer.value("X-One") == "1"


def test_hop_by_hop_fields_stay_on_their_hop(peer, server, recorder):
    recorder.on(
        "/hop", lambda exchange: exchange.reply(fields=[("Keep-Alive", "timeout=5"), ("Connection", "keep-alive")])
    )
    answer = server.get("/hop", [("Keep-Alive", "timeout=9"), ("TE", "trailers")])
    assert answer.value("Keep-Alive") is None
    request = recorder.last("/hop")
    assert request.value("Keep-Alive") is None or peer == "nginx"
    assert (request.value("Connection") or "").lower() != "close"


def test_the_path_keeps_its_encoding(peer, server, recorder):
    server.get("/v1/models/openclaw%2Fdefault?x=%2f")
    assert recorder.last().target == "/v1/models/openclaw%2Fdefault?x=%2f"


def test_host_is_kept(peer, server, recorder):
    with server.connect() as connection:
        connection.request(host="localhost:8443")
    assert recorder.last().value("Host") in ("localhost", "localhost:8443")


def test_upstream_connections_are_reused(peer, server, recorder):
    for _ in range(10):
        assert server.get().status == 200
    assert recorder.raw_connections <= 2


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 16384, 65536, 1_000_003])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_bodies_of_all_sizes(peer, server, recorder, size, framing):
    body = bytes(index * 31 % 251 for index in range(size))

    def answer_in_kind(exchange):
        if framing == "length":
            exchange.reply(body=exchange.request.body)
        else:
            exchange.start_chunked("application/octet-stream")
            for start in range(0, size, 7000):
                exchange.chunk(body[start : start + 7000])
            exchange.end_chunked()

    recorder.on("/body", answer_in_kind)
    with server.connect() as connection:
        if framing == "length":
            answer = connection.request("POST", "/body", body=body)
        else:
            coded = b"".join(
                b"%X;ext=1\r\n%s\r\n" % (len(body[at : at + 999]), body[at : at + 999])
                for at in range(0, min(size, 50_000), 999)
            )
            body_sent = body[: min(-(-min(size, 50_000) // 999) * 999, size)]
            connection.send(head("POST", "/body", [("Transfer-Encoding", "chunked")]) + coded + b"0\r\n\r\n")
            answer = connection.response()
            assert recorder.last("/body").body == body_sent
        assert answer.body == body


@pytest.mark.parametrize("port", ["plain", "tls"])
def test_a_chunked_body_about_as_large_as_a_buffer(peer, server, recorder, port):
    """The body's end comes in the same read as bytes that fill what goes to the gateway."""
    recorder.on("/body", lambda exchange: exchange.reply(body=str(exchange.request.body_length).encode()))
    with server.connect(port, timeout=10) as connection:
        for size in [*range(65_200, 65_600, 16), 131_000, 200_000]:
            coded = b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n"
            connection.send(head("POST", "/body", [("Transfer-Encoding", "chunked")]) + coded)
            answer = connection.response()
            assert (answer.status, answer.text) == (200, str(size))


def test_small_pieces(peer, server, recorder):
    """A request byte by byte."""
    with server.connect("plain") as connection:
        for byte in head("POST", "/drip", body=b"hello") + b"hello":
            connection.send(bytes([byte]))
        assert connection.response().status == 200
    assert recorder.last("/drip").body == b"hello"


def test_pipelined_requests_are_answered_in_order(peer, server, recorder):
    for number in range(5):
        recorder.on(f"/{number}", lambda exchange, number=number: exchange.reply(body=str(number).encode()))
    with server.connect() as connection:
        connection.send(b"".join(head("GET", f"/{number}") for number in range(5)))
        assert [connection.response().text for _ in range(5)] == list("01234")


def test_pipelined_behind_a_body(peer, server, recorder):
    with server.connect() as connection:
        connection.send(head("POST", "/a", body=b"12345") + b"12345" + head("GET", "/b"))
        assert [connection.response().status for _ in range(2)] == [200, 200]
    assert recorder.for_path("/a")[0].body == b"12345"


def test_expect_100_continue(peer, server, recorder):
    with server.connect() as connection:
        connection.send(head("POST", "/expect", [("Expect", "100-continue")], body=b"12345"))
        connection.socket.settimeout(5)
        assert connection.response_head().status == 100
        connection.send(b"12345")
        assert connection.response().status == 200
    assert recorder.last("/expect").body == b"12345"


def test_expect_100_continue_with_curl(peer, server, recorder, authority):
    began = time.monotonic()
    result = subprocess.run(
        [
            "curl",
            "-sS",
            "--http1.1",
            "--cacert",
            authority.certificate,
            "-H",
            "Expect: 100-continue",
            "--data-binary",
            "@-",
            f"https://localhost:{server.ports['tls']}/curl",
        ],
        input=b"x" * 2_000_000,
        capture_output=True,
        timeout=30,
    )
    assert (result.returncode, result.stdout) == (0, b"ok\n"), result.stderr
    assert recorder.last("/curl").body_length == 2_000_000
    assert time.monotonic() - began < 5


class TestHTTP10:
    def test_the_reply_ends_with_the_connection(self, peer, server, recorder):
        recorder.on(
            "/chunks",
            lambda exchange: (
                exchange.start_chunked("text/plain"),
                exchange.chunk(b"one"),
                exchange.chunk(b"two"),
                exchange.end_chunked(),
            ),
        )
        with server.connect() as connection:
            connection.send(b"GET /chunks HTTP/1.0\r\nHost: localhost\r\n\r\n")
            answer = connection.response()
            assert answer.value("Transfer-Encoding") is None
            assert answer.body == b"onetwo"
            assert connection.is_closed()

    def test_keep_alive_when_asked(self, peer, server, recorder):
        with server.connect() as connection:
            for _ in range(2):
                connection.send(b"GET / HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n")
                answer = connection.response()
                assert answer.status == 200
                assert answer.value("Connection").lower() == "keep-alive"

    def test_without_host(self, peer, server, recorder):
        with server.connect() as connection:
            connection.send(b"GET / HTTP/1.0\r\n\r\n")
            assert connection.response().status == 200


def test_connection_close_is_honoured(peer, server, recorder):
    with server.connect() as connection:
        answer = connection.request(fields=[("Connection", "close")])
        assert answer.status == 200
        assert answer.value("Connection").lower() == "close"
        assert connection.is_closed()


def test_absolute_form(peer, server, recorder):
    with server.connect() as connection:
        answer = connection.request(target="http://localhost/absolute?q=1", host="localhost")
        assert answer.status == 200
    request = recorder.last("/absolute")
    assert request.target == "/absolute?q=1"
    assert request.value("Host") == "localhost"


def test_a_leading_empty_line_is_skipped(peer, server, recorder):
    with server.connect() as connection:
        connection.send(b"\r\n" + head("GET", "/"))
        assert connection.response().status == 200


@pytest.mark.peers("postern-nginx", "postern-native")
def test_interim_replies_pass(peer, server, recorder):
    recorder.on(
        "/hints",
        lambda exchange: (
            exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"),
            exchange.reply(),
        ),
    )
    with server.connect() as connection:
        answer = connection.request("GET", "/hints")
        assert answer.status == 200
        assert answer.interim in ([], [103])


@pytest.mark.peers("postern-nginx", "postern-native")
def test_trailers_pass(peer, server, recorder):
    with server.connect() as connection:
        connection.send(
            head("POST", "/t", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")])
            + b"3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n"
        )
        assert connection.response().status == 200
    assert recorder.last("/t").body == b"abc"


class TestLimits:
    def test_a_body_over_the_limit_is_refused_early(self, peer, start, recorder):
        server = start(peer, Site(upstream=recorder.address, body_limit="1k"))
        with server.connect() as connection:
            connection.send(head("POST", "/", [("Content-Length", "1025")]))
            assert connection.response().status == 413
        with server.connect() as connection:
            assert connection.request("POST", body=b"x" * 1024).status == 200
        assert [request.body_length for request in recorder.requests] == [1024]

    def test_a_chunked_body_over_the_limit(self, peer, start, recorder):
        server = start(peer, Site(upstream=recorder.address, body_limit="1k"))
        with server.connect() as connection:
            connection.send(
                head("POST", "/", [("Transfer-Encoding", "chunked")]) + b"800\r\n" + b"x" * 2048 + b"\r\n0\r\n\r\n"
            )
            assert connection.response().status == 413

    # Nginx may reset the connection under a client that is still sending, and the client then sees no answer.
    @pytest.mark.peers("postern-nginx", "postern-native")
    def test_a_head_too_large(self, peer, server, recorder):
        with server.connect() as connection:
            answer = connection.request(fields=[("X-Large", "x" * 40_000)])
            assert answer.status in (400, 431)
        assert recorder.requests == []

    # Nginx may reset the connection under a client that is still sending, and the client then sees no answer.
    @pytest.mark.peers("postern-nginx", "postern-native")
    def test_a_target_too_long(self, peer, server, recorder):
        with server.connect() as connection:
            assert connection.request(target="/" + "x" * 40_000).status == 414
        assert recorder.requests == []

    def test_a_head_that_never_ends_is_timed_out(self, peer, start, recorder):
        server = start(peer, Site(upstream=recorder.address, server="client_header_timeout 1s;"))
        with server.connect() as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost: local")
            began = time.monotonic()
            try:
                assert connection.response_head().status == 408
            except ConnectionError:
                pass
            assert 0.5 < time.monotonic() - began < 5

    def test_a_handshake_that_never_ends_is_timed_out(self, peer, start, recorder):
        server = start(peer, Site(upstream=recorder.address, server="client_header_timeout 1s;"))
        with server.connect(context=None) as connection:
            connection.send(b"\x16\x03\x01")
            assert connection.is_closed(timeout=70 if peer == "nginx" else 15)
