"""Who may pass: Basic logins against htpasswd files of every kind."""

import base64
import ctypes
import ctypes.util
import hashlib
import os
import statistics
import subprocess
import time

import pytest

from harness.client import basic, head
from harness.site import Site


def guarded(recorder, users):
    return Site(upstream=recorder.address, auth=True, users=users)


def test_the_right_password_passes(peer, start, recorder, users):
    server = start(peer, guarded(recorder, users))
    answer = server.get("/hello", [basic("alice", "password")])
    assert answer.status == 200
    assert answer.body == b"ok\n"
    assert recorder.last("/hello").method == "GET"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([], id="no login"),
        pytest.param([basic("alice", "wrong")], id="wrong password"),
        pytest.param([basic("alice", "")], id="empty password"),
        pytest.param([basic("alice", "password ")], id="password and a space"),
        pytest.param([basic("carol", "password")], id="unknown user"),
        pytest.param([basic("", "password")], id="empty user"),
        pytest.param([("Authorization", "Basic")], id="no credentials"),
        pytest.param([("Authorization", "Basic ???")], id="not base64"),
        pytest.param([("Authorization", "Basic " + base64.b64encode(b"alice").decode())], id="no colon"),
        pytest.param([("Authorization", "Bearer alice:password")], id="another scheme"),
    ],
)
def test_refused_with_a_challenge(peer, start, recorder, users, fields):
    server = start(peer, guarded(recorder, users))
    answer = server.get("/", fields)
    assert answer.status == 401
    assert answer.value("WWW-Authenticate").startswith('Basic realm="OpenClaw"')
    assert recorder.requests == []


def test_a_refusal_keeps_the_connection(peer, start, recorder, users):
    server = start(peer, guarded(recorder, users))
    with server.connect() as connection:
        assert connection.request(fields=[basic("alice", "wrong")]).status == 401
        assert connection.request(fields=[basic("alice", "password")]).status == 200
        assert connection.request(fields=[basic("bob", "wrong")]).status == 401
        assert connection.request().status == 401


def test_a_removed_user_is_out_at_the_next_request(peer, start, recorder, users):
    server = start(peer, guarded(recorder, users))
    with server.connect() as connection:
        assert connection.request(fields=[basic("bob", "password")]).status == 200
        assert connection.request(fields=[basic("alice", "password")]).status == 200
        replacement = server.directory / "htpasswd.new"
        replacement.write_text(users.split("\n")[0] + "\n")
        os.replace(replacement, server.htpasswd)
        assert connection.request(fields=[basic("bob", "password")]).status == 401
        assert connection.request(fields=[basic("alice", "password")]).status == 200


def test_a_file_changed_in_place_counts(peer, start, recorder, users):
    server = start(peer, guarded(recorder, users))
    with server.connect() as connection:
        assert connection.request(fields=[basic("bob", "password")]).status == 200
        with open(server.htpasswd, "r+") as file:
            file.truncate(0)
            file.write(users.split("\n")[0] + "\n")
        assert connection.request(fields=[basic("bob", "password")]).status == 401


def test_an_added_user_and_a_changed_password_count(peer, start, recorder, users):
    server = start(peer, guarded(recorder, users))
    assert server.get(fields=[basic("dora", "letmein")]).status == 401
    assert server.get(fields=[basic("alice", "password")]).status == 200
    subprocess.run(["htpasswd", "-bs", server.htpasswd, "dora", "letmein"], check=True, capture_output=True)
    subprocess.run(["htpasswd", "-bs", server.htpasswd, "alice", "changed"], check=True, capture_output=True)
    assert server.get(fields=[basic("dora", "letmein")]).status == 200
    assert server.get(fields=[basic("alice", "password")]).status == 401
    assert server.get(fields=[basic("alice", "changed")]).status == 200


