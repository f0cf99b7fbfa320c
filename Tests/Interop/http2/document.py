"""Writes what the tables hold into docs/threats.md, between its markers."""

import os
import re

from harness.process import REPOSITORY

from . import flood, hostile_rows, limits

DOCUMENT = REPOSITORY / "docs" / "threats.md"
#: What stands between a pair of markers, by their name.
PARTS = {}

#: Their headings, for a document that doesn't have them yet.
HEADINGS = {"http2": "HTTP/2", "floods": "Floods", "limits": "Limits"}
#: Where the defaults are.
REFERENCE = REPOSITORY / "docs" / "configuration.md"


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
        "The attackers are on one processor, the server and the other client on another. While each of these goes on, the other",
        f"client is answered with a p99 within {_spelled(flood.TIMES)} times what it was just before, or {flood.FLOOR * 1000:.0f} ms{_slower()}; where the machine does other",
        f"things as well, within {_spelled(flood.BESIDE)} times what a client of a server beside it waits that nobody floods. Memory grows by less",
        "than 50 MiB. Every connection of the attacker's ends as shown, without an exception, and each has its line in the log:",
        "one, if the table doesn't say otherwise. The counter (docs/metrics.md) goes up by as many.",
    ]
    for heading, floods in flood.SECTIONS.items():
        lines += ["", f"### {heading}", "", "| flood | each connection ends with | the log says | the counter |", "|---|---|---|---|"]
        lines += [f"| {each.name} | {_ends(each)} | {_said(each)} | {_counted(each)} |" for each in floods]
    return "\n".join(lines)


def _ends(each):
    return "its own end" if each.ends == ("left",) else ", ".join(each.ends)


def _said(each):
    level, *words = each.log
    if level == "access":
        return f"the access log: `{words[0]}`"
    times = f"{each.lines} times " if each.lines > 1 else "for each answer " if each.attack == "hashing" else ""
    return f"{times}`{level}` {', or '.join(words)}"


def _slower():
    slower = [f"“{each.name}”" for each in flood.FLOODS if each.floor != flood.FLOOR and not each.group]
    besides = f", and for {', '.join(slower)}" if slower else ""
    return f" ({flood.SLOWER * 1000:.0f} ms where clients hold connections until they are ended{besides})"


def _counted(each):
    return ", ".join(f"`{name.removesuffix('{')}`" for name in each.counters)


def _spelled(count):
    return {2: "two", 3: "three", 5: "five"}[count]


@part("limits")
def _limits():
    lines = [
        "What a client may at the most, and what it gets beyond that; within, all is well. Each row is played under both dialects, and",
        "those that a head can show with the defaults as well.",
        "",
        "| limit | directive | default | over HTTP/1 | over HTTP/2 |",
        "|---|---|---|---|---|",
    ]
    for each in limits.LIMITS:
        name, default = ("", "always") if not each.directive else (f"`{each.directive}`", _default(each.directive))
        lines.append(f"| {each.name} | {name} | {default} | {' | '.join(_answer(answer) for answer in each.answers)} |")
    return "\n".join(lines)


def _default(directive):
    """As the reference has it."""
    section = REFERENCE.read_text().split(f"### `{directive}`\n")[1].split("\n### ")[0]
    found = re.search(r"^In: .*? Default: (.*)\.$", section, re.MULTILINE)
    return found.group(1) if found else "none"


def _answer(answer):
    return f"{answer[0]}; native: {answer[1]}" if isinstance(answer, tuple) else answer


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
