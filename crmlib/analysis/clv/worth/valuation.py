"""From histories to the value of a base: the chosen forecast, customers in strata, several horizons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.clv import discounting
from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.spend.money import OwnRates
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.clv.trust.by_group import known_groups
from crmlib.analysis.clv.trust.choose import Choice, choose_model
from crmlib.analysis.clv.trust.hold_out import MODELS
from crmlib.analysis.clv.worth.simple_values import Rehearsed, simple_values
from crmlib.analysis.clv.worth.spending import Campaign
from crmlib.analysis.clv.worth.strata import Stratum, alive_by_strata, fit_strata, values_of
from crmlib.analysis.clv.worth.value import Values, expected_values
from crmlib.errors import TooLittleData

_ORIGINS = (2, 1)
_PARTS = (1.0, 2 / 3, 0.5, 1 / 3)
_SHORTEST = 60
_DAYS_PER_MONTH = discounting.DAYS_PER_YEAR / 12


@dataclass(frozen=True)
class Worth:
    """The value of a base, by the forecast that is trusted.

    Attributes
    ----------
    customers : DataFrame
        ``alive``, ``orders``, ``discounted_orders``, ``money``, ``value``, ``low``, ``high``, by customer.
    months : int
        How far ahead.
    values : Values or None
        With intervals of sums; None by a simple forecast.
    strata : list of Stratum
        The models and their customers; empty by a simple forecast.
    rehearsed : Rehearsed or None
        How far a simple forecast was off; None by a model.
    """

    customers: pd.DataFrame
    months: int
    values: Values | None
    strata: list[Stratum]
    rehearsed: Rehearsed | None = None

    @property
    def total(self) -> float:
        """Value of all customers."""
        return float(self.values.expected["all"]) if self.values else float(self.customers["value"].sum())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the total: of what a model draws, or as far off as a simple forecast was when rehearsed."""
        if self.values:
            doubt = self.values.sums["all"]
            return doubt.low, doubt.high
        return self.rehearsed.of_total(self.total)


def rehearsed(
    lines: ibis.Table, as_of: date, horizon_days: int, seed: int = 1, people: ibis.Table | None = None
) -> Choice | None:
    """Compare all forecasts on days that have passed, over the longest horizon the data allow.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    as_of : datetime.date
        Last known day.
    horizon_days : int
        Horizon wanted. Where the data do not reach back far enough for it, two thirds, a half or a
        third of it are tried, but not less than 60 days; and one rehearsal where there are no two.
    seed : int
    people : ibis.Table, optional
        The checked table ``customers``: regions and channels that the best model is fitted to, too.

    Returns
    -------
    Choice or None
        None where the data hold too little for any rehearsal.
    """
    groups = known_groups(people)
    for part in _PARTS:
        days = round(part * horizon_days)
        for origins in _ORIGINS:
            if days < _SHORTEST:
                continue
            try:
                return choose_model(lines, as_of, days, origins, groups=groups, seed=seed)
            except TooLittleData:
                continue
    return None


def model_of(choice: Choice | None) -> LatentAttrition:
    """Return the chosen model, not fitted; the best model if a simple forecast won; else MBG/NBD."""
    return MODELS[choice.model]() if choice and choice.model else MBGNBD()


def reach_days(choice: Choice | None, schedule: Schedule) -> float:
    """Return how many days ahead values reach: the schedule, or as far as a simple forecast was rehearsed."""
    return schedule.horizon if choice is None or choice.is_model else float(choice.latest.horizon_days)


