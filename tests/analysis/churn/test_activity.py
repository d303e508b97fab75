"""Customer days: what a purchase is, orders, gaps and margins, by hand."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crmlib.analysis.churn.activity import by_day, customer_activity, known_on, number_of, spread
from crmlib.errors import TooLittleData

LINES = [
    {"customer_id": "B", "ordered_at": "2026-01-02", "net_amount": "10", "order_id": "1", "cost_of_goods": "6",
     "channel": "web", "product_id": "P1"},
    {"customer_id": "B", "ordered_at": "2026-01-02", "net_amount": "5", "order_id": "1", "cost_of_goods": "2",
     "channel": "web", "product_id": "P2"},
    {"customer_id": "B", "ordered_at": "2026-01-02", "net_amount": "1", "order_id": "2", "cost_of_goods": None,
     "channel": "shop", "product_id": None},
    {"customer_id": "B", "ordered_at": "2026-01-05", "net_amount": "-5", "order_id": "1", "cost_of_goods": "-2",
     "channel": "web", "product_id": "P2"},
    {"customer_id": "B", "ordered_at": "2026-01-12", "net_amount": "7", "order_id": "3", "cost_of_goods": "7",
     "channel": "web", "product_id": "P1"},
    {"customer_id": "A", "ordered_at": "2026-01-09", "net_amount": "0", "order_id": "4", "cost_of_goods": "1",
     "channel": "web", "product_id": "P1"},
    {"customer_id": None, "ordered_at": "2026-01-01", "net_amount": "9", "order_id": "5", "cost_of_goods": "1",
     "channel": "web", "product_id": "P1"},
    {"customer_id": "C", "ordered_at": "2026-02-01", "net_amount": "9", "order_id": "6", "cost_of_goods": "1",
     "channel": "web", "product_id": "P1"},
]  # fmt: skip


@pytest.fixture(scope="module")
def activity(tables):
    return customer_activity(tables(orders=LINES), date(2026, 1, 31), 0.5)


def test_lines_become_days_by_hand(activity):
    found = activity.days.order_by("who", "n").execute()
    found["customer"] = activity.ids[found["who"]]
    found["day"] = (pd.Timestamp("1970-01-01") + pd.to_timedelta(found["n"], unit="D")).dt.day
    found["channel"] = found["channel"].astype("object").where(found["channel"].notna(), None)
    columns = ["customer", "day", "bought", "orders", "net_sales", "returns", "gross_margin", "channel"]
    assert found[columns].astype({"net_sales": float, "returns": float, "gross_margin": float}).values.tolist() == [
        ["A", 9, 0, 0, 0.0, 0.0, -1.0, None],  # a gift
        ["B", 2, 1, 2, 16.0, 0.0, 7.5, "shop"],
        ["B", 5, 0, 0, -5.0, -5.0, -3.0, None],
        ["B", 12, 1, 1, 7.0, 0.0, 0.0, "web"],
    ]  # fmt: skip


def test_a_gap_runs_from_purchase_to_purchase_over_returns(activity):
    found = activity.days.filter(activity.days.gap.notnull()).execute()
    assert found["gap"].tolist() == [10]


def test_only_known_customers_up_to_the_last_day_count(activity):
    assert activity.ids.tolist() == ["A", "B"]
    assert activity.first == date(2026, 1, 2)
    assert int(activity.goods.count().execute()) == 3


def test_order_numbers_are_not_needed(tables):
    bare = [{name: row[name] for name in ("customer_id", "ordered_at", "net_amount")} for row in LINES]
    days = customer_activity(tables(orders=bare), date(2026, 1, 31), 0.5).days.order_by("who", "n").execute()
    assert days["orders"].tolist() == [0, 1, 0, 1]
    assert days["gross_margin"].astype(float).tolist() == [0.0, 8.0, -2.5, 3.5]


def test_without_customers_there_is_nothing_to_say(tables):
    nobody = [row | {"customer_id": None} for row in LINES]
    with pytest.raises(TooLittleData, match="no line of a known customer"):
        customer_activity(tables(orders=nobody), date(2026, 1, 31), 0.5)


def test_one_day_and_several_are_cut_alike():
    table = ibis.memtable({"who": [0, 0, 1], "n": [3, 7, 5]})
    one = known_on(table, [5]).order_by("who", "n").execute()
    both = known_on(table, [5, 9]).order_by("d", "who", "n").execute()
    assert one[["who", "n"]].values.tolist() == [[0, 3], [1, 5]]
    assert both.groupby("d").size().to_dict() == {5: 2, 9: 3}
    counts = known_on(table, [5, 9]).group_by("d", "who").agg(lines=ibis._.count())
    assert {d: part["lines"].to_pylist() for d, part in by_day(counts, [5, 9]).items()} == {
        5: [1, 1],
        9: [2, 1],
    }


def test_sums_keep_their_cents_where_others_have_none():
    found = spread({"who": pa.chunked_array([[2, 0]]), "sum": pa.chunked_array([[1.25, 2.5]])}, 3, blank=0)
    np.testing.assert_array_equal(found["sum"], [2.5, 0.0, 1.25])


def test_days_are_counted_from_1970():
    assert number_of(date(1970, 1, 2)) == 1 and number_of(date(2026, 1, 1)) == 20454
