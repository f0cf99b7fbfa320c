"""Smuggling by the lines of a head: their ends, the request line, versions, hosts."""

from .case import Forwarded, Outcome, Stream
from .raw import FOLD, GET, HOST, HTTP2, METHOD, NEXT, SMUGGLED, adder, passed, refused
from .streams import AROUND, CONTROL, PSEUDO, get, lines, refuses

CASES = []
add = adder(CASES)

# Lines.

#: What stands before the line in question, where HTTP/2 has something like it.
FIRST = b"GET /open/x HTTP/1.1\r\n" + HOST
BARE_LF = "a line ends in LF without CR"
for _name, _data, _log, *_http2 in [
    ("a bare CR for a line's end", b"GET /open/x HTTP/1.1\rHost: localhost\r\n\r\n", "a CR that no LF follows"),
    ("a bare CR in a value", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A: 1\rX-B: 2\r\n\r\n", "a CR that no LF follows"),
    ("CR CR LF", b"GET /open/x HTTP/1.1\r\r\n" + HOST + b"\r\n", "a CR that no LF follows"),
    ("a folded line", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A: 1\r\n 2\r\n\r\n", FOLD, CONTROL),
    ("a line folded by a tab", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A: 1\r\n\t2\r\n\r\n", FOLD, CONTROL),
    ("a folded first line", b"GET /open/x HTTP/1.1\r\n X-A: 1\r\n" + HOST + b"\r\n", FOLD),
    ("a line of one space", b"GET /open/x HTTP/1.1\r\n" + HOST + b" \r\n\r\n", FOLD),
    ("a NUL in a name", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X\x00A: 1\r\n\r\n", "a NUL byte in the head"),
    ("a NUL in a value", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A: 1\x002\r\n\r\n", "a NUL byte in the head"),
    (
        "an escape character in a value",
        b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A: \x1b[2J\r\n\r\n",
        "a control character in the head",
    ),
    ("a DEL in a value", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A: \x7f\r\n\r\n", "a control character in the head"),
    ("a field without a colon", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A\r\n\r\n", "a field without a colon"),
    ("a field without a name", b"GET /open/x HTTP/1.1\r\n" + HOST + b": 1\r\n\r\n", "a field without a name"),
    ("a separator in a name", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X(A): 1\r\n\r\n", "a field's name isn't a token"),
    (
        "a space in a name",
        b"GET /open/x HTTP/1.1\r\n" + HOST + b"X A: 1\r\n\r\n",
        "white space between a field's name and its colon",
    ),
    (
        "an 8-bit letter in a name",
        b"GET /open/x HTTP/1.1\r\n" + HOST + b"X\xe4: 1\r\n\r\n",
        "a field's name isn't a token",
    ),
]:
    _over = None
    if _data.startswith(FIRST) and b":" in _data.removeprefix(FIRST):
        _over = refuses(*_http2 or [_log], get(*lines(_data.removeprefix(FIRST).removesuffix(b"\r\n"))))
    add(_name, "no message", _data + NEXT, refused(_log), http2=_over)
for _name, _fields, _log in [
    ("a whole field in a name", (("x-a: 1\r\nx-b", "2"),), "a field's name isn't a token"),
    ("a colon in a name", (("x-a:", "1"),), "a field's name isn't a token"),
    ("a line in a value", (("x-a", "1\r\nTransfer-Encoding: chunked"),), CONTROL),
    ("a request in a value", (("x-a", "1\r\n\r\n" + NEXT.decode()),), CONTROL),
    ("a LF in a value", (("x-a", "1\nx-b: 2"),), BARE_LF),
    ("upper case in a name", (("X-A", "1"),), "a field's name has upper-case letters"),
    ("white space around a value", (("x-a", " 1 "),), AROUND),
    ("`Transfer-Encoding` in upper case", (("Transfer-Encoding", "chunked"),), "a field's name has upper-case letters"),
]:
    add(_name, "no message", (get(*_fields),), Outcome((400,), log=_log), carriers=HTTP2)

for _name, _data in [
    ("a bare LF after the request line", b"GET /open/x HTTP/1.1\n" + HOST + b"\r\n"),
    ("a bare LF after a field", b"GET /open/x HTTP/1.1\r\nHost: localhost\n\r\n"),
    ("a bare LF at the end", b"GET /open/x HTTP/1.1\r\nHost: localhost\r\n\n"),
    ("bare LFs everywhere", b"GET /open/x HTTP/1.1\nHost: localhost\n\n"),
]:
    add(_name, "a request, to some", _data + NEXT, refused(BARE_LF), nginx=passed(GET, SMUGGLED))
add("empty lines before a request", "one request", b"\r\n\r\nGET /open/x HTTP/1.1\r\n" + HOST + b"\r\n", passed(GET))

# Request lines and versions.

TARGET = "the request target isn't a path, an http URI or *"
VERSION = "the version isn't HTTP/1.0 or HTTP/1.1"
for _name, _line, _log, *_http2 in [
    ("HTTP/0.9", b"GET /open/x", "the request line has no version (HTTP/0.9)"),
    ("a version with two digits", b"GET /open/x HTTP/1.10", VERSION),
    ("a version without a dot", b"GET /open/x HTTP/11", VERSION),
    ("a version with a comma", b"GET /open/x HTTP/1,1", VERSION),
    ("a version with something behind", b"GET /open/x HTTP/1.1x", VERSION),
    ("a version in lower case", b"GET /open/x http/1.1", VERSION),
    ("another protocol's version", b"GET /open/x ICAP/1.0", VERSION),
    ("a version with a sign", b"GET /open/x HTTP/+1.1", VERSION),
    ("two spaces", b"GET  /open/x HTTP/1.1", TARGET, TARGET, dict(path=" /open/x")),
    ("two spaces before the version", b"GET /open/x  HTTP/1.1", VERSION, TARGET, dict(path="/open/x ")),
    ("a space behind the version", b"GET /open/x HTTP/1.1 ", VERSION),
    ("a space before the method", b" GET /open/x HTTP/1.1", METHOD, METHOD, dict(method=" GET")),
    ("a tab for a space", b"GET\t/open/x HTTP/1.1", METHOD, METHOD, dict(method="GET\t/open/x")),
    ("a vertical tab for a space", b"GET\x0b/open/x HTTP/1.1", METHOD, METHOD, dict(method="GET\x0b/open/x")),
    ("a space in the target", b"GET /open/x HTTP/1.1 HTTP/1.1", VERSION, TARGET, dict(path="/open/x HTTP/1.1")),
    ("a method with a separator", b"GE(T /open/x HTTP/1.1", METHOD, METHOD, dict(method="GE(T")),
    ("a method of 33 letters", b"G" * 33 + b" /open/x HTTP/1.1", METHOD, METHOD, dict(method="G" * 33)),
    ("no method", b"/open/x HTTP/1.1", METHOD, PSEUDO, dict(method="")),
    ("a NUL in the target", b"GET /open/\x00 HTTP/1.1", "a NUL byte in the head", TARGET, dict(path="/open/\0")),
    ("a control character in the target", b"GET /open/\x01 HTTP/1.1", TARGET, TARGET, dict(path="/open/\x01")),
    ("an 8-bit character in the target", b"GET /open/\xe4 HTTP/1.1", TARGET, TARGET, dict(path="/open/\xe4")),
    ("a target that isn't a path", b"GET open/x HTTP/1.1", TARGET, TARGET, dict(path="open/x")),
    ("a star that isn't for OPTIONS", b"GET * HTTP/1.1", TARGET, TARGET, dict(path="*")),
    ("another scheme", b"GET file:///open/x HTTP/1.1", TARGET, TARGET, dict(path="file:///open/x")),
]:
    _over = refuses(_http2[0], get(**_http2[1])) if _http2 else None
    add(_name, "no message", _line + b"\r\n" + HOST + b"\r\n" + NEXT, refused(_log), http2=_over)
for _name, _stream, _log in [
    ("a request in the target", get(path="/open/x HTTP/1.1\r\nHost: localhost\r\n\r\nGET /open/smuggled"), TARGET),
    ("a request in the method", get(method="GET /open/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\nGET"), METHOD),
    ("a request line in the method", get(method="GET /secret HTTP/1.1\r\nX-A:"), METHOD),
    ("a line in the scheme", Stream(((":method", "GET"), (":scheme", "http\r\nx: y"), *get().fields[2:])), PSEUDO),
    ("another server's path", get(path="http://elsewhere/open/x"), TARGET),
    ("no path", get(path=None), PSEUDO),
    ("an empty path", get(path=""), PSEUDO),
    ("a field before the request's line", Stream((("x-a", "1"), *get().fields)), PSEUDO),
    ("two paths", get((":path", "/secret")), PSEUDO),
    ("two methods", Stream(((":method", "POST"), *get().fields)), PSEUDO),
    ("two schemes", Stream(((":scheme", "ftp"), *get().fields)), PSEUDO),
    ("a pseudo-field nobody knows", Stream(((":version", "HTTP/1.1"), *get().fields)), PSEUDO),
]:
    add(_name, "no message", (_stream,), Outcome((400,), log=_log), carriers=HTTP2)

for _name, _line in [
    ("HTTP/0.9 by name", b"GET /open/x HTTP/0.9"),
    ("HTTP/2.0 by name", b"GET /open/x HTTP/2.0"),
    ("HTTP/9.9", b"GET /open/x HTTP/9.9"),
]:
    add(_name, "another version", _line + b"\r\n" + HOST + b"\r\n" + NEXT, refused("the version of HTTP isn't 1", 505))
add(
    "HTTP/2's preface to HTTP/1",
    "another version",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + NEXT,
    refused("the version of HTTP isn't 1", 505),
)
add("HTTP/1.2", "HTTP/1.1, as the standard has it", b"GET /open/x HTTP/1.2\r\n" + HOST + b"\r\n", passed(GET))
add(
    "CONNECT",
    "a tunnel",
    b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    refused("CONNECT asks for a tunnel, which isn't offered", 405),
    http2=refuses(
        "CONNECT asks for a tunnel, which isn't offered",
        Stream(((":method", "CONNECT"), (":authority", "localhost:80")), (NEXT,)),
        status=405,
    ),
)
add(
    "TRACE",
    "an echo of the fields",
    b"TRACE /open/x HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    refused("TRACE would show a client what is between it and the gateway", 405),
    http2=refuses("TRACE would show a client what is between it and the gateway", get(method="TRACE"), status=405),
)

# Hosts.

NO_HOST = "Host isn't a name or address with an optional port"
SEVERAL = "more than one Host"
DIFFERS = "Host differs from the target's authority"
for _name, _target, _hosts, _log, _http2 in [
    ("no Host", b"/open/x", b"", "a request without Host", refuses("a request without Host", get(authority=None))),
    (
        "two Hosts",
        b"/open/x",
        HOST + b"Host: elsewhere\r\n",
        SEVERAL,
        refuses(DIFFERS, get(("host", "elsewhere"))),
    ),
    ("two equal Hosts", b"/open/x", HOST + HOST, SEVERAL, refuses(SEVERAL, get(*[("host", "localhost")] * 2))),
    ("an empty Host", b"/open/x", b"Host: \r\n", NO_HOST, refuses(NO_HOST, get(authority=""))),
    (
        "a list of Hosts",
        b"/open/x",
        b"Host: localhost, elsewhere\r\n",
        NO_HOST,
        refuses(NO_HOST, get(authority="localhost, elsewhere")),
    ),
    (
        "a Host with a path",
        b"/open/x",
        b"Host: localhost/elsewhere\r\n",
        NO_HOST,
        refuses(NO_HOST, get(authority="localhost/elsewhere")),
    ),
    (
        "a Host with a user",
        b"/open/x",
        b"Host: a@localhost\r\n",
        NO_HOST,
        refuses(NO_HOST, get(authority="a@localhost")),
    ),
    (
        "a Host with two ports",
        b"/open/x",
        b"Host: localhost:80:81\r\n",
        NO_HOST,
        refuses(NO_HOST, get(authority="localhost:80:81")),
    ),
    (
        "a Host with port 65536",
        b"/open/x",
        b"Host: localhost:65536\r\n",
        NO_HOST,
        refuses(NO_HOST, get(authority="localhost:65536")),
    ),
    (
        "a Host with a space before its colon",
        b"/open/x",
        b"Host : localhost\r\n",
        "white space between a field's name and its colon",
        refuses("white space between a field's name and its colon", get(("host ", "localhost"), authority=None)),
    ),
    (
        "a Host on a folded line",
        b"/open/x",
        b"Host:\r\n localhost\r\n",
        FOLD,
        refuses(NO_HOST, get(authority="\r\n localhost")),
    ),
    (
        "an absolute target and another Host",
        b"http://elsewhere/open/x",
        HOST,
        DIFFERS,
        refuses(TARGET, get(path="http://elsewhere/open/x")),
    ),
    (
        "an absolute target with a port, a Host without",
        b"http://localhost:80/open/x",
        HOST,
        DIFFERS,
        refuses(TARGET, get(path="http://localhost:80/open/x")),
    ),
    (
        "an absolute target with a user",
        b"http://a@localhost/open/x",
        HOST,
        NO_HOST,
        refuses(NO_HOST, get(path="http://a@localhost/open/x")),
    ),
    (
        "an absolute target without a host",
        b"http:///open/x",
        HOST,
        NO_HOST,
        refuses(NO_HOST, get(path="http:///open/x")),
    ),
]:
    _data = b"GET " + _target + b" HTTP/1.1\r\n" + _hosts + b"\r\n" + NEXT
    add(_name, "nobody can say for whom", _data, refused(_log), http2=_http2)
add(
    "an absolute target and the same Host",
    "one request",
    b"GET http://localhost/open/x HTTP/1.1\r\n" + HOST + b"\r\n",
    passed(Forwarded(fields=(("host", ("localhost",)),))),
    http2=refuses(TARGET, get(path="http://localhost/open/x")),
)
for _name, _stream, _log in [
    ("two `:authority`", Stream(((":authority", "elsewhere"), *get().fields)), PSEUDO),
    (
        "two `host`, without `:authority`",
        get(("host", "localhost"), ("host", "elsewhere"), authority=None),
        SEVERAL,
    ),
    ("a line in `:authority`", get(authority="localhost\r\nX-A: 1"), NO_HOST),
    ("a request in `:authority`", get(authority="localhost\r\n\r\n" + NEXT.decode()), NO_HOST),
    ("a line in `host`", get(("host", "localhost\r\nX-A: 1"), authority=None), CONTROL),
]:
    add(_name, "nobody can say for whom", (_stream,), Outcome((400,), log=_log), carriers=HTTP2)
