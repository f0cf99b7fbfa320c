"""Writes what the tables hold into docs/nginx.md, between its two markers."""

from harness.process import REPOSITORY

from .differences import DIFFERENCES
from .files import ALL

DOCUMENT = REPOSITORY / "docs" / "nginx.md"
BEGIN, END = "<!-- parity: begin -->\n", "<!-- parity: end -->\n"

SUMMARY = """\
Nginx 1.22 and Postern were started on each of these files and asked the same: {requests:,} requests in {cases} cases.
Both answered with the same status, fields, body and trailers, kept or closed the connection alike, and wrote the same
line in the access log; and what the upstream received was the same, byte for byte. So it was in all cases but
{different}, which show the rows of the second table.
"""
IGNORED = """\
Not compared, since they are each program's own: the date; the name in `Server`; the words behind a status of the
proxy's own; `Connection: keep-alive`, which HTTP/1.1 needs nobody to say; the page for an error or a redirect with
its type and length, and the `Cache-Control` and `X-Request-ID` that Postern's have; the order of a reply's fields of
different names; where a body was cut into chunks; where `Host`, `Connection` and `Upgrade` stand among the fields
that go upstream; and whether the log shows `-` or nothing for a variable that is empty.
"""


def render(text):
    """The document with the part between the markers written anew."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + "\n" + _part() + "\n" + END + after


def _part():
    summary = SUMMARY.format(
        requests=sum(step.replies for file in ALL for case in file.cases for step in case.steps),
        cases=sum(len(file.cases) for file in ALL),
        different=sum(map(_different, ALL)),
    )
    lines = ["| file | what it is about | cases | differ |", "|---|---|---|---|"]
    for file in ALL:
        path = file.path or f"Tests/Interop/parity/files/{file.name}.conf"
        name = path.rsplit("/", 1)[1]
        lines.append(f"| [{name}](../{path}) | {file.covers} | {len(file.cases)} | {_different(file) or '–'} |")
    lines += ["", "| | Nginx | Postern | why |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.nginx} | {row.postern} | {row.why} |" for row in DIFFERENCES]
    return summary + "\n" + "\n".join(lines) + "\n\n" + IGNORED


def _different(file):
    """How many of a file's cases differ."""
    return len({case for cases in file.differs.values() for case in cases})
