"""One row of the table of hostile frames: what is sent, and what must come of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

#: Seconds within which every row's client has its answer.
WITHIN = 1.0


@dataclass(frozen=True)
class Row:
    """What a client sends, after a good preface, to the port that speaks HTTP/2 without TLS."""

    name: str
    #: The bytes; or what makes them, where they are many.
    sends: bytes | Callable[[], bytes]
    #: Its answer, in words: a status, "RST_STREAM code", "GOAWAY code" with the connection's end, or "nothing".
    sees: str
    #: The one line of the error log: its level, and words of it. Empty when nothing is said.
    log: tuple[str, str] | tuple[()] = ()
    #: The whole requests that the gateway sees: "METHOD target", and "+ body" if there is one.
    gateway: tuple[str, ...] = ()
    #: Whether the gateway may see the beginning of a request that never becomes whole.
    begins: bool = False
    #: The bytes before: None leaves the preface out.
    preface: bytes | None = field(default=b"default")
    #: The port it goes to, by its name.
    port: str = "h2c"

    def __str__(self):
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def bytes(self):
        return self.sends if isinstance(self.sends, bytes) else self.sends()

    @property
    def ends(self):
        """Whether the connection ends."""
        return "GOAWAY" in self.sees or "closed" in self.sees


#: The rows that were proved in this run, by name, and what they have shown.
PROVED = {}
