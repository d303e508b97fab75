"""Lens 3 on real files: waits from order to order, and who falls silent, worked a second way."""

import datetime as dt
import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.one_cohort import next_order_curves, next_order_table, order_waits, who_stops
from crmlib.analysis.intervals import wilson_interval

SMALLEST = 30


@pytest.fixture(scope="module")
def cohorts(firm):
    """The older half of the cohorts."""
    there = sorted(set(firm.plain.cohort.values()) - {-1})
    return there[: max(1, len(there) // 2)]


@pytest.fixture(scope="module")
def occasions(firm, cohorts):
    """Days with an order of each customer of the cohorts, in order."""
    rows = firm.plain.days
    rows = rows[(rows["orders"] > 0) & rows["cohort"].isin(cohorts)].sort_values(["customer", "day"])
    return {who: [day.date() for day in part] for who, part in rows.groupby("customer")["day"]}


@pytest.fixture(scope="module")
def single(firm, occasions):
    """Each wait: number of the order that began it, days, whether it is over."""
    waits = []
    for days in occasions.values():
        for number, day in enumerate(days[:4], 1):
            over = number < len(days)
            waits.append((number, ((days[number] if over else firm.plain.as_of) - day).days, over))
    return waits


@pytest.fixture(scope="module")
def found(firm, cohorts):
    return order_waits(firm.base, cohorts)


def test_every_wait_is_counted_once(found, single):
    counted = Counter(single)
    assert found["customers"].sum() == len(single)
    assert {(row.order, row.days, row.over): row.customers for row in found.itertuples()} == counted


def test_the_curves_are_products_of_those_who_did_not_order_yet(found, single):
    curves = next_order_curves(found, SMALLEST)
    sizes = Counter(number for number, _, _ in single)
    assert set(curves["order"]) == {number for number, size in sizes.items() if size >= SMALLEST}
    for order, curve in curves.groupby("order"):
        waits = [(days, over) for number, days, over in single if number == order]
        length = np.array([days for days, _ in waits])
        ended = Counter(days for days, over in waits if over)
        left, greenwood, rows = 1.0, 0.0, []
        for day in sorted(ended):
            waiting = int((length >= day).sum())
            left *= 1 - ended[day] / waiting
            if waiting < SMALLEST:
                break
            greenwood += ended[day] / (waiting * (waiting - ended[day]))
            spread = 1.959963984540054 * math.sqrt(greenwood) / abs(math.log(left))
            low, high = 1 - left ** math.exp(-spread), 1 - left ** math.exp(spread)
            rows.append((day, waiting, ended[day], 1 - left, low, high))
        expected = pd.DataFrame(rows)
        assert len(curve) == len(expected)
        assert np.allclose(curve.drop(columns="order").to_numpy(float), expected.to_numpy(), atol=1e-9)


def test_the_table_reads_the_curves_at_some_days_and_is_silent_beyond_their_end(found, single):
    marks = [30, 90, 180, 365, 730]
    table = next_order_table(found, next_order_curves(found, SMALLEST), marks)
    for order, row in table.iterrows():
        waits = [(days, over) for number, days, over in single if number == order]
        assert row["customers"] == len(waits)
        length = np.array([days for days, _ in waits])
        for mark in marks:
            left, sure = 1.0, mark <= length.max()
            for day in sorted({days for days, over in waits if over and days <= mark}):
                waiting = (length >= day).sum()
                sure &= bool(waiting >= SMALLEST)
                left *= 1 - sum(over for days, over in waits if days == day) / waiting
            if sure:
                assert row[f"days_{mark}"] == pytest.approx(1 - left), (order, mark)
                assert row[f"days_{mark}_low"] <= 1 - left
            else:
                assert math.isnan(row[f"days_{mark}"]), (order, mark)


@pytest.mark.parametrize("silent_for", [60, 180])
def test_who_is_silent_by_how_often_they_had_ordered(firm, cohorts, occasions, silent_for):
    since = firm.plain.as_of - dt.timedelta(days=silent_for)
    bins = {"1": (1, 1), "2": (2, 2), "3": (3, 3), "4–6": (4, 6), "7 or more": (7, 10**6)}
    table = who_stops(firm.base, cohorts, since, SMALLEST)
    assert list(table.index) == list(bins)
    for label, (low, high) in bins.items():
        members = [days for days in occasions.values() if low <= sum(day <= since for day in days) <= high]
        silent = sum(days[-1] <= since for days in members)
        row = table.loc[label]
        assert (row["customers"], row["silent"]) == (len(members), silent)
        if len(members) >= SMALLEST:
            assert row["share"] == silent / len(members)
            assert (row["low"], row["high"]) == pytest.approx(wilson_interval(silent, len(members)))
        else:
            assert row[["share", "low", "high"]].isna().all()
    assert table["customers"].sum() == sum(days[0] <= since for days in occasions.values())
