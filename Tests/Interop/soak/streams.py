"""Clients whose requests last: server-sent events and WebSockets, over both protocols, across all reloads."""

import base64
import os
import re
import struct

from harness.client import head

from .client import PATIENCE
from .http1 import TROUBLE, Http1
from .http2 import Http2
from .upstream import event, frame

EVENT = re.compile(rb"id: (\d+)\n")


class Events(Http1):
    """Reads events for as long as it can; after a cut it goes on where it was. None is missing, none comes twice."""

    rest, where, pause = 0.2, "steady", 100
    number = 0

    def turn(self):
        self.leave()
        asked = self.ledger.ask(f"event stream, {self.where}", replayable=True)
        upstream = None
        pending = b""
        try:
            self.connection = self.open()
            path = f"/{self.where}/events?from={self.number}&pause={self.pause}"
            self.connection.send(head("GET", path, [asked.field]))
            answer = self.connection.response_head()
            upstream = answer.value("X-Upstream")
            if answer.status != 200:
                asked.failed(f"status {answer.status}", answer.status, upstream)
                return
            while not self.end.is_set():
                pending += self.connection.chunk() or self._ended()
                pending = self.take(pending)
            asked.passed()
        except TROUBLE as error:
            asked.failed(f"after event {self.number}: {error!r}", upstream and 200, upstream, cut=upstream is not None)

    def take(self, pending):
        """Checks the whole events there are; what is left."""
        while b"\n\n" in pending:
            expect = event(self.number)
            if pending[: len(expect)] != expect:
                self.ledger.complain(f"event {self.number} came as {pending[:120]!r}")
                found = EVENT.match(pending)
                self.number = int(found[1]) if found else self.number
                expect = event(self.number)
            pending = pending[len(expect) :]
            self.number += 1
            self.ledger.passes(f"event, {self.where}")
        return pending

    def _ended(self):
        raise ConnectionError("the stream of events has ended")


class SteadyEvents(Events):
    pass


class PlainEvents(Events):
    port = "plain"


class GroupEvents(Events):
    where, pause = "group", 50


class Events2(Http2):
    """Several streams of events over one HTTP/2 connection, for as long as it can."""

    rest, where = 0.2, "steady"

    def turn(self):
        self.leave()
        try:
            self.open()
        except TROUBLE as error:
            self.ledger.ask("HTTP/2 connection").failed(repr(error))
            return
        streams = []
        for start in (1, 1000):
            asked = self.ledger.ask("event stream, HTTP/2", replayable=True)
            path = f"/{self.where}/events?from={start}&pause=100"
            streams.append([asked, self.session.start("GET", path, [asked.field]), start])
        while not self.end.is_set() and not self.session.closed and not any(stream.done for _, stream, _ in streams):
            self.session.move(0.2)
            for entry in streams:
                self._take(entry)
        for asked, stream, number in streams:
            if self.end.is_set() and not stream.done and stream.status == 200:
                asked.passed()
            else:
                words = f"at event {number}: reset {stream.reset}, ended {stream.ended}, closed {self.session.closed}"
                asked.failed(words, stream.status, stream.value("x-upstream"), stream.status == 200)
        self.leave()

    def _take(self, entry):
        _, stream, number = entry
        while b"\n\n" in stream.body:
            expect = event(number)
            if stream.body[: len(expect)] != expect:
                self.ledger.complain(f"event {number} over HTTP/2 came as {bytes(stream.body[:120])!r}")
                stream.body.clear()
                return
            del stream.body[: len(expect)]
            number = entry[2] = number + 1
            self.ledger.passes("event, HTTP/2")


MESSAGES = [0, 5, 125, 126, 1000, 40_000, 70_000]


