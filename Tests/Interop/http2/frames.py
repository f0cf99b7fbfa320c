"""HTTP/2 byte by byte: frames as they may not be, and what comes back for them."""

import select
import socket
import ssl
import struct
import time

from hpack import Decoder
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame

from harness.client import Connection

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 0x1, 0x1, 0x4, 0x8, 0x20
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

#: Error codes by their names (RFC 9113, section 7).
CODES = (
    "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR "
    "REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED"
).split()


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """One frame; `length` is what its head says, where that isn't so."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def integer(value, bits, first=0):
    """HPACK's integers (RFC 7541, section 5.1)."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([first | value])
    out, value = bytearray([first | limit]), value - limit
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(name, value, first=0x00):
    """A literal field, never indexed by default; 0x40 adds it to the table."""
    name, value = (part.encode("latin-1") if isinstance(part, str) else part for part in (name, value))
    return bytes([first]) + integer(len(name), 7) + name + integer(len(value), 7) + value


def block(fields):
    return b"".join(field(*each) for each in fields)


def request(path="/x", method="GET", *more, authority="localhost", scheme="http"):
    """A request's fields. None leaves a pseudo-field out."""
    pseudo = [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority)]
    return [(name, value) for name, value in pseudo if value is not None] + list(more)


def headers(stream, fields, flags=END_STREAM | END_HEADERS):
    """HEADERS with this block, or these fields."""
    return frame(HEADERS, flags, stream, fields if isinstance(fields, bytes) else block(fields))


def get(stream, path="/x", *more, **options):
    return headers(stream, request(path, "GET", *more, **options))


def post(stream, path="/x", *more, **options):
    """The head of a request with a body."""
    return headers(stream, request(path, "POST", *more, **options), END_HEADERS)


def data(stream, payload=b"", flags=0):
    return frame(DATA, flags, stream, payload)


def settings(*pairs, flags=0, stream=0):
    return frame(SETTINGS, flags, stream, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def rst(stream, code=8):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def window(stream, size):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", size))


def priority(stream, depends=0, weight=15):
    return frame(PRIORITY, 0, stream, struct.pack(">IB", depends, weight))


def ping(payload=b"interop!", flags=0):
    return frame(PING, flags, 0, payload)


class Wire:
    """A client that sends what it is told. `preface=None` leaves even the preface out."""

    def __init__(self, port, context=None, preface=PREFACE + settings(), timeout=5.0, **options):
        self._connection = Connection(port, context, timeout=timeout, **options)
        self.socket = self._connection.socket
        self.timeout = timeout
        self._unread = bytearray()
        self._decoder = Decoder()
        self._decoder.max_header_list_size = 1 << 20
        self.ended = False
        #: Whether the server's SETTINGS are acknowledged; not when that would end what is sent slowly.
        self.acknowledges = True
        if preface:
            self.send(preface)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._connection.close()

    def send(self, *parts):
        """Sends, whatever becomes of it: the end of the connection shows in what is read."""
        try:
            self.socket.sendall(b"".join(parts))
        except OSError:
            pass

    def is_readable(self, timeout=0.0):
        if isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            return True
        return bool(select.select([self.socket], [], [], timeout)[0])

    def frames(self):
        """The frames that come, until the connection ends. socket.timeout when nothing does."""
        while True:
            while (came := self._take()) is not None:
                yield came
            try:
                part = self.socket.recv(1 << 16)
            except (ConnectionError, ssl.SSLEOFError):
                part = b""
            if not part:
                self.ended = True
                return
            self._unread += part

    def _take(self):
        if len(self._unread) < 9:
            return None
        came, length = Frame.parse_frame_header(memoryview(bytes(self._unread[:9])))
        if len(self._unread) < 9 + length:
            return None
        came.parse_body(memoryview(bytes(self._unread[9 : 9 + length])))
        del self._unread[: 9 + length]
        if isinstance(came, SettingsFrame) and "ACK" not in came.flags and self.acknowledges:
            self.send(settings(flags=ACK))
        if isinstance(came, HeadersFrame):
            came.fields = self._decoder.decode(came.data)
        return came

    def outcome(self, after=None, least=0):
        """What the server makes of all that was sent, in words: statuses, resets, GOAWAY, the end.

        Until the request on stream `after` is answered and `least` words have come, or the connection has ended.
        """
        words = []
        over = set()
        try:
            for came in self.frames():
                if after in over and len(words) >= least:
                    return words or ["nothing"]
                if isinstance(came, HeadersFrame) and came.stream_id != after:
                    words += [value for name, value in came.fields if name == ":status"]
                elif isinstance(came, RstStreamFrame):
                    # With its answer complete, a stream is left in peace.
                    if not (came.stream_id in over and came.error_code == 0):
                        words.append(f"RST_STREAM {CODES[came.error_code]}")
                elif isinstance(came, GoAwayFrame):
                    words.append(f"GOAWAY {CODES[came.error_code]}")
                if "END_STREAM" in came.flags:
                    over.add(came.stream_id)
                    if came.stream_id == after:
                        # Whatever else there is comes before its answer.
                        self.send(ping())
        except socket.timeout:
            return words + ["no end"]
        return words if words and words[-1].startswith("GOAWAY") else words + ["connection closed"]

    def settle(self, timeout=5.0):
        """Whether a PING is answered within the time: what was sent before it was taken notice of."""
        self.send(ping(b"settled?"))
        until = time.monotonic() + timeout
        try:
            for came in self.frames():
                if isinstance(came, PingFrame) and came.opaque_data == b"settled?":
                    return True
                if time.monotonic() > until:
                    return False
        except socket.timeout:
            pass
        return False
