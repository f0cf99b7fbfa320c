"""`public`: what needs no login, and all that still does; and limits as people mean them."""

import pytest

from harness.client import basic
from harness.site import Site

from .keys import KeyFile
from .stage import NAVIGATION, PASSWORD, VERSIONS, ask, cookie_field, cookies, log_in

USERS = "".join(f"{name}:{{SHA}}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n" for name in ("alice", "bob"))
OPEN = """
login_form on;
public /manifest.webmanifest /sw.js;
public /hooks/ methods=POST limit=3r/h;
public /free/ methods=*;
public /live methods=WEBSOCKET;
location /hooks/private/ { auth_basic "Private"; }
location /free/inner/ { proxy_pass http://gateway; }
location = /free/exact { proxy_pass http://gateway; }
"""
UPGRADE = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]
#: Method, target, and what somebody gets who shows nothing.
REACHED = [
    ("GET", "/manifest.webmanifest", 200),
    ("HEAD", "/sw.js", 200),
    ("GET", "/sw.js?v=1", 200),
    ("POST", "/sw.js", 401),
    ("GET", "/sw.js/x", 401),
    ("GET", "/sw.jsx", 401),
    ("GET", "/SW.js", 401),
    ("GET", "/", 401),
    ("GET", "/hooks/a", 401),
    ("PUT", "/hooks/a", 401),
    ("POST", "/hooks", 401),
    ("POST", "/hooks/private/a", 401),
    # Another reading leads to a location with a login.
    ("POST", "/hooks/..;/x", 400),
    ("POST", "/hooks/%2e%2e/x", 400),
    ("POST", "/free/../x", 400),
    ("POST", "/free/..%2fx", 400),
    ("POST", "/free/%252e%252e/x", 400),
    ("POST", "/free/..\\x", 400),
    ("POST", "/hooks/%70rivate/a", 401),
    ("POST", "/hooks/private;/a", 400),
    ("DELETE", "/free/a", 200),
    ("PROPFIND", "/free/a", 200),
    ("GET", "/free/inner/a", 401),
    ("GET", "/free/exact", 401),
    ("GET", "/live", 401),
]


@pytest.fixture
def server(start, recorder):
    return start("postern-native", Site(upstream=recorder.address, auth=True, users=USERS, http2=True, native_server=OPEN))


@pytest.mark.parametrize("version", VERSIONS)
def test_exactly_what_was_opened(server, version):
    for method, target, status in REACHED:
        assert ask(server, version, method, target).status == status, (method, target)


def test_a_websocket_by_name(server, recorder):
    recorder.on("/live", lambda exchange: exchange.accept_websocket())
    with server.connect() as connection:
        assert connection.request("GET", "/live", UPGRADE).status == 101
    with server.connect() as connection:
        assert connection.request("GET", "/free/a", [("Upgrade", "h2c"), ("Connection", "Upgrade")]).status == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_its_own_limit_for_each_address(server, version):
    answers = [ask(server, version, "POST", "/hooks/a", body=b"{}", source="127.0.0.51") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    # One of three an hour comes back after twenty minutes.
    assert 1190 <= int(answers[-1].value("Retry-After")) <= 1200
    assert ask(server, version, "POST", "/hooks/a", body=b"{}", source="127.0.0.52").status == 200
    # Deeper ones and others have none.
    fields = [basic("alice", PASSWORD)]
    assert ask(server, version, "POST", "/hooks/private/a", fields, b"{}", "127.0.0.51").status == 200
    assert ask(server, version, target="/sw.js", source="127.0.0.51").status == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_a_login_shows_nothing_there(server, recorder, version):
    session = cookies(log_in(server, "alice", "/"))
    for fields in ([basic("alice", PASSWORD)], [cookie_field(session)], [basic("alice", "wrong")]):
        assert ask(server, version, target="/sw.js", fields=fields).status == 200
        request = recorder.last("/sw.js")
        assert request.values("Authorization") == request.values("Cookie") == []


@pytest.mark.parametrize("per", ["ip", "user"])
@pytest.mark.parametrize("version", VERSIONS)
def test_requests_an_hour(start, recorder, per, version, tmp_path):
    site = Site(
        upstream=recorder.address,
        auth=True,
        users=USERS,
        http2=True,
        native_server=f"limit_req rate=100r/h per={per}; auth_failures off;",
    )
    server = start("postern-native", site)
    statuses = [ask(server, version, fields=[basic("alice", PASSWORD)]).status for _ in range(99)]
    assert statuses == [200] * 99
    other = ask(server, version, fields=[basic("bob", PASSWORD)]).status
    nobody = ask(server, version, fields=[basic("alice", "wrong")]).status
    last = ask(server, version, fields=[basic("alice", PASSWORD)])
    refused = ask(server, version, fields=[basic("alice", PASSWORD)])
    if per == "user":
        # Each user has a hundred, and guesses count for nobody.
        assert (other, nobody, last.status, refused.status) == (200, 401, 200, 429)
        assert ask(server, version, fields=[basic("bob", PASSWORD)]).status == 200
    else:
        assert (other, nobody, last.status, refused.status) == (200, 429, 429, 429)
        assert ask(server, version, fields=[basic("alice", PASSWORD)], source="127.0.0.53").status == 200
    # A hundred an hour is one every 36 seconds.
    assert 1 <= int(refused.value("Retry-After")) <= 36
