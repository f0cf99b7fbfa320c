"""Clients of HTTP/1.1: kept connections, fresh ones, resumed sessions, bodies both ways, logins, limits."""

import hashlib
import itertools
import time

from harness.client import basic, head
from harness.ports import wait_until

from .client import PATIENCE, Client

SMALL = [0, 1, 200, 1000, 4000, 16_000]
LARGE = [65_536, 300_000, 1 << 20, 2 << 20]
TROUBLE = (OSError, ValueError, AssertionError)


class Http1(Client):
    """Asks over one connection, and opens another when it was told that this one closes."""

    port, source = "tls", None
    connection = None

    def open(self):
        return self.server.connect(self.port, timeout=PATIENCE, source=self.source)

    def leave(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def ask(self, kind, method, path, expect=b"", fields=(), body=None, *, wire=None, status=200, once=False):
        """One request with its whole reply, which must have this status and, at 200, these bytes."""
        asked = self.ledger.ask(kind, method in ("GET", "HEAD"), once)
        answer, upstream = None, None
        try:
            self.connection = self.connection or self.open()
            try:
                self.connection.send(head(method, path, [asked.field, *fields], body) + (wire or body or b""))
            except ConnectionError:
                pass  # It was refused before it was whole; what was said of it may still be read.
            answer = self.connection.response_head()
            upstream = answer.value("X-Upstream")
            got = self._read(answer, method)
        except TROUBLE as error:
            self.leave()
            asked.failed(repr(error), answer and answer.status, upstream, cut=answer is not None)
            return None
        if (answer.value("Connection") or "").lower() == "close":
            self.leave()
        if answer.status != status:
            asked.failed(f"status {answer.status}, not {status}: {got[:80]!r}", answer.status, upstream)
        elif status == 200 and got != expect:
            asked.failed(f"{len(got)} bytes that aren't the {len(expect)} expected", 200, upstream)
        else:
            asked.passed(len(got))
        return answer

    def _read(self, answer, method):
        connection = self.connection
        if method == "HEAD" or answer.status in (204, 304):
            return b""
        if answer.value("Transfer-Encoding"):
            parts = []
            while part := connection.chunk():
                parts.append(part)
            return b"".join(parts)
        return connection.exactly(int(answer.value("Content-Length")))

    # What can be asked for.

    def get(self, kind, where="group", sizes=SMALL, extra="", **options):
        start, expect = self.piece(sizes)
        return self.ask(kind, "GET", f"/{where}/bytes?size={len(expect)}&from={start}{extra}", expect, **options)

    def post(self, kind, where="group", sizes=SMALL, extra="", **options):
        _, body = self.piece(sizes)
        expect = f"{len(body)} {hashlib.sha256(body).hexdigest()}".encode()
        return self.ask(kind, "POST", f"/{where}/digest?{extra}", expect, body=body, once=True, **options)

    def upload(self, kind, sizes=SMALL):
        """In chunks of different sizes, without saying how much; it all comes back."""
        _, body = self.piece(sizes)
        wire, offset = [], 0
        while offset < len(body):
            part = body[offset : offset + self.chance.choice([1, 100, 3000, 20_000])]
            wire.append(b"%x\r\n" % len(part) + part + b"\r\n")
            offset += len(part)
        wire.append(b"0\r\n\r\n")
        fields = [("Transfer-Encoding", "chunked")]
        self.ask(kind, "POST", "/group/echo", body, fields, wire=b"".join(wire), once=True)


class KeptPlain(Http1):
    """Small requests on a kept connection."""

    port, rest = "plain", 0.06

    def turn(self):
        self.get("get, plain") if self.chance.random() < 0.6 else self.post("post, plain")


class KeptTls(Http1):
    rest = 0.06

    def turn(self):
        draw = self.chance.random()
        if draw < 0.5:
            self.get("get, TLS")
        elif draw < 0.9:
            self.post("post, TLS")
        else:
            start, _ = self.piece([1000])
            self.ask("head, TLS", "HEAD", f"/group/bytes?size=1000&from={start}")


class Bulky(Http1):
    """Bodies that fill every buffer on their way."""

    rest = 0.5

    def turn(self):
        self.port = self.chance.choice(["tls", "plain"])
        self.leave()
        if self.chance.random() < 0.5:
            self.get("large get", sizes=LARGE)
        else:
            self.post("large post", sizes=LARGE)


class Uploads(Http1):
    rest = 0.25

    def turn(self):
        self.upload("chunked upload", SMALL + [65_536, 200_000])


class Slow(Http1):
    """Requests that take a while, so that a killed upstream always has some."""

    rest = 0.02

    def turn(self):
        delay = self.chance.choice([50, 200, 600])
        draw = self.chance.random()
        if draw < 0.4:
            self.get("slow get", extra=f"&delay={delay}")
        elif draw < 0.7:
            self.post("slow post", extra=f"delay={delay}")
        else:
            self.get("dripping get", sizes=[20_000], extra="&part=1000&pause=30")


class Fresh(Http1):
    """A connection for each request: TLS in full."""

    rest = 0.4

    def turn(self):
        self.leave()
        self.get("get, new connection")
        self.leave()


class Resumed(Http1):
    """A connection for each request, whose TLS session goes on from one to the next."""

    rest = 0.3
    session = None

    def open(self):
        connection = self.server.connect(timeout=PATIENCE, session=self.session)
        if self.session:
            resumed = connection.socket.session_reused
            self.ledger.passes("handshakes resumed" if resumed else "handshakes in full though a session was there")
        return connection

    def turn(self):
        self.get("get, session kept")
        if self.connection:
            self.session = self.connection.socket.session
        self.leave()


#: Users and whether what they say is right; the files are in site.py.
LOGINS = [("alice", "wonderland", 200), ("bob", "builder", 200), ("alice", "guess", 401), ("mallory", "x", 401)]


class Logins(Http1):
    rest = 0.25

    def turn(self):
        user, password, status = self.chance.choice(LOGINS)
        kind = "login, right" if status == 200 else "login, wrong"
        start, expect = self.piece([100])
        path = f"/private/bytes?size=100&from={start}"
        answer = self.ask(kind, "GET", path, expect, [basic(user, password)], status=status)
        if status == 401 and answer and not answer.value("WWW-Authenticate"):
            self.ledger.complain("a 401 without WWW-Authenticate")


class Bursts(Http1):
    """Asks faster than an address may: what passes stays within the rate, the rest gets 429 and goes nowhere."""

    RATE, BURST = 20, 5
    rest = 1.5
    _sources = itertools.count(1)

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.source = f"127.0.2.{next(self._sources) % 250 + 1}"
        self.began, self.let = None, 0

    def turn(self):
        clock = time.monotonic
        self.began = self.began or clock()
        for number in range(15):
            asked = self.ledger.ask("limited by rate", True)
            try:
                self.connection = self.connection or self.open()
                answer = self.connection.request("GET", "/rate/bytes?size=10", [asked.field])
            except TROUBLE as error:
                self.leave()
                asked.failed(repr(error))
                return
            if answer.value("Connection") == "close":
                self.leave()
            if answer.status == 200:
                self.let += 1
                asked.passed()
            elif answer.status == 429 and number > self.BURST and answer.value("Retry-After"):
                self.ledger.refused.add(asked.identity)
                asked.passed()
                self.ledger.passes("… of them 429")
            else:
                asked.failed(f"status {answer.status} at number {number} of a burst", answer.status)
        allowed = 1 + self.BURST + self.RATE * (clock() - self.began) + 1
        if self.let > allowed:
            self.ledger.complain(f"{self.let} requests passed where the rate allows {allowed:.0f}")


class Slots(Http1):
    """Holds as many requests at once as an address may, from a new address each time: each more gets 503."""

    SLOTS, MORE = 2, 3
    rest = 1.0
    _rounds = itertools.count(1)

    def turn(self):
        turn = next(self._rounds)
        source, key = f"127.0.3.{turn % 120 + 1}", f"slots-{turn}"
        held = []
        try:
            for _ in range(self.SLOTS):
                asked, connection = self.ledger.ask("slot held"), self.open_from(source)
                held.append((asked, connection))
                connection.send(head("GET", f"/slots/hold?key={key}", [asked.field]))
            # From when the upstream has them they count for certain.
            wait_until(lambda: self._held(key) == str(self.SLOTS), "the slots to be taken", PATIENCE, 0.05)
            for _ in range(self.MORE):
                self._one_more(source, key)
            self.ask("slot released", "GET", f"/steady/release?key={key}")
            for asked, connection in held:
                answer = connection.response()
                if answer.status == 200 and answer.body == b"held":
                    asked.passed()
                else:
                    asked.failed(f"status {answer.status} within the slots", answer.status)
        except TROUBLE as error:
            for asked, _ in held:
                asked.failed(f"slots, round {turn}: {error!r}")
        finally:
            for _, connection in held:
                connection.close()

    def open_from(self, source):
        return self.server.connect(timeout=PATIENCE, source=source)

    def _held(self, key):
        self.connection = self.connection or self.open()
        answer = self.connection.request("GET", f"/steady/held?key={key}")
        if answer.value("Connection") == "close":
            self.leave()
        return answer.text

    def _one_more(self, source, key):
        asked = self.ledger.ask("limited by slots")
        with self.open_from(source) as connection:
            answer = connection.request("GET", f"/slots/hold?key={key}", [asked.field])
        if answer.status == 503:
            self.ledger.refused.add(asked.identity)
            asked.passed()
        else:
            asked.failed(f"status {answer.status} beyond the slots", answer.status)
