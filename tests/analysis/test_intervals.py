"""Intervals for shares and ratios of totals."""

import math
import random
from statistics import NormalDist

import numpy as np
import pytest

from crmlib.analysis.intervals import ratio_interval, wilson_interval


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (1, 3), (7, 40), (250, 1000)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_the_ends_of_wilsons_interval_solve_his_equation(k, n, level):
    """Both ends p are where (share - p)^2 = z^2 p (1 - p) / n."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    for p in wilson_interval(k, n, level):
        assert (k / n - p) ** 2 == pytest.approx(z**2 * p * (1 - p) / n, abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 1000), (1000, 1000), (3, 7)])
def test_wilsons_interval_holds_the_share_and_stays_between_zero_and_one(k, n):
    low, high = wilson_interval(k, n)
    assert 0 <= low <= k / n + 1e-15 and k / n - 1e-15 <= high <= 1
    assert high > low


def test_wilsons_interval_of_the_opposite_is_its_mirror_image():
    low, high = wilson_interval(3, 11)
    assert wilson_interval(8, 11) == pytest.approx((1 - high, 1 - low))


def test_more_trials_narrow_the_interval_and_more_confidence_widens_it():
    def width(interval):
        return interval[1] - interval[0]

    assert width(wilson_interval(40, 100)) < width(wilson_interval(4, 10))
    assert width(wilson_interval(4, 10, 0.99)) > width(wilson_interval(4, 10, 0.9))


def test_without_trials_every_share_is_possible():
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_the_ratio_stands_in_the_middle_of_its_interval():
    over, under = [3.0, 1.0, 4.0, 1.0], [2.0, 7.0, 1.0, 8.0]
    low, high = ratio_interval(np.array(over), np.array(under))
    assert (low + high) / 2 == pytest.approx(sum(over) / sum(under))


def test_the_ratio_interval_follows_cochrans_formula():
    """Written out for four customers: variance of y - R x, times n, over the square of the total."""
    over, under = [3.0, 1.0, 4.0, 1.0], [2.0, 7.0, 1.0, 8.0]
    ratio = sum(over) / sum(under)
    rest = [y - ratio * x for y, x in zip(over, under, strict=True)]
    variance = sum(r * r for r in rest) / 3  # the rests sum to zero
    half = 1.959963985 * math.sqrt(4 * variance) / sum(under)
    assert ratio_interval(np.array(over), np.array(under)) == pytest.approx((ratio - half, ratio + half))


def test_the_ratio_interval_covers_as_often_as_it_says():
    """Known truth: samples of 200 from customers whose ratio of totals is 0.5."""
    rng = random.Random(1)
    hits = 0
    for _ in range(400):
        under = np.array([rng.expovariate(1) for _ in range(200)])
        over = np.array([x * rng.uniform(0, 1) for x in under])
        low, high = ratio_interval(over, under)
        hits += low <= 0.5 <= high
    assert 0.92 <= hits / 400 <= 0.98


def test_scale_and_order_of_the_customers_change_nothing():
    over, under = np.array([3.0, -1.0, 4.0]), np.array([2.0, 7.0, 1.0])
    expected = ratio_interval(over, under)
    assert ratio_interval(over[::-1], under[::-1]) == pytest.approx(expected)
    assert ratio_interval(1000 * over, 1000 * under) == pytest.approx(expected)


@pytest.mark.parametrize("over, under", [([1.0], [2.0]), ([1.0, -1.0], [2.0, -2.0]), ([], [])])
def test_a_ratio_that_means_nothing_is_not_a_number(over, under):
    assert all(math.isnan(end) for end in ratio_interval(np.array(over), np.array(under)))


def test_no_input_is_changed():
    over, under = np.array([3, 1]), np.array([2, 7])
    ratio_interval(over, under)
    assert over.tolist() == [3, 1] and under.tolist() == [2, 7]
