"""RFM scores: ties, edges, nesting, and cells that cover everybody once."""

import itertools

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.segments.rfm import CELLS, equal_groups, rfm, rfm_cell
from crmlib.errors import DataError, ParameterError, TooLittleData


def people(count=500, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "recency_days": rng.integers(0, 300, count),
            "frequency": rng.geometric(0.4, count),
            "money": rng.lognormal(4, 1, count).round(2),
        },
        index=[f"K{i:04d}" for i in range(count)],
    )


def plain_score(values, groups):
    """The score of each value by counting who is below and who is equal."""
    return [
        int(groups * (sum(o < v for o in values) + sum(o == v for o in values) / 2) / len(values)) + 1
        for v in values
    ]


def test_equal_groups_agree_with_counting_and_ties_share_a_group():
    values = np.array([3, 1, 1, 1, 7, 7, 2, 9, 9, 9, 9, 4], float)
    for groups in (2, 3, 5, 12):
        assert equal_groups(values, groups).tolist() == plain_score(values.tolist(), groups)


def test_values_without_ties_make_equal_groups():
    assert (
        np.bincount(equal_groups(np.random.default_rng(0).permutation(100) * 1.0, 5)).tolist()
        == [0] + [20] * 5
    )


def test_order_of_rows_and_names_of_customers_change_nothing():
    table = people()
    mixed = table.sample(frac=1, random_state=3)
    for nested in (False, True):
        first, second = rfm(table, nested=nested), rfm(mixed, nested=nested)
        pd.testing.assert_frame_equal(first.customers, second.customers.loc[table.index])
        pd.testing.assert_frame_equal(first.cells, second.cells)
        renamed = rfm(table.set_axis(range(len(table))), nested=nested)
        assert renamed.customers["cell"].tolist() == first.customers["cell"].tolist()


def test_recent_frequent_and_large_customers_score_high():
    table = people()
    scored = rfm(table).customers
    for measure, name, sign in (
        ("recency_days", "recency_score", -1), ("frequency", "frequency_score", 1), ("money", "money_score", 1),
    ):  # fmt: skip
        order = np.argsort(sign * table[measure].to_numpy(), kind="stable")
        assert (np.diff(scored[name].to_numpy()[order]) >= 0).all()


def test_ties_and_unequal_groups_are_reported():
    """Shares of purchase days as in Online Retail: a third bought once, so five equal groups cannot be."""
    often = np.repeat([1, 2, 3, 4, 6, 12], [34, 19, 12, 9, 14, 12])
    table = people(100).assign(frequency=often)
    found = rfm(table)
    assert found.ties.loc["frequency", ["values", "asked"]].tolist() == [6, 5]
    assert found.ties.loc["frequency", "largest_tie"] == 0.34
    # Middles of the values by hand: 17, 43.5, 59, 69.5, 81, 94 of 100.
    assert found.groups.loc["frequency", "customers"].to_dict() == {5: 26, 4: 9, 3: 31, 2: 0, 1: 34}
    assert found.unequal == ("frequency",)
    assert found.groups.loc[("frequency", 3), ["least", "most"]].tolist() == [2, 3]
    assert found.groups.loc[("frequency", 2), ["least", "most"]].isna().all()


def test_edges_are_the_lowest_value_of_the_better_group_and_the_most_days():
    table = pd.DataFrame(
        {"recency_days": [30, 31, 90, 91], "frequency": [1, 2, 4, 5], "money": [99.99, 100, 1, 500]},
        index=list("ABCD"),
    )
    found = rfm(table, {"recency_days": [30, 90], "frequency": [2, 5], "money": [100]}).customers
    assert found["recency_score"].tolist() == [3, 2, 2, 1]
    assert found["frequency_score"].tolist() == [1, 2, 2, 3]
    assert found["money_score"].tolist() == [1, 2, 1, 2]


def test_edges_take_a_constant_column_since_they_are_absolute():
    found = rfm(people().assign(frequency=1), {"frequency": [2, 5]})
    assert set(found.customers["frequency_score"]) == {1}
    assert found.ties.loc["frequency", ["asked", "found"]].tolist() == [3, 1]


def test_nested_scores_are_those_within_the_group_before():
    table = people()
    found = rfm(table, nested=True).customers
    np.testing.assert_array_equal(found["recency_score"], rfm(table).customers["recency_score"])
    for _, part in found.groupby("recency_score"):
        assert part["frequency_score"].tolist() == plain_score(table.loc[part.index, "frequency"].tolist(), 5)
    for _, part in found.groupby(["recency_score", "frequency_score"]):
        assert part["money_score"].tolist() == plain_score(table.loc[part.index, "money"].tolist(), 5)


def test_every_combination_of_fifths_has_exactly_one_cell():
    for recency, both in itertools.product(range(1, 6), range(1, 6)):
        inside = [n for n, ((a, b), (c, d)) in CELLS.items() if a <= recency <= b and c <= both <= d]
        assert len(inside) == 1
        assert rfm_cell(np.array([recency]), np.array([both]), np.array([both])).tolist() == inside


def test_half_a_fifth_is_rounded_up_and_other_numbers_of_groups_land_on_fifths():
    assert rfm_cell(np.array([2]), np.array([4]), np.array([5])).tolist() == ["cannot lose"]
    table = people()
    thirds = rfm(table, 3).customers
    best = (thirds[["recency_score", "frequency_score", "money_score"]] == 3).all(axis=1)
    worst = (thirds[["recency_score", "frequency_score", "money_score"]] == 1).all(axis=1)
    assert set(thirds.loc[best, "cell"]) == {"champions"} and set(thirds.loc[worst, "cell"]) == {"lost"}


def test_cells_add_up_to_all_customers_and_all_money():
    table = people()
    found = rfm(table)
    assert list(found.cells.index) == list(CELLS)
    assert found.cells["customers"].sum() == len(table) and found.cells["share"].sum() == pytest.approx(1)
    assert found.cells["money"].sum() == pytest.approx(table["money"].sum())
    name = found.cells["customers"].idxmax()
    inside = table[found.customers["cell"] == name]
    assert found.cells.loc[name, "recency_days"] == pytest.approx(inside["recency_days"].mean())


def test_input_is_not_changed():
    table = people()
    before = table.copy()
    rfm(table)
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(
    ("table", "cuts", "error", "said"),
    [
        (people().assign(money=5.0), 5, TooLittleData, "money = 5 for all"),
        (people(4), 5, TooLittleData, "4 customers"),
        (people(0), 5, TooLittleData, "0 customers"),
        (people().assign(frequency=np.nan), 5, DataError, "frequency = nan"),
        (people().assign(recency_days=-1), 5, DataError, "recency_days = -1"),
        (people().drop(columns="money"), 5, DataError, "no column money"),
        (people(), 1, ParameterError, "cuts of recency_days = 1"),
        (people(), {"money": [10, 10]}, ParameterError, "cuts of money"),
        (people(), {"money": []}, ParameterError, "cuts of money"),
        (people(), {"monney": 5}, ParameterError, "cuts for monney"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_its_reason(table, cuts, error, said):
    with pytest.raises(error) as refused:
        rfm(table, cuts)
    assert said in refused.value.found


def test_losses_leave_no_share_of_money():
    found = rfm(people().assign(money=lambda t: -t["money"]))
    assert found.cells["money_share"].isna().all()
