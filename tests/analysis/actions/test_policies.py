"""Ways to choose, valued alike."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.actions.choice import choose_actions
from crmlib.analysis.actions.expected import expected_profit
from crmlib.analysis.actions.options import Options
from crmlib.analysis.actions.policies import BEST, EVERYONE, NOBODY, RISK, compare_policies, risk_and_value
from crmlib.analysis.actions.rates import prior_rates

IDS = ["A", "B", "C", "D"]


@pytest.fixture(scope="module")
def compared():
    """A is most at risk and worth nothing, B worth most; by hand: profits -2, 7, 2 and 1 at a cost of 3 each."""
    offers = {"save": pd.DataFrame({"gain": [10.0, 100.0, 50.0, 40.0], "cost": 3.0}, index=IDS)}
    profit = expected_profit(Options.of(pd.Index(IDS), offers), prior_rates())
    limits = {"money": 6.0}
    risk = pd.Series([0.9, 0.5, 0.4, np.nan], index=IDS)
    value = pd.Series([1.0, 200.0, 10.0, 900.0], index=IDS)
    return compare_policies(profit, limits, choose_actions(profit, limits), risk, value)


def test_by_hand(compared):
    table, _ = compared
    assert table["profit"].round(6).to_dict() == {
        BEST: 9.0, "value at risk": 9.0, RISK: 5.0, EVERYONE: 8.0, NOBODY: 0.0
    }  # fmt: skip
    assert table["customers"].to_dict() == {BEST: 2, "value at risk": 2, RISK: 2, EVERYONE: 4, NOBODY: 0}


def test_lists_by_rank_keep_within_the_limits_and_know_the_unknown_last(compared):
    _, lists = compared
    assert lists[RISK].tolist() == [True, True, False, False]
    assert lists["value at risk"].tolist() == [False, True, True, False]


def test_what_is_spent_and_where_it_breaks_even(compared):
    table, _ = compared
    assert table.loc[EVERYONE, "cost"] == 12 and table.loc[EVERYONE, "break_even"] == pytest.approx(12 / 20)
    assert np.isnan(table.loc[NOBODY, "break_even"])


def test_what_churn_does_not_know_the_values_say():
    churn = pd.DataFrame({"customer_id": ["B"], "churn_probability": 0.7, "worth_if_kept": 9.0})
    values = pd.DataFrame({"customer_id": ["B", "A"], "alive": [0.9, 0.5], "value_12": [90.0, 10.0]})
    risk, value = risk_and_value({"churn": churn, "lifetime_value": values})
    assert risk.to_dict() == {"A": 0.5, "B": 0.7} and value.to_dict() == {"A": 20.0, "B": 9.0}
    blind = values.assign(alive=np.nan)
    assert risk_and_value({"churn": None, "lifetime_value": blind})[0].empty
