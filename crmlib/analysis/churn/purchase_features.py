"""What purchases say about each customer on a day: recency, cadence, frequency, money, trend, breadth."""

from collections.abc import Sequence

import ibis
import numpy as np

from crmlib.analysis.churn.activity import Activity, Tables, by_day, known_on, spread
from crmlib.analysis.period import DAYS_PER_MONTH


def histories_on(
    activity: Activity, numbers: Sequence[int], months: Sequence[int]
) -> dict[int, dict[str, np.ndarray]]:
    """Add up the days of all customers who had bought by each day.

    Parameters
    ----------
    activity : Activity
    numbers : sequence of int
        Days since 1970.
    months : sequence of int
        Months looked back, rising.

    Returns
    -------
    dict of int to dict of str to ndarray of shape (n_known,)
        By day: ``who``; ``first`` and ``last`` purchase (days since 1970), ``purchases`` (days with one),
        ``longest_gap_days``; and sums over the stretches that end on the day.
    """
    days = known_on(activity.days, numbers)
    bought = days.bought == 1
    wanted = {
        "first": days.n.min(where=bought),
        "last": days.n.max(where=bought),
        "purchases": days.bought.sum(),
        "longest_gap_days": days.gap.max(),
    }
    for one in dict.fromkeys((*months, recent_half(months[-1]))):
        within = days.n > days.d - length_of(one)
        wanted |= {
            f"orders_{one}m": days.orders.sum(where=within),
            f"net_sales_{one}m": days.net_sales.sum(where=within),
        }
        if one in months:
            wanted |= {
                f"purchase_days_{one}m": days.bought.sum(where=within),
                f"gross_margin_{one}m": days.gross_margin.sum(where=within),
            }
    year = days.n > days.d - length_of(months[-1])
    wanted |= {name: days[name].sum(where=year) for name in ("returns", "list_sales", "discounts")}
    customers = days.group_by("d", "who").agg(**wanted)
    parts = by_day(customers.filter(customers["first"].notnull()), numbers)
    return {
        number: {name: _read(name, column) for name, column in part.items()} for number, part in parts.items()
    }


def length_of(months: int) -> int:
    """Days of so many months."""
    return int(months * DAYS_PER_MONTH)


def recent_half(months: int) -> int:
    """Months of the recent half of a stretch."""
    return max(months // 2, 1)


def features_of_orders(
    known: dict[str, np.ndarray], n: int, months: Sequence[int], acquired: np.ndarray
) -> dict[str, np.ndarray]:
    """Turn sums into features.

    Parameters
    ----------
    known : dict of str to ndarray of shape (n_customers,)
        Of one day, as returned by `histories_on`.
    n : int
        The day, since 1970.
    months : sequence of int
    acquired : ndarray of shape (n_customers,)
        Day of winning, NaN where it is not known; one after the day is not known yet.

    Returns
    -------
    dict of str to ndarray of shape (n_customers,)
        Names as in `crmlib.analysis.churn.catalogue`; NaN where there is nothing to divide by.
    """
    first, last, again = known["first"], known["last"], known["purchases"] - 1
    longest, half = months[-1], recent_half(months[-1])
    recency = (n - last).astype("int32")
    began = np.fmin(first, np.where(acquired > n, np.nan, acquired))
    cadence = _over(last - first, again)
    sent_back = np.abs(known["returns"])
    found = {
        "recency_days": recency,
        "tenure_days": (n - began).astype("int32"),
        "cadence_days": cadence.round(6),
        "cadence_ratio": _over(recency, cadence).round(6),
        "longest_gap_days": known["longest_gap_days"],
    }
    for name in ("orders", "purchase_days", "net_sales", "gross_margin"):
        found |= {f"{name}_{one}m": known[f"{name}_{one}m"] for one in months}
    for name, of in (("trend_orders", "orders"), ("trend_sales", "net_sales")):
        recent = known[f"{of}_{half}m"].astype("float64")
        before = known[f"{of}_{longest}m"] - recent
        found[name] = _over(recent - before, np.abs(recent) + np.abs(before)).round(6)
    found["return_share"] = _over(sent_back, known[f"net_sales_{longest}m"] + sent_back).round(6)
    found["discount_share"] = _over(known["discounts"], known["list_sales"]).round(6)
    return found


def breadth_on(
    tables: Tables, activity: Activity, numbers: Sequence[int], months: int
) -> dict[int, dict[str, np.ndarray]]:
    """Count the different products, categories and channels of each customer within a stretch up to each day.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None; read is ``products``.
    activity : Activity
    numbers : sequence of int
        Days since 1970.
    months : int
        Length of the stretch.

    Returns
    -------
    dict of int to dict of str to ndarray of shape (n_customers,)
        By day, over all customers of `activity`.
    """
    size, length = len(activity.ids), length_of(months)
    found: dict[int, dict[str, np.ndarray]] = {number: {} for number in numbers}
    if activity.goods is not None:
        goods = known_on(activity.goods, numbers)
        pairs = goods.filter(goods.n > goods.d - length).select("d", "who", "product_id").distinct()
        count = {"products": ibis._.count()}
        products = tables("products")
        if products is not None and "category" in products.columns:
            named = products.select("product_id", "category")
            pairs = pairs.left_join(named, "product_id").select("d", "who", "category")
            count["categories"] = ibis._.category.nunique()
        parts = by_day(pairs.group_by("d", "who").agg(**count), numbers)
        found = {number: spread(parts[number], size, blank=0) for number in numbers}
    if "channel" in activity.days.columns:
        days = known_on(activity.days, numbers)
        used = days.filter(days.n > days.d - length, days.bought == 1, days.channel.notnull())
        often = used.group_by("d", "who", "channel").agg(times=ibis._.count())
        place = ibis.row_number().over(group_by=["d", "who"], order_by=[ibis.desc("times"), "channel"])
        of_each = ibis.window(group_by=["d", "who"])
        ranked = often.mutate(place=place, channels=often.count().over(of_each))
        best = ranked.filter(ranked.place == 0).select("d", "who", "channel", "channels")
        for number, table in by_day(best, numbers).items():
            main = np.full(size, None, dtype=object)
            main[table["who"].to_numpy()] = table.pop("channel").to_pandas().astype("object").to_numpy()
            found[number] |= spread(table, size, blank=0) | {"main_channel": main}
    return found


def _read(name: str, column) -> np.ndarray:
    values = (column if name == "longest_gap_days" else column.fill_null(0)).to_numpy()
    if name.startswith(("orders", "purchase_days", "who")):
        return values.astype("int32")
    values = values.astype("float64")
    # Adding 0 makes a plain zero of a negative one.
    return values.round(6) + 0.0 if name.startswith(("net_sales", "gross_margin")) else values


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide, with missing where there is nothing to divide by."""
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
