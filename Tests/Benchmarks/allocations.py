"""Heap allocations per keep-alive request once warm, of every thread but the supervisor's: there must be none.

See README.md."""

import argparse
import bisect
import collections
import mmap
import re
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from load import compiler, ulimit
from servers import Bench
from workloads import COOKIE, FIELDS, LOGIN, WORKLOADS

#: What must allocate nothing, each on its own listener.
ROWS = {
    "plain": WORKLOADS["plain"],
    "8 fields and a 1 KiB cookie": replace(WORKLOADS["plain"], headers=[*FIELDS, COOKIE]),
    "access log on": WORKLOADS["logged"],
    "Basic auth, credential known": WORKLOADS["bcrypt"],
    "session cookie": WORKLOADS["session"],
    "session and device cookies": WORKLOADS["device"],
    "session cookie among others": replace(WORKLOADS["session"], headers=[*FIELDS, COOKIE]),
    "API key": WORKLOADS["key"],
    "API key as Bearer": WORKLOADS["bearer"],
    "TLS": WORKLOADS["tls"],
    "TLS, 8 fields, a cookie, Basic auth": replace(WORKLOADS["bcrypt-tls"], headers=[*FIELDS, COOKIE, LOGIN]),
    "WebSocket message": WORKLOADS["websocket"],
    "WebSocket message over TLS": WORKLOADS["websocket-tls"],
}
CONNECTIONS, WARM_UP, COUNT = 16, 2_000, 20_000
#: Per operation. Not zero, because the text of the time is made anew each second and a table may grow once more.
TOLERANCE = 0.01
STACKS, DEPTH = 4096, 24
HEADER = struct.Struct("5q")


@dataclass
class Counts:
    """The file shared with allocations.c."""

    memory: mmap.mmap

    def read(self):
        """Calls and bytes so far."""
        return HEADER.unpack_from(self.memory)[:2]

    def works(self):
        """Whether the process's start was seen."""
        return HEADER.unpack_from(self.memory)[4] > 0

    def trace(self, on):
        struct.pack_into("q", self.memory, 16, int(on))

    def stacks(self):
        """The stacks left since the last call, innermost frame first."""
        kept = min(HEADER.unpack_from(self.memory)[3], STACKS)
        found = []
        for index in range(kept):
            frames = struct.unpack_from(f"{DEPTH}Q", self.memory, HEADER.size + index * DEPTH * 8)
            found.append(tuple(frame for frame in frames if frame))
        self.memory[HEADER.size :] = bytes(len(self.memory) - HEADER.size)
        struct.pack_into("q", self.memory, 24, 0)
        return found


class Symbols:
    """Names the functions of a running process's addresses, as well as their libraries tell."""

    def __init__(self, pid):
        self.modules = {}
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            if match := re.match(r"(\w+)-(\w+) \S+ \S+ \S+ \S+\s+(/.+)", line):
                begin, end, path = int(match[1], 16), int(match[2], 16), match[3]
                first, last = self.modules.get(path, (begin, end))
                self.modules[path] = (min(first, begin), max(last, end))
        self.tables = {}

    def name(self, address):
        for path, (begin, end) in self.modules.items():
            if begin <= address < end:
                addresses, names, exported = self._table(path)
                index = bisect.bisect(addresses, address - begin) - 1
                name = names[index] if index >= 0 else "its start"
                return f"{'somewhere after ' if exported else ''}{name} ({Path(path).name})"
        return hex(address)

    def _table(self, path):
        if path not in self.tables:
            for option in ([], ["-D"]):  # A stripped library only says what it exports.
                result = subprocess.run(["nm", "--defined-only", *option, path], capture_output=True, text=True)
                if lines := [line.split() for line in result.stdout.splitlines()]:
                    break
            found = sorted((int(line[0], 16), line[2].split("@")[0]) for line in lines if line[1] in "tTwWiI")
            self.tables[path] = [entry[0] for entry in found], [entry[1] for entry in found], bool(option)
        return self.tables[path]


def demangled(text):
    try:
        return subprocess.run(["swift", "demangle", "-simplified"], input=text, capture_output=True, text=True).stdout
    except FileNotFoundError:
        return text


def callers(stacks, symbols, most=5):
    """The commonest stacks, for a person to read."""
    text = []
    for stack, times in collections.Counter(stacks).most_common(most):
        text.append(f"    {times} of {len(stacks)}:")
        text += [f"        {symbols.name(frame)}" for frame in stack[:14]]
    return demangled("\n".join(text) + "\n")


def measure(server, counts, workload, trace):
    """Calls and bytes per operation; stacks if `trace`."""
    workload = replace(workload, connections=CONNECTIONS)
    with workload.opened(server, count=WARM_UP) as load:
        load.run()
    with workload.opened(server, count=COUNT) as load:
        counts.trace(trace)
        before = counts.read()
        done, _ = load.run()
        after = counts.read()
        counts.trace(False)
    return [(now - then) / done for now, then in zip(after, before)]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trace", action="store_true", help="show who allocates")
    options.add_argument("--rows", help="only those whose name contains this")
    options = options.parse_args()
    ulimit()
    failed = []
    with tempfile.TemporaryDirectory(prefix="postern-allocations-") as name, Bench(Path(name), "ec") as bench:
        library, shared = f"{name}/allocations.so", Path(name) / "counts"
        source = Path(__file__).with_suffix(".c")
        subprocess.run([compiler(), "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
        shared.write_bytes(bytes(HEADER.size + STACKS * DEPTH * 8))
        with open(shared, "r+b") as file:
            counts = Counts(mmap.mmap(file.fileno(), 0))
        server = bench.start("postern", environment={"LD_PRELOAD": library, "POSTERN_ALLOCATIONS": str(shared)})
        if not counts.works():
            sys.exit("Nothing was counted: is the binary linked against glibc dynamically?")
        print(f"{'heap allocations per operation, once warm':45} {'calls':>8} {'bytes':>10}")
        for title, workload in ROWS.items():
            if options.rows and options.rows not in title:
                continue
            calls, size = measure(server, counts, workload, options.trace)
            print(f"{title:45} {calls:8.3f} {size:10.1f}", flush=True)
            if calls >= TOLERANCE:
                failed.append(title)
            if options.trace and (stacks := counts.stacks()):
                print(callers(stacks, Symbols(server.pid)), end="")
    if failed:
        sys.exit(f"FAILED: {'; '.join(failed)}. Tests/Benchmarks/allocations.sh --trace shows who allocates.")
    print(f"No allocations: fewer than {TOLERANCE} each over {COUNT:,} operations.")


if __name__ == "__main__":
    main()
