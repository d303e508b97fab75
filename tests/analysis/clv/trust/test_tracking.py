"""Expected beside actual: added up customer by customer, by calendar, and the published CDNOW lines."""

import datetime as dt
import gzip
import os
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.timing.bg_nbd import BGNBD
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.clv.timing.pareto_nbd import ParetoNBD
from crmlib.analysis.clv.trust.tracking import by_repeats, tracked
from crmlib.errors import DataError, ParameterError, TooLittleData

REAL = os.environ.get("CRMLIB_REAL_DATA")
START, ORIGIN, LAST = dt.date(2025, 1, 6), dt.date(2025, 6, 30), dt.date(2025, 12, 20)
MODEL = MBGNBD().with_params([0.8, 40.0, 0.6, 2.5])


def drawn(seed=1, customers=120):
    rng = np.random.default_rng(seed)
    who = np.concatenate([np.arange(customers), rng.integers(0, customers, 500)])
    day = np.concatenate([rng.integers(0, 340, customers), rng.integers(0, 340, 500)])
    return pd.DataFrame(
        {
            "customer_id": [f"K{w:03d}" for w in who],
            "day": [START + dt.timedelta(days=int(d)) for d in day],
            "net_sales": rng.choice([-5.0, 12.0, 30.0], len(who), p=[0.05, 0.5, 0.45]),
        }
    )


def days_bought(table, last):
    days = table[table["day"] <= last].groupby(["customer_id", "day"])["net_sales"].sum()
    days = days[days > 0].reset_index()
    return days.assign(first=days.groupby("customer_id")["day"].transform("min"))


@pytest.mark.parametrize("every", ["week", "month"])
def test_periods_are_added_up_customer_by_customer(every):
    found = tracked(MODEL, ibis.memtable(drawn()), ORIGIN, LAST, every=every)
    days = days_bought(drawn(), LAST)
    days = days[days["first"] <= ORIGIN]
    firsts = days.drop_duplicates("customer_id")["first"]
    for row in found.itertuples():
        before = row.first - dt.timedelta(days=1)
        expected = sum(
            MODEL.expected_orders(float((row.last - first).days))
            - MODEL.expected_orders(float(max((before - first).days, 0)))
            for first in firsts
            if first <= row.last
        )
        assert row.expected == pytest.approx(float(expected), abs=1e-9)
        inside = (days["day"] >= row.first) & (days["day"] <= row.last) & (days["day"] > days["first"])
        assert row.actual == inside.sum()
        assert row.held_out == (row.first > ORIGIN)
    assert found["cumulative_actual"].to_list() == found["actual"].cumsum().to_list()
    assert found["cumulative_expected"].to_numpy() == pytest.approx(found["expected"].cumsum().to_numpy())


def test_weeks_and_months_meet_at_the_origin_and_leave_no_gap():
    lines = ibis.memtable(drawn())
    weeks, months = (tracked(MODEL, lines, ORIGIN, LAST, every=every) for every in ("week", "month"))
    for found in (weeks, months):
        assert ORIGIN in set(found["last"])
        gaps = [(b - a).days for a, b in zip(found["last"][:-1], found["first"][1:], strict=True)]
        assert set(gaps) == {1}
        first = days_bought(drawn(), LAST)["first"].min()
        assert found["first"].iloc[0] <= first <= found["last"].iloc[0]
    assert set((weeks["last"] - weeks["first"]).map(lambda length: length.days)) == {6}
    assert months["first"].map(lambda day: day.day).eq(1).all() and months["last"].iloc[-1] == dt.date(
        2025, 11, 30
    )
    one, other = (
        found[found["last"] == ORIGIN][["cumulative_expected", "cumulative_actual"]].to_numpy()
        for found in (weeks, months)
    )
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_customers_won_later_are_in_neither_line():
    table = drawn()
    late = pd.DataFrame(
        {"customer_id": "late", "day": [ORIGIN + dt.timedelta(n) for n in (1, 9)], "net_sales": 9.0}
    )
    one = tracked(MODEL, ibis.memtable(table), ORIGIN, LAST)
    pd.testing.assert_frame_equal(one, tracked(MODEL, ibis.memtable(pd.concat([table, late])), ORIGIN, LAST))


def test_what_comes_after_the_origin_changes_no_expectation():
    table = drawn()
    later = table["day"] > ORIGIN
    one = tracked(MODEL, ibis.memtable(table), ORIGIN, LAST)
    other = tracked(MODEL, ibis.memtable(table[~later]), ORIGIN, LAST)
    pd.testing.assert_series_equal(one["expected"], other["expected"])
    assert other.loc[other["held_out"], "actual"].eq(0).all() and one["actual"].sum() > other["actual"].sum()


def test_the_unit_of_time_changes_nothing():
    lines = ibis.memtable(drawn())
    weekly = MBGNBD().with_params([0.8, 40.0 / 7, 0.6, 2.5])
    one = tracked(MODEL, lines, ORIGIN, LAST)
    other = tracked(weekly, lines, ORIGIN, LAST, unit_days=7)
    pd.testing.assert_frame_equal(one, other)


