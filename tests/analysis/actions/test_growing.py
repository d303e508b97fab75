"""Offers that make relations grow, on customers whose numbers can be worked out by hand."""

from datetime import date

import pandas as pd
import pytest

from crmlib.analysis.actions import growing
from crmlib.analysis.actions.offer import Prices
from crmlib.analysis.audit.customer_days import service_days
from crmlib.analysis.ledger import order_lines
from crmlib.analysis.segments.levels import LEVELS

TODAY = date(2026, 6, 30)
PRICES = Prices(letter=3.0, call=6.0, offer=5.0)


@pytest.fixture(scope="module")
def products(build):
    return build("products", [
        {"product_id": f"{category}{tier}", "category": category, "tier": tier}
        for category in ("cups", "lamps") for tier in ("entry", "premium")
    ])  # fmt: skip


@pytest.fixture(scope="module")
def orders(build):
    """Cups: a premium unit leaves 12, an entry unit 4. Lamps: premium sells for more and leaves less."""
    rows = [
        {"customer_id": who, "ordered_at": day, "product_id": product, "quantity": units, "net_amount": net,
         "cost_of_goods": cost}
        for who, day, product, units, net, cost in (
            ("A", "2026-01-01", "cupsentry", 3, 30, 18), ("A", "2026-02-01", "lampsentry", 1, 50, 20),
            ("B", "2026-01-01", "cupspremium", 2, 40, 16), ("C", "2026-01-01", "lampsentry", 2, 100, 40),
            ("D", "2026-01-01", "lampspremium", 1, 80, 70), ("E", "2024-01-01", "cupsentry", 9, 90, 54),
        )
    ]  # fmt: skip
    return build("orders", rows)


@pytest.fixture(scope="module")
def lines(orders):
    return order_lines(orders, 0.4, keep=["product_id", "quantity"])


def test_trading_up_is_worth_the_difference_in_margin(lines, products):
    found = growing.up_sell(lines, products, TODAY, PRICES).table
    # A bought 3 entry cups; B is at the top; for C the higher tier leaves less; E bought too long ago
    assert found[["gain", "cost", "product"]].to_dict("index") == {
        "A": {"gain": pytest.approx(3 * (12 - 4)), "cost": 3.0, "product": "cups, premium"}
    }


def test_another_engine_finds_the_same_offers(orders, products, lines, on_sqlite):
    copied = order_lines(on_sqlite(orders), 0.4, keep=["product_id", "quantity"])
    found = growing.up_sell(copied, on_sqlite(products), TODAY, PRICES).table
    pd.testing.assert_frame_equal(found, growing.up_sell(lines, products, TODAY, PRICES).table)
    assert growing.first_year_profit(copied, date(2027, 6, 30)) == growing.first_year_profit(
        lines, date(2027, 6, 30)
    )


def test_trading_up_needs_tiers(lines, products):
    assert "tier" in growing.up_sell(lines, products.drop("tier"), TODAY, PRICES).left_out
    assert growing.up_sell(lines, None, TODAY, PRICES).table is None


@pytest.fixture(scope="module")
def long_lines(build):
    """A came before anybody can tell; N came in 2024 and left 40 in his first year, M 20."""
    rows = [
        {"customer_id": who, "ordered_at": day, "net_amount": net}
        for who, day, net in (
            ("A", "2023-01-01", 900), ("N", "2025-01-01", 60), ("N", "2025-12-01", 40), ("N", "2026-02-01", 500),
            ("M", "2025-06-01", 50), ("L", "2026-01-01", 700),
        )
    ]  # fmt: skip
    return order_lines(build("orders", rows), 0.4)


def test_a_new_customer_brings_what_those_of_a_year_ago_did(long_lines):
    assert growing.first_year_profit(long_lines, TODAY) == pytest.approx((40 + 20) / 2)
    assert pd.isna(growing.first_year_profit(long_lines, date(2023, 6, 1)))


def test_what_serving_a_new_customer_costs_in_the_first_year_is_taken_off(build, long_lines):
    events = build("events", [
        {"customer_id": who, "occurred_on": day, "activity": "call"}
        for who, day in (("N", "2025-03-01"), ("N", "2025-11-01"), ("N", "2026-03-01"), ("A", "2025-03-01"))
    ])  # fmt: skip
    activities = build("activities", [{"activity": "call", "minutes_per_event": 5, "resource": "desk"}])
    resources = build(
        "resources", [{"resource": "desk", "cost_per_month": 100, "practical_minutes_per_month": 100}]
    )
    service = service_days({"events": events, "activities": activities, "resources": resources}.get)
    # Two calls of N lie in his first year, at 5 each.
    assert growing.first_year_profit(long_lines, TODAY, service) == pytest.approx((40 - 10 + 20) / 2)


