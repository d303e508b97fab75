"""Doubt about the parameters of money: intervals over simulated companies hold the truth as often as they say."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.spend.credibility import Credibility
from crmlib.analysis.clv.spend.gamma_gamma import GammaGamma
from crmlib.analysis.clv.spend.money import OwnRates, SpendTimesRate
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.clv.worth import drawn_money as module
from crmlib.analysis.clv.worth.drawn_money import drawn_money
from crmlib.analysis.clv.worth.value import customer_values
from crmlib.errors import ParameterError

SPEND = GammaGamma().with_params([4.0, 5.0, 60.0])  # 60 per purchase in the mean of all
RATE, BETWEEN, WITHIN = 0.3, 0.01, 5.0


def company(seed, customers=150):
    """Few purchases of each customer: what is expected of them hangs on the parameters."""
    rng = np.random.default_rng(seed)
    p, q, gamma = SPEND.params_
    n = 1 + rng.poisson(0.7, customers)
    who = np.repeat(np.arange(customers), n)
    nu = rng.gamma(q, 1 / gamma, customers)
    sales = rng.gamma(p, 1 / nu[who])
    own = rng.normal(RATE, np.sqrt(BETWEEN), customers)
    spend = p / nu
    # Noise of a contribution has the variance WITHIN x spend, so that of its rate has WITHIN / spend.
    left = own[who] * spend[who] + np.sqrt(WITHIN * spend[who]) * rng.standard_normal(len(who))
    lines = pd.DataFrame({"who": who, "sales": sales, "left": left})
    parts = lines.groupby("who")
    squares = parts["left"].var(ddof=0).to_numpy() * n
    table = pd.DataFrame(
        {
            "n": n,
            "money": parts["sales"].mean().to_numpy(),
            "left": parts["left"].mean().to_numpy(),
            "squares": squares,
        }
    )
    return table.set_axis([f"C{i:03d}" for i in range(customers)]), own * spend


def test_the_interval_of_the_money_of_all_holds_what_the_true_parameters_give():
    """With the parameters taken as known, the interval has no width at all."""
    inside = 0
    for seed in range(30):
        table, _ = company(seed)
        fitted = OwnRates.fit(table)
        rng = np.random.default_rng(seed)
        totals = [one.predict(table).sum() for one in drawn_money(fitted, table, 50, rng)]
        rates = Credibility()
        rates.base_mean_, rates.between_, rates.within_, rates.n_customers_ = RATE, BETWEEN, WITHIN, 150
        truth = OwnRates(SPEND, rates).predict(table).sum()
        low, high = np.quantile(totals, [0.025, 0.975])
        inside += low <= truth <= high
    assert 25 <= inside <= 30


def test_intervals_of_totals_to_come_hold_them_only_with_the_doubt_about_money():
    """One company after the other buys once more all round: the sum lies in its interval as often as it says."""
    known, drawn = 0, 0
    for seed in range(30):
        rng = np.random.default_rng([seed, 1])
        means = rng.normal(10.0, 6.0, 200)
        table = pd.DataFrame({"n": 1 + (rng.random(200) < 0.15), "squares": 0.0})
        first = means + 12 * rng.standard_normal(200)
        second = means + 12 * rng.standard_normal(200)
        two = table["n"].to_numpy() == 2
        table["money"] = np.where(two, (first + second) / 2, first)
        table["squares"] = np.where(two, (first - second) ** 2 / 2, 0.0)
        came = (8 * means + 12 * np.sqrt(8) * rng.standard_normal(200)).sum()
        fitted = Credibility().fit(table)
        orders = np.full(200, 8.0)
        models = drawn_money(fitted, table, 80, rng)
        for name, each in (("known", [fitted] * 80), ("drawn", models)):
            low, high = np.quantile([one.draw_sums(table, orders, rng).sum() for one in each], [0.025, 0.975])
            inside = low <= came <= high
            known, drawn = known + (inside and name == "known"), drawn + (inside and name == "drawn")
    assert drawn >= 26 and known <= drawn - 3


def test_many_customers_are_drawn_in_part_and_the_spread_is_that_of_all(monkeypatch):
    table, _ = company(3, 1_200)
    fitted = OwnRates.fit(table)

    def spread():
        drawn = drawn_money(fitted, table, 150, np.random.default_rng(1))
        return np.std([one.predict(table).sum() for one in drawn]), np.mean(
            [one.rates.base_mean_ for one in drawn]
        )

    whole = spread()
    monkeypatch.setattr(module, "MOST", 300)
    part = spread()
    assert part[0] == pytest.approx(whole[0], rel=0.25) and part[1] == pytest.approx(whole[1], rel=0.02)


def test_what_is_expected_of_all_purchases_made_hardly_moves_with_the_spend():
    """Spend up, rate down: the two of a draw go together."""
    table, _ = company(5, 600)
    fitted = OwnRates.fit(table)
    drawn = drawn_money(fitted, table, 120, np.random.default_rng(1))
    alone = [OwnRates(one.spend, fitted.rates).predict(table) @ table["n"] for one in drawn]
    together = [one.predict(table) @ table["n"] for one in drawn]
    rates = [OwnRates(fitted.spend, one.rates).predict(table) @ table["n"] for one in drawn]
    assert np.var(together) < np.var(alone) + np.var(rates)


def test_values_carry_the_drawn_money_draw_by_draw():
    table, _ = company(1)
    rng = np.random.default_rng(2)
    model = MBGNBD().with_params([1.2, 80.0, 0.5, 3.0])
    table["x"] = table["n"] - 1
    table["T"] = 500.0
    table["t_x"] = np.where(table["x"] > 0, 200.0, 0.0)
    fitted = OwnRates.fit(table)
    moneys = drawn_money(fitted, table, 30, rng)
    same = pd.DataFrame([model.params_.to_numpy()] * 30, columns=list(model.names))
    schedule = Schedule.until(365.25, 0.0)
    found = customer_values(
        model, same, fitted, table, schedule, np.random.default_rng(3), money_draws=moneys
    )
    orders = model.predict_orders(table, schedule.horizon)
    by_hand = [(orders * one.predict(table)).sum() for one in moneys]
    np.testing.assert_allclose(found.drawn_parameters["all"], by_hand, rtol=1e-9)
    without = customer_values(model, same, fitted, table, schedule, np.random.default_rng(3)).sums["all"]
    doubt = found.sums["all"]
    assert without.low_parameters == without.high_parameters and doubt.low_parameters < doubt.high_parameters
    assert doubt.high - doubt.low > without.high - without.low
    with pytest.raises(ParameterError, match="29 draws of money beside 30"):
        customer_values(model, same, fitted, table, schedule, rng, money_draws=moneys[1:])


def test_spend_times_a_given_rate_keeps_the_rate():
    table, _ = company(2)
    fitted = SpendTimesRate(GammaGamma().fit(table), 0.4)
    drawn = drawn_money(fitted, table, 10, np.random.default_rng(1))
    assert {one.rate for one in drawn} == {0.4} and len({one.spend.params_["q"] for one in drawn}) == 10


def test_a_base_in_which_few_bought_twice_can_still_be_drawn():
    table = pd.DataFrame({"n": [2, *[1] * 30], "money": np.arange(31.0), "squares": [3.0, *[0.0] * 30]})
    drawn = drawn_money(Credibility().fit(table), table, 20, np.random.default_rng(1))
    assert len(drawn) == 20 and all(np.isfinite(one.base_mean_) for one in drawn)


def test_another_kind_of_money_is_refused():
    with pytest.raises(ParameterError, match="OwnRates, SpendTimesRate or Credibility"):
        drawn_money(object(), pd.DataFrame({"n": [1]}), 2, np.random.default_rng(1))
