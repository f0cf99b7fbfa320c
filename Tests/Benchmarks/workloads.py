"""What every server is put through: one entry per row of the table."""

import base64
from dataclasses import dataclass, field

from configurations import PASSWORD, USER
from load import NotPossible, opened

LOGIN = "Authorization: Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
FIELDS = [f"X-Extra-Field-{number}: value number {number} of some length" for number in range(8)]
COOKIE = "Cookie: session=" + "c" * 1015


@dataclass(frozen=True)
class Workload:
    """A load against one listener. `per` is what an operation is divided by, `unit` that of the cost."""

    title: str
    listener: str
    kind: str = "requests"
    connections: int = 64
    headers: list = field(default_factory=list)
    path: str = "/"
    addresses: int | None = None
    per: int = 1
    unit: str = "µs"
    #: What of the server's `proofs` its requests carry.
    proof: str | None = None
    #: The row of Postern's own that it is divided by, where no other server has its like.
    beside: str | None = None

    @property
    def tls(self):
        return "tls" in self.listener

    def opened(self, server, **bound):
        """The load with its connections open: see `Load`."""
        if self.listener not in server.ports:
            raise NotPossible("it can't")
        return opened(
            self.kind,
            server.ports[self.listener],
            connections=self.connections,
            tls=self.tls,
            headers=[*self.headers, *([server.proofs[self.proof]] if self.proof else [])],
            path=self.path,
            addresses=self.addresses,
            **bound,
        )


WORKLOADS = {
    "plain-1": Workload("HTTP/1.1, 1 connection", "plain", connections=1),
    "plain": Workload("HTTP/1.1, 64 connections", "plain"),
    "session": Workload("session cookie, 64 connections", "session", proof="session", beside="plain"),
    "device": Workload("session and device cookies, 64 connections", "device", proof="device", beside="plain"),
    "key": Workload("API key in X-API-Key, 64 connections", "key", proof="key", beside="plain"),
    "bearer": Workload("API key as Bearer, 64 connections", "key", proof="bearer", beside="plain"),
    "plain-1000": Workload("HTTP/1.1, 1,000 connections", "plain", connections=1000),
    "fields": Workload("HTTP/1.1, 8 more fields", "plain", headers=FIELDS),
    "cookie": Workload("HTTP/1.1, a 1 KiB cookie", "plain", headers=[COOKIE]),
    "logged": Workload("HTTP/1.1, access log on", "logged"),
    "tls-1": Workload("HTTP/1.1 over TLS, 1 connection", "tls", connections=1),
    "tls": Workload("HTTP/1.1 over TLS, 64 connections", "tls"),
    "tls-1000": Workload("HTTP/1.1 over TLS, 1,000 connections", "tls", connections=1000),
    "fields-tls": Workload("HTTP/1.1 over TLS, 8 more fields", "tls", headers=FIELDS),
    "cookie-tls": Workload("HTTP/1.1 over TLS, a 1 KiB cookie", "tls", headers=[COOKIE]),
    "apr1": Workload("Basic auth, apr1", "apr1", headers=[LOGIN]),
    "bcrypt": Workload("Basic auth, bcrypt cost 5", "bcrypt", headers=[LOGIN]),
    "apr1-tls": Workload("Basic auth over TLS, apr1", "apr1tls", headers=[LOGIN]),
    "bcrypt-tls": Workload("Basic auth over TLS, bcrypt cost 5", "bcrypttls", headers=[LOGIN]),
    "handshake": Workload("full TLS 1.3 handshake", "tls", "handshake", 8),
    "resumed": Workload("resumed handshake and one request", "tls", "resumed", 8),
    "body": Workload("10 MiB bodies over TLS, per MiB", "tls", connections=4, path="/10m", per=10),
    "websocket-1": Workload("WebSocket, 64-byte message echoed, 1 connection", "plain", "websocket", 1),
    "websocket": Workload("WebSocket, 64-byte message echoed, 64 connections", "plain", "websocket"),
    "websocket-1000": Workload("WebSocket, 64-byte message echoed, 1,000 connections", "plain", "websocket", 1000),
    "websocket-tls": Workload("WebSocket over TLS, 64-byte message echoed, 64 connections", "tls", "websocket"),
    "h2": Workload("HTTP/2 over TLS, 4 connections, 32 streams", "h2"),
    "memory": Workload("memory per idle TLS connection", "tls", connections=2000, unit="KiB"),
}


@dataclass(frozen=True)
class Sample:
    """Cost of one operation in the row's unit."""

    cost: float
    #: Its parts in user and system mode.
    user: float = 0
    system: float = 0
    #: The server's share of its processor.
    busy: float = 0
    #: What load and upstream spent on it, on theirs.
    load: float = 0
