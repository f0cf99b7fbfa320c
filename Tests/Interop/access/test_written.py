"""docs/access.md says what the tests of this run have shown. Stands last among them."""

import pytest

from . import table


def test_the_document_holds_what_was_proved():
    """With POSTERN_UPDATE_DOCS=1, and every row proved, it is written instead."""
    if table.is_to_be_written():
        if unproved := table.unproved():
            pytest.fail(f"not proved in this run, so nothing is written: {', '.join(unproved)}")
        table.write()
    assert table.is_written()


def test_names_are_unique():
    for rows in table.SECTIONS.values():
        assert len({row.slug for row in rows}) == len(rows)
