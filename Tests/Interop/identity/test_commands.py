"""`postern sessions`, `devices`, `key uses`, `locked`, `audit`: what they print for people and for scripts, and when they can't."""

import json
import os
import re
import signal
import socket
import stat

import pytest

from harness.client import basic

from .stage import PASSWORD, ask, cookie, log_in, post_login
from .test_devices import PAIRING, Browser, pending
from .test_revocation import session_id

LISTS = [["sessions", "list"], ["devices", "list"], ["key", "uses"], ["locked", "list"], ["audit"]]
EVERY = [
    *LISTS,
    ["sessions", "revoke", "0123456789abcdef"],
    ["sessions", "revoke-user", "alice"],
    ["devices", "approve", "ABCD-2345"],
    ["devices", "reject", "ABCD-2345"],
    ["devices", "remove", "0123456789"],
    ["devices", "clear"],
    ["locked", "clear"],
]


def rows(text):
    """A table's rows, by its headings."""
    head, *lines = text.rstrip("\n").split("\n")
    starts = [match.start() for match in re.finditer(r"(?:(?<=  )|^)\S", head)]
    names = [head[start:end].strip() for start, end in zip(starts, [*starts[1:], None])]
    return [
        {name: line[start:end].strip() for name, start, end in zip(names, starts, [*starts[1:], None])}
        for line in lines
    ]


def test_sessions(serve):
    server, command = serve(workers=2)
    assert command("sessions", "list").stdout == "no sessions\n"
    assert command.json("sessions", "list") == {"sessions": [], "total": 0}
    tokens = [log_in(server, "alice", fields=[("User-Agent", "Fox\x9b31m/1")]), log_in(server, "bob")]
    assert log_in(server, "bob")
    table = rows(command("sessions", "list").stdout)
    assert sorted(row["USER"] for row in table) == ["alice", "bob", "bob"]
    assert session_id(tokens[0]) in [row["ID"] for row in table]
    assert all(row["FROM"] == "127.0.0.1" and "ago" in row["USED"] or row["USED"] for row in table)
    # What a browser calls itself can't drive the terminal.
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", command("sessions", "list").stdout)
    assert len(rows(command("sessions", "list", "--user", "bob").stdout)) == 2
    assert "and 1 more" in command("sessions", "list", "--limit", "2").stdout
    listed = command.json("sessions", "list", "--user", "alice")
    assert listed["total"] == 1
    (session,) = listed["sessions"]
    assert {"id", "user", "realm", "created_at", "used_at", "expires_at", "address", "agent"} <= set(session)
    assert session["realm"] == str(server.htpasswd)
    for name in ("created_at", "used_at", "expires_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", session[name])

    assert session_id(tokens[1]) in command("sessions", "revoke", session_id(tokens[1])).stdout
    answer = command("sessions", "revoke", session_id(tokens[1]), check=False)
    assert answer.returncode == 1 and "there is no session" in answer.stderr
    assert "1 session" in command("sessions", "revoke-user", "bob").stdout
    answer = command("sessions", "revoke-user", "bob", check=False)
    assert answer.returncode == 1 and '"bob" has no session' in answer.stderr
    assert [session["user"] for session in command.sessions()] == ["alice"]


def test_devices(serve):
    server, command = serve(server=PAIRING.format(""))
    assert command("devices", "list").stdout == "no devices\n"
    one, two = Browser(server, agent="one"), Browser(server, agent="two")
    command("devices", "approve", one.code)
    waiting, approved = command("devices", "list").stdout.split("\n\n")
    assert waiting.startswith("waiting:\n") and approved.startswith("approved:\n")
    (row,) = rows(waiting.split("\n", 1)[1])
    assert (row["CODE"], row["USER"], row["BROWSER"]) == (two.code, "alice", "two")
    (row,) = rows(approved.split("\n", 1)[1])
    assert (row["USER"], row["BROWSER"]) == ("alice", "one") and len(row["ID"]) == 12
    command("devices", "remove", row["ID"])
    assert not command.json("devices", "list")["approved"]


