"""The error log, read from a mark on."""

import re
import time

from harness.process import settle

LINE = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(\w+)\] \d+: (.*)$")


class Log:
    """Lines of one file as (level, text), from where the reader last stood."""

    def __init__(self, path):
        self.path = path

    def mark(self):
        """The place after the last line there is."""
        settle(self.path)
        return self.path.stat().st_size if self.path.exists() else 0

    def since(self, mark):
        """The whole lines after `mark`."""
        if not self.path.exists():
            return []
        with open(self.path, "rb") as file:
            file.seek(mark)
            text = file.read()
        lines = text[: text.rfind(b"\n") + 1].decode("utf-8", "replace").splitlines()
        found = [LINE.match(line) for line in lines]
        assert all(found), f"a line that isn't one: {lines}"
        return [(line.group(1), line.group(2)) for line in found]

    def wait(self, mark, count, timeout=5.0):
        """The lines after `mark`, once there are `count` and no more come, or those there are when the time is over."""
        deadline = time.monotonic() + timeout
        while len(self.since(mark)) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        settle(self.path)
        return self.since(mark)
