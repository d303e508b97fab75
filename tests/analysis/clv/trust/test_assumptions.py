"""Checks of assumptions on simulated bases in which each holds, or is broken by a known amount."""

import datetime as dt
import gzip
import os
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.purchases.summary import purchase_summary
from crmlib.analysis.clv.timing.pareto_nbd import ParetoNBD
from crmlib.analysis.clv.trust.assumptions import (
    check_all,
    check_censoring,
    check_regularity,
    check_rehearsal,
    check_season,
    check_spend,
    check_stationarity,
)
from crmlib.analysis.clv.trust.departures import AFFECTS
from crmlib.analysis.clv.trust.monthly_repeats import repeats_by_month
from crmlib.errors import DataError, ParameterError

REAL = os.environ.get("CRMLIB_REAL_DATA")
FIRST, LAST = dt.date(2023, 1, 1), dt.date(2025, 12, 31)
DAYS = (LAST - FIRST).days + 1
TRUTH = ParetoNBD().with_params([1.2, 60.0, 0.8, 500.0])
MONTH = pd.date_range(FIRST, periods=DAYS).month.to_numpy()
NAMES = ["spend", "stationarity", "season", "censoring", "regularity"]


def shop(seed, customers=900, pace=None, old=0.0, dearer=1.0, arrive=(0, DAYS - 60), price_spread=0.6):
    """Draw order lines day by day; a customer buys `pace` times as often on a day, `old` began before."""
    rng = np.random.default_rng(seed)
    r, alpha, s, beta = TRUTH.params_
    pace = np.ones(DAYS) if pace is None else pace
    top = pace.max()
    born = rng.uniform(*arrive, customers)
    born[: int(old * customers)] = rng.uniform(-1500, 0, int(old * customers))
    rate = rng.gamma(r, 1 / alpha, customers)
    life = rng.standard_exponential(customers) / rng.gamma(s, 1 / beta, customers)
    end = np.minimum(born + life, DAYS)
    tried = rng.poisson(top * rate * (end - born))
    who = np.repeat(np.arange(customers), tried)
    when = born[who] + rng.random(len(who)) * (end - born)[who]
    who, when = np.append(who, np.arange(customers)), np.append(when, born)
    seen = when >= 0
    who, when = who[seen], when[seen]
    kept = rng.random(len(who)) * top < pace[np.floor(when).astype(int)]
    kept |= when == born[who]
    who, day = who[kept], np.floor(when[kept]).astype(int)
    mean = (
        30 * np.exp(price_spread * rng.standard_normal(customers)) * np.where(rate > r / alpha, dearer, 1.0)
    )
    money = (mean[who] * rng.gamma(4.0, 0.25, len(who))).round(2) + 0.01
    dates = pd.date_range(FIRST, periods=DAYS).date
    return pd.DataFrame(
        {"customer_id": np.char.add("C", who.astype(str)), "day": dates[day], "net_sales": money}
    )


def checks_of(table, horizon=365, since=None, people=None, model=None, **options):
    lines = ibis.memtable(table)
    customers = purchase_summary(lines, LAST, since=since)
    model = model or ParetoNBD().fit(customers)
    found = check_all(
        model, lines, customers, LAST, horizon, first_day=since or FIRST, people=people, **options
    )
    return {check.name: check for check in found}


@pytest.fixture(scope="module")
def sound():
    """The checks of twenty bases in which everything holds."""
    return [checks_of(shop(seed)) for seed in range(20)]


# Where everything holds.


def test_the_order_is_fixed_and_nothing_is_left_out(sound):
    for found in sound:
        assert list(found) == NAMES == [name for name in AFFECTS if name != "rehearsal"]
        assert all(check.affects == AFFECTS[name] for name, check in found.items())
        assert set().union(*(check.affects for check in found.values())) == {
            "money", "orders", "alive", "total", "prospect"
        }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_false_alarms_are_rare(sound, name):
    assert sum(found[name].holds is False for found in sound) <= 1


def test_a_sound_base_is_mostly_found_sound():
    large = [checks_of(shop(seed, customers=4_000)) for seed in (101, 102)]
    for found in large:
        assert [name for name in NAMES if found[name].holds is not True] == []


def test_chance_is_not_taken_for_a_season(sound):
    assert sum(found["season"].numbers["p_value"] < 0.05 for found in sound) <= 3
    assert np.mean([found["season"].numbers["peak"] for found in sound]) < 1.06
    assert np.mean([found["season"].numbers["share_of_variance"] for found in sound]) < 0.2


