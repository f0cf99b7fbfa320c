"""Logins with every kind of hash, addresses, both together, real addresses behind a proxy, large bodies."""

from ..case import Case, File, basic, request, stays_chunked

#: "password" in every form that htpasswd, openssl and mkpasswd write; two lines that are none; and one user twice.
HTPASSWD = """# a comment
sha:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=
ssha:{SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0
plain:{PLAIN}password
apr1:$apr1$saltsalt$yAAkm4libquA.ZWLHbSBq/
md5:$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/
sha256:$5$saltsalt$gOjOtoMpVhru2uyjeJSEc/JaLQWOXMNmlOnj6T4AtC.
sha512:$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/
bcrypt-y:$2y$04$GSVNlQdKMIHMEi1x.Bt2KehUHgR8qvwlBgD1V9H2Iuxfj./J7UHuC
bcrypt-b:$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm
yescrypt:$y$j75$abcdefgh$hycRI05iyPwUdPZDaw/SJaABdj2h8B1Bgxi1Z/4Xke0
des:abJnggxhB/yWI
comment:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=:Her Name
no-hash
empty:
twice:{PLAIN}first
twice:{PLAIN}second
with space:{PLAIN}password
ünï:{PLAIN}pässword
"""
USERS = (
    "sha",
    "ssha",
    "plain",
    "apr1",
    "md5",
    "sha256",
    "sha512",
    "bcrypt-y",
    "bcrypt-b",
    "yescrypt",
    "des",
    "comment",
)


def ask(name, target="/", fields=(), port="plain", source="127.0.0.1", **options):
    return Case(name, [request(target, fields, **options)], port=port, source=source)


def raw_basic(text):
    return ("Authorization", text)


LOGINS = [
    ask("no login"),
    *(ask(f"{user}: the right password", fields=[basic(user, "password")]) for user in USERS),
    *(ask(f"{user}: a wrong password", fields=[basic(user, "Password")]) for user in USERS),
    ask("an unknown user", fields=[basic("nobody", "password")]),
    ask("a line without a hash", fields=[basic("no-hash", "")]),
    ask("an empty hash", fields=[basic("empty", "")]),
    ask("a user twice, the first", fields=[basic("twice", "first")]),
    ask("a user twice, the second", fields=[basic("twice", "second")]),
    ask("a name with a space", fields=[basic("with space", "password")]),
    ask("a name and password beyond ASCII", fields=[basic("ünï", "pässword")]),
    ask("an empty name", fields=[basic("", "password")]),
    ask("an empty password", fields=[basic("plain", "")]),
    ask("a longer password", fields=[basic("plain", "password1")]),
    ask("the comment as a user", fields=[basic("# a comment", "x")]),
    ask("another scheme", fields=[raw_basic("Bearer cGxhaW46cGFzc3dvcmQ=")]),
    ask("the scheme in small letters", fields=[raw_basic("basic cGxhaW46cGFzc3dvcmQ=")]),
    ask("two spaces behind the scheme", fields=[raw_basic("Basic  cGxhaW46cGFzc3dvcmQ=")]),
    ask("no base64", fields=[raw_basic("Basic !!!")]),
    ask("base64 without its padding", fields=[raw_basic("Basic cGxhaW46cGFzc3dvcmQ")]),
    ask("no colon", fields=[raw_basic("Basic cGxhaW4=")]),
    ask("nothing behind the scheme", fields=[raw_basic("Basic ")]),
    ask("the scheme alone", fields=[raw_basic("Basic")]),
    ask("two Authorization fields", fields=[basic("plain", "password"), basic("sha", "wrong")]),
    ask("a password with colons", fields=[basic("plain", "pass:word")]),
    ask("an open location", "/open/x"),
    ask("an open location with a wrong login", "/open/x", [basic("plain", "wrong")]),
    ask("another file's user", "/other/x", [basic("other", "password")]),
    ask("another file, not its user", "/other/x", [basic("plain", "password")]),
    ask("a realm with a variable", "/realm/x", [("X-Word", "me")]),
    ask("a realm with quotes", "/quoted/x"),
    ask("a file that is not there", "/missing/x", [basic("plain", "password")]),
    ask("return needs no login", "/returned/x"),
    ask("HEAD without a login", method="HEAD"),
    ask("a POST without a login", method="POST", body=b"unread"),
    ask("a chunked POST without a login", method="POST", chunks=[b"unread"]),
    ask("Expect without a login", fields=[("Expect", "100-continue")], method="POST", body=b"unsent"),
    Case(
        "a wrong login, then the right one",
        [request("/", [basic("plain", "x")]), request("/", [basic("plain", "password")])],
    ),
    Case("the right login, then none", [request("/", [basic("plain", "password")]), request("/")]),
]

ADDRESSES = [
    ask("deny all", "/deny/x"),
    ask("allowed by a network", "/allow/x", source="127.0.3.9"),
    ask("denied before a network", "/allow/x", source="127.0.4.1"),
    ask("allowed behind a denial", "/allow/x", source="127.0.4.2"),
    ask("not allowed", "/allow/x", source="127.0.5.1"),
    ask("allowed alone", "/allow-one/x", source="127.0.3.7"),
    ask("not allowed alone", "/allow-one/x", source="127.0.3.8"),
    ask("address and login: neither", "/both/x"),
    ask("address and login: the address", "/both/x", source="127.0.3.1"),
    ask("address and login: the login", "/both/x", [basic("plain", "password")]),
    ask("address and login: both", "/both/x", [basic("plain", "password")], source="127.0.3.1"),
    ask("address or login: neither", "/any/x"),
    ask("address or login: the address", "/any/x", source="127.0.3.1"),
    ask("address or login: the login", "/any/x", [basic("plain", "password")]),
    ask("address or login: a wrong login", "/any/x", [basic("plain", "x")]),
    ask("address or login: the address and a wrong login", "/any/x", [basic("plain", "x")], source="127.0.3.1"),
]

