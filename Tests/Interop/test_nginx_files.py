"""The corrected file of nginx/, run by both programs: what they answer must be the same."""

import subprocess

import pytest

from harness.client import basic, in_threads
from harness.process import REPOSITORY
from harness.site import Site

pytestmark = pytest.mark.peers("nginx", "postern-nginx")


class CorrectedSite(Site):
    """nginx/corrected.conf with test values in place of its own."""

    def render(self, dialect, ports, directory, certificate, key):
        text = (REPOSITORY / "nginx" / "corrected.conf").read_text()
        swaps = {
            "0.0.0.0:80": f"127.0.0.1:{ports['plain']}", "0.0.0.0:443": f"127.0.0.1:{ports['tls']}",
            "127.0.0.1:18789": self.upstream, "tls/cert.pem": str(certificate), "tls/key.pem": str(key),
        }
        for old, new in swaps.items():
            assert old in text
            text = text.replace(old, new)
        return self._main().replace("{directory}", str(directory)) + text.replace(
            "http {", f"http {{\n    access_log {directory}/access.log;", 1)


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
    result = subprocess.run(["curl", "-sS", "--cacert", authority.certificate, "-u", "alice:password", "-w", "%{http_code}",
                             f"https://localhost:{server.ports['tls']}/"], capture_output=True, text=True, timeout=20)
    assert result.stdout == "ok\n200", result.stderr
