"""The usual scores: by hand from what was learned, and each row by those who have not seen it."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.targeting_rules import compare_rules
from crmlib.analysis.targeting.trial import Trial
from crmlib.analysis.targeting.uplift import TLearner
from crmlib.analysis.targeting.usual_scores import (
    ABOVE,
    ALONE,
    AT_RISK,
    PROFIT,
    RISK,
    UPLIFT,
    alone,
    scores_by_folds,
    usual_scores,
)
from crmlib.errors import ParameterError, TooLittleData


def futile(size=6000, seed=1):
    """Those most at risk are beyond saving; the contact keeps those at little risk (Ascarza 2018)."""
    rng = np.random.default_rng(seed)
    days = rng.uniform(0, 300, size)
    arm = rng.random(size) < 0.5
    risk = 0.1 + 0.7 * days / 300
    saved = np.where(days < 100, 0.10, 0.0)
    silent = (rng.random(size) < risk - saved * arm).astype(float)
    frame = pd.DataFrame({"treated": arm, "recency_days": days, "silent": silent})
    frame["long_margin"] = 60 * (1 - silent) + rng.normal(0, 5, size)
    return Trial.of(
        frame.assign(cost=1.0 * arm, true=saved * 60), ["silent", "long_margin"], ["recency_days"]
    )


@pytest.fixture(scope="module")
def trial():
    return futile()


@pytest.fixture(scope="module")
def scores(trial):
    return scores_by_folds(trial, learner=TLearner("boosting"))


def test_money_follows_from_risk_value_and_save_rate(trial):
    half = np.arange(6000) < 3000
    found = usual_scores(trial.where(half), trial.where(~half), save_rate=0.2, contact_cost=3.0)
    value = alone(trial.where(half), trial.where(~half).rows, "long_margin") / (1 - found[RISK])
    assert found[AT_RISK].to_numpy() == pytest.approx((found[RISK] * value).to_numpy())
    assert found[PROFIT].to_numpy() == pytest.approx((0.2 * found[AT_RISK] - 3).to_numpy())
    assert value.median() == pytest.approx(60, rel=0.1), "a customer who stays brings 60"
    assert found.index.equals(trial.rows.index[3000:])


def test_risk_is_that_of_customers_left_alone(trial):
    found = alone(trial, pd.DataFrame({"recency_days": [0.0, 150.0, 300.0]}), "silent")
    assert found.tolist() == pytest.approx([0.1, 0.45, 0.8], abs=0.06)


def test_the_cost_of_the_test_is_taken_where_none_is_stated(trial):
    people = pd.DataFrame({"recency_days": [10.0, 290.0]}, index=["A", "B"])
    own, dear = usual_scores(trial, people), usual_scores(trial, people, contact_cost=5.0)
    assert (own[[PROFIT, UPLIFT]] - dear[[PROFIT, UPLIFT]]).to_numpy() == pytest.approx(4.0)


def test_risk_is_futile_and_uplift_is_not_where_the_lost_are_beyond_saving(trial, scores):
    rules = scores.drop(columns=ALONE)
    found = compare_rules(
        rules, trial, "long_margin", budget=0.3, above=ABOVE, baseline=scores[ALONE], draws=300
    )
    value, low, _ = found.more(UPLIFT, RISK)
    assert value > 0 and low > 0
    assert found.table.loc[RISK, "earned"] < found.table.loc["random", "earned"]
    assert np.corrcoef(scores[UPLIFT], trial.rows["true"])[0, 1] > 0.5


def test_every_row_is_scored_once_in_its_place(trial, scores):
    assert scores.index.equals(trial.rows.index) and scores.notna().all().all()
    fold = trial.folds(5)
    own = usual_scores(trial.where(fold != 2), trial.where(fold == 2), learner=TLearner("boosting"))
    known = [RISK, AT_RISK, PROFIT]
    pd.testing.assert_frame_equal(scores.loc[own.index, known], own[known])
    assert np.ptp(scores.loc[own.index, UPLIFT] - own[UPLIFT]) == pytest.approx(0, abs=1e-9), (
        "but for the level"
    )
    assert scores[UPLIFT].groupby(fold).mean().to_numpy() == pytest.approx(scores[UPLIFT].mean())


def test_what_is_expected_alone_takes_noise_out(trial, scores):
    left = trial.rows["long_margin"] - scores[ALONE]
    assert left.var() < trial.rows["long_margin"].var()


def test_what_cannot_be_scored_is_refused(trial):
    with pytest.raises(ParameterError, match="save_rate = 30"):
        usual_scores(trial, trial, save_rate=30)
    with pytest.raises(TooLittleData, match="0 held out|rows contacted"):  # noqa: RUF043
        usual_scores(trial.where(trial.treated | (np.arange(6000) < 60)), trial)
