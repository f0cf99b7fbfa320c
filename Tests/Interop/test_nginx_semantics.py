"""What Nginx means by its directives: the same tables on Nginx itself and on Postern."""

import socket

import pytest

from harness.site import Limit, Site

SAME_FILE = pytest.mark.peers("nginx", "postern-nginx")


def labelled(modifier, path):
    label = f"{modifier or 'prefix'} {path}"
    return f'location {modifier} {path} {{ return 200 "{label}"; }}\n'


LOCATIONS = "".join(
    [
        labelled("=", "/exact"),
        labelled("", "/exact"),
        labelled("", "/a/"),
        labelled("", "/a/b/"),
        labelled("^~", "/fixed/"),
        labelled("", "/with%20space"),
        labelled("", "/Case"),
        labelled("=", "/"),
    ]
)


@SAME_FILE
@pytest.mark.parametrize(
    "target, label",
    [
        ("/", "= /"),
        ("/?a=b", "= /"),
        ("/exact", "= /exact"),
        ("/exact?x", "= /exact"),
        ("/exact/", "prefix /exact"),
        ("/exactly", "prefix /exact"),
        ("/a/", "prefix /a/"),
        ("/a/x", "prefix /a/"),
        ("/a/b/c", "prefix /a/b/"),
        ("/a/b", "prefix /a/"),
        ("/fixed/x", "^~ /fixed/"),
        ("/Case", "prefix /Case"),
        ("/%65xact", "= /exact"),
        ("//a//b//c", "prefix /a/b/"),
        ("/a/./x", "prefix /a/"),
    ],
)
def test_locations(peer, start, target, label):
    server = start(peer, Site(nginx_server=LOCATIONS))
    with server.connect("plain") as connection:
        answer = connection.request(target=target)
        if peer != "nginx" and "//" in target:
            # A gateway that doesn't merge slashes would see another path, for which other rules hold.
            assert answer.status == 400
        else:
            assert answer.text == label


@SAME_FILE
@pytest.mark.parametrize(
    "location, proxy_pass, target, upstream",
    [
        ("/api/", "http://gateway", "/api/x%2Fy?q=%41", "/api/x%2Fy?q=%41"),
        ("/api/", "http://gateway/v2/", "/api/users?q=1", "/v2/users?q=1"),
        ("/api/", "http://gateway/", "/api/users", "/users"),
        ("/api", "http://gateway/v2", "/api/users", "/v2/users"),
        ("/api", "http://gateway/v2/", "/api/users", "/v2//users"),
        ("= /one", "http://gateway/other", "/one?q", "/other?q"),
    ],
)
def test_proxy_pass_replaces_the_locations_part(peer, start, recorder, location, proxy_pass, target, upstream):
    line = f"location {location} {{ proxy_pass {proxy_pass}; }}"
    server = start(peer, Site(upstream=recorder.address, nginx_server=line))
    with server.connect("plain") as connection:
        assert connection.request(target=target).status == 200
    assert recorder.last().target == upstream


SERVERS = """
server {{ listen {tls} ssl; server_name exact.test; {files} return 200 "exact"; }}
server {{ listen {tls} ssl; server_name *.wild.test; {files} return 200 "star"; }}
server {{ listen {tls} ssl; server_name .dot.test; {files} return 200 "dot"; }}
server {{ listen {tls} ssl; server_name tail.*; {files} return 200 "tail"; }}
server {{ listen {tls} ssl; server_name www.wild.test; {files} return 200 "www"; }}
"""


@SAME_FILE
@pytest.mark.parametrize(
    "host, text",
    [
        ("exact.test", "exact"),
        ("EXACT.test", "exact"),
        ("exact.test:1234", "exact"),
        ("exact.test.", "exact"),
        ("a.wild.test", "star"),
        ("a.b.wild.test", "star"),
        ("www.wild.test", "www"),
        ("dot.test", "dot"),
        ("x.dot.test", "dot"),
        ("tail.org", "tail"),
        ("wild.test", "first"),
        ("unknown", "first"),
    ],
)
def test_server_names(peer, start, host, text):
    files = "ssl_certificate {certificate}; ssl_certificate_key {key};"
    top = SERVERS.format(tls="{tls}", files=files)
    site = Site(nginx_server='location /n { return 200 "first"; }')
    # The site's own server must come first: it is the default of its listener.
    render = site.render

    def with_more(dialect, ports, directory, certificate, key):
        whole = render(dialect, ports, directory, certificate, key).rstrip().removesuffix("}")
        extra = top.replace("{tls}", f"127.0.0.1:{ports['tls']}").replace("{certificate}", str(certificate))
        return whole + extra.replace("{key}", str(key)) + "}\n"

    site.render = with_more
    server = start(peer, site)
    assert server.get("/n", host=host).text == text


@pytest.mark.parametrize(
    "line, status, body, location",
    [
        ("return 204;", 204, b"", None),
        ('return 403 "no entry";', 403, b"no entry", None),
        ('return 200 "$request_method\\n";', 200, b"GET\n", None),
        ("return 301 https://elsewhere.test$request_uri;", 301, None, "https://elsewhere.test/r?q"),
        ("return 302 /there;", 302, None, "/there"),
        ("return 307 https://$host/;", 307, None, "https://localhost/"),
        ("return 308 https://x.test/;", 308, None, "https://x.test/"),
        ("return https://x.test/;", 302, None, "https://x.test/"),
        ("return 404;", 404, None, None),
        ("return 503;", 503, None, None),
    ],
)
def test_return(peer, start, line, status, body, location):
    block = f"location /r {{ {line} }}"
    server = start(peer, Site(nginx_server=block, native_server=block, native_location=" "))
    answer = server.get("/r?q")
    assert answer.status == status
    if body is not None:
        assert answer.body == body
    if location:
        # A path alone is completed, by default with the listener's port.
        assert answer.value("Location") in (location, f"https://localhost:{server.ports['tls']}{location}")


