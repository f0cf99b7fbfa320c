"""Runs the workloads against every server in turn and prints processor time per operation. See README.md."""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import growth
import report
from load import NotPossible, ulimit
from measure import idle_memory, sample
from servers import Bench, present
from workloads import WORKLOADS


def chosen():
    options = argparse.ArgumentParser(description=__doc__)
    most = ",".join(WORKLOADS)
    options.add_argument("--servers", default="nginx,haproxy,caddy,postern", help="the first is the measure")
    options.add_argument("--workloads", default=most, help="comma-separated, or none: see --list")
    options.add_argument("--growth", default=",".join([*growth.GROWTHS, "change"]), help="comma-separated, or none")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--seconds", type=float, default=2)
    options.add_argument("--key", choices=["rsa", "ec"], default="rsa", help="the certificate's key: RSA 2048 or P-256")
    options.add_argument("--split", action="store_true", help="show user and system time, and how busy the server was")
    options.add_argument("--markdown", metavar="FILE", help="rewrite the tables between this file's markers too")
    options.add_argument("--raw", metavar="FILE", help="leave every measurement in this file, as JSON")
    options.add_argument("--list", action="store_true")
    options = options.parse_args()
    for name, known in (("workloads", WORKLOADS), ("growth", [*growth.GROWTHS, "change"])):
        wanted = [] if getattr(options, name) == "none" else getattr(options, name).split(",")
        if unknown := [key for key in wanted if key not in known]:
            sys.exit(f"no such {name}: {', '.join(unknown)}; see --list")
        setattr(options, name, wanted)
    return options


def note(text):
    print(text, file=sys.stderr, flush=True)


def one(bench, servers, name, key, seconds):
    if key == "memory":
        return idle_memory(bench, name, WORKLOADS[key])
    return sample(bench, servers[name], key, WORKLOADS[key], seconds)


def compare(bench, names, options):
    """For each workload and server, a sample per round; None where a round failed."""
    servers = {name: bench.start(name) for name in names}
    results = {key: {name: [] for name in names} for key in options.workloads}
    failures = {}
    for turn in range(options.rounds):
        for key, row in results.items():
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                if WORKLOADS[key].beside and name != "postern":
                    continue
                found = None
                try:
                    if failures.get((key, name), 0) < 2:
                        found = one(bench, servers, name, key, options.seconds)
                        note(f"round {turn + 1} {key} {name}: {found.cost:.2f} {WORKLOADS[key].unit}")
                except (NotPossible, subprocess.TimeoutExpired) as reason:
                    failures[key, name] = failures.get((key, name), 0) + 1
                    note(f"{key} {name}: {reason}")
                row[name].append(found)
    for server in servers.values():
        server.stop()
    return results


def grow(bench, options):
    """The growth tables: the requests' and the changed file's."""
    rows, changes = [], []
    counting = shutil.which("valgrind")
    for key, grown in growth.GROWTHS.items():
        if key not in options.growth:
            continue
        pairs = growth.by_time(bench, grown, options.rounds, options.seconds)
        counts = growth.by_instructions(bench, grown) if grown.counted and counting else None
        rows.append((grown, pairs, counts))
        note(report.growth(rows[-1:]).split("\n")[-1])
    if "change" in options.growth:
        changes = [(number, growth.around_a_change(bench, number, options.rounds)) for number in (10, 10_000)]
    return rows, changes


def main():
    options = chosen()
    if options.list:
        for key, workload in WORKLOADS.items():
            print(f"{key:15} {workload.title}")
        for key in [*growth.GROWTHS, "change"]:
            print(f"{key:15} --growth")
        return
    names = options.servers.split(",")
    for name in list(names):
        if not present(name):
            note(f"{name} is not here: left out")
            names.remove(name)
    if os.cpu_count() < 2:
        sys.exit("two processors are needed: one for the server, one for load and upstream")
    ulimit()
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as directory:
        with Bench(Path(directory), options.key) as bench:
            results = compare(bench, names, options) if options.workloads else {}
            rows, changes = grow(bench, options)
    command = shlex.join(["Tests/Benchmarks/compare.sh", *sys.argv[1:]])
    sections = {"circumstances": report.circumstances(names, command)}
    if results:
        sections["comparison"] = report.comparison(names, results, options.split)
        if any(WORKLOADS[key].beside for key in results):
            sections["callers"] = report.callers(results)
    if rows:
        sections["growth"] = report.growth(rows)
    if changes:
        sections["change"] = report.changes(changes)
    if options.raw:
        raw = {key: {name: [s and asdict(s) for s in row[name]] for name in row} for key, row in results.items()}
        Path(options.raw).write_text(json.dumps({"workloads": raw, "growth": {g.title: p for g, p, _ in rows}}))
    print("\n\n".join(sections.values()))
    if options.markdown:
        report.splice(options.markdown, sections)


if __name__ == "__main__":
    main()
