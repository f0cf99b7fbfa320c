"""What all clients of the soak are made of: a thread that takes turns until it is told to end."""

import itertools
import random
import threading
import traceback

from .upstream import BYTES

#: The longest a reply may take, in seconds: far more than a busy machine needs.
PATIENCE = 40

_numbers = itertools.count(1)


class Client:
    """One client. A subclass says what a turn is; between turns it rests for about `rest` seconds."""

    rest = 0.1

    def __init__(self, ledger, server, end):
        self.ledger, self.server, self.end = ledger, server, end
        self.chance = random.Random(next(_numbers))
        self.thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)

    def turn(self):
        raise NotImplementedError

    def leave(self):
        """Closes what is open; called when the client ends."""

    def _run(self):
        try:
            while not self.end.is_set():
                self.turn()
                self.end.wait(self.chance.uniform(0.5, 1.5) * self.rest)
            self.leave()
        except Exception:  # noqa: BLE001 - whatever a client did not expect is a finding
            self.ledger.complain(f"{type(self).__name__} did not expect this:\n{traceback.format_exc()}")

    def piece(self, sizes):
        """A random piece of the common bytes: where it starts, and itself."""
        size = self.chance.choice(sizes)
        start = self.chance.randrange(len(BYTES) - size)
        return start, BYTES[start : start + size]


class Crew:
    """Many clients, started and ended together."""

    def __init__(self, kinds, ledger, server):
        self.end = threading.Event()
        self.clients = [kind(ledger, server, self.end) for kind, count in kinds for _ in range(count)]
        self.ledger = ledger

    def __enter__(self):
        for client in self.clients:
            client.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        for client in self.clients:
            client.thread.join(2 * PATIENCE)
            if client.thread.is_alive():
                self.ledger.complain(f"a {type(client).__name__} does not come to its end")
