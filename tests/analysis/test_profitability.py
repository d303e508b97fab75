"""Profit per customer and its statement: each computed a second way."""

import datetime as dt
import math
import random
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.costing import cost_to_serve
from crmlib.analysis.ledger import Ledger, acquisition_costs, customer_ledger, order_lines
from crmlib.analysis.period import Period
from crmlib.analysis.profitability import (
    STATEMENT,
    breaking_cost,
    customer_profit,
    equal_groups,
    income_statement,
    named_lines,
    profit_in,
    reclassified,
    spread_of,
    walk,
)

YEAR = Period(dt.date(2025, 3, 1), dt.date(2026, 2, 28), 12)


@pytest.fixture
def company(tables, untidy):
    """Book, customers and everything between, of a drawn company."""

    def make(seed, change=None, period=YEAR):
        rows = untidy(seed)
        if change:
            change(rows)
        made = tables(**{k: v for k, v in vars(rows).items() if v})
        lines = order_lines(made("orders"), 0.35)
        book = customer_ledger(lines, period)
        served = cost_to_serve(made, lines, period)
        won = acquisition_costs(made("customers"), period)
        customers = customer_profit(book, served.service if served else None, won)
        return rows, made, lines, book, customers

    return make


# Profit per customer ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_profit_of_every_customer_equals_lines_and_events_walked_through(
    company, second_ledger, second_service, seed
):
    rows, _, _, _, customers = company(seed)
    margin = {
        who: Fraction(account["gross_margin"])
        for who, account in second_ledger(rows.orders, YEAR.first, YEAR.last, "0.35").items()
        if who
    }
    spent: dict = {}
    for (who, _), cost in second_service(rows, YEAR.first, YEAR.last).items():
        spent[who] = spent.get(who, Fraction(0)) + cost
    won = {
        p["customer_id"]: Fraction(p["acquisition_cost"])
        for p in rows.customers
        if p["acquisition_cost"] is not None and str(YEAR.first) <= p["acquired_on"] <= str(YEAR.last)
    }
    everyone = sorted(margin.keys() | spent.keys() | won.keys())
    assert list(customers.index) == everyone
    for who in everyone:
        profit = margin.get(who, Fraction(0)) - spent.get(who, Fraction(0)) - won.get(who, Fraction(0))
        assert customers.loc[who, "profit"] == pytest.approx(float(profit), abs=1e-4)


def test_the_run_in_one_go_is_the_run_in_steps(company):
    _, made, lines, _, customers = company(2)
    pd.testing.assert_frame_equal(profit_in(made, lines, YEAR), customers)


def test_order_of_rows_and_names_change_nothing(company):
    def shuffle(rows):
        for part in vars(rows).values():
            random.Random(1).shuffle(part)

    def rename(rows):
        for row in rows.orders + rows.events + rows.customers:
            row["customer_id"] = row["customer_id"] and f"={99 - int(row['customer_id'][1:]):02d}"

    expected = company(4)[-1]
    pd.testing.assert_frame_equal(company(4, shuffle)[-1], expected)
    renamed = company(4, rename)[-1]
    renamed.index = [f"K{99 - int(name[1:]):02d}" for name in renamed.index]
    pd.testing.assert_frame_equal(renamed.sort_index(), expected, check_names=False)


def test_what_happens_after_the_period_changes_no_number(company):
    after = str(YEAR.last + dt.timedelta(days=1))

    def cut(rows):
        rows.orders = [r for r in rows.orders if r["ordered_at"] < after]
        rows.events = [r for r in rows.events if r["occurred_on"] < after]
        rows.customers = [r for r in rows.customers if r["acquired_on"] < after]

    def scramble(rows):
        for row in rows.orders:
            if row["ordered_at"] >= after:
                row |= {"net_amount": "-77777", "customer_id": "K01", "order_id": "O0001"}
        for row in rows.events:
            if row["occurred_on"] >= after:
                row |= {"quantity": "999", "customer_id": "K01", "order_id": "O0001"}

    expected = company(5)[-1]
    for change in (cut, scramble):
        pd.testing.assert_frame_equal(company(5, change)[-1], expected)


def test_customers_who_only_cost_something_have_an_account(company):
    def add(rows):
        rows.events.append({"customer_id": "caller", "occurred_on": "2025-05-01", "activity": "call"})
        rows.customers.append({"customer_id": "won", "acquired_on": "2025-05-01", "acquisition_cost": "30"})

    customers = company(1, add)[-1]
    assert customers.loc["won", "profit"] == -30
    assert customers.loc["won", ["orders", "lines", "net_sales", "service_cost"]].tolist() == [0, 0, 0, 0]
    assert customers.loc["caller", "profit"] == pytest.approx(-9.25 * 120 / 40)
    assert customers.loc["caller", "service_relationship"] == customers.loc["caller", "service_cost"]


