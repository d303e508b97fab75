"""Rolling snapshots, many customers scored and told why, and intervals of scores: each beside a peer.

The peer of the snapshots is the same table made by plain pandas, which holds all lines in memory and so gets fewer of
them; the largest size is run without it. The engine of the snapshots has two threads and 3 GB, everything else one
thread.
"""

from pathlib import Path

from benchmarks.churn.scoring import METHODS, PEER
from benchmarks.lifetime_value.compare import Subject, compare

_SNAPSHOTS = "order lines to snapshots of three days, two threads"
SUBJECTS = [
    Subject(
        "churn.snapshots", 2_000_000, {"crmlib": 3, "pandas": 3},
        [(_SNAPSHOTS, "crmlib", "pandas")], "most",
    ),
    Subject("churn.snapshots", 20_000_000, {"crmlib": 1}, [(_SNAPSHOTS, "crmlib", "")], "most"),
    Subject(
        "churn.scoring", 1_000_000,
        dict.fromkeys(METHODS, 3) | {method + PEER: 1 for method in METHODS},
        [(f"probability and reasons, {method}", method, method + PEER) for method in METHODS],
    ),
    Subject(
        "churn.scoring", 20_000, {"crmlib": 3, "scikit-learn": 1},
        [("intervals of 14 scores of 4 methods (peer: 3 scores)", "crmlib", "scikit-learn")],
    ),
]  # fmt: skip


def run(folder: Path) -> None:
    """Run the comparisons and print a row for each pair."""
    print(f"{'churn: seconds, processor seconds, GiB':<78} {'crmlib':>20} {'peer':>22}   ratio")
    for subject in SUBJECTS:
        compare(subject, folder)
