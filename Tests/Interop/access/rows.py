"""The table: every refusal of the access phase. docs/access.md shows it."""

from harness.client import basic

from .refusal import Ask, Page, Refusal, Text, Waiting
from .stage import FETCH, FORM, NAVIGATION, OWN_FORM, credentials, form, log_in

BOTH = ("Basic", "Bearer")
HTTP1 = ("HTTP/1.1",)
LOGIN = "/.postern/login"
WEBSOCKET = (
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)
FOREIGN = (("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.test"))


def bearer(key):
    return ("Authorization", "Bearer {" + key + "}")


def api_key(key):
    return ("X-API-Key", "{" + key + "}")


def post(fields=OWN_FORM, user="alice", password="wrong", target="/form/", **options):
    """The login form, sent."""
    return Ask(LOGIN, fields, method="POST", body=form(user, password, target), **options)


def locked_address(source):
    """Guesses at a user each, until the address is locked."""
    return lambda stage: stage.guess([source] * 4, "guessed{}")


def locked_user(stage):
    """Guesses at one user, from an address each."""
    stage.guess([f"127.0.1.{number}" for number in range(1, 5)], "bob")


NOBODY = [
    Refusal("a program", Ask("/"), 401, "credentials-missing", challenges=BOTH, is_logged=False),
    Refusal(
        "a program that asks for JSON",
        Ask("/", (("Accept", "application/json"),)),
        401,
        "credentials-missing",
        Text(is_json=True),
        BOTH,
        is_logged=False,
    ),
    Refusal("a WebSocket", Ask("/", WEBSOCKET), 401, "credentials-missing", challenges=BOTH, is_logged=False, versions=HTTP1),
    Refusal("a browser opens a page", Ask("/", NAVIGATION), 401, "credentials-missing", challenges=BOTH, is_logged=False),
    Refusal(
        "a browser opens a page, `login_form on`",
        Ask("/form/", NAVIGATION),
        401,
        "credentials-missing",
        Page("Log in"),
        is_logged=False,
    ),
    Refusal(
        "an old browser opens a page, which tells by `Accept`, `login_form on`",
        Ask("/form/", (("Accept", "text/html"),)),
        401,
        "credentials-missing",
        Page("Log in"),
        is_logged=False,
    ),
    Refusal("a page's fetch, `login_form on`", Ask("/form/", FETCH), 401, "credentials-missing", is_logged=False),
    Refusal(
        "a program, `login_form on`", Ask("/form/"), 401, "credentials-missing", challenges=BOTH, is_logged=False
    ),
    Refusal(
        "`Bearer` with a token that is none of ours",
        Ask("/", (("Authorization", "Bearer eyJhbGciOiJub25lIn0"),)),
        401,
        "credentials-missing",
        challenges=BOTH,
        is_logged=False,
    ),
    Refusal(
        "a session's cookie that proves nothing any more",
        Ask("/form/", (*NAVIGATION, ("Cookie", "__Host-postern=" + 43 * "A"))),
        401,
        "credentials-missing",
        Page("Log in"),
        is_logged=False,
        cookies=("__Host-postern",),
    ),
    Refusal(
        "an address that is denied", Ask("/denied/", (basic("alice", "password"),)), 403, "address-denied"
    ),
]

PASSWORDS = [
    Refusal("wrong password", Ask("/", (basic("alice", "wrong"),)), 401, "credentials-wrong", challenges=BOTH),
    Refusal("unknown user", Ask("/", (basic("nobody", "password"),)), 401, "credentials-wrong", challenges=BOTH),
    Refusal(
        "wrong password, by a browser that opens a page, `login_form on`",
        Ask("/form/", (*NAVIGATION, basic("alice", "wrong"))),
        401,
        "credentials-wrong",
        Page("Log in"),
    ),
    Refusal(
        "`Basic` without base64", Ask("/", (("Authorization", "Basic ???"),)), 401, "credentials-wrong", challenges=BOTH
    ),
    Refusal("`Basic` without a colon", Ask("/", (credentials("alice"),)), 401, "credentials-wrong", challenges=BOTH),
    Refusal(
        "`Authorization` twice",
        Ask("/", (basic("alice", "password"), basic("alice", "password"))),
        400,
        "credentials-repeated",
    ),
    Refusal(
        "more passwords of an address at once than are hashed for it",
        Ask("/costly/", (basic("carol", "another"),), source="127.0.0.40"),
        503,
        "hash-queue-full",
        retry_after=(1, 1),
        before=lambda stage: stage.occupy("127.0.0.40"),
        meanwhile=("credentials-wrong",),
    ),
    Refusal(
        "the file of users is missing",
        Ask("/absent/users/", (basic("alice", "password"),)),
        403,
        "password-file-unavailable",
        also=("error", "password file {directory}/absent: open: "),
    ),
    Refusal(
        "the file of users can't be read",
        Ask("/broken/users/", (basic("alice", "password"),)),
        500,
        "password-file-unavailable",
        also=("error", "password file {directory}/folder: not a regular file"),
    ),
    Refusal(
        "the file of users changes faster than it can be read, for 5 s",
        Ask("/changing/users/", (basic("alice", "password"),)),
        503,
        "password-file-unavailable",
        retry_after=(1, 1),
        before=lambda stage: stage.change(stage.changing_users),
        is_slow=True,
    ),
]

