"""One action per customer, chosen so that all together earn most within the limits: money, calls, letters.

This is a multiple-choice knapsack. Each limit gets a price; at the right prices every customer takes the action that is
worth most after paying them, and all limits are kept but for a few customers at the edge. Those few are settled
exactly. What the prices say is also a bound: no list can earn more, so the distance to the best list is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crmlib.analysis.actions.expected import ActionProfit
from crmlib.analysis.actions.knapsack import Knapsack
from crmlib.errors import DataError, ParameterError

#: Said where nothing is worth doing.
NONE_PAYS = "No action is expected to earn more than it costs with any customer."
_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class Choice:
    """The list that earns most within the limits.

    Attributes
    ----------
    chosen : ndarray of bool
        Which options are carried out; at most one per customer.
    profit : float
        Expected, of the list.
    bound : float
        Profit that no list within the limits can exceed.
    limits : DataFrame
        Indexed by ``limit``: ``available``, ``used``, ``worth`` (shadow price: what one more unit would earn; 0 where
        something is left over; NaN where the limit is too small for a single option).
    left_out : int
        Customers with an option worth doing for whom the limits left no room.
    nothing_because : str
        Sentence that says why nothing is done with anybody; empty if something is.
    """

    chosen: np.ndarray
    profit: float
    bound: float
    limits: pd.DataFrame
    left_out: int
    nothing_because: str

    @property
    def short_at_most(self) -> float:
        """How much more the best list within the limits could earn, at most."""
        return max(self.bound - self.profit, 0.0)


def best_actions(options: pd.DataFrame, limits: Mapping[str, float]) -> Choice:
    """Choose at most one option per customer, so that all together earn most within the limits.

    Parameters
    ----------
    options : DataFrame
        ``customer`` (any sortable key; rows of a customer need not stand together), ``profit`` (over doing nothing),
        and for each limit a column of that name: what the option takes of it, 0 or more.
    limits : mapping of str to float
        What there is of each, 0 or more; infinity for no limit.

    Returns
    -------
    Choice
        Never an option with a profit of 0 or less: what is left over is not spent.

    Raises
    ------
    DataError
        If a column is missing, or a number is missing or below 0.
    ParameterError
        If a limit is below 0.

    Notes
    -----
    Multiple-choice knapsack with several constraints (Kellerer, Pferschy & Pisinger 2004, Knapsack Problems, chapters 9
    and 11). The prices minimise the Lagrangian dual by cutting planes (Kelley 1960, Journal of the Society for
    Industrial and Applied Mathematics 8:703-712); its optimum is that of the linear relaxation, in which no more
    customers are split than there are limits. The list starts from the choices at those prices and is filled up; the
    customers who are nearly indifferent are then settled by an exact search (the core of the problem; Balas & Zemel
    1980, Operations Research 28:1130-1154). Equal customers are taken in the order of their keys, which
    `choose_actions` draws by lot. Definition of this project where it goes beyond.

    Examples
    --------
    >>> options = pd.DataFrame({"customer": ["A", "A", "B", "C"], "profit": [9.0, 7.0, 6.0, -1.0],
    ...                         "money": [5.0, 2.0, 3.0, 1.0]})
    >>> found = best_actions(options, {"money": 5.0})
    >>> found.chosen.tolist(), found.profit, found.bound
    ([False, True, True, False], 13.0, 13.0)
    >>> best_actions(options, {"money": 0.0}).nothing_because
    'There is not enough money for any action that is expected to earn something.'
    """
    names = tuple(limits)
    keys, profit, uses, given = _checked(options, limits)
    open_ends = np.isfinite(given)
    possible = np.flatnonzero((uses <= given[:, None] * (1 + _SLACK)).all(axis=0) & (profit > 0))
    # By customer, and within one by what the options are, so that the order of rows says nothing.
    own = possible[np.lexsort((*uses[:, possible], -profit[possible], keys[possible]))]
    problem = Knapsack.of(keys[own], profit[own], uses[np.ix_(open_ends, own)], given[open_ends])
    picked, prices, bound = problem.solve()
    chosen = np.zeros(len(keys), dtype=bool)
    chosen[own[picked]] = True
    worth = np.zeros(len(names))
    worth[open_ends] = prices
    asked = uses[:, profit > 0]
    shut = (asked > 0).any(axis=1) & ~((asked > 0) & (asked <= given[:, None] * (1 + _SLACK))).any(axis=1)
    worth[shut] = np.nan
    used = uses[:, chosen].sum(axis=1)
    table = pd.DataFrame(
        {"available": given, "used": used, "worth": worth}, index=pd.Index(names, name="limit", dtype="str")
    )
    gaining = len(np.unique(keys[profit > 0]))
    return Choice(
        chosen, float(profit[chosen].sum()), max(bound, float(profit[chosen].sum())), table,
        gaining - int(chosen.sum()), _because(keys, gaining, int(chosen.sum()), names, given, uses, profit),
    )  # fmt: skip


def choose_actions(profit: ActionProfit, limits: Mapping[str, float], seed: int = 0) -> Choice:
    """Choose the list of the month among the options worth doing.

    Parameters
    ----------
    profit : ActionProfit
        Of all options that are allowed.
    limits : mapping of str to float
        ``money`` and ``calls``; see `crmlib.analysis.actions.options.Options.uses`.
    seed : int
        Of the lot among customers who are worth the same, where the limits have no room for all of them.

    Returns
    -------
    Choice
        Of the options of `profit`, in their order.
    """
    worth = profit.table["worth_doing"].to_numpy(dtype=bool)
    options = profit.options.uses().assign(
        customer=profit.options.in_lot_order(seed), profit=profit.table["profit"]
    )
    found = best_actions(options[worth].reset_index(drop=True), limits)
    chosen = np.zeros(len(worth), dtype=bool)
    chosen[np.flatnonzero(worth)] = found.chosen
    because = found.nothing_because
    if len(worth) and not worth.any():
        because = NONE_PAYS
    return replace(found, chosen=chosen, nothing_because=because)


def _because(
    keys: np.ndarray,
    gaining: int,
    chosen: int,
    names: tuple,
    given: np.ndarray,
    uses: np.ndarray,
    profit: np.ndarray,
) -> str:
    if chosen:
        return ""
    if not len(keys):
        return "No customer is eligible for any action that could be valued."
    if not gaining:
        return NONE_PAYS
    short = [
        name for name, most, own in zip(names, given, uses, strict=True) if (own[profit > 0] > most).any()
    ]
    return f"There is not enough {' and not enough '.join(short)} for any action that is expected to earn something."


def _checked(options: pd.DataFrame, limits: Mapping[str, float]) -> tuple[np.ndarray, ...]:
    missing = [name for name in ("customer", "profit", *limits) if name not in options.columns]
    if missing:
        raise DataError(f"options without {missing[0]}", "customer, profit and a column per limit", "add it")
    for name, most in limits.items():
        if not most >= 0:
            raise ParameterError(f"{name} = {most}", "0 or more", "correct it, or give infinity for no limit")
    keys = options["customer"]
    numbers = keys.to_numpy() if keys.dtype.kind in "iu" else pd.factorize(keys, sort=True)[0]
    profit = options["profit"].to_numpy("float64", na_value=np.nan)
    uses = np.array([options[name].to_numpy("float64", na_value=np.nan) for name in limits])
    uses = uses.reshape(len(limits), len(options))
    if not np.isfinite(profit).all():
        raise DataError("an option without a profit", "a number for each", "value the options first")
    bad = ~(np.isfinite(uses) & (uses >= 0))
    if bad.any():
        which, where = np.argwhere(bad)[0]
        raise DataError(
            f"{tuple(limits)[which]} = {uses[which, where]:g} of an option", "0 or more", "correct it"
        )
    return numbers, profit, uses, np.array([float(most) for most in limits.values()])
