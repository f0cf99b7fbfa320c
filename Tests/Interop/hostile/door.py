"""Ways around the door: paths that mean two things, fields that pass for Postern's, hosts, and credentials."""

from harness.client import basic

from .case import Ask, Case, Forwarded, Outcome

PATHS, FIELDS, HOSTS, CREDENTIALS = [], [], [], []

ALICE = basic("alice", "password")
WRONG = basic("alice", "wrong")


def add(rows, name, means, ask, outcome, nginx=None, **options):
    rows.append(Case(name, means, ask, outcome, nginx, **options))


def refused(status, log, ends=False):
    return Outcome((status,), ends=ends, log=log)


def passed(**forwarded):
    return Outcome((200,), gateway=(Forwarded(**forwarded),))


#: Nobody asked for a login; that alone isn't worth a line.
LOGIN = refused(401, "")
DENIED = refused(403, "refused with 403: address-denied")
AMBIGUOUS = refused(400, "refused with 400: ambiguous-path")
MALFORMED = refused(400, "refused with 400: malformed-path", ends=True)
LINE = refused(400, "the request target isn't a path, an http URI or *", ends=True)

# Paths. `/` asks for a login, `/open/` and `/exact` for none, `/closed/` is closed to everybody.

for _target, _means, _outcome in [
    ("/open/../secret", "/secret, /open/../secret", AMBIGUOUS),
    ("/open/../closed/x", "/closed/x, /open/../closed/x", AMBIGUOUS),
    ("/open/./../secret", "/secret, /open/./../secret", AMBIGUOUS),
    ("/open/x/../../secret", "/secret, /open/x/../../secret", AMBIGUOUS),
    ("/open/x/../y", "/open/y either way", passed(target="/open/x/../y")),
    ("/open/%2e%2e/secret", "/secret, /open/%2e%2e/secret", AMBIGUOUS),
    ("/open/%2E%2e/secret", "/secret, /open/%2E%2e/secret", AMBIGUOUS),
    ("/open/.%2e/secret", "/secret, /open/.%2e/secret", AMBIGUOUS),
    ("/open/..%2fsecret", "/secret, /open/..%2fsecret", AMBIGUOUS),
    ("/open/%2e%2e%2fsecret", "/secret, /open/..%2fsecret", AMBIGUOUS),
    ("/open%2f..%2fsecret", "/secret, /open%2f..%2fsecret: one rule for both", LOGIN),
    ("/secret/..%2fopen/x", "/open/x, /secret/..%2fopen/x", AMBIGUOUS),
    ("/closed%2fx", "/closed/x, /closed%2fx", AMBIGUOUS),
    ("/open%2fx", "/open/x, /open%2fx", AMBIGUOUS),
    ("/open/a%2fb", "/open/a%2fb either way", passed(target="/open/a%2fb")),
    ("/open/%252e%252e/secret", "/secret after two decodings", AMBIGUOUS),
    ("/open/%252e%252e%252fsecret", "/secret after two decodings", AMBIGUOUS),
    ("/open/%25%32%65%25%32%65/secret", "/secret after two decodings", AMBIGUOUS),
    ("/open/..;/secret", "/secret without the parameter", AMBIGUOUS),
    ("/open/..;a=b/secret", "/secret without the parameter", AMBIGUOUS),
    ("/open/%2e%2e;/secret", "/secret without the parameter", AMBIGUOUS),
    ("/open/..%3b/secret", "/secret without the parameter", AMBIGUOUS),
    ("/closed;a=b/x", "/closed/x without the parameter", AMBIGUOUS),
    ("/open;a=b/x", "/open/x without the parameter", AMBIGUOUS),
    ("/open/x;a=b", "/open/x either way", passed(target="/open/x;a=b")),
    ("/open/..\\secret", "/secret where \\ separates", AMBIGUOUS),
    ("/open/..%5csecret", "/secret where \\ separates", AMBIGUOUS),
    ("/open\\..\\secret", "/secret where \\ separates: one rule for both", LOGIN),
    ("/open\\x", "/open/x where \\ separates", AMBIGUOUS),
    ("/closed\\x", "/closed/x where \\ separates", AMBIGUOUS),
    ("/open/..%255csecret", "/secret after two decodings, where \\ separates", AMBIGUOUS),
    ("//open/x", "/open/x, //open/x", AMBIGUOUS),
    ("//closed/x", "/closed/x, //closed/x", AMBIGUOUS),
    ("/open//x", "/open/x either way", passed(target="/open//x")),
    ("/open//../secret", "/secret, /open/secret", AMBIGUOUS),
    ("/open/%2f../../secret", "/secret, or above the root", MALFORMED),
    ("/%6fpen/x", "/open/x", passed(target="/%6fpen/x")),
    ("/%63losed/x", "/closed/x", DENIED),
    ("/%2563losed/x", "/closed/x after two decodings", AMBIGUOUS),
    ("/Closed/x", "/Closed/x: another path", LOGIN),
    ("/closed/", "/closed/", DENIED),
    ("/closed/.", "/closed/ or /closed/.", DENIED),
    ("/exact/", "/exact/: another path", LOGIN),
    ("/exact/.", "/exact/, /exact/.", LOGIN),
    ("/exact/..", "/", LOGIN),
    ("/exact%20", "/exact and a space: another path", LOGIN),
    ("/exact?", "/exact", passed(target="/exact?")),
    ("/exact%3f", "/exact?: another path", LOGIN),
    ("/exact;x", "/exact without the parameter", AMBIGUOUS),
    ("/open/..", "/, /open/..", AMBIGUOUS),
    ("/..", "above the root", MALFORMED),
    ("/open/../../secret", "above the root", MALFORMED),
    ("/open/%2e%2e/%2e%2e/secret", "above the root", MALFORMED),
    ("/open/%c0%ae%c0%ae/secret", "/secret, in overlong UTF-8", MALFORMED),
    ("/open/..%c0%afsecret", "/secret, in overlong UTF-8", MALFORMED),
    ("/open/%e0%80%ae%e0%80%ae/secret", "/secret, in overlong UTF-8", MALFORMED),
    ("/open/%ff", "no text", MALFORMED),
    ("/open/%00", "/open/ to who stops at NUL", MALFORMED),
    ("/exact%00.png", "/exact to who stops at NUL", MALFORMED),
    ("/open/%", "no path", MALFORMED),
    ("/open/%2", "no path", MALFORMED),
    ("/open/%zz", "no path", MALFORMED),
    ("/open/%u002e%u002e/secret", "no path", MALFORMED),
    ("/open/x#/../secret", "no target", LINE),
    ("/open/x?/../../secret", "/open/x and a query", passed(target="/open/x?/../../secret")),
    ("/open/%0d%0aX-A:%201", "a path with CR and LF in it", passed(target="/open/%0d%0aX-A:%201")),
    ("/open/%0d%0a/../../secret", "/secret, /open/%0d%0a/../../secret", AMBIGUOUS),
]:
    add(PATHS, f"`{_target}`", _means, Ask(target=_target), _outcome)

