"""Messages that two parsers could read differently: refused, closed, and never passed on."""

import pytest

from harness.site import Site

pytestmark = pytest.mark.peers("postern-nginx", "postern-native")

HOST = b"Host: localhost\r\n"

#: Refused in both dialects.
REFUSED = {
    "two equal lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "two lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a list of lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5, 5\r\n\r\nhello",
    "length with a sign": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nhello",
    "negative length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -5\r\n\r\nhello",
    "length in hexadecimal": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0x5\r\n\r\nhello",
    "length with a word": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5 bytes\r\n\r\nhello",
    "empty length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: \r\n\r\nhello",
    "length beyond 64 bits": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 18446744073709551621\r\n\r\nhello",
    "length and chunked": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked, chunked": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "misspelt chunked": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "quoted chunked": b"POST / HTTP/1.1\r\n" + HOST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "chunked behind a vertical tab": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "empty coding": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: \r\n\r\n0\r\n\r\n",
    "chunked on HTTP/1.0": b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "space before the colon": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "tab before the colon": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length\t: 5\r\n\r\nhello",
    "folded line": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: 1\r\n Transfer-Encoding: chunked\r\n\r\n",
    "folded first line": b"GET / HTTP/1.1\r\n X-A: 1\r\n" + HOST + b"\r\n",
    "no colon": b"GET / HTTP/1.1\r\n" + HOST + b"X-A\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\n" + HOST + b": 1\r\n\r\n",
    "NUL in a name": b"GET / HTTP/1.1\r\n" + HOST + b"X\x00A: 1\r\n\r\n",
    "NUL in a value": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: 1\x002\r\n\r\n",
    "bare CR in a value": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: 1\rX-B: 2\r\n\r\n",
    "bare CR for an end": b"GET / HTTP/1.1\r" + HOST + b"\r\n",
    "separator in a name": b"GET / HTTP/1.1\r\n" + HOST + b"X(A): 1\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\n" + HOST + b"Host: elsewhere\r\n\r\n",
    "a Host with a path": b"GET / HTTP/1.1\r\nHost: localhost/elsewhere\r\n\r\n",
    "a Host with a user": b"GET / HTTP/1.1\r\nHost: a@localhost\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tab for a space": b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "control character in the target": b"GET /\x01 HTTP/1.1\r\n" + HOST + b"\r\n",
    "8-bit character in the target": b"GET /\xe4 HTTP/1.1\r\n" + HOST + b"\r\n",
    "fragment in the target": b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n",
    "encoded NUL": b"GET /a%00b HTTP/1.1\r\n" + HOST + b"\r\n",
    "broken escape": b"GET /a%zz HTTP/1.1\r\n" + HOST + b"\r\n",
    "overlong UTF-8": b"GET /a%c0%ae%c0%ae/b HTTP/1.1\r\n" + HOST + b"\r\n",
    "no version": b"GET /\r\n" + HOST + b"\r\n",
    "version 1.1 misspelt": b"GET / HTTP/1.1x\r\n" + HOST + b"\r\n",
    "lower-case version": b"GET / http/1.1\r\n" + HOST + b"\r\n",
    "a method with a separator": b"GE(T / HTTP/1.1\r\n" + HOST + b"\r\n",
}

#: The head is fine and may be passed on; the body may not.
REFUSED_BODIES = {
    "chunk size not a number": b"zz\r\nhello\r\n0\r\n\r\n",
    "chunk size with a sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "chunk size with 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "chunk size too large": b"ffffffffffffffff5\r\nhello\r\n0\r\n\r\n",
    "empty chunk size": b"\r\nhello\r\n0\r\n\r\n",
    "space after the size": b"5 \r\nhello\r\n0\r\n\r\n",
    "bare LF after the size": b"5\nhello\r\n0\r\n\r\n",
    "no end of line after the data": b"5\r\nhelloX\r\n0\r\n\r\n",
    "bare LF after the data": b"5\r\nhello\n0\r\n\r\n",
    "bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "bare LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "folded trailer": b"0\r\nX-A: 1\r\n b\r\n\r\n",
}

