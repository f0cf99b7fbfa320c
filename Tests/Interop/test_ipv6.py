"""IPv6 at both ends: listeners, whom the gateway is told of, rules for addresses, limits, and gateways."""

import contextlib

import pytest

from harness.client import basic
from harness.ports import accepts, has_ipv6
from harness.recorder import Recorder
from harness.site import Limit, Site
from http2.session import session
from test_limits import LIMITED
from test_proxy_protocol import binary

pytestmark = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")

LISTENERS = "listen {six}; listen {six_tls} ssl;"


def site(recorder, address="[::1]", server="", **options):
    """A site that listens on IPv6, too."""
    listeners = ["six", "six_tls", *options.pop("listeners", [])]
    hosts = dict.fromkeys(["six", "six_tls"], address)
    return Site(upstream=recorder.address, server=LISTENERS + server, listeners=listeners, hosts=hosts, **options)


def get(server, target="/", fields=(), port="six", **options):
    """One request to ::1 on a connection of its own."""
    context = None if port == "six" else server.context
    with server.connect(port, host="::1", context=context) as connection:
        return connection.request("GET", target, fields, **options)


@pytest.mark.parametrize("port", ["six", "six_tls"])
def test_the_gateway_is_told_of_the_client(peer, start, recorder, port):
    server = start(peer, site(recorder))
    claimed = [("X-Forwarded-For", "2001:db8::6"), ("X-Real-IP", "2001:db8::6")]
    assert get(server, "/x", claimed, port).status == 200
    request = recorder.last("/x")
    assert request.values("X-Forwarded-For") == request.values("X-Real-IP") == ["::1"]
    assert request.value("X-Forwarded-Proto") == ("http" if port == "six" else "https")
    assert server.access_lines(1)[0].startswith("::1 - - [")


@pytest.mark.parametrize("host", ["[::1]", "[::1]:8443", "[2001:DB8::7]"])
def test_a_host_that_is_an_address(peer, start, recorder, host):
    server = start(peer, site(recorder))
    assert get(server, "/x", host=host).status == 200
    # Nginx's $host has no port, and is in lower case; a native file passes Host as it came.
    wanted = host if peer == "postern-native" else host.removesuffix(":8443").lower()
    assert recorder.last("/x").value("Host") == wanted


@pytest.mark.parametrize("host", ["::1", "[::1", "[::1]x", "[::1]:x", "[::g]", "[]"])
@pytest.mark.peers("postern-nginx", "postern-native")
def test_a_host_that_is_no_address(peer, start, recorder, host):
    server = start(peer, site(recorder))
    assert get(server, "/x", host=host).status == 400
    assert recorder.requests == []


@pytest.mark.parametrize("port", ["six", "six_tls"])
def test_login(peer, start, recorder, users, port):
    server = start(peer, site(recorder, auth=True, users=users))
    assert get(server, port=port).status == 401
    assert get(server, fields=[basic("alice", "wrong")], port=port).status == 401
    assert recorder.requests == []
    assert get(server, fields=[basic("alice", "password")], port=port).status == 200
    assert recorder.last().values("X-Real-IP") == ["::1"]


@pytest.mark.peers("postern-nginx", "postern-native")
def test_failed_logins_count_against_the_address(peer, start, recorder, users):
    """What is guessed over IPv6 is said of its address."""
    server = start(peer, site(recorder, auth=True, users=users))
    get(server, fields=[basic("alice", "wrong")])
    server.wait_logged("credentials-wrong")
    assert "::1" in next(line for line in server.error_log.splitlines() if "credentials-wrong" in line)


@pytest.mark.peers("postern-nginx", "postern-native")
def test_http2(peer, start, recorder, users):
    made = site(recorder, auth=True, users=users)
    made.server = made.server.replace("{six_tls} ssl;", "{six_tls} ssl http2;")
    server = start(peer, made)
    with session(server, "six_tls", host="::1") as client:
        assert client.ask("GET", "/x").status == 401
        login = [("authorization", basic("alice", "password")[1])]
        assert client.ask("GET", "/x", login).status == 200
        assert client.ask("GET", "/y", login, authority="[::1]:8443").status == 200
    assert recorder.last("/x").values("X-Forwarded-For") == ["::1"]
    assert recorder.last("/y").value("Host") == ("[::1]:8443" if peer == "postern-native" else "[::1]")