def test_without_events_and_acquisition_profit_is_gross_margin(company):
    def drop(rows):
        rows.events, rows.customers = [], []

    customers = company(1, drop)[-1]
    assert customers["profit"].tolist() == pytest.approx(customers["gross_margin"].tolist(), abs=1e-6)
    for name in (
        "service_order",
        "service_return",
        "service_relationship",
        "service_cost",
        "acquisition_cost",
    ):
        assert (customers[name] == 0).all()


def test_customer_profit_changes_none_of_its_inputs(company):
    _, made, lines, book, _ = company(1)
    service = cost_to_serve(made, lines, YEAR).service
    won = acquisition_costs(made("customers"), YEAR)
    before = [book.customers.copy(), book.anonymous.copy(), service.copy(), won.copy()]
    customers = customer_profit(book, service, won)
    income_statement(customers, book)
    reclassified(customers)
    pd.testing.assert_frame_equal(book.customers, before[0])
    pd.testing.assert_series_equal(book.anonymous, before[1])
    pd.testing.assert_frame_equal(service, before[2])
    pd.testing.assert_series_equal(won, before[3])


def test_a_company_without_known_customers_has_no_accounts(company):
    def hide(rows):
        rows.events, rows.customers = [], []
        for row in rows.orders:
            row["customer_id"] = None

    _, _, _, book, customers = company(1, hide)
    assert customers.empty
    statement = income_statement(customers, book)
    assert statement.loc["net_sales", "company"] == pytest.approx(book.total_net_sales)
    assert statement[[f"tier {n}" for n in range(1, 6)]].to_numpy().sum() == 0


# Statement --------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [1, 3, 5])
def test_tiers_and_anonymous_sales_make_the_company_line_by_line(company, groups):
    _, _, _, book, customers = company(3)
    table = income_statement(customers, book, groups)
    assert list(table.index) == list(STATEMENT)
    tiers = [f"tier {n}" for n in range(1, groups + 1)]
    assert list(table.columns) == [*tiers, "anonymous", "company"]
    assert table[[*tiers, "anonymous"]].sum(axis=1).tolist() == pytest.approx(table["company"].tolist())
    assert table.loc["net_sales", "company"] == pytest.approx(book.total_net_sales)
    assert table.loc["profit", tiers].sum() == pytest.approx(customers["profit"].sum())
    assert table.loc["profit", tiers].is_monotonic_decreasing


def test_every_column_of_the_statement_reads_from_top_to_bottom(company):
    _, _, _, book, customers = company(3)
    for name, column in income_statement(customers, book).items():
        net = column["list_sales"] + column["discounts"] + column["returns"]
        assert column["net_sales"] == pytest.approx(net), name
        assert column["gross_margin"] == pytest.approx(net + column["cost_of_goods"]), name
        costs = column[["service_order", "service_return", "service_relationship", "acquisition_cost"]].sum()
        assert column["profit"] == pytest.approx(column["gross_margin"] + costs), name
        assert (column[["discounts", "service_order", "acquisition_cost"]] <= 0).all()


def test_fewer_customers_than_tiers_leave_tiers_empty(account):
    customers = account({"a": {"list_sales": 10}, "b": {"list_sales": 4, "cost_of_goods": 9}})
    empty = pd.Series(0.0, index=["orders", "lines", *list(STATEMENT)[:6], "returned_goods"])
    table = income_statement(customers, Ledger(customers, empty, 14.0, 1.0))
    assert table.loc["profit", "company"] == 5
    assert (table == 0).to_numpy().any()
    assert not (np.signbit(table.to_numpy()) & (table.to_numpy() == 0)).any()  # no minus zero in a report


def test_the_walk_ends_at_what_is_left_and_passes_over_empty_lines(company):
    _, _, _, book, customers = company(3)
    statement = income_statement(customers, book)["company"]
    statement["discounts"] = 0.0
    steps = walk(statement, 250.0).set_index("line")["amount"]
    assert STATEMENT["discounts"] not in steps.index
    assert steps["Unused capacity"] == -250
    assert steps["After unused capacity"] == pytest.approx(statement["profit"] - 250)
    assert "Unused capacity" not in set(walk(statement, 0.0)["line"])
    assert walk(statement, 0.0)["amount"].iloc[-1] == pytest.approx(statement["profit"])


def test_the_walk_adds_up_between_its_subtotals(company):
    _, _, _, book, customers = company(3)
    steps = walk(income_statement(customers, book)["company"], 99.0)
    level, totals = 0.0, {"Net sales", "Gross margin", "Customer profit", "After unused capacity"}
    for line, amount in steps.itertuples(index=False):
        if line in totals:
            assert amount == pytest.approx(level), line
        else:
            level += amount
    assert totals <= set(steps["line"])


def test_sales_are_not_called_list_price_where_no_discount_is_known():
    statement = pd.DataFrame({"company": dict.fromkeys(STATEMENT, 1.0)})
    assert named_lines(statement)["line"].tolist() == list(STATEMENT.values())
    statement.loc["discounts"] = 0.0
    named = named_lines(statement)["line"]
    assert named.iloc[0] == "Sales before returns" and "Discounts" not in set(named)


