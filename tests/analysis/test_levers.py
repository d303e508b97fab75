"""Levers: what touched orders are, what a change of terms moves, and who gets which step."""

import datetime as dt
import math
import random
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.concentration import whale
from crmlib.analysis.costing import cost_to_serve, unit_costs
from crmlib.analysis.ledger import customer_ledger, order_lines
from crmlib.analysis.levers import (
    LEVERS,
    STEPS,
    Terms,
    affected_orders,
    effects,
    lever_gains,
    next_steps,
    step_summary,
    with_steps,
)
from crmlib.analysis.losses import Persistence
from crmlib.analysis.period import Period
from crmlib.analysis.profitability import customer_profit

YEAR = Period(dt.date(2025, 3, 1), dt.date(2026, 2, 28), 12)
TERMS = Terms(minimum_order=120.0, delivery_fee=6.0, contact_shift=0.4, discount_cap=0.15, walk_away=0.2,
              capacity_realised=0.5)  # fmt: skip


def returning(share, spread=0.0):
    """A persistence of which only the money that comes back matters."""
    return Persistence(
        pd.DataFrame(), share, (share, share), share, (share - spread, share + spread), 0, -1, -1
    )


@pytest.fixture
def firm(tables, untidy):
    """Everything the levers start from, of a drawn company."""

    def make(seed, terms=TERMS, change=None, **drawn):
        rows = untidy(seed, **drawn)
        if change:
            change(rows)
        made = tables(**{k: v for k, v in vars(rows).items() if v})
        lines = order_lines(made("orders"), 0.35)
        served = cost_to_serve(made, lines, YEAR)
        customers = customer_profit(customer_ledger(lines, YEAR), served.service if served else None)
        costs = served.unit_costs if served else None
        touched = affected_orders(lines, made("events"), costs, YEAR, terms)
        return rows, customers, touched

    return make


# Touched orders ---------------------------------------------------------------------------------


def touched_by_hand(rows, terms):
    """Order by order, in exact decimals; service of each order from its events."""
    costs = unit_costs(pd.DataFrame(rows.activities), pd.DataFrame(rows.resources))["cost_per_event"]
    served = defaultdict(Decimal)
    for e in rows.events:
        if str(YEAR.first) <= e["occurred_on"] <= str(YEAR.last) and e["order_id"]:
            price = Decimal(f"{round(costs[e['activity']], 4):.4f}")
            served[e["customer_id"], e["order_id"]] += price * Decimal(e["quantity"] or 1)
    orders = defaultdict(lambda: [Decimal(0)] * 3)
    for r in rows.orders:
        net, day = Decimal(r["net_amount"]), r["ordered_at"][:10]
        if net <= 0 or not r["customer_id"] or not str(YEAR.first) <= day <= str(YEAR.last):
            continue
        cost = net * Decimal("0.65") if r["cost_of_goods"] is None else Decimal(r["cost_of_goods"])
        key = r["customer_id"], r["order_id"] or f"on {day}"
        add = net, Decimal(r["discount_amount"] or 0), net - cost
        orders[key] = [a + b for a, b in zip(orders[key], add, strict=True)]
    table = defaultdict(lambda: dict.fromkeys(
        ["small_orders", "small_sales", "small_margin", "small_service", "deep_excess", "deep_margin",
         "deep_service"], Decimal(0)))  # fmt: skip
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
            account["deep_margin"] += margin
            account["deep_service"] += served[who, order]
    return table


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("terms", [TERMS, replace(TERMS, minimum_order=40.0, discount_cap=0.0)])
def test_touched_orders_equal_the_orders_walked_through(firm, seed, terms):
    rows, _, touched = firm(seed, terms)
    expected = touched_by_hand(rows, terms)
    assert list(touched.index) == sorted(expected)
    for who, account in expected.items():
        assert touched.loc[who].to_dict() == pytest.approx(
            {k: float(v) for k, v in account.items()}, abs=2e-3
        )


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


