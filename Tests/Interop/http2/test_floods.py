"""Floods: others are answered meanwhile, memory stays bounded, and who floods is shown the door with a reason in the log."""

import os
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from faults.log import Log
from faults.peer import Peer
from harness.client import Connection, basic, in_threads
from harness.metrics import read_metrics
from harness.ports import wait_until
from harness.process import Server
from harness.site import Site

from .attacks import Attackers
from .flood import BESIDE, FLOODS, TIMES, miscounted
from .row import PROVED

#: Seconds that a flood lasts, and that those last whose clients wait to be ended.
SECONDS, WAITING_SECONDS = 1.5, 6
#: How often a flood is played before others are said to wait too long: what else the machine does makes them wait as well.
TRIES = 5
MEMORY = 50 << 20
#: A client in a line of the error log.
PORT = re.compile(r"127\.0\.0\.1:(\d+)")

#: Where the attackers are, with the upstream they ask for; and where the server is, with the clients that must not suffer.
THEIRS, OURS = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))

LOCATIONS = """
location = /none { return 204; }
location = /metrics { metrics; }
location /attack/ { proxy_pass http://ATTACKED; }
location /costly/ { auth_basic "costly"; auth_basic_user_file {directory}/costly; proxy_pass http://gateway; }
"""
TIMEOUTS = "client_header_timeout {0}; client_body_timeout {0}; send_timeout {0}; keepalive_timeout {0};"


class Bystander:
    """Another client: asks with pauses on one connection, takes the time, and looks at the server's memory."""

    PAUSE = 0.004

    def __init__(self, server):
        self._server = server
        self._end = threading.Event()
        self.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def clear(self):
        self.times, self.failures, self.peak = [], [], 0

    @property
    def p99(self):
        return sorted(self.times)[int(len(self.times) * 0.99)]

    def _run(self):
        os.sched_setaffinity(0, {OURS})
        connection = None
        while not self._end.is_set():
            began = time.perf_counter()
            try:
                connection = connection or self._server.connect()
                answer = connection.request("GET", "/bystander")
                if answer.status != 200:
                    self.failures.append(answer.status)
                self.times.append(time.perf_counter() - began)
            except (OSError, ValueError) as error:
                self.failures.append(error)
                connection = None
            self.peak = max(self.peak, self._server.resident())
            self._end.wait(self.PAUSE)

    def close(self):
        self._end.set()
        self._thread.join(20)


def pin(process, processor):
    """Keeps a process, with all its threads, on one processor."""
    for thread in Path(f"/proc/{process}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {processor})


class Stage:
    """Servers, those behind them, and clients that must not suffer. `timeout` is what all waits for a client last."""

    def __init__(self, directory, certificate, context, timeout):
        self.attacked, self.calm = Peer(*certificate), Peer(*certificate)
        pin(self.attacked.pid, THEIRS)
        pin(self.calm.pid, OURS)
        locations = LOCATIONS.replace("ATTACKED", f"127.0.0.1:{self.attacked.ports['scripted']}")
        # A thousand connections of one address are what some floods are made of.
        bounds = "client_min_rate 1k/s over=2s; send_min_rate 1k/s over=2s; client_max_connections off;"
        site = Site(
            upstream=f"127.0.0.1:{self.calm.ports['scripted']}",
            http2=True,
            workers=2,
            listeners=["h2c"],
            server="listen {h2c} http2; keepalive_requests 1000000;" + TIMEOUTS.format(timeout) + bounds,
            native_server=locations,
        )
        users = [f"carol:{hashed('password')}"] + [f"user{n}:{hashed(f'word{n}')}" for n in range(5)]
        (directory / "costly").write_text("\n".join(users) + "\n")
        self.server = Server("postern-native", directory, site, *certificate, context)
        self.log, self.access = Log(directory / "error.log"), AccessLog(directory / "access.log")
        # The same beside it, on a server that nobody floods: what a busy machine makes of p99 shows there too.
        (directory / "spare").mkdir()
        (directory / "spare/costly").write_text("")
        self.spare = Server("postern-native", directory / "spare", site, *certificate, context)
        for server in (self.server, self.spare):
            pin(server.pid, OURS)
        self.bystander, self.control = Bystander(self.server), Bystander(self.spare)
        wait_until(lambda: min(len(each.times) for each in (self.bystander, self.control)) > 20, "first answers")

    def close(self):
        self.bystander.close()
        self.control.close()
        self.server.stop()
        self.spare.stop()
        self.attacked.close()
        self.calm.close()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.pid}/fd"))

    def quiet(self):
        """The p99 of the same client while nothing happens."""
        self.bystander.clear()
        wait_until(lambda: len(self.bystander.times) >= 100, "answers")
        return self.bystander.p99

    def flood(self, floods, seconds, meanwhile=None):
        """Plays these at once, until others were answered in time while they were on; all else must hold each time."""
        for _ in range(TRIES):
            quiet, before, counted = self.quiet(), self.server.resident(), read_metrics(self.server)
            marks = {log: log.mark() for log in (self.log, self.access)}
            attackers = Attackers([flood.attack for flood in floods], seconds, self.server.ports, THEIRS)
            self.bystander.clear()
            self.control.clear()
            if meanwhile:
                meanwhile()
            results = attackers.results(seconds + 60)
            waited, beside, failures = self.bystander.p99, self.control.p99, self.bystander.failures
            assert failures == [], f"others suffered: {failures[:3]}"
            grown = self.bystander.peak - before
            assert grown < MEMORY, f"{grown >> 20} MiB more"
            for flood in floods:
                self.check(flood, results[flood.attack], marks, is_alone=len(floods) == 1)
            begun = {attack: result["begun"] for attack, result in results.items()}
            problem = miscounted(floods, counted, read_metrics(self.server), begun)
            assert not problem, problem
            worse = [line for line in self.log.since(marks[self.log]) if line[0] in ("error", "crit", "alert", "emerg")]
            assert worse == []
            if waited <= max(TIMES * quiet, BESIDE * beside, *(flood.floor for flood in floods)):
                return
        raise AssertionError(f"others waited {waited * 1e3:.1f} ms, {quiet * 1e3:.1f} ms before (p99)")

    def check(self, flood, result, marks, is_alone):
        """Every connection has ended as it should, and has its lines; nobody else has any."""
        assert len(result["ends"]) == result["begun"] > 0, f"{flood}: {result['begun']} begun, {len(result['ends'])} ended"
        strange = Counter(words for _, words in result["ends"] if words not in flood.ends)
        assert not strange, f"{flood}: {strange}"
        level, *words = flood.log
        log = self.access if level == "access" else self.log
        expected = Counter()
        for port, _ in result["ends"]:
            expected[port if flood.names_port and level != "access" else 0] += flood.lines

        def lines():
            found = Counter()
            for at, text in log.since(marks[log]):
                if at == level and any(part in text for part in words):
                    port = PORT.search(text)
                    found[int(port.group(1)) if port and 0 not in expected else 0] += 1
            return found if is_alone else Counter({port: found[port] for port in expected if found[port]})

        try:
            wait_until(lambda: lines() == expected, "the lines", 3)
        except AssertionError:
            found = lines()
            wrong = {port: (found[port], expected[port]) for port in found | expected if found[port] != expected[port]}
            raise AssertionError(f"{flood}: lines and connections of ports: {dict(list(wrong.items())[:5])}, {len(wrong)} in all")


