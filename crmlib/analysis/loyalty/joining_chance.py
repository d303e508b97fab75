"""The chance to join the club with an order, and what customers buy who had not joined with any order before.

Of a customer who joins with each order by the chance p, only the orders at which he did not join are seen before: a
part of 1 - p. How much is missing follows from the number of orders it took customers to join.
"""

from dataclasses import dataclass, field
from datetime import date

import ibis
import numpy as np
import pandas as pd
from scipy.special import digamma

from crmlib.analysis.clv.contracts.sbg import ShiftedBetaGeometric
from crmlib.analysis.clv.contracts.survivors import Survivors
from crmlib.analysis.loyalty.membership import Club
from crmlib.analysis.rounding import rounded
from crmlib.errors import TooLittleData

_NEW_AFTER = pd.Timedelta(days=180)


@dataclass(frozen=True)
class JoiningChance:
    """How likely customers are to join with an order, and how much of their orders is missing before they join.

    Attributes
    ----------
    alpha, beta : float
        The chance is Beta(alpha, beta) over customers; its mean is alpha / (alpha + beta).
    customers : int
        Customers whose orders since they could join are all known; nobody else says anything here.
    joined : int
        Of them, those who joined with an order.
    opened : datetime.date
        Day on which the first customer joined; orders before it could not be joined with.
    factor : Series
        For joiners among them, by ``customer_id``: orders of months before joining, times this, are what the
        customer bought, with or without a chance to join.
    """

    alpha: float
    beta: float
    customers: int
    joined: int
    opened: date
    factor: pd.Series
    _slopes: pd.DataFrame = field(repr=False, compare=False)
    _moved: pd.DataFrame = field(repr=False, compare=False)

    @property
    def mean(self) -> float:
        """Mean chance to join with an order."""
        return self.alpha / (self.alpha + self.beta)

    def of(self, customers: pd.Index) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lay the factors out for an index of customers.

        Returns
        -------
        factor : ndarray of shape (n_customers,)
            NaN where it is not known.
        slopes : ndarray of shape (n_customers, 2)
            Change of its logarithm by the logarithms of alpha and beta.
        moved : ndarray of shape (n_customers, 2)
            How much each customer moves these.
        """
        slopes = self._slopes.reindex(customers).fillna(0.0).to_numpy()
        moved = self._moved.reindex(customers).fillna(0.0).to_numpy()
        return self.factor.reindex(customers).to_numpy(), slopes, moved


def joining_chance(
    members: Club, lines: ibis.Table, first_day: date, customers: ibis.Table | None = None
) -> JoiningChance:
    """Estimate the chance to join with an order from the orders it took customers to join.

    Parameters
    ----------
    members : Club
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    first_day : datetime.date
        First day of the data.
    customers : ibis.Table, optional
        With ``acquired_on`` a customer is new from that day on; else from the first order seen, if that is 180 days
        or more after `first_day`.

    Returns
    -------
    JoiningChance

    Raises
    ------
    TooLittleData
        If hardly anybody joined with an order.

    Notes
    -----
    Each order is an occasion to join, so the orders up to joining follow a shifted beta-geometric distribution (Fader &
    Hardie 2007, Journal of Interactive Marketing 21:76-90), cut off for those who have not joined or joined without
    an order. After n orders without joining, the chance p of a customer who joined with the next one is Beta(alpha + 1,
    beta + n), and of one who joined without an order Beta(alpha, beta + n); the time it took says no more about it if
    p has nothing to do with how often he buys. The factor is the mean of 1 / (1 - p). Derived for this project.
    """
    start = pd.Timestamp(first_day)
    opened = members.memberships["joined_on"].min()
    found = _occasions(members, lines, max(opened, start).date())
    if opened > start:
        # The club opened within the data: everybody's orders since then are known.
        known = np.ones(len(found), bool)
    elif customers is not None and "acquired_on" in customers.columns:
        days = (
            customers.filter(customers.acquired_on.notnull()).select("customer_id", "acquired_on").execute()
        )
        began = pd.to_datetime(days.set_index("customer_id")["acquired_on"]).reindex(found.index)
        known = (began >= start).to_numpy()
    else:
        known = (found["first"] >= start + _NEW_AFTER).to_numpy()
    before = (found["joined"] < start).to_numpy()
    return chance_of(found[known & ~before], opened.date())


def chance_of(occasions: pd.DataFrame, opened: date) -> JoiningChance:
    """Fit the chance to join with an order.

    Parameters
    ----------
    occasions : DataFrame
        Indexed by ``customer_id``: ``passed`` (orders at which the customer did not join, though he could),
        ``with_order`` (whether he joined with the next one) and ``joined`` (missing for who has not joined).
    opened : datetime.date

    Returns
    -------
    JoiningChance

    Raises
    ------
    TooLittleData
        If hardly anybody joined with an order.

    Examples
    --------
    >>> passed = [0] * 131 + [1] * 126 + [2] * 90 + [3] * 60 + [4] * 42 + [5] * 34 + [6] * 26 + [7] * 491
    >>> table = pd.DataFrame({"passed": passed, "with_order": [True] * 509 + [False] * 491})
    >>> found = chance_of(table.assign(joined=table.with_order.where(table.with_order)), date(2026, 1, 1))
    >>> print(f"{found.alpha:.3f} {found.beta:.3f}")  # table 1 of Fader & Hardie 2007
    0.668 3.806
    """
    passed = occasions["passed"].to_numpy("int64")
    with_order = occasions["with_order"].to_numpy() > 0
    if with_order.sum() < 2:
        raise TooLittleData(
            f"{int(with_order.sum())} customers who joined with an order",
            "more",
            "leave the chance to join with an order out of account",
        )
    size = int(passed.max()) + 1
    reached = np.bincount(passed, minlength=size)[::-1].cumsum()[::-1]
    taken = np.bincount(passed[with_order], minlength=size)
    renewals = Survivors(np.append(reached[1:], 0.0), taken.astype("float64"), float(len(passed)))
    alpha, beta = (float(value) for value in ShiftedBetaGeometric().fit(renewals).params_)
    scores = _scores(alpha, beta, passed, with_order)
    moved = scores @ np.linalg.pinv(scores.T @ scores, rcond=1e-9, hermitian=True)
    a, b = alpha + with_order, beta + passed
    # The mean of 1 / (1 - p) does not exist for b of 1 or less; such customers cannot be corrected.
    usable = occasions["joined"].notna().to_numpy() & (b > 1)
    less = np.where(b > 1, b - 1, np.inf)
    slopes = np.column_stack([alpha / (a + b - 1), beta / (a + b - 1) - beta / less])
    names = occasions.index
    return JoiningChance(
        alpha=float(rounded(alpha)),
        beta=float(rounded(beta)),
        customers=len(names),
        joined=int(with_order.sum()),
        opened=opened,
        factor=pd.Series(((a + b - 1) / less)[usable], names[usable]),
        _slopes=pd.DataFrame(slopes[usable], names[usable]),
        _moved=pd.DataFrame(moved, names),
    )


def _occasions(members: Club, lines: ibis.Table, since: date) -> pd.DataFrame:
    """Count the days with an order at which each customer did not join, and say whether he joined on such a day."""
    joined = members.memberships["joined_on"]
    frame = pd.DataFrame({"member": joined.index.astype(str), "joined": joined.dt.date})
    days = lines.filter(lines.customer_id.notnull(), lines.bought, lines.day <= ibis.literal(members.as_of))
    days = days.select("customer_id", "day").distinct()
    club = ibis.memtable(frame).mutate(joined=ibis._.joined.cast("date"))
    each = days.left_join(club, days.customer_id == club.member).select("customer_id", "day", "joined")
    counts = (each.day >= ibis.literal(since)) & (each.joined.isnull() | (each.day < each.joined))
    found = each.group_by("customer_id").agg(
        first=each.day.min(),
        joined=each.joined.min(),
        passed=counts.cast("int64").sum(),
        with_order=(each.day == each.joined).fill_null(False).cast("int64").sum(),
    )
    found = found.order_by("customer_id").execute().set_index("customer_id")
    return found.assign(first=pd.to_datetime(found["first"]), joined=pd.to_datetime(found["joined"]))


def _scores(alpha: float, beta: float, passed: np.ndarray, with_order: np.ndarray) -> np.ndarray:
    """Derivatives of each customer's log-likelihood by the logarithms of alpha and beta."""
    total = digamma(alpha + beta) - digamma(alpha + beta + passed + with_order)
    by_alpha = total + np.where(with_order, digamma(alpha + 1) - digamma(alpha), 0.0)
    by_beta = total + digamma(beta + passed) - digamma(beta)
    return np.column_stack([alpha * by_alpha, beta * by_beta])
