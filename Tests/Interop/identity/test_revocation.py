"""Whoever is let in no more loses what they have open within a second, on every loop; others don't."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import pytest
from websockets.exceptions import ConnectionClosed

from harness.client import basic, in_threads
from harness.client import head as request_head
from harness.ports import wait_until
from harness.process import postern_binary
from harness.websocket import WebSocket

from .stage import (
    ANOTHER,
    DEVICE,
    NAVIGATES,
    PASSWORD,
    SESSION,
    STORED,
    ask,
    cookie,
    log_in,
    post_login,
    status,
)
from .streams import EVENTS, SOCKET, open_streams, serve_streams, time_of_end

#: Seconds from a revocation to the end of what it revokes.
WITHIN = 1.0


@pytest.fixture(autouse=True)
def _streams(recorder):
    serve_streams(recorder)


@contextmanager
def held(*groups):
    """Streams that are open, and closed after it."""
    streams = [stream for group in groups for stream in group]
    try:
        for stream in streams:
            assert stream.goes_on(), stream.kind
        yield
    finally:
        for stream in streams:
            stream.close()


def all_end(streams, since, within=WITHIN):
    """All of them have ended within so many seconds of `since`."""
    timeout = max(since - time.monotonic(), 0) + 3
    ends = in_threads(len(streams), lambda index: time_of_end(streams[index], timeout))
    late = [(stream.kind, round(end - since, 3)) for stream, end in zip(streams, ends) if end - since > within]
    assert not late, f"too late: {late}"
    return [end - since for end in ends]


def all_go_on(streams):
    for stream in streams:
        assert stream.goes_on(), f"{stream.kind} of {stream.user} has ended"


def rewrite(path, text):
    """A change as an editor makes it: the whole file at once."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


@pytest.mark.parametrize("proof", ["session", "password"])
@pytest.mark.parametrize("change", ["removed", "another password", "file removed"])
def test_a_user_who_is_gone(serve, proof, change):
    server, _ = serve(workers=2)
    fields = {
        user: [cookie(log_in(server, user)) if proof == "session" else basic(user, PASSWORD)]
        for user in ("alice", "bob")
    }
    alice, bob = (open_streams(server, fields[user], user) for user in ("alice", "bob"))
    with held(alice, bob):
        since = time.monotonic()
        match change:
            case "removed":
                rewrite(server.htpasswd, f"bob:{STORED}\n")
            case "another password":
                rewrite(server.htpasswd, f"alice:{ANOTHER}\nbob:{STORED}\n")
            case "file removed":
                server.htpasswd.unlink()
        all_end(alice + bob if change == "file removed" else alice, since)
        if change != "file removed":
            all_go_on(bob)
            assert ask(server, "/", fields["bob"]).status == 200
        assert ask(server, "/", fields["alice"]).status in (401, 403)


def test_a_file_that_is_touched_and_says_the_same_ends_nothing(serve):
    server, _ = serve(workers=2)
    streams = open_streams(server, [cookie(log_in(server))], "alice", each=1)
    streams += open_streams(server, [basic("alice", PASSWORD)], "alice", each=1)
    with held(streams):
        rewrite(server.htpasswd, f"carol:{STORED}\nalice:{STORED}\n")
        time.sleep(1.2)  # For longer than a revocation takes.
        all_go_on(streams)


@pytest.mark.parametrize("proof", ["password", "key"])
@pytest.mark.parametrize("change", ["others", "own"])
def test_a_file_that_changes_before_the_reply_begins(serve, recorder, postern, proof, change):
    """What counts is what the caller proved itself by, not what the file says once its stream opens."""
    begins = threading.Event()

    def late(exchange):
        begins.wait(20)
        exchange.start_chunked()
        while not exchange.wait_peer_gone(0.05):
            exchange.chunk(b"data: tick\n\n")

    recorder.on("/late", late)
    server = serve_keys(serve)
    key, identifier = make_key(server, "one", "--permission", "read")
    fields = [basic("alice", PASSWORD)] if proof == "password" else [("X-API-Key", key)]
    assert ask(server, "/", fields).status == 200
    with server.connect() as client:
        client.send(request_head("GET", "/late", fields))
        recorder.last("/late")
        if proof == "password":
            rewrite(server.htpasswd, f"carol:{STORED}\nalice:{STORED if change == 'others' else ANOTHER}\n")
        elif change == "others":
            make_key(server, "two", "--permission", "read")
        else:
            assert postern("key", "rotate", server.directory / "keys.json", identifier).returncode == 0
        time.sleep(0.6)  # For longer than it takes to be noticed.
        begins.set()
        assert client.response_head().status == 200
        client.socket.settimeout(5)
        until = time.monotonic() + 1.5
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < until and client.take():
                pass
        assert (time.monotonic() >= until) == (change == "others")


