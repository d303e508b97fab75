"""Whom to contact when money or places are short: the list, what it leaves on the table, and what more would earn.

Nobody with an expected loss is ever on a list, whatever the budget: money that is left over is not spent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.clv.refusals import refuse, refuse_some
from crmlib.errors import DataError, ParameterError

_STEPS = 200
#: A list may overshoot its budget by rounding in sums of money, no more.
ROUNDING = 1e-9


@dataclass(frozen=True)
class BudgetList:
    """The customers to contact within a budget.

    Attributes
    ----------
    chosen : DataFrame
        Indexed like the customers, the best first: ``rank`` (from 1), ``profit``, ``cost``, ``per_money`` (profit per
        unit of money spent), ``cost_so_far``, ``profit_so_far``.
    budget : float
        Infinity without a limit.
    places : int or None
        Most customers that may be contacted.
    cost, profit : float
        Of the list.
    bound : float
        Profit that no list within the limits can exceed.
    worth_of_money : float
        Shadow price of the budget: what one more unit of money would earn; 0 where money is left over.
    worth_of_place : float
        Shadow price of a place: what one more customer on the list would earn; 0 where places are left over.
    left_out : int
        Customers with an expected gain who are not on the list.
    empty_because : str
        Sentence that says why nobody is on the list; empty if somebody is.
    """

    chosen: pd.DataFrame
    budget: float
    places: int | None
    cost: float
    profit: float
    bound: float
    worth_of_money: float
    worth_of_place: float
    left_out: int
    empty_because: str

    @property
    def short_at_most(self) -> float:
        """How much more profit the best list within the limits could have, at most."""
        return max(self.bound - self.profit, 0.0)


def best_list(customers: pd.DataFrame, budget: float | None = None, places: int | None = None) -> BudgetList:
    """Choose the customers whose contacts earn most within a budget and a number of places.

    Parameters
    ----------
    customers : DataFrame
        ``profit`` (expected, of contacting) and ``cost`` (money the contact takes out of the budget, 0 or more) per
        customer, as `crmlib.analysis.targeting.contact_profit.expected_profit` returns them.
    budget : float, optional
        Money that may be spent, 0 or more; no limit if left out.
    places : int, optional
        Contacts that can be made, 0 or more; no limit if left out.

    Returns
    -------
    BudgetList

    Raises
    ------
    DataError
        If a column or a number is missing, a cost is below 0, or a customer stands twice.
    ParameterError
        If a limit is below 0.

    Notes
    -----
    With equal costs, the best list ranks customers by profit. With different costs it is a knapsack problem: customers
    are ranked by profit per unit of money, or, with places short as well, by profit less the shadow price of their cost
    (Lagrangian relaxation; Martello & Toth 1990, Knapsack Problems; Fisher 1981, Management Science 27:1-18). What
    remains is given to the next ones that fit. The list is thus within `short_at_most` of the best, less than one or
    two contacts. Equal customers are taken in the order of their ids.

    Examples
    --------
    >>> people = pd.DataFrame({"profit": [9.0, 8.0, 5.0, -1.0], "cost": [3.0, 2.0, 2.0, 1.0]}, index=list("ABCD"))
    >>> found = best_list(people, budget=4)
    >>> found.chosen.index.tolist(), found.profit, found.bound, found.worth_of_money
    (['B', 'C'], 13.0, 14.0, 3.0)
    """
    profit, cost = profit_and_cost(customers)
    limit, most = limits_of(budget, places)
    # Rank by id once; every later sort is stable.
    named = np.argsort(customers.index.to_numpy(), kind="stable")
    own = named[profit[named] > 0]
    gain, spent = profit[own], cost[own]
    price = _price_of_money(gain, spent, limit, most)
    order = np.argsort(-(gain - price * spent), kind="stable")
    if most is None or most >= len(own):
        order = np.argsort(-per_money(gain, spent), kind="stable")
    taken = _filled(_start(gain, spent, order, price, limit, most), gain, spent, order, limit, most)
    bound = _bound(price, gain, spent, limit, most)
    picked = own[taken]
    ranked = picked[np.argsort(-per_money(profit[picked], cost[picked]), kind="stable")]
    chosen = pd.DataFrame(
        {
            "rank": np.arange(1, len(ranked) + 1),
            "profit": profit[ranked],
            "cost": cost[ranked],
            "per_money": per_money(profit[ranked], cost[ranked]),
            "cost_so_far": np.cumsum(cost[ranked]),
            "profit_so_far": np.cumsum(profit[ranked]),
        },
        index=customers.index[ranked],
    )
    return BudgetList(
        chosen,
        limit,
        most,
        float(chosen["cost"].sum()),
        float(chosen["profit"].sum()),
        bound,
        price,
        _price_of_place(price, gain, spent, most),
        len(own) - len(picked),
        _empty_because(len(customers), len(own), len(picked), limit, most),
    )


def by_budget(customers: pd.DataFrame, budgets: Sequence[float], places: int | None = None) -> pd.DataFrame:
    """Say what each of several budgets earns.

    Parameters
    ----------
    customers, places
        As for `best_list`.
    budgets : sequence of float

    Returns
    -------
    DataFrame
        Indexed by ``budget``: ``customers``, ``cost``, ``profit``, ``worth_of_money``.

    Examples
    --------
    >>> people = pd.DataFrame({"profit": [9.0, 8.0, 5.0], "cost": [3.0, 2.0, 2.0]}, index=list("ABC"))
    >>> by_budget(people, [0, 2, 8])["profit"].tolist()
    [0.0, 8.0, 22.0]
    """
    found = [best_list(customers, budget, places) for budget in budgets]
    return pd.DataFrame(
        [(len(one.chosen), one.cost, one.profit, one.worth_of_money) for one in found],
        index=pd.Index([one.budget for one in found], name="budget"),
        columns=["customers", "cost", "profit", "worth_of_money"],
    )


def _price_of_money(gain: np.ndarray, spent: np.ndarray, limit: float, most: int | None) -> float:
    """Least price of money at which those worth it, and the best of them for the places, keep to the budget."""

    ratios = per_money(gain, spent)

    def asked(price: float) -> float:
        chosen = np.flatnonzero(ratios > price)
        if most is not None and len(chosen) > most:
            left = (gain - price * spent)[chosen]
            chosen = chosen[np.argsort(-left, kind="stable")[:most]]
        return float(spent[chosen].sum())

    if asked(0.0) <= limit * (1 + ROUNDING):
        return 0.0
    ratio = np.unique(ratios[spent > 0])
    if most is None or most >= len(gain):
        # Spending falls by steps, at the ratios themselves.
        low, high = 0, len(ratio) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (
                (low, middle) if asked(ratio[middle]) <= limit * (1 + ROUNDING) else (middle + 1, high)
            )
        return float(ratio[low])
    low, high = 0.0, float(ratio[-1])
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if asked(middle) <= limit * (1 + ROUNDING) else (middle, high)
        if not low < (low + high) / 2 < high:
            break
    return high


def _start(
    gain: np.ndarray, spent: np.ndarray, order: np.ndarray, price: float, limit: float, most: int | None
) -> np.ndarray:
    """Those worth the price of money, as a mask; they keep to the budget."""
    taken = np.zeros(len(gain), dtype=bool)
    worth = order[per_money(gain, spent)[order] > price][:most]
    if spent[worth].sum() <= limit * (1 + ROUNDING):
        taken[worth] = True
    return taken


def _filled(
    taken: np.ndarray, gain: np.ndarray, spent: np.ndarray, order: np.ndarray, limit: float, most: int | None
) -> np.ndarray:
    """Give what is left to the next customers that fit; else to the one best customer alone if that earns more."""
    rest = order[~taken[order]]
    while len(rest):
        money = limit * (1 + ROUNDING) - spent[taken].sum() if np.isfinite(limit) else np.inf
        room = len(rest) if most is None else most - int(taken.sum())
        rest = rest[spent[rest] <= money]
        fits = rest[np.cumsum(spent[rest]) <= money][:room]
        if not len(fits):
            break
        taken[fits] = True
        rest = rest[~taken[rest]]
    alone = np.flatnonzero(spent <= limit)
    if len(alone) and most != 0:
        one = alone[np.argmax(gain[alone])]
        if gain[one] > gain[taken].sum():
            taken = np.arange(len(gain)) == one
    return taken


def _bound(price: float, gain: np.ndarray, spent: np.ndarray, limit: float, most: int | None) -> float:
    """Profit that no list exceeds: the Lagrangian at a price of money."""
    left = np.sort(np.maximum(gain - price * spent, 0.0))[::-1]
    return float(left[:most].sum() + (price * limit if price > 0 else 0.0))


def _price_of_place(price: float, gain: np.ndarray, spent: np.ndarray, most: int | None) -> float:
    if most is None or most >= len(gain):
        return 0.0
    return max(float(np.sort(gain - price * spent)[::-1][most]), 0.0)


def per_money(gain: np.ndarray, spent: np.ndarray) -> np.ndarray:
    """Profit per unit of money, infinity where a contact costs nothing."""
    return np.divide(gain, spent, out=np.full(len(gain), np.inf), where=spent > 0)


def _empty_because(customers: int, gaining: int, picked: int, limit: float, most: int | None) -> str:
    if picked:
        return ""
    if not customers:
        return "There are no customers."
    if not gaining:
        return "No customer is expected to earn more than the contact costs."
    if most == 0:
        return "No contact can be made."
    if limit == 0:
        return "The budget is 0."
    return "The budget does not pay for a single contact that is expected to earn anything."


def limits_of(budget: float | None, places: int | None) -> tuple[float, int | None]:
    """Check the limits of a list; infinity for no budget."""
    limit = np.inf if budget is None else float(budget)
    if not limit >= 0:
        raise ParameterError(f"budget = {budget}", "0 or more", "correct it, or leave it out for no limit")
    if places is not None and not places >= 0:
        raise ParameterError(f"places = {places}", "0 or more", "correct it, or leave it out for no limit")
    return limit, None if places is None else int(places)


def profit_and_cost(customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Check the customers of a list; return their profits and costs."""
    for name in ("profit", "cost"):
        if name not in customers.columns:
            raise DataError(
                f"customers without {name}", "profit and cost per customer", "value the contacts first"
            )
    twice = customers.index.duplicated()
    if twice.any():
        refuse(twice, customers.index, "a customer who stands twice", "one row each", "keep one row")
    profit, cost = (customers[name].to_numpy("float64", na_value=np.nan) for name in ("profit", "cost"))
    refuse_some(~np.isfinite(profit), customers.index, profit, "profit", "a number", "leave them out")
    refuse_some(~(np.isfinite(cost) & (cost >= 0)), customers.index, cost, "cost", "0 or more", "correct it")
    return profit, cost
