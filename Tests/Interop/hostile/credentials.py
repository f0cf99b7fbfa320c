"""Around the door by credentials that can be read in two ways, or not at all."""

from harness.client import basic

from .asked import ALICE, ALL_CARRIERS, DENIED, LOGIN, WRONG, adder, passed, refused
from .case import Ask
from .streams import get

CASES = []
add = adder(CASES)

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
    (
        "a name of the password file's line",
        "nobody",
        (basic("alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\nbob", "password"),),
        WRONG_LOGIN,
    ),
    ("the hash for a password", "nobody", (basic("alice", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="),), WRONG_LOGIN),
    ("a password of 5000 bytes", "nobody", (basic("alice", "x" * 5000),), WRONG_LOGIN),
    (
        "a password of 20000 bytes",
        "nobody",
        (basic("alice", "x" * 20000),),
        refused(431, "a field is too long", ends=True),
    ),
    ("a login in `Proxy-Authorization`", "nobody here", (("Proxy-Authorization", ALICE[1]),), LOGIN),
    ("`X-Forwarded-User: alice`", "nobody", (("X-Forwarded-User", "alice"),), LOGIN),
    ("`Remote-User: alice`", "nobody", (("Remote-User", "alice"),), LOGIN),
    ("`X-Original-URL: /open/x`", "nobody", (("X-Original-URL", "/open/x"),), LOGIN),
    ("`X-HTTP-Method-Override: OPTIONS`", "nobody", (("X-HTTP-Method-Override", "OPTIONS"),), LOGIN),
    ("`X-Forwarded-For: 127.0.0.1`, to a closed path", "somebody near", None, None),
]:
    if _fields is None:
        add(_name, _means, Ask(target="/closed/x", fields=(("X-Forwarded-For", "127.0.0.1"),)), DENIED,
            carriers=ALL_CARRIERS)
    else:
        _also = {"carriers": ALL_CARRIERS} if _outcome in (LOGIN, PASSED, WRONG_LOGIN) else {}
        add(_name, _means, Ask(target="/secret", fields=_fields), _outcome, **_also)
add(
    "in an absolute target",
    "alice, to some",
    Ask(target="http://alice:password@localhost/secret"),
    refused(400, "Host isn't a name or address with an optional port", ends=True),
)
add(
    "in `:authority`",
    "alice, to some",
    (get(path="/secret", authority="alice:password@localhost"),),
    refused(400, "Host isn't a name or address with an optional port"),
    carriers=("http/2", "h2c"),
)
