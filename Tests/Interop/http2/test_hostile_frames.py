"""Frames and heads that break the rules: refused in time, said once, never felt by the gateway, and forgotten."""

import os
import re
import time

import pytest

from faults.log import Log
from harness.ports import wait_until
from harness.process import Server
from harness.recorder import Recorder
from harness.site import Site

from .frames import PREFACE, Wire, get, settings
from .hostile_rows import ROWS
from .row import PROVED, WITHIN
from .session import ssl_context

#: The stream on which a connection that goes on must answer.
AFTER = 9999
#: How often each row is played for what it leaves behind.
TIMES = 10
MEMORY_SLACK = 4 << 20

REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP/1\.1")
FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*")


class Stage:
    """One server with a port of each kind, and a recorder behind it."""

    def __init__(self, directory, certificate, context):
        self.recorder = Recorder()
        site = Site(
            upstream=self.recorder.address,
            http2=True,
            listeners=["h2c"],
            server="listen {h2c} http2; keepalive_requests 100000;",
        )
        self.server = Server("postern-native", directory, site, *certificate, context)
        self.log = Log(directory / "error.log")
        self.server.get("/ready")

    def close(self):
        self.server.stop()
        self.recorder.close()

    def resident(self):
        return self.server.resident()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.pid}/fd"))

    def play(self, row):
        """Sends the row's bytes; what was seen, and the seconds it took."""
        preface = PREFACE + settings() if row.preface == b"default" else row.preface
        context = ssl_context() if row.port == "tls" else None
        with Wire(self.server.ports[row.port], context, preface, timeout=2.0) as wire:
            began = time.monotonic()
            wire.send(row.bytes)
            after = get(AFTER, "/after") if not row.ends else b""
            wire.send(after)
            words = wire.outcome(AFTER, row.sees != "nothing" and len(row.sees.split(", ")))
            return ", ".join(words), time.monotonic() - began

    def requests(self, mark):
        """Whole requests at the gateway since then, in words."""
        for request in self.recorder.requests[mark:]:
            lines = request.head.removesuffix(b"\r\n\r\n").split(b"\r\n")
            assert REQUEST_LINE.fullmatch(lines[0]), request.head
            assert all(FIELD.fullmatch(line) for line in lines[1:]), request.head
            assert len(request.values("Content-Length") + request.values("Transfer-Encoding")) <= 1, request.head
            assert len(request.values("Host")) == 1, request.head
        return [request for request in self.recorder.requests[mark:] if request.target != "/after"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory, certificate, context):
    stage = Stage(tmp_path_factory.mktemp("hostile"), certificate, context)
    yield stage
    stage.close()


def words(request):
    body = request.body.decode("latin-1").encode("unicode_escape").decode()
    return f"{request.method} {request.target}" + (f" + {body}" if body else "")


def is_consequence(row, line):
    """Whether the line tells of a request that ended with its connection, or was given up; or of our own hanging up."""
    level, text = line
    if level != "info":
        return False
    of_a_stream = "; request " in text or "; from " in text
    return of_a_stream and (row.ends or row.begins and "gave the stream up" in text) or "between requests" in text


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row(row, stage):
    mark, log = len(stage.recorder.requests), stage.log.mark()
    sees, took = stage.play(row)
    wait_until(lambda: not row.log or any(row.log[1] in text for _, text in stage.log.since(log)), "the line", 2)
    lines = stage.log.since(log)
    stage.recorder.errors.clear()
    if row.begins:  # What has begun is on its way still, perhaps; it isn't the next row's.
        until = time.monotonic() + 0.25
        while len(stage.recorder.requests) == mark and time.monotonic() < until:
            time.sleep(0.001)
    seen = [words(request) for request in stage.requests(mark)]
    assert (sees, tuple(request for request in seen if request in row.gateway)) == (row.sees, row.gateway), seen
    others = [request for request in seen if request not in row.gateway]
    # The beginning of what then broke off, and nothing that the client's own framing didn't mean.
    assert len(others) <= row.begins and all(request.split(" ")[1] == "/x" for request in others), others
    assert took < WITHIN, f"took {took:.2f} s"
    causes = [line for line in lines if not is_consequence(row, line)]
    if row.log:
        assert len(causes) == 1, lines
        assert causes[0][0] == row.log[0] and row.log[1] in causes[0][1], lines
    else:
        assert causes == []
    PROVED[row.name] = row


def test_nothing_is_left_behind(stage):
    """All rows, again and again: descriptors come back, and memory stays."""
    for row in ROWS:
        stage.play(row)
    files, memory = stage.descriptors(), stage.resident()
    for _ in range(TIMES):
        for row in ROWS:
            stage.play(row)
    wait_until(lambda: stage.descriptors() <= files + 3, "descriptors to come back")
    grown = stage.resident() - memory
    assert grown < MEMORY_SLACK, f"{grown >> 10} KiB more after {TIMES} times {len(ROWS)} rows"
