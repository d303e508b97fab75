"""Lens 2: what changed from one period to the next, for whom, through what, and how much by chance?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.audit.customer_days import Base
from crmlib.analysis.audit.factors import contributions, factors_of
from crmlib.analysis.intervals import Z, wilson_interval
from crmlib.analysis.period import Period
from crmlib.analysis.profitability import equal_groups

GROUPS = {
    "retained": "Retained: active in both",
    "lost": "Lost: active before, not now",
    "new": "New: won and active now",
    "back": "Back: active now, won earlier",
    "none": "No order in either",
}
STEPS = {
    "retained": "Active in both: earned more or less",
    "lost": "Not active any more",
    "new": "Won since",
    "back": "Came back",
    "none": "No order in either: returns, service",
}
_KEPT = ["orders", "net_sales", "profit", "acquisition_cost"]


@dataclass(frozen=True)
class Change:
    """Two periods of equal length beside each other.

    Attributes
    ----------
    customers : DataFrame
        Indexed by ``customer_id``: everyone with money in either period. ``group`` (key of
        `GROUPS`), ``won_on``, and ``orders``, ``net_sales``, ``profit``, ``acquisition_cost``
        of each period with the endings ``_before`` and ``_now``.
    bridge : DataFrame
        Indexed by ``group``: ``customers``, ``profit_before``, ``profit_now``, ``change``,
        ``sales_before``, ``sales_now``.
    active_before, active_now : int
        Customers who placed an order.
    retention : float
        Of the customers active before, the share active now.
    retention_interval : tuple of float
        Its 95 % interval (Wilson).
    profit_interval : tuple of float
        95 % interval of the change in profit, taking customers as a sample of those who could
        have been there.
    """

    customers: pd.DataFrame
    bridge: pd.DataFrame
    active_before: int
    active_now: int
    retention: float
    retention_interval: tuple[float, float]
    profit_interval: tuple[float, float]


def two_periods(before: pd.DataFrame, now: pd.DataFrame, since: date) -> Change:
    """Set two periods beside each other.

    Parameters
    ----------
    before, now : DataFrame
        As returned by `Base.customers_in`, for two periods of the same length.
    since : datetime.date
        First day of the second period: who was won from then on is new.
    """
    both = before[_KEPT].add_suffix("_before").join(now[_KEPT].add_suffix("_now"), how="outer").fillna(0.0)
    both = both.astype({"orders_before": "int64", "orders_now": "int64"})
    both["won_on"] = now["won_on"].reindex(both.index).fillna(before["won_on"])
    was, is_now = both["orders_before"] > 0, both["orders_now"] > 0
    both["group"] = np.select(
        [was & is_now, was, is_now & (both["won_on"] >= pd.Timestamp(since)), is_now],
        ["retained", "lost", "new", "back"],
        default="none",
    )
    groups = both.groupby("group")
    bridge = pd.DataFrame(
        {
            "customers": groups.size(),
            "profit_before": groups["profit_before"].sum(),
            "profit_now": groups["profit_now"].sum(),
            "sales_before": groups["net_sales_before"].sum(),
            "sales_now": groups["net_sales_now"].sum(),
        }
    ).reindex(list(GROUPS), fill_value=0)
    bridge.insert(3, "change", bridge["profit_now"] - bridge["profit_before"])
    kept, active_before = int((was & is_now).sum()), int(was.sum())
    moved = both["profit_now"] - both["profit_before"]
    half = Z * np.sqrt(len(moved) * moved.var(ddof=1)) if len(moved) > 1 else float("nan")
    return Change(
        customers=both,
        bridge=bridge,
        active_before=active_before,
        active_now=int(is_now.sum()),
        retention=kept / active_before if active_before else float("nan"),
        retention_interval=wilson_interval(kept, active_before),
        profit_interval=(float(moved.sum() - half), float(moved.sum() + half)),
    )


def profit_bridge(change: Change, before: str, now: str) -> pd.DataFrame:
    """Lay the change of profit out as steps from one period to the next.

    Parameters
    ----------
    change : Change
    before, now : str
        Names of the two periods.

    Returns
    -------
    DataFrame
        ``line`` and ``amount``: the profit before, what each group of customers changed (groups
        without customers left out), the profit now.
    """
    moved = change.bridge[change.bridge["customers"] > 0]
    return pd.DataFrame(
        {
            "line": [before, *moved.index.map(STEPS), now],
            "amount": [
                change.bridge["profit_before"].sum(),
                *moved["change"],
                change.bridge["profit_now"].sum(),
            ],
        }
    )


def what_moved(customers: pd.DataFrame) -> pd.DataFrame:
    """Split the change of profit into customers, orders, order value and margin.

    Parameters
    ----------
    customers : DataFrame
        ``customers`` of a `Change`, or some of its rows.

    Returns
    -------
    DataFrame
        Indexed by the factors (keys of `factors.FACTORS`): ``before``, ``now`` (values of the
        factor) and ``contribution`` (money; adds up to the change of profit of these rows).
    """
    sides = {}
    for side in ("before", "now"):
        sums = customers[[f"orders_{side}", f"net_sales_{side}", f"profit_{side}"]].sum()
        sides[side] = factors_of(int((customers[f"orders_{side}"] > 0).sum()), *sums)
    table = pd.DataFrame(sides)
    return table.assign(contribution=contributions(table["before"], table["now"]))


def up_and_down(customers: pd.DataFrame) -> pd.DataFrame:
    """Count retained customers by what went up and what went down.

    Returns
    -------
    DataFrame
        Indexed by ``orders`` and ``order_value`` (up, same, down): ``customers``,
        ``share`` and ``change`` (of profit, run's currency). An order value within one per cent
        of the old one is the same.
    """
    kept = customers[customers["group"] == "retained"]
    value = {side: kept[f"net_sales_{side}"] / kept[f"orders_{side}"] for side in ("before", "now")}
    table = pd.DataFrame(
        {
            "orders": _direction(kept["orders_before"], kept["orders_now"]),
            "order_value": _direction(value["before"], value["now"], within=0.01),
            "change": kept["profit_now"] - kept["profit_before"],
        }
    )
    groups = table.groupby(["orders", "order_value"])["change"]
    index = pd.MultiIndex.from_product([["up", "same", "down"]] * 2, names=["orders", "order_value"])
    counted = groups.agg(customers="size", change="sum").reindex(index, fill_value=0)
    counted.insert(1, "share", counted["customers"] / max(len(kept), 1))
    return counted


def _direction(before: pd.Series, now: pd.Series, within: float = 0.0) -> np.ndarray:
    limit = within * before.abs()
    return np.select([now - before > limit, before - now > limit], ["up", "down"], default="same")


def migration(customers: pd.DataFrame, groups: int = 10) -> pd.DataFrame:
    """Follow customers from their tenth in one period to their tenth in the next.

    Profit leaves out the cost of winning customers, which falls once and by design.

    Returns
    -------
    DataFrame
        Index ``before`` (1, the highest, to `groups`), columns 1 to `groups` and ``gone`` (no
        order in the second period); customers active before.
    """
    tenth = tenths_before_and_now(customers, groups)
    was = tenth[tenth["before"].notna()]
    now = was["now"].fillna(0).astype("int64")
    table = pd.crosstab(was["before"].astype("int64"), now)
    table = table.reindex(index=range(1, groups + 1), columns=[*range(1, groups + 1), 0], fill_value=0)
    return table.rename(columns={0: "gone"}).rename_axis(index="before", columns="now")


def tenths_before_and_now(customers: pd.DataFrame, groups: int = 10) -> pd.DataFrame:
    """Number each customer's group by profit among those active, in both periods; NaN if not active."""
    found = {}
    for side in ("before", "now"):
        buyers = customers[customers[f"orders_{side}"] > 0]
        earned = (buyers[f"profit_{side}"] + buyers[f"acquisition_cost_{side}"]).round(6)
        found[side] = equal_groups(earned, groups).reindex(customers.index) if len(buyers) else np.nan
    return pd.DataFrame(found, index=customers.index, dtype="float64")


def after_silence(frames: Sequence[pd.DataFrame]) -> tuple[int, int] | None:
    """Count who came back in the last period among those who had fallen silent in the one before.

    Parameters
    ----------
    frames : sequence of DataFrame
        Customers of neighbouring periods, as returned by `Base.customers_in`, the earliest first.

    Returns
    -------
    tuple of int or None
        How many came back, of how many who were active three periods ago counting the last, and
        not in the one between. None with fewer than three periods.
    """
    if len(frames) < 3:
        return None
    first, second, last = (frame.index[frame["orders"] > 0] for frame in frames[-3:])
    silent = first.difference(second)
    return int(silent.isin(last).sum()), len(silent)


@dataclass(frozen=True)
class AlternateWeeks:
    """Every other week of a stretch of days: a period that only chance tells from its counterpart.

    Attributes
    ----------
    first, last : datetime.date
        The stretch.
    odd : bool
        Whether to take the odd or the even weeks, counted from `first`.
    """

    first: date
    last: date
    odd: bool

    def covers(self, day: ibis.Value) -> ibis.Value:
        """Return the condition that the date `day` lies in one of the weeks."""
        since = day.delta(ibis.literal(self.first), unit="day")
        return day.between(self.first, self.last) & (((since // 7) % 2) == int(self.odd))


CHANCE = {
    "gone": "Active first, silent then",
    "halved": "Profit down by half or more",
    "moved": "Moved two tenths or more, or silent",
    "top_left": "Left the best tenth",
}


def beside_chance(base: Base, change: Change, before: Period, now: Period) -> pd.DataFrame:
    """Set the change between two periods beside the change that chance alone makes.

    The days of both periods are dealt out by alternate weeks. The two halves have the same
    customers, seasons and prices, and each customer is as much of a customer in one as in the
    other; what differs between them is when people happened to order. Only customers won
    before the first period are compared, for the others had less time in it.

    Parameters
    ----------
    base : Base
    change : Change
        Of the two periods.
    before, now : Period

    Returns
    -------
    DataFrame
        Indexed by the keys of `CHANCE`: ``label``, ``customers`` (the share is of them),
        ``observed``, ``observed_low``, ``observed_high`` and ``by_chance`` (shares of the
        customers active before).
    """
    old = _won_before(change.customers, before.first)
    halves = [base.customers_in(AlternateWeeks(before.first, now.last, odd)) for odd in (False, True)]
    dealt = _won_before(two_periods(*halves, since=now.last).customers, before.first)
    seen, lucky = _instability(old), _instability(dealt)
    rows = []
    for name, label in CHANCE.items():
        count, total = seen[name]
        by_chance = lucky[name][0] / lucky[name][1] if lucky[name][1] else float("nan")
        low, high = wilson_interval(count, total)
        rows.append((name, label, total, count / total if total else float("nan"), low, high, by_chance))
    columns = ["name", "label", "customers", "observed", "observed_low", "observed_high", "by_chance"]
    return pd.DataFrame(rows, columns=columns).set_index("name")


def _won_before(customers: pd.DataFrame, day: date) -> pd.DataFrame:
    """Return the customers won before a day; a day nobody knows lies before the data."""
    return customers[~(customers["won_on"] >= pd.Timestamp(day))]


def _instability(customers: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Count, among customers active in the first half, those who look different in the second."""
    was = customers[customers["orders_before"] > 0]
    tenth = tenths_before_and_now(customers).loc[was.index]
    earned = {side: was[f"profit_{side}"] + was[f"acquisition_cost_{side}"] for side in ("before", "now")}
    best = tenth["before"] == 1
    gained = earned["before"] > 0
    moved = tenth["now"].fillna(np.inf) - tenth["before"]
    return {
        "gone": (int((was["orders_now"] == 0).sum()), len(was)),
        "halved": (int((gained & (earned["now"] <= earned["before"] / 2)).sum()), int(gained.sum())),
        "moved": (int((moved.abs() >= 2).sum()), len(was)),
        "top_left": (int((best & (tenth["now"] != 1)).sum()), int(best.sum())),
    }
