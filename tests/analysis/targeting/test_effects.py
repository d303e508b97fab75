"""Average effects: by action and by campaign, never pooled where they differ."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.effects import average_effects, pooled_effects
from crmlib.analysis.targeting.trial import Trial
from crmlib.errors import TooLittleData


def two_actions(second=1.0, size=3000, seed=1):
    """A catalogue that brings 1 and a voucher that brings `second`, against one control arm."""
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, 3, size)
    before = rng.normal(50, 10, size)
    frame = pd.DataFrame({"treated": arm > 0, "margin_before": before, "x": rng.normal(size=size)})
    frame["action"] = np.array([None, "catalogue", "voucher"])[arm]
    frame["margin"] = 0.2 * before + np.array([0, 1.0, second])[arm] + rng.normal(0, 2, size)
    frame["bought"] = (rng.random(size) < 0.3).astype(float)
    return Trial.of(frame, ["margin", "bought"], ["margin_before", "x"])


def test_each_action_is_compared_with_the_controls_by_plain_means():
    trial = two_actions(second=2.0)
    found = average_effects(trial)
    means = trial.rows.groupby(trial.rows["action"].fillna("none"))["margin"].mean()
    table = found.table.loc["margin"]
    assert table["effect"].to_dict() == pytest.approx(
        {"catalogue": means["catalogue"] - means["none"], "voucher": means["voucher"] - means["none"]}
    )
    assert table["control"].nunique() == 1, "the controls serve both"
    assert (abs(table["adjusted"] - [1, 2]) < 4 * table["adjusted_error"]).all()
    assert (table["narrower"] > 0.2).all() and found.adjusted_on == ("margin_before",)
    assert found.table.index.names == ["outcome", "action"]


def test_actions_that_differ_are_not_pooled():
    found = pooled_effects(two_actions(second=2.0), ["margin", "bought"])
    assert not found.loc["margin", "pooled"] and found.loc["margin", "p_equal"] < 1e-6
    assert found.loc["margin"].drop(["pooled", "p_equal"]).isna().all(), "no number to be misread"
    assert found.loc["bought", "pooled"] and found.loc["bought", "effect"] == pytest.approx(0, abs=0.06)


def test_actions_that_do_not_differ_are_pooled_and_the_interval_is_narrower():
    trial = two_actions()
    separate, found = average_effects(trial, ["margin"]), pooled_effects(trial, ["margin"]).loc["margin"]
    assert found["pooled"] and found["error"] < separate.table["error"].min()
    assert found["treated"] == trial.treated.sum()
    assert separate.table["effect"].min() < found["effect"] < separate.table["effect"].max()


def test_actions_alike_are_found_to_differ_no_more_often_than_by_chance():
    differ = [
        average_effects(two_actions(size=600, seed=seed), ["margin"]).equality()["differ"].iloc[0]
        for seed in range(30)
    ]
    assert sum(differ) <= 5, "5 % of 30 are 1.5; more than 5 come about in 0.3 % of cases"


def test_a_single_action_has_nothing_to_differ_from(trial_of):
    found = pooled_effects(trial_of(customers=400), ["margin"]).loc["margin"]
    assert np.isnan(found["p_equal"]) and found["pooled"] and found["effect"] == pytest.approx(1, abs=0.5)


def test_campaigns_are_told_apart(trial_of):
    trial = trial_of(customers=2000, campaigns=2, effect=lambda rows: float(rows["campaign_id"].iloc[0]) * 3)
    found = average_effects(trial, ["margin"], by="campaign_id")
    assert found.table["effect"].tolist() == pytest.approx([0, 3], abs=0.3)
    assert found.equality().loc["margin", "differ"]
    with pytest.raises(ValueError, match="by action or by campaign_id"):
        average_effects(trial, by="month")
    with pytest.raises(ValueError, match="2 actions"):
        average_effects(two_actions(), by="campaign_id")


def test_covariates_that_do_not_vary_are_no_harm(trial_of):
    trial = trial_of(customers=300)
    trial = trial.with_columns(pd.DataFrame({"same": 5.0}, trial.rows.index))
    row = average_effects(trial, ["margin"], adjust_on=["same"]).table.iloc[0]
    assert row["adjusted"] == row["effect"] and row["narrower"] == 0


def test_rows_without_an_outcome_are_left_out_of_it_alone(trial_of):
    trial = trial_of(customers=400)
    rows = trial.rows.assign(margin=trial.rows["margin"].where(np.arange(400) >= 100))
    found = average_effects(Trial.of(rows, trial.outcomes)).table
    counts = found["treated"] + found["control"]
    assert counts.tolist() == [300, 400]


def test_empty_and_thin_arms_are_refused(trial_of):
    trial = trial_of(customers=400)
    with pytest.raises(TooLittleData, match="0 held out"):
        average_effects(trial.where(trial.treated))
    rows = trial.rows.assign(
        action=[f"letter {i % 20}" if arm else None for i, arm in enumerate(trial.treated)]
    )
    with pytest.raises(TooLittleData, match="no action with 30 customers"):
        average_effects(Trial.of(rows, ["margin"]))


def test_an_action_too_thin_has_no_estimate_beside_one_that_has(trial_of):
    trial = trial_of(customers=400)
    few = trial.treated & (np.cumsum(trial.treated) <= 20)
    rows = trial.rows.assign(action=np.where(few, "letter", np.where(trial.treated, "voucher", None)))
    table = average_effects(Trial.of(rows, ["margin"])).table.loc["margin"]
    assert np.isnan(table.loc["letter", "effect"]) and table.loc["voucher", "effect"] == pytest.approx(
        1, abs=0.6
    )