def test_the_interval_of_stationarity_covers():
    """At the true parameters, so that nothing of a drift is taken into them."""
    inside = 0
    for seed in range(200, 240):
        lines = ibis.memtable(shop(seed, customers=500))
        found = check_stationarity(TRUTH, lines, purchase_summary(lines, LAST), LAST)
        inside += found.low <= 1 <= found.high
    assert inside >= 36


# Broken by a known amount.


@pytest.mark.parametrize("factor", [0.6, 1.6])
def test_a_change_of_pace_is_found(factor):
    pace = np.where(np.arange(DAYS) < 700, 1.0, factor)
    found = [checks_of(shop(seed, 2_000, pace))["stationarity"] for seed in (1, 2, 3)]
    assert [check.holds for check in found] == [False] * 3
    assert all((check.statistic - 1) * (factor - 1) > 0 for check in found)
    assert all((check.numbers["trend_per_year"] > 0) == (factor > 1) for check in found)


def test_the_size_of_a_change_of_pace_is_found_at_the_true_parameters():
    lines = ibis.memtable(shop(5, 3_000, np.where(np.arange(DAYS) < 731, 1.0, 1.5)))
    customers = purchase_summary(lines, LAST)
    months = repeats_by_month(TRUTH, lines, customers, LAST)
    before, after = months[:"2024-12"].sum(), months["2025-01":].sum()
    assert after["actual"] / after["expected"] / (before["actual"] / before["expected"]) == pytest.approx(
        1.5, rel=0.07
    )
    found = check_stationarity(TRUTH, lines, customers, LAST, months=months)
    assert 1.25 < found.statistic < 1.6 and found.holds is False
    assert found.numbers["dispersion"] >= 1


def test_a_season_is_no_drift():
    """Three Decembers at three times the pace: one of them in the earlier half, two in the later."""
    found = [checks_of(shop(seed, 2_000, np.where(MONTH == 12, 3.0, 1.0))) for seed in (1, 2)]
    assert all(check["stationarity"].holds is not False for check in found)
    assert all(check["stationarity"].numbers["season_taken_out"] for check in found)


@pytest.mark.parametrize("peak", [1.5, 3.0])
def test_the_size_of_a_season_is_found(peak):
    pace = np.where(MONTH == 12, peak, 1.0)
    table = shop(7, 3_000, pace)
    year = pace[-365:].mean()
    whole, half, december = (checks_of(table, horizon)["season"] for horizon in (365, 181, 730))
    assert whole.numbers["peak_month"] == 12
    assert whole.numbers["peak"] == pytest.approx(peak / year, rel=0.08)
    assert whole.numbers["p_value"] < 1e-3 and whole.numbers["share_of_variance"] > 0.4
    assert whole.holds and december.holds
    assert whole.statistic == pytest.approx(1, abs=0.01)
    assert whole.numbers["whole_years"] and december.numbers["whole_years"]
    assert not half.numbers["whole_years"]
    assert half.low < 1 / year < half.high and half.statistic == pytest.approx(1 / year, rel=0.05)


def test_a_horizon_of_high_season_is_told():
    """The horizon is November and December of a calibration that ends in October."""
    pace = np.where(MONTH >= 11, 2.5, 1.0)
    table = shop(8, 3_000, pace)
    last = dt.date(2025, 10, 31)
    lines = ibis.memtable(table)
    customers = purchase_summary(lines, last)
    months = repeats_by_month(TRUTH, lines, customers, last)
    found = check_season(months, last, 61)
    assert found.holds is False
    assert found.statistic == pytest.approx(2.5 / (1 + 1.5 * 61 / 365), rel=0.06)
    assert check_season(months, last, 365.25).holds is True
    assert check_season(months, last, 61, limit=2.5).holds is True


def test_less_than_two_years_say_nothing_about_the_season():
    table = shop(3, arrive=(500, DAYS - 60))
    lines = ibis.memtable(table)
    months = repeats_by_month(TRUTH, lines, purchase_summary(lines, LAST), LAST)
    for horizon, whole in ((365, True), (90, False)):
        found = check_season(months, LAST, horizon)
        assert found.holds is None and np.isnan(found.statistic)
        assert found.numbers["whole_years"] is whole


