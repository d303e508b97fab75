"""The product lens: what customers begin with, what follows, and how broadly they buy."""

from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.audit.customer_days import Base
from crmlib.analysis.intervals import Z, wilson_interval
from crmlib.analysis.period import Period

FEW = 6  # up to so many items, each number of them is a group of its own


def item_lines(
    orders: ibis.Table, products: ibis.Table | None, by: str, leave_out: Sequence[str] = ()
) -> ibis.Table | None:
    """Return what was bought, line by line: ``customer_id``, ``day``, ``item``, ``net_sales``.

    Parameters
    ----------
    orders, products : ibis.Table
        The checked tables; `products` may be None.
    by : str
        ``category`` or ``product``.
    leave_out : sequence of str
        Values of ``product_id`` that are no goods, such as postage.

    Returns
    -------
    ibis.Table or None
        Bought lines (net amount above zero) of known customers. A line whose product has no
        category reads ``(no category)``. None where the data do not say what was bought.
    """
    if "product_id" not in orders.columns:
        return None
    bought = orders.filter(
        (orders.net_amount > 0) & orders.customer_id.notnull() & orders.product_id.notnull()
    )
    if leave_out:
        bought = bought.filter(bought.product_id.notin(list(leave_out)))
    lines = bought.select(
        "customer_id", "product_id", day=bought.ordered_at.date(), net_sales=bought.net_amount
    )
    if by == "product":
        return lines.rename(item="product_id")
    if products is None or "category" not in products.columns:
        return None
    kinds = products.select("product_id", item=products.category)
    joined = lines.left_join(kinds, "product_id")
    return joined.select("customer_id", "day", "net_sales", item=joined.item.fill_null("(no category)"))


def entries(base: Base, items: ibis.Table) -> ibis.Table:
    """Say what each customer won since the data began bought first.

    Returns
    -------
    ibis.Table
        One row per customer: ``customer_id``, ``cohort``, ``won_on``, ``item`` (of the highest net amount on
        the first day with an order; the first in the alphabet where two are equal).
    """
    days = base.days.filter((base.days.cohort >= 0) & (base.days.orders > 0))
    first = days.group_by("customer_id", "cohort", "won_on").agg(day=ibis._.day.min())
    sums = (
        items.inner_join(first, ["customer_id", "day"])
        .group_by("customer_id", "cohort", "won_on", "item")
        .agg(net_sales=ibis._.net_sales.sum())
    )
    own = ibis.window(group_by="customer_id", order_by=[ibis.desc("net_sales"), "item"])
    ranked = sums.mutate(place=ibis.row_number().over(own))
    return ranked.filter(ranked.place == 0).drop("place", "net_sales")


