"""What customers are worth from here on: expected, and with how much doubt.

Value is discounted expected purchases times money per purchase. Two kinds of doubt are kept
apart: about the parameters, which all customers share, so that it does not average out over
the base; and about each customer, who may leave tomorrow or stay, which does.
"""

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.spend.money import MoneyPerPurchase
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.errors import ParameterError

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
    expected : Series
        Expected value of ``all`` customers and of each group asked for.
    drawn : DataFrame of shape (n_draws, n_groups)
        Drawn values of ``all`` customers and of each group asked for, both kinds of doubt.
    drawn_parameters : DataFrame of shape (n_draws, n_groups)
        Expected values under the drawn parameters: doubt about the parameters alone.
    schedule : Schedule
        Horizon, periods, rate and timing.
    level : float
        Level of the intervals.
    """

    customers: pd.DataFrame
    expected: pd.Series
    drawn: pd.DataFrame
    drawn_parameters: pd.DataFrame
    schedule: Schedule
    level: float

    @property
    def sums(self) -> dict[str, Doubt]:
        """Value and intervals of ``all`` customers and of each group."""
        tails = [(1 - self.level) / 2, (1 + self.level) / 2]
        both, shared = self.drawn.quantile(tails), self.drawn_parameters.quantile(tails)
        return {
            name: Doubt(float(self.expected[name]), *both[name].tolist(), *shared[name].tolist())
            for name in self.expected.index
        }


def together(parts: Sequence[Values]) -> Values:
    """Put the values of several strata of customers together, each valued by a model of its own.

    The strata have the same groups. Draws with the same number belong together: those of purchases are independent
    between strata, those of money may be shared.
    """
    first = parts[0]
    customers = pd.concat([part.customers for part in parts]).sort_index()
    sums = [
        functools.reduce(operator.add, [getattr(part, name) for part in parts])
        for name in ("expected", "drawn", "drawn_parameters")
    ]
    return Values(customers, *sums, first.schedule, first.level)


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
    money_draws: Sequence[MoneyPerPurchase] | None = None,
) -> Values:
    """Put a value with an interval on each customer, on groups of customers and on all.

    For each draw of the parameters one future of each customer is drawn: whether active, how
    often buying, how much per purchase. Sums over customers keep what all share.

    Parameters
    ----------
    model : LatentAttrition
        Fitted; its estimates give the expected values.
    draws : DataFrame of shape (n_draws, n_parameters)
        As in `crmlib.analysis.clv.fitting.posterior.Posterior`; a few hundred are enough for 95 %.
    money : MoneyPerPurchase
        Fitted; its estimates give the expected values.
    customers : DataFrame
        Histories with the columns both models read.
    schedule : Schedule
        The purchases of a drawn future are discounted by the customer's expected discount.
    rng : numpy.random.Generator
    groups : mapping of str to ndarray of bool, shape (n_customers,), optional
        Groups to add up.
    level : float
    money_draws : sequence of MoneyPerPurchase, optional
        The same model with drawn parameters, one per row of `draws`; see
        `crmlib.analysis.clv.worth.drawn_money.drawn_money`. Without them, its parameters are taken as known.

    Returns
    -------
    Values

    Raises
    ------
    ParameterError
        If there are no draws of the model's parameters, a group is called ``all`` or does not tell of each
        customer whether it is a member, the level is no probability, or draws of parameters and of money
        differ in number.
    """
    _check_options(model, draws, len(customers), groups or {}, level)
    moneys = [money] * len(draws) if money_draws is None else list(money_draws)
    if len(moneys) != len(draws):
        raise ParameterError(
            f"{len(moneys)} draws of money beside {len(draws)} of purchases",
            "as many of both",
            "draw them so",
        )
    found = expected_values(model, money, customers, schedule)
    parts = {"all": np.ones(len(customers), dtype=bool), **(groups or {})}
    members = np.stack([np.asarray(mask, dtype=bool) for mask in parts.values()])
    tails = [(1 - level) / 2, (1 + level) / 2]
    models = [model.with_params(row) for row in draws[list(model.names)].to_numpy()]
    seeds = rng.integers(0, 2**63, len(draws))
    orders = found["orders"].to_numpy()
    discount = np.divide(
        found["discounted_orders"].to_numpy(), orders, out=np.ones(len(found)), where=orders > 0
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
            futures[number] = discount[part] * moneys[number].draw_sums(block, made, own)
            sums[number] += inside @ futures[number].astype("float64")
        low[part], high[part] = np.quantile(futures, tails, axis=0)
    found["low"], found["high"] = low, high
    names = list(parts)
    value = pd.Series(members @ found["value"].to_numpy(), index=names, name="value")
    moved = _by_parameters(
        [(model, money), *zip(models, moneys, strict=True)], discount, customers, members, schedule
    )
    return Values(
        found,
        value,
        pd.DataFrame(sums, columns=names),
        pd.DataFrame(value.to_numpy() + moved, columns=names),
        schedule,
        level,
    )


def _by_parameters(
    pairs: Sequence[tuple[LatentAttrition, MoneyPerPurchase]],
    discount: np.ndarray,
    customers: pd.DataFrame,
    members: np.ndarray,
    schedule: Schedule,
) -> np.ndarray:
    """Return by how much drawn models of purchases and money move the value, per draw and part.

    From some thousand customers of each part. The first of the `pairs` are the estimates; `discount` is that of
    each customer's purchases.
    """
    # One customer in so many of a part stands for all of it, whoever is looked at for another part.
    weight = np.zeros(members.shape)
    for part, mask in enumerate(members):
        inside = np.flatnonzero(mask)
        picked = inside[:: max(1, len(inside) // _SAMPLE)]
        weight[part, picked] = len(inside) / max(len(picked), 1)
    looked_at = weight.any(axis=0)
    sample, own = customers[looked_at], weight[:, looked_at] * discount[looked_at]
    worths = {}

    def total(model: LatentAttrition, money: MoneyPerPurchase) -> np.ndarray:
        if id(money) not in worths:
            worths[id(money)] = money.predict(sample).to_numpy()
        return own @ (model.predict_orders(sample, schedule.horizon).to_numpy() * worths[id(money)])

    now, *drawn = (total(*pair) for pair in pairs)
    return np.stack(drawn) - now


def _check_options(
    model: LatentAttrition,
    draws: pd.DataFrame,
    n_customers: int,
    groups: Mapping[str, np.ndarray],
    level: float,
) -> None:
    if not 0 < level < 1:
        raise ParameterError(f"level = {level}", "a probability between 0 and 1", "correct it")
    if len(draws) == 0 or set(model.names) - set(draws.columns):
        raise ParameterError(
            f"{len(draws)} draws of {', '.join(map(str, draws.columns))}",
            f"one or more draws of {', '.join(model.names)}",
            "draw them with crmlib.analysis.clv.fitting.posterior.draw_posterior",
        )
    for name, mask in groups.items():
        if name == "all" or np.shape(mask) != (n_customers,):
            raise ParameterError(
                f"group {name!r} with {np.size(mask):,} entries",
                f"a name other than 'all', and {n_customers:,} entries, one per customer",
                "correct it",
            )