def test_locked(serve):
    server, command = serve(server="auth_failures rate=3r/m lock=1m;", locks=True)
    assert command("locked", "list").stdout == "nobody is locked out\n"
    assert command.json("locked", "list") == {"locked": []}
    for _ in range(4):
        ask(server, "/", [basic("alice", "wrong")])
    assert ask(server, "/", [basic("alice", PASSWORD)]).status == 429
    locks = command.json("locked", "list")["locked"]
    assert {lock["kind"] for lock in locks} == {"address", "user"}
    assert all(lock["failures"] == 3 for lock in locks)
    assert {row["WHAT"] for row in rows(command("locked", "list").stdout)} == {"address", "user"}
    address = next(lock["subject"] for lock in locks if lock["kind"] == "address")
    command("locked", "clear", address)
    assert [lock["kind"] for lock in command.json("locked", "list")["locked"]] == ["user"]
    command("locked", "clear")
    assert command.json("locked", "list") == {"locked": []}
    assert ask(server, "/", [basic("alice", PASSWORD)]).status == 200
    answer = command("locked", "clear", "alice", check=False)
    assert answer.returncode == 1 and "is not locked" in answer.stderr


def test_audit_has_every_decision(serve):
    server, command = serve(
        "max_concurrent=2", PAIRING.format("max_pending=2") + "auth_failures rate=2r/m lock=1m;", locks=True
    )
    assert command("audit").stdout == "nothing was decided yet\n"
    browsers = [Browser(server, agent=f"Browser/{number}") for number in range(3)]
    command("devices", "approve", browsers[2].code)
    command("devices", "reject", browsers[1].code)
    device = command.json("devices", "list")["approved"][0]["id"]
    command("devices", "remove", device)
    last = Browser(server, "bob", "Browser/bob")
    command("devices", "clear")
    token = post_login(server, "bob").cookie()
    ask(server, "/.postern/logout", [cookie(token)], "http1", "POST", b"")
    revoked = log_in_by_form(server, "bob")
    command("sessions", "revoke", session_id(revoked))
    log_in_by_form(server, "bob")
    command("sessions", "revoke-user", "bob")
    for _ in range(2):
        ask(server, "/", [basic("bob", "wrong")])
    command("locked", "clear")

    entries = command.audit()
    by_event = {}
    for entry in entries:
        by_event.setdefault(entry["event"], []).append(entry)
    me = {"device approved", "device removed", "session revoked", "unlocked"}
    for event in me:
        assert all(entry["actor"] for entry in by_event[event]), event
    logins = by_event["login"]
    assert {entry["actor"] for entry in logins} == {"alice", "bob"}
    assert all(entry["address"] == "127.0.0.1" and len(entry["subject"]) == 16 for entry in logins)
    assert {entry["subject"] for entry in by_event["device waits"]} >= {browser.code for browser in [*browsers, last]}
    assert by_event["device approved"][0]["subject"] == by_event["device removed"][0]["subject"] == device
    assert by_event["device approved"][0]["detail"] == "alice"
    refused = {entry["subject"]: entry for entry in by_event["device refused"]}
    assert set(refused) == {browsers[0].code, browsers[1].code, last.code}
    reasons = {entry["detail"] for entry in by_event["session ended"]}
    assert reasons >= {"logout", "max_concurrent"}
    assert session_id(revoked) in {entry["subject"] for entry in by_event["session revoked"]}
    assert {"address locked", "user locked"} <= set(by_event)
    # Newest first in JSON, newest last in the table.
    times = [entry["time"] for entry in entries]
    assert times == sorted(times, reverse=True)
    table = rows(command("audit").stdout)
    assert [row["WHAT"] for row in table] == [entry["event"] for entry in reversed(entries)]
    assert len(command.audit(3)) == 3 and command.audit(3) == entries[:3]
    # No secret is in it.
    assert token not in json.dumps(entries) and revoked not in json.dumps(entries)
    # It outlives the process.
    server.signal(signal.SIGKILL)
    server.wait_exit()
    server.start_again()
    assert command.audit()[-len(entries) :] == entries


