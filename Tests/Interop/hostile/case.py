"""One row of the threat model: what is sent, and what must come of it."""

import re
from dataclasses import dataclass, field, replace

#: Seconds within which every row's connection has had all of its answers, and its end if it has one.
WITHIN = 1.0


@dataclass(frozen=True)
class Raw:
    """The bytes of one connection, as they are. Only HTTP/1 can carry them."""

    data: bytes

    def __str__(self):
        return shown(self.data)


@dataclass(frozen=True)
class Ask:
    """A request in no protocol's words: any carrier can put it into its own."""

    method: str = "GET"
    target: str = "/open/x"
    fields: tuple[tuple[str, str], ...] = ()
    host: str | None = "localhost"
    body: bytes | None = None
    #: The name in the hello, over TLS; None for no name.
    sni: str | None = "localhost"
    #: The host that its connection must answer for afterwards.
    after: str = "localhost"
    #: Whether it asks for a WebSocket.
    websocket: bool = False

    def __str__(self):
        words = f"{self.method} {self.target}"
        if self.host != "localhost":
            words += f" · Host: {self.host}"
        if self.sni != "localhost":
            words += f" · SNI {self.sni}" if self.sni else " · no SNI"
        for name, value in self.fields:
            words += f" · {name}: {value if len(value) < 60 else value[:24] + f'… ({len(value)} bytes)'}"
        return words


@dataclass(frozen=True)
class Stream:
    """The frames of one request of HTTP/2, as they are. Only HTTP/2 can carry them."""

    #: All fields of the head in order, those of the request line among them. `{scheme}` is the connection's.
    fields: tuple[tuple[str, str], ...]
    #: What each DATA frame holds.
    parts: tuple[bytes, ...] = ()
    trailers: tuple[tuple[str, str], ...] | None = None
    #: Whether the last frame of the above ends the stream.
    ends: bool = True
    #: DATA behind that end.
    behind: bytes = b""
    #: The name in the hello, over TLS.
    sni: str | None = "localhost"


@dataclass(frozen=True)
class Forwarded:
    """A request that the gateway may see, whole: its method, target and body, and fields that it must have or lack."""

    method: str = "GET"
    target: str = "/open/x"
    body: bytes = b""
    #: By folded name (lower case, `-` for `_` and `.`): every value there must be, under any spelling; empty for none.
    #: `{client}` is the client's address, `{scheme}` the connection's.
    fields: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __str__(self):
        words = f"{self.method} {self.target}"
        if self.body:
            words += f" + {shown(self.body)}"
        for name, values in self.fields:
            words += f" · {name}: {', '.join(values)}" if values else f" · no {name}"
        return words


@dataclass(frozen=True)
class Outcome:
    """What must be seen."""

    #: Statuses in order, or "RST_STREAM code", "GOAWAY code". `("no handshake",)` where TLS refuses.
    answers: tuple
    #: Whether Postern ends the connection; if not, it must answer one more request correctly.
    ends: bool = False
    #: Every whole request at the gateway, in order.
    gateway: tuple[Forwarded, ...] = ()
    #: Whether the gateway may see the beginning of a request that never becomes whole.
    begins: bool = False
    #: Requests that it may see, whole, or not: what came before the connection broke.
    perhaps: tuple[Forwarded, ...] = ()
    #: Words of the one line in the error log; empty for none.
    log: str = ""
    #: What is as good, where it hangs on which of two comes first.
    otherwise: "Outcome | None" = None


@dataclass(frozen=True)
class Counterpart:
    """The same over HTTP/2."""

    outcome: Outcome
    #: What is sent, where an `Ask` doesn't say it.
    sent: Ask | tuple[Stream, ...] | None = None
    #: Where an Nginx file says otherwise, and where it means something else.
    nginx: Outcome | None = None
    means: str = ""


@dataclass(frozen=True)
class Case:
    """One row."""

    name: str
    #: What the client's own framing means.
    means: str
    sent: Raw | Ask | tuple[Stream, ...]
    outcome: Outcome
    #: Where an Nginx file says otherwise.
    nginx: Outcome | None = None
    #: Which dialects it is for.
    dialects: tuple[str, ...] = ("native", "nginx")
    #: Which carriers it is for, by name, and the port it goes to.
    carriers: tuple[str, ...] = ("http/1",)
    port: str = "plain"
    #: Where HTTP/2 says it in other words, or answers otherwise than by leaving the connection open.
    http2: Counterpart | None = None

    def __str__(self):
        return re.sub(r"[^\w%.;/\\?#*:^-]+", "-", self.name).strip("-")

    def of(self, version):
        """The case as this version of HTTP has it."""
        if version == 1:
            return self
        if self.http2:
            other = self.http2
            return replace(
                self,
                sent=other.sent or self.sent,
                outcome=other.outcome,
                nginx=other.nginx,
                means=other.means or self.means,
            )
        return replace(self, outcome=goes_on(self.outcome), nginx=self.nginx and goes_on(self.nginx))

    def expected(self, dialect, version=1):
        case = self.of(version)
        return case.nginx if dialect == "nginx" and case.nginx else case.outcome


def goes_on(outcome):
    """The same answer on a stream: what refuses a request there has no reason to end the connection."""
    return outcome if outcome.answers == ("no handshake",) else replace(outcome, ends=False)


@dataclass
class Seen:
    """What a carrier saw."""

    answers: list = field(default_factory=list)
    ended: bool = False
    #: Whether the connection answered one more request as it should; None when that wasn't tried.
    goes_on: bool | None = None
    seconds: float = 0.0


def shown(data):
    """Bytes for a table's cell: a run of one byte is counted."""
    text = "".join(
        chr(b) if 0x20 < b < 0x7F or b == 0x20 else {13: "\\r", 10: "\\n", 9: "\\t"}.get(b, f"\\x{b:02x}") for b in data
    )
    return re.sub(r"(.)\1{15,}", lambda run: f"{run.group(1)}×{len(run.group(0))}", text)
