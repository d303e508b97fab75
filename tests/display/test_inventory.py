"""What a source holds: every table of the contract, counted as known on the last known day."""

import duckdb
import pandas as pd
import pytest

from crmlib.display.inventory import (
    about_company,
    categories_sold,
    costs_assumed,
    held_out,
    margin_assumed,
    tables_in,
)
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


# What kind of company it is ---------------------------------------------------------------------


def a_shop(folder, orders, run="", **tables):
    folder.mkdir(exist_ok=True)
    for name, text in {"orders": orders, **tables}.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "run.toml").write_text(f'name = "A & <b>"\nsource = "."\ncurrency = "EUR"\n{run}')
    return open_data(folder / "run.toml")


LOG = "customer_id,ordered_at,net_amount\na,2026-01-01,1\nb,2026-01-02,2\n"
SOLD = "customer_id,ordered_at,net_amount,product_id\na,2026-01-01,1,p\nb,2026-01-02,2,q\nb,2026-01-03,5,q\nb,2026-01-03,9,\n"
PRODUCTS = "product_id,category\np,cups\nq,beds\nr,maps\n"


def test_a_simulated_company_says_so_and_what_it_sells_the_largest_sales_first():
    data = open_data("bundled")
    largest = duckdb.sql(f"""
        SELECT category FROM '{BUNDLED / "orders.csv"}' JOIN '{BUNDLED / "products.csv"}' USING (product_id)
        GROUP BY category ORDER BY sum(net_amount) DESC
    """).fetchall()
    assert categories_sold(data) == [category for (category,) in largest]
    about = about_company(data)
    assert about.startswith("Casa Verbena is a simulated company") and f"({largest[0][0]}, " in about
    assert "checked against the truth" in about


def test_a_company_whose_truth_is_not_known_is_not_said_to_be_simulated(tmp_path):
    data = a_shop(tmp_path / "real", SOLD, products=PRODUCTS)
    assert about_company(data) == "" and categories_sold(data) == ["beds", "cups"]
    assert categories_sold(a_shop(tmp_path / "log", LOG)) == []


def test_a_simulated_company_without_products_still_says_that_it_is_one(tmp_path):
    truth = tmp_path / "drawn" / "truth"
    truth.mkdir(parents=True)
    (truth / "parameters.csv").write_text("name,value,meaning\nx,1,y\n")
    assert "invented goods. What" in about_company(a_shop(tmp_path / "drawn", LOG))


def test_customers_held_out_are_counted_once_and_as_known_on_the_day(tmp_path):
    contacts = "customer_id,campaign_id,contacted_on,arm\na,k,2026-01-01,control\na,l,2026-01-02,control\nb,k,2026-01-01,treatment\n"
    assert held_out(a_shop(tmp_path / "held", LOG, contacts=contacts)) == 1
    assert held_out(a_shop(tmp_path / "none", LOG)) == 0
    ((known,),) = duckdb.sql(
        f"SELECT count(DISTINCT customer_id) FROM '{BUNDLED / 'contacts.csv'}' WHERE arm = 'control'"
    ).fetchall()
    assert held_out(open_data("bundled", "2024-12-31")) < held_out(open_data("bundled")) == known


# What has to be assumed -------------------------------------------------------------------------


def test_an_assumed_margin_is_said_with_its_size(tmp_path):
    assert "an assumed margin of 20% of sales" in costs_assumed(
        a_shop(tmp_path / "a", LOG, "gross_margin = 0.2\n")
    )
    costs = "customer_id,ordered_at,net_amount,cost_of_goods\na,2026-01-01,1,0.5\nb,2026-01-02,2,\n"
    some = costs_assumed(a_shop(tmp_path / "b", costs, "gross_margin = 0.2\n"))
    assert some.startswith("50% of the order lines have no cost of goods") and "20% of sales" in some
    assert costs_assumed(a_shop(tmp_path / "c", costs.replace("2,\n", "2,1\n"), "gross_margin = 0.2\n")) == ""
    assert (
        costs_assumed(a_shop(tmp_path / "d", LOG)) == ""
    )  # nothing is stated, so nothing is computed with it


@pytest.mark.parametrize(("costed", "stated"), [(1.0, 0.2), (0.0, None), (float("nan"), 0.2)])
def test_where_nothing_is_assumed_nothing_is_said(costed, stated):
    assert margin_assumed(costed, stated) == ""
