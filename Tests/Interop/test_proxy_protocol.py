"""The PROXY protocol in front of plain and TLS listeners: whom it names, what is refused, whose word counts."""

import socket
import struct
import subprocess
import time

import pytest

from harness.site import Site

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def line(source="192.0.2.7", port=12345):
    family = "TCP6" if ":" in source else "TCP4"
    target = "2001:db8::1" if ":" in source else "198.51.100.1"
    return f"PROXY {family} {source} {target} {port} 443\r\n".encode()


def binary(source="192.0.2.7", port=12345, extensions=b""):
    kind = socket.AF_INET6 if ":" in source else socket.AF_INET
    target = "2001:db8::1" if ":" in source else "198.51.100.1"
    payload = socket.inet_pton(kind, source) + socket.inet_pton(kind, target) + struct.pack(">HH", port, 443) + extensions
    return SIGNATURE + bytes([0x21, 0x21 if ":" in source else 0x11]) + struct.pack(">H", len(payload)) + payload


HEADERS = {
    "v1": line(),
    "v2": binary(),
    "v2 with extensions": binary(extensions=b"\x01\0\x02h2\x04\0\x40" + bytes(64)),
    "v1 of IPv6": line("2001:db8::7"),
    "v2 of IPv6": binary("2001:db8::7"),
}


def source_of(name):
    return "2001:db8::7" if "IPv6" in name else "192.0.2.7"


def proxied(recorder, trusted="127.0.0.1", extra=""):
    return Site(
        upstream=recorder.address,
        listeners=["proxied", "proxied_tls"],
        server="listen {proxied} proxy_protocol; listen {proxied_tls} ssl proxy_protocol; client_header_timeout 1s;" + extra,
        nginx_server=f"set_real_ip_from {trusted}; real_ip_header proxy_protocol;",
        native_server=f"set_real_ip_from {trusted};",
    )


def plain(server, **options):
    return server.connect("proxied", context=None, **options)


def secure(server, header, pieces=None, **options):
    connection = server.connect("proxied_tls", context=None, **options)
    for piece in pieces or [header]:
        connection.send(piece)
    connection.socket = server.context.wrap_socket(connection.socket, server_hostname="localhost")
    return connection


def is_closed(connection):
    try:
        return connection.take() == b""
    except ConnectionError:
        return True


def single_bytes(data):
    return [data[index : index + 1] for index in range(len(data))]


@pytest.mark.parametrize("name", HEADERS)
def test_the_header_names_the_client(peer, start, recorder, name):
    server = start(peer, proxied(recorder))
    with plain(server) as connection:
        connection.send(HEADERS[name])
        for target in ("/first", "/second"):
            assert connection.request(target=target).status == 200
            assert recorder.last(target).value("X-Forwarded-For") == source_of(name)
    assert server.access_lines(2)[-1].startswith(source_of(name) + " ")


@pytest.mark.parametrize("name", ["v1", "v2", "v2 with extensions"])
def test_tls_begins_behind_the_header(peer, start, recorder, name):
    server = start(peer, proxied(recorder))
    with secure(server, HEADERS[name]) as connection:
        assert connection.request(target="/tls").status == 200
    assert recorder.last("/tls").value("X-Forwarded-For") == "192.0.2.7"
    assert recorder.last("/tls").value("X-Forwarded-Proto") == "https"


@pytest.mark.parametrize("name", ["v1", "v2 with extensions"])
@pytest.mark.peers("postern-nginx", "postern-native")
def test_single_bytes(peer, start, recorder, name):
    """Nginx wants all of the header in one read."""
    server = start(peer, proxied(recorder))
    with plain(server) as connection:
        for byte in single_bytes(HEADERS[name]):
            connection.send(byte)
            time.sleep(0.002)
        assert connection.request(target="/pieces").status == 200
    assert recorder.last("/pieces").value("X-Forwarded-For") == "192.0.2.7"
    with secure(server, b"", pieces=single_bytes(HEADERS[name])) as connection:
        assert connection.request(target="/pieces-tls").status == 200


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", SIGNATURE + b"\x20\0\0\0"], ids=["UNKNOWN", "LOCAL"])
def test_a_balancer_may_speak_for_itself(peer, start, recorder, header):
    server = start(peer, proxied(recorder))
    with plain(server) as connection:
        connection.send(header)
        assert connection.request(target="/own").status == 200
    assert recorder.last("/own").value("X-Forwarded-For") == "127.0.0.1"


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 12345\r\n",
        b"PROXY TCP4 192.0.2.700 198.51.100.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 1 70000\r\n",
        b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
        SIGNATURE + b"\x31\x11\0\x0c" + bytes(12),
    ],
    ids=["http", "tls", "one port", "address", "port", "long", "version 3"],
)
def test_garbage_is_closed(peer, start, recorder, garbage):
    server = start(peer, proxied(recorder))
    with plain(server) as connection:
        connection.send(garbage)
        assert is_closed(connection)
    assert recorder.requests == []


