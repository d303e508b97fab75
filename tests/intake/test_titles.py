"""A header that stands below a title is found, and other sheets are named."""

import pandas as pd
import pytest

from crmlib.intake import check_source

ENGLISH = ["customer_id", "ordered_at", "net_amount"]
ITALIAN = ["cliente", "data", "importo"]


def book(company, lines, header, above, other=()):
    """Write a workbook with the rows `above` the header of its first sheet."""
    table = [
        [*row, None, None, None][:3] for row in [*above, header, *(line.split(",") for line in lines[:50])]
    ]
    path = company.folder / "book.xlsx"
    with pd.ExcelWriter(path, engine="openpyxl") as writer:
        pd.DataFrame(table).to_excel(writer, sheet_name="Vendite", index=False, header=False)
        for name in other:
            pd.DataFrame({"x": [1]}).to_excel(writer, sheet_name=name, index=False)
    return path


@pytest.mark.parametrize("header", [ENGLISH, ITALIAN])
@pytest.mark.parametrize("above", [[["Sales 2024"]], [["Sales"], [], ["printed", "2024-04-01"]]])
def test_the_rows_above_the_header_of_a_sheet_are_counted(company, lines, header, above):
    path = book(company, lines, header, above)
    remedy = check_source(path, cache=company.cache).errors[-1].remedy
    assert f"Row {len(above) + 1} looks like the header ({', '.join(header)})" in remedy
    assert f"skip_rows = {len(above)}" in remedy
    assert "sheet" not in remedy


def test_the_advice_works(company, lines):
    path = book(company, lines, ENGLISH, [["Sales"], []])
    run = company.run_file("[tables.orders]\nskip_rows = 2")
    assert check_source(path, run, cache=company.cache).found("orders").rows == 50


def test_other_sheets_are_named_when_the_columns_look_wrong(company, lines):
    path = book(company, lines, ITALIAN, [], other=("Dati", "Note"))
    remedy = check_source(path, cache=company.cache).errors[-1].remedy
    assert "other sheets: Dati, Note." in remedy and 'sheet = "Dati"' in remedy
    assert "skip_rows" not in remedy


def test_a_text_file_exported_with_its_title_is_recognised_too(company, lines):
    company.orders([",,", ",".join(ENGLISH), *lines], header="Sales,,")
    assert "skip_rows = 2" in company.check().report.errors[-1].remedy


def test_a_file_with_other_column_names_is_not_told_to_skip_rows(company, lines):
    company.orders(lines, header="cliente,data,importo")
    assert "skip_rows" not in company.check().report.errors[-1].remedy
