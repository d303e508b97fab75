"""Assumed effects: how they diminish, and what the allocation is worth if they are wrong."""

import pandas as pd
import pytest

from crmlib.analysis.segments.level_effects import assumed_returns, level_sensitivity
from crmlib.analysis.segments.levels import allocate_levels
from crmlib.errors import ParameterError

LEVELS = pd.DataFrame(
    {"cost": [1.0, 5, 20, 300], "minutes": [0.0, 5, 20, 240]},
    index=["basic", "reactive", "accountable", "proactive"],
)
SEGMENTS = pd.DataFrame(
    {"customers": [2000, 300, 12], "margin": [25.0, 180, 6000]}, index=["many", "middle", "few"]
)
RETURNS = assumed_returns(SEGMENTS.index, LEVELS.index, 0.1, 0.5)


def test_each_step_brings_a_part_of_the_one_before():
    found = assumed_returns(SEGMENTS.index, LEVELS.index, {"many": 0.0, "middle": 0.1, "few": 0.2}, 0.5)
    assert found.loc["many"].tolist() == [0, 0, 0, 0]
    assert found.loc["middle"].tolist() == pytest.approx([0, 0.1, 0.15, 0.175])
    assert found.loc["few"].tolist() == pytest.approx([0, 0.2, 0.3, 0.35])
    assert assumed_returns(SEGMENTS.index, LEVELS.index, 0.1, 1).loc["few"].tolist() == pytest.approx(
        [0, 0.1, 0.2, 0.3]
    )
    assert assumed_returns(SEGMENTS.index, LEVELS.index, 0.1, 0).loc["few"].tolist() == [0, 0.1, 0.1, 0.1]


def test_an_effect_is_stated_for_everybody_or_refused():
    with pytest.raises(ParameterError, match="for few"):
        assumed_returns(SEGMENTS.index, LEVELS.index, {"many": 0.0, "middle": 0.1})
    with pytest.raises(ParameterError, match="diminishing = 2"):
        assumed_returns(SEGMENTS.index, LEVELS.index, 0.1, 2)
    with pytest.raises(ParameterError, match=r"factors = \[-1\]"):
        level_sensitivity(SEGMENTS, LEVELS, RETURNS, factors=[-1])


@pytest.mark.parametrize("budget", [None, 4000.0])
def test_each_plan_is_the_best_one_where_its_assumption_holds(budget):
    found = level_sensitivity(SEGMENTS, LEVELS, RETURNS, budget)
    assert list(found.plans.index) == [0, 0.5, 1, 2]
    for factor in found.plans.index:
        plan = allocate_levels(SEGMENTS, LEVELS, RETURNS * factor, budget)
        assert found.gains.loc[factor, factor] == pytest.approx(plan.gain) == found.plans.loc[factor, "gain"]
        assert found.gains[factor].max() == pytest.approx(plan.gain)
        assert found.levels[factor].tolist() == plan.segments["level"].tolist()
        assert found.plans.loc[factor, "cost"] == pytest.approx(plan.cost)
    assert found.plans.loc[1.0, "changed"] == 0
    assert found.plans["raised"].is_monotonic_increasing


def test_doing_nothing_is_the_measure_and_the_best_where_levels_change_nothing():
    found = level_sensitivity(SEGMENTS, LEVELS, RETURNS)
    assert (found.gains.loc["everybody basic"] == 0).all()
    assert found.plans.loc[0.0, ["raised", "customers_raised", "gain"]].tolist() == [0, 0, 0]
    assert (found.gains.loc[1.0, 0.0] < 0) and found.gains.loc[0.0].eq(0).all()


def test_from_which_effect_on_the_plan_beats_doing_nothing():
    found = level_sensitivity(SEGMENTS, LEVELS, RETURNS)
    share = found.robust_from
    assert 0 < share < 1
    at = level_sensitivity(SEGMENTS, LEVELS, RETURNS, factors=[share, share * 1.01, share * 0.99]).gains.loc[
        1.0
    ]
    assert at[share] == pytest.approx(0, abs=1e-6) and at[share * 1.01] > 0 > at[share * 0.99]
    nothing = level_sensitivity(SEGMENTS, LEVELS, RETURNS * 0)
    assert nothing.plans.loc[1.0, "raised"] == 0 and pd.isna(nothing.robust_from)


def test_a_promise_is_no_plan_of_ours_but_its_cost_is_told():
    found = level_sensitivity(SEGMENTS, LEVELS, RETURNS * 0, at_least={"few": "accountable"})
    assert found.levels.loc["few"].eq("accountable").all()
    assert found.gains.loc[1.0, 1.0] == pytest.approx(-12 * 19)
