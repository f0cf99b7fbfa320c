"""What carries a case to the server.

Each has a `name`, the `version` of HTTP that it speaks, `facts(case)` that hold of its connections, and
`play(server, case, expected)` that answers a `Seen`.
"""

import socket
import ssl
import time

from harness.client import Connection, head, trusting
from http2 import frames
from http2.frames import CODES, END_HEADERS, END_STREAM, Wire
from http2.session import ssl_context

from .case import WITHIN, Ask, Raw, Seen

AFTER = "/open/after"
#: What asks for a WebSocket: in both versions, and in the first alone.
WEBSOCKET = (("Sec-WebSocket-Version", "13"),)
UPGRADE = (("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="))


def facts(client, scheme):
    """What rows may say of a connection."""
    other = "http" if scheme == "https" else "https"
    return {"{client}": client, "{scheme}": scheme, "{SCHEME}": scheme.upper(), "{other scheme}": other}


def told(text, facts):
    """The text with this connection's facts in it."""
    for name, value in facts.items():
        text = text.replace(name, value)
    return text


def pieces(data):
    """A byte at a time; a few, where there are many."""
    size = len(data) // 1000 + 1
    return [data[start : start + size] for start in range(0, len(data), size)]


class HTTP1:
    """HTTP/1.1 over a plain socket or TLS."""

    name = "http/1"
    version = 1
    host, ports = "127.0.0.1", {"plain": "plain", "tls": "tls"}

    def facts(self, case):
        return facts(self.host, "https" if case.port == "tls" else "http")

    def play(self, server, case, expected):
        seen = Seen()
        began = time.monotonic()
        try:
            connection = self._connect(server, case)
        except ssl.SSLError:
            return Seen(["no handshake"], True, None, time.monotonic() - began)
        with connection:
            method = "GET" if isinstance(case.sent, Raw) else case.sent.method
            try:
                self._send(connection, self._bytes(case))
                while len(seen.answers) < len(expected.answers):
                    seen.answers.append(connection.response(method).status)
                if expected.ends:
                    seen.ended = connection.is_closed(WITHIN)
                else:
                    answer = connection.request("GET", AFTER, host=getattr(case.sent, "after", "localhost"))
                    seen.goes_on = (answer.status, answer.body) == (200, AFTER.encode())
            except (socket.timeout, ConnectionError) as error:
                seen.ended = not isinstance(error, socket.timeout)
            seen.seconds = time.monotonic() - began
        return seen

    @staticmethod
    def _send(connection, data):
        connection.send(data)

    def _connect(self, server, case):
        options = {"host": self.host, "timeout": WITHIN * 3}
        if case.port == "plain":
            return Connection(server.ports[self.ports["plain"]], **options)
        context = trusting()
        return Connection(server.ports[self.ports["tls"]], context, sni=case.sent.sni, **options)

    def _bytes(self, case):
        if isinstance(case.sent, Raw):
            return case.sent.data
        sent = case.sent
        fields = [(name, told(value, self.facts(case))) for name, value in sent.fields]
        if sent.websocket:
            fields += UPGRADE + WEBSOCKET
        return head(sent.method, sent.target, fields, sent.body, sent.host) + (sent.body or b"")


class HTTP1InPieces(HTTP1):
    """The same, a byte at a time (a few, where there are many)."""

    name = "http/1 in pieces"

    @staticmethod
    def _send(connection, data):
        try:
            for piece in pieces(data):
                connection.send(piece)
        except ConnectionError:  # Refused before the end was sent; the answer is there to be read.
            pass


class HTTP1OverIPv6(HTTP1):
    """The same to [::1]."""

    name = "http/1 over IPv6"
    host, ports = "::1", {"plain": "plain6", "tls": "tls6"}


