"""The lot of the month: among those contacted only, and the same however the list is sorted."""

from datetime import date

import pandas as pd
import pytest

from crmlib.analysis.actions.lot import arms, draw_lot
from crmlib.analysis.ledger import order_lines

TODAY = date(2026, 6, 30)


@pytest.fixture(scope="module")
def lines(build):
    rows = [
        {"customer_id": f"C{number:03d}", "ordered_at": "2026-05-01", "net_amount": str(10 + number % 7)}
        for number in range(200)
    ]
    return order_lines(build("orders", rows), 0.4)


@pytest.fixture(scope="module")
def chosen():
    ids = pd.Index([f"C{number:03d}" for number in range(200)], name="customer_id")
    frame = pd.DataFrame({"action": "win back", "expected_profit": 4.0, "cost": 3.0}, index=ids)
    frame.loc[ids[150:], ["action", "cost"]] = ["reprice", 50.0]
    return frame


def test_new_terms_are_for_all_alike(chosen, lines):
    arm = arms(chosen, draw_lot(chosen, lines, TODAY))
    out = chosen.index[arm == "hold out"]
    assert 0 < len(out) <= 45 and set(chosen.loc[out, "action"]) == {"win back"}
    assert set(arm) == {"contact", "hold out"} and arm.index.equals(chosen.index)


def test_the_lot_depends_on_the_month_and_not_on_the_order(chosen, lines):
    first = arms(chosen, draw_lot(chosen, lines, TODAY))
    again = arms(chosen.iloc[::-1], draw_lot(chosen.iloc[::-1], lines, TODAY)).sort_index()
    pd.testing.assert_series_equal(first, again)
    assert not first.equals(arms(chosen, draw_lot(chosen, lines, date(2026, 7, 31))))


def test_an_empty_list_and_an_action_without_cost_are_no_trouble(chosen, lines):
    assert arms(chosen.iloc[:0], draw_lot(chosen.iloc[:0], lines, TODAY)).empty
    assert (
        arms(chosen.assign(cost=0.0), draw_lot(chosen.assign(cost=0.0), lines, TODAY)) == "hold out"
    ).any()
