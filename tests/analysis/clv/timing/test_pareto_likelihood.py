"""The likelihood of Pareto/NBD, against the published formula."""

import itertools

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.timing.histories import Histories
from crmlib.analysis.clv.timing.pareto_likelihood import groups, log_likelihood
from crmlib.analysis.clv.timing.pareto_nbd import ParetoNBD

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
SCALES = (
    (0.01, 1000.0),
    (1000.0, 0.01),
    (10.0, 10.0),
    (10.0, 10.00001),
    (50.0, 3.0),
    (3.0, 50.0),
    (1000.0, 999.0),
)
SHAPES = (
    (0.01, 0.01),
    (0.6, 0.999999),
    (0.6, 1.0),
    (0.6, 1.000001),
    (1.0, 30.0),
    (30.0, 0.3),
    (1000.0, 1.0),
    (2.0, 1000.0),
)


def of(histories, params):
    return log_likelihood(np.log(params), histories, groups(histories))


@pytest.mark.parametrize("scales", SCALES, ids=str)
def test_the_likelihood_of_each_customer_is_the_published_one(exact, alone, scales):
    for (r, s), (history, one) in itertools.product(SHAPES, alone(ONE_BY_ONE)):
        params = np.array([r, scales[0], s, scales[1]])
        expected = float(exact.pareto.log_likelihood(params, *history))
        assert of(one, params)[0] == pytest.approx(expected, rel=1e-9, abs=1e-9), (params, history)


@pytest.mark.parametrize(
    "params", [(1e-4, 10.0, 1e-4, 10.0), (1e-6, 10.0, 1e-6, 0.001), (1e-5, 1e4, 1e-7, 3.0)], ids=str
)
def test_rates_of_nearly_nobody_are_no_exception(exact, alone, params):
    for history, one in alone(ONE_BY_ONE):
        expected = float(exact.pareto.log_likelihood(np.array(params), *history))
        assert of(one, params)[0] == pytest.approx(expected, rel=1e-9, abs=1e-9), history


def test_the_likelihood_of_a_base_is_the_sum_over_its_customers(exact):
    params = np.array([0.7, 12.0, 0.9, 40.0])
    base = ParetoNBD().with_params(params).simulate(np.arange(20.0, 220.0), np.random.default_rng(3))
    one = exact.pareto.log_likelihood
    expected = sum(one(params, *history) for history in base[["x", "t_x", "T"]].itertuples(index=False))
    assert of(Histories.of(base), params)[0] == pytest.approx(float(expected), rel=1e-11)


@pytest.mark.parametrize(
    "params",
    [
        (0.6, 5.0, 0.7, 12.0),
        (0.6, 12.0, 1.0, 5.0),
        (0.02, 300.0, 0.03, 0.05),
        (50.0, 40.0, 30.0, 40.0),
        (90.0, 20.0, 0.4, 90.0),
    ],
    ids=str,
)
def test_slopes_and_curvatures_are_those_of_the_published_likelihood(exact, differences, params):
    base = pd.DataFrame(ONE_BY_ONE, columns=["x", "t_x", "T"])
    one = exact.pareto.log_likelihood
    gradient, hessian = differences(lambda p: sum(one(p, *history) for history in ONE_BY_ONE), params)
    _, slope, curvature = of(Histories.of(base), params)
    assert slope == pytest.approx(gradient, rel=1e-8, abs=1e-8)
    assert curvature == pytest.approx(hessian, rel=1e-8, abs=1e-8 * np.abs(hessian).max())
    assert (curvature == curvature.T).all()


@pytest.mark.parametrize("whole", [True, False])
def test_every_customer_is_in_one_group(whole):
    rng = np.random.default_rng(3)
    base = (
        ParetoNBD()
        .with_params([0.9, 8.0, 0.5, 30.0])
        .simulate(rng.integers(30, 60, 30_000).astype(float), rng)
    )
    if whole:
        base["t_x"] = np.ceil(base["t_x"]).clip(upper=base["T"])
    weight = rng.integers(1, 4, len(base)).astype(float)
    h = Histories.of(base, weight)
    rows = groups(h)
    assert sum(block.weight.sum() for block in rows) == pytest.approx(weight.sum())
    assert sum((block.weight * block.shapes[block.of]).sum() for block in rows) == pytest.approx(
        (weight * base["x"]).sum()
    )
    assert sum((block.weight * h.times[block.t_x]).sum() for block in rows) == pytest.approx(
        (weight * base["t_x"]).sum()
    )
    assert sum((block.weight * h.times[block.T]).sum() for block in rows) == pytest.approx(
        (weight * base["T"]).sum()
    )


def test_customers_by_table_and_one_by_one_count_the_same():
    """Whole days fill a table; a hair beside them, every customer stands alone."""
    rng = np.random.default_rng(3)
    base = ParetoNBD().with_params([0.9, 8.0, 0.5, 30.0]).simulate(np.full(3_000, 40.0), rng)
    base["t_x"] = np.ceil(base["t_x"]).clip(upper=base["T"])
    beside = base.assign(T=base["T"] + rng.random(len(base)) * 1e-9)
    tables, alone = (groups(Histories.of(b)) for b in (base, beside))
    assert any(block.table for block in tables) and not all(block.table for block in alone)
    for one, other in zip(
        of(Histories.of(base), (0.8, 9.0, 0.6, 20.0)),
        of(Histories.of(beside), (0.8, 9.0, 0.6, 20.0)),
        strict=True,
    ):
        assert one == pytest.approx(other, rel=1e-7, abs=1e-4)


def test_far_more_customers_than_a_block_holds_count_the_same():
    rng = np.random.default_rng(3)
    base = ParetoNBD().with_params([0.9, 8.0, 0.5, 30.0]).simulate(np.full(40_000, 60.0), rng)
    base["t_x"] = np.ceil(base["t_x"]).clip(upper=base["T"])
    params = (0.8, 9.0, 0.6, 20.0)
    whole = of(Histories.of(base), params)
    parts = [of(Histories.of(half), params) for half in (base[:23_001], base[23_001:])]
    for together, one, other in zip(whole, *parts, strict=True):
        assert together == pytest.approx(one + other, rel=1e-9)


@pytest.mark.parametrize("corner", list(itertools.product((1e-7, 1e7), repeat=4)), ids=str)
def test_in_every_corner_of_the_search_all_is_finite(corner):
    base = pd.DataFrame(ONE_BY_ONE, columns=["x", "t_x", "T"])
    for part in of(Histories.of(base), corner):
        assert np.isfinite(part).all()
