"""What can go wrong with an upstream's name."""

import random
import socket
import time

from harness.recorder import Recorder
from harness.site import Site

from .dns import NameServer, private_names
from .fault import Fault, Setting
from .stage import outcome

NAME = "gateway.faults.test"


class Hosts:
    """Gateways at several addresses with the same port: those that answer, and those that take no call."""

    def __init__(self, live=1, full=0):
        prefix = f"127.{random.randint(16, 250)}.{random.randint(1, 250)}"
        self.live = [Recorder(f"{prefix}.1")]
        self.port = self.live[0].port
        self.live += [Recorder(f"{prefix}.{number + 2}", self.port) for number in range(live - 1)]
        self.addresses = [each.host for each in self.live]
        #: Addresses where nobody listens.
        self.dead = [f"{prefix}.{number + 100}" for number in range(9)]
        self._full = [Full(f"{prefix}.{number + 200}", self.port) for number in range(full)]
        #: Addresses where a call is never answered.
        self.silent = [each.host for each in self._full]

    def close(self):
        for each in self.live + self._full:
            each.close()


class Full:
    """A listener whose queue is full, so that the kernel answers no further call."""

    def __init__(self, host, port):
        self.host = host
        self._sockets = [socket.socket()]
        self._sockets[0].bind((host, port))
        self._sockets[0].listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((host, port))
            self._sockets.append(filler)

    def close(self):
        for each in self._sockets:
            each.close()


def setting(names, lines="", **options):
    """Surroundings with a name server; `names(hosts)` says what it answers at first."""

    def make(directory):
        hosts = Hosts(**options)
        first = names(hosts)
        server = NameServer(first) if isinstance(first, list) else NameServer(mode=first)
        other = Recorder()
        site = Site(
            upstream=f"{NAME}:{hosts.port}",
            native_server=f"location /bystander {{ proxy_pass http://{other.address}; }}",
            location=f"proxy_connect_timeout 300ms; {lines}",
        )
        props = {"names": server, "hosts": hosts, "other": other}
        return Setting(site, private_names(directory, server), props=props)

    return make


def ask(stage, _=None):
    with stage.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return outcome(connection)[0]


def changes(stage, _):
    """The gateway restarts at another address: the first to find out is refused, the next are served."""
    names, hosts = stage.props["names"], stage.props["hosts"]
    assert ask(stage) == "200"
    hosts.live[0].close()
    names.addresses = hosts.addresses[1:]
    time.sleep(1)  # A name isn't looked up more often than that.
    answered = names.answered
    first = ask(stage)
    names.wait_answered(answered)
    return f"{first}, then {ask(stage)}"


def fails_later(stage, _):
    """One of two addresses dies and the name server with it: the other goes on."""
    names, hosts = stage.props["names"], stage.props["hosts"]
    time.sleep(1)
    names.mode = "fails"
    answered = names.answered
    seen = {ask(stage) for _ in range(4)}
    names.wait_answered(answered)
    seen |= {ask(stage) for _ in range(4)}
    return ", ".join(sorted(seen))


UNKNOWN = ("error", f'no address is known for host "{NAME}"')

FAULTS = [
    Fault(
        "upstream's name doesn't exist", "502", 2.0, UNKNOWN, ask, setting=setting(lambda _: "refuses"), times=300
    ),
    Fault(
        "name server doesn't answer", "502", 2.0, UNKNOWN, ask, setting=setting(lambda _: "silent"), times=300
    ),
    Fault("name server fails", "502", 2.0, UNKNOWN, ask, setting=setting(lambda _: "fails"), times=300),
    Fault("name server answers garbage", "502", 2.0, UNKNOWN, ask, setting=setting(lambda _: "garbage"), times=300),
    Fault(
        "name server fails when addresses are known",
        "200",
        10.0,
        ("error", "the addresses known before stay in use"),
        fails_later,
        setting=setting(lambda hosts: [hosts.addresses[0], hosts.dead[0]]),
        times=1,
        said="once",
        most=1,
        also=(("error", "connection refused while connecting to upstream"), ("warn", "rests")),
    ),
    Fault(
        "upstream's name gets another address",
        "502, then 200",
        10.0,
        ("error", "connection refused while connecting to upstream"),
        changes,
        setting=setting(lambda hosts: hosts.addresses[:1], live=2),
        times=1,
    ),
    Fault(
        "nine of ten addresses are dead",
        "200",
        2.0,
        ("error", "connection refused while connecting to upstream"),
        ask,
        setting=setting(lambda hosts: hosts.dead + hosts.addresses),
        times=300,
        said="once for each address",
        most=9,
        also=(("warn", "rests"),),
    ),
    Fault(
        "nine of ten addresses don't answer the call",
        "200",
        8.0,
        ("error", "upstream timed out while connecting to upstream"),
        ask,
        setting=setting(lambda hosts: hosts.silent + hosts.addresses, full=9),
        times=100,
        said="once for each address",
        most=9,
        also=(("warn", "rests"),),
    ),
]
