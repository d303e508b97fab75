"""Rehearsed forecasts: what they may know, what is set beside them, and the published CDNOW hold-out."""

import datetime as dt
import gzip
import os
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.purchases.purchase_log import PurchaseLog
from crmlib.analysis.clv.purchases.summary import last_gaps, purchase_summary
from crmlib.analysis.clv.spend.gamma_gamma import GammaGamma
from crmlib.analysis.clv.timing.bg_nbd import BGNBD
from crmlib.analysis.clv.timing.mbg_cnbd import MBGCNBD
from crmlib.analysis.clv.trust.forecast_scores import score
from crmlib.analysis.clv.trust.hold_out import BASELINES, METHODS, days_needed, hold_out
from crmlib.analysis.clv.trust.tracking import by_repeats
from crmlib.errors import ParameterError, TooLittleData

REAL = os.environ.get("CRMLIB_REAL_DATA")
START, DAYS, HORIZON = dt.date(2023, 1, 1), 900, 240
AS_OF = START + dt.timedelta(days=DAYS - 1)
ORIGIN = AS_OF - dt.timedelta(days=HORIZON)


def drawn(seed=1, customers=250):
    """Customers of all paces who come and go, with returns."""
    rng = np.random.default_rng(seed)
    begin, stay = rng.integers(0, 700, customers), rng.exponential(500, customers)
    count = rng.poisson(rng.gamma(0.8, 12, customers)) + 1
    who = np.repeat(np.arange(customers), count)
    day = np.floor(begin[who] + rng.random(len(who)) * stay[who])
    day[np.append(True, who[1:] != who[:-1])] = begin
    kept = day < DAYS
    sales = np.round(rng.gamma(2, 20 * rng.gamma(4, 0.25, customers)[who]), 2)
    sales[rng.random(len(who)) < 0.05] *= -0.5
    table = pd.DataFrame({"customer_id": [f"K{w:03d}" for w in who], "day": day, "net_sales": sales})[kept]
    return table.assign(day=[START + dt.timedelta(days=int(d)) for d in table["day"]])


def held(table, origin=ORIGIN, methods=METHODS, **options):
    log = PurchaseLog.of(ibis.memtable(table), AS_OF)
    return hold_out(log, origin, HORIZON, methods, **({"n_draws": 20} | options))


@pytest.fixture(scope="module")
def one():
    return held(drawn(), methods=(*METHODS, "mbg_cnbd"))


def frames(found):
    return [found.purchases, found.money, found.low, found.high, found.totals, found.histories]


def test_nothing_after_the_origin_touches_a_forecast(one):
    table = drawn()
    later = (table["day"] > ORIGIN).to_numpy()
    assert later.sum() > 100
    rng = np.random.default_rng(0)
    shuffled, fewer = table.copy(), table[~later | (np.arange(len(table)) % 7 == 0)]
    for name in ("customer_id", "net_sales"):
        shuffled.loc[later, name] = rng.permutation(shuffled.loc[later, name].to_numpy())
    shuffled.loc[later, "net_sales"] *= 100
    newcomers = pd.DataFrame({"customer_id": "A new one", "day": AS_OF, "net_sales": 1e6}, index=[0])
    for other in (shuffled, fewer, pd.concat([table, newcomers])):
        found = held(other, methods=(*METHODS, "mbg_cnbd"))
        for left, right in zip(frames(one), frames(found), strict=True):
            pd.testing.assert_frame_equal(left, right)
    assert not held(shuffled, n_draws=0).actual.equals(one.actual)


def test_the_order_of_lines_changes_nothing(one):
    found = held(drawn().sample(frac=1, random_state=3), methods=(*METHODS, "mbg_cnbd"))
    for left, right in zip(frames(one), frames(found), strict=True):
        pd.testing.assert_frame_equal(left, right)


