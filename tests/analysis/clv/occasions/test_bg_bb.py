"""BG/BB: derivatives, invariances, an exact reference, known truth, edges, refusals."""

import itertools

import mpmath
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.contracts.beta_survival import (
    digamma_gap,
    discounted_survival,
    log_survival,
    share_steps,
    trigamma_gap,
)
from crmlib.analysis.clv.fitting.estimator import Prior
from crmlib.analysis.clv.occasions.bernoulli_dropout import Tables
from crmlib.analysis.clv.occasions.bg_bb import BGBB
from crmlib.analysis.clv.occasions.opportunities import Opportunities
from crmlib.errors import DataError, ParameterError, TooLittleData

TRUTH = [1.2, 0.75, 0.66, 2.8]
HARD = [[1.2, 0.75, 0.66, 2.8], [0.01, 1000, 1000, 0.01], [1000, 0.01, 0.01, 1000], [1000] * 4, [0.01] * 4,
        [0.01, 0.01, 1000, 1000], [300, 0.3, 3, 0.03], [0.05, 20, 0.02, 700]]  # fmt: skip


def histories(number=800, seed=1, n=6):
    return BGBB().with_params(TRUTH).simulate(number, n, np.random.default_rng(seed))[["x", "t_x", "n"]]


def every_history(longest):
    """One customer of each kind there is, of all lengths."""
    kinds = [(x, t, n) for n in longest for t in range(n + 1) for x in range(bool(t), t + 1)]
    return pd.DataFrame(kinds, columns=["x", "t_x", "n"])


class Exact:
    """The textbook formulas, with fifty digits."""

    def __init__(self, params):
        self.alpha, self.beta, self.gamma, self.delta = (mpmath.mpf(value) for value in params)

    def uses(self, x, misses):
        return mpmath.beta(self.alpha + x, self.beta + misses) / mpmath.beta(self.alpha, self.beta)

    def stays(self, m, leaves=0):
        return mpmath.beta(self.gamma + leaves, self.delta + m) / mpmath.beta(self.gamma, self.delta)

    def likelihood(self, x, t_x, n):
        left = sum(self.uses(x, m - x) * self.stays(m, 1) for m in range(t_x, n))
        return self.uses(x, n - x) * self.stays(n) + left

    def alive(self, x, t_x, n, ahead):
        return self.uses(x, n - x) * self.stays(n + ahead) / self.likelihood(x, t_x, n)

    def orders(self, x, t_x, n, horizon, rate=0):
        each = self.uses(x + 1, n - x) / self.likelihood(x, t_x, n)
        return each * sum(self.stays(n + t) / (1 + mpmath.mpf(rate)) ** t for t in range(1, horizon + 1))

    def active(self, x, t_x, n, horizon):
        # The chance of none may be 1 but for a hundred digits.
        with mpmath.workdps(200):
            return 1 - self.idle(x, t_x, n, horizon) / self.likelihood(x, t_x, n)

    def idle(self, x, t_x, n, horizon):
        none = self.uses(x, n - x + horizon) * self.stays(n + horizon)
        none += sum(self.uses(x, m - x) * self.stays(m, 1) for m in range(t_x, n + horizon))
        return none


@pytest.fixture(scope="module", autouse=True)
def fifty_digits():
    with mpmath.workdps(50):
        yield


@pytest.mark.parametrize("params", HARD, ids=str)
def test_log_likelihood_and_predictions_agree_with_fifty_digits(params):
    customers = pd.DataFrame(
        [(0, 0, 1), (0, 0, 6), (1, 1, 6), (3, 5, 6), (6, 6, 6), (1, 1, 40), (20, 39, 40), (40, 40, 40)],
        columns=["x", "t_x", "n"],
    )
    model, exact = BGBB().with_params(params), Exact(params)
    rows = [tuple(int(v) for v in row) for row in customers.to_numpy()]
    folded = Opportunities.of_customers(customers)
    value = model.curved(folded)(np.log(params))[0]
    assert value == pytest.approx(float(sum(mpmath.log(exact.likelihood(*row)) for row in rows)), rel=1e-9)
    for ahead in (0, 1, 7):
        wanted = [float(exact.alive(*row, ahead)) for row in rows]
        np.testing.assert_allclose(model.predict_alive(customers, ahead), wanted, rtol=1e-9)
    orders = model.predict_orders(customers, [1, 5, 60])
    for horizon in (1, 5, 60):
        wanted = [float(exact.orders(*row, horizon)) for row in rows]
        np.testing.assert_allclose(orders[horizon], wanted, rtol=1e-9)
        np.testing.assert_allclose(
            model.predict_active(customers, horizon),
            [float(exact.active(*row, horizon)) for row in rows],
            rtol=1e-9,
        )
    wanted = [float(exact.orders(*row, 60, 0.1)) for row in rows]
    np.testing.assert_allclose(model.discounted_orders(customers, 0.1, 60), wanted, rtol=1e-9)


