"""Upstream groups: whose turn it is, what counts as a failure, what is tried again and where."""

from ..case import Case, File, request, upstream_said


def turns(group, count, fields=(), name=None, **options):
    return Case(name or group, [request(f"/{group}/x", fields, **options)] * count)


def only(words):
    """Makes single upstreams answer otherwise: "a=500,b=reset"."""
    return [("X-Only", words)]


POST = {"method": "POST", "body": b"once"}

CASES = [
    turns("equal", 7),
    turns("weighted", 8),
    turns("much-weighted", 9),
    turns("least", 4),
    turns("one-refuses", 4),
    turns("one-refuses-always", 4),
    turns("one-refuses-posts", 3, **POST),
    turns("all-refuse", 3),
    turns("only-one", 3),
    turns("backed", 3),
    turns("backed-well", 3),
    turns("one-down", 4),
    turns("all-down", 2),
    turns("off", 3, only("a=reset")),
    turns("errors", 3, only("a=nothing")),
    turns("resets", 3, only("a=reset")),
    turns("resets-post", 3, only("a=reset"), **POST),
    turns("resets-post-allowed", 2, only("a=reset"), **POST),
    turns("statuses", 3, only("a=500")),
    turns("statuses", 2, only("a=503"), "statuses: 503"),
    turns("statuses", 2, only("a=502"), "statuses: 502 is not listed"),
    turns("statuses", 2, only("a=500,b=500"), "statuses: both"),
    turns("statuses", 2, only("a=500"), "statuses: HEAD", method="HEAD"),
    turns("statuses-unlisted", 2, only("a=500")),
    turns("statuses-all", 2, only("a=500,b=500")),
    turns("statuses-post", 2, only("a=500"), **POST),
    turns("statuses-post-allowed", 2, only("a=500"), **POST),
    turns("statuses-counted", 3, only("a=500")),
    turns("not-found", 2, only("a=404")),
    turns("not-found", 2, only("a=403"), "not-found: 403"),
    turns("not-found", 2, only("a=429"), "not-found: 429"),
    turns("not-found", 1, only("a=404,b=404"), "not-found: both"),
    turns("tries-one", 2, only("a=500")),
    turns("tries-two", 3, only("a=500,b=500")),
    turns("counted", 6, only("a=reset")),
    turns("garbled", 2, only("a=half-head")),
    turns("slow", 2, only("a=silent")),
    turns("slow-final", 1, only("a=silent,b=silent")),
    turns("two-refuse", 3),
    turns("resting", 3, only("a=reset,b=reset")),
    turns("returned", 1),
    turns("many", 1),
    turns("kept", 4),
    turns("kept", 1, only("a=reset"), "kept: a reset"),
    turns("kept", 3, [upstream_said("until-close")], "kept: closed by the upstream"),
    turns("direct", 2),
    turns("direct-to-c", 2),
]

DIFFERS = {
    "many-attempts": {"many": {"log": (..., ...)}},
    "no-server-left": {"statuses: both": {"status": (502, 500)}, "statuses: HEAD": {"status": (502, 500)}},
}

FILE = File(
    "upstreams",
    "upstream groups: weights, backups, members that are down, refuse, reset, time out or answer 5xx",
    CASES,
    differs=DIFFERS,
)
