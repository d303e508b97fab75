"""The company at a glance, against plain sums, and silent where it knows nothing."""

import datetime as dt
import math

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.overview import (
    STAKES,
    interval_of_sales,
    key_numbers,
    of_the_same_period,
    stakes,
    trade_in,
    won_and_kept,
)
from crmlib.analysis.period import Period
from crmlib.analysis.steps import STEPS

PERIOD = Period.ending(dt.date(2026, 6, 30), 12)
ROWS = [
    ("a", "2025-07-01", "o1", 60.0), ("a", "2025-07-01", "o1", 40.0), ("a", "2026-06-30", "o2", 50.0),
    ("b", "2025-12-24", None, 30.0), ("b", "2025-12-24", None, 5.0), ("b", "2025-12-25", None, 10.0),
    ("c", "2026-01-01", "o3", -20.0), ("d", "2026-01-01", "o4", 0.0), ("e", "2025-06-30", "o0", 70.0),
    (None, "2026-02-02", None, 25.0), (None, "2026-02-02", "o9", 8.0),
]  # fmt: skip


def orders(rows=ROWS, number=True):
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "order_id", "net_amount"])
    frame["ordered_at"] = pd.to_datetime(frame["ordered_at"]) + pd.Timedelta(hours=23, minutes=59)
    table = ibis.memtable(frame if number else frame.drop(columns="order_id"))
    return table.cast({"customer_id": "string", "net_amount": "decimal(18, 4)"})


@pytest.fixture(scope="module")
def trade():
    return trade_in(orders(), PERIOD)


# Who bought -------------------------------------------------------------------------------------


def test_orders_lines_and_sales_are_those_of_a_count_by_hand(trade):
    expected = pd.DataFrame(
        {"orders": [2, 2, 0, 0], "lines": [3, 3, 1, 1], "net_sales": [150.0, 45.0, -20.0, 0.0]},
        index=pd.Index(list("abcd"), name="customer_id"),
    )
    pd.testing.assert_frame_equal(trade.customers, expected, check_dtype=False, check_index_type=False)
    assert trade.anonymous.to_dict() == {"lines": 2.0, "net_sales": 33.0}
    assert list(trade.active.index) == ["a", "b"]
    assert trade.costed_share == 0  # the orders hold no costs
    assert trade.net_sales == pytest.approx(208) and trade.anonymous_share == pytest.approx(33 / 208)


def test_the_first_and_the_last_day_count_and_the_days_around_them_do_not(trade):
    assert "e" not in trade.customers.index  # the evening before
    assert list(trade_in(orders(), PERIOD.previous()).customers.index) == ["e"]


def test_without_order_numbers_a_day_is_an_order():
    assert trade_in(orders(number=False), PERIOD).customers["orders"].tolist() == [2, 2, 0, 0]


def test_a_number_used_again_on_another_day_is_another_order():
    again = [("a", "2026-01-01", "7", 10.0), ("a", "2026-01-02", "7", 10.0), ("b", "2026-01-02", "7", 10.0)]
    assert trade_in(orders(again), PERIOD).customers["orders"].tolist() == [2, 1]


def test_where_everyone_is_known_nothing_is_nameless():
    known = trade_in(orders([row for row in ROWS if row[0]]), PERIOD)
    assert known.anonymous.to_dict() == {"lines": 0.0, "net_sales": 0.0} and known.anonymous_share == 0


def test_where_nobody_is_known_there_is_no_customer():
    nameless = trade_in(orders([(None, *row[1:]) for row in ROWS]), PERIOD)
    assert nameless.customers.empty and nameless.anonymous_share == 1
    assert all(math.isnan(end) for end in interval_of_sales(nameless))


def test_where_sales_cancel_out_there_is_no_share():
    assert math.isnan(trade_in(orders([ROWS[0], ("a", "2026-01-01", "x", -60.0)]), PERIOD).anonymous_share)


def test_the_interval_of_sales_holds_their_average(trade):
    low, high = interval_of_sales(trade)
    assert low < 195 / 2 < high


# Tables of the same period ----------------------------------------------------------------------