@pytest.mark.parametrize("rate", [0.002, 0.1, 1.5])
@pytest.mark.parametrize("params", HARD, ids=str)
def test_value_without_end_is_the_sum_over_a_very_long_time(params, rate):
    customers = every_history([1, 4])
    model = BGBB().with_params(params)
    long = int(32 / np.log1p(rate))
    np.testing.assert_allclose(
        model.discounted_orders(customers, rate), model.discounted_orders(customers, rate, long), rtol=1e-11
    )
    assert model.discounted_orders_of_new(rate) == pytest.approx(
        model.discounted_orders_of_new(rate, long), rel=1e-11
    )


@pytest.mark.parametrize(("leave", "stay"), list(itertools.product([1e-2, 0.7, 40, 1e3], repeat=2)))
def test_products_and_sums_agree_with_fifty_digits(leave, stay):
    exact = [mpmath.mpf(leave), mpmath.mpf(stay)]
    for ahead in (0.01, 1, 2.5, 1e6):
        wanted = mpmath.log(mpmath.beta(exact[0], exact[1] + ahead) / mpmath.beta(*exact))
        assert float(log_survival(leave, stay, ahead)) == pytest.approx(float(wanted), rel=1e-12)
        gap = mpmath.digamma(exact[1] + ahead) - mpmath.digamma(exact[1])
        assert float(digamma_gap(stay, ahead)) == pytest.approx(float(gap), rel=1e-12)
        gap = mpmath.polygamma(1, exact[1]) - mpmath.polygamma(1, exact[1] + ahead)
        assert float(trigamma_gap(stay, ahead)) == pytest.approx(float(gap), rel=1e-12)
    with mpmath.workdps(30):
        wanted = mpmath.hyp2f1(1, exact[1], sum(exact), 1 / (1 + mpmath.mpf(0.1)))
    assert float(discounted_survival(leave, stay, 0.1)) == pytest.approx(float(wanted), rel=1e-12)


def test_the_ridge_of_the_box_keeps_its_digits():
    assert float(log_survival(1e7, 1e7, 1.0)) == pytest.approx(-np.log(2), rel=1e-13)
    assert float(discounted_survival(1e-7, 1e7, 0.1)) == pytest.approx(11.0, rel=1e-12)


@pytest.mark.parametrize("params", HARD, ids=str)
def test_derivatives_equal_differences(params):
    customers = every_history([3, 5])
    weight = np.random.default_rng(0).random(len(customers))
    curved = BGBB().with_params(params).curved(Opportunities.of_customers(customers, weight))
    logs, step = np.log(params), 1e-5
    _, gradient, hessian = curved(logs)
    either = [(curved(logs + step * unit), curved(logs - step * unit)) for unit in np.eye(4)]
    slopes = np.array([(up[0] - down[0]) / (2 * step) for up, down in either])
    bends = np.array([(up[1] - down[1]) / (2 * step) for up, down in either])
    np.testing.assert_allclose(gradient, slopes, atol=1e-7 * abs(gradient).max())
    np.testing.assert_allclose(hessian, bends, atol=1e-6 * abs(hessian).max())
    np.testing.assert_array_equal(np.diag(hessian), np.diag(hessian.T))


def test_derivatives_of_a_share():
    j, before = np.array([0.0, 3.0]), 2.0
    found = share_steps(0.7, 1.9, before, j)
    np.testing.assert_allclose(np.exp(found[0]), (0.7 + j) / (0.7 + j + 1.9 + before))
    step = 1e-6
    up, down = (
        share_steps(0.7 * np.exp(step), 1.9, before, j),
        share_steps(0.7 * np.exp(-step), 1.9, before, j),
    )
    np.testing.assert_allclose((up - down)[:3] / (2 * step), found[[1, 3, 4]], rtol=1e-8)


