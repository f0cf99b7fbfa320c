"""What the clients asked and got. Shared by all their threads."""

import itertools
import threading
import time
from collections import Counter

from .judge import Failure

#: Failures kept with all they say; beyond them they are only counted.
KEPT = 2000


class Ledger:
    def __init__(self):
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self.passed = Counter()
        self.bytes = 0
        self.failures = []
        self.more_failures = 0
        #: Requests that an upstream may see once, and those it may never see.
        self.once, self.refused = set(), set()
        #: Things that are wrong and no request's own.
        self.complaints = []

    def identity(self, kind):
        return f"{kind.replace(' ', '-').replace(',', '')}-{next(self._numbers)}"

    def ask(self, kind, replayable=False, once=False):
        return Asked(self, kind, replayable, once)

    def passes(self, kind, count=1, size=0):
        with self._lock:
            self.passed[kind] += count
            self.bytes += size

    def fails(self, failure):
        with self._lock:
            if len(self.failures) < KEPT:
                self.failures.append(failure)
            else:
                self.more_failures += 1

    def complain(self, words):
        with self._lock:
            if len(self.complaints) < KEPT:
                self.complaints.append(words)


class Asked:
    """One request under way: ends by `passed` or `failed`."""

    def __init__(self, ledger, kind, replayable, once):
        self._ledger = ledger
        self.kind, self.replayable = kind, replayable
        self.identity = ledger.identity(kind)
        if once:
            ledger.once.add(self.identity)
        self.began = time.monotonic()

    @property
    def field(self):
        return ("x-soak", self.identity)

    def passed(self, size=0):
        self._ledger.passes(self.kind, 1, size)

    def failed(self, words, status=None, upstream=None, cut=False):
        """`upstream` comes from the head of a reply; Postern's own replies have none."""
        self._ledger.fails(
            Failure(
                self.identity, self.kind, self.began, time.monotonic(), words, status, upstream, cut, self.replayable
            )
        )
