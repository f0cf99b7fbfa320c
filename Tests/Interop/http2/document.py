"""Writes what the tables hold into docs/threats.md, between its markers."""

import os

from harness.process import REPOSITORY

from . import flood, hostile_rows

DOCUMENT = REPOSITORY / "docs" / "threats.md"
#: What stands between a pair of markers, by their name.
PARTS = {}

#: Their headings, for a document that doesn't have them yet.
HEADINGS = {"http2": "HTTP/2", "floods": "Floods"}


def part(name):
    def register(function):
        PARTS[name] = function
        return function

    return register


@part("http2")
def _frames():
    lines = [
        "After a good preface, each of these is sent and answered within a second. What isn't shown to reach the gateway doesn't.",
        "A refusal leaves its connection usable; GOAWAY ends it. All rows over and over leave no descriptor and no memory behind.",
    ]
    for heading, rows in hostile_rows.SECTIONS.items():
        lines += ["", f"### {heading}", "", "| the client sends | it gets | the log says | the gateway sees |", "|---|---|---|---|"]
        lines += [_row(row) for row in rows]
    return "\n".join(lines)


def _row(row):
    said = f"`{row.log[0]}` {row.log[1].removeprefix(hostile_rows.REFUSED)}" if row.log else "nothing"
    seen = "; ".join(f"`{request}`" for request in row.gateway)
    seen = seen or ("at most a request that is cut short" if row.begins else "nothing")
    return f"| {row.name} | {row.sees} | {said} | {seen} |".replace("\\", "\\\\")


@part("floods")
def _floods():
    lines = [
        "While each of these goes on, another client is answered with a p99 within five times that of a server beside it which",
        "nobody floods (or 25 ms), memory grows by less than 50 MiB, and every connection of the attacker's ends as shown, with a",
        "line in the log.",
    ]
    for heading, floods in flood.SECTIONS.items():
        lines += ["", f"### {heading}", "", "| flood | each connection ends with | the log says |", "|---|---|---|"]
        for each in floods:
            said = f"`{each.log[0]}` {', or '.join(each.log[1:])}" if each.log else "nothing"
            ends = "its own end" if each.ends == ("left",) else ", ".join(each.ends)
            lines.append(f"| {each.name} | {ends} | {said} |")
    return "\n".join(lines)


def markers(name):
    return f"<!-- {name} -->\n", f"<!-- {name}: end -->\n"


def written(name):
    """The part as it stands in the document."""
    begin, end = markers(name)
    return DOCUMENT.read_text().split(begin)[1].split(end)[0]


def render(name):
    return "\n" + PARTS[name]() + "\n\n"


def write():
    text = DOCUMENT.read_text()
    for name in PARTS:
        begin, end = markers(name)
        if begin not in text:
            text += f"\n## {HEADINGS[name]}\n\n{begin}{end}"
        before, after = text.split(begin)[0], text.split(end)[1]
        text = before + begin + render(name) + end + after
    DOCUMENT.write_text(text)


def is_to_be_written():
    return os.environ.get("POSTERN_UPDATE_DOCS") == "1"
