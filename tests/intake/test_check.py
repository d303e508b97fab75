"""The printed report: what a person reads after `crmlib check`."""

from crmlib.intake import render_report


def test_the_report_says_what_was_found_and_what_to_do(company, lines):
    company.orders([*lines, "C001,soon,5.00", ",2024-01-31,50.00"])
    company.write("products.csv", ["P1,pots"], "product_id,category")
    text = render_report(company.check().report)
    for words in (
        "orders: 402 rows, 1 of them set aside; 2023-01-01 to 2024-03-31; 40 customers  [orders.csv]",
        "products: 1 row  [products.csv]",
        "cost_of_goods (margins rest on the stated gross margin)",
        "events, activities, resources (no service cost by customer)",
        "not in it: 1 line set aside, 5.00 EUR",
        'ordered_at: row 402 "soon"',
        "customer_id: row 403 (blank)",
        "What to do: ",
        "The data can be used. 2 warnings to bear in mind.",
    ):
        assert words in text


def test_errors_come_first_and_the_verdict_says_so(company, lines):
    company.orders([*lines, "C001,31/01/2024,5.00"])
    text = render_report(company.check().report)
    assert text.index("Errors (1)") < text.index("row 402")
    assert text.endswith("1 error: correct the data or the run file, then check again.")


def test_a_clean_source_has_nothing_to_say(company, lines):
    company.orders(lines)
    text = render_report(company.check().report)
    assert text.endswith("The data can be used.") and "Warnings" not in text and "Errors" not in text


def test_cells_cannot_steer_the_terminal(company, lines):
    company.orders([*lines, '"\x1b[31mred\n",soon,5.00', "C001,\x1b]0;x\x07,5.00"])
    text = render_report(company.check().report)
    assert "\x1b" not in text and "\\x1b" in text


def test_the_same_source_gives_the_same_text(company, lines, tmp_path):
    company.orders([*lines, *lines[:9], "C001,soon,5.00", " C002 ,2024-01-31,5.00"])
    first = render_report(company.check().report)
    company.cache = tmp_path / "other cache"
    assert render_report(company.check().report) == first
