"""Who guesses is not listened to for a while; who is known, is."""

import json
import subprocess

import pytest

from harness.client import basic
from harness.metrics import read_metrics
from harness.ports import wait_until
from harness.process import postern_binary
from harness.site import Site

from .keys import KeyFile, make_key
from .stage import PASSWORD, VERSIONS, ask, cookie_field, cookies, log_in

HOMES = "127.0.2."
ATTACKERS = "127.0.3."


@pytest.fixture(scope="module")
def hashed():
    """Users whose passwords cost a hash each."""
    lines = ""
    for user in ("alice", "bob"):
        command = ["htpasswd", "-nbBC", "5", user, PASSWORD]
        lines += subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() + "\n"
    return lines


@pytest.fixture
def server(tmp_path, start, recorder, hashed):
    site = Site(
        upstream=recorder.address,
        auth=True,
        users=hashed,
        http2=True,
        native_top="control unix:{directory}/control.sock;",
        native_server=f"""
            auth_failures rate=5r/m lock=3s;
            api_keys {tmp_path}/keys.json;
            login_form on;
            location = /metrics {{ auth_basic off; api_keys off; metrics; allow all; }}
            location /long/ {{ auth_failures rate=5r/m lock=10m; proxy_pass http://gateway; }}
        """,
    )
    keys = KeyFile(tmp_path / "keys.json")
    made = start("postern-native", site)
    made.key = keys.add("ci", "read")
    return made


def guess(server, user, source, target="/", version="HTTP/1.1", password="wrong"):
    return ask(server, version, target=target, fields=[basic(user, password)], source=source)


def hashes(server):
    return read_metrics(server).value("postern_password_hashes_total")