class AccessLog:
    """The lines of an access log, from a mark on, as `Log` has them of the error log."""

    def __init__(self, path):
        self._path = path

    def mark(self):
        return self._path.stat().st_size if self._path.exists() else 0

    def since(self, mark):
        with open(self._path, "rb") as file:
            file.seek(mark)
            text = file.read()
        return [("access", line) for line in text[: text.rfind(b"\n") + 1].decode().splitlines()]


def hashed(password):
    words = ["htpasswd", "-nbBC", "10", "x", password]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip().split(":", 1)[1]


@pytest.fixture(scope="module")
def stage(tmp_path_factory, certificate, context):
    # Who floods is not to be ended for its slowness, on however busy a machine.
    stage = Stage(tmp_path_factory.mktemp("floods"), certificate, context, "20s")
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def impatient(tmp_path_factory, certificate, context):
    stage = Stage(tmp_path_factory.mktemp("impatient"), certificate, context, "1s")
    yield stage
    stage.close()


@pytest.mark.parametrize("flood", [flood for flood in FLOODS if not flood.group and flood.attack != "hashing"], ids=str)
def test_flood(flood, stage):
    files = stage.descriptors()
    stage.flood([flood], SECONDS)
    wait_until(lambda: stage.descriptors() <= files + 20, "descriptors to come back", 10)
    PROVED[flood.name] = flood


@pytest.mark.measures("how soon a thousand clients at once are ended")
@pytest.mark.parametrize("group", sorted({flood.group for flood in FLOODS} - {0}))
def test_those_who_wait(group, impatient):
    """All of a group at once: each of their connections and streams is ended when its time is over."""
    floods = [flood for flood in FLOODS if flood.group == group]
    files = impatient.descriptors()
    impatient.flood(floods, WAITING_SECONDS)
    wait_until(lambda: impatient.descriptors() <= files + 20, "descriptors to come back", 10)
    PROVED.update({flood.name: flood for flood in floods})


def test_passwords_tried_from_one_address(stage):
    """Others log in meanwhile, for the first time: what they wait is their own hash and one or two of the attacker's."""
    flood = next(flood for flood in FLOODS if flood.attack == "hashing")
    waits = []

    def log_in():
        for number in range(5):
            with Connection(stage.server.ports["plain"], source="127.0.0.9") as connection:
                began = time.perf_counter()
                answer = connection.request("GET", "/costly/", [basic(f"user{number}", f"word{number}")])
                waits.append(time.perf_counter() - began)
                assert answer.status == 200

    stage.flood([flood], 2, meanwhile=log_in)
    assert max(waits) < 1.5, waits
    PROVED[flood.name] = flood


SLOW_HTTP_TEST = {
    "-H": ["-H", "-i", "1"],
    "-B": ["-B", "-i", "1", "-s", "8192", "-u", "/attack/takes_the_body"],
    "-X": ["-X", "-w", "1", "-y", "64", "-n", "1", "-z", "8", "-k", "1", "-u", "/attack/zeros"],
}


def test_slowhttptest(impatient):
    """All its attacks at once: it finds the service available all the time."""
    program = shutil.which("slowhttptest")
    if not program:
        pytest.skip("no slowhttptest here")
    base = f"http://127.0.0.1:{impatient.server.ports['plain']}"

    def run(index):
        options = list(SLOW_HTTP_TEST.values())[index]
        path = "/none"
        if "-u" in options:
            place = options.index("-u")
            path, options = options[place + 1], options[:place]
        words = [program, "-c", "200", "-r", "200", "-l", "3", "-p", "2", *options, "-u", base + path]
        return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout

    impatient.bystander.clear()
    before = impatient.server.resident()
    outputs = in_threads(len(SLOW_HTTP_TEST), run)
    assert impatient.bystander.failures == []
    assert impatient.bystander.peak - before < MEMORY
    for output in outputs:
        assert re.search(r"service available:\s+YES", re.sub(r"\x1b\[[\d;]*m", "", output)), output[-2000:]