@pytest.mark.parametrize("old", [0.3, 0.6])
def test_customers_from_before_the_data_are_found(old):
    table = shop(4, 3_000, old=old)
    found = checks_of(table)["censoring"]
    # Those who still bought, and within the lead-in, are what can be seen of them.
    assert found.holds is False and found.low > 0.1
    assert found.statistic < old
    ids = table["customer_id"].drop_duplicates()
    number = ids.str[1:].astype(int)
    known = ibis.memtable(pd.DataFrame({"customer_id": ids, "acquired_on": np.where(
        number < int(old * 3_000), dt.date(2020, 1, 1), dt.date(2024, 1, 1))}))  # fmt: skip
    told = checks_of(table, people=known)["censoring"]
    assert told.numbers["by_acquired_on"] and told.holds is False
    assert told.statistic == pytest.approx((number < int(old * 3_000)).mean())
    assert told.numbers["excess"] == found.statistic
    # Without those who bought in the first year, few are left.
    later = checks_of(table, since=dt.date(2024, 1, 1))["censoring"]
    assert later.statistic < 0.35 * found.statistic


def test_days_of_acquisition_that_few_customers_have_decide_nothing():
    table = shop(4)
    ids = table["customer_id"].drop_duplicates()[:100]
    few = ibis.memtable(pd.DataFrame({"customer_id": ids, "acquired_on": dt.date(2020, 1, 1)}))
    found = checks_of(table, people=few)["censoring"]
    assert found.holds and not found.numbers["by_acquired_on"]
    assert found.numbers["acquired_known"] == found.numbers["acquired_before"] == 100
    nothing = ibis.memtable(
        pd.DataFrame({"customer_id": ids, "acquired_on": pd.Series(None, ids.index, "datetime64[s]")})
    )
    assert checks_of(table, people=nothing)["censoring"].numbers["acquired_known"] == 0
    without = checks_of(table, people=few.drop("acquired_on"))["censoring"]
    assert "acquired_known" not in without.numbers


def test_one_cohort_cannot_be_told_from_cut_histories():
    table = shop(2, 1_500, arrive=(0, 80))
    found = checks_of(table)
    assert found["censoring"].holds is None and np.isnan(found["censoring"].statistic)
    assert found["censoring"].numbers["excess"] == 1
    assert found["stationarity"].holds is not True
    assert found["stationarity"].numbers["arriving"] < 0.1


def test_a_short_time_says_nothing_about_its_beginning():
    customers = pd.DataFrame({"first_on": pd.date_range("2025-01-01", "2025-03-01")})
    assert check_censoring(customers, dt.date(2025, 1, 1), dt.date(2025, 3, 1)).holds is None


@pytest.mark.parametrize("dearer", [0.5, 1.8])
def test_spend_that_goes_with_frequency_is_found(dearer):
    found = checks_of(shop(6, 3_000, dearer=dearer))["spend"]
    assert found.holds is False
    assert (found.statistic - 1) * (dearer - 1) > 0
    assert found.numbers["rare"] + found.numbers["frequent"] == found.numbers["customers"]
    assert found.statistic == pytest.approx(found.numbers["mean_frequent"] / found.numbers["mean_rare"])


def test_a_harmless_correlation_in_a_large_base_is_no_alarm():
    rng = np.random.default_rng(1)
    n = rng.integers(1, 20, 60_000)
    customers = pd.DataFrame({"n": n, "money": np.where(n > 9, 1.06, 1.0) * rng.gamma(4, 10, 60_000)})
    found = check_spend(customers)
    assert found.numbers["correlation_low"] > 0 and found.low > 1
    assert found.holds is True
    assert check_spend(customers, limit=1.03).holds is False


def test_a_harmful_correlation_in_a_small_base_cannot_be_told():
    rng = np.random.default_rng(3)
    n = rng.integers(1, 20, 40)
    found = check_spend(pd.DataFrame({"n": n, "money": np.where(n > 9, 1.3, 1.0) * rng.lognormal(3, 1, 40)}))
    assert found.holds is None and found.low < 1 < found.high


