"""Steps up: break-even by simulated arithmetic, the level lived at, and differences that are only seen."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.segments.levels import level_break_even
from crmlib.analysis.segments.moving_up import lived_levels, moving_up
from crmlib.errors import DataError, ParameterError

LEVELS = pd.DataFrame(
    {"cost": [2.0, 10, 60], "minutes": [0.0, 10, 90]}, index=["basic", "reactive", "full partnership"]
)
SEGMENTS = pd.DataFrame(
    {"customers": [900, 40, 5], "margin": [30.0, 400, 8], "churn": [0.4, 0.15, 0.3]},
    index=["many", "few", "poor"],
)


def worth(margin, churn, rate, years=4000):
    """Add the years up one by one: margin now, and while the customer stays."""
    return (margin * ((1 - churn) / (1 + rate)) ** np.arange(years)).sum()


@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_at_break_even_the_relationship_is_worth_what_it_was(rate):
    found = moving_up(SEGMENTS, LEVELS, rate)
    for (segment, level), row in found.iterrows():
        before = LEVELS.index.get_loc(level) - 1
        margin, churn = SEGMENTS.loc[segment, ["margin", "churn"]]
        now = margin - LEVELS["cost"].iloc[before]
        if row["possible"] is not True:
            continue
        old = worth(now, churn, rate)
        assert worth(now - row["cost"], churn - row["break_even_churn"], rate) == pytest.approx(old)
        assert worth(now - row["cost"] + row["break_even_margin"], churn, rate) == pytest.approx(old)
    assert found.loc[("few", "full partnership"), "possible"]


def test_a_fall_beyond_all_churn_is_not_possible_and_no_margin_gives_no_answer():
    found = moving_up(SEGMENTS, LEVELS)
    assert found.loc[("many", "full partnership"), "break_even_churn"] > 0.4
    assert not found.loc[("many", "full partnership"), "possible"]
    # A margin of 8 is below the cost of the level before.
    row = found.loc[("poor", "full partnership")]
    assert np.isnan(row["break_even_churn"]) and pd.isna(row["possible"])


def test_the_rest_is_what_break_even_says_and_churn_may_be_unknown():
    found = moving_up(SEGMENTS.drop(columns="churn"), LEVELS)
    assert found["break_even_churn"].isna().all() and found["possible"].isna().all()
    other = level_break_even(SEGMENTS, LEVELS)
    for column in ("from_level", "cost", "minutes", "segment_cost", "segment_minutes", "break_even_share"):
        assert found[column].tolist() == other[column].tolist()
    with pytest.raises(DataError, match=r"churn = 40 for many"):
        moving_up(SEGMENTS.assign(churn=[40, 0.1, 0.2]), LEVELS)
    with pytest.raises(ParameterError, match="annual_discount_rate = -1"):
        moving_up(SEGMENTS, LEVELS, -1)


def test_customers_live_at_the_level_their_relationship_pays_for():
    spent = pd.Series([0.0, 2, 9.99, 10, 59, 60, 7000], index=list("ABCDEFG"))
    found = lived_levels(spent, LEVELS)
    assert found.tolist() == ["basic"] * 3 + ["reactive"] * 2 + ["full partnership"] * 2
    assert found.cat.ordered and list(found.cat.categories) == list(LEVELS.index)
    with pytest.raises(DataError, match="dearer"):
        lived_levels(spent, LEVELS.assign(cost=[2, 2, 9]))
    with pytest.raises(DataError, match="spent = nan"):
        lived_levels(spent.where(spent > 0), LEVELS)
