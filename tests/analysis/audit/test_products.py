"""The product lens on real files: entries, what follows, next items and breadth, a second way."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.product_lens import breadth, entries, item_lines, next_items, what_follows
from crmlib.analysis.intervals import wilson_interval

SMALLEST = 10
Z = 1.959963984540054


@pytest.fixture(scope="module")
def items(firm):
    if firm.by is None:
        pytest.skip("no products in this file")
    return item_lines(firm.data.orders, firm.data.table("products"), firm.by)


@pytest.fixture(scope="module")
def bought(firm, items):
    """Raw lines above zero of known customers."""
    lines = firm.plain.lines
    return lines[(lines["net"] > 0) & lines["item"].notna()]


@pytest.fixture(scope="module")
def second(firm, bought):
    """For each customer won since the data began: days with an order, and the main item of the first two."""
    days = firm.plain.days
    days = days[(days["orders"] > 0) & (days["cohort"] >= 0)].sort_values("day")
    occasions = {who: list(part) for who, part in days.groupby("customer")["day"]}
    sums = bought.groupby(["customer", "day", "item"])["net"].sum().reset_index()
    sums = sums.sort_values(["net", "item"], ascending=[False, True])
    main = sums.drop_duplicates(["customer", "day"]).set_index(["customer", "day"])["item"].to_dict()
    return {who: (occasion, [main[who, day] for day in occasion[:2]]) for who, occasion in occasions.items()}


@pytest.fixture(scope="module")
def entered(firm, items, second):
    return entries(firm.base, items).cache()


def test_lines_of_items_are_the_bought_lines_of_known_customers(items, bought):
    sums = items.group_by("item").agg(lines=items.count(), net=(items.net_sales.sum() * 10_000).cast("int64"))
    found = sums.execute().set_index("item").sort_index()
    expected = bought.groupby("item")["net"].agg(["size", "sum"])
    assert found.index.tolist() == expected.index.tolist()
    assert (found["lines"] == expected["size"]).all() and (found["net"] == expected["sum"]).all()


def test_everybody_enters_with_the_item_of_the_highest_amount(firm, entered, second):
    found = entered.execute().set_index("customer_id")
    assert found["item"].to_dict() == {who: main[0] for who, (_, main) in second.items()}
    assert found["cohort"].to_dict() == {who: firm.plain.cohort[who] for who in second}


def test_what_they_bought_next_is_counted_from_what_they_began_with(firm, items, entered, second):
    table = next_items(firm.base, items, entered)
    expected = {}
    for _, main in second.values():
        cell = main[0], main[1] if len(main) > 1 else "none"
        expected[cell] = expected.get(cell, 0) + 1
    found = {cell: count for cell, count in table.stack().items() if count}
    assert found == expected
    assert table.to_numpy().sum() == len(second)


def shrink(values, sizes, variances):
    """Posterior mean and spread of every item's true value, on a grid of the mean and the spread of all items.

    Each item's true value is normal around a mean nobody knows, with a spread nobody knows, all means and all
    spreads (up to twice the range seen) being equally likely beforehand. The variance within an item counts as
    if one more customer had the spread within all items.
    """
    values, n, within = (np.array(part, dtype=float) for part in (values, sizes, variances))
    pooled = ((n - 1) * within).sum() / (n - 1).sum()
    chance = ((n - 1) * within + pooled) / n / n
    reach = np.ptp(values)
    middle = np.linspace(values.min() - 4 * reach, values.max() + 4 * reach, 1801)[:, None]
    spread = np.linspace(0.0, 2 * reach, 401)[None, :] ** 2
    fit = sum(
        -0.5 * np.log(c + spread) - 0.5 * (v - middle) ** 2 / (c + spread)
        for v, c in zip(values, chance, strict=True)
    )
    likely = np.exp(fit - fit.max())
    likely /= likely.sum()
    rows = []
    for v, c in zip(values, chance, strict=True):
        kept = spread / (c + spread)
        given = kept * v + (1 - kept) * middle
        mean = (likely * given).sum()
        half = Z * math.sqrt((likely * (kept * c + (given - mean) ** 2)).sum())
        rows.append((mean, mean - half, mean + half))
    return rows, (likely * middle).sum()


@pytest.mark.parametrize("age", [1, 2])
def test_what_follows_an_entry(firm, entered, second, age):
    table = what_follows(firm.base, entered, age, SMALLEST)
    plain, length = firm.plain, math.ceil(age * firm.plain.step)
    last = plain.as_of - dt.timedelta(days=length - 1)  # the first day counts
    followed = {who: main[0] for who, (_, main) in second.items() if plain.won[who] <= last}
    rows = plain.days[plain.days["customer"].isin(followed) & (plain.days["age_days"] < length)]
    each = pd.DataFrame(
        {"item": followed, "profit": rows.groupby("customer")["profit"].sum(),
         "order_days": rows[rows["orders"] > 0].groupby("customer").size()}
    )  # fmt: skip
    assert table.attrs["customers"] == len(each)
    expected, errors = {}, {}
    for item, part in each.groupby("item"):
        if len(part) >= SMALLEST:
            mean = part["profit"].mean()
            errors[item] = part["profit"].std(ddof=1) / math.sqrt(len(part))
            again = int((part["order_days"] > 1).sum())
            expected[item] = (len(part), mean, again / len(part), *wilson_interval(again, len(part)))
    assert set(table.index) == set(expected)
    for item, (count, mean, share, low, high) in expected.items():
        row = table.loc[item]
        assert row["customers"] == count
        assert row["value"] == pytest.approx(mean, abs=0.005)
        assert row[["repeat_share", "repeat_low", "repeat_high"]].tolist() == pytest.approx(
            [share, low, high]
        )
        ends = [mean - Z * errors[item], mean + Z * errors[item]]
        assert row[["low", "high"]].tolist() == pytest.approx(ends, abs=0.02)
    names = list(expected)
    sizes = [expected[name][0] for name in names]
    variances = [errors[name] ** 2 * n for name, n in zip(names, sizes, strict=True)]
    grid = 0.01 * np.ptp([expected[name][1] for name in names])  # the package's own grid is coarser
    drawn, centre = shrink([expected[name][1] for name in names], sizes, variances)
    for name, row in zip(names, drawn, strict=True):
        found = table.loc[name, ["shrunk", "shrunk_low", "shrunk_high"]].tolist()
        assert found == pytest.approx(row, abs=grid)
    assert table.attrs["mean"] == pytest.approx(centre, abs=grid)
    assert table["shrunk"].is_monotonic_decreasing


def test_breadth_counts_the_items_of_each_customer_in_the_period(firm, items, bought, change):
    table = breadth(items, change.now, firm.now, (2, 4), 1)
    inside = bought[bought["day"].between(pd.Timestamp(firm.now.first), pd.Timestamp(firm.now.last))]
    kinds = {who: len(set(part)) for who, part in inside.groupby("customer")["item"]}
    raw = change.plain_now
    bins = {label: [int(word) for word in label.split() if word.isdigit()] for label in table.index}
    bins = {label: (ends[0], 10**9 if "more" in label else ends[-1]) for label, ends in bins.items()}
    assert [low for low, _ in bins.values()] == [1, *(high + 1 for _, high in list(bins.values())[:-1])]
    for label, (low, high) in bins.items():
        members = [who for who, count in kinds.items() if low <= count <= high]
        part = raw.loc[members]
        row = table.loc[label]
        assert row["customers"] == len(members)
        assert row["orders"] == pytest.approx(part["orders"].mean(), nan_ok=True)
        assert row["profit"] == pytest.approx(part["profit"].mean(), abs=1e-5, nan_ok=True)
        alike = part.loc[part["orders"].between(2, 4), "profit"]
        assert row["alike"] == len(alike)
        if len(alike) > 1:
            half = Z * alike.std(ddof=1) / math.sqrt(len(alike))
            ends = [alike.mean(), alike.mean() - half, alike.mean() + half]
            assert row[["alike_profit", "alike_low", "alike_high"]].tolist() == pytest.approx(ends, abs=1e-4)
    assert table["customers"].sum() == len(kinds)
    assert np.isfinite(table["profit"]).any()


def test_breadth_gives_no_average_over_too_few(firm, items, change):
    every, few = (breadth(items, change.now, firm.now, (2, 4), smallest) for smallest in (1, 10**9))
    assert few[["customers", "alike"]].equals(every[["customers", "alike"]])
    assert few.drop(columns=["customers", "alike"]).isna().all(axis=None)


def test_a_file_without_products_has_no_lens(opened):
    data, _ = opened("CDNOW")
    assert item_lines(data.orders, None, "product") is None
