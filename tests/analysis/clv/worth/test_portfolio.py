"""Values of customers together: groups add up, grids are predictions, other assumptions are compared fairly."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.timing.mbg_cnbd import MBGCNBD
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.clv.timing.pareto_nbd import ParetoNBD
from crmlib.analysis.clv.worth.portfolio import by_group, iso_values, other_assumptions
from crmlib.errors import DataError, ParameterError

YEAR = Schedule.until(365.25, 0.1)
MODELS = [
    MBGNBD().with_params([1.3, 80.0, 0.4, 3.0]),
    ParetoNBD().with_params([0.6, 10.0, 0.7, 200.0]),
    MBGCNBD(3).with_params([1.3, 25.0, 0.4, 3.0]),
]


def drawn(seed=1, size=200):
    rng = np.random.default_rng(seed)
    names = [f"C{i:03d}" for i in rng.permutation(size)]
    return pd.DataFrame({"alive": rng.random(size), "value": rng.normal(20, 30, size).round(4)}, index=names)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_each_value_of_a_grid_is_that_of_a_customer_with_this_history(model):
    purchases, silences = np.array([2, 3, 7, 20]), np.array([0.0, 30.0, 299.0])
    found = iso_values(model, 12.5, YEAR, 300.0, purchases, silences)
    for bought in purchases:
        for silence in silences:
            one = pd.DataFrame({"x": [bought - 1], "t_x": [300.0 - silence], "T": [300.0]})
            value = 12.5 * model.discounted_orders(one, YEAR).iloc[0]
            assert found.loc[bought, silence] == pytest.approx(value, rel=1e-9)
    assert found.index.name == "purchases" and found.columns.name == "silence"
    if not isinstance(model, MBGCNBD):  # a regular buyer is due again after a while
        assert (found.diff(axis=1).iloc[:, 1:] < 0).all(axis=None)


def test_a_grid_scales_with_money_and_may_be_negative():
    parts = MODELS[0], YEAR, 300.0, np.array([2, 5]), np.array([0.0, 100.0])
    one = iso_values(parts[0], 1.0, *parts[1:])
    pd.testing.assert_frame_equal(iso_values(parts[0], -40.0, *parts[1:]), -40 * one)


@pytest.mark.parametrize(("purchases", "silence"), [(1, 10.0), (2, 300.0), (2, 301.0)])
def test_a_history_that_cannot_be_is_refused(purchases, silence):
    with pytest.raises(DataError):
        iso_values(MODELS[0], 1.0, YEAR, 300.0, np.array([purchases]), np.array([silence]))


@pytest.mark.parametrize("seed", range(3))
def test_groups_add_up_to_the_total(seed):
    values = drawn(seed)
    rng = np.random.default_rng(seed)
    groups = pd.Series(rng.choice(["b", "a", None, "c"], len(values)), values.index, name="region")
    found = by_group(values, groups.sample(frac=1, random_state=seed))
    assert found["value"].sum() == pytest.approx(values["value"].sum(), abs=0.005)
    assert found["active"].sum() == pytest.approx(values["alive"].sum())
    assert found["customers"].sum() == len(values) and found["share"].sum() == pytest.approx(1)
    assert found.index.tolist() == ["a", "b", "c", "unknown"] and found.index.name == "region"
    np.testing.assert_allclose(found["per_customer"] * found["customers"], found["value"])
    mixed = by_group(values.sample(frac=1, random_state=1), groups)
    pd.testing.assert_frame_equal(mixed, found)


def test_groups_by_hand():
    values = pd.DataFrame({"alive": [0.5, 1.0, 0.25], "value": [10.0, 20.0, -5.0]}, index=["A", "B", "C"])
    found = by_group(values, pd.Series(["x", "x", "y"], index=["A", "B", "C"]))
    assert found.loc["x"].tolist() == [2, 1.5, 30.0, 1.2, 15.0]
    assert found.loc["y"].tolist() == [1, 0.25, -5.0, -0.2, -5.0]
    assert found.index.name == "group"


def test_years_keep_their_names_where_a_customer_has_none():
    values = drawn(size=4)
    found = by_group(values, pd.Series([2024, 2023, 2024], index=values.index[:3], name="year"))
    assert found.index.tolist() == ["2023", "2024", "unknown"]
    pairs = pd.Series(["x", "y", "x", None], values.index, dtype="category")
    assert by_group(values, pairs).index.tolist() == ["unknown", "x", "y"]


def test_nobody_in_a_group_is_called_inactive_where_chances_are_not_known():
    values = drawn(size=6).assign(alive=np.nan)
    found = by_group(values, pd.Series(list("xxxyyy"), values.index))
    assert found["active"].isna().all() and found["value"].notna().all()


def test_shares_of_nothing_are_not_known():
    values = pd.DataFrame({"alive": 0.5, "value": [5.0, -5.0]}, index=["A", "B"])
    assert by_group(values, pd.Series(["x", "y"], ["A", "B"]))["share"].isna().all()


def test_the_first_assumption_is_neutral_and_a_scaled_value_keeps_the_order():
    value = drawn()["value"]
    found = other_assumptions({"here": value, "twice": 2 * value, "less": value * 0.1, "moved": value - 7})
    assert found.index.tolist() == ["here", "twice", "less", "moved"]
    assert found.loc["here"].tolist() == pytest.approx([value.sum(), 0, 1, 1, 0])
    assert (found["same"] == 1).all() and (found["lost"] == 0).all()
    assert found["rank_correlation"].to_numpy() == pytest.approx(1)
    assert found["change"].tolist()[:3] == pytest.approx([0, 1, -0.9])


def test_what_a_wrong_order_costs_by_hand():
    first = pd.Series([9.0, 8, 7, 1, 0], index=list("ABCDE"))
    other = pd.Series([1.0, 9, 2, 8, 0], index=list("ABCDE"))
    found = other_assumptions({"first": first, "other": other}, 0.4).loc["other"]
    # Picked are A and B, under the other assumption B and D.
    assert found["same"] == 0.5 and found["lost"] == (9 + 8) - (1 + 9)
    assert found["total"] == 20 and found["change"] == pytest.approx(20 / 25 - 1)
    assert found["rank_correlation"] == pytest.approx(1 - 6 * (9 + 1 + 0 + 4 + 0) / (5 * 24))


@pytest.mark.parametrize("seed", range(4))
def test_a_wrong_order_never_gains_and_the_order_of_rows_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    values = {name: drawn(size=60)["value"] + rng.normal(0, 10, 60) for name in "abc"}
    found = other_assumptions(values)
    assert (found["lost"] >= 0).all() and found["same"].between(0, 1).all()
    mixed = {name: own.sample(frac=1, random_state=seed) for name, own in values.items()}
    pd.testing.assert_frame_equal(other_assumptions(mixed), found)
    cents = other_assumptions({name: 100 * own for name, own in values.items()})
    pd.testing.assert_frame_equal(
        cents, found.assign(total=100 * found["total"], lost=100 * found["lost"]), rtol=1e-9
    )


def test_equal_values_are_picked_by_name_and_cost_nothing():
    value = pd.Series(1.0, index=[f"C{i}" for i in range(10)])
    tied = other_assumptions({"first": value, "other": value[::-1] * 3})
    assert (tied["same"] == 1).all() and (tied["lost"] == 0).all()
    assert tied["rank_correlation"].isna().all()
    some = pd.Series([5.0, 5, 5, 0], index=list("DCBA"))
    pushed = pd.Series([5.0, 5, 4, 0], index=list("DCBA"))
    found = other_assumptions({"first": some, "other": pushed}, 0.5).loc["other"]
    assert found["same"] == 0.5 and found["lost"] == 1  # B and C by name; then C and D by value


def test_nothing_in_total_has_no_change():
    zero = pd.Series([1.0, -1.0], index=["A", "B"])
    assert np.isnan(other_assumptions({"first": zero, "other": zero + 1}).loc["other", "change"])


def test_a_single_customer_and_everybody_may_be_picked():
    value = drawn(size=3)["value"]
    assert other_assumptions({"a": value, "b": -value}, 1.0)["same"].tolist() == [1, 1]
    assert other_assumptions({"a": value, "b": -value}, 0.01)["same"].tolist() == [1, 0]


@pytest.mark.parametrize("share", [0, -0.1, 1.5, np.nan])
def test_a_share_out_of_range_is_refused(share):
    value = drawn(size=3)["value"]
    with pytest.raises(ParameterError, match="picked_share"):
        other_assumptions({"a": value}, share)