def test_a_revoked_session(serve):
    server, command = serve(workers=2)
    first, second = log_in(server), log_in(server)
    revoked = open_streams(server, [cookie(first)], "alice")
    kept = open_streams(server, [cookie(second)], "alice")
    by_password = open_streams(server, [basic("alice", PASSWORD)], "alice", each=1)
    with held(revoked, kept, by_password):
        identifier = session_id(first)
        assert identifier in [session["id"] for session in command.sessions("alice")]
        since = time.monotonic()
        command("sessions", "revoke", identifier)
        all_end(revoked, since)
        all_go_on(kept + by_password)
    assert ask(server, "/", [cookie(first)]).status == 401
    assert ask(server, "/", [cookie(second)]).status == 200


def test_the_log_lines_of_what_was_revoked(serve):
    """The line of a stream comes at its end, and says that it wasn't the client's."""
    server, command = serve(top="log_format ends '$request_uri $status $postern_refusal';")
    text = server.config.read_text()
    server.config.write_text(text.replace("access.log combined;", "access.log ends;"))
    server.reload()
    revoked, kept = log_in(server), log_in(server)
    marked = server.access_log
    streams, others = (open_streams(server, [cookie(one)], "alice", each=1) for one in (revoked, kept))
    with held(streams, others):
        command("sessions", "revoke", session_id(revoked))
        all_end(streams, time.monotonic())
        lines = [f"{SOCKET} 101 revoked", f"{SOCKET} 200 revoked"] + 2 * [f"{EVENTS} 200 revoked"]
        assert_lines(server, marked, lines)
        all_go_on(others)
    # What the client itself closes is nobody's refusal; event streams have no other end.
    lines += [f"{SOCKET} 101 -", f"{SOCKET} 200 -"] + 2 * [f"{EVENTS} 200 client-gone"]
    assert_lines(server, marked, lines)


def assert_lines(server, marked, expected):
    """Of streams, these lines and no others have come."""

    def lines():
        new = server.access_log[len(marked) :].splitlines()
        return sorted(line for line in new if line.startswith((SOCKET, EVENTS)))

    with contextlib.suppress(AssertionError):
        wait_until(lambda: lines() == sorted(expected), "the lines", 3)
    assert lines() == sorted(expected)


def test_all_of_a_users_sessions(serve):
    server, command = serve(workers=2)
    alice = [stream for _ in range(2) for stream in open_streams(server, [cookie(log_in(server))], "alice", each=2)]
    bob = open_streams(server, [cookie(log_in(server, "bob"))], "bob")
    with held(alice, bob):
        since = time.monotonic()
        command("sessions", "revoke-user", "alice")
        all_end(alice, since)
        all_go_on(bob)
    assert command.sessions("alice") == []


@pytest.mark.parametrize("way", ["http1", "http2"])
def test_a_logout(serve, way):
    server, _ = serve(workers=2)
    mine, others = log_in(server), log_in(server)
    ended = open_streams(server, [cookie(mine)], "alice")
    kept = open_streams(server, [cookie(others)], "alice")
    with held(ended, kept):
        since = time.monotonic()
        assert ask(server, "/.postern/logout", [cookie(mine)], way, "POST", b"").status == 200
        all_end(ended, since)
        all_go_on(kept)


def test_another_login_in_the_same_browser(serve):
    server, _ = serve(workers=2)
    before = log_in(server)
    ended = open_streams(server, [cookie(before)], "alice", each=1)
    with held(ended):
        since = time.monotonic()
        after = post_login(server, "bob", fields=[cookie(before)]).cookie()
        all_end(ended, since)
    assert status(server, before) == 401 and status(server, after) == 200


