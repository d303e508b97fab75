"""Predictions of BG/NBD, against the published formulas."""

import itertools

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.timing.bg_nbd import BGNBD
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD

HISTORIES = (
    (0, 0.0, 1.0),
    (0, 0.0, 900.0),
    (1, 1.0, 1.0),
    (2, 30.43, 38.86),
    (40, 364.0, 365.0),
    (300, 10.0, 1000.0),
    (1500, 1000.0, 1000.0),
)
RATES = ((0.01, 1000.0), (0.6, 5.0), (50.0, 0.01), (1000.0, 1000.0))
LEAVING = tuple(itertools.product((0.01, 0.999999, 1.0, 1.000001, 1000.0), (0.01, 2.5, 1000.0)))


@pytest.mark.parametrize("rates", RATES, ids=str)
def test_predictions_are_the_published_ones(exact, rates):
    base = pd.DataFrame(HISTORIES, columns=["x", "t_x", "T"])
    for leaving in LEAVING:
        params = [*rates, *leaving]
        model = BGNBD().with_params(params)
        found = [
            model.predict_alive(base),
            model.predict_active(base, 52.0),
            model.predict_orders(base, 52.0),
        ]
        for number, history in enumerate(HISTORIES):
            expected = (
                exact.bg.alive(params, *history),
                exact.bg.active(params, *history, 52.0),
                exact.bg.ahead(params, *history, 52.0),
            )
            assert [f[number] for f in found] == pytest.approx(
                [float(e) for e in expected], rel=1e-9, abs=1e-250
            )


@pytest.mark.parametrize("rates", RATES, ids=str)
@pytest.mark.parametrize("time", [0.5, 52.0, 3000.0])
def test_expected_orders_of_a_new_customer_are_the_published_ones(exact, rates, time):
    for leaving in LEAVING:
        params = [*rates, *leaving]
        found = float(BGNBD().with_params(params).expected_orders(time))
        assert found == pytest.approx(float(exact.bg.expected(params, time)), rel=1e-9)


def test_customers_without_a_repeat_are_active_for_certain_as_documented():
    base = pd.DataFrame({"x": 0, "t_x": 0.0, "T": [0.0, 1.0, 100.0, 1e6]})
    assert (BGNBD().with_params([0.243, 4.414, 0.793, 2.426]).predict_alive(base) == 1).all()
    assert "`predict_alive` is 1" in " ".join(BGNBD.__doc__.split())


def test_after_a_repeat_the_chance_to_be_active_falls_with_silence():
    base = pd.DataFrame({"x": 3, "t_x": 20.0, "T": np.linspace(20, 300, 50)})
    alive = BGNBD().with_params([0.243, 4.414, 0.793, 2.426]).predict_alive(base)
    assert (alive.diff().dropna() < 0).all() and alive.iloc[0] < 1


def test_the_more_they_bought_the_more_a_silence_means():
    base = pd.DataFrame({"x": [2, 8, 30], "t_x": 100.0, "T": 150.0})
    alive = BGNBD().with_params([0.243, 4.414, 0.793, 2.426]).predict_alive(base)
    assert alive[2] < alive[1] and alive[2] < 0.1


@pytest.mark.parametrize("model", [BGNBD, MBGNBD])
@pytest.mark.parametrize("whole", [True, False], ids=["whole days", "other times"])
@pytest.mark.parametrize(
    "params", [(0.243, 31.0, 0.793, 2.426), (5.0, 40.0, 9.0, 12.0), (0.7, 900.0, 0.02, 0.1)]
)
def test_many_customers_are_predicted_as_a_few_are(model, whole, params):
    """With many times the predictions are interpolated between times; with a few they are not."""
    rng = np.random.default_rng(4)
    base = model().with_params(params).simulate(rng.integers(60, 700, 4_000).astype(float), rng)
    base["t_x"] = np.ceil(base["t_x"]).clip(upper=base["T"])
    if not whole:
        base["T"] += rng.random(len(base))
    fitted = model().with_params(params)
    few = base.iloc[::200]
    schedule = Schedule.until(1_000.0, annual_rate=0.1)
    for predict in (
        fitted.predict_alive,
        lambda own: fitted.predict_orders(own, 364.0),
        lambda own: fitted.discounted_orders(own, schedule),
    ):
        alone = pd.concat([predict(few.iloc[[k]]) for k in range(len(few))])
        assert predict(base).iloc[::200].to_numpy() == pytest.approx(alone.to_numpy(), rel=1e-10)


def test_discounted_orders_are_the_sum_over_the_periods():
    params = (0.243, 31.0, 0.793, 2.426)
    base = BGNBD().with_params(params).simulate(np.arange(60.0, 700.0), np.random.default_rng(4))
    schedule = Schedule.until(730.0, annual_rate=0.1, timing="end")
    model = BGNBD().with_params(params)
    totals = model.predict_orders(base, schedule.ends)
    expected = np.diff(totals.to_numpy(), axis=1, prepend=0.0) @ schedule.factors
    assert model.discounted_orders(base, schedule).to_numpy() == pytest.approx(expected, rel=1e-10)


def test_orders_within_no_time_are_none_among_other_horizons():
    base = pd.DataFrame({"x": [2, 0], "t_x": [30.0, 0.0], "T": [40.0, 9.0]})
    found = BGNBD().with_params([0.243, 31.0, 0.793, 2.426]).predict_orders(base, [0.0, 30.0])
    assert (found[0.0] == 0).all() and (found[30.0] > 0).all()
