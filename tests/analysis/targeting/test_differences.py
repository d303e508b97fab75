"""Differences between arms: Welch's test, regressions, and simulations of what a variance promises."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlib.analysis.targeting.differences import by_column, by_group
from crmlib.analysis.targeting.trial import Trial
from crmlib.errors import TooLittleData


def of(trial, adjust=None, groups=None, level=0.95):
    everybody = {"all": np.ones(len(trial.rows), dtype=bool)}
    return by_group(trial, trial.rows["margin"].to_numpy(), groups or everybody, adjust, level)


def test_one_row_per_customer_gives_the_difference_and_the_error_of_welch(trial_of):
    trial = trial_of(treated=0.7)
    y, arm = trial.rows["margin"], trial.treated
    row = of(trial).table.loc["all"]
    welch = stats.ttest_ind(y[arm], y[~arm], equal_var=False)
    assert row["difference"] == pytest.approx(y[arm].mean() - y[~arm].mean())
    assert row["difference"] / row["error"] == pytest.approx(welch.statistic)
    assert (row["treated"], row["control"]) == (arm.sum(), (~arm).sum())
    assert row["high"] - row["difference"] == pytest.approx(1.959964 * row["error"], rel=1e-6)


def test_campaigns_are_compared_within_and_weighted_by_their_contacts(trial_of):
    """Campaigns that differ in level and in share contacted: their pooled means would mislead."""
    trial = trial_of(customers=1000, campaigns=2, treated=[0.2, 0.8])
    rows = trial.rows.assign(margin=trial.rows["margin"] + 10 * (trial.rows["campaign_id"] == "1"))
    trial = Trial.of(rows, trial.outcomes)
    means = rows.groupby(["campaign_id", "treated"])["margin"].mean().unstack()
    weight = rows[rows["treated"]].groupby("campaign_id").size()
    hand = float(((means[True] - means[False]) * weight).sum() / weight.sum())
    found = of(trial).table.loc["all", "difference"]
    assert found == pytest.approx(hand) and abs(found - 1) < 0.3
    naive = rows.loc[rows["treated"], "margin"].mean() - rows.loc[~rows["treated"], "margin"].mean()
    assert naive > 5


def redrawn(trial, rng, effect=1.0, noise=1.0):
    """Draw the lot and the margins anew for the same customers; return the test and the margins."""
    treated = rng.random(len(trial.rows)) < 0.5
    taste = rng.normal(0, noise, trial.clusters().max() + 1)[trial.clusters()]
    margin = 2 * trial.rows["x"].to_numpy() + taste + rng.normal(0, noise, len(taste)) + effect * treated
    return replace(trial, rows=trial.rows.assign(treated=treated)), margin


def test_the_interval_holds_the_truth_as_often_as_it_says_when_customers_come_back(trial_of):
    """The effect differs between customers and the same ones are in four campaigns."""
    rng, once = np.random.default_rng(1), trial_of(customers=150, campaigns=4)
    effect = 1 + once.rows["x"].to_numpy()
    everybody, inside = {"all": np.ones(600, dtype=bool)}, 0
    for _ in range(100):
        trial, margin = redrawn(once, rng, effect)
        row = by_group(trial, margin, everybody, level=0.9).table.loc["all"]
        inside += row["low"] < effect.mean() < row["high"]
    assert 0.83 <= inside / 100 <= 0.97


def test_covariates_narrow_the_interval_and_leave_the_effect(trial_of):
    rng, once, found = np.random.default_rng(2), trial_of(customers=300), []
    everybody, extra = {"all": np.ones(300, dtype=bool)}, once.rows[["x"]].to_numpy()
    for _ in range(80):
        trial, margin = redrawn(once, rng, noise=0.5)
        own = by_group(trial, margin, everybody).table.loc["all"]
        adjusted = by_group(trial, margin, everybody, extra).table.loc["all"]
        found.append((own["difference"] - 1, adjusted["difference"] - 1, adjusted["error"]))
    own, adjusted, error = np.array(found).T
    assert adjusted.std() < 0.65 * own.std()
    assert error.mean() == pytest.approx(adjusted.std(), rel=0.25), "the error tells the true spread"
    assert abs(adjusted.mean()) < 3 * adjusted.std() / np.sqrt(80)


def test_adjusting_agrees_with_a_regression_on_all_interactions(trial_of):
    """Lin (2013): the coefficient of the arm with covariates centred and interacted."""
    trial = trial_of(customers=500, treated=0.7, effect=lambda rows: 1 + 2 * rows["x"])
    x = trial.rows["x"].to_numpy() - trial.rows["x"].mean()
    arm = trial.treated.astype(float)
    design = np.column_stack([np.ones(500), arm, x, arm * x])
    hand = np.linalg.lstsq(design, trial.rows["margin"].to_numpy())[0][1]
    assert of(trial, x[:, None]).table.loc["all", "difference"] == pytest.approx(hand)


def test_a_covariate_that_does_not_vary_changes_nothing(trial_of):
    trial = trial_of(customers=300)
    own, found = of(trial).table.loc["all"], of(trial, np.ones((300, 1))).table.loc["all"]
    assert found["difference"] == pytest.approx(own["difference"])
    assert found["error"] == pytest.approx(own["error"], rel=0.01)


def test_thin_groups_and_groups_without_a_common_campaign_have_no_estimate(trial_of):
    trial = trial_of(customers=200, campaigns=2)
    first = trial.rows["campaign_id"].to_numpy() == "0"
    apart = (first & trial.treated) | (~first & ~trial.treated)
    thin = np.arange(400) < 40
    table = of(trial, groups={"all": np.ones(400, dtype=bool), "apart": apart, "thin": thin}).table
    assert table["difference"].isna().tolist() == [False, True, True]
    assert table["error"].isna().tolist() == [False, True, True]
    assert table.loc["thin", "treated"] + table.loc["thin", "control"] == 40


def test_groups_that_share_controls_have_a_covariance(trial_of):
    trial = trial_of(customers=3000, treated=0.6)
    first = np.arange(3000) % 2 == 0
    groups = {"one": ~trial.treated | first, "other": ~trial.treated | ~first}
    found = of(trial, groups=groups)
    control = trial.rows["margin"][~trial.treated]
    assert found.covariance.loc["one", "other"] == pytest.approx(control.var() / len(control))
    value, low, high = found.contrast({"one": 1, "other": -1})
    y, arm = trial.rows["margin"], trial.treated
    assert value == pytest.approx(y[arm & first].mean() - y[arm & ~first].mean())
    spread = np.sqrt(
        y[arm & first].var() / (arm & first).sum() + y[arm & ~first].var() / (arm & ~first).sum()
    )
    assert (high - low) / 2 == pytest.approx(1.959964 * spread, rel=1e-6)
    assert found.equal().statistic == pytest.approx((value / spread) ** 2)


def test_under_no_difference_p_values_are_uniform(trial_of):
    """Four groups with the same effect: the Wald test says so as often as it promises."""
    rng, once, found = np.random.default_rng(3), trial_of(customers=600), []
    groups = {str(i): np.arange(600) % 4 == i for i in range(4)}
    for _ in range(100):
        trial, margin = redrawn(once, rng)
        found.append(by_group(trial, margin, groups).equal())
    assert {test.degrees for test in found} == {3}
    assert stats.kstest([test.p_value for test in found], "uniform").pvalue > 0.01


def test_equality_needs_two_groups_and_repeated_groups_count_once(trial_of):
    trial = trial_of(customers=300)
    everybody = np.ones(300, dtype=bool)
    assert np.isnan(of(trial).equal().p_value)
    twice = of(trial, groups={"a": everybody, "b": everybody})
    assert np.isnan(twice.equal().p_value), "the same rows cannot differ"
    assert twice.zero().degrees == 1


def test_columns_are_compared_with_their_covariance(trial_of):
    trial = trial_of(customers=800)
    found = by_column(trial, trial.rows[["x", "margin"]])
    assert found.table.loc["margin", "difference"] == pytest.approx(of(trial).table.loc["all", "difference"])
    assert found.zero().degrees == 2
    with pytest.raises(TooLittleData, match="held out"):
        by_column(trial.where(trial.treated), trial.rows.loc[trial.treated, ["x"]])


def test_the_order_of_rows_and_the_names_of_customers_change_nothing(trial_of):
    trial = trial_of(customers=200, campaigns=2)
    mixed = trial.rows.sample(frac=1, random_state=3)
    renamed = mixed.assign(customer_id="Z" + mixed["customer_id"].str[::-1])
    pd.testing.assert_frame_equal(of(Trial.of(renamed, trial.outcomes)).table, of(trial).table)
