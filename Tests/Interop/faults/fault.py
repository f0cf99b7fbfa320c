"""One row of the table: a fault, and what is promised about it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.site import Site


@dataclass(frozen=True)
class Fault:
    """One row. `act(stage, fault)` brings it about once, puts right what it broke, and answers what the client saw."""

    name: str
    #: What the client sees, as `act` answers it.
    sees: str
    #: Seconds within which `act` is through, on a busy machine.
    within: float
    #: The one line of the error log: its level, and words of it. Empty when nothing is said.
    log: tuple[str, str] | tuple[()]
    act: Callable[["Stage", "Fault"], str] = lambda stage, fault: stage.ask(fault)  # noqa: F821
    #: Fields of the request, where `act` is the ordinary one.
    fields: tuple[tuple[str, str], ...] = ()
    #: Directives of the fault's own location on the shared server.
    location: str = ""
    #: Where that location's requests go: a key of `Stage.targets`.
    target: str = "scripted"
    #: What the scripted upstream does with them: a name in `peer.SCRIPTS`.
    script: str = "ok"
    #: How often it is repeated before descriptors and memory are looked at, and how many at a time.
    times: int = 1000
    at_once: int = 1
    #: Whether a flood of it is a flood of lines: otherwise, how many there are in a flood.
    said: str = "each time"
    most: int = 0
    #: Levels and words of lines that may be there as well: of the repair.
    also: tuple[tuple[str, str], ...] = ()
    #: Makes a server's surroundings where the fault needs its own: `setting(directory)` answers a `Setting`.
    setting: Callable[[Path], "Setting"] | None = None

    @property
    def slug(self):
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def path(self):
        """What its requests ask for."""
        return f"/{self.slug}/{self.script}"

    def __str__(self):
        return self.slug

    def play(self, stage):
        return self.act(stage, self)


@dataclass
class Setting:
    """Surroundings of one server. `props` is what the fault's `act` plays with; each of them can be closed."""

    site: Site
    #: A command that starts the server.
    wrap: list[str] = field(default_factory=list)
    props: dict = field(default_factory=dict)
    log: str = "error.log"
    #: Whether somebody else is served meanwhile; not when the fault is the server's end.
    has_bystander: bool = True

    def close(self):
        for prop in self.props.values():
            if hasattr(prop, "close"):
                prop.close()


@dataclass
class Rows:
    """The faults that were proved in this run, by the order of the table."""

    proved: set[str] = field(default_factory=set)


#: Filled by the tests of this session, and read by the last.
ROWS = Rows()
