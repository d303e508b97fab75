"""Traits of the first order, known before every later contact."""

import ibis
import pandas as pd
import pytest

from crmlib.analysis.targeting.first_orders import first_orders, known_before
from crmlib.errors import DataError


def lines_of(rows):
    names = ["customer_id", "day", "net_sales", "product_id", "channel"]
    frame = pd.DataFrame(rows, columns=names)
    return ibis.memtable(
        frame.assign(day=pd.to_datetime(frame["day"]).dt.date, bought=frame["net_sales"] > 0)
    )


LINES = [
    ("A", "2025-03-01", 10.0, "p1", "web"), ("A", "2025-03-01", 30.0, "p2", "web"),
    ("A", "2025-03-01", 25.0, "p1", "shop"), ("A", "2025-06-01", 900.0, "p3", "fair"),
    ("B", "2025-01-01", -20.0, "p1", "shop"), ("B", "2025-02-01", 5.0, "p3", "web"),
    ("B", "2025-02-01", 5.0, "p2", "shop"), (None, "2024-01-01", 99.0, "p1", "web"), ("C", "2025-01-05", 7.0, "p9", None),
]  # fmt: skip
PRODUCTS = {"product_id": ["p1", "p2", "p3"], "category": ["decor", "linen", "lamps"]}


def test_the_trait_is_that_with_most_sales_on_the_first_day():
    found = first_orders(lines_of(LINES), ibis.memtable(pd.DataFrame(PRODUCTS)))
    assert found.index.tolist() == ["A", "B", "C"], "sales without a customer are nobody's"
    assert found["first_category"].fillna("-").tolist() == ["decor", "lamps", "-"]
    assert found["first_channel"].fillna("-").tolist() == ["web", "shop", "-"], "of equals the first by name"
    assert pd.to_datetime(found["first_day"]).dt.strftime("%m-%d").tolist() == ["03-01", "02-01", "01-05"]


def test_the_order_of_lines_changes_nothing_and_later_orders_neither():
    products = ibis.memtable(pd.DataFrame(PRODUCTS))
    once = first_orders(lines_of(LINES), products)
    pd.testing.assert_frame_equal(first_orders(lines_of(LINES[::-1]), products), once)
    more = [*LINES, ("B", "2026-01-01", 500.0, "p1", "fair")]
    pd.testing.assert_frame_equal(first_orders(lines_of(more), products), once)


def test_without_products_the_channel_is_left_and_without_both_nothing():
    assert list(first_orders(lines_of(LINES)).columns) == ["first_day", "first_channel"]
    with pytest.raises(DataError, match="keep the column"):
        first_orders(lines_of(LINES).drop("channel"))


def test_a_first_order_on_the_day_of_contact_or_later_is_not_known_yet():
    first = first_orders(lines_of(LINES))
    rows = pd.DataFrame(
        {"customer_id": ["A", "A", "A", "Z"],
         "contacted_on": pd.to_datetime(["2025-02-28", "2025-03-01", "2025-03-02", "2025-12-01"])},
        index=[7, 5, 3, 1],
    )  # fmt: skip
    found = known_before(rows, first)
    assert found["first_channel"].fillna("-").to_dict() == {7: "-", 5: "-", 3: "web", 1: "-"}
    people = rows.iloc[2:].set_index("customer_id")
    assert known_before(people, first)["first_channel"].fillna("-").to_dict() == {"A": "web", "Z": "-"}
