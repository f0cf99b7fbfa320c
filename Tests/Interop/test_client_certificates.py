"""`ssl_verify_client`: what clients show, what servers make of it, and what gateways are told. Nginx is held to it too."""

import dataclasses
import re
import ssl
import subprocess
from urllib.parse import unquote

import pytest

from harness.authority import Authority
from harness.ports import wait_until
from harness.site import Site
from test_tls import s_client

NAMES = {
    "X-Verify": "verify",
    "X-Subject": "s_dn",
    "X-Issuer": "i_dn",
    "X-Serial": "serial",
    "X-Fingerprint": "fingerprint",
    "X-Certificate": "escaped_cert",
    "X-Start": "v_start",
    "X-End": "v_end",
    "X-Remain": "v_remain",
}
FIELDS = " ".join(f"proxy_set_header {field} $ssl_client_{name};" for field, name in NAMES.items())
MISSING, UNTRUSTED = "400 No required SSL certificate was sent", "400 The SSL certificate error"
POSTERN = pytest.mark.peers("postern-nginx", "postern-native")


@pytest.fixture(scope="session")
def people(tmp_path_factory):
    """An authority for clients, with one of its own below it; and certificates: of each, and of nobody in particular."""
    root = Authority(tmp_path_factory.mktemp("people"), subject="/O=Müller & Söhne/CN=people")
    middle = root.subordinate(tmp_path_factory.mktemp("middle"), "/CN=middle")
    stranger = Authority(tmp_path_factory.mktemp("strangers"), subject="/CN=strangers")
    shown = {
        "none": None,
        "good": root.issue("good", "good", subject="/O=Käse, Brot\\/Wein/CN=good"),
        "stranger": stranger.issue("stranger", "stranger"),
        "deep": middle.issue("deep", "deep"),
        "expired": root.issue("expired", "expired", days=-1),
    }
    chain = shown["deep"][0]
    chain.write_text(chain.read_text() + middle.certificate.read_text())
    return dataclasses.make_dataclass("People", ["root", "stranger", "shown"])(root, stranger, shown)


def showing(context, files, version=None):
    """A client's context that shows `files` when asked."""
    made = ssl.create_default_context(cadata=ssl.DER_cert_to_PEM_cert(context.get_ca_certs(binary_form=True)[0]))
    if files:
        made.load_cert_chain(*files)
    if version:
        made.minimum_version = made.maximum_version = version
    return made


def verifying(recorder, people, mode="on", **options):
    server = "ssl_protocols TLSv1.2 TLSv1.3;"
    server += f"ssl_verify_client {mode}; ssl_client_certificate {people.root.certificate};" + options.pop("server", "")
    return Site(upstream=recorder.address, server=server, location=FIELDS, **options)


def told(recorder):
    return {name: recorder.last().value(field) for field, name in NAMES.items()}


