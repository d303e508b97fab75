"""Columns: found by name in any dress, mapped by the run file, and missed with a suggestion."""

from crmlib.errors import DataError


def test_names_are_found_in_any_dress(company, lines, total):
    company.orders(lines, header="Customer ID,ORDERED-AT, net amount ")
    assert company.check().ledger.total_net == total(lines)


def test_a_missing_column_is_named_with_the_nearest_and_a_run_file_to_start_from(company, lines):
    company.orders(
        [f"{line},2,5.00" for line in lines], header="CustomerID,InvoiceDate,Line,Quantity,UnitPrice"
    )
    found = company.check()
    errors = {p.sentence.split()[1]: p for p in found.report.errors}
    assert set(errors) == {"ordered_at", "net_amount"}
    assert '"InvoiceDate"' in errors["ordered_at"].remedy
    assert "InvoiceDate, Line, Quantity" in errors["ordered_at"].sentence
    start = errors["net_amount"].remedy
    for words in (
        'customer_id = "CustomerID"',
        'ordered_at = "InvoiceDate"',
        'net_amount = ["Quantity", "UnitPrice"]',
    ):
        assert words in start


def test_the_run_file_offered_works(company, lines, total):
    company.orders(lines, header="Client,Date,Amount")
    remedy = company.check().report.errors[-1].remedy
    assert "the line [tables.orders] and below it the line columns" in remedy  # TOML wants two lines
    offered = "columns = " + remedy.rpartition("columns = ")[2]
    assert company.check(f"[tables.orders]\n{offered}").ledger.total_net == total(lines)


def test_the_run_file_offered_gives_no_column_two_meanings(company, lines):
    company.orders(lines, header="customer_id,ordered_at,total_eur")
    remedy = company.check().one("missing-column").remedy
    assert remedy.count('"ordered_at"') == 1 and 'ordered_at = "ordered_at"' in remedy


def test_a_map_to_a_column_that_is_not_there_is_an_error(company, lines):
    company.orders(lines)
    found = company.check('[tables.orders.columns]\nnet_amount = "netamounts"')
    assert found.codes("error") == {"missing-column"}
    assert 'Did you mean "net_amount"?' in found.one("missing-column").remedy


def test_texts_cannot_be_multiplied(company, lines):
    company.orders(lines)
    found = company.check('[tables.orders.columns]\ncustomer_id = ["customer_id", "net_amount"]')
    assert found.codes("error") == {"product-of-texts"}


def test_columns_nobody_uses_are_listed(company, lines):
    company.orders([line + ",x" for line in lines], header="customer_id,ordered_at,net_amount,Memo")
    assert company.check().report.found("orders").unused_columns == ("Memo",)


def test_repeated_and_blank_names_do_no_harm(company, lines, total):
    company.orders([line + ",,9" for line in lines], header="customer_id,ordered_at,net_amount,,net_amount")
    assert company.check().ledger.total_net == total(lines)


def test_a_table_that_lacks_a_column_stops_the_run_and_the_error_says_what_to_do(company, lines):
    company.orders(lines)
    company.write("events.csv", ["C001,delivery"], "customer_id,activity")
    try:
        company.open()
    except DataError as error:
        assert "events: Column occurred_on is missing" in str(error) and error.exit_code == 1
    else:
        raise AssertionError("an events table without dates was accepted")
