"""The contest finds what was put in, chooses the simplest that is as good, and sees a season."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.churn.contest import REASONS, run_contest
from crmlib.analysis.churn.predictors import METHODS
from crmlib.errors import ParameterError, TooLittleData


def test_the_table_has_all_methods_and_the_models_win(tried):
    contest = tried.contest
    values = contest.scores.values
    assert list(values.index) == list(METHODS) == list(contest.against_best.index)
    assert contest.chosen == "logistic" and contest.reason in REASONS
    assert values["brier"].drop("base_rate").max() < values.loc["base_rate", "brier"]
    assert not contest.against_best.loc[["base_rate", "recency", "p_alive"], "by_chance"].any()
    assert contest.against_best.loc[contest.best, ["worse", "low", "high"]].tolist() == [0, 0, 0]


def test_days_are_used_in_the_order_of_time(tried, churners):
    days = tried.contest.roles.days
    assert days["role"].tolist() == ["training"] * 3 + ["calibration", "test", "test"]
    assert sorted(set(tried.contest.tested.features.index.get_level_values("day"))) == churners.days(6)[4:]
    assert (days["rate"] == days["churned"] / days["customers"]).all()


def test_probabilities_on_test_days_come_true(tried):
    row = tried.contest.scores.table.loc["logistic"]
    assert row.loc["slope", "low"] < 1 < row.loc["slope", "high"]
    assert tried.contest.reliability.loc["logistic", "agrees"].sum() >= 7
    assert not tried.contest.by_day["beyond_chance"].all()


def test_changing_the_test_outcomes_changes_no_probability(churners):
    """What came after the test days is known to nobody before."""
    *early, last = churners.history(3, size=500)
    flipped = replace(last, outcome=last.outcome.assign(churned=~last.outcome["churned"]))
    one, other = (run_contest([*early, end], n_resamples=20) for end in (last, flipped))
    for name in METHODS:
        np.testing.assert_array_equal(
            other.predictors[name].predict_churn(last.features),
            one.predictors[name].predict_churn(last.features),
        )
    assert other.scores.values.loc["logistic", "auc"] < 0.5 < one.scores.values.loc["logistic", "auc"]


def test_the_same_seed_gives_the_same_table_whatever_the_order_of_the_days(churners):
    snapshots = churners.history(3, size=400)
    found, again = (run_contest(days, n_resamples=50) for days in (snapshots, snapshots[::-1]))
    pd.testing.assert_frame_equal(again.scores.table, found.scores.table, check_exact=True)
    pd.testing.assert_frame_equal(again.by_day, found.by_day, check_exact=True)
    assert again.scores.values.to_csv() == found.scores.values.to_csv()


def test_where_recency_is_all_there_is_recency_is_chosen(churners):
    """The truth is a logistic curve of recency alone: models have it among noise, and cannot be better."""
    snapshots = []
    for place, one in enumerate(churners.history(5, size=800)):
        rng = np.random.default_rng(place)
        chance = 1 / (1 + np.exp(3 - 1.0 * np.arcsinh(one.features["recency_days"] / 20)))
        snapshots.append(replace(one, outcome=one.outcome.assign(churned=rng.random(800) < chance)))
    found = run_contest(snapshots, n_resamples=200)
    assert found.chosen == "recency" and found.reason in ("beyond_simpler", "simpler_as_good")


def test_where_nothing_tells_customers_apart_one_rate_is_chosen(churners):
    rng = np.random.default_rng(5)
    snapshots = [
        replace(one, outcome=one.outcome.assign(churned=rng.random(400) < 0.3))
        for one in churners.history(4, size=400)
    ]
    found = run_contest(snapshots, n_resamples=200)
    assert (found.chosen, found.reason) == ("base_rate", "no_better_than_rate")


def test_a_bad_season_shows_in_the_level_of_its_day(churners):
    *early, last = churners.days(5)
    snapshots = [churners.made(day)[0] for day in early] + [churners.made(last, shift=1.0)[0]]
    found = run_contest(snapshots, methods=["base_rate", "logistic"], n_resamples=50)
    level = found.by_day.xs("logistic", level="method")
    assert level["beyond_chance"].tolist() == [False, True]
    row = level.loc[last]
    assert (
        row["too_high"] == pytest.approx(row["predicted"] - row["observed"], abs=1e-5) and row["high"] < -0.05
    )
    assert found.by_day.index.names == ["day", "method"] and len(found.by_day) == 4


def test_the_level_of_a_day_by_hand(tried):
    day, name = tried.contest.roles.test[0].day, "recency"
    chance = tried.contest.predictors[name].predict_churn(tried.contest.tested.features).loc[day]
    away = chance - tried.contest.tested.churned.loc[day]
    row = tried.contest.by_day.loc[(day, name)]
    assert row["too_high"] == pytest.approx(away.mean(), rel=1e-5)
    assert row["high"] - row["low"] == pytest.approx(2 * 1.959964 * away.std() / np.sqrt(len(away)), rel=1e-5)


def test_missing_columns_leave_their_rule_out_and_chosen_methods_alone_are_compared(churners):
    snapshots = churners.history(4, size=400, columns=["orders", "channel", "p_alive"])
    found = run_contest(snapshots, methods=["base_rate", "recency", "logistic"], n_resamples=20)
    assert list(found.predictors) == ["base_rate", "logistic"]
    assert found.left_out == {"recency": "no column recency_days among the features"}
    assert (
        found.settings["curve"].tolist() == ["logistic", "logistic"]
        and found.settings.loc["logistic", "penalty"] > 0
    )


def test_a_sample_is_reported(churners):
    found = run_contest(churners.history(4, size=1000), methods=["recency"], sample=600, n_resamples=20)
    assert found.sampled["of"].tolist() == [1000, 1000, 2000]
    assert found.sampled["rows"].tolist() == pytest.approx([600] * 3, rel=0.02)


def test_log_loss_may_decide(tried):
    found = run_contest(tried.snapshots, by="log_loss", n_resamples=50, methods=["recency", "logistic"])
    values = found.scores.values["log_loss"]
    assert found.against_best.loc["recency", "worse"] == pytest.approx(
        values["recency"] - values["logistic"], rel=1e-4
    )


def test_thin_data_are_refused_and_options_checked(churners):
    snapshots = churners.history(4, size=60)
    with pytest.raises(TooLittleData, match="60 customers to learn from"):
        run_contest(snapshots)
    nobody_left = [
        replace(one, outcome=one.outcome.assign(churned=False)) for one in churners.history(4, size=150)
    ]
    with pytest.raises(TooLittleData, match="0 times one stayed away"):
        run_contest(nobody_left)
    with pytest.raises(TooLittleData, match="with a known outcome"):
        run_contest(churners.history(2, size=150))
    for options in (
        {"test_days": 0},
        {"by": "auc"},
        {"sample": 0},
        {"methods": ["astrology"]},
        {"methods": []},
    ):
        with pytest.raises(ParameterError, match=next(iter(options))):
            run_contest(snapshots, **options)
