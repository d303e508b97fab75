"""Rates of effect: assumed, then updated by what tests have shown."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.actions.menu import MENU
from crmlib.analysis.actions.rates import prior_rates, rate_draws, update_rates
from crmlib.errors import DataError, ParameterError


def seen(action, effect, error, gain=10.0, source="a test"):
    return pd.DataFrame({"effect": [effect], "error": error, "gain": gain, "source": source}, index=[action])


def test_without_tests_the_menu_speaks():
    rates = prior_rates()
    assert list(rates.index) == list(MENU)
    assert (rates["mean"] == [action.prior_mean for action in MENU.values()]).all()
    assert set(rates["verdict"]) == {"untested"} and rates["measured"].isna().all()
    assert update_rates(rates, None) is rates


def test_an_own_rate_keeps_the_doubt_in_proportion():
    own = prior_rates(["cross-sell 0.06", "ask for referral 0.02"])
    assert own.loc["cross-sell", ["mean", "spread"]].tolist() == pytest.approx([0.06, 0.04])
    assert own.loc["ask for referral", "mean"] == 0.02
    assert own.loc["save", "mean"] == prior_rates().loc["save", "mean"]


@pytest.mark.parametrize("entry", ["saves 0.1", "save", "save 0", "save 1.2", "save ten", "nothing 0.1"])
def test_a_rate_that_cannot_be_read_is_refused(entry):
    with pytest.raises(ParameterError, match="assumed rate"):
        prior_rates([entry])


def test_assumption_and_test_are_weighed_by_their_precision():
    """By hand: 0.10 with spread 0.065 and -0.02 with spread 0.03."""
    weights = np.array([1 / 0.065**2, 1 / 0.03**2])
    found = update_rates(prior_rates(), seen("save", -0.2, 0.3)).loc["save"]
    assert found["mean"] == pytest.approx(weights @ [0.10, -0.02] / weights.sum())
    assert found["spread"] == pytest.approx(weights.sum() ** -0.5)
    assert (found["measured"], found["measured_spread"]) == pytest.approx((-0.02, 0.03))
    assert found["basis"] == "test" and found["verdict"] == "not proven"


def test_tests_one_after_another_are_tests_together():
    first, second = seen("save", 0.5, 0.6, source="May"), seen("save", 2.0, 0.8, 20.0, "June")
    apart = update_rates(update_rates(prior_rates(), first), second)
    together = update_rates(prior_rates(), pd.concat([first, second]))
    pd.testing.assert_frame_equal(apart, together)
    assert apart.loc["save", "sources"] == "May; June"


def test_a_small_test_leaves_the_action_untested_and_a_large_one_can_prove_it():
    small = update_rates(prior_rates(), seen("cross-sell", 0.0, 1.0)).loc["cross-sell"]
    assert small["basis"] == "assumption" and small["verdict"] == "untested"
    assert small["mean"] < MENU["cross-sell"].prior_mean
    large = update_rates(prior_rates(), seen("cross-sell", 0.4, 0.05)).loc["cross-sell"]
    assert large["verdict"] == "proven" and large["mean"] == pytest.approx(0.04, abs=0.001)


def test_evidence_on_other_things_and_without_numbers_is_passed_over():
    rates = prior_rates()
    nothing = pd.concat([seen("a dance", 1.0, 1.0), seen("save", np.nan, 1.0)])
    assert update_rates(rates, nothing) is rates
    with pytest.raises(DataError, match="error = 0"):
        update_rates(rates, seen("save", 1.0, 0.0))
    with pytest.raises(DataError, match="without gain"):
        update_rates(rates, seen("save", 1.0, 1.0).drop(columns="gain"))


def test_draws_have_the_mean_and_spread_of_the_rates():
    rates = prior_rates()
    drawn = rate_draws(rates, 2000, 1)
    assert np.allclose(drawn.mean(), rates["mean"], atol=1e-9)
    assert np.allclose(drawn.std(), rates["spread"], rtol=0.01)
    assert drawn.corr().where(~np.eye(len(rates), dtype=bool)).abs().max().max() < 0.1
    pd.testing.assert_frame_equal(drawn, rate_draws(rates, 2000, 1))


def test_intervals_after_a_test_hold_the_true_rate_as_often_as_they_say():
    """Worlds whose true rate is drawn from the assumption, each with a test of its own."""
    rng, prior = np.random.default_rng(1), prior_rates()
    action, worlds = MENU["save"], 400
    true = rng.normal(action.prior_mean, action.prior_spread, worlds)
    held = 0
    for rate, error in zip(true, rng.uniform(0.02, 0.2, worlds), strict=True):
        row = update_rates(prior, seen("save", rng.normal(rate, error), error, 1.0)).loc["save"]
        held += abs(rate - row["mean"]) < 1.96 * row["spread"]
    assert 0.92 < held / worlds < 0.98


def test_an_action_has_one_assumed_rate():
    with pytest.raises(ParameterError, match="two assumed rates of save"):
        prior_rates(["save 0.1", "save 0.2"])
