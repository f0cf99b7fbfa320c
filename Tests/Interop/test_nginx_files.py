"""The corrected file of nginx/, run by both programs: what they answer must be the same."""

import subprocess

import pytest

from harness.client import basic, in_threads
from harness.process import REPOSITORY
from harness.site import Site
from harness.websocket import WebSocket

pytestmark = pytest.mark.peers("nginx", "postern-nginx")


class CorrectedSite(Site):
    """nginx/corrected.conf with test values in place of its own."""

    def render(self, dialect, ports, directory, certificate, key):
        text = (REPOSITORY / "nginx" / "corrected.conf").read_text()
        swaps = {
            "0.0.0.0:80": f"127.0.0.1:{ports['plain']}",
            "0.0.0.0:443": f"127.0.0.1:{ports['tls']}",
            "127.0.0.1:18789": self.upstream,
            "tls/cert.pem": str(certificate),
            "tls/key.pem": str(key),
        }
        for old, new in swaps.items():
            assert old in text
            text = text.replace(old, new)
        return self._main().replace("{directory}", str(directory)) + text.replace(
            "http {", f"http {{\n    access_log {directory}/access.log;", 1
        )


@pytest.fixture
def server(peer, start, recorder, users):
    return start(peer, CorrectedSite(upstream=recorder.address, auth=True, users=users))


def test_the_whole_set_up(peer, server, recorder):
    login = basic("alice", "password")
    refused = server.get()
    assert refused.status == 401
    assert refused.value("WWW-Authenticate") == 'Basic realm="OpenClaw Authentication"'
    assert refused.value("X-Frame-Options") == "DENY"
    passed = server.get("/x", [login, ("X-Forwarded-For", "9.9.9.9"), ("X-Forwarded-User", "root")])
    assert passed.status == 200
    assert passed.value("Strict-Transport-Security") == "max-age=31536000; includeSubDomains"
    request = recorder.last("/x")
    assert request.value("X-Forwarded-For") == "127.0.0.1"
    assert request.value("X-Forwarded-User") is None
    assert request.value("X-Forwarded-Proto") == "https"
    assert server.get("/health").body == b"healthy\n"
    with server.connect("plain") as connection:
        redirect = connection.request(target="/a?b", host="openclaw.yourdomain.com")
    assert (redirect.status, redirect.value("Location")) == (301, "https://openclaw.yourdomain.com/a?b")


def test_its_limit(peer, server):
    """10 r/s with a burst of 20; one second at most passes, so 21 to 31 of 60 get through."""
    statuses = in_threads(4, lambda _: [server.get(fields=[basic("alice", "password")]).status for _ in range(15)])
    passed = sum(status == 200 for several in statuses for status in several)
    assert 21 <= passed <= 31
    assert sum(status == 429 for several in statuses for status in several) == 60 - passed


def test_curl_logs_in(peer, server, authority):
    result = subprocess.run(
        [
            "curl",
            "-sS",
            "--cacert",
            authority.certificate,
            "-u",
            "alice:password",
            "-w",
            "%{http_code}",
            f"https://localhost:{server.ports['tls']}/",
        ],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert result.stdout == "ok\n200", result.stderr


class GuideSite(Site):
    """nginx/guide.conf, with test values for what a machine decides."""

    def render(self, dialect, ports, directory, certificate, key):
        text = (REPOSITORY / "nginx" / "guide.conf").read_text()
        swaps = {
            "listen 80;": f"listen 127.0.0.1:{ports['plain']};",
            "listen 443 ssl": f"listen 127.0.0.1:{ports['tls']} ssl",
            "openclaw-gateway:18789": self.upstream,
            "/etc/nginx/ssl/cert.pem": str(certificate),
            "/etc/nginx/ssl/key.pem": str(key),
            "/etc/nginx/.htpasswd": f"{directory}/htpasswd",
        }
        for old, new in swaps.items():
            assert old in text
            text = text.replace(old, new)
        return self._main().replace("{directory}", str(directory)) + text


@pytest.mark.peers("postern-nginx")
class TestGuide:
    """What Nginx refuses to load, Postern serves."""

    def test_it_serves(self, peer, start, recorder, users):
        recorder.on("/ws", lambda exchange: exchange.echo_websocket())
        server = start(peer, GuideSite(upstream=recorder.address, auth=True, users=users))
        assert server.get().status == 401
        assert server.get(fields=[basic("alice", "password")]).status == 200
        assert server.get("/health").body == b"healthy\n"
        with WebSocket(
            f"wss://localhost:{server.ports['tls']}/ws", server.context, dict([basic("alice", "password")])
        ) as socket:
            assert socket.echo("hello") == "hello"
        with server.connect("plain") as connection:
            assert connection.request(target="/a").value("Location") == "https://openclaw.yourdomain.com/a"

    def test_its_limit_counts(self, peer, start, recorder, users):
        server = start(peer, GuideSite(upstream=recorder.address, auth=True, users=users))
        with server.connect() as connection:
            statuses = [connection.request(fields=[basic("alice", "password")]).status for _ in range(60)]
        assert 21 <= statuses.count(200) <= 31
        assert statuses.count(503) == 60 - statuses.count(200)

    def test_an_unknown_gateway_name_is_no_reason_not_to_start(self, peer, start, users):
        server = start(peer, GuideSite(upstream="openclaw-gateway.invalid:18789", auth=True, users=users))
        assert server.get(fields=[basic("alice", "password")]).status == 502
        server.wait_logged("openclaw-gateway.invalid")
        for word in ("limit_req_zone", "proxy_add_x_forwarded_for"):
            assert word in server.error_log
