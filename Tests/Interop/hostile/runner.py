"""Plays a case and holds it to its row."""

import time

from .carriers import AFTER, CARRIERS
from .case import WITHIN

#: The cases that held in this run, by dialect: filled by the tests, read by the last.
PROVED = {"native": set(), "nginx": set()}


def prove(case, carrier, stage):
    """Fails unless everything that the row says holds."""
    expected = case.expected(stage.dialect)
    stage.gateway.forget()
    mark = stage.log.mark()
    seen = CARRIERS[carrier].play(stage.server, case, expected)
    assert tuple(seen.answers) == expected.answers, f"{seen} · {stage.log.since(mark)}"
    if expected.ends:
        assert seen.ended, "the connection goes on"
    else:
        assert seen.goes_on, f"the connection doesn't go on: {seen}"
    assert seen.seconds < WITHIN, f"took {seen.seconds:.2f} s"
    check_gateway(case, expected, stage.gateway)
    check_log(expected, stage.log, mark)
    PROVED[stage.dialect].add((carrier, case.name))


def check_gateway(case, expected, gateway):
    assert gateway.settle() or not expected.ends, "a request is still under way"
    assert gateway.wrong == [], "the gateway was sent what can be read in two ways"
    whole = [request for request in gateway.requests if request.target != AFTER]
    assert [(r.method, r.target, r.body) for r in whole] == [(f.method, f.target, f.body) for f in expected.gateway]
    if not expected.gateway and not expected.begins:
        heard = b"".join(gateway.raw)
        assert heard.count(b" HTTP/1.") == heard.count(AFTER.encode()), f"the gateway heard {heard!r}"
    for request, wanted in zip(whole, expected.gateway):
        for name, values in wanted.fields:
            assert tuple(request.values(name)) == values, f"{name}: {request.values(name)}"


def check_log(expected, log, mark):
    lines = log.wait(mark, 1 if expected.log else 0)
    if not expected.log:
        assert lines == []
        return
    assert len(lines) == 1, f"not one line: {lines}"
    assert expected.log in lines[0][1], f"not the reason: {lines[0]}"


def replay(cases, stage, rounds):
    """Plays all of them over and over; answers descriptors and resident bytes that are left over."""

    def once():
        for case in cases:
            for carrier in case.carriers:
                CARRIERS[carrier].play(stage.server, case, case.expected(stage.dialect))

    once()
    files, memory = stage.descriptors(), stage.resident()
    for _ in range(rounds):
        once()
    deadline = time.monotonic() + 5
    while stage.descriptors() > files and time.monotonic() < deadline:
        time.sleep(0.01)
    return stage.descriptors() - files, stage.resident() - memory
