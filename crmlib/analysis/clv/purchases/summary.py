"""Purchase histories: from order lines to the few numbers of each customer that the models read.

All functions take order lines as `crmlib.analysis.ledger.order_lines` lays them out, in any engine that Ibis
speaks to, and leave out lines without a customer. What counts as a purchase is told in
`crmlib.analysis.clv.purchases.purchase_days`. No line after the day that is given has any part in a number.
"""

from collections.abc import Callable
from datetime import date
from typing import Literal

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.clv.purchases.purchase_days import (
    EPOCH,
    Purchase,
    fetched,
    money_of,
    one_of,
    purchase_days,
)
from crmlib.analysis.period import Period
from crmlib.errors import ParameterError

_MONEY_OVER = ("repeats", "all")
_CENSORED = ("drop", "flag")


def purchase_summary(
    lines: ibis.Table,
    as_of: date,
    *,
    until: date | None = None,
    since: date | None = None,
    censored: Literal["drop", "flag"] = "drop",
    purchase: Purchase = "paid",
    money_over: Literal["repeats", "all"] = "repeats",
) -> pd.DataFrame:
    """Put the purchases of each customer into one row.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`; read are ``customer_id``, ``day``,
        ``net_sales`` and, where it is there, ``cost_of_goods``.
    as_of : datetime.date
        Last known day.
    until : datetime.date, optional
        Last day of a calibration, where it ends before `as_of`.
    since : datetime.date, optional
        First day from which a first purchase can be trusted to be one. Customers who bought before it, or
        sent something back before their first purchase, began before the data do: their history is
        cut off on the left, and no model of this package may be fitted to it.
    censored : {'drop', 'flag'}
        What happens to these: left out, or told apart by a column ``began_before``.
    purchase : {'paid', 'bought', 'any'}
        What counts as a purchase; see `crmlib.analysis.clv.purchases.purchase_days`.
    money_over : {'repeats', 'all'}
        Whether the day of the first purchase is left out of the mean money or counts in it. The number
        of days ``n`` follows.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id`` (text, sorted): all known customers with a purchase. Columns

        - ``x``: repeat purchase days; ``t_x``: days from the first to the last purchase, 0 without repeats;
          ``T``: days from the first purchase to the last known day (whole numbers, int32)
        - ``first_on``: day of the first purchase
        - ``n``: days that the money is the mean of (int32)
        - ``money``, ``margin``: mean net sales and mean gross margin of these days (run's currency;
          NaN where n is 0). Lines without a cost carry the stated gross margin, as in the ledger;
          without ``cost_of_goods`` in `lines` there are no margins
        - ``returned``, ``returned_margin``: sum of net sales and of gross margin over all days that are not
          paid (net sales: 0 or less)
        - ``began_before`` (bool), if asked for.

    Raises
    ------
    ParameterError
        If `until` lies after `as_of`, `since` after the last day, or an option is none of those listed.

    Notes
    -----
    x, t_x and T as in Fader, Hardie & Lee (2005), Marketing Science 24:275-284, by days. The mean over
    repeats: the same authors, Journal of Marketing Research 42:415-430; over all purchases: Fader & Hardie
    (2013), note 025. Lines are added up by customer and day, and days by customer; nothing is sorted
    but the result.

    Examples
    --------
    >>> bought = {
    ...     "customer_id": ["A", "A", "A", "B"],
    ...     "day": [date(2026, 1, 1), date(2026, 1, 11), date(2026, 1, 11), date(2026, 1, 5)],
    ...     "net_sales": [10.0, 20.0, 10.0, 5.0],
    ... }
    >>> histories = purchase_summary(ibis.memtable(bought), date(2026, 1, 31))
    >>> histories[["x", "t_x", "T", "n", "money"]]
                 x  t_x   T  n  money
    customer_id
    A            1   10  30  1   30.0
    B            0    0  26  0    NaN
    """
    one_of("money_over", money_over, _MONEY_OVER)
    one_of("censored", censored, _CENSORED)
    last = _last_day(as_of, until)
    if since is not None and since > last:
        raise ParameterError(f"since = {since}, after the last day {last}", "an earlier day", "move it back")
    days = purchase_days(lines, _up_to(last), purchase)
    wanted = {
        "first_on": days.day.min(where=days.bought),
        "last_on": days.day.max(where=days.bought),
        "x": days.bought.cast("int32").sum() - 1,
        "n": days.paid.cast("int32").sum(),
        **{name: days[name].sum(where=days.paid) for name in money_of(days)},
        **{f"returned_{name}": days[name].sum(where=~days.paid) for name in money_of(days)},
    }
    if since:
        wanted["first_return"] = days.day.min(where=days.net < 0)
    customers = _less_first(days, wanted) if money_over == "repeats" else _per_customer(days, wanted)
    frame, read = fetched(customers)
    first, last_on = read("first_on"), read("last_on")
    frame["x"] = read("x", "int32")
    frame["t_x"] = last_on - first
    frame["T"] = np.int32((last - EPOCH).days) - first
    frame["first_on"] = first.astype("datetime64[D]").astype("datetime64[s]")
    frame["n"] = read("n", "int32")
    over = frame["n"].where(frame["n"] > 0).to_numpy()
    net, returned = read("net"), read("returned_net")
    frame["money"] = net / over
    if "cost" in days.columns:
        frame["margin"] = (net - read("cost")) / over
    frame["returned"] = returned
    if "cost" in days.columns:
        frame["returned_margin"] = returned - read("returned_cost")
    if since is None:
        return frame
    began = (first < (since - EPOCH).days) | (read("first_return") < first)
    return frame[~began] if censored == "drop" else frame.assign(began_before=began)


