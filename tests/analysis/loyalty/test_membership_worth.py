"""For whom a membership is worth it, and when nobody can say."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.loyalty.membership_worth import NOT_KNOWN, NOT_WORTH, WORTH, membership_worth
from crmlib.errors import DataError, ParameterError

EFFECT = SimpleNamespace(effect=0.25, low=0.10, high=0.50)


def test_members_margin_holds_the_effect_already():
    found = membership_worth(pd.Series({"A": 125.0, "B": 100.0}), pd.Index(["A"]), EFFECT, 0.0, 0.0)
    assert found["worth"].tolist() == pytest.approx([25.0, 25.0])


def test_the_verdict_is_that_of_the_whole_interval():
    margin = pd.Series({"large": 1000.0, "middle": 60.0, "small": 10.0, "none": np.nan})
    found = membership_worth(margin, pd.Index([]), EFFECT, fee_per_year=2.0, reward_cost_per_year=12.0)
    assert found["verdict"].to_dict() == {
        "large": WORTH, "middle": NOT_KNOWN, "small": NOT_WORTH, "none": NOT_KNOWN,
    }  # fmt: skip


def test_an_effect_that_may_be_nothing_is_worth_nothing_for_sure_to_nobody():
    unsure = SimpleNamespace(effect=0.1, low=-0.05, high=0.3)
    found = membership_worth(pd.Series([10.0, 1e4]), pd.Index([]), unsure, 0.0, 5.0)
    assert WORTH not in set(found["verdict"])


def test_a_customer_who_loses_money_loses_more_with_more_orders():
    found = membership_worth(pd.Series([-100.0]), pd.Index([]), EFFECT, 0.0, 0.0).iloc[0]
    assert found["low"] == pytest.approx(-50) and found["high"] == pytest.approx(-10)
    assert found["verdict"] == NOT_WORTH


def test_negative_costs_and_customers_twice_are_refused():
    with pytest.raises(ParameterError, match="fee_per_year = -1"):
        membership_worth(pd.Series([1.0]), pd.Index([]), EFFECT, -1.0, 0.0)
    with pytest.raises(DataError, match="customer A twice"):
        membership_worth(pd.Series([1.0, 2.0], ["A", "A"]), pd.Index([]), EFFECT, 0.0, 0.0)
