"""Joining with an order looks like an effect of the club, and the chance to join undoes it."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.loyalty.joining_chance import chance_of, joining_chance
from crmlib.analysis.loyalty.membership import Club
from crmlib.analysis.loyalty.staggered_effect import club_effect
from crmlib.errors import TooLittleData

OPENED = dt.date(2023, 6, 1)


@pytest.mark.parametrize(("alpha", "beta", "effect"), [(1, 9, 0.08), (20, 180, 0.0), (0.5, 9.5, 0.08)])
def test_the_effect_is_found_although_customers_join_with_orders(loyal, alpha, beta, effect):
    panel, occasions = loyal.drawn_at_orders(30_000, 5, effect, alpha, beta)
    chance = chance_of(occasions, OPENED)
    assert chance.mean == pytest.approx(alpha / (alpha + beta), rel=0.1)
    blind, seeing = club_effect(panel), club_effect(panel, chance=chance)
    assert blind.low > effect + 0.02
    assert seeing.low - 0.01 < effect < seeing.high + 0.01
    assert seeing.set_aside["earlier orders not all known"] == 0


def test_the_months_before_need_no_factor(loyal):
    """They are as incomplete as those they are compared with."""
    panel, occasions = loyal.drawn_at_orders(30_000, 6, 0.08, 1, 9)
    before = club_effect(panel, chance=chance_of(occasions, OPENED)).before
    assert before.low < 0 < before.high and before.p_value > 0.01


def test_the_error_holds_that_of_the_chance(loyal):
    """Panels drawn anew vary about as much as the error says."""
    found = []
    for seed in range(30):
        panel, occasions = loyal.drawn_at_orders(4000, seed, 0.08, 1, 9)
        found.append(club_effect(panel, chance=chance_of(occasions, OPENED), draws=50))
    spread = np.std([np.log1p(one.effect) for one in found], ddof=1)
    assert spread == pytest.approx(np.mean([one.error for one in found]), rel=0.35)


def test_who_joined_without_an_order_told_nothing_by_it():
    """After n orders: (alpha + beta + n) / (beta + n - 1) with another one, and without (alpha + beta + n - 1) / ..."""
    rng = np.random.default_rng(1)
    chance = rng.beta(1, 9, 4000)
    passed = np.minimum(rng.geometric(chance) - 1, 12)
    table = pd.DataFrame({"passed": passed, "with_order": passed < 12, "joined": 1.0})
    found = chance_of(table, OPENED)
    n, a, b = passed, found.alpha, found.beta
    expected = (a + b + n - (passed == 12)) / (b + n - 1)
    assert found.factor.to_numpy() == pytest.approx(expected, rel=1e-4)


def test_at_the_maximum_what_customers_move_cancels_out(loyal):
    panel, occasions = loyal.drawn_at_orders(3000, 2, 0.08, 1, 9)
    _, slopes, moved = chance_of(occasions, OPENED).of(panel.customers.index)
    assert moved.sum(axis=0) == pytest.approx([0, 0], abs=1e-3) and np.abs(moved).max() > 1e-3
    # More alpha: more is missing; more beta: less.
    assert (slopes[:, 0] >= 0).all() and (slopes[:, 1] <= 0).all()


def day(number):
    return dt.date(2025, 1, 1) + dt.timedelta(days=number)


def company(opened):
    """Customers new and old, in tens 40 days apart; every second one joins with his third order, the others never."""
    rows, joined, acquired = [], {}, {}
    for number in range(40):
        name, start = f"K{number:02d}", 40 * (number // 10)
        acquired[name] = day(start) if number % 4 < 2 else dt.date(2020, 1, 1)
        rows += [(name, day(start + 50 * order)) for order in range(3 + number % 3)]
        if number % 2:
            joined[name] = day(start + 100)
    joined["first of all"] = opened
    frame = pd.DataFrame({"joined_on": pd.to_datetime(list(joined.values()))}, index=list(joined))
    members = Club(frame.rename_axis("customer_id"), dt.date(2026, 6, 30))
    lines = ibis.memtable(pd.DataFrame(rows, columns=["customer_id", "day"]).assign(bought=True))
    people = pd.DataFrame({"customer_id": list(acquired), "acquired_on": list(acquired.values())})
    return members, lines, ibis.memtable(people)


def test_only_customers_whose_orders_are_all_known_count():
    members, lines, people = company(dt.date(2021, 1, 1))
    found = joining_chance(members, lines, day(0), people)
    assert found.customers == 20 and found.joined == 10  # the others came in 2020
    assert set(found.factor.index) <= {f"K{n:02d}" for n in range(40) if n % 4 == 1}
    # Who joined had passed two orders; the others passed all they made.
    new = [n for n in range(40) if n % 4 < 2]
    table = {
        "passed": [2 if n % 2 else 3 + n % 3 for n in new],
        "with_order": [n % 2 > 0 for n in new],
        "joined": [1.0 if n % 2 else np.nan for n in new],
    }
    again = chance_of(pd.DataFrame(table), found.opened)
    assert (found.alpha, found.beta) == (again.alpha, again.beta)


def test_without_days_of_acquisition_new_is_who_came_late():
    members, lines, _ = company(dt.date(2021, 1, 1))
    assert joining_chance(members, lines, day(-120)).customers == 20  # from day 60 on


def test_since_a_club_opened_within_the_data_all_orders_are_known():
    members, lines, people = company(day(1))
    found = joining_chance(members, lines, day(0), people)
    assert found.customers == 40 and found.opened == day(1)


def test_without_joining_at_orders_there_is_no_chance_to_estimate():
    table = pd.DataFrame({"passed": [1, 2], "with_order": [False, False], "joined": [np.nan, 1.0]})
    with pytest.raises(TooLittleData, match="0 customers who joined with an order"):
        chance_of(table, OPENED)
