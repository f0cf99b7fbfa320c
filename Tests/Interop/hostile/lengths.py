"""Smuggling by lengths and transfer codings."""

from .case import Forwarded
from .raw import CHUNKED, GET, HELLO, HOST, HTTP2, NEXT, SMUGGLED, adder, passed, post, refused
from .case import Counterpart, Outcome
from .streams import AROUND, CONTROL, MORE, OF_A_CONNECTION, RESET, get, lines, passes, refuses, resets, stream

CASES = []
add = adder(CASES)

# Lengths.

NO_BODY = Forwarded("POST")

REPEATED = "more than one Content-Length"
LENGTH = "Content-Length isn't a decimal number below 2^63"
for _name, _fields, _log, *_http2 in [
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
    ("a length on a folded line", b"Content-Length:\r\n 5\r\n", "a field continues on a second line", CONTROL),
]:
    add(
        _name,
        "nobody can say",
        post(_fields, b"hello" + NEXT),
        refused(_log),
        http2=refuses(*_http2 or [_log], stream(*lines(_fields), parts=(b"hello", NEXT))),
    )

add(
    "a length with white space around",
    "a body of 5",
    post(b"Content-Length: \t 5 \t\r\n", b"hello"),
    passed(HELLO),
    http2=refuses(AROUND, stream(("content-length", "\t 5 \t"), parts=(b"hello",)), means="no message"),
)
add(
    "a length with leading zeros",
    "a body of 5",
    post(b"Content-Length: 00005\r\n", b"hello"),
    passed(HELLO),
    http2=passes([HELLO], stream(("content-length", "00005"), parts=(b"hello",))),
)
add(
    "a request behind a body",
    "two requests",
    post(b"Content-Length: 5\r\n", b"hello" + NEXT),
    passed(HELLO, SMUGGLED),
    http2=resets(
        MORE, stream(("content-length", "5"), parts=(b"hello" + NEXT,)), means="a body longer than it says"
    ),
    http2_carriers=("http/2", "h2c"),  # In pieces it is the next row.
)
add(
    "a request behind a body, in DATA of its own",
    "two requests",
    post(b"Content-Length: 5\r\n", b"hello" + NEXT),
    passed(HELLO, SMUGGLED),
    http2=Counterpart(
        # The five bytes are a whole body; when the rest comes, the gateway may have answered.
        Outcome(RESET, begins=True, perhaps=(HELLO,), log=MORE, otherwise=passed(HELLO)),
        (stream(("content-length", "5"), parts=(b"hello", NEXT)),),
        means="a body longer than it says",
    ),
)
add(
    "a body shorter than its length",
    "a request that never ends",
    (stream(("content-length", "50"), parts=(b"hello",)),),
    Outcome(RESET, begins=True, log="less body than content-length says"),
    carriers=HTTP2,
)
add(
    "a length of 0 and a request for a body",
    "a body longer than it says",
    (stream(("content-length", "0"), parts=(NEXT,)),),
    # Nothing is a whole body; when the rest comes, the gateway may have answered.
    Outcome(RESET, begins=True, perhaps=(NO_BODY,), log=MORE, otherwise=passed(NO_BODY)),
    carriers=HTTP2,
)
add(
    "a request inside a body",
    "one request",
    post(b"Content-Length: %d\r\n" % len(NEXT), NEXT),
    passed(Forwarded("POST", body=NEXT)),
    http2=passes([Forwarded("POST", body=NEXT)], stream(("content-length", str(len(NEXT))), parts=(NEXT,))),
)
add(
    "a request inside a body without a length",
    "one request",
    (stream(parts=(NEXT[:9], b"", NEXT[9:])),),
    passed(Forwarded("POST", body=NEXT)),
    carriers=HTTP2,
)
add(
    "GET with a body",
    "one request with a body",
    b"GET /open/x HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(NEXT) + NEXT,
    passed(Forwarded("GET", body=NEXT)),
    http2=passes([Forwarded("GET", body=NEXT)], get(("content-length", str(len(NEXT))), parts=(NEXT,))),
)
add(
    "GET without a length and bytes behind",
    "two requests",
    b"GET /open/x HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    passed(GET, SMUGGLED),
    http2=Counterpart(
        Outcome(
            ("GOAWAY STREAM_CLOSED",),
            ends=True,
            begins=True,
            perhaps=(GET,),
            log="a frame came for a closed stream",
        ),
        (get(behind=NEXT),),
        means="DATA behind END_STREAM",
    ),
    http2_carriers=("http/2", "h2c"),  # In pieces, the answer may come before the DATA.
)
add(
    "GET with a body without a length",
    "one request with a body",
    (get(parts=(NEXT,)),),
    passed(Forwarded("GET", body=NEXT)),
    carriers=HTTP2,
)

