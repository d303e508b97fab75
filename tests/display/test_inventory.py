"""What a source holds: every table of the contract, counted as known on the last known day."""

import duckdb
import pandas as pd
import pytest

from crmlib.display.inventory import tables_in
from crmlib.intake import open_data
from crmlib.intake.contract import TABLES
from crmlib.publish.request import BUNDLED


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def test_the_bundled_company_is_counted_as_its_files_are():
    data = open_data("bundled")
    found = tables_in(data)
    assert list(found.index) == list(TABLES)
    assert found["there"].all()
    for name, table in TABLES.items():
        path = BUNDLED / f"{name}.csv"
        known = f"WHERE {table.happens} IS NULL OR CAST({table.happens} AS DATE) <= DATE '{data.as_of}'"
        ((rows,),) = duckdb.sql(f"SELECT count(*) FROM '{path}' {known if table.happens else ''}").fetchall()
        assert found.loc[name, "rows"] == rows, name
        assert bool(found.loc[name, "days"]) == bool(table.happens), name
    assert found.loc["orders", "days"] == "1 July 2023 to 30 June 2026"


def test_rows_after_the_last_known_day_are_not_counted():
    early, late = tables_in(open_data("bundled", "2024-12-31")), tables_in(open_data("bundled"))
    for name in ("orders", "contacts", "deliveries"):
        assert 0 < early.loc[name, "rows"] < late.loc[name, "rows"]
    assert early.loc["orders", "days"] == "1 July 2023 to 31 December 2024"
    assert early.loc["products", "rows"] == late.loc["products", "rows"]


def test_what_is_missing_is_there_as_missing(tmp_path):
    (tmp_path / "orders.csv").write_text(
        "customer_id,ordered_at,net_amount\na,2026-01-01,1\nb,2026-01-02,2\n"
    )
    (tmp_path / "customers.csv").write_text("customer_id,region\na,Veneto\n")
    found = tables_in(open_data(tmp_path))
    assert list(found.index[found["there"]]) == ["orders", "customers"]
    assert found.loc["survey", "rows"] is pd.NA and found.loc["survey", "days"] == ""
    assert found.loc["customers", ["rows", "days"]].tolist() == [1, ""]  # it has no day at all
    assert found.loc["orders", "days"] == "1 January 2026 to 2 January 2026"
