"""Notices when the whole machine stands still, as virtual ones do at times."""

import threading
import time


class Pauses:
    """Sleeps a little again and again, and notes when that took far longer."""

    SLEEP = 0.1
    #: Seconds from which on it isn't a busy machine any more.
    LONG = 1.0

    def __init__(self):
        self._since = self._last = time.monotonic()
        self._ended = 0.0
        threading.Thread(target=self._run, name="pauses", daemon=True).start()

    def begin(self):
        """What `seen` tells of begins here. What stood still just before may show in what comes now."""
        self._since = time.monotonic() - 5

    @property
    def seen(self):
        """Whether the machine stood still meanwhile, or does at this moment."""
        return self._ended > self._since or time.monotonic() - self._last > self.LONG

    def _run(self):
        while True:
            time.sleep(self.SLEEP)
            now = time.monotonic()
            if now - self._last > self.LONG:
                self._ended = now
            self._last = now