LISTS = (
    "9.9.9.9",
    "9.9.9.9:1234",
    "1.1.1.1, 9.9.9.9",
    "9.9.9.9, 10.0.0.1",
    "9.9.9.9, 10.0.0.1, 10.0.0.2",
    "9.9.9.9,10.0.0.1",
    "10.0.0.3, 10.0.0.1",
    "nonsense",
    "nonsense, 10.0.0.1",
    "9.9.9.9, nonsense",
    "",
    "2001:db8::1",
    "[2001:db8::1]:99",
    "unix:",
)
REAL = [
    *(
        ask(
            f"{'recursive' if port == 'third' else 'the last'} of {text!r}",
            "/",
            [("X-Forwarded-For", text)],
            port,
            "127.0.3.1",
        )
        for port in ("second", "third")
        for text in LISTS
    ),
    *(
        Case(
            f"two lists of forwarders on {port}",
            [request("/", [("X-Forwarded-For", "9.9.9.1"), ("X-Forwarded-For", "10.0.0.1")])],
            port=port,
            source="127.0.3.1",
        )
        for port in ("second", "third")
    ),
    ask("a peer that is not believed", "/", [("X-Forwarded-For", "9.9.9.9")], "second", "127.0.6.1"),
    ask("a denied real address", "/", [("X-Forwarded-For", "8.8.8.8")], "second", "127.0.3.1"),
    ask("a believed peer without the field", "/", [], "second", "127.0.3.1"),
    ask("X-Real-IP by default", "/", [("X-Real-IP", "9.9.9.9")], "fourth", "127.0.3.1"),
    ask("X-Forwarded-For where X-Real-IP counts", "/", [("X-Forwarded-For", "9.9.9.9")], "fourth", "127.0.3.1"),
    Case(
        "two requests, two real addresses",
        [request("/", [("X-Real-IP", "9.9.9.8")]), request("/", [("X-Real-IP", "9.9.9.7")]), request("/")],
        port="fourth",
        source="127.0.3.1",
    ),
]


def post(name, target, size, chunked=False, **options):
    body = {"chunks": [b"x" * size]} if chunked else {"body": b"x" * size}
    return ask(name, target, port="fourth", method="POST", **body, **options)


SIZES = [
    post("a body of the size allowed", "/", 10),
    post("a byte more", "/", 11),
    post("much more", "/", 100_000),
    post("chunks of the size allowed", "/", 10, chunked=True),
    post("chunks, a byte more", "/", 11, chunked=True),
    post("chunks, much more", "/", 100_000, chunked=True),
    post("a location that allows more", "/more/x", 1024),
    post("a location that allows more, a byte too many", "/more/x", 1025),
    post("a location without a bound", "/any/x", 100_000),
    post("a streamed body, a byte more", "/streamed/x", 11),
    post("streamed chunks, a byte more", "/streamed/x", 11, chunked=True),
    post("a body for a return", "/returned/x", 5),
    post("a large body for a return", "/returned/x", 11),
    ask("Expect, and too large", "/", [("Expect", "100-continue")], "fourth", method="POST", body=b"x" * 11),
    ask("too large in HTTP/1.0", "/", (), "fourth", method="POST", body=b"x" * 11, version="HTTP/1.0"),
]


def unproved(user):
    """In the log alone."""
    return {"log": (user, "")}


DIFFERS = {
    "remote-user": {
        **{f"{user}: a wrong password": unproved(user) for user in USERS},
        "an unknown user": unproved("nobody"),
        "a line without a hash": unproved("no-hash"),
        "an empty hash": unproved("empty"),
        "a user twice, the second": unproved("twice"),
        "an empty password": unproved("plain"),
        "a longer password": unproved("plain"),
        "the comment as a user": unproved("# a comment"),
        "two Authorization fields": unproved("plain"),
        "a password with colons": unproved("plain"),
        "an open location with a wrong login": unproved("plain") | {"upstream": ("X-User: plain", "")},
        "another file, not its user": unproved("plain"),
        "a file that is not there": unproved("plain"),
        "a wrong login, then the right one": unproved("plain"),
        "address and login: the login": unproved("plain"),
        "address or login: a wrong login": unproved("plain"),
        "address or login: the address and a wrong login": unproved("plain") | {"upstream": ("X-User: plain", "")},
    },
    "realm": {"a realm with quotes": {"fields": ('realm="Closed "area""', 'realm="Closed \\"area\\""')}},
    "base64": {"base64 without its padding": {"status": (200, 401)}},
    "errors-keep": {
        "two Authorization fields": {"connection": ("closed", "kept"), "fields": ("Connection: close", "")},
    },
    "unread-chunks": {
        "a chunked POST without a login": {"connection": ("kept", "closed"), "fields": ("", "Connection: close")},
    },
    "expect-refused": {
        "Expect without a login": {
            "connection": ("odd: HTTP/1.1 400 Bad Request", "closed"),
            "fields": ("", "Connection: close"),
            "log": (("robe HTTP/1.1", "400", "127.0.0.1"), ""),
        },
    },
    "bodies-stream": {"chunks of the size allowed": stays_chunked("xxxxxxxxxx")},
}

FILE = File(
    "access",
    "auth_basic with every kind of hash, allow and deny, satisfy, real_ip, client_max_body_size",
    LOGINS + ADDRESSES + REAL + SIZES,
    listeners=["second", "third", "fourth"],
    files={"htpasswd": HTPASSWD, "others": "other:{PLAIN}password\n"},
    differs=DIFFERS,
)
