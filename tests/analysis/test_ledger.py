"""Every euro once: the ledger, its two parts, and what each customer's lines add up to."""

import datetime as dt
import random
from decimal import Decimal

import ibis
import pandas as pd
import pytest

from crmlib.analysis.ledger import MONEY_COLUMNS, acquisition_costs, customer_ledger, order_lines
from crmlib.analysis.period import Period
from crmlib.errors import TooLittleData

YEAR = Period(dt.date(2025, 3, 1), dt.date(2026, 2, 28), 12)
MARGIN = 0.35


def line(who, day, net, **more):
    return {"customer_id": who, "ordered_at": f"{day} 10:00:00", "net_amount": net, **more}


@pytest.fixture
def book_of(build):
    def make(rows, period=YEAR, margin=MARGIN, columns=None):
        return customer_ledger(order_lines(build("orders", rows, columns), margin), period)

    return make


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_amount_equals_the_lines_added_up_one_by_one(book_of, untidy, second_ledger, seed):
    rows = untidy(seed).orders
    book = book_of(rows)
    expected = second_ledger(rows, YEAR.first, YEAR.last, "0.35")
    anonymous = expected.pop(None)
    assert list(book.customers.index) == sorted(expected)
    for name in ("lines", *MONEY_COLUMNS):
        by_hand = [float(expected[who][name]) for who in sorted(expected)]
        assert book.customers[name].tolist() == pytest.approx(by_hand, abs=1e-6), name
        assert book.anonymous[name] == pytest.approx(float(anonymous[name]), abs=1e-6), name
    assert book.customers["orders"].tolist() == [expected[who]["orders"] for who in sorted(expected)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_two_parts_make_the_ledger_to_the_cent(book_of, untidy, seed):
    rows = untidy(seed).orders
    book = book_of(rows)
    exact = sum(
        Decimal(r["net_amount"]) for r in rows
        if str(YEAR.first) <= r["ordered_at"][:10] <= str(YEAR.last)
    )  # fmt: skip
    assert book.total_net_sales == pytest.approx(float(exact), abs=1e-9)
    assert round(book.total_net_sales - book.total["net_sales"], 2) == 0
    assert book.total["net_sales"] == pytest.approx(float(exact), abs=1e-6)


def test_the_columns_of_a_customer_fit_together(book_of, untidy):
    customers = book_of(untidy(4).orders).customers
    parts = customers["list_sales"] - customers["discounts"] + customers["returns"]
    assert parts.tolist() == pytest.approx(customers["net_sales"].tolist(), abs=1e-9)
    margin = customers["net_sales"] - customers["cost_of_goods"]
    assert margin.tolist() == pytest.approx(customers["gross_margin"].tolist(), abs=1e-9)
    assert (customers["returns"] <= 0).all()
    assert (customers["returned_goods"] <= 0).all()
    assert (customers["discounts"] >= 0).all()


def test_the_order_of_the_rows_changes_nothing(book_of, untidy):
    rows = untidy(5).orders
    expected = book_of(rows)
    shuffled = rows[:]
    random.Random(0).shuffle(shuffled)
    again = book_of(shuffled)
    pd.testing.assert_frame_equal(again.customers, expected.customers)
    pd.testing.assert_series_equal(again.anonymous, expected.anonymous)
    assert again.total_net_sales == expected.total_net_sales


def test_new_names_for_customers_and_orders_change_nothing_but_the_names(book_of, untidy):
    rows = untidy(6).orders
    expected = book_of(rows).customers
    renamed = [
        row | {"customer_id": row["customer_id"] and f"z-{99 - int(row['customer_id'][1:]):02d} é|'",
               "order_id": row["order_id"] and row["order_id"][::-1] + "x"}
        for row in rows
    ]  # fmt: skip
    again = book_of(renamed).customers
    again.index = [f"K{99 - int(name[2:4]):02d}" for name in again.index]
    pd.testing.assert_frame_equal(again.sort_index(), expected, check_names=False)


def test_splitting_an_order_into_lines_changes_only_the_number_of_lines(book_of):
    whole = [line("a", "2025-05-01", "100.00", order_id="1", discount_amount="20", cost_of_goods="60")]
    parts = [
        line("a", "2025-05-01", net, order_id="1", discount_amount=discount, cost_of_goods=cost)
        for net, discount, cost in [("33.33", "5", "20"), ("33.33", "5", "20"), ("33.34", "10", "20")]
    ]
    one, three = book_of(whole).customers.loc["a"], book_of(parts).customers.loc["a"]
    assert three["lines"] == 3 * one["lines"]
    assert three.drop("lines").to_dict() == pytest.approx(one.drop("lines").to_dict())


def test_days_outside_the_period_change_nothing(book_of, untidy):
    rows = untidy(7).orders
    inside = [r for r in rows if str(YEAR.first) <= r["ordered_at"][:10] <= str(YEAR.last)]
    assert 0 < len(inside) < len(rows)
    pd.testing.assert_frame_equal(book_of(rows).customers, book_of(inside).customers)
    changed = [r if r in inside else r | {"net_amount": "99999", "customer_id": "new"} for r in rows]
    pd.testing.assert_frame_equal(book_of(changed).customers, book_of(inside).customers)


def test_the_first_and_the_last_day_count_and_their_neighbours_do_not(book_of):
    days = ["2025-02-28", "2025-03-01", "2026-02-28", "2026-03-01"]
    rows = [line(day, day, 10) for day in days]
    rows[2]["ordered_at"] = "2026-02-28 23:59:59"
    assert list(book_of(rows).customers.index) == days[1:3]


def test_a_return_takes_back_sales_and_goods_on_its_own_day(book_of):
    rows = [
        line("a", "2025-02-20", "100", order_id="1", cost_of_goods="60"),  # bought before the period
        line("a", "2025-03-02", "-100", order_id="1", cost_of_goods="-60"),
    ]
    account = book_of(rows).customers.loc["a"]
    assert account["orders"] == 0
    assert account["returns"] == account["net_sales"] == -100
    assert account["returned_goods"] == account["cost_of_goods"] == -60
    assert account["list_sales"] == account["discounts"] == 0
    assert account["gross_margin"] == -40


def test_a_gift_is_bought_at_a_discount_and_is_no_return(book_of):
    """A line of zero has a list price, a discount as large, and a cost; nothing comes back."""
    gift = line("a", "2025-05-01", "0", order_id="1", discount_amount="20", cost_of_goods="12")
    account = book_of([gift]).customers.loc["a"]
    assert account["returned_goods"] == 0
    assert account["returns"] == 0
    assert account["list_sales"] == account["discounts"] == 20
    assert account["cost_of_goods"] == 12
    assert account["gross_margin"] == -12


def test_orders_are_counted_by_number_else_by_day(book_of):
    rows = [
        line("a", "2025-05-01", 10), line("a", "2025-05-01", 20), line("a", "2025-05-02", 5),
        line("b", "2025-05-01", 5), line("a", "2025-05-03", -5),
    ]  # fmt: skip
    assert book_of(rows).customers["orders"].to_dict() == {"a": 2, "b": 1}
    numbered = [row | {"order_id": number} for row, number in zip(rows, "11234", strict=True)]
    assert book_of(numbered).customers["orders"].to_dict() == {"a": 2, "b": 1}
    # Tills use numbers again: the same number on another day is another order.
    one_number = [row | {"order_id": "1"} for row in rows]
    assert book_of(one_number).customers["orders"].to_dict() == {"a": 2, "b": 1}


def test_a_line_without_its_order_number_still_belongs_to_an_order(book_of):
    rows = [
        line("a", "2025-05-01", 10, order_id="1"), line("a", "2025-05-01", 20, order_id=None),
        line("b", "2025-05-01", 5, order_id=None), line("b", "2025-05-02", 5, order_id=None),
    ]  # fmt: skip
    assert book_of(rows).customers["orders"].to_dict() == {"a": 2, "b": 2}


def test_unknown_costs_are_valued_at_the_stated_margin(book_of):
    rows = [
        line("a", "2025-05-01", "200", cost_of_goods="150"),
        line("a", "2025-05-01", "100", cost_of_goods=None),
        line("a", "2025-05-02", "-100", cost_of_goods=None),
    ]
    book = book_of(rows)
    assert book.customers.loc["a", "cost_of_goods"] == pytest.approx(150 + 65 - 65)
    assert book.costed_share == pytest.approx(200 / 400)
    without = book_of([{k: v for k, v in row.items() if k != "cost_of_goods"} for row in rows])
    assert without.customers.loc["a", "cost_of_goods"] == pytest.approx(0.65 * 200)
    assert without.costed_share == 0


@pytest.mark.parametrize("costs", [{}, {"cost_of_goods": None}], ids=["no column", "a blank cell"])
def test_without_costs_and_margin_it_refuses_and_says_what_to_write(book_of, costs):
    with pytest.raises(TooLittleData, match="gross_margin = "):
        book_of([line("a", "2025-05-01", 10, **costs)], margin=None, columns=None)


def test_full_costs_need_no_margin_and_ignore_it(book_of):
    rows = [line("a", "2025-05-01", 10, cost_of_goods=4)]
    for margin in (None, 0.0, 0.9):
        book = book_of(rows, margin=margin)
        assert book.customers.loc["a", "gross_margin"] == 6
        assert book.costed_share == 1


def test_a_margin_of_nothing_is_a_margin(book_of):
    assert book_of([line("a", "2025-05-01", 10)], margin=0.0).customers.loc["a", "gross_margin"] == 0


def test_only_required_columns_are_enough(book_of):
    book = book_of([line("a", "2025-05-01", 10), line("a", "2025-05-01", 30)])
    assert book.customers.loc["a"].to_dict() == pytest.approx(
        {"orders": 1, "lines": 2, "list_sales": 40, "discounts": 0, "returns": 0, "net_sales": 40,
         "cost_of_goods": 26, "returned_goods": 0, "gross_margin": 14}
    )  # fmt: skip


@pytest.mark.parametrize("rows", [[], [line("a", "2020-01-01", 10)]], ids=["no rows", "none in the period"])
def test_an_empty_period_is_an_empty_ledger(book_of, rows):
    book = book_of(rows, columns=["customer_id", "ordered_at", "net_amount"])
    assert book.customers.empty
    assert list(book.customers.columns) == ["orders", "lines", *MONEY_COLUMNS]
    assert book.total_net_sales == book.anonymous["net_sales"] == book.total["net_sales"] == 0
    assert pd.isna(book.costed_share)


def test_only_anonymous_sales_leave_no_customer_but_all_the_money(book_of):
    book = book_of([line(None, "2025-05-01", 10), line(None, "2025-05-02", 5)])
    assert book.customers.empty
    assert book.anonymous["net_sales"] == book.total_net_sales == 15
    assert round(book.total_net_sales - book.total["net_sales"], 2) == 0


def test_only_returns_are_a_customer_with_a_negative_account(book_of):
    book = book_of([line("a", "2025-05-01", -10)])
    assert book.customers.loc["a", "net_sales"] == -10
    assert book.customers.loc["a", "gross_margin"] == pytest.approx(-3.5)
    assert book.costed_share == 0


def test_amounts_that_binary_fractions_cannot_hold_add_up_exactly(book_of):
    rows = [line("a" if n % 2 else None, "2025-05-01", "0.1") for n in range(3_000)]
    book = book_of(rows)
    assert book.total_net_sales == 300.0
    assert book.customers.loc["a", "net_sales"] == 150.0


@pytest.mark.parametrize("amount", ["99000000000000.00", "-23000000000.01"])
def test_a_line_of_any_size_has_its_cost_at_the_stated_margin(book_of, amount):
    book = book_of([line("a", "2025-06-01", amount)])
    assert book.total["cost_of_goods"] == pytest.approx(float(Decimal(amount) * Decimal("0.65")), rel=1e-15)


def test_the_same_expressions_give_the_same_money_on_another_engine(untidy):
    """SQLite knows no decimals and no days, so this is a different road to the same sums."""
    rows = pd.DataFrame(untidy(8).orders)
    rows["ordered_at"] = pd.to_datetime(rows["ordered_at"])
    for name in ("net_amount", "discount_amount", "cost_of_goods"):
        rows[name] = rows[name].astype("float64")
    duck, lite = ibis.duckdb.connect(), ibis.sqlite.connect()
    books = []
    for engine in (duck, lite):
        table = engine.create_table("orders", rows)
        books.append(customer_ledger(order_lines(table, MARGIN), YEAR))
    pd.testing.assert_frame_equal(
        books[0].customers, books[1].customers, check_dtype=False, check_exact=False, atol=1e-6
    )
    assert books[0].total_net_sales == pytest.approx(books[1].total_net_sales)


# Acquisition costs ------------------------------------------------------------------------------


def person(who, day, cost):
    return {"customer_id": who, "acquired_on": day, "acquisition_cost": cost}


def test_acquisition_counts_for_those_won_in_the_period_its_edges_included(build):
    people = build("customers", [
        person("before", "2025-02-28", 5), person("first", "2025-03-01", 6), person("last", "2026-02-28", 7),
        person("after", "2026-03-01", 8), person("unknown day", None, 9), person("unknown cost", "2025-05-01", None),
        person("free", "2025-05-01", 0),
    ])  # fmt: skip
    assert acquisition_costs(people, YEAR).to_dict() == {"first": 6.0, "free": 0.0, "last": 7.0}


@pytest.mark.parametrize("missing", ["acquired_on", "acquisition_cost"])
def test_without_its_columns_there_is_no_acquisition_cost(build, missing):
    row = person("a", "2025-05-01", 5)
    del row[missing]
    assert acquisition_costs(build("customers", [row]), YEAR) is None
    assert acquisition_costs(None, YEAR) is None


def test_nobody_won_is_an_empty_series_and_not_missing(build):
    won = acquisition_costs(build("customers", [person("a", "2020-01-01", 5)]), YEAR)
    assert won is not None and won.empty
