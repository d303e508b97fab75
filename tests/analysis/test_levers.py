"""Levers: which orders the terms touch, what a change of terms moves, and what it does to prices."""

import math
import random
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest

from crmlib.analysis.costing import unit_costs
from crmlib.analysis.ledger import order_lines
from crmlib.analysis.levers import (
    LEVERS,
    affected_orders,
    effects,
    price_rises,
)

# Touched orders ---------------------------------------------------------------------------------


def touched_by_hand(rows, terms, year):
    """Order by order, in exact decimals; service of each order from its events."""
    costs = unit_costs(pd.DataFrame(rows.activities), pd.DataFrame(rows.resources))["cost_per_event"]
    served = defaultdict(Decimal)
    for e in rows.events:
        if str(year.first) <= e["occurred_on"] <= str(year.last) and e["order_id"]:
            price = Decimal(f"{round(costs[e['activity']], 4):.4f}")
            served[e["customer_id"], e["order_id"]] += price * Decimal(e["quantity"] or 1)
    orders = defaultdict(lambda: [Decimal(0)] * 3)
    for r in rows.orders:
        net, day = Decimal(r["net_amount"]), r["ordered_at"][:10]
        if net <= 0 or not r["customer_id"] or not str(year.first) <= day <= str(year.last):
            continue
        cost = net * Decimal("0.65") if r["cost_of_goods"] is None else Decimal(r["cost_of_goods"])
        key = r["customer_id"], r["order_id"] or f"on {day}"
        add = net, Decimal(r["discount_amount"] or 0), net - cost
        orders[key] = [a + b for a, b in zip(orders[key], add, strict=True)]
    table = defaultdict(lambda: dict.fromkeys(
        ["small_orders", "small_sales", "small_margin", "small_service", "deep_excess", "deep_sales",
         "deep_margin", "deep_service"], Decimal(0)))  # fmt: skip
    for (who, order), (net, discount, margin) in orders.items():
        account = table[who]
        if net < Decimal(str(terms.minimum_order)):
            account["small_orders"] += 1
            account["small_sales"] += net
            account["small_margin"] += margin
            account["small_service"] += served[who, order]
        excess = discount - Decimal(str(terms.discount_cap)) * (net + discount)
        if excess > 0:
            account["deep_excess"] += excess
            account["deep_sales"] += net
            account["deep_margin"] += margin
            account["deep_service"] += served[who, order]
    return table


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("other", [{}, {"minimum_order": 40.0, "discount_cap": 0.0}])
def test_touched_orders_equal_the_orders_walked_through(firm, terms, year, seed, other):
    terms = replace(terms, **other)
    rows, _, touched = firm(seed, terms)
    expected = touched_by_hand(rows, terms, year)
    assert list(touched.index) == sorted(expected)
    for who, account in expected.items():
        assert touched.loc[who].to_dict() == pytest.approx(
            {k: float(v) for k, v in account.items()}, abs=2e-3
        )


def test_the_service_of_an_order_may_cost_any_amount(firm, terms, year):
    def counted_by_the_million(rows):
        for event in rows.events:
            event["quantity"] = "5000000000"

    rows, _, touched = firm(1, change=counted_by_the_million)
    expected = touched_by_hand(rows, terms, year)
    assert touched["small_service"].max() > 5e9
    for who, account in expected.items():
        assert touched.loc[who, "small_service"] == pytest.approx(float(account["small_service"]))


def test_splitting_orders_into_lines_and_shuffling_rows_change_nothing(firm):
    def split(rows):
        halves = []
        for row in rows.orders:
            parts = [dict(row), dict(row)]
            for name in ("net_amount", "discount_amount", "cost_of_goods"):
                if row[name] is not None:
                    parts[0][name] = (Decimal(row[name]) / 3).quantize(Decimal("0.0001"))
                    parts[1][name] = Decimal(row[name]) - parts[0][name]
            halves += parts
        rows.orders = halves
        random.Random(1).shuffle(rows.orders)
        random.Random(2).shuffle(rows.events)

    pd.testing.assert_frame_equal(firm(4, change=split)[2], firm(4)[2], atol=0.01)


def test_no_more_is_touched_than_there_is(firm):
    _, customers, touched = firm(5)
    both = customers.reindex(touched.index)
    assert (touched["small_orders"] <= both["orders"]).all()
    assert (touched["small_sales"] <= both["net_sales"] - both["returns"] + 1e-6).all()
    service = both["service_order"] + both["service_return"]
    for name in ("small_service", "deep_service"):
        assert (touched[name] <= service + 1e-3).all()
    assert (touched["deep_excess"] <= both["discounts"] + 1e-6).all()
    assert (touched["deep_sales"] <= both["net_sales"] - both["returns"] + 1e-6).all()


