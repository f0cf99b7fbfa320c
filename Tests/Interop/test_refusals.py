"""Refusals, each seen from all sides: what the client gets, what the operator reads, what is counted, what the gateway sees."""

import contextlib
import re
import ssl
import subprocess

import pytest

from harness.authority import Authority
from harness.client import Connection, basic
from harness.metrics import read_metrics
from harness.ports import wait_until
from harness.site import Site
from http2.session import Session
from test_metrics import CAUSES
from test_proxy_protocol import binary, is_closed, line

pytestmark = pytest.mark.peers("postern-nginx", "postern-native")

METRICS = "location = /metrics { auth_basic off; metrics; }"
#: The standard body, which quotes what the logs call the request.
STANDARD = r"{status} {reason}\nrequest id: \S+\n"
TEXT = "text/plain; charset=utf-8"


def counted(server, before, cause):
    """Waits until this cause has moved, and answers with all that have."""
    read = lambda: {series: count for series, count in read_metrics(server).moved(before).items() if series.startswith(CAUSES)}
    wait_until(lambda: f'postern_requests_refused_total{{cause="{cause}"}}' in read(), "the counter")
    return read()


def refused(cause, count=1):
    return {f'postern_requests_refused_total{{cause="{cause}"}}': count}


def lines(server, words):
    return [line for line in server.error_log.splitlines() if words in line]


# Who knocks at another door than the one whose name was said, or doesn't show who it is.


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """An authority for clients, and the certificate of somebody whom it doesn't know."""
    known = Authority(tmp_path_factory.mktemp("people"), subject="/CN=people")
    strangers = Authority(tmp_path_factory.mktemp("strangers"), subject="/CN=strangers")
    return known, strangers.issue("stranger", "stranger")


def guarded(recorder, people):
    """`members.test` asks for certificates; `localhost`, at the same port, doesn't."""
    members = f"""
server {{
    listen {{tls}} ssl http2;
    server_name members.test;
    ssl_certificate {{certificate}};
    ssl_certificate_key {{key}};
    ssl_verify_client on;
    ssl_client_certificate {people[0].certificate};
    location / {{ proxy_pass http://gateway; }}
}}"""
    return Site(upstream=recorder.address, top=members, server=METRICS, http2=True)


#: The name said in the handshake, and in the request; whether a stranger's certificate is shown; what comes of it.
DOORS = {
    "misdirected": ("localhost", "members.test", False, 421, STANDARD.format(status=421, reason="Misdirected Request")),
    "certificate-missing": ("members.test", "members.test", False, 400, "400 No required SSL certificate was sent\n"),
    "certificate-untrusted": ("members.test", "members.test", True, 400, "400 The SSL certificate error\n"),
}


def client(shown):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    if shown:
        made.load_cert_chain(*shown)
    return made


@pytest.mark.parametrize("protocol", ["HTTP/1.1", "HTTP/2.0"])
@pytest.mark.parametrize("cause", DOORS)
def test_at_the_door(peer, start, recorder, people, cause, protocol):
    said, host, shows, status, body = DOORS[cause]
    server = start(peer, guarded(recorder, people))
    before = read_metrics(server)
    context = client(people[1] if shows else None)
    if protocol == "HTTP/2.0":
        context.set_alpn_protocols(["h2"])
        with Session(server.ports["tls"], context, sni=said) as session:
            answer = session.ask(path="/secret", authority=host)
            fields = {name: answer.value(name) for name in ("content-type", "retry-after")}
            assert (answer.status, re.fullmatch(body, answer.text) is not None) == (status, True), answer.text
    else:
        with Connection(server.ports["tls"], context, sni=said) as connection:
            answer = connection.request(target="/secret", host=host)
            fields = {name: answer.value(name) for name in ("content-type", "retry-after")}
            assert (answer.status, re.fullmatch(body, answer.text) is not None) == (status, True), answer.text
            # The next request of this connection would be in the same place.
            assert connection.is_closed()
    assert fields == {"content-type": TEXT, "retry-after": None}
    assert counted(server, before, cause) == refused(cause)
    words = f'"GET /secret {protocol}" from 127.0.0.1 was refused with {status}: {cause}'
    server.wait_logged(words)
    (said,) = lines(server, words)
    assert "[warn]" in said
    if "request id" in body:
        assert answer.text.split("request id: ")[1].strip() in said
    assert len(lines(server, "certificate of client")) == (1 if shows else 0)
    assert recorder.requests == []


# Who asks for more hashes than one address may.

#: Passwords that are hashed, or wait for it, for one address at a time.
AT_ONCE = 16


