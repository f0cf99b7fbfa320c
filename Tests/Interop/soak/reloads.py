"""Reloads without pause: good configurations that must be served from then on, broken ones that must change nothing."""

import signal
import ssl
import time

from faults.log import Log

from .client import PATIENCE
from .site import BROKEN

GOOD, BAD = "the configuration was reloaded", "the configuration was not reloaded"


class Reloads:
    #: One of so many reloads is of a broken configuration.
    BROKEN_EVERY = 6

    def __init__(self, server, ledger):
        self._server, self._ledger = server, ledger
        self._log = Log(server.directory / "error.log")
        self.good = self.broken = 0
        self.slowest = 0.0
        ledger.reloads, ledger.reloading = 0, False

    def run_for(self, end, every):
        turn = 0
        while not end.wait(every):
            turn += 1
            if turn % self.BROKEN_EVERY == 0:
                self.bad(BROKEN[self.broken % len(BROKEN)])
            else:
                self.load(self._server.site.next(self._server.site.number + 1))

    def load(self, site):
        self._ledger.reloading = True
        self._server.rewrite(site)
        if self._signal(GOOD):
            self.good += 1
        self._ledger.reloads += 1
        self._ledger.reloading = False
        self._probe("after a reload")

    def bad(self, mistake):
        words, spoil = mistake
        text = self._server.config.read_text()
        broken = spoil(text)
        if broken == text:
            self._ledger.complain(f"the configuration isn't broken by {words}")
        self._server.config.write_text(broken)
        if self._signal(BAD):
            self.broken += 1
        self._server.config.write_text(text)
        self._probe(f"after a configuration with {words}")

    def _signal(self, expected):
        mark, began = self._log.mark(), time.monotonic()
        self._server.signal(signal.SIGHUP)
        while time.monotonic() - began < PATIENCE:
            said = [text for _, text in self._log.since(mark) if GOOD in text or BAD in text]
            if said:
                self.slowest = max(self.slowest, time.monotonic() - began)
                if expected not in said[0]:
                    self._ledger.complain(f"a reload ended otherwise than expected: {said[0]}")
                return expected in said[0]
            time.sleep(0.02)
        self._ledger.complain("a reload never ended")
        return False

    def _probe(self, when):
        """A new connection is served by the newest good configuration: its certificate and its header."""
        site = self._server.site
        try:
            with self._server.connect(timeout=PATIENCE) as connection:
                generation = connection.request("GET", "/steady/bytes?size=1").value("X-Generation")
                shown = connection.socket.getpeercert(binary_form=True)
        except (OSError, ValueError) as error:
            self._ledger.complain(f"{when}, a new connection: {error!r}")
            return
        if generation != f"g{site.number}":
            self._ledger.complain(f"{when}, generation {generation} is served and not g{site.number}")
        if shown != ssl.PEM_cert_to_DER_cert(site.certificate.read_text()):
            self._ledger.complain(f"{when}, another certificate is served than that of g{site.number}")
        self._ledger.passes("probe after a reload")
