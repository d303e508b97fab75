"""The truth of a list of contacts, by hand on three customers."""

import pandas as pd
import pytest

from crmlib.analysis.actions.list_truth import PERFECT, lists_truth


@pytest.fixture
def gains():
    """A orders more, B is driven away, C has left already."""
    return pd.DataFrame(
        {"gained": [6.0, 0.0, 9.0], "lost": [0.0, 12.0, 0.0], "there": [True, True, False]},
        index=["A", "B", "C"],
    )


def test_by_hand(gains):
    table = lists_truth(
        {"list": pd.Series({"A": 3.0, "C": 3.0}), "nobody": pd.Series(dtype=float)}, gains, 2.0
    )
    assert table.loc["list"].to_dict() == {
        "contacts": 2,
        "gained": 6.0,
        "lost": 0.0,
        "cost": 6.0,
        "profit": 0.0,
    }
    assert table.loc["nobody", "profit"] == 0
    assert table.loc[PERFECT, ["contacts", "profit"]].tolist() == [1, 4.0]


def test_who_is_not_in_the_truth_costs_and_brings_nothing(gains):
    assert lists_truth({"x": pd.Series({"Z": 3.0})}, gains, 2.0).loc["x", "profit"] == -3.0