def purchases_in(
    lines: ibis.Table,
    period: Period,
    *,
    purchase: Purchase = "paid",
    customers: pd.Index | None = None,
) -> pd.DataFrame:
    """Count the purchases and add up the money of each customer in a period, such as a hold-out.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    period : Period
        The days to count, first and last included. A hold-out begins on the day after the calibration.
    purchase : {'paid', 'bought', 'any'}
        What counts as a purchase; see `crmlib.analysis.clv.purchases.purchase_days`.
    customers : Index, optional
        The customers wanted, such as those of a `purchase_summary`: each gets a row, with zeros where
        there was nothing, and nobody else does.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: in the order of `customers`, or else sorted, all known customers with
        a line in the period. Columns ``purchases`` (days, int32), ``net_sales`` and ``gross_margin``
        (sums over the paid days), ``returned`` and ``returned_margin`` (sums over all other days). Paid and
        returned make up the net sales of the ledger.

    Examples
    --------
    >>> bought = {
    ...     "customer_id": ["A", "A", "A"],
    ...     "day": [date(2026, 1, 1), date(2026, 2, 11), date(2026, 2, 20)],
    ...     "net_sales": [10.0, 20.0, -5.0],
    ... }
    >>> february = Period(date(2026, 2, 1), date(2026, 2, 28), 1)
    >>> purchases_in(ibis.memtable(bought), february, customers=pd.Index(["A", "B"], name="customer_id"))
                 purchases  net_sales  returned
    customer_id
    A                    1       20.0      -5.0
    B                    0        0.0       0.0
    """
    days = purchase_days(lines, period.covers, purchase)
    sums = days.group_by("customer_id").agg(
        purchases=days.bought.cast("int32").sum(),
        **{name: days[name].sum(where=days.paid) for name in money_of(days)},
        **{f"returned_{name}": days[name].sum(where=~days.paid) for name in money_of(days)},
    )
    frame, read = fetched(sums)
    frame["purchases"] = read("purchases", "int32")
    frame["net_sales"], returned = read("net"), read("returned_net")
    if "cost" in days.columns:
        frame["gross_margin"] = frame["net_sales"] - read("cost")
    frame["returned"] = returned
    if "cost" in days.columns:
        frame["returned_margin"] = returned - read("returned_cost")
    if customers is None:
        return frame
    return frame.reindex(customers, fill_value=0).astype(frame.dtypes)