class Sockets(Http1):
    """A WebSocket that stays open; what it sends comes back, byte by byte."""

    rest, where = 0.2, "steady"

    def turn(self):
        self.leave()
        asked = self.ledger.ask(f"WebSocket, {self.where}", replayable=True)
        upstream = None
        try:
            self.connection = self.open()
            key = base64.b64encode(os.urandom(16)).decode()
            fields = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
            lines = [f"GET /{self.where}/ws HTTP/1.1", "Host: localhost", f"X-Soak: {asked.identity}", *fields]
            self.connection.send("\r\n".join([*lines, f"Sec-WebSocket-Key: {key}", "", ""]).encode())
            answer = self.connection.response_head()
            upstream = answer.value("X-Upstream")
            if answer.status != 101:
                asked.failed(f"status {answer.status}", answer.status, upstream)
                return
            while not self.end.is_set():
                _, message = self.piece(MESSAGES)
                self.echo(2, message)
                self.ledger.passes(f"WebSocket message, {self.where}", size=len(message))
                self.end.wait(self.chance.uniform(0.05, 0.3))
            self.echo(8, struct.pack(">H", 1000))
            asked.passed()
        except TROUBLE as error:
            asked.failed(repr(error), upstream and 101, upstream, cut=upstream is not None)

    def echo(self, opcode, message):
        self.connection.send(frame(opcode, message, os.urandom(4)))
        expect = frame(opcode, message)
        if self.connection.exactly(len(expect)) != expect:
            self.ledger.complain(f"a WebSocket message of {len(message)} bytes came back changed")


class PlainSockets(Sockets):
    port = "plain"


class GroupSockets(Sockets):
    where = "group"


class Sockets2(Http2):
    """WebSockets over HTTP/2 (RFC 8441), two on one connection, and requests beside them."""

    rest, where = 0.2, "steady"

    def turn(self):
        self.leave()
        tunnels = []
        try:
            self.open()
            self.session.wait(lambda: self.session.h2.remote_settings.get(8) == 1, PATIENCE)
            for _ in range(2):
                asked = self.ledger.ask(f"WebSocket over HTTP/2, {self.where}", replayable=True)
                fields = [("sec-websocket-version", "13"), asked.field]
                path = f"/{self.where}/ws"
                tunnel = self.session.start("CONNECT", path, fields, ends=False, protocol="websocket")
                tunnels.append((asked, tunnel))
            while not self.end.is_set():
                for _, tunnel in tunnels:
                    _, message = self.piece(MESSAGES)
                    self.echo(tunnel, 2, message)
                    self.ledger.passes(f"WebSocket message over HTTP/2, {self.where}", size=len(message))
                until = self.chance.uniform(0.05, 0.3)
                self.session.move(until)
            for _, tunnel in tunnels:
                self.echo(tunnel, 8, struct.pack(">H", 1000))
            for asked, _ in tunnels:
                asked.passed()
        except TROUBLE as error:
            if not tunnels:
                self.ledger.ask("HTTP/2 connection").failed(repr(error))
            self._fail(tunnels, error)
        self.leave()

    def _fail(self, tunnels, error):
        # One of them ended; let the others of a killed upstream end as well before they are judged.
        for asked, tunnel in tunnels:
            if tunnel.done or self.session.closed or tunnel.status != 200:
                words = f"{error!r}, reset {tunnel.reset}, ended {tunnel.ended}, closed {self.session.closed}"
                asked.failed(words, tunnel.status, tunnel.value("x-upstream"), tunnel.status == 200)
            else:
                self.ledger.passes(f"WebSocket over HTTP/2, {self.where}: closed beside one that was cut")

    def echo(self, tunnel, opcode, message):
        expect = frame(opcode, message)
        self.session.send(tunnel, frame(opcode, message, os.urandom(4)))
        self.session.wait(lambda: len(tunnel.body) >= len(expect) or tunnel.done, PATIENCE)
        if len(tunnel.body) < len(expect):
            raise ConnectionError("a WebSocket's stream ended")
        if tunnel.body[: len(expect)] != expect:
            self.ledger.complain(f"a WebSocket message of {len(message)} bytes came back changed over HTTP/2")
        del tunnel.body[: len(expect)]


class GroupSockets2(Sockets2):
    where = "group"


