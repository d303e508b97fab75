"""The months of each customer before and after joining the club: what he bought, and when he was surely a customer."""

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.ledger import whole_orders
from crmlib.analysis.loyalty.membership import Club
from crmlib.errors import TooLittleData

#: Month number of what never happens.
NEVER = 9_999
OUTCOMES = ("orders", "net_sales", "margin", "list_sales", "discounts")
_LATE_START = 3  # a first order on the 2nd or 3rd: the 1st may have been a holiday


@dataclass(frozen=True)
class ClubPanel:
    """Customers by whole calendar months.

    Attributes
    ----------
    months : PeriodIndex
        The months, numbered from 0.
    customers : DataFrame
        Indexed by ``customer_id`` (sorted), all month numbers: ``begins`` (first month after the one in which the
        relationship began), ``proven`` (last month after which the customer ordered again, so that nobody doubts
        that he was still a customer; -1 if there is none), ``joined`` (month of joining; -1 before the data,
        `NEVER` if never), ``left`` (last whole month of membership; `NEVER` while it runs).
    rows : DataFrame
        One row per customer and month in which something was booked: ``customer`` (row number in `customers`),
        ``month`` and the columns of `OUTCOMES`. Other months are zero.
    """

    months: pd.PeriodIndex
    customers: pd.DataFrame
    rows: pd.DataFrame

    @property
    def joiners(self) -> int:
        """Customers who joined within the months of the panel."""
        return int(self.customers["joined"].between(0, len(self.months) - 1).sum())

    @property
    def members_before(self) -> int:
        """Customers who were members before the first month: nobody sees them without the club."""
        return int((self.customers["joined"] < 0).sum())

    @property
    def never(self) -> int:
        """Customers who have not joined by the last month."""
        return int((self.customers["joined"] >= len(self.months)).sum())


def club_panel(
    members: Club, lines: ibis.Table, as_of: date, customers: ibis.Table | None = None
) -> ClubPanel:
    """Lay out orders and money by customer and whole month.

    Parameters
    ----------
    members : Club
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    as_of : datetime.date
        Last known day.
    customers : ibis.Table, optional
        With ``acquired_on`` the relationship begins on that day instead of with the first order seen.

    Returns
    -------
    ClubPanel

    Raises
    ------
    TooLittleData
        If there are fewer than four whole months.

    Notes
    -----
    Definition of this project. The month in which the relationship began takes no part, since it holds the order
    it began with. A month is whole if the data begin by its third day and do not end within it.

    Examples
    --------
    >>> lines = ibis.memtable(pd.DataFrame({
    ...     "customer_id": ["A"] * 3, "order_id": ["1", "2", "3"],
    ...     "day": [date(2026, 1, 1), date(2026, 3, 5), date(2026, 6, 1)],
    ...     "net_sales": [50.0, 30.0, 20.0], "list_sales": [50.0, 30.0, 20.0], "discounts": 0.0, "returns": 0.0,
    ...     "cost_of_goods": [20.0, 10.0, 10.0], "returned_goods": 0.0, "bought": True}))
    >>> joined = pd.DataFrame({"joined_on": [pd.Timestamp(2026, 2, 10)], "ended_on": [pd.NaT], "fee_per_year": [12.0]},
    ...     index=pd.Index(["A"], name="customer_id"))
    >>> panel = club_panel(Club(joined, date(2026, 6, 30)), lines, date(2026, 6, 30))
    >>> panel.customers
                 begins  proven  joined  left
    customer_id
    A                 1       4       1  9999
    >>> panel.rows[["customer", "month", "orders", "margin"]].to_numpy().tolist()
    [[0.0, 0.0, 1.0, 30.0], [0.0, 2.0, 1.0, 20.0], [0.0, 5.0, 1.0, 10.0]]
    """
    known = lines.filter(lines.customer_id.notnull(), lines.day <= ibis.literal(as_of))
    found = _by_month(known)
    if found.empty:
        raise TooLittleData("no order of a known customer", "orders over several months", "add order lines")
    first_day = pd.Timestamp(known.day.min().execute())
    start = _number(first_day) + (first_day.day > _LATE_START)
    end = _number(pd.Timestamp(as_of + timedelta(days=1))) - 1
    if end - start < 3:
        raise TooLittleData(
            f"{max(end - start + 1, 0)} whole months of orders",
            "4 or more, and a year or more for a useful answer",
            "wait until more months are known",
        )
    names = pd.Index(np.unique(found["customer_id"].to_numpy(dtype=object)), name="customer_id")
    row = names.get_indexer(found["customer_id"])
    month = found["stamp"].to_numpy("int64") - start
    bought = found["orders"].to_numpy("float64") > 0
    people = _people(names, row, month, bought, _acquired(customers), members, start, end - start)
    inside = (month >= 0) & (month <= end - start)
    rows = pd.DataFrame({"customer": row[inside], "month": month[inside]})
    for name in OUTCOMES:
        rows[name] = found[name].to_numpy("float64")[inside]
    rows = rows.sort_values(["customer", "month"], ignore_index=True)
    months = pd.period_range(_period(start), _period(end), freq="M")
    return ClubPanel(months, people, rows)


