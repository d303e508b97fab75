"""Drawn profits: their means and spreads against formulas, and what customers share."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from crmlib.analysis.targeting.campaign_terms import ContactTerms
from crmlib.analysis.targeting.profit_draws import ProfitDraws
from crmlib.analysis.targeting.save_rate import SaveRate

Z = norm.ppf(0.975)


def people(size=50, seed=1, **columns):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"churn_probability": rng.uniform(0.05, 0.9, size), "value": rng.uniform(20, 200, size)},
        index=pd.Index([f"C{i:04d}" for i in range(size)], name="customer_id"),
    )
    return frame.assign(**columns)


def inputs(frame, terms, draws=4000, seed=0):
    return ProfitDraws.of(frame, terms, 0.95, draws, seed)


def all_draws(found):
    drawn = np.zeros((len(found.saved), len(found.risk)))
    for part, block in found.blocks():
        drawn[:, part] = block
    return drawn


def test_draws_have_the_mean_of_the_formula_whatever_is_in_doubt():
    frame = people()
    risk, value = frame["churn_probability"], frame["value"]
    frame = frame.assign(
        churn_low=0.6 * risk,
        churn_high=risk + 0.4 * risk * (1 - risk),
        value_low=0.5 * value,
        value_high=1.6 * value,
    )
    terms = ContactTerms(2.0, 5.0, SaveRate(0.3, 20), 0.8, 0.05, value_doubt=0.15)
    found = inputs(frame, terms, 20_000)
    exact = found.profit(found.risk, 0.3, found.value)
    error = all_draws(found).std(axis=0) / np.sqrt(20_000)
    assert (np.abs(all_draws(found).mean(axis=0) - exact) < 4.5 * error).all()


def test_spread_of_a_value_alone():
    frame = people(value_low=50.0, value_high=150.0, value=100.0)
    drawn = all_draws(inputs(frame, ContactTerms(0.0, save_rate=SaveRate(0.3, np.inf)), 20_000))
    expected = 0.3 * frame["churn_probability"] * 100 / (2 * Z)
    np.testing.assert_allclose(drawn.std(axis=0), expected, rtol=0.03)


def test_spread_of_a_probability_alone():
    frame = people(churn_probability=0.4, churn_low=0.3, churn_high=0.5)
    drawn = all_draws(inputs(frame, ContactTerms(0.0, save_rate=SaveRate(0.3, np.inf)), 20_000))
    np.testing.assert_allclose(drawn.std(axis=0), 0.3 * frame["value"] * 0.2 / (2 * Z), rtol=0.03)


def test_values_that_may_be_losses_are_drawn_around_their_mean():
    frame = people(value=-10.0, value_low=-60.0, value_high=40.0, churn_probability=1.0)
    drawn = all_draws(inputs(frame, ContactTerms(0.0, save_rate=SaveRate(0.5, np.inf)), 20_000))
    np.testing.assert_allclose(drawn.mean(axis=0), -5, atol=0.4)
    np.testing.assert_allclose(drawn.std(axis=0), 0.5 * 100 / (2 * Z), rtol=0.03)


def test_common_errors_move_all_customers_together_and_own_ones_do_not():
    def correlation(frame, terms):
        found = np.corrcoef(all_draws(inputs(frame, terms)).T)
        return found[np.triu_indices(len(found), 1)]

    plain, known = people(12), SaveRate(0.3, np.inf)
    assert correlation(plain, ContactTerms(1.0)).min() > 0.999
    assert correlation(plain, ContactTerms(1.0, save_rate=known, value_doubt=0.2)).min() > 0.999
    assert correlation(plain, ContactTerms(1.0, save_rate=known, risk_doubt=0.3)).min() > 0.9
    own = people(12, value=100.0, value_low=50.0, value_high=150.0)
    assert np.abs(correlation(own, ContactTerms(1.0, save_rate=known))).max() < 0.1


def test_a_shift_of_log_odds_leaves_sure_things_sure():
    frame = people(churn_probability=np.resize([0.0, 1.0], 50))
    drawn = all_draws(inputs(frame, ContactTerms(1.0, save_rate=SaveRate(0.5, np.inf), risk_doubt=1.0)))
    np.testing.assert_allclose(drawn[:, ::2], -1.0)
    np.testing.assert_allclose(
        drawn[:, 1::2], np.broadcast_to(0.5 * frame["value"].to_numpy()[1::2] - 1, (4000, 25))
    )


def test_draws_do_not_depend_on_the_order_of_rows():
    frame = people(value_low=10.0, value_high=250.0, value=100.0)
    mixed = frame.sample(frac=1, random_state=2)
    found, again = (all_draws(inputs(one, ContactTerms(1.0), 200)) for one in (frame, mixed))
    pd.testing.assert_frame_equal(
        pd.DataFrame(found, columns=frame.index), pd.DataFrame(again, columns=mixed.index)[frame.index]
    )


def test_blocks_make_the_same_totals(monkeypatch):
    frame = people(23)
    found = inputs(frame, ContactTerms(1.0, value_doubt=0.1), 200)
    members = np.array([np.ones(23), np.arange(23) % 2])
    whole = found.drawn_totals(members)
    monkeypatch.setattr("crmlib.analysis.targeting.profit_draws._BLOCK", 1000)
    assert len(list(found.blocks())) == 5
    np.testing.assert_allclose(found.drawn_totals(members), whole)
    np.testing.assert_allclose(whole[:, 0], all_draws(found).sum(axis=1))


def test_an_interval_as_wide_as_it_can_be_keeps_the_mean():
    frame = people(churn_probability=0.5, churn_low=0.0, churn_high=1.0)
    found = inputs(frame, ContactTerms(0.0, save_rate=SaveRate(0.5, np.inf)), 20_000)
    np.testing.assert_allclose(all_draws(found).mean(axis=0), 0.25 * frame["value"], rtol=0.05)
    assert found.risk_spread[0] == pytest.approx(1 / (2 * Z))
