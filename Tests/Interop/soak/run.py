"""One soak from its start to its verdict."""

import signal
import subprocess
import threading
import time
from collections import Counter

from harness.process import Server

from . import http1, http2, judge, rude, streams, watch
from .client import Crew
from .group import Group
from .ledger import Ledger
from .reloads import Reloads
from .site import SoakSite, password_files

#: The clients and how many there are of each.
CREW = [
    (http1.KeptPlain, 2),
    (http1.KeptTls, 3),
    (http1.Bulky, 1),
    (http1.Uploads, 1),
    (http1.Slow, 4),
    (http1.Fresh, 1),
    (http1.Resumed, 1),
    (http1.Logins, 1),
    (http1.Bursts, 1),
    (http1.Slots, 1),
    (http2.Streams, 2),
    (http2.Resets, 1),
    (http2.H2load, 1),
    (streams.SteadyEvents, 2),
    (streams.PlainEvents, 1),
    (streams.GroupEvents, 2),
    (streams.Events2, 1),
    (streams.Sockets, 1),
    (streams.PlainSockets, 1),
    (streams.GroupSockets, 2),
    (streams.Sockets2, 1),
    (streams.GroupSockets2, 1),
    (rude.Rude, 4),
]

class Soak:
    """`reload_every` and `restart_every` are in seconds."""

    def __init__(self, directory, authority, seconds, *, reload_every=5.0, restart_every=7.0, say=print):
        self.seconds, self.reload_every, self.restart_every, self._say = seconds, reload_every, restart_every, say
        self.directory = directory
        self.ledger = Ledger()
        certificates = [authority.issue(f"soak-{number}", "localhost") for number in range(2)]
        passwords = password_files(directory)
        self.group = Group(directory / "upstreams")
        try:
            site = SoakSite(self.group, certificates, passwords)
            (directory / "server").mkdir()
            self.server = Server("postern-native", directory / "server", site, *certificates[0], authority.context())
        except BaseException:
            self.group.close()
            raise

    def run(self):
        """Runs it all and returns a Verdict; nothing is left running."""
        try:
            self._warm_up()
            self._soak()
            self._end()
            return self._verdict()
        finally:
            self.server.stop()
            self.group.close()

    def _warm_up(self):
        """Everything happens once and caches fill; then all clients go. What is left is the level to return to."""
        seconds = min(20.0, max(3.0, self.seconds / 20))
        self._say(f"warming up for {seconds:.0f} s")
        self._reloads = Reloads(self.server, self.ledger)
        with Crew(CREW, self.ledger, self.server):
            time.sleep(seconds / 2)
            for _ in range(2):
                self._reloads.load(self.server.site.next(self.server.site.number + 1))
            time.sleep(seconds / 2)
        self.warm = watch.settled(self.server.pid)

    def _soak(self):
        self._say(f"soaking for {self.seconds:.0f} s")
        end, began = threading.Event(), time.monotonic()
        self.watch = watch.Watch(self.server.pid, began)
        workers = [
            threading.Thread(target=self._guarded, args=(work, end, every), daemon=True)
            for work, every in (
                (self._reloads.run_for, self.reload_every),
                (self.group.restart_for, self.restart_every),
                (self.watch.run_for, max(0.2, self.seconds / 300)),
            )
        ]
        with Crew(CREW, self.ledger, self.server):
            for worker in workers:
                worker.start()
            while (left := began + self.seconds - time.monotonic()) > 0 and self.server.process.poll() is None:
                time.sleep(min(left, 30))
                done = sum(self.ledger.passed.values())
                self._say(
                    f"  {time.monotonic() - began:4.0f} s: {done} passed, {len(self.ledger.failures)} failed, "
                    f"{len(self.ledger.complaints)} complaints, {self.watch.memory[-1][1] >> 10} KiB"
                )
            end.set()
            for worker in workers:
                worker.join(60)
        if self.server.site.number % 2 != 0:
            self._reloads.load(self.server.site.next(self.server.site.number + 1))

    def _guarded(self, work, end, every):
        try:
            work(end, every)
        except Exception as error:  # noqa: BLE001 - told in the verdict
            self.ledger.complain(f"{work.__qualname__} ended: {error!r}")

    def _end(self):
        """The process is as it was, still answers, and ends when it is asked to."""
        if (status := self.server.process.poll()) is not None:
            self.ledger.complaints.append(f"the server ended by itself with status {status}")
            self.end, self.end_seconds = self.warm, 0.0
            return
        self.end = watch.settled(self.server.pid)
        with self.server.connect() as idle:
            if idle.request("GET", "/steady/bytes?size=1").status != 200:
                self.ledger.complaints.append("it does not answer at the end")
            began = time.monotonic()
            self.server.signal(signal.SIGQUIT)
            try:
                status = self.server.wait_exit(10)
            except subprocess.TimeoutExpired:
                status = "none: it still runs"
            self.end_seconds = time.monotonic() - began
        if status != 0:
            self.ledger.complaints.append(f"SIGQUIT: exit status {status} after {self.end_seconds:.1f} s")

    def _verdict(self):
        journals = self.group.journals()
        tried = watch.tried(self.server.directory / "access.log")
        verdict = Verdict(self)
        for failure in self.ledger.failures:
            reason = judge.excuse(failure, self.group.kills, journals, tried)
            if reason:
                verdict.allowed[reason] += 1
            else:
                verdict.wrong.append(f"{failure} · tried {tried.get(failure.identity)}")
        verdict.wrong += self.ledger.complaints
        if self.ledger.more_failures:
            verdict.wrong.append(f"{self.ledger.more_failures} failures more, not looked at")
        twice = judge.asked_twice(journals, self.ledger.once)
        verdict.wrong += [f"{identity} was sent to upstreams twice" for identity in twice]
        passed_on = judge.passed_on(journals, self.ledger.refused)
        verdict.wrong += [f"{identity} was refused and sent to an upstream" for identity in passed_on]
        verdict.wrong += judge.growth(self.warm, self.end)
        verdict.wrong += judge.growth_under_load(self.watch.memory, self.seconds)
        verdict.expected_lines, others = watch.unexpected(self.server.directory / "error.log")
        verdict.wrong += [f"log: {line}" for line in others]
        if output := self.server.output:
            verdict.wrong.append(f"on standard output or error: {output[:400]}")
        return verdict


