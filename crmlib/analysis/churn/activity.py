"""What each customer did on each day, held by the engine: the ground of windows, definitions and snapshots.

A purchase is a day whose lines sum to more than zero (``"paid"`` of `crmlib.analysis.clv.purchases.purchase_days`).
Days are numbered from 1970 and customers by their place in the alphabet, so that a question about any day
is arithmetic on whole numbers in whatever engine holds the lines.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from crmlib.analysis.clv.purchases.purchase_days import EPOCH
from crmlib.analysis.ledger import order_lines
from crmlib.errors import TooLittleData

Tables = Callable[[str], ibis.Table | None]

_EXACT = "decimal(18, 4)"
_MONEY = ("net_sales", "list_sales", "discounts", "returns", "cost_of_goods")


@dataclass(frozen=True)
class Activity:
    """Days of known customers, and what they bought.

    Attributes
    ----------
    days : ibis.Table
        One row per customer and day with a line: ``who`` (place in `ids`), ``n`` (days since 1970), ``bought`` (1 on
        a purchase day, else 0), ``gap`` (days since the purchase before; NULL on the first, and on days that are
        none), ``orders``, ``net_sales``, ``list_sales``, ``discounts``, ``returns`` (0 or less), ``gross_margin``
        (run's currency) and, where it is known, ``channel`` (the first by alphabet of the day's).
    goods : ibis.Table or None
        One row per line above zero with a product: ``who``, ``n``, ``product_id``. None where products are not named.
    people : ibis.Table
        ``who`` and ``customer_id``.
    ids : Index
        Customers, sorted.
    first, as_of : datetime.date
        First day with a line of a known customer; last known day.
    columns : frozenset of str
        Columns of the table ``orders``.
    """

    days: ibis.Table
    goods: ibis.Table | None
    people: ibis.Table
    ids: pd.Index
    first: date
    as_of: date
    columns: frozenset[str]


def customer_activity(tables: Tables, as_of: date, gross_margin: float | None = None) -> Activity:
    """Add up order lines by customer and day, once for all questions.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None; `crmlib.intake.Data.table` is one.
    as_of : datetime.date
        Last known day; nothing later is read.
    gross_margin : float, optional
        Gross margin as a share of net sales, for lines whose cost of goods is unknown.

    Returns
    -------
    Activity

    Raises
    ------
    TooLittleData
        If there is no line of a known customer, or costs are missing and no margin is stated.

    Examples
    --------
    >>> bought = {
    ...     "customer_id": ["A", "B", "A"],
    ...     "ordered_at": [date(2026, 1, 1), date(2026, 1, 5), date(2026, 1, 11)],
    ...     "net_amount": [10.0, 5.0, 20.0],
    ... }
    >>> orders = ibis.memtable(bought).mutate(ordered_at=ibis._.ordered_at.cast("timestamp"))
    >>> activity = customer_activity({"orders": orders}.get, date(2026, 1, 31), 0.4)
    >>> activity.days.order_by("who", "n").execute()[["who", "bought", "gap", "gross_margin"]].values.tolist()
    [[0.0, 1.0, nan, 4.0], [0.0, 1.0, 10.0, 8.0], [1.0, 1.0, nan, 2.0]]
    """
    orders = tables("orders")
    columns = frozenset(orders.columns)
    extra = [name for name in ("channel", "product_id") if name in columns]
    lines = order_lines(orders, gross_margin, keep=extra)
    lines = lines.filter(lines.customer_id.notnull(), lines.day <= ibis.literal(as_of))
    named = _customer_days(lines, "order_id" in columns)
    by_name = ibis.window(order_by="customer_id")
    # From the lines, so that the engine does not add them up twice.
    people = lines.select("customer_id").distinct()
    people = people.mutate(who=ibis.row_number().over(by_name).cast("int32")).cache()
    ids = fetched(people, "who")["customer_id"].to_pandas()
    if not len(ids):
        raise TooLittleData(
            f"no line of a known customer up to {as_of}", "purchases to learn from", "look at the dates"
        )
    days = named.inner_join(people, "customer_id").drop("customer_id")
    own = ibis.window(group_by=["who", "bought"], order_by="n")
    days = days.mutate(gap=(days.bought == 1).ifelse(days.n - days.n.lag(1).over(own), ibis.null("int32")))
    days = days.cache()
    goods = None
    if "product_id" in columns:
        sold = lines.filter(lines.bought, lines.product_id.notnull())
        goods = (
            sold.select("customer_id", "product_id", n=day_number(sold.day))
            .inner_join(people, "customer_id")
            .select("who", "n", "product_id")
            .cache()
        )
    first = EPOCH + timedelta(days=int(days.n.min().execute()))
    index = pd.Index(ids, name="customer_id")
    return Activity(days, goods, people, index, first, as_of, columns)


def day_number(day: ibis.Value) -> ibis.Value:
    """Days since 1970, in any engine."""
    return day.delta(ibis.literal(EPOCH), unit="day").cast("int32")


def number_of(day: date) -> int:
    """Days since 1970."""
    return (day - EPOCH).days


def fetched(table: ibis.Table, *by: str) -> dict[str, pa.ChunkedArray]:
    """Fetch the columns of a table, sorted; decimals become floats."""
    sums = [name for name, kind in table.schema().items() if kind.is_decimal()]
    plain = table.mutate(**{name: table[name].cast("float64") for name in sums})
    found = plain.order_by(*by).to_pyarrow()
    return {name: found[name] for name in found.column_names}


def known_on(table: ibis.Table, numbers: Sequence[int]) -> ibis.Table:
    """Lay out a table as it was at the end of each day: rows up to it, with the day in column ``d``."""
    if len(numbers) == 1:
        (number,) = numbers
        return table.filter(table.n <= number).mutate(d=ibis.literal(number, "int32"))
    days = ibis.memtable(pa.table({"d": pa.array(numbers, pa.int32())}))
    crossed = table.cross_join(days)
    return crossed.filter(crossed.n <= crossed.d)


def by_day(table: ibis.Table, numbers: Sequence[int]) -> dict[int, dict[str, pa.ChunkedArray]]:
    """Fetch sums by day ``d`` and customer ``who``: for each day the columns, sorted by customer."""
    found = fetched(table, "d", "who")
    day = found.pop("d").to_numpy()
    parts = {}
    for number in numbers:
        start, end = np.searchsorted(day, [number, number + 1])
        parts[number] = {name: column.slice(start, end - start) for name, column in found.items()}
    return parts


def spread(found: dict[str, pa.ChunkedArray], size: int, blank: float = np.nan) -> dict[str, np.ndarray]:
    """Lay columns of numbers out over all customers, by their ``who``; `blank` where a customer has no row."""
    who = found["who"].to_numpy()
    laid = {}
    for name, column in found.items():
        if name != "who":
            laid[name] = np.full(size, blank, dtype="float64")
            laid[name][who] = column.cast(pa.float64()).to_numpy()
    return laid


def _customer_days(lines: ibis.Table, numbered: bool) -> ibis.Table:
    """Add up lines by order where orders have numbers, then by customer and day."""
    has_channel = "channel" in lines.columns
    channel = {"channel": ibis._.channel.min(where=ibis._.bought)} if has_channel else {}
    money = {name: ibis._[name].sum() for name in _MONEY}
    by = ["customer_id", "day", *(["order_id"] if numbered else [])]
    parts = lines.group_by(*by).agg(orders=ibis._.bought.cast("int32").max(), **money, **channel)
    if numbered:
        channel = {"channel": ibis._.channel.min()} if has_channel else {}
        parts = parts.group_by("customer_id", "day").agg(orders=ibis._.orders.sum(), **money, **channel)
    # Decimals are exact; with floats, what was bought and what came back may differ by a rounding error.
    floating = parts.net_sales.type().is_floating()
    kept = {name: parts[name].round(6) if floating else parts[name].cast(_EXACT) for name in _MONEY}
    days = parts.mutate(**kept)
    return days.select(
        "customer_id",
        "net_sales",
        "list_sales",
        "discounts",
        "returns",
        n=day_number(days.day),
        bought=(days.net_sales > 0).cast("int32"),
        orders=days.orders.cast("int32"),
        gross_margin=(days.net_sales - days.cost_of_goods).cast("float64" if floating else _EXACT),
        **({"channel": days.channel} if has_channel else {}),
    )
