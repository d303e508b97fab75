"""Learners of uplift: effects that are known, arms that are thin, names that are new."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.qini import qini
from crmlib.analysis.targeting.trial import Trial
from crmlib.analysis.targeting.uplift import (
    AloneLearner,
    DRLearner,
    TLearner,
    XLearner,
    cross_fitted,
    held_out,
)
from crmlib.errors import TooLittleData

LEARNERS = [TLearner, XLearner, DRLearner]


def drawn(size=4000, seed=1, treated=0.5, noise=1.0, binary=False):
    """The effect is 2 x for web customers and 0 for the others; the level 3 x whatever the arm."""
    rng = np.random.default_rng(seed)
    features = pd.DataFrame({"x": rng.uniform(-1, 1, size), "channel": rng.choice(["web", "shop"], size)})
    arm = rng.random(size) < treated
    true = np.where(features["channel"] == "web", 2 * features["x"], 0.0)
    if binary:
        true = true / 5
        outcome = (rng.random(size) < 0.5 + 0.05 * features["x"] + true * arm).astype(float)
    else:
        outcome = 3 * features["x"] + true * arm + rng.normal(0, noise, size)
    return features, arm, np.asarray(outcome), true


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("binary", [False, True])
def test_boosting_recovers_an_effect_that_depends_on_two_things(learner, binary):
    features, arm, outcome, true = drawn(binary=binary)
    found = learner("boosting").fit(features, arm, outcome).predict(features)
    assert np.corrcoef(found, true)[0, 1] > (0.6 if binary else 0.9)
    assert found.mean() == pytest.approx(true.mean(), abs=0.1)
    assert np.mean((found - true) ** 2) < 0.6 * true.var()


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_linear_base_recovers_a_linear_effect(learner):
    features, arm, outcome, _ = drawn()
    outcome = (
        outcome
        - np.where(features["channel"] == "web", 2 * features["x"], 0) * arm
        + (1 + features["x"]) * arm
    )
    found = learner("linear").fit(features, arm, outcome).predict(features)
    assert found == pytest.approx(1 + features["x"].to_numpy(), abs=0.35)


def test_where_one_arm_is_small_x_and_dr_do_no_worse_than_t():
    """Künzel et al. (2019): the two arms of a T-learner differ in what they can learn, and that passes for an effect."""
    errors = {learner: [] for learner in LEARNERS}
    for seed in range(4):
        features, arm, outcome, true = drawn(size=2500, seed=seed, treated=0.93)
        outcome = np.sin(4 * features["x"]) * 3 + true * arm + np.random.default_rng(seed).normal(0, 1, 2500)
        for learner in LEARNERS:
            found = learner("boosting").fit(features, arm, outcome).predict(features)
            errors[learner].append(np.mean((found - true) ** 2))
    mean = {learner: np.mean(values) for learner, values in errors.items()}
    assert mean[XLearner] < mean[TLearner]


@pytest.mark.parametrize("learner", LEARNERS)
def test_no_effect_is_found_to_be_about_none(learner):
    features, arm, outcome, true = drawn()
    found = learner("linear").fit(features, arm, outcome - true * arm).predict(features)
    assert np.abs(found).mean() < 0.15


@pytest.mark.parametrize("base", ["linear", "boosting"])
def test_missing_values_new_names_and_columns_of_any_order_are_no_obstacle(base):
    features, arm, outcome, _ = drawn(1000)
    features.loc[::7, "x"] = np.nan
    features.loc[::11, "channel"] = None
    features["club"] = np.arange(1000) % 3 == 0
    learner = XLearner(base).fit(features, arm, outcome)
    new = pd.DataFrame({"club": [True, False], "channel": ["fair", None], "x": [0.5, np.nan], "more": 1})
    assert np.isfinite(learner.predict(new)).all()
    unknown = learner.predict(new.assign(channel=None))
    assert learner.predict(new) == pytest.approx(unknown), (
        "a name that training did not have is as good as none"
    )


def test_beyond_what_the_test_has_seen_nothing_is_extrapolated():
    features, arm, outcome, _ = drawn(1000)
    learner = TLearner("linear").fit(features, arm, outcome)
    edge = features["x"].max()
    far = pd.DataFrame({"x": [edge, 1e6], "channel": "web"})
    assert learner.predict(far)[0] == learner.predict(far)[1]


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("base", ["linear", "boosting"])
def test_constant_features_leave_the_average_effect(learner, base):
    _, arm, outcome, _ = drawn(1000)
    features = pd.DataFrame({"same": np.ones(1000), "name": "web"})
    found = learner(base).fit(features, arm, outcome).predict(features)
    assert np.ptp(found) == pytest.approx(0, abs=1e-9)
    assert found[0] == pytest.approx(outcome[arm].mean() - outcome[~arm].mean(), abs=0.05)


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_same_seed_gives_the_same_predictions_and_input_is_not_changed(learner):
    features, arm, outcome, _ = drawn(800)
    before = features.copy()
    one, other = (learner("boosting", seed=3).fit(features, arm, outcome).predict(features) for _ in range(2))
    assert (one == other).all()
    pd.testing.assert_frame_equal(features, before)


def test_what_is_expected_alone_is_the_outcome_without_a_contact():
    features, arm, outcome, _ = drawn()
    alone = TLearner("linear").fit(features, arm, outcome).alone(features)
    assert alone == pytest.approx(3 * features["x"].to_numpy(), abs=0.3)
    found = AloneLearner("linear").fit(features, arm, outcome)
    assert (found.predict(features) == alone).all()
    other = AloneLearner("linear").fit(features, arm, np.where(arm, 0.5, outcome))
    assert (other.predict(features) == alone).all(), "what the contacted did says nothing about it"


@pytest.mark.parametrize("learner", LEARNERS)
def test_thin_arms_and_rare_events_are_refused(learner):
    features, arm, outcome, _ = drawn(300)
    with pytest.raises(TooLittleData, match="300 rows contacted and 0 held out"):
        learner().fit(features, np.ones(300, dtype=bool), outcome)
    with pytest.raises(TooLittleData, match="99 held out"):
        learner().fit(features, np.arange(300) >= 99, outcome)
    rare = np.where(np.arange(300) < 12, 1.0, 0.0)
    with pytest.raises(TooLittleData, match="with and without the event"):
        learner().fit(features, arm, rare)
    with pytest.raises(ValueError, match="boosting or linear"):
        learner(base="forest").fit(features, arm, outcome)


def trial_of_rows(size=1200, seed=1):
    features, arm, outcome, true = drawn(size, seed)
    rows = features.assign(
        treated=arm, margin=outcome, true=true, cost=0.5 * arm,
        customer_id=[f"C{i % (size // 2):04d}" for i in range(size)],
        campaign_id=np.where(np.arange(size) < size // 2, "a", "b"),
        contacted_on=pd.to_datetime(np.where(np.arange(size) < size // 2, "2026-01-01", "2026-06-01")),
    )  # fmt: skip
    return Trial.of(rows, ["margin"], ["x", "channel"], response_days=28)


class Memory(TLearner):
    """Remembers every row it was fitted on."""

    seen: list = []  # noqa: RUF012

    def fit(self, features, treated, outcome):
        Memory.seen.append(set(features.index))
        return super().fit(features, treated, outcome)


def test_nobody_is_predicted_by_a_learner_that_has_seen_the_customer():
    trial = trial_of_rows()
    Memory.seen = []
    found = cross_fitted(Memory(), trial, "margin", folds=4)
    ids, fold = trial.rows["customer_id"], trial.folds(4)
    assert found.index.equals(trial.rows.index) and len(Memory.seen) == 4
    for number, seen in enumerate(Memory.seen):
        assert not set(ids[fold == number]) & set(ids.loc[list(seen)])
    assert np.corrcoef(found, trial.rows["true"])[0, 1] > 0.3


def test_rows_without_an_outcome_are_predicted_and_not_learned_from():
    trial = trial_of_rows()
    rows = trial.rows.assign(margin=trial.rows["margin"].where(np.arange(1200) >= 200))
    Memory.seen = []
    found = cross_fitted(Memory(), Trial.of(rows, trial.outcomes, trial.covariates), "margin", folds=3)
    assert found.notna().all() and min(min(seen) for seen in Memory.seen) == 200


def test_folds_make_no_order_where_all_customers_gain_alike(trial_of):
    """Without the same level in all folds the mean coefficient is below 0, many times its error."""
    found, raw = [], []
    for seed in range(12):
        trial = trial_of(customers=500, seed=seed, noise=0.5)
        constant = trial.rows.assign(x=0.0, kind="web")
        trial = Trial.of(constant, trial.outcomes, ["x", "kind"])
        found.append(np.ptp(cross_fitted(TLearner(), trial, "margin")))
        fold, y, arm = trial.folds(5), trial.rows["margin"], trial.treated
        means = [y[(fold != k) & arm].mean() - y[(fold != k) & ~arm].mean() for k in range(5)]
        raw.append(
            qini(pd.Series(np.array(means)[fold], trial.rows.index), trial, "margin", draws=1).coefficient
        )
    assert max(found) == pytest.approx(0, abs=1e-9), (
        "nothing to tell customers apart, so nothing is told apart"
    )
    assert np.mean(raw) < -5 * np.std(raw) / np.sqrt(12)


def test_the_cost_comes_off_everybody_alike():
    trial = trial_of_rows()
    gross, net = (cross_fitted(TLearner(), trial, "margin", net=net) for net in (False, True))
    assert (gross - net).to_numpy() == pytest.approx(0.5, abs=0.02)


def test_later_campaigns_are_predicted_from_earlier_ones_only():
    trial = trial_of_rows()
    earlier, later = trial.split(1)
    found = held_out(TLearner(), earlier, later, "margin")
    changed = later.rows.assign(margin=-later.rows["margin"])
    again = held_out(TLearner(), earlier, Trial.of(changed, later.outcomes, later.covariates), "margin")
    assert found.index.equals(later.rows.index) and (found.to_numpy() == again.to_numpy()).all()
    today = later.rows[["x", "channel"]].set_axis(later.rows["customer_id"])
    assert (held_out(TLearner(), earlier, today, "margin").to_numpy() == found.to_numpy()).all()


def test_two_actions_are_not_learned_as_one():
    trial = trial_of_rows()
    names = np.where(np.arange(1200) % 2 == 0, "letter", "voucher")
    two = Trial.of(trial.rows.assign(action=np.where(trial.treated, names, None)), ["margin"], ["x"])
    with pytest.raises(ValueError, match="2 actions"):
        cross_fitted(TLearner(), two, "margin")
    with pytest.raises(TooLittleData, match="folds"):
        cross_fitted(TLearner(), trial, "margin", folds=1)
