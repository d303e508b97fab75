"""Ways to choose whom to treat, valued alike: nobody, everyone, by risk, by value at risk, by expected profit."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlib.analysis.actions.choice import Choice
from crmlib.analysis.actions.expected import ActionProfit
from crmlib.analysis.actions.keeping import horizon
from crmlib.analysis.actions.knapsack import fitting
from crmlib.analysis.actions.offer import by_customer
from crmlib.analysis.actions.rates import NOT_PROVEN
from crmlib.analysis.targeting.value_kept import by_model, value_if_kept

NOBODY, EVERYONE, RISK, AT_RISK, BEST = "nobody", "everyone", "risk", "value at risk", "expected profit"


def compare_policies(
    profit: ActionProfit, limits: Mapping[str, float], best: Choice, risk: pd.Series, value: pd.Series
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Value several ways to choose whom to treat within the same limits.

    Parameters
    ----------
    profit : ActionProfit
        Of all options that are allowed.
    limits : mapping of str to float
        As for `crmlib.analysis.actions.choice.choose_actions`.
    best : Choice
        The list that earns most, of these options.
    risk, value : Series
        Chance to be lost and value if kept, by customer; who has none stands last.

    Returns
    -------
    table : DataFrame
        Indexed by ``list``, as `ActionProfit.totals` returns it.
    lists : dict of str to ndarray of bool
        Which options are on each list.

    Notes
    -----
    All lists choose among the same options: no action that tests have closed, and no option that would gain by its mean
    and is not worth doing because its doubt is too large. So no list within the limits can earn more than the best one.
    "everyone" gives each customer the option with the highest expected profit among these, losses included, and keeps
    to no limit. The lists by risk do the same from the top of their ranks until a limit is reached: that is how such
    lists are used.
    """
    options = profit.options
    own = profit.table["profit"].to_numpy()
    customer = options.table["customer"].to_numpy()
    closed = (profit.rates["verdict"] == NOT_PROVEN).reindex(options.actions).to_numpy(dtype=bool)
    worth = profit.table["worth_doing"].to_numpy(dtype=bool)
    open_to_all = ~closed[options.table["action"].to_numpy()] & (worth | (own <= 0))
    top = np.lexsort((np.arange(len(own)), -own, customer))
    top = top[open_to_all[top]]
    first = np.ones(len(top), dtype=bool)
    first[1:] = customer[top[1:]] != customer[top[:-1]]
    each = top[first]
    lists = {BEST: best.chosen}
    chance = risk.reindex(options.customers).to_numpy("float64")[customer[each]]
    stake = chance * value.reindex(options.customers).to_numpy("float64")[customer[each]]
    room = np.array([float(most) for most in limits.values()])
    taken = options.uses()[list(limits)].to_numpy("float64").T
    for name, key in ((AT_RISK, stake), (RISK, chance)):
        known = each[np.isfinite(key)]
        ranked = known[np.argsort(-key[np.isfinite(key)], kind="stable")]
        lists[name] = _mask(len(own), ranked[fitting(taken[:, ranked], room)])
    lists[EVERYONE] = _mask(len(own), each)
    lists[NOBODY] = np.zeros(len(own), dtype=bool)
    return profit.totals(lists), lists


def risk_and_value(saved: Mapping[str, pd.DataFrame | None]) -> tuple[pd.Series, pd.Series]:
    """Chance to be lost and value if kept, by ``customer_id``, as far as other notebooks know them.

    Parameters
    ----------
    saved : mapping of str to DataFrame or None
        Tables of other notebooks by name: ``churn`` comes first, ``lifetime_value`` speaks for everybody else; of
        a simple forecast it says no value if kept.

    Examples
    --------
    >>> saved = {"lifetime_value": pd.DataFrame({"customer_id": ["A"], "alive": [0.8], "value_12": [40.0]})}
    >>> [series.round(6).to_dict() for series in risk_and_value(saved)]
    [{'A': 0.2}, {'A': 50.0}]
    """
    risk, value = (pd.Series(dtype="float64") for _ in range(2))
    churn, lifetime = saved.get("churn"), saved.get("lifetime_value")
    if churn is not None:
        own = by_customer(churn)
        risk, value = own["churn_probability"], own["worth_if_kept"]
    if lifetime is not None and lifetime["alive"].notna().all():
        risk = risk.combine_first(1 - by_customer(lifetime)["alive"])
        if by_model(lifetime):
            value = value.combine_first(value_if_kept(lifetime, horizon(lifetime)))
    return risk, value


def _mask(size: int, positions: np.ndarray) -> np.ndarray:
    found = np.zeros(size, dtype=bool)
    found[positions] = True
    return found