# Transfer codings.

NUL = "a NUL byte in the head"
BARE_CR = "a CR that no LF follows"
BOTH = "both Content-Length and Transfer-Encoding"
CODING = "Transfer-Encoding doesn't end in a single chunked"
for _name, _fields, _log, *_http2 in [
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
    ("chunked behind a vertical tab", b"Transfer-Encoding: \x0bchunked\r\n", CONTROL, CONTROL),
    ("chunked with a NUL behind", b"Transfer-Encoding: chunked\x00\r\n", NUL, NUL),
    ("an empty coding", b"Transfer-Encoding: \r\n", CODING),
    ("chunked by an alias", b"Transfer_Encoding: chunked\r\n", "Content-Length or Transfer-Encoding spelt with _ or ."),
    (
        "chunked with a space before the colon",
        b"Transfer-Encoding : chunked\r\n",
        "white space between a field's name and its colon",
        "white space between a field's name and its colon",
    ),
    ("chunked on a folded line", b"Transfer-Encoding:\r\n chunked\r\n", "a field continues on a second line", CONTROL),
    (
        "chunked in the fold of another field",
        b"X-A: 1\r\n Transfer-Encoding: chunked\r\n",
        "a field continues on a second line",
        CONTROL,
    ),
    ("chunked behind a bare CR", b"X-A: 1\rTransfer-Encoding: chunked\r\n", BARE_CR, BARE_CR),
]:
    add(
        _name,
        "nobody can say",
        post(_fields, b"0\r\n\r\n" + NEXT),
        refused(_log),
        http2=refuses(*_http2 or [OF_A_CONNECTION], stream(*lines(_fields), parts=(b"0\r\n\r\n" + NEXT,))),
    )

add(
    "a coding that isn't known",
    "a body in gzip",
    post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n" + NEXT),
    refused("a transfer coding other than chunked", 501),
    http2=refuses(
        OF_A_CONNECTION, stream(("transfer-encoding", "gzip, chunked"), parts=(b"0\r\n\r\n" + NEXT,))
    ),
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
    http2=refuses(OF_A_CONNECTION, stream(("transfer-encoding", "CHUNKED"), parts=(b"0\r\n\r\n",)), means="no message"),
)
_IN_CHUNK = b"%x\r\n" % len(NEXT) + NEXT + b"\r\n0\r\n\r\n"
_BEHIND = b"5\r\nhello\r\n0\r\n\r\n" + NEXT
add(
    "a request inside a chunk",
    "one request",
    post(CHUNKED, _IN_CHUNK),
    passed(Forwarded("POST", body=NEXT)),
    http2=passes([Forwarded("POST", body=_IN_CHUNK)], stream(parts=(_IN_CHUNK,)), means="a body of these bytes"),
)
add(
    "a request behind the last chunk",
    "two requests",
    post(CHUNKED, _BEHIND),
    passed(HELLO, SMUGGLED),
    http2=passes([Forwarded("POST", body=_BEHIND)], stream(parts=(_BEHIND,)), means="a body of these bytes"),
)
