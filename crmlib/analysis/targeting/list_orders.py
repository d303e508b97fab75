"""Ways to rank customers for a campaign, compared within the same budget."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlib.analysis.targeting.budget import (
    ROUNDING,
    BudgetList,
    best_list,
    limits_of,
    per_money,
    profit_and_cost,
)
from crmlib.errors import DataError


def compare_orders(
    customers: pd.DataFrame,
    budget: float | None = None,
    places: int | None = None,
    orders: Sequence[str] = ("churn_probability", "value_at_risk", "profit", "profit_per_money"),
) -> pd.DataFrame:
    """Compare ways to rank customers, by the profit expected of them within the same limits.

    Parameters
    ----------
    customers : DataFrame
        ``profit`` and ``cost``, and ``churn_probability`` and ``value`` or any other column to rank by.
    budget, places
        As for `best_list`.
    orders : sequence of str
        Columns to rank by, the highest first; ``value_at_risk`` is churn probability times value, ``profit_per_money``
        profit over cost.

    Returns
    -------
    DataFrame
        Indexed by ``order``, "best list" first: ``customers``, ``cost``, ``profit``, ``expected_losses``
        (customers on the list with an expected loss), ``short`` (profit less than that of the best list), ``in_common``
        (share of the list that is also on the best one; NaN if nobody is on it).

    Notes
    -----
    A list is followed from its top until the next customer does not fit. All but the best list contact customers
    with an expected loss if there is money for them. The yardstick is the expected profit itself, so the
    ranks by it cannot lose here; whether it is right, only a test or a known truth can say.

    Examples
    --------
    >>> people = pd.DataFrame({"churn_probability": [0.9, 0.5, 0.2], "value": [2.0, 90.0, 80.0]}, list("ABC"))
    >>> people = people.assign(profit=[-1.0, 11.5, 3.0], cost=2.0)
    >>> compare_orders(people, budget=2, orders=["churn_probability", "profit"])[["profit", "short"]]
                       profit  short
    order
    best list            11.5    0.0
    churn_probability    -1.0   12.5
    profit               11.5    0.0
    """
    best = best_list(customers, budget, places)
    profit, cost = profit_and_cost(customers)
    limit, most = limits_of(budget, places)
    named = np.argsort(customers.index.to_numpy(), kind="stable")
    top = customers.index.get_indexer(best.chosen.index)
    rows = {"best list": _row(top, top, profit, cost, best)}
    for name in orders:
        key = _key(customers, name, profit, cost)
        ranked = named[np.argsort(-key[named], kind="stable")]
        fits = np.cumsum(cost[ranked]) <= limit * (1 + ROUNDING)
        stop = len(ranked) if fits.all() else int(np.argmin(fits))
        stop = stop if most is None else min(stop, most)
        rows[name] = _row(ranked[:stop], top, profit, cost, best)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("order")


def _key(customers: pd.DataFrame, name: str, profit: np.ndarray, cost: np.ndarray) -> np.ndarray:
    if name == "profit_per_money":
        free = np.where(profit > 0, np.inf, np.where(profit < 0, -np.inf, 0.0))
        return np.where(cost > 0, per_money(profit, cost), free)
    needed = ("churn_probability", "value") if name == "value_at_risk" else (name,)
    missing = [column for column in needed if column not in customers.columns]
    if missing:
        raise DataError(f"customers without {missing[0]}", f"a column to rank by: {name}", "join it")
    key = np.prod([customers[column].to_numpy("float64") for column in needed], axis=0)
    return np.where(np.isnan(key), -np.inf, key)


def _row(
    picked: np.ndarray, best_picked: np.ndarray, profit: np.ndarray, cost: np.ndarray, best: BudgetList
) -> dict[str, float]:
    earned = float(profit[picked].sum())
    return {
        "customers": len(picked),
        "cost": float(cost[picked].sum()),
        "profit": earned,
        "expected_losses": int((profit[picked] < 0).sum()),
        "short": best.profit - earned,
        "in_common": float(np.isin(picked, best_picked).mean()) if len(picked) else float("nan"),
    }
