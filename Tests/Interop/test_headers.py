"""What the gateway is told about a client, and what a client is told."""

import pytest

from harness.client import basic
from harness.site import Site

#: Fields a gateway could believe, as a client would forge them: in every spelling a server may fold together.
FORGED = [
    ("X-Forwarded-For", "9.9.9.9"),
    ("x-forwarded-for", "9.9.9.8"),
    ("X_Forwarded_For", "9.9.9.7"),
    ("X-Forwarded_For", "9.9.9.6"),
    ("X.Forwarded.For", "9.9.9.5"),
    ("X-Real-IP", "9.9.9.9"),
    ("X_Real_IP", "9.9.9.9"),
    ("X-Forwarded-Proto", "gopher"),
    ("X_Forwarded_Proto", "gopher"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Port", "61616"),
    ("Forwarded", "for=9.9.9.9;proto=gopher"),
    ("X-Forwarded-User", "root"),
    ("X_Forwarded_User", "root"),
    ("x.forwarded.user", "root"),
    ("X-FORWARDED-USER", "root"),
    ("X-OpenClaw-Scopes", "operator.admin"),
    ("x_openclaw_scopes", "operator.admin"),
]
EVIL = ("9.9.9.", "gopher", "evil.example", "root", "operator.admin")


@pytest.mark.peers("postern-native")
def test_identity_fields_are_the_proxys_own(peer, start, recorder, users):
    server = start(peer, Site(upstream=recorder.address, auth=True, users=users))
    with server.connect() as connection:
        assert connection.request(fields=[basic("alice", "password"), *FORGED]).status == 200
    request = recorder.last()
    for word in EVIL:
        assert word not in request.head.decode("latin-1"), word
    assert request.values("X-Forwarded-For") == ["127.0.0.1"]
    assert request.values("X-Forwarded-Proto") == ["https"]
    assert request.values("X-Real-IP") == ["127.0.0.1"]
    # Who the caller is, the gateway is told by a rule of the configuration, or not at all.
    assert request.values("X-Forwarded-User") == []


@pytest.mark.peers("postern-native")
def test_every_alias_alone(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address))
    with server.connect() as connection:
        for name, value in FORGED:
            assert connection.request(fields=[(name, value)]).status == 200
            assert value not in recorder.last().head.decode("latin-1"), name


@pytest.mark.peers("postern-native")
def test_plain_requests_are_marked_http(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address))
    assert server.get(port="plain").status == 200
    assert recorder.last().values("X-Forwarded-Proto") == ["http"]


@pytest.mark.peers("nginx", "postern-nginx")
def test_an_nginx_file_sends_what_it_says(peer, start, recorder):
    site = Site(
        upstream=recorder.address,
        nginx_location='proxy_set_header X-List "$proxy_add_x_forwarded_for"; proxy_set_header X-Gone "";',
    )
    server = start(peer, site)
    fields = [("X-Forwarded-For", "9.9.9.9"), ("X-Real-IP", "9.9.9.9"), ("X-Gone", "1"), ("X-Kept", "1")]
    with server.connect() as connection:
        assert connection.request(fields=fields).status == 200
    request = recorder.last()
    assert request.values("X-Forwarded-For") == ["127.0.0.1"]
    assert request.values("X-Real-IP") == ["127.0.0.1"]
    assert request.value("X-List") == "9.9.9.9, 127.0.0.1"
    assert request.value("X-Gone") is None
    assert request.value("X-Kept") == "1"


@pytest.mark.peers("postern-nginx")
def test_aliases_of_what_an_nginx_file_sets(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address))
    with server.connect() as connection:
        assert (
            connection.request(
                fields=[("X_Forwarded_For", "9.9.9.9"), ("X_Real_IP", "9.9.9.9"), ("X_Forwarded_Proto", "gopher")]
            ).status
            == 200
        )
    head = recorder.last().head.decode("latin-1")
    assert "9.9.9.9" not in head and "gopher" not in head


