"""Profit as customers x orders per customer x order value x margin, and what moved it."""

from itertools import permutations
from math import factorial

import numpy as np
import pandas as pd

FACTORS = {
    "customers": "Customers",
    "orders": "Orders per customer",
    "order_value": "Order value",
    "margin": "Profit margin",
}


def factors_of(customers: float, orders: float, net_sales: float, profit: float) -> pd.Series:
    """Split a profit into four factors whose product it is.

    Averages are ratios of totals: orders per customer = orders / customers, order value =
    net sales / orders, margin = profit / net sales.

    Parameters
    ----------
    customers, orders : float
        How many customers placed how many orders.
    net_sales, profit : float
        Money in the run's currency.

    Returns
    -------
    Series
        Keys of `FACTORS`; NaN from the first factor that is not defined on.

    Examples
    --------
    >>> factors_of(customers=50, orders=200, net_sales=10_000, profit=1_500).to_dict()
    {'customers': 50.0, 'orders': 4.0, 'order_value': 50.0, 'margin': 0.15}
    """
    ratios = [customers, _ratio(orders, customers), _ratio(net_sales, orders), _ratio(profit, net_sales)]
    return pd.Series(ratios, index=list(FACTORS), dtype="float64")


def _ratio(above: float, below: float) -> float:
    return above / below if below else float("nan")


def contributions(before: pd.Series, now: pd.Series) -> pd.Series:
    r"""Split the change of a product into what each factor contributed.

    A factor's contribution is the change of the product when this factor alone moves from its
    old to its new value, averaged over all sequences in which the factors can be moved one after
    another. The contributions add up to the change exactly, and no factor is favoured by coming
    first.

    Parameters
    ----------
    before, now : Series
        The factors of two products, indexed alike.

    Returns
    -------
    Series
        Money per factor; the sum is ``now.prod() - before.prod()``. NaN where a factor is
        missing.

    Notes
    -----
    Shapley (1953), "A value for n-person games"; Shorrocks (2013), Journal of Economic
    Inequality 11:99-126, on decompositions.

    Examples
    --------
    >>> contributions(pd.Series({"customers": 100.0, "margin": 2.0}),
    ...               pd.Series({"customers": 110.0, "margin": 3.0})).to_dict()
    {'customers': 25.0, 'margin': 105.0}
    """
    old, new = before.to_numpy(float), now.to_numpy(float)
    count = len(old)
    moved = np.zeros(count)
    for order in permutations(range(count)):
        state, value = old.copy(), old.prod()
        for place in order:
            state[place] = new[place]
            moved[place] += state.prod() - value
            value = state.prod()
    return pd.Series(moved / factorial(count), index=before.index)