def test_a_table_of_another_period_or_company_is_not_taken(trade):
    same = pd.DataFrame({"net_sales": [150.0, 45.0, -20.0, 0.0, 0.0]})
    assert of_the_same_period(same, trade) is same
    assert of_the_same_period(same.assign(net_sales=same["net_sales"] * 1.001), trade) is None
    assert of_the_same_period(None, trade) is None


# Winning and keeping ----------------------------------------------------------------------------

PROFITS = pd.DataFrame(
    {"customer_id": list("abcdn"), "profit": [40.0, -5.0, -20.0, 7.0, -3.0], "acquisition_cost": [0, 15.0, 0, 5.0, 3.0],
     "net_sales": 0.0, "step": ["Keep", "Wait", "Watch", "Keep", "Wait"]}
)  # fmt: skip
WON_FOR = pd.Series({"b": 15.0, "d": 5.0, "n": 3.0, "f": 0.0}, name="acquisition_cost").rename_axis(
    "customer_id"
)
BEFORE = trade_in(
    orders(
        [("a", "2024-08-01", "p1", 10.0), ("b", "2024-08-01", "p2", 10.0), ("c", "2024-08-01", "p3", 10.0)]
    ),
    PERIOD.previous(),
)


def test_those_won_and_those_kept_are_averaged_each_on_its_own(trade):
    found = won_and_kept(PROFITS, WON_FOR, trade, BEFORE)
    assert found.won.to_dict("index") == {
        "b": {"acquisition_cost": 15.0, "brought": 10.0, "profit": -5.0},
        "d": {"acquisition_cost": 5.0, "brought": 12.0, "profit": 7.0},
        "n": {"acquisition_cost": 3.0, "brought": 0.0, "profit": -3.0},
        "f": {"acquisition_cost": 0.0, "brought": 0.0, "profit": 0.0},  # won, and nothing happened yet
    }
    assert found.paid_back == 0.5
    means = found.averages["value"]
    assert means.to_dict() == {"cost": 23 / 4, "brought": 22 / 4, "kept": (40 + 10) / 2}
    assert found.averages["customers"].tolist() == [4, 4, 2]  # c sent something back and ordered nothing
    assert (found.averages["low"] < means).all() and (means < found.averages["high"]).all()


def test_without_a_period_before_nobody_is_said_to_be_kept(trade):
    assert list(won_and_kept(PROFITS, WON_FOR, trade, None).averages.index) == ["cost", "brought"]


@pytest.mark.parametrize(
    ("profits", "won_for"),
    [(None, WON_FOR), (PROFITS, None), (PROFITS, WON_FOR.head(0)), (PROFITS, WON_FOR.head(1))],
)
def test_without_costs_of_winning_nothing_is_said(trade, profits, won_for):
    assert won_and_kept(profits, won_for, trade, BEFORE) is None


# Money at stake ---------------------------------------------------------------------------------

BASE = pd.DataFrame(
    {
        "customer_id": list("abcdefg"), "group": ["retained", "retained", "lost", "lost", "new", "back", "none"],
        "won_on": pd.to_datetime(["2023-01-01", "2025-07-01", None, "2025-06-30", "2026-06-30", None, "2024-01-01"]),
        "net_sales": [10.0, 20.0, 0, 0, 5.0, 5.0, 0], "net_sales_before": [5.0, 20.0, 30.0, 9.0, 0, 0, 0],
        "profit": [1.0, 2.0, -1.0, 0, 1.0, 1.0, 0], "profit_before": [4.0, 4.0, 50.0, -8.0, 0, 0, 0],
    }
)  # fmt: skip


CHURN = pd.DataFrame({"customer_id": list("abc"), "value_at_risk": [5.0, 2.5, -4.0]})


def test_sums_at_stake_come_largest_first_with_whose_they_are():
    found = stakes(PROFITS, BASE, churn=CHURN)
    assert found["amount"].to_dict() == {"gone": 42.0, "below_zero": 28.0, "winning": 23.0, "leaving": 7.5}
    assert found["customers"].to_dict() == {"gone": 2, "below_zero": 3, "winning": 3, "leaving": 2}
    assert list(found.index) == sorted(STAKES, key=lambda name: -found.loc[name, "amount"])
    assert found.loc["gone", "notebook"] == "01_customer_base"


