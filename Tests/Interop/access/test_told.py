"""What the gateway hears of the caller: what Postern says, and nothing that the client says of itself."""

import subprocess

import pytest

from harness.client import basic
from harness.ports import wait_until
from harness.process import Server
from harness.recorder import Recorder
from harness.site import Site

from . import told
from .keys import KeyFile, make_key, mistyped
from .stage import NAVIGATION, PASSWORD, VERSIONS, ask, cookie_field, cookies, log_in

USERS = "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"
DIRECTIVES = {
    "pass": "gateway_auth pass;",
    "bearer": "gateway_auth bearer file:{directory}/token;",
    "trusted_proxy": "gateway_auth trusted_proxy;",
}
LOCATIONS = """
api_keys {directory}/keys.json;
login_form on;
public /public/ methods=*;
location /address/ { satisfy any; allow 127.0.0.1; deny all; }
"""
PATHS = {"address": "/address/x", "public": "/public/x"}
#: What a client may try to say of itself: other names that gateways read as the same.
LIES = [
    ("X-Forwarded-User", "mallory"),
    ("X-Forwarded-User", "mallory"),
    ("X_Forwarded_User", "mallory"),
    ("x.forwarded.user", "mallory"),
    ("X-Forwarded_User", "mallory"),
    ("X-OpenClaw-Scopes", "operator.admin"),
    ("x-openclaw-scopes", "operator.admin"),
    ("X_OPENCLAW_SCOPES", "operator.admin"),
    ("x.openclaw.scopes", "operator.admin"),
    ("X-OpenClaw.Scopes", "operator.admin"),
]


class Gateway:
    """A server with one way of telling the gateway."""

    def __init__(self, kind, directory, certificate, context, recorder, extra=""):
        self.recorder = recorder
        self.directory = directory
        self.keys = KeyFile(directory / "keys.json")
        self.key = self.keys.add("reader", "read")
        self.words = {}
        (directory / "token").write_text(told.TOKEN + "\n")
        site = Site(
            upstream=recorder.address,
            auth=True,
            users=USERS,
            http2=True,
            native_server=DIRECTIVES[kind] + extra + LOCATIONS,
        )
        self.server = Server("postern-native", directory, site, *certificate, context)
        self.cookies = cookies(log_in(self.server, "alice", "/"))
        assert set(self.cookies) == {"__Host-postern", "__Host-postern-device"}

    def credentials(self, proof):
        """What proves the caller, and a Bearer token of the gateway's own where there is room for it."""
        foreign = ("Authorization", told.FOREIGN)
        match proof:
            case "password":
                return [basic("alice", PASSWORD)]
            case "session":
                return [cookie_field(self.cookies), foreign]
            case "key":
                return [("Authorization", f"Bearer {self.key}")]
            case _:
                return [foreign]

    def hears(self, target, fields, version="HTTP/1.1", **options):
        """The request as the gateway gets it."""
        count = len(self.recorder.requests)
        answer = ask(self.server, version, target=target, fields=fields, **options)
        assert answer.status == 200, answer.text
        (request,) = self.recorder.requests[count:]
        return request

    def close(self):
        self.server.stop()


@pytest.fixture(scope="module")
def make(tmp_path_factory, certificate, context):
    recorder, made = Recorder(), {}

    def one(kind, extra=""):
        if (kind, extra) not in made:
            made[kind, extra] = Gateway(kind, tmp_path_factory.mktemp(kind), certificate, context, recorder, extra)
        return made[kind, extra]

    yield one
    for gateway in made.values():
        gateway.close()
    recorder.close()


def names(request):
    """The names of a request's fields as a lenient gateway reads them."""
    return [name.lower().replace("_", "-").replace(".", "-") for name, _ in request.fields]


