"""sBG: derivatives, cohorts, an exact reference, known truth, edges, and tables that cannot be."""

import mpmath
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.contracts.sbg import ShiftedBetaGeometric
from crmlib.analysis.clv.contracts.survivors import Survivors
from crmlib.analysis.clv.fitting.estimator import Prior
from crmlib.errors import DataError, ParameterError, TooLittleData

HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]
HARD = [(0.7, 1.2), (0.01, 1000), (1000, 0.01), (1000, 1000), (0.01, 0.01), (30, 0.2)]


def table(counts, cohort=None):
    frame = pd.DataFrame({"period": range(len(counts)), "customers": counts})
    return frame if cohort is None else frame.assign(cohort=cohort)


def stays(params, period):
    alpha, beta = (mpmath.mpf(value) for value in params)
    return mpmath.beta(alpha, beta + period) / mpmath.beta(alpha, beta)


@pytest.fixture(scope="module", autouse=True)
def fifty_digits():
    with mpmath.workdps(50):
        yield


@pytest.mark.parametrize("params", HARD, ids=str)
def test_log_likelihood_and_predictions_agree_with_fifty_digits(params):
    model = ShiftedBetaGeometric().with_params(params)
    left = -np.diff(HIGH_END)
    exact = sum(int(n) * mpmath.log(stays(params, t) - stays(params, t + 1)) for t, n in enumerate(left))
    exact += HIGH_END[-1] * mpmath.log(stays(params, len(left)))
    value = model.curved(Survivors.of(table(HIGH_END)))(np.log(params))[0]
    assert value == pytest.approx(float(exact), rel=1e-9)
    periods = [0, 1, 12, 500]
    np.testing.assert_allclose(model.survival(periods), [float(stays(params, t)) for t in periods], rtol=1e-9)
    retention = [float(stays(params, t) / stays(params, t - 1)) for t in (1, 12, 500)]
    np.testing.assert_allclose(model.retention([1, 12, 500]), retention, rtol=1e-9)
    later = [[float(stays(params, n + k) / stays(params, n)) for k in (1, 30)] for n in (0, 9)]
    np.testing.assert_allclose(model.predict_survival([0, 9], [1, 30]), later, rtol=1e-9)
    rate = mpmath.mpf(0.1)
    for tenure in (0, 1, 9):
        terms = [
            stays(params, tenure + k) / stays(params, tenure) * (1 + rate) ** (1 - k) for k in range(1, 400)
        ]
        found = model.discounted_residual_lifetime([tenure], 0.1).iloc[0]
        assert found == pytest.approx(float(sum(terms)), rel=1e-9)
    alpha, beta = (mpmath.mpf(value) for value in params)
    with mpmath.workdps(30):
        prospect = mpmath.hyp2f1(1, beta, alpha + beta, 1 / (1 + rate))
    assert model.discounted_lifetime(0.1) == pytest.approx(float(prospect), rel=1e-9)


@pytest.mark.parametrize("params", HARD, ids=str)
def test_derivatives_equal_differences(params):
    curved = ShiftedBetaGeometric().curved(Survivors.of(table(HIGH_END)))
    logs, step = np.log(params), 1e-5
    _, gradient, hessian = curved(logs)
    either = [(curved(logs + step * unit), curved(logs - step * unit)) for unit in np.eye(2)]
    slopes = [(up[0] - down[0]) / (2 * step) for up, down in either]
    bends = [(up[1] - down[1]) / (2 * step) for up, down in either]
    np.testing.assert_allclose(gradient, slopes, atol=1e-7 * abs(gradient).max())
    np.testing.assert_allclose(hessian, bends, atol=1e-6 * abs(hessian).max())


def test_survival_is_the_product_of_retention_and_starts_at_one():
    model = ShiftedBetaGeometric().fit(table(HIGH_END))
    survival = model.survival(range(13))
    assert survival[0] == 1
    np.testing.assert_allclose(survival[1:], model.retention(range(1, 13)).cumprod(), rtol=1e-12)
    assert model.retention(range(1, 30)).is_monotonic_increasing