def test_what_lies_outside_the_period_touches_nothing(firm, year):
    def cut(rows):
        inside = (str(year.first), str(year.last) + "~")
        rows.orders = [r for r in rows.orders if inside[0] <= r["ordered_at"] <= inside[1]]
        rows.events = [r for r in rows.events if inside[0] <= r["occurred_on"] <= inside[1]]

    pd.testing.assert_frame_equal(firm(6, change=cut)[2], firm(6)[2])


def test_two_customers_with_the_same_order_number_pay_for_their_own_service(build, terms, year):
    orders = [
        {"customer_id": who, "ordered_at": "2025-05-01", "net_amount": net, "order_id": "1"}
        for who, net in [("a", 10), ("b", 20)]
    ]
    events = [{"customer_id": "b", "occurred_on": "2025-05-02", "activity": "pack", "order_id": "1"}]
    costs = pd.DataFrame({"cost_per_event": {"pack": 3.0}})
    touched = affected_orders(
        order_lines(build("orders", orders), 0.5), build("events", events), costs, year, terms
    )
    assert touched["small_service"].to_dict() == {"a": 0.0, "b": 3.0}


@pytest.mark.parametrize("events", [None, "without order numbers"])
def test_without_events_of_orders_they_cost_nothing_to_serve(build, events, terms, year):
    orders = build(
        "orders", [{"customer_id": "a", "ordered_at": "2025-05-01", "net_amount": 10, "order_id": "1"}]
    )
    plain = build("events", [{"customer_id": "a", "occurred_on": "2025-05-01", "activity": "pack"}])
    costs = pd.DataFrame({"cost_per_event": {"pack": 3.0}})
    touched = affected_orders(order_lines(orders, 0.5), plain if events else None, costs, year, terms)
    assert touched.loc["a", ["small_orders", "small_margin", "small_service"]].tolist() == [1, 5, 0]


def test_an_order_at_the_minimum_and_a_discount_at_the_cap_are_allowed(build, terms, year):
    rows = [
        {"customer_id": "at", "ordered_at": "2025-05-01", "net_amount": "120", "order_id": "1"},
        {"customer_id": "below", "ordered_at": "2025-05-01", "net_amount": "119.99", "order_id": "2"},
        {"customer_id": "cap", "ordered_at": "2025-05-01", "net_amount": "170", "discount_amount": "30", "order_id": "3"},
        {"customer_id": "deep", "ordered_at": "2025-05-01", "net_amount": "170", "discount_amount": "30.01", "order_id": "4"},
    ]  # fmt: skip
    touched = affected_orders(order_lines(build("orders", rows), 0.5), None, None, year, terms)
    assert touched["small_orders"].to_dict() == {"at": 0, "below": 1, "cap": 0, "deep": 0}
    assert (touched["deep_excess"] > 0).to_dict() == {"at": False, "below": False, "cap": False, "deep": True}
    assert touched.loc["deep", "deep_excess"] == pytest.approx(30.01 - 0.15 * 200.01, abs=1e-3)


def test_a_small_order_in_an_otherwise_large_account_is_found_by_order_not_by_line(build, terms, year):
    rows = [
        {"customer_id": "a", "ordered_at": "2025-05-01", "net_amount": net, "order_id": order}
        for net, order in [(70, "1"), (70, "1"), (70, "2"), (-70, "1")]
    ]
    touched = affected_orders(order_lines(build("orders", rows), 0.5), None, None, year, terms)
    assert touched.loc["a", ["small_orders", "small_sales"]].tolist() == [1, 70]


# Effects ----------------------------------------------------------------------------------------


def test_each_effect_by_hand_for_one_customer(account, terms):
    customers = account({"a": {"list_sales": 500, "discounts": 80, "cost_of_goods": 200, "service_order": 60,
                               "service_relationship": 30}})  # fmt: skip
    touched = pd.DataFrame(
        {"small_orders": 5.0, "small_sales": 290.0, "small_margin": 90.0, "small_service": 40.0,
         "deep_excess": 25.0, "deep_margin": 55.0, "deep_service": 12.0}, index=["a"],
    )  # fmt: skip
    found = {lever: tuple(frame.loc["a"]) for lever, frame in effects(customers, touched, terms).items()}
    assert found["discount_cap"] == pytest.approx((25, 55 - 0.5 * 12))
    # 290 in orders of at least 120 are three orders instead of five: two fifths of the work is freed.
    assert found["minimum_order"] == pytest.approx((0.5 * 40 * 2 / 5, 90 - 0.5 * 40))
    assert found["delivery_fee"] == pytest.approx((5 * 6, 90 - 0.5 * 40))
    # Moving contacts risks the whole relationship: margin 220, service 90.
    assert found["cheaper_channel"] == pytest.approx((0.4 * 30 * 0.5, 220 - 0.5 * 90))