def test_what_lies_outside_the_period_touches_nothing(firm):
    def cut(rows):
        inside = (str(YEAR.first), str(YEAR.last) + "~")
        rows.orders = [r for r in rows.orders if inside[0] <= r["ordered_at"] <= inside[1]]
        rows.events = [r for r in rows.events if inside[0] <= r["occurred_on"] <= inside[1]]

    pd.testing.assert_frame_equal(firm(6, change=cut)[2], firm(6)[2])


def test_two_customers_with_the_same_order_number_pay_for_their_own_service(build):
    orders = [
        {"customer_id": who, "ordered_at": "2025-05-01", "net_amount": net, "order_id": "1"}
        for who, net in [("a", 10), ("b", 20)]
    ]
    events = [{"customer_id": "b", "occurred_on": "2025-05-02", "activity": "pack", "order_id": "1"}]
    costs = pd.DataFrame({"cost_per_event": {"pack": 3.0}})
    touched = affected_orders(
        order_lines(build("orders", orders), 0.5), build("events", events), costs, YEAR, TERMS
    )
    assert touched["small_service"].to_dict() == {"a": 0.0, "b": 3.0}


@pytest.mark.parametrize("events", [None, "without order numbers"])
def test_without_events_of_orders_they_cost_nothing_to_serve(build, events):
    orders = build(
        "orders", [{"customer_id": "a", "ordered_at": "2025-05-01", "net_amount": 10, "order_id": "1"}]
    )
    plain = build("events", [{"customer_id": "a", "occurred_on": "2025-05-01", "activity": "pack"}])
    costs = pd.DataFrame({"cost_per_event": {"pack": 3.0}})
    touched = affected_orders(order_lines(orders, 0.5), plain if events else None, costs, YEAR, TERMS)
    assert touched.loc["a", ["small_orders", "small_margin", "small_service"]].tolist() == [1, 5, 0]


def test_an_order_at_the_minimum_and_a_discount_at_the_cap_are_allowed(build):
    rows = [
        {"customer_id": "at", "ordered_at": "2025-05-01", "net_amount": "120", "order_id": "1"},
        {"customer_id": "below", "ordered_at": "2025-05-01", "net_amount": "119.99", "order_id": "2"},
        {"customer_id": "cap", "ordered_at": "2025-05-01", "net_amount": "170", "discount_amount": "30", "order_id": "3"},
        {"customer_id": "deep", "ordered_at": "2025-05-01", "net_amount": "170", "discount_amount": "30.01", "order_id": "4"},
    ]  # fmt: skip
    touched = affected_orders(order_lines(build("orders", rows), 0.5), None, None, YEAR, TERMS)
    assert touched["small_orders"].to_dict() == {"at": 0, "below": 1, "cap": 0, "deep": 0}
    assert (touched["deep_excess"] > 0).to_dict() == {"at": False, "below": False, "cap": False, "deep": True}
    assert touched.loc["deep", "deep_excess"] == pytest.approx(30.01 - 0.15 * 200.01, abs=1e-3)


def test_a_small_order_in_an_otherwise_large_account_is_found_by_order_not_by_line(build):
    rows = [
        {"customer_id": "a", "ordered_at": "2025-05-01", "net_amount": net, "order_id": order}
        for net, order in [(70, "1"), (70, "1"), (70, "2"), (-70, "1")]
    ]
    touched = affected_orders(order_lines(build("orders", rows), 0.5), None, None, YEAR, TERMS)
    assert touched.loc["a", ["small_orders", "small_sales"]].tolist() == [1, 70]


# Effects ----------------------------------------------------------------------------------------


def test_each_effect_by_hand_for_one_customer(account):
    customers = account({"a": {"list_sales": 500, "discounts": 80, "cost_of_goods": 200, "service_order": 60,
                               "service_relationship": 30}})  # fmt: skip
    touched = pd.DataFrame(
        {"small_orders": 5.0, "small_sales": 290.0, "small_margin": 90.0, "small_service": 40.0,
         "deep_excess": 25.0, "deep_margin": 55.0, "deep_service": 12.0}, index=["a"],
    )  # fmt: skip
    found = {lever: tuple(frame.loc["a"]) for lever, frame in effects(customers, touched, TERMS).items()}
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
def test_terms_that_change_nothing_move_nothing_and_drive_nobody_away(firm, lever, neutral):
    terms = replace(TERMS, **neutral)
    _, customers, touched = firm(1, terms)
    effect = effects(customers, touched, terms)[lever]
    assert (effect == 0).all().all()
    row = lever_gains({lever: effect}, customers.index, terms, None).loc[lever]
    assert row[["customers", "gain", "low", "high"]].tolist() == [0, 0, 0, 0]


