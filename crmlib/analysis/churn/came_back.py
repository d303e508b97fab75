"""Who was called churned and bought again later: how much leaving a definition by silence really says."""

from dataclasses import dataclass
from datetime import date

import ibis

from crmlib.analysis.churn.activity import Activity, number_of
from crmlib.analysis.churn.snapshot import Snapshot
from crmlib.analysis.intervals import wilson_interval

_FEWEST_DAYS = 60
_FEWEST_CUSTOMERS = 30


@dataclass(frozen=True)
class CameBack:
    """What became of the customers of one day after their outcome was known.

    Attributes
    ----------
    day, ends, until : datetime.date
        Day of the snapshot, last day of its outcome window, last known day.
    churned : int
        Customers without a purchase in the outcome window.
    share, low, high : float
        Share of them who bought between the end of the window and the last known day, with its interval.
    part_of_margin : float
        Mean margin of those churned in that time over the mean of those who had stayed, from 0 to 1: what leaving, as
        it is defined, does not take away.
    """

    day: date
    ends: date
    until: date
    churned: int
    share: float
    low: float
    high: float
    part_of_margin: float

    @property
    def days(self) -> int:
        """How long they were watched after their outcome was known."""
        return (self.until - self.ends).days


def came_back(activity: Activity, snapshot: Snapshot, level: float = 0.95) -> CameBack | None:
    """Follow customers who were called churned up to the last known day.

    Parameters
    ----------
    activity : Activity
        As returned by `crmlib.analysis.churn.activity.customer_activity`.
    snapshot : Snapshot
        With a known outcome; the earliest can be followed for longest.
    level : float

    Returns
    -------
    CameBack or None
        None where fewer than 60 days follow the outcome window, or fewer than 30 customers churned or stayed.

    Notes
    -----
    Definition of this project; Wilson interval of the share. Those watched for longer would come back more often: both
    numbers are as of the last known day.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmlib.analysis.churn.activity import customer_activity
    >>> ids = [f"C{number:02d}" for number in range(80)]
    >>> bought = [{"customer_id": one, "ordered_at": date(2025, 1, 1), "net_amount": 10.0} for one in ids]
    >>> bought += [dict(bought[number], ordered_at=date(2025, 2, 1)) for number in range(40)]
    >>> bought += [dict(bought[number], ordered_at=date(2025, 6, 1)) for number in range(20, 50)]
    >>> orders = ibis.memtable(pd.DataFrame(bought)).mutate(ordered_at=ibis._.ordered_at.cast("timestamp"))
    >>> activity = customer_activity({"orders": orders}.get, date(2025, 6, 30), 0.5)
    >>> churned = pd.DataFrame({"churned": [number >= 40 for number in range(80)]}, pd.Index(ids, name="customer_id"))
    >>> found = came_back(activity, Snapshot(date(2025, 1, 31), 59, churned[[]], churned))
    >>> found.churned, found.share, found.part_of_margin, found.days
    (40, 0.25, 0.5, 91)
    """
    if (activity.as_of - snapshot.ends).days < _FEWEST_DAYS:
        return None
    churned = snapshot.churned
    if min(churned.sum(), (~churned).sum()) < _FEWEST_CUSTOMERS:
        return None
    later = activity.days.filter(activity.days.n > number_of(snapshot.ends))
    sums = later.group_by("who").agg(
        bought=ibis._.bought.sum().cast("int64"), margin=ibis._.gross_margin.sum().cast("float64")
    )
    found = sums.order_by("who").execute()
    found.index = activity.ids[found["who"].to_numpy()]
    found = found.reindex(churned.index).fillna(0.0)
    back = int((found["bought"] > 0)[churned].sum())
    low, high = wilson_interval(back, int(churned.sum()), level)
    gone, stayed = found.loc[churned, "margin"].mean(), found.loc[~churned, "margin"].mean()
    part = min(max(float(gone / stayed), 0.0), 1.0) if stayed > 0 else 0.0
    number = int(churned.sum())
    return CameBack(
        snapshot.day, snapshot.ends, activity.as_of, number, back / number, low, high, round(part, 6)
    )
