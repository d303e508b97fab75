"""Sources: the same order lines from every kind of source give the same table and the same totals."""

import gzip
import sqlite3
from decimal import Decimal

import duckdb
import pandas as pd
import pytest

from crmlib.errors import DataError, ParameterError
from crmlib.intake import open_data
from crmlib.intake.source import find_source

HEADER = ["customer_id", "ordered_at", "net_amount", "product_id", "quantity"]
ROWS = [
    (
        f"{17000 + n % 60}",
        f"2024-{1 + n % 12:02d}-{1 + n % 28:02d} 10:{n % 60:02d}:00",
        f"{(n * 731 % 9000 - 900) / 100:.2f}",
        f"P{n % 7}",
        str(n % 4 + 1),
    )
    for n in range(500)
]


def as_csv(path):
    path.write_text("\n".join(",".join(row) for row in [HEADER, *ROWS]) + "\n")


def as_gzip(path):
    path.write_bytes(gzip.compress("\n".join(";".join(row) for row in [HEADER, *ROWS]).encode()))


def typed_frame():
    frame = pd.DataFrame(ROWS, columns=HEADER)
    return frame.assign(
        ordered_at=pd.to_datetime(frame.ordered_at),
        quantity=frame.quantity.astype(int),
        net_amount=frame.net_amount.astype(float),
        customer_id=frame.customer_id.astype(int),
    )


def as_parquet(path):
    typed_frame().to_parquet(path)


def as_parquet_of_text(path):
    pd.DataFrame(ROWS, columns=HEADER).to_parquet(path)


def as_parquet_folder(path):
    path.mkdir()
    frame = typed_frame()
    frame.iloc[:200].to_parquet(path / "part-0.parquet")
    frame.iloc[200:].to_parquet(path / "part-1.parquet")


def as_excel(path):
    typed_frame().to_excel(path, index=False, engine="openpyxl")


def as_duckdb(path):
    frame = typed_frame()
    with duckdb.connect(path) as connection:
        connection.register("frame", frame)
        connection.execute("CREATE TABLE orders AS FROM frame")


def as_sqlite(path):
    with sqlite3.connect(path) as connection:
        typed_frame().assign(ordered_at=[row[1] for row in ROWS]).to_sql("orders", connection, index=False)
    connection.close()


WRITERS = {
    "orders.csv": as_csv,
    "ORDERS.CSV": as_csv,
    "orders.csv.gz": as_gzip,
    "orders.parquet": as_parquet,
    "orders .parquet": as_parquet_of_text,
    "orders.xlsx": as_excel,
    "orders.duckdb": as_duckdb,
    "orders.db": as_sqlite,
    "orders": as_parquet_folder,
}


def opened(tmp_path, name, source):
    data = open_data(source, cache=tmp_path / "cache")
    frame = data.orders.order_by(["ordered_at", "customer_id", "net_amount", "product_id"]).execute()
    return data, frame


@pytest.fixture
def expected(tmp_path):
    folder = tmp_path / "expected"
    folder.mkdir()
    as_csv(folder / "orders.csv")
    return opened(tmp_path, "", folder)[1]


@pytest.mark.parametrize("name", list(WRITERS))
def test_every_kind_of_source_gives_the_same_orders(tmp_path, expected, name):
    folder = tmp_path / "shop"
    folder.mkdir()
    WRITERS[name](folder / name)
    source = f"sqlite:///{folder / name}" if name.endswith(".db") else folder / name
    if name == "orders":
        source = folder
    data, frame = opened(tmp_path, name, source)
    pd.testing.assert_frame_equal(frame, expected)
    assert data.report.ledger.total_net == sum(Decimal(row[2]) for row in ROWS)
    assert not data.report.errors


def test_a_duckdb_url_and_a_duckdb_file_are_the_same(tmp_path, expected):
    as_duckdb(tmp_path / "shop.duckdb")
    pd.testing.assert_frame_equal(opened(tmp_path, "", f"duckdb://{tmp_path / 'shop.duckdb'}")[1], expected)


def test_a_table_in_a_schema_of_another_name_can_be_mapped(tmp_path, expected):
    with duckdb.connect(tmp_path / "shop.duckdb") as connection:
        frame = typed_frame()
        connection.register("frame", frame)
        connection.execute("CREATE SCHEMA erp; CREATE VIEW erp.sales AS SELECT * FROM (VALUES (1)) AS t(x)")
        connection.execute("CREATE TABLE erp.lines AS FROM frame")
    run = tmp_path / "run.toml"
    run.write_text('source = "shop.duckdb"\n[tables.orders]\ntable = "erp.lines"\n')
    pd.testing.assert_frame_equal(opened(tmp_path, "", run)[1], expected)


