"""python -m soak [--seconds N]: soaks POSTERN_BINARY, prints what came of it, and exits with 1 if anything is wrong."""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

from harness.authority import Authority

from .run import Soak


def main():
    parser = argparse.ArgumentParser(prog="soak", description="Mixed clients, reloads and restarts.")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--keep", type=Path, help="an empty directory for its files, which stay there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        directory = (options.keep or Path(scratch)).resolve()
        (directory / "authority").mkdir(parents=True)
        soak = Soak(directory, Authority(directory / "authority"), options.seconds, say=partial(print, flush=True))
        verdict = soak.run()
    print(verdict)
    return 1 if verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
