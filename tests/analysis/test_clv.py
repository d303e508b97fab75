"""What all lifetime-value models have in common: one interface, one behaviour.

Each model and each tool has tests of its own in the folder ``clv`` beside this module.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.timing.bg_nbd import BGNBD
from crmlib.analysis.clv.timing.mbg_cnbd import MBGCNBD
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.clv.timing.pareto_nbd import ParetoNBD
from crmlib.errors import DataError, ParameterError, TooLittleData

MODELS = [BGNBD(), MBGNBD(), ParetoNBD(), MBGCNBD(k=1), MBGCNBD(k=2)]
TRUTH = {"ParetoNBD": [0.8, 40.0, 0.9, 300.0]}


@pytest.fixture(params=MODELS, ids=lambda model: f"{type(model).__name__}{getattr(model, 'k', '')}")
def model(request):
    return request.param


@pytest.fixture
def truth(model):
    return model.with_params(TRUTH.get(type(model).__name__, [0.8, 40.0, 0.7, 2.5]))


@pytest.fixture
def customers(truth):
    rng = np.random.default_rng(5)
    drawn = truth.simulate(rng.integers(60, 700, 1_500).astype(float), rng)
    return drawn.set_axis([f"C{i:04d}" for i in range(len(drawn))])


def test_a_fit_tells_all_there_is_to_know(model, customers, truth):
    fitted = clone(model).fit(customers)
    assert list(fitted.params_.index) == list(fitted.standard_errors_.index) == list(fitted.names)
    assert fitted.covariance_.index.equals(fitted.covariance_.columns)
    assert np.sqrt(np.diag(fitted.covariance_)) == pytest.approx(fitted.standard_errors_)
    assert fitted.maximum_.gain_left < 1e-6
    away = (np.log(fitted.params_) - np.log(truth.params_)) * fitted.params_ / fitted.standard_errors_
    assert away.abs().max() < 4.5


def test_the_frame_that_is_given_stays_as_it_is(model, customers):
    before = customers.copy(deep=True)
    clone(model).fit(customers).predict_orders(customers, 100.0)
    pd.testing.assert_frame_equal(customers, before)


def test_predictions_keep_the_customers_and_their_order(truth, customers):
    shuffled = customers.sample(frac=1, random_state=1)
    for predict in (
        truth.predict_alive,
        lambda frame: truth.predict_active(frame, 90.0),
        lambda frame: truth.predict_orders(frame, 90.0),
        lambda frame: truth.discounted_orders(frame, Schedule.until(365.25, 0.1)),
    ):
        found = predict(customers)
        assert found.index.equals(customers.index)
        pd.testing.assert_series_equal(predict(shuffled).reindex(customers.index), found)


def test_chances_are_chances_and_more_time_brings_more(truth, customers):
    alive, active = truth.predict_alive(customers), truth.predict_active(customers, 200.0)
    assert alive.between(0, 1).all() and active.between(0, 1).all()
    assert (active <= alive + 1e-12).all()
    orders = truth.predict_orders(customers, [0.0, 50.0, 100.0, 1_000.0])
    assert (orders[0.0] == 0).all()
    assert (orders.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert (truth.predict_orders(customers, 100.0) >= truth.predict_active(customers, 100.0) - 1e-9).all()


def test_without_a_discount_all_purchases_count_in_full(truth, customers):
    whole = truth.discounted_orders(customers, Schedule.until(500.0, annual_rate=0.0))
    assert whole.to_numpy() == pytest.approx(truth.predict_orders(customers, 500.0).to_numpy())
    half = truth.discounted_orders(customers, Schedule.until(500.0, annual_rate=0.3))
    assert (half < whole).all()


def test_a_drawn_future_is_what_is_expected_on_average(truth, customers):
    rng = np.random.default_rng(8)
    draws = np.stack([truth.draw_futures(customers, [100.0, 300.0], rng).sum(axis=0) for _ in range(60)])
    expected = truth.predict_orders(customers, [100.0, 300.0]).sum().to_numpy()
    error = draws.cumsum(axis=1).std(axis=0) / np.sqrt(60)
    assert (np.abs(draws.cumsum(axis=1).mean(axis=0) - expected) < 4.5 * error).all()


def test_new_customers_buy_as_simulated_ones_do(truth):
    rng = np.random.default_rng(9)
    simulated = truth.simulate(np.full(40_000, 200.0), rng)["x"]
    error = simulated.std() / 200
    assert abs(float(truth.expected_orders(200.0)) - simulated.mean()) < 4.5 * error


def test_a_model_must_be_fitted_first(model, customers):
    with pytest.raises(NotFittedError):
        clone(model).predict_alive(customers)


def test_what_cannot_be_is_refused(model, truth, customers):
    log_itts = {"log_itts": 0.0}  # read by one of the models only
    with pytest.raises(DataError, match=r"t_x above T.*C0000"):
        clone(model).fit(customers.assign(t_x=customers["T"] + 1, **log_itts))
    with pytest.raises(TooLittleData, match="bought again"):
        clone(model).fit(customers.assign(x=0, t_x=0.0, **log_itts))
    with pytest.raises(ParameterError, match="horizon"):
        truth.predict_orders(customers, -1.0)