FORMS = [
    Refusal("wrong password", post(), 401, "credentials-wrong", Page("Log in", "Name or password is wrong.")),
    Refusal(
        "unknown user", post(user="nobody"), 401, "credentials-wrong", Page("Log in", "Name or password is wrong.")
    ),
    Refusal("sent by another site's page", post((*FORM, *FOREIGN), password="password"), 403, "cross-site"),
    Refusal(
        "sent by another site's page, which only `Origin` tells",
        post((*FORM, FOREIGN[1]), password="password"),
        403,
        "cross-site",
    ),
    Refusal("`/.postern/logout` by another site's page", Ask("/.postern/logout", FOREIGN, "POST", b""), 403, "cross-site"),
    Refusal(
        "not a form by its `Content-Type`",
        Ask(LOGIN, (("Content-Type", "application/json"),), "POST", b'{"user":"alice","password":"password"}'),
        415,
        "bad-request",
    ),
    Refusal("longer than 8 KiB", Ask(LOGIN, OWN_FORM, "POST", b"user=" + b"a" * 8192), 413, "body-too-large"),
    Refusal("a broken escape", Ask(LOGIN, OWN_FORM, "POST", b"user=%4"), 400, "bad-request"),
    Refusal("another method", Ask(LOGIN, (), "DELETE"), 405, "bad-request"),
    Refusal("where no location has a form", Ask(LOGIN, NAVIGATION, host="formless.test"), 404, "no-such-location", is_logged=False),
    Refusal(
        "more passwords of an address at once than are hashed for it",
        post(user="carol", password="another", target="/costly/", source="127.0.0.41"),
        503,
        "hash-queue-full",
        Page("Log in", "Too much to do just now. Try again."),
        retry_after=(1, 1),
        before=lambda stage: stage.occupy("127.0.0.41"),
        meanwhile=("credentials-wrong",),
    ),
]

KEYS = [
    Refusal("unknown, in `X-API-Key`", Ask("/", (api_key("unknown"),)), 401, "key-unknown", Text("no such API key"), BOTH),
    Refusal("unknown, in `Bearer`", Ask("/", (bearer("unknown"),)), 401, "key-unknown", Text("no such API key"), BOTH),
    Refusal(
        "anything else in `X-API-Key`", Ask("/", (("X-API-Key", "me"),)), 401, "key-unknown", Text("no such API key"), BOTH
    ),
    Refusal(
        "mistyped: `pk_` with a wrong checksum",
        Ask("/", (bearer("mistyped"),)),
        401,
        "key-malformed",
        Text("the API key is mistyped: its checksum is wrong"),
        BOTH,
    ),
    Refusal("expired", Ask("/", (bearer("expired"),)), 401, "key-expired", Text("the API key has expired"), BOTH),
    Refusal("`X-API-Key` twice", Ask("/", (api_key("reader"), api_key("reader"))), 400, "credentials-repeated"),
    Refusal(
        "more requests than its `rate_limit` has in an hour",
        Ask("/", (bearer("rare"),)),
        429,
        "key-limited",
        retry_after=(3500, 3600),
        before=lambda stage: stage.ask(Ask("/", (bearer("rare"),)), "HTTP/1.1"),
    ),
    Refusal(
        "lacks what the method needs",
        Ask("/", (bearer("reader"),), "POST", b"{}"),
        403,
        "permission-missing",
        Text("the API key lacks the permission write"),
    ),
    Refusal(
        "lacks what a WebSocket needs",
        Ask("/", (*WEBSOCKET, bearer("reader"))),
        403,
        "permission-missing",
        Text("the API key lacks the permission write"),
        versions=HTTP1,
    ),
    Refusal(
        "lacks what the path needs",
        Ask("/tools/invoke", (bearer("writer"),), "POST", b"{}"),
        403,
        "permission-missing",
        Text("the API key lacks the permission execute-actions"),
    ),
    Refusal(
        "a method that no permission has",
        Ask("/", (bearer("actor"),), "PROPFIND"),
        403,
        "permission-missing",
        Text("no permission allows this method here"),
    ),
    Refusal(
        "a path that a gateway might read as one that needs another permission",
        Ask("/x/..;/tools/invoke", (bearer("actor"),), "POST", b"{}"),
        400,
        "ambiguous-path",
    ),
    Refusal(
        "the file of keys is missing",
        Ask("/absent/keys/", (bearer("reader"),)),
        403,
        "key-file-unavailable",
        also=("error", "API key file {directory}/absent.json: "),
    ),
    Refusal(
        "the file of keys can't be read",
        Ask("/broken/keys/", (bearer("reader"),)),
        500,
        "key-file-unavailable",
        also=("error", "API key file {directory}/broken.json: "),
    ),
    Refusal(
        "the file of keys changes faster than it can be read, for 5 s",
        Ask("/changing/keys/", (bearer("reader"),)),
        503,
        "key-file-unavailable",
        retry_after=(1, 1),
        before=lambda stage: stage.change(stage.changing_keys),
        is_slow=True,
    ),
]

