"""Levels of relationship: the solver against all allocations one by one, limits, and what must come back."""

import itertools

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.segments.levels import LEVELS, allocate_levels, level_break_even
from crmlib.errors import DataError, ParameterError

STEPS = pd.DataFrame(
    {"cost": [1.0, 3.0, 9.0, 30.0, 120.0], "minutes": [0.0, 1.0, 5.0, 20.0, 90.0]}, index=list(LEVELS)
)


def company(seed=1, n=4):
    rng = np.random.default_rng(seed)
    names = [f"S{i}" for i in range(n)]
    segments = pd.DataFrame(
        {"customers": rng.integers(5, 400, n), "margin": rng.lognormal(5, 1.5, n).round(2)}, index=names
    )
    gains = np.c_[np.zeros(n), np.cumsum(rng.exponential(0.06, (n, 4)), axis=1)].round(4)
    return segments, pd.DataFrame(gains, index=names, columns=list(LEVELS))


def one_by_one(segments, returns, budget, minutes):
    """Best gain over all allocations that keep within the limits."""
    size, margin = segments["customers"].to_numpy(), segments["margin"].to_numpy()
    chosen = np.array(list(itertools.product(range(5), repeat=len(size))))
    cost = (STEPS["cost"].to_numpy()[chosen] * size).sum(axis=1)
    used = (STEPS["minutes"].to_numpy()[chosen] * size).sum(axis=1)
    more = (returns.to_numpy()[np.arange(len(size)), chosen] * size * margin).sum(axis=1)
    return (more - cost + size.sum() * STEPS["cost"].iloc[0])[(cost <= budget) & (used <= minutes)].max()


@pytest.mark.parametrize("seed", range(6))
def test_no_allocation_within_the_limits_gains_more(seed):
    segments, returns = company(seed)
    everything = segments["customers"].sum()
    for budget, minutes in (
        (everything * 4, np.inf),
        (everything * 20, everything * 6),
        (np.inf, everything * 2),
    ):
        found = allocate_levels(segments, STEPS, returns, budget, minutes)
        assert found.gain == pytest.approx(one_by_one(segments, returns, budget, minutes), abs=1e-6)
        assert found.cost <= budget * (1 + 1e-8) and found.minutes <= minutes * (1 + 1e-8)
        free = one_by_one(segments, returns, np.inf, minutes)
        assert found.worth_of_budget == pytest.approx(free - found.gain, abs=1e-5)
        free = one_by_one(segments, returns, budget, np.inf)
        assert found.worth_of_minutes == pytest.approx(free - found.gain, abs=1e-5)


def test_many_of_low_margin_stay_basic_and_few_of_high_margin_become_partners():
    segments = pd.DataFrame(
        {"customers": [5000, 300, 12], "margin": [15, 150, 9000]}, index=["many", "some", "few"]
    )
    returns = pd.DataFrame([[0, 0.02, 0.08, 0.15, 0.2]] * 3, index=segments.index, columns=list(LEVELS))
    found = allocate_levels(segments, STEPS, returns)
    assert found.segments["level"].to_dict() == {
        "many": "basic",
        "some": "accountable",
        "few": "full partnership",
    }
    assert found.gain == pytest.approx(300 * (150 * 0.08 - 8) + 12 * (9000 * 0.2 - 119))
    assert found.nothing_because == "" and found.worth_of_budget == 0


def test_order_of_segments_changes_nothing():
    segments, returns = company(3, 6)
    budget = segments["customers"].sum() * 5
    first = allocate_levels(segments, STEPS, returns, budget)
    second = allocate_levels(segments.iloc[::-1], STEPS, returns.sample(frac=1, random_state=1), budget)
    pd.testing.assert_frame_equal(first.segments, second.segments.loc[segments.index])


def test_of_equally_good_levels_the_cheaper_one_is_taken():
    segments = pd.DataFrame({"customers": [10], "margin": [100.0]}, index=["A"])
    returns = pd.DataFrame([[0, 0.02, 0.08, 0.1, 0.1]], index=["A"], columns=list(LEVELS))
    assert allocate_levels(segments, STEPS, returns.assign(accountable=0.0)).segments["level"].tolist() == [
        "basic"
    ]
    one_step = returns.assign(reactive=0.02, accountable=0.08, proactive=0.29, **{"full partnership": 0.0})
    assert allocate_levels(segments, STEPS, one_step).segments["level"].tolist() == ["basic"]


