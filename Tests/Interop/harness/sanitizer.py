"""Sanitized binaries: what they find fails the test that made them find it.

Whether the binary under test has a sanitizer in it is read from the binary, so that none is ever driven unwatched. Every
process of it writes what it finds to a file of its own, whoever started it and whatever became of its standard error.
"""

import functools
import mmap
import os
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
FOLDER = REPOSITORY / "Tests/Sanitizers"

#: The symbol that tells a sanitizer, its variable, and what it is told beside where to write.
KINDS = {
    "address": (b"__asan_init", "ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1"),
    "thread": (b"__tsan_init", "TSAN_OPTIONS", f"second_deadlock_stack=1:suppressions={FOLDER / 'thread.txt'}"),
}


@functools.cache
def kind(binary):
    """The sanitizer that is in a binary: "address", "thread" or None."""
    with open(binary, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return next((name for name, (symbol, _, _) in KINDS.items() if content.find(symbol) >= 0), None)


class Reports:
    """Where the processes of one session write what they find. To be made before the first of them starts."""

    def __init__(self, binary):
        self.kind = kind(binary)
        self._told = set()
        if self.kind is None:
            return
        self._folder = tempfile.TemporaryDirectory(prefix="postern-sanitizer-")
        # A server that gives up its privileges writes there too.
        os.chmod(self._folder.name, 0o1777)
        _, variable, options = KINDS[self.kind]
        said = [os.environ.get(variable), options, f"log_path={self._folder.name}/report"]
        os.environ[variable] = ":".join(filter(None, said))
        if self.kind == "address":
            told = [os.environ.get("LSAN_OPTIONS"), f"suppressions={FOLDER / 'leaks.txt'}", "print_suppressions=0"]
            os.environ["LSAN_OPTIONS"] = ":".join(filter(None, told))

    def check(self):
        """Fails with what was found since the last look."""
        if self.kind is None:
            return
        fresh = {file for file in Path(self._folder.name).iterdir() if file.stat().st_size > 0} - self._told
        self._told |= fresh
        found = "\n".join(file.read_text(errors="replace") for file in sorted(fresh))
        assert not found, f"the {self.kind} sanitizer found:\n{found}"
