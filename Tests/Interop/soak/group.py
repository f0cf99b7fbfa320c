"""Upstreams that are killed and started again, and what their journals tell."""

import random
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(__file__).with_name("upstream.py")


@dataclass(frozen=True)
class Kill:
    """A server that was killed. It went between `began` and `ended`, by the monotonic clock in seconds."""

    address: str
    label: str
    began: float
    ended: float


@dataclass(frozen=True)
class Journal:
    """What one life of a server wrote down: requests whose head came, and those whose whole reply it sent."""

    begun: Counter
    finished: frozenset


class Member:
    """One server, always at the same address; `life` counts its starts."""

    def __init__(self, name, directory):
        self.name, self.directory = name, directory
        self.port = quiet_port()
        self.address = f"127.0.0.1:{self.port}"
        self.life = 0
        self.start()

    @property
    def label(self):
        return f"{self.name}.{self.life}"

    def start(self):
        self.life += 1
        command = [sys.executable, str(PROGRAM), str(self.port), self.label, str(self.directory / self.label)]
        with open(self.directory / "output.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
        if self.process.stdout.readline() != b"ready\n":
            raise AssertionError(f"upstream {self.label} did not start: see {self.directory}/output.log")

    def kill(self):
        began = time.monotonic()
        self.process.kill()
        self.process.wait(30)
        self.process.stdout.close()
        return Kill(self.address, self.label, began, time.monotonic())


class Group:
    """The members a and b, of which one is restarted now and then, and `steady`, which never is."""

    def __init__(self, directory):
        directory.mkdir()
        self.directory = directory
        self.members, self.kills = [], []
        try:
            for name in ("a", "b", "steady"):
                self.members.append(Member(name, directory))
        except BaseException:
            self.close()
            raise
        self.steady = self.members[2]

    def restart_for(self, end, every):
        """Restarts a and b in turn until the event `end`; each is away for up to a second."""
        turn, chance = 0, random.Random(3)
        while not end.wait(every):
            member = self.members[turn % 2]
            self.kills.append(member.kill())
            end.wait(chance.uniform(0.1, 0.8))
            member.start()
            turn += 1

    def journals(self):
        """What each life wrote, by its label."""
        found = {}
        for path in self.directory.iterdir():
            if path.name == "output.log":
                continue
            lines = [line.split(" ", 1) for line in path.read_text().splitlines()]
            begun = Counter(identity for word, identity in lines if word == "B")
            finished = frozenset(identity for word, identity in lines if word == "E")
            found[path.name] = Journal(begun, finished)
        return found

    def close(self):
        for member in self.members:
            if member.process.poll() is None:
                member.kill()


def quiet_port():
    """A free port that no client's end gets by chance while its server is away: below the kernel's own range."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port := random.randrange(max(1024, low - 15000), low)))
            except OSError:
                continue
            return port
    raise AssertionError("no free port below the kernel's own range")
