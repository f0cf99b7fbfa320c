"""What rows of whole requests are made of."""

from harness.client import basic

from .case import Case, Forwarded, Outcome

ALICE = basic("alice", "password")
WRONG = basic("alice", "wrong")


def adder(rows):
    """A function that adds rows to `rows`."""

    def add(name, means, ask, outcome, nginx=None, **options):
        rows.append(Case(name, means, ask, outcome, nginx, **options))

    return add


def refused(status, log, ends=False):
    return Outcome((status,), ends=ends, log=log)


def passed(**forwarded):
    return Outcome((200,), gateway=(Forwarded(**forwarded),))


#: Nobody asked for a login; that alone isn't worth a line.
LOGIN = refused(401, "")
DENIED = refused(403, "refused with 403: address-denied")
