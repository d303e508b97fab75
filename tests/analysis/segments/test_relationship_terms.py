"""Terms of the levels: rates and hours by hand, bands at the margin where a step pays, blocs that add up."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.segments.level_effects import assumed_returns
from crmlib.analysis.segments.levels import allocate_levels
from crmlib.analysis.segments.relationship_terms import (
    ASSUMED_RATE,
    MAILINGS,
    TERMS,
    blocs_of,
    margin_bands,
    relationship_terms,
)
from crmlib.errors import ParameterError


def served(calls, months=12, purpose="relationship"):
    """Calls of ten minutes at 0.5 and visits of 100 at 1.0; picking takes five minutes of the desk for each order."""
    columns = pd.MultiIndex.from_tuples(
        [("call", purpose), ("visit", purpose), ("pick", "order")], names=["activity", "purpose"]
    )
    counts = pd.DataFrame([[calls, 2.0, 40.0], [0.0, 1.0, 60.0]], columns=columns)
    costs = pd.DataFrame(
        {
            "resource": ["desk", "field", "desk"],
            "minutes_per_event": [10.0, 100.0, 5.0],
            "rate": [0.5, 1.0, 0.5],
        },
        index=["call", "visit", "pick"],
    )
    capacity = pd.DataFrame(
        {"minutes_supplied": [1200.0 * months / 12, 900.0 * months / 12]}, index=["desk", "field"]
    )
    return SimpleNamespace(counts=counts, unit_costs=costs, capacity=capacity)


def test_rate_and_hours_are_those_of_the_minutes_spent_on_relationships():
    found = relationship_terms(served(calls=30.0), 12)
    # 300 minutes at 0.5 and 300 at 1.0; the desk has 1200 less 500 for picking, field sales all 900.
    assert found.rate == pytest.approx(0.75) and found.capacity_minutes == pytest.approx(700 + 900)
    assert not found.assumed
    assert found.levels["cost"].tolist() == pytest.approx(
        [MAILINGS + 0.75 * minutes for minutes, _ in TERMS.values()]
    )


def test_half_a_year_has_the_hours_of_a_year():
    half = relationship_terms(served(calls=30.0, months=6), 6)
    assert half.capacity_minutes == pytest.approx(2 * (600 - 500) + 2 * 450)


@pytest.mark.parametrize("known", [None, served(30.0, purpose="order")], ids=["no events", "no relationship"])
def test_without_events_the_rate_is_assumed_and_nothing_limits(known):
    found = relationship_terms(known, 12)
    assert (found.rate, found.capacity_minutes, found.assumed) == (ASSUMED_RATE, None, True)


def test_a_band_ends_where_the_next_step_costs_what_it_brings():
    levels = relationship_terms(None, 12).levels
    steps = np.diff(levels["cost"]) / 0.05
    at, above = (margin_bands(pd.Series(steps + more), levels, 0.05) for more in (0.0, 0.01))
    assert at.tolist() == list(levels.index[:-1]) and above.tolist() == list(levels.index[1:])
    assert margin_bands(pd.Series([-1e9, 0.0]), levels, 0.05).tolist() == ["basic", "basic"]


def test_a_cheap_step_after_a_dear_one_asks_for_both():
    levels = pd.DataFrame({"cost": [0.0, 10.0, 11.0]}, index=["low", "middle", "high"])
    assert margin_bands(pd.Series([50.0, 99.0, 101.0]), levels, 0.1).tolist() == ["low", "low", "high"]


@pytest.mark.parametrize("effect", [0.0, -0.1, float("nan")])
def test_an_effect_that_cannot_be_is_refused(effect):
    with pytest.raises(ParameterError, match="level_effect"):
        margin_bands(pd.Series([1.0]), relationship_terms(None, 12).levels, effect)


def test_blocs_hold_every_customer_once_and_losses_count_as_nothing():
    rng = np.random.default_rng(2)
    margin = pd.Series(rng.normal(60, 400, 300))
    segments = pd.Series(rng.choice(["b", "a"], 300))
    levels = relationship_terms(None, 12).levels
    bloc, table = blocs_of(segments, margin_bands(margin, levels, 0.05), margin, ["a", "b"])
    assert table["customers"].sum() == 300 and set(bloc) == set(table.index)
    assert (table["customers"] * table["margin"]).sum() == pytest.approx(margin.clip(lower=0).sum())
    assert table["segment"].tolist() == sorted(table["segment"])
    assert bloc.map(table["segment"]).tolist() == segments.tolist()


def test_parted_by_size_the_solver_gives_every_customer_the_level_that_pays_for_him():
    """What the allocation gives blocs is what each customer would choose by his own margin."""
    rng = np.random.default_rng(3)
    margin = pd.Series(rng.lognormal(5, 1.4, 400))
    segments = pd.Series(rng.choice(["x", "y"], 400))
    levels = relationship_terms(None, 12).levels
    bloc, table = blocs_of(segments, margin_bands(margin, levels, 0.05), margin, ["x", "y"])
    plan = allocate_levels(table, levels, assumed_returns(table.index, levels.index, 0.05, 1.0))
    own = (
        np.outer(margin, 0.05 * np.arange(len(levels))) - (levels["cost"] - levels["cost"].iloc[0]).to_numpy()
    )
    assert bloc.map(plan.segments["level"]).tolist() == levels.index[own.argmax(axis=1)].tolist()
