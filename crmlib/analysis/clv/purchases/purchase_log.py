"""All purchase days of all customers, fetched once: histories and sums at any day are then arithmetic.

A comparison of forecasts looks at the same customers from many days. What counts as a purchase is
told in `crmlib.analysis.clv.purchases.purchase_days`; the numbers are those of `crmlib.analysis.clv.purchases.summary`.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmlib.analysis.clv.purchases.purchase_days import EPOCH, Purchase, purchase_days
from crmlib.errors import TooLittleData


@dataclass(frozen=True)
class PurchaseLog:
    """Days of known customers, sorted by customer and day.

    Attributes
    ----------
    ids : Index of shape (n_customers,)
        Customers with a day, sorted.
    customer, day : ndarray of int, shape (n_days,)
        Position in `ids`, and days since 1970.
    money : ndarray of shape (n_days,)
        Net sales of the day, after what came back (run's currency).
    bought, paid : ndarray of bool, shape (n_days,)
        Whether the day is a purchase, and whether its net sales are above 0.
    last : datetime.date
        Last known day.
    first : datetime.date
        Day of the first line, or `since` where that is later: from here on the customers are followed.
    since : datetime.date or None
        As in `crmlib.analysis.clv.purchases.summary.purchase_summary`: who began before has no history.
    """

    ids: pd.Index
    customer: np.ndarray
    day: np.ndarray
    money: np.ndarray
    bought: np.ndarray
    paid: np.ndarray
    last: date
    first: date
    since: date | None

    @classmethod
    def of(
        cls, lines: ibis.Table, last: date, *, since: date | None = None, purchase: Purchase = "paid"
    ) -> "PurchaseLog":
        """Fetch the days up to `last`.

        Parameters
        ----------
        lines : ibis.Table
            As returned by `crmlib.analysis.ledger.order_lines`.
        last : datetime.date
            Last known day; nothing after it is read.
        since : datetime.date, optional
            First day from which a first purchase can be trusted to be one.
        purchase : {'paid', 'bought', 'any'}
            What counts as a purchase.

        Raises
        ------
        TooLittleData
            If there is no line of a known customer.

        Examples
        --------
        >>> bought = {
        ...     "customer_id": ["B", "A", "A"],
        ...     "day": [date(2026, 1, 5), date(2026, 1, 11), date(2026, 1, 1)],
        ...     "net_sales": [5.0, 20.0, 10.0],
        ... }
        >>> log = PurchaseLog.of(ibis.memtable(bought), date(2026, 1, 31))
        >>> log.histories()[["x", "t_x", "T", "money"]]
                     x  t_x   T  money
        customer_id
        A            1   10  30   15.0
        B            0    0  26    5.0
        """
        days = purchase_days(lines, lambda day: day <= ibis.literal(last), purchase)
        wanted = days.select("customer_id", "day", "bought", "paid", net=days.net.cast("float64"))
        table = wanted.to_pyarrow()
        if not len(table):
            raise TooLittleData(
                f"no line of a known customer up to {last}", "purchases to learn from", "look at the dates"
            )
        ids, codes = _numbered(table["customer_id"])
        day = table["day"].cast(pa.date32()).cast(pa.int32()).to_numpy()
        order = np.lexsort((day, codes))
        first = EPOCH + timedelta(days=int(day.min()))
        return cls(
            ids=pd.Index(ids, name="customer_id"),
            customer=codes[order],
            day=day[order],
            money=table["net"].fill_null(0.0).to_numpy()[order],
            bought=table["bought"].fill_null(False).to_numpy()[order],
            paid=table["paid"].fill_null(False).to_numpy()[order],
            last=last,
            first=max(first, since) if since else first,
            since=since,
        )

    def until(self, last: date) -> "PurchaseLog":
        """Return the log as it was at the end of a day: nothing later is in it."""
        known = self.day <= _number(last)
        parts = {name: getattr(self, name)[known] for name in ("customer", "day", "money", "bought", "paid")}
        return replace(self, **parts, last=min(last, self.last))

    def histories(self, money_over: Literal["repeats", "all"] = "all") -> pd.DataFrame:
        """Put the purchases of each customer into one row.

        Parameters
        ----------
        money_over : {'repeats', 'all'}
            Whether the first purchase counts in the mean money.

        Returns
        -------
        DataFrame
            As `crmlib.analysis.clv.purchases.summary.purchase_summary` with ``x``, ``t_x``, ``T`` (days), ``n``,
            ``money``, ``returned`` (run's currency), and with ``log_itts`` of
            `crmlib.analysis.clv.purchases.summary.last_gaps`, ``first_day`` (days since 1970) and
            ``recency_days`` (since the last purchase).
        """
        size = len(self.ids)
        who, when = self.customer[self.bought], self.day[self.bought]
        purchases = np.bincount(who, minlength=size)
        again = np.append(False, who[1:] == who[:-1])[: len(who)]
        starts, ends = ~again, ~np.append(again[1:], False)[: len(who)]
        first = np.full(size, np.iinfo("int32").max, dtype=np.int32)
        final = np.zeros(size, dtype=np.int32)
        first[who[starts]], final[who[ends]] = when[starts], when[ends]
        waits = np.diff(when, prepend=0)[again]
        logs = np.bincount(who[again], np.log(waits), size)
        counts = self.paid & (
            (self.day > first[self.customer]) if money_over == "repeats" else np.ones(len(self.day), bool)
        )
        n = np.bincount(self.customer[counts], minlength=size)
        total = np.bincount(self.customer[counts], self.money[counts], size)
        back = np.bincount(self.customer[~self.paid], self.money[~self.paid], size)
        there = (purchases > 0) & ~self._began_before(first)
        frame = pd.DataFrame(
            {
                "x": (purchases - 1).astype("int32"),
                "t_x": final - first,
                "T": np.int32(_number(self.last)) - first,
                "n": n.astype("int32"),
                "money": np.divide(total, n, out=np.full(size, np.nan), where=n > 0),
                "returned": back,
                "log_itts": logs.round(9),
                "first_day": first,
                "recency_days": np.int32(_number(self.last)) - final,
            },
            index=self.ids,
        )
        return frame[there]

    def sums(self, first: date, last: date, customers: pd.Index) -> pd.DataFrame:
        """Count the purchases and add up the money of customers from one day to another, both included.

        Returns
        -------
        DataFrame
            Indexed by `customers`: ``purchases`` (days) and ``money`` (net sales after all that came back,
            run's currency); 0 for those without a line.
        """
        within = (self.day >= _number(first)) & (self.day <= _number(last))
        size, at = len(self.ids), self.ids.get_indexer(customers)
        purchases = np.bincount(self.customer[within & self.bought], minlength=size)
        money = np.bincount(self.customer[within], self.money[within], size)
        found = {"purchases": np.append(purchases, 0)[at], "money": np.append(money, 0.0)[at]}
        return pd.DataFrame(found, index=customers)

    def _began_before(self, first: np.ndarray) -> np.ndarray:
        if self.since is None:
            return np.zeros(len(self.ids), dtype=bool)
        returned = np.full(len(self.ids), np.iinfo("int32").max, dtype=np.int32)
        back = self.money < 0
        np.minimum.at(returned, self.customer[back], self.day[back])
        return (first < _number(self.since)) | (returned < first)


def _number(day: date) -> int:
    return (day - EPOCH).days


def _numbered(ids: pa.ChunkedArray) -> tuple[pd.Series, np.ndarray]:
    """Return the distinct names, sorted by code points, and the place of each name among them."""
    coded = ids.dictionary_encode().unify_dictionaries()
    names = coded.chunk(0).dictionary
    order = pc.sort_indices(names).to_numpy()
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in coded.chunks])
    return names.take(pa.array(order)).to_pandas(), place[codes]