def test_blocks_of_histories_add_up(monkeypatch):
    folded = Opportunities.of_customers(every_history([2, 7]))
    model = BGBB().with_params(TRUTH)
    value, gradient, hessian = model.curved(folded)(np.log(TRUTH))
    monkeypatch.setattr("crmlib.analysis.clv.occasions.bernoulli_dropout._BLOCK", 5)
    assert len(list(Tables(tuple(TRUTH), folded).blocks())) > 5
    again = model.curved(folded)(np.log(TRUTH))
    np.testing.assert_allclose(again[0], value)
    np.testing.assert_allclose(again[1], gradient)
    np.testing.assert_allclose(again[2], hessian)


def test_all_histories_of_one_length_together_are_certain():
    """Sequences, not histories, have the likelihood: each history counts as often as it can be arranged."""
    kinds = every_history([5])
    middle = np.maximum(kinds["t_x"] - 1, 0)
    ways = [
        float(mpmath.binomial(int(m), max(int(x) - 1, 0))) for m, x in zip(middle, kinds["x"], strict=True)
    ]
    model = BGBB().with_params(TRUTH)
    one_by_one = [
        model.curved(Opportunities.of_customers(kinds.iloc[[i]]))(np.log(TRUTH))[0] for i in kinds.index
    ]
    assert np.exp(one_by_one) @ ways == pytest.approx(1, rel=1e-12)
    assert model.count_shares(5).sum() == pytest.approx(1, rel=1e-12)
    by_count = pd.Series(np.exp(one_by_one) * ways).groupby(kinds["x"]).sum()
    np.testing.assert_allclose(model.count_shares(5), by_count, rtol=1e-12)


def test_what_a_new_customer_does_is_what_all_histories_predict():
    """Expected orders of a new customer in 5 + 4 opportunities: those of the first 5 plus what is predicted after."""
    model = BGBB().with_params(TRUTH)
    kinds = every_history([5])
    ways = [float(mpmath.binomial(max(int(t) - 1, 0), max(int(x) - 1, 0))) for x, t, _ in kinds.to_numpy()]
    chance = [
        np.exp(model.curved(Opportunities.of_customers(kinds.iloc[[i]]))(np.log(TRUTH))[0])
        for i in kinds.index
    ]
    weight = np.array(ways) * chance
    later = model.predict_orders(kinds, 4) @ weight
    np.testing.assert_allclose(model.expected_orders(np.array([5, 9])) @ [-1, 1], later, rtol=1e-12)
    assert model.count_shares(9) @ np.arange(10) == pytest.approx(float(model.expected_orders(9)), rel=1e-12)
    assert model.predict_orders(pd.DataFrame({"x": [0], "t_x": [0], "n": [0]}), 9).iloc[0] == pytest.approx(
        float(model.expected_orders(9))
    )


def test_rows_in_another_order_change_nothing():
    customers = histories()
    model = BGBB().fit(customers)
    mixed = customers.sample(frac=1, random_state=3)
    again = BGBB().fit(mixed)
    pd.testing.assert_series_equal(again.params_, model.params_, rtol=1e-9)
    pd.testing.assert_series_equal(
        again.predict_orders(mixed, 3).sort_index(), model.predict_orders(customers, 3), rtol=1e-9
    )


def test_twice_the_customers_halve_the_squared_standard_errors():
    customers = histories()
    once = BGBB().fit(customers)
    twice = BGBB().fit(pd.concat([customers, customers]))
    weighted = BGBB().fit(customers, weight=np.full(len(customers), 2.0))
    for model in (twice, weighted):
        np.testing.assert_allclose(model.params_, once.params_, rtol=1e-6)
        np.testing.assert_allclose(model.standard_errors_**2, once.standard_errors_**2 / 2, rtol=1e-5)
        assert model.log_likelihood_ == pytest.approx(2 * once.log_likelihood_, rel=1e-12)
        assert model.n_customers_ == 2 * len(customers)


def test_a_weight_of_zero_is_as_good_as_absence():
    customers = histories(60)
    weight = np.arange(60) % 3.0
    kept = customers[weight > 0]
    some, rest = BGBB().fit(customers, weight), BGBB().fit(kept, weight[weight > 0])
    np.testing.assert_allclose(some.params_, rest.params_, rtol=1e-9)


def test_a_strong_prior_wins():
    wanted = np.log([2.0, 2.0, 1.0, 4.0])
    model = BGBB().fit(histories(), prior=Prior(wanted, np.eye(4) * 1e9))
    np.testing.assert_allclose(model.params_, np.exp(wanted), rtol=1e-4)
    plain = BGBB().fit(histories())
    assert model.log_likelihood_ < plain.log_likelihood_


