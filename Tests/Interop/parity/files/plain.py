"""A plain reverse proxy: methods, framing both ways, connections, targets, heads that are odd."""

from ..case import Case, File, Step, request, stays_chunked, upstream_said


def get(name, target="/", fields=(), **options):
    return Case(name, [request(target, fields, **options)])


def raw(name, data, method="GET", replies=1):
    return Case(name, [Step(data, method, replies=replies)])


def reply(name, method="GET", **options):
    return get(
        f"upstream answers {name}" + (f" to {method}" if method != "GET" else ""),
        "/r",
        [upstream_said(name)],
        method=method,
        **options,
    )


METHODS = [
    *(
        get(f"method {method}", "/m", method=method)
        for method in ("GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND", "REPORT")
    ),
    *(
        get(f"method {method} with a body", "/m", method=method, body=b"body")
        for method in ("POST", "PUT", "PATCH", "DELETE", "GET", "QUERY")
    ),
    get("method TRACE", "/m", method="TRACE"),
    Case("method CONNECT", [Step(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "CONNECT")]),
    get("method in lower case", "/m", method="get"),
    get("method with a hyphen", "/m", method="M-SEARCH"),
    get("method with an underscore", "/m", method="MY_METHOD"),
    get("method with a digit", "/m", method="GET2"),
]

