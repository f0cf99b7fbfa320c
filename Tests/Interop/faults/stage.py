"""Where a fault is played: a server, the scripted upstream behind it, and somebody else who wants served meanwhile."""

import os
import socket
import struct
import threading
import time

from harness.client import Connection, head
from harness.ports import wait_until

from .log import Log


class Bystander:
    """Another client: asks without pause on a connection of its own, and remembers what it got."""

    PAUSE = 0.005

    def __init__(self, server):
        self._server = server
        self._end = threading.Event()
        self.answers = 0
        self.failures = []
        self.slowest = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        wait_until(lambda: self.answers or self.failures, "the bystander's first answer")

    def _run(self):
        connection = None
        while not self._end.is_set():
            began = time.monotonic()
            try:
                connection = connection or self._server.connect()
                answer = connection.request("GET", "/bystander")
                if answer.status != 200:
                    self.failures.append(answer.status)
                if answer.value("Connection") == "close":  # Enough requests for one connection.
                    connection.close()
                    connection = None
                self.answers += 1
                self.slowest = max(self.slowest, time.monotonic() - began)
            except (OSError, ValueError) as error:
                self.failures.append(error)
                connection = None
            self._end.wait(self.PAUSE)
        if connection:
            connection.close()

    def forgive(self):
        """Forgets what went before."""
        self.failures.clear()
        self.slowest = 0.0

    def wait_answer(self, after, timeout=5.0):
        """Waits until one more than `after` answers have come in all."""
        wait_until(lambda: self.answers > after or self.failures, "an answer for the bystander", timeout)

    def close(self):
        self._end.set()
        self._thread.join(20)


class Stage:
    """What a fault's `act` has at hand."""

    def __init__(self, server, setting=None):
        self.server = server
        self.props = setting.props if setting else {}
        self.log = Log(server.directory / (setting.log if setting else "error.log"))
        self.bystander = Bystander(server) if not setting or setting.has_bystander else None
        if not self.bystander:
            server.get()  # What the start has to say is said by then.
        self._kept = threading.local()

    def close(self):
        if self.bystander:
            self.bystander.close()

    # What an act does.

    def connect(self, port="plain", **options):
        return self.server.connect(port, **options)

    def ask(self, fault):
        """One request to the fault's location over this thread's kept connection; says what came back."""
        connection = getattr(self._kept, "connection", None) or self.connect()
        self._kept.connection = None
        connection.send(head("GET", fault.path, fault.fields))
        seen, goes_on = outcome(connection)
        if goes_on:
            self._kept.connection = connection
        else:
            connection.close()
        return seen

    def forget(self):
        """Closes this thread's kept connection."""
        if connection := getattr(self._kept, "connection", None):
            self._kept.connection = None
            connection.close()

    # What it costs.

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.pid}/fd"))

    def resident(self):
        """Resident memory in bytes."""
        return self.server.resident()


def outcome(connection, method="GET"):
    """What a client sees of a reply, in words, and whether the connection goes on."""
    try:
        answer = connection.response_head()
        while 100 <= answer.status < 200 and answer.status != 101:
            answer = connection.response_head()
    except socket.timeout:
        return "no answer", False
    except OSError:
        return "connection closed", False
    goes_on = (answer.value("Connection") or "").lower() != "close"
    if method == "HEAD" or answer.status in (101, 204, 304):
        return str(answer.status), goes_on
    try:
        if answer.value("Transfer-Encoding"):
            while connection.chunk():
                pass
        elif answer.value("Content-Length"):
            connection.exactly(int(answer.value("Content-Length")))
        else:
            while connection.take(1 << 20):
                pass
    except (OSError, ValueError):
        return f"{answer.status}, cut short", False
    return str(answer.status), goes_on


def reset(connection):
    """Ends a client's connection with a TCP reset."""
    raw = connection.socket if isinstance(connection, Connection) else connection
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
