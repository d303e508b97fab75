"""What the usual comparisons say about a club, which is not what the club does."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.loyalty.design import FEWEST_JOINERS, bookings
from crmlib.analysis.loyalty.panel import NEVER, ClubPanel
from crmlib.analysis.loyalty.staggered_effect import club_effect
from crmlib.analysis.rounding import rounded
from crmlib.errors import TooLittleData

YEAR = 12
_LEAST = 3  # months of past to compare by
MEMBERS, BEFORE, ALIKE, PLAIN = (
    "members against others",
    "joiners after against before",
    "joiners against others with as many orders",
    "joiners against all who had not joined",
)
FLAWS = {
    MEMBERS: "Who joins bought more before joining.",
    BEFORE: "Nobody can leave before joining, and some leave after it; seasons and prices change as well.",
    ALIKE: "Joining proves that a customer is still there, and few orders of a good customer were bad luck.",
    PLAIN: "Joining proves that a customer is still there; some of the others had left unseen.",
}
#: Orders of the months before, in classes; the last one is open.
_CLASSES = np.array([1, 2, 3, 4, 6, 8, 11, 15])


def naive_comparisons(panel: ClubPanel, outcome: str = "orders", level: float = 0.95) -> pd.DataFrame:
    """Compare members with others in the usual ways.

    Parameters
    ----------
    panel : ClubPanel
    outcome : str
        ``orders``, ``net_sales`` or ``margin``.
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        Indexed by comparison: ``effect`` (rise as a share), ``low``, ``high``, ``flaw`` (why it is not the effect of
        the club). In order: members against others per customer and month of the last 12 months; joiners in up to 12
        months after against up to 12 before; joiners against others with as many orders in as many of the 12 months
        before (3 at least); difference in differences against all who had not joined, whoever may have left. A
        comparison that the data do not allow is left out.

    Notes
    -----
    Intervals hold the customers drawn anew; they say how sure a wrong answer looks. In the third, what
    others with as many orders bought is taken as known.
    """
    half = norm.ppf((1 + level) / 2)
    rows = {
        MEMBERS: _members(panel, outcome),
        BEFORE: _after_against_before(panel, outcome),
        ALIKE: _as_many_orders(panel, outcome),
        PLAIN: _plain(panel, outcome),
    }
    found = {name: row for name, row in rows.items() if row is not None}
    size, error = np.array(list(found.values()), float).reshape(-1, 2).T
    return pd.DataFrame(
        {
            "effect": rounded(np.expm1(size)),
            "low": rounded(np.expm1(size - half * error)),
            "high": rounded(np.expm1(size + half * error)),
            "flaw": [FLAWS[name] for name in found],
        },
        index=pd.Index(list(found), name="comparison"),
    )


def _plain(panel: ClubPanel, outcome: str) -> tuple[float, float] | None:
    try:
        found = club_effect(panel, outcome, known_alive=False)
    except TooLittleData:
        return None
    return float(np.log1p(found.effect)), found.error


def _ratio(
    upper: np.ndarray, upper_months: np.ndarray, lower: np.ndarray, lower_months: np.ndarray
) -> tuple[float, float] | None:
    """Logarithm of the ratio of two rates per month and its standard error, customers being the sample."""
    sums = [float(part.sum()) for part in (upper, upper_months, lower, lower_months)]
    if min(sums) <= 0 or (upper_months > 0).sum() < FEWEST_JOINERS:
        return None
    size = np.log(sums[0] / sums[1]) - np.log(sums[2] / sums[3])
    moved = upper / sums[0] - upper_months / sums[1] - lower / sums[2] + lower_months / sums[3]
    return float(size), float(np.sqrt((moved**2).sum()))


def _length(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    return np.maximum(last - first + 1, 0).astype("float64")


def _within(panel: ClubPanel, outcome: str, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Sum of the outcome over a stretch of months of each customer."""
    booked = bookings(panel, outcome)
    inside = (booked.month >= first[booked.customer]) & (booked.month <= last[booked.customer])
    return np.bincount(booked.customer[inside], booked.amount[inside], len(panel.customers))


def _members(panel: ClubPanel, outcome: str) -> tuple[float, float] | None:
    people, end = panel.customers, len(panel.months) - 1
    begins, joined, left = (people[name].to_numpy() for name in ("begins", "joined", "left"))
    start = np.maximum(begins, end - YEAR + 1)
    first, last = np.maximum(joined + 1, start), np.minimum(left, end)
    stop = np.minimum(joined - 1, end)
    again = np.maximum(np.where(joined == NEVER, NEVER, left + 1), start)  # former members are others
    ends = np.full(len(people), end)
    others = _within(panel, outcome, start, stop) + _within(panel, outcome, again, ends)
    return _ratio(
        _within(panel, outcome, first, last),
        _length(first, last),
        others,
        _length(start, stop) + _length(again, ends),
    )


def _after_against_before(panel: ClubPanel, outcome: str) -> tuple[float, float] | None:
    people, end = panel.customers, len(panel.months) - 1
    begins, joined, left = (people[name].to_numpy() for name in ("begins", "joined", "left"))
    first, last = np.maximum(begins, joined - YEAR), joined - 1
    start, stop = joined + 1, np.minimum(np.minimum(left, joined + YEAR), end)
    used = (joined >= 0) & (joined < NEVER) & (first <= last) & (start <= stop)
    last, stop = np.where(used, last, -1), np.where(used, stop, -1)
    first, start = np.where(used, first, 0), np.where(used, start, 0)
    return _ratio(
        _within(panel, outcome, start, stop),
        _length(start, stop),
        _within(panel, outcome, first, last),
        _length(first, last),
    )


def _as_many_orders(panel: ClubPanel, outcome: str) -> tuple[float, float] | None:
    people, end = panel.customers, len(panel.months) - 1
    begins, joined, left = (people[name].to_numpy() for name in ("begins", "joined", "left"))
    observed, expected = np.zeros(len(people)), np.zeros(len(people))
    everyone = np.ones(len(people), int)
    for month in np.unique(joined[(joined >= _LEAST) & (joined < end)]):
        there = (begins <= month - _LEAST) & (joined >= month)
        first = np.maximum(begins, month - YEAR)
        before = _within(panel, "orders", first, everyone * (month - 1))
        like = np.digitize(before, _CLASSES) * (YEAR + 1) + np.clip(month - first, 0, YEAR)
        joins = there & (joined == month)
        # Others count until they join themselves, members until they leave.
        stop = np.minimum(np.where(joins, left, joined - 1), min(month + YEAR, end))
        length = _length(everyone * (month + 1), stop)
        bought = _within(panel, outcome, everyone * (month + 1), stop)
        rest = there & ~joins
        size = int(like.max()) + 1
        months = np.bincount(like[rest], length[rest], size)
        rate = np.bincount(like[rest], bought[rest], size) / np.maximum(months, 1)
        used = joins & (length > 0) & (months[like] > 0)
        observed[used] += bought[used]
        expected[used] += (rate[like] * length)[used]
    if (expected > 0).sum() < FEWEST_JOINERS or observed.sum() <= 0:
        return None
    moved = observed / observed.sum() - expected / expected.sum()
    return float(np.log(observed.sum() / expected.sum())), float(np.sqrt((moved**2).sum()))
