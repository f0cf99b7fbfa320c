"""TLS as `openssl s_client` and Python see it."""

import os
import re
import socket
import subprocess
import time

import pytest

from harness.client import Connection, head, trusting
from harness.ports import wait_until
from harness.site import Site


@pytest.fixture
def server(peer, start, recorder):
    return start(peer, Site(upstream=recorder.address, server="ssl_protocols TLSv1.2 TLSv1.3;"))


def s_client(server, *options, name="localhost", port="tls", talk="Q\n"):
    """The output of `openssl s_client`."""
    result = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports[port]}", "-servername", name, *map(str, options)],
        input=talk,
        capture_output=True,
        text=True,
        timeout=20,
        errors="replace",
    )
    return result.stdout + result.stderr


@pytest.mark.parametrize("option, version", [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
def test_versions_offered(peer, server, option, version):
    assert re.search(rf"New, {version}, Cipher is (?!\(NONE\))", s_client(server, option))


@pytest.mark.parametrize("option", ["-tls1", "-tls1_1"])
def test_versions_refused(peer, server, option):
    assert "Cipher is (NONE)" in s_client(server, option, "-cipher", "DEFAULT@SECLEVEL=0")


def test_the_chain_verifies(peer, server, authority):
    output = s_client(server, "-CAfile", authority.certificate, "-verify_hostname", "localhost", "-verify_return_error")
    assert "Verify return code: 0 (ok)" in output


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sessions_resume(peer, server, tmp_path, version):
    session = tmp_path / "session.pem"
    # A request, so that TLS 1.3's ticket has come before the client leaves.
    talk = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with subprocess.Popen(
        [
            "openssl",
            "s_client",
            "-connect",
            f"127.0.0.1:{server.ports['tls']}",
            "-servername",
            "localhost",
            version,
            "-sess_out",
            session,
            "-ign_eof",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        process.communicate(talk.encode(), timeout=20)
    assert session.exists()
    assert "Reused, TLSv1" in s_client(server, version, "-sess_in", session)


@pytest.mark.peers("postern-nginx", "postern-native")
def test_one_ticket_per_handshake(peer, server):
    output = subprocess.run(
        [
            "openssl",
            "s_client",
            "-connect",
            f"127.0.0.1:{server.ports['tls']}",
            "-servername",
            "localhost",
            "-tls1_3",
            "-msg",
            "-ign_eof",
        ],
        input="GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        capture_output=True,
        text=True,
        timeout=20,
    ).stdout
    assert output.count("NewSessionTicket") == 1


def test_alpn_chooses_http11(peer, server):
    assert "ALPN protocol: http/1.1" in s_client(server, "-alpn", "http/1.1")


def test_weak_ciphers_are_refused(peer, server):
    for cipher in ["NULL", "aNULL", "RC4", "3DES", "EXPORT", "LOW"]:
        output = s_client(server, "-tls1_2", "-cipher", f"{cipher}@SECLEVEL=0")
        assert "Cipher is (NONE)" in output or "no cipher match" in output, cipher


@pytest.mark.peers("postern-nginx", "postern-native")
def test_defaults_keep_forward_secrecy(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address))
    assert "Cipher is (NONE)" in s_client(server, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    assert "Cipher is (NONE)" in s_client(server, "-tls1_2", "-cipher", "kRSA")
    output = s_client(server, "-tls1_2")
    assert re.search(r"Cipher is ECDHE", output)
    assert "Secure Renegotiation IS supported" in output


def test_renegotiation_is_refused(peer, server):
    output = s_client(server, "-tls1_2", talk="R\nQ\n")
    assert "RENEGOTIATING" in output
    assert "verify return" not in output.split("RENEGOTIATING", 1)[1].split("---")[0] or "alert" in output


def test_plain_http_to_a_tls_port(peer, server):
    with server.connect(context=None) as connection:
        connection.send(head("GET", "/"))
        answer = connection.response()
        assert answer.status == 400
        assert "HTTPS port" in answer.text or "TLS" in answer.text
        assert connection.is_closed()


def test_garbage_on_a_tls_port_is_closed(peer, server):
    with server.connect(context=None) as connection:
        connection.send(bytes(range(128, 256)) * 8)
        try:
            while connection.take():
                pass
        except OSError:
            pass
    assert server.get().status == 200


def served_name(server, name):
    """The subject's common name in the certificate served for `name`."""
    context = trusting()
    with Connection(server.ports["tls"], context, sni=name) as connection:
        encoded = connection.socket.getpeercert(binary_form=True)
    text = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=encoded, capture_output=True, check=True
    ).stdout.decode()
    return text.strip().rsplit("CN = ", 1)[1]


def test_sni_chooses_the_certificate(peer, start, recorder, authority):
    certificate, key = authority.issue("second", "second.test", "*.wild.test")
    block = f"""
server {{
    listen {{tls}} ssl;
    server_name second.test *.wild.test;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location / {{ proxy_pass http://gateway; proxy_set_header X-Server second; }}
}}"""
    server = start(peer, Site(upstream=recorder.address, nginx_top="", native_top=""))
    text = server.config.read_text()
    addition = block.replace("{tls}", f"127.0.0.1:{server.ports['tls']}")
    text = text.rstrip().rsplit("}", 1)[0] + addition + "\n}\n" if server.dialect == "nginx" else text + addition
    server.config.write_text(text)
    server.reload()
    assert served_name(server, "second.test") == "second.test"
    assert served_name(server, "a.wild.test") == "second.test"
    assert served_name(server, "localhost") == "localhost"
    assert served_name(server, "unknown.test") == "localhost"
    with server.connect(sni="second.test") as connection:
        assert connection.request(host="second.test").status == 200
    assert recorder.last().value("X-Server") == "second"


@pytest.mark.peers("postern-nginx", "postern-native")
def test_a_renewed_certificate_is_picked_up(peer, start, recorder, authority, tmp_path):
    first, second = authority.issue("first", "localhost", "first"), authority.issue("renewed", "renewed", "localhost")
    live = tmp_path / "live.pem", tmp_path / "live-key.pem"
    for source, target in zip(first, live):
        target.write_bytes(source.read_bytes())
    server = start(peer, Site(upstream=recorder.address), files=live)
    assert served_name(server, "localhost") == "localhost"
    with server.connect() as open_before:
        for source, target in zip(second, live):
            temporary = target.with_suffix(".new")
            temporary.write_bytes(source.read_bytes())
            os.replace(temporary, target)
        wait_until(lambda: served_name(server, "localhost") == "renewed", "the renewed certificate")
        assert open_before.request().status == 200


@pytest.mark.peers("postern-nginx", "postern-native")
def test_a_broken_renewal_keeps_the_old_certificate(peer, start, recorder, authority, tmp_path):
    live = tmp_path / "live.pem", tmp_path / "live-key.pem"
    for source, target in zip(authority.issue("kept", "localhost"), live):
        target.write_bytes(source.read_bytes())
    server = start(peer, Site(upstream=recorder.address), files=live)
    live[0].write_text("not a certificate\n")
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and "live.pem" not in server.error_log:
        assert served_name(server, "localhost") == "localhost"
    assert served_name(server, "localhost") == "localhost"
    assert "live.pem" in server.error_log


def test_http_is_redirected(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address, redirect=True))
    with server.connect("plain") as connection:
        answer = connection.request(target="/a/b?c=d&e=%2F")
    assert answer.status in (301, 308)
    assert re.fullmatch(r"https://localhost(:\d+)?/a/b\?c=d&e=%2F", answer.value("Location"))
    assert recorder.requests == []


def test_a_close_is_announced(peer, server):
    """close_notify before the TCP end, so that a client can tell an end from a cut."""
    with server.connect() as connection:
        assert connection.request(fields=[("Connection", "close")]).status == 200
        connection.socket.settimeout(5)
        assert connection.socket.recv(1) == b""  # SSLEOFError would be a cut


def test_a_half_open_client_is_no_harm(peer, server):
    raw = socket.create_connection(("127.0.0.1", server.ports["tls"]))
    raw.shutdown(socket.SHUT_WR)
    raw.close()
    assert server.get().status == 200
