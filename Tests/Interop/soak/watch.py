"""What a process costs, and what it wrote to its log."""

import os
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from faults.log import Log

#: Lines of `warn` and above that a soak brings about, each with its reason; any other is a finding.
EXPECTED = [
    ("error", r"^the configuration was not reloaded", "a broken configuration was loaded"),
    ("error", r"server\.conf(:\d+)*: error: |^ +\d* \| ", "… and what is wrong with it"),
    ("warn", r'^upstream 127\.0\.0\.1:\d+ of "group" rests', "an upstream rests after a failure"),
    ("error", r'connection refused while connecting to upstream; .*"[A-Z]+ /(group|private)/', "an upstream was away"),
    ("error", r'[Cc]onnection reset by peer while .*"[A-Z]+ /(group|private)/', "an upstream was killed"),
    ("error", r'Broken pipe while .*"[A-Z]+ /(group|private)/', "an upstream was killed"),
    ("error", r'closed the connection too early while .*"[A-Z]+ /(group|private)/', "an upstream was killed"),
    ("warn", r'closed the connection too early while reading .*"[A-Z]+ /group/', "an upstream was killed in a reply"),
    ("error", r'times more within 10 s; upstream "group"', "the group's failures, counted"),
    ("error", r'"GET /(rate|slots)/.* was refused with (429|503): ', "requests beyond a limit"),
    ("warn", r'"GET /private/.* was refused with 401: credentials-wrong', "wrong passwords"),
]


@dataclass(frozen=True)
class Size:
    """What a process holds."""

    descriptors: int
    threads: int
    resident: int
    kinds: Counter

    @staticmethod
    def of(pid):
        kinds = Counter()
        for entry in os.scandir(f"/proc/{pid}/fd"):
            try:
                kinds[re.sub(r":\[\d+\]$", "", os.readlink(entry.path))] += 1
            except FileNotFoundError:
                pass
        threads = len(os.listdir(f"/proc/{pid}/task"))
        return Size(sum(kinds.values()), threads, resident(pid), kinds)

    def beyond(self, other):
        """The descriptors that this one has more of."""
        return ", ".join(f"{count} {kind}" for kind, count in (self.kinds - other.kinds).items())


def resident(pid):
    """Resident memory in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def settled(pid, timeout=20.0):
    """A process's size once its descriptors are down to what they stay at, or the time is over."""
    until, low, since = time.monotonic() + timeout, None, 0.0
    while time.monotonic() < until:
        size = Size.of(pid)
        if low is None or size.descriptors < low:
            low, since = size.descriptors, time.monotonic()
        if time.monotonic() - since > 4.5:  # Longer than an idle upstream connection stays.
            break
        time.sleep(0.2)
    return Size.of(pid)


class Watch:
    """Samples of resident memory and descriptors, (seconds since the start, …) each."""

    def __init__(self, pid, began):
        self._pid, self._began = pid, began
        self.memory, self.descriptors = [], []

    def run_for(self, end, every):
        while not end.wait(every):
            now = time.monotonic() - self._began
            self.memory.append((now, resident(self._pid)))
            self.descriptors.append((now, len(os.listdir(f"/proc/{self._pid}/fd"))))


def unexpected(path):
    """Counts the expected sorts of lines in an error log, and lists the lines that are of no such sort."""
    counts, others = Counter(), []
    for level, text in Log(path).since(0):
        if level in ("debug", "info", "notice"):
            continue
        for expected, pattern, reason in EXPECTED:
            if level == expected and re.search(pattern, text):
                counts[f"{level}: {reason}"] += 1
                break
        else:
            others.append(f"{level}: {text}")
    return counts, others


def tried(path):
    """What the access log has for each request: its status, and the upstreams that were tried, in order."""
    found = {}
    for line in path.read_text(errors="replace").splitlines():
        identity, _, rest = line.partition(" ")
        if identity != "-":
            status, _, addresses = rest.partition(" ")
            found[identity] = (status, re.findall(r"[^\s,]+:\d+", addresses))
    return found