def test_customers_who_feel_a_change_may_leave_even_where_it_frees_no_money(firm):
    """Freed capacity that nobody cuts brings nothing, but the customers were moved all the same."""
    _, customers, touched = firm(1)
    little, none = (
        effects(customers, touched, replace(TERMS, capacity_realised=r))["cheaper_channel"]
        for r in (1e-9, 0.0)
    )
    assert none["stay"].tolist() == [0] * len(none)
    assert none["leave"].tolist() == pytest.approx(little["leave"].tolist(), abs=1e-4)


def test_effects_are_about_all_customers_and_leave_their_inputs_alone(firm):
    _, customers, touched = firm(2)
    before = customers.copy(), touched.copy()
    found = effects(customers, touched, TERMS)
    assert list(found) == list(LEVERS)
    for frame in found.values():
        assert frame.index.equals(customers.index) and frame.notna().all().all()
        assert (frame["stay"] >= 0).all()
    pd.testing.assert_frame_equal(customers, before[0])
    pd.testing.assert_frame_equal(touched, before[1])


# Gains ------------------------------------------------------------------------------------------


@pytest.fixture
def drawn_effects():
    def make(seed, n=40):
        rng = np.random.default_rng(seed)
        names = [f"c{i}" for i in range(n)]
        return {
            lever: pd.DataFrame({"stay": rng.gamma(2, 5, n), "leave": rng.normal(15, 20, n)}, index=names)
            for lever in LEVERS
        }

    return make


def gain_at(by_lever, share, lasting=None, targets=None):
    """Gains at a share that walks away."""
    index = next(iter(by_lever.values())).index if targets is None else targets
    return lever_gains(by_lever, index, replace(TERMS, walk_away=share), lasting)["gain"]


def test_the_gain_is_what_those_who_stay_bring_less_what_those_who_leave_take(drawn_effects):
    by_lever = drawn_effects(1)
    for lever, gain in gain_at(by_lever, 0.3).drop("do_nothing").items():
        by_hand = sum(0.7 * stay - 0.3 * leave for stay, leave in by_lever[lever].itertuples(index=False))
        assert gain == pytest.approx(by_hand)


def test_the_gain_is_linear_in_the_share_that_walks_away(drawn_effects):
    by_lever = drawn_effects(2)
    none, half, all_ = (gain_at(by_lever, w).sort_index() for w in (0.0, 0.25, 0.5))
    assert ((none + all_) / 2).tolist() == pytest.approx(half.tolist())
    assert none["discount_cap"] == pytest.approx(by_lever["discount_cap"]["stay"].sum())


def test_at_the_break_even_share_the_gain_is_nothing(drawn_effects):
    by_lever = drawn_effects(3)
    table = lever_gains(by_lever, by_lever["discount_cap"].index, TERMS, None)
    for lever in LEVERS:
        share = table.loc[lever, "break_even"]
        assert 0 < share < 1
        assert gain_at(by_lever, share)[lever] == pytest.approx(0, abs=1e-9)
    assert math.isnan(table.loc["do_nothing", "break_even"])


@pytest.mark.parametrize(("stay", "leave", "share"), [(10.0, -20.0, 1.0), (10.0, -10.0, 1.0), (0.0, 5.0, 0.0),
                                                       (0.0, 0.0, 1.0), (10.0, -5.0, 1.0)])  # fmt: skip
def test_the_break_even_share_stays_between_none_and_all(stay, leave, share):
    effect = {"discount_cap": pd.DataFrame({"stay": [stay], "leave": [leave]}, index=["a"])}
    assert lever_gains(effect, pd.Index(["a"]), TERMS, None).loc["discount_cap", "break_even"] == share


