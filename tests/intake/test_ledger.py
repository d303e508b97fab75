"""The ledger: every euro once, and what casts doubt on it."""

from decimal import Decimal

import pytest


def test_returns_are_counted_in_lines_and_in_money(company, lines, total):
    company.orders([*lines, *[f"C00{n},2024-01-31,-{n + 1}.50" for n in range(5)]])
    found = company.check()
    assert (found.ledger.returns_rows, found.ledger.returns_net) == (5, Decimal("-17.50"))
    assert found.ledger.total_net == total(lines) - Decimal("17.50")
    assert found.one("returns").severity == "note" and "5 lines (1.2%)" in found.one("returns").sentence


def test_zero_amounts_are_noted_and_stay(company, lines, total):
    company.orders([*lines, "C001,2024-01-31,0", "C001,2024-01-31,0.00"])
    found = company.check()
    assert found.one("zero-amounts").count == 2
    assert found.report.found("orders").used_rows == len(lines) + 2


def test_repeated_lines_are_reported_with_their_money_and_never_dropped(company, lines, total):
    company.orders([*lines, lines[3], lines[3], lines[10]])
    found = company.check()
    repeats = found.one("repeated-lines")
    assert (repeats.severity, repeats.count) == ("warning", 3)
    assert repeats.net == 2 * total([lines[3]]) + total([lines[10]])
    assert found.cells("repeated-lines")[0] == (len(lines) + 2, "", "same as row 5")
    assert found.ledger.total_net == total(lines) + repeats.net


def test_lines_that_differ_in_any_column_are_no_repeats(company, lines):
    company.orders(
        [f"{line},{n}" for n, line in enumerate([*lines, lines[3]])],
        header="customer_id,ordered_at,net_amount,line number",
    )
    assert "repeated-lines" not in company.check().codes()


@pytest.mark.parametrize(
    ("last", "partial"),
    [("2024-04-09", True), ("2024-04-27", True), ("2024-04-28", False), ("2024-04-30", False)],
)
def test_a_last_month_that_is_not_over_is_noted(company, lines, last, partial):
    company.orders([*lines, f"C001,{last},5.00"])
    assert ("partial-last-month" in company.check().codes("note")) == partial


def test_a_few_orders_long_after_all_others_are_doubted_since_they_move_the_last_known_day(company, lines):
    company.orders([*lines, "C001,2025-03-14,5.00"])
    found = company.check()
    assert found.cells("lonely-end") == [(len(lines) + 2, "ordered_at", "2025-03-14")]
    assert "2024-03-31" in found.one("lonely-end").remedy
    company.orders([*lines, *["C001,2025-03-14,5.00"] * 3])
    assert "lonely-end" not in company.check().codes()


def censored(months=12):
    """An old shop: all 40 customers of clean_lines buy at once, then one new customer a week."""
    first = [f"A{n:03d},2023-01-{1 + n % 28:02d},5.00" for n in range(60)]
    return first + [f"B{n:03d},2023-{2 + n % 11:02d}-{1 + n % 28:02d},5.00" for n in range(100)]


def test_customers_who_were_probably_there_before_are_reported(company):
    company.orders(censored())
    found = company.check().one("left-censored")
    assert (found.severity, found.count) == ("warning", 60)


def test_a_steady_stream_of_new_customers_is_not(company):
    company.orders([f"B{n:03d},2023-{1 + n % 12:02d}-{1 + n % 28:02d},5.00" for n in range(400)])
    assert "left-censored" not in company.check().codes()


def test_where_acquired_on_is_known_it_is_used_instead(company):
    company.orders(censored())
    company.write(
        "customers.csv",
        [f"A{n:03d},2020-01-01" for n in range(60)] + ["B001,2024-01-01"],
        "customer_id,acquired_on",
    )
    found = company.check()
    assert "left-censored" not in found.codes()
    assert found.one("acquired-before", "customers").count == 60
    assert found.one("acquired-late", "customers").count == 1


def test_what_happened_after_the_last_order_is_noted(company, lines):
    company.orders(lines)
    company.write(
        "events.csv", ["C001,2024-01-05,call", "C001,2024-05-05,call"], "customer_id,occurred_on,activity"
    )
    assert company.check().one("after-last-order", "events").count == 1


def test_everything_kept_and_everything_set_aside_add_up(company, lines, total):
    extra = ["C001,soon,1.25", "C001,1924-01-01,2.50", "C001,9999-12-31,4.75", ",2024-01-31,8.00"]
    company.orders([*lines * 3, *extra])
    ledger = company.check().ledger
    assert ledger.total_net + ledger.set_aside_net == 3 * total(lines) + total(extra)
    assert ledger.set_aside_rows == 3 and ledger.anonymous_net == 8
