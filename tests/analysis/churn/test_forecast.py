"""The forecast of today: near the truth, blind to the future, and refused where it cannot be made."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.churn.forecast import forecast_churn
from crmlib.errors import DataError, ParameterError, TooLittleData


def test_probabilities_are_near_the_truth(tried):
    forecast = tried.forecast
    assert (forecast.probabilities - tried.truth).abs().mean() < 0.06
    assert forecast.expected == pytest.approx(tried.truth.sum(), rel=0.1)
    assert forecast.probabilities.index.equals(tried.now.features.index)
    assert forecast.probabilities.name == "churn" and forecast.until == tried.now.ends


def test_all_days_but_the_newest_are_learned_from_and_the_newest_calibrates(tried, churners):
    days = tried.forecast.roles.days
    assert (
        days["role"].tolist() == ["training"] * 5 + ["calibration"] and days.index[-1] == churners.days(1)[0]
    )
    assert tried.forecast.sampled["rows"].tolist() == [7500, 1500]


def test_method_scores_and_reason_come_from_the_contest(tried):
    forecast = tried.forecast
    assert forecast.method == tried.contest.chosen and forecast.reason == tried.contest.reason
    assert forecast.scores.loc["brier", "value"] == tried.contest.scores.values.loc[forecast.method, "brier"]
    assert forecast.reliability["rows"].sum() == len(tried.contest.tested.churned)


def test_settings_are_those_of_the_contest(tried):
    assert tried.forecast.predictor.predictor.tuned == tried.contest.predictor.predictor.tuned


def test_typical_customers_are_those_who_stayed_last_time(tried):
    newest = tried.snapshots[-1]
    assert tried.forecast.typical_from.index.equals(newest.features.index[~newest.churned])


def test_the_outcome_of_today_is_not_looked_at(tried, churners):
    known = churners.made()[0]
    found = forecast_churn(tried.snapshots, known, tried.contest)
    pd.testing.assert_series_equal(found.probabilities, tried.forecast.probabilities)


def test_the_level_follows_the_newest_outcome(tried, churners):
    *early, newest = tried.snapshots
    worse = replace(newest, outcome=churners.made(newest.day, shift=1.0)[0].outcome)
    found = forecast_churn([*early, worse], tried.now, tried.contest)
    assert found.expected > 1.2 * tried.forecast.expected


def test_results_have_six_digits_and_come_again(tried):
    found = forecast_churn(tried.snapshots, tried.now, tried.contest).probabilities
    pd.testing.assert_series_equal(found, tried.forecast.probabilities)
    assert [float(f"{value:.6g}") for value in found] == found.tolist()
    assert found.between(1e-6, 1 - 1e-6).all()


@pytest.mark.parametrize("method", ["base_rate", "recency", "p_alive", "boosting"])
def test_any_method_can_be_the_chosen_one(tried, method):
    found = forecast_churn(tried.snapshots, tried.now, replace(tried.contest, chosen=method))
    assert found.method == method and found.expected == pytest.approx(tried.truth.sum(), rel=0.15)
    assert len(np.unique(found.probabilities)) == 1 or method != "base_rate"


def test_what_does_not_go_together_is_refused(tried):
    with pytest.raises(ParameterError, match="30 days to predict"):
        forecast_churn(tried.snapshots, replace(tried.now, outcome_days=30), tried.contest)
    with pytest.raises(ParameterError, match="outcomes that are known"):
        forecast_churn(
            tried.snapshots, replace(tried.now, day=tried.now.day - timedelta(days=1)), tried.contest
        )
    with pytest.raises(DataError, match="without the column"):
        lacking = replace(tried.now, features=tried.now.features.drop(columns="orders"))
        forecast_churn(tried.snapshots, lacking, tried.contest)
    with pytest.raises(TooLittleData, match="no customers on"):
        forecast_churn(
            tried.snapshots, replace(tried.now, features=tried.now.features.head(0)), tried.contest
        )
