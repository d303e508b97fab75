"""Raises from today's level: only who goes up counts, at the difference of two levels, by plain arithmetic."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.segments.raises import raises
from crmlib.errors import DataError, ParameterError

LEVELS = pd.DataFrame(
    {"cost": [1.0, 4.0, 10.0, 30.0]}, index=["basic", "reactive", "accountable", "proactive"]
)


def test_only_who_goes_up_costs_and_brings():
    planned = pd.Series(["proactive", "reactive", "basic", "accountable"], list("ABCD"))
    lived = pd.Series(["reactive", "reactive", "proactive", "basic"], list("ABCD"))
    found = raises(planned, lived, pd.Series([1000.0, 80.0, 500.0, 100.0], list("ABCD")), LEVELS, 0.05)
    assert found["steps"].tolist() == [2, 0, 0, 2]
    assert found["raise_cost"].tolist() == [26.0, 0.0, 0.0, 9.0]
    assert found["more"].tolist() == [100.0, 0.0, 0.0, 10.0]
    assert found["level_gain"].tolist() == [74.0, 0.0, 0.0, 1.0]


def test_without_the_level_of_today_everybody_starts_at_the_lowest():
    planned = pd.Series(["accountable", "basic"])
    found = raises(planned, None, pd.Series([100.0, 100.0]), LEVELS, 0.1)
    assert found["raise_cost"].tolist() == [9.0, 0.0] and found["level_gain"].tolist() == [11.0, 0.0]


def test_a_loss_is_not_made_larger_and_a_category_reads_like_a_name():
    planned = pd.Series(pd.Categorical(["reactive"], list(LEVELS.index), ordered=True))
    assert raises(planned, None, pd.Series([-50.0]), LEVELS, 0.1)["level_gain"].tolist() == [-3.0]


def test_what_cannot_be_told_is_refused():
    with pytest.raises(DataError, match="partner"):
        raises(pd.Series(["partner"]), None, pd.Series([1.0]), LEVELS, 0.1)
    with pytest.raises(DataError):
        raises(pd.Series(["basic"]), None, pd.Series([np.nan]), LEVELS, 0.1)
    with pytest.raises(ParameterError):
        raises(pd.Series(["basic"]), None, pd.Series([1.0]), LEVELS, np.inf)