def test_where_nothing_is_lost_nothing_is_at_stake():
    sound = PROFITS.assign(profit=1.0, acquisition_cost=0.0)
    gone_without_loss = BASE.assign(profit_before=-1.0)
    for found in (stakes(None, None), stakes(sound, gone_without_loss)):
        assert found.empty and list(found.columns) == ["label", "what", "notebook", "customers", "amount"]


def test_without_the_cost_to_serve_nobody_is_said_to_lose_money():
    assert list(stakes(PROFITS, BASE, served=False).index) == ["gone", "winning"]


def test_changing_the_order_of_customers_changes_nothing():
    mixed = stakes(PROFITS.sample(frac=1, random_state=3), BASE.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(mixed, stakes(PROFITS, BASE))


# Numbers of the ideas ---------------------------------------------------------------------------


def test_what_is_at_risk_and_what_is_to_come_are_the_sums_of_their_tables():
    values = pd.DataFrame({"value_12": [1.0, 2.0], "value_36": [10.0, -4.0]})
    found = key_numbers(None, None, None, None, PERIOD, churn=CHURN, values=values)
    assert found == {"at_risk": (3.5, "money"), "future": (6.0, "money")}


def test_segments_levels_and_the_list_are_counted_from_their_tables():
    segments = pd.DataFrame(
        {
            "segment": ["a", "b", "b", "c"],
            "profit": [5.0, 4.0, 4.0, -9.0],
            "raise_cost": [0.0, 4.0, 30.0, np.nan],
        }
    )
    actions = pd.DataFrame({"arm": ["contact", "contact", "hold out", "leave alone"]})
    found = key_numbers(None, None, None, None, PERIOD, segments=segments, actions=actions)
    assert found == {
        "best_segment": (8.0, "money"), "raised": (2, "count"), "with_a_step": (3, "count"), "held_out": (1, "count"),
    }  # fmt: skip
    alone = key_numbers(None, None, None, None, PERIOD, segments=segments[["segment"]])
    assert alone == {}, "what a table does not hold has no number"
    assert key_numbers(PROFITS, None, None, None, PERIOD, actions=actions)["with_a_step"] == (3, "count")


def test_each_idea_gets_its_number_from_the_saved_tables(trade):
    cohorts = pd.DataFrame(
        {"cohort": ["before", "Q1", "Q2", "Q3"], "first_day": pd.to_datetime(["2020-01-01", "2025-01-01", "2025-04-01", "2025-07-01"]),
         "value_per_customer": [99.0, 11.0, -12.0, math.nan], "customers": [900, 30, 10, 500]}
    )  # fmt: skip
    won = won_and_kept(PROFITS, WON_FOR, trade, BEFORE)
    found = key_numbers(PROFITS, BASE, cohorts, won, PERIOD)
    assert found == {
        "with_a_step": (0, "count"), "earned": (47.0, "money"), "cost_to_win": (5.75, "money"), "won": (2, "count"),
        "retention": (0.5, "share"), "lost": (2, "count"), "bought_more": (0.5, "share"), "cohort_value": (5.25, "money"),
    }  # fmt: skip


def test_only_customers_with_something_to_do_have_a_next_step():
    steps = ["Keep", *STEPS.values()]
    profits = pd.DataFrame({"profit": -1.0, "acquisition_cost": 0.0, "step": steps})
    found = key_numbers(profits, None, None, None, PERIOD)
    assert found["with_a_step"] == (len(steps) - 1 - 3, "count")  # nothing to change, wait, watch
    assert "with_a_step" not in key_numbers(profits, None, None, None, PERIOD, served=False)


def test_what_cannot_be_known_has_no_number():
    assert key_numbers(None, None, None, None, PERIOD) == {}
    alone = key_numbers(
        None,
        BASE[BASE["group"] == "new"],
        pd.DataFrame(columns=["cohort", "first_day", "value_per_customer"]),
        None,
        PERIOD,
    )
    assert alone == {"won": (1, "count")}
