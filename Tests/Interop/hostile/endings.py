"""Smuggling behind what ends a connection, or changes what it is for."""

from .case import Counterpart, Forwarded, Outcome
from .raw import CHUNKED, GET, HOST, HTTP2, METHOD, NEXT, SMUGGLED, adder, passed, post
from .streams import OF_A_CONNECTION, PSEUDO, get, passes, refuses, stream

CASES = []
add = adder(CASES)
DENIED = "refused with 403: address-denied"

# Where a connection ends.

add(
    "bytes behind Connection: close",
    "one request",
    b"GET /open/x HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n" + NEXT,
    passed(GET, ends=True),
    http2=refuses(OF_A_CONNECTION, get(("connection", "close"), parts=(NEXT,)), means="no message"),
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
    Outcome((403, 200), gateway=(SMUGGLED,), log=DENIED),
    http2=Counterpart(
        Outcome((403, 200), gateway=(SMUGGLED,), log=DENIED), (get(path="/closed/x"), get(path="/open/smuggled"))
    ),
)
add(
    "a request in the body of one that is denied",
    "one request",
    post(b"Content-Length: %d\r\n" % len(NEXT), NEXT, target=b"/closed/x"),
    Outcome((403,), log=DENIED),
    http2=refuses(DENIED, stream(("content-length", str(len(NEXT))), path="/closed/x", parts=(NEXT,)), status=403),
    carriers=("http/1",),  # A body that comes late ends the connection, which is as good.
)
add(
    "a request in the chunks of one that is denied",
    "one request",
    post(CHUNKED, b"%x\r\n" % len(NEXT) + NEXT + b"\r\n0\r\n\r\n", target=b"/closed/x"),
    Outcome((403,), ends=True, log=DENIED),
    http2=refuses(DENIED, stream(path="/closed/x", parts=(NEXT[:9], NEXT[9:])), status=403),
)
add(
    "a request in a body that was to wait for 100",
    "one request",
    post(b"Expect: 100-continue\r\nContent-Length: %d\r\n" % len(NEXT), NEXT, target=b"/closed/x"),
    Outcome((403,), ends=True, log=DENIED),
    http2=refuses(DENIED, stream(("expect", "100-continue"), path="/closed/x", parts=(NEXT,)), status=403),
)

# Upgrades.

WEBSOCKET = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + WEBSOCKET


def websocket(*parts, path="/open/declines", protocol="websocket", ends=False):
    """An extended CONNECT (RFC 8441), whose stream stays open for the bytes of a WebSocket."""
    version = ("sec-websocket-version", "13")
    return stream((":protocol", protocol), version, method="CONNECT", path=path, parts=parts, ends=ends)


DECLINED = Forwarded(target="/open/declines", fields=(("upgrade", ("websocket",)),))
add(
    "a request behind an upgrade that is declined",
    "two requests",
    b"GET /open/declines HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n" + NEXT,
    passed(DECLINED, SMUGGLED, answers=(426, 200)),
    http2=passes([DECLINED], websocket(NEXT), answers=(426,), means="bytes for a WebSocket"),
)
add(
    "a frame behind an upgrade that is declined",
    "frames of a WebSocket",
    b"GET /open/declines HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n" + b"\x82\x7e\x00\x40" + NEXT,
    Outcome((426, 400), ends=True, gateway=(DECLINED,), log=METHOD),
    http2=passes([DECLINED], websocket(b"\x82\x7e\x00\x40" + NEXT), answers=(426,)),
)
add(
    "a WebSocket that ends at once",
    "no message",
    (websocket(ends=True),),
    Outcome((400,), log=PSEUDO),
    carriers=HTTP2,
)
add(
    "a request in the protocol of an upgrade",
    "no message",
    (websocket(NEXT, protocol="websocket\r\n\r\n" + NEXT.decode()),),
    Outcome((501,), log="CONNECT to a protocol other than websocket"),
    carriers=HTTP2,
)
add(
    "an upgrade to HTTP/2 over HTTP/2",
    "another protocol",
    (websocket(NEXT, protocol="h2c"),),
    Outcome((501,), log="CONNECT to a protocol other than websocket"),
    carriers=HTTP2,
)
add(
    "a request behind an upgrade that is denied",
    "bytes for a WebSocket",
    (websocket(NEXT, path="/closed/x"),),
    Outcome((403,), log=DENIED),
    carriers=HTTP2,
)
_no_upgrade = (("upgrade", ()), ("http2-settings", ()))
add(
    "Upgrade: h2c",
    "one request",
    b"GET /open/x HTTP/1.1\r\n"
    + HOST
    + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    passed(Forwarded(fields=_no_upgrade)),
    http2=refuses(OF_A_CONNECTION, get(("upgrade", "h2c"), ("http2-settings", "AAMAAABk")), means="no message"),
)
add(
    "Upgrade without Connection",
    "one request",
    b"GET /open/x HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\n" + WEBSOCKET + b"\r\n",
    passed(Forwarded(fields=_no_upgrade)),
    http2=refuses(OF_A_CONNECTION, get(("upgrade", "websocket")), means="no message"),
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
    http2=refuses(PSEUDO, stream((":protocol", "websocket"), parts=(b"hello",)), means="no message"),
)
add(
    "an upgrade in HTTP/1.0",
    "one request",
    b"GET /open/x HTTP/1.0\r\n" + HOST + UPGRADE + b"\r\n" + NEXT,
    passed(Forwarded(fields=_no_upgrade), ends=True),
)
