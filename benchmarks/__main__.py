"""Time the suite side by side with peers, in one run on one machine: ``python -m benchmarks``.

Each row of the companies is a whole command in a process of its own: wall-clock seconds and the
largest memory that the process and everything it started held at one time. Each row of the other parts
is one call in a process of its own, with medians of several. Machines differ and are noisy; the
peer in the same run is what a row is to be read against.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks import companies
from benchmarks.actions import compare as actions
from benchmarks.churn import compare as churn
from benchmarks.lifetime_value import compare
from benchmarks.segments import compare as segments


def main() -> None:
    """Run the rows and print them as a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, default=1_000_000, help="size of the large company")
    options.add_argument(
        "--only",
        choices=["small", "large", "lifetime-value", "churn", "segments", "actions"],
        help="run one part",
    )
    options.add_argument(
        "--part", choices=list(compare.PARTS), action="append", help="of the lifetime value, these alone"
    )
    options.add_argument("--slow", action="store_true", help="with the history of 100,000,000 order lines")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="crmlib-bench-") as aside:
        folder = Path(aside)
        if given.only in (None, "small"):
            companies.bundled(folder)
        if given.only in (None, "large"):
            companies.large(folder, given.customers)
        if given.only in (None, "lifetime-value"):
            compare.run(folder, given.part or list(compare.PARTS), given.slow)
        if given.only in (None, "churn"):
            churn.run(folder)
        if given.only in (None, "segments"):
            segments.run(folder)
        if given.only in (None, "actions"):
            actions.run(folder)


if __name__ == "__main__":
    main()
