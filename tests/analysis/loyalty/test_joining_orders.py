"""Joining with an order is seen, and told from an order that fell on the day by chance."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.loyalty.joining_orders import joining_orders
from crmlib.analysis.loyalty.membership import Club

FIRST, AS_OF = dt.date(2025, 1, 1), dt.date(2026, 6, 30)


def club_of(days):
    frame = pd.DataFrame(
        {"joined_on": pd.to_datetime(list(days.values()))}, index=pd.Index(days, name="customer_id")
    )
    return Club(frame, AS_OF)


def lines_of(rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "day"]).assign(order_id=lambda f: f.index.astype(str))
    money = dict.fromkeys(
        ["net_sales", "list_sales", "cost_of_goods", "discounts", "returns", "returned_goods"], 1.0
    )
    return ibis.memtable(frame.assign(bought=True, **money))


def day(number):
    return FIRST + dt.timedelta(days=number)


def test_by_hand():
    """A ordered on the day and on one of the 90 days after; C joined before the data, D too late to tell."""
    members = club_of({"A": day(200), "B": day(300), "C": day(-1), "D": AS_OF})
    rows = [("A", day(number)) for number in (199, 200, 200, 290, 291)] + [("C", day(0))]
    found = joining_orders(members, lines_of(rows), FIRST)
    assert (found.joiners, found.with_order, found.share) == (2, 1, 0.5)
    assert found.by_chance == pytest.approx(1 / 180)
    assert found.low < 0.5 < found.high


@pytest.mark.parametrize(("part", "matters"), [(0.0, False), (0.05, False), (0.6, True)])
def test_it_matters_where_many_join_with_an_order(part, matters):
    rng = np.random.default_rng(1)
    joined = {f"K{n}": day(int(rng.integers(100, 400))) for n in range(300)}
    rows = [(name, day(int(number))) for name in joined for number in rng.integers(0, 540, 8)]
    rows += [(name, when) for name, when in joined.items() if rng.random() < part]
    found = joining_orders(club_of(joined), lines_of(rows), FIRST)
    assert found.matters == matters
    assert found.by_chance == pytest.approx(8 / 540, rel=0.15)


def test_where_nobody_can_be_told_there_is_no_answer():
    assert joining_orders(club_of({"A": AS_OF}), lines_of([("A", AS_OF)]), FIRST) is None