def test_customers_drawn_from_a_model_are_tracked_by_it():
    """Known truth: a cohort of MBG/NBD customers follows the line of the model that made it."""
    rng, count = np.random.default_rng(5), 4000
    rate, leaves = rng.gamma(0.8, 1 / 40, count), rng.beta(0.6, 2.5, count)
    begin = rng.integers(0, 60, count)
    parts, now, there = [(np.arange(count), begin)], begin.astype(float), np.arange(count)
    while len(there):
        there = there[rng.random(len(there)) >= leaves[there]]
        now[there] += rng.exponential(1 / rate[there])
        there = there[now[there] < 350]
        parts.append((there, np.floor(now[there])))
    who, day = (np.concatenate(part).astype(int) for part in zip(*parts, strict=True))
    table = pd.DataFrame({"customer_id": who.astype(str), "net_sales": 1.0})
    table["day"] = (np.array(START, dtype="datetime64[D]") + day).tolist()
    found = tracked(MODEL, ibis.memtable(table), ORIGIN, LAST)
    away = found["cumulative_actual"].iloc[-1] / found["cumulative_expected"].iloc[-1] - 1
    assert abs(away) < 0.06  # a few repeats fall on the day of another purchase and make one day of two


@pytest.mark.parametrize(
    ("origin", "options", "error", "message"),
    [
        (ORIGIN, {"every": "year"}, ParameterError, "every = 'year'"),
        (LAST + dt.timedelta(1), {}, ParameterError, "origin = 2025-12-21, after the last day"),
        (ORIGIN, {"unit_days": 0}, ParameterError, "unit_days = 0"),
        (START - dt.timedelta(9), {}, TooLittleData, "no purchase up to 2024-12-28"),
    ],
)
def test_options_are_checked(origin, options, error, message):
    with pytest.raises(error, match=message):
        tracked(MODEL, ibis.memtable(drawn()), origin, LAST, **options)


def histories(counts):
    x = np.repeat(list(counts), list(counts.values()))
    return pd.DataFrame({"x": x}, index=[f"K{i}" for i in range(len(x))])


@pytest.mark.parametrize(
    ("counts", "labels"),
    [
        ({0: 40, 1: 30, 2: 31, 5: 3}, ["0", "1", "2+"]),
        ({0: 40, 1: 10, 2: 10, 3: 10, 4: 30, 9: 30}, ["0", "1-3", "4-8", "9"]),
        ({0: 5, 7: 5}, ["0+"]),
        ({0: 40}, ["0"]),
        ({0: 3, 1: 40, 2: 40, 30: 1}, ["0-1", "2+"]),
    ],
)
def test_classes_with_few_customers_are_put_together(counts, labels):
    base = histories(counts)
    rng = np.random.default_rng(1)
    actual = pd.Series(rng.poisson(1 + base["x"]), index=base.index)
    forecast = pd.DataFrame({"one": rng.random(len(base)), "other": 1.0}, index=base.index)
    found = by_repeats(base, forecast, actual)
    assert list(found.index) == labels
    assert found["customers"].sum() == len(base) and (found["customers"].min() >= 30 or len(found) == 1)
    for name, of in (("actual", actual), ("one", forecast["one"]), ("other", forecast["other"])):
        assert (found[name] * found["customers"]).sum() == pytest.approx(of.sum())
    assert ((found["low"] <= found["actual"]) & (found["actual"] <= found["high"])).all()


def test_means_and_intervals_by_hand():
    base = histories({0: 2, 1: 3})
    actual = pd.Series([0, 2, 1, 2, 6], index=base.index)
    found = by_repeats(base, actual * 1.0, actual, fewest=2)
    assert found["actual"].to_list() == [1, 3] and found["forecast"].to_list() == [1, 3]
    half = 1.959964 * np.std([1, 2, 6], ddof=1) / np.sqrt(3)
    assert found.loc["1", ["low", "high"]].to_list() == pytest.approx([3 - half, 3 + half], abs=1e-5)


def test_three_tables_of_other_customers_are_refused():
    base = histories({0: 3})
    with pytest.raises(DataError, match="with other names"):
        by_repeats(base, pd.Series([1.0, 2, 3]), pd.Series([1, 2, 3], index=base.index))
    with pytest.raises(ParameterError, match="fewest = 0"):
        by_repeats(base, *(pd.Series([1.0, 2, 3], index=base.index),) * 2, fewest=0)


@pytest.mark.parametrize(
    ("model", "printed"),
    [
        (BGNBD().with_params([0.2426, 4.4135, 0.7929, 2.4258]), 4160.6),
        (ParetoNBD().with_params([0.5533, 10.5776, 0.6062, 11.6679]), 4270.1),
    ],
)
def test_cdnow_week_78_is_that_of_fader_hardie_lee_2005_figure_2(model, printed):
    if not REAL:
        pytest.skip("set CRMLIB_REAL_DATA to the folder of the public files")
    with gzip.open(Path(REAL, "cdnow", "CDNOW_sample.txt.gz"), "rt") as file:
        rows = [line.split() for line in file]
    table = pd.DataFrame(
        {
            "customer_id": [row[1] for row in rows],
            "day": pd.to_datetime([row[2] for row in rows]).date,
            "net_sales": [float(row[4]) for row in rows],
        }
    )
    last = dt.date(1998, 6, 30)
    found = tracked(model, ibis.memtable(table), dt.date(1997, 9, 30), last, purchase="any", unit_days=7)
    assert len(found) == 78 and found["held_out"].sum() == 39
    assert found["cumulative_actual"].iloc[-1] == 4339
    assert found["cumulative_expected"].iloc[-1] == pytest.approx(printed, abs=0.5)
    assert found.loc[found["held_out"], "actual"].sum() == 1882
