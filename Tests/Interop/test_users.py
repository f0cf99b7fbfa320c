"""`postern user`: the htpasswd file's own tool."""

import os
import signal
import stat
import subprocess
import time
from random import Random

import pytest

from harness.client import in_threads
from harness.process import postern_binary


@pytest.fixture
def file(tmp_path):
    return tmp_path / "htpasswd"


def test_add_verify_list_remove(postern, file):
    assert postern("user", "add", file, "alice", "--stdin", stdin="secret\n").returncode == 0
    assert file.read_text().startswith("alice:$2y$12$") or file.read_text().startswith("alice:$2b$12$")
    assert postern("user", "verify", file, "alice", "--stdin", stdin="secret\n").returncode == 0
    assert postern("user", "verify", file, "alice", "--stdin", stdin="wrong\n").returncode == 1
    assert postern("user", "verify", file, "nobody", "--stdin", stdin="secret\n").returncode == 1
    assert "alice" in postern("user", "list", file).stdout.split()
    assert postern("user", "remove", file, "alice").returncode == 0
    assert "alice" not in file.read_text()
    assert postern("user", "remove", file, "alice").returncode == 1


def test_apache_reads_what_we_write(postern, file):
    postern("user", "add", file, "alice", "--stdin", stdin="secret\n")
    assert subprocess.run(["htpasswd", "-bv", file, "alice", "secret"], capture_output=True).returncode == 0
    assert subprocess.run(["htpasswd", "-bv", file, "alice", "wrong"], capture_output=True).returncode != 0


def test_we_read_what_apache_writes(postern, file):
    for number, option in enumerate(["-m", "-B", "-s", "-2", "-5"]):
        create = ["-c"] if number == 0 else []
        made = subprocess.run(["htpasswd", "-b", *create, option, file, f"user{number}", "secret"], capture_output=True)
        if made.returncode == 0:  # Some builds lack -2 and -5.
            assert postern("user", "verify", file, f"user{number}", "--stdin", stdin="secret\n").returncode == 0


def test_add_does_not_overwrite_and_passwd_does(postern, file):
    postern("user", "add", file, "alice", "--stdin", stdin="first\n")
    assert postern("user", "add", file, "alice", "--stdin", stdin="second\n").returncode == 1
    assert postern("user", "verify", file, "alice", "--stdin", stdin="first\n").returncode == 0
    assert postern("user", "passwd", file, "alice", "--stdin", stdin="second\n").returncode == 0
    assert postern("user", "verify", file, "alice", "--stdin", stdin="second\n").returncode == 0
    assert postern("user", "passwd", file, "nobody", "--stdin", stdin="x\n").returncode == 1


def test_a_generated_password_works(postern, file):
    answer = postern("user", "add", file, "alice", "--generate")
    assert answer.returncode == 0
    password = answer.stdout.split()[-1]
    assert len(password) >= 16
    assert postern("user", "verify", file, "alice", "--stdin", stdin=password + "\n").returncode == 0


def test_comments_order_and_mode_are_kept(postern, file):
    file.write_text("# the team\nbob:{PLAIN}x:a note\n\nzoe:{PLAIN}y\n")
    file.chmod(0o640)
    postern("user", "add", file, "alice", "--stdin", stdin="secret\n")
    postern("user", "remove", file, "zoe")
    lines = file.read_text().split("\n")
    assert lines[:3] == ["# the team", "bob:{PLAIN}x:a note", ""]
    assert lines[3].startswith("alice:")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_new_file_is_private(postern, file):
    postern("user", "add", file, "alice", "--stdin", stdin="secret\n")
    assert stat.S_IMODE(file.stat().st_mode) & 0o007 == 0


@pytest.mark.parametrize("name", ["a:b", "a\nb", "a\x1bb", "", "x" * 256])
def test_names_that_cannot_be(postern, file, name):
    answer = postern("user", "add", file, name, "--stdin", stdin="secret\n")
    assert answer.returncode != 0
    assert answer.stderr.strip()
    assert not file.exists() or file.read_text() == ""


def test_fifty_at_once_lose_nobody(postern, file):
    file.write_text("# kept\n")
    statuses = in_threads(
        50,
        lambda index: (
            postern("user", "add", file, f"user{index}", "--stdin", stdin=f"pw{index}\n", timeout=180).returncode
        ),
    )
    assert statuses == [0] * 50
    lines = file.read_text().splitlines()
    assert lines[0] == "# kept"
    assert sorted(line.split(":")[0] for line in lines[1:]) == sorted(f"user{index}" for index in range(50))
    assert os.listdir(file.parent) in (
        [file.name],
        sorted([file.name, file.name + ".lock"]),
        [file.name + ".lock", file.name],
    )


def test_a_kill_at_any_moment_loses_nobody(postern, file):
    """Sixty of `add` and `remove`, killed at random moments between their start and a little past their usual end."""
    head = "# the team\n\n"
    kept = "".join(f"user{index}:{{PLAIN}}x:a note\n" for index in range(1000))
    leaving = [f"leaving{index}" for index in range(30)]
    file.write_text(head + kept + "# those who leave\n" + "".join(f"{name}:{{PLAIN}}y\n" for name in leaving))
    file.chmod(0o640)
    random = Random(60)

    def run(*arguments):
        return subprocess.Popen(
            [postern_binary(), "user", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def usual(*arguments):
        began = time.monotonic()
        run(*arguments).communicate(b"secret\n")
        return time.monotonic() - began

    add, remove = usual("add", file, "first", "--stdin"), usual("remove", file, "first")
    # Most of adding is the hash, of which nothing can be lost: what follows it counts.
    moments = {
        "add": lambda: add - remove + random.uniform(-0.2, 2) * remove,
        "remove": lambda: random.uniform(0, 1.5) * remove,
    }
    outcomes = set()
    present = set(leaving)
    for step in range(60):
        action, name = ("add", f"new{step}") if step % 2 else ("remove", leaving[step // 2])
        process = run(action, file, name, *(["--stdin"] if action == "add" else []))
        if action == "add":
            process.stdin.write(b"secret\n")
        process.stdin.close()
        time.sleep(max(moments[action](), 0))  # Not a wait for anything: the moment of the kill.
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        text = file.read_text()
        assert text.startswith(head + kept + "# those who leave\n"), f"{action} {step}"
        assert text.endswith("\n")
        names = {line.split(":")[0] for line in text.splitlines() if line and not line.startswith("#")}
        others = {one for one in names if not one.startswith("user")}
        # All of the change, or none of it; and nobody else's.
        done = present | {name} if action == "add" else present - {name}
        assert others in (done, present), f"{action} {step}"
        outcomes.add((action, others == done))
        present = others
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
        # One name for what a kill may leave, however many there were.
        assert len(set(os.listdir(file.parent)) - {file.name}) <= 1
    assert {("remove", True), ("remove", False)} <= outcomes, "no kill came before the change, or none after it"
    assert postern("user", "add", file, "last", "--stdin", stdin="secret\n").returncode == 0
    assert os.listdir(file.parent) == [file.name]
    assert postern("user", "verify", file, "last", "--stdin", stdin="secret\n").returncode == 0
