"""All offers together: what the data allow, and what is left out, with a reason."""

from datetime import date

import pandas as pd
import pytest

from crmlib.analysis.actions.menu import MENU
from crmlib.analysis.actions.offer import Prices
from crmlib.analysis.actions.offers import TERMS, all_offers
from crmlib.errors import TooLittleData

TODAY = date(2026, 6, 30)


@pytest.fixture(scope="module")
def only_dates_and_amounts(build):
    return {
        "orders": build("orders", [{"customer_id": "A", "ordered_at": "2024-01-01", "net_amount": "9"}])
    }.get


def lifetime(ids, alive=0.2):
    return pd.DataFrame({"customer_id": ids, "alive": alive, "value_12": 10.0})


def test_dates_and_amounts_allow_to_win_back(only_dates_and_amounts):
    found = all_offers(
        {"lifetime_value": lifetime(["B", "A"])}, only_dates_and_amounts, TODAY, Prices(), gross_margin=0.4
    )
    assert list(found.tables) == ["win back"] and found.customers.tolist() == ["A", "B"]
    assert set(found.left_out) == set(MENU) - {"win back"} and all(found.left_out.values())


def test_every_customer_of_any_table_is_on_the_list(only_dates_and_amounts):
    profit = pd.DataFrame(
        {"customer_id": ["C"], "profit": 1.0, "step": "Keep", "avoidable": 0.0, "main_cause": "none"}
    )
    saved = {"lifetime_value": lifetime(["A"]), "profit_per_customer": profit, "churn": None}
    found = all_offers(saved, only_dates_and_amounts, TODAY, Prices(), gross_margin=0.4)
    assert found.customers.tolist() == ["A", "C"] and found.tables["reprice"].empty


def test_who_is_gone_is_offered_no_other_product(only_dates_and_amounts):
    wanted = pd.DataFrame(
        {"name": "cup", "probability": [0.9, 0.1, 0.3], "margin_per_order": 10.0}, index=["A", "B", "C"]
    )
    saved = {"lifetime_value": pd.concat([lifetime(["A"]), lifetime(["B", "C"], 0.9)])}
    found = all_offers(saved, only_dates_and_amounts, TODAY, Prices(), gross_margin=0.4, cross_sell=wanted)
    # the mean chance of B and C is 0.2
    assert found.tables["cross-sell"]["gain"].round(6).to_dict() == {"B": 5.0, "C": 15.0}


def test_without_any_table_it_says_what_to_run_first(only_dates_and_amounts):
    with pytest.raises(TooLittleData, match="run notebooks 02, 03 and 04 first"):
        all_offers({}, only_dates_and_amounts, TODAY, Prices())


def test_parting_is_for_people_to_decide():
    assert "Review whether to part" not in TERMS and "Cap the discount" in TERMS
