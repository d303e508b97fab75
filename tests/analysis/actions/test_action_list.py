"""The list of the month: every customer once, with a reason, and money that adds up."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.actions.action_list import COLUMNS, action_list, by_action, chosen_actions, definition
from crmlib.analysis.actions.choice import best_actions
from crmlib.analysis.actions.expected import expected_profit
from crmlib.analysis.actions.menu import MENU
from crmlib.analysis.actions.options import Options
from crmlib.analysis.actions.rates import prior_rates, update_rates
from crmlib.display.tables import write_table
from crmlib.errors import DataError

TODAY = date(2026, 6, 30)
IDS = ["0012", "=A1", "C", "D"]


@pytest.fixture(scope="module")
def offers():
    return {
        "save": pd.DataFrame(
            {"gain": [100.0, 60.0], "cost": 3.0, "p": [0.5, 0.2], "why": ""}, index=["0012", "=A1"]
        ),
        "reprice": pd.DataFrame(
            {"gain": [40.0], "cost": 9.0, "product": "=cap", "cause": "Discounts"}, index=["D"]
        ),
    }


@pytest.fixture(scope="module")
def chosen(offers):
    profit = expected_profit(Options.of(pd.Index(IDS), offers), prior_rates())
    options = profit.options.table.assign(profit=profit.table["profit"])
    return chosen_actions(profit, best_actions(options, {}))


@pytest.fixture(scope="module")
def listed(offers, chosen):
    arm = pd.Series({"0012": "contact", "=A1": "hold out", "D": "contact"})
    segments = pd.Series({"0012": "Friends", "C": "Strangers"})
    return action_list(pd.Index(IDS), chosen, offers, arm, TODAY, "abc", segments)


def test_everybody_stands_once_and_nothing_is_the_default(listed):
    assert tuple(listed.columns) == COLUMNS
    assert listed["customer_id"].tolist() == sorted(IDS)
    rows = listed.set_index("customer_id")
    assert rows.loc["C", ["action", "arm", "reason", "channel", "segment"]].tolist() == [
        "nothing", "leave alone", "", "", "Strangers"
    ]  # fmt: skip
    assert (rows.loc["C", ["expected_profit", "low", "high", "rate", "gain", "cost"]] == 0).all()
    assert pd.isna(rows.loc["C", "expires_on"])


def test_what_is_promised_is_rate_times_gain_less_cost(listed):
    own = listed[listed["action"] != "nothing"]
    assert np.allclose(own["expected_profit"], own["rate"] * own["gain"] - own["cost"], atol=0.005)
    assert (own["low"] < own["expected_profit"]).all() and (own["expected_profit"] < own["high"]).all()
    assert own.set_index("customer_id")["expected_profit"].to_dict() == {"0012": 7.0, "=A1": 3.0, "D": 21.0}


def test_an_action_expires(listed):
    rows = listed.set_index("customer_id")
    days = (rows["expires_on"] - rows["listed_on"]).dt.days
    assert days["0012"] == MENU["save"].days_valid and days["D"] == MENU["reprice"].days_valid
    assert (listed["listed_on"] == pd.Timestamp(TODAY)).all() and set(listed["list_id"]) == {
        "actions-2026-06-30"
    }


def test_sums_by_action_leave_those_held_out_aside(listed):
    table = by_action(listed)
    assert list(table.index) == ["save", "reprice", "nothing"]
    assert table.loc["save", ["customers", "contacted", "held_out", "promised", "forgone", "cost"]].tolist() == [
        2, 1, 1, 7.0, 3.0, 3.0
    ]  # fmt: skip
    assert table["customers"].sum() == len(IDS)
    assert table["promised"].sum() + table["forgone"].sum() == pytest.approx(listed["expected_profit"].sum())


def test_saved_it_is_safe_in_a_spreadsheet_and_keeps_leading_zeros(listed, tmp_path):
    write_table(listed, tmp_path, "actions")
    text = (tmp_path / "actions.csv").read_text(encoding="utf-8")
    assert "\n0012," in text and "\n'=A1," in text and ",'=cap," in text
    back = pd.read_parquet(tmp_path / "actions.parquet")
    assert back["customer_id"].tolist() == sorted(IDS) and back.loc[1, "product"] == ""
    assert back["expected_profit"].sum() == pytest.approx(listed["expected_profit"].sum(), abs=1e-9)


def test_a_label_changes_with_what_the_list_hangs_on_and_not_with_what_tests_add():
    rules = {"budget": 100.0, "rest_days": 60}
    first = definition(prior_rates(), rules)
    seen = pd.DataFrame({"effect": [1.0], "error": 1.0, "gain": 10.0}, index=["save"])
    assert definition(update_rates(prior_rates(), seen), dict(reversed(rules.items()))) == first
    assert (
        len(
            {
                first,
                definition(prior_rates(["save 0.2"]), rules),
                definition(prior_rates(), rules | {"budget": 1}),
            }
        )
        == 3
    )


def test_everybody_chosen_needs_an_arm_and_a_place(offers, chosen):
    with pytest.raises(DataError, match="3 without an arm"):
        action_list(pd.Index(IDS), chosen, offers, pd.Series(dtype="str"), TODAY, "abc")
    with pytest.raises(DataError, match="1 customers with an action"):
        action_list(pd.Index(IDS[:3]), chosen, offers, pd.Series("contact", chosen.index), TODAY, "abc")


def test_with_nobody_chosen_everybody_is_left_alone(offers, chosen):
    listed = action_list(pd.Index(IDS), chosen.iloc[:0], offers, pd.Series(dtype="str"), TODAY, "abc")
    assert set(listed["arm"]) == {"leave alone"} and by_action(listed).index.tolist() == ["nothing"]