@pytest.fixture(scope="module")
def costly():
    """A password whose hash takes a good while."""
    command = ["htpasswd", "-nbBC", "11", "carol", "password"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() + "\n"


def test_too_many_hashes_of_an_address(peer, start, recorder, costly):
    server = start(peer, Site(upstream=recorder.address, auth=True, users=costly, server=METRICS))
    before = read_metrics(server)
    with contextlib.ExitStack() as held:
        connections = [held.enter_context(server.connect("plain")) for _ in range(AT_ONCE + 24)]
        for number, connection in enumerate(connections):
            connection.send(
                b"GET /secret HTTP/1.1\r\nHost: localhost\r\n%s: %s\r\n\r\n"
                % tuple(part.encode() for part in basic("carol", f"guess{number}"))
            )
        answers = [connection.response() for connection in connections]
    turned_away = [answer for answer in answers if answer.status == 503]
    # Some may have been hashed before the last came; no more than a few, for each takes its time.
    assert 12 <= len(turned_away) <= 24
    assert {answer.status for answer in answers} == {401, 503}
    for answer in turned_away:
        assert re.fullmatch(r"[1-9]\d*", answer.value("Retry-After"))
        assert re.fullmatch(STANDARD.format(status=503, reason="Service Unavailable"), answer.text), answer.text
        assert answer.value("Content-Type") == TEXT
        assert answer.value("WWW-Authenticate") is None
    moved = counted(server, before, "hash-queue-full")
    others = refused("credentials-wrong", len(answers) - len(turned_away))
    shed = {"postern_password_hashes_shed_total": len(turned_away)}
    assert moved == refused("hash-queue-full", len(turned_away)) | others | shed
    said = lines(server, '"GET /secret HTTP/1.1" from 127.0.0.1 was refused with 503: hash-queue-full')
    assert len(said) == len(turned_away) and all("[warn]" in line for line in said)
    for answer in turned_away:
        number = answer.text.split("request id: ")[1].strip()
        assert sum(number in line for line in said) == 1
    assert recorder.requests == []
    # It was the moment's answer: the right password gets through as soon as there is room again.
    assert server.get("/secret", [basic("carol", "password")], port="plain").status == 200


# Who speaks for others, and may not.


@pytest.mark.peers("postern-native")
@pytest.mark.parametrize("header", [line(), binary()], ids=["v1", "v2"])
@pytest.mark.parametrize("port", ["proxied", "proxied_tls"])
def test_a_header_of_the_proxy_protocol_from_anybody(peer, start, recorder, header, port):
    site = Site(
        upstream=recorder.address,
        listeners=["proxied", "proxied_tls"],
        server="listen {proxied} proxy_protocol; listen {proxied_tls} ssl proxy_protocol; set_real_ip_from 127.0.0.9;" + METRICS,
    )
    server = start(peer, site)
    before = read_metrics(server)
    for _ in range(3):
        with server.connect(port, context=None) as connection:
            with contextlib.suppress(ConnectionError):
                connection.send(header + b"GET /secret HTTP/1.1\r\nHost: localhost\r\n\r\n")
            # Not one byte of an answer.
            assert is_closed(connection)
    rejected = {'postern_connections_refused_total{cause="proxy-protocol-untrusted"}': 3}
    moved = {series: count for series, count in read_metrics(server).moved(before).items() if series.startswith(CAUSES)}
    assert moved == rejected
    words = "client 127.0.0.1 must not speak the PROXY protocol here: it is not in set_real_ip_from; closed"
    server.wait_logged(words)
    # Once a minute is enough of an address.
    assert ["[warn]" in line for line in lines(server, words)] == [True]
    assert recorder.requests == []
    assert server.access_log.count("/secret") == 0


@pytest.mark.peers("postern-nginx")
@pytest.mark.parametrize("header", [line(), binary()], ids=["v1", "v2"])
def test_nginx_lets_them_in_and_does_not_believe_them(peer, start, recorder, header):
    """As Nginx does: the header is read away, and counts for nothing."""
    site = Site(
        upstream=recorder.address,
        listeners=["proxied"],
        server="listen {proxied} proxy_protocol; set_real_ip_from 127.0.0.9; real_ip_header proxy_protocol;" + METRICS,
    )
    server = start(peer, site)
    before = read_metrics(server)
    with server.connect("proxied", context=None) as connection:
        connection.send(header)
        assert connection.request(target="/open").status == 200
    assert recorder.last("/open").value("X-Forwarded-For") == "127.0.0.1"
    moved = {series: count for series, count in read_metrics(server).moved(before).items() if series.startswith(CAUSES)}
    assert moved == {}
    assert lines(server, "PROXY protocol") == []