def check_told(request, what, foreign=told.FOREIGN):
    """Exactly that, and nothing else that could be read as it."""
    expected = {"none": [], "the client's": [foreign], "the gateway's token": [f"Bearer {told.TOKEN}"]}
    assert request.values("Authorization") == expected[what.authorization]
    assert request.values("X-Forwarded-User") == ([] if what.user is None else [what.user])
    assert request.values("X-OpenClaw-Scopes") == ([] if what.scopes is None else [what.scopes])
    for name, value in (("x-forwarded-user", what.user), ("x-openclaw-scopes", what.scopes)):
        assert names(request).count(name) == (value is not None)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("proof", told.PROOFS)
@pytest.mark.parametrize("kind", told.GATEWAYS)
def test_the_table(make, kind, proof, version):
    gateway = make(kind)
    fields = gateway.credentials(proof)
    path = PATHS.get(proof, "/x")
    request = gateway.hears(path, fields, version)
    what = told.told(kind, proof)
    check_told(request, what)
    check_nothing_of_ours(gateway, request)
    if kind == "trusted_proxy":
        # Whatever the client says of itself, the same arrives.
        check_told(gateway.hears(path, fields + LIES, version), what)
        if version == "HTTP/1.1":
            nominated = [("Connection", "X-Forwarded-User, X-OpenClaw-Scopes, Authorization, Cookie"), *LIES]
            said = gateway.hears(path, fields + nominated, version)
            # The client's own token was nominated away, which it may ask for.
            check_told(said, told.Told("none", what.user, what.scopes))
            assert said.value("Connection") in (None, "")
    told.PROVED.add((kind, proof, version))


def check_nothing_of_ours(gateway, request):
    head = request.head.decode("latin-1")
    secrets = [gateway.key, basic("alice", PASSWORD)[1], "__Host-postern", *gateway.cookies.values()]
    assert [secret for secret in secrets if secret in head] == []
    assert "x-api-key" not in names(request)


#: Ways of sending what is ours, and whether a path that asks nobody is asked for.
SHOWN = {
    "a key in X-API-Key": lambda own: [("X-API-Key", own.key)],
    "a key in Bearer": lambda own: [("Authorization", f"Bearer {own.key}")],
    "a key in bearer, with two spaces": lambda own: [("Authorization", f"bearer  {own.key}")],
    "a key in both": lambda own: [("X-API-Key", own.key), ("Authorization", f"Bearer {own.key}")],
    "a key and a password": lambda own: [("X-API-Key", own.key), basic("alice", PASSWORD)],
    "a key under other names": lambda own: [
        basic("alice", PASSWORD),
        ("X_API_Key", own.key),
        ("x.api.key", own.key),
    ],
    "a session and a password": lambda own: [cookie_field(own.cookies), basic("alice", PASSWORD)],
    "a session and a wrong password": lambda own: [cookie_field(own.cookies), basic("alice", "wrong")],
    "a session among other cookies": lambda own: [
        ("Cookie", "theme=dark; " + cookie_field(own.cookies)[1] + "; lang=en")
    ],
    "a password and cookies": lambda own: [basic("alice", PASSWORD), cookie_field(own.cookies)],
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", ["/x", "/public/x", "/address/x"])
@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("kind", told.GATEWAYS)
def test_nothing_that_proves_a_caller_reaches_the_gateway(make, kind, shown, path, version):
    gateway = make(kind)
    request = gateway.hears(path, SHOWN[shown](gateway), version)
    check_nothing_of_ours(gateway, request)
    if shown == "a session among other cookies":
        assert request.values("Cookie") == ["theme=dark; lang=en"] or sorted(request.values("Cookie")) == [
            "lang=en",
            "theme=dark",
        ]
    if kind != "bearer":
        assert request.values("Authorization") == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "second", [lambda own: basic("alice", PASSWORD)[1], lambda own: f"Bearer {own.key}", lambda own: told.FOREIGN]
)
def test_authorization_twice_is_refused_with_a_session_too(make, second, version):
    gateway = make("pass")
    count = len(gateway.recorder.requests)
    fields = [cookie_field(gateway.cookies), ("Authorization", told.FOREIGN), ("Authorization", second(gateway))]
    assert ask(gateway.server, version, fields=fields).status == 400
    assert len(gateway.recorder.requests) == count


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("second", [lambda own: basic("alice", PASSWORD)[1], lambda own: f"Bearer {own.key}"])
def test_authorization_twice_hides_ours_on_open_paths(make, second, version):
    gateway = make("pass")
    fields = [("Authorization", told.FOREIGN), ("Authorization", second(gateway))]
    for path in ("/public/x", "/address/x"):
        check_nothing_of_ours(gateway, gateway.hears(path, fields, version))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["expired", "unknown", "mistyped"])
