"""docs/threats.md says what the tests of this run have shown. Stands last among them."""

from collections import Counter

import pytest

from hostile import table


def test_the_document_holds_what_was_proved():
    """With POSTERN_UPDATE_DOCS=1, and every case proved, it is written instead."""
    if table.is_to_be_written():
        if unproved := table.unproved():
            pytest.fail(f"not proved in this run, so nothing is written: {', '.join(unproved)}")
        table.write()
    assert table.written() == table.render()


def test_names_are_unique():
    assert [name for name, count in Counter(case.name for case in table.CASES).items() if count > 1] == []