def test_the_sessions_time(serve):
    server, _ = serve("timeout=3s", workers=2)
    before = time.monotonic()
    streams = open_streams(server, [cookie(log_in(server))], "alice", each=2)
    by_password = open_streams(server, [basic("alice", PASSWORD)], "alice", each=1)
    with held(streams, by_password):
        took = all_end(streams, before + 3)
        assert min(took) > -0.1, "before its time"
        all_go_on(by_password)


def test_an_open_stream_keeps_a_session_from_being_idle(serve):
    server, _ = serve("timeout=1m idle=1s")
    token = log_in(server)
    streams = open_streams(server, [cookie(token)], "alice", each=1)
    with held(streams):
        time.sleep(2.5)  # More than twice the time in which an idle one ends.
        all_go_on(streams)
        assert ask(server, "/", [cookie(token)]).status == 200


@pytest.mark.parametrize("way", ["SIGHUP with the file exchanged", "SIGHUP with another file named"])
def test_a_reload_with_other_users(serve, way):
    server, _ = serve(workers=2)
    sessions = {user: log_in(server, user) for user in ("alice", "bob")}
    alice = open_streams(server, [cookie(sessions["alice"])], "alice", each=2)
    alice += open_streams(server, [basic("alice", PASSWORD)], "alice", each=1)
    bob = open_streams(server, [cookie(sessions["bob"])], "bob", each=1)
    bob += open_streams(server, [basic("bob", PASSWORD)], "bob", each=1)
    with held(alice, bob):
        others = server.directory / "others"
        others.write_text(f"bob:{STORED}\n")
        since = time.monotonic()
        if "exchanged" in way:
            os.replace(others, server.htpasswd)
            server.reload()
            all_end(alice, since)
            all_go_on(bob)
        else:
            server.config.write_text(server.config.read_text().replace("/htpasswd;", "/others;"))
            server.reload()
            # A login by one file says nothing where another one counts, whoever is in it.
            all_end(alice + bob, since)
            assert ask(server, "/", [cookie(sessions["bob"])]).status == 401


def test_a_reload_that_changes_nothing_ends_nothing(serve):
    server, _ = serve(workers=2)
    streams = open_streams(server, [cookie(log_in(server))], "alice", each=1)
    streams += open_streams(server, [basic("bob", PASSWORD)], "bob", each=1)
    with held(streams):
        server.reload()
        time.sleep(1.2)  # For longer than a revocation takes.
        all_go_on(streams)


# API keys.


def make_key(server, name, *options):
    """A key of the server's file: its secret and its id."""
    answer = subprocess.run(
        [postern_binary(), "key", "add", server.directory / "keys.json", "--name", name, "--json", *options],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    made = json.loads(answer.stdout)
    return made["key"], made["id"]


def serve_keys(serve):
    return serve(server="api_keys {directory}/keys.json;", workers=2)[0]


@pytest.mark.parametrize("field", ["Authorization", "X-API-Key"])
@pytest.mark.parametrize("change", ["revoked", "rotated", "file removed"])
def test_a_key_that_is_gone(serve, postern, field, change):
    server = serve_keys(serve)
    names = ("one", "other")
    may = ["--permission", "read", "--permission", "write"]
    (one, identifier), (other, _) = (make_key(server, name, *may) for name in names)

    def shown(key):
        return [(field, f"Bearer {key}" if field == "Authorization" else key)]

    revoked, kept = open_streams(server, shown(one), "one"), open_streams(server, shown(other), "other")
    by_password = open_streams(server, [basic("alice", PASSWORD)], "alice", each=1)
    with held(revoked, kept, by_password):
        since = time.monotonic()
        keys = server.directory / "keys.json"
        match change:
            case "revoked":
                assert postern("key", "revoke", keys, identifier).returncode == 0
            case "rotated":
                assert postern("key", "rotate", keys, identifier).returncode == 0
            case "file removed":
                keys.unlink()
        all_end(revoked + kept if change == "file removed" else revoked, since)
        all_go_on(by_password if change == "file removed" else kept + by_password)
        assert ask(server, "/", shown(one)).status in (401, 403)


def test_a_key_that_expires(serve):
    server = serve_keys(serve)
    expires = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=4)
    text = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    one, _ = make_key(server, "one", "--permission", "read", "--permission", "write", "--expires", text)
    other, _ = make_key(server, "other", "--permission", "read", "--permission", "write")
    ending = open_streams(server, [("X-API-Key", one)], "one")
    kept = open_streams(server, [("X-API-Key", other)], "other", each=1)
    at = time.monotonic() + (expires - datetime.now(timezone.utc)).total_seconds()
    with held(ending, kept):
        took = all_end(ending, at)
        assert min(took) > -0.1, "before its time"
        all_go_on(kept)
        answer = ask(server, "/", [("X-API-Key", one)])
        assert answer.status == 401 and "expired" in answer.text