#: A bare LF ends a line for Nginx, so in an Nginx file it does here; a native file refuses it.
BARE_LINE_FEEDS = {
    "after the request line": b"GET /lf HTTP/1.1\n" + HOST + b"\r\n",
    "after a field": b"GET /lf HTTP/1.1\r\nHost: localhost\nX-A: 1\r\n\r\n",
    "everywhere": b"GET /lf HTTP/1.1\nHost: localhost\n\n",
}

GUARD = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def server(peer, start, recorder):
    return start(peer, Site(upstream=recorder.address))


def test_refused(peer, server, recorder):
    wrong = {}
    for name, request in REFUSED.items():
        with server.connect("plain") as connection:
            connection.send(request + GUARD)
            try:
                status = connection.response().status
                closed = connection.is_closed()
            except (ConnectionError, ValueError) as error:
                status, closed = str(error), None
        if (status, closed) != (400, True):
            wrong[name] = (status, closed)
    assert wrong == {}
    assert [request.head for request in recorder.requests] == []


def test_refused_bodies(peer, server, recorder):
    wrong = {}
    for name, body in REFUSED_BODIES.items():
        with server.connect("plain") as connection:
            connection.send(b"POST /body HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + body + GUARD)
            try:
                status = connection.response().status
                closed = connection.is_closed()
            except (ConnectionError, ValueError) as error:
                status, closed = str(error), None
        if (status, closed) != (400, True):
            wrong[name] = (status, closed)
    assert wrong == {}
    assert recorder.for_path("/smuggled") == []


@pytest.mark.parametrize("name", BARE_LINE_FEEDS)
def test_bare_line_feeds(peer, server, recorder, name):
    with server.connect("plain") as connection:
        connection.send(BARE_LINE_FEEDS[name])
        status = connection.response().status
    if peer == "postern-native":
        assert status == 400
        assert recorder.requests == []
    else:
        assert status == 200
        assert b"\n" not in recorder.last().head.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", id="two lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc", id="length not a number"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", id="both framings"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nabc", id="misspelt chunked"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-A: 1\r\n b: 2\r\n\r\n", id="folded line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-A : 1\r\n\r\n", id="space before the colon"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-A: 1\x002\r\n\r\n", id="NUL"),
        pytest.param(b"HTTP/1.1 2000 OK\r\n\r\n", id="status of four digits"),
        pytest.param(b"HTTP/1.1 099 OK\r\n\r\n", id="status below 100"),
        pytest.param(b"HTP/1.1 200 OK\r\n\r\n", id="not HTTP"),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", id="101 unasked"
        ),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_gateways_broken_reply_is_a_502(peer, server, recorder, reply):
    recorder.on("/broken", lambda exchange: (exchange.send(reply), exchange.close()))
    with server.connect("plain") as connection:
        assert connection.request("GET", "/broken").status == 502


def test_bytes_behind_a_reply_are_not_the_next_reply(peer, server, recorder):
    """A gateway that says too much loses its connection; the surplus never answers another request."""
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    recorder.on("/much", lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + forged))
    with server.connect("plain") as connection:
        assert connection.request("GET", "/much").body == b"ok"
        assert connection.request("GET", "/next").body == b"ok\n"


PATHS = [
    "/public/../private/x",
    "/public/%2e%2e/private/x",
    "/public/..%2fprivate/x",
    "/public/..;/private/x",
    "/public/..%5cprivate/x",
    "/public/..\\private/x",
    "/public/%252e%252e/private/x",
    "/public/%2e%2e%2fprivate/x",
    "/public/.%2e/private/x",
    "/private/..%2fpublic/x",
    "/private/../public/x",
    "/public/..;a=b/private/x",
]


def test_no_path_reaches_a_guarded_location_through_an_open_one(peer, start, recorder, users):
    open_location = "location /public/ { auth_basic off; proxy_pass http://gateway; }"
    server = start(
        peer,
        Site(
            upstream=recorder.address, auth=True, users=users, nginx_server=open_location, native_server=open_location
        ),
    )
    assert server.get("/public/x").status == 200
    for path in PATHS:
        with server.connect("plain") as connection:
            assert connection.request(target=path).status in (400, 401), path
    assert [request.target for request in recorder.requests] == ["/public/x"]