def test_only_what_comes_back_counts(drawn_effects):
    by_lever = drawn_effects(4)
    full = gain_at(by_lever, 0.2)
    for part in (0.0, 0.35, 1.0):
        assert gain_at(by_lever, 0.2, returning(part)).tolist() == pytest.approx((part * full).tolist())
    assert gain_at(by_lever, 0.2, returning(1.7)).tolist() == pytest.approx(full.tolist())
    unknown = returning(float("nan"))
    assert gain_at(by_lever, 0.2, unknown).tolist() == pytest.approx(full.tolist())


def test_the_interval_scales_with_what_comes_back(drawn_effects):
    by_lever = drawn_effects(4)
    index = by_lever["discount_cap"].index
    full = lever_gains(by_lever, index, TERMS, returning(1.0), draws=20_000)
    half = lever_gains(by_lever, index, TERMS, returning(0.5), draws=20_000)
    for end in ("low", "high"):
        assert half[end].tolist() == pytest.approx((0.5 * full[end]).tolist(), rel=0.05, abs=0.5)


def test_more_doubt_about_what_comes_back_widens_the_interval(drawn_effects):
    by_lever = drawn_effects(4)
    index = by_lever["discount_cap"].index
    tables = [lever_gains(by_lever, index, TERMS, returning(0.5, spread)) for spread in (0.0, 0.4)]
    width = [(t["high"] - t["low"]).drop("do_nothing") for t in tables]
    assert (width[1] > width[0]).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("lasting", [None, returning(0.0, 0.2), returning(0.4, 0.1), returning(1.2, 0.5)])
@pytest.mark.parametrize("walk_away", [0.0, 0.2, 0.5, 0.9])
def test_the_middle_lies_in_its_interval(drawn_effects, seed, lasting, walk_away):
    by_lever = drawn_effects(seed, n=12)
    terms = replace(TERMS, walk_away=walk_away)
    table = lever_gains(by_lever, by_lever["discount_cap"].index, terms, lasting, seed=seed)
    slack = 1e-9 + 0.01 * table["gain"].abs()
    assert (table["low"] <= table["gain"] + slack).all()
    assert (table["gain"] <= table["high"] + slack).all()


def test_without_doubt_about_leaving_the_interval_is_that_of_a_sum(drawn_effects):
    """Over customers alone: 1.96 standard deviations of a total of 40 customers on each side."""
    by_lever = drawn_effects(5)
    effect = by_lever["discount_cap"]
    terms = replace(TERMS, walk_away=0.0)
    row = lever_gains(by_lever, effect.index, terms, None, draws=40_000).loc["discount_cap"]
    mean = effect["stay"].mean()
    deviation = math.sqrt(sum((v - mean) ** 2 for v in effect["stay"]) / 39)
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * math.sqrt(40) * deviation, rel=0.03)


def test_for_one_customer_only_the_share_that_walks_away_is_in_doubt():
    effect = {"discount_cap": pd.DataFrame({"stay": [100.0], "leave": [60.0]}, index=["a"])}
    row = lever_gains(effect, pd.Index(["a"]), TERMS, None, draws=40_000).loc["discount_cap"]
    assert row["high"] == pytest.approx(100 - 0.4 * 0.025 * 160, abs=0.5)
    assert row["low"] == pytest.approx(100 - 0.4 * 0.975 * 160, abs=0.5)


@pytest.mark.parametrize("walk_away", [0.7, 1.0])
def test_no_more_than_all_business_can_walk_away(walk_away):
    effect = {"discount_cap": pd.DataFrame({"stay": [100.0], "leave": [60.0]}, index=["a"])}
    terms = replace(TERMS, walk_away=walk_away)
    row = lever_gains(effect, pd.Index(["a"]), terms, None).loc["discount_cap"]
    assert -60 <= row["low"] <= row["high"] <= 100