def test_spend_reads_frequency_by_halves_however_few_the_numbers():
    money = np.linspace(10, 50, 100)
    once = check_spend(pd.DataFrame({"n": [1] * 90 + [2] * 10, "money": money}))
    assert (once.numbers["rare"], once.numbers["frequent"], once.numbers["rare_up_to"]) == (90, 10, 1)
    many = check_spend(pd.DataFrame({"n": [1] * 10 + [2] * 50 + [3] * 40, "money": money}))
    assert many.numbers["rare_up_to"] == 2
    one = check_spend(pd.DataFrame({"n": [1] * 99 + [2], "money": money}))
    assert one.holds is None and one.numbers["frequent"] == 1
    assert check_spend(pd.DataFrame({"n": [2] * 100, "money": money})).holds is None
    assert check_spend(pd.DataFrame({"n": [0, 0], "money": [np.nan, np.nan]})).numbers == {"customers": 0}


@pytest.mark.parametrize(
    ("k", "holds", "verdict"), [(3.0, False, "regular"), (0.5, False, "clumped"), (1.0, True, "poisson")]
)
def test_regular_and_clumped_buyers_are_found(k, holds, verdict):
    waits = pd.DataFrame(np.random.default_rng(4).gamma(k, 40 / k, (3_000, 2)), columns=["itt_1", "itt_2"])
    found = check_regularity(waits)
    assert found.holds is holds and found.numbers["verdict"] == verdict
    assert found.low < k < found.high


def test_few_waits_cannot_tell():
    waits = pd.DataFrame(np.random.default_rng(4).exponential(40, (60, 2)), columns=["itt_1", "itt_2"])
    assert check_regularity(waits).holds is None
    assert check_regularity(waits[:20]).holds is None


# What must not matter.


def numbers_of(found):
    return {name: (check.statistic, check.low, check.high, check.holds) for name, check in found.items()}


def close(left, right, rel=1e-9):
    for name in NAMES:
        assert left[name][3] is right[name][3]
        np.testing.assert_allclose(left[name][:3], right[name][:3], rtol=rel)


@pytest.fixture(scope="module")
def one():
    table = shop(11, 600)
    return table, numbers_of(checks_of(table, horizon=200, model=TRUTH))


def test_the_order_of_lines_and_the_names_of_customers_do_not_matter(one):
    table, found = one
    mixed = table.sample(frac=1, random_state=1)
    close(found, numbers_of(checks_of(mixed, horizon=200, model=TRUTH)), rel=1e-12)
    renamed = table.assign(customer_id="Z" + table["customer_id"].str[::-1] + table["customer_id"])
    close(found, numbers_of(checks_of(renamed, horizon=200, model=TRUTH)))


def test_the_unit_of_money_and_several_lines_a_day_do_not_matter(one):
    table, found = one
    close(
        found,
        numbers_of(checks_of(table.assign(net_sales=table["net_sales"] * 100), horizon=200, model=TRUTH)),
        1e-6,
    )
    split = pd.concat([table.assign(net_sales=table["net_sales"] / 2)] * 2)
    close(found, numbers_of(checks_of(split, horizon=200, model=TRUTH)), rel=1e-6)


def test_what_comes_after_the_last_day_does_not_matter(one):
    table, found = one
    more = table.assign(day=LAST + dt.timedelta(days=3), net_sales=1e6)
    close(found, numbers_of(checks_of(pd.concat([table, more]), horizon=200, model=TRUTH)), rel=1e-12)


def test_a_model_of_weeks_says_the_same(one):
    table, found = one
    weeks = ParetoNBD().with_params([1.2, 60.0 / 7, 0.8, 500.0 / 7])
    close(found, numbers_of(checks_of(table, horizon=200, model=weeks, unit_days=7.0)))


def test_another_engine_says_the_same(one):
    table, found = one
    con = ibis.sqlite.connect()
    con.create_table("lines", ibis.memtable(table).to_pyarrow())
    lines = con.table("lines")
    lines = lines.mutate(day=lines.day.cast("date"))
    customers = purchase_summary(lines, LAST)
    other = check_all(TRUTH, lines, customers, LAST, 200, first_day=FIRST)
    close(found, numbers_of({check.name: check for check in other}))


def test_inputs_are_left_alone_and_results_are_the_same_twice(one):
    table, _ = one
    lines = ibis.memtable(table)
    customers = purchase_summary(lines, LAST)
    before = customers.copy()
    months = repeats_by_month(TRUTH, lines, customers, LAST)
    kept = months.copy()
    twice = [check_all(TRUTH, lines, customers, LAST, 200, first_day=FIRST) for _ in range(2)]
    assert numbers_of({c.name: c for c in twice[0]}) == numbers_of({c.name: c for c in twice[1]})
    check_stationarity(TRUTH, lines, customers, LAST, months=months)
    check_season(months, LAST, 200)
    pd.testing.assert_frame_equal(customers, before)
    pd.testing.assert_frame_equal(months, kept)


