"""docs/access.md: the tables that the tests write, and hold themselves to."""

from pathlib import Path

from faults.table import is_to_be_written

from . import told
from .refusal import PROVED, Page, Waiting
from .rows import ROWS, SECTIONS
from .stage import VERSIONS

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/access.md"

__all__ = ["ROWS", "SECTIONS", "is_to_be_written", "is_written", "unproved", "write"]


def render():
    """The tables, as the rows promise them."""
    lines = []
    for heading, rows in SECTIONS.items():
        lines += ["", f"### {heading}", ""]
        lines += ["| who | status | body | `WWW-Authenticate` | `Retry-After` | the operator's log | counted as |"]
        lines += ["|---|---|---|---|---|---|---|", *map(row, rows)]
    return "\n".join(lines) + "\n\n"


def row(refusal):
    cells = [
        refusal.name + (" (HTTP/1.1)" if len(refusal.versions) == 1 else ""),
        str(refusal.status),
        body(refusal),
        ", ".join(refusal.challenges) or "–",
        seconds(refusal.retry_after),
        logged(refusal),
        f"`{refusal.cause}`",
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def body(refusal):
    match refusal.body:
        case Page(heading, notice):
            return f"page “{heading}”" + (f": “{notice.strip()}”" if notice else "")
        case Waiting():
            return "JSON with the code"
        case text:
            return ("JSON" if text.is_json else "text") + (f": “{text.detail}”" if text.detail else "")


def seconds(bounds):
    if bounds is None:
        return "–"
    return f"{bounds[1]}" if bounds[0] == bounds[1] else f"at most {bounds[1]}"


def logged(refusal):
    said = f"`warn` … was refused with {refusal.status}: {refusal.cause}" if refusal.is_logged else "–"
    if refusal.also:
        level, words = refusal.also
        said += f"; once `{level}` " + words.replace("{directory}/", "") + "…"
    return said


def unproved():
    """What hasn't been shown in this run."""
    rows = [f"{row.name} ({version})" for row in ROWS for version in row.versions if (row, version) not in PROVED]
    for gateway in told.GATEWAYS:
        for proof in told.PROOFS:
            rows += [f"{gateway} {proof}" for version in VERSIONS if (gateway, proof, version) not in told.PROVED]
    return rows


def parts():
    """What the document's marks stand around."""
    return {"told": told.render(), "refusals": render()}


def is_written():
    text = DOCUMENT.read_text()
    return all(between(text, name) == part for name, part in parts().items())


def between(text, name):
    return text.split(f"<!-- {name}: begin -->\n")[1].split(f"<!-- {name}: end -->\n")[0]


def write():
    text = DOCUMENT.read_text()
    for name, part in parts().items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
        text = text.split(begin)[0] + begin + part + end + text.split(end)[1]
    DOCUMENT.write_text(text)
