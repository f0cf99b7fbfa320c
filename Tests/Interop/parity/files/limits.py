"""Limits: how many get through, in which order, with which status."""

from ..case import Case, File, basic, request

GUESS = basic("alice", "guess")


def several(name, target, count, key="same", fields=(), port="plain", **options):
    own = [("X-Key", f"{name}")] if key == "same" else [("X-Key", key)] if key else []
    return Case(name, [request(target, [*own, *fields], **options)] * count, port=port)


CASES = [
    several("no burst", "/none/", 4),
    several("no key, no limit", "/none/", 4, key=None),
    several("an empty key, no limit", "/none/", 4, key=""),
    Case("each key for itself", [request("/none/", [("X-Key", f"each-{n % 2}")]) for n in range(4)]),
    several("a burst with nodelay", "/nodelay/", 8),
    several("a burst with nodelay, by POST", "/nodelay/", 7, method="POST", body=b"b"),
    several("a burst with nodelay, by HEAD", "/nodelay/", 7, method="HEAD"),
    several("delay=3, what passes at once", "/delay/", 4),
    several("a fast rate", "/fast/", 12),
    several("a fast rate with delay=2", "/fast-delay/", 12),
    several("a dry run", "/dry/", 4),
    several("a status", "/status/", 3),
    several("an odd status", "/odd-status/", 3),
    several("two limits, the stricter counts", "/two/", 6),
    several("a key of two parts", "/pair/", 2, fields=[("X-Second", "x")]),
    Case(
        "a key of two parts, the second different",
        [request("/pair/", [("X-Key", "k"), ("X-Second", str(n))]) for n in (1, 2, 1)],
    ),
    Case("addresses", [request("/address/")] * 4, source="127.0.2.1"),
    Case("another address", [request("/address/")] * 4, source="127.0.2.2"),
    several("return comes before limits", "/returned/", 3),
    several("limits come before the login", "/closed/", 3),
    several("wrong passwords count", "/closed/", 3, fields=[GUESS]),
    several("limits come before addresses", "/denied/", 3),
    several("an outer location's", "/own/x", 4),
    several("an inner location inherits", "/own/inherits/x", 4),
    several("an inner location's own", "/own/replaces/x", 6),
    several("one zone in two locations: first", "/none/", 2, key="shared"),
    several("one zone in two locations: then", "/nodelay/", 6, key="shared"),
    several("a server's limit", "/x", 5, port="second"),
    several("a server's limit, another client", "/x", 2, port="second", key="other"),
    several("HTTP/1.0", "/none/", 1, version="HTTP/1.0"),
    several("a limited upload", "/none/", 2, method="POST", body=b"ab"),
]

DIFFERS = {
    "limit-fields": {
        case.id: {"fields": ("", ("Retry-After: ", "RateLimit: ", "RateLimit-Policy: "))}
        for case in CASES
        if case.id
        not in {
            "no key, no limit",
            "an empty key, no limit",
            "delay=3, what passes at once",
            "a fast rate",
            "a fast rate with delay=2",
            "a dry run",
            "return comes before limits",
            "HTTP/1.0",
        }
    },
    "remote-user": {"wrong passwords count": {"log": ("alice", "")}},
}

FILE = File(
    "limits",
    "limits: burst, nodelay, delay, dry run, status, several, inheritance",
    CASES,
    listeners=["second"],
    files={"htpasswd": "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"},
    differs=DIFFERS,
)
