"""The lenses at the edges: one customer, equal customers, nobody won, nobody known, no profit."""

import datetime as dt
import math

import pandas as pd
import pytest

from crmlib.analysis.audit.cohorts import with_intervals
from crmlib.analysis.audit.customer_days import customer_base
from crmlib.analysis.audit.one_cohort import five_waits
from crmlib.analysis.audit.product_lens import entries, item_lines, what_follows
from crmlib.analysis.audit.vital_signs import vital_signs
from crmlib.analysis.audit.windows import Windows
from crmlib.analysis.ledger import order_lines
from crmlib.analysis.period import Period
from crmlib.analysis.waiting import product_limit

AS_OF, FIRST = dt.date(2025, 12, 31), dt.date(2025, 1, 1)
HALVES = Period(FIRST, dt.date(2025, 6, 30), 6), Period(dt.date(2025, 7, 1), AS_OF, 6)


def line(who, day, net, **more):
    return {"customer_id": who, "ordered_at": f"{day} 10:00:00", "net_amount": net, **more}


def person(who, day=None):
    return {"customer_id": who, "acquired_on": day, "acquisition_cost": None}


ORDERS = [
    line("a", "2025-02-10", 100), line("a", "2025-08-01", 50), line("b", "2025-05-05", 80),
    line("c", "2025-11-11", 60),
]  # fmt: skip


@pytest.fixture
def seen(tables, lenses):
    """Return a function that looks at a small company through all lenses: 2025 by quarters, half the sales margin."""

    def through(orders, **others):
        made = tables(orders=orders, **others)
        windows = Windows.back_from(AS_OF, 3, FIRST)
        return lenses(customer_base(made, order_lines(made("orders"), 0.5), windows), HALVES)

    return through


def test_one_customer_with_one_order(seen):
    found = seen([line("a", "2025-02-10", 100)])
    assert found["retention"][0] == 0
    assert found["change"]["group"].tolist() == ["lost"]
    assert found["tenths"]["customers"].tolist() == [1] and found["tenths"]["share"].tolist() == [1.0]
    assert found["tenths of profit"]["customers"].sum() == 1
    assert found["waits"].to_dict("list") == {"order": [1], "days": [324], "over": [False], "customers": [1]}
    assert found["curves"].empty and found["next"].empty
    assert found["ages"].loc[(0, 3), ["customers", "active", "orders", "profit"]].tolist() == [1, 0, 1, 50]
    assert found["trend"] is None and found["rehearsal"] is None
    assert found["list"]["cohort"].tolist() == ["Q1 2025"]
    assert found["money"]["customers"].sum() == 1


def test_the_lists_are_saved_alike_whether_a_day_of_winning_is_known_or_not(seen):
    known, unknown = (
        seen([line("a", "2025-02-10", 100), *others])
        for others in ([], [line("a", "2025-01-05", -1)])  # a return before the first order: won before
    )
    assert known["list"]["won_on"].tolist() == [dt.date(2025, 2, 10)]
    assert unknown["list"]["won_on"].isna().all() and unknown["cohorts"]["first_day"].isna().all()
    for table in ("list", "cohorts"):
        assert known[table].dtypes.equals(unknown[table].dtypes)


def test_customers_who_are_all_equal_share_every_group(seen):
    orders = [line(f"k{n:02d}", day, 40) for n in range(20) for day in ("2025-02-10", "2025-08-10")]
    found = seen(orders)
    assert found["tenths"]["customers"].tolist() == [20]  # ties share a tenth: nobody is told apart by name
    assert found["tenths of profit"]["customers"].tolist() == [2] * 10
    assert found["migration"].to_numpy().max() == found["migration"].loc[6, 6] == 20
    assert (found["chance"]["customers"] == 0).all()  # all were won in the first period: none to compare
    assert found["retention"] == pytest.approx((1.0, 20 / (20 + 1.96**2), 1.0), abs=1e-3)
    cell = found["up"].loc[("same", "same")]
    assert (cell["customers"], cell["share"], cell["change"]) == (20, 1.0, 0.0)
    assert found["moved"]["contribution"].abs().max() == 0
    ages = with_intervals(found["ages"])
    assert (ages["low"] == ages["value"]).all() and (ages["high"] == ages["value"]).all()
    assert found["trend"] is None  # a value without any chance in it has no weight


def test_a_base_won_before_the_data_has_no_cohorts_but_all_its_money(seen):
    people = [person(who, "2024-03-03") for who in "abc"]
    found = seen(ORDERS, customers=people)
    assert found["ages"].empty and found["compared"].empty and found["pooled"].empty
    assert found["waits"].empty and found["curves"].empty and found["sizes"].empty
    assert found["stops"]["customers"].sum() == 0
    assert found["change"]["group"].to_dict() == {"a": "retained", "b": "lost", "c": "back"}
    assert found["windows"].index.unique("cohort").tolist() == [-1]
    assert found["windows"]["net_sales"].sum() == pytest.approx(290)
    assert found["cohorts"]["cohort"].tolist() == ["before"]
    assert found["need"] is None or set(found["need"].groups.index) == {"old"}


