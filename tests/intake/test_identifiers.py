"""Identifiers: the same customer under two spellings is one, two customers are never merged."""

import pytest


def ids(company, cells, **more):
    company.orders([f'"{cell}",2024-01-31,1' for cell in cells], **more)
    return sorted(company.open().orders.customer_id.execute().dropna().unique())


def test_white_space_around_an_identifier_is_dropped_and_counted(company):
    assert ids(company, ["C1", " C1", "C1\t", "\u00a0C1\u200b", "C 1"]) == ["C 1", "C1"]
    found = company.check()
    assert found.one("id-white-space").count == 3
    assert found.one("id-merged").count == 1


def test_numbers_written_as_17850_and_as_17850_0_are_one_customer(company):
    assert ids(company, ["17850", "17850.0", "17850.00", "17851.0"]) == ["17850", "17851"]
    found = company.check()
    assert found.one("id-as-number").count == 3
    assert found.one("id-merged").count == 1
    assert found.cells("id-as-number")[0] == (3, "customer_id", "17850.0")


@pytest.mark.parametrize(
    ("one", "other"),
    [("0017", "17"), ("C1.0", "C1"), ("1.05", "1.5"), ("c1", "C1"), ("1.0.0", "1.0"), ("-1.0", "-1")],
)
def test_identifiers_that_differ_stay_apart(company, one, other):
    assert len(ids(company, [one, other, "x"])) == 3


@pytest.mark.parametrize("nothing", ["", "  ", "NULL", "nan", "None", "#N/A"])
def test_no_identifier_is_no_customer(company, lines, nothing):
    company.orders([*lines, f"{nothing},2024-01-01,30.00"])
    found = company.check()
    missing = found.one("missing-customer")
    assert (missing.severity, missing.count, missing.net) == ("warning", 1, 30)
    assert missing.examples[0].row == len(lines) + 2
    assert (found.ledger.anonymous_rows, found.ledger.anonymous_net) == (1, 30)


def test_sales_without_a_customer_stay_and_are_counted_in_rows_and_in_money(company, lines, total):
    anonymous = [",2024-01-15,100.00"] * 100
    company.orders([*lines, *anonymous])
    data = company.open()
    assert data.orders.count().execute() == 500
    assert data.report.ledger.total_net == total(lines) + 10_000
    sentence = next(p for p in data.report.warnings if p.code == "missing-customer").sentence
    assert "100 lines (20.0%)" in sentence and "10,000.00 EUR" in sentence


def test_a_file_without_any_customer_is_an_error(company, lines):
    company.orders([line[4:] for line in lines])
    assert company.check().one("missing-customer").severity == "error"


def test_numbers_of_a_typed_source_become_the_same_identifiers_as_text(company, tmp_path):
    import pandas as pd

    frame = pd.DataFrame(
        {
            "customer_id": [17850.0, float("nan"), 3.0],
            "ordered_at": pd.to_datetime(["2024-01-31"] * 3),
            "net_amount": [1.1, 2.2, 3.3],
        }
    )
    frame.to_parquet(company.folder / "orders.parquet")
    orders = company.open().orders.order_by("net_amount").execute()
    assert orders.customer_id.fillna("").tolist() == ["17850", "", "3"]
    assert "id-as-number" in company.check().codes("note")


def test_flags_and_words_are_read_in_their_usual_spellings(company, lines):
    company.orders(lines)
    company.write("partners.csv", ["P1,Supplier", "P2, CARRIER "], "partner_id,role")
    company.write(
        "deliveries.csv",
        [
            "P1,2024-01-01,2024-01-02,yes,0",
            "P1,2024-01-01,2024-01-02,TRUE,No",
            "P1,2024-01-01,2024-01-02,1.0,n",
            "P1,2024-01-01,2024-01-02,,",
        ],
        "partner_id,promised_on,delivered_on,complete,damaged",
    )
    data = company.open()
    assert data.table("partners").order_by("partner_id").role.execute().tolist() == ["supplier", "carrier"]
    deliveries = data.table("deliveries")
    assert deliveries.complete.sum().execute() == 3 and deliveries.damaged.any().execute() == False  # noqa: E712
    assert deliveries.complete.count().execute() == 3


def test_a_word_that_is_no_choice_is_shown_with_the_words_allowed(company, lines):
    company.orders(lines)
    company.write("partners.csv", ["P1,supplier", "P2,wholesaler"], "partner_id,role")
    found = company.check().one("unknown-word", "partners")
    assert found.severity == "error" and "reseller" in found.remedy
