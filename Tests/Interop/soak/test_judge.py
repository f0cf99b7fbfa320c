"""The soak can fail: its judge is fed what must not be excused, and what may."""

from collections import Counter
from dataclasses import replace

import pytest

from . import judge, watch
from .group import Journal, Kill
from .judge import Failure

KILL = Kill("127.0.0.1:1001", "a.1", began=100.0, ended=100.1)
JOURNALS = {
    "a.1": Journal(Counter(["cut", "post", "done"]), frozenset(["done"])),
    "a.2": Journal(Counter(["later"]), frozenset()),
    "b.1": Journal(Counter(["other"]), frozenset()),
}
AT_A, AT_B = ("502", ["127.0.0.1:1001"]), ("502", ["127.0.0.1:1002"])

CUT = Failure("cut", "get", 99.0, 100.2, "cut short", 200, "a.1", cut=True, replayable=True)
POST = Failure("post", "post", 99.0, 100.2, "status 502", 502)

ALLOWED = {
    "a reply in the middle": (CUT, None),
    "a POST that the upstream had begun": (POST, AT_A),
    "a POST that it had not read": (replace(POST, identity="unread"), AT_A),
    "a POST tried elsewhere first": (POST, ("502", ["127.0.0.1:1002", "127.0.0.1:1001"])),
    "a POST whose answer the client could not read": (replace(POST, status=None), AT_A),
}

NOT_ALLOWED = {
    "a reply cut before the kill": (replace(CUT, ended=99.9), None),
    "a reply cut after the kill": (replace(CUT, began=100.2, ended=101), None),
    "a reply of the other upstream": (replace(CUT, identity="other", upstream="b.1"), None),
    "a reply of the life after": (replace(CUT, identity="later", upstream="a.2"), None),
    "a reply that was sent whole": (replace(CUT, identity="done"), None),
    "a reply that the upstream doesn't know": (replace(CUT, identity="unknown"), None),
    "wrong bytes": (replace(CUT, cut=False), None),
    "a GET that could have been asked again": (replace(POST, replayable=True), AT_A),
    "a POST that the upstream had answered": (replace(POST, identity="done"), AT_A),
    "a POST that went to the other upstream": (POST, AT_B),
    "a POST that went nowhere": (POST, ("502", [])),
    "a POST that is in no log": (POST, None),
    "another status": (replace(POST, status=503), AT_A),
    "a time-out": (replace(POST, status=504), ("504", ["127.0.0.1:1001"])),
    "no answer, and no 502 in the log": (replace(POST, status=None), ("499", ["127.0.0.1:1001"])),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_allowed(case):
    failure, logged = ALLOWED[case]
    assert judge.excuse(failure, [KILL], JOURNALS, {failure.identity: logged} if logged else {})


@pytest.mark.parametrize("case", ALLOWED | NOT_ALLOWED)
def test_not_allowed(case):
    failure, logged = (ALLOWED | NOT_ALLOWED)[case]
    kills = [KILL] if case in NOT_ALLOWED else []
    assert judge.excuse(failure, kills, JOURNALS, {failure.identity: logged} if logged else {}) is None


def test_asked_twice():
    nothing = frozenset()
    journals = {"a": Journal(Counter("xy"), nothing), "b": Journal(Counter("yzzww"), nothing)}
    assert judge.asked_twice(journals, {"x", "y", "z"}) == ["y", "z"]


def test_passed_on():
    assert judge.passed_on(JOURNALS, {"cut", "nowhere"}) == ["cut"]


def size(descriptors=20, threads=6, resident=40 << 20, **kinds):
    return watch.Size(descriptors, threads, resident, Counter(kinds))


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (size(), None),
        (size(descriptors=19, resident=30 << 20), None),
        (size(descriptors=21, socket=1), "descriptors went from 20 to 21: 1 socket"),
        (size(threads=7), "threads went from 6 to 7"),
        (size(threads=5), "threads went from 6 to 5"),
        (size(resident=(40 << 20) + judge.MEMORY_BOUND + 1024), "resident memory grew"),
    ],
)
def test_growth(end, words):
    wrong = judge.growth(size(), end)
    assert [] == wrong if words is None else wrong[0].startswith(words)


def test_growth_under_load():
    flat = [(t, 50 << 20) for t in range(100)]
    assert judge.growth_under_load(flat, 100) == []
    # What comes in the first tenth is warming up; what comes later isn't.
    assert judge.growth_under_load([(t, 0) for t in range(10)] + flat[10:], 100) == []
    assert judge.growth_under_load([(t, size + t * (110 << 10)) for t, size in flat], 100)


def test_slope():
    assert judge.slope([(t, 1000 + 2 * t) for t in range(10)]) == pytest.approx(120)
    assert judge.slope([(t, 7) for t in range(10)]) == 0
    assert judge.slope([]) == 0


def test_log_lines(tmp_path):
    path = tmp_path / "error.log"
    path.write_text(
        "2026/01/01 00:00:00 [notice] 1: the configuration was reloaded\n"
        '2026/01/01 00:00:00 [warn] 1: upstream 127.0.0.1:7 of "group" rests\n'
        '2026/01/01 00:00:00 [warn] 1: upstream 127.0.0.1:7 of "steady" rests\n'
        '2026/01/01 00:00:00 [error] 1: the configuration was not reloaded; the one in use stays\n'
        "2026/01/01 00:00:00 [crit] 1: no room for another request: 1 are under way\n"
    )
    counts, others = watch.unexpected(path)
    assert sum(counts.values()) == 2
    assert [line.split(":")[0] for line in others] == ["warn", "crit"]


def test_the_access_log(tmp_path):
    path = tmp_path / "access.log"
    path.write_text("get-1 200 127.0.0.1:1\n- 200 127.0.0.1:1\npost-2 502 127.0.0.1:1, 127.0.0.1:2\nget-3 429 -\n")
    assert watch.tried(path) == {
        "get-1": ("200", ["127.0.0.1:1"]),
        "post-2": ("502", ["127.0.0.1:1", "127.0.0.1:2"]),
        "get-3": ("429", []),
    }
