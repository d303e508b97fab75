"""Customers by month: when they were surely customers, when they joined, and what they bought."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.ledger import order_lines
from crmlib.analysis.loyalty.membership import Club
from crmlib.analysis.loyalty.panel import NEVER, club_panel
from crmlib.errors import TooLittleData

AS_OF = dt.date(2025, 6, 30)


def order(customer, day, net=100, number=None, **more):
    row = {
        "customer_id": customer,
        "ordered_at": f"{day} 10:00:00",
        "net_amount": net,
        "cost_of_goods": 0.6 * net,
    }
    return row | {"order_id": number or f"{customer} {day}"} | more


ORDERS = [
    order("A", "2025-01-01"),
    order("A", "2025-03-05", 60, "x", discount_amount=5),
    order("A", "2025-03-05", 40, "x"),
    order("A", "2025-03-20"),
    order("A", "2025-04-02", -40),  # sent back: no order
    order("A", "2025-06-10"),
    order("B", "2025-02-10"),
    order("B", "2025-05-01"),
    order(None, "2025-05-01"),
    order("C", "2025-04-20"),
    order("D", "2025-05-05", -20),  # sent back what was bought before the data
]
PEOPLE = [{"customer_id": "B", "acquired_on": "2021-04-01"}, {"customer_id": "C", "acquired_on": None}]


def memberships(**days):
    rows = {name: (joined, ended, 12.0) for name, (joined, ended) in days.items()}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["joined_on", "ended_on", "fee_per_year"])
    frame[["joined_on", "ended_on"]] = frame[["joined_on", "ended_on"]].apply(pd.to_datetime)
    return Club(frame.rename_axis("customer_id"), AS_OF)


MEMBERS = memberships(A=("2025-02-15", "2025-04-30"), B=("2024-02-15", "2025-04-29"))


@pytest.fixture(scope="module")
def panel(build):
    return club_panel(MEMBERS, order_lines(build("orders", ORDERS), 0.4), AS_OF, build("customers", PEOPLE))


def test_months_are_whole_and_numbered_from_the_first(panel):
    assert [str(month) for month in panel.months] == [f"2025-0{n}" for n in range(1, 7)]


def test_each_customer_is_there_from_the_month_after_the_first_to_the_last_proof(panel):
    people = panel.customers
    assert people["begins"].to_dict() == {"A": 1, "B": 0, "C": 4, "D": NEVER + 1}
    # Ordered in June: proven up to May. C ordered once: never again after April.
    assert people["proven"].to_dict() == {"A": 4, "B": 3, "C": 2, "D": -1}


def test_joining_and_leaving_are_months(panel):
    people = panel.customers
    assert people["joined"].to_dict() == {"A": 1, "B": -1, "C": NEVER, "D": NEVER}
    # The membership of A covers April whole, that of B does not.
    assert people["left"].to_dict() == {"A": 3, "B": 2, "C": NEVER, "D": NEVER}
    assert (panel.joiners, panel.members_before, panel.never) == (1, 1, 2)


def test_orders_and_money_of_a_month(panel):
    rows = panel.rows.set_index(["customer", "month"])
    march = rows.loc[(0, 2)]
    assert march["orders"] == 2 and march["net_sales"] == 200 and march["margin"] == pytest.approx(80)
    assert march["list_sales"] == 205 and march["discounts"] == 5
    assert rows.loc[(0, 3), "orders"] == 0 and rows.loc[(0, 3), "margin"] == pytest.approx(-16)


def test_the_panel_adds_up_to_the_orders_of_known_customers(panel):
    known = sum(row["net_amount"] for row in ORDERS if row["customer_id"])
    assert panel.rows["net_sales"].sum() == pytest.approx(known)


def test_a_month_that_is_not_over_takes_no_part_but_proves(build):
    orders = [*ORDERS, order("C", "2025-07-03")]
    found = club_panel(MEMBERS, order_lines(build("orders", orders), 0.4), dt.date(2025, 7, 15))
    assert str(found.months[-1]) == "2025-06" and found.rows["month"].max() == 5
    assert found.customers.loc["C", "proven"] == 5


def test_a_first_month_that_is_not_whole_takes_no_part(build):
    orders = [row for row in ORDERS if not row["ordered_at"].startswith("2025-01")] + [
        order("A", "2025-01-20")
    ]
    found = club_panel(MEMBERS, order_lines(build("orders", orders), 0.4), AS_OF)
    assert str(found.months[0]) == "2025-02" and found.customers.loc["A", "begins"] == 0


def test_nothing_after_the_last_day_and_no_order_of_rows_matters(build, panel):
    later = [order("A", "2025-08-01"), order("Z", "2025-09-01")]
    lines = order_lines(build("orders", [*later, *ORDERS[::-1]]), 0.4)
    again = club_panel(MEMBERS, lines, AS_OF, build("customers", PEOPLE))
    pd.testing.assert_frame_equal(again.customers, panel.customers)
    pd.testing.assert_frame_equal(again.rows, panel.rows)


def test_sqlite_gives_the_same_panel(panel):
    # SQLite knows no decimals: a frame of its types stands for the orders.
    frame = pd.DataFrame(ORDERS).assign(ordered_at=lambda f: pd.to_datetime(f["ordered_at"]))
    frame = frame.astype({"net_amount": float, "discount_amount": float})
    orders = ibis.sqlite.connect().create_table("orders", frame)
    people = pd.DataFrame(PEOPLE).assign(acquired_on=lambda f: pd.to_datetime(f["acquired_on"]))
    found = club_panel(MEMBERS, order_lines(orders, 0.4), AS_OF, ibis.memtable(people))
    pd.testing.assert_frame_equal(found.customers, panel.customers)
    np.testing.assert_allclose(found.rows, panel.rows)


def test_too_few_months_are_refused(build):
    with pytest.raises(TooLittleData, match="3 whole months"):
        club_panel(MEMBERS, order_lines(build("orders", ORDERS), 0.4), dt.date(2025, 3, 31))
    with pytest.raises(TooLittleData, match="no order"):
        club_panel(MEMBERS, order_lines(build("orders", [order(None, "2025-01-01")]), 0.4), AS_OF)
