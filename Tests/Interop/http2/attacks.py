"""Clients that flood, a process of their own: `python -m http2.attacks NAME SECONDS PORTS` prints what became of them.

Each attack is bounded in count and time, and on loopback. What ended a connection is counted in words.
"""

import itertools
import json
import os
import resource
import select
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from harness.client import Connection, basic

from . import frames as h2
from .session import ssl_context

ATTACKS = {}
#: What a connection sends at the most; far beyond what it is allowed.
MANY = 20_000
INDEXED = h2.integer(62, 7, 0x80)  # The newest entry of the dynamic table.


def attack(function):
    """Registers `function(run)`, which attacks until `run.over`."""
    ATTACKS[function.__name__] = function
    return function


class Run:
    """One attack under way: its ports, its end, and what became of each of its connections."""

    def __init__(self, seconds, ports):
        self.ports = ports
        self.until = time.monotonic() + seconds
        self.seconds = seconds
        self.sent = 0
        #: Of each connection that was begun: the client's port, and how it ended, in words.
        self.ends = []
        self.begun = 0
        self.lock = threading.Lock()

    @property
    def over(self):
        return time.monotonic() > self.until

    def wire(self, port="h2c", settings=(), **options):
        """A connection with its preface sent."""
        self.begun += 1
        context = ssl_context() if port == "tls" else None
        wire = h2.Wire(self.ports[port], context, h2.PREFACE + h2.settings(*settings), **options)
        wire.port = wire.socket.getsockname()[1]
        return wire

    def pour(self, wire, pieces, at_once=50):
        """Sends piece after piece until the server has had enough of them, or they are over; notes the end.

        A connection that was begun is seen to its end, though the time be over meanwhile.
        """
        pieces = iter(pieces)
        while batch := list(itertools.islice(pieces, at_once)):
            self.sent += len(batch)
            wire.send(*batch)
            if wire.is_readable() and (words := self._ending(wire)):
                self.note(wire.port, words)
                return
        self.note(wire.port, wire.outcome()[-1])

    def _ending(self, wire):
        """Reads what there is; how the connection has ended, if it has."""
        wire.socket.settimeout(0.0005)
        try:
            for came in wire.frames():
                if isinstance(came, h2.GoAwayFrame) and came.error_code:
                    return f"GOAWAY {h2.CODES[came.error_code]}"
        except (socket.timeout, BlockingIOError, h2.ssl.SSLWantReadError):
            return None
        finally:
            wire.socket.settimeout(wire.timeout)
        return "connection closed"

    def note(self, port, words):
        with self.lock:
            self.ends.append((port, words))

    def repeat(self, pieces, **options):
        """Connection after connection, each with its own `pieces()`."""
        while not self.over:
            with self.wire(**options) as wire:
                self.pour(wire, pieces())


def odd():
    return range(1, 2 * MANY, 2)


# HTTP/2: frames that cost the server more than the client.


@attack
def rapid_reset(run):
    run.repeat(lambda: (h2.get(n, "/attack/slow_answer") + h2.rst(n) for n in odd()))


@attack
def rapid_reset_with_bodies(run):
    run.repeat(lambda: (h2.post(n, "/attack/slow_answer") + h2.data(n, b"x" * 100) + h2.rst(n) for n in odd()))


@attack
def made_you_reset_by_window(run):
    """The server is to reset each stream itself: its window overflows."""
    run.repeat(lambda: (h2.get(n, "/attack/slow_answer") + h2.window(n, (1 << 31) - 1) for n in odd()))


@attack
def made_you_reset_by_nothing(run):
    run.repeat(lambda: (h2.post(n, "/attack/slow_answer") + h2.window(n, 0) for n in odd()))


@attack
def made_you_reset_by_length(run):
    fields = ("content-length", "1")
    run.repeat(lambda: (h2.post(n, "/attack/slow_answer", fields) + h2.data(n, b"xx", 1) for n in odd()))


@attack
def made_you_reset_after_the_end(run):
    run.repeat(lambda: (h2.get(n, "/attack/slow_answer") + h2.data(n, b"x") for n in odd()))


