"""What customers bring: own purchases, those they recommended since, less attention; and nothing else is moved."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.closed_loop.brought import brought
from crmlib.analysis.closed_loop.earned import earned
from crmlib.analysis.closed_loop.outcomes import margins_within
from crmlib.analysis.closed_loop.stored_lists import read_lists

MAY, JUNE = date(2026, 5, 31), date(2026, 6, 30)
LINES = pd.DataFrame(
    {
        "customer_id": ["A", "B", "B", "C", None],
        "day": [date(2026, 6, 2), date(2026, 6, 5), date(2026, 6, 20), date(2026, 6, 9), date(2026, 6, 9)],
        "net_sales": [10.0, 30.0, 7.0, 50.0, 1000.0],
        "cost_of_goods": [4.0, 10.0, 2.0, 10.0, 0.0],
    }
)
REFERRALS = pd.DataFrame(
    {
        "referrer_id": ["A", "A", None],
        "referred_id": ["B", "C", "A"],
        "referred_on": [date(2026, 6, 5), date(2026, 3, 1), date(2026, 6, 1)],
    }
)
SERVICE = pd.DataFrame(
    {"customer_id": ["A", "A"], "day": [date(2026, 6, 3), date(2026, 7, 3)], "service_cost": [1.5, 9.0]}
)


@pytest.fixture(params=["duckdb", "sqlite"])
def table(request):
    """Put a frame into an engine."""
    engine = getattr(ibis, request.param).connect()
    names = iter("abcdef")
    return lambda frame: engine.create_table(next(names), frame)


def within(lines, *customers, first=date(2026, 6, 1), last=JUNE):
    windows = pd.DataFrame({"customer_id": customers, "first_day": first, "last_day": last})
    return margins_within(lines, windows).tolist()


def test_purchases_alone_are_what_they_were(table):
    assert within(brought(table(LINES)), "A", "B", "C") == [6.0, 25.0, 40.0]


def test_customers_who_came_within_the_window_count_for_who_recommended_it(table):
    found = brought(table(LINES), table(REFERRALS))
    assert within(found, "A", "B", "C") == [6.0 + 25.0, 25.0, 40.0]
    assert within(found, "A", first=date(2026, 6, 6)) == [0.0]
    assert within(found, "A", first=date(2026, 2, 1)) == [6.0 + 25.0 + 40.0]
    assert within(found, "A", last=date(2026, 6, 19)) == [6.0 + 20.0]


def test_attention_is_a_cost_on_its_day(table):
    assert within(brought(table(LINES), service=table(SERVICE)), "A", "B") == [4.5, 25.0]
    assert within(brought(table(LINES), table(REFERRALS), table(SERVICE)), "A") == [4.5 + 25.0]


def test_asking_for_recommendations_shows_only_where_they_are_counted(stored_list):
    ids = [f"C{n:03d}" for n in range(120)]
    stored = stored_list(ids=ids, action="ask for referral")
    friends = [f"F{n:03d}" for n in range(0, 120, 4)]  # of every second one who was asked
    lines = pd.DataFrame(
        {"customer_id": [*ids, *friends], "day": date(2026, 6, 9), "net_sales": 8.0, "cost_of_goods": 2.0}
    )
    referrals = pd.DataFrame(
        {"referrer_id": ids[::4], "referred_id": friends, "referred_on": date(2026, 6, 9)}
    )
    lists = read_lists(stored, pd.Index(ids), JUNE)
    own = ibis.memtable(lines)
    assert earned(lists, own, JUNE).total["effect"] == 0.0
    found = earned(lists, brought(own, ibis.memtable(referrals)), JUNE).total
    assert found["effect"] == pytest.approx(3.0) and found["error"] > 0
    assert found["earned"] == pytest.approx(6.0 * len(friends))


def test_exact_amounts_stay_exact():
    engine = ibis.duckdb.connect()
    lines = engine.create_table("lines", LINES)
    exact = lines.mutate(
        net_sales=lines.net_sales.cast("decimal(18, 4)"),
        cost_of_goods=lines.cost_of_goods.cast("decimal(18, 4)"),
    )
    found = brought(exact, engine.create_table("r", REFERRALS), engine.create_table("s", SERVICE))
    assert found.net_sales.type() == exact.net_sales.type()
    assert np.isclose(within(found, "A"), 29.5).all()
