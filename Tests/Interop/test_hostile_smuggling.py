"""Smuggling: the gateway never gets a request that the client's own framing didn't mean. See docs/threats.md."""

import pytest

from hostile import smuggling
from hostile.runner import is_here, prove, replay

#: Every case with each of its carriers.
ROWS = [pytest.param(case, carrier, id=f"{case}-{carrier}") for case in smuggling.CASES for carrier in case.carriers]


@pytest.mark.parametrize("case,carrier", ROWS)
def test_smuggling(case, carrier, hostile_stage):
    if hostile_stage.dialect not in case.dialects:
        pytest.skip("not in this dialect")
    if not is_here(carrier):
        pytest.skip("this machine has no ::1")
    prove(case, carrier, hostile_stage)


def test_nothing_is_left_over(hostile_stage):
    files, memory = replay(smuggling.CASES, hostile_stage, rounds=3)
    assert files <= 1
    assert memory < 4 << 20