def log_in_by_form(server, user):
    return post_login(server, user).cookie()


# Who may ask, and what comes when nobody answers.


def test_the_socket_is_its_owners(serve):
    server, command = serve()
    assert stat.S_IMODE(os.stat(command.socket).st_mode) == 0o600
    server.reload()
    assert stat.S_IMODE(os.stat(command.socket).st_mode) == 0o600
    command("sessions", "list")


@pytest.mark.skipif(os.geteuid() != 0, reason="asks as somebody else")
def test_nobody_else_may_ask(serve, postern):
    server, command = serve()
    for directory in (server.directory, *server.directory.parents):
        if str(directory).startswith("/tmp/") and not directory.stat().st_mode & 0o001:
            directory.chmod(directory.stat().st_mode | 0o011)
    answer = postern("sessions", "list", "--socket", command.socket, user=65534)
    assert answer.returncode == 1
    assert "permission denied. Ask as root, or as the user that Postern runs as" in answer.stderr
    # Not even if the file's mode allowed it.
    os.chmod(command.socket, 0o666)
    answer = postern("sessions", "list", "--socket", command.socket, user=65534)
    assert answer.returncode == 1 and answer.stderr.strip()
    assert not answer.stdout
    command("sessions", "list")


@pytest.mark.parametrize("arguments", EVERY, ids=" ".join)
def test_without_a_proxy(postern, tmp_path, arguments):
    path = tmp_path / "control.sock"
    answer = postern(*arguments, "--socket", path)
    assert answer.returncode == 1 and not answer.stdout
    assert f"no proxy listens at {path}: there is no such socket" in answer.stderr
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    answer = postern(*arguments, "--socket", path)
    assert answer.returncode == 1
    assert f"no proxy listens at {path}: the one that did has ended" in answer.stderr


@pytest.mark.parametrize("arguments", LISTS, ids=" ".join)
def test_by_the_configuration(serve, postern, arguments):
    server, _ = serve()
    answer = postern(*arguments, "-c", server.config)
    assert answer.returncode == 0 and answer.stdout
    answer = postern(*arguments, "-c", server.config, "--json")
    assert answer.returncode == 0 and isinstance(json.loads(answer.stdout), dict)
    server.config.write_text(re.sub("control .*;", "", server.config.read_text()))
    answer = postern(*arguments, "-c", server.config)
    assert answer.returncode == 1 and "control" in answer.stderr
    answer = postern(*arguments, "-c", server.directory / "none.conf")
    assert answer.returncode == 1 and answer.stderr.strip()


@pytest.mark.parametrize(
    "arguments", [["sessions", "revoke"], ["devices", "approve"], ["audit", "--limit", "x"]], ids=" ".join
)
def test_wrong_usage(postern, arguments):
    answer = postern(*arguments)
    assert answer.returncode == 64 and "Usage" in answer.stderr


def test_a_socket_that_is_left_over_is_taken(serve):
    server, command = serve()
    token = log_in(server)
    server.signal(signal.SIGKILL)
    server.wait_exit()
    assert command.socket.exists()
    server.start_again()
    command("sessions", "list")
    assert token
    server.signal(signal.SIGTERM)
    server.wait_exit()
    assert command("sessions", "list", check=False).returncode == 1


def test_without_state_there_is_no_audit_log(start, recorder, postern):
    from .stage import Command, site

    one = site(recorder)
    one.main = "control unix:{directory}/control.sock;\n"
    server = start("postern-native", one)
    command = Command(postern, server)
    token = log_in(server)
    assert [session["id"] for session in command.sessions()] == [session_id(token)]
    answer = command("audit", check=False)
    assert answer.returncode == 1 and "no state_dir" in answer.stderr
    assert pending(command) == []
