"""The layout of a test: what is refused, what is kept apart, and how it is divided."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.trial import Trial
from crmlib.errors import DataError, TooLittleData


def frame_of(arms, **columns):
    return pd.DataFrame({"treated": arms, "bought": 1.0, **columns})


def two_actions():
    """Catalogue and voucher share the controls of campaign 1; campaign 2 has its own for the voucher."""
    return Trial.of(
        pd.DataFrame(
            {
                "customer_id": list("ABCDEF"), "campaign_id": list("111122"),
                "action": ["catalogue", "voucher", None, None, "voucher", "voucher"],
                "treated": [True, True, False, False, True, False], "bought": [1.0, 0, 1, np.nan, 0, 1],
            }
        ),
        ["bought"],
    )  # fmt: skip


def test_an_action_keeps_its_own_controls_and_those_of_all():
    test = two_actions()
    assert test.actions == ("catalogue", "voucher")
    assert test.only("catalogue").rows["customer_id"].tolist() == ["A", "C", "D"]
    assert test.only("voucher").rows["customer_id"].tolist() == ["B", "C", "D", "E", "F"]
    with pytest.raises(ValueError, match="actions are catalogue, voucher"):
        test.only("letter")


def test_actions_are_never_mixed_in_silence():
    test = two_actions()
    with pytest.raises(ValueError, match=r"2 actions: catalogue, voucher.*pooled\(\) if"):
        test.single_action()
    together = test.pooled()
    assert together.single_action().actions == ("catalogue + voucher",), "pooled, and labelled so"
    assert test.actions == ("catalogue", "voucher"), "the test itself is not changed"


def test_rows_without_an_outcome_go_and_with_them_campaigns_left_with_one_arm():
    test = two_actions()
    assert test.known("bought").rows["customer_id"].tolist() == ["A", "B", "C", "E", "F"]
    test = Trial.of(test.rows.assign(bought=[1, 1, 1, 1, 0, np.nan]), ["bought"])
    assert test.known("bought").rows["customer_id"].tolist() == ["A", "B", "C", "D"]
    with pytest.raises(ValueError, match="no outcome of this test"):
        test.known("margin")


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (pd.DataFrame({"bought": [1.0]}), "without treated"),
        (frame_of([True, None]), "1 rows without an arm"),
        (frame_of(["treatment", "control"]), "treated = 'treatment'"),
        (frame_of([True, False], action=[None, None]), "treated rows without an action"),
        (frame_of([True, False], customer_id=["A", "A"]), "A in test"),
    ],
)
def test_what_is_no_test_is_refused(frame, error):
    with pytest.raises(DataError, match=error):
        Trial.of(frame, ["bought"])


def test_rows_that_look_alike_are_different_customers():
    test = Trial.of(frame_of([True, True, False, False]), ["bought"])
    assert len(test.rows) == 4 and test.clusters().tolist() == [0, 1, 2, 3]


def test_the_frame_given_is_not_changed():
    frame = frame_of([1, 0], bought=[True, False])
    before = frame.copy()
    test = Trial.of(frame, ["bought"])
    pd.testing.assert_frame_equal(frame, before)
    assert test.rows["bought"].tolist() == [1.0, 0.0] and test.treated.tolist() == [True, False]


def test_a_split_by_time_keeps_windows_from_running_into_the_later_campaigns():
    days = pd.to_datetime(
        ["2026-01-01", "2026-01-01", "2026-02-10", "2026-02-10", "2026-03-01", "2026-03-01"]
    )
    frame = frame_of(
        [True, False] * 3, customer_id=list("ABCDEF"), campaign_id=list("xxyyzz"), contacted_on=days
    )
    test = Trial.of(frame, ["bought"], response_days=28)
    earlier, later = test.split(1)
    assert later.campaigns == ("z",) and earlier.campaigns == ("x",), "the window of y ends on 9 March"
    assert Trial.of(frame, ["bought"], response_days=19).split(1)[0].campaigns == ("x", "y")
    with pytest.raises(TooLittleData, match="3 campaigns, 3 of them"):
        test.split(3)
    with pytest.raises(ValueError, match="contacted_on"):
        Trial.of(frame.drop(columns="contacted_on"), ["bought"], response_days=28).split(1)


def test_folds_keep_the_rows_of_a_customer_together_whatever_their_order(trial_of):
    test = trial_of(customers=100, campaigns=3)
    fold = test.folds(4, seed=2)
    assert pd.Series(fold).groupby(test.rows["customer_id"]).nunique().eq(1).all()
    assert pd.Series(fold).groupby(fold).size().tolist() == [75, 75, 75, 75]
    mixed = Trial.of(test.rows.sample(frac=1, random_state=1), test.outcomes, test.covariates)
    again = pd.Series(mixed.folds(4, seed=2)).groupby(mixed.rows["customer_id"]).first()
    assert (again == pd.Series(fold).groupby(test.rows["customer_id"]).first()).all()
    with pytest.raises(TooLittleData, match="folds"):
        test.folds(1)


def test_the_share_contacted_is_that_of_the_campaign_and_money_is_net_of_the_contact():
    frame = frame_of([True, False, True, True, False, True], campaign_id=list("xxxyyy"), customer_id=list("ABCABC"),
                     cost=[2.0, 0, 2, 3, 0, 3], margin=10.0)  # fmt: skip
    test = Trial.of(frame, ["margin"])
    assert test.share().tolist() == pytest.approx([2 / 3] * 6)
    assert test.net("margin").tolist() == [8, 10, 8, 7, 10, 7]


def test_columns_are_added_only_to_the_rows_they_belong_to(trial_of):
    test = trial_of(customers=10)
    more = pd.DataFrame({"score": np.arange(10.0)}, test.rows.index)
    assert test.with_columns(more).covariates == ("x", "kind", "score")
    assert test.with_columns(more, covariates=False).covariates == ("x", "kind")
    with pytest.raises(ValueError, match="not indexed like"):
        test.with_columns(more.iloc[::-1])


@pytest.mark.parametrize("arm", [True, False])
def test_an_empty_or_thin_arm_is_refused(trial_of, arm):
    test = trial_of(customers=200)
    own = np.flatnonzero(test.treated == arm)
    for kept in (0, 29):
        thin = test.where(~np.isin(np.arange(200), own[kept:]))
        with pytest.raises(TooLittleData, match=f"{kept} (customers contacted|held out)"):
            thin.refuse_if_thin("anything")
    test.where(~np.isin(np.arange(200), own[30:])).refuse_if_thin("anything")
