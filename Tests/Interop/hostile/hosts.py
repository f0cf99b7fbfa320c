"""Around the door by a Host that the handshake was not for."""

from .asked import DENIED, LOGIN, NO_PATH, adder, passed, refused
from .case import Ask, Forwarded, Outcome
from .streams import get

CASES = []
add = adder(CASES)

# Hosts, over TLS: the name in the hello chooses the handshake's rules, Host the requests'.

MISDIRECTED = refused(421, "refused with 421: misdirected", ends=True)
LOCALHOST = passed(fields=(("host", ("localhost",)),))


def tls(name, means, ask, outcome, nginx=None, **options):
    add(name, means, ask, outcome, nginx, port="tls", **options)


tls("SNI and Host agree", "localhost's rules", Ask(), LOCALHOST)
tls("SNI another, same handshake", "localhost's rules, by Host", Ask(sni="other.example"), LOCALHOST)
tls("Host another, same handshake", "other.example's rules, by Host", Ask(host="other.example"), DENIED)
tls("Host another in capitals, with a dot and a port", "other.example's rules", Ask(host="OTHER.Example.:443"), DENIED)
tls(
    "SNI that shakes no hands",
    "nothing",
    Ask(sni="rejected.example"),
    Outcome(("no handshake",), ends=True, log="TLS handshake with"),
)
tls("Host that shakes no hands", "rejected.example past its handshake", Ask(host="rejected.example"), MISDIRECTED)
tls(
    "Host that shakes no hands, no SNI",
    "rejected.example past its handshake",
    Ask(host="rejected.example", sni=None),
    MISDIRECTED,
)
tls(
    "Host that shakes no hands, by an absolute target",
    "rejected.example past its handshake",
    Ask(target="https://rejected.example/open/x", host="rejected.example"),
    MISDIRECTED,
    http2=NO_PATH,
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
    Ask(sni="modern.example", after="modern.example"),
    MISDIRECTED,
    nginx=LOCALHOST,
)
tls("a Host that nobody has", "the default server's rules", Ask(target="/secret", host="nobody.example"), LOGIN)
tls("an SNI that nobody has", "localhost's rules, by Host", Ask(sni="nobody.example"), LOCALHOST)
add(
    "Host of a TLS server, on the plain port",
    "the default server's rules",
    Ask(target="/secret", host="other.example"),
    LOGIN,
    carriers=("http/1", "h2c"),
)
add(
    "`X-Forwarded-Host` of another server",
    "localhost's rules",
    Ask(target="/secret", fields=(("X-Forwarded-Host", "other.example"),)),
    LOGIN,
)

# HTTP/2 has two places for a host.

NO_HOST = refused(400, "Host isn't a name or address with an optional port")
DIFFERS = refused(400, "Host differs from the target's authority")
for _name, _means, _stream, _outcome in [
    ("`host` another than `:authority`", "nobody can say for whom", get(("host", "other.example")), DIFFERS),
    (
        "`:authority` another than `host`",
        "nobody can say for whom",
        get(("host", "localhost"), authority="other.example"),
        DIFFERS,
    ),
    (
        "SNI and `host` agree, `:authority` another",
        "nobody can say for whom",
        get(("host", "other.example"), sni="other.example"),
        DIFFERS,
    ),
    ("`host` with a port, `:authority` without", "nobody can say for whom", get(("host", "localhost:443")), DIFFERS),
    ("`host` like `:authority`", "localhost's rules", get(("host", "localhost")), LOCALHOST),
    (
        "`host` like `:authority`, in capitals",
        "localhost's rules",
        get(("host", "LOCALHOST")),
        LOCALHOST,
    ),
    ("`host` without `:authority`", "other.example's rules", get(("host", "other.example"), authority=None), DENIED),
    (
        "`host` that shakes no hands, without `:authority`",
        "rejected.example past its handshake",
        get(("host", "rejected.example"), authority=None),
        MISDIRECTED,
    ),
    (
        "`:authority` that shakes no hands, `host` another",
        "nobody can say for whom",
        get(("host", "localhost"), authority="rejected.example"),
        DIFFERS,
    ),
    ("an empty `:authority`, and `host`", "nobody can say for whom", get(("host", "localhost"), authority=""), NO_HOST),
]:
    tls(_name, _means, (_stream,), _outcome, carriers=("http/2",))