@pytest.mark.parametrize(
    "rules, over_6, over_4",
    [
        ("allow ::1; deny all;", 200, 403),
        ("deny ::1; allow all;", 403, 200),
        ("deny ::/0; allow all;", 403, 200),
        ("allow ::/0; deny all;", 200, 403),
        ("allow ::/127; deny all;", 200, 403),
        ("allow 0:0:0:0:0:0:0:1; deny all;", 200, 403),
        ("allow ::2/127; deny all;", 403, 403),
        ("allow 2001:db8::/32; deny all;", 403, 403),
        ("allow 127.0.0.0/8; deny all;", 403, 200),
        ("deny 0.0.0.0/0; allow all;", 200, 403),
        ("allow fd00::/8; allow ::1/128; deny all;", 200, 403),
        ("deny all;", 403, 403),
    ],
)
def test_allow_and_deny(peer, start, recorder, rules, over_6, over_4):
    server = start(peer, site(recorder, server=rules))
    assert (get(server).status, server.get(port="plain").status) == (over_6, over_4)
    assert get(server, port="six_tls").status == over_6
    assert len(recorder.requests) == [over_6, over_4, over_6].count(200)


def test_requests_are_limited(peer, start, recorder):
    """By the client's address, whatever port it comes to; IPv4 has its own count."""
    server = start(peer, site(recorder, limit=Limit("1r/m", 1)))
    assert [get(server, port=port).status for port in ("six", "six_tls", "six")] == [200, 200, LIMITED[peer]]
    assert [server.get(port="plain").status for _ in range(3)] == [200, 200, LIMITED[peer]]


#: A client, another of the same /64, and one of the next.
CLIENTS = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"]


def test_clients_are_limited_by_their_network(peer, start, recorder):
    """Postern counts a /64 as one client, Nginx each address (docs/nginx.md)."""
    options = {"limit": Limit("1r/m", 0), "listeners": ["proxied"]}
    made = site(recorder, server="listen {proxied} proxy_protocol; set_real_ip_from ::/0;", **options)
    made.hosts["proxied"] = "[::1]"
    made.nginx_server = "real_ip_header proxy_protocol;"
    server = start(peer, made)
    statuses = []
    for client in CLIENTS + CLIENTS:
        with server.connect("proxied", host="::1", context=None) as connection:
            connection.send(binary(client))
            statuses.append(connection.request().status)
    no = LIMITED[peer]
    assert statuses == ([200, 200, 200, no, no, no] if peer == "nginx" else [200, no, 200, no, no, no])
    told = [request.value("X-Forwarded-For") for request in recorder.requests]
    assert told == (CLIENTS if peer == "nginx" else [CLIENTS[0], CLIENTS[2]])


def test_every_address(peer, start, recorder):
    """`[::]` takes IPv6 alone, as long as nothing else is said."""
    server = start(peer, site(recorder, "[::]"))
    assert get(server).status == get(server, port="six_tls").status == 200
    assert not accepts(server.ports["six"])


def test_every_address_of_both(peer, start, recorder):
    """With `ipv6only=off` IPv4 comes along; its clients are told and judged by their IPv4 address."""
    lines = "allow 127.0.0.1; deny all;"
    made = site(recorder, "[::]", server=lines)
    made.server = made.server.replace("listen {six};", "listen {six} ipv6only=off;")
    server = start(peer, made)
    assert get(server).status == 403
    with server.connect("six", context=None) as connection:
        assert connection.request("GET", "/x").status == 200
    if peer != "nginx":
        assert recorder.last("/x").value("X-Forwarded-For") == "127.0.0.1"


def test_a_gateway_at_an_address_of_ipv6(peer, start):
    with contextlib.closing(Recorder("::1")) as gateway:
        server = start(peer, site(gateway))
        assert get(server, "/x").status == server.get("/x", port="plain").status == 200
        assert len(gateway.for_path("/x")) == 2