def test_a_key_that_is_no_good_beside_a_session_stays_here(make, kind, version):
    gateway = make("pass")
    expired = gateway.keys.add(f"expired-{version[5]}-{kind}", "read", expires="2020-01-01T00:00:00Z")
    key = {"expired": expired, "unknown": make_key(), "mistyped": mistyped(gateway.key)}[kind]
    bearer = ("Authorization", f"Bearer {key}")
    wait_until(lambda: refused_as(gateway, bearer, kind), "the file of keys to be read again")
    request = gateway.hears("/x", [cookie_field(gateway.cookies), bearer], version)
    assert request.values("Authorization") == []
    # By itself it is refused, and in X-API-Key beside a session, too.
    for fields in ([bearer], [cookie_field(gateway.cookies), ("X-API-Key", key)]):
        assert ask(gateway.server, version, target="/x", fields=fields).status == 401


def refused_as(gateway, bearer, kind):
    """Whether the key alone is refused as what it is."""
    words = {"expired": "has expired", "unknown": "no such API key", "mistyped": "mistyped"}[kind]
    return words in ask(gateway.server, target="/x", fields=[bearer]).text


@pytest.mark.parametrize("trailer", ["X-OpenClaw-Scopes", "x_forwarded_user", "Authorization", "X-API-Key", "Cookie"])
@pytest.mark.parametrize("kind", told.GATEWAYS)
def test_trailers_say_nothing_of_the_caller(make, kind, trailer):
    gateway = make(kind)
    count = len(gateway.recorder.requests)
    with gateway.server.connect() as connection:
        connection.send(
            b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Trailer: %s\r\n%s: %s\r\n\r\n2\r\nhi\r\n0\r\n%s: mallory\r\n\r\n"
            % tuple(part.encode() for part in (trailer, *basic("alice", PASSWORD), trailer))
        )
        # Fields that have no place in trailers are refused; others are dropped.
        refused = connection.response().status == 400
    for request in gateway.recorder.requests[count:]:
        assert b"mallory" not in request.head + request.trailers
        assert refused or request.body == b"hi"
    assert refused or len(gateway.recorder.requests) == count + 1


@pytest.mark.parametrize("kind", told.GATEWAYS)
@pytest.mark.parametrize("proof", ["password", "session"])
def test_a_websocket_is_told_the_same(make, kind, proof):
    gateway = make(kind)
    gateway.recorder.on("/socket", lambda exchange: exchange.echo_websocket())
    fields = gateway.credentials(proof) + (LIES if kind == "trusted_proxy" else [])
    count = len(gateway.recorder.requests)
    with gateway.server.connect() as connection:
        upgrade = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]
        assert connection.request("GET", "/socket", upgrade + fields).status == 101
    (request,) = gateway.recorder.requests[count:]
    check_told(request, told.told(kind, proof))


def test_names_of_ones_own(make):
    extra = "gateway_auth trusted_proxy user_header=X-Who scopes_header=X-May;"
    gateway = make("pass", extra.replace("gateway_auth", "location /named/ { gateway_auth").replace(";", "; }"))
    lies = [("x-who", "mallory"), ("X_May", "operator.admin"), ("x.who", "mallory"), ("X-May", "operator.admin")]
    request = gateway.hears("/named/x", [basic("alice", PASSWORD), *lies])
    assert request.values("X-Who") == ["alice"] and request.values("X-May") == [told.ALL]
    assert names(request).count("x-who") == 1 and names(request).count("x-may") == 1
    assert request.values("X-Forwarded-User") == []