def test_the_currency_scales_money_alone(one):
    table = drawn()
    found = held(table.assign(net_sales=table["net_sales"] * 100))
    names = [*one.models][:3]
    pd.testing.assert_frame_equal(found.purchases, one.purchases[found.purchases.columns])
    pd.testing.assert_frame_equal(found.money, one.money[found.money.columns] * 100, rtol=1e-4)
    pd.testing.assert_frame_equal(found.high, one.high[names] * 100, rtol=1e-4)
    assert found.kept == pytest.approx(one.kept)


def test_names_of_customers_change_no_forecast(one):
    names = {
        who: f"Z{number:03d}" for number, who in enumerate(sorted(set(drawn()["customer_id"]), reverse=True))
    }
    table = drawn()
    found = held(table.assign(customer_id=table["customer_id"].map(names)), n_draws=0)
    expected = one.money[found.money.columns].rename(names).sort_index()
    pd.testing.assert_frame_equal(found.money, expected, rtol=1e-6, check_names=False)


def test_models_forecast_as_they_do_when_fitted_by_hand(one):
    lines = ibis.memtable(drawn())
    summary = purchase_summary(lines, AS_OF, until=ORIGIN, money_over="all")
    orders = BGNBD().fit(summary).predict_orders(summary, HORIZON)
    money = GammaGamma().fit(summary).predict_money(summary)
    paid = (summary["n"] * summary["money"]).sum()
    kept = 1 + summary["returned"].sum() / paid
    assert one.kept == pytest.approx(kept) and kept < 1
    pd.testing.assert_series_equal(one.purchases["bg_nbd"], orders, check_names=False, rtol=1e-6)
    pd.testing.assert_series_equal(one.money["bg_nbd"], orders * money * kept, check_names=False, rtol=1e-6)
    regular = summary.join(last_gaps(lines, AS_OF, until=ORIGIN)["log_itts"])
    assert one.models["mbg_cnbd"].k_ == MBGCNBD().fit(regular).k_
    assert one.models["mbg_cnbd"].by_k_.to_list() == pytest.approx(MBGCNBD().fit(regular).by_k_.to_list())


def test_what_came_is_all_that_known_customers_brought_within_the_horizon(one):
    table = drawn()
    within = table[(table["day"] > ORIGIN) & (table["day"] <= one.last)]
    sums = within.groupby("customer_id")["net_sales"].sum().reindex(one.histories.index, fill_value=0.0)
    np.testing.assert_allclose(one.actual["money"], sums, atol=1e-6)
    first = table[table["net_sales"] > 0].groupby("customer_id")["day"].min()
    assert set(one.histories.index) == set(first[first <= ORIGIN].index)
    assert one.last == AS_OF


def test_intervals_hold_the_forecast_and_grow_with_the_level(one):
    wide = held(drawn(), methods=["bg_nbd"], level=0.99, n_draws=100)
    narrow = held(drawn(), methods=["bg_nbd"], level=0.5, n_draws=100)
    assert (wide.high >= narrow.high).all(axis=None) and (wide.low <= narrow.low).all(axis=None)
    totals = wide.totals.loc["bg_nbd"]
    assert totals["money_low"] < wide.money["bg_nbd"].sum() < totals["money_high"]
    assert totals["purchases_low"] < wide.purchases["bg_nbd"].sum() < totals["purchases_high"]
    covered = wide.coverage().loc["bg_nbd"]
    came = wide.actual["money"]
    assert covered["coverage"] == pytest.approx(came.between(wide.low["bg_nbd"], wide.high["bg_nbd"]).mean())
    assert one.coverage().index.to_list() == ["bg_nbd", "mbg_nbd", "pareto_nbd", "mbg_cnbd"]


def test_without_draws_there_are_no_intervals():
    found = held(drawn(), n_draws=0)
    assert found.low.empty and found.totals.empty and found.coverage().empty
    assert list(found.money.columns) == list(METHODS)


def test_baselines_get_no_more_than_the_models(one):
    known = PurchaseLog.of(ibis.memtable(drawn()), AS_OF).until(ORIGIN)
    for name, baseline in BASELINES.items():
        pd.testing.assert_frame_equal(baseline().fit(known, HORIZON).predict(known), one.forecast(name))


