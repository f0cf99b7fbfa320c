"""docs/threats.md: the tables that the tests write, and hold themselves to."""

from pathlib import Path

from faults.table import is_to_be_written

from . import browsers, door, smuggling
from .runner import PROVED

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
            lines += ["", "| sent | it means | answer | connection | the gateway sees | the log says |"]
            lines += ["|---|---|---|---|---|---|", *map(row, cases)]
    return "\n".join(lines) + "\n\n"


def row(case):
    ours, theirs = columns(case.outcome), columns(case.expected("nginx"))
    cells = [one if one == other else f"{one}; in an Nginx file {other}" for one, other in zip(ours, theirs)]
    name = case.name if case.dialects == ("native", "nginx") else f"{case.name} (native)"
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in [name, case.means, *cells]) + " |"


def columns(outcome):
    """What must be seen, in words."""
    sees = ", ".join(f"`{request.method} {request.target}`" for request in outcome.gateway) or "nothing"
    if outcome.begins:
        sees = "at most a beginning"
    return (
        ", ".join(map(str, outcome.answers)),
        "ends" if outcome.ends else "goes on",
        sees,
        outcome.log or "nothing",
    )


def unproved():
    """What hasn't been shown in this run."""
    return [
        f"{case.name} ({dialect}, {carrier})"
        for case in CASES
        for dialect in case.dialects
        for carrier in case.carriers
        if (carrier, case.name) not in PROVED[dialect]
    ]


def written():
    """The tables as they stand in the document."""
    return DOCUMENT.read_text().split(BEGIN)[1].split(END)[0]


def write():
    text = DOCUMENT.read_text()
    DOCUMENT.write_text(text.split(BEGIN)[0] + BEGIN + render() + END + text.split(END)[1])
