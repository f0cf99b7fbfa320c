"""Plays a case and holds it to its row."""

import time

from harness.ports import has_ipv6

from .carriers import AFTER, CARRIERS, told
from .case import WITHIN

#: The cases that held in this run, by dialect: filled by the tests, read by the last.
PROVED = {"native": set(), "nginx": set()}


def is_here(carrier):
    """Whether this machine has what the carrier needs."""
    return CARRIERS[carrier].host != "::1" or has_ipv6()


def prove(case, carrier, stage):
    """Fails unless everything that the row says holds."""
    means = CARRIERS[carrier]
    expected = case.expected(stage.dialect, means.version)
    stage.gateway.forget()
    mark = stage.log.mark()
    seen = means.play(stage.server, case, expected)
    if expected.otherwise and tuple(seen.answers) == expected.otherwise.answers:
        expected = expected.otherwise
    assert tuple(seen.answers) == expected.answers, f"{seen} · {stage.log.since(mark)}"
    if expected.ends:
        assert seen.ended, "the connection goes on"
    else:
        assert seen.goes_on, f"the connection doesn't go on: {seen}"
    assert seen.seconds < WITHIN, f"took {seen.seconds:.2f} s"
    check_gateway(means, case, expected, stage.gateway)
    check_log(expected, stage.log, mark)
    PROVED[stage.dialect].add((carrier, case.name))


def check_gateway(means, case, expected, gateway):
    """Holds what the gateway saw to the row; streams are answered side by side, so that theirs come in any order."""
    assert gateway.settle() or not expected.ends, "a request is still under way"
    assert gateway.wrong == [], "the gateway was sent what can be read in two ways"
    whole = [request for request in gateway.requests if request.target != AFTER]
    wanted = expected.gateway or [each for each in expected.perhaps if each.target in {r.target for r in whole}]
    if means.version == 2:
        whole.sort(key=lambda request: request.target)
        wanted = sorted(wanted, key=lambda request: request.target)
    assert [(r.method, r.target, r.body) for r in whole] == [(f.method, f.target, f.body) for f in wanted]
    if not wanted and not expected.begins:
        heard = b"".join(gateway.raw)
        assert heard.count(b" HTTP/1.") == heard.count(AFTER.encode()), f"the gateway heard {heard!r}"
    facts = means.facts(case)
    for request, each in zip(whole, wanted):
        for name, values in each.fields:
            values = tuple(told(value, facts) for value in values)
            assert tuple(request.values(name)) == values, f"{name}: {request.values(name)}"


def check_log(expected, log, mark):
    lines = log.wait(mark, 1 if expected.log else 0)
    if expected.perhaps and expected.ends:
        # What was under way when the connection broke has a line of its own.
        lines = [line for line in lines if line[0] != "info" or "gave the stream up" not in line[1]]
    if not expected.log:
        assert lines == []
        return
    assert len(lines) == 1, f"not one line: {lines}"
    assert expected.log in lines[0][1], f"not the reason: {lines[0]}"


def replay(cases, stage, rounds):
    """Plays all of them over and over; answers descriptors and resident bytes that are left over."""

    def once():
        for case in cases:
            for carrier in filter(is_here, case.carriers):
                means = CARRIERS[carrier]
                means.play(stage.server, case, case.expected(stage.dialect, means.version))

    once()
    files, memory = stage.descriptors(), stage.resident()
    for _ in range(rounds):
        once()
    deadline = time.monotonic() + 5
    while stage.descriptors() > files and time.monotonic() < deadline:
        time.sleep(0.01)
    return stage.descriptors() - files, stage.resident() - memory
