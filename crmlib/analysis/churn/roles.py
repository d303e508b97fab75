"""Which days a method learns on, is corrected on and is tested on: always in this order of time.

Outcomes known on one day are never known before it: every window that a method learns from is over before the day it is
corrected on, and that window is over before the first day it is tested on. Rows of one day are never dealt out by lot
between learning and testing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from crmlib.analysis.churn.snapshot import Snapshot, stacked
from crmlib.errors import ParameterError, TooLittleData

FEWEST_CUSTOMERS = 100
FEWEST_CHURNERS = 20


@dataclass(frozen=True)
class Rows:
    """Customers on days, ready to learn from or to score.

    Attributes
    ----------
    features : DataFrame
        Indexed by ``day`` and ``customer_id``.
    churned : Series of bool
        Same index.
    of : int
        Rows there were before customers were drawn by lot.
    """

    features: pd.DataFrame
    churned: pd.Series
    of: int

    @property
    def customers(self) -> np.ndarray:
        """Whose row it is, shape (n_rows,)."""
        return np.asarray(self.features.index.get_level_values(-1))


@dataclass(frozen=True)
class Roles:
    """Snapshots by what they are used for.

    Attributes
    ----------
    training : tuple of Snapshot
        The earliest days.
    calibration : Snapshot
        A later day.
    test : tuple of Snapshot
        The latest days; empty if nothing is tested.
    set_aside : tuple of Snapshot
        Days whose window runs into the next role.
    """

    training: tuple[Snapshot, ...]
    calibration: Snapshot
    test: tuple[Snapshot, ...] = ()
    set_aside: tuple[Snapshot, ...] = ()

    @property
    def days(self) -> pd.DataFrame:
        """Indexed by ``day``: ``role``, ``customers``, ``churned`` (number), ``rate`` (share that stayed away)."""
        named = [
            *((one, "training") for one in self.training),
            (self.calibration, "calibration"),
            *((one, "test") for one in self.test),
            *((one, "set aside") for one in self.set_aside),
        ]
        rows = [(one.day, role, len(one.churned), int(one.churned.sum())) for one, role in named]
        found = pd.DataFrame(rows, columns=["day", "role", "customers", "churned"]).set_index("day")
        return found.assign(rate=found["churned"] / found["customers"]).sort_index()


def assign_roles(snapshots: Sequence[Snapshot], test_days: int = 2) -> Roles:
    """Deal snapshots out in the order of time.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        In any order; those without an outcome are not used.
    test_days : int
        Latest days to test on; fewer (but one) where the days do not suffice. 0: nothing is tested, and the newest
        outcome is used for calibration.

    Returns
    -------
    Roles

    Raises
    ------
    ParameterError
        If snapshots differ in their window or columns, or two are of one day.
    TooLittleData
        If no three days follow each other with their windows.

    Examples
    --------
    >>> from datetime import date
    >>> known = pd.DataFrame({"recency_days": [3]}, index=pd.Index(["A"], name="customer_id"))
    >>> came = pd.DataFrame({"churned": [True]}, index=known.index)
    >>> days = [date(2025, month, 1) for month in range(1, 8)]
    >>> assign_roles([Snapshot(day, 61, known, came) for day in days], 1).days["role"].tolist()
    ['training', 'training', 'training', 'set aside', 'calibration', 'set aside', 'test']
    """
    if test_days < 0:
        raise ParameterError(f"test_days = {test_days}", "0 or more", "correct test_days")
    known = sorted((one for one in snapshots if one.outcome is not None), key=lambda one: one.day)
    _check_alike(known)
    for number in range(test_days, min(test_days, 1) - 1, -1):
        if number >= len(known) and number:
            continue
        test, before = (known[-number:], known[:-number]) if number else ([], known)
        ready = [one for one in before if not test or one.ends <= test[0].day]
        if not ready:
            continue
        calibration = ready[-1]
        training = [one for one in ready[:-1] if one.ends <= calibration.day]
        if training:
            used = {one.day for one in (*training, calibration, *test)}
            aside = tuple(one for one in known if one.day not in used)
            return Roles(tuple(training), calibration, tuple(test), aside)
    found = f"{len(known)} day(s) with a known outcome"
    if known:
        found += f", {known[0].day} to {known[-1].day}, with windows of {known[0].outcome_days} days"
    raise TooLittleData(
        found,
        "a day to learn on, a later one to calibrate on"
        + (" and a still later one to test on" if test_days else "")
        + ", each after the window of the one before",
        "use a longer history, a shorter outcome window, or days that lie closer together",
    )


def gathered(snapshots: Sequence[Snapshot], most: int, seed: int = 0) -> Rows:
    """Put snapshots under each other; of very many customers, draw some by lot.

    Parameters
    ----------
    snapshots : sequence of Snapshot
    most : int
        Rows to keep, about. A customer is drawn with all days, and the share of those who left last time is kept.
    seed : int

    Returns
    -------
    Rows
    """
    total = sum(len(one.features) for one in snapshots)
    if total > most:
        last = pd.concat([one.churned for one in sorted(snapshots, key=lambda one: one.day)])
        last = last[~last.index.duplicated(keep="last")].sort_index()
        lot = pd.Series(np.random.default_rng([seed, len(last)]).random(len(last)), index=last.index)
        place = lot.groupby(last.to_numpy()).rank(pct=True)
        kept = last.index[place <= most / total]
        snapshots = [_of_customers(one, kept) for one in snapshots]
    return Rows(*stacked(snapshots), total)


def refuse_few(rows: Rows, use: str) -> None:
    """Raise `TooLittleData` where customers, those who left or those who stayed are too few.

    Parameters
    ----------
    rows : Rows
    use : str
        What they are needed for, for the message.
    """
    people, left = len(np.unique(rows.customers)), int(rows.churned.sum())
    stayed = len(rows.churned) - left
    if people < FEWEST_CUSTOMERS or min(left, stayed) < FEWEST_CHURNERS:
        raise TooLittleData(
            f"{people:,} customers {use}, {left:,} times one stayed away and {stayed:,} times one came back",
            f"at least {FEWEST_CUSTOMERS} customers, and {FEWEST_CHURNERS} times each",
            "use a longer history, or a longer or shorter outcome window",
        )


def _of_customers(one: Snapshot, kept: pd.Index) -> Snapshot:
    chosen = one.features.index.isin(kept)
    return replace(one, features=one.features[chosen], outcome=one.outcome[chosen])


def _check_alike(known: Sequence[Snapshot]) -> None:
    for before, one in pairwise(known):
        if one.day == before.day:
            raise ParameterError(f"two snapshots of {one.day}", "one of each day", "leave one out")
        if one.outcome_days != before.outcome_days:
            raise ParameterError(
                f"outcome windows of {before.outcome_days} and {one.outcome_days} days",
                "one length for all days", "make all snapshots with the same outcome_days",
            )  # fmt: skip
        differ = before.features.columns.symmetric_difference(one.features.columns)
        if len(differ):
            raise ParameterError(
                f"features that not all days have: {', '.join(map(str, differ[:3]))}",
                "the same columns on all days", "make the features of all days in the same way",
            )  # fmt: skip
