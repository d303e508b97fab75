"""From the order lines of the bundled company to a forecast with reasons, beside the truth."""

from datetime import timedelta

import pandas as pd
import pytest

from crmlib.analysis.churn.activity import customer_activity
from crmlib.analysis.churn.catalogue import wordings
from crmlib.analysis.churn.contest import run_contest
from crmlib.analysis.churn.drivers import find_drivers
from crmlib.analysis.churn.forecast import forecast_churn
from crmlib.analysis.churn.point_in_time import make_snapshots
from crmlib.analysis.churn.reasons import explain_customers
from crmlib.analysis.churn.recovery import chances_beside_truth, true_silence
from crmlib.intake import open_data

WINDOW = 182


@pytest.fixture(scope="module")
def company():
    data = open_data("bundled", "")
    activity = customer_activity(data.table, data.as_of, data.gross_margin)
    days = [data.as_of - timedelta(days=WINDOW * number) for number in (3, 2, 1, 0)]
    made = make_snapshots(data.table, activity, days, outcome_days=WINDOW, eligible_days=365)
    *past, now = made.snapshots
    contest = run_contest(past, methods=["base_rate", "recency", "logistic"], n_resamples=100)
    return past, now, contest, forecast_churn(past, now, contest), data.truth("customers")


def test_a_model_beats_recency_on_a_day_it_has_not_seen(company):
    contest = company[2]
    assert contest.roles.days["role"].tolist() == ["training", "calibration", "test"]
    assert contest.chosen == "logistic" and contest.reason == "beyond_simpler"
    values = contest.scores.values.loc["logistic"]
    assert values["auc"] > 0.75 and values["lift"] > 1.7 and 0.8 < values["slope"] < 1.25


def test_every_customer_of_today_has_a_probability_and_most_a_reason(company):
    _, now, _, forecast, _ = company
    assert forecast.probabilities.index.equals(now.features.index) and now.outcome is None
    why = explain_customers(
        forecast.predictor, now.features, forecast.typical_from, wording=wordings((3, 12))
    )
    assert why.sentences.index.equals(now.features.index) and why.sentences.notna().all()
    assert why.table["reason_1"].notna().mean() > 0.7
    pd.testing.assert_series_equal(why.table["churn"], forecast.probabilities)


def test_how_long_somebody_has_been_away_drives_the_probability(company):
    _, _, contest, _, _ = company
    found = find_drivers(contest.predictor, contest.tested, most=1)
    assert "recency_days" in found.importance["features"].iloc[0]
    assert not found.importance["by_chance"].iloc[0]


def test_the_forecast_is_near_the_true_silence_and_lifetimes_near_the_true_ones(company):
    """Seasons and campaigns are not in the true silence; slow buyers are silent without having left."""
    _, now, _, forecast, truth = company
    silence = true_silence(truth, now.features.index, now.day, WINDOW)
    assert forecast.probabilities.mean() == pytest.approx(silence["all_knowing"].mean(), abs=0.06)
    assert forecast.probabilities.corr(silence["all_knowing"]) > 0.6
    beside = chances_beside_truth(
        (1 - now.features[["p_alive"]].dropna()), truth, now.day, n_resamples=20
    ).scores.values.loc["p_alive"]
    assert beside["auc"] > 0.8 and abs(beside["too_high"]) < 0.06
