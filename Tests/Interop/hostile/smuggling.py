"""Every way in which two parsers can disagree on where a message ends, or what it is for."""

from .case import Case, Forwarded, Outcome, Raw

HOST = b"Host: localhost\r\n"
#: Behind everything that is refused stands a request of its own: nobody may take it for one.
NEXT = b"GET /open/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"

CASES = []


def add(name, means, data, outcome, nginx=None, carriers=("http/1", "http/1 in pieces")):
    CASES.append(Case(name, means, Raw(data), outcome, nginx, carriers=carriers))


def refused(log, status=400, begins=False):
    return Outcome((status,), ends=True, begins=begins, log=log)


def passed(*requests, answers=None, ends=False):
    return Outcome(answers or (200,) * len(requests), ends=ends, gateway=requests)


def post(fields, body=b"", version=b"1.1", target=b"/open/x"):
    return b"POST " + target + b" HTTP/" + version + b"\r\n" + HOST + fields + b"\r\n" + body


HELLO = Forwarded("POST", body=b"hello")
EMPTY = Forwarded("POST")
GET = Forwarded()
SMUGGLED = Forwarded(target="/open/smuggled")

# Lengths.

REPEATED = "more than one Content-Length"
LENGTH = "Content-Length isn't a decimal number below 2^63"
for _name, _fields, _log in [
    ("two equal lengths", b"Content-Length: 5\r\nContent-Length: 5\r\n", REPEATED),
    ("two lengths", b"Content-Length: 5\r\nContent-Length: 6\r\n", REPEATED),
    ("two lengths, one in capitals", b"Content-Length: 5\r\nCONTENT-LENGTH: 0\r\n", REPEATED),
    ("a list of lengths", b"Content-Length: 5, 5\r\n", LENGTH),
    ("a length with a plus", b"Content-Length: +5\r\n", LENGTH),
    ("a length with a minus", b"Content-Length: -5\r\n", LENGTH),
    ("a length in hexadecimal", b"Content-Length: 0x5\r\n", LENGTH),
    ("a length with a space in it", b"Content-Length: 5 5\r\n", LENGTH),
    ("a length with a word", b"Content-Length: 5 bytes\r\n", LENGTH),
    ("a length with a fraction", b"Content-Length: 5.0\r\n", LENGTH),
    ("a length with an exponent", b"Content-Length: 5e0\r\n", LENGTH),
    ("a length with an underscore", b"Content-Length: 0_5\r\n", LENGTH),
    ("a length in quotes", b'Content-Length: "5"\r\n', LENGTH),
    ("a length with a comma behind", b"Content-Length: 5,\r\n", LENGTH),
    ("an empty length", b"Content-Length: \r\n", LENGTH),
    ("a length of 2^63", b"Content-Length: 9223372036854775808\r\n", LENGTH),
    ("a length beyond 64 bits", b"Content-Length: 18446744073709551621\r\n", LENGTH),
    ("a length in full-width digits", "Content-Length: \uff15\r\n".encode(), LENGTH),
    ("a length behind a vertical tab", b"Content-Length: \x0b5\r\n", "a control character in the head"),
    ("a length by an alias", b"Content_Length: 5\r\n", "Content-Length or Transfer-Encoding spelt with _ or ."),
    ("a length by another alias", b"Content.Length: 5\r\n", "Content-Length or Transfer-Encoding spelt with _ or ."),
    ("a length with a space before the colon", b"Content-Length : 5\r\n", "white space between a field's name and its colon"),
    ("a length with a tab before the colon", b"Content-Length\t: 5\r\n", "white space between a field's name and its colon"),
    ("a length on a folded line", b"Content-Length:\r\n 5\r\n", "a field continues on a second line"),
]:
    add(_name, "nobody can say", post(_fields, b"hello" + NEXT), refused(_log))

add("a length with white space around", "a body of 5", post(b"Content-Length: \t 5 \t\r\n", b"hello"), passed(HELLO))
add("a length with leading zeros", "a body of 5", post(b"Content-Length: 00005\r\n", b"hello"), passed(HELLO))
add(
    "a request behind a body",
    "two requests",
    post(b"Content-Length: 5\r\n", b"hello" + NEXT),
    passed(HELLO, SMUGGLED),
)
add(
    "a request inside a body",
    "one request",
    post(b"Content-Length: %d\r\n" % len(NEXT), NEXT),
    passed(Forwarded("POST", body=NEXT)),
)
add(
    "GET with a body",
    "one request with a body",
    b"GET /open/x HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(NEXT) + NEXT,
    passed(Forwarded("GET", body=NEXT)),
)
add(
    "GET without a length and bytes behind",
    "two requests",
    b"GET /open/x HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    passed(GET, SMUGGLED),
)

