"""Holds what was seen of a case against what its file's table says of it.

Without an entry, both observations are equal in every aspect. With one, exactly the listed aspects differ. A pair says
how, its parts for Nginx's observation and for Postern's:

    a number    the status of the last reply
    a text      what the lines hold that only this program has (of a log's lines, the parts between bars); several texts
                for several lines. Each is found, and no other line is this program's own; "" when it has none. For
                "connection", all of it
    None        nothing was seen
    ...         anything

With "status" among the aspects, those that are not listed are left alone, and a text need only be found: a request that
only one of the two refuses differs in everything.
"""

import re
from collections import Counter

from .observe import differing


def mistakes(file, case, nginx, postern):
    """A line or more for each aspect in which what was seen and what was expected don't fit."""
    expected = file.expected(case)
    actual = differing(nginx, postern)
    is_loose = "status" in expected
    if is_loose:
        actual = {aspect: pair for aspect, pair in actual.items() if aspect in expected}
    wrong = []
    for aspect in sorted({*actual, *expected}):
        seen = nginx[aspect], postern[aspect]
        wanted = expected.get(aspect)
        if aspect not in actual or wanted is None or not _fits(aspect, seen, wanted, is_loose):
            wrong.append(_description(aspect, seen, wanted or "the same"))
    return wrong


def _fits(aspect, seen, wanted, is_loose):
    own = _own_parts(*seen)
    return all(_matches(aspect, *side, is_loose) for side in zip(seen, own, wanted, strict=True))


def _matches(aspect, seen, own, wanted, is_loose):
    if wanted is ...:
        return True
    if wanted is None:
        return not _text(seen)
    if isinstance(wanted, int):
        return bool(seen) and int(seen[-1].split()[1]) == wanted
    if aspect == "connection":
        return seen == wanted
    texts = [text for text in ([wanted] if isinstance(wanted, str) else wanted) if text]
    is_found = all(any(text in part for part in own) for text in texts)
    return is_found and (is_loose or all(any(text in part for text in texts) for part in own))


def _own_parts(nginx, postern):
    """The parts of each observation that the other has not, but for empty ones."""
    first, second = (Counter(re.split(r"[|\n]", _text(seen).replace("\r", ""))) for seen in (nginx, postern))
    return tuple([part for part in only.elements() if part] for only in (first - second, second - first))


def _description(aspect, seen, wanted):
    own = _own_parts(*seen)
    if own == ([], []):
        own = seen  # The same parts in another order.
    lines = [aspect, f"    nginx     {own[0]!r:.500}", f"    postern   {own[1]!r:.500}", f"    expected  {wanted}"]
    return "\n".join("    " + line for line in lines)


def _text(value):
    """All the texts of a nested observation, a line each."""
    return value if isinstance(value, str) else "\n".join(_text(part) for part in value)
