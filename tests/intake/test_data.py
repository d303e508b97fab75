"""Data: a source as of one day, through which nothing later can be seen."""

import datetime as dt
import json

import pandas as pd
import pytest

from crmlib.errors import DataError, ParameterError
from crmlib.intake import CheckReport, open_data


@pytest.fixture
def shop(company, lines):
    company.orders(lines)
    company.write(
        "contracts.csv",
        [
            "K1,C001,2023-02-01,2023-06-30",
            "K2,C002,2023-02-01,2024-02-29",
            "K3,C003,2024-02-01,",
        ],
        "contract_id,customer_id,started_on,ended_on",
    )
    company.write(
        "customers.csv",
        ["C001,2023-01-01,2023-12-01", "C002,2024-01-15,2024-02-01"],
        "customer_id,acquired_on,club_member_since",
    )
    company.write("products.csv", ["P1"], "product_id")
    return company


def test_the_last_known_day_is_the_last_order_day_unless_said_otherwise(shop):
    assert shop.open().as_of == dt.date(2024, 3, 31)
    assert shop.open(as_of="").as_of == dt.date(2024, 3, 31)
    assert (
        shop.open(as_of="2023-12-31").as_of
        == shop.open(as_of=dt.date(2023, 12, 31)).as_of
        == dt.date(2023, 12, 31)
    )
    assert shop.open().first_day == dt.date(2023, 1, 1)


@pytest.mark.parametrize("as_of", ["2024-04-01", "2022-12-31", "yesterday", "31.12.2023"])
def test_a_day_outside_the_orders_is_refused(shop, as_of):
    with pytest.raises(ParameterError, match="as_of"):
        shop.open(as_of=as_of)


def test_nothing_later_than_as_of_can_be_seen(shop):
    data = shop.open(as_of="2023-12-31")
    assert data.orders.ordered_at.max().execute() < pd.Timestamp("2024-01-01")
    contracts = data.table("contracts").order_by("contract_id").execute()
    assert contracts.contract_id.tolist() == ["K1", "K2"]
    assert contracts.ended_on.isna().tolist() == [False, True]
    customers = data.table("customers").execute()
    assert customers.customer_id.tolist() == ["C001"]
    assert data.table("products").count().execute() == 1


def test_orders_late_on_the_last_day_are_seen(company):
    company.orders(["C1,2024-01-31 23:59:59,1", "C1,2024-02-01 00:00:00,2", "C1,2024-02-02,3"])
    assert company.open(as_of="2024-01-31").orders.net_amount.sum().execute() == 1


def test_deleting_everything_after_as_of_changes_nothing(shop, lines):
    seen = (
        shop.open(as_of="2023-12-31").orders.order_by(["ordered_at", "customer_id", "net_amount"]).execute()
    )
    shop.orders([line for line in lines if line.split(",")[1] <= "2023-12-31"] + ["C9,2024-03-31,1.00"])
    again = (
        shop.open(as_of="2023-12-31").orders.order_by(["ordered_at", "customer_id", "net_amount"]).execute()
    )
    pd.testing.assert_frame_equal(seen, again)


def test_lines_after_as_of_are_counted_in_the_report(shop, lines):
    later = sum(line.split(",")[1] > "2023-12-31" for line in lines)
    notes = [p for p in shop.open(as_of="2023-12-31").report.notes if p.code == "after-as-of"]
    assert [note.count for note in notes] == [later]
    assert not [p for p in shop.open().report.notes if p.code == "after-as-of"]


def test_what_is_there_and_what_is_not(shop):
    data = shop.open()
    assert data.has("contracts") and data.has("contracts.ended_on") and data.has("orders.net_amount")
    assert not data.has("contracts.fee") and not data.has("events") and data.table("events") is None
    with pytest.raises(KeyError):
        data.has("invoices")
    with pytest.raises(KeyError):
        data.has("orders.colour")


def test_columns_have_the_types_of_the_contract(shop):
    types = {name: str(kind) for name, kind in shop.open().orders.schema().items()}
    assert types["customer_id"] == "string" and types["net_amount"] == "decimal(18, 4)"
    assert types["ordered_at"].startswith("timestamp")
    assert str(shop.open().table("contracts").schema()["ended_on"]) == "date"


def test_errors_stop_and_are_all_in_the_message(company, lines):
    company.orders([*lines, "C001,31/01/2024,£5.00", "C001,31/01/2024,$5.00"])
    company.write("products.csv", ["P1", "P1"], "product_id")
    with pytest.raises(DataError) as error:
        company.open()
    for words in (
        "3 errors",
        "mixes ways of writing dates",
        "several currencies",
        "row 402",
        "products: 1 key",
    ):
        assert words in str(error.value)


def test_settings_come_from_the_run_file(company, lines):
    company.orders(lines)
    data = company.open('name = "Casa"\ncurrency = "CHF"\ngross_margin = 0.4\nhorizon_months = 12')
    assert (data.name, data.currency, data.gross_margin, data.horizon_months) == ("Casa", "CHF", 0.4, 12)
    data = company.open()
    assert (data.name, data.currency, data.gross_margin, data.annual_discount_rate) == (
        "shop",
        "EUR",
        None,
        0.1,
    )


def test_the_truth_of_a_simulation_stands_beside_the_source(company, lines):
    company.orders(lines)
    assert company.open().truth("customers") is None
    (company.folder / "truth").mkdir()
    company.write("truth/customers.csv", ["C1,0.5"], "customer_id,rate")
    assert company.open().truth("customers").rate.tolist() == [0.5]


def test_a_report_survives_json(company, lines):
    company.orders([*lines, "C001,soon,5.00"])
    report = company.check().report
    assert CheckReport.from_json(report.to_json()) == report
    assert json.loads(report.to_json())["ledger"]["set_aside_net"] == "5.0000"


def test_nothing_can_be_written_through_data(shop):
    with pytest.raises(Exception, match="read-only"):
        shop.open().connection.raw_sql("DELETE FROM orders")


def test_the_bundled_company_opens_and_its_report_has_no_error(tmp_path):
    data = open_data("bundled", cache=tmp_path)
    assert not data.report.errors and data.name == "Casa Verbena"
    assert data.orders.net_amount.sum().execute() == data.report.ledger.total_net
