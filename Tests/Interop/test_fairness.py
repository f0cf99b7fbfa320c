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
