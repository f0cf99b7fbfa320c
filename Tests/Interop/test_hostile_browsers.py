"""Browsers: a page of another origin can't have them change something or open a WebSocket. See docs/threats.md."""

import pytest

from hostile import browsers
from hostile.runner import is_here, prove, replay


@pytest.mark.parametrize(
    "case,carrier",
    [pytest.param(case, carrier, id=f"{case}-{carrier}") for case in browsers.CASES for carrier in case.carriers],
)
def test_browsers(case, carrier, hostile_stage):
    if hostile_stage.dialect not in case.dialects:
        pytest.skip("not in this dialect")
    if not is_here(carrier):
        pytest.skip("this machine has no ::1")
    prove(case, carrier, hostile_stage)


def test_nothing_is_left_over(hostile_stage):
    files, memory = replay(browsers.CASES, hostile_stage, rounds=3)
    assert files <= 1
    assert memory < 4 << 20