@pytest.mark.parametrize("n", [8, np.arange(20_000) % 9 + 2], ids=["one length", "mixed lengths"])
def test_known_truth_is_recovered(n):
    customers = BGBB().with_params(TRUTH).simulate(20_000, n, np.random.default_rng(11))
    model = BGBB().fit(customers)
    assert not model.maximum_.at_edge and model.maximum_.gain_left < 1e-6
    assert (abs(model.params_ - TRUTH) < 4 * model.standard_errors_).all()
    alive = model.predict_alive(customers, ahead=0)
    assert alive.mean() == pytest.approx(customers["alive"].mean(), abs=0.015)
    by_belief = customers.groupby(pd.cut(alive, [0, 0.1, 0.3, 0.5, 0.7, 0.9]), observed=True)["alive"]
    believed = alive.groupby(pd.cut(alive, [0, 0.1, 0.3, 0.5, 0.7, 0.9]), observed=True).mean()
    np.testing.assert_allclose(by_belief.mean(), believed, atol=0.05)


def test_truth_behind_simulated_customers_is_consistent():
    drawn = BGBB().with_params(TRUTH).simulate(5_000, np.arange(5_000) % 7, np.random.default_rng(2))
    Opportunities.of_customers(drawn)
    assert (drawn["t_x"] <= drawn["stayed"]).all() and (drawn["stayed"] <= drawn["n"]).all()
    assert (drawn["alive"] == (drawn["stayed"] == drawn["n"])).all()
    assert drawn["chance"].mean() == pytest.approx(1.2 / 1.95, abs=0.02)
    assert drawn["leaving"].mean() == pytest.approx(0.66 / 3.46, abs=0.02)


def test_drawn_futures_have_the_expected_mean_and_share_of_active():
    customers = every_history([4])
    model = BGBB().with_params(TRUTH)
    drawn = model.draw_futures(customers, 5, np.random.default_rng(4), n_draws=20_000)
    assert drawn.shape == (len(customers), 20_000) and drawn.dtype.kind == "i"
    np.testing.assert_allclose(drawn.mean(axis=1), model.predict_orders(customers, 5), atol=0.06)
    np.testing.assert_allclose((drawn > 0).mean(axis=1), model.predict_active(customers, 5), atol=0.02)
    assert drawn.max() == 5
    again = model.draw_futures(customers, 5, np.random.default_rng(4), n_draws=20_000)
    np.testing.assert_array_equal(drawn, again)


@pytest.mark.parametrize("params", HARD, ids=str)
def test_draws_survive_hard_parameters(params):
    model = BGBB().with_params(params)
    drawn = model.simulate(300, 5, np.random.default_rng(1))
    future = model.draw_futures(drawn, 3, np.random.default_rng(1))
    assert ((future >= 0) & (future <= 3)).all()


def test_timing_moves_value_by_whole_periods():
    customers = histories(20)
    model = BGBB().with_params(TRUTH)
    later, now = model.discounted_orders(customers, 0.1), model.discounted_orders(customers, 0.1, first_in=0)
    np.testing.assert_allclose(now, later * 1.1)
    without_rate = model.discounted_orders(customers, 0.0, horizon=4)
    np.testing.assert_allclose(without_rate, model.predict_orders(customers, 4))


def test_predictions_keep_the_index_and_the_horizons():
    customers = histories(5).set_axis(list("edcba"))
    model = BGBB().with_params(TRUTH)
    table = model.predict_orders(customers, [0, 3])
    assert list(table.index) == list("edcba") and list(table.columns) == [0, 3]
    assert (table[0] == 0).all()
    assert list(model.predict_active(customers, 0)) == [0] * 5
    assert model.expected_orders(0) == 0


def test_everybody_every_time_ends_at_the_edge_and_says_so():
    customers = pd.DataFrame({"x": 6, "t_x": 6, "n": 6}, index=range(50))
    model = BGBB().fit(customers)
    assert model.maximum_.at_edge
    assert model.log_likelihood_ == pytest.approx(0, abs=1e-6)
    assert model.predict_orders(customers, 5).iloc[0] == pytest.approx(5, rel=1e-6)


