"""Killed at any moment, it has lost nothing of what it had kept or confirmed."""

import http.client
import json
import os
import signal
import socket
import threading
import time
from random import Random

import pytest

from .stage import PASSWORD, Client, ask, cookie, form
from .test_revocation import session_id

KILLS = 30
#: Seconds that all of it takes at the most.
LIMIT = 60
#: Seconds after which what was answered is on the disk.
KEPT = 0.1


class Control(http.client.HTTPConnection):
    """One request to a control socket."""

    def __init__(self, path):
        super().__init__("postern", timeout=10)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def revoke(path, identifier):
    """Whether a session's end was confirmed."""
    control = Control(path)
    try:
        control.request("POST", "/v1/sessions/revoke", json.dumps({"id": identifier}))
        answer = control.getresponse()
        answer.read()
        return answer.status == 200
    finally:
        control.close()


class Pulse(threading.Thread):
    """How much longer than it should this machine takes for a nap and a small write to the disk, of late."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self._path, self._took, self._stopping = path, [], threading.Event()

    def run(self):
        with open(self._path, "wb") as file:
            while not self._stopping.is_set():
                began = time.monotonic()
                time.sleep(0.02)
                file.write(b"x" * 4096)
                file.flush()
                os.fdatasync(file.fileno())
                self._took.append((began, time.monotonic() - began - 0.02))

    def end(self):
        """The longest of the last half second; one that goes on included."""
        now = time.monotonic()
        self._stopping.set()
        self.join(10)
        return max((took for began, took in self._took if began + took > now - 0.5), default=10)


class Ledger:
    """What clients were told, and when."""

    def __init__(self):
        self.lock = threading.Lock()
        #: By token: when its login was answered; and when its end was asked for, and confirmed, by whom.
        self.logins, self.asked, self.revoked, self.left = {}, {}, {}, {}

    def pick(self, random):
        """A session whose end nobody has asked for yet; it is now. Two of three are left alone."""
        with self.lock:
            if 3 * len(self.asked) >= len(self.logins):
                return None
            there = [token for token in self.logins if token not in self.asked]
            token = random.choice(there)
            self.asked[token] = time.monotonic()
            return token


def use(server, ledger, role, random, stopping):
    """Logs in, revokes or logs out until the server is gone."""
    typed = [("Content-Type", "application/x-www-form-urlencoded")]
    try:
        with Client(server, random.choice(["http1", "http2"])) as client:
            while not stopping.is_set():
                time.sleep(random.uniform(0, 0.01))
                if role == "login":
                    answer = client.ask("/.postern/login", typed, "POST", form("alice", PASSWORD))
                    assert answer.status == 303, answer.text
                    with ledger.lock:
                        ledger.logins[answer.cookie()] = time.monotonic()
                elif token := ledger.pick(random):
                    if role == "revoke":
                        if revoke(server.directory / "control.sock", session_id(token)):
                            ledger.revoked[token] = time.monotonic()
                    else:
                        answer = client.ask("/.postern/logout", [cookie(token)], "POST", b"")
                        assert answer.status == 200
                        ledger.left[token] = time.monotonic()
    except (OSError, http.client.HTTPException):
        pass  # It was killed.
    except AssertionError as error:
        if "closed by the peer" not in str(error):
            ledger.errors = error


def lives(client, token):
    return client.ask("/", [cookie(token)]).status == 200


@pytest.mark.slow
def test_thirty_kills(serve):
    server, command = serve("max_concurrent=10000", workers=2)
    random = Random(6)
    began = time.monotonic()
    kept, gone = set(), set()
    logins = revocations = logouts = kills = 0
    for kills in range(1, KILLS + 1):
        if time.monotonic() - began > LIMIT:
            break
        ledger, stopping = Ledger(), threading.Event()
        roles = ["login", "login", "revoke", "revoke", "logout"]
        pulse = Pulse(server.directory / "pulse")
        pulse.start()
        users = [
            threading.Thread(target=use, args=(server, ledger, role, Random(random.random()), stopping), daemon=True)
            for role in roles
        ]
        for thread in users:
            thread.start()
        time.sleep(random.uniform(0.15, 0.8))  # The moment of the kill.
        killed = time.monotonic()
        server.signal(signal.SIGKILL)
        stopping.set()
        server.wait_exit()
        # What the loop did may wait for a write under way, and for its own; both take what the machine takes.
        kept_before = killed - KEPT - 3 * pulse.end()
        for thread in users:
            thread.join(10)
            assert not thread.is_alive()
        assert not hasattr(ledger, "errors"), ledger.errors
        server.start_again()

        mine = {token for token, at in ledger.logins.items() if at < kept_before and token not in ledger.asked}
        ended = set(ledger.revoked) | {token for token, at in ledger.left.items() if at < kept_before}
        with Client(server) as client:
            lost = [token for token in mine if not lives(client, token)]
            back = [token for token in ended if lives(client, token)]
        assert not lost, f"kill {kills}: {len(lost)} of {len(mine)} sessions are lost"
        assert not back, f"kill {kills}: {len(back)} of {len(ended)} are back"
        kept |= set(random.sample(sorted(mine), min(len(mine), 10)))
        gone |= ended
        logins, revocations, logouts = logins + len(mine), revocations + len(ledger.revoked), logouts + len(ledger.left)
    # And once more at the end: what was kept once is kept.
    with Client(server, "http2") as client:
        assert all(lives(client, token) for token in kept)
        assert not any(lives(client, token) for token in random.sample(sorted(gone), min(len(gone), 300)))
    known = {session["id"] for session in command.json("sessions", "list", "--limit", "100000")["sessions"]}
    assert not known & {session_id(token) for token in gone}
    assert kills >= 20 and logins > 200 and revocations > 100 and logouts > 20, (kills, logins, revocations, logouts)
    assert ask(server, "/.postern/ready").text == "ready\n"
    assert "state can't be kept" not in server.error_log
