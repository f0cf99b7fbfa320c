"""The soak in short. `deploy/test.sh --soak` runs it at length."""

from pathlib import Path

import pytest

from .run import Soak


@pytest.mark.soak
def test_fifteen_seconds(tmp_path, authority):
    """Everything that the long run has, faster: a reload every 2 s, an upstream restart every 3 s."""
    lines = []
    verdict = Soak(tmp_path, authority, 15, reload_every=2, restart_every=3, say=lines.append).run()
    assert not verdict.wrong, str(verdict)


def test_it_leaves_nothing_behind(tmp_path, authority):
    """Its upstreams end with it, also when the server doesn't start."""
    soak = Soak(tmp_path, authority, 0)
    pids = [member.process.pid for member in soak.group.members] + [soak.server.pid]
    soak.server.stop()
    soak.group.close()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
