"""Directions: one state each, in a stated order, with cut-offs that treat equal values alike."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.segments.directions import ORDER, STATES, direction_moves, direction_rules, directions
from crmlib.errors import DataError, ParameterError, TooLittleData


def people(count=600, seed=1):
    rng = np.random.default_rng(seed)
    tenure = rng.integers(0, 1500, count)
    purchases = np.maximum(rng.poisson(tenure / 200), 1)
    recency = np.where(purchases == 1, tenure, np.minimum(rng.integers(0, 800, count), tenure))
    return pd.DataFrame(
        {
            "recency_days": recency, "tenure_days": tenure, "purchases": purchases,
            "categories": rng.integers(0, 6, count), "value_ahead": rng.normal(40, 60, count).round(1),
        },
        index=[f"K{number:03d}" for number in range(count)],
    ).astype({"recency_days": float, "tenure_days": float})  # fmt: skip


def voices(table, share=0.1):
    speaks = np.random.default_rng(9).random(len(table)) < share
    return pd.DataFrame({"speaks": speaks}, index=table.index)[5:]


def state_of(row, rules, speaks):
    """The order of the conditions, customer by customer."""
    value, silent = row["value_ahead"], not row["recency_days"] < rules.silent_days
    if speaks and value >= rules.worthy:
        return "advocates"
    if row["purchases"] == 0:
        return "win"
    if row["purchases"] == 1 and max(row["recency_days"], row["tenure_days"]) < rules.window_days:
        return "win"
    if value > 0 and value >= rules.first_rank:
        return "keep"
    if value < 0 and not silent:
        return "mend"
    if not value > 0 or silent:
        return "resting"
    return "grow" if row["categories"] < rules.room_below else "steady"


def test_everybody_has_the_first_state_whose_condition_holds():
    table = people()
    table.loc["K007", "value_ahead"] = np.nan
    table.loc["K008", ["purchases", "recency_days", "tenure_days", "value_ahead"]] = [
        0,
        np.nan,
        np.nan,
        np.nan,
    ]
    rules = direction_rules(table)
    said = voices(table)
    found = directions(table, rules, said)
    speaks = said["speaks"].reindex(table.index, fill_value=False)
    expected = [state_of(row, rules, speaks[name]) for name, row in table.iterrows()]
    assert found.customers["state"].tolist() == expected
    assert set(expected) == set(STATES) == set(ORDER)
    assert found.states["customers"].sum() == len(table) and found.states["share"].sum() == pytest.approx(1)
    assert found.states["value"].sum() == pytest.approx(table["value_ahead"].sum())
    assert found.unvalued == 2
    assert found.customers["state"][["K007", "K008"]].isin(["win", "resting"]).all()


def test_without_voices_there_are_no_advocates_and_the_row_is_still_there():
    table = people()
    found = directions(table, direction_rules(table), left_out=("survey",))
    assert found.states.loc["advocates", ["customers", "value"]].tolist() == [0, 0]
    assert list(found.states.index) == list(STATES) and found.left_out == ("survey",)


def test_cut_offs_are_values_of_the_customers_and_equal_values_stay_together():
    table = people().assign(value_ahead=np.repeat([1.0, 5, 9], 200))
    rules = direction_rules(table, top_share=0.2)
    assert (rules.first_rank, rules.worthy) == (9, 5)
    found = directions(table, rules)
    top = found.customers["state"][table["value_ahead"] == 9]
    assert set(top) <= {"keep", "win"}
    assert rules.room_below == table.loc[table["value_ahead"] == 9, "categories"].median()


def test_the_top_share_is_met_where_values_differ():
    table = people()
    rules = direction_rules(table, top_share=0.1)
    assert (table["value_ahead"] >= rules.first_rank).mean() == pytest.approx(0.1, abs=0.005)
    assert {rules.first_rank, rules.worthy} <= set(table["value_ahead"])


def test_where_most_are_worth_nothing_the_first_rank_still_is_worth_something():
    table = people().assign(value_ahead=np.r_[np.zeros(590), np.full(10, 3.0)])
    rules = direction_rules(table, top_share=0.5)
    found = directions(table, rules)
    assert rules.first_rank == 3 and (found.customers["value"][found.customers["state"] == "keep"] == 3).all()


def test_all_equal_customers_are_in_one_rank_and_one_customer_is_enough():
    table = people().assign(value_ahead=7.0, purchases=5)
    assert set(directions(table, direction_rules(table)).customers["state"]) == {"keep"}
    one = people()[:1].assign(value_ahead=4.0, purchases=3)
    assert directions(one, direction_rules(one)).states.loc[
        "keep", ["customers", "value_share"]
    ].tolist() == [1, 1]


def test_value_and_breadth_are_taken_from_what_there_is():
    table = people().rename(columns={"value_ahead": "money", "categories": "frequency"})
    rules = direction_rules(table)
    assert (rules.value, rules.breadth) == ("money", "frequency")
    assert direction_rules(people().assign(expected_margin=1.0), "expected_margin").first_rank == 1


def test_rows_and_names_do_not_matter():
    table = people()
    said = voices(table)
    first = directions(table, direction_rules(table), said)
    rows = np.random.default_rng(2).permutation(len(table))
    again = directions(table.iloc[rows], direction_rules(table.iloc[rows]), said)
    pd.testing.assert_frame_equal(first.customers, again.customers.loc[table.index])
    pd.testing.assert_frame_equal(first.states, again.states)


def test_moves_are_counted_by_the_same_rules_and_new_customers_are_new():
    before, after = people(400, 1), people(600, 2)
    rules = direction_rules(before)
    was, now = directions(before, rules), directions(after, rules)
    found = direction_moves(was, now)
    assert found.counts.loc["new"].sum() == 200 and found.counts.to_numpy().sum() == 600
    assert found.counts.loc["keep"].sum() == was.states.loc["keep", "customers"]
    assert found.counts["grow"].sum() == now.states.loc["grow", "customers"]
    cell = found.cells.loc[("keep", "resting")]
    assert cell["low"] < cell["share"] < cell["high"]
    assert list(found.counts.columns) == [*STATES, "inactive"] and found.counts["inactive"].sum() == 0
    other = directions(after, replace(rules, window_days=30))
    with pytest.raises(ParameterError, match="different rules"):
        direction_moves(was, other)


def test_what_cannot_have_a_state_is_refused():
    table = people()
    rules = direction_rules(table)
    with pytest.raises(DataError, match="no column categories"):
        directions(table.drop(columns="categories"), rules)
    with pytest.raises(DataError, match="no column value_ahead"):
        direction_rules(table.drop(columns="value_ahead"))
    with pytest.raises(DataError, match="twice"):
        directions(pd.concat([table, table[:1]]), rules)
    with pytest.raises(TooLittleData, match="above 0"):
        direction_rules(table.assign(value_ahead=-1.0))
    with pytest.raises(TooLittleData):
        directions(table[:0], rules)
    with pytest.raises(ParameterError, match="top_share = 20"):
        direction_rules(table, top_share=20)