class HTTP2:
    """HTTP/2 over TLS, by ALPN; whatever port the case names."""

    name = "http/2"
    version = 2
    host, port, scheme = "127.0.0.1", "tls", "https"

    def facts(self, case):
        return facts(self.host, self.scheme)

    def play(self, server, case, expected):
        case = case.of(2)
        streams = self._streams(case)
        began = time.monotonic()
        context = ssl_context() if self.scheme == "https" else None
        sni = case.sent.sni if isinstance(case.sent, Ask) else case.sent[0].sni
        try:
            wire = Wire(server.ports[self.port], context, sni=sni, host=self.host, timeout=WITHIN * 3)
        except ssl.SSLError:
            return Seen(["no handshake"], True, None, time.monotonic() - began)
        with wire:
            self._send(wire, b"".join(streams.values()))
            reading = Reading(wire)
            try:
                reading.until(streams.keys())
                if not expected.ends:
                    after = max(streams) + 2
                    host = getattr(case.sent, "after", "localhost")
                    wire.send(frames.get(after, AFTER, scheme=self.scheme, authority=host))
                    reading.until([after])
                else:
                    reading.until([])
            except socket.timeout:
                pass
            return Seen(
                reading.answers(streams.keys()),
                wire.ended,
                None if expected.ends else reading.answered(max(streams) + 2, AFTER.encode()),
                time.monotonic() - began,
            )

    @staticmethod
    def _send(wire, data):
        wire.send(data)

    def _streams(self, case):
        """The frames of each stream, by its number."""
        if isinstance(case.sent, Ask):
            return {1: self._ask(case.sent)}
        return {1 + 2 * index: self._stream(1 + 2 * index, stream) for index, stream in enumerate(case.sent)}

    def _ask(self, sent):
        """What a client makes of it who keeps to the rules."""
        facts = self.facts(None)
        method = "CONNECT" if sent.websocket else sent.method
        fields = frames.request(sent.target, method, authority=sent.host, scheme=self.scheme)
        fields += [(":protocol", "websocket")] if sent.websocket else []
        named = sent.fields + (WEBSOCKET if sent.websocket else ())
        fields += [(name.lower(), told(value, facts)) for name, value in named]
        fields += [("content-length", str(len(sent.body)))] if sent.body is not None else []
        if sent.websocket:
            return frames.headers(1, fields, END_HEADERS)
        if not sent.body:
            return self._head(1, frames.block(fields), END_STREAM)
        return self._head(1, frames.block(fields), 0) + b"".join(self._data(1, [sent.body], END_STREAM))

    def _stream(self, number, stream):
        parts, trailers = stream.parts, stream.trailers
        fields = [(name, told(value, self.facts(None))) for name, value in stream.fields]
        made = [self._head(number, frames.block(fields), 0), *self._data(number, parts)]
        if trailers is not None:
            made.append(self._head(number, frames.block(trailers), 0))
        if stream.ends:
            # END_STREAM stands on the last HEADERS or DATA, before its CONTINUATIONs.
            made[-1] = made[-1][:4] + bytes([made[-1][4] | END_STREAM]) + made[-1][5:]
        if stream.behind:
            made.append(frames.data(number, stream.behind, END_STREAM))
        return b"".join(made)

    @staticmethod
    def _data(number, parts, flags=0):
        """A frame for each part, or several for a long one; `flags` on the last."""
        short = [part[start : start + 16384] for part in parts for start in range(0, len(part) or 1, 16384)]
        last = len(short) - 1
        return [frames.data(number, part, flags if index == last else 0) for index, part in enumerate(short)]

    @staticmethod
    def _head(number, block, flags):
        """HEADERS, and CONTINUATIONs where the block is longer than a frame may be."""
        parts = [block[start : start + 16000] for start in range(0, len(block), 16000)] or [b""]
        kinds = [(frames.HEADERS, flags)] + [(frames.CONTINUATION, 0)] * (len(parts) - 1)
        kinds[-1] = (kinds[-1][0], kinds[-1][1] | END_HEADERS)
        return b"".join(frames.frame(kind, flag, number, part) for (kind, flag), part in zip(kinds, parts))


class Reading:
    """What comes back, stream by stream."""

    def __init__(self, wire):
        self._frames = wire.frames()
        self._words, self._bodies, self._over, self._goaway = {}, {}, set(), []

    def until(self, numbers):
        """Reads until all of these streams are over, or the connection; the latter where there are none."""
        while not numbers or not set(numbers) <= self._over:
            came = next(self._frames, None)
            if came is None:
                return
            self._take(came)

    def _take(self, came):
        words = self._words.setdefault(came.stream_id, [])
        if hasattr(came, "fields"):
            status = dict(came.fields).get(":status")
            if status and not status.startswith("1"):
                words.append(int(status))
        elif isinstance(came, frames.RstStreamFrame):
            # With its answer complete, a stream is left in peace.
            if not (came.stream_id in self._over and came.error_code == 0):
                words.append(f"RST_STREAM {CODES[came.error_code]}")
            self._over.add(came.stream_id)
        elif isinstance(came, frames.GoAwayFrame):
            self._goaway.append(f"GOAWAY {CODES[came.error_code]}")
        elif came.stream_id:
            self._bodies[came.stream_id] = self._bodies.get(came.stream_id, b"") + getattr(came, "data", b"")
        if "END_STREAM" in came.flags:
            self._over.add(came.stream_id)

    def answers(self, numbers):
        """What came on these streams, in their order, and for the connection."""
        return [word for number in sorted(numbers) for word in self._words.get(number, [])] + self._goaway

    def answered(self, number, body):
        """Whether this stream has its good answer, whole."""
        return (self._words.get(number), self._bodies.get(number), number in self._over) == ([200], body, True)


class CleartextHTTP2(HTTP2):
    """HTTP/2 without TLS, by prior knowledge."""

    name = "h2c"
    port, scheme = "h2c", "http"


class HTTP2InPieces(CleartextHTTP2):
    """The same, a byte at a time (a few, where there are many)."""

    name = "h2c in pieces"

    @staticmethod
    def _send(wire, data):
        for piece in pieces(data):
            wire.send(piece)


class HTTP2OverIPv6(HTTP2):
    """HTTP/2 over TLS to [::1]."""

    name = "http/2 over IPv6"
    host, port = "::1", "tls6"


#: By name, as cases have them.
CARRIERS = {
    carrier.name: carrier
    for carrier in (
        HTTP1(),
        HTTP1InPieces(),
        HTTP1OverIPv6(),
        HTTP2(),
        CleartextHTTP2(),
        HTTP2InPieces(),
        HTTP2OverIPv6(),
    )
}
