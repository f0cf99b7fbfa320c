"""Runs the workloads against every server in turn and prints processor time per operation. See README.md."""

import argparse
import base64
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from servers import LOAD_CPU, PASSWORD, USER, Bench, postern_binary

LOAD = str(Path(__file__).parent / "load.py")
LOGIN = "Authorization: Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
FIELDS = [f"X-Extra-Field-{number}: value number {number} of some length" for number in range(20)]
COOKIE = "Cookie: session=" + "c" * 1015


class NotPossible(Exception):
    """This server can't do this workload."""


@dataclass(frozen=True)
class Workload:
    """`run(server, seconds)` does operations and returns their number; `unit` scales the cost for the table."""

    title: str
    run: object
    unit: str = "µs"


def pinned(*command, timeout=120, **options):
    """Runs a load on its processor; its output."""
    result = subprocess.run(
        ["taskset", "-c", LOAD_CPU, *map(str, command)], capture_output=True, text=True, timeout=timeout, **options
    )
    if result.returncode != 0:
        raise NotPossible(result.stderr.strip().split("\n")[-1])
    return result.stdout


def wrk(listener, connections, headers=(), path="/", mebibytes=False):
    def run(server, seconds):
        if listener not in server.ports:
            raise NotPossible("no such listener")
        scheme = "https" if "tls" in listener else "http"
        options = [part for header in headers for part in ("-H", header)]
        output = pinned(
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}",
            *options,
            f"{scheme}://127.0.0.1:{server.ports[listener]}{path}",
        )
        if trouble := re.search(r"Non-2xx.*|Socket errors: connect [1-9].*", output):
            raise NotPossible(trouble[0])
        done = int(re.search(r"(\d+) requests in", output)[1])
        return done * 10 if mebibytes else done

    return run


def h2load(server, seconds):
    if not shutil.which("h2load"):
        raise NotPossible("no h2load")
    output = pinned("h2load", "-t1", "-c4", "-m32", "-D", seconds, f"https://127.0.0.1:{server.ports['h2']}/")
    if "Application protocol: h2" not in output:
        raise NotPossible("no HTTP/2")
    total, failed = re.search(r"(\d+) succeeded, (\d+) failed", output).groups()
    if int(total) == 0:
        raise NotPossible("all failed")
    return int(total)


def load(kind, listener, *arguments):
    def run(server, seconds):
        return int(pinned("python3", LOAD, kind, server.ports[listener], seconds, *arguments))

    return run


WORKLOADS = {
    "plain": Workload("HTTP/1.1 plain, keep-alive, 64 connections", wrk("plain", 64)),
    "plain-1": Workload("HTTP/1.1 plain, 1 connection", wrk("plain", 1)),
    "plain-1000": Workload("HTTP/1.1 plain, 1000 connections", wrk("plain", 1000)),
    "fields": Workload("HTTP/1.1 plain, 20 more fields", wrk("plain", 64, FIELDS)),
    "cookie": Workload("HTTP/1.1 plain, a 1 KiB cookie", wrk("plain", 64, [COOKIE])),
    "logged": Workload("HTTP/1.1 plain, access log on", wrk("logged", 64)),
    "tls": Workload("HTTP/1.1 over TLS, 64 connections", wrk("tls", 64)),
    "apr1": Workload("Basic auth, apr1", wrk("apr1", 64, [LOGIN])),
    "apr1-tls": Workload("Basic auth over TLS, apr1", wrk("apr1tls", 64, [LOGIN])),
    "bcrypt": Workload("Basic auth, bcrypt cost 5", wrk("bcrypt", 64, [LOGIN])),
    "bcrypt-tls": Workload("Basic auth over TLS, bcrypt cost 5", wrk("bcrypttls", 64, [LOGIN])),
    "h2": Workload("HTTP/2 over TLS, 4 connections, 32 streams", h2load),
    "handshake": Workload("full TLS 1.3 handshake", load("handshake", "tls")),
    "resumed": Workload("resumed handshake and one request", load("resumed", "tls")),
    "body": Workload("10 MiB bodies over TLS, per MiB", wrk("tls", 4, path="/10m", mebibytes=True)),
    "websocket": Workload("WebSocket, 64-byte message echoed", load("websocket", "plain", "plain")),
    "websocket-tls": Workload("WebSocket over TLS, 64-byte message echoed", load("websocket", "tls", "tls")),
    "memory": Workload("memory per idle TLS connection", None, "KiB"),
}