@SAME_FILE
def test_return_444_closes(peer, start):
    server = start(peer, Site(nginx_server="location /r { return 444; }"))
    with server.connect() as connection:
        with pytest.raises(ConnectionError):
            connection.request("GET", "/r")


@SAME_FILE
def test_add_header_is_not_inherited_past_a_level_that_has_one(peer, start, recorder):
    lines = "add_header X-Server 1; location /own { add_header X-Location 1; proxy_pass http://gateway; }"
    server = start(peer, Site(upstream=recorder.address, nginx_server=lines))
    own, other = server.get("/own"), server.get("/other")
    assert (own.value("X-Server"), own.value("X-Location")) == (None, "1")
    assert (other.value("X-Server"), other.value("X-Location")) == ("1", None)


@SAME_FILE
def test_proxy_set_header_is_not_inherited_past_a_level_that_has_one(peer, start, recorder):
    lines = (
        "proxy_set_header X-Server 1; location /own { proxy_set_header X-Location 1; proxy_pass http://gateway; } "
        "location /none { proxy_pass http://gateway; }"
    )
    server = start(peer, Site(upstream=recorder.address, nginx_server=lines))
    server.get("/own")
    own = recorder.last()
    server.get("/none")
    none = recorder.last()
    assert (own.value("X-Server"), own.value("X-Location")) == (None, "1")
    assert (none.value("X-Server"), none.value("X-Location")) == ("1", None)
    # What Nginx sets when the file says nothing.
    assert none.value("Host") == "gateway"


@SAME_FILE
def test_limits_with_a_delay(peer, start, recorder):
    top = "limit_req_zone $binary_remote_addr zone=z:1m rate=1r/m; limit_req_status 429;"
    server = start(
        peer, Site(upstream=recorder.address, nginx_top=top, nginx_server="limit_req zone=z burst=5 delay=3;")
    )
    with server.connect() as connection:
        assert [connection.request().status for _ in range(4)] == [200] * 4  # the first and three at once


@SAME_FILE
def test_a_dry_run_limits_nobody(peer, start, recorder):
    top = "limit_req_zone $binary_remote_addr zone=z:1m rate=1r/m;"
    site = Site(upstream=recorder.address, nginx_top=top, nginx_server="limit_req zone=z; limit_req_dry_run on;")
    server = start(peer, site)
    with server.connect() as connection:
        assert [connection.request().status for _ in range(5)] == [200] * 5
    server.wait_logged("dry run")


@SAME_FILE
def test_a_key_that_is_empty_is_not_limited(peer, start, recorder):
    top = "limit_req_zone $http_x_key zone=z:1m rate=1r/m;"
    server = start(peer, Site(upstream=recorder.address, nginx_top=top, nginx_server="limit_req zone=z;"))
    with server.connect() as connection:
        assert [connection.request().status for _ in range(3)] == [200] * 3
        assert [connection.request(fields=[("X-Key", "a")]).status for _ in range(2)] == [200, 503]
        assert connection.request(fields=[("X-Key", "b")]).status == 200


@SAME_FILE
def test_two_limits_the_stricter_wins(peer, start, recorder):
    top = "limit_req_zone $binary_remote_addr zone=a:1m rate=1r/m; limit_req_zone $server_name zone=b:1m rate=1r/m;"
    lines = "limit_req zone=a burst=5 nodelay; limit_req zone=b burst=2 nodelay;"
    server = start(peer, Site(upstream=recorder.address, nginx_top=top, nginx_server=lines))
    with server.connect() as connection:
        assert [connection.request().status for _ in range(5)] == [200] * 3 + [503] * 2


@SAME_FILE
def test_a_location_can_lift_the_login_and_the_limit_stays(peer, start, recorder, users):
    site = Site(
        upstream=recorder.address,
        auth=True,
        users=users,
        limit=Limit("1r/m", 1),
        nginx_server="location /open { auth_basic off; proxy_pass http://gateway; }",
    )
    server = start(peer, site)
    with server.connect() as connection:
        assert [connection.request(target="/open").status for _ in range(3)] == [200, 200, 503]


def test_ipv6_and_unix_listeners(peer, start, recorder, tmp_path):
    path = tmp_path / "front.sock"
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        port = probe.getsockname()[1]
    start(peer, Site(upstream=recorder.address, server=f"listen [::1]:{port}; listen unix:{path};"))
    with socket.create_connection(("::1", port), timeout=5) as client:
        client.sendall(b"GET /six HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
    assert recorder.last("/six").value("X-Forwarded-For") == "::1"
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))
        client.sendall(b"GET /unix HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
    assert recorder.last("/unix")


@pytest.mark.peers("postern-native")
def test_ipv6_clients_are_limited_by_their_network(peer, start, recorder):
    lines = "set_real_ip_from 127.0.0.0/8; real_ip_header X-Forwarded-For; limit_req rate=1r/m per=ip;"
    server = start(peer, Site(upstream=recorder.address, native_server=lines))

    def ask(address):
        return server.get(fields=[("X-Forwarded-For", address)]).status

    assert ask("2001:db8:0:1::1") == 200
    assert ask("2001:db8:0:1::2") == 429
    assert ask("2001:db8:0:1:ffff::") == 429
    assert ask("2001:db8:0:2::1") == 200