@attack
def made_you_reset_by_priority(run):
    run.repeat(lambda: (h2.get(n, "/attack/slow_answer") + h2.priority(n, n) for n in odd()))


@attack
def refusals(run):
    """Each head is refused, and answered."""
    run.repeat(lambda: (h2.get(n, "/x", ("connection", "close")) for n in odd()))


@attack
def empty_headers(run):
    run.repeat(lambda: (h2.headers(n, b"") for n in odd()))


@attack
def continuation(run):
    """A header block that never ends."""
    piece = h2.frame(h2.CONTINUATION, 0, 1, h2.field("x-a", "y" * 16000))
    head = h2.frame(h2.HEADERS, 0, 1, h2.block(h2.request()))
    run.repeat(lambda: (head if n == 0 else piece for n in range(MANY)))


@attack
def empty_continuation(run):
    piece = h2.frame(h2.CONTINUATION, 0, 1)
    head = h2.frame(h2.HEADERS, 0, 1, h2.block(h2.request()))
    run.repeat(lambda: (head if n == 0 else piece for n in range(MANY)))


@attack
def hpack_bomb(run):
    """A few bytes on the wire, megabytes when decoded."""
    entry = h2.field("x", "y" * 4000, 0x40)
    run.repeat(lambda: (h2.headers(n, h2.block(h2.request()) + entry + INDEXED * 12000) for n in odd()))


@attack
def hpack_bombs_below_the_limit(run):
    """Blocks that are refused for their size, and no attack each."""
    entry = h2.field("x", "y" * 4000, 0x40)
    run.repeat(lambda: (h2.headers(n, h2.block(h2.request()) + entry + INDEXED * 20) for n in odd()))


@attack
def crumbs(run):
    """A cookie in as many pieces as fit."""
    entry = h2.field("cookie", "", 0x40)
    run.repeat(lambda: (h2.headers(n, h2.block(h2.request()) + entry + INDEXED * 16000) for n in odd()))


@attack
def crumbs_below_the_limit(run):
    """Few enough bytes, and more fields than a head may have: a cookie in crumbs, and others."""
    block = h2.block(h2.request()) + h2.field("cookie", "", 0x40) + INDEXED * 300 + h2.field("a", "", 0x40) + INDEXED * 300
    run.repeat(lambda: (h2.headers(n, block) for n in odd()))


@attack
def settings_flood(run):
    run.repeat(lambda: (h2.settings((4, 65535 + n % 2)) for n in range(MANY)))


@attack
def ping_flood(run):
    run.repeat(lambda: (h2.ping() for _ in range(MANY)))


@attack
def empty_data(run):
    head = h2.post(1, "/attack/slow_answer")
    run.repeat(lambda: (head if n == 0 else h2.data(1) for n in range(MANY)))


@attack
def padding_alone(run):
    """DATA that is all padding."""
    head = h2.post(1, "/attack/slow_answer")
    piece = h2.frame(h2.DATA, h2.PADDED, 1, b"\x10" + bytes(16))
    run.repeat(lambda: (head if n == 0 else piece for n in range(MANY)))


@attack
def priority_churn(run):
    run.repeat(lambda: (h2.priority(2 * (n % 500) + 1, 2 * ((n + 7) % 500) + 1, n % 256) for n in range(MANY) if n % 500 != (n + 7) % 500))


@attack
def window_churn(run):
    run.repeat(lambda: (h2.window(0, 1) for _ in range(MANY)))


@attack
def unknown_frames(run):
    run.repeat(lambda: (h2.frame(0x42, 0, 0, b"x") for _ in range(MANY)))


@attack
def streams_that_are_over(run):
    """HEADERS for streams below one that was opened: decoded and dropped."""
    last = 2 * MANY + 1
    run.repeat(lambda: (h2.get(last if n == 0 else 2 * n + 1, "/none") for n in range(MANY)))


@attack
def connections(run):
    """A connection a millisecond, each with one request of HTTP/2."""

    def visit():
        with run.wire() as wire:
            wire.send(h2.get(1, "/none"))
            for came in wire.frames():
                if isinstance(came, h2.HeadersFrame):
                    return wire.port, dict(came.fields)[":status"]
            return wire.port, "connection closed"

    every_millisecond(run, visit)


