"""Beta-discrete-Weibull: derivatives, an exact reference, the test of c = 1, known truth, edges."""

import mpmath
import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from crmlib.analysis.clv.contracts.beta_discrete_weibull import BetaDiscreteWeibull
from crmlib.analysis.clv.contracts.contractual import rise
from crmlib.analysis.clv.contracts.sbg import ShiftedBetaGeometric
from crmlib.analysis.clv.contracts.survivors import Survivors
from crmlib.analysis.clv.fitting.estimator import Prior
from crmlib.errors import ParameterError, TooLittleData

HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]
HARD = [
    (0.26, 1.7, 1.6),
    (0.01, 1000, 2.0),
    (1000, 0.01, 1.0),
    (1000, 1000, 0.4),
    (0.01, 0.01, 0.05),
    (30, 0.2, 6.0),
]


def table(counts):
    return pd.DataFrame({"period": range(len(counts)), "customers": counts})


def stays(params, period):
    gamma, delta, c = (mpmath.mpf(value) for value in params)
    time = mpmath.mpf(period) ** c if period else mpmath.mpf(0)
    return mpmath.beta(gamma, delta + time) / mpmath.beta(gamma, delta)


@pytest.fixture(scope="module", autouse=True)
def many_digits():
    with mpmath.workdps(80):
        yield


@pytest.mark.parametrize("params", HARD, ids=str)
def test_log_likelihood_and_predictions_agree_with_eighty_digits(params):
    model = BetaDiscreteWeibull().with_params(params)
    left = -np.diff(HIGH_END)
    exact = sum(int(n) * mpmath.log(stays(params, t) - stays(params, t + 1)) for t, n in enumerate(left))
    exact += HIGH_END[-1] * mpmath.log(stays(params, len(left)))
    value = model.curved(Survivors.of(table(HIGH_END)))(np.log(params))[0]
    assert value == pytest.approx(float(exact), rel=1e-9)
    np.testing.assert_allclose(model.survival([1, 12]), [float(stays(params, t)) for t in (1, 12)], rtol=1e-9)
    retention = [float(stays(params, t) / stays(params, t - 1)) for t in (1, 12, 400)]
    np.testing.assert_allclose(model.retention([1, 12, 400]), retention, rtol=1e-9)
    rate = mpmath.mpf(0.25)
    for tenure in (0, 5):
        terms = [
            stays(params, tenure + k) / stays(params, tenure) * (1 + rate) ** (1 - k) for k in range(1, 150)
        ]
        found = model.discounted_residual_lifetime([tenure], 0.25).iloc[0]
        assert found == pytest.approx(float(sum(terms)), rel=1e-9)


@pytest.mark.parametrize("params", [*HARD, (1e5, 1e6, 0.3), (0.5, 0.5, 15.0)], ids=str)
def test_derivatives_equal_differences(params):
    curved = BetaDiscreteWeibull().curved(Survivors.of(table(HIGH_END)))
    logs, step = np.log(params), 1e-5
    _, gradient, hessian = curved(logs)
    either = [(curved(logs + step * unit), curved(logs - step * unit)) for unit in np.eye(3)]
    slopes = [(up[0] - down[0]) / (2 * step) for up, down in either]
    bends = [(up[1] - down[1]) / (2 * step) for up, down in either]
    np.testing.assert_allclose(gradient, slopes, atol=1e-7 * abs(gradient).max())
    np.testing.assert_allclose(hessian, bends, atol=2e-6 * abs(hessian).max())


def test_with_c_of_one_it_is_the_shifted_beta_geometric():
    wide, narrow = (
        BetaDiscreteWeibull().with_params([0.7, 3.8, 1.0]),
        ShiftedBetaGeometric().with_params([0.7, 3.8]),
    )
    np.testing.assert_allclose(wide.survival(range(20)), narrow.survival(range(20)), rtol=1e-13)
    folded = Survivors.of(table(HIGH_END))
    wide_value, wide_slopes, wide_bends = wide.curved(folded)(np.log([0.7, 3.8, 1.0]))
    value, slopes, bends = narrow.curved(folded)(np.log([0.7, 3.8]))
    assert wide_value == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(wide_slopes[:2], slopes, rtol=1e-9)
    np.testing.assert_allclose(wide_bends[:2, :2], bends, rtol=1e-9)
    for tenure in (0, 4):
        sums = (
            wide.discounted_residual_lifetime([tenure], 0.02),
            narrow.discounted_residual_lifetime([tenure], 0.02),
        )
        np.testing.assert_allclose(*sums, rtol=1e-11)


def test_the_sum_without_end_leaves_out_less_than_it_says():
    model = BetaDiscreteWeibull().with_params([0.26, 1.7, 0.6])
    found = model.discounted_residual_lifetime([0, 9], 0.03)
    long = model.discounted_residual_lifetime([0, 9], 0.03, horizon=4_000)
    np.testing.assert_allclose(found, long, rtol=2e-12)