def what_follows(base: Base, entered: ibis.Table, age: int, smallest: int) -> pd.DataFrame:
    """Compare customers by what they bought first.

    Parameters
    ----------
    base : Base
    entered : ibis.Table
        As returned by `entries`.
    age : int
        Windows of age over which they are followed; only customers who have completed them.
    smallest : int
        Items with fewer customers are left out.

    Returns
    -------
    DataFrame
        Indexed by ``item``, the highest value first: ``customers``, ``repeat_share`` (ordered on
        a second day) with ``repeat_low``, ``repeat_high``; ``value`` (profit per customer) with ``low``,
        ``high``; ``shrunk`` (value drawn towards the mean of all, as far as chance blurs it)
        with ``shrunk_low``, ``shrunk_high``. ``attrs["mean"]`` is the mean that values are drawn
        to, ``attrs["customers"]`` the number of customers followed.

    Notes
    -----
    Values are drawn to the mean as in Efron & Morris (1975), Journal of the American Statistical Association
    70:311-319. How much items really differ is not known from a few of them; so all sizes of that difference are
    weighed by how well they fit (Rubin 1981, Journal of Educational Statistics 6:377-401), and the interval holds
    what is not known about it. The variance within an item is drawn to that within all items by the weight of one
    customer (Smyth 2004, Statistical Applications in Genetics and Molecular Biology 3:3), or an item whose
    customers happen to be alike would pass for certain.
    """
    length = int(np.ceil(age * base.windows.days))
    last = base.as_of - pd.Timedelta(days=length - 1)  # the day of winning is the first of its age
    followed = entered.filter(entered.won_on <= ibis.literal(last))
    within = base.days.filter(base.days.age_days < length)
    joined = followed.inner_join(within.drop("cohort", "won_on"), "customer_id")
    each = joined.group_by("customer_id", "item").agg(
        order_days=ibis._.count(where=ibis._.orders > 0), profit=ibis._.profit.sum().cast("float64").round(2)
    )
    table = (
        each.group_by("item")
        .agg(
            customers=ibis._.count(),
            repeaters=ibis._.count(where=ibis._.order_days > 1),
            profit=ibis._.profit.cast("decimal(18, 2)").sum().cast("float64"),
            squares=(ibis._.profit * ibis._.profit).cast("decimal(38, 4)").sum().cast("float64"),
        )
        .order_by("item")
        .execute()
        .set_index("item")
    )
    total = int(table["customers"].sum())
    table = table[table["customers"] >= max(smallest, 2)]
    n = table["customers"]
    table = table.assign(value=table["profit"] / n, repeat_share=table["repeaters"] / n)
    error = np.sqrt(((table["squares"] - n * table["value"] ** 2) / (n - 1)).clip(lower=0) / n)
    ends = [wilson_interval(int(k), int(m)) for k, m in zip(table["repeaters"], n, strict=True)]
    table = table.assign(
        low=table["value"] - Z * error,
        high=table["value"] + Z * error,
        repeat_low=[low for low, _ in ends],
        repeat_high=[high for _, high in ends],
    )
    pooled = float((error**2 * n * (n - 1)).sum() / max((n - 1).sum(), 1))
    moderate = np.sqrt((error**2 * n * (n - 1) + pooled) / n / n)
    shrunk, mean = _shrunk(table["value"], moderate)
    table = table.assign(**shrunk).drop(columns=["profit", "squares", "repeaters"])
    table = table.sort_values(["shrunk", "item"], ascending=[False, True], kind="stable")
    table.attrs.update(mean=mean, customers=total)
    return table


def _shrunk(value: pd.Series, error: pd.Series) -> tuple[dict[str, pd.Series], float]:
    """Draw values to their mean by the share of chance in their spread, for all it could be; returns the mean too."""
    if value.empty:
        return dict.fromkeys(("shrunk", "shrunk_low", "shrunk_high"), value), float("nan")
    own, chance = value.to_numpy()[:, None], np.maximum(error.to_numpy(), 1e-9)[:, None] ** 2
    between = np.linspace(0.0, 2 * np.ptp(own) + 1e-9, 200) ** 2  # from no difference to twice what is seen
    weight = 1 / (chance + between)
    centre = (weight * own).sum(axis=0) / weight.sum(axis=0)
    fit = np.log(weight).sum(axis=0) - np.log(weight.sum(axis=0)) - (weight * (own - centre) ** 2).sum(axis=0)
    likely = np.exp((fit - fit.max()) / 2)
    likely /= likely.sum()
    kept = between * weight
    drawn = kept * own + (1 - kept) * centre
    spread = kept * chance + (1 - kept) ** 2 / weight.sum(axis=0)
    shrunk = (likely * drawn).sum(axis=1)
    half = Z * np.sqrt((likely * (spread + (drawn - shrunk[:, None]) ** 2)).sum(axis=1))
    ends = {"shrunk": shrunk, "shrunk_low": shrunk - half, "shrunk_high": shrunk + half}
    drawn_to = float((likely * centre).sum())
    return {name: pd.Series(values, index=value.index) for name, values in ends.items()}, drawn_to


