"""Groups by predicted uplift: what the test shows in each, whether or not the prediction is right."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.heterogeneity import persuadables, sorted_groups
from crmlib.errors import DataError, TooLittleData


@pytest.fixture(scope="module")
def mixed(trial_of):
    """The effect is 2 x: half of the customers gain, half lose."""
    return trial_of(customers=4000, noise=0.5, effect=lambda rows: 2 * rows["x"])


def test_right_predictions_have_a_slope_of_one_and_observed_groups_to_match(mixed):
    found = sorted_groups(mixed.rows["true"], mixed, "margin")
    assert found.table.index.tolist() == [1, 2, 3, 4, 5]
    assert found.table["effect"].to_numpy() == pytest.approx(found.table["predicted"].to_numpy(), abs=0.25)
    assert found.slope_low < 1 < found.slope_high and found.foreseen
    assert found.equal.p_value < 1e-6 and found.top_low > 2.5
    assert (found.table["treated"] + found.table["control"]).tolist() == [800] * 5


def test_predictions_twice_too_large_have_half_the_slope(mixed):
    found = sorted_groups(2 * mixed.rows["true"] + 5, mixed, "margin")
    assert found.slope == pytest.approx(sorted_groups(mixed.rows["true"], mixed, "margin").slope / 2)


def test_predictions_that_know_nothing_foresee_nothing_most_of_the_time(trial_of):
    trial = trial_of(customers=500, noise=0.5)
    foreseen = sum(
        sorted_groups(
            pd.Series(np.random.default_rng(seed).normal(size=500), trial.rows.index), trial, "margin"
        ).foreseen
        for seed in range(25)
    )
    assert foreseen <= 3, "2.5 % of 25 are fewer than 1"


def test_the_effect_of_a_group_is_the_plain_difference_where_nothing_is_taken_out(mixed):
    found = sorted_groups(mixed.rows["true"], mixed, "margin", groups=2, adjust=False)
    top = mixed.rows[mixed.rows["true"].rank() > 2000]
    hand = top.loc[top["treated"], "margin"].mean() - top.loc[~top["treated"], "margin"].mean()
    assert found.table.loc[2, "effect"] == pytest.approx(hand)
    adjusted = sorted_groups(mixed.rows["true"], mixed, "margin", groups=2)
    width = lambda one: one.table["high"] - one.table["low"]  # noqa: E731
    assert (width(adjusted) < width(found)).all()
    assert adjusted.table["mean_treated"].tolist() == found.table["mean_treated"].tolist()


def test_constant_predictions_are_one_group_without_a_slope(mixed):
    found = sorted_groups(pd.Series(1.0, mixed.rows.index), mixed, "margin")
    assert len(found.table) == 1 and np.isnan(found.slope) and not found.foreseen
    assert np.isnan(found.top_less_bottom) and np.isnan(found.equal.p_value)


def test_persuadables_gain_and_sleeping_dogs_are_harmed(mixed):
    found = persuadables(mixed.rows["true"], mixed, "margin")
    assert found.table["distinguishable"].all() and found.any_harmed
    assert found.table["effect"].tolist() == pytest.approx([1, -1], abs=0.2)
    assert found.apart == pytest.approx(found.table["effect"].iloc[0] - found.table["effect"].iloc[1])
    assert found.apart_low > 1 and found.table["share"].sum() == 1


def test_where_less_is_better_the_signs_turn(mixed):
    found = persuadables(mixed.rows["true"], mixed, "margin", good=False)
    assert found.table["effect"].tolist() == pytest.approx([-1, 1], abs=0.2)
    assert found.table["distinguishable"].all()


def test_a_cost_moves_the_border_and_nobody_harmed_is_nobody(trial_of):
    trial = trial_of(customers=1000, cost=0.25)
    gains = persuadables(pd.Series(1.0, trial.rows.index), trial, "margin", net=True)
    assert gains.table.index.tolist() == ["persuadable"] and not gains.any_harmed and np.isnan(gains.apart)
    gross = persuadables(pd.Series(1.0, trial.rows.index), trial, "margin")
    assert gains.table["effect"].iloc[0] == pytest.approx(gross.table["effect"].iloc[0] - 0.25, abs=0.02)
    zero = persuadables(pd.Series(0.0, trial.rows.index), trial, "margin")
    assert zero.table.index.tolist() == ["sleeping dog"], "nothing to gain"


def test_missing_predictions_and_an_empty_arm_are_refused(mixed):
    with pytest.raises(DataError, match="1 of 4000 rows without a prediction"):
        sorted_groups(mixed.rows["true"].iloc[:-1], mixed, "margin")
    alone = mixed.where(mixed.treated)
    with pytest.raises(TooLittleData):
        persuadables(alone.rows["true"], alone, "margin")