def test_value_by_hand():
    """alpha = 1, beta = 1: of those who start, 1 / (t + 1) stay through t renewals."""
    model = ShiftedBetaGeometric().with_params([1, 1])
    by_hand = 1 / 2 + 1 / 3 / 1.25 + 1 / 4 / 1.25**2
    assert model.discounted_residual_lifetime([0], 0.25, horizon=3).iloc[0] == pytest.approx(by_hand)
    assert model.discounted_residual_lifetime([0], 0.25, 3, first_in=1).iloc[0] == pytest.approx(
        by_hand / 1.25
    )
    assert model.discounted_lifetime(0.25, horizon=3) == pytest.approx(1 + by_hand / 1.25)
    assert model.expected_renewals([0], horizon=3).iloc[0] == pytest.approx(1 / 2 + 1 / 3 + 1 / 4)
    assert model.expected_renewals([0, 5]).tolist() == [np.inf, np.inf]


def test_renewals_without_end_are_the_limit_of_many():
    model = ShiftedBetaGeometric().with_params([4.0, 6.0])
    np.testing.assert_allclose(
        model.expected_renewals([0, 3]), model.expected_renewals([0, 3], horizon=20_000), rtol=1e-9
    )


def test_customers_keep_their_index():
    tenures = pd.Series([3, 0, 3], index=["A", "B", "C"])
    model = ShiftedBetaGeometric().with_params([0.7, 3.8])
    value = model.discounted_residual_lifetime(tenures, 0.1)
    assert list(value.index) == ["A", "B", "C"]
    assert value["A"] == value["C"] > value["B"]
    assert list(model.predict_survival(tenures, [1, 2]).columns) == [1, 2]
    assert model.expected_renewals([7], 2).index.name == "tenure"


def test_cohorts_of_different_age_are_fitted_together_by_their_sums():
    cohorts = pd.concat([table(HIGH_END, "old"), table([500, 400, 350], "young"), table([80], "new")])
    folded = Survivors.of(cohorts)
    np.testing.assert_array_equal(folded.renewed, [1269, 1093, 653, 593, 551, 517, 491])
    np.testing.assert_array_equal(folded.ended, [231, 176, 90, 60, 42, 34, 26])
    assert folded.customers == 1580
    alone = [Survivors.of(table(counts)) for counts in (HIGH_END, [500, 400, 350])]
    model, logs = ShiftedBetaGeometric(), np.log([0.7, 3.0])
    apart = sum(model.curved(part)(logs)[0] for part in alone)
    assert model.curved(folded)(logs)[0] == pytest.approx(apart, rel=1e-13)
    assert model.fit(cohorts).n_customers_ == 1580


def test_rows_in_another_order_and_cohorts_by_other_names_change_nothing():
    cohorts = pd.concat([table(HIGH_END, 2020), table([500, 400, 350], 2021)], ignore_index=True)
    model = ShiftedBetaGeometric().fit(cohorts)
    mixed = cohorts.sample(frac=1, random_state=5)
    mixed["cohort"] = mixed["cohort"].map({2020: "z", 2021: "a"})
    pd.testing.assert_series_equal(ShiftedBetaGeometric().fit(mixed).params_, model.params_, rtol=1e-12)


def test_twice_the_customers_halve_the_squared_standard_errors():
    once = ShiftedBetaGeometric().fit(table(HIGH_END))
    cohorts = pd.concat([table(HIGH_END, 1), table(HIGH_END, 2)])
    for twice in (table(np.multiply(HIGH_END, 2)), cohorts):
        model = ShiftedBetaGeometric().fit(twice)
        np.testing.assert_allclose(model.params_, once.params_, rtol=1e-6)
        np.testing.assert_allclose(model.standard_errors_**2, once.standard_errors_**2 / 2, rtol=1e-5)


def test_known_truth_is_recovered_from_censored_cohorts():
    survivors, customers = (
        ShiftedBetaGeometric().with_params([0.8, 4.0]).simulate(8_000, [9, 6, 3, 1], np.random.default_rng(6))
    )
    model = ShiftedBetaGeometric().fit(survivors)
    assert not model.maximum_.at_edge
    assert (abs(model.params_ - [0.8, 4.0]) < 4 * model.standard_errors_).all()
    assert customers.groupby("cohort").size().eq(8_000).all()
    made = customers["renewals"].to_numpy().reshape(4, -1)
    for cohort, period, there in survivors.to_numpy():
        assert there == (made[cohort] >= period).sum()


def test_a_strong_prior_wins():
    wanted = np.log([2.0, 5.0])
    model = ShiftedBetaGeometric().fit(table(HIGH_END), Prior(wanted, np.eye(2) * 1e9))
    np.testing.assert_allclose(model.params_, np.exp(wanted), rtol=1e-4)


