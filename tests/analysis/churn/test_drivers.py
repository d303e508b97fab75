"""Drivers: what was put in is found, noise is not, and the numbers are those of a plain loop."""

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import permutation_importance

from crmlib.analysis.churn.calibration import CalibratedPredictor, LogisticCurve
from crmlib.analysis.churn.drivers import dependence, find_drivers, importance, related_features
from crmlib.analysis.churn.predictors import fit_predictor
from crmlib.analysis.churn.roles import Rows
from crmlib.errors import ParameterError

ALONE = {name: (name,) for name in ("recency_days", "orders", "channel", "shoe_size")}


def test_columns_that_say_the_same_go_together_whatever_their_sign_or_curve():
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(2, 300))
    known = pd.DataFrame(
        {"a": one, "b": other, "minus_a": -np.exp(one), "names": np.where(one > 0, "x", "y"), "same": 1.0}
    )
    assert related_features(known) == {
        "a": ("a", "minus_a"), "b": ("b",), "names": ("names",), "same": ("same",)
    }  # fmt: skip
    assert all(len(columns) == 1 for columns in related_features(known, alike=1.1).values())
    assert related_features(known[["names"]]) == {"names": ("names",)}


def test_each_column_is_in_one_group(tried):
    features = tried.contest.tested.features
    groups = related_features(features)
    assert sorted(sum(groups.values(), ())) == sorted(features.columns)
    assert groups["orders"] == ("orders", "days_between")


@pytest.mark.parametrize("method", ["logistic", "boosting"])
def test_what_moves_the_truth_is_important_and_noise_is_not(tried, method):
    found = importance(tried.contest.predictors[method], tried.contest.tested)
    assert list(found.index[:2]) in (["recency_days", "orders"], ["orders", "recency_days"])
    assert not found.loc[["recency_days", "orders", "channel"], "by_chance"].any()
    # Noise adds next to nothing, and may even make the score worse.
    assert found.loc["shoe_size", "high"] < 0.05 * found["importance"].max()
    assert found["importance"].is_monotonic_decreasing and (found["low"] <= found["high"]).all()


def test_importance_is_that_of_a_plain_loop(tried):
    predictor, rows = tried.contest.predictors["logistic"], tried.contest.tested
    found = importance(predictor, rows, {"past": ("recency_days", "orders", "days_between")}, n_repeats=20)
    rng = np.random.default_rng(9)
    left = rows.churned.to_numpy(float)
    loss = np.mean((predictor.predict_proba(rows.features)[:, 1] - left) ** 2)
    rises = []
    for _ in range(20):
        order = rng.permutation(len(left))
        changed = rows.features.copy()
        for name in ("recency_days", "orders", "days_between"):
            changed[name] = rows.features[name].to_numpy()[order]
        rises.append(np.mean((predictor.predict_proba(changed)[:, 1] - left) ** 2) - loss)
    assert found.loc["past", "importance"] == pytest.approx(
        np.mean(rises), abs=4 * np.std(rises) / np.sqrt(20)
    )
    assert found.loc["past", "share"] == pytest.approx(found.loc["past", "importance"] / loss, rel=1e-5)
    assert found.loc["past", "features"] == "recency_days, orders, days_between"


@pytest.mark.parametrize("method", ["logistic", "boosting"])
def test_importance_is_that_of_scikit_learn(tried, method):
    predictor, rows = tried.contest.predictors[method], tried.contest.tested
    names = ["recency_days", "channel", "shoe_size"]
    found = importance(predictor, rows, {name: (name,) for name in names}, n_repeats=8).loc[names]
    peer = permutation_importance(
        predictor, rows.features, rows.churned, scoring="neg_brier_score", n_repeats=4, random_state=3
    )
    at = [rows.features.columns.get_loc(name) for name in names]
    noise = 4 * peer.importances_std[at].max() / np.sqrt(4)
    np.testing.assert_allclose(found["importance"], peer.importances_mean[at], atol=noise)
    assert noise < found["importance"].max() / 10


def test_columns_that_share_the_work_are_important_only_together(churners):
    one = churners.made()[0]
    rng = np.random.default_rng(2)
    features = pd.DataFrame({"a": one.features["recency_days"], "other": rng.normal(size=len(one.features))})
    features["b"] = features["a"] * (1 + rng.normal(0, 0.001, len(features)))
    rows = Rows(features, one.churned, len(features))
    model = fit_predictor("logistic", features, one.churned, np.arange(len(features)))
    predictor = CalibratedPredictor(model, LogisticCurve(0, 1))
    together = importance(predictor, rows)
    alone = importance(predictor, rows, {"a": ("a",), "b": ("b",)})
    assert together.loc["a", "features"] == "a, b"
    assert together.loc["a", "importance"] > 2 * alone["importance"].max()


def test_a_rule_goes_by_its_column_alone(tried):
    found = importance(tried.contest.predictors["recency"], tried.contest.tested, ALONE)
    assert found.index[0] == "recency_days" and (found["importance"].iloc[1:] == 0).all()
    assert found["by_chance"].tolist() == [False, True, True, True]