@pytest.mark.parametrize(
    ("lever", "neutral"),
    [
        ("discount_cap", {"discount_cap": 1.0}),
        ("minimum_order", {"minimum_order": 0.0}),
        ("delivery_fee", {"delivery_fee": 0.0}),
        ("delivery_fee", {"minimum_order": 0.0}),
        ("cheaper_channel", {"contact_shift": 0.0}),
    ],
)
def test_terms_that_change_nothing_move_nothing_and_drive_nobody_away(firm, lever, neutral, terms):
    terms = replace(terms, **neutral)
    _, customers, touched = firm(1, terms)
    effect = effects(customers, touched, terms)[lever]
    assert (effect == 0).all().all()
    assert math.isnan(rise := price_rises(touched, customers.index, terms)[lever]) or rise == 0


def test_customers_who_feel_a_change_may_leave_even_where_it_frees_no_money(firm, terms):
    """Freed capacity that nobody cuts brings nothing, but the customers were moved all the same."""
    _, customers, touched = firm(1)
    little, none = (
        effects(customers, touched, replace(terms, capacity_realised=r))["cheaper_channel"]
        for r in (1e-9, 0.0)
    )
    assert none["stay"].tolist() == [0] * len(none)
    assert none["leave"].tolist() == pytest.approx(little["leave"].tolist(), abs=1e-4)


def test_effects_are_about_all_customers_and_leave_their_inputs_alone(firm, terms):
    _, customers, touched = firm(2)
    before = customers.copy(), touched.copy()
    found = effects(customers, touched, terms)
    assert list(found) == list(LEVERS)
    for frame in found.values():
        assert frame.index.equals(customers.index) and frame.notna().all().all()
        assert (frame["stay"] >= 0).all()
    pd.testing.assert_frame_equal(customers, before[0])
    pd.testing.assert_frame_equal(touched, before[1])


@pytest.mark.parametrize(
    ("middle", "low", "high"), [(0.0, 0, 0), (0.2, 0, 0.4), (0.5, 0, 1), (0.7, 0.4, 1), (1.0, 1, 1)]
)
def test_the_range_of_who_may_leave_lies_around_its_middle_as_far_as_shares_go(terms, middle, low, high):
    found = replace(terms, walk_away=middle).walk_range
    assert found == pytest.approx((low, high))
    assert sum(found) / 2 == pytest.approx(middle)


# Price rises ------------------------------------------------------------------------------------


def test_each_price_rise_by_hand(build, terms, year):
    rows = [
        {"customer_id": "a", "ordered_at": "2025-05-01", "net_amount": "60", "order_id": "1"},
        {"customer_id": "a", "ordered_at": "2025-06-01", "net_amount": "90", "order_id": "2"},
        {"customer_id": "b", "ordered_at": "2025-05-01", "net_amount": "150", "discount_amount": "50", "order_id": "3"},
        {"customer_id": "b", "ordered_at": "2025-07-01", "net_amount": "300", "order_id": "4"},
        {"customer_id": "c", "ordered_at": "2025-05-01", "net_amount": "1", "discount_amount": "99", "order_id": "5"},
    ]  # fmt: skip
    touched = affected_orders(order_lines(build("orders", rows), 0.5), None, None, year, terms)
    rises = price_rises(touched, pd.Index(["a", "b"]), terms)
    # Two fees of 6 on 150 of small orders; a discount of 50 on 200 becomes 30: 170 instead of 150.
    assert rises == pytest.approx(
        {"discount_cap": 20 / 150, "minimum_order": 0, "delivery_fee": 12 / 150, "cheaper_channel": 0}
    )
    assert 150 * (1 + rises["discount_cap"]) == pytest.approx(200 * (1 - terms.discount_cap))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_rise_times_what_is_paid_now_is_the_gain_if_all_stay(firm, terms, seed):
    _, customers, touched = firm(seed)
    targets = customers.index[::2]
    rises = price_rises(touched, targets, terms)
    found = effects(customers, touched, terms)
    paid = touched.reindex(targets).sum()
    for lever, sales in (("discount_cap", "deep_sales"), ("delivery_fee", "small_sales")):
        assert rises[lever] > 0
        assert rises[lever] * paid[sales] == pytest.approx(found[lever].loc[targets, "stay"].sum())


def test_a_doubled_fee_doubles_its_price_rise_and_a_fee_of_nothing_raises_nothing(firm, terms):
    _, customers, touched = firm(1)
    once, twice, never = (
        price_rises(touched, customers.index, replace(terms, delivery_fee=fee))["delivery_fee"]
        for fee in (6.0, 12.0, 0.0)
    )
    assert twice == pytest.approx(2 * once) and never == 0


def test_where_no_order_is_touched_the_price_rise_is_unknown(firm, terms):
    _, _, touched = firm(1)
    for targets in (touched.index[:0], pd.Index(["nobody"])):
        rises = price_rises(touched, targets, terms)
        assert {lever for lever, rise in rises.items() if math.isnan(rise)} == {
            "discount_cap",
            "delivery_fee",
        }
        assert rises["minimum_order"] == rises["cheaper_channel"] == 0