def test_a_falling_share_of_renewals_runs_to_the_edge_and_says_so():
    model = ShiftedBetaGeometric().fit(table([1000, 950, 850, 700, 500, 250]))
    assert model.maximum_.at_edge == {"beta": "infinity"}
    assert np.isnan(model.standard_errors_["beta"])
    lost = 750 / (1000 + 950 + 850 + 700 + 500)
    assert 1 - model.retention(1).iloc[0] == pytest.approx(lost, rel=1e-6)


@pytest.mark.parametrize(
    ("counts", "part"),
    [
        pytest.param([100], "0 renewals", id="one period"),
        pytest.param([100, 80], "1 renewal ", id="two periods"),
        pytest.param([100, 80, 70], "2 renewals", id="two renewals"),
        pytest.param([100, 0, 0, 0, 0], "1 renewal ", id="all gone at once"),
        pytest.param([100, 100, 100, 100, 100], "none of whom left", id="nobody left"),
    ],
)
def test_too_little_is_refused(counts, part):
    with pytest.raises(TooLittleData, match=part):
        ShiftedBetaGeometric().fit(table(counts))


GOOD = pd.concat([table([90, 80, 70, 60], "2020"), table([50, 40, 35, 30], "2021")], ignore_index=True)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        pytest.param(lambda t: t.drop(columns="period"), "without period", id="no period column"),
        pytest.param(lambda t: t.drop(columns=["period", "customers"]), "period and customers", id="two columns"),
        pytest.param(lambda t: t.iloc[:0], "without rows", id="empty"),
        pytest.param(
            lambda t: t.assign(customers=[90, 80, 85, 60, 50, 40, 35, 30]),
            "85 customers in period 2 of cohort 2020, after 80", id="rising",
        ),
        pytest.param(
            lambda t: t.assign(customers=t["customers"].where(t["customers"] != 35, -35)),
            "customers = -35 in period 2 of cohort 2021", id="negative",
        ),
        pytest.param(
            lambda t: t.assign(customers=t["customers"].where(t["customers"] != 40)),
            "customers = nan in period 1 of cohort 2021", id="missing number",
        ),
        pytest.param(
            lambda t: t.assign(customers=["90", "80", "n/a", "60", "50", "40", "35", "30"]),
            "customers = 'n/a' in period 2 of cohort 2020", id="text",
        ),
        pytest.param(
            lambda t: t.assign(customers=t["customers"].astype(str)),
            "customers = '90' in period 0 of cohort 2020", id="numbers as text",
        ),
        pytest.param(
            lambda t: t.assign(period=t["period"] + 0.5), "period = 0.5 in period 0.5 of cohort 2020", id="half periods"
        ),
        pytest.param(
            lambda t: t.drop(index=4), "no period 0 before period 1 of cohort 2021", id="missing period 0"
        ),
        pytest.param(
            lambda t: t.drop(index=2), "no period 2 before period 3 of cohort 2020", id="gap"
        ),
        pytest.param(
            lambda t: pd.concat([t, t.iloc[[1]]]), "period 1 of cohort 2020 twice", id="period twice"
        ),
        pytest.param(
            lambda t: t.assign(cohort=t["cohort"].where(t.index != 3)), "1 rows without a cohort", id="no cohort"
        ),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_are_refused_with_cohort_and_period(change, part):
    with pytest.raises(DataError, match=part) as caught:
        ShiftedBetaGeometric().fit(change(GOOD))
    assert caught.value.expected and caught.value.remedy


def test_without_cohorts_the_period_alone_is_named():
    with pytest.raises(DataError, match="7 customers in period 3, after 6"):
        ShiftedBetaGeometric().fit(table([9, 8, 6, 7]))


@pytest.mark.parametrize(
    ("call", "part"),
    [
        pytest.param(lambda m: m.survival(-1), "a period of -1", id="negative period"),
        pytest.param(lambda m: m.retention(0), "whole number of 1 or more", id="renewal zero"),
        pytest.param(lambda m: m.predict_survival([0.5], [1]), "a tenure of 0.5", id="half a tenure"),
        pytest.param(lambda m: m.discounted_lifetime(0), "rate = 0", id="no rate, no horizon"),
        pytest.param(lambda m: m.discounted_lifetime(np.nan), "rate = nan", id="rate missing"),
        pytest.param(
            lambda m: m.discounted_residual_lifetime([1], 0.1, first_in=-1), "first_in", id="negative wait"
        ),
    ],
)
def test_parameters_that_cannot_be_are_refused(call, part):
    with pytest.raises(ParameterError, match=part):
        call(ShiftedBetaGeometric().with_params([1, 1]))
