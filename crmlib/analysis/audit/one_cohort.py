"""Lens 3: what becomes of the customers won in one stretch of time?"""

from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.audit.customer_days import Base
from crmlib.analysis.intervals import wilson_interval
from crmlib.analysis.waiting import product_limit, share_by

ORDER_DAY_BINS = ((1, 1, "1"), (2, 2, "2"), (3, 3, "3"), (4, 6, "4–6"), (7, None, "7 or more"))


def order_waits(base: Base, cohorts: Sequence[int], upto: int = 4) -> pd.DataFrame:
    """Count waits from each order to the next, in days.

    Several orders on one day are one occasion. A customer who has not ordered again is still
    waiting on the last known day.

    Parameters
    ----------
    base : Base
    cohorts : sequence of int
        Numbers of the cohorts; not those won before the data, whose first orders are not known.
    upto : int
        Last occasion whose wait is counted.

    Returns
    -------
    DataFrame
        ``order`` (n, the occasion that began the wait), ``days``, ``over``, ``customers``.
    """
    days = base.days
    seen = days.filter((days.orders > 0) & days.cohort.isin(list(cohorts))).select("customer_id", "day")
    own = ibis.window(group_by="customer_id", order_by="day")
    placed = seen.mutate(order=ibis.row_number().over(own) + 1, following=seen.day.lead().over(own))
    waits = placed.filter(placed.order <= upto)
    until = ibis.coalesce(waits.following, ibis.literal(base.as_of))
    return (
        waits.mutate(days=until.delta(waits.day, unit="day"), over=waits.following.notnull())
        .group_by("order", "days", "over")
        .agg(customers=ibis._.count())
        .order_by("order", "days", "over")
        .execute()
        .astype({"order": "int64", "days": "int64", "over": "bool", "customers": "int64"})
    )


def five_waits(waits: pd.DataFrame) -> pd.DataFrame:
    """Pick five waits for the second order to work by hand: three that ended, two that had not.

    Parameters
    ----------
    waits : DataFrame
        As returned by `order_waits`.

    Returns
    -------
    DataFrame
        ``days``, ``over`` and ``customers`` (1), the shortest wait first; no rows where nobody waits.
    """
    first = waits[waits["order"] == 1].sort_values("days")
    picked = []
    for over, marks in ((True, (0.2, 0.5, 0.9)), (False, (0.3, 0.7))):
        kind = first[first["over"] == over]
        reached = kind["customers"].cumsum() / max(kind["customers"].sum(), 1)
        picked += [
            (int(kind["days"].to_numpy()[(reached < mark).sum()]), over) for mark in marks if len(kind)
        ]
    table = pd.DataFrame(picked, columns=["days", "over"]).astype({"days": "int64", "over": "bool"})
    table["customers"] = 1
    return table.sort_values(["days", "over"], ascending=[True, False], ignore_index=True)


def next_order_curves(waits: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Estimate how many have placed the next order within so many days.

    Parameters
    ----------
    waits : DataFrame
        As returned by `order_waits`.
    smallest : int
        A curve ends where fewer customers are still followed.

    Returns
    -------
    DataFrame
        ``order`` and the columns of `product_limit`; no rows for an order that fewer than
        `smallest` customers placed.
    """
    curves = [
        product_limit(part).query("waiting >= @smallest").assign(order=order)
        for order, part in waits.groupby("order")
        if part["customers"].sum() >= smallest
    ]
    columns = ["order", "days", "waiting", "ended", "share", "low", "high"]
    return pd.concat(curves, ignore_index=True)[columns] if curves else pd.DataFrame(columns=columns)


def next_order_table(waits: pd.DataFrame, curves: pd.DataFrame, marks: Sequence[int]) -> pd.DataFrame:
    """Read the curves at some days.

    Returns
    -------
    DataFrame
        Indexed by ``order``: ``customers`` (who placed it), ``days_90`` and so on for each of
        `marks` with ``_low`` and ``_high``; NaN beyond the end of a curve.
    """
    reached = waits.groupby("order")["customers"].sum()
    rows = {}
    for order, curve in curves.groupby("order"):
        row, own = {"customers": int(reached[order])}, waits[waits["order"] == order]
        over = own.loc[own["over"], "days"]
        for mark in marks:
            # Known only where some customer was followed that long, and no wait ended after the curve did;
            # once all waits are over, for good.
            followed = own["days"].max() >= mark or own["over"].all()
            known = followed and not over.between(curve["days"].max() + 1, mark).any()
            found = share_by(curve, mark) if known else pd.Series(np.nan, index=["share", "low", "high"])
            row |= {f"days_{mark}": found["share"], f"days_{mark}_low": found["low"],
                    f"days_{mark}_high": found["high"]}  # fmt: skip
        rows[order] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("order")


def who_stops(base: Base, cohorts: Sequence[int], silent_since, smallest: int) -> pd.DataFrame:
    """Count who has been silent for long, by how often they had ordered before.

    Parameters
    ----------
    base : Base
    cohorts : sequence of int
    silent_since : datetime.date
        A customer without an order after this day is silent. Silence is not proof of a loss.
    smallest : int
        No share for groups with fewer customers.

    Returns
    -------
    DataFrame
        Indexed by ``order_days`` (in words: how many days with an order up to `silent_since`):
        ``customers``, ``silent``, ``share``, ``low``, ``high`` (95 %, Wilson).
    """
    days = base.days
    after = ibis.literal(silent_since)
    placed = days.filter((days.orders > 0) & days.cohort.isin(list(cohorts)))
    customers = placed.group_by("customer_id").agg(
        before=ibis._.count(where=ibis._.day <= after), later=ibis._.count(where=ibis._.day > after)
    )
    counted = (
        customers.filter(customers.before > 0)
        .group_by("before")
        .agg(customers=ibis._.count(), silent=ibis._.count(where=ibis._.later == 0))
        .order_by("before")
        .execute()
    )
    rows = {}
    for low, high, label in ORDER_DAY_BINS:
        part = counted[counted["before"].between(low, high or np.inf)]
        total, silent = int(part["customers"].sum()), int(part["silent"].sum())
        known = total >= smallest
        ends = wilson_interval(silent, total) if known else (np.nan, np.nan)
        rows[label] = (total, silent, silent / total if known else np.nan, *ends)
    columns = ["customers", "silent", "share", "low", "high"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("order_days")
