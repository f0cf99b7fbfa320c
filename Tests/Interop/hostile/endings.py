"""Smuggling behind what ends a connection, or changes what it is for."""

from .case import Forwarded, Outcome
from .raw import CHUNKED, GET, HOST, METHOD, NEXT, SMUGGLED, adder, passed, post, refused

CASES = []
add = adder(CASES)

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
    b"GET /open/x HTTP/1.1\r\n"
    + HOST
    + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
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
