"""The checks of drift and season on months that are laid out by hand."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.purchases.summary import purchase_summary
from crmlib.analysis.clv.timing.pareto_nbd import ParetoNBD
from crmlib.analysis.clv.trust.calendar_checks import check_season, check_stationarity

LAST = dt.date(2025, 12, 31)
MODEL = ParetoNBD().with_params([1.2, 60.0, 0.8, 500.0])
WHEN = pd.date_range("2023-01-01", periods=36, freq="MS", name="month")


def months(actual, expected=100.0):
    return pd.DataFrame(
        {"actual": actual, "expected": expected, "days": 30}, index=WHEN[-len(np.atleast_1d(actual)) :]
    )


def test_effects_without_noise_are_found_exactly():
    pace = 1 + 0.4 * np.sin(2 * np.pi * (np.arange(12) + 0.5) / 12)
    growth = np.exp(0.1 * np.arange(36) / 12)
    found = check_season(months(1_000 * np.tile(pace, 3) * growth, 1_000.0), LAST, 90)
    year = np.repeat(pace, WHEN.days_in_month[:12]).mean()
    ahead = np.repeat(pace[:3], [31, 28, 31]).mean()
    assert found.statistic == pytest.approx(ahead / year, rel=1e-6)
    assert found.numbers["peak"] == pytest.approx(pace.max() / year, rel=5e-3)
    assert found.numbers["trough"] == pytest.approx(pace.min() / year, rel=5e-3)
    assert found.numbers["share_of_variance"] == pytest.approx(1, abs=1e-3)
    assert found.numbers["p_value"] < 1e-6 and found.holds is False


def test_growth_alone_is_no_season():
    found = check_season(months(np.round(500 * 1.03 ** np.arange(36)), 500.0), LAST, 90)
    assert found.statistic == pytest.approx(1, abs=0.01) and found.holds is True
    assert found.numbers["peak"] == pytest.approx(1, abs=0.01)


def test_a_season_of_which_the_model_knows_is_none():
    season = np.tile(np.linspace(0.5, 1.5, 12), 3)
    found = check_season(months(np.round(400 * season), 400 * season), LAST, 90)
    assert found.statistic == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("horizon", [365, 365.25, 366, 730.5, 1_096])
def test_whole_years_have_no_season(horizon):
    found = check_season(months(np.where(WHEN.month == 12, 400, 100)), LAST, horizon)
    assert found.numbers["whole_years"] and found.holds is True
    assert found.statistic == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("horizon", [1, 30, 180, 370, 550])
def test_other_horizons_are_not_whole_years(horizon):
    assert not check_season(months(np.full(36, 100)), LAST, horizon).numbers["whole_years"]


def test_few_purchases_say_nothing():
    found = check_season(months(np.tile([1, 2, 3], 12), 2.0), LAST, 90)
    assert found.holds is None and found.numbers["months"] == 0
    found = check_season(months(np.full(23, 100)), LAST, 90)
    assert found.holds is None and found.numbers["months"] == 23


def test_a_month_without_purchases_is_no_trouble():
    months = pd.DataFrame({"actual": [0] + [20] * 11 + [0] + [20] * 11, "expected": 20.0, "days": 30},
                          index=pd.date_range("2024-01-01", periods=24, freq="MS"))  # fmt: skip
    found = check_season(months, LAST, 31)
    assert found.statistic == pytest.approx(0, abs=1e-3)
    assert (
        found.holds is False
        and np.isfinite([found.low, found.high, *map(float, found.numbers.values())]).all()
    )


@pytest.fixture(scope="module")
def shop():
    rng = np.random.default_rng(1)
    who = np.repeat(np.arange(900), rng.geometric(0.15, 900))
    day = rng.integers(0, 900, 900)[who] + np.round(rng.exponential(90, len(who))).astype(int)
    kept = day < 1_096
    days = [dt.date(2023, 1, 1) + dt.timedelta(days=int(d)) for d in day[kept]]
    table = pd.DataFrame(
        {"customer_id": np.char.add("C", who[kept].astype(str)), "day": days, "net_sales": 9.0}
    )
    lines = ibis.memtable(table)
    return lines, purchase_summary(lines, LAST)


def checked(shop, frame, **options):
    return check_stationarity(MODEL, *shop, LAST, months=frame, **options)


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.4])
def test_the_ratio_is_that_of_the_two_parts(shop, factor):
    found = checked(shop, months(np.where(np.arange(36) < 18, 1_000, 1_000 * factor), 1_000.0))
    assert found.statistic == pytest.approx(factor, rel=1e-6)
    assert found.numbers["split_on"] == dt.date(2024, 7, 1)
    assert (found.numbers["actual_earlier"], found.numbers["expected_later"]) == (18_000, 18_000)
    assert found.low < factor < found.high
    assert (found.numbers["trend_per_year"] > 0.01, found.numbers["trend_per_year"] < -0.01) == (
        factor > 1,
        factor < 1,
    )


def test_the_two_parts_hold_about_as_many_expected_purchases(shop):
    found = checked(shop, months(np.full(36, 100), np.linspace(10, 300, 36)))
    share = found.numbers["expected_later"] / (
        found.numbers["expected_later"] + found.numbers["expected_earlier"]
    )
    assert share == pytest.approx(0.5, abs=0.04)
    assert found.numbers["split_on"] > dt.date(2024, 9, 1)


def test_a_season_is_taken_out_where_two_years_show_it(shop):
    winter = np.where(WHEN.month == 12, 3.0, 1.0)
    found = checked(shop, months(np.round(1_000 * winter), 1_000.0))
    assert found.numbers["season_taken_out"] and found.statistic == pytest.approx(1, abs=0.01)
    short = checked(shop, months(np.round(1_000 * winter)[:18], 1_000.0))
    assert not short.numbers["season_taken_out"]


def test_months_that_differ_by_more_than_chance_widen_the_interval(shop):
    rng = np.random.default_rng(2)
    calm = checked(shop, months(rng.poisson(1_000, 36), 1_000.0))
    wild = checked(shop, months(np.round(1_000 * rng.lognormal(0, 0.3, 36)), 1_000.0))
    assert wild.numbers["dispersion"] > 20 > calm.numbers["dispersion"]
    assert wild.high / wild.low > 1.2 * calm.high / calm.low


def test_a_higher_level_widens_the_interval(shop):
    frame = months(np.random.default_rng(3).poisson(1_000, 36), 1_000.0)
    narrow, wide = checked(shop, frame, level=0.5), checked(shop, frame, level=0.99)
    assert wide.low < narrow.low < narrow.statistic < narrow.high < wide.high


def test_too_few_months_say_nothing(shop):
    found = checked(shop, months([100, 100], 100.0))
    assert found.holds is None and np.isnan(found.statistic) and found.numbers["months"] == 2
    assert checked(shop, months(np.zeros(36), 100.0)).holds is None
