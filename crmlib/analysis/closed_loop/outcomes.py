"""What customers brought within windows of days: one row per customer and window, added up in the engine."""

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from crmlib.errors import DataError, ParameterError


def margins_within(lines: ibis.Table, windows: pd.DataFrame) -> pd.Series:
    """Add up the gross margin of each customer within a window.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`, or by `crmlib.analysis.closed_loop.brought.brought`: a line
        with a day in ``since`` counts only in windows that begin on that day or before.
    windows : DataFrame
        ``customer_id``, ``first_day`` and ``last_day`` (dates, both inclusive). A customer may have
        several windows, also overlapping ones; a window that ends before it begins holds nothing.

    Returns
    -------
    Series of float
        Indexed like `windows`, in the run's currency: net sales less cost of goods of all lines in the
        window. Returns count on their own day. 0 where there is no line.

    Raises
    ------
    DataError
        If a day is missing.

    Examples
    --------
    >>> lines = ibis.memtable(pd.DataFrame({
    ...     "customer_id": ["A", "A", "B"], "day": [date(2026, 5, 1), date(2026, 5, 9), date(2026, 5, 9)],
    ...     "net_sales": [30.0, 50.0, 8.0], "cost_of_goods": [10.0, 20.0, 3.0]}))
    >>> windows = pd.DataFrame({"customer_id": ["A", "C"], "first_day": date(2026, 5, 2), "last_day": date(2026, 5, 9)})
    >>> margins_within(lines, windows).tolist()
    [30.0, 0.0]
    """
    if not len(windows):
        return pd.Series(np.zeros(0), windows.index, dtype="float64", name="margin")
    wanted = window_table(windows)
    first, last = pd.to_datetime(windows["first_day"]).min(), pd.to_datetime(windows["last_day"]).max()
    since = ["since"] if "since" in lines.columns else []
    per_day = (
        lines.filter(lines.customer_id.notnull(), lines.day.between(first.date(), last.date()))
        .group_by("customer_id", "day", *since)
        .agg(margin=ibis._.net_sales.sum() - ibis._.cost_of_goods.sum())
    )
    joined = wanted.inner_join(per_day, "customer_id")
    inside = joined.filter(joined.day >= joined.first_day, joined.day <= joined.last_day)
    if since:
        inside = inside.filter(inside.since.isnull() | (inside.since >= inside.first_day))
    found = inside.group_by("row").agg(margin=inside.margin.sum().cast("float64")).execute()
    sums = np.zeros(len(windows))
    sums[found["row"].to_numpy("int64")] = found["margin"].to_numpy("float64")
    return pd.Series(sums, windows.index, name="margin")


def window_table(windows: pd.DataFrame) -> ibis.Table:
    """Hand windows over to the engine.

    Parameters
    ----------
    windows : DataFrame
        As for `margins_within`.

    Returns
    -------
    ibis.Table
        ``row`` (0, 1, ... in the order of `windows`), ``customer_id``, ``first_day``, ``last_day``.

    Raises
    ------
    DataError
        If a day is missing.

    Examples
    --------
    >>> window_table(pd.DataFrame({"customer_id": ["A"], "first_day": date(2026, 5, 2), "last_day": None}))
    Traceback (most recent call last):
    crmlib.errors.DataError: Found: a window without a first or a last day. Expected: two days. What to do: leave out \
what has no days.
    """
    days = {name: pd.to_datetime(windows[name]) for name in ("first_day", "last_day")}
    if any(values.isna().any() for values in days.values()):
        raise DataError("a window without a first or a last day", "two days", "leave out what has no days")
    return ibis.memtable(
        pa.table(
            {
                "row": pa.array(np.arange(len(windows))),
                "customer_id": pa.array(windows["customer_id"].astype("object").tolist(), pa.string()),
                **{name: pa.array(values.dt.date.tolist(), pa.date32()) for name, values in days.items()},
            }
        )
    )


def margins_before(
    lines: ibis.Table, customers: Sequence[str] | pd.Index, as_of: date, days: int
) -> pd.Series:
    """Add up the gross margin of customers over the days that end with a known day.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    customers : sequence of str
        Customers to look at, each once.
    as_of : datetime.date
        Last day of the window.
    days : int
        Its length, 1 or more.

    Returns
    -------
    Series of float
        Indexed by ``customer_id``; 0 for who bought nothing.

    Examples
    --------
    >>> lines = ibis.memtable(pd.DataFrame({
    ...     "customer_id": ["A"], "day": [date(2026, 5, 1)], "net_sales": [30.0], "cost_of_goods": [10.0]}))
    >>> margins_before(lines, ["A", "B"], date(2026, 5, 31), 31).to_dict()
    {'A': 20.0, 'B': 0.0}
    """
    if not days >= 1:
        raise ParameterError(f"days = {days}", "at least 1 day", "correct days")
    index = pd.Index(customers, name="customer_id")
    first = as_of - timedelta(days=days - 1)
    windows = pd.DataFrame({"customer_id": index, "first_day": first, "last_day": as_of}, index=index)
    return margins_within(lines, windows)