def test_time_to_a_power_rises_without_cancelling():
    with mpmath.workdps(40):
        exact = (mpmath.mpf(10**6) + 1) ** mpmath.mpf("0.1") - mpmath.mpf(10**6) ** mpmath.mpf("0.1")
    assert float(rise(1e6, 1.0, 0.1)) == pytest.approx(float(exact), rel=1e-12)


def test_rows_in_another_order_change_nothing():
    cohorts = pd.concat([table(HIGH_END).assign(cohort=1), table([500, 400, 350, 320]).assign(cohort=2)])
    model = BetaDiscreteWeibull().fit(cohorts)
    mixed = BetaDiscreteWeibull().fit(cohorts.sample(frac=1, random_state=5))
    pd.testing.assert_series_equal(mixed.params_, model.params_, rtol=1e-12)


def test_twice_the_customers_halve_the_squared_standard_errors_and_double_the_statistic():
    once, twice = (
        BetaDiscreteWeibull().fit(table(HIGH_END)),
        BetaDiscreteWeibull().fit(table(np.multiply(HIGH_END, 2))),
    )
    np.testing.assert_allclose(twice.params_, once.params_, rtol=1e-5)
    np.testing.assert_allclose(twice.standard_errors_**2, once.standard_errors_**2 / 2, rtol=1e-4)
    assert twice.against_sbg().statistic == pytest.approx(2 * once.against_sbg().statistic, rel=1e-6)


@pytest.mark.parametrize("c", [0.6, 1.5])
def test_known_truth_is_recovered_and_the_simpler_model_rejected(c):
    truth = [0.8, 4.0, c]
    survivors, _ = (
        BetaDiscreteWeibull().with_params(truth).simulate(10_000, [12, 9, 6, 3], np.random.default_rng(3))
    )
    model = BetaDiscreteWeibull().fit(survivors)
    assert not model.maximum_.at_edge
    assert (abs(model.params_ - truth) < 4 * model.standard_errors_).all()
    test = model.against_sbg()
    assert test.degrees == 1 and test.p_value < 1e-6
    assert test.statistic == pytest.approx(2 * (model.log_likelihood_ - model.restricted_.log_likelihood_))


def test_where_the_simpler_model_holds_p_values_are_spread_evenly():
    truth = ShiftedBetaGeometric().with_params([1.5, 5.0])
    rng = np.random.default_rng(10)
    found = [
        BetaDiscreteWeibull().fit(truth.simulate(3_000, 8, rng)[0]).against_sbg().p_value for _ in range(60)
    ]
    assert kstest(found, "uniform").pvalue > 0.001


def test_the_fit_is_never_worse_than_the_simpler_one():
    rng = np.random.default_rng(1)
    for _ in range(10):
        counts = np.sort(rng.integers(1, 400, 7))[::-1]
        model = BetaDiscreteWeibull().fit(table([500, *counts]))
        assert model.log_likelihood_ >= model.restricted_.log_likelihood_ - 1e-6


def test_a_falling_share_of_renewals_needs_c_above_one():
    model = BetaDiscreteWeibull().fit(table([1000, 950, 850, 700, 500, 250]))
    assert model.params_["c"] > 2 and model.maximum_.at_edge.get("delta") == "infinity"
    assert model.against_sbg().p_value < 1e-20
    np.testing.assert_allclose(model.survival(range(6)), [1, 0.95, 0.85, 0.7, 0.5, 0.25], atol=0.05)


@pytest.mark.parametrize("counts", [[100, 80], [100, 80, 70], [100, 80, 70, 65]], ids=len)
def test_as_many_renewals_as_parameters_are_too_few(counts):
    with pytest.raises(TooLittleData, match="4 or more, for a model with 3 parameters"):
        BetaDiscreteWeibull().fit(table(counts))


def test_questions_the_model_cannot_answer_are_refused():
    model = BetaDiscreteWeibull().with_params([0.5, 2.0, 1.2])
    with pytest.raises(ParameterError, match="no horizon"):
        model.expected_renewals([0])
    assert model.expected_renewals([0], 5).iloc[0] == pytest.approx(model.survival(range(1, 6)).sum())
    with pytest.raises(ParameterError, match="given parameters"):
        model.against_sbg()
    with pytest.raises(ParameterError, match=r"takes .* terms"):
        model.discounted_lifetime(1e-7)
    with pytest.raises(ParameterError, match="rate = 0"):
        model.discounted_lifetime(0)
    with_prior = BetaDiscreteWeibull().fit(table(HIGH_END), Prior(np.zeros(3), np.eye(3)))
    with pytest.raises(ParameterError, match="prior"):
        with_prior.against_sbg()


def test_draws_survive_hard_parameters():
    for params in HARD:
        survivors, customers = (
            BetaDiscreteWeibull().with_params(params).simulate(50, [3, 0], np.random.default_rng(0))
        )
        Survivors.of(survivors)
        assert not customers["renewals"].isna().any()
