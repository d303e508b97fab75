"""Money per order: the likelihood to the last digits, known truth, and what must not change the answer."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import kstest, spearmanr

from crmlib.analysis.clv.fitting.estimator import Prior
from crmlib.analysis.clv.spend.gamma_gamma import GammaGamma
from crmlib.analysis.clv.spend.log_beta import log_beta
from crmlib.analysis.clv.spend.spend_independence import spend_frequency_correlation
from crmlib.analysis.clv.spend.spend_likelihood import Spend
from crmlib.errors import DataError, ParameterError, TooLittleData

mpmath = pytest.importorskip("mpmath")
TRUE = GammaGamma().with_params([6.25, 3.74, 15.44])
EDGES = (1e-2, 0.4, 7.0, 1e3)


def drawn(count, seed=1, model=TRUE, often=0.4):
    rng = np.random.default_rng(seed)
    return model.simulate(rng.geometric(often, count), rng)


@pytest.fixture(scope="module")
def customers():
    return drawn(4000)


@pytest.fixture(scope="module")
def fitted(customers):
    return GammaGamma().fit(customers)


def table(n, money, names=None):
    return pd.DataFrame({"n": n, "money": money}, index=names)


# The likelihood


def exact(p, q, gamma, n, money):
    """Log of the density of the mean and its gradient by the logarithms, in 60 digits."""
    with mpmath.workdps(60):
        p, q, gamma, money = (mpmath.mpf(float(value)) for value in (p, q, gamma, money))
        a, s, ln, psi = p * n, n * money, mpmath.log, mpmath.digamma
        value = mpmath.loggamma(a + q) - mpmath.loggamma(a) - mpmath.loggamma(q)
        value += q * ln(gamma) + (a - 1) * ln(money) + a * ln(n) - (a + q) * ln(gamma + s)
        slopes = (
            a * (psi(a + q) - psi(a) - ln(1 + gamma / s)),
            q * (psi(a + q) - psi(q) - ln(1 + s / gamma)),
            q - (a + q) * gamma / (gamma + s),
        )
        return float(value), [float(slope) for slope in slopes]


@pytest.mark.parametrize("p", EDGES)
@pytest.mark.parametrize("q", EDGES)
def test_value_and_gradient_agree_with_sixty_digits(p, q):
    """For shapes from 0.01 to 1,000 and up to 1,500 orders, alone and together."""
    for gamma, n, money in itertools.product((1e-2, 15.0, 1e3), (1, 3, 1500), (1e-3, 20.0, 1e5)):
        logs = np.log([p, q, gamma])
        value, slopes = exact(*np.exp(logs), n, money)
        one = Spend(
            np.array([n * 1.0]), np.array([n * money]), None, np.array([n * 1.0]), np.ones(1), np.log(money)
        )
        found = one.log_likelihood(logs)
        assert found[0] == pytest.approx(value, rel=1e-12, abs=1e-12)
        assert found[1] == pytest.approx(slopes, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("a", [1e-7, 1e-2, 1.0, 3.3, 30.0, 1e3, 1.5e6])
@pytest.mark.parametrize("b", [1e-7, 0.3, 12.0, 1e3, 1e7])
def test_log_beta_and_its_derivatives_agree_with_fifty_digits(a, b):
    found = log_beta(np.array([a]), b)
    with mpmath.workdps(50):
        a, b = mpmath.mpf(a), mpmath.mpf(b)
        psi = mpmath.psi
        expected = {
            "value": mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b),
            "fall_a": psi(0, a + b) - psi(0, a), "fall_b": psi(0, a + b) - psi(0, b),
            "bend_a": psi(1, a) - psi(1, a + b), "bend_b": psi(1, b) - psi(1, a + b), "cross": psi(1, a + b),
        }  # fmt: skip
        for name, value in expected.items():
            assert getattr(found, name)[0] == pytest.approx(float(value), rel=1e-11, abs=1e-15), name


@pytest.mark.parametrize("params", [(6.0, 4.0, 15.0), (0.3, 0.8, 200.0), (80.0, 1.5, 0.5)])
@pytest.mark.parametrize("weighted", [False, True])
def test_derivatives_are_those_of_the_value(customers, params, weighted):
    weight = np.random.default_rng(2).uniform(0, 3, len(customers)) if weighted else None
    spend, logs, step = Spend.of(customers, weight), np.log(params), 1e-5
    _, gradient, hessian = spend.log_likelihood(logs)
    ends = [(spend.log_likelihood(logs + e), spend.log_likelihood(logs - e)) for e in step * np.eye(3)]
    assert gradient == pytest.approx(
        [(up[0] - down[0]) / (2 * step) for up, down in ends], rel=1e-6, abs=1e-3
    )
    numeric = np.array([(up[1] - down[1]) / (2 * step) for up, down in ends])
    assert hessian == pytest.approx(numeric, rel=1e-6, abs=1e-4)
    assert hessian == pytest.approx(hessian.T)


def test_blocks_add_up():
    many = drawn(20_001)
    logs = np.log([5.0, 3.0, 20.0])
    parts = [Spend.of(many[start : start + 5000]).log_likelihood(logs) for start in range(0, 20_000, 5000)]
    parts[-1] = Spend.of(many[15_000:]).log_likelihood(logs)
    for whole, of_parts in zip(Spend.of(many).log_likelihood(logs), zip(*parts, strict=True), strict=True):
        assert whole == pytest.approx(sum(of_parts), rel=1e-11)


def test_the_two_definitions_differ_by_the_logs_of_the_orders(fitted, customers):
    mean, total = (fitted.log_likelihood(customers, of) for of in ("mean", "total"))
    assert mean == pytest.approx(fitted.log_likelihood_, rel=1e-13)
    assert mean - total == pytest.approx(np.log(customers["n"]).sum())
    with pytest.raises(ParameterError, match="sum"):
        fitted.log_likelihood(customers, "sum")


@pytest.mark.parametrize("n", [1, 4])
def test_the_log_likelihood_is_that_of_the_density(n):
    money = [12.5, 40.0, 41.0]
    expected = np.log(TRUE.density(money, n)).sum()
    assert TRUE.log_likelihood(table([n] * 3, money)) == pytest.approx(expected)


# The fit


def test_the_truth_is_found_within_its_standard_errors():
    model = GammaGamma().fit(drawn(60_000, seed=5))
    assert ((model.params_ - TRUE.params_) / model.standard_errors_).abs().max() < 3
    assert model.maximum_.gain_left < 1e-6
    assert model.population_mean() == pytest.approx(TRUE.population_mean(), rel=0.02)


def test_standard_errors_are_the_spread_of_estimates():
    fits = [GammaGamma().fit(drawn(1500, seed)) for seed in range(60)]
    logs = np.log([fit.params_ for fit in fits])
    claimed = np.mean([fit.standard_errors_ / fit.params_ for fit in fits], axis=0)
    assert logs.std(axis=0, ddof=1) == pytest.approx(claimed, rel=0.3)


@pytest.mark.parametrize("params", [(0.5, 1.2, 3.0), (40.0, 0.7, 2.0), (2.0, 30.0, 900.0), (1.0, 2.5, 1e5)])
def test_other_worlds_are_found_too(params):
    model = GammaGamma().fit(drawn(30_000, 7, GammaGamma().with_params(params)))
    assert ((model.params_ - np.array(params)) / model.standard_errors_).abs().max() < 3.5


def test_a_large_base_needs_few_evaluations():
    model = GammaGamma().fit(drawn(120_000))
    assert model.maximum_.evaluations <= 5


def test_the_unit_of_money_scales_gamma_only(fitted, customers):
    cents = GammaGamma().fit(customers.assign(money=customers["money"] * 100))
    assert cents.params_.to_numpy() == pytest.approx(fitted.params_ * [1, 1, 100], rel=1e-5)
    assert cents.log_likelihood_ == pytest.approx(fitted.log_likelihood_ - len(customers) * math.log(100))


def test_order_and_names_of_customers_change_nothing(fitted, customers):
    mixed = customers.sample(frac=1, random_state=3).rename(index=lambda i: f"c{i}")
    assert GammaGamma().fit(mixed).params_.to_numpy() == pytest.approx(fitted.params_, rel=1e-6)
    expected = fitted.predict_money(customers).rename(index=lambda i: f"c{i}")
    pd.testing.assert_series_equal(fitted.predict_money(mixed), expected.reindex(mixed.index))


def test_twice_the_customers_halve_the_squared_standard_errors(fitted, customers):
    twice = GammaGamma().fit(pd.concat([customers, customers], ignore_index=True))
    weighted = GammaGamma().fit(customers, weight=np.full(len(customers), 2.0))
    for model in (twice, weighted):
        assert model.params_.to_list() == pytest.approx(fitted.params_.to_list(), rel=1e-5)
        ratio = model.standard_errors_ / fitted.standard_errors_
        assert (ratio**2).to_list() == pytest.approx([0.5] * 3, rel=1e-4)
        assert model.n_customers_ == 2 * len(customers)


def test_weights_of_zero_leave_customers_out(fitted, customers):
    other = drawn(500, 9)
    weight = np.repeat([1.0, 0.0], [len(customers), 500])
    model = GammaGamma().fit(pd.concat([customers, other], ignore_index=True), weight)
    assert model.params_.to_list() == pytest.approx(fitted.params_.to_list(), rel=1e-5)


def test_customers_without_orders_are_left_out_of_the_fit_and_counted(fitted, customers):
    none = table([0] * 30, [np.nan] * 10 + [0.0] * 10 + [-5.0] * 10)
    model = GammaGamma().fit(pd.concat([none, customers], ignore_index=True))
    assert model.n_without_orders_ == 30 and model.n_customers_ == len(customers)
    assert model.log_likelihood_ == pytest.approx(fitted.log_likelihood_, rel=1e-12)


def test_a_sharp_prior_wins(customers, fitted):
    aim = np.log([3.0, 5.0, 60.0])
    model = GammaGamma().fit(customers, prior=Prior(aim, 1e9 * np.eye(3)))
    assert np.log(model.params_.to_numpy()) == pytest.approx(aim, abs=1e-3)
    assert model.log_likelihood_ == pytest.approx(model.log_likelihood(customers))
    assert model.log_likelihood_ < fitted.log_likelihood_


def test_customers_who_are_all_alike_make_q_very_large():
    rng = np.random.default_rng(4)
    n = rng.integers(2, 9, 3000)
    model = GammaGamma().fit(table(n, rng.gamma(4.0 * n) / n))
    assert model.params_["q"] > 100 and model.params_["p"] == pytest.approx(4, rel=0.1)
    assert model.population_mean() == pytest.approx(4, rel=0.02)


def test_orders_that_are_all_alike_send_p_to_infinity():
    rng = np.random.default_rng(4)
    model = GammaGamma().fit(table(rng.integers(1, 9, 500), 20 / rng.gamma(3.0, size=500)))
    assert np.isfinite(model.log_likelihood_)
    mean = model.predict_money(table([5], [17.0]))
    assert mean[0] == pytest.approx(17.0, rel=0.2)


# What it tells about customers


def test_expected_money_is_the_mean_of_what_is_known(fitted):
    one = table([3], [80.0])
    mean = quad(
        lambda m: m * fitted.density_of_means([m], 3, 80.0)[0], 0, 5000, points=[30, 80, 200], limit=400
    )
    assert fitted.predict_money(one)[0] == pytest.approx(mean[0], rel=1e-6)
    second = quad(
        lambda m: m**2 * fitted.density_of_means([m], 3, 80.0)[0],
        0,
        9e4,
        points=[30, 80, 200, 2e3],
        limit=400,
    )
    assert fitted.money_variance(one)[0] == pytest.approx(second[0] - mean[0] ** 2, rel=1e-4)


@pytest.mark.parametrize("n", [1, 6])
def test_densities_integrate_to_one_and_fit_what_is_drawn(n):
    total = quad(lambda m: TRUE.density([m], n)[0], 0, 1e5, points=[10, 40, 100, 1e3], limit=500)[0]
    assert total == pytest.approx(1, abs=1e-6)
    many = TRUE.simulate(np.full(4000, n), np.random.default_rng(6))
    grid = np.geomspace(0.01, 1e5, 20_001)
    density = TRUE.density(grid, n)
    below = np.concatenate([[0], np.cumsum(np.diff(grid) * (density[1:] + density[:-1]) / 2)])
    assert kstest(many["money"], lambda m: np.interp(m, grid, below)).pvalue > 0.01
    hidden = TRUE.density_of_means(grid)
    assert np.trapezoid(hidden, grid) == pytest.approx(1, abs=1e-4)
    assert np.trapezoid(hidden * grid, grid) == pytest.approx(TRUE.population_mean(), rel=1e-3)


def test_expected_money_is_a_mean_of_own_mean_and_population(fitted, customers):
    own = fitted.own_weight(customers)
    assert own.between(0, 1).all() and own[customers["n"] > 6].min() > own[customers["n"] == 1].max()
    mixed = own * customers["money"] + (1 - own) * fitted.population_mean()
    assert fitted.predict_money(customers).to_numpy() == pytest.approx(mixed)


def test_expected_money_is_right_on_average():
    """Over customers with the same orders, what is expected is what they truly spend in the long run."""
    many = drawn(200_000, seed=3)
    for n, group in many.groupby(many["n"].clip(upper=6)):
        expected = TRUE.predict_money(group)
        error = (group["mean_spend"] - expected).std() / math.sqrt(len(group))
        assert abs(group["mean_spend"].mean() - expected.mean()) < 4 * error, n


def test_customers_without_orders_get_the_population(fitted):
    none = table([0, 0], [np.nan, 0.0])
    assert fitted.predict_money(none).to_numpy() == pytest.approx([fitted.population_mean()] * 2)
    assert fitted.own_weight(none).tolist() == [0, 0]


def test_draws_have_the_mean_the_variance_and_the_interval(fitted):
    some = table([0, 1, 5, 40], [np.nan, 90.0, 20.0, 33.0])
    draws = fitted.draw_money(some, np.random.default_rng(1), 40_000)
    assert draws.shape == (4, 40_000)
    assert draws.mean(axis=1) == pytest.approx(fitted.predict_money(some), rel=0.03)
    assert draws[2:].var(axis=1) == pytest.approx(fitted.money_variance(some)[2:], rel=0.1)
    ends = fitted.money_interval(some, 0.8)
    inside = (draws > ends["low"].to_numpy()[:, None]) & (draws < ends["high"].to_numpy()[:, None])
    assert inside.mean(axis=1) == pytest.approx([0.8] * 4, abs=0.01)


def test_intervals_hold_the_truth_as_often_as_they_say():
    many = drawn(20_000, seed=8)
    ends = TRUE.money_interval(many, 0.9)
    assert many["mean_spend"].between(ends["low"], ends["high"]).mean() == pytest.approx(0.9, abs=0.01)


def test_the_same_seed_draws_the_same():
    first, again = (drawn(50, seed=2) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    draws = [TRUE.draw_money(first, np.random.default_rng(3), 2) for _ in range(2)]
    assert (draws[0] == draws[1]).all()


def test_simulation_gives_no_money_without_orders():
    some = TRUE.simulate(np.array([0, 2]), np.random.default_rng(1))
    assert np.isnan(some["money"][0]) and some["money"][1] > 0 and (some["mean_spend"] > 0).all()


def test_without_a_population_mean_customers_with_orders_still_have_theirs():
    wide = GammaGamma().with_params([2.0, 0.8, 10.0])
    with pytest.raises(TooLittleData, match="infinite"):
        wide.population_mean()
    assert wide.predict_money(table([1, 3], [50.0, 20.0])).tolist() == pytest.approx(
        [2 * 60 / 1.8, 2 * 70 / 5.8]
    )
    with pytest.raises(TooLittleData, match=r"1 of 2 customers.*Zoe"):
        wide.predict_money(table([1, 0], [50.0, np.nan], ["Max", "Zoe"]))
    with pytest.raises(TooLittleData, match="infinite"):
        GammaGamma().with_params([0.1, 0.8, 10.0]).predict_money(table([1], [50.0]))
    assert np.isinf(wide.money_variance(table([0], [0.0]))[0])
    assert np.isfinite(wide.money_interval(table([0], [0.0]))).all(axis=None)


# What it refuses


@pytest.mark.parametrize(
    ("n", "money", "said"),
    [
        (2, 0.0, "money = 0.*2 customers: B"), (2, -3.0, "money = -3"), (2, np.nan, "money = nan"),
        (2, np.inf, "money = inf"), (1.5, 9.0, "n = 1.5"), (-1, 9.0, "n = -1"), (np.nan, 9.0, "n = nan"),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused_by_name(n, money, said):
    bad = table([2, n], [10.0, money], ["A", "B"])
    for method in (GammaGamma().fit, TRUE.predict_money, TRUE.own_weight, spend_frequency_correlation):
        with pytest.raises(DataError, match=said):
            method(bad)


@pytest.mark.parametrize(
    "frame",
    [table([1], [5.0]).drop(columns="n"), table(["1"], [5.0]), table([1], ["5 EUR"]), table([True], [5.0])],
)
def test_tables_without_numbers_are_refused(frame):
    with pytest.raises(DataError):
        GammaGamma().fit(frame)


@pytest.mark.parametrize(
    "frame",
    [
        table([], []).astype(float),
        table([1, 2], [5.0, 6.0]),
        table([0, 0, 0], [1.0, 2.0, 3.0]),
        table([1, 2, 3], [5.0] * 3),
    ],
)
def test_too_little_is_refused(frame):
    with pytest.raises(TooLittleData):
        GammaGamma().fit(frame)


@pytest.mark.parametrize("weight", [-1.0, np.nan])
def test_weights_that_cannot_be_are_refused(weight, customers):
    with pytest.raises(DataError, match="weights"):
        GammaGamma().fit(customers, np.full(len(customers), weight))


def test_a_level_that_cannot_be_is_refused(fitted, customers):
    with pytest.raises(ParameterError, match="level"):
        fitted.money_interval(customers, 95)


# Independence


def test_independent_money_shows_no_correlation_and_dependent_money_does(customers):
    found = spend_frequency_correlation(customers)
    assert found.low < 0 < found.high and abs(found.rank_correlation) < 0.08
    tied = spend_frequency_correlation(customers.assign(money=customers["money"] * np.sqrt(customers["n"])))
    assert tied.low > 0.1 and tied.rank_low > 0.1


def test_the_correlations_are_the_textbook_ones(customers):
    found = spend_frequency_correlation(pd.concat([customers, table([0], [np.nan])]))
    assert found.customers == len(customers)
    assert found.correlation == pytest.approx(customers["n"].corr(customers["money"]))
    assert found.rank_correlation == pytest.approx(spearmanr(customers["n"], customers["money"]).statistic)
    middle = (np.arctanh(found.low) + np.arctanh(found.high)) / 2
    assert np.tanh(middle) == pytest.approx(found.correlation)


def test_the_interval_holds_no_correlation_as_often_as_it_says():
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        found = spend_frequency_correlation(
            table(rng.poisson(20, 60) + 1, np.exp(0.2 * rng.normal(size=60))), 0.9
        )
        held += found.rank_low < 0 < found.rank_high
    assert held / 300 == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize(
    "frame",
    [table([1, 2, 3], [1.0, 2, 3]), table([2] * 5, [1.0, 2, 3, 4, 5]), table([1, 2, 3, 4], [5.0] * 4)],
)
def test_nothing_is_correlated_where_nothing_differs(frame):
    with pytest.raises(TooLittleData):
        spend_frequency_correlation(frame)
