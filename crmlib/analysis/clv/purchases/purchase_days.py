"""What a purchase is: a day on which a customer bought, however many orders and lines the day has.

What counts as a purchase is the parameter `purchase`:

``"paid"`` (default)
    A day whose lines sum to more than zero. A day of gifts only is no purchase, nor is a day on which as much
    came back as was bought.
``"bought"``
    A day with a line above zero, whatever came back on the same day: the days with an order of the ledger.
``"any"``
    A day with a line of zero or more, gifts included. With it the published CDNOW histories come out,
    where 8 of 2,357 customers spent nothing on their only day.

A day with returns alone is never a purchase. Money per purchase is a mean over paid days alone
under all three (the gamma-gamma model knows no purchase of zero), after what came back on the same
day. Money of other days, mostly returns on a later day, is in no mean: it stands in a column
of its own, ``returned``. Without it, a value built on ``money`` is too high by that part.
"""

from collections.abc import Callable
from datetime import date
from typing import Literal

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlib.errors import DataError, ParameterError

Purchase = Literal["paid", "bought", "any"]

EPOCH = date(1970, 1, 1)
_NEVER = np.iinfo("int32").max
_PURCHASE: dict[str, Callable[[ibis.Table], ibis.Value]] = {
    "paid": lambda days: days.net > 0,
    "bought": lambda days: days.top > 0,
    "any": lambda days: days.top >= 0,
}


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise a `ParameterError` if an option is none of those allowed."""
    if value not in allowed:
        raise ParameterError(f"{name} = {value!r}", " or ".join(allowed), "choose one of them")


def purchase_days(
    lines: ibis.Table, within: Callable[[ibis.Value], ibis.Value], purchase: Purchase
) -> ibis.Table:
    """Add up the lines of each known customer and day, and say which days are purchases, which are paid."""
    one_of("purchase", purchase, tuple(_PURCHASE))
    needed = {"customer_id", "day", "net_sales"} - set(lines.columns)
    if needed:
        raise DataError(
            f"order lines without {', '.join(sorted(needed))}",
            "customer_id, day and net_sales",
            "build them with crmlib.analysis.ledger.order_lines",
        )
    sums = {"net": lines.net_sales.sum()}
    if "cost_of_goods" in lines.columns:
        sums["cost"] = lines.cost_of_goods.sum()
    if purchase != "paid":
        sums["top"] = lines.net_sales.max()
    days = (
        lines.filter(lines.customer_id.notnull(), within(lines.day))
        .group_by("customer_id", "day")
        .agg(**sums)
    )
    # Decimals are exact; with floats, what was bought and what came back may differ by a rounding error.
    inexact = [name for name in money_of(days) if days[name].type().is_floating()]
    days = days.mutate(**{name: days[name].round(6) for name in inexact})
    return days.mutate(bought=_PURCHASE[purchase](days), paid=days.net > 0)


def money_of(days: ibis.Table) -> list[str]:
    """Name the sums of money that the days have: ``net`` sales and, where known, ``cost`` of goods."""
    return [name for name in ("net", "cost") if name in days.columns]


def fetched(customers: ibis.Table) -> tuple[pd.DataFrame, Callable[..., np.ndarray]]:
    """Fetch one row per customer, sorted; return a frame without columns, and how to read one as numbers.

    Dates are read as days since 1970, and what is missing as 0 (a missing date as a day after all others).
    """
    sums = [name for name, kind in customers.schema().items() if kind.is_numeric() and not kind.is_integer()]
    plain = customers.mutate(**{name: customers[name].cast("float64") for name in sums})
    table = plain.order_by("customer_id").to_pyarrow()
    ids = table["customer_id"]
    # Engines sort text by their own alphabet; ours is that of the code points.
    if len(ids) > 1 and pc.any(pc.greater(ids.slice(0, len(ids) - 1), ids.slice(1))).as_py():
        table = table.sort_by("customer_id")
        ids = table["customer_id"]

    def read(name: str, kind: str = "float64") -> np.ndarray:
        column = table[name]
        if pa.types.is_date(column.type):
            return column.cast(pa.date32()).cast(pa.int32()).fill_null(_NEVER).to_numpy()
        return column.fill_null(0).to_numpy().astype(kind, copy=False)

    return pd.DataFrame(index=pd.Index(ids.to_pandas(), name="customer_id")), read
