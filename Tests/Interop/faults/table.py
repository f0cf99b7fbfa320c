"""docs/reliability.md: the table that the tests write, and hold themselves to."""

import os
from pathlib import Path

from . import machine_faults, name_faults, shared, upstream_faults

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/reliability.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"

#: Headings and their rows, in the order of the document.
SECTIONS = {
    "Upstreams": upstream_faults.FAULTS,
    "Names": name_faults.FAULTS,
    "Clients": shared.client_faults.FAULTS,
    "The machine": machine_faults.FAULTS,
}
FAULTS = [fault for faults in SECTIONS.values() for fault in faults]


def render():
    """The table, as the faults promise it."""
    lines = []
    for heading, faults in SECTIONS.items():
        lines += ["", f"### {heading}", ""]
        lines += ["| fault | the client sees | within | the log says | leaked |", "|---|---|---|---|---|"]
        lines += [row(fault) for fault in faults]
    return "\n".join(lines) + "\n\n"


def row(fault):
    said = "nothing"
    if fault.log:
        level, words = fault.log
        said = f"`{level}` {words}" + ("" if fault.said == "each time" else f" ({fault.said})")
    leaked = f"nothing after {fault.times:,}" if fault.times > 1 else "not repeated"
    return f"| {fault.name} | {fault.sees} | {fault.within:g} s | {said} | {leaked} |"


def written():
    """The table as it stands in the document."""
    return DOCUMENT.read_text().split(BEGIN)[1].split(END)[0]


def write():
    text = DOCUMENT.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    DOCUMENT.write_text(before + BEGIN + render() + END + after)


def is_to_be_written():
    return os.environ.get("POSTERN_UPDATE_DOCS") == "1"
