"""Smuggling by lengths and transfer codings."""

from .case import Forwarded
from .raw import CHUNKED, GET, HELLO, HOST, NEXT, SMUGGLED, adder, passed, post, refused

CASES = []
add = adder(CASES)

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
    (
        "a length with a space before the colon",
        b"Content-Length : 5\r\n",
        "white space between a field's name and its colon",
    ),
    (
        "a length with a tab before the colon",
        b"Content-Length\t: 5\r\n",
        "white space between a field's name and its colon",
    ),
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
    (
        "chunked with a space before the colon",
        b"Transfer-Encoding : chunked\r\n",
        "white space between a field's name and its colon",
    ),
    ("chunked on a folded line", b"Transfer-Encoding:\r\n chunked\r\n", "a field continues on a second line"),
    (
        "chunked in the fold of another field",
        b"X-A: 1\r\n Transfer-Encoding: chunked\r\n",
        "a field continues on a second line",
    ),
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
add(
    "chunked in capitals",
    "a body of 5",
    post(b"TRANSFER-ENCODING:\tCHUNKED\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
    passed(HELLO),
)
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