def test_a_key_that_is_wrong_in_its_own_field_is_refused_with_a_session_too(make):
    gateway = make("pass")
    fields = [cookie_field(gateway.cookies), ("X-API-Key", "pk_wrong")]
    assert ask(gateway.server, fields=fields).status == 401


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("told_by", ["", "gateway_auth pass;"])
def test_an_nginx_file_passes_passwords_on_and_keys_never(start, recorder, tmp_path, told_by, version):
    keys = KeyFile(tmp_path / "keys.json")
    key = keys.add("reader", "read")
    directives = f"api_keys {tmp_path}/keys.json; session on; public /public/; {told_by}"
    inner = "location /address/ { satisfy any; allow 127.0.0.1; deny all; proxy_pass http://gateway; }"
    site = Site(upstream=recorder.address, auth=True, users=USERS, http2=True, nginx_server=directives + inner)
    server = start("postern-nginx", site)
    session = cookie_field(cookies(log_in_by_prompt(server)))
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
    for path in ("/x", "/public/x", "/address/x"):
        for token in (key, wrong):
            for fields in ([("Authorization", f"Bearer {token}"), session], [("X-API-Key", key), session]):
                recorder.requests.clear()
                assert ask(server, version, target=path, fields=fields).status == 200
                (request,) = recorder.requests
                assert request.values("Authorization") == request.values("X-API-Key") == []
                assert "__Host-postern" not in request.head.decode()
        recorder.requests.clear()
        assert ask(server, version, target=path, fields=[basic("alice", PASSWORD)]).status == 200
        # As Nginx does, which knows no other way.
        assert recorder.requests[0].values("Authorization") == [basic("alice", PASSWORD)[1]]


def log_in_by_prompt(server):
    return ask(server, fields=[*NAVIGATION, basic("alice", PASSWORD)])


@pytest.mark.parametrize("kind", ["bearer", "trusted_proxy"])
def test_no_location_without_a_login_tells_the_gateway_so(postern, tmp_path, certificate, kind):
    """Everybody would be the gateway's operator there: such a configuration isn't taken."""
    (tmp_path / "token").write_text("token\n")
    config = tmp_path / "proxy.conf"
    text = """
server {{
    listen 127.0.0.1:1 ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    proxy_pass http://127.0.0.1:2;
    {directive}
    auth_basic "x";
    auth_basic_user_file {users};
    location /open/ {{ auth_basic off; {inside} }}
}}
"""
    (tmp_path / "users").write_text(USERS)
    words = {
        "certificate": certificate[0],
        "key": certificate[1],
        "users": tmp_path / "users",
        "directive": DIRECTIVES[kind].replace("{directory}", str(tmp_path)),
    }
    for inside, status in (("", 1), ("gateway_auth pass;", 0), ("allow 127.0.0.1; deny all;", 0)):
        config.write_text(text.format(inside=inside, **words))
        answer = postern("check", "-c", config)
        assert answer.returncode == status, answer.stderr + answer.stdout
        assert ("everybody would be the gateway's operator" in answer.stderr + answer.stdout) == (status == 1)


def test_curl_sees_it_that_way_too(make):
    """The same by a client that isn't ours, over both versions."""
    gateway = make("trusted_proxy")
    for option in ("--http1.1", "--http2"):
        count = len(gateway.recorder.requests)
        command = ["curl", "-sk", option, "-u", f"alice:{PASSWORD}", "-H", "X-OpenClaw-Scopes: operator.admin"]
        command += ["-H", "X_Forwarded_User: mallory", "-o", "/dev/null", "-w", "%{http_code} %{http_version}"]
        answer = subprocess.run(
            [*command, f"https://127.0.0.1:{gateway.server.ports['tls']}/x"], capture_output=True, text=True, timeout=30
        )
        assert answer.stdout == ("200 1.1" if option == "--http1.1" else "200 2"), answer
        (request,) = gateway.recorder.requests[count:]
        check_told(request, told.told("trusted_proxy", "password"))
