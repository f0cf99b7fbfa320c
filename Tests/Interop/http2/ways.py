"""The ways to pass a limit, over HTTP/1 and HTTP/2: each asks a server for an amount, and says in words what came of it."""

import select
import socket
import time

from harness.client import Connection, head, trusting

from . import frames as h2
from .session import ssl_context, wait_hangup

# Asking, once, over HTTP/1.


def says(connection):
    """The next status on a connection of HTTP/1, or its end."""
    try:
        return str(connection.response().status)
    except (ConnectionError, socket.timeout) as error:
        return "connection closed" if isinstance(error, ConnectionError) else "nothing"


def ask(server, data):
    with Connection(server.ports["plain"]) as connection:
        connection.send(data)
        return says(connection)


def line_of(size):
    """A request whose first line has this many bytes."""
    return b"GET /" + b"x" * (size - len(b"GET / HTTP/1.1\r\n")) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"


def with_field(size):
    """A request with a field of this many bytes, its end included."""
    return b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"x" * (size - len(b"X-A: \r\n")) + b"\r\n\r\n"


def fields_of(size):
    """Few enough fields for any limit of their number, short enough for any of their length, and this many bytes in all."""
    each = min(size // 4, 7000)
    return [(f"x-{n}", "y" * (each - len("x-0: \r\n"))) for n in range(size // each)]


def mixed(count):
    """So many fields of HTTP/2, most of them crumbs of a cookie."""
    return [(f"x-{n}", "") if n < 5 else ("cookie", f"a{n}=1") for n in range(count)]


# Asking, once, over HTTP/2.


def stream(server, data, port="h2c", **options):
    """What stream 1 gets, with a request behind it on stream 3."""
    with h2.Wire(server.ports[port], **options) as wire:
        wire.send(data, h2.get(3, "/after"))
        return ", ".join(wire.outcome(after=3, least=1))


def alone(server, **options):
    """The status of one request on a connection of its own."""
    with h2.Wire(server.ports["h2c"], **options) as wire:
        wire.send(h2.get(1, "/"))
        for came in wire.frames():
            if isinstance(came, h2.HeadersFrame):
                return dict(came.fields)[":status"]
    return "connection closed"


def continued(number, block):
    """A request whose header block takes as many frames as it needs."""
    parts = [block[at : at + 16384] for at in range(0, len(block), 16384)]
    kinds = [h2.HEADERS] + [h2.CONTINUATION] * (len(parts) - 1)
    flags = [h2.END_STREAM] + [0] * (len(parts) - 1)
    flags[-1] |= h2.END_HEADERS
    return b"".join(h2.frame(kind, flag, number, part) for kind, flag, part in zip(kinds, flags, parts))


def posted(server, size, told):
    fields = [("content-length", str(size))] if told else []
    # A body of a megabyte doesn't fit into the window; who says how long it is needn't send it.
    body = b"" if told else b"".join(h2.data(1, b"x" * min(size - n, 16384)) for n in range(0, size, 16384)) + h2.data(1, b"", 1)
    with h2.Wire(server.ports["h2c"]) as wire:
        wire.send(h2.post(1, "/drained", *fields), body)
        if told and size <= SMALL:
            wire.send(h2.data(1, b"x" * size, h2.END_STREAM))
        for came in wire.frames():
            if isinstance(came, h2.HeadersFrame):
                return dict(came.fields)[":status"]
    return "connection closed"


#: Bodies up to here are sent.
SMALL = 4096


def sized(server, size):
    data = head("POST", "/drained", [("Content-Length", str(size))], host="localhost")
    return ask(server, data + (b"x" * size if size <= SMALL else b""))


def chunked(server, size):
    data = head("POST", "/drained", [("Transfer-Encoding", "chunked")], host="localhost")
    return ask(server, data + b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n")


# Several at once.


def connections(server, count):
    """What the last of so many connections of one address gets."""
    held = [Connection(server.ports["plain"], source="127.0.0.8") for _ in range(count)]
    try:
        held[-1].send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return says(held[-1])
    finally:
        close(held)


def sessions(server, count):
    held = [h2.Wire(server.ports["h2c"], source="127.0.0.8") for _ in range(count)]
    try:
        held[-1].send(h2.get(1, "/"), h2.get(3, "/after"))
        return ", ".join(held[-1].outcome(after=3, least=1))
    finally:
        close(held)


def crowd(server, count):
    """What the last of so many gets when a loop has no room: nothing, until somebody leaves."""
    held = [Connection(server.ports["plain"], timeout=2) for _ in range(count)]
    try:
        time.sleep(0.1)
        held[-1].send(b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n")
        first = says(held[-1])
        if first != "nothing":
            return first
        close(held[:-1])
        held[-1].socket.settimeout(5)
        return f"waits, then {says(held[-1])}"
    finally:
        close(held)


def crowd_of_sessions(server, count):
    held = [Connection(server.ports["h2c"], timeout=2) for _ in range(count - 1)]
    try:
        time.sleep(0.1)
        with h2.Wire(server.ports["h2c"], timeout=2.0) as last:
            last.send(h2.get(1, "/none"), h2.get(3, "/none"))
            first = ", ".join(last.outcome(after=3, least=1))
            if first != "no end":
                return first
            close(held)
            last.socket.settimeout(5)
            return f"waits, then {last.outcome(after=3, least=1)[0]}"
    finally:
        close(held)


def close(several):
    for each in several:
        each.close()


def requests(server, count):
    """What the last of so many requests gets that are under way at once; all others wait for their answer."""
    held = [Connection(server.ports["plain"]) for _ in range(count)]
    try:
        for connection in held[:-1]:
            connection.send(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.2)
        held[-1].send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return says(held[-1])
    finally:
        close(held)


def streams(server, count):
    with h2.Wire(server.ports["h2c"]) as wire:
        wire.send(*[h2.get(2 * n + 1, "/wait") for n in range(count - 1)])
        time.sleep(0.2)
        wire.send(h2.get(2 * count - 1, "/"))
        for came in wire.frames():
            if came.stream_id == 2 * count - 1:
                if isinstance(came, h2.HeadersFrame):
                    return dict(came.fields)[":status"]
                if isinstance(came, h2.RstStreamFrame):
                    return f"RST_STREAM {h2.CODES[came.error_code]}"
    return "connection closed"


def in_a_row(server, count):
    """What the last of so many requests gets that are made at once."""
    return [ask(server, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") for _ in range(count)][-1]


def streams_in_a_row(server, count):
    return [alone(server, source="127.0.0.9") for _ in range(count)][-1]


def on_one_connection(server, count):
    """How the connection stands behind so many requests."""
    with Connection(server.ports["plain"]) as connection:
        for _ in range(count):
            connection.send(b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try:
                answer = connection.response()
            except ConnectionError:
                return "connection closed"
        return f"{answer.status}" + (", and closes" if answer.value("Connection") == "close" else "")


def streams_of_one_connection(server, count):
    with h2.Wire(server.ports["h2c"]) as wire:
        status = None
        for number in range(count):
            wire.send(h2.get(2 * number + 1, "/none"))
            for came in wire.frames():
                if isinstance(came, h2.GoAwayFrame):
                    return f"{status}, GOAWAY {h2.CODES[came.error_code]}"
                if isinstance(came, h2.HeadersFrame):
                    status = dict(came.fields)[":status"]
                if "END_STREAM" in came.flags:
                    break
        wire.send(h2.ping())
        for came in wire.frames():
            if isinstance(came, h2.GoAwayFrame):
                return f"{status}, GOAWAY {h2.CODES[came.error_code]}"
            if isinstance(came, h2.PingFrame):
                return status
    return "connection closed"


# Waiting. The amount is how long, in seconds, a client takes for the next of its bytes.


def slowly(*parts):
    """What a client of HTTP/1 gets that takes its time between the parts."""

    def play(server, pause):
        with Connection(server.ports["plain"]) as connection:
            for number, part in enumerate(parts):
                if number and waited(connection.socket, pause):
                    break
                connection.send(part)
            return says(connection)

    return play


def slow_frames(*parts, preface=h2.PREFACE + h2.settings()):
    def play(server, pause):
        with h2.Wire(server.ports["h2c"], preface=preface) as wire:
            wire.acknowledges = False
            for number, part in enumerate(parts):
                if number:
                    time.sleep(pause)
                wire.send(part)
            for came in wire.frames():
                if isinstance(came, h2.HeadersFrame):
                    return dict(came.fields)[":status"]
                if isinstance(came, h2.GoAwayFrame):
                    return f"GOAWAY {h2.CODES[came.error_code]}"
        return "connection closed"

    return play


def waited(sock, pause):
    """Whether something came within the pause."""
    return bool(select.select([sock], [], [], pause)[0])


HALF = b"GET / HTTP/1.1\r\nHost: loc"
TAKES = b"POST /drained HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab"
WHOLE = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def between_requests(server, pause):
    with Connection(server.ports["plain"]) as connection:
        connection.send(WHOLE)
        assert says(connection) == "200"
        if waited(connection.socket, pause):
            return says(connection)
        connection.send(WHOLE)
        return says(connection)


def between_streams(server, pause):
    with h2.Wire(server.ports["h2c"]) as wire:
        wire.send(h2.get(1, "/"))
        answers = 0
        for came in wire.frames():
            if isinstance(came, h2.GoAwayFrame):
                return f"GOAWAY {h2.CODES[came.error_code]}"
            if isinstance(came, h2.HeadersFrame):
                status = dict(came.fields)[":status"]
            if "END_STREAM" in came.flags:
                answers += 1
                if answers == 2:
                    return status
                time.sleep(pause)
                wire.send(h2.get(3, "/"))
    return "connection closed"


def dripping(server, rate):
    """What a body gets that comes at so many bytes a second."""
    with Connection(server.ports["plain"]) as connection:
        connection.send(b"POST /drained HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (2 * rate))
        for _ in range(20):
            connection.send(b"x" * (rate // 10))
            if waited(connection.socket, 0.1):
                break
        return says(connection)


def dripping_frames(server, rate):
    with h2.Wire(server.ports["h2c"]) as wire:
        wire.send(h2.post(1, "/drained", ("content-length", str(2 * rate))))
        for number in range(20):
            wire.send(h2.data(1, b"x" * (rate // 10), h2.END_STREAM if number == 19 else 0))
            time.sleep(0.1)
        for came in wire.frames():
            if isinstance(came, h2.HeadersFrame):
                return dict(came.fields)[":status"]
    return "connection closed"


def reading(server, rate):
    """What a reader gets of something large at so many bytes a second: all it wanted in three seconds, or its end."""
    with Connection(server.ports["plain"], receive_buffer=65536) as connection:
        connection.send(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in range(30):
            time.sleep(0.1)
            left = rate // 10
            while left > 0:
                try:
                    part = connection.take(min(left, 65536))
                except OSError:
                    return "connection closed"
                if not part:
                    return "connection closed"
                left -= len(part)
            if wait_hangup(connection.socket, 0.001):
                return "connection closed"
    return "200"


def reading_frames(server, rate):
    with h2.Wire(server.ports["h2c"], preface=h2.PREFACE + h2.settings((4, 0)) + h2.window(0, 1 << 30)) as wire:
        wire.send(h2.get(1, "/big"))
        wire.socket.settimeout(0.1)
        began = time.monotonic()
        while time.monotonic() - began < 3:
            try:
                for came in wire.frames():
                    if isinstance(came, h2.RstStreamFrame):
                        return f"RST_STREAM {h2.CODES[came.error_code]}"
                    if isinstance(came, h2.GoAwayFrame):
                        return f"GOAWAY {h2.CODES[came.error_code]}"
                    if time.monotonic() - began > 3:
                        break
                else:
                    return "connection closed"
            except TimeoutError:
                if rate:
                    wire.send(h2.window(1, rate // 10))
    return "200"


# What always holds.


def once(data):
    return lambda server, _: ask(server, data)


def once_a_stream(data):
    return lambda server, _: stream(server, data)


def misdirected(server, _):
    with server.connect(sni="localhost") as connection:
        return str(connection.request(host="strict.test").status)


def misdirected_stream(server, _):
    with h2.Wire(server.ports["tls"], ssl_context()) as wire:
        wire.send(h2.get(1, "/", authority="strict.test", scheme="https"), h2.get(3, "/none", scheme="https"))
        return ", ".join(wire.outcome(after=3, least=1)[:1])


def guarded(shows):
    """Asks a server that wants a certificate, showing none or one that it doesn't trust: over HTTP/1, and over HTTP/2."""

    def made(server):
        context = trusting()
        if shows:
            context.load_cert_chain(*server.certificate)
        return context

    def over_http1(server, _):
        with Connection(server.ports["tls"], made(server), sni=GUARDED) as connection:
            return str(connection.request(host=GUARDED).status)

    def over_http2(server, _):
        context = made(server)
        context.set_alpn_protocols(["h2"])
        with h2.Wire(server.ports["tls"], context, sni=GUARDED) as wire:
            wire.send(h2.get(1, "/", authority=GUARDED, scheme="https"), h2.get(3, "/none", authority=GUARDED, scheme="https"))
            return ", ".join(wire.outcome(after=3, least=1)[:1])

    return over_http1, over_http2


GUARDED = "guarded.test"


#: Whom a balancer names; whoever it is that says so.
NAMED = b"PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\n"


def believed(status, text):
    """The answer says who the server takes the client for."""
    return status if text == b"192.0.2.7" else f"{status}, and isn't believed"


def relayed(server, source):
    """A request behind a header of the PROXY protocol, from this address."""
    with Connection(server.ports["proxied"], source=source) as connection:
        try:
            connection.send(NAMED + b"GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = connection.response()
        except ConnectionError:
            return "connection closed"
        return believed(str(answer.status), answer.body)


def relayed_frames(server, source):
    status = None
    with h2.Wire(server.ports["proxied"], preface=NAMED + h2.PREFACE + h2.settings(), source=source) as wire:
        wire.send(h2.get(1, "/who"))
        for came in wire.frames():
            if isinstance(came, h2.HeadersFrame):
                status = dict(came.fields)[":status"]
            elif isinstance(came, h2.DataFrame):
                return believed(status, came.data)
    return "connection closed"
