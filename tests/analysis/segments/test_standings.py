"""Standings: value by plain sums, nothing after the day, and who began before the data."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.purchases.summary import purchase_summary
from crmlib.analysis.ledger import order_lines
from crmlib.analysis.period import Period
from crmlib.analysis.segments.predicted_tenure import predicted_tenure
from crmlib.analysis.segments.standings import standings

FIRST, LAST = date(2024, 1, 1), date(2025, 12, 31)


def drawn(customers=260, seed=4):
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        start = int(rng.integers(0, 600))
        for day in start + np.concatenate(
            [[0], np.cumsum(rng.exponential(70, int(rng.integers(0, 9))))]
        ).astype(int):
            if day < 731:
                rows.append(
                    (
                        f"K{number:03d}",
                        FIRST + pd.Timedelta(days=int(day)).to_pytimedelta(),
                        round(float(rng.lognormal(3, 0.5)), 2),
                    )
                )
    return pd.DataFrame(rows, columns=["customer_id", "ordered_at", "net_amount"])


def world(orders, people=None):
    tables = {"orders": ibis.memtable(orders).mutate(ordered_at=ibis._.ordered_at.cast("timestamp"))}
    if people is not None:
        tables["customers"] = ibis.memtable(people)
    return tables.get, order_lines(tables["orders"], 0.4)


@pytest.fixture(scope="module")
def orders():
    return drawn()


def test_value_is_the_margin_of_the_period_and_active_who_bought_in_it(orders):
    tables, lines = world(orders)
    found = standings(tables, lines, Period.ending(LAST, 12), 24, FIRST)
    year = orders[orders["ordered_at"] > date(2024, 12, 31)]
    assert list(found.index) == sorted(orders["customer_id"].unique())
    assert found["value"].to_numpy() == pytest.approx(
        0.4 * year.groupby("customer_id")["net_amount"].sum().reindex(found.index, fill_value=0.0)
    )
    assert set(found.index[found["active"]]) == set(year["customer_id"])
    assert found["months_ahead"].between(0, 24).all()


def test_nothing_after_the_period_counts(orders):
    middle = Period.ending(date(2025, 6, 30), 6)
    cut = orders[orders["ordered_at"] <= date(2025, 6, 30)]
    later, known = (standings(*world(table), middle, 24, FIRST) for table in (orders, cut))
    pd.testing.assert_frame_equal(later, known)


def test_the_cost_of_winning_a_customer_is_no_part_of_the_value(orders):
    firsts = orders.groupby("customer_id")["ordered_at"].min().reset_index()
    people = firsts.rename(columns={"ordered_at": "acquired_on"}).assign(acquisition_cost=50.0)
    period = Period.ending(LAST, 12)
    with_cost, without = (
        standings(*world(orders, people), period, 24, FIRST),
        standings(*world(orders), period, 24, FIRST),
    )
    assert with_cost["value"].equals(without["value"])


def test_those_won_before_the_data_are_told_apart_where_there_are_enough(orders):
    ids = sorted(orders["customer_id"].unique())
    people = pd.DataFrame(
        {"customer_id": ids, "acquired_on": [date(2020, 1, 1)] * 130 + [date(2024, 1, 1)] * (len(ids) - 130)}
    )
    period = Period.ending(LAST, 12)
    apart, together = (
        standings(*world(orders, people), period, 24, FIRST),
        standings(*world(orders), period, 24, FIRST),
    )
    assert not np.allclose(apart["months_ahead"], together["months_ahead"])


def test_a_chance_known_from_elsewhere_is_used(orders):
    tables, lines = world(orders)
    nobody = pd.Series(0.0, index=orders["customer_id"].unique())
    found = standings(tables, lines, Period.ending(LAST, 12), 24, FIRST, nobody)
    assert (found["months_ahead"] == 0).all()
    own = standings(tables, lines, Period.ending(LAST, 12), 24, FIRST)["months_ahead"]
    assert own.equals(predicted_tenure(purchase_summary(lines, LAST), 24))
