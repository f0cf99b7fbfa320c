"""Holds what was seen of a case against what its file's table says of it.

Without an entry, both observations are equal in every aspect. With one, exactly the listed aspects differ; and with "status"
among them, those that are not listed are left alone: a request that only one of the two refuses differs in all of them.
A pair's part stands for one program's observation:

    a number    the status of the last reply
    a text      part of this observation, and not of the other's; for "connection", all of it
    None        nothing was seen
    ...         anything
"""

from collections import Counter

from .observe import differing


def mistakes(file, case, nginx, postern):
    """A line or more for each aspect in which what was seen and what was expected don't fit."""
    _, expected = file.expected(case)
    actual = differing(nginx, postern)
    if "status" in expected:
        actual = {aspect: pair for aspect, pair in actual.items() if aspect in expected}
    wrong = []
    for aspect in sorted({*actual, *expected}):
        seen = nginx[aspect], postern[aspect]
        wanted = expected.get(aspect, "the same")
        if aspect not in actual or aspect not in expected or not _fits(aspect, seen, wanted):
            wrong.append(_description(aspect, *seen, wanted))
    return wrong


def _fits(aspect, seen, wanted):
    first, second = seen
    return _matches(aspect, first, second, wanted[0]) and _matches(aspect, second, first, wanted[1])


def _matches(aspect, seen, other, wanted):
    if wanted is ...:
        return True
    if wanted is None:
        return not _text(seen)
    if isinstance(wanted, int):
        return bool(seen) and int(seen[-1].split()[1]) == wanted
    if aspect == "connection":
        return seen == wanted
    return wanted in _text(seen) and (not wanted or wanted not in _text(other))


def _description(aspect, nginx, postern, wanted):
    """The lines that only one of the two has; both as they are, when that would be none."""
    first, second = Counter(_text(nginx).split("\n")), Counter(_text(postern).split("\n"))
    only = list((first - second).elements()), list((second - first).elements())
    if only == ([], []):
        only = _text(nginx), _text(postern)
    return f"    {aspect}\n        nginx     {only[0]!r:.300}\n        postern   {only[1]!r:.300}\n        expected  {wanted}"


def _text(value):
    """All the texts of a nested observation, a line each."""
    return value if isinstance(value, str) else "\n".join(_text(part) for part in value)
