"""What customers are worth from here on: expected, and with how much doubt.

Value is discounted expected purchases times money per purchase. Two kinds of doubt are kept
apart: about the parameters, which all customers share, so that it does not average out over
the base; and about each customer, who may leave tomorrow or stay, which does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.clv.attrition import LatentAttrition
from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.money import MoneyPerPurchase

_BLOCK = 20_000
_SAMPLE = 5_000


@dataclass(frozen=True)
class Doubt:
    """The interval of one sum of values, split by where the doubt comes from.

    Attributes
    ----------
    value : float
        Expected.
    low, high : float
        Interval with both kinds of doubt.
    low_parameters, high_parameters : float
        Interval with doubt about the parameters alone.
    """

    value: float
    low: float
    high: float
    low_parameters: float
    high_parameters: float


@dataclass(frozen=True)
class Values:
    """Values of all customers over one horizon.

    Attributes
    ----------
    customers : DataFrame
        Indexed like the histories: ``alive`` (probability to be active now), ``orders`` (expected
        purchases within the horizon), ``discounted_orders``, ``money`` (expected per purchase),
        ``value`` (the product of the two before), ``low`` and ``high`` (interval of what the customer
        may bring, both kinds of doubt).
    sums : dict of str to Doubt
        For ``all`` customers and for each group asked for.
    schedule : Schedule
        Horizon, periods, rate and timing.
    level : float
        Level of the intervals.
    """

    customers: pd.DataFrame
    sums: dict[str, Doubt]
    schedule: Schedule
    level: float


def expected_values(
    model: LatentAttrition,
    money: MoneyPerPurchase,
    customers: pd.DataFrame,
    schedule: Schedule,
) -> pd.DataFrame:
    """Put a value on each customer at the estimates, without intervals.

    Parameters
    ----------
    model : LatentAttrition
        Fitted.
    money : MoneyPerPurchase
        Fitted.
    customers : DataFrame
        Histories with the columns both models read.
    schedule : Schedule

    Returns
    -------
    DataFrame
        ``alive``, ``orders``, ``discounted_orders``, ``money``, ``value``.
    """
    found = pd.DataFrame(
        {
            "alive": model.predict_alive(customers),
            "orders": model.predict_orders(customers, schedule.horizon),
            "discounted_orders": model.discounted_orders(customers, schedule),
            "money": money.predict(customers),
        }
    )
    return found.assign(value=found["discounted_orders"] * found["money"])


def customer_values(
    model: LatentAttrition,
    draws: pd.DataFrame,
    money: MoneyPerPurchase,
    customers: pd.DataFrame,
    schedule: Schedule,
    rng: np.random.Generator,
    groups: Mapping[str, np.ndarray] | None = None,
    level: float = 0.95,
) -> Values:
    """Put a value with an interval on each customer, on groups of customers and on all.

    For each draw of the parameters one future of each customer is drawn: whether active, how
    often buying, how much per purchase. Sums over customers keep what all share.

    Parameters
    ----------
    model : LatentAttrition
        Fitted; its estimates give the expected values.
    draws : DataFrame of shape (n_draws, n_parameters)
        As in `crmlib.analysis.clv.posterior.Posterior`; a few hundred are enough for 95 %.
    money : MoneyPerPurchase
        Fitted. Its own parameters are taken as known: their part in the doubt is small beside that of
        the customers.
    customers : DataFrame
        Histories with the columns both models read.
    schedule : Schedule
        The purchases of a drawn future are discounted by the customer's expected discount.
    rng : numpy.random.Generator
    groups : mapping of str to ndarray of bool, shape (n_customers,), optional
        Groups to add up.
    level : float

    Returns
    -------
    Values
    """
    found = expected_values(model, money, customers, schedule)
    parts = {"all": np.ones(len(customers), dtype=bool), **(groups or {})}
    members = np.stack([np.asarray(mask, dtype=bool) for mask in parts.values()])
    tails = [(1 - level) / 2, (1 + level) / 2]
    models = [model.with_params(row) for row in draws.to_numpy()]
    seeds = rng.integers(0, 2**63, len(draws))
    orders = found["orders"].to_numpy()
    discount = np.divide(
        found["discounted_orders"], orders, out=np.ones(len(found)), where=orders > 0, dtype="float64"
    )
    sums = np.zeros((len(draws), len(parts)))
    low, high = np.empty(len(customers)), np.empty(len(customers))
    for start in range(0, len(customers), _BLOCK):
        part = slice(start, start + _BLOCK)
        block, inside = customers.iloc[part], members[:, part].astype("float64")
        futures = np.empty((len(draws), len(block)), dtype=np.float32)
        for number, drawn in enumerate(models):
            own = np.random.default_rng([seeds[number], start])
            made = drawn.draw_futures(block, [schedule.horizon], own)[:, 0]
            futures[number] = discount[part] * money.draw_sums(block, made, own)
            sums[number] += inside @ futures[number].astype("float64")
        low[part], high[part] = np.quantile(futures, tails, axis=0)
    found["low"], found["high"] = low, high
    value = members @ found["value"].to_numpy()
    both = np.quantile(sums, tails, axis=0)
    shared = value * np.quantile(
        _by_parameters(model, models, found, customers, members, schedule), tails, axis=0
    )
    shared.sort(axis=0)
    doubts = {
        name: Doubt(*map(float, (value[i], *both[:, i], *shared[:, i]))) for i, name in enumerate(parts)
    }
    return Values(found, doubts, schedule, level)


def _by_parameters(
    model: LatentAttrition,
    models: list[LatentAttrition],
    found: pd.DataFrame,
    customers: pd.DataFrame,
    members: np.ndarray,
    schedule: Schedule,
) -> np.ndarray:
    """Return by what factor the parameters move the value, per draw and part, from some thousand customers."""
    picked = np.zeros(len(customers), dtype=bool)
    for mask in members:
        inside = np.flatnonzero(mask)
        picked[inside[:: max(1, len(inside) // _SAMPLE)]] = True
    sample, own = customers[picked], members[:, picked].astype("float64")
    money = found["money"].to_numpy()[picked]

    def total(of: LatentAttrition) -> np.ndarray:
        return own @ (of.predict_orders(sample, schedule.horizon).to_numpy() * money)

    now = total(model)
    moved = np.stack([total(drawn) for drawn in models])
    return np.divide(moved, now, out=np.ones_like(moved), where=now != 0)
