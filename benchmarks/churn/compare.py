"""Many customers scored and told why, and intervals of scores: each beside plain scikit-learn, one thread each."""

from pathlib import Path

from benchmarks.churn.scoring import METHODS, PEER
from benchmarks.lifetime_value.compare import Subject, compare

SUBJECTS = [
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
    print(f"{'churn: seconds, processor seconds, GiB on top':<78} {'crmlib':>20} {'peer':>22}   ratio")
    for subject in SUBJECTS:
        compare(subject, folder)