# Devices.


def test_a_removed_device(serve):
    server, command = serve(server="device_pairing on;", workers=2)
    devices = []
    for agent in ("one", "two"):
        answer = ask(server, "/", [basic("alice", PASSWORD), *NAVIGATES, ("User-Agent", agent)])
        assert answer.status == 403
        devices.append([cookie((SESSION, answer.cookie()), (DEVICE, answer.cookie(DEVICE)))])
    for device in command.json("devices", "list")["pending"]:
        command("devices", "approve", device["code"])
    ended, kept = (open_streams(server, fields, "alice") for fields in devices)
    with held(ended, kept):
        # The session's list tells which of the two it is.
        mine = next(one for one in command.sessions() if one["id"] == session_id(_token(devices[0])))
        assert mine["device"]
        since = time.monotonic()
        command("devices", "remove", mine["device"])
        all_end(ended, since)
        all_go_on(kept)
    assert ask(server, "/", devices[0]).status == 401, "its session has ended, too"
    assert ask(server, "/", devices[1]).status == 200
    # With the password it is but a device that waits once more.
    again = [basic("alice", PASSWORD), ("Cookie", devices[0][0][1])]
    assert ask(server, "/", again).status == 403


def _token(fields):
    return fields[0][1].split("; ")[0].split("=", 1)[1]


def session_id(token):
    """What people see of a session: the beginning of its token's hash."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


# Clients that others wrote.


def test_a_websocket_library_is_told_why(serve, context):
    server, command = serve()
    token = log_in(server)
    url = f"wss://localhost:{server.ports['tls']}{SOCKET}"
    with WebSocket(url, context, {"Cookie": cookie(token)[1]}) as client:
        assert client.echo("on") == "on"
        since = time.monotonic()
        command("sessions", "revoke", session_id(token))
        with pytest.raises(ConnectionClosed):
            client.recv()
        assert time.monotonic() - since < WITHIN
        assert client.close_code == 1008


@pytest.mark.parametrize("way, code", [("--http1.1", 18), ("--http2", 92)])
def test_curl_sees_that_an_event_stream_broke(serve, authority, way, code):
    server, command = serve()
    token = log_in(server)
    url = f"https://localhost:{server.ports['tls']}{EVENTS}"
    curl = subprocess.Popen(
        ["curl", "-sSN", "--noproxy", "*", "--cacert", authority.certificate, "-b", cookie(token)[1], way, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert curl.stdout.readline() == b"data: tick\n"
        since = time.monotonic()
        command("sessions", "revoke", session_id(token))
        assert curl.wait(5) == code, curl.stderr.read()
        assert time.monotonic() - since < WITHIN
    finally:
        curl.kill()
        curl.communicate()


def test_many_on_both_loops(serve):
    """More streams than a look takes at once, on both loops: none is forgotten."""
    server, command = serve(workers=2)
    token = log_in(server)
    streams = open_streams(server, [cookie(token)], "alice", each=25)
    with held(streams):
        since = time.monotonic()
        command("sessions", "revoke", session_id(token))
        # A hundred threads of the client take their time, too.
        all_end(streams, since, within=2 * WITHIN)
    server.signal(signal.SIGTERM)
    assert server.wait_exit() == 0
