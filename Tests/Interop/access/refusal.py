"""One row of the table: who is turned away, and everything that is seen of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ask:
    """One request. What is in braces is one of the stage's words, such as a key."""

    target: str
    fields: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    body: bytes | None = None
    #: The client's address.
    source: str = "127.0.0.1"
    host: str = "localhost"


@dataclass(frozen=True)
class Text:
    """The status in words, and what is added to them. Who asks for JSON gets the same as that."""

    detail: str = ""
    #: Whether the row itself asks for JSON.
    is_json: bool = False


@dataclass(frozen=True)
class Waiting:
    """JSON that names the code by which the device is let in."""


@dataclass(frozen=True)
class Page:
    """A page with that heading, and what is special in it."""

    heading: str
    notice: str = ""


@dataclass(frozen=True)
class Refusal:
    """One row."""

    #: Who asks, with what.
    name: str
    ask: Ask
    status: int
    #: What is counted, and stands in the logs.
    cause: str
    body: Text | Page | Waiting = Text()
    #: Schemes of `WWW-Authenticate`.
    challenges: tuple[str, ...] = ()
    #: The least and the most that `Retry-After` can say; None where there is none.
    retry_after: tuple[int, int] | None = None
    #: Whether the operator's log has a line of it, at `warn`; the access log has one of every request.
    is_logged: bool = True
    #: Another line of the operator's log, written once for the state of affairs: level, and words.
    also: tuple[str, str] | tuple[()] = ()
    #: Brings about what the row is about, and may answer a function that sees to its end.
    before: Callable[["Stage"], object] | None = None  # noqa: F821
    #: Other causes that are counted meanwhile, by what was brought about.
    meanwhile: tuple[str, ...] = ()
    #: Names of the cookies that the answer sets.
    cookies: tuple[str, ...] = ()
    #: The fixture with the server that it is asked of.
    stage: str = "stage"
    #: Whether it takes too long to be shown again to somebody who asks for JSON.
    is_slow: bool = False
    versions: tuple[str, ...] = ("HTTP/1.1", "HTTP/2.0")

    @property
    def slug(self):
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    def __str__(self):
        return self.slug


#: (row, version) of what was proved in this run.
PROVED = set()
