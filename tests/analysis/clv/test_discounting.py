"""What money later is worth now."""

import numpy as np
import pytest

from crmlib.analysis.clv.discounting import Schedule
from crmlib.errors import ParameterError


def test_periods_fill_the_time_up_to_the_horizon():
    assert Schedule.until(12.0, 0.1, period=3.0).ends.tolist() == [3, 6, 9, 12]


def test_the_last_period_may_be_shorter():
    assert Schedule.until(10.0, 0.1, period=3.0).ends.tolist() == [3, 6, 9, 10]


@pytest.mark.parametrize("periods", [1, 3, 12, 36, 120, 600])
def test_a_horizon_of_whole_months_has_no_sliver_at_its_end(periods):
    month = 365.25 / 12
    ends = Schedule.until(periods * month, 0.1).ends
    assert len(ends) == periods
    assert np.diff(ends, prepend=0.0) == pytest.approx(np.full(periods, month))


def test_a_horizon_below_one_period_is_one_period():
    assert Schedule.until(5.0, 0.1, period=30.0).ends.tolist() == [5]


def test_a_year_at_ten_per_cent_takes_a_factor_of_one_point_one():
    by_timing = {
        timing: Schedule.until(365.25, 0.1, period=365.25, timing=timing).factors[0]
        for timing in ("start", "middle", "end")
    }
    assert by_timing == pytest.approx({"start": 1.0, "middle": 1.1**-0.5, "end": 1 / 1.1})


@pytest.mark.parametrize(
    ("period", "per_year", "rate"), [(30.4375, 365.25, 0.1), (1.0, 52.0, 0.15), (4.0, 52.0, -0.02)]
)
def test_start_middle_and_end_differ_by_one_factor_of_half_a_period(period, per_year, rate):
    start, middle, end = (
        Schedule.until(24 * period, rate, period, timing, per_year).factors
        for timing in ("start", "middle", "end")
    )
    factor = (1 + rate) ** (period / per_year)
    assert start / end == pytest.approx(np.full(24, factor))
    assert start / middle == pytest.approx(np.full(24, factor**0.5))


def test_in_a_shorter_last_period_money_is_paid_in_its_own_middle():
    schedule = Schedule.until(10.0, 0.1, period=4.0, timing="middle", per_year=1.0)
    assert schedule.factors == pytest.approx(1.1 ** -np.array([2.0, 6.0, 9.0]))


def test_days_and_weeks_are_worth_the_same():
    days = Schedule.until(364.0, 0.12, period=28.0, per_year=364.0)
    weeks = Schedule.until(52.0, 0.12, period=4.0, per_year=52.0)
    assert days.factors == pytest.approx(weeks.factors)
    assert days.ends == pytest.approx(7 * weeks.ends)


@pytest.mark.parametrize("rate", [-0.5, 0.0, 0.1, 3.0])
def test_weights_of_totals_sum_discounted_increments(rate):
    schedule = Schedule.until(100.0, rate, period=7.0)
    totals = np.sqrt(schedule.ends)
    assert totals @ schedule.by_total == pytest.approx(np.diff(totals, prepend=0.0) @ schedule.factors)


def test_without_a_rate_only_the_total_counts():
    schedule = Schedule.until(100.0, 0.0, period=7.0)
    assert (schedule.factors == 1).all()
    assert schedule.by_total.tolist() == [0.0] * (len(schedule.ends) - 1) + [1.0]


def test_a_higher_rate_is_worth_less_in_every_period_but_the_present():
    low, high = (Schedule.until(100.0, rate, period=10.0, timing="start").factors for rate in (0.05, 0.2))
    assert low[0] == high[0] == 1
    assert (high[1:] < low[1:]).all()


def test_the_horizon_is_the_end_of_the_last_period():
    assert Schedule.until(100.0, 0.1, period=7.0).horizon == 100.0


@pytest.mark.parametrize("name", ["horizon", "period", "per_year"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_lengths_are_above_zero(name, value):
    with pytest.raises(ParameterError, match=f"{name} = {value}"):
        Schedule.until(**({"horizon": 10.0, "annual_rate": 0.1, "period": 1.0} | {name: value}))


@pytest.mark.parametrize("rate", [-1.0, -2.0, np.nan, np.inf])
def test_a_rate_of_minus_one_or_less_is_refused(rate):
    with pytest.raises(ParameterError, match="annual_rate"):
        Schedule.until(10.0, rate)


@pytest.mark.parametrize("timing", ["", "mid", "END", None])
def test_an_unknown_timing_is_refused(timing):
    with pytest.raises(ParameterError, match="start, middle or end"):
        Schedule.until(10.0, 0.1, timing=timing)
