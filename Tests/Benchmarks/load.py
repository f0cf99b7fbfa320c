"""Starts the loads: load.c's, compiled on first use, and h2load. Each is pinned to the load's processor."""

import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

LOAD_CPU = "1"
HERE = Path(__file__).parent
_built = None


class NotPossible(Exception):
    """This server can't do this workload."""


def compiler():
    found = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
    if not found:
        raise SystemExit("there is no C compiler: apt-get install gcc libc6-dev libssl-dev")
    return found


def load_tool():
    """The path of load.c's program, in a folder that goes when this process ends."""
    return _tool("load", "-lssl", "-lcrypto")


def relay_tool():
    """The same of relay.c's."""
    return _tool("relay")


def _tool(name, *libraries):
    global _built
    _built = _built or tempfile.TemporaryDirectory(prefix="postern-load-")
    path = Path(_built.name) / name
    if not path.exists():
        command = [compiler(), "-O2", "-o", path, HERE / f"{name}.c", *libraries]
        subprocess.run(list(map(str, command)), check=True)
    return str(path)


def pinned(*command, timeout=120):
    """Runs a program on the load's processor; its output."""
    command = ["taskset", "-c", LOAD_CPU, *map(str, command)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if result.returncode != 0:
        raise NotPossible(result.stderr.strip().split("\n")[-1])
    return result.stdout


class Load:
    """A load of load.c that has opened its connections and done one operation on each."""

    def __init__(self, kind, port, connections=1, tls=False, headers=(), path="/", addresses=None, in_order=None):
        command = ["taskset", "-c", LOAD_CPU, load_tool(), kind, str(port), "-c", str(connections), "-p", path]
        command += ["-t"] * tls + [part for header in headers for part in ("-H", header)]
        command += ["-x", str(addresses)] if addresses else []
        command += ["-X", str(in_order)] if in_order else []
        self._command = command

    def open(self, *, seconds=None, count=None):
        """Opens the connections. What `run` does later is bounded by `seconds` or by `count` operations."""
        bound = ["-s", str(seconds)] if seconds else ["-n", str(count or 0)]
        self.process = subprocess.Popen(
            self._command + bound, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._expect("ready")
        return self

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def run(self):
        """Operations done, and the slowest one's microseconds."""
        self.go()
        return self.result()

    def result(self):
        """What `run` returns, once `go` was said."""
        done, slowest = map(int, self._expect().split())
        if done == 0:
            raise NotPossible("nothing was done")
        return done, slowest

    def close(self):
        try:
            self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()

    def _expect(self, wanted=None):
        line = self.process.stdout.readline().strip()
        if not line or (wanted and line != wanted):
            raise NotPossible(self.process.communicate()[1].strip() or "the load ended")
        return line


@contextmanager
def opened(*arguments, seconds=None, count=None, **options):
    load = Load(*arguments, **options)
    try:
        yield load.open(seconds=seconds, count=count)
    finally:
        load.close()


def h2load(port, seconds=None, *, count=None, connections=4):
    """Requests done over HTTP/2, opening the connections included; for so many seconds, or as many as `count`."""
    if not shutil.which("h2load"):
        raise NotPossible("no h2load")
    bound = ["-n", count] if count else ["-D", max(1, int(seconds))]
    output = pinned("h2load", "-t1", f"-c{connections}", "-m32", *bound, f"https://127.0.0.1:{port}/")
    if "Application protocol: h2" not in output:
        raise NotPossible("no HTTP/2")
    done = int(re.search(r"(\d+) succeeded", output)[1])
    if done == 0:
        raise NotPossible("all failed")
    return done


def ulimit():
    """Lets this process and what it starts open as many files as the system allows."""
    import resource

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