def last_gaps(
    lines: ibis.Table,
    as_of: date,
    *,
    until: date | None = None,
    purchase: Purchase = "paid",
) -> pd.DataFrame:
    """Return the last complete waits between purchases of each customer: how regular buying is.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    as_of : datetime.date
        Last known day.
    until : datetime.date, optional
        Last day of a calibration, where it ends before `as_of`.
    purchase : {'paid', 'bought', 'any'}
        What counts as a purchase; see `crmlib.analysis.clv.purchases.purchase_days`.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id`` (text, sorted), the customers of `purchase_summary` before any is left out
        for beginning before the data. Columns ``itt_1`` (days between the last two purchases) and ``itt_2``
        (days between the two before; int32, 0 where there is no such wait) and ``log_itts`` (sum of
        the natural logarithms of all waits in days; 0 without repeats).

    Notes
    -----
    The last two waits of each customer are what the test of regularity by Wheat & Morrison (1990),
    Journal of Marketing Research 27:87-93, reads; the sum of logarithms is what
    Erlang-k waits add to a history (Platzer & Reutterer 2016, Marketing Science 35:779-799).

    Examples
    --------
    >>> bought = {
    ...     "customer_id": ["A", "A", "A", "B"],
    ...     "day": [date(2026, 1, 1), date(2026, 1, 11), date(2026, 1, 12), date(2026, 1, 5)],
    ...     "net_sales": [10.0, 20.0, 10.0, 5.0],
    ... }
    >>> last_gaps(ibis.memtable(bought), date(2026, 1, 31)).round(3)
                 itt_1  itt_2  log_itts
    customer_id
    A                1     10     2.303
    B                0      0     0.000
    """
    days = purchase_days(lines, _up_to(_last_day(as_of, until)), purchase)
    bought = days.filter(days.bought).select("customer_id", "day")
    in_order = ibis.window(group_by="customer_id", order_by="day")
    before = bought.mutate(
        one=bought.day.lag(1).over(in_order),
        two=bought.day.lag(2).over(in_order),
        later=bought.day.lead(1).over(in_order),
    )
    waits = before.select(
        "customer_id",
        wait=before.day.delta(before.one, unit="day"),
        wait_before=before.one.delta(before.two, unit="day"),
        is_last=before.later.isnull(),
    )
    customers = waits.group_by("customer_id").agg(
        itt_1=waits.wait.max(where=waits.is_last),
        itt_2=waits.wait_before.max(where=waits.is_last),
        log_itts=waits.wait.cast("float64").ln().sum(),
    )
    frame, read = fetched(customers)
    frame["itt_1"], frame["itt_2"] = read("itt_1", "int32"), read("itt_2", "int32")
    # Engines add in any order; what they agree on is far more than anybody needs.
    frame["log_itts"] = read("log_itts").round(9)
    return frame


def _last_day(as_of: date, until: date | None) -> date:
    if until is not None and until > as_of:
        raise ParameterError(f"until = {until}, after as_of = {as_of}", "a day up to as_of", "leave it out")
    return until or as_of


def _up_to(last: date) -> Callable[[ibis.Value], ibis.Value]:
    return lambda day: day <= ibis.literal(last)


def _per_customer(days: ibis.Table, wanted: dict[str, ibis.Value]) -> ibis.Table:
    customers = days.group_by("customer_id").agg(**wanted)
    return customers.filter(customers.first_on.notnull())


def _less_first(days: ibis.Table, wanted: dict[str, ibis.Value]) -> ibis.Table:
    """Add up by customer, with the day of the first purchase taken out of the money and its days."""
    money = money_of(days)
    if days.get_backend().name != "sqlite":
        first = {f"first_{name}": days[name].argmin(days.day, where=days.bought) for name in money}
        customers = _per_customer(days, wanted | first)
    else:
        # Beside another minimum or maximum, SQLite picks the row that goes with a minimum at will.
        customers = _per_customer(days, wanted)
        first = {f"first_{name}": days[name] for name in money}
        firsts = days.select("customer_id", "day", **first)
        same = [customers.customer_id == firsts.customer_id, customers.first_on == firsts.day]
        customers = customers.inner_join(firsts, same).drop("day")
    was_paid = customers.first_net > 0
    less = {
        name: was_paid.ifelse(customers[name] - customers[f"first_{name}"], customers[name]) for name in money
    }
    return customers.mutate(n=customers.n - was_paid.cast("int32"), **less).drop(*first)
