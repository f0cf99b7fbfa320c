"""What a table of requests is written in."""

from dataclasses import dataclass, field

from harness.client import basic

__all__ = ["Case", "File", "Step", "basic", "request", "stays_chunked", "upstream_said"]


@dataclass(frozen=True)
class Step:
    """One request on a connection: the bytes, and the method, which tells how its reply ends.

    `after_continue` goes out when a 100 has come; not at all when a final reply comes first.
    `replies` is how many requests the bytes hold (pipelined).
    """

    data: bytes
    method: str = "GET"
    after_continue: bytes | None = None
    replies: int = 1


@dataclass(frozen=True)
class Case:
    """Requests sent one after the other over one connection to one port."""

    id: str
    steps: list
    port: str = "plain"
    source: str = "127.0.0.1"
    sni: str = "localhost"


@dataclass(frozen=True)
class File:
    """One configuration file and what is asked of it.

    The file is files/NAME.conf, or the repository's `path` after `adapt` has put words in braces in place of its own.
    `covers` says in a few words what it is about. `probe` is a request that every connection that is still open answers
    with one of `probe_statuses`, whatever came before it.
    """

    name: str
    covers: str
    cases: list
    probe: bytes = b"GET /probe HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"
    probe_statuses: tuple = ("204",)
    listeners: list = field(default_factory=list)
    files: dict = field(default_factory=dict)
    path: str | None = None
    adapt: object = None
    #: Row of differences.py → case → aspect → what Nginx's and what Postern's observation is (expect.py says how).
    differs: dict = field(default_factory=dict)

    def expected(self, case):
        """The aspects that differ in this case, by all the rows that name it; their texts are put together."""
        found = {}
        for cases in self.differs.values():
            for aspect, pair in cases.get(case.id, {}).items():
                found[aspect] = tuple(map(_together, found[aspect], pair)) if aspect in found else pair
        return found


def _together(first, second):
    if first is ... or second is ...:
        return ...
    return tuple(text for part in (first, second) for text in ([part] if isinstance(part, str) else part))


def request(
    target="/", fields=(), method="GET", body=None, host="localhost", version="HTTP/1.1", chunks=None, trailers=()
):
    """A request as most clients write it. `chunks` makes the body chunked; `body` gives it a length."""
    lines = [f"{method} {target} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in fields]
    given = {name.lower() for name, _ in fields}
    data = b""
    if chunks is not None:
        lines.append("Transfer-Encoding: chunked")
        data = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n"
        data += b"".join(f"{name}: {value}\r\n".encode() for name, value in trailers) + b"\r\n"
    elif body is not None:
        if "content-length" not in given:
            lines.append(f"Content-Length: {len(body)}")
        data = body
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    if any(name.lower() == "expect" for name, _ in fields):
        return Step(head, method, after_continue=data)
    return Step(head + data, method)


def stays_chunked(body, trailers=""):
    """What differs upstream when Nginx collects a chunked body and Postern does not."""
    return {"upstream": (("Content-Length: ", body), ("Transfer-Encoding: chunked", f"<{body}>{trailers}"))}


def upstream_said(name):
    """The field that makes the upstream answer with one of upstream.py's replies."""
    return ("X-Reply", name)
