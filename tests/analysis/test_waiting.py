"""Waiting times that are not over for everybody: by hand, one customer after the other, and over many draws."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.waiting import product_limit, share_by


def waits_of(ended, going=()):
    """One row per customer: days of the waits that ended, and of those still going."""
    return pd.DataFrame(
        {"days": [*ended, *going], "over": [True] * len(ended) + [False] * len(going), "customers": 1}
    )


def drawn(seed, customers=80):
    """Waits in whole days with many ties, and customers seen for different lengths of time."""
    rng = np.random.default_rng(seed)
    wait, seen = rng.geometric(0.08, customers), rng.integers(0, 40, customers)
    return pd.DataFrame({"days": np.minimum(wait, seen), "over": wait <= seen, "customers": 1})


@pytest.mark.parametrize("seed", range(6))
def test_the_curve_is_the_product_of_the_shares_still_waiting_in_exact_fractions(seed):
    waits = drawn(seed)
    left, sum_, rows = Fraction(1), Fraction(0), []
    for day in sorted(set(waits.loc[waits["over"], "days"])):
        n = int((waits["days"] >= day).sum())
        d = int(((waits["days"] == day) & waits["over"]).sum())
        left *= Fraction(n - d, n)
        sum_ += Fraction(d, n * (n - d)) if n > d else 0
        rows.append((day, n, d, float(1 - left), float(left), math.sqrt(sum_)))
    curve = product_limit(waits)
    assert curve[["days", "waiting", "ended"]].to_numpy().tolist() == [list(row[:3]) for row in rows]
    assert curve["share"].to_numpy() == pytest.approx([row[3] for row in rows])
    for (*_, left, root), low, high in zip(rows, curve["low"], curve["high"], strict=True):
        if 0 < left < 1:  # log(-log S) +- z sqrt(Greenwood) / |log S|
            ends = [math.exp(-math.exp(math.log(-math.log(left)) + side * 1.959964 * root / abs(math.log(left))))
                    for side in (1, -1)]  # fmt: skip
            assert (1 - high, 1 - low) == pytest.approx(ends, abs=1e-6)


def test_without_anyone_still_waiting_it_is_the_plain_share():
    days = [1, 1, 2, 5, 5, 5, 9]
    curve = product_limit(waits_of(days))
    assert curve["share"].tolist() == pytest.approx([sum(d <= day for d in days) / 7 for day in (1, 2, 5, 9)])


def test_counting_customers_in_rows_or_in_numbers_is_the_same():
    waits = drawn(7)
    together = waits.groupby(["days", "over"], as_index=False)["customers"].sum()
    expected = product_limit(waits)
    pd.testing.assert_frame_equal(product_limit(together), expected)
    pd.testing.assert_frame_equal(product_limit(waits.sample(frac=1, random_state=1)), expected)


def test_who_is_still_waiting_on_the_day_others_order_was_waiting_with_them():
    curve = product_limit(waits_of(ended=[3], going=[3, 3, 3]))
    assert curve[["waiting", "share"]].iloc[0].tolist() == [4, 0.25]


def test_taking_those_who_still_wait_for_never_would_say_too_little():
    curve = product_limit(waits_of(ended=[10, 40], going=[5, 5, 5, 20, 20, 20]))
    assert share_by(curve, 10)["share"] == pytest.approx(1 / 5)
    assert share_by(curve, 40)["share"] == 1.0
    assert share_by(curve, 39)["share"] < 1


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_the_interval_holds_the_share_and_stays_between_nothing_and_all(level):
    for seed in range(10):
        curve = product_limit(drawn(seed, 30), level)
        assert (curve["low"] >= 0).all() and (curve["high"] <= 1).all()
        assert (curve["low"] <= curve["share"] + 1e-12).all() and (
            curve["share"] <= curve["high"] + 1e-12
        ).all()
        assert curve["share"].is_monotonic_increasing and curve["days"].is_monotonic_increasing


def test_a_higher_level_is_a_wider_interval():
    narrow, wide = (product_limit(drawn(3), level) for level in (0.8, 0.99))
    inside = narrow["share"] < 1
    assert (wide["low"] <= narrow["low"])[inside].all() and (wide["high"] >= narrow["high"])[inside].all()


def test_nobody_ended_or_nobody_there_is_an_empty_curve():
    for waits in (waits_of([], [4, 9]), waits_of([])):
        curve = product_limit(waits.astype({"days": "int64", "over": "bool", "customers": "int64"}))
        assert curve.empty and list(curve.columns) == ["days", "waiting", "ended", "share", "low", "high"]
        assert share_by(curve, 30)["share"] == 0


def test_a_curve_is_read_as_the_step_it_is():
    curve = product_limit(waits_of([2, 8], [9, 9]))
    read = [share_by(curve, day)["share"] for day in (0, 1, 2, 7.9, 8, 100)]
    assert read == pytest.approx([0, 0, 0.25, 0.25, 0.5, 0.5])
    assert share_by(curve, 1)["low"] == 0 and math.isnan(share_by(curve, 1)["high"])


def test_nineteen_in_twenty_intervals_hold_the_truth():
    """300 draws of 60 customers: the share of hits has a standard error of 1.3 points around 95."""
    rng, hits = np.random.default_rng(11), {20: 0, 60: 0}
    for _ in range(300):
        wait, seen = np.ceil(rng.exponential(50, 60)), rng.integers(1, 120, 60)
        waits = pd.DataFrame({"days": np.minimum(wait, seen), "over": wait <= seen, "customers": 1})
        curve = product_limit(waits)
        for day in hits:
            found = share_by(curve, day)
            hits[day] += found["low"] <= 1 - math.exp(-day / 50) <= found["high"]
    assert all(0.91 <= count / 300 <= 0.99 for count in hits.values()), hits


def test_who_comes_into_sight_late_is_waiting_from_then_on():
    """By hand: on day 2 only two are in sight; the two that entered on day 2 count on day 3, the one of day 3 on day 4."""
    waits = pd.DataFrame(
        {
            "days": [2, 3, 3, 4, 4],
            "over": [True, True, False, True, True],
            "customers": 1,
            "entry": [0, 0, 2, 2, 3],
        }
    )
    curve = product_limit(waits)
    assert curve["waiting"].tolist() == [2, 3, 2]
    assert curve["share"].tolist() == pytest.approx([1 / 2, 1 - 1 / 2 * 2 / 3, 1])
    pd.testing.assert_frame_equal(
        product_limit(waits.assign(entry=-1)), product_limit(waits.drop(columns="entry"))
    )
