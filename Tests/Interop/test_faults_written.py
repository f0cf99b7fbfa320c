"""docs/reliability.md says what the tests of this run have shown. Stands last among them."""

import pytest

from faults import table
from faults.fault import ROWS


def test_the_document_holds_what_was_proved():
    """With POSTERN_UPDATE_DOCS=1, and every fault proved, it is written instead."""
    if table.is_to_be_written():
        unproved = [fault.name for fault in table.FAULTS if fault.name not in ROWS.proved]
        if unproved:
            pytest.fail(f"not proved in this run, so nothing is written: {', '.join(unproved)}")
        table.write()
    rows = table.written().splitlines()
    for fault in table.FAULTS:
        if fault.name in ROWS.proved:
            assert table.row(fault) in rows
    assert table.written() == table.render()


def test_names_are_unique():
    assert len({fault.slug for fault in table.FAULTS}) == len(table.FAULTS)
