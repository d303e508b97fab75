"""The list of the month for a million customers, and the choice alone beside a general solver on fewer.

The peer is HiGHS through `scipy.optimize.milp`, told to stop within a millionth of the optimum.
"""

from pathlib import Path

from benchmarks.lifetime_value.compare import Subject, compare

SUBJECTS = [
    Subject(
        "actions.lists", 20_000, {"crmlib": 3, "scipy milp": 1},
        [("one action of nine each, money and calls", "crmlib", "scipy milp")],
    ),
    Subject(
        "actions.lists", 1_000_000, {"crmlib, whole list": 1},
        [("profits, choice and list with reasons", "crmlib, whole list", "")],
    ),
]  # fmt: skip


def run(folder: Path) -> None:
    """Run the comparisons and print a row for each pair."""
    print(f"{'actions: seconds, processor seconds, GiB':<78} {'crmlib':>20} {'peer':>22}   ratio")
    for subject in SUBJECTS:
        compare(subject, folder)
