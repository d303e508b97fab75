"""Money and numbers: one decimal mark for a column, one currency for a run."""

from decimal import Decimal

import pytest

AMOUNTS = [Decimal(n * 377 % 500_000 + 5) / 100 for n in range(300)]


def written(company, write, run=None, amounts=AMOUNTS):
    """Write one order for each amount, as `write` writes it; return what was found and the total read."""
    company.write(
        "orders.csv",
        [f'C{n % 9};2024-01-{1 + n % 31:02d};"{write(amount)}"' for n, amount in enumerate(amounts)],
        "customer_id;ordered_at;net_amount",
    )
    found = company.check(run)
    return found, found.ledger.total_net


def german(amount):
    return f"{amount:,.2f}".translate(str.maketrans(".,", ",."))


@pytest.mark.parametrize(
    ("write", "note"),
    [
        (lambda a: f"{a:.2f}", ""),
        (lambda a: f"{a:,.2f}", "thousands-comma"),
        (german, "decimal-comma"),
        (lambda a: f"{a:.2f}".replace(".", ","), "decimal-comma"),
        (lambda a: f"{a:,.2f}".replace(",", " ").replace(".", ","), "decimal-comma"),
        (lambda a: f"{a:,.2f}".replace(",", "\u202f").replace(".", ","), "decimal-comma"),
        (lambda a: f"{a:,.2f}".replace(",", "'"), ""),
        (lambda a: f"€ {a:.2f}", "currency-sign"),
        (lambda a: f"{german(a)} €", "decimal-comma"),
        (lambda a: f"EUR {a:.2f}", "currency-sign"),
        (lambda a: f"{a:.2f}eur", "currency-sign"),
        (lambda a: f"+{a:.2f}", ""),
        (lambda a: f" {a:.2f}\u00a0", ""),
    ],
)
def test_every_way_of_writing_an_amount_is_read_as_that_amount(company, write, note):
    found, read = written(company, write)
    assert read == sum(AMOUNTS)
    assert not note or note in found.codes("note")
    assert not found.codes("error", "warning")


@pytest.mark.parametrize(
    "write", ["-{:.2f}", "{:.2f}-", "({:.2f})", "- {:.2f}", "€ -{:.2f}", "-€{:.2f}", "−{:.2f}"]
)
def test_every_way_of_writing_a_negative_amount_is_read_as_negative(company, write):
    assert written(company, write.format)[1] == -sum(AMOUNTS)


def test_point_and_comma_as_decimal_marks_in_one_column_are_an_error(company, lines):
    company.orders([*lines, 'C001,2024-01-01,"12,50"'])
    found = company.check()
    assert found.codes("error") == {"mixed-decimal-marks"}
    assert found.cells("mixed-decimal-marks") == [(len(lines) + 2, "net_amount", "12,50")]


@pytest.mark.parametrize(("decimal", "expected"), [(".", 3 * 1234), (",", Decimal("3.702"))])
def test_a_comma_that_may_mean_two_things_is_an_error_that_the_run_file_settles(company, decimal, expected):
    found, _ = written(company, lambda _: "1,234", amounts=[1, 2, 3])
    assert found.codes("error") == {"ambiguous-decimal-mark"}
    assert written(company, lambda _: "1,234", run=f'decimal = "{decimal}"', amounts=[1, 2, 3])[1] == expected


@pytest.mark.parametrize(("decimal", "expected"), [(".", Decimal("963.75")), (",", 950 + 1250 + 12500)])
def test_a_point_that_may_mean_thousands_is_an_error_that_the_run_file_settles(company, decimal, expected):
    whole_euros = [950, 1250, 12500]
    found, _ = written(company, lambda a: f"{a:,}".replace(",", "."), amounts=whole_euros)
    assert found.codes("error") == {"ambiguous-decimal-mark"}
    assert "like 1.234" in found.one("ambiguous-decimal-mark").sentence
    run = f'decimal = "{decimal}"'
    assert written(company, lambda a: f"{a:,}".replace(",", "."), run=run, amounts=whole_euros)[1] == expected


def test_the_decimal_mark_of_the_run_file_makes_the_other_one_unreadable(company, lines):
    company.orders([*lines, 'C001,2024-01-01,"12,50"'])
    found = company.check('decimal = "."')
    assert found.cells("unreadable-number") == [(len(lines) + 2, "net_amount", "12,50")]


@pytest.mark.parametrize(
    "cell",
    [
        "twelve",
        "12 pieces",
        "1.2.3",
        "12..5",
        "--5",
        "1,2,3",
        "0x10",
        "1_000",
        "12 %",
        "inf",
        "99999999999999999",
    ],
)
def test_amounts_that_are_no_amounts_are_set_aside_and_shown(company, lines, total, cell):
    company.orders([*lines, f'C001,2024-01-01,"{cell}"'])
    found = company.check('decimal = "."')
    assert found.one("unreadable-number").severity == "warning"
    assert found.cells("unreadable-number") == [(len(lines) + 2, "net_amount", cell)]
    assert found.ledger.total_net == total(lines)


