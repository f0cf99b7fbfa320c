"""Running out of file descriptors pauses accepting, is said once, and passes."""

import pytest

from harness.ports import wait_until
from harness.site import Site


@pytest.mark.peers("postern-nginx", "postern-native")
def test_accepting_pauses_and_recovers(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address, main="worker_rlimit_nofile 64;"))
    assert server.get().status == 200
    crowd = []
    try:
        for _ in range(120):
            crowd.append(server.connect("plain"))  # The kernel's backlog takes those that are not accepted.
        wait_until(lambda: server.open_files() >= 60, "the descriptors to run out")
        wait_until(
            lambda: "descriptor" in server.error_log.lower() or "open files" in server.error_log.lower(), "a report"
        )
        said = server.error_log.lower()
        assert said.count("descriptor") + said.count("open files") <= 3, "said again and again"
        ticks = processor_ticks(server.pid)
        answer = crowd[0].request()  # Those inside are served, if only with a refusal for want of an upstream socket.
        assert answer.status in (200, 502, 503)
        assert processor_ticks(server.pid) - ticks < 50
    finally:
        for connection in crowd:
            connection.close()
    wait_until(lambda: answers(server), "new connections to be served")
    for _ in range(20):
        assert server.get().status == 200


def answers(server):
    try:
        return server.get().status == 200
    except OSError:
        return False


def processor_ticks(process):
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])
