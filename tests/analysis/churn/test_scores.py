"""Scores against scikit-learn, a published case, plain loops, and known chances."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from crmlib.analysis.churn.scores import SCORES, score_methods
from crmlib.errors import ParameterError, TooLittleData


def named(count):
    return pd.Index([f"C{number:05d}" for number in range(count)], name="customer_id")


def drawn(size=800, seed=1, digits=6):
    """Good, flat and useless chances of customers whose truth is known."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-1, 1.4, size)
    left = pd.Series(rng.random(size) < expit(odds), index=named(size))
    chances = pd.DataFrame(
        {
            "true": expit(odds),
            "steep": expit(2 * odds),
            "low": expit(odds - 0.8),
            "lot": rng.uniform(0.05, 0.5, size),
        },
        index=left.index,
    ).round(digits)
    return chances, left


@pytest.fixture(scope="module")
def scored():
    return score_methods(*drawn(), n_resamples=300)


def test_brier_1950_table_1():
    """Brier (1950), Monthly Weather Review 78:1-3, table 1: P = 0.19 over both classes, so half of it for one."""
    rain = [0.7, 0.9, 0.8, 0.4, 0.2, 0.0, 0.0, 0.0, 0.0, 0.1]
    came = pd.Series([False, True, True, True] + [False] * 6, index=named(10))
    found = score_methods(pd.DataFrame({"rain": rain}, index=named(10)), came)
    assert found.values.loc["rain", "brier"] == pytest.approx(0.19 / 2)


@pytest.mark.parametrize("digits", [6, 1])
def test_scores_are_those_of_scikit_learn_ties_or_not(digits):
    chances, left = drawn(digits=digits)
    chances = chances.clip(0.01, 0.99)
    found = score_methods(chances, left, n_resamples=20).values
    for name in chances:
        assert found.loc[name, "brier"] == pytest.approx(brier_score_loss(left, chances[name]), rel=1e-5)
        assert found.loc[name, "log_loss"] == pytest.approx(log_loss(left, chances[name]), rel=1e-5)
        assert found.loc[name, "auc"] == pytest.approx(roc_auc_score(left, chances[name]), rel=1e-5)


def test_calibration_is_an_unpenalised_logistic_regression(scored):
    chances, left = drawn()
    for name in chances:
        odds = logit(chances[name].to_numpy())
        slope = (
            LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
            .fit(odds[:, None], left)
            .coef_[0, 0]
        )
        assert scored.values.loc[name, "slope"] == pytest.approx(slope, rel=1e-4)
        level = scored.values.loc[name, "intercept"]
        assert expit(odds + level).mean() == pytest.approx(left.mean(), rel=1e-5)


def test_scores_say_what_is_wrong_with_each_method(scored):
    values, table = scored.values, scored.table
    assert values["brier"].idxmin() == values["log_loss"].idxmin() == "true"
    assert table.loc[("true", "slope"), "low"] < 1 < table.loc[("true", "slope"), "high"]
    assert (
        table.loc[("steep", "slope"), "high"] < 0.7
        and values.loc["steep", "auc"] == values.loc["true", "auc"]
    )
    assert table.loc[("low", "intercept"), "low"] > 0.4 and table.loc[("low", "too_high"), "high"] < 0
    assert (
        values.loc["lot", "skill"] < 0
        and table.loc[("lot", "auc"), "low"] < 0.5 < table.loc[("lot", "auc"), "high"]
    )


def test_lift_with_ties_is_the_mean_over_all_orders_of_the_tied():
    """The tenth of 50 customers is five; eight share the highest chance, three of them left."""
    chance = np.r_[np.full(8, 0.9), np.linspace(0.5, 0.1, 42)]
    left = np.r_[[True] * 3 + [False] * 5, np.arange(42) % 6 == 0]
    found = score_methods(pd.DataFrame({"m": chance}, named(50)), pd.Series(left, named(50)), n_resamples=20)
    rng = np.random.default_rng(1)
    by_lot = []
    for _ in range(4000):
        order = np.lexsort([rng.random(50), -chance])[:5]
        by_lot.append(left[order].mean() / left.mean())
    assert found.values.loc["m", "lift"] == pytest.approx(5 * 3 / 8 / 5 / left.mean(), rel=1e-5)
    assert found.values.loc["m", "lift"] == pytest.approx(np.mean(by_lot), abs=0.04)


def test_one_rate_for_all_tells_nobody_apart():
    left = drawn()[1]
    found = score_methods(pd.DataFrame({"rate": left.mean()}, left.index), left, n_resamples=20).values.loc[
        "rate"
    ]
    assert found[["auc", "lift", "skill", "intercept"]].tolist() == pytest.approx([0.5, 1, 0, 0], abs=1e-9)
    assert found["resolution"] == 0 and np.isnan(found["slope"])


def test_parts_of_the_score_add_up(scored):
    values = scored.values
    total = values["reliability"] - values["resolution"] + values["uncertainty"] + values["within_bins"]
    np.testing.assert_allclose(total, values["brier"], rtol=1e-5)
    np.testing.assert_allclose(1 - values["brier"] / values["uncertainty"], values["skill"], rtol=1e-4)
    assert list(values) == list(SCORES)


