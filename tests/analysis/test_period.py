"""A period is a run of whole days that neither overlaps the one before nor leaves a gap."""

import datetime as dt
from calendar import monthrange

import pytest

from crmlib.analysis.period import Period

DAYS = [dt.date(2023, 12, 1) + dt.timedelta(days=n) for n in range(0, 800, 7)]
EDGES = [dt.date(2024, 2, 28), dt.date(2024, 2, 29), dt.date(2025, 2, 28), dt.date(2025, 3, 30),
         dt.date(2025, 3, 31), dt.date(2025, 12, 31), dt.date(2026, 1, 1), dt.date(2026, 6, 30)]  # fmt: skip


def months_back(day: dt.date, months: int) -> dt.date:
    """The same day of the month `months` earlier, or that month's last day: by hand."""
    index = day.year * 12 + day.month - 1 - months
    year, month = index // 12, index % 12 + 1
    return dt.date(year, month, min(day.day, monthrange(year, month)[1]))


@pytest.mark.parametrize("last", EDGES)
@pytest.mark.parametrize("months", [1, 3, 6, 12, 60])
def test_a_period_of_whole_months_begins_the_day_after_the_last_one_ended(last, months):
    period = Period.ending(last, months)
    assert period.last == last
    assert period.first == months_back(last + dt.timedelta(days=1), months)
    assert period.months == months


@pytest.mark.parametrize("months", [1, 5, 12])
def test_a_period_and_the_one_before_touch_without_overlap_or_gap(months):
    for last in DAYS + EDGES:
        period = Period.ending(last, months)
        assert period.previous().last == period.first - dt.timedelta(days=1)
        assert period.previous().first < period.first


def test_a_year_has_as_many_days_as_the_calendar_says():
    assert (Period.ending(dt.date(2024, 12, 31), 12).last - dt.date(2024, 1, 1)).days + 1 == 366
    year = Period.ending(dt.date(2025, 12, 31), 12)
    assert (year.last - year.first).days + 1 == 365


def test_a_month_that_ends_on_the_last_of_february_is_february():
    assert Period.ending(dt.date(2025, 2, 28), 1).first == dt.date(2025, 2, 1)
    assert Period.ending(dt.date(2024, 2, 29), 1).first == dt.date(2024, 2, 1)


def test_data_that_begin_inside_the_period_shorten_it():
    period = Period.ending(dt.date(2026, 6, 30), 12, known_since=dt.date(2026, 1, 1))
    assert (period.first, period.last) == (dt.date(2026, 1, 1), dt.date(2026, 6, 30))
    assert period.months == pytest.approx(181 / 30.4375)


@pytest.mark.parametrize("known", [dt.date(2025, 7, 1), dt.date(2020, 1, 1), None])
def test_data_that_begin_before_the_period_or_with_it_change_nothing(known):
    assert Period.ending(dt.date(2026, 6, 30), 12, known) == Period.ending(dt.date(2026, 6, 30), 12)


def test_data_of_a_single_day_make_a_period_of_one_day():
    day = dt.date(2026, 6, 30)
    period = Period.ending(day, 12, known_since=day)
    assert (period.first, period.last, period.months) == (day, day, pytest.approx(12 / 365.25))


def test_the_period_before_a_shortened_one_has_as_many_days():
    period = Period.ending(dt.date(2026, 6, 30), 12, known_since=dt.date(2026, 2, 3))
    earlier = period.previous()
    assert earlier.last == dt.date(2026, 2, 2)
    assert earlier.last - earlier.first == period.last - period.first


@pytest.mark.parametrize("column", ["ordered_at", "day"])
def test_the_first_and_the_last_day_belong_to_the_period_whatever_the_hour(build, column):
    stamps = ["2025-06-30 23:59:59", "2025-07-01 00:00:00", "2025-07-01 18:00:00", "2026-06-30 00:00:00",
              "2026-06-30 23:59:59", "2026-07-01 00:00:00"]  # fmt: skip
    orders = build("orders", [{"customer_id": s, "ordered_at": s, "net_amount": 1} for s in stamps])
    orders = orders.mutate(day=orders.ordered_at.date())
    inside = Period.ending(dt.date(2026, 6, 30), 12).covers(orders[column])
    assert sorted(orders.filter(inside).customer_id.execute()) == stamps[1:5]


def test_a_row_without_a_day_belongs_to_no_period(build):
    people = build("customers", [{"customer_id": "a", "acquired_on": None}], ["customer_id", "acquired_on"])
    period = Period.ending(dt.date(2026, 6, 30), 60)
    assert people.filter(period.covers(people.acquired_on)).count().execute() == 0


def test_a_period_reads_as_people_write_days():
    assert str(Period.ending(dt.date(2026, 1, 9), 1)) == "10 December 2025 to 9 January 2026"


# Two periods to compare -------------------------------------------------------------------------


def days(period):
    return (period.last - period.first).days + 1


def test_one_month_is_no_months():
    assert Period.ending(dt.date(2026, 6, 30), 1).in_words == "1 month to 30 June 2026"
    assert Period.ending(dt.date(2026, 6, 30), 2).in_words == "2 months to 30 June 2026"


def test_two_periods_are_compared_where_the_data_reach_back_far_enough():
    year = Period.ending(dt.date(2026, 6, 30), 12)
    assert year.compared(dt.date(2024, 7, 1)) == (year.previous(), year)
    assert year.compared(dt.date(2024, 7, 2)) != (year.previous(), year)


@pytest.mark.parametrize("known", [dt.date(2024, 7, 2), dt.date(2025, 3, 1), dt.date(2025, 9, 15),
                                   dt.date(2026, 1, 1), dt.date(2026, 3, 3), dt.date(2026, 4, 20)])  # fmt: skip
@pytest.mark.parametrize("months", [1, 2, 3, 7, 12])
def test_periods_to_compare_touch_are_known_and_about_as_long(known, months):
    last = dt.date(2026, 6, 30)
    pair = Period.ending(last, months, known_since=known).compared(known)
    if pair is None:
        assert (last - known).days < 70 or months == 1
        return
    earlier, later = pair
    assert later.last == last
    assert earlier.last == later.first - dt.timedelta(days=1)
    assert earlier.first >= known
    assert earlier.months == later.months >= 1
    assert abs(days(earlier) - days(later)) <= 3


def test_less_than_two_months_cannot_be_compared_with_themselves():
    day = dt.date(2026, 6, 30)
    assert Period.ending(day, 12, known_since=dt.date(2026, 5, 20)).compared(dt.date(2026, 5, 20)) is None


@pytest.mark.parametrize(
    ("months", "whole"), [(12, True), (24, True), (6, False), (18, False), (11.99, False), (12.5, False)]
)
def test_only_whole_years_are_free_of_seasons(months, whole):
    assert Period(dt.date(2025, 1, 1), dt.date(2025, 12, 31), months).whole_years is whole
