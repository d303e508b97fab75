"""Is the base getting healthier, and what would holding it cost? The lenses put together."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmlib.analysis.audit.next_period import NextPeriod, Rehearsal, won_since
from crmlib.analysis.intervals import Z


@dataclass(frozen=True)
class Verdict:
    """What the need of the next period says about the base.

    Attributes
    ----------
    state : str
        ``renews`` (fewer customers are needed than were won, the whole interval below),
        ``wears out`` (more are needed, the whole interval above), ``open`` (the interval holds
        the number won), ``closed`` (nobody was won, so only the gap is known) or ``unknown``.
    missed : bool
        Whether the rehearsal of the forecast lay outside its interval.
    latest : float
        Customers needed if only the latest pair of periods is learnt from.
    cost : float
        What winning a customer cost in the period, run's currency; NaN where not known.
    worth, worth_interval, worth_months : float, tuple of float, int
        Profit per customer in the first months of those won so far, the cost of winning them
        included; NaN where no cohort is old enough.
    point : float
        Sales that one point more carried over by customers won earlier would bring.
    """

    state: str
    missed: bool
    latest: float
    cost: float
    worth: float
    worth_interval: tuple[float, float]
    worth_months: int
    point: float


def verdict(
    need: NextPeriod | None,
    latest: NextPeriod | None,
    test: Rehearsal | None,
    cost: float,
    side: pd.DataFrame | None,
    months: int,
) -> Verdict:
    """Judge the base by what the next period needs.

    Parameters
    ----------
    need, latest : NextPeriod or None
        Learnt from all periods, and from the last two alone.
    test : Rehearsal or None
    cost : float
        What winning a customer cost; NaN where not known.
    side : DataFrame or None
        Cohorts at equal age, as returned by `cohorts.compared`.
    months : int
        That age in months.
    """
    state = "unknown"
    if need is not None:
        low, high = need.needed_interval
        state = "renews" if high < need.won else "wears out" if low > need.won else "open"
        state = "closed" if np.isnan(need.needed) else state
    worth, error = _worth(side)
    return Verdict(
        state=state,
        missed=test is not None and not test.interval[0] <= test.actual <= test.interval[1],
        latest=latest.needed if latest else float("nan"),
        cost=cost,
        worth=worth,
        worth_interval=(worth - Z * error, worth + Z * error),
        worth_months=months,
        point=0.01 * float(need.groups.loc["old", "sales"])
        if need is not None and "old" in need.groups.index
        else float("nan"),
    )


def _worth(side: pd.DataFrame | None) -> tuple[float, float]:
    """Profit per customer over all cohorts that are old enough, as a ratio of totals, and its error."""
    if side is None or side["value"].isna().all():
        return float("nan"), float("nan")
    known = side[side["value"].notna()]
    n = known["customers"]
    return (
        float((known["value"] * n).sum() / n.sum()),
        float(np.sqrt(((known["error"] * n) ** 2).sum()) / n.sum()),
    )


def cost_of_winning(customers: pd.DataFrame, since: date) -> float:
    """What winning a customer cost on average, over all customers won since a day; NaN without costs."""
    won = customers.loc[won_since(customers, since), "acquisition_cost"]
    return float(won.mean()) if len(won) and won.sum() > 0 else float("nan")
