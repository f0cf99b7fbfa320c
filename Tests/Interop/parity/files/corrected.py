"""The gateway guide's set-up in the form that Nginx takes: nginx/corrected.conf as it is."""

from ..case import Case, File, Step, basic, request, upstream_said

HOST = "openclaw.yourdomain.com"
ALICE = basic("alice", "password")


def adapt(text):
    for old, new in {
        "0.0.0.0:80": "127.0.0.1:{plain}",
        "0.0.0.0:443": "127.0.0.1:{tls}",
        "127.0.0.1:18789": "127.0.0.1:{a}",
        "tls/cert.pem": "{certificate}",
        "tls/key.pem": "{key}",
        "\nevents {": "\n{main}\nevents {",
        "\nhttp {": "\nhttp {\n    {http}",
    }.items():
        assert old in text
        text = text.replace(old, new)
    return text


def tls(number, name, *arguments, **options):
    """Over TLS, from an address of its own: the file limits each."""
    return Case(name, [request(*arguments, host=HOST, **options)], port="tls", source=f"127.0.1.{number}")


def plain(name, target, host=HOST, **options):
    return Case(name, [request(target, host=host, **options)])


UPGRADE = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]
FORGED = [
    ("X-Forwarded-For", "9.9.9.9"),
    ("X-Real-IP", "9.9.9.9"),
    ("X-Forwarded-Proto", "gopher"),
    ("X-Forwarded-User", "root"),
    ("Forwarded", "for=9.9.9.9"),
    ("X-OpenClaw-Scopes", "operator.admin"),
]

CASES = [
    plain("port 80 redirects", "/a?b=c"),
    plain("port 80 redirects an encoded path as it came", "/a%2Fb%20c?d=%41"),
    plain("port 80 redirects other hosts to its own", "/", host="other.test"),
    plain("port 80 redirects a POST", "/", method="POST", body=b"x"),
    plain("port 80 redirects a HEAD", "/", method="HEAD"),
    tls(1, "health without a login", "/health"),
    tls(2, "health with a query", "/health?x"),
    tls(3, "health by POST", "/health", method="POST", body=b"x"),
    tls(4, "health by HEAD", "/health", method="HEAD"),
    tls(5, "healthz is the gateway's, and behind the login", "/healthz"),
    tls(6, "no login", "/"),
    tls(7, "a wrong password", "/", [basic("alice", "wrong")]),
    tls(8, "an unknown user", "/", [basic("mallory", "password")]),
    tls(9, "another scheme", "/", [("Authorization", "Bearer token")]),
    tls(10, "a login", "/", [ALICE]),
    tls(11, "a login and forged fields", "/x", [ALICE, *FORGED]),
    tls(
        12,
        "a POST with a login",
        "/v1/chat/completions",
        [ALICE, ("Content-Type", "application/json")],
        method="POST",
        body=b"{}",
    ),
    tls(13, "an encoded slash", "/v1/models/openclaw%2Fdefault", [ALICE]),
    tls(14, "events", "/events", [ALICE, upstream_said("chunked")]),
    tls(15, "a gateway's error", "/x", [ALICE, upstream_said("500")]),
    tls(16, "a gateway's refusal", "/x", [ALICE, upstream_said("403")]),
    tls(17, "a gateway that ends", "/x", [ALICE, upstream_said("nothing")]),
    tls(18, "a WebSocket", "/", [ALICE, *UPGRADE, upstream_said("101")]),
    tls(19, "a WebSocket without a login", "/", [*UPGRADE, upstream_said("101")]),
    tls(20, "a WebSocket the gateway refuses", "/", [ALICE, *UPGRADE, upstream_said("429")]),
    # In one write, so that no token is added meanwhile.
    Case(
        "a burst of 21, and the 22nd",
        [Step(request("/b", host=HOST).data * 22, replies=22)],
        port="tls",
        source="127.0.1.21",
    ),
    Case("another host on the TLS port", [request("/health", host="other.test")], port="tls", source="127.0.1.23"),
    tls(24, "a body of 1 MiB", "/up", [ALICE], method="POST", body=b"x" * (1 << 20)),
    tls(25, "a body said to be of 33 MiB", "/up", [ALICE, ("Content-Length", str(33 << 20))], method="POST"),
]

LIMITED = {"fields": ("", ("Retry-After: ", "RateLimit: ", "RateLimit-Policy: "))}
UNPROVED = {"log": ("alice", "")}

DIFFERS = {
    "remote-user": {
        "a wrong password": UNPROVED,
        "an unknown user": {"log": ("mallory", "")},
        "a body said to be of 33 MiB": UNPROVED,
    },
    "limit-fields": {"a burst of 21, and the 22nd": LIMITED},
    "too-large-over-tls": {"a body said to be of 33 MiB": {"connection": ("silent", "closed")}},
}

FILE = File(
    "corrected",
    "the gateway guide's set-up: TLS, redirect, login, limit, health, WebSocket",
    CASES,
    probe=f"GET /health?probe HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode(),
    probe_statuses=("200", "301"),
    files={"htpasswd": "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"},
    path="nginx/corrected.conf",
    adapt=adapt,
    differs=DIFFERS,
)
