"""Files, sheets and tables that are not read are named."""

import duckdb
import pandas as pd
import pytest

from crmlib.intake import check_source
from crmlib.intake.contract import TABLES


def test_files_that_are_not_read_are_named_and_what_is_no_data_is_not(company, lines):
    company.orders(lines)
    for name in ("sconosciuto.csv", "prices.json", "README.md", ".hidden", "~$orders.xlsx", "run.toml"):
        company.write(name, "")
    (company.folder / "truth").mkdir()
    pd.DataFrame({"x": [1]}).to_parquet(company.folder / "truth" / "x.parquet")
    note = company.check().one("not-used", "other files")
    assert (note.severity, note.count) == ("note", 2)
    assert note.sentence == "Not used: prices.json, sconosciuto.csv."


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("event.csv", "events.csv"),
        ("Customer.CSV.gz", "customers.CSV.gz"),
        ("suveys.parquet", "survey.parquet"),
    ],
)
def test_a_name_that_is_nearly_a_tables_is_a_warning(company, lines, name, meant):
    company.orders(lines)
    company.write(name, "")
    warning = company.check().one("name-nearly-known", "other files")
    assert warning.severity == "warning" and f"Did you mean {meant}?" in warning.sentence
    assert warning.remedy


def test_a_name_that_is_like_a_table_from_afar_is_a_note_with_a_guess(company, lines):
    company.orders(lines)
    company.write("events_2024.csv", "")
    assert "Did you mean events.csv?" in company.check().one("not-used", "other files").sentence


def test_a_second_copy_of_a_table_that_is_read_is_only_noted(company, lines):
    company.orders(lines)
    company.write("order.csv", "")
    found = company.check()
    assert found.one("not-used", "other files").sentence == "Not used: order.csv."
    assert not found.codes("warning")


def test_a_source_in_which_all_is_read_has_nothing_to_say(company, lines):
    company.orders(lines)
    company.write("list.csv", ["P1"], "product_id")
    found = company.check('source = "."\n[tables.products]\nfile = "list.csv"')
    assert not found.codes() & {"not-used", "name-nearly-known"}


def test_a_file_that_appears_later_is_named_at_the_next_check(company, lines):
    company.orders(lines)
    assert "not-used" not in company.check().codes()
    company.write("strange.csv", "")
    assert "not-used" in company.check().codes()


def test_sheets_and_database_tables_that_are_not_read_are_named(company, lines):
    frame = pd.DataFrame([line.split(",") for line in lines], columns=list(TABLES["orders"].required))
    book, base = company.folder / "book.xlsx", company.folder / "base.duckdb"
    with pd.ExcelWriter(book, engine="openpyxl") as writer:
        for sheet in ("Orders", "Pivot", "Customer"):
            frame.to_excel(writer, sheet_name=sheet, index=False)
    with duckdb.connect(base) as connection:
        connection.register("frame", frame)
        for table in ("orders", "pivot", "customer"):
            connection.execute(f'CREATE TABLE "{table}" AS FROM frame')
    for path, what in ((book, "sheets"), (base, "tables")):
        report = check_source(path, cache=company.cache)
        said = {p.code: p.sentence.lower() for p in report.problems if p.table == f"other {what}"}
        assert said == {
            "not-used": "not used: pivot.",
            "name-nearly-known": "not used: customer. did you mean customers?",
        }