def test_options_stand_in_the_order_of_their_gains_after_doing_nothing(drawn_effects):
    by_lever = drawn_effects(6)
    table = lever_gains(by_lever, by_lever["discount_cap"].index, TERMS, None)
    assert table.index[0] == "do_nothing" and set(table.index[1:]) == set(LEVERS)
    assert table["gain"].iloc[1:].is_monotonic_decreasing
    assert table.loc["do_nothing", ["customers", "gain", "low", "high"]].tolist() == [0, 0, 0, 0]


def test_only_the_target_customers_count(drawn_effects):
    by_lever = drawn_effects(7)
    some = by_lever["discount_cap"].index[:7]
    alone = {lever: frame.loc[some] for lever, frame in by_lever.items()}
    pd.testing.assert_frame_equal(
        lever_gains(by_lever, some, TERMS, None), lever_gains(alone, some, TERMS, None)
    )
    nobody = lever_gains(by_lever, some[:0], TERMS, None)
    assert nobody[["customers", "gain", "low", "high"]].to_numpy().tolist() == [[0] * 4] * 5


def test_every_customer_who_may_gain_or_leave_is_touched():
    """One small order becomes no fewer orders under a minimum, but the customer may go elsewhere."""
    effect = {
        "minimum_order": pd.DataFrame({"stay": [5.0, 0.0, 0.0], "leave": [9.0, 9.0, 0.0]}, index=list("abc"))
    }
    assert lever_gains(effect, pd.Index(list("abc")), TERMS, None).loc["minimum_order", "customers"] == 2


