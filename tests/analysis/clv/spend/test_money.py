"""Models of money per purchase: what they expect, and that drawn sums are what they expect."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.spend.credibility import Credibility
from crmlib.analysis.clv.spend.gamma_gamma import GammaGamma
from crmlib.analysis.clv.spend.money import OwnRates, SpendTimesRate
from crmlib.errors import DataError, ParameterError, TooLittleData

SPEND = GammaGamma().with_params([6.25, 3.74, 15.44])
CUSTOMERS = pd.DataFrame({"n": [2, 0, 9], "money": [22.35, np.nan, 80.0]}, index=["A", "B", "C"])


@pytest.mark.parametrize("rate", [0.3, 1.0, 0.0, -0.2])
def test_a_rate_multiplies_expected_spend_once(rate):
    found = SpendTimesRate(SPEND, rate).predict(CUSTOMERS)
    np.testing.assert_allclose(found, rate * SPEND.predict_money(CUSTOMERS))
    assert found.index.tolist() == ["A", "B", "C"]


@pytest.mark.parametrize("rate", [1.01, 30, np.nan, np.inf, -np.inf])
def test_rates_that_cannot_be_are_refused(rate):
    with pytest.raises(ParameterError, match="margin rate"):
        SpendTimesRate(SPEND, rate)


def test_drawn_sums_have_the_mean_and_the_variance_of_the_model():
    """Given ν, k purchases have the mean k p/ν and the variance k p/ν²; ν is what is not known."""
    p, q, gamma = SPEND.params_
    rng = np.random.default_rng(1)
    money = SpendTimesRate(SPEND, 0.5)
    for n, own, k in ((3, 40.0, 5), (12, 15.0, 1), (5, 90.0, 30)):
        some = pd.DataFrame({"n": n, "money": own}, index=range(120_000))
        sums = money.draw_sums(some, np.full(len(some), k), rng)
        shape, rate = p * n + q, gamma + n * own
        mean, square = p * rate / (shape - 1), rate**2 / (shape - 1) / (shape - 2)
        variance = k * p * square + k**2 * (p**2 * square - mean**2)
        assert sums.mean() == pytest.approx(0.5 * k * mean, rel=0.01)
        assert sums.mean() == pytest.approx(k * money.predict(some).iloc[0], rel=0.01)
        assert sums.var() == pytest.approx(0.25 * variance, rel=0.05)


def test_no_purchases_no_money_and_losses_are_losses():
    rng = np.random.default_rng(2)
    assert SpendTimesRate(SPEND, 0.3).draw_sums(CUSTOMERS, np.zeros(3, dtype=int), rng).tolist() == [0, 0, 0]
    assert (SpendTimesRate(SPEND, -0.3).draw_sums(CUSTOMERS, np.ones(3, dtype=int), rng) < 0).all()


def test_drawn_sums_are_those_of_the_seed():
    first, second = (
        SpendTimesRate(SPEND, 0.3).draw_sums(CUSTOMERS, np.array([1, 2, 3]), np.random.default_rng(7))
        for _ in "ab"
    )
    assert (first == second).all()


def test_an_infinite_mean_is_refused_where_it_matters():
    wild = SpendTimesRate(GammaGamma().with_params([2.0, 0.9, 10.0]), 0.3)
    assert np.isfinite(wild.predict(CUSTOMERS[CUSTOMERS["n"] > 0])).all()
    with pytest.raises(TooLittleData, match="B"):
        wild.predict(CUSTOMERS)


def shops(seed=3, customers=4_000, mean_rate=0.2, between=0.04, within=0.09):
    """Spend by the model, rates of the customers' own, and noise in proportion to spend."""
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 15, customers)
    drawn = SPEND.simulate(n, rng)
    rate = mean_rate + np.sqrt(between) * rng.standard_normal(customers)
    who = np.repeat(np.arange(customers), n)
    mean = drawn["mean_spend"].to_numpy()
    left = (rate[who] + np.sqrt(within) * rng.standard_normal(len(who))) * mean[who]
    average = np.bincount(who, left) / n
    squares = np.bincount(who, (left - average[who]) ** 2)
    return drawn[["n", "money"]].assign(left=average, squares=squares), rate * mean


def test_own_rates_find_what_purchases_leave():
    customers, truth = shops()
    model = OwnRates.fit(customers)
    assert model.rates.base_mean_ == pytest.approx(0.2, abs=0.02)
    assert model.rates.between_ == pytest.approx(0.04, rel=0.25)
    found = model.predict(customers)
    error = ((found - truth) ** 2).mean()
    assert error < ((customers["left"] - truth) ** 2).mean()
    assert error < ((customers["left"].mean() - truth) ** 2).mean()
    plain = Credibility().fit(customers.assign(money=customers["left"]))
    assert error < ((plain.predict(customers.assign(money=customers["left"])) - truth) ** 2).mean()
    assert (found < 0).any() and found.index.equals(customers.index)


def test_own_rates_of_customers_without_purchases_are_those_of_all():
    customers, _ = shops()
    model = OwnRates.fit(customers)
    nobody = pd.DataFrame({"n": [0], "money": [np.nan], "left": [np.nan], "squares": [np.nan]}, index=["new"])
    assert model.predict(nobody).loc["new"] == pytest.approx(
        model.rates.base_mean_ * model.spend.population_mean()
    )


def test_own_rates_draw_sums_around_what_they_expect():
    customers, _ = shops(customers=300)
    model = OwnRates.fit(customers)
    rng = np.random.default_rng(4)
    orders = rng.integers(0, 6, len(customers))
    sums = np.stack([model.draw_sums(customers, orders, rng) for _ in range(800)])
    away = (sums.mean(axis=0) - orders * model.predict(customers)) / (sums.std(axis=0) / np.sqrt(800) + 1e-12)
    assert np.abs(away[orders > 0]).max() < 5
    assert (sums[:, orders == 0] == 0).all()


def test_the_unit_of_money_does_not_matter():
    customers, _ = shops(customers=500)
    cents = customers.assign(
        money=customers["money"] * 100, left=customers["left"] * 100, squares=customers["squares"] * 1e4
    )
    np.testing.assert_allclose(
        OwnRates.fit(cents).predict(cents), 100 * OwnRates.fit(customers).predict(customers), rtol=1e-4
    )


def test_own_rates_refuse_what_cannot_be():
    customers, _ = shops(customers=50)
    with pytest.raises(DataError, match="money"):
        OwnRates.fit(customers.assign(money=-1.0))
    with pytest.raises(DataError, match="squares"):
        OwnRates.fit(customers.assign(squares=-1.0))
