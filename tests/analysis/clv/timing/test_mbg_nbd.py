"""Predictions of MBG/NBD, against the published formulas."""

import itertools

import numpy as np
import pandas as pd
import pytest

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
        model = MBGNBD().with_params(params)
        found = [
            model.predict_alive(base),
            model.predict_active(base, 52.0),
            model.predict_orders(base, 52.0),
        ]
        for number, history in enumerate(HISTORIES):
            expected = (
                exact.mbg.alive(params, *history),
                exact.mbg.active(params, *history, 52.0),
                exact.mbg.ahead(params, *history, 52.0),
            )
            assert [f[number] for f in found] == pytest.approx(
                [float(e) for e in expected], rel=1e-9, abs=1e-250
            )


@pytest.mark.parametrize("rates", RATES, ids=str)
@pytest.mark.parametrize("time", [0.5, 52.0, 3000.0])
def test_expected_orders_of_a_new_customer_are_the_published_ones(exact, rates, time):
    for leaving in LEAVING:
        params = [*rates, *leaving]
        found = float(MBGNBD().with_params(params).expected_orders(time))
        assert found == pytest.approx(float(exact.mbg.expected(params, time)), rel=1e-9)


def test_customers_without_a_repeat_are_less_and_less_likely_to_be_active():
    base = pd.DataFrame({"x": 0, "t_x": 0.0, "T": np.linspace(0, 300, 50)})
    alive = MBGNBD().with_params([0.525, 6.183, 0.891, 1.614]).predict_alive(base)
    assert (alive.diff().dropna() < 0).all()


def test_just_after_the_first_purchase_the_chance_to_have_left_is_the_mean_one():
    base = pd.DataFrame({"x": [0], "t_x": [0.0], "T": [0.0]})
    assert MBGNBD().with_params([0.5, 6.0, 0.9, 1.6]).predict_alive(base)[0] == pytest.approx(1.6 / 2.5)


def test_with_the_same_parameters_fewer_are_expected_than_without_a_chance_to_leave_at_first():
    params = [0.5, 6.0, 0.9, 1.6]
    times = np.array([1.0, 10.0, 100.0])
    assert (
        MBGNBD().with_params(params).expected_orders(times)
        < BGNBD().with_params(params).expected_orders(times)
    ).all()