for _method in ("get", "Get", "PROPFIND", "HEAD", "OPTIONS"):
    add(PATHS, f"`{_method} /secret`", "a method that rules don't name", Ask(_method, "/secret"), LOGIN)
add(
    PATHS,
    "`/closed`",
    "/closed: another path",
    Ask(target="/closed"),
    LOGIN,
    nginx=Outcome((301,)),  # As Nginx adds the slash to a location's path.
)
add(PATHS, "`OPTIONS *`", "the server as a whole", Ask("OPTIONS", "*"), LOGIN)
add(
    PATHS,
    "`get /open/x`",
    "another method than GET",
    Ask("get", "/open/x", (("Sec-Fetch-Site", "cross-site"),)),
    refused(403, "refused with 403: cross-site"),
)
add(PATHS, "`http://localhost/closed/x`", "/closed/x", Ask(target="http://localhost/closed/x"), DENIED)
add(PATHS, "`http://localhost/open/../secret`", "/secret, /open/../secret", Ask(target="http://localhost/open/../secret"), AMBIGUOUS)
add(PATHS, "`http://localhost`", "/", Ask(target="http://localhost"), LOGIN)
add(PATHS, "`http://localhost?/open/x`", "/ and a query", Ask(target="http://localhost?/open/x"), LOGIN)

