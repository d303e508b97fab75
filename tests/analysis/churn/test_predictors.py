"""Methods learn what was put in, read what they say they read, and refuse what they cannot use."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from crmlib.analysis.churn.predictors import METHODS, available_methods, fit_predictor
from crmlib.analysis.churn.snapshot import stacked
from crmlib.errors import DataError, ParameterError, TooLittleData


@pytest.fixture(scope="module")
def learned(churners):
    features, churned = stacked(churners.history(3))
    return features, churned, np.asarray(features.index.get_level_values(-1))


@pytest.fixture(scope="module")
def fitted(learned):
    return {name: fit_predictor(name, *learned) for name in METHODS}


@pytest.fixture(scope="module")
def today(churners):
    return churners.made(known=False)


def test_models_find_the_true_log_odds(fitted, today):
    snapshot, truth = today
    apart = {
        name: np.abs(expit(one.log_odds(snapshot.features)) - truth).mean() for name, one in fitted.items()
    }
    assert apart["logistic"] < 0.05 and apart["boosting"] < 0.05
    assert apart["logistic"] < apart["recency"] < apart["base_rate"]


def test_the_base_rate_is_the_share_that_left(fitted, learned, today):
    odds = fitted["base_rate"].log_odds(today[0].features)
    np.testing.assert_allclose(odds, logit(learned[1].mean()))


def test_a_rule_reads_one_column_and_rises_with_the_risk(fitted, today):
    features = today[0].features
    for name, column, sign in (("recency", "recency_days", 1), ("p_alive", "p_alive", -1)):
        alone = fitted[name].log_odds(features[[column]])
        np.testing.assert_array_equal(alone, fitted[name].log_odds(features))
        order = np.argsort(sign * features[column].to_numpy(), kind="stable")
        assert (np.diff(alone[order]) >= 0).all() and fitted[name].columns == (column,)


@pytest.mark.parametrize("name", METHODS)
def test_the_same_seed_gives_the_same_numbers(name, fitted, learned, today):
    again = fit_predictor(name, *learned)
    assert again.tuned == fitted[name].tuned
    np.testing.assert_array_equal(again.log_odds(today[0].features), fitted[name].log_odds(today[0].features))


@pytest.mark.parametrize("name", METHODS)
def test_customers_are_scored_one_by_one(name, fitted, today):
    features = today[0].features
    whole = fitted[name].log_odds(features)
    mixed = features.sample(frac=0.2, random_state=1)
    np.testing.assert_allclose(
        fitted[name].log_odds(mixed), whole[features.index.get_indexer(mixed.index)], rtol=1e-9
    )


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_odd_values_are_scored_and_a_missing_column_is_refused(name, fitted, today):
    features = today[0].features.head(5)
    odd = features.assign(channel=["fair", None, "web", "web", "web"], orders=[np.nan] * 5, extra=1)
    assert np.isfinite(fitted[name].log_odds(odd)).all()
    with pytest.raises(DataError, match=r"without the column\(s\) orders"):
        fitted[name].log_odds(features.drop(columns="orders"))


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_the_unit_of_money_and_the_order_of_columns_change_nothing(name, fitted, learned, today):
    features, churned, customers = learned
    other = {"orders": features["orders"] * 100.0, "recency_days": features["recency_days"] / 7}
    scaled = fit_predictor(name, features.assign(**other), churned, customers)
    now = today[0].features
    found = scaled.log_odds(now.assign(orders=now["orders"] * 100.0, recency_days=now["recency_days"] / 7))
    np.testing.assert_allclose(found, fitted[name].log_odds(now), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(fitted[name].log_odds(now[now.columns[::-1]]), fitted[name].log_odds(now))


@pytest.mark.parametrize("name", METHODS)
def test_replacing_a_group_is_predicting_with_its_columns_replaced(name, fitted, today):
    """The shortcut for sums against a plain second prediction."""
    features = today[0].features
    typical = pd.DataFrame(
        {
            "recency_days": [20.0],
            "p_alive": [0.9],
            "orders": [np.nan],
            "days_between": [np.nan],
            "channel": ["shop"],
            "shoe_size": [40.0],
        }
    )
    groups = {
        "past": ("recency_days", "p_alive"),
        "orders": ("orders", "days_between"),
        "channel": ("channel",),
    }
    found = dict(fitted[name].log_odds_replaced(features, typical, groups))
    assert list(found) == list(groups)
    for group, columns in groups.items():
        plain = features.assign(**{column: typical[column].iloc[0] for column in columns})
        np.testing.assert_allclose(found[group], fitted[name].log_odds(plain), rtol=1e-9, atol=1e-9)
    mixed = features.sample(frac=1, random_state=1)
    found = dict(fitted[name].log_odds_replaced(features, mixed, groups))
    for group, columns in groups.items():
        plain = features.assign(**{column: mixed[column].set_axis(features.index) for column in columns})
        np.testing.assert_allclose(found[group], fitted[name].log_odds(plain), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", METHODS)
def test_dealing_out_and_one_value_for_all_are_plain_predictions_too(name, fitted, today):
    features = today[0].features
    groups = {"past": ("recency_days", "p_alive"), "channel": ("channel",)}
    orders = [np.random.default_rng(seed).permutation(len(features)) for seed in (1, 2)]
    found = list(fitted[name].log_odds_dealt(features, groups, orders))
    assert [group for group, _ in found] == ["past", "channel"] * 2
    for (group, log_odds), order in zip(found, np.repeat(orders, 2, axis=0), strict=True):
        dealt = {one: features[one].iloc[order].set_axis(features.index) for one in groups[group]}
        plain = fitted[name].log_odds(features.assign(**dealt))
        np.testing.assert_allclose(log_odds, plain, rtol=1e-9, atol=1e-9)
    grids = {"orders": np.array([1.0, 4.0]), "channel": np.array(["web", "shop", "fair"], dtype=object)}
    for column, log_odds in fitted[name].log_odds_at(features, grids):
        plain = [fitted[name].log_odds(features.assign(**{column: value})) for value in grids[column]]
        np.testing.assert_allclose(log_odds, np.column_stack(plain), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_settings_that_are_given_are_taken(name, fitted, learned, today):
    tuned = fitted[name].tuned
    again = fit_predictor(name, *learned, tuned=tuned)
    np.testing.assert_array_equal(again.log_odds(today[0].features), fitted[name].log_odds(today[0].features))
    other = {"penalty": 0.001} if name == "logistic" else {"trees": 3}
    assert fit_predictor(name, *learned, tuned=other).tuned == other


def test_many_customers_are_scored_in_parts(fitted, today, monkeypatch):
    whole = fitted["boosting"].log_odds(today[0].features)
    monkeypatch.setattr("crmlib.analysis.churn.predictors._CHUNK", 400)
    np.testing.assert_array_equal(fitted["boosting"].log_odds(today[0].features), whole)
    assert len(fitted["logistic"].log_odds(today[0].features.head(0))) == 0


def test_nothing_to_learn_gives_a_strict_penalty_few_trees_and_one_rate():
    rng = np.random.default_rng(3)
    features = pd.DataFrame(rng.normal(size=(600, 8)), columns=[f"x{i}" for i in range(8)])
    churned = pd.Series(rng.random(600) < 0.3)
    for name in ("logistic", "boosting"):
        found = fit_predictor(name, features, churned, np.arange(600))
        assert expit(found.log_odds(features)).std() < 0.06
    assert found.tuned["trees"] < 30


def test_a_customer_is_never_on_both_sides_of_a_fold(monkeypatch):
    """A name that gives each customer away would win if the same customer were checked."""
    rng = np.random.default_rng(4)
    customers = np.repeat(np.arange(100), 5)
    left = np.repeat(rng.random(100) < 0.5, 5)
    features = pd.DataFrame(rng.normal(size=(100, 30))[customers])
    features.columns = [f"x{i}" for i in range(30)]
    grouped = fit_predictor("logistic", features, pd.Series(left), customers)
    loose = fit_predictor("logistic", features, pd.Series(left), np.arange(500))
    assert grouped.tuned["penalty"] < loose.tuned["penalty"]


def test_settings_are_tried_on_some_of_very_many_rows(learned, monkeypatch):
    monkeypatch.setattr("crmlib.analysis.churn.predictors._TUNING_ROWS", 1000)
    found = fit_predictor("logistic", *learned)
    assert found.tuned["penalty"] > 0.001 and found.pipeline["model"].n_iter_.max() < 200


def test_a_single_outcome_and_an_unknown_method_are_refused(learned):
    features, churned, customers = learned
    with pytest.raises(TooLittleData, match="4,500 of 4,500 times"):
        fit_predictor("logistic", features, churned | True, customers)
    with pytest.raises(TooLittleData, match="0 of 4,500"):
        fit_predictor("base_rate", features, churned & False, customers)
    with pytest.raises(ParameterError, match="astrology"):
        fit_predictor("astrology", features, churned, customers)


def test_few_customers_on_many_days_are_few():
    features, left = pd.DataFrame({"recency_days": np.arange(60.0)}), np.repeat([True, True, True, False], 15)
    with pytest.raises(TooLittleData, match="at least 4 customers who stayed away"):
        fit_predictor("recency", features, pd.Series(left), np.repeat(np.arange(4), 15))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_columns_that_say_nothing_carry_no_weight_whatever_they_hold_later(name, learned, fitted, today):
    """Constant, never known, known of too few, and names that are all different: in training, and new ones when scored."""
    features, churned, customers = learned
    few = np.where(np.arange(len(features)) < 5, 1.0, np.nan)
    odd = {"same": 3.0, "one_name": "x", "never": np.nan, "few": few}
    odd |= {"no_name": pd.Categorical([None] * len(features), categories=["a"])}
    odd |= {"own_name": [f"{number}" for number in range(len(features))]}
    found = fit_predictor(name, features.assign(**odd), churned, customers)
    now, _ = today
    then = {"same": 9.0, "one_name": "y", "never": 4.0, "few": 7.0, "no_name": "new", "own_name": None}
    scored = found.log_odds(now.features.assign(**then))
    np.testing.assert_allclose(
        scored, fitted[name].log_odds(now.features), atol=0.02 if name == "logistic" else 0
    )


def test_a_column_that_a_fold_does_not_know_is_no_obstacle(learned):
    """Known of one customer alone, on 25 days: one fold in four has nothing to learn from."""
    features, churned, _ = learned
    known = features.head(600).assign(only=np.where(np.arange(600) < 25, np.arange(600), np.nan))
    for name in ("logistic", "boosting"):
        found = fit_predictor(name, known, churned.head(600), np.maximum(np.arange(600) - 24, 0))
        assert np.isfinite(found.log_odds(known)).all()


def test_a_method_without_its_column_is_left_out_with_words(learned):
    features = learned[0]
    methods, left_out = available_methods(features.drop(columns="p_alive").assign(recency_days=np.nan))
    assert methods == ["base_rate", "logistic", "boosting"] and set(left_out) == {"recency", "p_alive"}
    assert available_methods(features) == (list(METHODS), {})
