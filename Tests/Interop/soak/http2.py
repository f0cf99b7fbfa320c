"""Clients of HTTP/2: many streams of all kinds, WebSockets over it (RFC 8441), and h2load where it is installed."""

import hashlib
import re
import shutil
import subprocess
import time

from http2.session import session

from .client import PATIENCE, Client
from .http1 import SMALL, TROUBLE


class Http2(Client):
    """Keeps a session and opens another once this one has been told to go."""

    session = None

    def leave(self):
        if self.session:
            self.session.close()
        self.session = None

    def open(self):
        if self.session and (self.session.goaway is not None or self.session.closed):
            self.leave()
        self.session = self.session or session(self.server, timeout=PATIENCE)
        return self.session

    def settle(self, asked):
        """Waits for streams, and holds each (asked, stream, expected bytes) to what it had to get."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and not self.session.closed:
            if all(stream.done or self._unprocessed(stream) for _, stream, _ in asked):
                break
            self.session.move(0.2)
        for one, stream, expect in asked:
            self._judge(one, stream, expect)
            self.session.streams.pop(stream.id, None)

    def _unprocessed(self, stream):
        """Whether a GOAWAY says that it wasn't looked at: then it is nobody's failure (RFC 9113, section 6.8)."""
        return self.session.last_stream is not None and stream.id > self.session.last_stream

    def _judge(self, one, stream, expect):
        upstream = stream.value("x-upstream")
        if stream.ended and stream.status == 200 and bytes(stream.body) == expect:
            one.passed(len(expect))
        elif self._unprocessed(stream) or stream.reset == 7:
            self.ledger.passes("stream left to another connection by GOAWAY")
        elif not stream.ended:
            words = f"reset {stream.reset}, closed {self.session.closed}, GOAWAY {self.session.goaway}"
            words += f", {len(stream.body)} of {len(expect)} bytes"
            one.failed(words, stream.status, upstream, cut=stream.status is not None)
        else:
            one.failed(f"status {stream.status}, {len(stream.body)} bytes of {len(expect)}", stream.status, upstream)

    def begin(self, kind, method="GET"):
        """Starts a request on a stream; the triple that `settle` takes."""
        start, data = self.piece(SMALL)
        asked = self.ledger.ask(kind, method == "GET", once=method == "POST")
        if method == "GET":
            path = f"/group/bytes?size={len(data)}&from={start}&delay={self.chance.choice([0, 0, 0, 100, 400])}"
            return asked, self.session.start("GET", path, [asked.field]), data
        said = f"{len(data)} {hashlib.sha256(data).hexdigest()}".encode()
        return asked, self.session.start("POST", "/group/digest", [asked.field], data), said


class Streams(Http2):
    """Sixteen streams at once."""

    rest = 0.8

    def turn(self):
        try:
            self.open()
        except TROUBLE as error:
            self.ledger.ask("HTTP/2 connection").failed(repr(error))
            return
        asked = [self.begin("HTTP/2 post", "POST") if i % 3 == 2 else self.begin("HTTP/2 get") for i in range(16)]
        self.settle(asked)


class Resets(Http2):
    """Resets streams before, in and after their replies; others on the same connection don't notice."""

    rest = 1.5

    def turn(self):
        try:
            self.open()
        except TROUBLE as error:
            self.ledger.ask("HTTP/2 connection").failed(repr(error))
            return
        asked = [self.begin("HTTP/2 beside resets") for _ in range(4)]
        for moment in ("at once", "after the head", "in the body"):
            identity = self.ledger.identity("rude-stream")
            stream = self.session.start("GET", "/group/bytes?size=300000", [("x-soak", identity)])
            try:
                if moment == "after the head":
                    self.session.head(stream, PATIENCE)
                elif moment == "in the body":
                    self.session.wait(lambda: len(stream.body) > 20_000 or stream.done, PATIENCE)
                if not stream.done:
                    self.session.reset(stream)
            except AssertionError:
                break  # The connection has gone; the streams beside will say so.
            self.session.streams.pop(stream.id, None)
            self.ledger.passes(f"stream reset {moment}")
        self.settle(asked)


class H2load(Client):
    """Another program's client. It opens no connection after a GOAWAY: a run that a reload met tells nothing."""

    rest = 6.0

    def turn(self):
        if not (program := shutil.which("h2load")):
            self.end.wait()
            return
        reloads = self.ledger.reloads
        url = f"https://127.0.0.1:{self.server.ports['tls']}/steady/bytes?size=1000"
        began = time.monotonic()
        run = subprocess.run(
            [program, "-n", "200", "-c", "2", "-m", "8", url], capture_output=True, text=True, timeout=2 * PATIENCE
        )
        done = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", run.stdout)
        ok = re.search(r"status codes: (\d+) 2xx", run.stdout)
        if done and int(done[1]) == 200 and int(ok[1]) == 200:
            self.ledger.passes("h2load", 200)
        elif self.ledger.reloads != reloads or self.ledger.reloading:
            self.ledger.passes("h2load, met by a reload")
        else:
            self.ledger.complain(f"h2load, {time.monotonic() - began:.1f} s: {run.stdout[-400:]}{run.stderr[-200:]}")
