"""Stated columns: days worked out from months, days where a column says so, numbers; and what is wrong with them."""

import datetime as dt

import pytest

from crmlib.errors import DataError, ParameterError
from crmlib.intake import check_source, load_run_file, open_data

LINES = [f"C{n:02d};{n % 30};{'Yes' if n % 4 == 0 else 'No'};{100 + n}.50" for n in range(60)]
MAP = """
[tables.orders.columns]
customer_id = "id"
ordered_at = {{ day = "2020-01-31" }}
net_amount = "billed"
[tables.contracts]
same_file = true
[tables.contracts.columns]
contract_id = "id"
customer_id = "id"
started_on = {{ day = 2020-01-31, months_before = "{months}" }}
ended_on = {{ day = 2020-01-30, where = "Left", equals = "{word}" }}
period_months = {{ value = 1 }}
"""


@pytest.fixture
def opened(tmp_path):
    def opened(lines=LINES, read=open_data, months="stay", word="yes ", name="firm.csv"):
        path = tmp_path / name
        path.write_text("\n".join(["id;stay;left;billed", *lines]) + "\n")
        (tmp_path / "map.toml").write_text(MAP.format(months=months, word=word))
        return read(path, cache=tmp_path / "cache", run_file=tmp_path / "map.toml")

    return opened


def test_days_and_numbers_come_out_as_stated(opened):
    data = opened()
    contracts = data.table("contracts").execute().set_index("contract_id")
    assert len(contracts) == 60 and set(contracts["period_months"].astype(float)) == {1.0}
    assert set(data.orders.ordered_at.execute().dt.date) == {dt.date(2020, 1, 31)} and data.as_of == dt.date(
        2020, 1, 31
    )
    # 0, 1, 2, 11 and 13 months before the last of January; February has no such day.
    started = [contracts["started_on"][f"C{n:02d}"].isoformat()[:10] for n in (0, 1, 2, 11, 13)]
    assert started == ["2020-01-31", "2019-12-31", "2019-11-30", "2019-02-28", "2018-12-31"]
    ended = contracts["ended_on"].notna()
    assert sorted(contracts.index[ended]) == [f"C{n:02d}" for n in range(0, 60, 4)]


def test_what_was_stated_is_said_and_what_was_read_is_not_called_unused(opened):
    report = opened(read=check_source)
    notes = [problem.sentence for problem in report.problems if problem.code == "stated"]
    assert len(notes) == 4 and any("2020-01-31 less the months in stay" in note for note in notes)
    assert report.found("contracts").unused_columns == ("billed",)
    assert report.found("orders").unused_columns == ("stay", "left")


def test_a_word_that_no_row_says_is_an_error(opened):
    with pytest.raises(DataError, match="where Left is 'gone', and no row says so"):
        opened(word="gone")


def test_a_column_that_is_not_there_is_named(opened):
    with pytest.raises(
        DataError, match=r'maps started_on to column "stais", which is not there.*Did you mean "stay"'
    ):
        opened(months="stais")


@pytest.mark.parametrize("cell", ["two", "-1", "3.5", "1e9"])
def test_months_that_cannot_be_read_leave_the_day_blank(opened, cell):
    lines = [f"D{n:04d};3;No;10" for n in range(900)] + LINES + [f"X;{cell};No;10"]
    data = opened(lines)
    assert data.table("contracts").count().execute() == 960
    found = [problem for problem in data.report.problems if problem.code == "unreadable-number"]
    assert [problem.count for problem in found] == [1] and "stay" in found[0].sentence


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ day = 2020-01-31, value = 3 }", "a day or a value"),
        ('{ months_before = "stay" }', "a day or a value"),
        ('{ value = 2, months_before = "stay" }', "state the day"),
        ('{ day = 2020-01-31, where = "left" }', "state both"),
        ('{ day = "31.1.2020" }', "a day such as 2026-10-31"),
        ("{ dya = 2020-01-31 }", "did you mean day"),
        ("7", "tables.contracts.columns.ended_on = 7"),
    ],
)
def test_a_statement_that_means_nothing_is_refused(tmp_path, text, message):
    path = tmp_path / "run.toml"
    path.write_text(f"[tables.contracts.columns]\nended_on = {text}\n")
    with pytest.raises(ParameterError, match=message):
        load_run_file(path)


def test_a_folder_can_share_the_file_of_the_orders_too(opened, tmp_path):
    opened(name="orders.csv")
    data = open_data(tmp_path, cache=tmp_path / "cache", run_file=tmp_path / "map.toml")
    assert data.table("contracts").count().execute() == 60
    (tmp_path / "orders.csv").rename(tmp_path / "else.csv")
    with pytest.raises(ParameterError, match="no file of orders"):
        open_data(tmp_path, cache=tmp_path / "cache", run_file=tmp_path / "map.toml")


def test_a_file_without_such_a_map_has_orders_only(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("customer_id,ordered_at,net_amount\nA,2020-01-01,5\n")
    (tmp_path / "map.toml").write_text('[tables.contracts.columns]\ncontract_id = "id"\n')
    report = check_source(path, cache=tmp_path / "cache", run_file=tmp_path / "map.toml")
    assert [table.name for table in report.tables] == ["orders"]
