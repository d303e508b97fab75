"""Neighbouring periods in pairs: customers as known at the end of one, and what they brought in the next."""

from dataclasses import dataclass

import ibis
import pandas as pd

from crmlib.analysis.churn.activity import Activity, Tables
from crmlib.analysis.period import Period
from crmlib.analysis.profitability import profit_in
from crmlib.analysis.segments.customer_features import features_on

#: Part of a period that may lie before the first line in the data.
_MISSING = 0.05


@dataclass(frozen=True)
class Pair:
    """Customers as known at the end of one period, and what they brought in the next.

    Attributes
    ----------
    features : DataFrame
        As `crmlib.analysis.segments.customer_features.features_on` returns it, of customers who bought in `known`;
        ``money`` is their profit then.
    later : Series of float
        Profit in `next`, same index; 0 for those who stayed away.
    known, next : Period
    """

    features: pd.DataFrame
    later: pd.Series
    known: Period
    next: Period


def reaches_back(activity: Activity, period: Period) -> bool:
    """Say whether the data cover a period: they begin before it, or within its first twentieth.

    A shop that was closed on the first days of a period has nevertheless been seen for all of it.
    """
    days = (period.last - period.first).days + 1
    return (activity.first - period.first).days <= _MISSING * days


def next_period_pairs(
    tables: Tables, activity: Activity, lines: ibis.Table, period: Period
) -> tuple[Pair, Pair | None]:
    """Lay out two neighbouring pairs of periods: the one to be tried on, and the one before it to learn from.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None; `crmlib.intake.Data.table` is one.
    activity : Activity
        As returned by `crmlib.analysis.churn.activity.customer_activity`.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    period : Period
        The last one; what is foretold.

    Returns
    -------
    tuple of Pair
        The later pair, and the earlier one or None if the data do not reach back three periods.

    Notes
    -----
    Profit is gross margin less the cost to serve where events and cost rates are there, else gross margin; the cost of
    winning a customer is left out, since these were won before.
    """
    middle = period.previous()
    first = middle.previous()
    earlier = _pair(tables, activity, lines, first, middle) if reaches_back(activity, first) else None
    return _pair(tables, activity, lines, middle, period), earlier


def _pair(tables: Tables, activity: Activity, lines: ibis.Table, known: Period, after: Period) -> Pair:
    features = features_on(tables, activity, known)
    features = features[features["frequency"] > 0]
    money, later = (
        profit_once_won(tables, lines, one).reindex(features.index).fillna(0.0) for one in (known, after)
    )
    return Pair(features.assign(money=money), later.rename("later"), known, after)


def profit_once_won(tables: Tables, lines: ibis.Table, period: Period) -> pd.Series:
    """Profit of each customer in a period, before the cost of winning, which is past; see `next_period_pairs`."""
    found = profit_in(tables, lines, period)
    return (found["profit"] + found["acquisition_cost"]).round(6)
