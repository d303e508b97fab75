"""The likelihood of customers who may leave after each purchase, against the published formula."""

import itertools

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.timing.bg_nbd import BGNBD
from crmlib.analysis.clv.timing.geometric_dropout import log_likelihood, values
from crmlib.analysis.clv.timing.histories import Histories
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD

FIRST = {"bg": 0, "mbg": 1}
RATES = ((0.01, 1000.0), (0.01, 0.01), (0.6, 5.0), (1.0, 1000.0), (50.0, 0.01), (1000.0, 1000.0))
LEAVING = tuple(itertools.product((0.01, 0.999999, 1.0, 1.000001, 30.0, 1000.0), (0.01, 2.5, 1000.0)))
ONE_BY_ONE = (
    (0, 0.0, 1.0),
    (0, 0.0, 900.0),
    (1, 1.0, 1.0),
    (1, 0.5, 700.0),
    (2, 30.43, 38.86),
    (40, 364.0, 365.0),
    (300, 10.0, 1000.0),
    (1500, 1000.0, 1000.0),
)


@pytest.mark.parametrize("model", FIRST)
@pytest.mark.parametrize("rates", RATES, ids=str)
def test_the_likelihood_of_each_customer_is_the_published_one(exact, alone, model, rates):
    for leaving in LEAVING:
        params = np.array([*rates, *leaving])
        for history, one in alone(ONE_BY_ONE):
            found = log_likelihood(np.log(params), one, FIRST[model])[0]
            expected = float(getattr(exact, model).log_likelihood(params, *history))
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-9), (params, history)


@pytest.mark.parametrize("model", FIRST)
def test_the_likelihood_of_a_base_is_the_sum_over_its_customers(exact, model):
    params = np.array([0.7, 12.0, 0.9, 2.2])
    base = MBGNBD().with_params(params).simulate(np.arange(20.0, 320.0), np.random.default_rng(3))
    one = getattr(exact, model).log_likelihood
    expected = sum(one(params, *history) for history in base[["x", "t_x", "T"]].itertuples(index=False))
    assert log_likelihood(np.log(params), Histories.of(base), FIRST[model])[0] == pytest.approx(
        float(expected), rel=1e-12
    )


@pytest.mark.parametrize("model", FIRST)
@pytest.mark.parametrize(
    "params",
    [(0.6, 5.0, 0.8, 2.5), (0.01, 300.0, 1.0, 0.01), (50.0, 0.05, 30.0, 400.0), (900.0, 900.0, 0.01, 1000.0)],
    ids=str,
)
def test_slopes_and_curvatures_are_those_of_the_published_likelihood(exact, differences, model, params):
    base = pd.DataFrame(ONE_BY_ONE, columns=["x", "t_x", "T"])
    one = getattr(exact, model).log_likelihood
    gradient, hessian = differences(lambda p: sum(one(p, *history) for history in ONE_BY_ONE), params)
    _, slope, curvature = log_likelihood(np.log(params), Histories.of(base), FIRST[model])
    assert slope == pytest.approx(gradient, rel=1e-8, abs=1e-8)
    assert curvature == pytest.approx(hessian, rel=1e-8, abs=1e-8 * np.abs(hessian).max())
    assert (curvature == curvature.T).all()


@pytest.mark.parametrize("model", FIRST)
def test_far_more_customers_than_a_block_holds_count_the_same(model):
    base = BGNBD().with_params([0.9, 8.0, 0.5, 3.0]).simulate(np.full(40_000, 60.0), np.random.default_rng(3))
    halves = [Histories.of(half) for half in (base[:23_001], base[23_001:])]
    logs = np.log([0.8, 9.0, 0.6, 2.0])
    whole = log_likelihood(logs, Histories.of(base), FIRST[model])
    parts = [log_likelihood(logs, half, FIRST[model]) for half in halves]
    for together, one, other in zip(whole, *parts, strict=True):
        assert together == pytest.approx(one + other, rel=1e-10)


@pytest.mark.parametrize("model", FIRST)
@pytest.mark.parametrize("corner", list(itertools.product((1e-7, 1e7), repeat=4)), ids=str)
def test_in_every_corner_of_the_search_all_is_finite(model, corner):
    base = pd.DataFrame(ONE_BY_ONE, columns=["x", "t_x", "T"])
    for part in log_likelihood(np.log(corner), Histories.of(base), FIRST[model]):
        assert np.isfinite(part).all()


@pytest.mark.parametrize("model", FIRST)
@pytest.mark.parametrize("weighted", [False, True])
def test_many_points_at_once_have_the_values_of_one_by_one(model, weighted):
    rng = np.random.default_rng(3)
    base = BGNBD().with_params([0.9, 8.0, 0.5, 3.0]).simulate(np.full(1_500, 60.0), rng)
    histories = Histories.of(base, rng.integers(0, 4, len(base)).astype(float) if weighted else None)
    points = rng.normal(0, 2.0, (150, 4))
    expected = [log_likelihood(point, histories, FIRST[model])[0] for point in points]
    assert values(points, histories, FIRST[model]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("model", FIRST)
def test_weights_of_one_change_nothing(model):
    base = BGNBD().with_params([0.9, 8.0, 0.5, 3.0]).simulate(np.full(1_000, 60.0), np.random.default_rng(3))
    plain, weighted = (
        log_likelihood(np.log([0.8, 9.0, 0.6, 2.0]), Histories.of(base, weight), FIRST[model])
        for weight in (None, np.ones(len(base)))
    )
    for one, other in zip(plain, weighted, strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-9)
