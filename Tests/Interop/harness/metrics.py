"""Reads a server's page of metrics as strictly as Prometheus' own checker, and tells what has moved since."""

import re
import urllib.request

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? ([0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)")
_HELP = re.compile(rf"# HELP ({_NAME}) (.+)")
_TYPE = re.compile(rf"# TYPE ({_NAME}) (counter|gauge)")
#: Base units, which come last, but for `total`; others have no place in a name.
_OTHER_UNITS = re.compile(r"_(ms|milliseconds|microseconds|minutes|kb|kilobytes|mb|megabytes|percent)(_|$)")


class Metrics(dict):
    """Values by series, written as the page has them: `name{label="value"}`. `types` and `help` go by name."""

    def __init__(self):
        super().__init__()
        self.types, self.help = {}, {}

    def value(self, name, **labels):
        """One value; with fewer labels than the series have, the sum of all that fit. KeyError if there is none."""
        wanted = {f'{key.rstrip("_")}="{value}"' for key, value in labels.items()}
        found = [value for series, value in self.items() if _name(series) == name and wanted <= _labels(series)]
        if not found:
            raise KeyError(f"{name} {labels}")
        return sum(found)

    def moved(self, before):
        """The counters that differ from `before`, with by how much: {series: difference}."""
        found = {}
        for series, value in self.items():
            if self.types[_name(series)] == "counter" and value != before.get(series, 0):
                found[series] = value - before.get(series, 0)
        return found


def _name(series):
    return series.split("{")[0]


def _labels(series):
    return set(re.findall(_LABEL, series))


def read_metrics(server, path="/metrics", port="plain"):
    """The page of a harness `Server`, or of a base URL such as "http://127.0.0.1:9145", parsed and checked."""
    if isinstance(server, str):
        with urllib.request.urlopen(server + path, timeout=10) as answer:
            return parse(answer.read().decode())
    answer = server.get(path, port=port)
    assert answer.status == 200, f"{path}: {answer.status} {answer.text}"
    return parse(answer.text)


def parse(text):
    """The metrics of a page in text format 0.0.4. AssertionError where anything is amiss."""
    assert text.endswith("\n"), "the last line has no end"
    found, current = Metrics(), None
    for line in text[:-1].split("\n"):
        if match := _HELP.fullmatch(line):
            current = match[1]
            assert current not in found.help, f"{current} comes twice"
            assert not _OTHER_UNITS.search(current), f"{current}: not a base unit"
            found.help[current] = match[2]
        elif match := _TYPE.fullmatch(line):
            assert match[1] == current and current not in found.types, f"TYPE of {match[1]} is out of place"
            assert (match[2] == "counter") == current.endswith("_total"), f"{current} is a {match[2]}"
            found.types[current] = match[2]
        else:
            match = _SAMPLE.fullmatch(line)
            assert match, f"not a line of the format: {line!r}"
            assert match[1] == current and current in found.types, f"{match[1]} stands below {current}"
            names = [label.split("=")[0] for label in re.findall(_LABEL, match[2] or "")]
            assert len(set(names)) == len(names), f"a label twice: {line}"
            series = match[1] + (f"{{{match[2]}}}" if match[2] else "")
            assert series not in found, f"{series} comes twice"
            found[series] = float(match[3])
    assert set(found.types) == set(found.help), "HELP without TYPE"
    return found
