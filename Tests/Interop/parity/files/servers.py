"""Which server and which location answers: names, wildcards, defaults, several sockets, the longest prefix."""

from ..case import Case, File, request


def host(name, port="plain", sni="localhost"):
    return Case(
        f"{name!r} on {port}" + ("" if sni == "localhost" else f" by SNI {sni}"),
        [request("/", host=name)],
        port=port,
        sni=sni,
    )


HOSTS = (
    [
        host(name)
        for name in (
            "first.test",
            "FIRST.test",
            "first.test:8080",
            "first.test.",
            "exact.test",
            "other.test",
            "exact.test.evil",
            "wild.test",
            "a.wild.test",
            "a.b.wild.test",
            "www.wild.test",
            "www.wild.test.",
            "x.deep.wild.test",
            "deep.wild.test",
            ".wild.test",
            "dot.test",
            "x.dot.test",
            "x.y.dot.test",
            "xdot.test",
            "tail.org",
            "tail.co.uk",
            "tail",
            "tail.test.org",
            "x.tail.org",
            "capital.test",
            "both.test",
            "second.test",
            "default.test",
            "unknown",
            "127.0.0.1",
            "[::1]",
        )
    ]
    + [
        host(name, "second")
        for name in ("second.test", "both.test", "default.test", "unknown", "first.test", "tail.org")
    ]
    + [
        Case("no Host in HTTP/1.0", [request("/", host=None, version="HTTP/1.0")]),
        Case("no Host in HTTP/1.0 on second", [request("/", host=None, version="HTTP/1.0")], port="second"),
        Case("the absolute form's host", [request("http://exact.test/", host="exact.test")]),
        host("first.test", "tls"),
        host("a.wild.test", "tls"),
        host("unknown", "tls"),
        host("a.wild.test", "tls", sni="a.wild.test"),
        Case("return 444", [request("/", host="x")], port="third"),
        Case("two hosts on one connection", [request("/", host="exact.test"), request("/", host="dot.test")]),
    ]
)

PATHS = [
    Case(f"location of {path}", [request(path, host="first.test")])
    for path in (
        "/",
        "/?q",
        "/where",
        "/where/",
        "/where/x",
        "/where/exact",
        "/where/exact?q",
        "/where/exact/",
        "/where/exactly",
        "/where/%65xact",
        "/where/long",
        "/where/long/",
        "/where/long/x",
        "/where/long/longer",
        "/where/long/longest",
        "/where/long/longer/still",
        "/where/fixed/x",
        "/where/fixed",
        "/where/with%20space",
        "/where/Case",
        "/where/case",
        "/where/plain",
        "/where/%2570lain",
        "/where/outer/",
        "/where/outer/x",
        "/where/outer/inner/x",
        "/where/outer/inner",
        "/where/none",
        "/where/./x",
        "/where/x/../long/",
        "/where//long/",
        "/where/long/..%2ffixed/x",
        "/where/%2e%2e/where/exact",
        "/where/long%2Flonger",
        "/WHERE/",
        "/proxied/a%20b?c",
        "/proxied",
        "/proxied/..;/x",
        "/proxied/%252e%252e/x",
        "/proxied/a/../b",
        "/proxied/a//b",
        "/proxied/a\\b",
        "/proxied/%5c..%5cx",
    )
]

REFUSED = {"status": (200, 400)}

DIFFERS = {
    "hosts": {"'.wild.test' on plain": REFUSED},
    "one-path": {
        f"location of {path}": REFUSED
        for path in (
            "/where/%2570lain",
            "/where/x/../long/",
            "/where//long/",
            "/where/long/..%2ffixed/x",
            "/where/%2e%2e/where/exact",
            "/where/long%2Flonger",
            "/proxied/..;/x",
            "/proxied/%252e%252e/x",
            "/proxied/%5c..%5cx",
        )
    },
    "relative-redirects": {
        "location of /proxied": {"fields": ("Location: http://first.test:PLAIN/", "Location: /proxied/")}
    },
}

FILE = File(
    "servers",
    "servers and locations: exact and wildcard names, defaults, several sockets, exact paths and prefixes",
    HOSTS + PATHS,
    probe=b"GET /probe HTTP/1.1\r\nHost: first.test\r\nConnection: close\r\n\r\n",
    probe_statuses=("204", "200"),
    listeners=["second", "third"],
    differs=DIFFERS,
)
