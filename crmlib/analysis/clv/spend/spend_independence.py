"""Do customers who order often spend more per order? The gamma-gamma model says they do not."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

from crmlib.analysis.clv.spend.spend_likelihood import checked
from crmlib.errors import TooLittleData


@dataclass(frozen=True)
class SpendFrequency:
    """How closely money per order goes with the number of orders.

    Attributes
    ----------
    customers : int
        Customers with orders.
    correlation, low, high : float
        Correlation of orders and mean money, with its interval.
    rank_correlation, rank_low, rank_high : float
        The same of the ranks: what a few very large customers cannot move.
    level : float
        Level of the intervals.
    """

    customers: int
    correlation: float
    low: float
    high: float
    rank_correlation: float
    rank_low: float
    rank_high: float
    level: float


def spend_frequency_correlation(customers: pd.DataFrame, level: float = 0.95) -> SpendFrequency:
    """Correlate orders and mean money over customers with orders.

    A correlation that is small, if surely not 0, does little harm to `GammaGamma`; one that is not small
    makes the expected money of frequent customers too low (or too high, if it is negative).

    Parameters
    ----------
    customers : DataFrame of shape (n_customers, 2 or more)
        Columns ``n`` (orders) and ``money`` (mean money per order); customers with ``n`` of 0 are left out.
    level : float
        Level of the intervals.

    Returns
    -------
    SpendFrequency

    Raises
    ------
    DataError
        If a number cannot be; the message names the first customers.
    TooLittleData
        If there are fewer than four customers with orders, or all are equal in orders or in money.

    Notes
    -----
    Intervals by Fisher's z, with the variance 1 / (customers - 3), and for ranks
    (1 + correlation² / 2) / (customers - 3) (Bonett & Wright 2000, Psychometrika 65:23-28). The first takes
    both to be normal, which neither orders nor money are, and a few very large customers can move it. The
    ranks are safe from that, but they are a little above 0 even where spend does not depend on
    orders: means of few orders are more skewed, so that more of them lie below the common mean.

    Examples
    --------
    >>> customers = pd.DataFrame({"n": [1, 2, 3, 4, 5], "money": [20.0, 35.0, 18.0, 40.0, 31.0]})
    >>> found = spend_frequency_correlation(customers)
    >>> print(f"{found.correlation:.2f}, {found.low:.2f} to {found.high:.2f}; ranks {found.rank_correlation:.2f}")
    0.45, -0.72 to 0.95; ranks 0.30
    """
    n, money = checked(customers)
    n, money = n[n > 0], money[n > 0]
    if len(n) < 4 or np.ptp(n) == 0 or np.ptp(money) == 0:
        raise TooLittleData(
            f"{len(n):,} customers with orders, {len(np.unique(n))} different numbers of orders and "
            f"{len(np.unique(money))} different amounts",
            "four customers or more, who differ in orders and in money",
            "take more customers or a longer time",
        )
    plain = _correlation(n, money)
    ranks = _correlation(rankdata(n), rankdata(money))
    z, free = norm.ppf((1 + level) / 2), len(n) - 3
    return SpendFrequency(
        len(n),
        plain, *_around(plain, z / np.sqrt(free)),
        ranks, *_around(ranks, z * np.sqrt((1 + ranks**2 / 2) / free)),
        level,
    )  # fmt: skip


def _correlation(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.clip(np.corrcoef(left, right)[0, 1], -1.0, 1.0))


def _around(correlation: float, half: float) -> tuple[float, float]:
    z = np.arctanh(np.clip(correlation, -1 + 1e-15, 1 - 1e-15))
    return float(np.tanh(z - half)), float(np.tanh(z + half))
