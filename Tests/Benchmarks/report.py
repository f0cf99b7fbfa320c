"""The tables: medians over rounds, ratios within them, markdown."""

import datetime
import os
import platform
import re
import statistics
from pathlib import Path

from servers import version
from workloads import WORKLOADS


def ratio(samples, base):
    """The median of the rounds' own ratios, and half the range between their quartiles."""
    pairs = [sample.cost / other.cost for sample, other in zip(samples, base) if sample and other]
    if not pairs:
        return None
    quartiles = statistics.quantiles(pairs, n=4) if len(pairs) > 1 else [pairs[0]] * 3
    return statistics.median(pairs), (quartiles[2] - quartiles[0]) / 2


def figure(value):
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def amount(value, unit):
    return f"{value:.1f} {unit}" if value < 100 else f"{value:,.0f} {unit}"


def parts(samples):
    """The split of a median operation, how busy its processor was, and what the load cost on the other."""
    names = ("user", "system", "busy", "load")
    user, system, busy, load = (statistics.median(getattr(sample, name) for sample in samples) for name in names)
    return f"; {user:.1f} user, {system:.1f} system; {busy:.0%} busy; load {load:.1f}" if busy else ""


def cell(name, names, row, unit, split):
    samples = [sample for sample in row.get(name, []) if sample]
    if not samples:
        return "–"
    text = amount(statistics.median(sample.cost for sample in samples), unit) + (parts(samples) if split else "")
    if name == names[0]:
        return f"1.00 ({text})"
    found = ratio(row[name], row.get(names[0], []))
    if not found:
        return text
    spread = f" ±{figure(found[1])}" if name == "postern" else ""
    return f"{figure(found[0])}{spread} ({text})"


def comparison(names, results, split=False):
    """A row per workload, a column per server; the first server is the measure."""
    lines = ["| workload | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for key, row in results.items():
        workload = WORKLOADS[key]
        if workload.beside:
            continue
        cells = [cell(name, names, row, workload.unit, split) for name in names]
        lines.append(f"| {workload.title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def callers(results):
    """A row for each way in which callers prove themselves, beside Postern's own row of those who needn't."""
    lines = ["| a request that proves its caller by | unproved | proved | ratio |", "|---|---|---|---|"]
    for key, row in results.items():
        beside = WORKLOADS[key].beside
        if not beside or not (samples := [sample for sample in row.get("postern", []) if sample]):
            continue
        base = results.get(beside, {}).get("postern", [])
        found = ratio(row["postern"], base)
        costs = [amount(statistics.median(s.cost for s in some if s), "µs") for some in (base, samples) if any(some)]
        unproved = costs[0] if found else "–"
        shown = f"{found[0]:.3f} ±{figure(found[1])}" if found else "–"
        lines.append(f"| {WORKLOADS[key].title} | {unproved} | {costs[-1]} | {shown} |")
    return "\n".join(lines)


def growth(rows):
    """`rows`: (growth, pairs of microseconds, two counts of instructions or None)."""
    lines = ["| of | from | to | processor time | ratio | instructions | ratio |", "|---" * 7 + "|"]
    for grown, pairs, counts in rows:
        few, many = (statistics.median(column) for column in zip(*pairs))
        ratios = statistics.median(second / first for first, second in pairs)
        counted = f"{counts[0]:,.0f} → {counts[1]:,.0f} | {counts[1] / counts[0]:.3f}" if counts else "– | –"
        lines.append(
            f"| {grown.title} | {grown.few:,} | {grown.many:,} | {few:.1f} → {many:.1f} µs | {ratios:.2f} | {counted} |"
        )
    return "\n".join(lines)


def changes(rows):
    """`rows`: users, and `growth.around_a_change`'s answer."""
    titles = ["users", "another connection's slowest request", "the same, file changed", "first login after it"]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for number, (changed, calm, first) in rows:
        lines.append(f"| {number:,} | {calm:.1f} ms | {changed:.1f} ms | {first:.1f} ms |")
    return "\n".join(lines)


def circumstances(names, command):
    """What a table's figures were measured on, and how."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    programs = ", ".join(f"{name} {version(name)}" for name in names)
    machine = f"{model[1] if model else platform.machine()}, {os.cpu_count()} processors, Linux {platform.release()}"
    return f"Measured on {datetime.date.today()}: {machine}; {programs}.\n\n    {command}"


def splice(path, sections):
    """Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->` for each section."""
    text = Path(path).read_text()
    for name, body in sections.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, began, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not (began and ended):
            raise SystemExit(f"{path} has no {begin.strip()} … {end} to write between")
        text = f"{before}{begin}\n{body}\n\n{end}{after}"
    Path(path).write_text(text)
