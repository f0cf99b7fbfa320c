"""No connection keeps a loop to itself: what is always ready moves by shares, and others' requests go in between.

The server is stopped while all that a connection will ever move is laid out in the kernel's buffers: it meets all in one
turn of its only loop. A small request comes last. The access log tells in what order the loop was done with them.
"""

import contextlib
import signal
import threading
from pathlib import Path

import pytest

from harness.client import head
from harness.ports import wait_until
from harness.site import Site
from http2 import frames as h2
from http2.session import session

MEBIBYTE = 1 << 20
WARM = 16 * MEBIBYTE

pytestmark = pytest.mark.peers("postern-native")


@contextlib.contextmanager
def paused(server):
    """Stops the server's process and sees that none of its threads runs."""
    server.signal(signal.SIGSTOP)
    try:
        wait_until(lambda: _states(server.pid) == {"T"}, "the server to be stopped", interval=0.001)
        yield
    finally:
        server.signal(signal.SIGCONT)


def _states(process):
    tasks = Path(f"/proc/{process}/task").iterdir()
    return {(task / "stat").read_text().rsplit(")", 1)[1].split()[0] for task in tasks}


class Laying:
    """A reply of `size` bytes that the upstream sends on a word, all at once."""

    def __init__(self, recorder, path, size, framing="length"):
        self._go, self._sent, self.asked = threading.Event(), threading.Event(), threading.Event()
        self._size, self._framing = size, framing
        recorder.on(path, self._answer)

    def _answer(self, exchange):
        self.asked.set()
        assert self._go.wait(20)
        if self._framing == "length":
            exchange.reply(body=bytes(self._size))
        else:
            exchange.start_chunked("text/plain")
            part = bytes(16384)
            exchange.send(b"".join(b"4000\r\n" + part + b"\r\n" for _ in range(self._size // len(part))) + b"0\r\n\r\n")
        self._sent.set()

    def lay(self):
        """Comes back when the kernel has it all."""
        self._go.set()
        assert self._sent.wait(20), "the reply doesn't fit the kernel's buffers"


def site(recorder, more="", **options):
    small = "location = /small { return 200 small; }\n"
    return Site(upstream=recorder.address, native_server=small + more, **options)


def warm(recorder, connection):
    """Has a connection, and the upstream's that serves it, move much: only then have they large buffers."""
    recorder.on("/warm", lambda exchange: exchange.reply(body=bytes(WARM)))
    connection.send(head("GET", "/warm"))
    assert connection.response(keep=0).body_length == WARM


def targets(server, count):
    """What was asked for, in the order in which it was done."""
    return [line.split('"')[1].split()[1] for line in server.access_lines(count)]


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("port", ["tls", "plain"])
def test_a_small_request_goes_before_the_end_of_a_large_reply(peer, start, recorder, port, framing):
    reply = Laying(recorder, "/big", MEBIBYTE, framing)
    server = start(peer, site(recorder))
    with server.connect(port) as taker, server.connect(port) as other:
        warm(recorder, taker)
        assert other.request("GET", "/small").status == 200
        taker.send(head("GET", "/big"))
        assert reply.asked.wait(10)
        with paused(server):
            reply.lay()
            other.send(head("GET", "/small"))
        assert other.response().status == 200
        assert taker.response(keep=0).body_length == MEBIBYTE
    assert targets(server, 4) == ["/warm", "/small", "/small", "/big"]


@pytest.mark.parametrize("port", ["tls", "plain"])
def test_a_small_request_goes_before_the_end_of_a_large_body(peer, start, recorder, port):
    unlimited = "location = /warm { client_max_body_size 0; proxy_pass http://gateway; }"
    server = start(peer, site(recorder, body_limit="512k", more=unlimited))
    with server.connect(port) as sender, server.connect(port) as other:
        assert sender.request("POST", "/warm", body=bytes(WARM)).status == 200
        assert other.request("GET", "/small").status == 200
        sender.send(head("POST", "/upload", [("Transfer-Encoding", "chunked")]))
        recorder.last("/upload")
        with paused(server):
            # The refusal of what is more than the limit tells when the loop has come to it.
            sender.send((b"4000\r\n" + bytes(16384) + b"\r\n") * 40)
            other.send(head("GET", "/small"))
        assert other.response().status == 200
        assert sender.response().status == 413
    assert targets(server, 4) == ["/warm", "/small", "/small", "/upload"]


def test_two_http2_connections_take_turns(peer, start, recorder):
    large = Laying(recorder, "/large", MEBIBYTE)
    less = Laying(recorder, "/less", MEBIBYTE // 4)
    server = start(peer, site(recorder, http2=True))
    with server.connect() as connection:
        warm(recorder, connection)
    with session(server, window=4 * MEBIBYTE) as first, session(server, window=4 * MEBIBYTE) as second:
        streams = first.start(path="/large"), second.start(path="/less")
        for one, stream in zip((first, second), streams):
            one.h2.increment_flow_control_window(4 * MEBIBYTE, stream.id)
            one.ping()
        assert large.asked.wait(10) and less.asked.wait(10)
        with paused(server):
            large.lay()
            less.lay()
        assert len(first.finish(streams[0]).body) == MEBIBYTE
        assert len(second.finish(streams[1]).body) == MEBIBYTE // 4
    assert targets(server, 3) == ["/warm", "/less", "/large"]


@pytest.mark.parametrize("port", ["tls", "plain"])
def test_a_pipeline_of_refusals_lets_others_in_between(peer, start, recorder, users, port):
    server = start(peer, site(recorder, auth=True, users=users))
    count = 900
    with server.connect(port) as flood, server.connect(port) as other:
        assert other.request("GET", "/other").status == 401
        assert flood.request("GET", "/first").status == 401
        with paused(server):
            flood.send(head("GET", "/flood") * count)
            other.send(head("GET", "/other"))
        assert other.response().status == 401
        for _ in range(count):
            assert flood.response().status == 401
    order = targets(server, count + 3)
    assert order.count("/flood") == count
    assert order.index("/other", 2) < 100


#: Requests that a turn of the loop begins over all connections of HTTP/2, and those that each of them may begin at least.
TURN, LEAST = 128, 2


def test_many_connections_of_many_streams_let_others_in_between(peer, start, recorder):
    """All of them are ready in one turn. What a small request waits for doesn't grow by all that each may begin."""
    more = "listen {h2c} http2; location /streams/ { return 200 s; }"
    server = start(peer, site(recorder, more, listeners=["h2c"]))
    connections, streams = 40, 100
    with contextlib.ExitStack() as held:
        other = held.enter_context(server.connect("plain"))
        wires = [held.enter_context(h2.Wire(server.ports["h2c"])) for _ in range(connections)]
        for wire in wires:
            assert wire.settle()
        assert other.request("GET", "/small").status == 200
        with paused(server):
            for number, wire in enumerate(wires):
                wire.send(b"".join(h2.get(2 * n + 1, f"/streams/{number}") for n in range(streams)))
            other.send(head("GET", "/small"))
        assert other.response().status == 200
        order = targets(server, connections * streams + 2)
    assert len(order) == connections * streams + 2
    assert order.index("/small", 1) <= TURN + LEAST * connections
    # Nobody starves, and nobody is done when others have hardly begun.
    begun = [order.index(f"/streams/{number}") for number in range(connections)]
    assert max(begun) <= TURN + LEAST * connections + 1
    first_done = min(len(order) - 1 - order[::-1].index(f"/streams/{number}") for number in range(connections))
    behind = min(order[:first_done].count(f"/streams/{number}") for number in range(connections))
    assert behind >= streams // 4, behind
    assert {target: order.count(target) for target in set(order)} == {
        "/small": 2,
        **{f"/streams/{number}": streams for number in range(connections)},
    }


def test_heads_that_are_refused_let_others_in_between(peer, start, recorder):
    """A read brings many of them, each with hundreds of fields to decode before it is refused."""
    server = start(peer, site(recorder, "listen {h2c} http2;", listeners=["h2c"]))
    block = h2.block(h2.request("/many")) + h2.field("cookie", "", 0x40) + h2.integer(62, 7, 0x80) * 300
    with server.connect("plain") as other, h2.Wire(server.ports["h2c"]) as wire:
        assert wire.settle()
        assert other.request("GET", "/small").status == 200
        # Refused: from here on its heads are looked at a few at a time.
        wire.send(h2.headers(1, block))
        wait_until(lambda: server.error_log.count("too many fields") == 1, "the first refusal")
        with paused(server):
            wire.send(b"".join(h2.headers(2 * n + 3, block) for n in range(40)))
            other.send(head("GET", "/small"))
        assert other.response().status == 200
        wait_until(lambda: server.access_log.count('" 431 ') == 41, "all refusals")
        order = [line.split('"')[2].split()[0] for line in server.access_lines(43)]
    assert order[:2] == ["200", "431"]
    assert order.index("200", 1) <= 2 + 12


def test_many_who_wait_too_long_let_others_in_between(peer, start, recorder):
    """Hundreds of waits are over in the same moment."""
    server = start(peer, site(recorder, server="client_header_timeout 1s; client_max_connections off;"))
    silent = 400
    with contextlib.ExitStack() as held:
        other = held.enter_context(server.connect("plain"))
        assert other.request("GET", "/small").status == 200
        late = [held.enter_context(server.connect("plain")) for _ in range(silent)]
        for connection in late:
            connection.send(b"GET /late HTTP/1.1\r\nHost: loc")
        assert other.request("GET", "/small").status == 200
        with paused(server):
            other.send(head("GET", "/small"))
            # Their time passes meanwhile.
            threading.Event().wait(1.5)
        assert other.response().status == 200
        assert other.request("GET", "/small").status == 200
        for connection in late:
            assert connection.response().status == 408
        statuses = [line.split('"')[2].split()[0] for line in server.access_lines(silent + 4)]
    assert statuses.count("408") == silent
    # The request that came while they waited has its turn when a few have been seen to.
    answered = [position for position, status in enumerate(statuses) if status == "200"]
    assert answered[2] <= 2 + 40
