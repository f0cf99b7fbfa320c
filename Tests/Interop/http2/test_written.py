"""docs/threats.md says of HTTP/2 and floods what the tests of this run have shown. Stands last among them."""

import pytest

from . import document
from .flood import FLOODS
from .hostile_rows import ROWS
from .limits import LIMITS
from .row import PROVED


def test_the_document_holds_what_was_proved():
    """With POSTERN_UPDATE_DOCS=1, and every row proved, it is written instead."""
    if document.is_to_be_written():
        unproved = [row.name for row in ROWS + FLOODS if row.name not in PROVED]
        unproved += [limit.name for limit in LIMITS if len(PROVED.get(f"limit: {limit.name}", ())) < 2]
        if unproved:
            pytest.fail(f"not proved in this run, so nothing is written: {', '.join(unproved)}")
        document.write()
    for name in document.PARTS:
        assert document.written(name) == document.render(name)


def test_names_are_unique():
    names = [str(row) for row in ROWS] + [flood.attack for flood in FLOODS]
    names += [limit.name for limit in LIMITS]
    assert len(set(names)) == len(names)
