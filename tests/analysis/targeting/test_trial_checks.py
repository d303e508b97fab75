"""Checks of a test: quiet where the lot fell evenly, loud where it did not."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from crmlib.analysis.targeting.trial import Trial
from crmlib.analysis.targeting.trial_checks import balance, later_contacts, sample_ratio
from crmlib.errors import ParameterError, TooLittleData


def test_the_distance_of_arms_is_a_share_of_the_spread_within_them(trial_of):
    trial = trial_of(customers=1000)
    found = balance(trial).table.loc["x"]
    x, arm = trial.rows["x"], trial.treated
    hand = (x[arm].mean() - x[~arm].mean()) / np.sqrt((x[arm].var() + x[~arm].var()) / 2)
    assert found["apart"] == pytest.approx(hand) and found["low"] < hand < found["high"]
    assert not found["beyond_chance"]


def test_arms_that_were_chosen_and_not_drawn_are_found(trial_of):
    trial = trial_of(customers=2000)
    treated = trial.rows["x"] + np.random.default_rng(1).normal(0, 2, 2000) > 0
    found = balance(Trial.of(trial.rows.assign(treated=treated, action="voucher"), ["margin"], ["x", "kind"]))
    assert found.table["beyond_chance"].to_dict() == {"x": True, found.table.index[1]: False}
    assert found.test.p_value < 1e-6


def test_by_lot_the_joint_p_value_is_uniform(trial_of):
    trial = trial_of(customers=300)
    rng, found = np.random.default_rng(4), []
    for _ in range(40):
        rows = trial.rows.assign(treated=rng.permutation(trial.treated), action="voucher")
        found.append(balance(Trial.of(rows, ["margin"], ["x", "kind"])).test.p_value)
    assert kstest(found, "uniform").pvalue > 0.01


def test_covariates_that_do_not_vary_are_left_out(trial_of):
    trial = trial_of(customers=100)
    trial = trial.with_columns(pd.DataFrame({"same": 1.0}, trial.rows.index))
    assert "same" not in balance(trial).table.index
    assert balance(trial, ["x"]).table.index.tolist() == ["x"]


def test_a_share_held_out_that_the_lot_cannot_explain_is_suspicious():
    rows = pd.DataFrame({"treated": [True] * 700 + [False] * 300, "bought": 0.0})
    found = sample_ratio(Trial.of(rows, ["bought"]), held_out=0.3).loc["all"]
    assert (found["share_held_out"], found["p_value"], found["suspicious"]) == (0.3, 1.0, False)
    found = sample_ratio(Trial.of(rows, ["bought"]), held_out=0.25).loc["all"]
    assert found["p_value"] == pytest.approx(0.000261, abs=1e-6), "chi-squared of 50^2/750 + 50^2/250 = 13.33"
    assert found["suspicious"]
    with pytest.raises(ParameterError, match="held_out = 30"):
        sample_ratio(Trial.of(rows, ["bought"]), held_out=30)


def test_without_a_design_campaigns_are_held_against_each_other(trial_of):
    quiet = sample_ratio(trial_of(customers=500, campaigns=4))
    assert quiet.index.tolist() == ["0", "1", "2", "3", "all"] and not quiet["suspicious"].any()
    loud = sample_ratio(trial_of(customers=500, campaigns=3, treated=[0.5, 0.5, 0.8]))
    assert loud.loc[["2", "all"], "suspicious"].all()
    assert np.isnan(sample_ratio(trial_of(customers=500)).loc["all", "p_value"])


def test_unequal_later_contacts_are_found(trial_of):
    trial = trial_of(customers=1000)
    rng = np.random.default_rng(1)
    for lift, found in ((0.0, False), (0.3, True)):
        during = rng.poisson(0.5 + lift * trial.treated).astype(float)
        during[:50] = np.nan
        rows = trial.rows.assign(contacts_during=during)
        assert (later_contacts(Trial.of(rows, trial.outcomes)).p_value < 0.01) == found


def test_one_arm_cannot_be_compared(trial_of):
    trial = trial_of(customers=100)
    with pytest.raises(TooLittleData, match="0 held out"):
        balance(trial.where(trial.treated))
