"""Writes what the tables hold into docs/nginx.md, between its two markers."""

from harness.process import REPOSITORY

from .differences import DIFFERENCES
from .files import ALL

DOCUMENT = REPOSITORY / "docs" / "nginx.md"
BEGIN, END = "<!-- parity: begin -->\n", "<!-- parity: end -->\n"


def render(text):
    """The document with the part between the markers written anew."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + "\n" + _part() + "\n" + END + after


def _part():
    requests = sum(step.replies for file in ALL for case in file.cases for step in case.steps)
    different = sum(len(cases) for file in ALL for cases in file.differs.values())
    lines = [
        f"Nginx 1.22 and Postern were started on each of these files and asked the same: {requests:,} requests in "
        f"{sum(len(file.cases) for file in ALL)} cases. Both gave the same status, fields, body and trailers, kept or closed "
        "the connection alike, wrote the same line in the access log, and what the upstream received was the same byte for "
        f"byte, but for the {different} cases that the second table is about.",
        "",
        "| file | what it is about | cases | differ |",
        "|---|---|---|---|",
    ]
    for file in ALL:
        path = file.path or f"Tests/Interop/parity/files/{file.name}.conf"
        shown = path.rsplit("/", 1)[1]
        count = sum(len(cases) for cases in file.differs.values())
        lines.append(f"| [{shown}](../{path}) | {file.covers} | {len(file.cases)} | {count or '–'} |")
    lines += ["", "| | Nginx | Postern | why |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.nginx} | {row.postern} | {row.why} |" for row in DIFFERENCES]
    lines += [
        "",
        "Not compared, since they are each program's own: the date; the name in `Server`; the words behind a status; "
        "`Connection: keep-alive`, which HTTP/1.1 needs nobody to say; the text of a page for an error or redirect with its "
        "type and length, and the `Cache-Control` and `X-Request-ID` that Postern's have; the order of a reply's fields; "
        "where a body was cut into chunks; and where `Host`, `Connection` and `Upgrade` stand among the fields that go upstream.",
    ]
    return "\n".join(lines) + "\n"