def test_intervals_are_about_as_wide_as_the_results_of_other_customers_differ(churners, tried):
    predictor = tried.contest.predictors["logistic"]
    values, widths = [], []
    for seed in range(12):
        one = churners.made(size=600, seed=100 + seed)[0]
        found = importance(
            predictor, Rows(one.features, one.churned, 600), {"recency_days": ("recency_days",)}, n_repeats=4
        )
        values.append(found["importance"].iloc[0])
        widths.append((found["high"] - found["low"]).iloc[0])
    assert 0.5 < np.mean(widths) / (4 * np.std(values, ddof=1)) < 2


def test_importance_comes_again_and_takes_some_of_very_many_rows(tried, monkeypatch):
    predictor, rows = tried.contest.predictor, tried.contest.tested
    whole = importance(predictor, rows, ALONE, n_repeats=3)
    pd.testing.assert_frame_equal(importance(predictor, rows, ALONE, n_repeats=3), whole)
    monkeypatch.setattr("crmlib.analysis.churn.drivers._ROWS", 800)
    some = importance(predictor, rows, ALONE, n_repeats=3)
    assert (some["high"] - some["low"]).sum() > (whole["high"] - whole["low"]).sum()


@pytest.mark.parametrize("method", ["logistic", "boosting"])
def test_dependence_rises_with_recency_and_falls_with_orders(tried, method):
    found = dependence(
        tried.contest.predictors[method], tried.contest.tested, ["recency_days", "orders", "channel"]
    )
    recency = found[found["feature"] == "recency_days"]
    assert (
        recency["value"].is_monotonic_increasing
        and recency["churn"].iloc[-1] > recency["churn"].iloc[0] + 0.1
    )
    orders = found[found["feature"] == "orders"]
    assert orders["churn"].iloc[0] > orders["churn"].iloc[-1] + 0.1
    channel = found[found["feature"] == "channel"].set_index("label")
    assert channel["value"].isna().all() and channel["churn"].idxmax() == "reseller"
    assert channel.index[0] == "web"  # the most frequent first


def test_dependence_is_the_mean_with_the_column_replaced(tried, monkeypatch):
    monkeypatch.setattr("crmlib.analysis.churn.drivers._GRID_ROWS", 10_000)
    predictor, rows = tried.contest.predictors["boosting"], tried.contest.tested
    found = dependence(predictor, rows, ["orders", "channel"], points=4)
    for _, row in found.iterrows():
        value = row["label"] if np.isnan(row["value"]) else row["value"]
        plain = predictor.predict_proba(rows.features.assign(**{row["feature"]: value}))[:, 1].mean()
        assert row["churn"] == pytest.approx(plain, rel=1e-5)


def test_flags_and_empty_columns_have_a_dependence_or_none(tried):
    rows = tried.contest.tested
    features = rows.features.assign(member=np.arange(len(rows.features)) % 2 == 0, empty=np.nan)
    model = fit_predictor("logistic", features, rows.churned, rows.customers)
    predictor = CalibratedPredictor(model, LogisticCurve(0, 1))
    found = dependence(predictor, Rows(features, rows.churned, rows.of), ["member", "empty"])
    assert found["feature"].unique().tolist() == ["member"] and found["value"].tolist() == [0, 1]
    assert dependence(predictor, Rows(features, rows.churned, rows.of), ["empty"]).empty


def test_the_most_important_features_are_looked_at(tried):
    found = find_drivers(tried.contest.predictor, tried.contest.tested, most=2)
    assert found.dependence["feature"].unique().tolist() == found.importance.index[:2].tolist()
    rate = find_drivers(tried.contest.predictors["base_rate"], tried.contest.tested, ALONE)
    assert (rate.importance["importance"] == 0).all() and rate.dependence.empty


def test_of_a_group_the_column_that_the_method_goes_by_is_looked_at(churners):
    one = churners.made()[0]
    features = one.features[["recency_days"]].assign(idle=np.sqrt(one.features["recency_days"]))
    model = fit_predictor("logistic", features[["idle"]], one.churned, np.arange(len(features)))
    rows = Rows(features, one.churned, len(features))
    found = find_drivers(CalibratedPredictor(model, LogisticCurve(0, 1)), rows)
    assert found.importance.loc["recency_days", "features"] == "recency_days, idle"
    assert found.dependence["feature"].unique().tolist() == ["idle"]
    both = fit_predictor(
        "logistic",
        features.assign(recency_days=one.features["shoe_size"]),
        one.churned,
        np.arange(len(features)),
    )
    found = find_drivers(CalibratedPredictor(both, LogisticCurve(0, 1)), rows)
    assert found.dependence["feature"].unique().tolist() == ["idle"]


def test_unknown_columns_are_refused(tried):
    with pytest.raises(ParameterError, match="star_sign"):
        importance(tried.contest.predictor, tried.contest.tested, {"stars": ("star_sign",)})
    with pytest.raises(ParameterError, match="star_sign"):
        dependence(tried.contest.predictor, tried.contest.tested, ["star_sign"])
