"""Around the door by fields that pass for Postern's, or that Connection names."""

from .asked import ALICE, ALL_CARRIERS, OF_A_CONNECTION, adder, passed, refused
from .case import Ask

CASES = []
add = adder(CASES)

# Fields that say who a client is. What the gateway gets under any spelling is Postern's alone.

OWN = (
    ("x-real-ip", ("{client}",)),
    ("x-forwarded-for", ("{client}",)),
    ("x-forwarded-proto", ("{scheme}",)),
    ("host", ("localhost",)),
)
NATIVE_OWN = OWN + (
    ("x-forwarded-host", ("localhost",)),
    ("forwarded", ()),
    ("x-forwarded-user", ()),
    ("x-forwarded-port", ()),
    ("x-forwarded-prefix", ()),
    ("x-openclaw-scopes", ()),
)
for _field in [
    ("X-Real-IP", "6.6.6.6"),
    ("X_Real_IP", "6.6.6.6"),
    ("x.real.ip", "6.6.6.6"),
    ("x-REAL_ip", "6.6.6.6"),
    ("X-Forwarded-For", "6.6.6.6"),
    ("x.forwarded.for", "6.6.6.6"),
    ("X_Forwarded-For", "6.6.6.6"),
    ("X-FORWARDED-FOR", "6.6.6.6, 127.0.0.1"),
    ("X-Forwarded-Proto", "https"),
    ("X_Forwarded_Proto", "https"),
]:
    _ask = Ask(fields=(_field,))
    add(f"`{_field[0]}`", "who the client claims to be", _ask, passed(fields=OWN), carriers=ALL_CARRIERS)
for _name in [
    "X-Forwarded-Host",
    "X_Forwarded.Host",
    "X-Forwarded-User",
    "X_Forwarded_User",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "x_forwarded_prefix",
    "Forwarded",
    "X-OpenClaw-Scopes",
    "x_openclaw_scopes",
    "x.openclaw.scopes",
]:
    add(
        f"`{_name}`",
        "who the client claims to be",
        Ask(fields=((_name, "for=6.6.6.6"),)),
        passed(fields=NATIVE_OWN),
        dialects=("native",),
    )
add(
    "one field in four spellings",
    "who the client claims to be",
    Ask(fields=tuple((name, "6.6.6.6") for name in ("X-Real-IP", "X_Real_IP", "x.real.ip", "X-rEAL-iP"))),
    passed(fields=OWN),
)

# What Connection may name.

for _name in ["X-Real-IP", "X-Forwarded-For", "x_forwarded_for", "X-Forwarded-Proto", "X-Request-ID", "Forwarded"]:
    add(
        f"`Connection: {_name}`",
        "to strip what Postern adds",
        Ask(fields=(("Connection", _name),)),
        passed(fields=OWN + (("connection", ()),)),
        http2=OF_A_CONNECTION,
    )
for _name in ["Host", "Content-Length", "Transfer-Encoding", "content_length", "TRANSFER.ENCODING"]:
    add(
        f"`Connection: {_name}`",
        "to strip what frames or routes",
        Ask(fields=(("Connection", _name),)),
        refused(400, "Connection names Host, Content-Length or Transfer-Encoding", ends=True),
        http2=OF_A_CONNECTION,
    )
add(
    "`Connection: Authorization`, with a login",
    "to strip the login behind Postern",
    Ask(target="/secret", fields=(ALICE, ("Connection", "Authorization"))),
    passed(target="/secret", fields=OWN + (("authorization", ()),)),
    http2=OF_A_CONNECTION,
)
add(
    "`Connection: X-A`",
    "a field for this connection only",
    Ask(fields=(("Connection", "X-A"), ("X-A", "1"), ("X_A", "2"), ("X-B", "3"))),
    passed(fields=OWN + (("x-a", ()), ("x-b", ("3",)))),
    http2=OF_A_CONNECTION,
)
add(
    "`Connection` that isn't a list of tokens",
    "nobody can say",
    Ask(fields=(("Connection", "keep-alive; x"),)),
    refused(400, "Connection isn't a list of tokens", ends=True),
    http2=OF_A_CONNECTION,
)
add(
    "`Connection` that names 40 fields",
    "work for nothing",
    Ask(fields=(("Connection", ", ".join(f"x-{n}" for n in range(40))),)),
    refused(400, "Connection names more than 32 fields", ends=True),
    http2=OF_A_CONNECTION,
)
for _name, _value, _http2 in [
    ("Keep-Alive", "timeout=1000", OF_A_CONNECTION),
    ("Proxy-Connection", "keep-alive", OF_A_CONNECTION),
    ("Proxy-Authorization", "Basic YTpi", None),
    ("Proxy-Authenticate", "Basic", None),
    ("TE", "trailers", None),
    ("HTTP2-Settings", "AAMAAABk", None),
    ("Upgrade", "websocket", OF_A_CONNECTION),
    ("Proxy_Connection", "keep-alive", OF_A_CONNECTION),
    ("Expect", "100-continue", None),
]:
    add(
        f"`{_name}`",
        "a field for one connection",
        Ask(fields=((_name, _value),)),
        passed(fields=((_name.lower().replace("_", "-"), ()),)),
        http2=_http2,
    )
add(
    "`X_Token` and `X.Token`",
    "fields whose names some servers fold",
    Ask(fields=(("X_Token", "1"), ("X.Token", "2"))),
    passed(fields=(("x-token", ("1", "2")),)),
    nginx=passed(fields=(("x-token", ()),)),
)
