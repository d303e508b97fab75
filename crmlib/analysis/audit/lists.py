"""What the audit hands on: one row per customer, one row per cohort."""

import pandas as pd

from crmlib.analysis.audit.customer_days import Base
from crmlib.analysis.audit.two_periods import Change, tenths_before_and_now

_MONEY = ("net_sales", "gross_margin", "profit")
_DAY = "date32[pyarrow]"  # also where no day is known: a column of none would be saved as something else


def customer_list(base: Base, change: Change, now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Describe every known customer in one row, ready to save.

    Parameters
    ----------
    base : Base
    change : Change
        Of the two periods compared.
    now, before : DataFrame
        Their customers, as returned by `Base.customers_in`.

    Returns
    -------
    DataFrame
        ``customer_id`` (sorted), ``won_on`` (day, or missing where it lies before the data on a
        day nobody knows), ``cohort`` (name), ``group`` (key of `two_periods.GROUPS`; ``none`` for
        customers without money in either period), ``orders``, ``net_sales``, ``gross_margin``, ``profit`` of the second
        period, ``orders_before``, ``net_sales_before``, ``profit_before`` of the first, and
        ``profit_decile`` (tenth by profit before the cost of winning, among those active in the second period;
        1 is the highest).
    """
    members = base.members()
    second = now[["orders", *_MONEY]].reindex(members.index).fillna(0.0)
    first = before[["orders", "net_sales", "profit"]].reindex(members.index).fillna(0.0)
    tenth = tenths_before_and_now(change.customers)["now"].reindex(members.index)
    table = pd.DataFrame(
        {
            "won_on": members["won_on"].astype(_DAY),
            "cohort": members["cohort"].map(base.label),
            "group": change.customers["group"].reindex(members.index).fillna("none"),
            **second,
            **{f"{name}_before": first[name] for name in first},
            "profit_decile": tenth.astype("Int64"),
        }
    )
    table = table.astype({"orders": "int64", "orders_before": "int64"})
    return table.rename_axis("customer_id").reset_index()


def cohort_list(base: Base, windows: pd.DataFrame, compared: pd.DataFrame | None) -> pd.DataFrame:
    """Describe every cohort in one row, ready to save.

    Parameters
    ----------
    base : Base
    windows : DataFrame
        As returned by `whole_base.by_window`.
    compared : DataFrame or None
        As returned by `cohorts.compared`; None where cohorts cannot be compared.

    Returns
    -------
    DataFrame
        ``cohort`` (name; ``before`` for customers won before the data), ``first_day``,
        ``last_day``, ``customers``, ``orders``, ``net_sales``, ``gross_margin``, ``profit`` (since the data
        began) and, at the age at which cohorts are compared, ``value_per_customer``, ``low``,
        ``high`` and ``repeat_share``; the oldest cohort first. Money adds up to the base.
    """
    sums = windows.groupby("cohort")[["orders", *_MONEY]].sum().sort_index()
    first, last = base.windows.firsts, base.windows.lasts
    sizes = base.members()["cohort"].value_counts()
    table = pd.DataFrame(
        {
            "cohort": [base.label(cohort) for cohort in sums.index],
            **{
                name: pd.array([days[cohort] if cohort >= 0 else None for cohort in sums.index], dtype=_DAY)
                for name, days in (("first_day", first), ("last_day", last))
            },
            "customers": sizes.reindex(sums.index),
        },
        index=sums.index,
    ).join(sums)
    names = {"value": "value_per_customer", "low": "low", "high": "high", "repeat_share": "repeat_share"}
    own = pd.DataFrame(columns=list(names)) if compared is None else compared[list(names)]
    own = own.reindex(sums.index).astype("float64").rename(columns=names)
    return table.join(own).reset_index(drop=True)