def test_who_costs_more_than_he_brings_is_not_asked_for_others(build, long_lines):
    referrals = build(
        "referrals", [{"referrer_id": who, "referred_id": "M", "referred_on": "2025-06-01"} for who in "AN"]
    )
    saved = pd.DataFrame(
        {"customer_id": ["A", "N"], "alive": 0.9, "value_12": [5.0, -1.0], "value_36": [-9.0, 9.0]}
    )
    found = growing.ask_for_referral(saved, long_lines, {"referrals": referrals}.get, TODAY, PRICES).table
    assert found.index.tolist() == ["A"]


def test_who_would_recommend_or_has_done_so_is_asked(build, long_lines):
    survey = build("survey", [
        {"customer_id": who, "answered_on": day, "recommend_0_10": score}
        for who, day, score in (
            ("A", "2026-01-01", 10), ("A", "2026-03-01", 8), ("N", "2026-01-01", 9), ("M", "2024-01-01", 10)
        )
    ])  # fmt: skip
    referrals = build("referrals", [
        {"referrer_id": who, "referred_id": new, "referred_on": "2025-01-01", "incentive": "10"}
        for who, new in (("L", "N"), ("A", "M"), ("K", "J"))
    ])  # fmt: skip
    saved = pd.DataFrame({"customer_id": ["A", "N", "M", "L"], "alive": [0.9, 0.9, 0.9, 0.9]})
    tables = {"survey": survey, "referrals": referrals}
    found = growing.ask_for_referral(saved, long_lines, tables.get, TODAY, PRICES).table
    # A's last answer is 8; K is no customer of the values; M's answer is too old
    assert found["gain"].to_dict() == {"L": pytest.approx(30 - 10), "N": pytest.approx(20)}
    gone = saved.assign(alive=[0.9, 0.1, 0.9, 0.9])
    assert "N" not in growing.ask_for_referral(gone, long_lines, tables.get, TODAY, PRICES).table.index
    assert "referrals" in growing.ask_for_referral(saved, long_lines, {}.get, TODAY, PRICES).left_out


def test_new_terms_end_the_smaller_loss_of_two_years():
    profit = pd.DataFrame({
        "customer_id": ["A", "B", "C"], "profit": [-100.0, -40.0, -50.0], "profit_before": [-60.0, None, -90.0],
        "avoidable": [-30.0, 10.0, 0.0], "step": ["Cap the discount", "Cap the discount", "Review whether to part"],
        "main_cause": "Discounts",
    })  # fmt: skip
    found = growing.reprice(profit, ("Cap the discount",)).table
    assert found[["gain", "cost"]].to_dict("index") == {
        "A": {"gain": 90.0, "cost": 30.0}, "B": {"gain": 30.0, "cost": -10.0}
    }  # fmt: skip
    assert "notebook 02" in growing.reprice(None, ()).left_out


def test_levels_move_to_what_is_due():
    segments = pd.DataFrame({
        "customer_id": list("ABCD"), "level": ["proactive", "basic", "basic", "reactive"],
        "level_now": ["basic", "reactive", "basic", None],
    })  # fmt: skip
    profit = pd.DataFrame({
        "customer_id": list("ABCD"), "gross_margin": [1000.0, 100.0, 5.0, 5.0], "service_relationship": [0.0, 30.0, 0, 0]
    })  # fmt: skip
    up, down = growing.level_changes(segments, profit, LEVELS, PRICES)
    assert up.table[["gain", "cost"]].to_dict("index") == {"A": {"gain": 1000.0, "cost": 3 * 4 * 6.0}}
    assert down.table[["gain", "cost"]].to_dict("index") == {"B": {"gain": 30.0, "cost": 10.0}}
    for given in ((None, profit), (segments.drop(columns="level_now"), profit), (segments, None)):
        up, down = growing.level_changes(*given, LEVELS, PRICES)
        assert up.table is None and down.left_out == up.left_out != ""
