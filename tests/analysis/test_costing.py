"""Time-driven costing: rates, purposes of events, and capacity that adds up."""

import datetime as dt
import random
from decimal import Decimal
from fractions import Fraction

import ibis
import pandas as pd
import pytest

from crmlib.analysis.costing import (
    by_purpose,
    capacity_use,
    cost_to_serve,
    events_per_activity,
    served_events,
    service_costs,
    unit_costs,
)
from crmlib.analysis.ledger import order_lines
from crmlib.analysis.period import Period
from crmlib.errors import DataError

YEAR = Period(dt.date(2025, 3, 1), dt.date(2026, 2, 28), 12)


def event(who, day, activity="call", **more):
    return {"customer_id": who, "occurred_on": day, "activity": activity, **more}


def activities(**minutes):
    return pd.DataFrame(
        [{"activity": a, "minutes_per_event": m, "resource": r} for a, (m, r) in minutes.items()]
    )


def resources(**pools):
    return pd.DataFrame(
        [
            {"resource": r, "cost_per_month": c, "practical_minutes_per_month": m}
            for r, (c, m) in pools.items()
        ]
    )


@pytest.fixture
def served_of(tables):
    """Cost a drawn company: the call a notebook makes."""

    def make(rows, period=YEAR):
        company = tables(**{name: value or None for name, value in vars(rows).items()})
        lines = order_lines(company("orders"), 0.35)
        return cost_to_serve(company, lines, period)

    return make


# Unit costs -------------------------------------------------------------------------------------


def test_an_event_costs_its_minutes_times_the_rate_of_its_pool():
    costs = unit_costs(
        activities(pack=(6, "stock"), call=(9, "desk"), letter=(0, "desk")),
        resources(stock=(1200, 400), desk=(50, 200), spare=(0, 10)),
    )
    assert costs["cost_per_event"].to_dict() == {"call": 2.25, "letter": 0.0, "pack": 18.0}
    assert costs["rate"].to_dict() == {"call": 0.25, "letter": 0.25, "pack": 3.0}


def test_rows_in_another_order_give_the_same_unit_costs():
    a = activities(pack=(6, "stock"), call=(9, "desk"))
    r = resources(stock=(1200, 400), desk=(50, 200))
    pd.testing.assert_frame_equal(unit_costs(a[::-1], r[::-1]), unit_costs(a, r))


def test_twice_the_cost_or_half_the_minutes_of_a_pool_doubles_the_rate():
    a = activities(call=(9, "desk"))
    base = unit_costs(a, resources(desk=(50, 200))).loc["call", "cost_per_event"]
    assert unit_costs(a, resources(desk=(100, 200))).loc["call", "cost_per_event"] == 2 * base
    assert unit_costs(a, resources(desk=(50, 100))).loc["call", "cost_per_event"] == 2 * base


@pytest.mark.parametrize("minutes", [0, -5])
def test_a_pool_without_minutes_is_refused_by_name(minutes):
    with pytest.raises(DataError, match="'van'") as error:
        unit_costs(activities(call=(9, "desk")), resources(desk=(50, 200), van=(10, minutes)))
    assert "80 to 85 %" in error.value.remedy


def test_an_unknown_pool_is_refused_and_the_known_ones_are_named():
    with pytest.raises(DataError, match="'help desk'") as error:
        unit_costs(activities(call=(9, "help desk")), resources(desk=(50, 200), van=(10, 5)))
    assert "desk, van" in error.value.expected


# Events and their purpose -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_customer_costs_what_walking_through_the_events_gives(served_of, untidy, second_service, seed):
    rows = untidy(seed)
    expected = second_service(rows, YEAR.first, YEAR.last)
    found = by_purpose(served_of(rows).service)
    for (who, purpose), cost in expected.items():
        assert found.loc[who, purpose] == pytest.approx(float(cost), abs=1e-9)
    assert found.sum().sum() == pytest.approx(float(sum(expected.values())), abs=1e-9)
    assert set(found.index) == {who for who, _ in expected}