def test_the_same_seed_gives_the_same_interval_and_another_seed_about_the_same(drawn_effects):
    by_lever = drawn_effects(8)
    index = by_lever["discount_cap"].index
    one, same, other = (lever_gains(by_lever, index, TERMS, returning(0.5, 0.1), seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    assert one["gain"].equals(other["gain"])
    assert not one["low"].equals(other["low"])
    width = (one["high"] - one["low"]).max()
    assert np.allclose(one["low"], other["low"], atol=0.1 * width)


def test_order_and_names_of_customers_change_no_gain(drawn_effects):
    by_lever = drawn_effects(9)
    index = by_lever["discount_cap"].index
    expected = lever_gains(by_lever, index, TERMS, None)
    mixed = list(index)
    random.Random(1).shuffle(mixed)
    again = lever_gains(by_lever, pd.Index(mixed), TERMS, None)
    pd.testing.assert_frame_equal(again, expected)
    renamed = {lever: frame.rename(index=lambda n: n + "x") for lever, frame in by_lever.items()}
    pd.testing.assert_frame_equal(lever_gains(renamed, index + "x", TERMS, None), expected)


# Next steps -------------------------------------------------------------------------------------


@pytest.fixture
def planned(account):
    """Losers made so that each deserves another step; the levers' effects are given by hand."""
    names = ["earns", "zero", "just won", "first loss", "new and losing", "cap", "minimum", "fee", "channel",
             "together", "part", "bought nothing"]  # fmt: skip
    customers = account(
        {name: {"list_sales": 100, "cost_of_goods": 80, "service_order": 30} for name in names}
    )
    customers.loc["bought nothing", ["list_sales", "net_sales", "gross_margin"]] = 0
    customers["profit"] = -10.0
    customers.loc["just won", ["acquisition_cost", "profit"]] = [40, -10]
    customers.loc[["earns", "zero"], "profit"] = [5, 0]
    zero = pd.DataFrame({"stay": 0.0, "leave": 0.0}, index=customers.index)
    by_lever = {lever: zero.copy() for lever in LEVERS}
    by_lever["discount_cap"].loc["cap"] = [20, 10]  # 0.8 x 20 - 0.2 x 10 = 14
    by_lever["minimum_order"].loc[["cap", "minimum"]] = [30, 0]
    by_lever["delivery_fee"].loc[["fee", "cap"]] = [12.5, 0]  # 0.8 x 12.5 = 10: just enough
    by_lever["cheaper_channel"].loc["channel"] = [40, 0]
    for lever in LEVERS:
        by_lever[lever].loc["together"] = [6, 0]  # 4.8 each; fee and minimum count once
        by_lever[lever].loc["part"] = [3, 0]
        by_lever[lever].loc[["first loss", "new and losing", "just won", "bought nothing"]] = [50, 0]
    before = account({name: {"returns": -10} for name in names if name != "new and losing"})
    before.loc["first loss", ["profit", "acquisition_cost"]] = [-5, 5]
    return customers, by_lever, before


def test_everyone_gets_the_mildest_step_that_may_be_enough(planned):
    customers, by_lever, before = planned
    plan = next_steps(customers, by_lever, TERMS, before)
    assert plan["step"].to_dict() == {
        "just won": "wait", "first loss": "watch", "new and losing": "watch", "cap": "discount_cap",
        "minimum": "minimum_order", "fee": "delivery_fee", "channel": "cheaper_channel", "together": "together",
        "part": "part", "bought nothing": "past",
    }  # fmt: skip
    after = {"just won": 30, "first loss": -10, "new and losing": -10, "cap": 4, "minimum": 14, "fee": 0,
             "channel": 22, "together": 4.4, "part": -10, "bought nothing": -10}  # fmt: skip
    assert plan["after_step"].to_dict() == pytest.approx(after)
    assert (plan["loss"] == -10).all()


def test_without_a_period_before_nobody_is_put_on_watch(planned):
    customers, by_lever, _ = planned
    plan = next_steps(customers, by_lever, TERMS)
    assert "watch" not in set(plan["step"])
    assert plan.loc["first loss", "step"] == "discount_cap"


def test_parting_frees_the_realised_service_and_gives_up_the_margin(planned):
    customers, by_lever, before = planned
    plan = next_steps(customers, by_lever, TERMS, before)
    assert plan.loc["part", "avoidable"] == pytest.approx(0.5 * 30 - 20)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_losses_by_step_are_the_losses_of_the_whale(firm, seed):
    _, customers, touched = firm(seed)
    plan = next_steps(customers, effects(customers, touched, TERMS), TERMS)
    summary, w = step_summary(plan), whale(customers["profit"])
    assert summary["loss"].sum() == pytest.approx(w.loss)
    assert summary["customers"].sum() == w.losers == len(plan)
    assert [s for s in STEPS if s in summary.index] == list(summary.index)
    assert (plan["after_step"] >= plan["loss"] - 1e-9).all()
    helped = ~plan["step"].isin(["past", "watch", "part"])
    assert (plan.loc[helped, "after_step"] >= 0).all()


def test_order_of_customers_changes_no_step(planned):
    customers, by_lever, before = planned
    expected = next_steps(customers, by_lever, TERMS, before)
    turned = next_steps(customers[::-1], by_lever, TERMS, before[::-1])
    pd.testing.assert_frame_equal(turned.sort_index(), expected.sort_index())


def test_planning_leaves_its_inputs_alone(planned):
    customers, by_lever, before = planned
    copies = customers.copy(), {k: v.copy() for k, v in by_lever.items()}, before.copy()
    step_summary(next_steps(customers, by_lever, TERMS, before))
    pd.testing.assert_frame_equal(customers, copies[0])
    pd.testing.assert_frame_equal(before, copies[2])
    for lever, frame in by_lever.items():
        pd.testing.assert_frame_equal(frame, copies[1][lever])


def test_nobody_loses_nobody_needs_a_step(planned):
    customers, by_lever, before = planned
    plan = next_steps(customers.loc[["earns", "zero"]], by_lever, TERMS, before)
    assert plan.empty and step_summary(plan).empty
    assert step_summary(plan)["loss"].sum() == 0
    assert with_steps(customers.loc[["earns", "zero"]], plan)["step"].tolist() == ["Keep", "Keep"]


def test_the_list_holds_every_customer_once_from_best_to_worst(planned):
    customers, by_lever, before = planned
    table = with_steps(customers, next_steps(customers, by_lever, TERMS, before))
    assert sorted(table["customer_id"]) == sorted(customers.index)
    assert table["profit"].is_monotonic_decreasing
    steps = dict(zip(table["customer_id"], table["step"], strict=True))
    assert steps["earns"] == steps["zero"] == "Keep"
    assert steps["part"] == STEPS["part"]
    assert table["profit"].sum() == customers["profit"].sum()
