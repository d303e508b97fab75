"""Two neighbouring inter-purchase times of each customer tell how regular purchases are."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.timing.mbg_cnbd import MBGCNBD
from crmlib.analysis.clv.timing.regularity import VERDICTS, regularity
from crmlib.errors import DataError, ParameterError, TooLittleData


def waits(first, second, names=None):
    return pd.DataFrame({"itt_1": first, "itt_2": second}, index=names)


def drawn(k, count=4000, seed=1):
    """Times of customers who differ in pace by far."""
    rng = np.random.default_rng(seed)
    pace = np.exp(2 * rng.normal(size=(count, 1)))
    return waits(*(rng.gamma(k, size=(count, 2)) * pace).T)


@pytest.mark.parametrize(
    ("k", "verdict"), [(0.5, "clumped"), (1.0, "poisson"), (2.0, "regular"), (6.0, "regular")]
)
def test_the_shape_is_found_whatever_the_pace(k, verdict):
    found = regularity(drawn(k))
    assert found.low < k < found.high
    assert found.verdict == verdict and found.verdict in VERDICTS
    assert found.poisson_fits == (k == 1)
    assert found.k_at_random == 1 and found.pairs == 4000


def test_the_formula_is_that_of_wheat_and_morrison():
    """Shares of 1/4 and 3/4: a variance of 1/16, so k = (1 - 1/4) / (1/2) = 1.5."""
    assert regularity(waits([1.0, 3.0] * 20, [3.0, 1.0] * 20), whole_days=False).k == pytest.approx(1.5)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    held = 0
    for seed in range(300):
        found = regularity(drawn(2.0, 200, seed), level=0.9)
        held += found.low < 2 < found.high
    assert held / 300 == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("often", [0.02, 0.2, 0.6])
def test_whole_days_make_random_buyers_look_regular_and_the_verdict_knows(often):
    rng = np.random.default_rng(3)
    days = waits(*rng.geometric(often, (5000, 2)).T)
    found = regularity(days)
    assert found.verdict == "poisson"
    assert found.low < found.k_at_random * 1.02 and found.high > found.k_at_random / 1.02
    assert found.k_at_random > 1
    if often > 0.1:
        assert found.low > 1
        assert regularity(days, whole_days=False, tolerance=0).verdict == "regular"


def test_regular_buyers_are_told_from_random_ones_in_whole_days():
    rng = np.random.default_rng(3)
    days = waits(*np.maximum(np.round(rng.gamma(3.0, 4.0, (3000, 2))), 1).T)
    found = regularity(days)
    assert found.verdict == "regular" and found.k > 2.5 > found.k_at_random


def test_waits_that_end_before_a_last_known_day_are_no_worse():
    """The last two complete waits of customers seen for a short time, some of whom left."""
    rng = np.random.default_rng(5)
    rate, k = rng.gamma(2.0, 0.05, 20_000), 3
    itt = rng.gamma(k, size=(20_000, 40)) / (k * rate[:, None])
    stays = rng.geometric(0.2, 20_000)
    made = np.minimum((np.cumsum(itt, axis=1) <= 60).sum(axis=1), stays)
    here = np.flatnonzero(made >= 2)
    found = regularity(waits(itt[here, made[here] - 1], itt[here, made[here] - 2]))
    assert found.low < 3 < found.high


def test_which_wait_comes_first_and_the_unit_do_not_matter():
    one = drawn(2.0, 500)
    other = waits(one["itt_2"] / 7, one["itt_1"] / 7)
    first, second = regularity(one), regularity(other)
    assert (first.k, first.low, first.high) == pytest.approx((second.k, second.low, second.high))
    mixed = regularity(one.sample(frac=1, random_state=1))
    assert mixed.k == pytest.approx(first.k)


def test_customers_without_two_waits_are_left_out():
    some = drawn(2.0, 100)
    more = pd.concat([some, waits([0, 5.0, np.nan], [0, 0, 7.0])], ignore_index=True)
    found = regularity(more)
    assert (found.pairs, found.left_out) == (100, 3)
    assert found.k == regularity(some).k


def test_large_samples_may_be_a_little_off():
    close = drawn(1.05, 200_000)
    assert regularity(close).poisson_fits
    assert regularity(close, tolerance=0).verdict == "regular"


def test_it_agrees_with_the_model_of_regular_buyers():
    """Buyers of MBG/CNBD-3 have a k of 3 by their waits; drawn from the model as x of 2 exactly."""
    rng = np.random.default_rng(2)
    some = MBGCNBD(3).with_params([1.5, 5.0, 0.8, 3.0]).simulate(np.full(40_000, 50.0), rng)
    two = some[some["x"] == 2]
    # Two waits with sum t_x and product exp(log_itts).
    root = np.sqrt(np.maximum(two["t_x"] ** 2 - 4 * np.exp(two["log_itts"]), 0))
    found = regularity(waits((two["t_x"] + root) / 2, (two["t_x"] - root) / 2))
    assert found.low < 3 < found.high


def test_bad_times_are_refused_by_name():
    some = drawn(2.0, 40)
    for bad in (-1.0, np.inf):
        wrong = some.assign(itt_2=some["itt_2"].where(some.index != 7, bad))
        with pytest.raises(DataError, match=r"itt_2 = .* at 1 of 40 customers: 7"):
            regularity(wrong)
        with pytest.raises(DataError, match="customers: c7"):
            regularity(wrong.assign(customer_id=[f"c{i}" for i in wrong.index]))
    with pytest.raises(DataError, match="without itt_2"):
        regularity(some[["itt_1"]])
    with pytest.raises(DataError, match="type"):
        regularity(some.astype(str))


@pytest.mark.parametrize("setting", [{"level": 95}, {"level": 0}, {"tolerance": -0.1}, {"tolerance": np.nan}])
def test_settings_that_cannot_be_are_refused(setting):
    with pytest.raises(ParameterError):
        regularity(drawn(2.0, 40), **setting)


@pytest.mark.parametrize(
    "some",
    [drawn(2.0, 29), waits([0] * 50, [0] * 50), waits([1] * 50, [1] * 50), waits([7.5] * 50, [7.5] * 50)],
)
def test_too_little_is_refused(some):
    with pytest.raises(TooLittleData):
        regularity(some)
