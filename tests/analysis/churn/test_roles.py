"""Time flows from learning to testing, and thin data are refused with numbers."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.churn.roles import assign_roles, gathered, refuse_few
from crmlib.errors import ParameterError, TooLittleData


def test_every_window_is_over_before_the_next_role_begins(churners):
    step = timedelta(days=30)
    last = churners.days(1)[0]
    snapshots = [churners.made(last - number * step, size=30)[0] for number in range(14)]
    for test_days in (1, 2, 3):
        roles = assign_roles(snapshots, test_days)
        assert len(roles.test) == test_days and roles.test[-1].day == last
        assert max(one.ends for one in roles.training) <= roles.calibration.day
        assert roles.calibration.ends <= roles.test[0].day
        assert roles.test[0].day - roles.calibration.ends < step  # the newest day that fits
        days = [one.day for one in (*roles.training, roles.calibration, *roles.test, *roles.set_aside)]
        assert sorted(days) == sorted(one.day for one in snapshots)
        assert roles.days.index.is_monotonic_increasing and len(roles.days) == 14


def test_the_order_given_does_not_matter_and_open_outcomes_are_not_used(churners):
    snapshots = churners.history(5, size=30)
    today = churners.made(size=30, known=False)[0]
    pd.testing.assert_frame_equal(assign_roles([today, *snapshots[::-1]]).days, assign_roles(snapshots).days)


def test_fewer_test_days_are_taken_where_there_are_few(churners):
    assert assign_roles(churners.history(3, size=30), 2).days["role"].tolist() == [
        "training",
        "calibration",
        "test",
    ]
    nothing_tested = assign_roles(churners.history(3, size=30), 0)
    assert nothing_tested.days["role"].tolist() == ["training", "training", "calibration"]


@pytest.mark.parametrize(("count", "test_days"), [(0, 1), (1, 1), (2, 1), (1, 0), (2, 3)])
def test_too_few_days_are_refused_with_their_number(churners, count, test_days):
    with pytest.raises(TooLittleData, match=rf"{count} day\(s\) with a known outcome"):
        assign_roles(churners.history(count, size=30), test_days)


def test_days_that_lie_too_close_together_are_refused(churners):
    day = churners.days(1)[0]
    close = [churners.made(day - timedelta(days=number), size=30)[0] for number in range(20)]
    with pytest.raises(TooLittleData, match="windows of 91 days"):
        assign_roles(close)


def test_snapshots_that_do_not_go_together_are_refused(churners):
    first, *rest = churners.history(4, size=30)
    with pytest.raises(ParameterError, match="two snapshots"):
        assign_roles([first, first, *rest])
    with pytest.raises(ParameterError, match="30 and 91 days"):
        assign_roles([replace(first, outcome_days=30), *rest])
    with pytest.raises(ParameterError, match="not all days have: orders"):
        assign_roles([replace(first, features=first.features.drop(columns="orders")), *rest])
    with pytest.raises(ParameterError, match="test_days"):
        assign_roles(rest, -1)


def test_customers_are_drawn_with_all_their_days_and_the_share_that_left_stays(churners):
    snapshots = churners.history(3, size=3000)
    found = gathered(snapshots, 3000, seed=1)
    assert found.of == 9000 and len(found.churned) == pytest.approx(3000, rel=0.02)
    assert pd.Series(found.customers).value_counts().eq(3).all()
    newest = found.churned.loc[snapshots[-1].day]
    assert newest.mean() == pytest.approx(snapshots[-1].churned.mean(), abs=0.001)
    again = gathered(snapshots, 3000, seed=1)
    pd.testing.assert_frame_equal(again.features, found.features)
    assert set(gathered(snapshots, 3000, seed=2).customers) != set(found.customers)
    assert len(gathered(snapshots, 9000).churned) == 9000


@pytest.mark.parametrize(
    ("size", "left", "said"),
    [
        (99, 40, "99 customers"),
        (200, 19, "19 times one stayed away"),
        (200, 185, "15 times one came back"),
        (200, 0, "0 times"),
    ],
)
def test_few_customers_and_few_outcomes_are_refused_with_numbers(churners, size, left, said):
    snapshot = churners.made(size=size)[0]
    outcome = snapshot.outcome.assign(churned=np.arange(size) < left)
    rows = gathered([replace(snapshot, outcome=outcome)], 10_000)
    with pytest.raises(TooLittleData, match=said):
        refuse_few(rows, "to test on")


def test_enough_is_enough(churners):
    snapshot = churners.made(size=100)[0]
    for left in (20, 80):
        outcome = snapshot.outcome.assign(churned=np.arange(100) < left)
        refuse_few(gathered([replace(snapshot, outcome=outcome)], 10_000), "to test on")
