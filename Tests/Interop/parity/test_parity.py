"""Every case of every file: what Postern does is what Nginx does, or what a row of differences.py says."""

import os

import pytest

from .differences import DIFFERENCES
from .document import DOCUMENT, render
from .expect import mistakes
from .files import ALL
from .runner import run

CASES = [pytest.param(file, case, id=f"{file.name}-{case.id}") for file in ALL for case in file.cases]


@pytest.fixture(scope="session")
def seen(tmp_path_factory, certificate, context):
    """seen(file): what both programs did with all of a file's cases. Each pair is started once."""
    done = {}

    def of(file):
        if file.name not in done:
            try:
                done[file.name] = run(file, tmp_path_factory.mktemp(f"parity-{file.name}"), certificate, context)
            except Exception as error:  # noqa: BLE001 - each of its cases fails with it
                done[file.name] = f"{file.name}.conf could not be asked: {error!r}"
        if isinstance(done[file.name], str):
            pytest.fail(done[file.name], pytrace=False)
        return done[file.name]

    return of


@pytest.mark.parametrize("file, case", CASES)
def test_case(file, case, seen):
    wrong = mistakes(file, case, *seen(file)[case.id])
    if wrong:
        pytest.fail("\n".join([f"{file.name}.conf, {case.id}", *wrong]), pytrace=False)


def test_every_row_is_shown_by_a_case():
    """A row that no case shows says what nobody has seen; a case in no row, or in none of the file's, is a slip."""
    named = {row for file in ALL for row in file.differs}
    assert named == {row.id for row in DIFFERENCES}
    for file in ALL:
        ids = [case.id for case in file.cases]
        assert len(ids) == len(set(ids)), f"{file.name}: two cases of one name"
        assert {case for cases in file.differs.values() for case in cases} <= set(ids), file.name


def test_the_documentation_is_up_to_date():
    """POSTERN_UPDATE_DOCS=1 writes it."""
    text = DOCUMENT.read_text()
    rendered = render(text)
    if os.environ.get("POSTERN_UPDATE_DOCS") == "1":
        DOCUMENT.write_text(rendered)
    else:
        assert text == rendered, "docs/nginx.md is not what the tables say: run this with POSTERN_UPDATE_DOCS=1"
