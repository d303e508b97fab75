"""Lens 5: the whole base, stacked by cohort: how much rests on new customers."""

import ibis
import pandas as pd

from crmlib.analysis.audit.customer_days import BEFORE, SUMS, Base
from crmlib.analysis.audit.windows import Windows


def by_window(base: Base) -> pd.DataFrame:
    """Add up every cohort in every window of the calendar.

    Returns
    -------
    DataFrame
        Indexed by ``cohort`` (-1 for customers won before the data) and ``window``: ``active``
        (customers who placed an order), ``orders`` and money in the run's currency. Sums over
        all rows are the whole base.
    """
    placed = base.days.mutate(window=base.windows.number(base.days.day))
    single = placed.group_by("customer_id", "cohort", "window").agg(
        **{name: ibis._[name].sum() for name in SUMS}
    )
    table = (
        single.group_by("cohort", "window")
        .agg(
            active=ibis._.count(where=ibis._.orders > 0),
            **{name: ibis._[name].sum().cast("float64") for name in SUMS},
        )
        .order_by("cohort", "window")
        .execute()
        .set_index(["cohort", "window"])
    )
    return table.astype({"active": "int64", "orders": "int64"})


def stacked(table: pd.DataFrame, column: str, groups: pd.Series, windows: int) -> pd.DataFrame:
    """Stack one column by groups of cohorts, one row per window.

    Parameters
    ----------
    table : DataFrame
        As returned by `by_window`.
    column : str
        What to stack.
    groups : Series
        Name of the group of each cohort, indexed by cohort, in the order to stack.
    windows : int
        How many windows there are.
    """
    named = table[column].groupby([table.index.get_level_values("window"), _named(table, groups)]).sum()
    order = list(dict.fromkeys(groups))
    return named.unstack(fill_value=0.0).reindex(index=range(windows), columns=order, fill_value=0.0)


def _named(table: pd.DataFrame, groups: pd.Series) -> pd.Index:
    return pd.Index(groups.reindex(table.index.get_level_values("cohort")), name="group")


def unnamed(lines: ibis.Table, windows: Windows) -> pd.Series:
    """Add up net sales without a customer's name by window, for the stack to be the whole ledger."""
    nameless = lines.filter(lines.customer_id.isnull())
    placed = nameless.mutate(window=windows.number(nameless.day))
    sums = placed.group_by("window").agg(net_sales=ibis._.net_sales.sum().cast("float64")).execute()
    return sums.set_index("window")["net_sales"].reindex(range(len(windows)), fill_value=0.0)


def grouped_cohorts(base: Base, per_group: int) -> pd.Series:
    """Name groups of neighbouring cohorts, counted back from the newest, for stacking.

    Returns
    -------
    Series
        Indexed by cohort from -1: ``Won before ...`` and ``Won ... to ...`` in words.
    """
    windows = base.windows
    since = base.lead_in if base.assumed else windows.firsts[0]
    names = {BEFORE: f"Won before {since:%b %Y}"}
    for cohort in range(len(windows)):
        newest = len(windows) - 1 - (len(windows) - 1 - cohort) // per_group * per_group
        first = max(windows.firsts[max(newest - per_group + 1, 0)], since)
        begins, ends = f"{first:%b %Y}", f"{windows.lasts[newest]:%b %Y}"
        names[cohort] = f"Won {begins}" if begins == ends else f"Won {begins} to {ends}"
    return pd.Series(names)
