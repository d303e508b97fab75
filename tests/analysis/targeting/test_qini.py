"""Qini curves: by hand, by brute force, and against scores that know all or nothing."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.qini import profit_curve, qini
from crmlib.analysis.targeting.trial import Trial
from crmlib.errors import DataError, TooLittleData


def by_hand(score, treated, y):
    """Radcliffe's curve by a loop over distinct scores, per customer of the base."""
    rows = [(0.0, 0.0)]
    for limit in sorted(set(score), reverse=True):
        inside = score >= limit
        t, c = inside & treated, inside & ~treated
        gain = y[t].sum() - y[c].sum() * t.sum() / c.sum() if c.sum() and t.sum() else np.nan
        rows.append((inside.mean(), gain / treated.sum()))
    return np.array(rows)


def responders(size=4000, seed=1, treated=0.5):
    """Half of the customers (x > 0) gain 2 by a contact, the others lose 1."""
    rng = np.random.default_rng(seed)
    x, arm = rng.uniform(-1, 1, size), rng.random(size) < treated
    frame = pd.DataFrame(
        {"treated": arm, "x": x, "margin": rng.normal(0, 1, size) + arm * np.where(x > 0, 2, -1)}
    )
    return Trial.of(frame.assign(cost=0.25 * arm), ["margin"], ["x"])


@pytest.mark.parametrize("treated", [0.5, 0.8])
def test_the_curve_is_that_of_a_loop_with_equal_scores_in_one_step(treated):
    trial = responders(400, treated=treated)
    score = trial.rows["x"].round(1)
    found = qini(score, trial, "margin", draws=5)
    hand = by_hand(score.to_numpy(), trial.treated, trial.rows["margin"].to_numpy())
    assert found.curve["share"].to_numpy() == pytest.approx(hand[:, 0])
    assert found.curve["gain"].to_numpy() == pytest.approx(hand[:, 1])
    line = hand[:, 0] * hand[-1, 1]
    assert found.coefficient == pytest.approx(np.trapezoid(hand[:, 1] - line, hand[:, 0]))
    assert found.total == pytest.approx(hand[-1, 1]) and found.at(1.0) == found.total


def test_before_both_arms_are_reached_the_curve_is_drawn_straight():
    trial = responders(400)
    score = trial.rows["x"] + 10 * trial.treated * (trial.rows["x"] > 0.9)
    curve = qini(score, trial, "margin", draws=5).curve
    first = int((curve["control"] > 0).to_numpy().argmax())
    slope = curve["gain"][1 : first + 1] / curve["share"][1 : first + 1]
    assert first > 5 and slope.to_numpy() == pytest.approx(slope.iloc[0])


def test_equal_scores_say_nothing_whatever_the_order_of_rows():
    trial = responders(600)
    same = pd.Series(1.0, trial.rows.index)
    found = qini(same, trial, "margin", draws=50)
    assert found.coefficient == pytest.approx(0, abs=1e-12) and not found.better_than_random
    ordered = Trial.of(trial.rows.sort_values("treated", ascending=False), trial.outcomes)
    assert qini(pd.Series(1.0, ordered.rows.index), ordered, "margin", draws=5).coefficient == pytest.approx(
        0, abs=1e-12
    )


def test_a_score_that_knows_is_better_than_the_lot_and_its_reverse_worse():
    trial = responders()
    good = qini(trial.rows["x"], trial, "margin", draws=200)
    bad = qini(-trial.rows["x"], trial, "margin", draws=200)
    assert good.better_than_random and bad.high < 0
    assert good.coefficient == pytest.approx(-bad.coefficient, abs=0.02)
    # the curve rises by 2 over the first half and falls by 1 over the second: area 0.375 over the line
    assert good.low < 0.375 < good.high
    assert good.at(0.5) == pytest.approx(1.0, abs=0.1) and good.total == pytest.approx(0.5, abs=0.15)


def test_any_rising_change_of_the_score_changes_nothing():
    trial = responders(500)
    one, other = (
        qini(s, trial, "margin", draws=20) for s in (trial.rows["x"], np.exp(3 * trial.rows["x"]) - 7)
    )
    assert one.coefficient == other.coefficient and (one.resampled == other.resampled).all()


def test_the_interval_of_the_coefficient_holds_the_truth_as_often_as_it_says():
    inside = 0
    for seed in range(60):
        trial = responders(600, seed=seed)
        found = qini(trial.rows["x"].round(1), trial, "margin", draws=100, level=0.9, seed=seed)
        inside += found.low < 0.375 < found.high
    assert inside >= 46, "90 % of 60 are 54; fewer than 46 come about in 0.1 % of cases"


def test_campaigns_that_held_out_different_shares_do_not_bend_the_curve():
    """A score that only knows the campaign, and no effect at all: unweighted, levels would pass for an effect."""
    rng = np.random.default_rng(1)
    campaign, share = np.repeat([0, 1], 4000), np.repeat([0.3, 0.9], 4000)
    arm = rng.random(8000) < share
    frame = pd.DataFrame({"treated": arm, "campaign_id": campaign.astype(str), "margin": 10.0 * campaign})
    trial = Trial.of(frame, ["margin"])
    found = qini(pd.Series(campaign.astype(float), trial.rows.index), trial, "margin", draws=5)
    assert found.curve["gain"].to_numpy() == pytest.approx(0, abs=1e-9)
    naive = frame.loc[arm, "margin"].mean() - frame.loc[~arm, "margin"].mean()
    assert naive > 4


def test_the_cost_comes_off_and_the_profit_is_per_1000_customers():
    trial = responders()
    gross, net = (qini(trial.rows["x"], trial, "margin", net=net, draws=20) for net in (False, True))
    assert net.total == pytest.approx(gross.total - 0.25)
    curve = profit_curve(trial.rows["x"], trial, draws=20)
    assert curve["profit"].to_numpy() == pytest.approx(1000 * net.band["gain"].to_numpy())
    assert curve.loc[curve["profit"].idxmax(), "share"] == pytest.approx(0.5, abs=0.1)
    assert curve["profit"].iloc[0] == 0, "contacting nobody is the first point"


def test_missing_scores_and_thin_arms_are_refused():
    trial = responders(200)
    with pytest.raises(DataError, match="1 of 200 rows without a score"):
        qini(trial.rows["x"].iloc[1:], trial, "margin")
    alone = trial.where(~trial.treated)
    with pytest.raises(TooLittleData, match="a Qini curve"):
        qini(alone.rows["x"], alone, "margin")
