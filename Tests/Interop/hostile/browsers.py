"""What a stranger's page can have its visitor's browser send: the browser adds the login, and says whose page it is."""

from .asked import ALICE, CARRIERS
from .case import Ask, Case, Forwarded, Outcome

CASES = []
REFUSED = Outcome((403,), log="refused with 403: cross-site")


def add(name, means, ask, is_refused, nginx=None, **options):
    def outcome(refused):
        if refused:
            return REFUSED
        # The gateway of these tests declines to open a WebSocket there, so that all connections go on.
        status = 426 if ask.websocket else 200
        fields = (("upgrade", ("websocket",)),) if ask.websocket else ()
        return Outcome((status,), gateway=(Forwarded(ask.method, ask.target, ask.body or b"", fields),))

    options.setdefault("carriers", CARRIERS[options.get("port", "plain")])
    CASES.append(Case(name, means, ask, outcome(is_refused), None if nginx is None else outcome(nginx), **options))


def site(value):
    return (("Sec-Fetch-Site", value),)


def origin(value):
    return (("Origin", value),)


OWN, STRANGE = "{scheme}://localhost", "https://evil.example"

# With a login, and native defaults; an Nginx file doesn't ask unless told.
for _method in ("POST", "PUT", "PATCH", "DELETE", "post", "PROPFIND"):
    add(
        f"{_method}, cross-site",
        "a stranger's page",
        Ask(_method, "/x", (ALICE, *site("cross-site"))),
        True,
        nginx=False,
    )
for _method in ("GET", "HEAD", "OPTIONS"):
    add(
        f"{_method}, cross-site", "a link on a stranger's page", Ask(_method, "/x", (ALICE, *site("cross-site"))), False
    )
for _name, _means, _fields, _refused in [
    ("same-site", "a page of a sibling domain", site("same-site"), True),
    ("same-origin", "our own page", site("same-origin"), False),
    ("none", "the user, by hand", site("none"), False),
    ("an unknown Sec-Fetch-Site", "nobody can say", site("sideways"), True),
    ("two Sec-Fetch-Site", "nobody can say", site("same-origin") + site("cross-site"), True),
    ("cross-site, and our Origin", "nobody can say", site("cross-site") + origin(OWN), True),
    ("our Origin", "our own page", origin(OWN), False),
    ("our Origin in capitals", "our own page", origin("{SCHEME}://LOCALHOST"), False),
    ("a strange Origin", "a stranger's page", origin(STRANGE), True),
    ("Origin of another port", "another server of this host", origin(OWN + ":8080"), True),
    (
        "Origin of another scheme",
        "this host without what TLS promises, or the other way",
        origin("{other scheme}://localhost"),
        True,
    ),
    ("Origin of a subdomain", "another host", origin("{scheme}://a.localhost"), True),
    ("Origin with ours in front", "another host", origin(OWN + ".evil.example"), True),
    ("Origin with ours for a user", "another host", origin(OWN + "@evil.example"), True),
    ("Origin null", "a sandbox, a file", origin("null"), True),
    ("an empty Origin", "nobody can say", origin(""), True),
    ("two Origins", "nobody can say", origin(OWN) + origin(OWN), True),
    ("neither field", "curl, a script", (), False),
    ("neither field, but a strange Referer", "curl, a script", (("Referer", STRANGE),), False),
]:
    add(f"POST, {_name}", _means, Ask("POST", "/x", (ALICE, *_fields), body=b"{}"), _refused, nginx=False)
    add(
        f"WebSocket, {_name}",
        _means,
        Ask("GET", "/declines", (ALICE, *_fields), websocket=True),
        _refused,
        nginx=False,
    )
add(
    "POST over TLS, our Origin",
    "our own page",
    Ask("POST", "/x", (ALICE, *origin("https://localhost"))),
    False,
    port="tls",
)
add(
    "POST over TLS, Origin without TLS",
    "this host without what TLS promises",
    Ask("POST", "/x", (ALICE, *origin("http://localhost"))),
    True,
    nginx=False,
    port="tls",
)

# Without a login: the network that the browser sits in, and the gateway's own cookies, are what lets it in.
add("POST where no login is asked, cross-site", "a stranger's page", Ask("POST", fields=site("cross-site")), True)
add(
    "WebSocket where no login is asked, strange Origin",
    "a stranger's page",
    Ask(target="/open/declines", fields=origin(STRANGE), websocket=True),
    True,
)
add(
    "POST with a Bearer token, cross-site",
    "a page that the gateway has agreed to in a preflight",
    Ask("POST", fields=(("Authorization", "Bearer x"), *site("cross-site"))),
    False,
)
add("POST where all may, cross-site", "a stranger's page, welcome", Ask("POST", "/anyone/x", site("cross-site")), False)
for _name, _fields, _refused in [
    ("the friend's Origin", origin("https://app.example.com"), False),
    ("the friend's Origin, cross-site", site("cross-site") + origin("https://app.example.com"), False),
    ("cross-site without Origin", site("cross-site"), True),
    ("the friend's Origin without TLS", origin("http://app.example.com"), True),
    ("Origin of the friend's subdomain", origin("https://x.app.example.com"), True),
]:
    add(f"POST where a friend may, {_name}", "a friend's page", Ask("POST", "/friends/x", _fields), _refused)

# Without credentials the login comes first.
CASES.append(
    Case(
        "POST without the login, cross-site",
        "a stranger's page",
        Ask("POST", "/x", site("cross-site")),
        Outcome((401,)),
        carriers=CARRIERS["plain"],
    )
)
