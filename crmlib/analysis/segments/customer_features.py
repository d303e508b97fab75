"""What is known about each customer, in one row: the ground that segments are made from.

Two views. `features_on` reads order lines alone and nothing after its day, so the same columns can be laid out for
an earlier day without hindsight. `customer_features` adds what other notebooks saved about today: profit, value ahead,
chance to leave. Whatever the data do not hold is left out and named.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.churn.active_chance import chances_alive
from crmlib.analysis.churn.activity import Activity, Tables, day_number, fetched, number_of
from crmlib.analysis.clv.refusals import refuse
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.period import Period
from crmlib.errors import DataError, ParameterError

_MODEL = "repeat purchases to fit a model to"
#: Every column: its meaning, and what it takes.
COLUMNS = {
    "recency_days": ("Days since the last purchase", "orders"),
    "tenure_days": ("Days since the customer was won, as far as known", "orders"),
    "purchases": ("Days with a purchase, in all the data up to the day", "orders"),
    "frequency": ("Days with a purchase in the period", "orders"),
    "money": ("Gross margin in the period", "orders"),
    "net_sales": ("Net sales in the period", "orders"),
    "active_chance": ("Chance to be still a customer", _MODEL),
    "expected_margin": ("Margin of the period times the chance to be still a customer", _MODEL),
    "categories": ("Different categories bought in the period", "orders.product_id and products.category"),
    "main_channel": ("Channel of most purchase days in the period", "orders.channel"),
    "web_share": ("Share of purchase days in the period on the web", "orders.channel with a channel of the web"),
    "profit": ("Profit in the period", "profit_per_customer of 02_profitability"),
    "cost_to_serve_share": ("Cost to serve as a share of net sales", "events and their cost, by 02_profitability"),
    "value_ahead": ("Value of the margin still to come", "lifetime_value of 04_lifetime_value"),
    "value_low": ("Low end of the value ahead", "lifetime_value of 04_lifetime_value"),
    "value_high": ("High end of the value ahead", "lifetime_value of 04_lifetime_value"),
    "churn_probability": ("Chance to stay away", "churn of 03_churn"),
    "value_at_risk": ("Margin of a year that may be lost", "churn of 03_churn"),
}  # fmt: skip
_COUNTS = ("purchases", "frequency")


@dataclass(frozen=True)
class CustomerFeatures:
    """Customers with all that is known about them.

    Attributes
    ----------
    customers : DataFrame
        Indexed by ``customer_id``, sorted; the columns of `COLUMNS` that could be made, in their order. Customers
        without a purchase so far have ``purchases`` 0 and no recency.
    missing : DataFrame
        Indexed by ``column``: ``meaning``, ``needs``; what could not be made.
    period : Period
        What sums are over.
    """

    customers: pd.DataFrame
    missing: pd.DataFrame
    period: Period


def features_on(
    tables: Tables, activity: Activity, period: Period, web: Sequence[str] = ("web",)
) -> pd.DataFrame:
    """Lay out what order lines up to the last day of a period say about each customer.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None; read are ``products`` and ``customers``.
    activity : Activity
        As returned by `crmlib.analysis.churn.activity.customer_activity`; lines after the period are not read.
    period : Period
        What sums are over; its last day is the day the customers are seen from.
    web : sequence of str
        Channels that count as the web.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, sorted: everybody with a purchase (a day whose lines sum to more than 0) up to the
        last day. The columns of `COLUMNS` that need nothing but orders, products and days of winning, as far as
        the data hold them.

    Raises
    ------
    ParameterError
        If the period ends before the data begin, or after the last known day.

    Notes
    -----
    Money that comes back counts on its own day, so a sum may be below 0. The chance to be a customer is that of an
    MBG/NBD model fitted on the same lines; customers who began before the data have one of their own where there are
    100 or more. Definition of this project.

    Examples
    --------
    >>> from datetime import date
    >>> from crmlib.analysis.churn.activity import customer_activity
    >>> bought = {"customer_id": ["A", "A", "B"], "net_amount": [10.0, 30.0, 20.0],
    ...           "ordered_at": [date(2026, 1, 1), date(2026, 3, 1), date(2026, 1, 5)]}
    >>> tables = {"orders": ibis.memtable(bought).mutate(ordered_at=ibis._.ordered_at.cast("timestamp"))}.get
    >>> activity = customer_activity(tables, date(2026, 3, 31), 0.4)
    >>> features_on(tables, activity, Period.ending(date(2026, 1, 31), 1))[["recency_days", "frequency", "money"]]
                 recency_days  frequency  money
    customer_id
    A                      30          1    4.0
    B                      26          1    8.0
    """
    if not activity.first <= period.last <= activity.as_of:
        raise ParameterError(
            f"a period that ends on {period.last}",
            f"a day from {activity.first} to {activity.as_of}",
            "choose an earlier or later day",
        )
    first, n = number_of(period.first), number_of(period.last)
    days = activity.days.filter(activity.days.n <= n)
    within, bought = days.n >= first, days.bought == 1
    sums = days.group_by("who").agg(
        first=days.n.min(where=bought),
        last=days.n.max(where=bought),
        purchases=days.bought.sum(),
        frequency=days.bought.sum(where=within).fill_null(0),
        money=days.gross_margin.sum(where=within).cast("float64").fill_null(0.0),
        net_sales=days.net_sales.sum(where=within).cast("float64").fill_null(0.0),
    )
    known = {
        name: column.to_numpy() for name, column in fetched(sums.filter(sums.purchases > 0), "who").items()
    }
    who = known["who"]
    acquired = _acquired(tables, activity)[who]
    began = np.fmin(known["first"], acquired)
    found = pd.DataFrame(
        {
            "recency_days": (n - known["last"]).astype("int64"),
            "tenure_days": (n - began).astype("int64"),
            **{name: known[name].astype("int64") for name in _COUNTS},
            # Adding 0 makes a plain zero of a negative one.
            **{name: known[name].round(6) + 0.0 for name in ("money", "net_sales")},
        },
        index=pd.Index(activity.ids[who], name="customer_id"),
    )
    history = {
        "first": known["first"],
        "last": known["last"],
        "purchases": known["purchases"].astype("float64"),
    }
    history = {name: values.astype("float64") for name, values in history.items()}
    chance, trouble = chances_alive(MBGNBD(), history, n, acquired, number_of(activity.first))
    if not trouble:
        found["active_chance"] = chance
        found["expected_margin"] = (chance * found["money"]).round(6)
    for name, values in _breadth(tables, activity, first, n, web).items():
        found[name] = values[who]
    return found.sort_index()


def customer_features(
    tables: Tables,
    activity: Activity,
    period: Period,
    profit_per_customer: pd.DataFrame | None = None,
    lifetime_value: pd.DataFrame | None = None,
    churn: pd.DataFrame | None = None,
    web: Sequence[str] = ("web",),
) -> CustomerFeatures:
    """Put all that is known about each customer today into one row.

    Parameters
    ----------
    tables, activity, period, web
        As for `features_on`.
    profit_per_customer, lifetime_value, churn : DataFrame, optional
        As notebooks 02, 04 and 03 save them, by a column or an index ``customer_id``.

    Returns
    -------
    CustomerFeatures
        Everybody who ever bought, and everybody in a saved table.

    Raises
    ------
    DataError
        If a saved table has no ``customer_id``, or a customer twice.
    ParameterError
        As for `features_on`.

    Notes
    -----
    Who is not among the profits caused nothing in the period: a profit of 0. The chance to be a customer is that of
    04 where it is there, since the same model stands behind the value ahead. The value ahead is that of the
    horizon which has an interval. Definition of this project.
    """
    own = features_on(tables, activity, period, web)
    saved = {
        "profit_per_customer": _by_customer(profit_per_customer, "profit_per_customer"),
        "lifetime_value": _by_customer(lifetime_value, "lifetime_value"),
        "churn": _by_customer(churn, "churn"),
    }
    everybody = own.index
    for table in saved.values():
        everybody = everybody.union(table.index)
    found = own.reindex(everybody).rename_axis("customer_id")
    for name in (*_COUNTS, "money", "net_sales"):
        found[name] = found[name].fillna(0).astype(own[name].dtype)
    profit, ahead, left = (table.reindex(everybody) for table in saved.values())
    if "profit" in profit:
        found["profit"] = profit["profit"].fillna(0.0)
        if profit.get("service_cost", pd.Series(0.0)).any():
            sales = profit["net_sales"].where(profit["net_sales"] > 0)
            found["cost_to_serve_share"] = profit["service_cost"] / sales
    months = value_months(ahead)
    if months:
        for name, of in (("value_ahead", "value"), ("value_low", "low"), ("value_high", "high")):
            found[name] = ahead[f"{of}_{months}"]
    if "alive" in ahead and ahead["alive"].notna().any():
        found["active_chance"] = ahead["alive"].fillna(found.get("active_chance", np.nan))
        found["expected_margin"] = found["active_chance"] * found["money"]
    for name in ("churn_probability", "value_at_risk"):
        if name in left:
            found[name] = left[name]
    there = [name for name in COLUMNS if name in found]
    rows = {name: COLUMNS[name] for name in COLUMNS if name not in found}
    missing = pd.DataFrame.from_dict(rows, orient="index", columns=["meaning", "needs"]).rename_axis("column")
    return CustomerFeatures(found[there], missing, period)


def value_months(lifetime_value: pd.DataFrame) -> int | None:
    """Months of the horizon whose value has an interval, the longest if there are several; None without any.

    Examples
    --------
    >>> value_months(pd.DataFrame(columns=["value_12", "value_36", "low_36", "high_36"]))
    36
    """
    ends = {name.rpartition("_")[2] for name in lifetime_value.columns if str(name).startswith("low_")}
    wanted = [
        int(end) for end in ends if end.isdigit() and {f"value_{end}", f"high_{end}"} <= set(lifetime_value)
    ]
    return max(wanted, default=None)


def _acquired(tables: Tables, activity: Activity) -> np.ndarray:
    """Day of winning of each customer of the activity, since 1970; NaN where it is not known."""
    found = np.full(len(activity.ids), np.nan)
    customers = tables("customers")
    if customers is None or "acquired_on" not in customers.columns:
        return found
    won = customers.filter(customers.acquired_on.notnull()).inner_join(activity.people, "customer_id")
    rows = fetched(won.select("who", n=day_number(won.acquired_on)), "who")
    found[rows["who"].to_numpy()] = rows["n"].to_numpy()
    return found


def _breadth(
    tables: Tables, activity: Activity, first: int, last: int, web: Sequence[str]
) -> dict[str, np.ndarray]:
    """Categories, main channel and share of the web, over all customers of the activity."""
    found: dict[str, np.ndarray] = {}
    products = tables("products")
    if activity.goods is not None and products is not None and "category" in products.columns:
        goods = activity.goods.filter(activity.goods.n.between(first, last))
        pairs = goods.inner_join(products.select("product_id", "category"), "product_id")
        counts = fetched(pairs.group_by("who").agg(categories=pairs.category.nunique()), "who")
        found["categories"] = np.zeros(len(activity.ids), dtype="int64")
        found["categories"][counts["who"].to_numpy()] = counts["categories"].to_numpy()
    if "channel" not in activity.days.columns:
        return found
    days = activity.days
    used = days.filter(days.n.between(first, last), days.bought == 1, days.channel.notnull())
    often = used.group_by("who", "channel").agg(times=ibis._.count())
    place = ibis.row_number().over(group_by="who", order_by=[ibis.desc("times"), "channel"])
    ranked = often.mutate(place=place)
    best = fetched(ranked.filter(ranked.place == 0).select("who", "channel"), "who")
    main = np.full(len(activity.ids), None, dtype=object)
    main[best["who"].to_numpy()] = best["channel"].to_pandas().astype("object").to_numpy()
    found["main_channel"] = main
    on_web = often.channel.isin(list(web))
    shares = fetched(
        often.group_by("who").agg(all=often.times.sum(), web=often.times.sum(where=on_web).fill_null(0)),
        "who",
    )
    if len(shares["who"]) and shares["web"].to_numpy().any():
        share = np.full(len(activity.ids), np.nan)
        share[shares["who"].to_numpy()] = shares["web"].to_numpy() / shares["all"].to_numpy()
        found["web_share"] = share
    return found


def _by_customer(table: pd.DataFrame | None, name: str) -> pd.DataFrame:
    """Index a saved table by customer; an empty frame stands for a missing one."""
    if table is None:
        return pd.DataFrame(index=pd.Index([], dtype="str", name="customer_id"))
    if "customer_id" in table.columns:
        table = table.set_index("customer_id")
    if table.index.name != "customer_id":
        raise DataError(f"{name} without customer_id", "one row per customer_id", f"save {name} again")
    twice = table.index.duplicated()
    if twice.any():
        refuse(
            twice, table.index, f"a customer who stands twice in {name}", "one row each", "add rows up first"
        )
    return table