# Transfer codings.

BOTH = "both Content-Length and Transfer-Encoding"
CODING = "Transfer-Encoding doesn't end in a single chunked"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
for _name, _fields, _log in [
    ("length, then chunked", b"Content-Length: 5\r\n" + CHUNKED, BOTH),
    ("chunked, then length", CHUNKED + b"Content-Length: 5\r\n", BOTH),
    ("chunked, and a length of 0", CHUNKED + b"Content-Length: 0\r\n", BOTH),
    ("chunked twice", CHUNKED + CHUNKED, "more than one Transfer-Encoding"),
    ("chunked and identity, apart", CHUNKED + b"Transfer-Encoding: identity\r\n", "more than one Transfer-Encoding"),
    ("chunked twice in a list", b"Transfer-Encoding: chunked, chunked\r\n", CODING),
    ("chunked not last", b"Transfer-Encoding: chunked, identity\r\n", CODING),
    ("identity", b"Transfer-Encoding: identity\r\n", CODING),
    ("chunked misspelt", b"Transfer-Encoding: xchunked\r\n", CODING),
    ("chunked cut short", b"Transfer-Encoding: chunke\r\n", CODING),
    ("chunked in quotes", b'Transfer-Encoding: "chunked"\r\n', CODING),
    ("chunked with a parameter", b"Transfer-Encoding: chunked;q=1\r\n", CODING),
    ("chunked behind an empty element", b"Transfer-Encoding: , chunked\r\n", CODING),
    ("chunked before an empty element", b"Transfer-Encoding: chunked,\r\n", CODING),
    ("chunked behind a no-break space", b"Transfer-Encoding: \xa0chunked\r\n", CODING),
    ("chunked behind a vertical tab", b"Transfer-Encoding: \x0bchunked\r\n", "a control character in the head"),
    ("chunked with a NUL behind", b"Transfer-Encoding: chunked\x00\r\n", "a NUL byte in the head"),
    ("an empty coding", b"Transfer-Encoding: \r\n", CODING),
    ("chunked by an alias", b"Transfer_Encoding: chunked\r\n", "Content-Length or Transfer-Encoding spelt with _ or ."),
    ("chunked with a space before the colon", b"Transfer-Encoding : chunked\r\n", "white space between a field's name and its colon"),
    ("chunked on a folded line", b"Transfer-Encoding:\r\n chunked\r\n", "a field continues on a second line"),
    ("chunked in the fold of another field", b"X-A: 1\r\n Transfer-Encoding: chunked\r\n", "a field continues on a second line"),
    ("chunked behind a bare CR", b"X-A: 1\rTransfer-Encoding: chunked\r\n", "a CR that no LF follows"),
]:
    add(_name, "nobody can say", post(_fields, b"0\r\n\r\n" + NEXT), refused(_log))

add(
    "a coding that isn't known",
    "a body in gzip",
    post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n" + NEXT),
    refused("a transfer coding other than chunked", 501),
)
add(
    "chunked in HTTP/1.0",
    "nobody can say",
    post(CHUNKED, b"0\r\n\r\n" + NEXT, b"1.0"),
    refused("Transfer-Encoding in a message of HTTP/1.0"),
)
add("chunked in capitals", "a body of 5", post(b"TRANSFER-ENCODING:\tCHUNKED\r\n", b"5\r\nhello\r\n0\r\n\r\n"), passed(HELLO))
add(
    "a request inside a chunk",
    "one request",
    post(CHUNKED, b"%x\r\n" % len(NEXT) + NEXT + b"\r\n0\r\n\r\n"),
    passed(Forwarded("POST", body=NEXT)),
)
add(
    "a request behind the last chunk",
    "two requests",
    post(CHUNKED, b"5\r\nhello\r\n0\r\n\r\n" + NEXT),
    passed(HELLO, SMUGGLED),
)

# Chunks.

