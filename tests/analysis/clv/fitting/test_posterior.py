"""Draws of parameters against distributions known exactly, and against a long chain run another way."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.fitting import posterior
from crmlib.analysis.clv.fitting.estimator import Prior
from crmlib.analysis.clv.fitting.maximum import maximise
from crmlib.analysis.clv.fitting.posterior import draw_posterior
from crmlib.analysis.clv.timing.histories import Histories
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.errors import TooLittleData

NONE = Prior(np.zeros(2), np.zeros((2, 2)))
COUNTS, EXPOSURES = np.array([12.0, 40.0]), np.array([3.0, 50.0])


def gammas(logs):
    """Two rates with flat priors on their logarithms: their posteriors are gamma distributions."""
    mean = EXPOSURES * np.exp(logs)
    return float(COUNTS @ logs - mean.sum()), COUNTS - mean, -np.diag(mean)


def many_gammas(points):
    return points @ COUNTS - np.exp(points) @ EXPOSURES


def at_mode(curved, names, start):
    box = np.full(len(names), 12.0)
    return SimpleNamespace(
        names=names, maximum_=maximise(curved, [np.asarray(start, float)], names, -box, box)
    )


@pytest.fixture(scope="module")
def two():
    return at_mode(gammas, ("left", "right"), [0.0, 0.0])


@pytest.fixture
def by_chains(monkeypatch):
    monkeypatch.setattr(posterior, "WORST_TAIL", -np.inf)


def agree(found, means, sds, times=5.0):
    """Means and standard deviations within what so many effective draws allow."""
    size = min(found.effective, len(found.draws))
    away = np.abs(found.draws.mean() - means) / (np.asarray(sds) / np.sqrt(size))
    assert away.max() < times
    np.testing.assert_allclose(found.draws.std() / sds, 1, atol=6 / np.sqrt(2 * size))


def test_rates_have_their_gamma_distribution(two):
    found = draw_posterior(two, gammas, NONE, np.random.default_rng(1), 4_000, values=many_gammas)
    assert found.method == "importance" and np.isnan(found.split)
    assert found.tail < posterior.WORST_TAIL and 600 < found.effective <= 6_000
    assert list(found.draws.columns) == ["left", "right"] and len(found.draws) == 4_000
    agree(found, COUNTS / EXPOSURES, np.sqrt(COUNTS) / EXPOSURES)
    from scipy.stats import gamma

    for name, count, exposure in zip(("left", "right"), COUNTS, EXPOSURES, strict=True):
        row = found.summary(0.9).loc[name]
        ends = gamma(count, scale=1 / exposure).ppf([0.05, 0.95])
        np.testing.assert_allclose(row[["low", "high"]].to_numpy(float), ends, rtol=0.06)


def test_chains_have_it_too(two, by_chains):
    found = draw_posterior(two, gammas, NONE, np.random.default_rng(2), 8_000, values=many_gammas)
    assert found.method == "chains" and found.split < 1.05 and found.effective > 100
    assert np.isfinite(found.tail)
    agree(found, COUNTS / EXPOSURES, np.sqrt(COUNTS) / EXPOSURES)
    assert abs(np.corrcoef(found.draws.T)[0, 1]) < 0.12


def test_without_a_fast_likelihood_the_draws_are_the_same(two):
    fast, slow = (
        draw_posterior(two, gammas, NONE, np.random.default_rng(3), 200, 1_500, values=values).draws
        for values in (many_gammas, None)
    )
    pd.testing.assert_frame_equal(fast, slow, rtol=1e-9)


def test_a_prior_counts(two):
    """Precise enough, it leaves the data no say; the mode is that of both together."""
    prior = Prior(np.log([7.0, 2.0]), np.eye(2) * 1e6)
    model = at_mode(prior.added_to(gammas), ("left", "right"), [0.0, 0.0])
    found = draw_posterior(model, gammas, prior, np.random.default_rng(4), 2_000, values=many_gammas)
    np.testing.assert_allclose(found.draws.mean(), [7.0, 2.0], rtol=1e-3)
    np.testing.assert_allclose(found.draws.std(), [7e-3, 2e-3], rtol=0.1)


def banana(logs):
    """A bent ridge far from normal: right is near left squared."""
    a, b = logs
    bent = b - a * a
    value = -0.5 * (a / 1.5) ** 2 - 0.5 * (bent / 0.15) ** 2
    slope = bent / 0.15**2
    gradient = np.array([-a / 1.5**2 + 2 * a * slope, -slope])
    hessian = np.array(
        [[-1 / 1.5**2 + 2 * slope - 4 * a * a / 0.15**2, 2 * a / 0.15**2], [2 * a / 0.15**2, -1 / 0.15**2]]
    )
    return float(value), gradient, hessian


def test_a_bent_ridge_is_not_taken_for_a_normal_one():
    """Importance sampling from a normal fails there, and knows; the spread is that of the ridge anyway."""
    model = at_mode(banana, ("left", "right"), [0.3, 0.3])
    points = lambda p: -0.5 * (p[:, 0] / 1.5) ** 2 - 0.5 * ((p[:, 1] - p[:, 0] ** 2) / 0.15) ** 2  # noqa: E731
    try:
        found = draw_posterior(model, banana, NONE, np.random.default_rng(5), 2_000, values=points)
    except TooLittleData:
        return
    logs = np.log(found.draws)
    assert logs["left"].std() == pytest.approx(1.5, rel=0.2)
    assert logs["right"].mean() == pytest.approx(2.25, rel=0.3)


# A small base of customers.


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(6)
    customers = (
        MBGNBD().with_params([1.3, 80.0, 0.5, 3.0]).simulate(rng.integers(100, 700, 150).astype(float), rng)
    )
    customers["t_x"] = np.ceil(customers["t_x"])
    histories = Histories.of(customers)
    prior = Prior(np.log([1.0, 100.0, 0.5, 2.0]), np.eye(4))
    return MBGNBD().fit_histories(histories, prior), histories, prior


@pytest.fixture(scope="module")
def long_chain(small):
    """Means and standard deviations of the logarithms: a plain random walk of many walkers, run long."""
    model, histories, prior = small
    values = model.values(histories)
    rng = np.random.default_rng(7)

    def density(points):
        away = points - prior.mean
        return values(points) - 0.5 * (away**2).sum(axis=1)

    walkers = model.maximum_.logs + 0.3 * rng.standard_normal((120, 4))
    now = density(walkers)
    kept = []
    for turn in range(1_500):
        # The step between two other walkers is scaled like the distribution itself (ter Braak 2006).
        one, two = rng.permutation(120), rng.permutation(120)
        trial = walkers + 0.7 * (walkers[one] - walkers[two]) + 1e-3 * rng.standard_normal(walkers.shape)
        there = density(trial)
        taken = (np.log(rng.random(120)) < there - now) & (rng.random(120) < 0.5)
        walkers, now = np.where(taken[:, None], trial, walkers), np.where(taken, there, now)
        if turn >= 500:
            kept.append(walkers)
    logs = np.concatenate(kept)
    return logs.mean(axis=0), logs.std(axis=0)


def test_importance_draws_are_those_of_a_long_chain(small, long_chain):
    model, histories, prior = small
    found = draw_posterior(
        model, model.curved(histories), prior, np.random.default_rng(8), 4_000, values=model.values(histories)
    )
    assert found.method == "importance"
    logs, (means, sds) = np.log(found.draws), long_chain
    assert (np.abs(logs.mean() - means) < 0.12 * sds).all()
    np.testing.assert_allclose(logs.std() / sds, 1, atol=0.12)


def test_chains_are_those_of_a_long_chain(small, long_chain, by_chains):
    model, histories, prior = small
    found = draw_posterior(
        model, model.curved(histories), prior, np.random.default_rng(9), 8_000, values=model.values(histories)
    )
    assert found.method == "chains" and found.split < 1.05 and found.effective >= 100
    logs, (means, sds) = np.log(found.draws), long_chain
    reach = 5 / np.sqrt(found.effective)
    assert (np.abs(logs.mean() - means) < reach * sds).all()
    np.testing.assert_allclose(logs.std() / sds, 1, atol=reach)


def test_a_grid_says_the_same():
    """With two of the four parameters held by the prior, the posterior of the other two fits on a grid."""
    rng = np.random.default_rng(10)
    customers = MBGNBD().with_params([1.3, 80.0, 0.5, 3.0]).simulate(np.full(80, 400.0), rng)
    histories = Histories.of(customers.assign(t_x=np.ceil(customers["t_x"])))
    prior = Prior(np.log([1.3, 80.0, 0.5, 3.0]), np.diag([1.0, 1.0, 1e8, 1e8]))
    model = MBGNBD().fit_histories(histories, prior)
    found = draw_posterior(
        model,
        model.curved(histories),
        prior,
        np.random.default_rng(11),
        4_000,
        values=model.values(histories),
    )
    side = np.linspace(-3, 3, 121)
    grid = np.stack([g.ravel() for g in np.meshgrid(side, side)], axis=1)
    points = np.column_stack([prior.mean[:2] + grid, np.tile(prior.mean[2:], (len(grid), 1))])
    weight = model.values(histories)(points) - 0.5 * (grid**2).sum(axis=1)
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()
    means = weight @ points[:, :2]
    sds = np.sqrt(weight @ (points[:, :2] - means) ** 2)
    logs = np.log(found.draws)[["r", "alpha"]]
    assert (np.abs(logs.mean() - means) < 0.1 * sds).all()
    np.testing.assert_allclose(logs.std() / sds, 1, atol=0.1)


def test_a_seed_gives_the_same_twice_and_another_does_not(small):
    model, histories, prior = small
    one, two, three = (
        draw_posterior(
            model,
            model.curved(histories),
            prior,
            np.random.default_rng(seed),
            300,
            1_000,
            model.values(histories),
        ).draws
        for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, two)
    assert not np.allclose(one, three)
    assert list(one.columns) == list(MBGNBD.names) and (one > 0).all().all()


def test_the_summary_reads_the_draws(two):
    found = draw_posterior(two, gammas, NONE, np.random.default_rng(12), 500, values=many_gammas)
    rows = found.summary(0.8)
    np.testing.assert_allclose(rows["mean"], found.draws.mean())
    np.testing.assert_allclose(rows["sd"], found.draws.std())
    assert ((found.draws < rows["low"]).mean() - 0.1).abs().max() < 0.01
    assert (rows["low"] < rows["mean"]).all() and (rows["mean"] < rows["high"]).all()


def test_more_draws_than_were_tried_and_few_draws_are_both_had(two):
    for number in (1, 7, 5_000):
        assert (
            len(draw_posterior(two, gammas, NONE, np.random.default_rng(1), number, 2_000, many_gammas).draws)
            == number
        )


def test_a_likelihood_that_says_nothing_is_refused(monkeypatch):
    """Flat, without a prior: no draws can settle."""

    def flat(logs):
        return 0.0, np.zeros(2), np.zeros((2, 2))

    monkeypatch.setattr(posterior, "_WARM_UP", 300)
    model = SimpleNamespace(
        names=("left", "right"), maximum_=SimpleNamespace(logs=np.zeros(2), hessian=np.zeros((2, 2)))
    )
    with pytest.raises(TooLittleData, match="do not settle"):
        draw_posterior(
            model, flat, NONE, np.random.default_rng(13), 500, values=lambda points: np.zeros(len(points))
        )


def test_places_where_the_likelihood_breaks_down_are_not_drawn(two):
    def broken(points):
        value = many_gammas(points)
        return np.where(points[:, 0] > np.log(4.0), np.nan, value)

    found = draw_posterior(two, gammas, NONE, np.random.default_rng(14), 2_000, values=broken)
    assert (found.draws["left"] <= 4.0).all()
    assert found.draws["right"].mean() == pytest.approx(0.8, rel=0.05)