def test_customers_who_leave_alike_run_to_the_edge_together():
    rng = np.random.default_rng(8)
    customers = BGBB().with_params([1.0, 1.0, 1e6, 9e6]).simulate(3_000, 5, rng)
    # Some more who left early and some less in between: less spread than one chance for all.
    extra = pd.DataFrame({"x": [1] * 60, "t_x": [2] * 60, "n": [5] * 60})
    model = BGBB().fit(pd.concat([customers, extra]))
    assert model.maximum_.at_edge == {"delta": "infinity"}
    assert (
        np.isnan(model.standard_errors_["delta"]) and model.standard_errors_[["alpha", "beta"]].notna().all()
    )
    assert model.params_["gamma"] / model.params_[["gamma", "delta"]].sum() == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize(
    ("customers", "part"),
    [
        pytest.param({"x": [0, 0], "t_x": [0, 0], "n": [6, 6]}, "none|0 used", id="nobody came back"),
        pytest.param({"x": [3], "t_x": [4], "n": [6]}, "1 customer", id="one donor"),
        pytest.param({"x": [0, 1, 1], "t_x": [0, 1, 1], "n": [1, 1, 1]}, "1 opportunity", id="one period"),
        pytest.param({"x": [0, 1, 2], "t_x": [0, 1, 2], "n": [2, 1, 2]}, "2 opportunities", id="two periods"),
        pytest.param({"x": [], "t_x": [], "n": []}, "0 customers", id="nobody"),
    ],
)
def test_too_little_is_refused(customers, part):
    with pytest.raises(TooLittleData, match=part):
        BGBB().fit(pd.DataFrame(customers, dtype="int64"))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        pytest.param({"x": 7}, "x = 7.*1 of 4 customers: B", id="more used than seen"),
        pytest.param({"t_x": 9}, "t_x = 9", id="last one after the end"),
        pytest.param({"x": 0}, "t_x = 3.*t_x of 0 where x is 0", id="last one of none"),
        pytest.param({"x": -1}, "x = -1", id="negative"),
        pytest.param({"n": 6.5}, "n = 6.5", id="not whole"),
        pytest.param({"n": np.nan}, "n = nan", id="missing"),
        pytest.param({"n": 5_000}, "longer opportunities", id="too many opportunities"),
    ],
)
def test_histories_that_cannot_be_are_refused_by_name(change, part):
    customers = pd.DataFrame({"x": [1, 2, 0, 4], "t_x": [1, 3, 0, 4], "n": 6}, index=list("ABCD")).astype(
        "float64"
    )
    for column, value in change.items():
        customers.loc["B", column] = value
    for call in (BGBB().fit, BGBB().with_params(TRUTH).predict_alive):
        with pytest.raises(DataError, match=part):
            call(customers)


def test_missing_columns_text_and_weights_are_refused():
    with pytest.raises(DataError, match="without n"):
        BGBB().fit(pd.DataFrame({"x": [1], "t_x": [1]}))
    with pytest.raises(DataError, match="column x of type"):
        BGBB().fit(pd.DataFrame({"x": ["1"], "t_x": [1], "n": [6]}))
    with pytest.raises(DataError, match="weights of shape"):
        BGBB().fit(histories(5), weight=[1, 2])
    with pytest.raises(DataError, match="weight = -1"):
        BGBB().fit(histories(3), weight=[1, -1, 2])


@pytest.mark.parametrize(
    ("call", "part"),
    [
        pytest.param(lambda m, c: m.predict_orders(c, -1), "a horizon of -1", id="negative horizon"),
        pytest.param(lambda m, c: m.predict_orders(c, 1.5), "a horizon of 1.5", id="half a horizon"),
        pytest.param(lambda m, c: m.discounted_orders(c, 0), "rate = 0", id="no rate, no horizon"),
        pytest.param(lambda m, c: m.discounted_orders(c, -0.1), "rate = -0.1", id="negative rate"),
        pytest.param(lambda m, c: m.discounted_orders(c, 1e-12), "does not settle", id="rate of nearly 0"),
        pytest.param(lambda m, c: m.discounted_orders(c, 0.1, first_in=-1), "first_in", id="negative wait"),
        pytest.param(
            lambda m, c: m.draw_futures(c, 1, np.random.default_rng(), 0), "number of draws", id="no draws"
        ),
    ],
)
def test_parameters_that_cannot_be_are_refused(call, part):
    with pytest.raises(ParameterError, match=part):
        call(BGBB().with_params(TRUTH), histories(3))