def next_items(base: Base, items: ibis.Table, entered: ibis.Table) -> pd.DataFrame:
    """Count what customers bought on their second day with an order, by what they began with.

    Returns
    -------
    DataFrame
        Index: the entry item; columns: items on the second day (the one of the highest net
        amount), ``(not known)`` where the data do not say what was bought on it, and ``none`` (no
        second day yet); customers.
    """
    placed = base.days.filter((base.days.cohort >= 0) & (base.days.orders > 0))
    own = ibis.window(group_by="customer_id", order_by="day")
    second = placed.mutate(place=ibis.row_number().over(own))
    second = second.filter(second.place == 1).select("customer_id", "day")
    sums = (
        items.inner_join(second, ["customer_id", "day"])
        .group_by("customer_id", "item")
        .agg(net_sales=ibis._.net_sales.sum())
    )
    ranked = sums.mutate(
        place=ibis.row_number().over(
            ibis.window(group_by="customer_id", order_by=[ibis.desc("net_sales"), "item"])
        )
    )
    top = ranked.filter(ranked.place == 0).select("customer_id", following="item")
    again = second.left_join(top, "customer_id").select(
        "customer_id", following=ibis._.following.fill_null("(not known)")
    )
    joined = entered.left_join(again, "customer_id")
    counted = (
        joined.mutate(following=joined.following.fill_null("none"))
        .group_by("item", "following")
        .agg(customers=ibis._.count())
        .order_by("item", "following")
        .execute()
    )
    return counted.pivot(index="item", columns="following", values="customers").fillna(0).astype("int64")


def breadth(
    items: ibis.Table, customers: pd.DataFrame, period: Period, orders: tuple[int, int], smallest: int
) -> pd.DataFrame:
    """Compare customers by how many items they bought from in a period.

    Whoever orders more often meets more items; that alone makes broad buyers look better. The
    last columns therefore look at customers with about the same number of orders.

    Parameters
    ----------
    items : ibis.Table
        As returned by `item_lines`.
    customers : DataFrame
        As returned by `Base.customers_in` for the period.
    period : Period
    orders : tuple of int
        Fewest and most orders of the customers compared like with like.
    smallest : int
        No average over fewer customers.

    Returns
    -------
    DataFrame
        Indexed by ``items`` (in words): ``customers``, ``orders`` (per customer), ``profit`` (per
        customer), ``alike`` (customers with `orders` orders), the ``alike_orders`` of each and
        their ``alike_profit`` with ``alike_low``, ``alike_high``. NaN where too few are there.
    """
    within = items.filter(period.covers(items.day))
    counted = (
        within.group_by("customer_id").agg(items=ibis._.item.nunique()).order_by("customer_id").execute()
    )
    known = customers.join(counted.set_index("customer_id"), how="inner")
    known = known[known["orders"] > 0]
    rows = {}
    for low, high, label in _breadths(known["items"]):
        part = known[known["items"].between(low, high)]
        alike = part.loc[part["orders"].between(*orders), "profit"]
        error = alike.std(ddof=1) / np.sqrt(len(alike)) if len(alike) > 1 else np.nan
        rows[label] = {
            "customers": len(part),
            "orders": part["orders"].mean(),
            "profit": part["profit"].mean(),
            "alike_orders": part.loc[alike.index, "orders"].mean(),
            "alike_profit": alike.mean(),
            "alike_low": alike.mean() - Z * error,
            "alike_high": alike.mean() + Z * error,
            "alike": len(alike),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("items")
    table.loc[table["customers"] < smallest, ["orders", "profit"]] = np.nan
    table.loc[table["alike"] < smallest, [name for name in table if name.startswith("alike_")]] = np.nan
    return table


def _breadths(items: pd.Series) -> list[tuple[float, float, str]]:
    """Choose groups of breadth: one, two, three and more; or quarters, where people buy many items."""
    edges = sorted({int(edge) for edge in items.quantile([0.25, 0.5, 0.75])})
    if not edges or edges[-1] <= FEW:
        return [(1, 1, "1"), (2, 2, "2"), (3, 3, "3"), (4, np.inf, "4 or more")]
    lows = [1, *(edge + 1 for edge in edges)]
    named = [(low, high, f"{low} to {high}") for low, high in zip(lows, edges, strict=False)]
    return [*named, (lows[-1], np.inf, f"{lows[-1]} or more")]
