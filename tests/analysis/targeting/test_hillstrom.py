"""The e-mail experiment of Hillstrom (2008): published rates, and which rule earns what on the half held out.

The file stays where it is: CRMLIB_REAL_DATA names its folder, and without it these tests are skipped.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.effects import average_effects, pooled_effects
from crmlib.analysis.targeting.heterogeneity import persuadables
from crmlib.analysis.targeting.qini import profit_curve, qini
from crmlib.analysis.targeting.targeting_rules import compare_rules
from crmlib.analysis.targeting.trial import Trial
from crmlib.analysis.targeting.trial_checks import balance, sample_ratio
from crmlib.analysis.targeting.uplift import DRLearner, TLearner, XLearner, held_out
from crmlib.analysis.targeting.usual_scores import ABOVE, UPLIFT, usual_scores

FOLDER = os.environ.get("CRMLIB_REAL_DATA")
pytestmark = pytest.mark.skipif(not FOLDER, reason="set CRMLIB_REAL_DATA to the folder of the public files")
MENS, WOMENS = "Mens E-Mail", "Womens E-Mail"
PUBLISHED = {
    MENS: (0.182757, 0.012531, 1.422617),
    WOMENS: (0.151400, 0.008837, 1.077202),
    "No E-Mail": (0.106167, 0.005726, 0.652789),
}
OUTCOMES = ["visit", "conversion", "spend"]
BEFORE = ["recency", "history", "mens", "womens", "zip_code", "newbie", "channel"]


@pytest.fixture(scope="module")
def frame():
    return pd.read_csv(Path(FOLDER) / "hillstrom" / "hillstrom.csv.gz")


@pytest.fixture(scope="module")
def test_of_two(frame):
    treated = frame["segment"] != "No E-Mail"
    rows = frame.assign(
        treated=treated,
        action=frame["segment"].where(treated, None),
        cost=0.1 * treated,
        absent=1.0 - frame["visit"],
    )
    return Trial.of(rows, [*OUTCOMES, "absent"], BEFORE)


@pytest.fixture(scope="module")
def halves(test_of_two):
    one = test_of_two.only(WOMENS)
    half = np.random.default_rng(1).random(64_000)[one.rows.index] < 0.5
    return one.where(half), one.where(~half)


@pytest.fixture(scope="module")
def scores(halves):
    return usual_scores(*halves, money="spend", leaves="absent")


def test_all_64000_rows_are_different_customers(frame, test_of_two):
    assert frame.duplicated().sum() == 6_562, "rows that look alike, which are customers all the same"
    assert len(test_of_two.rows) == test_of_two.rows["customer_id"].nunique() == 64_000


def test_the_rates_are_those_published_and_each_mail_is_held_against_the_control(frame, test_of_two):
    table = average_effects(test_of_two, OUTCOMES, adjust_on=["history", "recency"]).table
    for action in (MENS, WOMENS):
        for place, outcome in enumerate(OUTCOMES):
            row = table.loc[(outcome, action)]
            assert row["mean_treated"] == pytest.approx(PUBLISHED[action][place], abs=5e-7)
            assert row["mean_control"] == pytest.approx(PUBLISHED["No E-Mail"][place], abs=5e-7)
            own = frame.loc[frame["segment"] == action, outcome]
            none = frame.loc[frame["segment"] == "No E-Mail", outcome]
            assert row["effect"] == pytest.approx(own.mean() - none.mean())
            assert row["error"] == pytest.approx(np.sqrt(own.var() / len(own) + none.var() / len(none)))
            assert row["low"] > 0 and abs(row["adjusted"] - row["effect"]) < row["error"] / 2


def test_the_two_mails_are_not_pooled(test_of_two):
    found = pooled_effects(test_of_two, OUTCOMES, adjust_on=["history"])
    assert not found["pooled"].any() and found["effect"].isna().all()
    with pytest.raises(ValueError, match="2 actions: Mens E-Mail, Womens E-Mail"):
        qini(pd.Series(1.0, test_of_two.rows.index), test_of_two, "visit")
    assert test_of_two.pooled().actions == ("Mens E-Mail + Womens E-Mail",)


def test_the_lot_fell_evenly(test_of_two):
    for action in (MENS, WOMENS):
        one = test_of_two.only(action)
        assert balance(one).test.p_value > 0.01 and not sample_ratio(one, 0.5)["suspicious"].any()


@pytest.mark.parametrize("learner", [TLearner, XLearner, DRLearner])
def test_who_visits_because_of_the_womens_mail_can_be_foreseen(halves, learner):
    training, rest = halves
    uplift = held_out(learner("linear"), training, rest, "visit")
    found = qini(uplift, rest, "visit", draws=60)
    assert found.better_than_random and 0.004 < found.coefficient < 0.011
    kinds = persuadables(uplift, rest, "visit")
    assert kinds.table["distinguishable"].to_dict() == {"persuadable": True, "sleeping dog": False}
    assert not kinds.any_harmed, "nobody is found to stay away because of a mail"


def test_a_model_of_response_is_no_model_of_uplift(halves):
    """Ranked by who visits anyway, the curve is hardly better than the lot."""
    training, rest = halves
    names = list(training.covariates)
    response = TLearner("linear").fit(
        training.rows[names], training.treated, training.rows["visit"].to_numpy()
    )
    alone = pd.Series(response.alone(rest.rows[names]), rest.rows.index)
    uplift = held_out(XLearner("linear"), training, rest, "visit")
    assert (
        qini(alone, rest, "visit", draws=10).coefficient
        < 0.6 * qini(uplift, rest, "visit", draws=10).coefficient
    )


def test_rules_on_the_half_held_out_agree_with_plain_arithmetic(halves, scores):
    rest = halves[1]
    found = compare_rules(scores, rest, "spend", budget=0.3, above=ABOVE, draws=150)
    share = rest.treated.mean()
    for name in ("risk", "value at risk"):
        score = scores[name]
        top = score >= score.sort_values(ascending=False).iloc[int(0.3 * len(score)) - 1]
        rows = rest.rows[top]
        net = rows["spend"] - 0.1 * rows["treated"]
        hand = 1000 * top.mean() * (net[rows["treated"]].mean() - net[~rows["treated"]].mean())
        assert found.table.loc[name, "earned"] == pytest.approx(hand, rel=0.03)
    everyone = found.table.loc["everyone"]
    spend = rest.rows["spend"]
    assert everyone["earned"] == pytest.approx(
        1000 * (spend[rest.treated].mean() - spend[~rest.treated].mean() - 0.1)
    )
    assert 0.49 < share < 0.51 and everyone["low"] > 0 and found.table.loc["nobody", "earned"] == 0


def test_spending_is_too_noisy_to_tell_the_rules_apart_and_says_so(halves, scores):
    """32,000 customers of whom fewer than 1 % buy: the mail pays, but no rule is better than the lot for sure."""
    found = compare_rules(scores, halves[1], "spend", budget=0.3, above=ABOVE, draws=150)
    _, low, high = found.more(UPLIFT, "risk")
    assert low < 0 < high
    assert found.table.loc[["risk", "value at risk", UPLIFT], "random_low"].max() < 0
    curve = profit_curve(scores[UPLIFT], halves[1], "spend", draws=60)
    assert curve["low"].iloc[-1] > 0 and (curve["low"] <= curve["profit"] + 1e-9).all()
