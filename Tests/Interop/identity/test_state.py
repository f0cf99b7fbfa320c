"""What outlives the process, and what becomes of it when it can't be kept."""

import hashlib
import os
import shutil
import signal
import stat
import subprocess
import time
from contextlib import contextmanager

import pytest

from harness.client import basic
from harness.ports import wait_until
from harness.process import StartFailure
from harness.site import Site

from .stage import (
    ANOTHER,
    DEVICE,
    NAVIGATES,
    PASSWORD,
    SESSION,
    STORED,
    WAYS,
    Command,
    ask,
    cookie,
    log_in,
    site,
    status,
)

ALICE = basic("alice", PASSWORD)
#: Seconds after which what a loop did is on the disk.
KEPT = 0.1


def session_id(token):
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def end(server, number):
    server.signal(number)
    server.wait_exit()


# Restarts.


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGQUIT, signal.SIGKILL])
def test_sessions_outlive_the_process(serve, ending):
    server, command = serve(workers=2)
    tokens = {user: log_in(server, user) for user in ("alice", "bob")}
    before = command.sessions()
    if ending == signal.SIGKILL:
        time.sleep(KEPT + 0.05)
    for _ in range(2):
        end(server, ending)
        server.start_again()
        for way in WAYS:
            assert [status(server, token, way=way) for token in tokens.values()] == [200, 200]
        assert status(server, "C" * 43) == 401
    after = command.sessions()
    same = ("id", "user", "realm", "device", "created_at", "expires_at", "address", "agent")
    key = lambda session: session["id"]  # noqa: E731
    assert [[session[name] for name in same] for session in sorted(after, key=key)] == [
        [session[name] for name in same] for session in sorted(before, key=key)
    ]


def test_a_time_that_is_over_while_nothing_runs(serve):
    server, command = serve("timeout=2s")
    began = time.monotonic()
    token = log_in(server)
    end(server, signal.SIGTERM)
    time.sleep(max(began + 2.1 - time.monotonic(), 0))
    server.start_again()
    assert status(server, token) == 401
    assert command.sessions() == []


def test_sessions_outlive_a_reload(serve):
    server, _ = serve(workers=2)
    token = log_in(server)
    server.reload()
    assert status(server, token) == 200
    server.rewrite(server.site)
    server.reload()
    assert [status(server, token, way=way) for way in WAYS] == [200, 200]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_users_who_go_while_nothing_runs(serve, ending):
    server, command = serve(users="".join(f"{name}:{STORED}\n" for name in ("alice", "bob", "carol")), workers=2)
    tokens = {user: log_in(server, user) for user in ("alice", "bob", "carol")}
    time.sleep(KEPT + 0.05)
    end(server, ending)
    server.htpasswd.write_text(f"bob:{ANOTHER}\ncarol:{STORED}\n")
    server.start_again()
    # From the first request on.
    assert [status(server, token) for token in tokens.values()] == [401, 401, 200]
    assert [session["user"] for session in command.sessions()] == ["carol"]
    # For good: nobody is let in by a password that is back.
    server.htpasswd.write_text("".join(f"{name}:{STORED}\n" for name in tokens))
    end(server, signal.SIGTERM)
    server.start_again()
    assert [status(server, token) for token in tokens.values()] == [401, 401, 200]


def test_another_password_file_while_nothing_runs(serve, tmp_path):
    server, _ = serve()
    token = log_in(server)
    end(server, signal.SIGTERM)
    others = server.directory / "others"
    others.write_text(f"alice:{STORED}\n")
    server.config.write_text(server.config.read_text().replace("/htpasswd;", "/others;"))
    server.start_again()
    assert status(server, token) == 401


@pytest.mark.parametrize("revoke", ["session", "user"])
def test_a_confirmed_revocation_holds_after_a_kill(serve, revoke):
    server, command = serve()
    token, kept = log_in(server), log_in(server, "bob")
    time.sleep(KEPT + 0.05)
    if revoke == "session":
        command("sessions", "revoke", session_id(token))
    else:
        command("sessions", "revoke-user", "alice")
    server.signal(signal.SIGKILL)
    server.wait_exit()
    server.start_again()
    assert [status(server, token), status(server, kept)] == [401, 200]


def test_a_logout_holds_after_a_kill(serve):
    server, _ = serve()
    token = log_in(server)
    ask(server, "/.postern/logout", [cookie(token)], "http1", "POST", b"")
    time.sleep(KEPT + 0.05)
    end(server, signal.SIGKILL)
    server.start_again()
    assert status(server, token) == 401


def test_without_a_directory_they_end_with_the_process(start, recorder):
    one = site(recorder)
    one.main = ""
    server = start("postern-native", one)
    token = log_in(server)
    assert status(server, token) == 200
    end(server, signal.SIGTERM)
    server.start_again()
    assert status(server, token) == 401