def test_nobody_won_in_the_last_periods_leaves_nothing_to_say_of_new_customers(seen):
    orders = [
        line(f"k{n}", day, 10 + n)
        for n in range(6)
        for day in ("2025-01-10", "2025-05-10", "2025-07-10", "2025-12-10")
    ]
    need = seen(orders)["need"]
    assert list(need.groups.index) == ["old"] and need.won == 0
    assert math.isnan(need.per_new) and math.isnan(need.needed) and all(map(math.isnan, need.needed_interval))
    # Every quarter all come back for the same: nothing is left to chance.
    assert need.existing == pytest.approx(need.target) == pytest.approx(75)
    assert need.existing_interval == pytest.approx((75, 75))


def test_no_wait_to_show_is_an_empty_table_that_can_be_reckoned_with(seen):
    waits = seen(ORDERS, customers=[person(who, "2024-03-03") for who in "abc"])["waits"]
    assert product_limit(five_waits(waits)).empty


def test_once_all_waits_are_over_the_share_is_known_for_good(seen):
    found = seen([line(f"k{n}", day, 40) for n in range(5) for day in ("2025-02-10", "2025-02-20")])
    row = found["next"].loc[1]
    assert (row["days_30"], row["days_90"], row["days_90_low"]) == (1.0, 1.0, 1.0)


def test_a_retention_of_nobody_is_a_sign_of_health_and_a_cost_of_nothing_is_none():
    def frame(who, day):
        sums = {
            "orders": 1,
            "net_sales": 9.0,
            "profit": 3.0,
            "acquisition_cost": 0.0,
            "won_on": pd.Timestamp(day),
        }
        return pd.DataFrame(sums, index=list(who))

    days = [dt.date(2024, 1, 1), AS_OF]
    signs = vital_signs([frame("ab", days[0]), frame("cd", days[1])], days, smallest=2, since=days[0])
    assert signs.loc["retention", 1] == 0 and signs.loc["carried_won", 1] == 0
    assert "cost" not in signs.index


def test_a_cohort_without_a_value_says_why(seen):
    found = seen([*ORDERS, line("d", "2025-12-24", 10)])
    assert found["compared"]["missing"].to_dict() == {0: "", 1: "", 3: "too young"}


def test_a_base_without_a_single_known_customer(seen):
    found = seen([line(None, "2025-02-10", 100)])
    assert found["year"].empty and found["ages"].empty and found["windows"].empty
    assert math.isnan(found["retention"][0])
    assert found["tenths of profit"].empty


# Profit that is zero or below ---------------------------------------------------------------------


@pytest.mark.parametrize("goods", ["100", "150"], ids=["zero", "a loss"])
def test_without_profit_there_are_no_shares_of_it(seen, goods):
    orders = [line(who, "2025-02-10", 100, cost_of_goods=goods) for who in "abcde"]
    found = seen(orders)
    assert found["tenths"]["share"].isna().all() and found["tenths of profit"].empty
    assert found["compared"]["index"].isna().all()
    assert found["factors"].prod() == pytest.approx(found["year"]["profit"].sum())
    assert found["money"]["customers"].sum() == 5


def test_returns_that_outweigh_sales_have_a_margin_but_no_forecast(seen):
    orders = [line("a", "2025-02-10", 10), line("a", "2025-02-20", -30), line("a", "2025-05-10", 5),
              line("b", "2025-02-10", 10), line("b", "2025-10-10", 5)]  # fmt: skip
    found = seen(orders)
    assert found["need"] is None or found["need"].target > 0
    assert found["year"]["net_sales"].sum() == 0
    assert math.isnan(found["factors"]["margin"])


@pytest.mark.parametrize("amount", [5e9, 2e11])
def test_amounts_of_any_size_are_squared(tables, seen, amount):
    """Two customers won with orders of m and 3 m, half of it profit: m / 2 and 3 m / 2, the mean m."""
    orders = [
        line("a", "2025-02-10", amount, product_id="x"),
        line("b", "2025-02-11", 3 * amount, product_id="x"),
    ]
    ages = seen(orders)["ages"]
    assert ages.loc[(0, 1), "profit_squares"] == pytest.approx(2.5 * amount**2, rel=1e-14)
    made = tables(orders=orders)
    base = customer_base(made, order_lines(made("orders"), 0.5), Windows.back_from(AS_OF, 3, FIRST))
    items = item_lines(made("orders"), None, "product")
    found = what_follows(base, entries(base, items), 1, 1).loc["x"]
    half = 1.959963984540054 * amount / 2
    assert found[["value", "low", "high"]].tolist() == pytest.approx([amount, amount - half, amount + half])
