"""docs/threats.md: the tables that the tests write, and hold themselves to."""

from pathlib import Path

from faults.table import is_to_be_written

from . import browsers, door, smuggling
from .carriers import CARRIERS
from .runner import PROVED, is_here

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/threats.md"
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"

#: Headings and their rows, in the order of the document.
SECTIONS = {
    "Smuggling": {"": smuggling.CASES},
    "Going around the door": door.TABLES,
    "Browsers": {"": browsers.CASES},
}
CASES = [case for tables in SECTIONS.values() for cases in tables.values() for case in cases]

__all__ = ["CASES", "is_to_be_written", "render", "unproved", "write", "written"]


def render():
    """The tables, as the cases promise them."""
    lines = []
    for heading, tables in SECTIONS.items():
        lines += ["", f"### {heading}"]
        for title, cases in tables.items():
            lines += ["", f"#### {title}"] if title else []
            lines += ["", "| sent | over | it means | answer | connection | the gateway sees | the log says |"]
            lines += ["|---|---|---|---|---|---|---|", *map(row, cases)]
    return "\n".join(lines) + "\n\n"


def row(case):
    name = case.name if case.dialects == ("native", "nginx") else f"{case.name} (native)"
    cells = [name, over(case)]
    versions = sorted({CARRIERS[carrier].version for carrier in case.carriers})
    by_version = [dialects(case.of(version)) for version in versions]
    for said in zip(*by_version):
        cells.append(said[0] if len(set(said)) == 1 else f"{said[0]}; over HTTP/2 {said[1]}")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def over(case):
    """What carries it, in short: the versions of HTTP, and whether over IPv6."""
    versions = sorted({str(CARRIERS[carrier].version) for carrier in case.carriers})
    return ", ".join(versions + ["IPv6"] * any("IPv6" in carrier for carrier in case.carriers))


def dialects(case):
    """The cells of one version: what it means, and what must be seen."""
    ours, theirs = columns(case.outcome), columns(case.expected("nginx"))
    said = [one if one == other else f"{one}; in an Nginx file {other}" for one, other in zip(ours, theirs)]
    return [case.means, *said]


def columns(outcome):
    """What must be seen, in words."""
    sees = ", ".join(f"`{request.method} {request.target}`" for request in outcome.gateway) or "nothing"
    if outcome.begins:
        sees = "at most a beginning"
    if outcome.perhaps:
        sees = "at most " + ", ".join(f"`{request.method} {request.target}`" for request in outcome.perhaps)
    said = (
        ", ".join(map(str, outcome.answers)),
        "ends" if outcome.ends else "goes on",
        sees,
        outcome.log or "nothing",
    )
    if not outcome.otherwise:
        return said
    other = columns(outcome.otherwise)
    return tuple(one if one == another else f"{one}, or {another}" for one, another in zip(said, other))


def unproved():
    """What hasn't been shown in this run."""
    return [
        f"{case.name} ({dialect}, {carrier})"
        for case in CASES
        for dialect in case.dialects
        for carrier in case.carriers
        if is_here(carrier) and (carrier, case.name) not in PROVED[dialect]
    ]


def written():
    """The tables as they stand in the document."""
    return DOCUMENT.read_text().split(BEGIN)[1].split(END)[0]


def write():
    text = DOCUMENT.read_text()
    DOCUMENT.write_text(text.split(BEGIN)[0] + BEGIN + render() + END + text.split(END)[1])