# The directory.


def test_it_is_made_for_its_owner_alone(serve):
    server, _ = serve()
    directory = server.directory / "state"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    log_in(server)
    time.sleep(KEPT)
    for path in directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    end(server, signal.SIGTERM)
    # One that others can look into is closed to them.
    directory.chmod(0o755)
    (directory / "state.db").chmod(0o644)
    server.start_again()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "state.db").stat().st_mode) == 0o600


def refused(start, recorder, prepare, main=""):
    """What a server says that doesn't start by a directory so prepared."""
    one = site(recorder)
    directory = prepare()
    one.main = one.main.replace("{directory}/state", str(directory))
    with pytest.raises(StartFailure) as failure:
        start("postern-native", one)
    return str(failure.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory to somebody else")
def test_somebody_elses_directory(start, recorder, tmp_path):
    directory = tmp_path / "theirs"
    directory.mkdir(mode=0o700)
    os.chown(directory, 65534, 65534)
    said = refused(start, recorder, lambda: directory)
    assert f"{directory} belongs to user 65534: it must belong to the user that Postern runs as" in said


def test_a_directory_that_is_none(start, recorder, tmp_path):
    (tmp_path / "file").write_text("")
    said = refused(start, recorder, lambda: tmp_path / "file")
    assert f"state_dir: {tmp_path}/file is not a directory" in said


def test_a_directory_without_a_parent(start, recorder, tmp_path):
    said = refused(start, recorder, lambda: tmp_path / "none" / "state")
    assert f"state_dir: mkdir {tmp_path}/none/state: No such file or directory" in said


def test_a_directory_that_another_process_has(serve, start, recorder):
    server, _ = serve()
    token = log_in(server)
    said = refused(start, recorder, lambda: server.directory / "state")
    assert "is in use by another process: each needs a state_dir of its own" in said
    # The first goes on, and so does what it keeps.
    assert status(server, token) == 200
    time.sleep(KEPT + 0.05)
    end(server, signal.SIGKILL)
    server.start_again()
    assert status(server, token) == 200


def test_a_reload_moves_nothing(serve):
    server, _ = serve()
    token = log_in(server)
    text = server.config.read_text()
    server.config.write_text(text.replace("/state;", "/elsewhere;").replace("/control.sock;", "/other.sock;"))
    server.reload()
    server.wait_logged(f"state_dir changes at a restart only: {server.directory}/state stays in use")
    server.wait_logged(f"control changes at a restart only: unix:{server.directory}/control.sock stays in use")
    assert status(server, token) == 200
    assert not (server.directory / "elsewhere").exists()


def test_devices_are_not_asked_for_where_none_could_be_kept(start, recorder):
    """The file would be fine at a start."""
    options = {"upstream": recorder.address, "auth": True, "users": f"alice:{STORED}\n", "plain": False}
    server = start("postern-native", Site(**options, native_server="session on;"))
    pairs = Site(
        **options, main="state_dir {directory}/state;\n", native_server="session on;\ndevice_pairing on auto_approve=on;"
    )
    server.rewrite(pairs)
    server.signal(signal.SIGHUP)
    server.wait_logged("the configuration was not reloaded; the one in use stays: device_pairing keeps its devices in")
    assert ask(server, "/", [basic("alice", PASSWORD)]).status == 200
    end(server, signal.SIGTERM)
    server.start_again()
    assert ask(server, "/", [basic("alice", PASSWORD)]).value("Set-Cookie") is not None


# What can't be kept.


@contextmanager
def small_disk(directory, size="1m"):
    """A file system of this size there."""
    directory.mkdir(mode=0o700)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", directory], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted: {done.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


def readiness(server, way="http1"):
    text = ask(server, "/.postern/ready", [], way)
    json = ask(server, "/.postern/ready", [("Accept", "application/json")], way)
    assert text.status == json.status
    return text.status, text.text, json.text


GOOD = (200, "ready\n", '{"ready":true}\n')
FAILING = (200, "ready\nstate: failing\n", '{"ready":true,"state":"failing"}\n')


def failing(server):
    """Waits until the server has noticed that it can't keep what happens: something happens until then."""

    def noticed():
        ask(server, "/", [basic("bob", PASSWORD), *NAVIGATES])
        return readiness(server) == FAILING

    wait_until(noticed, "the failure", 10, 0.2)


def test_a_full_disk(start, recorder, postern, tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        one = site(recorder, server="device_pairing on max_pending=50;", workers=2)
        one.main = one.main.replace("{directory}/state", f"{disk}/state")
        server = start("postern-native", one)
        command = Command(postern, server)
        try:
            _full_disk(server, command, disk)
        finally:
            server.stop()


def _full_disk(server, command, disk):
    waiting = ask(server, "/", [ALICE, *NAVIGATES])
    device = waiting.cookie(DEVICE)
    (code,) = [one["code"] for one in command.json("devices", "list")["pending"]]
    command("devices", "approve", code)
    mine = cookie((SESSION, waiting.cookie()), (DEVICE, device))
    assert ask(server, "/", [mine]).status == 200
    assert readiness(server) == GOOD

    filler = disk / "filler"
    full = os.open(filler, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(full, b"x" * 4096)
    except OSError:
        pass
    finally:
        os.close(full)
    failing(server)
    assert readiness(server, "http2") == FAILING
    # It goes on serving, and takes logins.
    assert ask(server, "/", [mine]).status == 200
    later = ask(server, "/", [basic("bob", PASSWORD), *NAVIGATES])
    assert later.status == 403 and later.cookie()
    # What can't be kept isn't granted.
    pending = [one for one in command.json("devices", "list")["pending"] if one["user"] == "bob"]
    answer = command("devices", "approve", pending[-1]["code"], check=False)
    assert answer.returncode == 1
    assert "the device is not let in" in answer.stderr and "make room on the disk" in answer.stderr
    assert "done" not in answer.stderr
    assert ask(server, "/", [cookie((SESSION, later.cookie()), (DEVICE, later.cookie(DEVICE)))]).status == 403
    # What is taken back is taken back, and says for how long.
    answer = command("sessions", "revoke", session_id(waiting.cookie()), check=False)
    assert answer.returncode == 1
    assert "done, but only until the next start" in answer.stderr
    assert ask(server, "/", [mine]).status == 401
    time.sleep(2.5)  # Two attempts more: they say nothing new.
    assert server.error_log.count("state can't be kept, and goes on in memory only") == 1

    filler.unlink()
    wait_until(lambda: readiness(server) == GOOD, "the store")
    server.wait_logged("state is kept again")
    # All that happened meanwhile is kept now.
    end(server, signal.SIGKILL)
    server.start_again()
    assert ask(server, "/", [mine]).status == 401
    again = ask(server, "/", [ALICE, cookie((DEVICE, device))])
    assert again.status == 200, "the device is approved still"
    assert session_id(later.cookie()) in [session["id"] for session in command.sessions("bob")]


@pytest.mark.parametrize("content", [b"this is no database" * 1000, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_broken_file_at_the_start(serve, content):
    server, command = serve(workers=2)
    token, revoked = log_in(server), log_in(server, "bob")
    time.sleep(KEPT + 0.05)
    end(server, signal.SIGTERM)
    state = server.directory / "state"
    good = server.directory / "good.db"
    shutil.move(state / "state.db", good)
    for rest in state.glob("state.db-*"):
        rest.unlink()
    (state / "state.db").write_bytes(content)
    server.start_again()
    # It serves: whoever shows a password is let in, and gets a session.
    assert ask(server, "/", [ALICE]).status == 200
    assert status(server, token) == 401
    meanwhile = log_in(server)
    assert readiness(server) == FAILING
    assert server.error_log.count("state can't be kept, and goes on in memory only") == 1
    assert "put a good copy in its place" in server.error_log
    answer = command("audit", check=False)
    assert answer.returncode == 1 and "the audit log can't be read" in answer.stderr
    assert (state / "state.db").read_bytes() == content, "it isn't touched"
    # A revocation of what it can't know of yet holds, once it does.
    answer = command("sessions", "revoke-user", "bob", check=False)
    assert answer.returncode == 1 and "state can't be kept" in answer.stderr
    os.replace(good, state / "state.db")
    wait_until(lambda: readiness(server) == GOOD, "the file to be taken up")
    assert [status(server, one) for one in (token, meanwhile, revoked)] == [200, 200, 401]
    end(server, signal.SIGKILL)
    server.start_again()
    assert [status(server, one) for one in (token, meanwhile, revoked)] == [200, 200, 401]


def test_a_broken_file_that_is_moved_away(serve):
    server, _ = serve()
    end(server, signal.SIGTERM)
    state = server.directory / "state"
    (state / "state.db").write_bytes(b"nonsense" * 1000)
    server.start_again()
    token = log_in(server)
    assert readiness(server) == FAILING
    os.replace(state / "state.db", server.directory / "broken.db")
    wait_until(lambda: readiness(server) == GOOD, "a new file")
    end(server, signal.SIGKILL)
    server.start_again()
    assert status(server, token) == 200


def test_a_file_that_is_removed_while_it_runs(serve):
    server, _ = serve()
    first = log_in(server)
    time.sleep(KEPT + 0.05)
    for path in (server.directory / "state").glob("state.db*"):
        path.unlink()
    second = log_in(server)
    wait_until(lambda: (server.directory / "state" / "state.db").exists(), "a new file")
    time.sleep(1.2)  # For longer than it takes to try again.
    end(server, signal.SIGKILL)
    server.start_again()
    assert [status(server, token) for token in (first, second)] == [200, 200]
