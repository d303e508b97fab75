"""Offers that keep relations, on customers whose numbers can be worked out by hand."""

from datetime import date

import pandas as pd
import pytest

from crmlib.analysis.actions.keeping import order_histories, recent_failures, save, service_repair, win_back
from crmlib.analysis.actions.offer import Prices
from crmlib.analysis.ledger import order_lines

TODAY = date(2026, 6, 30)
PRICES = Prices(letter=3.0, call=6.0, offer=5.0)


def churn(**rows):
    return pd.DataFrame(
        [(who, p, v, "") for who, (p, v) in rows.items()],
        columns=["customer_id", "churn_probability", "worth_if_kept", "why"],
    )


def lifetime(**rows):
    return pd.DataFrame(
        [(w, a, v) for w, (a, v) in rows.items()], columns=["customer_id", "alive", "value_12"]
    )


@pytest.fixture(scope="module")
def histories(build):
    rows = [
        {"customer_id": who, "ordered_at": day, "net_amount": "10", "order_id": number}
        for who, day, number in (("A", "2025-01-01", "1"), ("A", "2025-01-01", "1"), ("A", "2025-03-05", "2"))
    ]
    rows.append({"customer_id": "A", "ordered_at": "2025-04-01", "net_amount": "-10", "order_id": "3"})
    return order_histories(order_lines(build("orders", rows), 0.4), TODAY)


def test_a_history_counts_orders_and_no_returns(histories):
    assert histories.loc["A", "orders"] == 2
    assert histories.loc["A", ["first_on", "last_on"]].astype(str).tolist() == ["2025-01-01", "2025-03-05"]


def test_win_back_is_for_those_more_likely_gone_than_not(histories):
    saved = lifetime(A=(0.25, 30.0), B=(0.5, 30.0), C=(0.1, 1.0), D=(0.2, 30.0))
    found = win_back(saved, histories, PRICES, churn(D=(0.5, 90.0))).table
    # A would bring 120 if active: gone with 0.75, so 0.75 * (120 - 5); cost 3 + 0.25 * 5
    assert found.loc["A", ["gain", "cost"]].tolist() == pytest.approx([86.25, 4.25])
    assert "B" not in found.index and "D" not in found.index  # active enough, or on the list of save
    assert found.loc["C", "gain"] == pytest.approx(0.9 * (10 - 5))


def test_win_back_needs_chances_to_be_active(histories):
    assert "notebook 04" in win_back(None, histories, PRICES).left_out
    blind = lifetime(A=(float("nan"), 30.0))
    found = win_back(blind, histories, PRICES)
    assert found.table is None and "still active" in found.left_out


def test_win_back_takes_no_value_of_a_simple_forecast_apart(histories):
    simple = lifetime(A=(0.013, 30.0)).assign(basis="simple forecast")
    found = win_back(simple, histories, PRICES)
    assert found.table is None and "forecast used does not say it" in found.left_out
    assert win_back(simple.assign(basis="model"), histories, PRICES).table is not None


def test_save_by_hand():
    found = save(churn(A=(0.5, 100.0), B=(0.1, 4.0), C=(None, 9.0)), PRICES).table
    assert found.loc["A", ["gain", "cost"]].tolist() == pytest.approx([0.5 * 95, 3 + 0.5 * 5])
    assert found.loc["B", "gain"] < 0  # worth less than the offer: no option will be made of it
    assert "C" not in found.index
    assert "notebook 03" in save(None, PRICES).left_out


@pytest.fixture(scope="module")
def served(build):
    orders = build("orders", [
        {"customer_id": who, "ordered_at": "2026-05-01", "net_amount": "10", "order_id": number}
        for who, number in (("A", "1"), ("B", "2"), ("C", "3"), ("D", "4"), ("E", "5"))
    ])  # fmt: skip
    deliveries = build("deliveries", [
        {"partner_id": "K", "promised_on": promised, "delivered_on": came, "order_id": number, "complete": whole,
         "damaged": broken}
        for number, promised, came, whole, broken in (
            ("1", "2026-05-03", "2026-05-04", "true", "false"),
            ("2", "2026-05-03", "2026-05-03", "true", "false"),
            ("3", "2026-05-03", "2026-05-03", "false", "false"),
            ("4", "2026-05-03", "2026-05-04", "true", "true"),
            ("5", "2026-01-03", "2026-01-09", "true", "false"),
        )
    ])  # fmt: skip
    survey = build("survey", [
        {"customer_id": "B", "answered_on": "2026-06-01", "expectation": "8", "performance": "6"},
        {"customer_id": "A", "answered_on": "2026-06-02", "expectation": "8", "performance": "8"},
    ])  # fmt: skip
    return {"orders": orders, "deliveries": deliveries, "survey": survey}.get


def test_failures_are_seen_where_they_happened(served):
    found = recent_failures(served, TODAY, 90)
    assert found["failure"].to_dict() == {"A": "late", "B": "below", "C": "incomplete", "D": "damaged"}
    assert found.loc["B", "failed_on"] == pd.Timestamp("2026-06-01")


def test_service_repair_calls_those_let_down(served):
    found = service_repair(churn(A=(0.5, 100.0), Z=(0.9, 100.0)), served, TODAY, PRICES).table
    assert found[["gain", "cost"]].to_dict("index") == {"A": {"gain": 50.0, "cost": 6.0}}
    nothing = {"orders": served("orders")}.get
    assert "deliveries" in service_repair(churn(A=(0.5, 1.0)), nothing, TODAY, PRICES).left_out
    assert "notebook 03" in service_repair(None, served, TODAY, PRICES).left_out


def test_another_engine_finds_the_same_failures(served, on_sqlite):
    tables = {name: on_sqlite(served(name)) for name in ("orders", "deliveries", "survey")}
    pd.testing.assert_frame_equal(recent_failures(tables.get, TODAY, 90), recent_failures(served, TODAY, 90))