def test_a_profit_of_nothing_still_has_its_line():
    statement = pd.DataFrame({"company": dict.fromkeys(STATEMENT, 0.0)})
    assert named_lines(statement)["line"].tolist() == [STATEMENT["profit"]]


# Groups and examples ----------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 5, 7, 10, 99, 1000])
@pytest.mark.parametrize("groups", [1, 5, 10])
def test_groups_of_different_values_are_as_equal_as_they_can_be(n, groups):
    values = pd.Series(random.Random(n).sample(range(10 * n), n), dtype="float64")
    number = equal_groups(values, groups)
    sizes = number.value_counts().reindex(range(1, groups + 1), fill_value=0)
    assert sizes.sum() == n and sizes.max() - sizes.min() <= 1
    ranked = number[values.sort_values(ascending=False).index]
    assert ranked.is_monotonic_increasing


def test_equal_values_share_a_group_whatever_their_place_and_name():
    values = pd.Series([5.0] * 4 + [1.0] * 9 + [0.0] * 30, index=[f"c{i}" for i in range(43)])
    expected = equal_groups(values, 5)
    assert expected.groupby(values).nunique().eq(1).all()
    shuffled = values.sample(frac=1, random_state=3)
    pd.testing.assert_series_equal(equal_groups(shuffled, 5).sort_index(), expected.sort_index())
    assert equal_groups(pd.Series([2.0] * 8), 5).nunique() == 1


def test_examples_leave_out_the_extremes_and_run_from_high_to_low():
    customers = pd.DataFrame({"profit": random.Random(2).sample(range(1000), 50)})
    picked = spread_of(customers, "profit", 5)
    assert len(picked) == 5
    assert picked["profit"].is_monotonic_decreasing
    ranked = sorted(customers["profit"], reverse=True)
    assert (picked["profit"].iloc[0], picked["profit"].iloc[-1]) == (ranked[1], ranked[-2])


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_examples_from_very_few_customers_are_those_there_are(n):
    customers = pd.DataFrame({"profit": [float(i) for i in range(n)]})
    picked = spread_of(customers, "profit", 5)
    assert len(picked) <= n and picked.index.is_unique
    assert bool(len(picked)) == bool(n)


def test_examples_do_not_depend_on_the_order_of_the_rows():
    customers = pd.DataFrame({"profit": [1.0, 1.0, 1.0, 2.0, 0.0, 0.0]}, index=list("fbcade"))
    expected = spread_of(customers, "profit", 3)
    pd.testing.assert_frame_equal(spread_of(customers[::-1], "profit", 3), expected)


# Who turns to a loss ----------------------------------------------------------------------------


def test_every_customer_is_counted_once_in_a_tenth_of_margin(company):
    customers = company(3)[-1]
    table = reclassified(customers)
    assert table["customers"].sum() == len(customers)
    for name, amounts in [
        ("gross_margin", customers["gross_margin"]),
        ("after_service", customers["gross_margin"] - customers["service_cost"]),
    ]:
        assert table[name].sum() == pytest.approx(amounts.sum())
    turned = sum(
        margin > 0 > margin - cost
        for margin, cost in zip(customers["gross_margin"], customers["service_cost"], strict=True)
    )
    assert table["turned_negative"].sum() == turned


def test_without_service_nobody_turns_or_moves(account):
    customers = account({f"c{i}": {"list_sales": i * i, "acquisition_cost": 50 - i} for i in range(30)})
    table = reclassified(customers)
    assert table["turned_negative"].sum() == table["moved"].sum() == 0


def test_a_costly_best_customer_turns_in_the_first_tenth(account):
    rows = {f"c{i}": {"list_sales": 100 - i} for i in range(20)}
    rows["c0"]["service_order"] = 500
    table = reclassified(account(rows))
    assert table.loc[1, "turned_negative"] == 1
    assert table["turned_negative"].sum() == 1
    assert table.loc[1, "moved"] == 1


def test_a_first_idea_of_missing_service_is_the_order_cost_that_some_could_not_bear(account):
    rows = {f"c{i}": {"orders": 2, "list_sales": 2 * i} for i in range(1, 12)}  # margins of 1 to 11 an order
    customers = account(rows | {"lost already": {"orders": 1, "returns": -3}, "no order": {"list_sales": 9}})
    assert breaking_cost(customers, 0.5) == 6.0
    assert breaking_cost(customers, 0.1) == 2.0
    for share in (0.1, 0.5, 0.9):
        cost = breaking_cost(customers, share)
        named = customers.loc[list(rows)]
        below = (named["gross_margin"] - cost * named["orders"] < 0).mean()
        at_most = (named["gross_margin"] - cost * named["orders"] <= 0).mean()
        assert below <= share <= at_most
    assert math.isnan(breaking_cost(customers[:0], 0.5))