def test_purpose_follows_the_order_an_event_names(build):
    lines = order_lines(
        build("orders", [
            {"customer_id": "a", "ordered_at": "2025-05-01", "net_amount": 10, "order_id": "1"},
            {"customer_id": "a", "ordered_at": "2025-05-10", "net_amount": -5, "order_id": "1"},
            {"customer_id": "a", "ordered_at": "2025-05-20", "net_amount": -5, "order_id": "1"},
            {"customer_id": "a", "ordered_at": "2025-05-01", "net_amount": 10, "order_id": "2"},
        ]), 0.5,
    )  # fmt: skip
    events = build("events", [
        event("a", "2025-05-02", "before the return", order_id="1"),
        event("a", "2025-05-10", "on the day it came back", order_id="1"),
        event("a", "2025-05-15", "between two returns", order_id="1"),
        event("a", "2025-05-15", "never returned", order_id="2"),
        event("a", "2025-05-15", "an order nobody knows", order_id="9"),
        event("a", "2025-05-15", "no order", order_id=None),
    ])  # fmt: skip
    counts = served_events(events, lines, YEAR)
    assert dict(counts.columns.tolist()) == {
        "before the return": "order", "on the day it came back": "return", "between two returns": "return",
        "never returned": "order", "an order nobody knows": "order", "no order": "relationship",
    }  # fmt: skip


def test_a_return_of_another_customer_with_the_same_order_number_is_not_this_ones_return(build):
    """Order numbers of two shops may repeat; an event belongs to the order of its own customer."""
    orders = [
        {"customer_id": "a", "ordered_at": "2025-05-01", "net_amount": -10, "order_id": "1"},
        {"customer_id": "b", "ordered_at": "2025-05-01", "net_amount": 10, "order_id": "1"},
    ]
    events = build("events", [event("b", "2025-05-02", "pack", order_id="1")])
    counts = served_events(events, order_lines(build("orders", orders), 0.5), YEAR)
    assert counts.columns.tolist() == [("pack", "order")]


@pytest.mark.parametrize("order_column", [True, False])
def test_without_order_lines_or_order_numbers_all_service_is_relationship(build, order_column):
    rows = [event("a", "2025-05-02", "pack", **({"order_id": "1"} if order_column else {}))]
    lines = order_lines(
        build(
            "orders", [{"customer_id": "a", "ordered_at": "2025-05-01", "net_amount": -1, "order_id": "1"}]
        ),
        0.5,
    )
    counts = served_events(build("events", rows), None if order_column else lines, YEAR)
    assert counts.columns.tolist() == [("pack", "relationship")]


def test_a_blank_quantity_is_one_event_and_zero_is_none(build):
    rows = [event("a", "2025-05-02", quantity=q) for q in (None, "0", "2.5")]
    assert served_events(build("events", rows), None, YEAR).loc["a", "call"].sum() == 3.5
    plain = [event("a", "2025-05-02")] * 3
    assert served_events(build("events", plain), None, YEAR).loc["a", "call"].sum() == 3


def test_events_of_the_first_and_last_day_count_and_their_neighbours_do_not(build):
    days = ["2025-02-28", "2025-03-01", "2026-02-28", "2026-03-01"]
    counts = served_events(build("events", [event(day, day) for day in days]), None, YEAR)
    assert list(counts.index) == days[1:3]


def test_a_return_before_the_period_still_makes_its_handling_a_return(build):
    orders = [{"customer_id": "a", "ordered_at": "2025-02-25", "net_amount": -1, "order_id": "1"}]
    events = build("events", [event("a", "2025-03-01", "unpack", order_id="1")])
    counts = served_events(events, order_lines(build("orders", orders), 0.5), YEAR)
    assert counts.columns.tolist() == [("unpack", "return")]


