"""Sizes and power: published values, the textbook formula, and tests that are carried out."""

import numpy as np
import pytest
from scipy.stats import norm

from crmlib.analysis.targeting.trial_design import (
    Amount,
    Rate,
    Size,
    power_of_test,
    shares_held_out,
    size_of_test,
    smallest_effect,
)
from crmlib.errors import ParameterError, TooLittleData


def test_the_examples_of_the_manual_of_r():
    """R, help page of power.prop.test: 0.740 with 50 a group; 76.7 for 0.9; 0.8026 found with 0.9."""
    assert power_of_test(Rate(0.5), [0.25], 50, 50).iloc[0] == pytest.approx(0.740, abs=5e-4)
    assert size_of_test(Rate(0.5), 0.25, power=0.9) == Size(77, 77)
    assert 0.5 + smallest_effect(Rate(0.5), 50, 50, power=0.9) == pytest.approx(0.8026, abs=5e-5)


def test_money_follows_the_textbook_formula_and_cohens_medium_effect():
    """2 (1.96 + 0.84)^2 / 0.5^2 = 62.8 a group; Cohen (1988) has 64 by the t distribution."""
    assert size_of_test(Amount(1.0), 0.5) == Size(63, 63)
    assert smallest_effect(Amount(40.0), 500, 200) == pytest.approx(
        (norm.ppf(0.975) + norm.ppf(0.8)) * 40 * np.sqrt(1 / 500 + 1 / 200)
    )
    both = Amount(30.0, spread_contacted=50.0)
    assert smallest_effect(both, 500, 200) == pytest.approx(
        (norm.ppf(0.975) + norm.ppf(0.8)) * np.sqrt(2500 / 500 + 900 / 200)
    )


@pytest.mark.parametrize("outcome", [Rate(0.2), Amount(40.0), Amount(40.0, 60.0)])
@pytest.mark.parametrize("held_out", [0.1, 0.5, 0.7])
def test_size_power_and_smallest_effect_are_one_equation(outcome, held_out):
    effect = 0.05 if isinstance(outcome, Rate) else 3.0
    size = size_of_test(outcome, effect, held_out, power=0.8)
    assert size.held_out / size.customers == pytest.approx(held_out, abs=1e-3)
    assert power_of_test(outcome, [effect], size.contacted, size.held_out).iloc[0] == pytest.approx(
        0.8, abs=2e-3
    )
    assert smallest_effect(outcome, size.contacted, size.held_out) == pytest.approx(effect, rel=2e-3)


@pytest.mark.parametrize("effect", [0.06, -0.06])
def test_a_rate_is_found_as_often_as_promised_when_the_test_is_carried_out(effect):
    size = size_of_test(Rate(0.3), effect, held_out=0.3)
    rng = np.random.default_rng(1)
    contacted = rng.binomial(size.contacted, 0.3 + effect, 20_000) / size.contacted
    held_out = rng.binomial(size.held_out, 0.3, 20_000) / size.held_out
    mean = (contacted * size.contacted + held_out * size.held_out) / size.customers
    error = np.sqrt(mean * (1 - mean) * (1 / size.contacted + 1 / size.held_out))
    assert ((contacted - held_out) * np.sign(effect) / error > 1.959964).mean() == pytest.approx(
        0.8, abs=0.015
    )


def test_money_is_found_as_often_as_promised_when_the_test_is_carried_out():
    """Gamma amounts, as skewed as spending: the normal approximation carries."""
    size = size_of_test(Amount(40.0), 6.0, held_out=0.25)
    rng = np.random.default_rng(2)
    shape = (40 / 40) ** 2
    found = []
    for _ in range(1500):
        a, b = 40 * rng.gamma(shape, size=size.contacted) + 6, 40 * rng.gamma(shape, size=size.held_out)
        found.append((a.mean() - b.mean()) / np.sqrt(a.var() / a.size + b.var() / b.size) > 1.96)
    assert np.mean(found) == pytest.approx(0.8, abs=0.035)


def test_power_rises_with_effect_and_size_and_equal_arms_are_best():
    curve = power_of_test(Rate(0.1), [0.005, 0.01, 0.02, 0.04, 0.9], 2000, 1000)
    assert (
        (np.diff(curve) > 0).all() and curve.iloc[-1] == pytest.approx(1.0) and curve.index.name == "effect"
    )
    assert (power_of_test(Rate(0.1), [0.02], 4000, 2000) > curve[0.02]).all()
    sizes = [size_of_test(Amount(1.0), 0.1, share).customers for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
    assert sizes[0] == pytest.approx(sizes[4], abs=2) and min(sizes) == sizes[2]
    assert power_of_test(Amount(5.0), [-1.0, 1.0], 300, 300).nunique() == 1


def test_holding_out_more_shows_more_and_costs_more():
    found = shares_held_out(Amount(40.0), 3.0, 4000, profit_per_contact=1.2)
    assert found["forgone"].tolist() == pytest.approx([480, 960, 1440, 1920, 2400])
    assert (np.diff(found["power"]) > 0).all() and (np.diff(found["smallest"]) < 0).all()
    row, size = found.loc[0.2], size_of_test(Amount(40.0), 3.0, 0.2)
    assert row["lists"] == np.ceil(size.contacted / 3200) == 3
    assert (found["contacted"] + found["held_out"] == 4000).all()
    losing = shares_held_out(Amount(40.0), 3.0, 4000, profit_per_contact=-1.0)
    assert (losing["forgone"] < 0).all(), "holding out from a contact that loses saves money"


def test_where_not_even_the_largest_effect_is_found_there_is_no_smallest():
    with pytest.raises(TooLittleData, match="the largest there can be"):
        smallest_effect(Rate(0.9), 30, 30)
    assert np.isnan(shares_held_out(Rate(0.9), 0.05, 60, 1.0, shares=[0.5])["smallest"].iloc[0])


@pytest.mark.parametrize(
    "call",
    [
        lambda: Rate(0), lambda: Rate(1), lambda: Rate(np.nan), lambda: Amount(0), lambda: Amount(np.inf),
        lambda: Amount(1, -1), lambda: size_of_test(Rate(0.5), 0), lambda: size_of_test(Rate(0.5), 0.6),
        lambda: size_of_test(Rate(0.1), -0.2), lambda: size_of_test(Rate(0.5), np.nan),
        lambda: size_of_test(Rate(0.5), 0.1, held_out=0), lambda: size_of_test(Rate(0.5), 0.1, power=1),
        lambda: size_of_test(Rate(0.5), 0.1, level=95), lambda: power_of_test(Rate(0.5), [0.1], 29, 100),
        lambda: smallest_effect(Rate(0.5), 100, 0), lambda: smallest_effect(Rate(0.5), 100, 100, power=0.04),
        lambda: shares_held_out(Rate(0.5), 0.1, 100, 1.0, shares=[0.1]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(call):
    with pytest.raises(ParameterError):
        call()


def test_no_test_is_planned_below_what_an_estimate_needs():
    assert size_of_test(Rate(0.01), 0.98) == Size(30, 30)
