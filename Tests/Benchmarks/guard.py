"""Instructions per operation of every guarded workload, held against instructions.json. See README.md."""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from callgrind import Counted, instructions
from load import ulimit
from servers import Bench
from workloads import WORKLOADS

BASELINE = Path(__file__).parent / "instructions.json"
#: How much a figure may rise, or fall without a hint.
TOLERANCE = 0.03
#: Workload and operations counted. A body is 10 MiB.
GUARDED = {
    "plain": 500,
    "fields": 500,
    "cookie": 500,
    "logged": 500,
    "tls": 500,
    "apr1": 500,
    "bcrypt": 500,
    "session": 500,
    "device": 500,
    "key": 500,
    "bearer": 500,
    "websocket": 3000,
    "body": 1,
    "h2": 2000,
}
#: The least of so many counts: a timer or a late wake-up only adds.
REPEATS = 3


def first(pattern, *command):
    result = subprocess.run(command, capture_output=True, text=True)
    found = re.search(pattern, result.stdout + result.stderr)
    return found[1] if found else "unknown"


def versions():
    """What the figures depend on beside our own code. valgrind presents a processor of its own to the libraries."""
    return {
        "OpenSSL": first(r"OpenSSL (\S+)", "openssl", "version"),
        "glibc": os.confstr("CS_GNU_LIBC_VERSION").split()[-1],
        "Swift": first(r"Swift version (\S+)", "swift", "--version"),
        "valgrind": first(r"valgrind-(\S+)", "valgrind", "--version"),
    }


def counted(workloads):
    """Instructions per operation by workload, and by object within it; of one server that starts once for all."""
    with tempfile.TemporaryDirectory(prefix="postern-guard-") as directory, Bench(Path(directory), "ec") as bench:
        callgrind = Counted(directory)
        callgrind.attach(bench.start("postern", callgrind.wrap))
        found = {}
        for key in workloads:
            workload = replace(WORKLOADS[key], connections=1)
            runs = [instructions(callgrind, workload, GUARDED[key]) for _ in range(REPEATS)]
            found[key] = min(runs, key=lambda run: sum(run.values()))
        return found


def shares(costs):
    """What each object has of a workload's instructions, the largest first."""
    named = {re.sub(r"\.so.*", "", name).replace("???", "vdso"): cost for name, cost in costs.items()}
    ranked = sorted(named.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {cost:,.0f}" for name, cost in ranked if cost >= 0.01 * sum(named.values()))


def verdict(now, before):
    """What a figure's change means: "", "ROSE" or "fell"."""
    if not before:
        return "new"
    change = now / before - 1
    return "ROSE" if change > TOLERANCE else "fell" if change < -TOLERANCE else ""


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--update", action="store_true", help="write what is counted to instructions.json")
    options.add_argument("--workloads", default=",".join(GUARDED))
    options = options.parse_args()
    ulimit()
    known = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    machine = platform.machine()
    baseline = known.get(machine, {"measured with": {}, "instructions": {}})
    found = counted(options.workloads.split(","))

    rows, verdicts = [], set()
    for key, costs in found.items():
        total, before = sum(costs.values()), baseline["instructions"].get(key)
        verdicts.add(judged := verdict(total, before))
        held = f"{before:>11,} {total / before - 1:>+7.1%}" if before else f"{'–':>11} {'':>7}"
        rows.append(f"{key:10} {held} {total:>11,.0f}  {judged:5} {shares(costs)}")
    print(f"{'workload':10} {'recorded':>11} {'change':>7} {'now':>11}         of which")
    print("\n".join(rows))

    if options.update:
        figures = baseline["instructions"] | {key: round(sum(costs.values())) for key, costs in found.items()}
        known[machine] = {"measured with": versions(), "instructions": figures}
        BASELINE.write_text(json.dumps(known, indent=4) + "\n")
        print(f"{BASELINE.name} is written.")
        return
    others = {name: was for name, was in baseline["measured with"].items() if versions()[name] != was}
    for name, was in others.items():
        print(f"Note: recorded with {name} {was}, counted with {versions()[name]}.")
    if machine not in known:
        print(f"Nothing is recorded for {machine}, so nothing was held: Tests/Benchmarks/guard.sh --update records it.")
        return
    if "new" in verdicts:
        sys.exit(f"There is no figure for some of these on {machine}: Tests/Benchmarks/guard.sh --update writes them.")
    if "ROSE" in verdicts:
        sys.exit(
            f"An operation costs over {TOLERANCE:.0%} more instructions than recorded. Tests/Benchmarks/instructions.sh"
            " postern WORKLOAD --keep FILE shows where; if it is worth it, Tests/Benchmarks/guard.sh --update holds it."
        )
    if "fell" in verdicts:
        print("Some are cheaper than recorded: Tests/Benchmarks/guard.sh --update holds the gain.")
    print("Instruction guard passed.")


if __name__ == "__main__":
    main()
