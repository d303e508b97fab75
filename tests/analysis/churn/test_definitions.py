"""Definitions side by side: rates, overlaps and value by hand, and nobody judged who cannot be."""

from datetime import date, timedelta

import pandas as pd
import pytest

from crmlib.analysis.churn.activity import customer_activity
from crmlib.analysis.churn.definitions import compare_definitions
from crmlib.analysis.churn.windows import ChurnWindows
from crmlib.analysis.intervals import wilson_interval
from crmlib.errors import DataError, ParameterError, TooLittleData

FIRST, LENGTH = date(2025, 1, 1), 200
# Days from the first on which each customer buys. The longest window (60) leaves day 139 to look from.
BOUGHT = {
    "A": [100, 110, 120, 130, 145],  # every ten days, back after 6
    "B": [100, 110, 120, 130, 165],  # back after 26
    "C": [60, 100, 139, 185],  # back after 46
    "D": [130],  # once
    "E": [90, 135, 199],  # back after 60, on the last day but none
    "F": [10, 20],  # not eligible
    "G": [0, 120],  # a gap of 120 days: own window beyond the data
}


@pytest.fixture(scope="module")
def activity(tables):
    rows = [
        {"customer_id": who, "ordered_at": str(FIRST + timedelta(days=day)), "net_amount": "10"}
        for who, days in BOUGHT.items()
        for day in days
    ]
    return customer_activity(tables(orders=rows), FIRST + timedelta(days=LENGTH - 1), 0.4)


@pytest.fixture(scope="module")
def windows():
    return ChurnWindows(30, 50, 30, (), FIRST, FIRST + timedelta(days=LENGTH - 1), pd.DataFrame())


def test_lists_by_hand(activity, windows):
    found = compare_definitions(activity, windows, outcome_windows=[20, 60], factors=[2, 3])
    assert found.day == FIRST + timedelta(days=139)
    assert found.flags.index.tolist() == ["A", "B", "C", "D", "E", "G"]
    assert found.who("20 days").tolist() == ["B", "C", "D", "E", "G"]
    assert found.who().tolist() == ["C", "D", "E", "G"]  # 30 days
    assert found.who("2 months").tolist() == ["D", "G"]
    # Two gaps: A until 150, B until 150, C (39.5) until 218 and so not known yet, D by the median of 39.5 until 209.
    # E (45) until 225, G until 360.
    assert found.flags["2 gaps"].isna().tolist() == [False, False, True, True, True, True]
    assert found.who("2 gaps").tolist() == ["B"]
    table = found.table
    assert table["undecided"].tolist() == [0, 0, 0, 4, 4]
    assert table["customers"].tolist() == [6, 6, 6, 2, 2]
    assert table["overlap"].tolist() == [4 / 5, 1.0, 2 / 4, 0 / 5, 0 / 5]
    for name, row in table.iterrows():
        assert (row["low"], row["high"]) == pytest.approx(
            wilson_interval(row["churned"], row["customers"])
        ), name
        assert row["rate"] == row["churned"] / row["customers"]


def test_value_is_the_margin_of_the_year_before_or_as_given(activity, windows):
    found = compare_definitions(activity, windows, outcome_windows=[60], factors=[2])
    assert found.value.to_dict() == {"A": 16, "B": 16, "C": 12, "D": 4, "E": 8, "G": 8}
    assert found.table.loc["30 days", "value_at_stake"] == 12 + 4 + 8 + 8
    assert found.table.loc["30 days", "value_share"] == pytest.approx(32 / 64)
    own = pd.Series({"C": 100.0, "G": 50.0, "Z": 7.0})
    given = compare_definitions(activity, windows, outcome_windows=[60], factors=[2], value=own)
    assert given.table["value_at_stake"].to_dict() == {"30 days": 150.0, "2 months": 50.0, "2 gaps": 0.0}


def test_a_longer_window_never_counts_more(activity, windows):
    found = compare_definitions(activity, windows, outcome_windows=[5, 10, 20, 40, 60], factors=[1, 2, 3])
    assert found.table["churned"].iloc[:6].is_monotonic_decreasing
    assert (found.table.loc[found.chosen, "overlap"]) == 1


def test_every_row_carries_its_definition(activity, windows):
    found = compare_definitions(activity, windows)
    assert found.table["words"].is_unique and found.table.index.is_unique
    assert found.table["words"].str.contains("no purchase").all()
    assert found.windows["30 days"] == 30 and set(found.windows) < set(found.table.index)


def test_what_cannot_be_answered_is_refused(activity, windows):
    with pytest.raises(TooLittleData, match="a window of 300 days"):
        compare_definitions(activity, windows, outcome_windows=[300])
    with pytest.raises(ParameterError, match="factors"):
        compare_definitions(activity, windows, factors=[0])
    twice = pd.Series([1.0, 2.0], index=["A", "A"])
    with pytest.raises(DataError, match="two values of customer 'A'"):
        compare_definitions(activity, windows, value=twice)
    narrow = ChurnWindows(150, 1, 30, (), FIRST, activity.as_of, pd.DataFrame())
    with pytest.raises(TooLittleData, match="nobody who bought in the 1 days"):
        compare_definitions(activity, narrow, outcome_windows=[150])
