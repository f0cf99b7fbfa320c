"""A server under callgrind, and the instructions between two of its moments."""

import re
import subprocess
import time
from pathlib import Path

from load import h2load


class Counted:
    """Its `wrap` goes before a server's command, `attach` takes what was started."""

    def __init__(self, directory, lines=False):
        """`lines`: with costs by source line, which makes for large dumps."""
        self.out = Path(directory) / "callgrind.out"
        lines = f"--dump-line={'yes' if lines else 'no'}"
        self.wrap = ["valgrind", "--tool=callgrind", lines, f"--callgrind-out-file={self.out}"]
        self._dumps = 0

    def attach(self, server):
        self.server = server
        return server

    def zero(self):
        self._control("-z")

    def dump(self):
        """Instructions since `zero`, by the object (library or binary) they are in."""
        self._dumps += 1
        self._control("-d")
        path = Path(f"{self.out}.{self._dumps}")
        deadline = time.monotonic() + 30
        while not path.exists() or "totals:" not in (text := path.read_text(errors="replace")):
            if time.monotonic() > deadline:
                raise SystemExit(f"callgrind left no dump in {path}")
            time.sleep(0.05)
        self.last = path
        self.is_sound = is_sound(text)
        return by_object(text)

    def _control(self, option):
        command = ["callgrind_control", option, str(self.server.pid)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if result.returncode != 0 or "OK" not in result.stdout:
            raise SystemExit(f"{' '.join(command)}: {result.stdout}{result.stderr}")


def is_sound(text):
    """Whether the parts of a dump sum up to what ran. Where one thread is inside of a call while another one runs, callgrind
    at times gives the caller what ran meanwhile, and counts it twice."""
    ran, parts = (int(re.search(rf"^{name}: (\d+)", text, re.MULTILINE)[1]) for name in ("summary", "totals"))
    return parts <= ran * 1.01


def by_object(text):
    """Sums a dump's self costs by object. See "Callgrind Format Specification" in valgrind's manual."""
    names, costs, current, skip = {}, {}, "?", False
    for line in text.splitlines():
        if line.startswith("ob="):
            number, _, name = line[3:].partition(" ")
            if name:
                names[number] = name
            current = Path(names.get(number, number)).name
        elif line.startswith("calls="):
            skip = True  # The next line is the inclusive cost of a call.
        elif line[:1].isdigit() or line[:1] in "+-*":
            parts = line.split()
            if not skip and len(parts) > 1:  # A cost of nothing is left out.
                costs[current] = costs.get(current, 0) + int(parts[1])
            skip = False
        elif line.startswith("cob="):
            number, _, name = line[4:].partition(" ")
            if name:
                names[number] = name
    return costs


def instructions(counted, workload, count, tries=5):
    """Instructions by object of one operation of a workload, its connection warm."""
    once = instructions_of_streams if workload.listener == "h2" else instructions_of_operations
    for _ in range(tries):
        costs, is_sound = once(counted, workload, count)
        if is_sound:
            return costs
    raise SystemExit(f"callgrind counted something twice in each of {tries} tries")


def instructions_of_operations(counted, workload, count):
    with workload.opened(counted.server, count=count) as load:
        counted.zero()
        done, _ = load.run()
        costs = counted.dump()
    return {name: cost / done / workload.per for name, cost in costs.items()}, counted.is_sound


def instructions_of_streams(counted, workload, count):
    """The same of HTTP/2, whose load opens its connections itself: what so many more requests cost than a few."""
    port, few = counted.server.ports[workload.listener], 320
    h2load(port, count=few, connections=workload.connections)
    runs, is_sound = [], True
    for requests in (few, few + count):
        counted.zero()
        h2load(port, count=requests, connections=workload.connections)
        runs.append(counted.dump())
        is_sound = is_sound and counted.is_sound
    return {name: (cost - runs[0].get(name, 0)) / count for name, cost in runs[1].items()}, is_sound