# Fields that say who a client is. What the gateway gets under any spelling is Postern's alone.

OWN = (
    ("x-real-ip", ("127.0.0.1",)),
    ("x-forwarded-for", ("127.0.0.1",)),
    ("x-forwarded-proto", ("http",)),
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
    add(FIELDS, f"`{_field[0]}`", "who the client claims to be", Ask(fields=(_field,)), passed(fields=OWN))
for _name in [
    "X-Forwarded-Host", "X_Forwarded.Host", "X-Forwarded-User", "X_Forwarded_User", "X-Forwarded-Port",
    "X-Forwarded-Prefix", "x_forwarded_prefix", "Forwarded", "X-OpenClaw-Scopes", "x_openclaw_scopes", "x.openclaw.scopes",
]:
    add(
        FIELDS,
        f"`{_name}`",
        "who the client claims to be",
        Ask(fields=((_name, "for=6.6.6.6"),)),
        passed(fields=NATIVE_OWN),
        dialects=("native",),
    )
add(
    FIELDS,
    "one field in four spellings",
    "who the client claims to be",
    Ask(fields=tuple((name, "6.6.6.6") for name in ("X-Real-IP", "X_Real_IP", "x.real.ip", "X-rEAL-iP"))),
    passed(fields=OWN),
)

# What Connection may name.

for _name in ["X-Real-IP", "X-Forwarded-For", "x_forwarded_for", "X-Forwarded-Proto", "X-Request-ID", "Forwarded"]:
    add(
        FIELDS,
        f"`Connection: {_name}`",
        "to strip what Postern adds",
        Ask(fields=(("Connection", _name),)),
        passed(fields=OWN + (("connection", ()),)),
    )
for _name in ["Host", "Content-Length", "Transfer-Encoding", "content_length", "TRANSFER.ENCODING"]:
    add(
        FIELDS,
        f"`Connection: {_name}`",
        "to strip what frames or routes",
        Ask(fields=(("Connection", _name),)),
        refused(400, "Connection names Host, Content-Length or Transfer-Encoding", ends=True),
    )
add(
    FIELDS,
    "`Connection: Authorization`, with a login",
    "to strip the login behind Postern",
    Ask(target="/secret", fields=(ALICE, ("Connection", "Authorization"))),
    passed(target="/secret", fields=OWN + (("authorization", ()),)),
)
add(
    FIELDS,
    "`Connection: X-A`",
    "a field for this connection only",
    Ask(fields=(("Connection", "X-A"), ("X-A", "1"), ("X_A", "2"), ("X-B", "3"))),
    passed(fields=OWN + (("x-a", ()), ("x-b", ("3",)))),
)
add(
    FIELDS,
    "`Connection` that isn't a list of tokens",
    "nobody can say",
    Ask(fields=(("Connection", "keep-alive; x"),)),
    refused(400, "Connection isn't a list of tokens", ends=True),
)
add(
    FIELDS,
    "`Connection` that names 40 fields",
    "work for nothing",
    Ask(fields=(("Connection", ", ".join(f"x-{n}" for n in range(40))),)),
    refused(400, "Connection names more than 32 fields", ends=True),
)
for _name, _value in [
    ("Keep-Alive", "timeout=1000"),
    ("Proxy-Connection", "keep-alive"),
    ("Proxy-Authorization", "Basic YTpi"),
    ("Proxy-Authenticate", "Basic"),
    ("TE", "trailers"),
    ("HTTP2-Settings", "AAMAAABk"),
    ("Upgrade", "websocket"),
    ("Proxy_Connection", "keep-alive"),
    ("Expect", "something"),
]:
    add(
        FIELDS,
        f"`{_name}`",
        "a field for one connection",
        Ask(fields=((_name, _value),)),
        passed(fields=((_name.lower().replace("_", "-"), ()),)),
    )
add(
    FIELDS,
    "`X_Token` and `X.Token`",
    "fields whose names some servers fold",
    Ask(fields=(("X_Token", "1"), ("X.Token", "2"))),
    passed(fields=(("x-token", ("1", "2")),)),
    nginx=passed(fields=(("x-token", ()),)),
)

# Hosts, over TLS: the name in the hello chooses the handshake's rules, Host the requests'.

MISDIRECTED = refused(421, "refused with 421: misdirected", ends=True)
LOCALHOST = passed(fields=(("host", ("localhost",)),))


def tls(name, means, ask, outcome, nginx=None, **options):
    add(HOSTS, name, means, ask, outcome, nginx, port="tls", **options)


tls("SNI and Host agree", "localhost's rules", Ask(), LOCALHOST)
tls("SNI another, same handshake", "localhost's rules, by Host", Ask(sni="other.example"), LOCALHOST)
tls("Host another, same handshake", "other.example's rules, by Host", Ask(host="other.example"), DENIED)
tls("Host another in capitals, with a dot and a port", "other.example's rules", Ask(host="OTHER.Example.:443"), DENIED)
tls("SNI that shakes no hands", "nothing", Ask(sni="rejected.example"), Outcome(("no handshake",), ends=True, log="TLS handshake with"))
tls("Host that shakes no hands", "rejected.example past its handshake", Ask(host="rejected.example"), MISDIRECTED)
tls("Host that shakes no hands, no SNI", "rejected.example past its handshake", Ask(host="rejected.example", sni=None), MISDIRECTED)
tls(
    "Host that shakes no hands, by an absolute target",
    "rejected.example past its handshake",
    Ask(target="https://rejected.example/open/x", host="rejected.example"),
    MISDIRECTED,
)
tls(
    "Host that wants TLS 1.3",
    "modern.example past its handshake",
    Ask(host="modern.example"),
    MISDIRECTED,
    nginx=Outcome((200,), gateway=(Forwarded(),)),
)
tls(
    "SNI that wants TLS 1.3, Host another",
    "localhost past its handshake",
    Ask(sni="modern.example"),
    MISDIRECTED,
    nginx=LOCALHOST,
)
tls("a Host that nobody has", "the default server's rules", Ask(target="/secret", host="nobody.example"), LOGIN)
tls("an SNI that nobody has", "localhost's rules, by Host", Ask(sni="nobody.example"), LOCALHOST)
add(HOSTS, "Host of a TLS server, on the plain port", "the default server's rules", Ask(target="/secret", host="other.example"), LOGIN)
add(
    HOSTS,
    "`X-Forwarded-Host` of another server",
    "localhost's rules",
    Ask(target="/secret", fields=(("X-Forwarded-Host", "other.example"),)),
    LOGIN,
)

# Credentials.

WRONG_LOGIN = refused(401, "refused with 401: credentials-wrong")
REPEATED = refused(400, "refused with 400: credentials-repeated")
PASSED = passed(target="/secret")
for _name, _means, _fields, _outcome in [
    ("none", "nobody", (), LOGIN),
    ("Basic", "alice", (ALICE,), PASSED),
    ("`bASIC`", "alice", (("Authorization", ALICE[1].replace("Basic", "bASIC")),), PASSED),
    ("a wrong password", "nobody", (WRONG,), WRONG_LOGIN),
    ("twice, right and wrong", "alice or nobody", (ALICE, WRONG), REPEATED),
    ("twice, wrong and right", "alice or nobody", (WRONG, ALICE), REPEATED),
    ("twice the same", "alice", (ALICE, ALICE), REPEATED),
    ("Basic and Bearer, apart", "alice or somebody else", (ALICE, ("Authorization", "Bearer x")), REPEATED),
    ("Bearer and Basic, apart", "somebody else or alice", (("Authorization", "Bearer x"), ALICE), REPEATED),
    ("Basic and Bearer in a list", "alice or nobody", (("Authorization", ALICE[1] + ", Bearer x"),), WRONG_LOGIN),
    ("Bearer and Basic in a list", "nobody", (("Authorization", "Bearer x, " + ALICE[1]),), LOGIN),
    ("Bearer", "nobody", (("Authorization", "Bearer YWxpY2U6cGFzc3dvcmQ="),), LOGIN),
    ("Basic without credentials", "nobody", (("Authorization", "Basic"),), WRONG_LOGIN),
    ("an empty field", "nobody", (("Authorization", ""),), LOGIN),
    ("base64 without its padding", "nobody", (("Authorization", "Basic YWxpY2U6cGFzc3dvcmQ"),), WRONG_LOGIN),
    ("base64 with a letter too many", "nobody", (("Authorization", "Basic YWxpY2U6cGFzc3dvcmQ=A"),), WRONG_LOGIN),
    ("base64 of another alphabet", "nobody", (("Authorization", "Basic YWxp-_U6cGFzc3dvcmQ="),), WRONG_LOGIN),
    ("base64 with a space in it", "nobody", (("Authorization", "Basic YWxpY2U6 cGFzc3dvcmQ="),), WRONG_LOGIN),
    ("no base64", "nobody", (("Authorization", "Basic !!!!"),), WRONG_LOGIN),
    ("no colon", "nobody", (("Authorization", "Basic YWxpY2U="),), WRONG_LOGIN),
    ("a NUL behind the password", "nobody", (basic("alice", "password\0"),), WRONG_LOGIN),
    ("a NUL behind the name", "nobody", (basic("alice\0x", "password"),), WRONG_LOGIN),
    ("a line feed behind the name", "nobody", (basic("alice\n", "password"),), WRONG_LOGIN),
    ("no name", "nobody", (basic("", "password"),), WRONG_LOGIN),
    ("a name of the password file's line", "nobody", (basic("alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\nbob", "password"),), WRONG_LOGIN),
    ("the hash for a password", "nobody", (basic("alice", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="),), WRONG_LOGIN),
    ("a password of 5000 bytes", "nobody", (basic("alice", "x" * 5000),), WRONG_LOGIN),
    ("a password of 20000 bytes", "nobody", (basic("alice", "x" * 20000),), refused(431, "a field is too long", ends=True)),
    ("a login in `Proxy-Authorization`", "nobody here", (("Proxy-Authorization", ALICE[1]),), LOGIN),
    ("`X-Forwarded-User: alice`", "nobody", (("X-Forwarded-User", "alice"),), LOGIN),
    ("`Remote-User: alice`", "nobody", (("Remote-User", "alice"),), LOGIN),
    ("`X-Original-URL: /open/x`", "nobody", (("X-Original-URL", "/open/x"),), LOGIN),
    ("`X-HTTP-Method-Override: OPTIONS`", "nobody", (("X-HTTP-Method-Override", "OPTIONS"),), LOGIN),
    ("`X-Forwarded-For: 127.0.0.1`, to a closed path", "somebody near", None, None),
]:
    if _fields is None:
        add(CREDENTIALS, _name, _means, Ask(target="/closed/x", fields=(("X-Forwarded-For", "127.0.0.1"),)), DENIED)
    else:
        add(CREDENTIALS, _name, _means, Ask(target="/secret", fields=_fields), _outcome)
add(
    CREDENTIALS,
    "in an absolute target",
    "alice, to some",
    Ask(target="http://alice:password@localhost/secret"),
    refused(400, "Host isn't a name or address with an optional port", ends=True),
)

CASES = PATHS + FIELDS + HOSTS + CREDENTIALS
