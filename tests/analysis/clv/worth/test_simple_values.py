"""Values by a simple forecast: as sure as it was when rehearsed."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.spend.money import OwnRates
from crmlib.analysis.clv.trust.choose import choose_model
from crmlib.analysis.clv.worth.simple_values import Rehearsed, simple_values
from crmlib.analysis.clv.worth.valuation import reach_days, value_base

SCHEDULE = Schedule.until(730.5, 0.1)


def rehearsal(forecast, came):
    index = [f"C{i}" for i in range(len(forecast))]
    return SimpleNamespace(
        purchases=pd.DataFrame({"same_again": forecast}, index=index), kept=1.0, spend=None,
        actual=pd.DataFrame({"purchases": came, "money": came}, index=index),
    )  # fmt: skip


def test_the_interval_of_a_total_by_hand():
    """Two rehearsals off by 10 % and 20 % of the logarithm, with chance among many customers far below."""
    many = np.ones(40_000)
    held = [rehearsal(many, many * np.exp(error)) for error in (0.1, -0.2)]
    found = Rehearsed.of(held, "same_again")
    assert found.scale == pytest.approx(np.sqrt((0.1**2 + 0.2**2) / 2)) and found.rehearsals == 2
    half = student.ppf(0.975, 2) * found.scale
    assert found.of_total(50.0) == pytest.approx((50 * np.exp(-half), 50 * np.exp(half)))
    low, high = found.of_total(-50.0)
    assert low < -50 < high < 0


def test_a_rehearsal_that_was_right_by_luck_leaves_the_chance_among_customers():
    forecast, came = np.ones(4), np.array([4.0, 0.0, 0.0, 0.0])
    found = Rehearsed.of([rehearsal(forecast, came)], "same_again")
    # Deviations 3, -1, -1, -1: the sum of their squares over the squared total is 12 / 16.
    assert found.scale == pytest.approx(np.sqrt(12 / 16))
    fewer = Rehearsed.of([rehearsal(np.tile(forecast, 100), np.tile(came, 100))], "same_again")
    assert fewer.scale == pytest.approx(found.scale / 10)


def test_intervals_of_totals_hold_what_comes_as_often_as_they_say_however_few_the_rehearsals():
    """A company whose years differ: errors of the logarithm are normal. Twice their spread would not do."""
    rng = np.random.default_rng(1)
    for number in (1, 2, 4):
        inside, narrow = 0, 0
        for _ in range(1_000):
            errors = 0.2 * rng.standard_normal(number + 1)
            scale = float(np.sqrt(np.mean(errors[:-1] ** 2)))
            low, high = Rehearsed(scale, number, pd.DataFrame()).of_total(100.0)
            came = 100 * np.exp(errors[-1])
            inside += low <= came <= high
            narrow += abs(errors[-1]) < 1.96 * scale
        assert 930 <= inside <= 968
        assert narrow < 925


def test_totals_of_nothing_have_no_interval():
    found = Rehearsed.of([rehearsal(np.zeros(5), np.ones(5))], "same_again")
    assert np.isnan(found.of_total(10.0)).all()


def test_intervals_of_customers_are_those_of_customers_with_a_like_forecast():
    rng = np.random.default_rng(2)

    def year():
        forecast = rng.choice([0.0, 0.0, 0.5, 1.0, 2.0, 5.0, 12.0], 6_000)
        return forecast, rng.poisson(forecast * rng.gamma(2.0, 0.5, 6_000) + 0.1)

    found = Rehearsed.of([rehearsal(*year()), rehearsal(*year())], "same_again")
    forecast, came = year()
    ends = found.of_customers(pd.Series(forecast))
    inside = (ends["low"] <= came) & (came <= ends["high"])
    for each in np.unique(forecast):
        assert inside[forecast == each].mean() > 0.93, each
    # Beyond all forecasts seen, the highest class counts in proportion.
    far = found.of_customers(pd.Series([12.0, 24.0]))
    np.testing.assert_allclose(far.iloc[1], 2 * far.iloc[0])


@pytest.fixture(scope="module")
def valued(shop):
    one = shop(3, 700)
    choice = choose_model(one.lines, one.as_of, 240, 2, n_draws=0, n_resamples=40)
    choice = replace(choice, chosen="carried_over", best_model="mbg_nbd")
    money = OwnRates.fit(one.customers)
    return (
        one,
        choice,
        money,
        value_base(choice, one.customers, one.before, money, SCHEDULE, one.lines, one.as_of, 1),
    )


def test_a_base_valued_by_a_simple_forecast_has_chances_and_intervals(valued):
    one, choice, _, worth = valued
    own = worth.customers
    assert worth.values is None and worth.strata == [] and worth.months == 8
    assert own["alive"].between(0, 1).all() and own["alive"].nunique() > 100
    assert (own["low"] <= own["high"]).all() and own.index.equals(one.customers.index)
    low, high = worth.interval
    assert low < worth.total < high and worth.rehearsed.rehearsals == len(choice.hold_outs) == 2
    assert reach_days(choice, SCHEDULE) == 240.0 and reach_days(None, SCHEDULE) == SCHEDULE.horizon


def test_values_are_those_of_the_forecast_and_losses_turn_the_interval(valued):
    one, _, money, worth = valued
    own = worth.customers
    np.testing.assert_allclose(own["value"], own["discounted_orders"] * own["money"])

    class Loss:
        def predict(self, customers):
            return -money.predict(customers)

    turned = simple_values(
        "carried_over", one.lines, one.as_of, 240, Loss(), one.customers, 0.1, worth.rehearsed
    )
    np.testing.assert_allclose(turned["low"], -own["high"])
    np.testing.assert_allclose(turned["high"], -own["low"])
    np.testing.assert_allclose(turned["value"], -own["value"])
