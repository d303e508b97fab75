"""Value and loyalty: four groups that hold everybody once, and how much hangs on the cut-offs."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.segments.value_loyalty import GROUPS, cut_sensitivity, value_loyalty
from crmlib.errors import DataError, ParameterError, TooLittleData


def people(count=400, seed=2):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "value": rng.normal(40, 60, count).round(2),
            "months_ahead": rng.exponential(14, count),
            "active_chance": rng.random(count),
        },
        index=[f"K{i:03d}" for i in range(count)],
    )


def test_who_is_at_the_cut_off_is_above_it():
    table = pd.DataFrame({"value": [50, 49.99, 50, 49.99], "months_ahead": [12, 12, 11.9, 11.9]})
    found = value_loyalty(table, 50, 12)
    assert found.customers["group"].tolist() == ["true friends", "barnacles", "butterflies", "strangers"]
    assert (found.value_cut, found.loyalty_cut, found.loyalty) == (50, 12, "months_ahead")


@pytest.mark.parametrize(("loyalty", "cut"), [("months_ahead", 10), ("active_chance", 0.5)])
def test_groups_hold_everybody_once_and_add_up_to_all_value(loyalty, cut):
    table = people()
    found = value_loyalty(table, 30, cut, loyalty)
    assert list(found.groups.index) == list(GROUPS)
    assert found.groups["customers"].sum() == len(table)
    assert found.groups["value"].sum() == pytest.approx(table["value"].sum())
    assert found.groups["value_share"].sum() == pytest.approx(1)
    for name, (high, long) in GROUPS.items():
        inside = table[((table["value"] >= 30) == high) & ((table[loyalty] >= cut) == long)]
        assert found.customers.index[found.customers["group"] == name].tolist() == inside.index.tolist()
        assert found.groups.loc[name, "mean_loyalty"] == pytest.approx(inside[loyalty].mean())


def test_an_empty_group_is_shown_and_losses_leave_no_share():
    found = value_loyalty(people().assign(value=-1.0), 0, 10)
    assert found.groups.loc["true friends", "customers"] == 0
    assert np.isnan(found.groups.loc["true friends", "mean_value"])
    assert found.groups["value_share"].isna().all()


def test_who_moves_is_counted_against_the_cut_offs_in_use():
    table = people()
    found = cut_sensitivity(table, [30, 20, 45], [12, 6])
    assert found.index[0] == (30, 12) and len(found) == 6
    assert found.iloc[0][["customers_moved", "value_moved"]].tolist() == [0, 0]
    first = value_loyalty(table, 30, 12).customers["group"]
    for (value_cut, months), row in found.iterrows():
        group = value_loyalty(table, value_cut, months).customers["group"]
        moved = group != first
        assert row["customers_moved"] == pytest.approx(moved.mean())
        assert row["value_moved"] == pytest.approx(
            table["value"].abs()[moved].sum() / table["value"].abs().sum()
        )
        assert row[list(GROUPS)].tolist() == group.value_counts().reindex(list(GROUPS), fill_value=0).tolist()


def test_without_any_value_no_share_of_it_moves():
    assert cut_sensitivity(people().assign(value=0), [1], [6, 12])["value_moved"].isna().all()


@pytest.mark.parametrize(
    ("table", "options", "error", "said"),
    [
        (people(), {"loyalty_cut": 0}, ParameterError, "loyalty_cut = 0"),
        (people(), {"loyalty_cut": 2, "loyalty": "active_chance"}, ParameterError, "loyalty_cut = 2"),
        (people(), {"value_cut": np.nan}, ParameterError, "value_cut = nan"),
        (people(), {"loyalty": "tenure_days"}, ParameterError, "loyalty = 'tenure_days'"),
        (
            people().assign(active_chance=50),
            {"loyalty": "active_chance", "loyalty_cut": 1},
            DataError,
            "active_chance = 50",
        ),
        (people().assign(months_ahead=-1), {}, DataError, "months_ahead = -1"),
        (people().assign(value=np.nan), {}, DataError, "value = nan"),
        (people().drop(columns="value"), {}, DataError, "no column value"),
        (people(0), {}, TooLittleData, "0 customers"),
    ],
)
def test_what_cannot_be_is_refused(table, options, error, said):
    with pytest.raises(error) as refused:
        value_loyalty(table, **({"value_cut": 30, "loyalty_cut": 12} | options))
    assert said in refused.value.found


@pytest.mark.parametrize("cuts", [[], [30, 30]])
def test_cut_offs_to_try_are_there_and_differ(cuts):
    with pytest.raises(ParameterError, match="value_cuts"):
        cut_sensitivity(people(), cuts, [12])