def test_zero_or_too_small_limits_leave_everybody_where_they_are_with_a_sentence():
    segments, returns = company()
    for limits, said in (
        ((0, None), "above the budget of 0"),
        ((segments["customers"].sum() - 1, None), "above the budget"),
        ((segments["customers"].sum(), None), "no segment can be raised"),
        ((None, 0), "no segment can be raised"),
    ):
        found = allocate_levels(segments, STEPS, returns, *limits)
        assert set(found.segments["level"]) == {"basic"} and found.gain == 0
        assert said in found.nothing_because
    none = allocate_levels(segments, STEPS, returns * 0)
    assert none.nothing_because.startswith("No segment brings back") and set(none.segments["level"]) == {
        "basic"
    }
    heavy = STEPS.assign(minutes=STEPS["minutes"] + 1)
    assert (
        "minutes, above the 5 there are" in allocate_levels(segments, heavy, returns, None, 5).nothing_because
    )


def test_what_was_promised_is_kept_and_costs_what_it_costs():
    segments, returns = company()
    found = allocate_levels(segments, STEPS, returns * 0, at_least={"S2": "proactive"})
    assert found.segments["level"].tolist() == ["basic", "basic", "proactive", "basic"]
    assert found.gain == pytest.approx(-29 * segments.loc["S2", "customers"])
    short = allocate_levels(
        segments, STEPS, returns, segments["customers"].sum(), at_least={"S2": "proactive"}
    )
    assert short.nothing_because.startswith("The lowest levels alone cost")
    assert short.segments.loc["S2", "level"] == "proactive"


def test_break_even_is_what_the_step_costs_per_margin_today():
    segments, returns = company()
    found = level_break_even(segments, STEPS, returns)
    assert len(found) == 4 * 4
    row = found.loc[("S1", "proactive")]
    assert row["from_level"] == "accountable" and row["cost"] == 21 and row["minutes"] == 15
    assert row["segment_cost"] == 21 * segments.loc["S1", "customers"]
    assert row["break_even_share"] == pytest.approx(21 / segments.loc["S1", "margin"])
    assert row["expected_share"] == pytest.approx(
        returns.loc["S1", "proactive"] - returns.loc["S1", "accountable"]
    )
    assert (found["pays"] == (found["expected_share"] > found["break_even_share"])).all()


def test_without_returns_nothing_is_expected_and_without_margin_no_share_breaks_even():
    segments, _ = company()
    found = level_break_even(segments.assign(margin=0.0), STEPS)
    assert found["break_even_share"].isna().all() and found["pays"].isna().all()


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"budget": -1}, ParameterError, "budget = -1"),
        ({"capacity_minutes": np.nan}, ParameterError, "capacity_minutes = nan"),
        ({"at_least": {"S9": "basic"}}, ParameterError, "at_least names S9"),
        ({"at_least": {"S1": "platinum"}}, ParameterError, "at_least names platinum"),
        ({"levels": STEPS.assign(cost=-1.0)}, DataError, "cost = -1"),
        ({"levels": STEPS.iloc[:1]}, DataError, "4 segments and 1 levels"),
        ({"segments": company()[0].assign(customers=-1)}, DataError, "customers = -1"),
        ({"segments": company()[0].drop(columns="margin")}, DataError, "segments without margin"),
        ({"levels": pd.concat([STEPS, STEPS.iloc[:1]])}, DataError, "levels that stand twice"),
        ({"segments": company()[0].assign(margin="much")}, DataError, "margin = much for segment S0"),
        ({"returns": company()[1].drop(index="S3")}, DataError, "no returns for S3"),
        ({"returns": company()[1].assign(basic=0.1)}, DataError, "a return of 0.1 for S0 at basic"),
        (
            {"returns": company()[1].assign(proactive=np.nan)},
            DataError,
            "a return of nan for S0 at proactive",
        ),
    ],
)
def test_what_cannot_be_allocated_is_refused(change, error, said):
    segments, returns = company()
    with pytest.raises(error) as refused:
        allocate_levels(**({"segments": segments, "levels": STEPS, "returns": returns} | change))
    assert said in refused.value.found
