"""User-space instructions of one operation under callgrind, by library; of any of the servers. See README.md."""

import argparse
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from callgrind import Counted, instructions
from guard import GUARDED, shares
from load import ulimit
from servers import Bench
from workloads import WORKLOADS


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("server", choices=["nginx", "haproxy", "postern"])
    options.add_argument("workload", nargs="?", choices=list(GUARDED), default="plain")
    options.add_argument("count", nargs="?", type=int, help="operations to count")
    options.add_argument("--keep", metavar="FILE", help="leave callgrind's own output here, for callgrind_annotate")
    options = options.parse_args()
    ulimit()
    with tempfile.TemporaryDirectory(prefix="postern-callgrind-") as directory, Bench(Path(directory), "ec") as bench:
        counted = Counted(directory, lines=bool(options.keep))
        counted.attach(bench.start(options.server, counted.wrap))
        workload = replace(WORKLOADS[options.workload], connections=1)
        costs = instructions(counted, workload, options.count or GUARDED[options.workload])
        print(f"{options.server} {options.workload}: {sum(costs.values()):,.0f} instructions each: {shares(costs)}")
        if options.keep:
            # Calls that were under way at the start count none, which callgrind_annotate takes for costs of their own.
            text = re.sub(r"^calls=0 .*\n.*\n", "", counted.last.read_text(), flags=re.M)
            Path(options.keep).write_text(text)


if __name__ == "__main__":
    main()
