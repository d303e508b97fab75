"""Segments of a million customers with a hundred rounds of customers drawn anew, beside the same by hand.

The peer does what a notebook with scikit-learn and pandas does: scores by `qcut`, k-means, and as many rounds on a draw
of as many customers as ours, with the adjusted Rand index of each; no Jaccard index by cluster, no gap statistic, no
mixture.
"""

from pathlib import Path

from benchmarks.lifetime_value.compare import Subject, compare

SUBJECTS = [
    Subject(
        "segments.groups", 1_000_000, {"crmlib": 1, "by hand": 1},
        [("scores, clusters of 2 to 8, 100 rounds each", "crmlib", "by hand")],
    ),
]  # fmt: skip


def run(folder: Path) -> None:
    """Run the comparisons and print a row for each pair."""
    print(f"{'segments: seconds, processor seconds, GiB':<78} {'crmlib':>20} {'peer':>22}   ratio")
    for subject in SUBJECTS:
        compare(subject, folder)
