"""Lens 2 on real files: groups, bridge, retention, migration and chance, each worked a second way."""

import datetime as dt
import math
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.factors import FACTORS
from crmlib.analysis.audit.two_periods import (
    CHANCE,
    GROUPS,
    STEPS,
    AlternateWeeks,
    beside_chance,
    migration,
    profit_bridge,
    two_periods,
    up_and_down,
    what_moved,
)


@pytest.fixture(scope="module")
def found(firm, change):
    return two_periods(change.before, change.now, firm.now.first)


@pytest.fixture(scope="module")
def second(firm, change):
    """Both periods of everybody in one row, with the group, from the raw lines."""
    rows = {}
    before, now = (side.to_dict("index") for side in (change.plain_before, change.plain_now))
    nothing = dict.fromkeys(["orders", "net_sales", "profit", "acquisition_cost"], 0.0)
    for who in sorted({*before, *now}):
        old, new, won = before.get(who, nothing), now.get(who, nothing), firm.plain.won[who]
        if old["orders"] and new["orders"]:
            group = "retained"
        elif old["orders"]:
            group = "lost"
        elif new["orders"]:
            group = "new" if won is not None and won >= firm.now.first else "back"
        else:
            group = "none"
        rows[who] = {"group": group, "won": won} | {
            f"{name}_{side}": values[name] for side, values in (("before", old), ("now", new)) for name in nothing
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")


def wilson(count, total):
    """Wilson's score interval as the roots of (p - share)^2 = z^2 p (1 - p) / n."""
    z2, share = 1.959963984540054**2, count / total
    return tuple(sorted(np.roots([1 + z2 / total, -(2 * share + z2 / total), share**2]).real))


def test_everybody_stands_in_the_group_the_words_say(found, second):
    assert found.customers["group"].to_dict() == second["group"].to_dict()
    assert set(second["group"]) <= set(GROUPS)
    for name in ("orders", "net_sales", "profit", "acquisition_cost"):
        for side in ("before", "now"):
            column = f"{name}_{side}"
            assert np.abs(found.customers[column] - second[column]).max() < 1e-5, column


def test_the_bridge_adds_up_from_one_profit_to_the_other(found, second, change):
    sums = second.groupby("group")[["profit_before", "profit_now", "net_sales_before", "net_sales_now"]].sum()
    for group in GROUPS:
        members = second[second["group"] == group]
        row = found.bridge.loc[group]
        assert row["customers"] == len(members)
        if len(members):
            expected = [*sums.loc[group, ["profit_before", "profit_now"]],
                        sums.loc[group, "profit_now"] - sums.loc[group, "profit_before"],
                        *sums.loc[group, ["net_sales_before", "net_sales_now"]]]  # fmt: skip
            assert row.iloc[1:].tolist() == pytest.approx(expected, abs=1e-4)
    for side in ("before", "now"):
        raw = getattr(change, f"plain_{side}")
        assert round(found.bridge[f"profit_{side}"].sum(), 2) == round(raw["profit"].sum(), 2)
        assert round(found.bridge[f"sales_{side}"].sum(), 2) == round(raw["net_sales"].sum(), 2)
    steps = profit_bridge(found, "before", "now")
    assert steps["amount"].iloc[:-1].sum() == pytest.approx(steps["amount"].iloc[-1], abs=0.001)
    assert set(steps["line"].iloc[1:-1]) == {STEPS[group] for group in set(second["group"])}


def test_retention_counts_who_is_there_again(found, change):
    was = set(change.plain_before.query("orders > 0").index)
    there = set(change.plain_now.query("orders > 0").index)
    assert (found.active_before, found.active_now) == (len(was), len(there))
    assert found.retention == len(was & there) / len(was)
    assert found.retention_interval == pytest.approx(wilson(len(was & there), len(was)), abs=1e-9)


def test_the_interval_of_the_change_is_that_of_a_sum_over_customers(found, second):
    moved = (second["profit_now"] - second["profit_before"]).to_numpy()
    mean = math.fsum(moved) / len(moved)
    variance = math.fsum((value - mean) ** 2 for value in moved) / (len(moved) - 1)
    half = 1.959963984540054 * math.sqrt(len(moved) * variance)
    assert found.profit_interval == pytest.approx((moved.sum() - half, moved.sum() + half), rel=1e-9)


def test_what_moved_is_the_mean_over_every_order_of_moving(found, second):
    """The contribution of a factor, from all 24 orders written out."""
    for rows in ("retained", None):
        mine = found.customers if rows is None else found.customers[found.customers["group"] == rows]
        raw = second if rows is None else second[second["group"] == rows]
        table, sides = what_moved(mine), {}
        for side in ("before", "now"):
            buyers, orders = (raw[f"orders_{side}"] > 0).sum(), raw[f"orders_{side}"].sum()
            sales, profit = raw[f"net_sales_{side}"].sum(), raw[f"profit_{side}"].sum()
            sides[side] = dict(
                zip(FACTORS, [buyers, orders / buyers, sales / orders, profit / sales], strict=True)
            )
            assert table[side].to_dict() == pytest.approx(sides[side], rel=1e-6)
        orders = list(permutations(FACTORS))
        for factor in FACTORS:
            moved = []
            for order in orders:
                first = order[: order.index(factor)]
                rest = math.prod(
                    sides["now" if name in first else "before"][name] for name in FACTORS if name != factor
                )
                moved.append(rest * (sides["now"][factor] - sides["before"][factor]))
            assert table.loc[factor, "contribution"] == pytest.approx(sum(moved) / 24, rel=1e-6, abs=1e-3)
        whole = raw["profit_now"].sum() - raw["profit_before"].sum()
        assert table["contribution"].sum() == pytest.approx(whole, abs=0.005)


def test_up_and_down_counts_retained_customers_in_nine_cells(found, second):
    cells, gained = {}, {}
    for row in second[second["group"] == "retained"].itertuples():
        more = row.orders_now - row.orders_before
        old, new = row.net_sales_before / row.orders_before, row.net_sales_now / row.orders_now
        value = "same" if abs(new - old) <= 0.01 * abs(old) + 1e-9 else "up" if new > old else "down"
        cell = ("up" if more > 0 else "down" if more < 0 else "same", value)
        cells[cell] = cells.get(cell, 0) + 1
        gained[cell] = gained.get(cell, 0.0) + row.profit_now - row.profit_before
    table = up_and_down(found.customers)
    total = sum(cells.values())
    assert table["customers"].sum() == total == (second["group"] == "retained").sum()
    for cell, row in table.iterrows():
        assert row["customers"] == cells.get(cell, 0), cell
        assert row["share"] == pytest.approx(cells.get(cell, 0) / total)
        assert row["change"] == pytest.approx(gained.get(cell, 0.0), abs=1e-3)


def places(rows: pd.DataFrame, side: str) -> pd.Series:
    """Tenth by profit before the cost of winning, among those active."""
    buyers = rows[rows[f"orders_{side}"] > 0]
    earned = (buyers[f"profit_{side}"] + buyers[f"acquisition_cost_{side}"]).round(6)
    ordered = np.sort(earned.to_numpy())
    higher = len(ordered) - np.searchsorted(ordered, earned.to_numpy(), side="right")
    equal = len(ordered) - higher - np.searchsorted(ordered, earned.to_numpy(), side="left")
    places = -((-(2 * higher + equal + 1) * 10) // (2 * len(ordered)))
    return pd.Series(places.clip(1, 10), index=buyers.index)


def test_migration_follows_every_customer_who_was_active(found, second):
    was, there = places(second, "before"), places(second, "now")
    table = migration(found.customers)
    assert table.to_numpy().sum() == len(was)
    for tenth in range(1, 11):
        members = was.index[was == tenth]
        after = there.reindex(members)
        for column in range(1, 11):
            assert table.loc[tenth, column] == (after == column).sum()
        assert table.loc[tenth, "gone"] == after.isna().sum()


def unstable(rows: pd.DataFrame) -> dict:
    was = rows[rows["orders_before"] > 0]
    first, second = places(rows, "before"), places(rows, "now")
    counts = dict.fromkeys(CHANCE, 0)
    totals = {"gone": len(was), "halved": 0, "moved": len(was), "top_left": 0}
    for who, row in was.iterrows():
        early = round(row["profit_before"] + row["acquisition_cost_before"], 6)
        late = round(row["profit_now"] + row["acquisition_cost_now"], 6)
        counts["gone"] += row["orders_now"] == 0
        if early > 0:
            totals["halved"] += 1
            counts["halved"] += late <= early / 2 + 1e-9
        counts["moved"] += abs(second.get(who, 99) - first[who]) >= 2
        if first[who] == 1:
            totals["top_left"] += 1
            counts["top_left"] += second.get(who, 99) != 1
    return {name: (counts[name], totals[name]) for name in CHANCE}


def test_chance_is_what_alternate_weeks_of_the_same_days_show(firm, found, second):
    table = beside_chance(firm.base, found, firm.before, firm.now)
    old = second[[won is None or won < firm.before.first for won in second["won"]]]
    days = firm.plain.within(firm.before.first, firm.now.last)
    week = (days["day"] - pd.Timestamp(firm.before.first)).dt.days // 7
    hands = [firm.plain.added(days[week % 2 == number]) for number in (0, 1)]
    names = ["orders", "profit", "acquisition_cost"]
    dealt = (
        hands[0][names]
        .add_suffix("_before")
        .join(hands[1][names].add_suffix("_now"), how="outer")
        .fillna(0.0)
    )
    dealt = dealt[
        [firm.plain.won[who] is None or firm.plain.won[who] < firm.before.first for who in dealt.index]
    ]
    seen, lucky = unstable(old), unstable(dealt)
    assert len(dealt) > 100
    for name in CHANCE:
        count, total = seen[name]
        row = table.loc[name]
        assert row["customers"] == total
        if total:
            assert row["observed"] == count / total
            assert (row["observed_low"], row["observed_high"]) == pytest.approx(
                wilson(count, total), abs=1e-9
            )
            assert row["by_chance"] == pytest.approx(lucky[name][0] / lucky[name][1], abs=1e-12)


def test_the_two_hands_hold_all_days_once(firm, change):
    hands = [
        firm.base.customers_in(AlternateWeeks(firm.before.first, firm.now.last, odd)) for odd in (False, True)
    ]
    both = change.before["net_sales"].sum() + change.now["net_sales"].sum()
    assert sum(hand["net_sales"].sum() for hand in hands) == pytest.approx(both, abs=0.001)
    assert firm.now.first - firm.before.last == dt.timedelta(days=1)
