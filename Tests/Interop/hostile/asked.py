"""What rows of whole requests are made of."""

from harness.client import basic

from . import streams
from .case import Case, Counterpart, Forwarded, Outcome

ALICE = basic("alice", "password")
WRONG = basic("alice", "wrong")


#: What can carry any `Ask` to each of the ports.
CARRIERS = {"plain": ("http/1", "http/2", "h2c"), "tls": ("http/1", "http/2")}
#: And the same for rows that are played over IPv6, too.
ALL_CARRIERS = ("http/1", "http/1 over IPv6", "http/2", "http/2 over IPv6", "h2c")


def adder(rows):
    """A function that adds rows to `rows`."""

    def add(name, means, ask, outcome, nginx=None, **options):
        options.setdefault("carriers", CARRIERS[options.get("port", "plain")])
        rows.append(Case(name, means, ask, outcome, nginx, **options))

    return add


def refused(status, log, ends=False):
    return Outcome((status,), ends=ends, log=log)


def over_http2(status, log):
    """HTTP/2 refuses it by a rule of its own."""
    return Counterpart(Outcome((status,), log=log))


def passed(**forwarded):
    return Outcome((200,), gateway=(Forwarded(**forwarded),))


#: Nobody asked for a login; that alone isn't worth a line.
LOGIN = refused(401, "")
DENIED = refused(403, "refused with 403: address-denied")
#: What HTTP/2 says to fields that tell of one connection of HTTP/1 (RFC 9113, section 8.2.2).
OF_A_CONNECTION = over_http2(400, streams.OF_A_CONNECTION)
#: And to a target that isn't a path: HTTP/2 has its own places for a scheme and a host.
NO_PATH = over_http2(400, "the request target isn't a path, an http URI or *")
