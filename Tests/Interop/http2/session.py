"""An HTTP/2 client that keeps to the rules, and holds its peer to them: the h2 library on one socket, one thread."""

import select
import socket
import ssl
import time

import h2.config
import h2.connection
import h2.events
import h2.settings

from harness.client import Connection, trusting

TIMEOUT = 20


class Stream:
    """What has come on one stream. `fields` keeps order and repeats; `reset` is the code of its RST_STREAM."""

    def __init__(self, number):
        self.id = number
        self.status = None
        self.fields = []
        self.interim = []
        self.body = bytearray()
        self.frames = []
        self.trailers = None
        self.ended = False
        self.reset = None
        #: Body that waits for the peer's window, and whether the stream ends (with trailers) after it.
        self.outgoing = memoryview(b"")
        self.ends = False
        self.outgoing_trailers = None
        #: Whether what comes gives its window back at once; otherwise, how many bytes are owed.
        self.reads = True
        self.owed = 0

    @property
    def done(self):
        return self.ended or self.reset is not None

    def values(self, name):
        return [value for field, value in self.fields if field == name.lower()]

    def value(self, name):
        values = self.values(name)
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")


class Session:
    """One connection. `settings` are ours, by h2's names; TLS by ALPN unless `context` is None."""

    def __init__(self, port, context, settings=None, window=1 << 20, sni="localhost", lenient=False, **options):
        self._connection = Connection(port, context, sni=sni, **options)
        self.socket = self._connection.socket
        if context:
            assert self.socket.selected_alpn_protocol() == "h2"
        self.socket.setblocking(False)
        self._is_tls = context is not None
        configuration = h2.config.H2Configuration(
            header_encoding="latin-1", validate_outbound_headers=not lenient, normalize_outbound_headers=not lenient
        )
        self.h2 = h2.connection.H2Connection(configuration)
        self.h2.local_settings.update({h2.settings.SettingCodes.ENABLE_PUSH: 0} | (settings or {}))
        self.h2.initiate_connection()
        if window > 65535:
            self.h2.increment_flow_control_window(window - 65535)
        self.streams = {}
        #: The code of a GOAWAY, the last stream it leaves, and whether the socket has ended.
        self.goaway = None
        self.last_stream = None
        self.closed = False
        #: Whether the connection's window is given back as data comes.
        self.reads = True
        self._unsent, self._unread = bytearray(), bytearray()
        self.authority = "localhost"
        self.scheme = "https" if context else "http"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._connection.close()

    # Asking.

    def start(self, method="GET", path="/", fields=(), body=None, ends=True, trailers=None, **pseudo):
        """Begins a request; `ends=False` leaves its body open. Nothing is waited for."""
        stream = self.streams[number] = Stream(number := self.h2.get_next_available_stream_id())
        authority = pseudo.get("authority", self.authority)
        head = [(":method", method), (":scheme", pseudo.get("scheme", self.scheme)), (":path", path)]
        head += [(":authority", authority)] if authority else []
        head += [(":protocol", pseudo["protocol"])] if "protocol" in pseudo else []
        nothing = body is None and trailers is None
        self.h2.send_headers(number, head + list(fields), end_stream=ends and nothing)
        if not nothing:
            self.send(stream, body or b"", ends, trailers)
        self._write()
        return stream

    def send(self, stream, body=b"", ends=False, trailers=None):
        """More of a request's body."""
        stream.outgoing = memoryview(bytes(stream.outgoing) + body)
        stream.ends, stream.outgoing_trailers = ends, trailers
        self._fill(stream)
        self._write()

    def ask(self, method="GET", path="/", fields=(), body=None, timeout=TIMEOUT, **options):
        """A request with its whole reply."""
        return self.finish(self.start(method, path, fields, body, **options), timeout=timeout)

    def finish(self, *streams, timeout=TIMEOUT):
        """Waits until these streams are done; the first of them."""
        self.wait(lambda: all(stream.done for stream in streams), timeout)
        return streams[0]

    def head(self, stream, timeout=TIMEOUT):
        """Waits for a reply's head, or its end."""
        self.wait(lambda: stream.status is not None or stream.done, timeout)
        return stream

    def reset(self, stream, code=8):
        self.h2.reset_stream(stream.id, code)
        stream.reset = code
        self._write()

    def ping(self, timeout=TIMEOUT):
        """Waits for a PING's answer: all that was sent before has been read by then."""
        answered = len(self.pongs)
        self.h2.ping(b"interop!")
        self._write()
        self.wait(lambda: len(self.pongs) > answered, timeout)

    # Waiting.

    pongs = ()

    def wait(self, condition, timeout=TIMEOUT):
        """Moves bytes until `condition()`; an AssertionError when the time is over or the peer has gone."""
        until = time.monotonic() + timeout
        while not condition():
            assert not self.closed, f"closed by the peer, GOAWAY {self.goaway}"
            left = until - time.monotonic()
            assert left > 0, "waited in vain"
            self.move(left)

    def move(self, timeout):
        """Writes what there is, and reads once."""
        self._write()
        pending = self._is_tls and self.socket.pending()
        if not pending:
            select.select([self.socket], [self.socket] if self._unsent else [], [], min(timeout, 0.5))
        try:
            data = self.socket.recv(1 << 16)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            data = b""
        if not data:
            self.closed = True
            return
        self._unread += data
        while len(self._unread) >= 9 and len(self._unread) >= (size := 9 + int.from_bytes(self._unread[:3], "big")):
            self._unsent += self.h2.data_to_send()
            for event in self.h2.receive_data(bytes(self._unread[:size])):
                self._take(event)
            del self._unread[:size]
        for stream in list(self.streams.values()):
            self._fill(stream)
        self._write()

    def wait_end(self, timeout=TIMEOUT):
        """Until the peer has closed the connection; the code of its GOAWAY."""
        until = time.monotonic() + timeout
        while not self.closed:
            assert time.monotonic() < until, "never closed"
            self.move(0.5)
        return self.goaway

    def _take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        match event:
            case h2.events.InformationalResponseReceived():
                stream.interim.append((int(dict(event.headers)[":status"]), event.headers[1:]))
            case h2.events.ResponseReceived():
                stream.status, stream.fields = int(event.headers[0][1]), event.headers[1:]
            case h2.events.DataReceived():
                stream.body += event.data
                stream.frames.append(event.flow_controlled_length)
                if self.reads and event.flow_controlled_length:
                    self.h2.increment_flow_control_window(event.flow_controlled_length)
                stream.owed += event.flow_controlled_length
                if stream.reads and stream.owed > 16384 and not event.stream_ended:
                    self.give_back(stream)
            case h2.events.TrailersReceived():
                stream.trailers = event.headers
            case h2.events.StreamEnded():
                stream.ended = True
            case h2.events.StreamReset():
                stream.reset = int(event.error_code)
            case h2.events.ConnectionTerminated():
                self.goaway, self.last_stream = int(event.error_code), event.last_stream_id
                # The library takes nothing after it; streams that run go on, though (RFC 9113, section 6.8).
                self.h2.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
            case h2.events.PingAckReceived():
                self.pongs = (*self.pongs, event.ping_data)

    def give_back(self, stream):
        """Opens a stream's window again by what has come."""
        owed, stream.owed = stream.owed, 0
        if owed and not stream.done:
            self.h2.increment_flow_control_window(owed, stream.id)

    # Sending.

    def _fill(self, stream):
        if stream.done and not stream.outgoing:
            return
        while stream.outgoing and stream.reset is None and len(self._unsent) < 1 << 18:
            room = min(self.h2.local_flow_control_window(stream.id), self.h2.max_outbound_frame_size)
            if room <= 0:
                return
            part, stream.outgoing = stream.outgoing[:room], stream.outgoing[room:]
            last = stream.ends and not stream.outgoing and stream.outgoing_trailers is None
            self.h2.send_data(stream.id, bytes(part), end_stream=last)
            self._unsent += self.h2.data_to_send()
            if last:
                stream.ends = False
        if stream.ends and not stream.outgoing and stream.reset is None:
            if stream.outgoing_trailers is not None:
                self.h2.send_headers(stream.id, stream.outgoing_trailers, end_stream=True)
            else:
                self.h2.end_stream(stream.id)
            stream.ends = False

    def _write(self):
        self._unsent += self.h2.data_to_send()
        while self._unsent:
            try:
                sent = self.socket.send(self._unsent[: 1 << 16])
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                # It has gone; what it said before that is still to be read.
                self._unsent.clear()
                return
            del self._unsent[:sent]


def session(server, port="tls", context="server", **options):
    """A session with one of a server's ports; TLS on every port but those of `h2c`."""
    if context == "server":
        context = None if port in ("plain", "h2c") else ssl_context()
    return Session(server.ports[port], context, **options)


def ssl_context():
    """A context that offers HTTP/2 and trusts anybody: who the server is, other tests ask."""
    context = trusting()
    context.set_alpn_protocols(["h2"])
    return context


def wait_hangup(sock, timeout=5.0):
    """Until the peer is gone, without reading what it sent."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0] != 1:  # TCP_ESTABLISHED
            return True
        time.sleep(0.02)
    return False
