"""return in all its forms, map, the path in proxy_pass, and Location and Refresh fields of the gateway's."""

from ..case import Case, File, request, upstream_said

HOST = "redirects.test"


def ask(target, fields=(), name=None, **options):
    return Case(name or target, [request(target, fields, host=HOST, **options)])


RETURNS = [
    *(
        ask(f"/r/{what}")
        for what in (
            "200?q=a%20b",
            "200-empty",
            "200-none",
            "204",
            "204-text",
            "301?q=1",
            "301",
            "302?a=%2F",
            "303",
            "307",
            "308",
            "url",
            "400",
            "403",
            "404-text",
            "405",
            "410",
            "418",
            "429",
            "444",
            "500",
            "503",
            "599",
            "variable/a%20b%2Fc?x=1",
            "variable",
            "evil/%0d%0aX-Evil:%201",
        )
    ),
    *(ask(f"/r/{what}", method="HEAD", name=f"HEAD /r/{what}") for what in ("200", "301", "404-text", "403")),
    *(ask(f"/r/{what}", method="POST", body=b"body", name=f"POST /r/{what}") for what in ("200", "302", "403")),
    ask("/r/200", method="POST", chunks=[b"unread"], name="POST chunks /r/200"),
    ask("/r/301", version="HTTP/1.0", name="HTTP/1.0 /r/301"),
    ask("/r/403", [("Connection", "close")], name="close /r/403"),
    Case("a return without a Host", [request("/r/308", host=None, version="HTTP/1.0")]),
    Case("a return with a port in Host", [request("/r/301", host=f"{HOST}:99")]),
]

MAPS = [
    *(
        ask("/m/kind", [("X-Kind", kind)] if kind is not None else [], name=f"map of {kind!r}")
        for kind in (
            None,
            "",
            "exact.test",
            "EXACT.test",
            "a.wild.test",
            "wild.test",
            "wild.org",
            "both.test",
            "x.both.test",
            "other",
            ".wild.test",
            "exact.test.",
        )
    ),
    *(
        ask(f"/m/pattern?r={value}", [("X-Kind", "kind")])
        for value in ("v12", "v", "case", "CASE", "aaab", "b", "xxyy", "yx", "literal", "LITERAL", "v12%0a", "")
    ),
    ask("/m/both", [("X-Kind", "exact.test")]),
    ask("/m/both", name="map of two, none"),
    ask("/m/both", [("X-Kind", "y")], name="map of two, POST", method="POST", body=b"x"),
]

PATHS = [
    ask(f"/p/{target}")
    for target in (
        "none/a%20b%2Fc?q=%41",
        "none/",
        "slash/a?q",
        "slash/",
        "slash/a%20b",
        "slash/a%2Fb",
        "slash/a%25b",
        "path/users?id=1",
        "path/",
        "path/a/../b",
        "path//a",
        "path/./a",
        "bare/users",
        "bareusers",
        "bare",
        "extra/users",
        "extra",
        "exact?q=1",
        "exact",
        "port/x",
        "slash/%C3%BC",
        "slash/a+b&c=d;e",
        "slash/%3Fq",
        "slash/%23f",
        "slash/%22",
        "path/a%0ab",
    )
] + [ask("/p/path", name="/p/path without its slash"), ask("/p/slash", name="/p/slash without its slash")]

GATEWAYS = [
    *(
        ask(f"/inner/{where}/x", [upstream_said(reply)], name=f"{where}: {reply}")
        for where in ("default", "default-no-path", "off", "from", "two", "relative")
        for reply in ("location-gateway", "location-inner", "location-relative", "location-other", "location-named")
    ),
    *(
        ask("/inner/default/x", [upstream_said(reply)], name=f"default: {reply}")
        for reply in ("location-port", "location-201", "location-https", "refresh", "201")
    ),
]

RELATIVE = {"fields": ("Location: http://redirects.test:PLAIN/", "Location: /")}
NOT_STORED = {"fields": ("", "Cache-Control: no-store")}
ERROR_FIELDS = {"fields": ("", ("Cache-Control: no-store", "X-Request-ID: "))}
CLOSES = {"connection": ("closed", "kept"), "fields": ("Connection: close", "")}

DIFFERS = {
    "relative-redirects": {
        name: RELATIVE
        for name in (
            "/r/301?q=1",
            "/r/301",
            "/r/303",
            "HEAD /r/301",
            "HTTP/1.0 /r/301",
            "a return with a port in Host",
            "/p/path without its slash",
            "/p/slash without its slash",
            "default: location-inner",
            "default-no-path: location-gateway",
            "default-no-path: location-inner",
            "two: location-gateway",
            "two: location-inner",
            "two: location-named",
            "relative: location-relative",
        )
    },
    "header-injection": {"/r/evil/%0d%0aX-Evil:%201": {"fields": (("Location: ", "X-Evil: 1"), "%0D%0AX-Evil: 1")}},
    "error-fields": {
        "/r/404-text": NOT_STORED,
        "HEAD /r/404-text": NOT_STORED,
        "/r/429": ERROR_FIELDS,
        "/r/599": ERROR_FIELDS,
    },
    "pages": {"/r/418": {"body": ("", "<page>"), "fields": ("Content-Length: 0", "")}},
    "errors-keep": {"/r/400": CLOSES, "/r/500": CLOSES},
    "unread-chunks": {"POST chunks /r/200": {"connection": ("kept", "closed"), "fields": ("", "Connection: close")}},
}

FILE = File(
    "redirects",
    "return in all forms, map, the path in proxy_pass, proxy_redirect",
    RETURNS + MAPS + PATHS + GATEWAYS,
    differs=DIFFERS,
)
