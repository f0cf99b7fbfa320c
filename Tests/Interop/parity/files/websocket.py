"""WebSockets through the lines that Nginx needs for them, and without."""

from ..case import Case, File, request, upstream_said

KEY = [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]


def upgrade(name, target="/ws", reply="101", upgrade="websocket", connection="Upgrade", port="plain", **options):
    fields = [("Upgrade", upgrade), ("Connection", connection), *KEY, upstream_said(reply)]
    return Case(name, [request(target, fields, **options)], port=port)


CASES = [
    upgrade("an upgrade"),
    upgrade("an upgrade over TLS", port="tls"),
    upgrade("an upgrade to a path with a query", "/a/b%2Fc?token=1"),
    upgrade("Connection: keep-alive, Upgrade", connection="keep-alive, Upgrade"),
    upgrade("Upgrade: WebSocket", upgrade="WebSocket"),
    upgrade("Connection: upgrade in capitals", connection="UPGRADE"),
    *(upgrade(f"refused with {status}", reply=status) for status in ("401", "403", "404", "429", "500", "503")),
    upgrade("answered with 200", reply="ok"),
    upgrade("answered with 426", reply="websocket-no"),
    upgrade("answered with nothing", reply="nothing"),
    upgrade("answered with half a head", reply="half-head"),
    Case("no upgrade asked for", [request("/ws", KEY)]),
    Case("Upgrade without Connection", [request("/ws", [("Upgrade", "websocket"), *KEY])]),
    Case("Connection without Upgrade", [request("/ws", [("Connection", "Upgrade"), *KEY])]),
    upgrade("an upgrade to something else", upgrade="h2c", reply="ok"),
    upgrade("an upgrade in HTTP/1.0", version="HTTP/1.0", reply="ok"),
    upgrade("an upgrade by POST", method="POST", body=b"x", reply="ok"),
    upgrade("two requests, the upgrade refused", reply="403"),
    upgrade("an upgrade where the file has no lines for it", "/unprepared/ws", reply="ok"),
    Case("a 101 that nobody asked for", [request("/ws", [upstream_said("101")])]),
]

AS_REQUEST = {"upstream": (("Connection: upgrade", "Upgrade: "), "")}

DIFFERS = {
    "upgrade-case": {"Upgrade: WebSocket": {"upstream": ("Upgrade: WebSocket", "Upgrade: websocket")}},
    "upgrade-field": {"answered with 426": {"fields": ("Upgrade: websocket", "")}},
    "half-upgrades": {
        "Upgrade without Connection": AS_REQUEST,
        "an upgrade to something else": AS_REQUEST,
        "an upgrade in HTTP/1.0": AS_REQUEST,
        "an upgrade by POST": AS_REQUEST,
    },
    "websockets": {
        "an upgrade where the file has no lines for it": {
            "upstream": ("", ("Connection: upgrade", "Upgrade: websocket"))
        }
    },
    "unasked-101": {"a 101 that nobody asked for": {"status": (None, 502), "connection": ("silent", "kept")}},
}

FILE = File(
    "websocket",
    "WebSockets: upgrades, their refusals, requests that only look like one",
    CASES,
    differs=DIFFERS,
)
