"""Proves one fault: bounded, answered, said once, alone, and forgotten."""

import time

from harness.client import in_threads
from harness.ports import wait_until

from .fault import ROWS

#: Seconds that somebody else may have to wait for an answer while a fault is on, on a busy machine.
BYSTANDER_LIMIT = 3.0
#: Descriptors that may be there afterwards and weren't before: connections of others that come and go.
DESCRIPTOR_SLACK = 3
#: Resident bytes that may be there afterwards and weren't before, and those of them for each repetition.
MEMORY_SLACK, MEMORY_PER_FAULT = 1 << 20, 1024


def prove(fault, stage):
    """Fails unless everything that `fault` promises holds."""
    once(fault, stage)
    stage.forget()
    if fault.times > 1:
        repeatedly(fault, stage)
    if stage.bystander:
        failures, slowest = stage.bystander.failures, stage.bystander.slowest
        assert failures == [], f"others suffered: {failures[:3]}"
        assert slowest < BYSTANDER_LIMIT, f"others waited for {slowest:.1f} s"
    ROWS.proved.add(fault.name)


def once(fault, stage):
    mark, answers = stage.log.mark(), stage.bystander.answers if stage.bystander else 0
    began = time.monotonic()
    seen = fault.play(stage)
    took = time.monotonic() - began
    assert seen == fault.sees, f"{seen!r}, not {fault.sees!r}"
    assert took < fault.within, f"took {took:.1f} s"
    if stage.bystander:
        assert took < 0.5 or stage.bystander.answers > answers, "nobody else was answered meanwhile"
        stage.bystander.wait_answer(answers + 1)
    lines = stage.log.wait(mark, 1 if fault.log else 0)
    assert lines or not fault.log, "the log says nothing"
    check_log(fault, lines, 1)


def repeatedly(fault, stage):
    # Slabs, pools and the allocator's arenas grow to what the fault takes; after that nothing may grow.
    batch(fault, stage, max(fault.times // 10, fault.at_once))
    limit = MEMORY_SLACK + fault.times * MEMORY_PER_FAULT
    # What grows once may be an arena of the allocator's; what leaks grows every time.
    for _ in range(3):
        files, memory, mark = settled(stage), stage.resident(), stage.log.mark()
        batch(fault, stage, fault.times)
        wait_until(
            lambda: stage.descriptors() <= files + DESCRIPTOR_SLACK,
            f"descriptors to come back to {files} after {fault.times}",
            timeout=15,
        )
        expected = fault.times if fault.log and fault.said == "each time" else 0
        check_log(fault, stage.log.wait(mark, expected), fault.times)
        grown = stage.resident() - memory
        if grown <= limit:
            return
    raise AssertionError(f"{grown >> 10} KiB more after {fault.times}, and again")


def batch(fault, stage, times):
    """That many, divided among as many clients as are to be at it at once."""

    def work(_):
        seen = {fault.play(stage) for _ in range(times // fault.at_once)}
        stage.forget()
        return seen

    seen = set().union(*in_threads(fault.at_once, work))
    assert seen == {fault.sees}, f"{seen}, not {fault.sees!r}"


def settled(stage):
    """The number of descriptors once it has stopped falling."""
    lowest, since = stage.descriptors(), time.monotonic()
    while time.monotonic() - since < 0.1:
        if (now := stage.descriptors()) < lowest:
            lowest, since = now, time.monotonic()
        time.sleep(0.01)
    return lowest


def check_log(fault, lines, times):
    others = [line for line in lines if not any(matches(line, wanted) for wanted in fault.also)]
    if not fault.log:
        assert others == [], f"unexpected: {others[0]}"
        return
    strangers = [line for line in others if not matches(line, fault.log)]
    assert strangers == [], f"not the line that names the cause: {strangers[0]}"
    if fault.said == "each time":
        assert len(others) == times, f"{len(others)} lines for {times}: {others[:2]}"
    else:
        assert len(others) <= fault.most, f"a flood: {len(others)} lines for {times}"


def matches(line, wanted):
    return line[0] == wanted[0] and wanted[1] in line[1]
