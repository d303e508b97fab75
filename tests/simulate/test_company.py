from datetime import date, timedelta

import numpy as np
import pytest

from crmlib.intake.simulate.company import (
    KIND_SHARES,
    PARAMETERS,
    REGIONS,
    next_working_days,
    seasons,
    window_of,
)


@pytest.mark.parametrize(
    ("months", "start"), [(12, date(2025, 7, 1)), (36, date(2023, 7, 1)), (41, date(2023, 2, 1))]
)
def test_window_holds_whole_months_and_ends_on_the_last_day(months, start):
    window = window_of(months)
    assert window.start == start
    assert window.end == date(2026, 6, 30)
    assert window.day_number(window.end) == window.days - 1


def test_year_edges_are_full_years_backwards_from_the_end():
    first_days, endings = window_of(41).year_edges()
    assert endings == [date(2024, 6, 30), date(2025, 6, 30), date(2026, 6, 30)]
    assert [window_of(41).start + timedelta(days=day) for day in first_days] == [
        date(2023, 7, 1),
        date(2024, 7, 1),
        date(2025, 7, 1),
    ]


def test_a_year_of_any_channel_holds_about_a_year_of_demand(window):
    for name, cumulated in seasons(window).items():
        assert cumulated[-1] / window.days == pytest.approx(1, abs=0.02), name


def test_christmas_beats_august_and_shops_rest_on_sundays(window):
    demand = seasons(window)
    month = lambda year, m: window.day_number(date(year, m, 1))  # noqa: E731
    december = np.diff(demand["all"][[month(2024, 12), month(2025, 1)]])
    august = np.diff(demand["all"][[month(2024, 8), month(2024, 9)]])
    assert december > 2 * august
    sunday = window.day_number(date(2024, 9, 1))
    assert demand["shop"][sunday + 1] == demand["shop"][sunday]
    assert demand["web"][sunday + 1] > demand["web"][sunday]


def test_next_working_day_skips_sundays_and_christmas(window):
    following = next_working_days(window)
    for day, expected in (
        (date(2024, 9, 1), date(2024, 9, 2)),
        (date(2024, 12, 25), date(2024, 12, 26)),
        (date(2024, 9, 3), date(2024, 9, 3)),
    ):
        assert following[window.day_number(day)] == window.day_number(expected)


def test_shares_and_weights_are_whole():
    assert sum(KIND_SHARES) == pytest.approx(1)
    assert sum(weight for _, weight, _, _ in REGIONS) == pytest.approx(1)
    assert all(meaning and meaning[0].islower() for _, meaning in PARAMETERS.values())