def measure(server, workload, seconds):
    """Microseconds of processor time per operation."""
    before = server.processor_time()
    operations = workload.run(server, seconds)
    return (server.processor_time() - before) / operations * 1e6


def idle_memory(bench, name, count=2000):
    """Resident KiB per idle TLS connection, of a server started for this alone."""
    server = bench.start(name)
    try:
        pinned("python3", LOAD, "requests", server.ports["tls"], 20, "tls")
        before = server.resident()
        with subprocess.Popen(
            ["taskset", "-c", LOAD_CPU, "python3", LOAD, "idle", str(server.ports["tls"]), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as crowd:
            if crowd.stdout.readline().strip() != str(count):
                raise NotPossible("it refused the connections")
            after = server.resident()
            crowd.communicate("done\n", timeout=30)
        return (after - before) / count / 1024
    finally:
        server.stop()


def table(names, results):
    """Markdown: medians, and the ratio to the first server."""
    lines = ["| workload | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for key, row in results.items():
        workload = WORKLOADS[key]
        base = statistics.median(row[names[0]]) if row.get(names[0]) else None
        cells = []
        for name in names:
            if not row.get(name):
                cells.append("–")
                continue
            value = statistics.median(row[name])
            figure = f"{value:.1f} {workload.unit}" if value < 100 else f"{value:.0f} {workload.unit}"
            if name == names[0]:
                cells.append(f"1.00 ({figure})")
            elif base:
                cells.append(
                    f"{value / base:.2f} ({figure})" if value / base >= 0.1 else f"{value / base:.3f} ({figure})"
                )
            else:
                cells.append(figure)
        lines.append(f"| {workload.title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--servers", default="nginx,haproxy,postern")
    options.add_argument("--workloads", default=",".join(WORKLOADS))
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=3)
    options.add_argument("--key", choices=["rsa", "ec"], default="rsa", help="the certificate's key: RSA 2048 or P-256")
    options.add_argument("--output", help="write the table to this file too")
    options.add_argument("--list", action="store_true")
    options = options.parse_args()
    if options.list:
        for key, workload in WORKLOADS.items():
            print(f"{key:15} {workload.title}")
        return
    names = options.servers.split(",")
    present = {"nginx": True, "haproxy": shutil.which("haproxy"), "postern": postern_binary().exists()}
    for name in list(names):
        if not present.get(name):
            print(f"{name} is not here: left out", file=sys.stderr)
            names.remove(name)
    if os.cpu_count() < 2:
        sys.exit("two processors are needed: one for the server, one for load and upstream")

    results = {key: {name: [] for name in names} for key in options.workloads.split(",")}
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as directory:
        bench = Bench(Path(directory), options.key)
        try:
            bench.start_upstream()
            servers = {name: bench.start(name) for name in names}
            given_up = set()
            for turn in range(options.rounds):
                for key in results:
                    workload = WORKLOADS[key]
                    order = names[turn % len(names) :] + names[: turn % len(names)]
                    for name in order:
                        if (key, name) in given_up:
                            continue
                        try:
                            if key == "memory":
                                cost = idle_memory(bench, name)
                            else:
                                cost = measure(servers[name], workload, options.seconds)
                            results[key][name].append(cost)
                            print(f"round {turn + 1} {key} {name}: {cost:.2f} {workload.unit}", file=sys.stderr)
                        except (NotPossible, subprocess.TimeoutExpired) as reason:
                            given_up.add((key, name))
                            print(f"{key} {name}: {reason}", file=sys.stderr)
        finally:
            bench.close()
    text = table(names, results)
    print(text)
    if options.output:
        Path(options.output).write_text(text + "\n")


if __name__ == "__main__":
    main()