@pytest.mark.peers("postern-nginx", "postern-native")
def test_garbage_is_said_once(peer, start, recorder):
    server = start(peer, proxied(recorder))
    for _ in range(50):
        with plain(server) as connection:
            connection.send(b"GET / HTTP/1.1\r\n\r\n")
            assert is_closed(connection)
    server.wait_logged("sent no valid header of the PROXY protocol")
    assert server.error_log.count("sent no valid header of the PROXY protocol") == 1


@pytest.mark.parametrize("begun", [b"", b"PROXY TCP4 192.", SIGNATURE + b"\x21"], ids=["nothing", "v1", "v2"])
def test_a_header_that_is_late_is_closed(peer, start, recorder, begun):
    if peer == "nginx" and begun:
        pytest.skip("Nginx closes at once: it wants all of the header in one read")
    server = start(peer, proxied(recorder))
    began = time.monotonic()
    with plain(server) as connection:
        connection.send(begun)
        assert is_closed(connection)
    assert 0.9 <= time.monotonic() - began < 8


@pytest.mark.peers("nginx", "postern-nginx")
def test_the_word_of_others_counts_for_nothing(peer, start, recorder):
    server = start(peer, proxied(recorder, trusted="127.0.0.9", extra="add_header X-Said $proxy_protocol_addr;"))
    with plain(server) as connection:
        connection.send(line())
        reply = connection.request(target="/untrusted")
        assert (reply.status, reply.value("X-Said")) == (200, "192.0.2.7")
    assert recorder.last("/untrusted").value("X-Forwarded-For") == "127.0.0.1"


@pytest.mark.peers("postern-native")
def test_others_are_closed(peer, start, recorder):
    server = start(peer, proxied(recorder, trusted="127.0.0.9"))
    for _ in range(10):
        with plain(server) as connection:
            assert is_closed(connection)
    with plain(server, source="127.0.0.9") as connection:
        connection.send(line())
        assert connection.request(target="/trusted").status == 200
    assert recorder.last("/trusted").value("X-Forwarded-For") == "192.0.2.7"
    assert server.error_log.count("127.0.0.1 must not speak the PROXY protocol here") == 1


def test_other_listeners_want_no_header(peer, start, recorder):
    server = start(peer, proxied(recorder))
    assert server.get("/direct").status == 200
    assert server.get("/direct", port="plain").status == 200
    with server.connect("plain") as connection:
        connection.send(line())
        assert connection.response().status == 400


def test_the_variables(peer, start, recorder):
    names = "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port $remote_port"
    server = start(peer, proxied(recorder, extra=f'add_header X-Said "{names}" always;'))
    for header in (line(), binary()):
        with plain(server) as connection:
            connection.send(header)
            assert connection.request().value("X-Said") == "192.0.2.7 12345 198.51.100.1 443 12345"


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_speaks_it(peer, start, recorder, version):
    """The header, TLS behind it, and each stream of HTTP/2 behind that."""
    site = proxied(recorder, extra="add_header X-Said $proxy_protocol_addr always;")
    site.listeners.append("multiplexed")
    site.server += "listen {multiplexed} ssl http2 proxy_protocol;"
    server = start(peer, site)
    address = f"https://127.0.0.1:{server.ports['multiplexed']}"
    command = ["curl", "-sk", "--haproxy-protocol", version, "-m", "10", "-o", "/dev/null", "-w", "%{http_version}\n", "-D", "-"]
    output = subprocess.run(
        [*command, f"{address}/one", "-o", "/dev/null", f"{address}/two"], capture_output=True, text=True, timeout=30
    ).stdout
    assert output.lower().count("x-said: 127.0.0.1") == 2
    assert [line for line in output.splitlines() if line in ("2", "1.1")] == ["2" if "2" in version else "1.1"] * 2
    assert recorder.last("/two").value("X-Forwarded-For") == "127.0.0.1"
