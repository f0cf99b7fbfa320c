"""User-space instructions per request under callgrind: the difference between runs of N and of 2 N requests."""

import argparse
import re
import signal
import subprocess
import tempfile
from pathlib import Path

from compare import COOKIE, FIELDS, LOAD, LOGIN
from servers import LOAD_CPU, Bench

#: Listener, whether it speaks TLS, further fields.
WORKLOADS = {
    "plain": ("plain", False, []),
    "fields": ("plain", False, FIELDS),
    "cookie": ("plain", False, [COOKIE]),
    "logged": ("logged", False, []),
    "tls": ("tls", True, []),
    "apr1": ("apr1", False, [LOGIN]),
    "bcrypt": ("bcrypt", False, [LOGIN]),
}
WARM_UP = 200


def collected(name, workload, count, keep=None):
    """All instructions of a run that serves WARM_UP and `count` requests."""
    listener, tls, headers = WORKLOADS[workload]
    with tempfile.TemporaryDirectory(prefix="postern-callgrind-") as directory:
        bench = Bench(Path(directory), "ec")
        try:
            bench.start_upstream()
            out = keep or f"{directory}/callgrind.out"
            server = bench.start(name, wrap=["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"])
            load = [
                "taskset",
                "-c",
                LOAD_CPU,
                "python3",
                LOAD,
                "requests",
                str(server.ports[listener]),
                str(WARM_UP + count),
                "tls" if tls else "plain",
                *headers,
            ]
            subprocess.run(load, check=True, capture_output=True, timeout=600)
            server.stop(signal.SIGTERM, timeout=60)
            log = server.log.read_text(errors="replace")
            found = re.search(r"Collected\s*:\s*(\d+)", log)
            if not found:
                raise SystemExit(f"callgrind reported nothing:\n{log}")
            return int(found[1])
        finally:
            bench.close()


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("server", choices=["nginx", "postern", "haproxy"])
    options.add_argument("workload", nargs="?", choices=list(WORKLOADS), default="plain")
    options.add_argument("count", nargs="?", type=int, default=1000)
    options.add_argument("--keep", help="leave the callgrind output of the longer run in this file")
    options = options.parse_args()
    short = collected(options.server, options.workload, options.count)
    long = collected(options.server, options.workload, 2 * options.count, options.keep)
    print(f"{options.server} {options.workload}: {(long - short) / options.count:.0f} instructions per request")


if __name__ == "__main__":
    main()
