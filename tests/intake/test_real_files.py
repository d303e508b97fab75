"""Known public files, read through the maps in data/maps, against arithmetic outside the package.

The files are not in the repository. Set CRMLIB_REAL_DATA to the folder that holds ``cdnow/``,
``online_retail/`` and ``telco_ibm/``.
"""

import csv
import gzip
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from crmlib.intake import open_data

MAPS = Path(__file__).parents[2] / "data" / "maps"
REAL = os.environ.get("CRMLIB_REAL_DATA")
pytestmark = pytest.mark.skipif(not REAL, reason="set CRMLIB_REAL_DATA to the folder of the public files")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_cdnow_comes_out_to_the_cent(cache):
    path = Path(REAL, "cdnow", "CDNOW_master.txt.gz")
    with gzip.open(path, "rt") as stream:
        rows = [line.split() for line in stream][1:]
    data = open_data(path, cache=cache, run_file=MAPS / "cdnow.toml")
    ledger, orders = data.report.ledger, data.report.found("orders")
    assert ledger.total_net == sum(Decimal(row[3]) for row in rows) == Decimal("2500315.63")
    assert orders.used_rows == len(rows) == 69_659
    assert orders.customers == len({row[0] for row in rows}) == 23_570
    assert (str(data.first_day), str(data.as_of)) == ("1997-01-01", "1998-06-30")
    assert data.orders.quantity.sum().execute() == 167_881
    assert data.orders.customer_id.min().execute() == "00001"
    found = {problem.code: problem.count for problem in data.report.problems}
    repeats = sum(count - 1 for count in Counter(map(tuple, rows)).values())
    assert found == {"zero-amounts": 80, "repeated-lines": repeats} and repeats == 255


def test_online_retail_comes_out_to_the_cent(cache):
    path = Path(REAL, "online_retail", "online_retail.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    amounts = [Decimal(row["Quantity"]) * Decimal(row["UnitPrice"]) for row in rows]
    data = open_data(path, cache=cache, run_file=MAPS / "online_retail.toml")
    ledger, orders = data.report.ledger, data.report.found("orders")
    assert ledger.total_net == sum(amounts) and round(ledger.total_net, 2) == Decimal("9747747.93")
    assert orders.used_rows == len(rows) == 541_909
    assert orders.customers == len({row["CustomerID"] for row in rows} - {""}) == 4_372
    anonymous = [amount for amount, row in zip(amounts, rows, strict=True) if not row["CustomerID"]]
    assert (ledger.anonymous_rows, ledger.anonymous_net) == (len(anonymous), sum(anonymous))
    assert len(anonymous) == 135_080
    assert ledger.returns_net == sum(amount for amount in amounts if amount < 0)
    found = {problem.code: problem.count for problem in data.report.problems}
    assert found["repeated-lines"] == len(rows) - len({tuple(row.values()) for row in rows}) == 5_268
    assert found["id-as-number"] == 541_909 - 135_080
    assert {"left-censored", "partial-last-month", "missing-customer"} <= set(found)
    assert (data.currency, data.orders.customer_id.min().execute()) == ("GBP", "12346")


def test_one_file_of_telco_gives_contracts_customers_and_bills(cache):
    path = Path(REAL, "telco_ibm", "Telco-Customer-Churn.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    data = open_data(path, cache=cache, run_file=MAPS / "telco_ibm.toml")
    contracts = data.table("contracts").execute().set_index("contract_id")
    assert len(contracts) == len(rows) == 7_043 and data.report.found("customers").customers == 7_043
    left = {row["customerID"] for row in rows if row["Churn"] == "Yes"}
    assert set(contracts.index[contracts["ended_on"].notna()]) == left and len(left) == 1_869
    months = {row["customerID"]: int(row["tenure"]) for row in rows}
    assert sum(tenure == 0 for tenure in months.values()) == 11
    days = contracts["started_on"].map(lambda day: (2020 - day.year) * 12 + 1 - day.month)
    assert days.to_dict() == months and {day.day for day in contracts["started_on"]} == {1}
    fees = {row["customerID"]: Decimal(row["MonthlyCharges"]) for row in rows}
    assert {key: round(Decimal(fee), 2) for key, fee in contracts["fee"].items()} == fees
    assert contracts["plan"].to_dict() == {row["customerID"]: row["Contract"] for row in rows}
    billed = [Decimal(row["TotalCharges"]) for row in rows if row["TotalCharges"].strip()]
    assert data.report.ledger.total_net == sum(billed) == Decimal("16056168.70")
    assert data.report.found("orders").used_rows == len(billed) == 7_032
    found = [problem.code for problem in data.report.problems]
    assert found.count("stated") == 5 and not data.report.errors