def test_more_unreadable_amounts_than_one_in_two_hundred_stop(company, lines):
    company.orders([*lines, *["C001,2024-01-01,n.a."] * 3])
    assert company.check().one("unreadable-number").severity == "error"


def test_a_blank_amount_sets_the_line_aside(company, lines, total):
    company.orders([*lines, "C001,2024-01-01,"])
    found = company.check()
    assert found.one("missing-value").severity == "warning"
    assert (found.ledger.set_aside_rows, found.ledger.total_net) == (1, total(lines))


def test_two_currencies_in_the_amounts_are_an_error(company, lines):
    company.orders([*lines, "C001,2024-01-01,£12.50", "C001,2024-01-01,€12.50"])
    found = company.check()
    assert found.codes("error") == {"several-currencies"}
    assert len(found.cells("several-currencies")) == 1


def test_two_currencies_in_a_currency_column_are_an_error(company, lines):
    company.orders(
        [f"{line},{'USD' if n == 7 else 'EUR'}" for n, line in enumerate(lines)],
        header="customer_id,ordered_at,net_amount,Currency Code",
    )
    found = company.check()
    assert found.codes("error") == {"several-currencies"}
    assert found.cells("several-currencies") == [(9, "Currency Code", "USD")]


def test_one_currency_that_the_data_name_becomes_the_currency_of_the_run(company):
    found, _ = written(company, "£{:.2f}".format)
    assert found.report.currency == "GBP" and "currency-found" in found.codes("note")


def test_a_run_file_that_names_another_currency_than_the_data_is_refused(company):
    found, _ = written(company, "£{:.2f}".format, run='currency = "USD"')
    assert found.codes("error") == {"other-currency"}


def test_a_list_of_columns_stands_for_their_product(company, total):
    company.orders(
        [f"C{n % 9},2024-01-{1 + n % 31:02d},{n % 5 - 1},{n}.{n % 1000:03d}" for n in range(300)],
        header="customer_id,ordered_at,pieces,price",
    )
    data = company.open('[tables.orders.columns]\nnet_amount = ["pieces", "price"]\nquantity = "pieces"')
    assert data.report.ledger.total_net == sum(
        (n % 5 - 1) * Decimal(f"{n}.{n % 1000:03d}") for n in range(300)
    )
    assert data.orders.quantity.sum().execute() == sum(n % 5 - 1 for n in range(300))


def test_a_product_with_an_unreadable_factor_is_set_aside_and_shown_whole(company, lines):
    company.orders(
        [f"{line.rpartition(',')[0]},2,1.25" for line in lines] + ["C1,2024-01-01,two,1.25"],
        header="customer_id,ordered_at,pieces,price",
    )
    found = company.check('[tables.orders.columns]\nnet_amount = ["pieces", "price"]')
    assert found.cells("unreadable-number") == [(len(lines) + 2, "pieces × price", "two × 1.25")]
    assert found.ledger.total_net == Decimal("2.5") * len(lines)


def test_rounding_that_changes_the_total_is_noted(company):
    found, read = written(company, lambda _: "0.12344", amounts=range(500))
    assert read == Decimal("0.1234") * 500
    assert "by -0.0200" in found.one("rounded").sentence


def test_rounding_that_changes_nothing_is_not_noted(company):
    assert "rounded" not in written(company, "{:.7f}".format)[0].codes()


def test_shares_in_per_cent_are_read_as_shares(company, lines):
    company.orders(lines)
    company.write("partners.csv", ["P1,supplier,12 %", "P2,carrier,0.05"], "partner_id,role,commission_rate")
    partners = company.open().table("partners").execute().set_index("partner_id")
    assert partners.commission_rate.astype(float).to_dict() == {"P1": 0.12, "P2": 0.05}


@pytest.mark.parametrize(
    ("cell", "large"),
    [
        ("100000000000000", True),
        ("-100000000000000.00", True),
        ('"100,000,000,000,000.00"', True),
        ("1e15", True),
        ("99999999999999.99", False),
        ("four", False),
    ],
)
def test_a_number_too_large_to_be_exact_is_called_so(company, lines, cell, large):
    company.orders([*lines, f"C1,2024-01-01,{cell}"])
    problems = [p for p in company.check().report.problems if p.code == "unreadable-number"]
    assert any("too large" in problem.remedy for problem in problems) == large
    assert len(problems) == (cell != "99999999999999.99")


def test_a_product_too_large_to_be_exact_is_called_so(company, lines):
    company.orders(
        [f"{line.rpartition(',')[0]},2,1.25" for line in lines] + ["C1,2024-01-01,10000000,10000000"],
        header="customer_id,ordered_at,pieces,price",
    )
    found = company.check('[tables.orders.columns]\nnet_amount = ["pieces", "price"]')
    assert "too large" in found.one("unreadable-number").remedy