def crypt(password, setting):
    """crypt(3), from libxcrypt."""
    library = ctypes.CDLL(ctypes.util.find_library("crypt") or "libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    return library.crypt(password.encode(), setting.encode()).decode()


def htpasswd(password, *options):
    line = subprocess.run(["htpasswd", "-bn", *options, "name", password], check=True, capture_output=True, text=True)
    return line.stdout.strip().split(":", 1)[1]


def openssl(password, option):
    return subprocess.run(
        ["openssl", "passwd", option, password], check=True, capture_output=True, text=True
    ).stdout.strip()


def salted_sha1(password):
    salt = b"saltsalt"
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


SCHEMES = {
    "apr1 by htpasswd": lambda password: htpasswd(password, "-m"),
    "bcrypt by htpasswd": lambda password: htpasswd(password, "-B", "-C", "5"),
    "SHA by htpasswd": lambda password: htpasswd(password, "-s"),
    "apr1 by openssl": lambda password: openssl(password, "-apr1"),
    "md5-crypt": lambda password: openssl(password, "-1"),
    "sha256-crypt": lambda password: openssl(password, "-5"),
    "sha512-crypt": lambda password: openssl(password, "-6"),
    "bcrypt 2a": lambda password: crypt(password, "$2a$05$abcdefghijklmnopqrstuu"),
    "bcrypt 2b": lambda password: crypt(password, "$2b$05$abcdefghijklmnopqrstuu"),
    "yescrypt": lambda password: crypt(password, "$y$j9T$abcdefgh$"),
    "SSHA": salted_sha1,
    "PLAIN": lambda password: "{PLAIN}" + password,
}

PASSWORDS = ["correct horse", "pass:with:colons", "pässwörd ✓"]


def test_every_scheme(peer, start, recorder):
    lines, names = [], []
    for number, (scheme, make) in enumerate(SCHEMES.items()):
        for index, password in enumerate(PASSWORDS):
            if scheme == "PLAIN" and ":" in password:
                continue  # A second colon ends the field.
            lines.append(f"user{number}-{index}:{make(password)}")
            names.append((scheme, f"user{number}-{index}", password))
    server = start(peer, guarded(recorder, "\n".join(lines) + "\n"))
    with server.connect() as connection:
        wrong = [
            (scheme, user)
            for scheme, user, password in names
            if connection.request(fields=[basic(user, password)]).status != 200
        ]
        assert wrong == []
        passed = [
            (scheme, user)
            for scheme, user, password in names
            if connection.request(fields=[basic(user, password + "x")]).status != 401
        ]
        assert passed == []


def test_comments_and_extra_fields_in_the_file(peer, start, recorder):
    text = "# people\n\nalice:{PLAIN}secret:a comment\n\nbob:{PLAIN}hush"
    server = start(peer, guarded(recorder, text))
    assert server.get(fields=[basic("alice", "secret")]).status == 200
    assert server.get(fields=[basic("bob", "hush")]).status == 200
    assert server.get(fields=[basic("# people", "")]).status == 401


def test_a_missing_file_lets_nobody_in(peer, start, recorder, users):
    server = start(peer, guarded(recorder, users))
    server.htpasswd.unlink()
    answer = server.get(fields=[basic("alice", "password")])
    assert answer.status in (401, 403, 500, 503)
    assert recorder.requests == []


@pytest.mark.peers("postern-nginx", "postern-native")
def test_an_expensive_hash_is_paid_once(start, peer, recorder):
    """Twenty requests with bcrypt cost 10 (some 50 ms each) cost no twenty verifications of processor time."""
    stored = htpasswd("secret", "-B", "-C", "10")
    server = start(peer, guarded(recorder, f"alice:{stored}\n"))
    with server.connect() as connection:
        assert connection.request(fields=[basic("alice", "secret")]).status == 200
        before = processor_ticks(server.pid)
        for _ in range(20):
            assert connection.request(fields=[basic("alice", "secret")]).status == 200
        assert processor_ticks(server.pid) - before <= 10  # hundredths of a second


@pytest.mark.peers("postern-nginx", "postern-native")
def test_hammering_an_expensive_hash_slows_nobody_else(start, peer, recorder, users):
    """Sixteen guesses at bcrypt cost 12 are seconds of hashing; another's requests pass meanwhile."""
    stored = htpasswd("secret", "-B", "-C", "12")
    server = start(peer, guarded(recorder, users + f"slow:{stored}\n"))
    with server.connect() as fast:
        assert fast.request(fields=[basic("alice", "password")]).status == 200
        attackers = [server.connect() for _ in range(16)]
        try:
            for number, attacker in enumerate(attackers):
                attacker.send(head("GET", "/", [basic("slow", f"guess {number}")]))
            began = time.monotonic()
            for _ in range(20):
                assert fast.request(fields=[basic("alice", "password")]).status == 200
            assert time.monotonic() - began < 1
            for attacker in attackers:
                assert attacker.response().status in (401, 429, 503)
        finally:
            for attacker in attackers:
                attacker.close()


@pytest.mark.peers("postern-nginx", "postern-native")
def test_an_unknown_user_takes_as_long_as_a_known_one(start, peer, recorder):
    stored = htpasswd("secret", "-B", "-C", "10")
    server = start(peer, guarded(recorder, f"alice:{stored}\nbob:{stored}\n"))

    def typical(user):
        times = []
        with server.connect() as connection:
            for number in range(9):
                began = time.monotonic()
                assert connection.request(fields=[basic(user, f"guess {number}")]).status == 401
                times.append(time.monotonic() - began)
        return statistics.median(times)

    assert 0.5 < typical("nobody") / typical("alice") < 2


def processor_ticks(process):
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])
