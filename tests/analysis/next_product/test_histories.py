"""Who bought what when: one row per customer, day and product, whatever the lines look like."""

import datetime as dt

import ibis
import pandas as pd
import pytest

from crmlib.analysis.ledger import order_lines
from crmlib.analysis.next_product.histories import purchase_histories
from crmlib.errors import DataError, ParameterError, TooLittleData

AS_OF = dt.date(2026, 6, 30)


def line(customer, day, product, net=10):
    return {"customer_id": customer, "ordered_at": f"{day} 10:00:00", "net_amount": net, "product_id": product,
            "cost_of_goods": 0.4 * net}  # fmt: skip


ROWS = [
    line("B", "2026-02-01", "pot", 30),
    line("B", "2026-02-01", "cup"),
    line("A", "2026-01-05", "cup"),
    line("A", "2026-01-05", "cup", 20),  # a second line of the same
    line("A", "2026-03-05", "cup"),
    line("A", "2026-03-09", "cup", -10),  # sent back
    line("A", "2026-03-05", "post", 5),
    line(None, "2026-03-05", "pot"),
    line("C", "2026-04-01", None),
    line("C", "2026-04-02", "rug", 90),
    line("D", "2026-04-02", "<b>", 90),
]
PRODUCTS = [
    {"product_id": "cup", "name": "Tazza", "category": "table"},
    {"product_id": "pot", "name": "Pentola", "category": "kitchen"},
    {"product_id": "rug", "name": None, "category": "table"},
]


def laid_out(build, rows=ROWS, **options):
    lines = order_lines(build("orders", rows), 0.4, keep=["product_id"])
    options = {"fewest_buyers": 1, "not_goods": ["post"], "products": build("products", PRODUCTS)} | options
    return purchase_histories(lines, AS_OF, **options)


@pytest.fixture(scope="module")
def found(build):
    return laid_out(build)


def rows_of(found):
    day = pd.to_datetime(found.day, unit="D").strftime("%m-%d")
    return list(zip(found.customers[found.customer], day, found.items.index[found.item], strict=True))


def test_each_product_counts_once_a_day_and_returns_not_at_all(found):
    assert rows_of(found) == [
        ("A", "01-05", "cup"),
        ("A", "03-05", "cup"),
        ("B", "02-01", "cup"),
        ("B", "02-01", "pot"),
        ("C", "04-02", "rug"),
        ("D", "04-02", "<b>"),
    ]
    assert found.level == "product" and found.covered == 1.0


def test_items_know_their_buyers_and_margin(found):
    items = found.items
    assert items["buyers"].to_dict() == {"<b>": 1, "cup": 2, "pot": 1, "rug": 1}
    # Cups brought 6 + 12, 6 and 6 in three orders.
    assert items.loc["cup", "margin_per_order"] == pytest.approx(10)
    assert items["name"].to_dict() == {"<b>": "", "cup": "Tazza", "pot": "Pentola", "rug": ""}


def test_matrices_of_the_past(found):
    assert found.ever_bought().toarray().tolist() == [[0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0]]
    whose, orders = found.orders()
    assert whose.tolist() == [0, 0, 1, 2, 3] and orders.toarray().sum(axis=1).tolist() == [1, 1, 2, 1, 1]
    early = found.between(0, int(found.day[0]))
    assert len(early) == 1 and early.last_orders().sum() == 1


def test_first_and_last_orders(buyers):
    found = buyers.laid_out([(0, 5, 1), (0, 5, 2), (0, 9, 3), (1, 7, 0)], items=4)
    assert found.first_orders().toarray().tolist() == [[0, 1, 1, 0], [1, 0, 0, 0]]
    assert found.last_orders().toarray().tolist() == [[0, 0, 0, 1], [1, 0, 0, 0]]
    assert found.times_bought().toarray().tolist() == [[0, 1, 1, 1], [1, 0, 0, 0]]


def test_categories_are_items_when_asked_for(build):
    found = laid_out(build, level="category")
    assert found.level == "category" and found.items.index.tolist() == ["kitchen", "table"]
    assert found.items["buyers"].tolist() == [1, 3]
    assert found.items["category"].tolist() == ["kitchen", "table"]
    assert found.covered == 1.0


def test_thin_products_give_way_to_categories(build):
    rows = [line(f"K{n}", "2026-01-05", f"p{n}") for n in range(6)] + [line("K9", "2026-01-06", "p1")]
    products = [{"product_id": f"p{n}", "category": "one" if n % 2 else "two"} for n in range(6)]
    found = laid_out(build, rows, fewest_buyers=2, products=build("products", products))
    assert found.level == "category" and found.items["buyers"].to_dict() == {"one": 4, "two": 3}
    with pytest.raises(TooLittleData, match="1 with 2 or more buyers"):
        laid_out(build, rows, fewest_buyers=2, products=None)


def test_the_last_day_counts(build):
    found = laid_out(build, [*ROWS, line("E", "2026-06-30", "pot")])
    assert rows_of(found)[-1] == ("E", "06-30", "pot")


def test_later_purchases_and_the_order_of_rows_change_nothing(build, found):
    again = laid_out(build, [line("Z", "2026-07-01", "pot"), *ROWS[::-1]])
    assert rows_of(again) == rows_of(found)
    pd.testing.assert_frame_equal(again.items, found.items)


def test_sqlite_gives_the_same_histories(found):
    frame = pd.DataFrame(ROWS).assign(ordered_at=lambda f: pd.to_datetime(f["ordered_at"]))
    orders = ibis.sqlite.connect().create_table("orders", frame.astype({"net_amount": float}))
    lines = order_lines(orders, 0.4, keep=["product_id"])
    again = purchase_histories(lines, AS_OF, not_goods=["post"], fewest_buyers=1)
    assert rows_of(again) == rows_of(found)
    assert again.items["margin_per_order"].tolist() == pytest.approx(found.items["margin_per_order"].tolist())


def test_orders_without_products_have_no_histories(build):
    assert purchase_histories(order_lines(build("orders", ROWS), 0.4), AS_OF) is None
    nameless = order_lines(build("orders", [line("A", "2026-01-01", None)]), 0.4, keep=["product_id"])
    assert purchase_histories(nameless, AS_OF) is None


def test_what_cannot_be_used_is_refused(build):
    twice = build("products", PRODUCTS + PRODUCTS[:1])
    with pytest.raises(DataError, match="product cup twice"):
        laid_out(build, products=twice)
    with pytest.raises(ParameterError, match="level = 'shelf'"):
        laid_out(build, level="shelf")
    with pytest.raises(TooLittleData, match="no category"):
        laid_out(build, level="category", products=None)