def test_draws_are_scores_of_customers_drawn_anew():
    """Each draw against the same customers written out one under another."""
    chances, left = drawn(300)
    two_days = pd.concat([chances, chances.iloc[:100] * 0.5], keys=[1, 2], names=["day"])
    outcome = pd.concat([left, ~left.iloc[:100]], keys=[1, 2], names=["day"])
    found = score_methods(two_days, outcome, n_resamples=20, seed=3)
    rng = np.random.default_rng([3, 300])
    names = two_days.index.get_level_values(-1)
    for draw in range(3):
        times = np.bincount(rng.integers(0, 300, 300), minlength=300)
        rows = np.repeat(np.arange(400), times[named(300).get_indexer(names)])
        again = score_methods(two_days.iloc[rows], outcome.iloc[rows], n_resamples=20).values
        for score in ("brier", "log_loss", "auc", "skill", "observed", "too_high", "lift"):
            drawn_value = found.resampled[score].iloc[draw]
            np.testing.assert_allclose(drawn_value, again[score], rtol=1e-4, atol=1e-6)
        # One step of Newton's method comes near the full fit.
        np.testing.assert_allclose(found.resampled["slope"].iloc[draw], again["slope"], atol=0.05)
        np.testing.assert_allclose(found.resampled["intercept"].iloc[draw], again["intercept"], atol=0.05)


def test_blocks_of_draws_change_nothing(monkeypatch):
    chances, left = drawn(200)
    whole = score_methods(chances, left, n_resamples=50)
    monkeypatch.setattr("crmlib.analysis.churn.scores._BLOCK", 1500)
    pd.testing.assert_frame_equal(score_methods(chances, left, n_resamples=50).table, whole.table)


def test_a_customer_seen_twice_counts_once_in_the_width_of_intervals():
    chances, left = drawn(400)
    twice = pd.concat([chances, chances], keys=[1, 2]), pd.concat([left, left], keys=[1, 2])
    once, both = score_methods(chances, left), score_methods(*twice)
    pd.testing.assert_frame_equal(both.table, once.table, rtol=1e-4, atol=1e-6)
    assert (both.customers, both.rows, once.rows) == (400, 800, 400)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    truth = expit(np.random.default_rng(0).normal(-1, 1.4, 2_000_000))
    brier = np.mean(truth * (1 - truth))
    held = []
    for seed in range(80):
        chances, left = drawn(400, seed + 10)
        found = score_methods(chances[["true"]], left, n_resamples=200, seed=seed).table.loc[
            ("true", "brier")
        ]
        held.append(found["low"] <= brier <= found["high"])
    assert 0.86 < np.mean(held) <= 1


def test_differences_are_paired_and_turn_round():
    chances, left = drawn()
    found = score_methods(chances.assign(again=chances["true"]), left, n_resamples=300)
    assert found.difference("brier", "again", "true") == (0, 0, 0)
    value, low, high = found.difference("brier", "steep", "true")
    assert found.difference("brier", "true", "steep") == pytest.approx((-value, -high, -low))
    spread = found.table.loc[[("steep", "brier"), ("true", "brier")]]
    assert high - low < (spread["high"] - spread["low"]).min()
    table = found.differences("brier")
    assert len(table) == 10 and table.loc[("again", "true"), "by_chance"]
    assert not table.loc[("lot", "true"), "by_chance"] and table.loc[("lot", "true"), "difference"] > 0
    assert score_methods(chances[["true"]], left, n_resamples=20).differences("auc").empty


def test_the_order_of_rows_and_the_names_of_methods_change_nothing(scored):
    chances, left = drawn()
    mixed = chances.sample(frac=1, random_state=1)
    found = score_methods(mixed[mixed.columns[::-1]], left.loc[mixed.index], n_resamples=300)
    pd.testing.assert_frame_equal(found.table.loc[scored.table.index], scored.table, rtol=1e-5)
    assert found.methods == list(chances.columns[::-1])


def test_a_wider_level_is_wider_and_a_seed_says_all(scored):
    chances, left = drawn()
    pd.testing.assert_frame_equal(score_methods(chances, left, n_resamples=300).table, scored.table)
    wide = score_methods(chances, left, n_resamples=300, level=0.99).table
    known = scored.table["low"].notna()
    assert (wide["low"][known] <= scored.table["low"][known]).all() and wide["value"].equals(
        scored.table["value"]
    )


def test_sure_and_wrong_costs_much_but_not_without_end():
    chances = pd.DataFrame({"m": [0.0, 1.0, 0.5, 0.5]}, index=named(4))
    found = score_methods(chances, pd.Series([True, True, False, True], named(4)))
    assert 8 < found.values.loc["m", "log_loss"] < 10


def test_one_outcome_and_bad_options_are_refused():
    chances, left = drawn(50)
    with pytest.raises(TooLittleData, match="50 of 50 customers"):
        score_methods(chances, left | True)
    with pytest.raises(TooLittleData, match="0 of 0"):
        score_methods(chances.head(0), left.head(0))
    for options in ({"n_resamples": 5}, {"level": 1.0}):
        with pytest.raises(ParameterError, match="n_resamples"):
            score_methods(chances, left, **options)
