"""The whale curve and the Stobachoff index, each computed a second way."""

import math
import random
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.concentration import stobachoff_index, whale, whale_curve

MESSY = [120.5, 80.25, 80.25, 17.0, 3.5, 0.0, 0.0, -2.75, -40.0, -41.5]


def profits(values):
    return pd.Series(values, index=[f"K{i:02d}" for i in range(len(values))], dtype="float64")


# The whale --------------------------------------------------------------------------------------


def test_the_curve_is_the_running_sum_of_the_sorted_profits():
    curve = whale_curve(profits(MESSY))
    running, expected = 0.0, [0.0]
    for value in sorted(MESSY, reverse=True):
        running += value
        expected.append(running)
    assert curve["cumulative_profit"].tolist() == pytest.approx(expected)
    assert curve["customers_share"].tolist() == pytest.approx([i / 10 for i in range(11)])


def test_the_curve_is_concave_and_does_not_depend_on_order_or_names():
    curve = whale_curve(profits(MESSY))
    assert (np.diff(curve["cumulative_profit"], 2) <= 1e-9).all()
    shuffled = profits(random.Random(1).sample(MESSY, len(MESSY)))
    pd.testing.assert_frame_equal(whale_curve(shuffled), curve)


def test_peak_and_losses_make_the_total():
    w = whale(profits(MESSY))
    assert w.peak + w.loss == pytest.approx(w.total)
    assert w.peak == pytest.approx(sum(v for v in MESSY if v > 0))
    assert w.loss == pytest.approx(sum(v for v in MESSY if v < 0))
    assert (w.customers, w.earners, w.losers) == (10, 5, 3)
    assert w.peak_at == 0.5
    assert w.peak_share == pytest.approx(w.peak / w.total)
    assert w.top_fifth_share == pytest.approx((120.5 + 80.25) / w.total)


def test_the_best_fifth_of_seven_customers_is_one_and_two_fifths_of_one():
    values = [50.0, 30.0, 10.0, 5.0, 3.0, 2.0, -20.0]
    assert whale(profits(values)).top_fifth_share == pytest.approx((50 + 0.4 * 30) / 80)


def test_a_multiple_of_all_profits_leaves_the_shares_alone():
    small, large = whale(profits(MESSY)), whale(1000 * profits(MESSY))
    for name in ("peak_share", "peak_at", "top_fifth_share"):
        assert getattr(large, name) == pytest.approx(getattr(small, name))
    assert large.peak_interval == pytest.approx(small.peak_interval)
    assert stobachoff_index(1000 * profits(MESSY)) == pytest.approx(stobachoff_index(profits(MESSY)))


def test_the_interval_of_the_peak_holds_the_peak_and_shrinks_with_more_customers():
    few, many = whale(profits(MESSY)), whale(profits(MESSY * 100))
    for w in (few, many):
        low, high = w.peak_interval
        assert low < w.peak_share < high
    width = [w.peak_interval[1] - w.peak_interval[0] for w in (few, many)]
    assert width[1] < width[0] / 9


def test_the_interval_of_the_peak_covers_the_truth_as_often_as_it_says():
    """Known truth: profits uniform on -1 to 3 earn 9/8 and keep 1 on average."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(300):
        low, high = whale(pd.Series(rng.uniform(-1, 3, 400))).peak_interval
        hits += low <= 9 / 8 <= high
    assert 0.92 <= hits / 300 <= 0.98


def test_without_losses_the_peak_is_the_end():
    w = whale(profits([3.0, 2.0, 1.0]))
    assert (w.peak_share, w.loss, w.peak_at) == (1.0, 0.0, 1.0)


@pytest.mark.parametrize("values", [[-5.0, 3.0], [-1.0, -2.0], [2.0, -2.0], [0.0, 0.0]])
def test_shares_of_a_total_that_is_not_positive_are_not_numbers(values):
    w = whale(profits(values))
    assert all(math.isnan(x) for x in (w.peak_share, *w.peak_interval, w.top_fifth_share))
    assert math.isnan(stobachoff_index(profits(values)))
    assert w.total == sum(values)


@pytest.mark.parametrize("values", [[], [7.0], [-7.0]])
def test_one_customer_or_none_breaks_nothing(values):
    w = whale(profits(values))
    assert w.customers == len(values)
    assert len(whale_curve(profits(values))) == len(values) + 1
    assert math.isnan(w.peak_at) == (not values)


# The Stobachoff index ---------------------------------------------------------------------------


def exact_index(values):
    """Trapezoids in fractions, straight from the definition."""
    ordered, total, running, area = (
        sorted(map(Fraction, values), reverse=True),
        sum(map(Fraction, values)),
        0,
        0,
    )
    for value in ordered:
        area += (running + running + value) * Fraction(1, 2 * len(values))
        running += value
    area /= total
    return (area - Fraction(1, 2)) / area


@pytest.mark.parametrize("values", [[3, 0, -1], [10, 1, 1, 1], MESSY, [1, 0, 0, 0, 0], [100, -99]])
def test_the_index_is_the_area_above_the_diagonal_over_the_area_under_the_curve(values):
    index = stobachoff_index(profits(values))
    assert index == pytest.approx(float(exact_index(values)))
    assert 0 < index < 1


@pytest.mark.parametrize("value", [0.1, 7.0, 1e6])
def test_the_index_is_zero_if_all_earn_the_same(value):
    assert stobachoff_index(profits([value] * 37)) == pytest.approx(0.0, abs=1e-12)
    assert stobachoff_index(profits([value])) == 0.0


def test_taking_from_the_poor_and_giving_to_the_rich_raises_the_index():
    before = stobachoff_index(profits([10, 6, 4, 1]))
    assert stobachoff_index(profits([11, 6, 4, 0])) > before
    assert stobachoff_index(profits([10, 7, 3, 1])) > before


def test_two_copies_of_a_company_have_the_index_of_one():
    assert stobachoff_index(profits(MESSY * 2)) == pytest.approx(stobachoff_index(profits(MESSY)), abs=0.02)
    flat = [5.0, 5.0, 1.0, 1.0]
    assert stobachoff_index(profits(flat * 2)) == pytest.approx(stobachoff_index(profits(flat)))
