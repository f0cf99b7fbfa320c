"""Probes of the proxy itself."""

import signal
import time

import pytest

from harness.client import basic
from harness.ports import free_ports, wait_until
from harness.recorder import Recorder
from harness.site import Limit, Site


def test_health_needs_no_login_has_no_limit_and_is_not_logged(peer, start, recorder, users):
    server = start(peer, Site(upstream=recorder.address, auth=True, users=users, limit=Limit("1r/m", 1)))
    with server.connect() as connection:
        for _ in range(10):
            answer = connection.request("GET", "/health")
            assert (answer.status, answer.body) == (200, b"healthy\n")
            assert answer.value("Content-Type").startswith("text/plain")
        assert connection.request("HEAD", "/health").status == 200
        assert connection.request("GET", "/after", [basic("alice", "password")]).status == 200
    assert all("/after" in line for line in server.access_lines(1))
    assert [request.target for request in recorder.requests] == ["/after"]


def test_only_the_exact_path_is_open(peer, start, recorder, users):
    server = start(peer, Site(upstream=recorder.address, auth=True, users=users))
    for path in ["/health/", "/healthz", "/health/x", "/Health", "/health%2f", "/x/../health/../y"]:
        assert server.get(path).status in (400, 401), path
    assert recorder.requests == []


@pytest.mark.peers("postern-native")
def test_ready_follows_the_gateway(peer, start):
    port = free_ports(1)[0]
    server = start(peer, Site(upstream=f"127.0.0.1:{port}"))
    wait_until(lambda: server.get("/.postern/ready").status == 503, "503 while nothing listens")
    gateway = Recorder(port=port)
    try:
        wait_until(lambda: server.get("/.postern/ready").status == 200, "200 once the gateway listens")
    finally:
        gateway.close()
    wait_until(lambda: server.get("/.postern/ready").status == 503, "503 when it is gone again")


@pytest.mark.peers("postern-native")
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "TLS alone"])
def test_probe_asks_the_health_path(peer, start, recorder, users, postern, plain):
    """Without login, over the listener that is easiest to ask; one line tells what came of it."""
    site = Site(upstream=recorder.address, auth=True, users=users, http2=True, plain=plain)
    server = start(peer, site)
    answer = postern("probe", "-c", server.config)
    assert answer.returncode == 0, answer.stderr
    scheme, port = ("http", server.ports["plain"]) if plain else ("https", server.ports["tls"])
    assert answer.stdout.startswith(f"{scheme}://127.0.0.1:{port}/health: answered 200 in ")

    refused = postern("probe", f"https://localhost:{server.ports['tls']}/")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"postern probe: https://127.0.0.1:{server.ports['tls']}/: answered 401\n"

    server.stop()
    gone = postern("probe", "-c", server.config)
    assert (gone.returncode, gone.stdout, gone.stderr.count("\n")) == (1, "", 1)
    assert "nothing listens there" in gone.stderr


@pytest.mark.peers("postern-native")
def test_probe_waits_three_seconds_at_the_most(peer, start, recorder, users, postern):
    server = start(peer, Site(upstream=recorder.address, auth=True, users=users))
    server.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        answer = postern("probe", "-c", server.config)
        assert answer.returncode == 1
        assert "did not answer in time" in answer.stderr
        assert 2.9 < time.monotonic() - began < 5
    finally:
        server.signal(signal.SIGCONT)
