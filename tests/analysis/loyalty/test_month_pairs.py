"""The comparison of month with month, by hand, by brute force and by customers drawn anew."""

from dataclasses import replace

import numpy as np
import pytest

from crmlib.analysis.loyalty.design import Design, bookings
from crmlib.analysis.loyalty.month_pairs import Bookings, Joiners, Others, compare_months
from crmlib.errors import TooLittleData


def by_hand():
    """A joins in month 2; B and C never do. Months 0 to 4."""
    table = {0: [2, 4, 0, 3, 1], 1: [2, 2, 5, 4, 2], 2: [1, 3, 5, 2, 0]}
    rows = [(c, m, y) for c, row in table.items() for m, y in enumerate(row) if y]
    who, month, amount = (np.array(column) for column in zip(*rows, strict=True))
    booked = Bookings(who, month, amount.astype(float))
    others = Others(np.zeros(3, int), np.array([1, 4, 3]), np.zeros(3, int))
    used = np.array([True, False, False])
    joiners = Joiners(used, np.array([2, 99, 99]), np.zeros(3, int), np.ones(3, int), np.array([4, 0, 0]))
    return booked, others, joiners


def test_three_customers_by_hand():
    """Month 3: B and C go from 3 to 6 and from 5 to 6. Month 4: C is no longer seen, B goes from 2 to 2 and 2."""
    booked, others, joiners = by_hand()
    found = compare_months(booked, others, joiners, [(1, 1), (2, 2), (1, 2)], 5)
    month_3 = (2 * 6 / 3 + 4 * 6 / 5) / 2
    month_4 = (2 * 2 / 2 + 4 * 2 / 2) / 2
    assert found.expected.tolist() == pytest.approx([month_3, month_4, month_3 + month_4])
    assert found.observed.tolist() == [3, 1, 4]
    assert found.joiners.tolist() == [1, 1, 1] and found.months.tolist() == [1, 1, 2]


def test_factors_raise_what_is_expected_and_their_error_is_added():
    booked, others, joiners = by_hand()
    plain = compare_months(booked, others, joiners, [(1, 2)], 5)
    slopes, moved = np.array([[0.5, -1.0], [0, 0], [0, 0]]), np.array([[0.1, 0.2], [0.0, 0.1], [-0.1, -0.3]])
    raised = replace(joiners, factor=np.array([1.5, 1, 1]), slopes=slopes, moved=moved)
    found = compare_months(booked, others, raised, [(1, 2)], 5)
    assert found.expected[0] == pytest.approx(1.5 * plain.expected[0])
    more = found.of_expected[:, 0] - 1.5 * plain.of_expected[:, 0]
    assert more.tolist() == pytest.approx((found.expected[0] * (moved @ slopes[0])).tolist())


def brute_force(panel, design, groups, low, high):
    """The same by loops over joiners and pairs of months."""
    months = len(panel.months)
    table = np.zeros((len(panel.customers), months))
    np.add.at(table, (panel.rows["customer"], panel.rows["month"]), panel.rows["orders"])
    others, (joiners, _) = design.others(panel), design.after(panel)
    observed = expected = 0.0
    for i in np.flatnonzero(joiners.used):
        base = np.arange(joiners.base_first[i], joiners.base_last[i] + 1)
        for t in range(joiners.joined[i] + low, min(joiners.joined[i] + high, joiners.last[i]) + 1):
            observed += table[i, t]
            for s in base[table[i, base] > 0]:
                like = (others.begins <= s) & (others.until >= t) & (groups == groups[i])
                expected += table[i, s] / len(base) * table[like, t].sum() / table[like, s].sum()
    return observed, expected


def test_it_is_what_loops_over_pairs_of_months_give(loyal):
    panel, design = loyal.drawn(size=900, seed=3, months=24), Design(least_before=2)
    groups = np.arange(900) % 2
    others = design.others(panel)
    others = Others(others.begins, others.until, groups)
    found = compare_months(bookings(panel, "orders"), others, design.after(panel)[0], [(1, 12), (4, 6)], 24)
    for number, span in enumerate([(1, 12), (4, 6)]):
        pair = brute_force(panel, design, groups, *span)
        assert (found.observed[number], found.expected[number]) == pytest.approx(pair)


def test_influences_add_up_and_are_derivatives(loyal):
    panel, design = loyal.drawn(size=900, seed=3, months=24), Design()
    booked, others, joiners = bookings(panel, "orders"), design.others(panel), design.after(panel)[0]
    found = compare_months(booked, others, joiners, [(1, 12)], 24)
    assert found.influence.sum() == pytest.approx(0, abs=1e-9)
    joiner = int(np.flatnonzero(joiners.used & (found.of_observed[:, 0] > 0))[0])
    control = int(np.argmax(np.where(joiners.used, 0, np.abs(found.influence[:, 0]))))
    for customer in (joiner, control):
        sizes = []
        for step in (-1e-4, 1e-4):
            amount = booked.amount * np.where(booked.customer == customer, 1 + step, 1)
            moved = compare_months(
                Bookings(booked.customer, booked.month, amount), others, joiners, [(1, 12)], 24
            )
            sizes.append(np.log(moved.observed[0] / moved.expected[0]))
        assert (sizes[1] - sizes[0]) / 2e-4 == pytest.approx(found.influence[customer, 0], rel=1e-4)


def test_its_error_is_that_of_customers_drawn_anew(loyal):
    panel, design = loyal.drawn(size=1500, seed=5, months=24), Design()
    booked, others, joiners = bookings(panel, "orders"), design.others(panel), design.after(panel)[0]
    error = np.sqrt((compare_months(booked, others, joiners, [(1, 12)], 24).influence ** 2).sum())
    rng, sizes = np.random.default_rng(1), []
    for _ in range(200):
        times = rng.multinomial(1500, np.full(1500, 1 / 1500))
        drawn = Bookings(booked.customer, booked.month, booked.amount * times[booked.customer])
        found = compare_months(drawn, others, joiners, [(1, 12)], 24)
        sizes.append(np.log(found.observed[0] / found.expected[0]))
    assert np.std(sizes) == pytest.approx(error, rel=0.15)


def test_joiners_with_nobody_to_compare_with_are_refused():
    booked, others, joiners = by_hand()
    gone = Others(others.begins, np.array([1, 2, 2]), others.group)
    with pytest.raises(TooLittleData, match="pairs of months"):
        compare_months(booked, gone, joiners, [(1, 1)], 5)
