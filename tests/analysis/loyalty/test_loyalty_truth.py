"""Estimates beside the truth of a simulated company."""

import pandas as pd
import pytest

from crmlib.analysis.loyalty.loyalty_truth import OURS, comparisons_beside_truth, true_club_effect
from crmlib.analysis.loyalty.naive import MEMBERS, naive_comparisons
from crmlib.intake.simulate.company import PARAMETERS


def test_the_truth_is_read_from_the_parameters_of_the_simulation():
    table = pd.DataFrame(
        [(name, str(value)) for name, (value, _) in PARAMETERS.items()], columns=["name", "value"]
    )
    assert true_club_effect(table) == PARAMETERS["club_on_rate"][0]
    assert true_club_effect(None) is None
    assert true_club_effect(table.iloc[:0]) is None


def test_only_the_design_used_holds_the_truth(big_club, found):
    table = comparisons_beside_truth(naive_comparisons(big_club), found, 0.08)
    assert table.index[-1] == OURS and table["holds_truth"].tolist() == [False] * (len(table) - 1) + [True]
    assert table.loc[MEMBERS, "off_by"] == pytest.approx(table.loc[MEMBERS, "effect"] - 0.08)
    assert table["off_by"].abs().idxmin() == OURS


def test_without_a_truth_there_is_nothing_to_be_off_by(big_club, found):
    assert "off_by" not in comparisons_beside_truth(naive_comparisons(big_club), found)
