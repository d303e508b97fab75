"""Maxima of functions whose maximum is known, and what is said when there is none."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.fitting.estimator import Prior
from crmlib.analysis.clv.fitting.maximum import NotConverged, maximise
from crmlib.analysis.clv.timing.bg_nbd import BGNBD

WIDE = 16.0


def quadratic(top, curvature):
    """A hill with a known top."""
    top, curvature = np.asarray(top, float), np.asarray(curvature, float)

    def curved(logs):
        away = logs - top
        return -0.5 * away @ curvature @ away, -curvature @ away, -curvature

    return curved


def found(curved, starts, n=2, wide=WIDE, **options):
    names = tuple("abcdef"[:n])
    return maximise(
        curved, [np.asarray(s, float) for s in starts], names, -np.full(n, wide), np.full(n, wide), **options
    )


def gamma_likelihood(values):
    """Log-likelihood of an exponential rate: its maximum is one over the mean."""
    total, n = values.sum(), len(values)

    def curved(logs):
        rate = np.exp(logs[0])
        return n * logs[0] - rate * total, np.array([n - rate * total]), np.array([[-rate * total]])

    return curved


def banana(logs):
    """A curved, narrow valley turned upside down (Rosenbrock): the top is at (1, 1)."""
    x, y = logs
    value = -(100 * (y - x**2) ** 2 + (1 - x) ** 2)
    gradient = np.array([400 * x * (y - x**2) + 2 * (1 - x), -200 * (y - x**2)])
    hessian = np.array([[400 * (y - 3 * x**2) - 2, 400 * x], [400 * x, -200.0]])
    return value, gradient, hessian


def saddle(logs):
    """Two tops at (±1, 0), and a saddle at (0, 0)."""
    x, y = logs
    return (
        0.5 * x**2 - 0.25 * x**4 - 0.5 * y**2,
        np.array([x - x**3, -y]),
        np.array([[1 - 3 * x**2, 0.0], [0.0, -1.0]]),
    )


def rising(logs):
    """Rises for ever in the first, with a top in the second."""
    x, y = logs
    return (
        -np.exp(-x) - 0.5 * (y - 1) ** 2,
        np.array([np.exp(-x), 1 - y]),
        np.array([[-np.exp(-x), 0.0], [0.0, -1.0]]),
    )


@pytest.mark.parametrize("start", [(0, 0), (-9, 9), (15, 15), (3.0, -2.0)])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e5])
def test_the_top_of_a_quadratic_is_found_from_anywhere(start, scale):
    curvature = scale * np.array([[2.0, 0.9], [0.9, 1.0]])
    best = found(quadratic([3.0, -2.0], curvature), [start])
    assert best.logs == pytest.approx([3.0, -2.0], abs=1e-3)
    assert abs(best.value) <= 1e-8 and best.gain_left <= 1e-8
    assert best.covariance() == pytest.approx(np.linalg.inv(curvature))
    assert best.at_edge == {}


def test_the_rate_of_an_exponential_is_one_over_the_mean():
    values = np.array([0.5, 2.0, 3.5, 6.0])
    best = found(gamma_likelihood(values), [[0.0]], 1)
    assert np.exp(best.logs[0]) == pytest.approx(1 / 3, rel=1e-4)
    assert best.value == pytest.approx(4 * np.log(1 / 3) - 4)
    assert best.covariance()[0, 0] == pytest.approx(1 / 4, rel=1e-4)


@pytest.mark.parametrize("start", [(-1.2, 1.0), (0.0, 0.0), (-3.0, -4.0), (5.0, 5.0)])
def test_the_end_of_a_curved_ridge_is_reached(start):
    best = found(banana, [start])
    assert best.logs == pytest.approx([1.0, 1.0], abs=1e-4)
    assert best.value == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("start", [(1e-6, 0.0), (-1e-9, 2.0), (0.0, 0.0), (0.0, 3.0)])
def test_a_saddle_is_no_maximum_even_where_the_search_starts_on_it(start):
    best = found(saddle, [start])
    assert abs(best.logs[0]) == pytest.approx(1.0, abs=1e-4)
    assert best.logs[1] == pytest.approx(0.0, abs=1e-4)
    assert best.value == pytest.approx(0.25)


def test_of_several_tops_the_highest_counts():
    def two(logs):
        value, gradient, hessian = saddle(logs)
        return value + 0.1 * logs[0], gradient + np.array([0.1, 0.0]), hessian

    best = found(two, [(-1.0, 0.0), (1.0, 0.0)])
    assert best.logs[0] > 1
    assert found(two, [(1.0, 0.0), (-1.0, 0.0)]).value == best.value


@pytest.mark.parametrize(("sign", "edge"), [(1, "infinity"), (-1, "0")])
def test_what_keeps_rising_ends_at_the_edge_and_is_told(sign, edge):
    def curved(logs):
        value, gradient, hessian = rising(logs * [sign, 1])
        return value, gradient * [sign, 1], hessian

    best = found(curved, [(0.0, 0.0)])
    assert best.at_edge == {"a": edge}
    assert best.logs[0] == sign * WIDE
    assert best.logs[1] == pytest.approx(1.0, abs=1e-4)


def test_beyond_an_edge_the_others_still_go_to_their_own_top():
    """The top lies outside the box; at the edge the best of the other is not its free top."""
    best = found(quadratic([5.0, 0.0], [[1.0, 0.5], [0.5, 1.0]]), [(0.0, 0.0)], wide=2.0)
    assert best.logs == pytest.approx([2.0, 1.5], abs=1e-4)
    assert best.at_edge == {"a": "infinity"}


@pytest.mark.parametrize("start", [(0.0, 0.0), (12.3, 15.1), (15.1, 12.3), (-15.0, 15.0)])
@pytest.mark.parametrize("lift", [0.0, 1e-7, 1e-3])
def test_two_that_run_away_together_keep_their_ratio(start, lift):
    """Flat (or rising) along both together, with a top across: as a and b of customers who are all alike."""

    def curved(logs):
        across, along = logs[0] - logs[1] - 1, logs.sum()
        gradient = -3 * across * np.array([1.0, -1.0]) + lift * (1 + 0.01 * along)
        hessian = -3 * np.array([[1.0, -1.0], [-1.0, 1.0]]) + 0.01 * lift
        return -1.5 * across**2 + lift * (along + 0.005 * along**2), gradient, hessian

    best = found(curved, [start])
    assert best.logs[0] - best.logs[1] == pytest.approx(1.0, abs=1e-3)
    assert abs(best.gain_left) < 1e-8
    assert best.at_edge == {"a": "infinity"} or lift < 1e-3


def test_a_start_at_the_wrong_edge_comes_back_into_the_box():
    best = found(quadratic([1.0, -1.0], np.eye(2)), [(WIDE, -WIDE)])
    assert best.logs == pytest.approx([1.0, -1.0], abs=1e-4)
    assert best.at_edge == {}


def test_a_start_outside_the_box_is_put_on_its_edge():
    best = found(quadratic([1.0, -1.0], np.eye(2)), [(99.0, -99.0)])
    assert best.logs == pytest.approx([1.0, -1.0], abs=1e-4)


def test_at_a_corner_every_parameter_is_told():
    best = found(quadratic([50.0, -50.0], np.eye(2)), [(0.0, 0.0)])
    assert best.at_edge == {"a": "infinity", "b": "0"}
    assert np.isnan(best.covariance()).all()


def test_a_parameter_at_an_edge_has_no_variance_and_the_others_have_theirs_given_it():
    curvature = np.array([[2.0, 0.9, 0.0], [0.9, 1.0, 0.3], [0.0, 0.3, 4.0]])
    best = found(quadratic([0.0, 50.0, 0.0], curvature), [(0.0, 0.0, 0.0)], 3)
    covariance = best.covariance()
    assert best.at_edge == {"b": "infinity"}
    assert np.isnan(covariance[1]).all() and np.isnan(covariance[:, 1]).all()
    assert covariance[np.ix_([0, 2], [0, 2])] == pytest.approx(
        np.linalg.inv(curvature[np.ix_([0, 2], [0, 2])])
    )


def test_on_a_ridge_the_height_is_right_and_no_variance_is_made_up():
    best = found(quadratic([2.0, 0.0], [[1.0, 1.0], [1.0, 1.0]]), [(0.0, 0.0)])
    assert best.value == pytest.approx(0.0, abs=1e-8)
    assert best.logs.sum() == pytest.approx(2.0, abs=1e-4)
    assert np.isnan(best.covariance()).all()


def test_a_function_that_is_never_finite_has_no_maximum():
    with pytest.raises(NotConverged, match="no maximum of the likelihood after 1 evaluations, from 2 starts"):
        found(lambda logs: (np.nan, np.full(2, np.nan), np.full((2, 2), np.nan)), [(0, 0), (1, 1)])


def test_a_start_without_a_value_does_not_stop_the_others():
    hill = quadratic([1.0, 1.0], np.eye(2))

    def curved(logs):
        return hill(logs) if logs[0] > -5 else (np.nan, np.full(2, np.nan), np.full((2, 2), np.nan))

    assert found(curved, [(-9.0, 0.0), (0.0, 0.0)]).logs == pytest.approx([1.0, 1.0], abs=1e-4)


def test_a_step_to_where_there_is_no_value_is_taken_back():
    def curved(logs):
        x = logs[0]
        if x > 2:
            return np.nan, np.array([np.nan]), np.array([[np.nan]])
        return -0.5 * (x - 1.5) ** 4, np.array([-2 * (x - 1.5) ** 3]), np.array([[-6 * (x - 1.5) ** 2]])

    assert found(curved, [[-9.0]], 1).logs[0] == pytest.approx(1.5, abs=0.02)


def test_slopes_that_lie_end_in_no_maximum_instead_of_a_wrong_one():
    def curved(logs):
        return -1.0 - abs(logs[0]), np.array([50.0]), np.array([[-1.0]])

    with pytest.raises(NotConverged) as error:
        found(curved, [[3.0]], 1)
    assert error.value.remedy


def test_rough_climbs_are_finished_on_the_whole_function():
    counted = []
    hill = quadratic([3.0, -2.0], np.eye(2))

    def whole(logs):
        counted.append(logs)
        return hill(logs)

    best = found(whole, [(0, 0), (-9, 9)], rough=[quadratic([2.9, -2.1], np.eye(2))])
    assert best.logs == pytest.approx([3.0, -2.0], abs=1e-4)
    assert best.evaluations == len(counted) <= 4


def counting(curved):
    """The function, and the list of points at which it was asked."""
    asked = []

    def counted(logs):
        asked.append(logs)
        return curved(logs)

    return counted, asked


def test_a_clear_top_of_the_cheapest_function_saves_the_other_starts():
    cheap, first = counting(quadratic([2.0, -2.5], 10 * np.eye(2)))
    middle, second = counting(quadratic([2.9, -2.1], 50 * np.eye(2)))
    whole, third = counting(quadratic([3.0, -2.0], 500 * np.eye(2)))
    best = found(whole, [(0.0, 0.0), (-9.0, 9.0)], rough=[cheap, middle], one_thread=False)
    assert best.logs == pytest.approx([3.0, -2.0], abs=1e-4)
    assert not any((logs == [-9.0, 9.0]).all() for logs in [*first, *second, *third])
    assert third[0] == pytest.approx([2.9, -2.1], abs=0.05)


def tilted(logs):
    """The saddle, a little higher on one side: the better top is beyond the pass for who starts on the other."""
    value, gradient, hessian = saddle(logs)
    return 40 * (value + 0.1 * logs[0]), 40 * (gradient + np.array([0.1, 0.0])), 40 * hessian


@pytest.mark.parametrize(
    "unclear",
    [quadratic([50.0, 0.0], 10 * np.eye(2)), quadratic([0.0, 0.0], 10 * np.diag([1.0, 1e-9])), rising],
    ids=["outside the box", "on a ridge", "at an edge"],
)
def test_without_a_clear_top_all_starts_are_tried_and_the_best_end_counts(unclear):
    middle, asked = counting(tilted)
    best = found(tilted, [(-1.0, 0.0), (1.0, 0.0)], rough=[unclear, middle])
    assert best.logs[0] > 1
    assert all(any((logs == start).all() for logs in asked) for start in ([-1.0, 0.0], [1.0, 0.0]))


def test_a_top_that_is_clear_on_a_part_alone_is_not_believed():
    """The whole function runs off to an edge: all starts are tried on the dearest of the cheaper functions."""
    cheap, asked = counting(quadratic([1.0, 1.0], 10 * np.eye(2)))
    best = found(quadratic([50.0, 1.0], np.eye(2)), [(0.0, 0.0), (-3.0, 2.0)], rough=[cheap])
    assert best.at_edge == {"a": "infinity"}
    assert any((logs == [-3.0, 2.0]).all() for logs in asked)


@pytest.fixture(scope="module")
def base():
    rng = np.random.default_rng(5)
    return BGNBD().with_params([0.6, 30.0, 0.8, 2.5]).simulate(rng.integers(100, 400, 800).astype(float), rng)


def test_a_prior_that_says_nothing_changes_nothing(base):
    plain = BGNBD().fit(base)
    weak = BGNBD().fit(base, prior=Prior(np.zeros(4), np.zeros((4, 4))))
    pd.testing.assert_series_equal(weak.params_, plain.params_, rtol=1e-5)
    assert weak.log_likelihood_ == pytest.approx(plain.log_likelihood_, rel=1e-12)


def test_a_prior_that_is_sure_is_believed(base):
    mean = np.log([0.3, 20.0, 1.0, 1.0])
    sure = BGNBD().fit(base, prior=Prior(mean, 1e9 * np.eye(4)))
    assert np.log(sure.params_).to_numpy() == pytest.approx(mean, abs=1e-3)
    assert (sure.standard_errors_ / sure.params_).to_numpy() == pytest.approx(np.full(4, 1e9**-0.5), rel=0.01)


def test_the_log_likelihood_is_told_without_the_prior(base):
    prior = Prior(np.log([0.3, 20.0, 1.0, 1.0]), 40 * np.eye(4))
    between = BGNBD().fit(base, prior=prior)
    away = np.log(between.params_).to_numpy() - prior.mean
    assert between.maximum_.value == pytest.approx(between.log_likelihood_ - 0.5 * 40 * away @ away)
    assert between.log_likelihood_ < BGNBD().fit(base).log_likelihood_
