"""What the notebook on segments starts from: what is known of the customers, and whether the saved tables fit."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd

from crmlib.analysis.churn.activity import Activity, Tables
from crmlib.analysis.churn.rhythm import purchase_rhythm
from crmlib.analysis.churn.windows import choose_windows
from crmlib.analysis.ledger import Ledger
from crmlib.analysis.period import DAYS_PER_MONTH, Period
from crmlib.analysis.segments.customer_features import COLUMNS, CustomerFeatures
from crmlib.analysis.segments.period_pairs import reaches_back
from crmlib.analysis.survival.losses_seen import kind_of_loss
from crmlib.display.prose import Sentence
from crmlib.display.shown import Shown
from crmlib.display.workbook import Workbook
from crmlib.errors import DataError, TooLittleData

#: Names of columns in tables, shorter than their meaning.
NAMES = {
    "profit": "Profit",
    "money": "Gross margin",
    "value_ahead": "Value ahead",
    "churn_probability": "Chance to stay away",
    "active_chance": "Chance to be a customer",
    "categories": "Categories bought",
    "frequency": "Purchase days",
    "recency_days": "Days since the last purchase",
    "web_share": "Share bought on the web",
    "cost_to_serve_share": "Cost to serve, share of sales",
}
_CENT = 0.01


def refuse_another_period(profits: pd.DataFrame, book: Ledger) -> None:
    """Stop if the saved profits are of another period than the one asked for.

    Raises
    ------
    DataError
        If net sales of the saved table and of the ledger of the period differ by more than a cent.
    """
    saved, own = float(profits["net_sales"].sum()), float(book.customers["net_sales"].sum())
    if abs(saved - own) > _CENT + 1e-9 * abs(own):
        raise DataError(
            f"profits of another period: net sales of {saved:,.2f}, where the period has {own:,.2f}",
            "the same period_months here and in 02_profitability",
            "set period_months to the same number in both, and run 02_profitability again",
        )


def data(wb: Workbook, known: CustomerFeatures, active: pd.DataFrame, people: int) -> Sentence:
    """Say how many customers there are, and how many of them bought in the period."""
    return wb.cases(
        (len(active) < people,
         "**{all:count} customers** have bought so far; **{n:count}** of them bought in the period ({span}). Groups "
         "are made of these. The other {rest:count} are called inactive: no purchase in the period, whatever they may "
         "do next."),
        (True, "**{n:count} customers** have bought so far, all of them in the period ({span})."),
        all=people, n=len(active), rest=people - len(active), span=str(known.period),
    )  # fmt: skip


def missing(wb: Workbook, known: CustomerFeatures) -> list[Shown]:
    """Say in one line what is not known of any customer; nothing where all is."""
    absent = [name for name in NAMES if name in known.missing.index]
    if not absent:
        return []
    words = ", ".join(COLUMNS[name][0][:1].lower() + COLUMNS[name][0][1:] for name in absent)
    needs = "; ".join(dict.fromkeys(COLUMNS[name][1] for name in absent))
    return [wb.left_out(words, f"It needs {needs}.")]


def value_cut(asked: float, value: pd.Series, earlier: pd.DataFrame | None) -> float:
    """Return the cut-off of value: as asked for, as in the last report, or the mean in round numbers.

    Parameters
    ----------
    asked : float
        0 for one taken from the data.
    value : Series of float
        Value of the active customers.
    earlier : DataFrame or None
        Rows of earlier reports with ``value_cut`` and ``run_as_of``: a cut-off once taken from the data stays, so that
        customers move and not the line.

    Examples
    --------
    >>> value_cut(0.0, pd.Series([10.0, 92.0]), None), value_cut(75.0, pd.Series([10.0]), None)
    (51.0, 75.0)
    """
    if asked:
        return float(asked)
    if earlier is not None and {"value_cut", "run_as_of"} <= set(earlier.columns):
        kept = earlier.dropna(subset=["value_cut"]).sort_values("run_as_of", kind="stable")["value_cut"]
        if len(kept):
            return float(kept.iloc[-1])
    return float(f"{max(float(value.mean()), 0.0):.2g}")


def attempt(function: Callable[..., Any], *given: Any, **named: Any) -> tuple[Any, str]:
    """Call a function that refuses thin data; return what it found, or None and why, as a sentence.

    Examples
    --------
    >>> from crmlib.analysis.segments.customer_numbers import refuse_few
    >>> attempt(refuse_few, 3, 5, "5 groups")
    (None, 'Found: 3 customers. Expected: at least 5 for 5 groups.')
    """
    try:
        return function(*given, **named), ""
    except TooLittleData as refusal:
        return None, f"Found: {refusal.found}. Expected: {refusal.expected}."


def away_days(tables: Tables, activity: Activity, as_of: date) -> int:
    """Return the days that the chance to stay away is about: a year of contracts, else the outcome window of silence.

    Raises
    ------
    TooLittleData
        If windows are longer than the data.
    """
    signed = tables("contracts")
    signed = signed.execute() if signed is not None else None
    if kind_of_loss(signed, pd.Series(activity.ids), as_of).kind == "contractual":
        return int(12 * DAYS_PER_MONTH)
    return choose_windows(purchase_rhythm(activity), activity.first, as_of).outcome_days


def periods_back(period: Period, activity: Activity, most: int) -> list[Period]:
    """Return the periods before, the latest first, as far as the data reach.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> days = SimpleNamespace(first=date(2024, 7, 1))
    >>> [str(one) for one in periods_back(Period.ending(date(2026, 6, 30), 12), days, 3)]
    ['1 July 2024 to 30 June 2025']
    """
    found: list[Period] = []
    while len(found) < most:
        one = (found[-1] if found else period).previous()
        if not reaches_back(activity, one):
            break
        found.append(one)
    return found


def day_of(stamp: pd.Timestamp) -> date:
    """Return the date of a time stamp, as sentences write it."""
    return stamp.date()
