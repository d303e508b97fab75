"""Dates: each way of writing a day is read as that day, and no day is guessed."""

import datetime as dt

import pandas as pd
import pytest

DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=n) for n in range(200)]


def written(company, text, run=None):
    """Write one order a day, the day as `text` writes it; return the days read."""
    company.write(
        "orders.csv",
        [f'C{n % 9};"{text(day)}";1' for n, day in enumerate(DAYS)],
        "customer_id;ordered_at;net_amount",
    )
    data = company.open(run)
    frame = data.orders.order_by("ordered_at").execute()
    return (
        data,
        [moment.date() for moment in frame.ordered_at],
        [moment.time() for moment in frame.ordered_at],
    )


@pytest.mark.parametrize(
    "pattern",
    [
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%Y%m%d",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d.%m.%Y",
        "%d-%m-%Y",
        "%d/%m/%y",
        "%d %b %Y",
        "%d-%b-%y",
        "%d %B %Y",
        "%b %d, %Y",
        "  %Y-%m-%d ",
    ],
)
def test_every_way_of_writing_a_day_is_read_as_that_day(company, pattern):
    assert written(company, lambda day: day.strftime(pattern))[1] == DAYS


@pytest.mark.parametrize("clock", ["08:26", "08:26:05", "8:26", "08:26 AM", "08:26:05.250"])
@pytest.mark.parametrize("pattern", ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y"])
def test_the_time_of_day_is_kept(company, pattern, clock):
    if "AM" in clock and pattern == "%Y-%m-%d":
        pytest.skip("no program writes ISO days with AM and PM")
    _, days, times = written(company, lambda day: f"{day:{pattern}} {clock}")
    assert days == DAYS
    assert {(time.hour, time.minute) for time in times} == {(8, 26)}


def test_afternoon_is_afternoon(company):
    _, _, times = written(company, lambda day: f"{day:%m/%d/%Y} 3:07 PM")
    assert {(time.hour, time.minute) for time in times} == {(15, 7)}


def test_a_time_zone_never_moves_a_sale_to_another_day(company):
    data, days, times = written(company, lambda day: f"{day}T23:30:00+02:00")
    assert days == DAYS and {time.hour for time in times} == {23}
    assert "time-zone" in {problem.code for problem in data.report.notes}


@pytest.mark.parametrize(
    ("pattern", "code"), [("%d/%m/%Y", "day-first-dates"), ("%m/%d/%Y", "month-first-dates")]
)
def test_the_order_of_day_and_month_is_found_and_noted(company, pattern, code):
    data, _, _ = written(company, lambda day: day.strftime(pattern))
    assert code in {problem.code for problem in data.report.notes}


def test_dates_that_can_be_read_in_two_ways_are_an_error_that_the_run_file_settles(company):
    company.orders([f"C{n % 9},{1 + n % 12:02d}/{1 + n // 12:02d}/2024,1" for n in range(144)])
    found = company.check()
    assert found.codes("error") == {"ambiguous-date-format"}
    assert "date_format" in found.one("ambiguous-date-format").remedy
    assert found.cells("ambiguous-date-format")[0] == (2, "ordered_at", "01/01/2024")
    day, month = (company.open(f'date_format = "{first} first"') for first in ("day", "month"))
    assert day.orders.ordered_at.execute()[1].date() == dt.date(2024, 1, 2)
    assert month.orders.ordered_at.execute()[1].date() == dt.date(2024, 2, 1)


def test_day_first_and_month_first_in_one_column_are_an_error(company, lines):
    company.orders(["C1,25/12/2024,1", "C2,12/25/2024,1", "C3,01/02/2024,1"])
    found = company.check()
    assert found.codes("error") == {"mixed-date-formats"}
    assert [cell[0] for cell in found.cells("mixed-date-formats")] == [2, 3]


def test_mixed_ways_of_writing_are_an_error_that_shows_the_rare_cells(company, lines):
    company.orders([*lines, "C001,31/01/2024,5.00"])
    found = company.check()
    assert found.codes("error") == {"mixed-date-formats"}
    assert found.cells("mixed-date-formats") == [(len(lines) + 2, "ordered_at", "31/01/2024")]


def test_ways_that_cannot_be_confused_may_be_mixed(company):
    company.write(
        "orders.csv",
        ["C1;2024-01-31;1", "C1;20240229;1", "C1;5 Mar 2024;1", "C2;2024/04/30;1"],
        "customer_id;ordered_at;net_amount",
    )
    data = company.open()
    assert [
        moment.date().isoformat() for moment in data.orders.order_by("ordered_at").execute().ordered_at
    ] == ["2024-01-31", "2024-02-29", "2024-03-05", "2024-04-30"]
    assert "several-date-formats" in {problem.code for problem in data.report.notes}


def test_a_pattern_in_the_run_file_is_followed_to_the_letter(company):
    company.orders([f"C{n % 9},{day:%Y%d%m}" + ",1" for n, day in enumerate(DAYS)])
    days = company.open('date_format = "%Y%d%m"').orders.order_by("ordered_at").execute().ordered_at
    assert [moment.date() for moment in days] == DAYS


@pytest.mark.parametrize("cell", ["2024-02-30", "soon", "2024-13-01", "0", "infinity", "2024-01-01 (BC)"])
def test_a_few_unreadable_dates_are_set_aside_and_counted(company, lines, total, cell):
    company.orders([*lines, f"C001,{cell},7.25"])
    found = company.check()
    warning = found.one("unreadable-date")
    assert (warning.severity, warning.count) == ("warning", 1)
    assert found.cells("unreadable-date") == [(len(lines) + 2, "ordered_at", cell)]
    assert (found.ledger.set_aside_rows, found.ledger.set_aside_net) == (1, 7.25)
    assert found.ledger.total_net == total(lines)


def test_many_unreadable_dates_are_an_error(company, lines):
    company.orders([*lines, *["C001,soon,1.00"] * 5])
    found = company.check()
    assert found.one("unreadable-date").severity == "error"
    assert found.one("unreadable-date").count == 5


def test_day_numbers_of_a_spreadsheet_are_not_taken_for_dates(company):
    company.orders([f"C1,{45000 + n},1" for n in range(50)])
    unreadable = company.check().one("unreadable-date")
    assert unreadable.severity == "error" and "spreadsheet" in unreadable.remedy


def zoned_orders(company, days, zone):
    """Write orders in Parquet whose local moments are `days`, stored with their zone."""
    local = pd.to_datetime(pd.Series(days), format="ISO8601").dt.tz_localize(zone)
    frame = pd.DataFrame({"customer_id": "C1", "ordered_at": local, "net_amount": 5.0})
    frame.to_parquet(company.folder / "orders.parquet")


def test_local_midnights_with_a_zone_are_a_warning_that_names_the_days(company):
    zoned_orders(company, ["2024-01-10", "2024-07-10", "2024-07-20 12:00"], "Europe/Rome")
    found = company.check()
    warning = found.one("time-zone")
    assert (warning.severity, warning.count) == ("warning", 2)
    for words in ("from 2024-01-09 to 2024-07-20", "for example 2024-01-10, but counts on 2024-01-09"):
        assert words in warning.sentence
    assert "local time" in warning.remedy
    assert str(found.report.found("orders").first_day) == "2024-01-09"


def test_moments_by_day_in_a_zone_are_a_warning_without_an_example(company):
    zoned_orders(company, ["2024-01-10 12:00", "2024-07-20 12:00"], "Europe/Rome")
    warning = company.check().one("time-zone")
    assert (warning.severity, warning.count) == ("warning", 0) and "Italy" not in warning.sentence


def test_days_stored_as_midnight_in_utc_are_those_days(company):
    zoned_orders(company, ["2024-01-10", "2024-07-20"], "UTC")
    found = company.check()
    assert found.one("time-zone").severity == "note"
    assert str(found.report.found("orders").first_day) == "2024-01-10"


@pytest.mark.parametrize("unit", [1, 1000, 1_000_000])
@pytest.mark.parametrize("typed", [False, True])
def test_seconds_since_1970_are_refused_with_the_reason(company, unit, typed):
    frame = pd.DataFrame({"customer_id": "C1", "ordered_at": range(1_704_067_200, 1_704_067_250)})
    frame = frame.assign(ordered_at=frame.ordered_at * unit, net_amount=5)
    if typed:
        frame.to_parquet(company.folder / "orders.parquet")
    else:
        frame.to_csv(company.folder / "orders.csv", index=False)
    problem = company.check().one("unreadable-date")
    assert problem.severity == "error" and "since 1970" in problem.remedy


def test_seconds_with_a_fraction_are_refused_with_the_reason(company):
    frame = pd.DataFrame({"customer_id": "C1", "ordered_at": [1_704_067_200.5] * 9, "net_amount": 5})
    frame.to_parquet(company.folder / "orders.parquet")
    assert "since 1970" in company.check().one("unreadable-date").remedy