class Verdict:
    """What came of a soak. It passed if nothing is in `wrong`."""

    def __init__(self, soak):
        self._soak = soak
        self.allowed, self.wrong = Counter(), []
        self.expected_lines = Counter()

    def __str__(self):
        soak, ledger = self._soak, self._soak.ledger
        lines = [f"{sum(ledger.passed.values())} passed in {soak.seconds:.0f} s, {ledger.bytes >> 20} MiB compared:"]
        lines += [f"  {count:>8}  {kind}" for kind, count in sorted(ledger.passed.items())]
        lines += [f"{sum(self.allowed.values())} failed because their upstream was killed under them:"]
        lines += [f"  {count:>8}  {reason}" for reason, count in sorted(self.allowed.items())]
        reloads = soak._reloads
        lines += [
            f"{reloads.good} reloads, the slowest took {reloads.slowest * 1000:.0f} ms; {reloads.broken} broken "
            f"configurations; {len(soak.group.kills)} upstream restarts",
        ]
        lines += self._cost()
        lines += ["lines in the log at warn and above:"]
        lines += [f"  {count:>8}  {kind}" for kind, count in sorted(self.expected_lines.items())]
        lines += [f"{len(self.wrong)} things are wrong" + (":" if self.wrong else ".")]
        return "\n".join(lines + [f"  {words}" for words in self.wrong[:60]])

    def _cost(self):
        soak = self._soak
        samples = [(at, size) for at, size in soak.watch.memory if at >= soak.seconds / 10]
        most = max((size for _, size in samples), default=0)
        second, last = (judge.tenth(samples, soak.seconds, number) for number in (1, 9))
        peak = max((count for _, count in soak.watch.descriptors), default=0)
        return [
            f"descriptors: {soak.warm.descriptors} warm, {peak} at the most, {soak.end.descriptors} at the end",
            f"threads: {soak.warm.threads} warm, {soak.end.threads} at the end",
            f"resident KiB, idle: {soak.warm.resident >> 10} warm, {soak.end.resident >> 10} at the end "
            f"(at most {judge.MEMORY_BOUND >> 10} more)",
            f"resident KiB, under load: {second / 1024:.0f} in the second tenth of the time, {last / 1024:.0f} in the "
            f"last (at most {judge.LOAD_BOUND >> 10} more), peak {most >> 10}, "
            f"slope {judge.slope(samples) / 1024:+.0f} a minute",
            f"SIGQUIT: ended after {soak.end_seconds:.1f} s",
        ]