def control(server, *words):
    command = [postern_binary(), *words, "--socket", server.directory / "control.sock"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def locked(server):
    """What is locked: {subject: kind}."""
    said = json.loads(control(server, "locked", "list", "--json").stdout)
    return {lock["subject"]: lock["kind"] for lock in said["locked"]}


@pytest.mark.parametrize("version", VERSIONS)
def test_an_address_that_guesses_at_many(server, version):
    source = ATTACKERS + "1"
    answers = [guess(server, f"user{number}", source, version=version) for number in range(8)]
    assert [answer.status for answer in answers] == [401] * 5 + [429] * 3
    assert all(1 <= int(answer.value("Retry-After")) <= 3 for answer in answers[5:])
    assert locked(server) == {source: "address"}
    server.wait_logged(f"[warn] {server.pid}: address {source} is locked for 3 s: 5 wrong credentials")
    # For all users, right passwords among them; not for others.
    assert guess(server, "alice", source, version=version, password=PASSWORD).status == 429
    assert guess(server, "alice", ATTACKERS + "2", version=version, password=PASSWORD).status == 200
    # And not for ever.
    wait_until(lambda: guess(server, "alice", source, password=PASSWORD).status == 200, "the end of the lock", 5, 0.1)
    assert locked(server) == {}


def test_no_hash_is_computed_for_who_is_locked(server):
    for number in range(5):
        assert guess(server, "alice", ATTACKERS + "1", "/long/", password=f"guess{number}").status == 401
    # The address is locked, and so is the user for strangers.
    assert locked(server) == {ATTACKERS + "1": "address", "alice": "user"}
    before = hashes(server)
    assert before >= 5
    for number in range(20):
        assert guess(server, "alice", ATTACKERS + "1", "/long/", password=f"more{number}").status == 429
        assert guess(server, "bob", ATTACKERS + "1", "/long/", password=f"more{number}").status == 429
        assert guess(server, "alice", f"{ATTACKERS}{number + 10}", "/long/", password=PASSWORD).status == 429
    assert hashes(server) == before
    # Who isn't locked is looked at.
    assert guess(server, "bob", HOMES + "1", "/long/", password=PASSWORD).status == 200
    assert hashes(server) == before + 1


@pytest.mark.parametrize("user", ["alice", "nobody"])
def test_a_user_whom_many_addresses_guess_at(server, user):
    """Whether there is such a user or not: the answers are the same."""
    answers = [guess(server, user, f"{ATTACKERS}{number + 1}", "/long/").status for number in range(8)]
    assert answers == [401] * 5 + [429] * 3
    assert locked(server) == {user: "user"}
    server.wait_logged(f'user "{user}" is locked for 600 s: 5 wrong credentials')
    assert guess(server, "bob", ATTACKERS + "1", "/long/", password=PASSWORD).status == 200


def test_where_the_user_is_known_strangers_lock_nobody_out(server):
    home = HOMES + "1"
    # By a password of before, and by a browser's cookie from anywhere.
    assert guess(server, "alice", home, "/long/", password=PASSWORD).status == 200
    session = cookies(log_in(server, "alice", "/long/", source=HOMES + "2"))
    device = {"__Host-postern-device": session["__Host-postern-device"]}
    other = cookies(log_in(server, "bob", "/long/", source=HOMES + "3"))
    others = {"__Host-postern-device": other["__Host-postern-device"]}
    for number in range(6):
        guess(server, "alice", f"{ATTACKERS}{number + 1}", "/long/")
    assert locked(server) == {"alice": "user"}
    stranger = ATTACKERS + "99"
    right = [basic("alice", PASSWORD)]
    assert ask(server, target="/long/", fields=right, source=stranger).status == 429
    assert ask(server, target="/long/", fields=right, source=home).status == 200
    assert ask(server, target="/long/", fields=[*right, cookie_field(device)], source=stranger).status == 200
    # The form, as that browser sends it.
    assert log_in(server, "alice", "/long/", fields=[cookie_field(device)], source=stranger).status == 303
    assert log_in(server, "alice", "/long/", source=ATTACKERS + "98").status == 429
    # Another user's browser is a stranger to this one, and so is a cookie that was made up.
    assert ask(server, target="/long/", fields=[*right, cookie_field(others)], source=ATTACKERS + "97").status == 429
    forged = {"__Host-postern-device": device["__Host-postern-device"][:-2] + "AA"}
    assert ask(server, target="/long/", fields=[*right, cookie_field(forged)], source=ATTACKERS + "96").status == 429
    # Who is in, stays in.
    assert ask(server, target="/long/", fields=[cookie_field(session)], source=stranger).status == 200


def test_wrong_keys_lock_an_address_and_right_ones_get_through(server):
    source = ATTACKERS + "1"
    for _ in range(5):
        assert ask(server, target="/long/", fields=[("X-API-Key", make_key())], source=source).status == 401
    assert ask(server, target="/long/", fields=[("X-API-Key", make_key())], source=source).status == 429
    assert locked(server) == {source: "address"}
    assert guess(server, "alice", source, "/long/", password=PASSWORD).status == 429
    assert ask(server, target="/long/", fields=[("X-API-Key", server.key)], source=source).status == 200


def test_locks_are_shown_and_lifted(server):
    one, other = ATTACKERS + "1", ATTACKERS + "2"
    for number in range(5):
        guess(server, f"a{number}", one, "/long/")
        guess(server, f"b{number}", other, "/long/")
        guess(server, "bob", f"{ATTACKERS}{number + 10}", "/long/")
    assert locked(server) == {one: "address", other: "address", "bob": "user"}
    shown = control(server, "locked", "list").stdout
    assert all(subject in shown for subject in (one, other, "bob"))
    # One, and only that.
    assert control(server, "locked", "clear", one).returncode == 0
    assert locked(server) == {other: "address", "bob": "user"}
    assert guess(server, "alice", one, "/long/", password=PASSWORD).status == 200
    assert guess(server, "alice", other, "/long/", password=PASSWORD).status == 429
    assert control(server, "locked", "clear", "bob").returncode == 0
    assert guess(server, "bob", ATTACKERS + "50", "/long/", password=PASSWORD).status == 200
    missing = control(server, "locked", "clear", "carol")
    assert missing.returncode != 0 and "carol" in missing.stderr
    # All.
    assert control(server, "locked", "clear").returncode == 0
    assert locked(server) == {}
    assert guess(server, "alice", other, "/long/", password=PASSWORD).status == 200
    # The count begins anew, too.
    assert [guess(server, f"c{number}", one, "/long/").status for number in range(6)] == [401] * 5 + [429]