BODIES = [
    get("an empty body with a length", "/b", method="POST", body=b""),
    get("POST without a body or length", "/b", method="POST"),
    get("a chunked body", "/b", method="POST", chunks=[b"one", b" two"]),
    get("an empty chunked body", "/b", method="POST", chunks=[]),
    get("a chunked body with a trailer", "/b", method="POST", chunks=[b"one"], trailers=[("X-Sum", "7")]),
    raw(
        "a chunked body with an extension",
        b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\none\r\n0\r\n\r\n",
        "POST",
    ),
    raw(
        "a chunk's size in capitals and with zeros",
        b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n000A\r\n0123456789\r\n0\r\n\r\n",
        "POST",
    ),
    raw(
        "a coding in capitals",
        b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "POST",
    ),
    raw(
        "a chunk's size that is no number",
        b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\none\r\n0\r\n\r\n",
        "POST",
    ),
    raw(
        "a space behind a chunk's size",
        b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\none\r\n0\r\n\r\n",
        "POST",
    ),
    raw(
        "a bare LF behind a chunk's size",
        b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\none\r\n0\r\n\r\n",
        "POST",
    ),
    raw(
        "chunked and a length",
        b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n",
        "POST",
    ),
    raw(
        "gzip, chunked",
        b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\none\r\n0\r\n\r\n",
        "POST",
    ),
    raw("an unknown coding", b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", "POST"),
    raw(
        "two equal lengths", b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\none", "POST"
    ),
    raw("two lengths", b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\none", "POST"),
    raw("a list of lengths", b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\none", "POST"),
    raw("a length with a sign", b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\none", "POST"),
    raw("a negative length", b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\none", "POST"),
    raw("a length that is none", b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\none", "POST"),
    raw(
        "a length beyond all bounds",
        b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST",
    ),
    get("Expect: 100-continue", "/b", [("Expect", "100-continue")], method="POST", body=b"waited for"),
    get("Expect in capitals", "/b", [("Expect", "100-CONTINUE")], method="POST", body=b"waited for"),
    get("Expect without a body", "/b", [("Expect", "100-continue")]),
    get("another expectation", "/b", [("Expect", "a-miracle")]),
    Case(
        "Expect, with the body sent at once",
        [Step(b"POST /b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", "POST")],
    ),
    get("a collected body", "/collected/x", method="POST", body=b"all of it"),
    get("a collected chunked body", "/collected/x", method="POST", chunks=[b"all", b" of it"]),
]

CONNECTIONS = [
    Case("three requests on one connection", [request(f"/k{n}") for n in range(3)]),
    Case(
        "two requests in one write",
        [Step(b"GET /p1 HTTP/1.1\r\nHost: a\r\n\r\nGET /p2 HTTP/1.1\r\nHost: a\r\n\r\n", replies=2)],
    ),
    Case(
        "a body and a request in one write",
        [
            Step(
                b"POST /p1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /p2 HTTP/1.1\r\nHost: a\r\n\r\n",
                replies=2,
            )
        ],
    ),
    get("Connection: close", "/c", [("Connection", "close")]),
    get("Connection: CLOSE", "/c", [("Connection", "CLOSE")]),
    get("Connection: keep-alive", "/c", [("Connection", "keep-alive")]),
    get("Connection: keep-alive, close", "/c", [("Connection", "keep-alive, close")]),
    get("Connection nominates a field", "/c", [("Connection", "X-Hop"), ("X-Hop", "1"), ("X-Kept", "1")]),
    get("Connection nominates Host", "/c", [("Connection", "host")]),
    get("Keep-Alive and Proxy-Connection", "/c", [("Keep-Alive", "timeout=5"), ("Proxy-Connection", "keep-alive")]),
    get("TE and Trailer", "/c", [("TE", "trailers"), ("Trailer", "X-Sum")]),
    get("Upgrade that nobody asked to pass", "/c", [("Connection", "upgrade"), ("Upgrade", "h2c")]),
    get("HTTP/1.0", "/c", version="HTTP/1.0"),
    get("HTTP/1.0 without a Host", "/c", version="HTTP/1.0", host=None),
    get("HTTP/1.0 keep-alive", "/c", [("Connection", "keep-alive")], version="HTTP/1.0"),
    get(
        "HTTP/1.0 keep-alive, the reply chunked",
        "/c",
        [("Connection", "keep-alive"), upstream_said("chunked")],
        version="HTTP/1.0",
    ),
    get("HTTP/1.0 with a body", "/c", version="HTTP/1.0", method="POST", body=b"old"),
    get("HTTP/1.0 with chunks", "/c", version="HTTP/1.0", method="POST", chunks=[b"new"]),
    get("HTTP/1.2", "/c", version="HTTP/1.2"),
    get("HTTP/2.0", "/c", version="HTTP/2.0"),
    raw("HTTP/0.9", b"GET /c\r\n"),
    raw("a TLS hello on a plain port", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n"),
]

TARGETS = [
    get("an encoded path", "/t/a%20b%C3%BC%41"),
    get("an encoded slash", "/t/a%2Fb"),
    get("an encoded percent", "/t/a%25b"),
    get("an encoded NUL", "/t/a%00b"),
    get("an encoded line end", "/t/a%0d%0ab"),
    get("a percent without digits", "/t/a%zz"),
    get("a percent at the end", "/t/a%"),
    get("dots", "/t/./a/../b"),
    get("dots above the root", "/../t"),
    get("encoded dots", "/t/%2e%2e/b"),
    get("slashes", "/t//a///b"),
    get("a backslash", "/t/a\\b"),
    get("a space", "/t/a b"),
    get("a fragment", "/t/a#b"),
    get("quotes and braces", '/t/"{a}|^`<>'),
    get("8-bit characters", "/t/ü"),
    get("a tilde, stars and the like", "/t/~a*b!$'(),;:@&=+-._"),
    get("a query", "/t?a=b&c=%20&d"),
    get("an empty query", "/t?"),
    get("a query with a question mark", "/t?a?b"),
    get("a query with 8 bits", "/t?ü"),
    get("a query with a slash and dots", "/t?/../x"),
    get("a query with a fragment", "/t?a#b"),
    get("absolute form", "http://localhost/t/abs?q=1"),
    get("absolute form in capitals", "HTTP://LocalHost/t/abs"),
    get("absolute form with a port", "http://localhost:81/t/abs", host="localhost:81"),
    get("absolute form without a path", "http://localhost"),
    get("absolute form with a query alone", "http://localhost?q"),
    get("absolute form beside another Host", "http://other.test/t/abs"),
    get("https in absolute form", "https://localhost/t/abs"),
    get("ftp in absolute form", "ftp://localhost/t/abs"),
    get("OPTIONS *", "*", method="OPTIONS"),
    get("GET *", "*"),
    get("no slash", "t"),
    get("a path of 4,000 bytes", "/t/" + "x" * 4000),
    get("a path of 9,000 bytes", "/t/" + "x" * 9000),
    get("a query of 7,000 bytes", "/t?" + "y" * 7000),
]

HEADS = [
    get("no Host", host=None),
    get("an empty Host", host=""),
    raw("two Hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    get("Host with a port", host="localhost:8080"),
    get("Host in capitals", host="LOCALHOST"),
    get("Host with a dot at its end", host="localhost."),
    get("an IPv6 Host", host="[::1]:80"),
    get("Host with an underscore", host="my_host"),
    get("Host with a slash", host="a/b"),
    get("Host with a space", host="a b"),
    get("user@ in Host", host="user@a"),
    get("Host with a port that is none", host="a:b"),
    get("Host with two dots", host="a..b"),
    get("60 fields", "/h", [(f"X-F{n}", str(n)) for n in range(60)]),
    get("a field of 7,000 bytes", "/h", [("X-Long", "z" * 7000)]),
    get("a field of 9,000 bytes", "/h", [("X-Long", "z" * 9000)]),
    get("fields of 40,000 bytes", "/h", [(f"X-Long{n}", "z" * 4000) for n in range(10)]),
    get("a repeated field", "/h", [("X-Two", "a"), ("X-Two", "b"), ("x-two", "c")]),
    get("an empty field", "/h", [("X-Empty", "")]),
    get("spaces around a value", "/h", [("X-Space", "   a  b  ")]),
    raw("no space behind the colon", b"GET /h HTTP/1.1\r\nHost:a\r\nX-A:1\r\n\r\n"),
    raw("a tab behind the colon", b"GET /h HTTP/1.1\r\nHost: a\r\nX-A:\t1\r\n\r\n"),
    raw("a tab inside a value", b"GET /h HTTP/1.1\r\nHost: a\r\nX-A: 1\t2\r\n\r\n"),
    raw("8-bit characters in a value", "GET /h HTTP/1.1\r\nHost: a\r\nX-A: ü\r\n\r\n".encode()),
    raw("a control character in a value", b"GET /h HTTP/1.1\r\nHost: a\r\nX-A: 1\x012\r\n\r\n"),
    raw("NUL in a value", b"GET /h HTTP/1.1\r\nHost: a\r\nX-A: 1\x002\r\n\r\n"),
    raw("a space before the colon", b"GET /h HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n"),
    raw("a folded field", b"GET /h HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n 2\r\n\r\n"),
    raw("a line without a colon", b"GET /h HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n"),
    raw("an empty name", b"GET /h HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n"),
    raw("a name with an underscore", b"GET /h HTTP/1.1\r\nHost: a\r\nX_A: 1\r\nX-B: 2\r\n\r\n"),
    raw("a name with a dot", b"GET /h HTTP/1.1\r\nHost: a\r\nX.A: 1\r\nX-B: 2\r\n\r\n"),
    raw("a name with odd characters", b"GET /h HTTP/1.1\r\nHost: a\r\nX!A: 1\r\n\r\n"),
    raw("a name with a bracket", b"GET /h HTTP/1.1\r\nHost: a\r\nX(A): 1\r\n\r\n"),
    raw("bare LFs in the head", b"GET /h HTTP/1.1\nHost: a\nX-A: 1\n\n"),
    raw("a bare CR in a value", b"GET /h HTTP/1.1\r\nHost: a\r\nX-A: 1\r2\r\n\r\n"),
    raw("empty lines before the request", b"\r\n\r\nGET /h HTTP/1.1\r\nHost: a\r\n\r\n"),
    raw("two spaces in the request line", b"GET  /h HTTP/1.1\r\nHost: a\r\n\r\n"),
    raw("a space behind the version", b"GET /h HTTP/1.1 \r\nHost: a\r\n\r\n"),
    raw("a method of nothing", b" /h HTTP/1.1\r\nHost: a\r\n\r\n"),
    raw("a version of nothing", b"GET /h HTTP/\r\nHost: a\r\n\r\n"),
    raw("a version in lower case", b"GET /h http/1.1\r\nHost: a\r\n\r\n"),
    get(
        "fields a client forges",
        "/h",
        [("X-Real-IP", "9.9.9.9"), ("X-Forwarded-For", "9.9.9.9"), ("X-Forwarded-Proto", "gopher")],
    ),
    raw(
        "two lists of forwarders",
        b"GET /h HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n\r\n",
    ),
    get("fields forged with underscores", "/h", [("X_Real_IP", "9.9.9.9"), ("X_Other", "1")]),
    get(
        "cookies and a login pass",
        "/h",
        [
            ("Cookie", "a=1; b=2"),
            ("Authorization", "Bearer t"),
            ("Referer", "/"),
            ("User-Agent", "u"),
            ("Accept", "*/*"),
            ("Accept-Encoding", "gzip"),
            ("If-None-Match", '"e"'),
            ("Range", "bytes=0-1"),
        ],
    ),
    raw("two cookie fields", b"GET /h HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n"),
    get("what the upstream is told by default", "/bare/x", [("X-A", "1"), ("Connection", "keep-alive")]),
    get("a body to the upstream by default", "/bare/x", method="POST", body=b"b"),
    get("chunks to the upstream by default", "/bare/x", method="POST", chunks=[b"b"]),
    get("server_tokens off", "/tokens"),
    raw("server_tokens off in an error", b"GET /tokens HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"),
]

REPLIES = [
    *(
        reply(name)
        for name in (
            "ok",
            "empty",
            "no-type",
            "odd-reason",
            "no-reason",
            "204",
            "304",
            "chunked",
            "chunk-extension",
            "trailers",
            "until-close",
            "old",
            "early-hints",
            "201",
            "206",
            "400",
            "401",
            "403",
            "404",
            "429",
            "499",
            "500",
            "502",
            "503",
            "504",
            "fields",
            "empty-field",
            "eight-bit",
            "many-fields",
            "nominated",
            "bare-lf",
            "two-lengths",
            "bad-length",
            "both-framings",
            "garbage",
            "not-http",
            "nothing",
            "half-head",
            "reset",
            "websocket-no",
        )
    ),
    *(reply(name, "HEAD") for name in ("head", "chunked", "304", "404", "fields")),
    reply("404", "POST", body=b"x"),
    get("until-close to HTTP/1.0", "/r", [upstream_said("until-close")], version="HTTP/1.0"),
    get("chunks to HTTP/1.0", "/r", [upstream_said("chunked")], version="HTTP/1.0"),
    get("TE: trailers, and trailers", "/r", [("TE", "trailers"), upstream_said("trailers")]),
]

TAKEN = {"status": (200, 400)}
BY_DEFAULT = {"upstream": ((" HTTP/1.0", "Connection: close"), " HTTP/1.1")}
BAD_GATEWAY = {"status": (200, 502)}

DIFFERS = {
    "request-framing": {"a space behind a chunk's size": TAKEN, "a bare LF behind a chunk's size": TAKEN},
    "reply-framing": {
        "upstream answers bare-lf": BAD_GATEWAY,
        "upstream answers two-lengths": BAD_GATEWAY,
        "upstream answers bad-length": BAD_GATEWAY,
        "upstream answers both-framings": BAD_GATEWAY,
        "upstream answers garbage": {"status": (None, 502), "connection": ("not HTTP", "kept")},
        "upstream answers not-http": {"status": (None, 502), "connection": ("not HTTP", "kept")},
    },
    "request-line": {"two spaces in the request line": TAKEN, "a space behind the version": TAKEN},
    "malformed-fields": {
        "a control character in a value": TAKEN,
        "a line without a colon": TAKEN | {"upstream": ("nonsense: ", None)},
        "a name with a bracket": TAKEN,
    },
    "hosts": {"user@ in Host": TAKEN, "Host with a port that is none": TAKEN},
    "targets": {
        "8-bit characters": TAKEN,
        "a query with 8 bits": TAKEN,
        "a fragment": TAKEN,
        "a query with a fragment": TAKEN,
    },
    "absolute-form": {
        "absolute form beside another Host": TAKEN | {"upstream": ("Host: localhost", None)},
        "ftp in absolute form": TAKEN,
    },
    "nominated-framing": {"Connection nominates Host": TAKEN},
    "http-0.9": {"HTTP/0.9": {"status": (None, 400), "upstream": ("GET /c HTTP/1.1", None)}},
    "methods": {"method in lower case": {"status": (400, 200)}, "method with a digit": {"status": (400, 200)}},
    "connect": {"method CONNECT": {"status": (400, 405)}},
    "options-star": {"OPTIONS *": {"status": (400, 404), "connection": ("closed", "kept")}},
    "unknown-coding": {"an unknown coding": {"status": (501, 400)}},
    "large-fields": {
        "a field of 9,000 bytes": {"status": (400, 431)},
        "fields of 40,000 bytes": {"status": (400, 431)},
    },
    "http-1.2": {"HTTP/1.2": {"log": ("HTTP/1.2", "HTTP/1.1")}},
    "expect": {"Expect without a body": {"status": ("100 Continue", 200)}},
    "unknown-expectation": {"another expectation": {"status": (200, 417)}},
    "bodies-stream": {
        "a chunked body": stays_chunked("one two"),
        "an empty chunked body": stays_chunked(""),
        "a chunked body with a trailer": stays_chunked("one", "X-Sum: 7"),
        "a chunked body with an extension": stays_chunked("one"),
        "a chunk's size in capitals and with zeros": stays_chunked("0123456789"),
        "a coding in capitals": stays_chunked("x"),
        "chunks to the upstream by default": stays_chunked("b"),
        "a collected chunked body": stays_chunked("all of it"),
    },
    "upstream-http": {
        "what the upstream is told by default": BY_DEFAULT,
        "a body to the upstream by default": BY_DEFAULT,
        "chunks to the upstream by default": BY_DEFAULT,
    },
    "nominated": {
        "Connection nominates a field": {"upstream": ("X-Hop: 1", "")},
        "Keep-Alive and Proxy-Connection": {"upstream": ("Proxy-Connection: keep-alive", "")},
        "upstream answers nominated": {"fields": ("X-Hop: 1", "")},
    },
    "upgrade-field": {"upstream answers websocket-no": {"fields": ("Upgrade: websocket", "")}},
    "odd-names": {"a name with odd characters": {"upstream": ("", "X!A: 1")}},
    "white-space": {"a tab behind the colon": {"upstream": ("X-A: \t1", "X-A: 1")}},
    "reason": {
        "upstream answers odd-reason": {"status": ("200 Absolutely Fine", "200 OK")},
        "upstream answers no-reason": {"status": (200, "200 OK")},
        "upstream answers 499": {"status": ("499 Odd", 499)},
    },
    "trailers": {
        "upstream answers trailers": {"trailers": (None, "X-Sum: 7")},
        "TE: trailers, and trailers": {"trailers": (None, "X-Sum: 7")},
    },
    "interim": {
        "upstream answers early-hints": {"status": (None, "103 Early Hints"), "connection": ("silent", "kept")}
    },
}

FILE = File(
    "plain",
    "a plain reverse proxy: methods, bodies and framing, connections, targets, heads, replies",
    METHODS + BODIES + CONNECTIONS + TARGETS + HEADS + REPLIES,
    differs=DIFFERS,
)