def test_a_method_that_cannot_be_fitted_is_left_out_and_says_why():
    table = drawn()
    table = table[table["net_sales"] > 0].drop_duplicates("customer_id")
    found = held(table, n_draws=0)
    assert set(found.left_out) == {"bg_nbd", "mbg_nbd", "pareto_nbd"}
    assert "nobody" in found.left_out["bg_nbd"] or "bought again" in found.left_out["bg_nbd"]
    assert set(found.money.columns) == set(BASELINES) and not found.models


def test_how_far_back_the_data_must_reach():
    assert days_needed(365, METHODS) == 457
    assert days_needed(365, ["bg_nbd", "same_again"]) == 365
    assert days_needed(365, ["bg_nbd"]) == 92


@pytest.mark.parametrize(
    ("origin", "methods", "message"),
    [
        (START + dt.timedelta(302), METHODS, "299 days up to the origin .* Expected: 300 days or more"),
        (START + dt.timedelta(204), ["same_again"], "201 days up to the origin .* Expected: 240 days"),
        (AS_OF - dt.timedelta(239), METHODS, "239 days after the origin .* the 240 of the horizon"),
        (START + dt.timedelta(70), ["bg_nbd"], "customers with a purchase up to .* 50 or more"),
    ],
)
def test_thin_data_are_refused(origin, methods, message):
    with pytest.raises(TooLittleData, match=message):
        held(drawn(), origin, methods)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ["bg_nbd", "last_year"]}, "methods = .* each once: bg_nbd, mbg_nbd"),
        ({"methods": ["bg_nbd", "bg_nbd"]}, "methods = "),
        ({"methods": []}, "methods = "),
        ({"n_draws": -1}, "n_draws = -1"),
        ({"level": 1.0}, "level = 1.0"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ParameterError, match=message):
        held(drawn(), **options)


@pytest.fixture(scope="module")
def cdnow():
    """The sample of Fader, Hardie & Lee (2005): 39 weeks of calibration, 39 weeks held out."""
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
    log = PurchaseLog.of(ibis.memtable(table), dt.date(1998, 6, 30), purchase="any")
    return hold_out(log, dt.date(1997, 9, 30), 273, ["bg_nbd", "pareto_nbd"])


def test_cdnow_totals_are_those_of_fader_hardie_lee_2005(cdnow):
    assert len(cdnow.histories) == 2357 and cdnow.actual["purchases"].sum() == 1882
    assert cdnow.purchases.sum().to_dict() == pytest.approx({"bg_nbd": 1653.4, "pareto_nbd": 1665.5}, abs=0.1)
    for name, printed in (("bg_nbd", 0.626), ("pareto_nbd", 0.630)):
        found = score(cdnow.forecast(name), cdnow.actual)
        assert found["correlation_purchases"] == pytest.approx(printed, abs=6e-4)
        assert -0.13 < found["error_purchases"] < -0.11
    between = np.corrcoef(cdnow.purchases["bg_nbd"], cdnow.purchases["pareto_nbd"])[0, 1]
    assert between == pytest.approx(0.996, abs=6e-4)


def test_cdnow_conditional_expectations_are_those_of_fader_hardie_lee_2005(cdnow):
    found = by_repeats(cdnow.histories, cdnow.purchases, cdnow.actual["purchases"])
    assert found.loc["0", "customers"] == 1411
    assert found.loc["0", ["actual", "bg_nbd", "pareto_nbd"]].to_list() == pytest.approx(
        [0.237, 0.225, 0.138], abs=6e-4
    )
    three = found.loc["3"]
    assert three["customers"] == 100 and three["actual"] == 1.56
    assert [three["bg_nbd"], three["pareto_nbd"]] == pytest.approx([1.52, 1.714], abs=6e-3)


def test_cdnow_intervals_hold_nearly_all_customers(cdnow):
    assert cdnow.coverage()["coverage"].between(0.92, 0.98).all()