def test_changes_that_stand_only_in_a_log_are_seen(tmp_path):
    path = tmp_path / "shop.db"
    as_sqlite(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    before = open_data(f"sqlite:///{path}", cache=tmp_path / "cache").report.ledger.total_net
    connection.execute("INSERT INTO orders VALUES (1, '2024-06-30', 1000, 'P1', 1)")
    after = open_data(f"sqlite:///{path}", cache=tmp_path / "cache").report.ledger.total_net
    connection.close()
    assert after == before + 1000


def test_sheets_of_a_workbook_are_tables(tmp_path):
    with pd.ExcelWriter(tmp_path / "shop.xlsx", engine="openpyxl") as book:
        typed_frame().to_excel(book, sheet_name="Orders", index=False)
        pd.DataFrame({"product_id": [f"P{n}" for n in range(7)]}).to_excel(
            book, sheet_name="products", index=False
        )
    data = open_data(tmp_path / "shop.xlsx", cache=tmp_path / "cache")
    assert data.has("products") and data.table("products").count().execute() == 7


def test_a_workbook_of_one_sheet_holds_the_orders_whatever_the_sheet_is_called(tmp_path, expected):
    typed_frame().to_excel(tmp_path / "shop.xlsx", sheet_name="Blatt 1", index=False, engine="openpyxl")
    pd.testing.assert_frame_equal(opened(tmp_path, "", tmp_path / "shop.xlsx")[1], expected)


def test_an_empty_sheet_says_so(tmp_path):
    pd.DataFrame().to_excel(tmp_path / "orders.xlsx", index=False, engine="openpyxl")
    with pytest.raises(DataError, match="is empty"):
        open_data(tmp_path, cache=tmp_path / "cache")


def test_nothing_is_ever_fetched(tmp_path):
    as_csv(tmp_path / "orders.csv")
    connection = open_data(tmp_path, cache=tmp_path / "cache").connection
    settings = (
        "SELECT current_setting('autoinstall_known_extensions'), current_setting('autoload_known_extensions')"
    )
    assert connection.raw_sql(settings).fetchone() == (False, False)


def test_cells_of_another_kind_in_a_database_column_are_reported_not_lost(tmp_path):
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE orders (customer_id INTEGER, ordered_at TEXT, net_amount REAL)")
        connection.executemany(
            "INSERT INTO orders VALUES (?, ?, ?)", [(n, "2024-01-31", 1.5) for n in range(300)]
        )
        connection.execute("INSERT INTO orders VALUES (7, '2024-01-31', 'gratis')")
    connection.close()
    report = open_data(f"sqlite:///{tmp_path / 'shop.db'}", cache=tmp_path / "cache").report
    found = next(p for p in report.warnings if p.table == "orders")
    assert found.code == "unreadable-number"
    assert report.ledger.total_net == 450


def test_amounts_stored_as_text_in_a_typed_source_are_noted(tmp_path):
    as_parquet_of_text(tmp_path / "orders.parquet")
    notes = [
        p for p in open_data(tmp_path, cache=tmp_path / "cache").report.notes if p.code == "stored-as-text"
    ]
    assert len(notes) == 3


def test_days_stored_as_whole_numbers_are_read_as_days(tmp_path):
    frame = typed_frame()
    days = frame.ordered_at.dt.strftime("%Y%m%d").astype(int)
    frame.assign(ordered_at=days).to_parquet(tmp_path / "orders.parquet")
    data = open_data(tmp_path, cache=tmp_path / "cache")
    assert (data.first_day, data.as_of) == (frame.ordered_at.min().date(), frame.ordered_at.max().date())
    assert not [p for p in data.report.problems if p.code == "stored-as-text"]


def test_an_empty_folder_is_refused_in_plain_words(tmp_path):
    with pytest.raises(DataError, match=r"has no table\. Expected: a file or table called orders"):
        open_data(tmp_path, cache=tmp_path / "cache")


def test_a_damaged_parquet_file_is_a_problem_of_its_table(tmp_path):
    as_parquet(tmp_path / "orders.parquet")
    content = bytearray((tmp_path / "orders.parquet").read_bytes())
    content[200:1200] = bytes(1000)
    (tmp_path / "orders.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"orders\.parquet cannot be read"):
        open_data(tmp_path, cache=tmp_path / "cache")
    (tmp_path / "orders.parquet").write_bytes(content[:2000])
    with pytest.raises(DataError, match=r"orders\.parquet cannot be read"):
        open_data(tmp_path, cache=tmp_path / "cache")


def test_a_damaged_workbook_or_database_says_so(tmp_path):
    (tmp_path / "shop.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(DataError, match="cannot be opened"):
        find_source(tmp_path / "shop.xlsx")
    (tmp_path / "shop.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(DataError, match="is no DuckDB database"):
        find_source(tmp_path / "shop.duckdb")


@pytest.mark.parametrize("url", ["sqlite:////nowhere/shop.db", "nonsense://host/db"])
def test_a_database_that_cannot_be_reached_says_so(url):
    with pytest.raises(DataError, match="cannot be opened"):
        find_source(url)


def test_a_folder_without_orders_names_what_it_has(tmp_path):
    as_csv(tmp_path / "sales.csv")
    with pytest.raises(DataError, match=r'file = "sales.csv"'):
        find_source(tmp_path)
    (tmp_path / "products.csv").write_text("product_id\nP1\n")
    with pytest.raises(DataError, match="products but no orders"):
        find_source(tmp_path)


def test_two_files_for_one_table_are_refused(tmp_path):
    as_csv(tmp_path / "orders.csv")
    as_parquet(tmp_path / "orders.parquet")
    with pytest.raises(DataError, match=r"orders.csv, orders.parquet"):
        find_source(tmp_path)
    (tmp_path / "run.toml").write_text('source = "."\n[tables.orders]\nfile = "orders.parquet"\n')
    assert find_source(tmp_path / "run.toml").tables[0].kind == "parquet"


def test_a_source_that_is_not_there_is_a_parameter_error(tmp_path):
    with pytest.raises(ParameterError, match="no source"):
        find_source(tmp_path / "nowhere")
    (tmp_path / "orders.docx").write_text("x")
    with pytest.raises(ParameterError, match="no file crmlib can read"):
        find_source(tmp_path / "orders.docx")


def test_bundled_is_the_run_file_of_the_repository():
    source = find_source("bundled")
    assert source.run.path.name == "run.toml" and {table.name for table in source.tables} >= {
        "orders",
        "customers",
    }


def test_blank_rows_of_a_sheet_are_left_out_and_counted(tmp_path, expected):
    frame = typed_frame()
    blank = pd.DataFrame([[None] * len(HEADER)] * 3, columns=HEADER, dtype=object)
    parts = [frame.iloc[:100].astype(object), blank, frame.iloc[100:].astype(object)]
    pd.concat(parts).to_excel(tmp_path / "orders.xlsx", index=False, engine="openpyxl")
    report = open_data(tmp_path, cache=tmp_path / "cache").report
    (note,) = [problem for problem in report.problems if problem.code == "blank-row"]
    assert (note.severity, note.count) == ("note", 3) and "row 102)" in note.sentence
    assert report.found("orders").rows == len(ROWS)


def test_no_source_at_all_is_said_in_plain_words():
    with pytest.raises(ParameterError, match="no source is given") as caught:
        find_source("")
    assert "None" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "meant"),
    [("sqlite://shop.db", "sqlite:///shop.db"), ("sqlite://a/shop.db", "sqlite:////a/shop.db")],
)
def test_a_database_file_after_two_slashes_is_told_of_three(url, meant):
    with pytest.raises(DataError, match="three slashes") as caught:
        find_source(url)
    assert meant in caught.value.remedy


@pytest.mark.parametrize("content", [b"junk" * 3000, b""])
def test_what_is_no_duckdb_file_is_not_blamed_on_another_program(tmp_path, content):
    (tmp_path / "shop.duckdb").write_bytes(content)
    with pytest.raises(DataError, match="is no DuckDB database") as caught:
        find_source(tmp_path / "shop.duckdb")
    assert "other program" not in str(caught.value)


def test_no_sentence_of_an_error_ends_in_two_marks(tmp_path):
    (tmp_path / "run.toml").write_text('curency = "EUR"')
    with pytest.raises(ParameterError) as caught:
        find_source(tmp_path / "run.toml")
    assert str(caught.value).endswith("did you mean currency?")
    twice = str(DataError("it needs other dependencies.", "a file", "try again!"))
    assert twice == "Found: it needs other dependencies. Expected: a file. What to do: try again!"