@pytest.mark.parametrize(
    "mode, shown, text, verify",
    [
        ("on", "good", None, "SUCCESS"),
        ("on", "none", MISSING, None),
        ("on", "stranger", UNTRUSTED, None),
        ("on", "deep", UNTRUSTED, None),
        ("on", "expired", UNTRUSTED, None),
        ("optional", "none", None, "NONE"),
        ("optional", "good", None, "SUCCESS"),
        ("optional", "stranger", UNTRUSTED, None),
        ("optional_no_ca", "none", None, "NONE"),
        ("optional_no_ca", "good", None, "SUCCESS"),
        ("optional_no_ca", "stranger", None, "FAILED:unable to verify the first certificate"),
        ("optional_no_ca", "expired", UNTRUSTED, None),
        ("off", "good", None, "NONE"),
    ],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_what_each_mode_admits(peer, start, recorder, people, context, mode, shown, text, verify, version):
    depth = "ssl_verify_depth 0;" if shown == "deep" else ""
    server = start(peer, verifying(recorder, people, mode, server=depth))
    with server.connect(context=showing(context, people.shown[shown], version)) as connection:
        answer = connection.request()
        if text is None:
            assert answer.status == 200
            assert told(recorder)["verify"] == verify
            assert connection.request().status == 200
        else:
            assert (answer.status, text in answer.text) == (400, True), answer.text
            assert recorder.requests == []
            assert connection.is_closed()
    # Without TLS there is no certificate to ask for.
    assert server.get(port="plain").status == 200
    assert set(told(recorder).values()) <= {None, ""}


@pytest.mark.parametrize(
    "shown, host, statuses",
    [
        ("good", "localhost", [200, 200]),
        ("none", "localhost", [400, 400]),
        ("stranger", "localhost", [400, 400]),
        ("good", "open.test", [421, 421]),
    ],
)
def test_streams_are_held_to_it_too(peer, start, recorder, people, authority, shown, host, statuses):
    """HTTP/2, two requests of one client."""
    site = verifying(recorder, people, server="listen {multiplexed} ssl http2;", listeners=["multiplexed"])
    site.top = f"""
server {{
    listen {{multiplexed}} ssl http2;
    server_name open.test;
    ssl_certificate {{certificate}};
    ssl_certificate_key {{key}};
    location / {{ proxy_pass http://gateway; }}
}}"""
    server = start(peer, site)
    address = f"https://localhost:{server.ports['multiplexed']}/"
    command = ["curl", "--http2", "-sS", "-m", "20", "--cacert", authority.certificate, "-H", f"Host: {host}"]
    command += ["--resolve", f"localhost:{server.ports['multiplexed']}:127.0.0.1"]
    command += ["-o", "/dev/null", "-o", "/dev/null", "-w", "%{http_version} %{http_code}\n"]
    if people.shown[shown]:
        command += ["--cert", people.shown[shown][0], "--key", people.shown[shown][1]]
    output = subprocess.run([*command, address, address], capture_output=True, text=True, timeout=30).stdout
    if peer == "nginx" and 421 in statuses:  # It looks at what the Host's server demands alone.
        statuses = [200, 200]
    assert output.split("\n")[:-1] == [f"2 {status}" for status in statuses]
    if statuses[0] == 200:
        verify, subject = told(recorder)["verify"], told(recorder)["s_dn"]
        assert (verify, subject) == ("SUCCESS", r"CN=good,O=K\C3\A4se\, Brot/Wein") or peer == "nginx"
    else:
        assert recorder.requests == []


def test_depth_counts_authorities_in_between(peer, start, recorder, people, context):
    server = start(peer, verifying(recorder, people, server="ssl_verify_depth 2;"))
    with server.connect(context=showing(context, people.shown["deep"])) as connection:
        assert connection.request().status == 200


def test_what_the_gateway_is_told(peer, start, recorder, people, context):
    server = start(peer, verifying(recorder, people))
    certificate = people.shown["good"][0]
    with server.connect(context=showing(context, people.shown["good"])) as connection:
        assert connection.request(fields=[("X-Subject", "CN=forged"), ("X-Verify", "FORGED")]).status == 200
    seen = told(recorder)

    def openssl(*options):
        command = ["openssl", "x509", "-in", certificate, "-noout", "-nameopt", "RFC2253", *options]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().split("=", 1)[1]

    assert seen["s_dn"] == openssl("-subject").strip() == r"CN=good,O=K\C3\A4se\, Brot/Wein"
    assert seen["i_dn"] == openssl("-issuer").strip()
    assert seen["serial"] == openssl("-serial")
    assert seen["fingerprint"] == openssl("-fingerprint", "-sha1").replace(":", "").lower()
    assert seen["v_start"] == openssl("-startdate")
    assert seen["v_end"] == openssl("-enddate")
    assert seen["v_remain"] == "1"
    assert unquote(seen["escaped_cert"]) == certificate.read_text()
    assert re.fullmatch(r"[A-Za-z0-9%.~_-]+", seen["escaped_cert"])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("cache", ["ssl_session_cache none;", "ssl_session_cache shared:x:1m; ssl_session_tickets off;"])
def test_a_resumed_session_keeps_what_was_found(peer, start, recorder, people, context, version, cache):
    server = start(peer, verifying(recorder, people, "optional", server=cache))
    trusted = showing(context, people.shown["good"], version)
    with server.connect(context=trusted) as connection:
        assert connection.request().status == 200
        session = connection.socket.session
    first = told(recorder)
    assert first["verify"] == "SUCCESS"
    with server.connect(context=trusted, session=session) as connection:
        assert connection.socket.session_reused
        assert connection.request().status == 200
    assert told(recorder) == first
    with server.connect(context=showing(context, None, version)) as connection:
        assert connection.request().status == 200
    assert told(recorder)["verify"] == "NONE"


def test_names_of_authorities(peer, start, recorder, people):
    """Those of `ssl_client_certificate` are sent, those of `ssl_trusted_certificate` trusted only."""
    more = f"ssl_trusted_certificate {people.stranger.certificate};"
    server = start(peer, verifying(recorder, people, server=more))
    output = s_client(server)
    assert "CN = people" in output.split("Acceptable client certificate CA names")[1].split("---")[0]
    assert "CN = strangers" not in output
    assert "Acceptable client certificate" not in s_client(start(peer, verifying(recorder, people, "off")))


def test_more_authorities_are_trusted(peer, start, recorder, people, context):
    server = start(peer, verifying(recorder, people, server=f"ssl_trusted_certificate {people.stranger.certificate};"))
    for shown in ["good", "stranger"]:
        with server.connect(context=showing(context, people.shown[shown])) as connection:
            assert connection.request().status == 200, shown


def test_a_host_behind_another_handshake_is_out_of_reach(peer, start, recorder, people, context):
    strict = f"""
server {{
    listen {{tls}} ssl;
    server_name strict.test;
    ssl_certificate {{certificate}};
    ssl_certificate_key {{key}};
    ssl_verify_client on;
    ssl_client_certificate {people.root.certificate};
    location / {{ proxy_pass http://gateway; }}
}}"""
    server = start(peer, Site(upstream=recorder.address, top=strict))
    unnamed = showing(context, people.shown["good"])
    unnamed.check_hostname = False
    for sni, status in [("localhost", 421), ("strict.test", 200), (None, 200)]:
        with server.connect(context=unnamed, sni=sni) as connection:
            assert connection.request(host="strict.test").status == status, sni
    if peer == "nginx":  # It looks at what the Host's server demands alone.
        return
    with server.connect(context=unnamed, sni="strict.test") as connection:
        assert connection.request(host="localhost").status == 421


@POSTERN
def test_revoked_certificates(peer, start, recorder, people, context, tmp_path):
    """The list is read anew when it changes, and who is on it doesn't get further on an older connection either."""
    victim = people.root.issue("victim", "victim")
    crl = tmp_path / "live.crl"
    crl.write_text(people.root.revoke(tmp_path).read_text())
    server = start(peer, verifying(recorder, people, server=f"ssl_crl {crl};"))
    with server.connect(context=showing(context, victim)) as kept:
        assert kept.request().status == 200
        people.root.revoke(tmp_path, victim[0]).replace(crl)

        def status():
            with server.connect(context=showing(context, victim)) as connection:
                return connection.request().status

        wait_until(lambda: status() == 400, "the revocation")
        assert kept.request().status == 421
        assert kept.is_closed()
    with server.connect(context=showing(context, people.shown["good"])) as connection:
        assert connection.request().status == 200
    server.wait_logged("certificate revoked")


@POSTERN
def test_another_authority_is_picked_up(peer, start, recorder, people, context, tmp_path):
    live = tmp_path / "authority.pem"
    live.write_text(people.root.certificate.read_text())
    server = start(
        peer, Site(upstream=recorder.address, server=f"ssl_verify_client on; ssl_client_certificate {live};")
    )

    def status(shown):
        with server.connect(context=showing(context, people.shown[shown])) as connection:
            return connection.request().status

    assert (status("good"), status("stranger")) == (200, 400)
    fresh = tmp_path / "fresh.pem"
    fresh.write_text(people.stranger.certificate.read_text())
    fresh.replace(live)
    wait_until(lambda: status("stranger") == 200, "the new authority")
    assert status("good") == 400
    assert recorder.requests


@POSTERN
def test_refusals_are_logged(peer, start, recorder, people, context):
    server = start(peer, verifying(recorder, people))
    with server.connect(context=showing(context, people.shown["stranger"])) as connection:
        assert connection.request().status == 400
    server.wait_logged("does not verify: unable to verify the first certificate")
    server.wait_logged("was refused with 400: certificate-untrusted")
    assert server.get().status == 400
    server.wait_logged("was refused with 400: certificate-missing")


# A session counts where it was made.


def block(name, port, lines=""):
    return f"""
server {{
    listen {{{port}}} ssl;
    server_name {name};
    ssl_certificate {{certificate}};
    ssl_certificate_key {{key}};
    {lines}
    location / {{ proxy_pass http://gateway; }}
}}"""


@POSTERN
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("kind", ["tickets", "shared:s:1m", "builtin"])
@pytest.mark.parametrize("port", ["tls", "other"])
def test_no_session_counts_at_another_server(peer, start, recorder, people, tmp_path, version, kind, port):
    lines = "" if kind == "tickets" else f"ssl_session_cache {kind}; ssl_session_tickets off;"
    asks = f"ssl_verify_client optional; ssl_client_certificate {people.root.certificate};"
    blocks = block("one.test", "tls", lines + asks) + block("two.test", port, lines + asks)
    blocks += block("open.test", port, lines)
    server = start(peer, Site(upstream=recorder.address, top=blocks, listeners=["other"]))
    session = tmp_path / "session.pem"
    talk = "GET / HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n"
    certificate, key = people.shown["good"]
    shown = ("-cert", certificate, "-key", key)
    s_client(server, version, "-sess_out", session, "-ign_eof", *shown, name="one.test", talk=talk)
    assert session.exists()
    reused = {}
    for name, where in [("one.test", "tls"), ("two.test", port), ("open.test", port), ("localhost", "tls")]:
        reused[name] = "Reused, TLSv1" in s_client(server, version, "-sess_in", session, *shown, name=name, port=where)
    assert reused == {"one.test": True, "two.test": False, "open.test": False, "localhost": False}


@POSTERN
@pytest.mark.parametrize("attempt", ["-tls1_2", "-tls1_3"])
def test_nobody_is_asked_again_later(peer, start, recorder, attempt):
    """No renegotiation, no request for a certificate after the handshake (RFC 8446, section 4.6.2)."""
    server = start(peer, Site(upstream=recorder.address))
    talk = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    output = s_client(server, attempt, "-enable_pha", "-msg", "-ign_eof", talk=talk)
    assert "200 OK" in output and "CertificateRequest" not in output
