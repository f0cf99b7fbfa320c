"""Server-sent events, large bodies, and what they cost in memory."""

import threading
import time

import pytest

from harness.client import head
from harness.ports import wait_until
from harness.site import Site

MEBIBYTE = 1 << 20
MEMORY_LIMIT = 40 * MEBIBYTE


@pytest.mark.parametrize("port", ["tls", "plain"])
def test_each_event_arrives_before_the_next_is_sent(peer, start, recorder, port):
    arrived = threading.Semaphore(0)

    def stream(exchange):
        exchange.start_chunked()
        for number in range(20):
            exchange.chunk(f"data: {number}\n\n".encode())
            assert arrived.acquire(timeout=5), f"event {number} did not arrive before the next"
        exchange.end_chunked()

    recorder.on("/events", stream)
    server = start(peer, Site(upstream=recorder.address))
    with server.connect(port) as connection:
        connection.send(head("GET", "/events"))
        answer = connection.response_head()
        assert answer.value("Content-Type") == "text/event-stream"
        for number in range(20):
            assert connection.chunk() == f"data: {number}\n\n".encode()
            arrived.release()
        assert connection.chunk() == b""
        assert connection.request().status == 200
    assert recorder.errors == []


def test_the_head_arrives_before_the_first_event(peer, start, recorder):
    go = threading.Event()
    recorder.on("/slow", lambda exchange: (exchange.start_chunked(), go.wait(10), exchange.end_chunked()))
    server = start(peer, Site(upstream=recorder.address))
    with server.connect() as connection:
        connection.send(head("GET", "/slow"))
        assert connection.response_head().status == 200
        go.set()
        assert connection.chunk() == b""


def test_a_reply_that_ends_with_the_connection(peer, start, recorder):
    def stream(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" + b"x" * 100_000)
        exchange.close()

    recorder.on("/close", stream)
    server = start(peer, Site(upstream=recorder.address))
    with server.connect() as connection:
        answer = connection.request("GET", "/close")
        assert answer.body_length == 100_000
        assert connection.request().status == 200


def test_a_reply_cut_short_is_seen_as_cut(peer, start, recorder):
    def stream(exchange):
        exchange.start_chunked()
        exchange.chunk(b"first")
        exchange.reset()

    recorder.on("/cut", stream)
    server = start(peer, Site(upstream=recorder.address))
    with server.connect() as connection:
        connection.send(head("GET", "/cut"))
        connection.response_head()
        with pytest.raises((ConnectionError, ValueError)):
            while connection.chunk():
                pass
            pytest.fail("a truncated reply ended as if it were whole")


def send_zeros(exchange, size, counter=None):
    block = bytes(MEBIBYTE)
    exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
    while size:
        part = min(size, MEBIBYTE)
        exchange.send(block[:part])
        size -= part
        if counter is not None:
            counter.append(part)


@pytest.mark.slow
@pytest.mark.parametrize("port", ["tls", "plain"])
def test_a_large_download(peer, start, recorder, big_body, port):
    recorder.on("/big", lambda exchange: send_zeros(exchange, big_body))
    server = start(peer, Site(upstream=recorder.address))
    with server.connect(port) as connection:
        connection.send(head("GET", "/big"))
        assert connection.response(keep=0).body_length == big_body
    assert server.peak_memory() < MEMORY_LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_upload(peer, start, recorder, big_body, framing):
    server = start(peer, Site(upstream=recorder.address))
    block = bytes(MEBIBYTE)
    with server.connect() as connection:
        if framing == "length":
            connection.send(head("POST", "/upload", [("Content-Length", str(big_body))]))
            for _ in range(big_body // MEBIBYTE):
                connection.send(block)
        else:
            connection.send(head("POST", "/upload", [("Transfer-Encoding", "chunked")]))
            for _ in range(big_body // MEBIBYTE):
                connection.send(b"100000\r\n" + block + b"\r\n")
            connection.send(b"0\r\n\r\n")
        assert connection.response().status == 200
    assert recorder.last("/upload").body_length == big_body
    assert server.peak_memory() < MEMORY_LIMIT


def settled(counter):
    """Waits until a list stops growing for a second; returns its sum."""
    seen, since = len(counter), time.monotonic()

    def still():
        nonlocal seen, since
        if len(counter) != seen:
            seen, since = len(counter), time.monotonic()
        return time.monotonic() - since > 1

    wait_until(still, "the sender to stall", timeout=60)
    return sum(counter)


@pytest.mark.slow
@pytest.mark.parametrize("port", ["tls", "plain"])
def test_a_stalled_reader_stalls_the_gateway(peer, start, recorder, big_body, port):
    counter = []
    recorder.on("/big", lambda exchange: send_zeros(exchange, big_body, counter))
    server = start(peer, Site(upstream=recorder.address))
    with server.connect(port, receive_buffer=65536) as connection:
        connection.send(head("GET", "/big"))
        connection.exactly(4096)
        wait_until(lambda: counter, "the first block")
        sent = settled(counter)
        assert sent < min(big_body, 64 * MEBIBYTE), "the gateway was read although the client was not"
        assert server.peak_memory() < MEMORY_LIMIT
        # Nobody else is held up by it.
        assert server.get().status == 200


@pytest.mark.slow
def test_a_stalled_gateway_stalls_the_client(peer, start, recorder, big_body):
    go, counter = threading.Event(), []
    recorder.on_head("/stall", lambda exchange: (go.wait(60), exchange.close()))
    server = start(peer, Site(upstream=recorder.address))
    connection = server.connect()

    def upload():
        try:
            connection.send(head("POST", "/stall", [("Content-Length", str(big_body))]))
            for _ in range(big_body // MEBIBYTE):
                connection.send(bytes(MEBIBYTE))
                counter.append(MEBIBYTE)
        except OSError:
            pass

    connection.socket.settimeout(60)
    threading.Thread(target=upload, daemon=True).start()
    try:
        wait_until(lambda: counter, "the first block")
        assert settled(counter) < min(big_body, 64 * MEBIBYTE)
        assert server.peak_memory() < MEMORY_LIMIT
        assert server.get().status == 200
    finally:
        go.set()
        connection.close()


@pytest.mark.parametrize("stage", ["before the head", "inside the body"])
def test_a_client_that_leaves_cancels_the_request(peer, start, recorder, stage):
    started, gone = threading.Event(), threading.Event()

    def hold(exchange):
        if stage == "inside the body":
            exchange.start_chunked()
            exchange.chunk(b"data: 1\n\n")
        started.set()
        if exchange.wait_peer_gone(10):
            gone.set()
        exchange.close()

    recorder.on("/hold", hold)
    server = start(peer, Site(upstream=recorder.address))
    connection = server.connect()
    connection.send(head("GET", "/hold"))
    assert started.wait(5)
    if stage == "inside the body":
        connection.response_head()
        connection.chunk()
    left = time.monotonic()
    connection.close()
    assert gone.wait(5)
    assert time.monotonic() - left < 1


def test_a_client_that_leaves_inside_an_upload_cancels_it(peer, start, recorder):
    started, gone = threading.Event(), threading.Event()

    def hold(exchange):
        exchange.receive()
        started.set()
        if exchange.wait_peer_gone(10):
            gone.set()
        exchange.close()

    recorder.on_head("/hold", hold)
    server = start(peer, Site(upstream=recorder.address))
    connection = server.connect()
    connection.send(head("POST", "/hold", [("Content-Length", "1000000")]) + b"some")
    assert started.wait(5)
    connection.close()
    assert gone.wait(5)