SIZE = "a chunk's size isn't hexadecimal"
TOO_LARGE = "a chunk's size has more than 16 digits or passes 2^63"
LF = "a line of the chunked coding ends in LF without CR"
CR = "a CR that no LF follows in the chunked coding"
END = "a chunk's bytes aren't followed by CRLF"
for _name, _body, _log in [
    ("a chunk size that isn't a number", b"zz\r\nhello\r\n0\r\n\r\n", SIZE),
    ("a chunk size with a plus", b"+5\r\nhello\r\n0\r\n\r\n", SIZE),
    ("a chunk size with a minus", b"-5\r\nhello\r\n0\r\n\r\n", SIZE),
    ("a chunk size with 0x", b"0x5\r\nhello\r\n0\r\n\r\n", SIZE),
    ("a chunk size with an underscore", b"0_5\r\nhello\r\n0\r\n\r\n", SIZE),
    ("an empty chunk size", b"\r\nhello\r\n0\r\n\r\n", SIZE),
    ("a chunk extension without a size", b";a\r\nhello\r\n0\r\n\r\n", SIZE),
    ("a space before a chunk's size", b" 5\r\nhello\r\n0\r\n\r\n", SIZE),
    ("a space after a chunk's size", b"5 \r\nhello\r\n0\r\n\r\n", SIZE),
    ("a tab after a chunk's size", b"5\t\r\nhello\r\n0\r\n\r\n", SIZE),
    ("a NUL after a chunk's size", b"5\x00\r\nhello\r\n0\r\n\r\n", SIZE),
    ("a chunk size of 2^63", b"8000000000000000\r\nhello\r\n0\r\n\r\n", TOO_LARGE),
    ("a chunk size that overflows 64 bits to 5", b"10000000000000005\r\nhello\r\n0\r\n\r\n", TOO_LARGE),
    ("a chunk size of 17 digits", b"00000000000000005\r\nhello\r\n0\r\n\r\n", TOO_LARGE),
    ("a bare LF after a chunk's size", b"5\nhello\r\n0\r\n\r\n", LF),
    ("a bare CR after a chunk's size", b"5\rhello\r\n0\r\n\r\n", CR),
    ("a bare LF in a chunk extension", b"5;a\nhello\r\n0\r\n\r\n", LF),
    ("a bare CR in a chunk extension", b"5;a\rb\r\nhello\r\n0\r\n\r\n", CR),
    ("a NUL in a chunk extension", b"5;a\x00b\r\nhello\r\n0\r\n\r\n", "a control character in a chunk's extension"),
    ("a chunk extension of 5000 bytes", b"5;" + b"a" * 5000 + b"\r\nhello\r\n0\r\n\r\n", "a chunk's size line is longer than 4096 bytes"),
    ("chunk extensions of 80 KB in all", (b"1;" + b"a" * 4000 + b"\r\nx\r\n") * 20 + b"0\r\n\r\n", "the chunk extensions of one body pass 64 KiB"),
    ("a chunk longer than its size", b"5\r\nhelloX\r\n0\r\n\r\n", END),
    ("a chunk shorter than its size", b"6\r\nhello\r\n0\r\n\r\n", END),
    ("a bare LF after a chunk's data", b"5\r\nhello\n0\r\n\r\n", END),
    ("a bare CR after a chunk's data", b"5\r\nhello\r0\r\n\r\n", END),
    ("no line's end after a chunk's data", b"5\r\nhello0\r\n\r\n", END),
    ("a bare LF after the last chunk", b"5\r\nhello\r\n0\n\n", LF),
    ("a bare LF for the last line", b"5\r\nhello\r\n0\r\n\n", LF),
    ("a request where trailers stand", b"5\r\nhello\r\n0\r\n", "a malformed trailer field"),
    ("a folded trailer", b"0\r\nX-A: 1\r\n b\r\n\r\n", "a malformed trailer field"),
    ("a trailer without a colon", b"0\r\nX-A\r\n\r\n", "a malformed trailer field"),
    ("a trailer with a NUL", b"0\r\nX-A: \x00\r\n\r\n", "a malformed trailer field"),
    ("a trailer with a bare LF", b"0\r\nX-A: 1\nX-B: 2\r\n\r\n", LF),
    ("a length in the trailers", b"0\r\nContent-Length: 5\r\n\r\n", "a trailer field that frames, routes or authenticates"),
    ("a coding in the trailers", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", "a trailer field that frames, routes or authenticates"),
    ("a Host in the trailers", b"0\r\nHost: elsewhere\r\n\r\n", "a trailer field that frames, routes or authenticates"),
    ("credentials in the trailers", b"0\r\nAuthorization: Basic YTpi\r\n\r\n", "a trailer field that frames, routes or authenticates"),
    ("an address in the trailers", b"0\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n", "a trailer field that frames, routes or authenticates"),
    ("an address in the trailers, by an alias", b"0\r\nx_real.ip: 6.6.6.6\r\n\r\n", "a trailer field that frames, routes or authenticates"),
    ("40 trailers", b"0\r\n" + b"X-A: 1\r\n" * 40 + b"\r\n", "more than 32 trailer fields"),
    ("trailers of 10 KB", b"0\r\n" + (b"X-A: " + b"a" * 1000 + b"\r\n") * 10 + b"\r\n", "the trailers are longer than 8 KiB"),
]:
    add(_name, "a body that can't be read", post(CHUNKED, _body + NEXT), refused(_log, begins=True))

add("chunk extensions", "a body of 5", post(CHUNKED, b'5;a=1;b="c;d"\r\nhello\r\n0;e\r\n\r\n'), passed(HELLO))
add("a chunk size with leading zeros", "a body of 5", post(CHUNKED, b"0000000000000005\r\nhello\r\n000\r\n\r\n"), passed(HELLO))
add("harmless trailers", "a body of 5", post(CHUNKED, b"5\r\nhello\r\n0\r\nX-Checksum: 1\r\n\r\n"), passed(HELLO))

# Lines.

BARE_LF = "a line ends in LF without CR"
FOLD = "a field continues on a second line"
for _name, _data, _log in [
    ("a bare CR for a line's end", b"GET /open/x HTTP/1.1\rHost: localhost\r\n\r\n", "a CR that no LF follows"),
    ("a bare CR in a value", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A: 1\rX-B: 2\r\n\r\n", "a CR that no LF follows"),
    ("CR CR LF", b"GET /open/x HTTP/1.1\r\r\n" + HOST + b"\r\n", "a CR that no LF follows"),
    ("a folded line", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A: 1\r\n 2\r\n\r\n", FOLD),
    ("a line folded by a tab", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A: 1\r\n\t2\r\n\r\n", FOLD),
    ("a folded first line", b"GET /open/x HTTP/1.1\r\n X-A: 1\r\n" + HOST + b"\r\n", FOLD),
    ("a line of one space", b"GET /open/x HTTP/1.1\r\n" + HOST + b" \r\n\r\n", FOLD),
    ("a NUL in a name", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X\x00A: 1\r\n\r\n", "a NUL byte in the head"),
    ("a NUL in a value", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A: 1\x002\r\n\r\n", "a NUL byte in the head"),
    ("an escape character in a value", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A: \x1b[2J\r\n\r\n", "a control character in the head"),
    ("a DEL in a value", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A: \x7f\r\n\r\n", "a control character in the head"),
    ("a field without a colon", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X-A\r\n\r\n", "a field without a colon"),
    ("a field without a name", b"GET /open/x HTTP/1.1\r\n" + HOST + b": 1\r\n\r\n", "a field without a name"),
    ("a separator in a name", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X(A): 1\r\n\r\n", "a field's name isn't a token"),
    ("a space in a name", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X A: 1\r\n\r\n", "white space between a field's name and its colon"),
    ("an 8-bit letter in a name", b"GET /open/x HTTP/1.1\r\n" + HOST + b"X\xe4: 1\r\n\r\n", "a field's name isn't a token"),
]:
    add(_name, "no message", _data + NEXT, refused(_log))

for _name, _data in [
    ("a bare LF after the request line", b"GET /open/x HTTP/1.1\n" + HOST + b"\r\n"),
    ("a bare LF after a field", b"GET /open/x HTTP/1.1\r\nHost: localhost\n\r\n"),
    ("a bare LF at the end", b"GET /open/x HTTP/1.1\r\nHost: localhost\r\n\n"),
    ("bare LFs everywhere", b"GET /open/x HTTP/1.1\nHost: localhost\n\n"),
]:
    add(_name, "a request, to some", _data + NEXT, refused(BARE_LF), nginx=passed(GET, SMUGGLED))
add("empty lines before a request", "one request", b"\r\n\r\nGET /open/x HTTP/1.1\r\n" + HOST + b"\r\n", passed(GET))

# Request lines and versions.

METHOD = "the method isn't a token of at most 32 bytes"
TARGET = "the request target isn't a path, an http URI or *"
VERSION = "the version isn't HTTP/1.0 or HTTP/1.1"
for _name, _line, _log in [
    ("HTTP/0.9", b"GET /open/x", "the request line has no version (HTTP/0.9)"),
    ("a version with two digits", b"GET /open/x HTTP/1.10", VERSION),
    ("a version without a dot", b"GET /open/x HTTP/11", VERSION),
    ("a version with a comma", b"GET /open/x HTTP/1,1", VERSION),
    ("a version with something behind", b"GET /open/x HTTP/1.1x", VERSION),
    ("a version in lower case", b"GET /open/x http/1.1", VERSION),
    ("another protocol's version", b"GET /open/x ICAP/1.0", VERSION),
    ("a version with a sign", b"GET /open/x HTTP/+1.1", VERSION),
    ("two spaces", b"GET  /open/x HTTP/1.1", TARGET),
    ("two spaces before the version", b"GET /open/x  HTTP/1.1", VERSION),
    ("a space behind the version", b"GET /open/x HTTP/1.1 ", VERSION),
    ("a space before the method", b" GET /open/x HTTP/1.1", METHOD),
    ("a tab for a space", b"GET\t/open/x HTTP/1.1", METHOD),
    ("a vertical tab for a space", b"GET\x0b/open/x HTTP/1.1", METHOD),
    ("a space in the target", b"GET /open/x HTTP/1.1 HTTP/1.1", VERSION),
    ("a method with a separator", b"GE(T /open/x HTTP/1.1", METHOD),
    ("a method of 33 letters", b"G" * 33 + b" /open/x HTTP/1.1", METHOD),
    ("no method", b"/open/x HTTP/1.1", METHOD),
    ("a NUL in the target", b"GET /open/\x00 HTTP/1.1", "a NUL byte in the head"),
    ("a control character in the target", b"GET /open/\x01 HTTP/1.1", TARGET),
    ("an 8-bit character in the target", b"GET /open/\xe4 HTTP/1.1", TARGET),
    ("a target that isn't a path", b"GET open/x HTTP/1.1", TARGET),
    ("a star that isn't for OPTIONS", b"GET * HTTP/1.1", TARGET),
    ("another scheme", b"GET file:///open/x HTTP/1.1", TARGET),
]:
    add(_name, "no message", _line + b"\r\n" + HOST + b"\r\n" + NEXT, refused(_log))

for _name, _line in [("HTTP/0.9 by name", b"GET /open/x HTTP/0.9"), ("HTTP/2.0 by name", b"GET /open/x HTTP/2.0"), ("HTTP/9.9", b"GET /open/x HTTP/9.9")]:
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
)
add(
    "TRACE",
    "an echo of the fields",
    b"TRACE /open/x HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    refused("TRACE would show a client what is between it and the gateway", 405),
)

# Hosts.

for _name, _target, _hosts, _log in [
    ("no Host", b"/open/x", b"", "a request without Host"),
    ("two Hosts", b"/open/x", HOST + b"Host: elsewhere\r\n", "more than one Host"),
    ("two equal Hosts", b"/open/x", HOST + HOST, "more than one Host"),
    ("an empty Host", b"/open/x", b"Host: \r\n", "Host isn't a name or address with an optional port"),
    ("a list of Hosts", b"/open/x", b"Host: localhost, elsewhere\r\n", "Host isn't a name or address with an optional port"),
    ("a Host with a path", b"/open/x", b"Host: localhost/elsewhere\r\n", "Host isn't a name or address with an optional port"),
    ("a Host with a user", b"/open/x", b"Host: a@localhost\r\n", "Host isn't a name or address with an optional port"),
    ("a Host with two ports", b"/open/x", b"Host: localhost:80:81\r\n", "Host isn't a name or address with an optional port"),
    ("a Host with port 65536", b"/open/x", b"Host: localhost:65536\r\n", "Host isn't a name or address with an optional port"),
    ("a Host with a space before its colon", b"/open/x", b"Host : localhost\r\n", "white space between a field's name and its colon"),
    ("a Host on a folded line", b"/open/x", b"Host:\r\n localhost\r\n", FOLD),
    ("an absolute target and another Host", b"http://elsewhere/open/x", HOST, "Host differs from the target's authority"),
    ("an absolute target with a port, a Host without", b"http://localhost:80/open/x", HOST, "Host differs from the target's authority"),
    ("an absolute target with a user", b"http://a@localhost/open/x", HOST, "Host isn't a name or address with an optional port"),
    ("an absolute target without a host", b"http:///open/x", HOST, "Host isn't a name or address with an optional port"),
]:
    add(_name, "nobody can say for whom", b"GET " + _target + b" HTTP/1.1\r\n" + _hosts + b"\r\n" + NEXT, refused(_log))
add(
    "an absolute target and the same Host",
    "one request",
    b"GET http://localhost/open/x HTTP/1.1\r\n" + HOST + b"\r\n",
    passed(Forwarded(fields=(("host", ("localhost",)),))),
)

# Where a connection ends.

add(
    "bytes behind Connection: close",
    "one request",
    b"GET /open/x HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n" + NEXT,
    passed(GET, ends=True),
)
add(
    "bytes behind Connection: keep-alive, close",
    "one request",
    b"GET /open/x HTTP/1.1\r\n" + HOST + b"Connection: keep-alive, close\r\n\r\n" + NEXT,
    passed(GET, ends=True),
)
add("bytes behind HTTP/1.0", "one request", b"GET /open/x HTTP/1.0\r\n" + HOST + b"\r\n" + NEXT, passed(GET, ends=True))
add(
    "a request behind one that is denied",
    "two requests",
    b"GET /closed/x HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    Outcome((403, 200), gateway=(SMUGGLED,), log="refused with 403: address-denied"),
)
add(
    "a request in the body of one that is denied",
    "one request",
    post(b"Content-Length: %d\r\n" % len(NEXT), NEXT, target=b"/closed/x"),
    Outcome((403,), log="refused with 403: address-denied"),
    carriers=("http/1",),  # A body that comes late ends the connection, which is as good.
)
add(
    "a request in the chunks of one that is denied",
    "one request",
    post(CHUNKED, b"%x\r\n" % len(NEXT) + NEXT + b"\r\n0\r\n\r\n", target=b"/closed/x"),
    Outcome((403,), ends=True, log="refused with 403: address-denied"),
)
add(
    "a request in a body that was to wait for 100",
    "one request",
    post(b"Expect: 100-continue\r\nContent-Length: %d\r\n" % len(NEXT), NEXT, target=b"/closed/x"),
    Outcome((403,), ends=True, log="refused with 403: address-denied"),
)

# Upgrades.

WEBSOCKET = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + WEBSOCKET
DECLINED = Forwarded(target="/open/declines", fields=(("upgrade", ("websocket",)),))
add(
    "a request behind an upgrade that is declined",
    "two requests",
    b"GET /open/declines HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n" + NEXT,
    passed(DECLINED, SMUGGLED, answers=(426, 200)),
)
add(
    "a frame behind an upgrade that is declined",
    "frames of a WebSocket",
    b"GET /open/declines HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n" + b"\x82\x7e\x00\x40" + NEXT,
    Outcome((426, 400), ends=True, gateway=(DECLINED,), log=METHOD),
)
_no_upgrade = (("upgrade", ()), ("http2-settings", ()))
add(
    "Upgrade: h2c",
    "one request",
    b"GET /open/x HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    passed(Forwarded(fields=_no_upgrade)),
)
add(
    "Upgrade without Connection",
    "one request",
    b"GET /open/x HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\n" + WEBSOCKET + b"\r\n",
    passed(Forwarded(fields=_no_upgrade)),
)
add(
    "two Upgrades",
    "one request",
    b"GET /open/x HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n\r\n",
    passed(Forwarded(fields=_no_upgrade)),
)
add(
    "an upgrade by POST",
    "one request with a body",
    post(UPGRADE + b"Content-Length: 5\r\n", b"hello"),
    passed(Forwarded("POST", body=b"hello", fields=_no_upgrade)),
)
add(
    "an upgrade in HTTP/1.0",
    "one request",
    b"GET /open/x HTTP/1.0\r\n" + HOST + UPGRADE + b"\r\n" + NEXT,
    passed(Forwarded(fields=_no_upgrade), ends=True),
)