def value_base(
    choice: Choice | None,
    customers: pd.DataFrame,
    before: pd.Series,
    money: OwnRates,
    schedule: Schedule,
    lines: ibis.Table,
    as_of: date,
    seed: int,
    n_draws: int = 200,
    people: ibis.Table | None = None,
) -> Worth:
    """Value all customers by the forecast that is trusted.

    Parameters
    ----------
    choice : Choice or None
        As returned by `rehearsed`. A model, or none at all, gives values over the whole horizon, with intervals from
        its draws; a simple forecast as far ahead as it was rehearsed, with intervals from its rehearsals. Then chances
        to be active are those of the best model, and have no part in the values.
    customers : DataFrame
        Histories, with what `money` reads.
    before : Series of bool
        Who began before the data: a stratum of their own.
    money : OwnRates
        Fitted.
    schedule : Schedule
    lines : ibis.Table
    as_of : datetime.date
    seed : int
    n_draws : int
        Draws of the parameters and of futures.
    people : ibis.Table, optional
        The checked table ``customers``, where the choice is a model told apart by group.
    """
    names = before.map({True: "before", False: "since"})
    if choice is not None and not choice.is_model:
        days, learnt = choice.latest.horizon_days, Rehearsed.of(choice.hold_outs, choice.chosen)
        found = simple_values(
            choice.chosen, lines, as_of, days, money, customers, schedule.annual_rate, learnt
        )
        found.insert(0, "alive", alive_by_strata(model_of(choice), customers, names))
        return Worth(found, round(days / _DAYS_PER_MONTH), None, [], learnt)
    rng = np.random.default_rng(seed)
    groups = known_groups(people)[choice.group] if choice and choice.group else None
    strata = fit_strata(model_of(choice), customers, names, rng, n_draws, groups=groups)
    values = values_of(strata, money, schedule, rng)
    found = values.customers.reindex(customers.index)
    return Worth(found, round(schedule.horizon / _DAYS_PER_MONTH), values, strata)


def over(worth: Worth, money: OwnRates, schedule: Schedule) -> pd.DataFrame:
    """Value the customers of a worth over another schedule, expected values alone.

    Raises
    ------
    TooLittleData
        If the values are those of a simple forecast, which is not carried further than it was rehearsed.
    """
    if not worth.strata:
        raise TooLittleData(
            f"values of a simple forecast, {worth.months} months ahead", "values by a model",
            "keep to that horizon, or value the customers by a model",
        )  # fmt: skip
    parts = [expected_values(one.model, money, one.customers, schedule) for one in worth.strata]
    return pd.concat(parts).reindex(worth.customers.index)


def alternatives(
    worth: Worth, customers: pd.DataFrame, money: OwnRates, schedule: Schedule
) -> dict[str, pd.Series]:
    """Return the value of each customer under other assumptions, the ones used here first.

    Half and double the discount rate, a year and five years, and net sales in place of contribution.
    """
    base = worth.customers["value"]
    spend = money.spend.predict_money(customers).reindex(base.index)
    sales = (worth.customers["discounted_orders"] * spend).rename("value")
    found = {"As here": base}
    if worth.strata:
        rate, horizon = schedule.annual_rate, schedule.horizon
        for label, days, annual in (
            ("Half the discount rate", horizon, rate / 2),
            ("Double the discount rate", horizon, 2 * rate),
            ("12 months", discounting.DAYS_PER_YEAR, rate),
            ("60 months", 5 * discounting.DAYS_PER_YEAR, rate),
        ):
            found[label] = over(worth, money, Schedule.until(days, annual))["value"]
    return found | {"Net sales in place of contribution": sales}


def saved_values(
    worth: Worth, money: OwnRates, months: Sequence[int], annual_rate: float, campaign: Campaign | None
) -> pd.DataFrame:
    """Lay out one row per customer for other notebooks.

    Returns
    -------
    DataFrame
        ``customer_id``, ``basis`` ("model", or "simple forecast": then ``alive`` has no part in the values), ``alive``,
        ``contribution_per_purchase``; for each horizon of so many months ``orders_N``,
        ``contribution_N`` (not discounted) and ``value_N``; for the horizon of the worth also ``low_N`` and
        ``high_N`` (95 %); and ``at_stake`` and ``contact`` where a campaign was valued.
    """
    own = worth.customers
    basis = pd.Series("model" if worth.values else "simple forecast", own.index)
    found = {"basis": basis, "alive": own["alive"], "contribution_per_purchase": own["money"]}
    for number in sorted({*months, worth.months} if worth.strata else {worth.months}):
        if number == worth.months:
            part = own
        else:
            part = over(worth, money, Schedule.until(number * _DAYS_PER_MONTH, annual_rate))
        found[f"orders_{number}"] = part["orders"]
        found[f"contribution_{number}"] = part["orders"] * part["money"]
        found[f"value_{number}"] = part["value"]
        if number == worth.months:
            found |= {f"low_{number}": own["low"], f"high_{number}": own["high"]}
    if campaign is not None:
        found |= {name: campaign.customers[name] for name in ("at_stake", "contact")}
    return pd.DataFrame(found).rename_axis("customer_id").reset_index()