def test_each_alone_says_what_all_together_say(one):
    table, found = one
    lines = ibis.memtable(table)
    customers = purchase_summary(lines, LAST)
    alone = (
        check_stationarity(TRUTH, lines, customers, LAST),
        check_spend(customers),
        check_censoring(customers, FIRST, LAST),
    )
    close(
        found, found | {check.name: (check.statistic, check.low, check.high, check.holds) for check in alone}
    )


# What cannot be.


def test_bad_settings_are_refused():
    customers = pd.DataFrame(
        {"n": [1, 2, 3, 4], "money": [1.0, 2, 3, 4], "first_on": pd.Timestamp("2024-01-01")}
    )
    months = pd.DataFrame(
        {"actual": 20, "expected": 20.0, "days": 30}, index=pd.date_range("2024-01-01", periods=24, freq="MS")
    )
    for wrong in (
        lambda: check_spend(customers, level=95),
        lambda: check_spend(customers, limit=0.8),
        lambda: check_season(months, LAST, 0),
        lambda: check_season(months, LAST, np.nan),
        lambda: check_censoring(customers, FIRST, LAST, lead_in_days=0),
        lambda: check_censoring(customers, LAST + dt.timedelta(1), LAST),
        lambda: check_censoring(customers, FIRST, LAST, limit=0),
    ):
        with pytest.raises(ParameterError):
            wrong()
    with pytest.raises(DataError, match="first_on = 2024-01-01, at 4 of 4"):
        check_censoring(customers, FIRST, dt.date(2023, 12, 31))
    with pytest.raises(DataError, match="first_on"):
        check_censoring(customers.drop(columns="first_on"), FIRST, LAST)
    with pytest.raises(DataError):
        check_spend(customers.assign(money=-1.0))


def test_nobody_buys_again():
    table = shop(1, 200).drop_duplicates("customer_id")
    found = checks_of(table, model=TRUTH.with_params([0.01, 60.0, 0.8, 500.0]))
    assert {name: check.holds for name, check in found.items()} == {
        "spend": None, "stationarity": None, "season": None, "censoring": found["censoring"].holds, "regularity": None
    }  # fmt: skip


# Real data.


@pytest.fixture(scope="module")
def cdnow():
    if not REAL:
        pytest.skip("set CRMLIB_REAL_DATA")
    with gzip.open(Path(REAL) / "cdnow" / "CDNOW_sample.txt.gz", "rt") as file:
        rows = pd.read_csv(file, sep=r"\s+", header=None, dtype={1: str, 2: str})
    days = pd.to_datetime(rows[2], format="%Y%m%d").dt.date
    return ibis.memtable(pd.DataFrame({"customer_id": rows[1], "day": days, "net_sales": rows[4]}))


def test_cdnow_is_one_cohort_of_irregular_buyers_who_spend_a_little_more_the_more_they_buy(cdnow):
    last = dt.date(1997, 9, 30)
    customers = purchase_summary(cdnow, last, purchase="any")
    model = ParetoNBD().fit(customers)
    found = {
        check.name: check
        for check in check_all(
            model, cdnow, customers, last, 273, first_day=dt.date(1997, 1, 1), purchase="any"
        )
    }
    assert {name: check.holds for name, check in found.items()} == {
        "spend": None, "stationarity": None, "season": None, "censoring": None, "regularity": True
    }  # fmt: skip
    assert found["spend"].numbers["correlation"] == pytest.approx(0.114, abs=5e-4)
    assert 1 < found["spend"].low < found["spend"].statistic < 1.25
    months = repeats_by_month(model, cdnow, customers, last, purchase="any")
    assert months["actual"].sum() == 2_457
    assert months["expected"].sum() == pytest.approx(2_457, rel=0.04)


def test_a_forecast_nobody_could_rehearse_puts_everything_but_the_money_of_a_purchase_in_doubt():
    check = check_rehearsal(2.0, False)
    assert check.holds is False and check.statistic == 2.0
    assert set(check.affects) == {"orders", "alive", "total", "prospect"}
    assert check_rehearsal(36.0, True).holds