def test_a_return_after_an_event_leaves_its_purpose_alone(build):
    """Leakage: what comes back tomorrow must not change what yesterday's work was for."""
    orders = [{"customer_id": "a", "ordered_at": "2025-05-01", "net_amount": 1, "order_id": "1"}]
    later = [*orders, {"customer_id": "a", "ordered_at": "2027-01-01", "net_amount": -1, "order_id": "1"}]
    events = build("events", [event("a", "2025-05-02", "pack", order_id="1")])
    now, then = (served_events(events, order_lines(build("orders", o), 0.5), YEAR) for o in (orders, later))
    pd.testing.assert_frame_equal(now, then)


def test_names_with_any_sign_in_them_stay_apart(build):
    names = ["call|order", "call", "call|", "|order", "CALL", "cal'l", 'ca"ll', "ca;ll --"]
    counts = served_events(build("events", [event("a", "2025-05-02", name) for name in names]), None, YEAR)
    assert sorted(counts.columns.get_level_values("activity")) == sorted(names)
    assert counts.to_numpy().tolist() == [[1.0] * len(names)]


# Capacity and reconciliation --------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_what_customers_cost_is_what_was_used_and_the_rest_is_unused(served_of, untidy, seed):
    served = served_of(untidy(seed))
    capacity = served.capacity
    assert served.service.sum().sum() == pytest.approx(capacity["cost_used"].sum())
    assert served.unused == pytest.approx(capacity["cost_supplied"].sum() - served.service.sum().sum())
    for what in ("cost", "minutes"):
        both = capacity[f"{what}_used"] + capacity[f"{what}_unused"]
        assert both.tolist() == pytest.approx(capacity[f"{what}_supplied"].tolist())
    assert capacity["utilisation"].tolist() == pytest.approx(
        (capacity["cost_used"] / capacity["cost_supplied"]).tolist()
    )


def test_capacity_is_paid_for_by_the_month_used_or_not():
    r = resources(desk=(50, 200), idle=(30, 10))
    costs = unit_costs(activities(call=(9, "desk")), r)
    counts = pd.DataFrame(
        [[4.0]],
        index=["a"],
        columns=pd.MultiIndex.from_tuples([("call", "order")], names=["activity", "purpose"]),
    )
    capacity = capacity_use(counts, costs, r, 2.5)
    assert capacity.loc["desk", ["cost_supplied", "minutes_supplied", "minutes_used"]].tolist() == [
        125,
        500,
        36,
    ]
    assert capacity.loc["idle", ["cost_supplied", "cost_used", "cost_unused"]].tolist() == [75, 0, 75]
    assert capacity.loc["idle", "utilisation"] == 0


def test_an_overloaded_pool_shows_more_than_all_of_it_used(served_of, untidy):
    rows = untidy(1)
    rows.resources[2]["practical_minutes_per_month"] = "1"
    desk = served_of(rows).capacity.loc["desk"]
    assert desk["utilisation"] > 1 and desk["cost_unused"] < 0 and desk["minutes_unused"] < 0


def test_unused_capacity_touches_no_customer(served_of, untidy):
    """More idle minutes at the same rate: customers cost the same, the company pays more."""
    rows, larger = untidy(2), untidy(2)
    for pool in larger.resources:
        for name in ("cost_per_month", "practical_minutes_per_month"):
            pool[name] = str(4 * Decimal(pool[name]))
    small, large = served_of(rows), served_of(larger)
    pd.testing.assert_frame_equal(small.service, large.service)
    assert large.unused > small.unused


def test_order_of_rows_and_names_of_customers_change_nothing(served_of, untidy):
    rows, other = untidy(3), untidy(3)
    rng = random.Random(0)
    for name in ("orders", "events", "activities", "resources"):
        rng.shuffle(getattr(other, name))
    expected = served_of(rows)
    pd.testing.assert_frame_equal(served_of(other).service, expected.service)
    for row in other.orders + other.events + other.customers:
        row["customer_id"] = row["customer_id"] and f"Z{99 - int(row['customer_id'][1:]):02d}"
    renamed = served_of(other).service
    renamed.index = [f"K{99 - int(name[1:]):02d}" for name in renamed.index]
    pd.testing.assert_frame_equal(renamed.sort_index(), expected.service, check_names=False)