@attack
def http1_connections(run):
    """A connection a millisecond, each with nothing."""

    def visit():
        run.begun += 1
        with socket.create_connection(("127.0.0.1", run.ports["tls"])) as peer:
            return peer.getsockname()[1], "left"

    every_millisecond(run, visit)


def every_millisecond(run, visit):
    while not run.over:
        began = time.monotonic()
        run.note(*visit())
        time.sleep(max(0.0, 0.001 - (time.monotonic() - began)))


@attack
def hashing(run):
    """One address tries passwords, from many connections; another logs in meanwhile. An end is an answer here."""
    guesses = itertools.count()

    def guess():
        while not run.over:
            with Connection(run.ports["plain"]) as connection:
                goes_on = True
                while goes_on and not run.over:
                    run.begun += 1
                    answer = connection.request("GET", "/costly/", [basic("carol", f"guess{next(guesses)}")])
                    run.note(0, str(answer.status))
                    goes_on = answer.value("Connection") != "close"

    in_threads(guess, 20)


@attack
def many_fields(run):
    """Heads of HTTP/1 with more fields than may be, each as short as can be."""
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a:\r\n" * 5000 + b"\r\n"

    def visit():
        run.begun += 1
        with Connection(run.ports["plain"]) as connection:
            connection.send(head)
            port = connection.socket.getsockname()[1]
            return port, str(connection.response().status)

    while not run.over:
        run.note(*visit())