@pytest.mark.peers("postern-nginx", "postern-native")
def test_connection_nominates_what_is_dropped_but_not_ours(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address))
    with server.connect() as connection:
        fields = [
            ("Connection", "X-Mine, X-Forwarded-For, X-Real-IP, X-Forwarded-Proto"),
            ("X-Mine", "dropped"),
            ("X-Other", "kept"),
        ]
        assert connection.request(fields=fields).status == 200
    request = recorder.last()
    assert request.value("X-Mine") is None
    assert request.value("X-Other") == "kept"
    assert request.value("X-Forwarded-For") == "127.0.0.1"
    assert request.value("X-Real-IP") == "127.0.0.1"
    assert request.value("Host") == "localhost"


def test_a_trusted_peer_may_name_the_client(peer, start, recorder):
    lines = "set_real_ip_from 127.0.0.0/8; real_ip_header X-Forwarded-For; real_ip_recursive on;"
    server = start(peer, Site(upstream=recorder.address, server=lines))
    with server.connect() as connection:
        connection.request(fields=[("X-Forwarded-For", "198.51.100.7, 203.0.113.9, 127.0.0.5")])
    assert recorder.last().value("X-Real-IP") == "203.0.113.9"
    assert server.access_lines(1)[0].startswith("203.0.113.9 ")


def test_an_untrusted_peer_may_not(peer, start, recorder):
    server = start(
        peer, Site(upstream=recorder.address, server="set_real_ip_from 192.0.2.0/24; real_ip_header X-Forwarded-For;")
    )
    with server.connect() as connection:
        connection.request(fields=[("X-Forwarded-For", "198.51.100.7")])
    assert recorder.last().value("X-Real-IP") == "127.0.0.1"


def test_allow_and_deny(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address, server="allow 127.0.0.2; deny all;"))
    assert server.get().status == 403
    with server.connect(source="127.0.0.2") as connection:
        assert connection.request().status == 200


@pytest.mark.peers("postern-native")
def test_security_headers_are_on_every_reply(peer, start, recorder, users):
    recorder.on("/broken", lambda exchange: exchange.reset())
    server = start(peer, Site(upstream=recorder.address, auth=True, users=users))
    with server.connect() as connection:
        replies = [
            connection.request(),
            connection.request(fields=[basic("alice", "password")]),
            connection.request("GET", "/broken", [basic("alice", "password")]),
        ]
    assert [reply.status for reply in replies] == [401, 200, 502]
    for reply in replies:
        assert reply.value("Strict-Transport-Security")
        assert reply.value("X-Content-Type-Options") == "nosniff"
        assert reply.value("X-Frame-Options")


def test_add_header_and_always(peer, start, recorder):
    recorder.on("/no", lambda exchange: exchange.reply(404))
    lines = 'add_header X-Sometimes 1; add_header X-Always "$request_method" always;'
    server = start(peer, Site(upstream=recorder.address, server=lines))
    found, missing = server.get("/"), server.get("/no")
    assert (found.value("X-Sometimes"), found.value("X-Always")) == ("1", "GET")
    assert missing.value("X-Always") == "GET"
    assert missing.value("X-Sometimes") == ("1" if peer == "postern-native" else None)


def test_fields_can_be_hidden(peer, start, recorder):
    recorder.on("/", lambda exchange: exchange.reply(fields=[("X-Powered-By", "words"), ("X-Accel-Buffering", "no")]))
    server = start(peer, Site(upstream=recorder.address, location="proxy_hide_header X-Powered-By;"))
    answer = server.get("/")
    assert answer.value("X-Powered-By") is None


def test_the_gateways_redirects_are_rewritten(peer, start, recorder):
    recorder.on("/r", lambda exchange: exchange.reply(302, b"", [("Location", "http://gateway/there")]))
    server = start(peer, Site(upstream=recorder.address))
    assert server.get("/r").value("Location") in (
        "/there",
        f"https://localhost:{server.ports['tls']}/there",
        "https://localhost/there",
    )
