"""Expected purchases before leaving, against the hypergeometric function with fifty digits."""

import numpy as np
import pytest
from mpmath import mp, mpf

from crmlib.analysis.clv.timing.until_gone import expected_by_count, expected_until_gone

SHAPES = (0.01, 1.0, 30.0, 1500.5)
LEAVES = (0.01, 0.5, 0.999999, 1.0, 1.000001, 2.0, 40.0, 1000.0)
STAYS = (0.01, 2.5, 1000.0)
AHEAD = np.array([1e-4, 0.7, 30.0, 1e4])


def published(r, a, b, w):
    """Fader, Hardie & Lee (2005), equation 9, with t = w α; at a = 1 a hair beside its removable singularity."""
    mp.dps = 50
    r, a, b, w = (mpf(float(v)) for v in (r, a, b, w))
    a = a + mpf("1e-22") if a == 1 else a
    return (a + b - 1) / (a - 1) * (1 - (1 + w) ** -r * mp.hyp2f1(r, b, a + b - 1, w / (1 + w)))


@pytest.mark.parametrize("r", SHAPES)
@pytest.mark.parametrize("a", LEAVES)
def test_it_is_the_published_expectation(r, a):
    for b in STAYS:
        found = expected_until_gone(r, a, b, AHEAD)
        assert found == pytest.approx([float(published(r, a, b, w)) for w in AHEAD], rel=1e-10, abs=0)


@pytest.mark.parametrize(
    ("r", "a", "b"), [(0.3, 0.8, 2.5), (1500.0, 1.0, 1502.0), (0.002, 500.0, 40.0), (40.0, 1e-7, 1.0)]
)
def test_many_times_at_once_are_interpolated_to_the_same_values(r, a, b):
    many = np.exp(np.random.default_rng(0).uniform(np.log(1e-5), np.log(1e5), 1_000))
    together = expected_until_gone(r, a, b, many)
    assert together == pytest.approx(
        np.concatenate([expected_until_gone(r, a, b, w) for w in many.reshape(-1, 50)]), rel=1e-11
    )


@pytest.mark.parametrize("a", [0.01, 1.0, 30.0])
def test_expected_purchases_rise_with_time_and_by_ever_less(a):
    found = expected_until_gone(0.7, a, 2.0, np.linspace(0, 50, 200))
    steps = np.diff(found)
    assert (steps > 0).all() and (np.diff(steps) < 1e-12).all()


@pytest.mark.parametrize(
    ("a", "b"), [(5.0, 20.0), (12.0, 12.0), (6.0, 1e4), (1e4, 6.0), (300.0, 900.0), (3e4, 2e4)]
)
@pytest.mark.parametrize("r", [0.01, 2.0, 700.0])
def test_where_the_chances_to_leave_differ_little_it_is_the_published_expectation_too(r, a, b):
    found = expected_until_gone(r, a, b, AHEAD)
    assert found == pytest.approx([float(published(r, a, b, w)) for w in AHEAD], rel=1e-10, abs=0)


@pytest.mark.parametrize("b", [1e-7, 1e-3, 1.0, 1e3, 1e7])
@pytest.mark.parametrize("a", [1e-7, 1e-3, 1.0, 1e3, 1e7])
def test_in_every_corner_of_the_search_it_is_finite_and_within_its_bounds(a, b):
    """Never more than the purchases of who stays, never fewer than the chance of one."""
    for r in (1e-7, 1.0, 1e7):
        w = np.array([1e-9, 1e-3, 1.0, 1e3])
        found = expected_until_gone(r, a, b, w)
        assert (found <= r * w * (1 + 1e-9)).all()
        assert (found >= -np.expm1(-r * np.log1p(w)) * (1 - 1e-9)).all()


def test_no_time_brings_no_purchase_and_the_shape_is_kept():
    found = expected_until_gone(0.7, 1.0, 2.0, np.array([[0.0, 1.0], [2.0, 0.0]]))
    assert found.shape == (2, 2)
    assert found[0, 0] == found[1, 1] == 0 < found[0, 1] < found[1, 0]


def test_nobody_has_no_expectation():
    assert expected_until_gone(0.7, 1.0, 2.0, np.array([])).tolist() == []


@pytest.mark.parametrize("w", [0.01, 1.0, 300.0])
def test_who_never_leaves_makes_the_expected_purchases_of_the_rate(w):
    assert expected_until_gone(2.5, 1e-9, 1.0, np.array([w]))[0] == pytest.approx(2.5 * w, rel=1e-5)


@pytest.mark.parametrize("w", [0.01, 1.0, 300.0])
def test_who_leaves_after_the_first_makes_one_at_most(w):
    assert expected_until_gone(2.5, 1.0, 1e-9, np.array([w]))[0] == pytest.approx(
        1 - (1 + w) ** -2.5, rel=1e-6
    )


def test_with_one_chance_for_all_it_is_the_formula_of_a_fixed_chance():
    """Beta(a, b) with a huge sum is a fixed p: (1 - (1 + p w)^-r) / p."""
    p, w = 0.2, np.array([0.5, 5.0, 50.0])
    found = expected_until_gone(1.5, p * 1e9, (1 - p) * 1e9, w)
    assert found == pytest.approx((1 - (1 + p * w) ** -1.5) / p, rel=1e-7)


@pytest.mark.parametrize(("a", "b"), [(0.8, 2.5), (1e-3, 0.01), (1.0, 1000.0), (8.0, 1.0), (40.0, 40.0)])
@pytest.mark.parametrize("values", [7, 500], ids=["a few", "so many that they are interpolated"])
def test_counts_computed_together_are_those_computed_one_by_one(a, b, values):
    """With neighbours, with gaps between them, and with chances to leave that differ little for some alone."""
    x = np.array([0.0, 1.0, 2.0, 5.0, 6.0, 30.0, 400.0])
    w = np.exp(np.random.default_rng(2).uniform(np.log(1e-4), np.log(30.0), values))
    together = expected_by_count(0.3, a, b, x, w)
    for found, count in zip(together, x, strict=True):
        alone = [
            expected_until_gone(0.3 + count, a, b + count, few) for few in np.array_split(w, values // 7)
        ]
        assert found == pytest.approx(np.concatenate(alone), rel=1e-11)
