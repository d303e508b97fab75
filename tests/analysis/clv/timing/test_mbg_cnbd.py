"""Regular buyers who leave: against the model without regularity, against many digits, and known truth."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.fitting.estimator import Prior
from crmlib.analysis.clv.timing import geometric_dropout
from crmlib.analysis.clv.timing.histories import Histories
from crmlib.analysis.clv.timing.mbg_cnbd import MBGCNBD
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.errors import DataError, ParameterError, TooLittleData

mpmath = pytest.importorskip("mpmath")
PARAMS = [1.2, 6.0, 0.7, 3.0]
TRUE = MBGCNBD(3).with_params(PARAMS)
LOGS = np.log([0.9, 7.0, 0.5, 2.0])


def drawn(count, seed=1, model=TRUE):
    rng = np.random.default_rng(seed)
    return model.simulate(np.floor(rng.uniform(20, 90, count)), rng)


@pytest.fixture(scope="module")
def customers():
    return drawn(4000)


@pytest.fixture(scope="module")
def fitted(customers):
    return MBGCNBD(3).fit(customers)


def histories(*rows, names=None):
    return pd.DataFrame(rows, columns=["x", "t_x", "T"], index=names)


HARD = histories(
    (0, 0.0, 0.0), (0, 0.0, 300.0), (1, 1e-3, 80.0), (2, 30.0, 39.0), (2, 39.0, 39.0), (40, 5.0, 39.0),
    (300, 700.0, 730.0), (1500, 729.0, 730.0),
)  # fmt: skip


# The likelihood


def exact(params, k, x, t_x, T):
    """Likelihoods of alive and of gone as the sums that they are, in 60 digits."""
    r, alpha, a, b = (mpmath.mpf(float(value)) for value in params)
    x, t_x, T = int(x), mpmath.mpf(float(t_x)), mpmath.mpf(float(T))
    ticks, common = r + k * x, alpha**r / mpmath.gamma(r)
    alive = sum(
        (T - t_x) ** j / mpmath.factorial(j) * mpmath.gamma(ticks + j) * common / (alpha + T) ** (ticks + j)
        for j in range(k)
    )
    gone = mpmath.gamma(ticks) * common / (alpha + t_x) ** ticks
    return alive * mpmath.beta(a, b + x + 1) / mpmath.beta(a, b), gone * mpmath.beta(
        a + 1, b + x
    ) / mpmath.beta(a, b)


@pytest.mark.parametrize("k", [1, 2, 3, 8])
@pytest.mark.parametrize(
    "params", [PARAMS, [0.02, 0.5, 1.0, 0.01], [30.0, 900.0, 1e-3, 0.5], [2.0, 1e-2, 40.0, 5.0]]
)
def test_likelihood_and_chance_to_be_active_agree_with_sixty_digits(k, params):
    with mpmath.workdps(60):
        parts = [exact(params, k, *row) for row in HARD.itertuples(index=False)]
        total = sum(mpmath.log(alive + gone) for alive, gone in parts)
        active = [float(alive / (alive + gone)) for alive, gone in parts]
    model = MBGCNBD(k).with_params(params)
    value = model.curved(Histories.of_any(HARD))(np.log(params))[0]
    assert value == pytest.approx(float(total), rel=1e-12)
    assert model.predict_alive(HARD).to_list() == pytest.approx(active, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("k", [1, 2, 3, 8])
@pytest.mark.parametrize("weighted", [False, True])
def test_derivatives_are_those_of_the_value(customers, k, weighted):
    weight = np.random.default_rng(2).uniform(0, 3, len(customers)) if weighted else None
    curved, step = MBGCNBD(k).curved(Histories.of_any(customers, weight)), 1e-5
    _, gradient, hessian = curved(LOGS)
    ends = [(curved(LOGS + e), curved(LOGS - e)) for e in step * np.eye(4)]
    assert gradient == pytest.approx(
        [(up[0] - down[0]) / (2 * step) for up, down in ends], rel=1e-6, abs=1e-3
    )
    numeric = np.array([(up[1] - down[1]) / (2 * step) for up, down in ends])
    assert hessian == pytest.approx(numeric, rel=1e-6, abs=1e-3)
    assert hessian == pytest.approx(hessian.T)


def test_with_k_of_one_it_is_mbg_nbd(customers):
    folded = Histories.of_any(customers)
    ours = MBGCNBD(1).curved(folded)(LOGS)
    theirs = geometric_dropout.log_likelihood(LOGS, folded, first=1)
    for one, other in zip(ours, theirs, strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-9)
    regular, plain = MBGCNBD(1).fit(customers.drop(columns="log_itts")), MBGNBD().fit(customers)
    assert regular.log_likelihood_ == pytest.approx(plain.log_likelihood_, rel=1e-12)
    assert regular.params_.to_list() == pytest.approx(plain.params_.to_list(), rel=1e-5)


def test_predictions_with_k_of_one_are_those_of_mbg_nbd(customers):
    ours, theirs = (model.with_params(PARAMS) for model in (MBGCNBD(1), MBGNBD()))
    ahead = [0.0, 1.0, 30.0, 500.0]
    mine = ours.predict_orders(customers, ahead)
    pd.testing.assert_frame_equal(mine, theirs.predict_orders(customers, ahead), rtol=1e-9)
    assert ours.predict_alive(customers).to_list() == pytest.approx(
        theirs.predict_alive(customers).to_list(), rel=1e-12
    )
    assert ours.predict_active(customers, 9.0).to_list() == pytest.approx(
        theirs.predict_active(customers, 9.0).to_list(), rel=1e-10
    )
    times = np.array([0.5, 30.0, 2000.0])
    assert ours.expected_orders(times) == pytest.approx(theirs.expected_orders(times), rel=1e-9)


def test_likelihoods_are_the_chances_of_what_is_drawn():
    """Of no repeat, and of one at any time, which the likelihood has in parts of a density of its wait."""
    model, T = MBGCNBD(2).with_params(PARAMS), 12.0
    steps = T * (np.arange(200) + 0.5) / 200

    def likelihood(row):
        folded = Histories.of_any(histories(row, (1, 1.0, 2.0)), weight=np.array([1.0, 0.0]))
        return math.exp(model.curved(folded)(np.log(PARAMS))[0])

    many = model.simulate(np.full(200_000, T), np.random.default_rng(1))
    assert likelihood((0, 0.0, T)) == pytest.approx((many["x"] == 0).mean(), abs=0.004)
    # Waits enter with t ** (k - 1) / Γ(k), which is t.
    once = sum(likelihood((1, t, T)) * t for t in steps) * T / 200
    assert once == pytest.approx((many["x"] == 1).mean(), abs=0.004)


# The fit


def test_the_regularity_is_found_again(customers):
    model = MBGCNBD().fit(customers)
    assert model.k_ == 3 and model.k is None
    assert model.by_k_.index.to_list() == list(range(1, 9)) and model.by_k_.idxmax() == 3
    assert model.by_k_[3] == model.log_likelihood_
    assert ((model.params_ - PARAMS) / model.standard_errors_).abs().max() < 3
    fixed = MBGCNBD(3).fit(customers)
    assert model.params_.to_list() == pytest.approx(fixed.params_.to_list(), rel=1e-4)
    assert model.predict_alive(customers).to_list() == pytest.approx(
        fixed.predict_alive(customers).to_list(), abs=1e-4
    )


def test_buyers_at_random_are_not_taken_for_regular_ones():
    plain = drawn(4000, 2, MBGCNBD(1).with_params([0.8, 10.0, 0.8, 2.5]))
    model = MBGCNBD().fit(plain)
    assert model.k_ == 1
    assert model.log_likelihood_ == pytest.approx(MBGNBD().fit(plain).log_likelihood_, rel=1e-12)


def test_each_k_is_as_good_as_if_it_were_given(customers):
    chosen = MBGCNBD().fit(customers).by_k_
    for k in (1, 2, 6):
        assert chosen[k] == pytest.approx(MBGCNBD(k).fit(customers).log_likelihood_, abs=1e-5)


def test_the_truth_is_found_within_its_standard_errors():
    model = MBGCNBD(3).fit(drawn(40_000, 4))
    assert ((model.params_ - PARAMS) / model.standard_errors_).abs().max() < 3
    assert model.maximum_.evaluations <= 6 and model.maximum_.gain_left < 1e-6


def test_the_unit_of_time_scales_alpha_only(fitted, customers):
    """Weeks to days: densities of waits fall by a factor of 7 each, and log_itts rise by ln 7."""
    days = customers.assign(t_x=customers["t_x"] * 7, T=customers["T"] * 7)
    days["log_itts"] = customers["log_itts"] + customers["x"] * math.log(7)
    model = MBGCNBD(3).fit(days)
    assert model.params_.to_list() == pytest.approx((fitted.params_ * [1, 7, 1, 1]).to_list(), rel=1e-4)
    assert model.log_likelihood_ == pytest.approx(fitted.log_likelihood_ - customers["x"].sum() * math.log(7))
    ours = model.predict_orders(days, 70.0)
    assert ours.to_list() == pytest.approx(fitted.predict_orders(customers, 10.0).to_list(), rel=1e-3)


def test_order_and_names_of_customers_change_nothing(fitted, customers):
    mixed = customers.sample(frac=1, random_state=3).rename(index=lambda i: f"c{i}")
    assert MBGCNBD(3).fit(mixed).params_.to_list() == pytest.approx(fitted.params_.to_list(), rel=1e-4)
    expected = fitted.predict_orders(customers, 20.0).rename(index=lambda i: f"c{i}")
    pd.testing.assert_series_equal(fitted.predict_orders(mixed, 20.0), expected.reindex(mixed.index))


def test_twice_the_customers_halve_the_squared_standard_errors(fitted, customers):
    twice = MBGCNBD(3).fit(pd.concat([customers, customers], ignore_index=True))
    weighted = MBGCNBD(3).fit(customers, weight=np.full(len(customers), 2.0))
    for model in (twice, weighted):
        assert model.params_.to_list() == pytest.approx(fitted.params_.to_list(), rel=1e-4)
        assert model.log_likelihood_ == pytest.approx(2 * fitted.log_likelihood_)
        ratio = model.standard_errors_ / fitted.standard_errors_
        assert (ratio**2).to_list() == pytest.approx([0.5] * 4, rel=1e-3)


def test_a_sharp_prior_wins(customers, fitted):
    aim = np.log([2.0, 9.0, 1.0, 4.0])
    model = MBGCNBD(3).fit(customers, prior=Prior(aim, 1e9 * np.eye(4)))
    assert np.log(model.params_.to_numpy()) == pytest.approx(aim, abs=1e-3)
    assert model.log_likelihood_ < fitted.log_likelihood_


def test_histories_folded_before_fit_as_well(fitted, customers):
    folded, logs = Histories.of_any(customers), float(customers["log_itts"].sum())
    assert MBGCNBD(3).fit_histories(folded, log_itts=logs).log_likelihood_ == pytest.approx(
        fitted.log_likelihood_
    )
    assert MBGCNBD(3).fit_histories(folded).params_.to_list() == pytest.approx(fitted.params_.to_list())
    with pytest.raises(ParameterError, match="log_itts"):
        MBGCNBD().fit_histories(folded)


# What comes next


def summed(params, k, x, t_x, T, horizon):
    """Expected purchases of an active customer: over elapsed ticks, then over ticks ahead."""
    r, alpha, a, b = params
    shape, u, p = r + k * x, (T - t_x) / (alpha + T), (alpha + T) / (alpha + T + horizon)
    elapsed = np.array(
        [math.exp(math.lgamma(shape + j) - math.lgamma(shape) - math.lgamma(j + 1)) * u**j for j in range(k)]
    )
    ahead = np.arange(int(nbinom.ppf(1 - 1e-13, shape + k, p)) + 50)
    stays = np.cumprod(np.append(1.0, (b + x + 1 + ahead) / (a + b + x + 1 + ahead)))
    until = np.append(0.0, np.cumsum(stays))
    return sum(
        share * (nbinom.pmf(ahead, shape + j, p) @ until[(ahead + j) // k])
        for j, share in enumerate(elapsed / elapsed.sum())
    )


@pytest.mark.parametrize("k", [1, 2, 4, 8])
@pytest.mark.parametrize("params", [PARAMS, [0.3, 2.0, 1.0, 2.0], [5.0, 100.0, 1e-3, 0.5]])
def test_expected_purchases_are_the_sum_over_ticks(k, params):
    model, some = MBGCNBD(k).with_params(params), HARD.iloc[:7]
    for horizon in (0.01, 10.0, 200.0):
        active = [summed(params, k, *row, horizon) for row in some.itertuples(index=False)]
        expected = model.predict_alive(some) * active
        assert model.predict_orders(some, horizon).to_list() == pytest.approx(expected.to_list(), rel=1e-9)


def test_expected_purchases_of_very_frequent_customers():
    """With nobody leaving, ticks ahead over k, but for the tick on the way to a purchase."""
    model = MBGCNBD(8).with_params([2.0, 1.0, 1e-9, 50.0])
    often = histories((1500, 730.0, 730.0))
    expected = (2 + 8 * 1500) / 731 * 365 / 8
    assert model.predict_orders(often, 365.0)[0] == pytest.approx(expected, abs=0.5)


def test_drawn_futures_have_the_expected_mean(customers):
    rng, some = np.random.default_rng(4), customers[:1500]
    expected = TRUE.predict_orders(some, [5.0, 20.0])
    draws = np.array([TRUE.draw_futures(some, [5.0, 20.0], rng) for _ in range(150)])
    assert draws.shape == (150, 1500, 2) and draws.min() == 0
    both = draws.cumsum(axis=2).mean(axis=0)
    for number, horizon in enumerate((5.0, 20.0)):
        error = draws.cumsum(axis=2)[:, :, number].sum(axis=1).std() / math.sqrt(150)
        assert abs(both[:, number].sum() - expected[horizon].sum()) < 4 * error
    bought = (draws[:, :, 0] > 0).mean(axis=0)
    assert bought.sum() == pytest.approx(TRUE.predict_active(some, 5.0).sum(), rel=0.03)
    assert np.corrcoef(both[:, 1], expected[20.0])[0, 1] > 0.99


def test_simulated_customers_do_what_is_expected():
    many = TRUE.simulate(np.full(150_000, 40.0), np.random.default_rng(5))
    assert many["x"].mean() == pytest.approx(TRUE.expected_orders(40.0), rel=0.02)
    chance = TRUE.predict_alive(many)
    for _, group in many.groupby(pd.cut(chance, [0, 0.2, 0.5, 0.7, 0.85, 1])):
        error = math.sqrt(0.25 / len(group))
        assert abs(group["alive"].mean() - chance[group.index].mean()) < 4 * error
    assert (many["t_x"] <= many["T"]).all() and (many.loc[many["x"] == 0, ["t_x", "log_itts"]] == 0).all(
        axis=None
    )
    one = many[many["x"] == 1]
    assert one["log_itts"].to_numpy() == pytest.approx(np.log(one["t_x"]))


def test_the_second_half_of_a_simulation_is_what_the_first_makes_expect():
    rng = np.random.default_rng(6)
    seen = TRUE.simulate(np.full(50_000, 30.0), rng)
    later = TRUE.expected_orders(50.0) - TRUE.expected_orders(30.0)
    assert TRUE.predict_orders(seen, 20.0).mean() == pytest.approx(later, rel=0.03)


def test_silence_means_more_of_regular_customers():
    silent = histories((6, 60.0, 64.0), (6, 60.0, 70.0), (6, 60.0, 90.0), (6, 60.0, 150.0))
    plain, regular = (MBGCNBD(k).with_params([2.0, 20.0 / k, 0.5, 3.0]).predict_alive(silent) for k in (1, 4))
    assert regular.is_monotonic_decreasing and plain.is_monotonic_decreasing
    assert regular[0] > plain[0] and regular[2] < plain[2] / 2


def test_predictions_hang_together(customers):
    some = customers[:500]
    ahead = [0.0, 1.0, 5.0, 50.0]
    orders = TRUE.predict_orders(some, ahead)
    assert orders.columns.to_list() == ahead and orders.index.equals(some.index)
    assert (orders[0.0] == 0).all() and (np.diff(orders, axis=1) > 0).all()
    for horizon in ahead[1:]:
        active = TRUE.predict_active(some, horizon)
        assert (active <= orders[horizon] + 1e-12).all() and (active <= TRUE.predict_alive(some)).all()
        pd.testing.assert_series_equal(TRUE.predict_orders(some, horizon), orders[horizon].rename("orders"))
    assert (TRUE.predict_active(some, 0.0) == 0).all()
    ratio = TRUE.predict_active(some, 1e-4) / TRUE.predict_orders(some, 1e-4)
    assert ratio.to_list() == pytest.approx([1] * 500, rel=1e-3)


def test_discounted_purchases_lie_below_the_plain_ones(customers):
    some, schedule = customers[:200], Schedule.until(52, 0.1, period=4, per_year=52)
    worth, plain = TRUE.discounted_orders(some, schedule), TRUE.predict_orders(some, 52.0)
    assert (worth < plain).all() and (worth > 0.9 * plain).all()
    assert 0.9 < TRUE.discounted_orders_of_new(schedule) / TRUE.expected_orders(52.0) < 1


def test_the_same_seed_draws_the_same(customers):
    pd.testing.assert_frame_equal(drawn(50, 3), drawn(50, 3))
    one, two = (TRUE.draw_futures(customers, [9.0], np.random.default_rng(1)) for _ in range(2))
    assert (one == two).all()


def test_nothing_given_is_changed(customers):
    before = customers.copy()
    model = MBGCNBD(2).fit(customers)
    model.predict_orders(customers, 5.0)
    model.draw_futures(customers, [5.0], np.random.default_rng(1))
    pd.testing.assert_frame_equal(customers, before)


def test_nobody_is_nobody():
    none = histories().astype(float)
    assert (
        len(TRUE.predict_orders(none, 5.0))
        == len(TRUE.predict_alive(none))
        == len(TRUE.predict_active(none, 5.0))
        == 0
    )
    assert TRUE.draw_futures(none, [1.0, 2.0], np.random.default_rng(1)).shape == (0, 2)


# What it refuses


def waits(*rows, names=None):
    return pd.DataFrame(rows, columns=["x", "t_x", "T", "log_itts"], index=names)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param((0, 0.0, 30.0, 1.0), "log_itts = 1", id="without repeats"),
        pytest.param((2, 9.0, 30.0, np.nan), "log_itts = nan", id="not a number"),
        pytest.param((2, 9.0, 30.0, -np.inf), "log_itts = -inf", id="two purchases at once"),
        pytest.param((1, 7.0, 30.0, 0.0), "log_itts = 0", id="another unit"),
        pytest.param((2, 9.0, 30.0, 3.1), "log_itts = 3.1", id="more than can be"),
        pytest.param((2, 40.0, 30.0, 3.0), "t_x above T", id="a history that cannot be"),
    ],
)
def test_waits_that_cannot_be_are_refused_by_name(row, said):
    good = (2, 10.0, 30.0, math.log(24))
    with pytest.raises(DataError, match=f"{said}.*at 1 of 3 customers: Zoe"):
        MBGCNBD().fit(waits(good, good, row, names=["Ann", "Ben", "Zoe"]))


def test_equal_waits_are_as_large_as_can_be():
    rows = [(x, 7.0 * x, 60.0, x * math.log(7)) for x in (1, 2, 5, 8, 3, 4)]
    assert np.isfinite(MBGCNBD(2).fit(waits(*rows)).log_likelihood_)


def test_without_waits_only_k_of_one_can_be_fitted(customers):
    bare = customers[["x", "t_x", "T"]]
    for model in (MBGCNBD(), MBGCNBD(2)):
        with pytest.raises(DataError, match="log_itts"):
            model.fit(bare)
    assert MBGCNBD(1).fit(bare).k_ == 1


@pytest.mark.parametrize("k", [0, -1, 1.5, True])
def test_a_k_that_cannot_be_is_refused(k, customers):
    with pytest.raises(ParameterError, match="k = "):
        MBGCNBD(k).fit(customers)


def test_without_k_nothing_is_predicted_before_a_fit():
    with pytest.raises(ParameterError, match="k = None"):
        MBGCNBD().with_params(PARAMS)


def test_a_copy_with_other_parameters_keeps_the_k_that_was_chosen(customers):
    model = MBGCNBD().fit(customers[:1500])
    copy = model.with_params(model.params_)
    assert copy.predict_alive(customers).equals(model.predict_alive(customers))


@pytest.mark.parametrize("horizon", [-1.0, np.nan, np.inf])
def test_horizons_that_cannot_be_are_refused(horizon, customers):
    for method in (TRUE.predict_orders, TRUE.predict_active):
        with pytest.raises(ParameterError, match="horizon"):
            method(customers, horizon)


def test_nobody_who_bought_again_is_too_little():
    with pytest.raises(TooLittleData):
        MBGCNBD(2).fit(waits(*itertools.repeat((0, 0.0, 30.0, 0.0), 20)))