LOCKED_WORDS = Text("too many wrong credentials: try again later")
LOCKED_PAGE = Page("Log in", "Too many wrong attempts. Try again in 5 minutes.")
LOCKED = (290, 300)

LOCKS = [
    Refusal(
        "an address, even with a right password",
        Ask("/locked/", (basic("alice", "password"),), source="127.0.0.11"),
        429,
        "locked",
        LOCKED_WORDS,
        retry_after=LOCKED,
        before=locked_address("127.0.0.11"),
    ),
    Refusal(
        "an address with another wrong key",
        Ask("/locked/", (bearer("unknown"),), source="127.0.0.11"),
        429,
        "locked",
        LOCKED_WORDS,
        retry_after=LOCKED,
        before=locked_address("127.0.0.11"),
    ),
    Refusal(
        "an address, by a browser that opens a page, `login_form on`",
        Ask("/locked/", (*NAVIGATION, basic("alice", "password")), source="127.0.0.11"),
        429,
        "locked",
        LOCKED_PAGE,
        retry_after=LOCKED,
        before=locked_address("127.0.0.11"),
    ),
    Refusal(
        "an address, by the form",
        post(password="password", target="/locked/", source="127.0.0.11"),
        429,
        "locked",
        LOCKED_PAGE,
        retry_after=LOCKED,
        before=locked_address("127.0.0.11"),
    ),
    Refusal(
        "a user, from an address that isn't locked",
        Ask("/locked/", (basic("bob", "password"),), source="127.0.0.12"),
        429,
        "locked",
        LOCKED_WORDS,
        retry_after=LOCKED,
        before=locked_user,
    ),
    Refusal(
        "a user, by the form",
        post(user="bob", password="password", target="/locked/", source="127.0.0.12"),
        429,
        "locked",
        LOCKED_PAGE,
        retry_after=LOCKED,
        before=locked_user,
    ),
]

DEVICES = [
    Refusal(
        "a browser opens a page",
        Ask("/paired/", (*NAVIGATION, basic("dora", "password"))),
        403,
        "device-pending",
        Page("Waiting to be let in", "postern devices approve "),
        cookies=("__Host-postern", "__Host-postern-device"),
    ),
    Refusal(
        "a program",
        Ask("/paired/", (basic("dora", "password"),)),
        403,
        "device-pending",
        Waiting(),
        cookies=("__Host-postern-device",),
    ),
    Refusal(
        "10,000 devices are approved, and `auto_approve=on` would let in another",
        Ask("/welcome/", (basic("dora", "password"),)),
        403,
        "device-pending",
        Text("no room for another device: remove one first"),
        cookies=("__Host-postern-device",),
        stage="full_stage",
    ),
]

SESSIONS = [
    Refusal(
        "one more than `max_concurrent` with `evict=refuse`, by the form",
        post(user="zoe", password="password", target="/few/"),
        403,
        "sessions-limited",
        Page("Log in", "You are logged in on as many browsers as may be. Log out on one."),
        before=lambda stage: log_in(stage.server, "zoe", "/few/"),
    ),
    Refusal(
        "the same, by a browser's own prompt",
        Ask("/few/basic/", (*NAVIGATION, basic("yves", "password"))),
        403,
        "sessions-limited",
        Text("too many sessions of this user are open"),
        before=lambda stage: log_in(stage.server, "yves", "/few/"),
    ),
    Refusal(
        "100,000 sessions of all users are open, by the form",
        post(user="zoe", password="password"),
        503,
        "sessions-limited",
        Page("Log in", "Too much to do just now. Try again."),
        retry_after=(1, 1),
        stage="full_stage",
    ),
]

#: Headings and their rows, in the order of the document.
SECTIONS = {
    "Nobody is known": NOBODY,
    "Name and password": PASSWORDS,
    "The login form, and what else is Postern's own": FORMS,
    "API keys": KEYS,
    "Locked out": LOCKS,
    "Devices": DEVICES,
    "Sessions": SESSIONS,
}
ROWS = [row for rows in SECTIONS.values() for row in rows]
