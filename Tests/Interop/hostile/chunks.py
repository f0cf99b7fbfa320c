"""Smuggling by what chunks and trailers hold."""

from .case import Forwarded, Outcome
from .raw import CHUNKED, HELLO, HTTP2, NEXT, adder, passed, post, refused
from .streams import NOT_TRAILERS, RESET, lines, passes, resets, stream

CASES = []
add = adder(CASES)

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
    (
        "a chunk extension of 5000 bytes",
        b"5;" + b"a" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
        "a chunk's size line is longer than 4096 bytes",
    ),
    (
        "chunk extensions of 80 KB in all",
        (b"1;" + b"a" * 4000 + b"\r\nx\r\n") * 20 + b"0\r\n\r\n",
        "the chunk extensions of one body pass 64 KiB",
    ),
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
    (
        "a length in the trailers",
        b"0\r\nContent-Length: 5\r\n\r\n",
        "a trailer field that frames, routes or authenticates",
    ),
    (
        "a coding in the trailers",
        b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "a trailer field that frames, routes or authenticates",
    ),
    ("a Host in the trailers", b"0\r\nHost: elsewhere\r\n\r\n", "a trailer field that frames, routes or authenticates"),
    (
        "credentials in the trailers",
        b"0\r\nAuthorization: Basic YTpi\r\n\r\n",
        "a trailer field that frames, routes or authenticates",
    ),
    (
        "an address in the trailers",
        b"0\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n",
        "a trailer field that frames, routes or authenticates",
    ),
    (
        "an address in the trailers, by an alias",
        b"0\r\nx_real.ip: 6.6.6.6\r\n\r\n",
        "a trailer field that frames, routes or authenticates",
    ),
    ("40 trailers", b"0\r\n" + b"X-A: 1\r\n" * 40 + b"\r\n", "more than 32 trailer fields"),
    (
        "trailers of 10 KB",
        b"0\r\n" + (b"X-A: " + b"a" * 1000 + b"\r\n") * 10 + b"\r\n",
        "the trailers are longer than 8 KiB",
    ),
]:
    # HTTP/2 has no chunks: what reads like some is a body, which goes up as it is. No longer than a stream's first window.
    _plain = _body + NEXT
    _part = _plain[:60000]
    _http2 = passes([Forwarded("POST", body=_part)], stream(parts=(_part,)), means="a body of these bytes")
    if _body.startswith(b"0\r\n") and "without a colon" not in _name:
        _trailers = lines(_body.removeprefix(b"0\r\n").removesuffix(b"\r\n"))
        _http2 = resets(NOT_TRAILERS, stream(parts=(b"hello",), trailers=_trailers), means="no message")
    add(_name, "a body that can't be read", post(CHUNKED, _plain), refused(_log, begins=True), http2=_http2)

add("chunk extensions", "a body of 5", post(CHUNKED, b'5;a=1;b="c;d"\r\nhello\r\n0;e\r\n\r\n'), passed(HELLO))
add(
    "a chunk size with leading zeros",
    "a body of 5",
    post(CHUNKED, b"0000000000000005\r\nhello\r\n000\r\n\r\n"),
    passed(HELLO),
)
add(
    "harmless trailers",
    "a body of 5",
    post(CHUNKED, b"5\r\nhello\r\n0\r\nX-Checksum: 1\r\n\r\n"),
    passed(HELLO),
    http2=passes([HELLO], stream(parts=(b"hello",), trailers=(("x-checksum", "1"),))),
)
for _name, _trailers in [
    ("a pseudo-field in the trailers", ((":path", "/secret"),)),
    ("a request in the trailers", (("x-a", "1\r\n\r\n" + NEXT.decode()),)),
    ("upper case in the trailers", (("X-A", "1"),)),
    ("a colon in a trailer's name", (("content-length: 5\r\nx", "1"),)),
    ("a field of a connection in the trailers", (("connection", "x-a"),)),
]:
    add(
        _name,
        "no message",
        (stream(parts=(b"hello",), trailers=_trailers),),
        Outcome(RESET, begins=True, log=NOT_TRAILERS),
        carriers=HTTP2,
    )