def test_events_outside_the_period_change_nothing(served_of, untidy):
    rows, other = untidy(3), untidy(3)
    other.events = [e for e in other.events if str(YEAR.first) <= e["occurred_on"] <= str(YEAR.last)]
    assert 0 < len(other.events) < len(rows.events)
    pd.testing.assert_frame_equal(served_of(other).service, served_of(rows).service)
    pd.testing.assert_frame_equal(served_of(other).capacity, served_of(rows).capacity)


def test_a_period_without_any_event_uses_no_capacity_and_costs_nobody_anything(served_of, untidy):
    rows = untidy(1)
    empty = Period(dt.date(2020, 1, 1), dt.date(2020, 12, 31), 12)
    served = served_of(rows, empty)
    assert served.service.empty
    assert served.capacity["cost_used"].tolist() == [0, 0, 0]
    assert served.unused == pytest.approx(12 * (400 + 333.33 + 120))
    assert list(by_purpose(served.service).columns) == ["order", "return", "relationship"]


@pytest.mark.parametrize("missing", ["events", "activities", "resources"])
def test_without_one_of_the_three_tables_there_is_no_cost_to_serve(served_of, untidy, missing):
    rows = untidy(1)
    setattr(rows, missing, None)
    assert served_of(rows) is None


def test_an_activity_that_is_not_listed_is_refused_by_name(served_of, untidy):
    rows = untidy(1)
    rows.events.append(event("K01", "2025-05-01", "juggle"))
    with pytest.raises(DataError, match="'juggle'"):
        served_of(rows)


def test_listed_activities_that_never_happen_are_no_problem(served_of, untidy):
    rows, other = untidy(1), untidy(1)
    other.activities.append({"activity": "juggle", "minutes_per_event": "5", "resource": "desk"})
    pd.testing.assert_frame_equal(served_of(other).service, served_of(rows).service)
    pd.testing.assert_frame_equal(served_of(other).capacity, served_of(rows).capacity)


def test_events_per_activity_count_every_purpose_and_customer(served_of, untidy):
    rows = untidy(2)
    by_hand = {"pack": Fraction(0), "drive": Fraction(0), "call": Fraction(0)}
    for e in rows.events:
        if str(YEAR.first) <= e["occurred_on"] <= str(YEAR.last):
            by_hand[e["activity"]] += Fraction(e["quantity"] or 1)
    found = events_per_activity(served_of(rows).counts)
    assert found.to_dict() == {name: float(number) for name, number in by_hand.items()}


def test_no_input_is_changed(served_of, untidy):
    served = served_of(untidy(1))
    a = activities(pack=(7.5, "stock"), drive=(12, "stock"), call=(9, "stock"))
    r = resources(stock=(400, 900))
    inputs = [a, r, served.counts, served.service]
    before = [frame.copy() for frame in inputs]
    costs = unit_costs(a, r)
    service_costs(served.counts, costs)
    capacity_use(served.counts, costs, r, 12)
    by_purpose(served.service)
    for frame, was in zip(inputs, before, strict=True):
        pd.testing.assert_frame_equal(frame, was)


def test_the_same_expressions_count_the_same_on_another_engine(untidy):
    rows = untidy(8)
    orders, events = pd.DataFrame(rows.orders), pd.DataFrame(rows.events)
    orders["ordered_at"] = pd.to_datetime(orders["ordered_at"])
    for name in ("net_amount", "discount_amount", "cost_of_goods"):
        orders[name] = orders[name].astype("float64")
    events["occurred_on"] = pd.to_datetime(events["occurred_on"])
    events["quantity"] = events["quantity"].astype("float64")
    counts = []
    for engine in (ibis.duckdb.connect(), ibis.sqlite.connect()):
        lines = order_lines(engine.create_table("orders", orders), 0.35)
        counts.append(served_events(engine.create_table("events", events), lines, YEAR))
    pd.testing.assert_frame_equal(*counts)
