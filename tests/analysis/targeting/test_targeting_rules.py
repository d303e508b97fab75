"""Rules judged by a test: by hand, by inverse weighting, and by a truth that was drawn."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.targeting_rules import chosen_rows, compare_rules, contact_chances
from crmlib.analysis.targeting.trial import Trial
from crmlib.errors import DataError, ParameterError, TooLittleData


@pytest.fixture(scope="module")
def mixed(trial_of):
    """The effect is 3 x, a contact costs 0.5."""
    return trial_of(customers=6000, treated=0.7, cost=0.5, effect=lambda rows: 3 * rows["x"])


@pytest.fixture(scope="module")
def scores(mixed):
    x = mixed.rows["x"]
    return pd.DataFrame({"knowing": 3 * x - 0.5, "wrong": -x, "nothing": 1.0}, mixed.rows.index)


def test_places_go_to_the_highest_and_are_shared_by_equals():
    score = pd.Series([5.0, 3.0, 3.0, 3.0, 1.0, np.nan])
    assert contact_chances(score, 2).tolist() == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 0, 0])
    assert contact_chances(score, 6).tolist() == [1, 1, 1, 1, 1, 0]
    assert contact_chances(score, 4, above=3.0).tolist() == [1, 0, 0, 0, 0, 0]
    assert contact_chances(score, 0).tolist() == [0] * 6


def test_the_places_are_used_up_to_the_last_fraction(mixed, scores):
    chosen = chosen_rows(scores, mixed, 0.25)
    assert chosen.mean().to_dict() == pytest.approx(
        {"knowing": 0.25, "wrong": 0.25, "nothing": 0.25, "random": 0.25, "everyone": 1, "nobody": 0}
    )


def test_what_a_rule_earns_is_the_difference_between_arms_among_those_it_contacts(mixed, scores):
    found = compare_rules(scores, mixed, budget=0.3, draws=20)
    top = mixed.rows[mixed.rows["x"].rank(ascending=False) <= 1800]
    net = top["margin"] - top["cost"]
    hand = 1000 * 0.3 * (net[top["treated"]].mean() - net[~top["treated"]].mean())
    assert found.table.loc["knowing", "earned"] == pytest.approx(hand)
    assert found.table.loc["knowing", "spent"] == pytest.approx(1000 * 0.3 * 0.5)
    assert found.table.loc["knowing", "total"] == pytest.approx(6 * hand)
    assert compare_rules(scores, mixed, budget=0.3, draws=20, customers=500).table.loc[
        "knowing", "total"
    ] == (pytest.approx(hand / 2))


def test_nobody_and_everyone_are_always_compared(mixed, scores):
    table = compare_rules(scores, mixed, draws=50).table
    assert (table.loc["nobody", ["contacted", "spent", "earned", "low", "high"]] == 0).all()
    net, arm = pd.Series(mixed.net("margin")), mixed.treated
    assert table.loc["everyone", "earned"] == pytest.approx(1000 * (net[arm].mean() - net[~arm].mean()))
    assert table.loc["random", "earned"] == pytest.approx(0.3 * table.loc["everyone", "earned"])
    assert table.loc["nothing", "earned"] == pytest.approx(table.loc["random", "earned"])
    assert table.loc["nothing", "more_than_random"] == pytest.approx(0, abs=1e-9)


def test_the_knowing_rule_wins_and_the_pair_is_compared_on_the_same_draws(mixed, scores):
    found = compare_rules(scores, mixed, draws=300)
    value, low, high = found.more("knowing", "wrong")
    assert low > 0 and low < value < high
    assert found.table.loc["knowing", "low"] > 0 > found.table.loc["wrong", "high"]
    apart = found.resampled["knowing"].std() + found.resampled["wrong"].std()
    assert (high - low) / 3.92 < apart, "what both share drops out"
    assert found.table.loc["knowing", "random_low"] > 0 and found.table.loc["knowing", "everyone_low"] > 0


def test_a_rule_in_money_stops_where_nothing_is_to_be_gained(mixed, scores):
    found = compare_rules(scores, mixed, budget=1.0, above={"knowing": 0.0}, draws=20).table
    assert found.loc["knowing", "contacted"] == pytest.approx((scores["knowing"] > 0).mean())
    assert found.loc["wrong", "contacted"] == 1.0
    assert found.loc["knowing", "earned"] > found.loc["everyone", "earned"]
    none = compare_rules(scores - 100, mixed, above={"knowing": 0.0}, draws=20).table.loc["knowing"]
    assert none["contacted"] == none["earned"] == none["high"] == 0, (
        "a rule that contacts nobody earns nothing"
    )


def test_intervals_hold_the_truth_as_often_as_they_say(trial_of):
    inside = 0
    for seed in range(40):
        trial = trial_of(customers=500, seed=seed, effect=lambda rows: 3 * rows["x"])
        score = trial.rows[["x"]].rename(columns={"x": "rule"})
        row = compare_rules(score, trial, budget=0.3, draws=150, level=0.9, seed=seed).table.loc["rule"]
        truth = 1000 * 0.3 * trial.rows.loc[trial.rows["x"].rank(ascending=False) <= 150, "true"].mean()
        inside += row["low"] < truth < row["high"]
    assert inside >= 30, "90 % of 40 are 36; fewer than 30 come about in 0.5 % of cases"


def test_a_baseline_takes_noise_out_and_moves_nothing_on_average(mixed, scores):
    plain = compare_rules(scores, mixed, draws=200).table.loc["everyone"]
    narrow = compare_rules(scores, mixed, draws=200, baseline=2 * mixed.rows["x"]).table.loc["everyone"]
    assert narrow["high"] - narrow["low"] < plain["high"] - plain["low"]
    assert abs(narrow["earned"] - plain["earned"]) < (plain["high"] - plain["low"]) / 2
    shifted = compare_rules(scores, mixed, draws=20, baseline=pd.Series(7.0, mixed.rows.index)).table[
        "earned"
    ]
    assert shifted["wrong"] == pytest.approx(
        compare_rules(scores, mixed, draws=20).table.loc["wrong", "earned"]
    )


def test_rows_weigh_by_the_chance_of_their_arm():
    """Two campaigns with other shares contacted and no effect: nothing is earned."""
    rng = np.random.default_rng(1)
    campaign = np.repeat(["a", "b"], 2000)
    arm = rng.random(4000) < np.where(campaign == "a", 0.3, 0.9)
    frame = pd.DataFrame({"treated": arm, "campaign_id": campaign, "margin": 10.0 * (campaign == "b")})
    trial = Trial.of(frame, ["margin"])
    found = compare_rules(
        pd.DataFrame({"rule": rng.random(4000)}, trial.rows.index), trial, budget=1.0, draws=10
    )
    assert found.table.loc["everyone", "earned"] == pytest.approx(0, abs=1e-9)


def test_the_order_of_rows_changes_nothing(mixed, scores):
    mixed_up = mixed.rows.sample(frac=1, random_state=1)
    trial = Trial.of(mixed_up, mixed.outcomes)
    again = compare_rules(scores.loc[mixed_up.index].set_axis(trial.rows.index), trial, draws=20).table
    pd.testing.assert_frame_equal(again, compare_rules(scores, mixed, draws=20).table)


def test_a_rule_with_too_few_customers_of_an_arm_is_not_judged(mixed):
    few = pd.DataFrame({"few": np.where(np.arange(6000) < 40, 1.0, np.nan)}, mixed.rows.index)
    row = compare_rules(few, mixed, draws=20).table.loc["few"]
    assert np.isnan(row["earned"]) and np.isnan(row["low"]) and row["contacted"] == pytest.approx(40 / 6000)


@pytest.mark.parametrize("budget", [0, -0.1, 1.1, np.nan])
def test_a_budget_that_is_no_share_is_refused(mixed, scores, budget):
    with pytest.raises(ParameterError, match="budget = "):
        compare_rules(scores, mixed, budget=budget)


def test_what_is_no_rule_is_refused(mixed, scores):
    with pytest.raises(DataError, match="not indexed like"):
        compare_rules(scores.iloc[1:], mixed)
    with pytest.raises(DataError, match="a rule called nobody"):
        compare_rules(scores.rename(columns={"wrong": "nobody"}), mixed)
    with pytest.raises(ValueError, match="above names uplift"):
        compare_rules(scores, mixed, above={"uplift": 0})
    alone = mixed.where(mixed.treated)
    with pytest.raises(TooLittleData):
        compare_rules(scores[mixed.treated], alone)