def in_threads(function, count, *arguments):
    threads = [threading.Thread(target=function, args=arguments, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


# Those who wait: all connections are held, and each must be ended by the server.


def hold(run, count, port, first, again=None, pause=0.2, settings=None, receive_buffer=None):
    """`count` connections that send `first`, and then `again` at every pause; notes what ended each."""
    held = {}
    for number in range(count):
        if number % 10 == 9:
            time.sleep(0.002)  # What is tried is how they are held, not how fast they come.
        if settings is None:
            run.begun += 1
            wire, peer = None, socket.socket()
            if receive_buffer:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            peer.connect(("127.0.0.1", run.ports[port]))
        else:
            wire = run.wire(port, settings)
            wire.acknowledges = False
            peer = wire.socket
        peer.settimeout(1)
        try:
            peer.sendall(first)
        except OSError:
            pass
        held[peer] = (peer.getsockname()[1], wire, bytearray())

    # All are there: from now on each is to be ended in time.
    run.until = time.monotonic() + run.seconds

    def has_ended(peer, words):
        run.note(held.pop(peer)[0], words)
        peer.close()

    while held and not run.over:
        turn = time.monotonic() + pause
        while held and (left := turn - time.monotonic()) > 0:
            if receive_buffer:
                # Nothing is read of what comes; only the end of the connection is looked for.
                time.sleep(left)
                for peer in [peer for peer in held if has_hung_up(peer)]:
                    has_ended(peer, "connection closed")
                continue
            for peer in wait_readable(held, left):
                if words := ending(peer, *held[peer][1:]):
                    has_ended(peer, words)
        if again:
            for peer in held:
                try:
                    peer.send(again)
                except OSError:
                    pass
    for peer in list(held):
        has_ended(peer, "not ended")


def wait_readable(held, timeout):
    poll = select.poll()
    numbers = {peer.fileno(): peer for peer in held}
    for number in numbers:
        poll.register(number, select.POLLIN)
    return [numbers[number] for number, _ in poll.poll(timeout * 1000)]


def has_hung_up(peer):
    return peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0] != 1  # TCP_ESTABLISHED


def ending(peer, wire, seen):
    """What has ended this connection, in words; nothing while it goes on. HTTP/1's status counts."""
    if wire:
        wire.socket.settimeout(0.001)
        try:
            for came in wire.frames():
                if isinstance(came, h2.GoAwayFrame):
                    return f"GOAWAY {h2.CODES[came.error_code]}"
        except (socket.timeout, BlockingIOError):
            return None
        return "connection closed"
    try:
        part = peer.recv(65536)
    except OSError:
        part = b""
    if not part:
        return seen.split(b" ")[1].decode() if seen.startswith(b"HTTP/1.1 ") else "connection closed"
    seen += part[: 64 - len(seen)] if len(seen) < 64 else b""
    return None


#: TLS's first record of a handshake, cut short.
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@attack
def idle_handshakes(run):
    hold(run, 1000, "tls", HELLO)


@attack
def idle_connections(run):
    hold(run, 1000, "tls", b"")


@attack
def idle_plain_connections(run):
    hold(run, 1000, "plain", b"")


@attack
def idle_sessions(run):
    """HTTP/2 up to its SETTINGS, and nothing more."""
    hold(run, 1000, "h2c", b"", settings=())


@attack
def half_a_preface(run):
    hold(run, 200, "h2c", h2.PREFACE[:10])


@attack
def half_a_header_block(run):
    hold(run, 200, "h2c", h2.frame(h2.HEADERS, 1, 1, h2.block(h2.request())), settings=())


@attack
def slow_header_block(run):
    """A byte at a time."""
    head = h2.frame(h2.HEADERS, 5, 1, b"", length=1000)
    hold(run, 200, "h2c", head, again=b"\x00", settings=())


@attack
def half_open_streams(run):
    """As many streams as a connection may have, each with a body that doesn't come."""
    first = b"".join(h2.post(2 * n + 1, "/attack/takes_the_body", ("content-length", "100")) for n in range(100))
    hold(run, 30, "h2c", first, settings=())


@attack
def window_of_zero(run):
    """Streams that ask for much and take nothing."""
    first = b"".join(h2.get(2 * n + 1, "/attack/zeros") for n in range(40))
    hold(run, 5, "h2c", first, settings=[(4, 0)])


@attack
def window_drip(run):
    """The same, a byte at a time."""
    first = b"".join(h2.get(2 * n + 1, "/attack/zeros") for n in range(20))
    again = b"".join(h2.window(2 * n + 1, 1) for n in range(20))
    hold(run, 5, "h2c", first, again=again, settings=[(4, 0)])


@attack
def unread_socket(run):
    """All windows open, and nothing is read."""
    first = h2.PREFACE + h2.settings((4, (1 << 31) - 1)) + h2.window(0, (1 << 30))
    first += b"".join(h2.get(2 * n + 1, "/attack/zeros") for n in range(20))
    hold(run, 20, "h2c", first, receive_buffer=16384)


@attack
def slow_head(run):
    hold(run, 200, "plain", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", again=b"x")


@attack
def slow_body(run):
    head = b"POST /attack/takes_the_body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n\r\n"
    hold(run, 200, "plain", head, again=b"x")


@attack
def stopped_body(run):
    head = b"POST /attack/takes_the_body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n\r\n"
    hold(run, 200, "plain", head)


@attack
def slow_read(run):
    hold(run, 40, "plain", b"GET /attack/zeros HTTP/1.1\r\nHost: localhost\r\n\r\n", receive_buffer=4096)


class Attackers:
    """The process of one or more attacks, seen from the tests."""

    def __init__(self, names, seconds, ports, processor):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "http2.attacks", ",".join(names), str(seconds), json.dumps(ports), str(processor)],
            cwd=Path(__file__).resolve().parents[1],
            stdout=subprocess.PIPE,
            text=True,
        )
        # It has its modules, and begins.
        assert self._process.stdout.readline() == "begins\n"

    def results(self, timeout):
        """By name: how many connections were begun, and the port and end of each."""
        try:
            output, _ = self._process.communicate(timeout=timeout)
        finally:
            self._process.kill()
            self._process.wait()
        return json.loads(output)


def main(names, seconds, ports, processor):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    os.sched_setaffinity(0, {int(processor)})
    if len(os.sched_getaffinity(os.getppid())) == 1:
        # With one processor for all, others are to feel the server's work, not this process's.
        os.nice(10)
    print("begins", flush=True)
    runs = {name: Run(float(seconds), json.loads(ports)) for name in names.split(",")}
    threads = [threading.Thread(target=ATTACKS[name], args=[run], daemon=True) for name, run in runs.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(float(seconds) + 45)
    print(json.dumps({name: {"begun": run.begun, "sent": run.sent, "ends": run.ends} for name, run in runs.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
