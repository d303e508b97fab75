"""Ways to choose, valued alike."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.actions.choice import choose_actions
from crmlib.analysis.actions.expected import expected_profit
from crmlib.analysis.actions.options import Options
from crmlib.analysis.actions.policies import BEST, EVERYONE, NOBODY, RISK, compare_policies, risk_and_value
from crmlib.analysis.actions.rates import prior_rates, update_rates

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


def test_no_rival_within_the_limits_earns_more_than_the_best_list():
    """Tests close up-sell although its mean is above 0, and leave save worth doing with those who gain for sure."""
    seen = pd.DataFrame(
        {"effect": [0.02, 0.3], "error": [0.019, 0.1], "gain": 1.0}, index=["up-sell", "save"]
    )
    rates = update_rates(prior_rates(), seen)
    assert rates.loc[["up-sell", "save"], "verdict"].tolist() == ["not proven", "untested"]
    rates.loc["save", ["basis", "verdict"]] = ["test", "proven"]
    gains = np.linspace(20, 60, 40)
    ids = [f"C{number:02d}" for number in range(40)]
    offers = {
        "up-sell": pd.DataFrame({"gain": 900.0, "cost": 3.0}, index=ids),
        "save": pd.DataFrame({"gain": gains, "cost": 3.0}, index=ids),
    }
    profit = expected_profit(Options.of(pd.Index(ids), offers), rates)
    assert ((profit.table["profit"] > 0) & ~profit.table["worth_doing"]).sum() > 40
    limits = {"money": 45.0}
    risk = pd.Series(np.linspace(0.9, 0.1, 40), index=ids)
    best = choose_actions(profit, limits)
    table, lists = compare_policies(profit, limits, best, risk, pd.Series(gains, index=ids))
    assert table.loc[[RISK, "value at risk", NOBODY], "profit"].max() <= table.loc[BEST, "profit"] + 1e-9
    names = profit.options.names()
    assert all("up-sell" not in names[own] for own in lists.values())


def test_where_tests_closed_everything_nobody_is_on_any_list():
    offers = {"save": pd.DataFrame({"gain": 100.0, "cost": 3.0}, index=IDS)}
    rates = update_rates(
        prior_rates(), pd.DataFrame({"effect": [0.0], "error": [0.01], "gain": 1.0}, index=["save"])
    )
    profit = expected_profit(Options.of(pd.Index(IDS), offers), rates)
    limits, same = {"money": 6.0}, pd.Series(0.5, index=IDS)
    table, _ = compare_policies(profit, limits, choose_actions(profit, limits), same, same)
    assert (table["customers"] == 0).all() and (table["profit"] == 0).all()


def test_what_churn_does_not_know_the_values_say():
    churn = pd.DataFrame({"customer_id": ["B"], "churn_probability": 0.7, "worth_if_kept": 9.0})
    values = pd.DataFrame({"customer_id": ["B", "A"], "alive": [0.9, 0.5], "value_12": [90.0, 10.0]})
    risk, value = risk_and_value({"churn": churn, "lifetime_value": values})
    assert risk.to_dict() == {"A": 0.5, "B": 0.7} and value.to_dict() == {"A": 20.0, "B": 9.0}
    blind = values.assign(alive=np.nan)
    assert risk_and_value({"churn": None, "lifetime_value": blind})[0].empty


def test_a_simple_forecast_says_no_value_if_kept():
    simple = pd.DataFrame(
        {"customer_id": ["A", "B"], "alive": [0.5, 0.01], "value_12": 10.0, "basis": "simple forecast"}
    )
    churn = pd.DataFrame({"customer_id": ["A"], "churn_probability": [0.3], "worth_if_kept": [40.0]})
    risk, value = risk_and_value({"churn": churn, "lifetime_value": simple})
    assert risk.to_dict() == {"A": 0.3, "B": 0.99} and value.dropna().to_dict() == {"A": 40.0}