def _by_month(known: ibis.Table) -> pd.DataFrame:
    days = whole_orders(known)
    stamp = days.day.year().cast("int64") * 12 + days.day.month().cast("int64") - 1
    days = days.mutate(stamp=stamp)
    return (
        days.group_by("customer_id", "stamp")
        .agg(
            orders=days.orders.sum().cast("float64"),
            net_sales=days.net_sales.sum().cast("float64"),
            margin=(days.net_sales.sum() - days.cost_of_goods.sum()).cast("float64"),
            list_sales=days.list_sales.sum().cast("float64"),
            discounts=days.discounts.sum().cast("float64"),
        )
        .execute()
    )


def _acquired(customers: ibis.Table | None) -> pd.Series | None:
    if customers is None or "acquired_on" not in customers.columns:
        return None
    known = customers.filter(customers.acquired_on.notnull())
    found = known.select("customer_id", acquired_on=known.acquired_on.cast("date")).execute()
    return pd.to_datetime(found.set_index("customer_id")["acquired_on"])


def _people(
    names: pd.Index,
    row: np.ndarray,
    month: np.ndarray,
    bought: np.ndarray,
    acquired: pd.Series | None,
    members: Club,
    start: int,
    last: int,
) -> pd.DataFrame:
    first = np.full(len(names), NEVER)
    np.minimum.at(first, row[bought], month[bought])
    latest = np.full(len(names), -1)
    np.maximum.at(latest, row[bought], month[bought])
    if acquired is not None:
        day = acquired.reindex(names)
        first = np.where(day.notna(), np.minimum(_number(day) - start, first), first)
    own = members.memberships.reindex(names)
    never = own["joined_on"].isna().to_numpy()
    joined = np.where(never, NEVER, _number(own["joined_on"]) - start)
    # A membership that ends on the last day of a month has that month whole.
    left = _number(own["ended_on"] + pd.Timedelta(days=1)) - start - 1
    left = np.where(own["ended_on"].isna(), NEVER, left)
    return pd.DataFrame(
        {
            "begins": np.maximum(first + 1, 0),
            "proven": np.clip(latest - 1, -1, last),
            "joined": np.where(joined > last, NEVER, np.maximum(joined, -1)),
            "left": left,
        },
        index=names,
        dtype="int64",
    )


def _number(day: pd.Timestamp | pd.Series) -> int | np.ndarray:
    """Months since year 0; 0 where there is no day."""
    if isinstance(day, pd.Series):
        stamp = day.dt.year * 12 + day.dt.month - 1
        return stamp.fillna(0).to_numpy("int64")
    return day.year * 12 + day.month - 1


def _period(number: int) -> pd.Period:
    return pd.Period(year=number // 12, month=number % 12 + 1, freq="M")
