"""Does a request cost more when there is more of something? Postern against itself, with little and with much of it."""

import statistics
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace

from callers import log_in, wait_until_let_in
from callgrind import Counted, instructions
from load import Load, opened
from measure import sample
from workloads import LOGIN, Workload


@dataclass(frozen=True)
class Growth:
    """`start(bench, number, wrap)` is a context that yields a server and the workload to run against it."""

    title: str
    few: int
    many: int
    start: object
    counted: bool = False


@contextmanager
def locations(bench, number, wrap=()):
    server = bench.start_growing(wrap, locations=number)
    middle = number // 2 | 1
    yield server, Workload("", "plain", path=f"/service-{middle:04}/some/page")
    server.stop()


@contextmanager
def users(bench, number, wrap=()):
    server = bench.start_growing(wrap, users=bench.users(number))
    yield server, Workload("", "plain", headers=[LOGIN])
    server.stop()


@contextmanager
def connections(bench, number, wrap=()):
    server = bench.start_growing(wrap)
    crowd = Load("requests", server.ports["plain"], number).open(count=0)
    yield server, Workload("", "plain")
    crowd.close()
    server.stop()


@contextmanager
def addresses(bench, number, wrap=()):
    server = bench.start_growing(wrap, zone="256m")
    with opened("requests", server.ports["plain"], connections=64, in_order=number, count=number) as fill:
        fill.run()
    yield server, Workload("", "plain", addresses=number)
    server.stop()


@contextmanager
def sessions(bench, number, wrap=()):
    server = bench.start_growing(wrap, sessions=number)
    server.proofs["session"] = log_in(server.ports["session"], number)
    yield server, Workload("", "session", proof="session")
    server.stop()


@contextmanager
def keys(bench, number, wrap=()):
    held = bench.keys(number)
    server = bench.start_growing(wrap, keys=held.path)
    wait_until_let_in(server.ports["key"], held.field)
    server.proofs["key"] = held.field
    yield server, Workload("", "key", proof="key")
    server.stop()


GROWTHS = {
    "locations": Growth("locations", 10, 1_000, locations, counted=True),
    "users": Growth("users in htpasswd, logged in", 10, 10_000, users, counted=True),
    "connections": Growth("open idle connections", 10, 10_000, connections),
    "sessions": Growth("sessions, one of them used", 10, 100_000, sessions),
    "keys": Growth("API keys in the file, one of them used", 10, 10_000, keys, counted=True),
    "addresses": Growth("addresses tracked by limit_req", 10, 1_000_000, addresses),
}


def by_time(bench, growth, rounds, seconds):
    """For each round, microseconds per request with few and with many."""
    with growth.start(bench, growth.few) as few, growth.start(bench, growth.many) as many:
        pairs = []
        for turn in range(rounds):
            order = [few, many] if turn % 2 == 0 else [many, few]
            costs = [sample(bench, server, "", workload, seconds).cost for server, workload in order]
            pairs.append(costs if turn % 2 == 0 else costs[::-1])
        return pairs


def by_instructions(bench, growth, count=300):
    """Instructions per request with few and with many."""
    found = []
    for number in (growth.few, growth.many):
        with tempfile.TemporaryDirectory(prefix="postern-callgrind-") as directory:
            counted = Counted(directory)
            with growth.start(bench, number, counted.wrap) as (server, workload):
                counted.attach(server)
                found.append(sum(instructions(counted, replace(workload, connections=1), count).values()))
    return found


def around_a_change(bench, number, repeats):
    """Milliseconds that another connection's slowest request took in the second after htpasswd changed, and in one
    without a change; and that the first login after the change took. Medians."""
    path = bench.users(number)
    server = bench.start_growing(users=path)
    samples = []
    for turn in range(repeats):
        samples.append([])
        for change in (False, True):
            other = Load("requests", server.ports["other"]).open(seconds=1)
            login = Load("requests", server.ports["plain"], headers=[LOGIN]).open(count=1)
            other.go()
            time.sleep(0.2)
            if change:
                fresh = path.with_suffix(".new")
                fresh.write_text(f"newcomer-{turn}:*\n" + path.read_text())
                fresh.rename(path)
                samples[-1].append(login.run()[1] / 1000)
            samples[-1].append(other.result()[1] / 1000)
            login.close()
            other.close()
    server.stop()
    calm, first, changed = (statistics.median(column) for column in zip(*samples))
    return changed, calm, first
