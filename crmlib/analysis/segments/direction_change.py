"""States of customers a period ago and now, by the same rules and with nothing but what was known on each day."""

from dataclasses import dataclass

import ibis

from crmlib.analysis.churn.activity import Activity, Tables
from crmlib.analysis.period import Period
from crmlib.analysis.segments.customer_features import features_on
from crmlib.analysis.segments.directions import (
    DirectionRules,
    Directions,
    direction_moves,
    direction_rules,
    directions,
)
from crmlib.analysis.segments.migration import Transitions
from crmlib.analysis.segments.period_pairs import profit_once_won, reaches_back
from crmlib.analysis.segments.voices import voices_on
from crmlib.errors import TooLittleData


@dataclass(frozen=True)
class DirectionChange:
    """Who moved from which direction into which.

    Attributes
    ----------
    before, after : Directions
        At the end of the period before, and of the period. The later one need not equal today's states by value
        ahead: value here is what is known in the same way on both days.
    moves : Transitions
    rules : DirectionRules
        Of the earlier day.
    known, now : Period
        The two periods.
    """

    before: Directions
    after: Directions
    moves: Transitions
    rules: DirectionRules
    known: Period
    now: Period


def direction_change(
    tables: Tables,
    activity: Activity,
    lines: ibis.Table,
    period: Period,
    top_share: float = 0.2,
    window_days: int = 90,
    silent_days: int = 365,
    level: float = 0.95,
) -> DirectionChange:
    """Put customers into their state at the end of a period and of the one before.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None; `crmlib.intake.Data.table` is one.
    activity : Activity
        As returned by `crmlib.analysis.churn.activity.customer_activity`.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    period : Period
        The later one.
    top_share, window_days, silent_days
        As for `crmlib.analysis.segments.directions.direction_rules`.
    level : float
        Level of the intervals of the moves.

    Returns
    -------
    DirectionChange

    Raises
    ------
    TooLittleData
        If the data do not reach back two periods, or nobody was worth anything in the first.

    Notes
    -----
    Value is the profit of the period, before the cost of winning the customer, times the chance to be still a
    customer (``expected_profit``), or ``profit`` alone where no model of buying can be fitted on one of the days. It
    is known on both days, which the value ahead by notebook 04 is not. Cut-offs are those of the earlier day, in money.
    Definition of this project.
    """
    known = period.previous()
    if not reaches_back(activity, known):
        raise TooLittleData(
            f"data from {activity.first}",
            f"data from {known.first} on, for two periods",
            "take a shorter period",
        )
    days = []
    for one in (known, period):
        features = features_on(tables, activity, one)
        profit = profit_once_won(tables, lines, one).reindex(features.index).fillna(0.0)
        features["profit"] = profit
        if "active_chance" in features:
            features["expected_profit"] = (profit * features["active_chance"]).round(6)
        days.append(features)
    value = "expected_profit" if all("expected_profit" in one for one in days) else "profit"
    rules = direction_rules(days[0], value, top_share, window_days, silent_days)
    found = []
    for features, one in zip(days, (known, period), strict=True):
        said = voices_on(tables, one.last)
        found.append(directions(features, rules, said.customers, said.missing))
    before, after = found
    return DirectionChange(before, after, direction_moves(before, after, level), rules, known, period)
