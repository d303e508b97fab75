"""What was known about each customer on a day, and what became of them afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd


@dataclass(frozen=True)
class Snapshot:
    """The eligible customers of one day.

    Attributes
    ----------
    day : datetime.date
        Last day that was known; nothing later is in `features`.
    outcome_days : int
        Length of the outcome window: the days after `day` in which a purchase means staying.
    features : DataFrame
        Indexed by ``customer_id`` (sorted): one row per eligible customer, numbers and text
        (``category`` dtype); missing values are missing, never a stand-in.
    outcome : DataFrame or None
        Same index: ``churned`` (bool: no purchase in the outcome window), ``margin`` (gross margin
        of that window, run's currency). None where the outcome window reaches past the data.
    """

    day: date
    outcome_days: int
    features: pd.DataFrame
    outcome: pd.DataFrame | None = None

    @property
    def ends(self) -> date:
        """Last day of the outcome window."""
        return self.day + timedelta(days=self.outcome_days)

    @property
    def churned(self) -> pd.Series:
        """Who did not come back; an error where nobody can know yet."""
        if self.outcome is None:
            raise ValueError(f"What became of the customers of {self.day} is known only after {self.ends}.")
        return self.outcome["churned"]


def stacked(snapshots: Sequence[Snapshot]) -> tuple[pd.DataFrame, pd.Series]:
    """Put snapshots under each other, for training.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        With known outcomes and the same feature columns.

    Returns
    -------
    features : DataFrame
        Indexed by ``day`` and ``customer_id``.
    churned : Series of bool
        Same index.
    """
    keys = [one.day for one in snapshots]
    features = pd.concat([one.features for one in snapshots], keys=keys, names=["day"])
    churned = pd.concat([one.churned for one in snapshots], keys=keys, names=["day"])
    return features, churned
