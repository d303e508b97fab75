"""What holds for every model of customers who leave without saying so."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.timing.bg_nbd import BGNBD
from crmlib.analysis.clv.timing.histories import Histories
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.clv.timing.pareto_nbd import ParetoNBD
from crmlib.errors import DataError, ParameterError, TooLittleData

TRUTH = {
    BGNBD: (0.6, 20.0, 0.8, 2.5),
    MBGNBD: (0.9, 20.0, 0.6, 1.8),
    ParetoNBD: (0.7, 20.0, 0.8, 120.0),
}
MODELS = pytest.mark.parametrize("model", TRUTH, ids=lambda model: model.__name__)


def drawn(model, n=1_500, seed=1, params=None):
    rng = np.random.default_rng(seed)
    base = model().with_params(params or TRUTH[model]).simulate(rng.integers(60, 400, n).astype(float), rng)
    # Whole days, as data come.
    return base.assign(t_x=np.ceil(base["t_x"]).clip(upper=base["T"]))


@pytest.fixture(scope="module")
def bases():
    return {model: drawn(model) for model in TRUTH}


@pytest.fixture(scope="module")
def fits(bases):
    return {model: model().fit(base) for model, base in bases.items()}


@MODELS
def test_another_unit_of_time_moves_the_scales_alone(bases, fits, model):
    base, days = bases[model], fits[model]
    weeks = model().fit(base.assign(t_x=base["t_x"] / 7, T=base["T"] / 7))
    times = np.array([1 / 7 if name in model.scales else 1.0 for name in model.names])
    assert weeks.params_.to_numpy() == pytest.approx(days.params_.to_numpy() * times, rel=1e-3)
    assert weeks.standard_errors_.to_numpy() == pytest.approx(
        days.standard_errors_.to_numpy() * times, rel=1e-2
    )
    # A density per week is 7 times that per day, for each repeat purchase.
    assert weeks.log_likelihood_ == pytest.approx(
        days.log_likelihood_ + base["x"].sum() * np.log(7), abs=1e-6
    )


@MODELS
def test_the_same_likelihood_in_another_unit_differs_by_a_constant_exactly(bases, model):
    base, logs = bases[model], np.log(TRUTH[model])
    shift = np.array([np.log(1e3) if name in model.scales else 0.0 for name in model.names])
    here = model().curved(Histories.of(base))(logs)
    there = model().curved(Histories.of(base.assign(t_x=base["t_x"] * 1e3, T=base["T"] * 1e3)))(logs + shift)
    assert there[0] == pytest.approx(here[0] - base["x"].sum() * np.log(1e3), rel=1e-12)
    assert there[1] == pytest.approx(here[1], rel=1e-8, abs=1e-8)
    assert there[2] == pytest.approx(here[2], rel=1e-8, abs=1e-8)


@MODELS
def test_the_order_and_the_names_of_customers_change_nothing(bases, fits, model):
    shuffled = bases[model].sample(frac=1, random_state=3)
    shuffled.index = [f"C{k}" for k in range(len(shuffled))]
    again = model().fit(shuffled)
    assert again.log_likelihood_ == pytest.approx(fits[model].log_likelihood_, rel=1e-12)
    assert again.params_.to_numpy() == pytest.approx(fits[model].params_.to_numpy(), rel=1e-4)


@MODELS
def test_a_base_twice_over_halves_the_squared_standard_errors(bases, fits, model):
    twice = model().fit(pd.concat([bases[model]] * 2))
    assert twice.params_.to_numpy() == pytest.approx(fits[model].params_.to_numpy(), rel=1e-3)
    assert twice.log_likelihood_ == pytest.approx(2 * fits[model].log_likelihood_, rel=1e-10)
    assert (twice.standard_errors_**2).to_numpy() == pytest.approx(
        (fits[model].standard_errors_ ** 2 / 2).to_numpy(), rel=1e-2
    )


@MODELS
def test_weights_of_two_equal_customers_twice_over(bases, model):
    base = bases[model]
    weight = np.where(np.arange(len(base)) % 3 == 0, 2.0, 1.0)
    logs = np.log(TRUTH[model]) + 0.1
    doubled = base.iloc[np.repeat(np.arange(len(base)), weight.astype(int))]
    by_weight, by_rows = (
        model().curved(h)(logs) for h in (Histories.of(base, weight), Histories.of(doubled))
    )
    for one, other in zip(by_weight, by_rows, strict=True):
        assert one == pytest.approx(other, rel=1e-10)
    assert model().fit(base, weight).log_likelihood_ == pytest.approx(
        model().fit(doubled).log_likelihood_, rel=1e-10
    )


@MODELS
def test_customers_of_weight_zero_are_not_there(bases, model):
    base = bases[model]
    there = np.arange(len(base)) % 2 == 0
    logs = np.log(TRUTH[model])
    without = model().curved(Histories.of(base[there]))(logs)
    weightless = model().curved(Histories.of(base, there.astype(float)))(logs)
    for one, other in zip(weightless, without, strict=True):
        assert one == pytest.approx(other, rel=1e-10)


@MODELS
def test_at_the_estimates_the_slope_is_flat_and_the_curvature_gives_the_errors(bases, fits, model):
    fit = fits[model]
    value, slope, curvature = model().curved(Histories.of(bases[model]))(np.log(fit.params_.to_numpy()))
    covariance = np.linalg.inv(-curvature)
    assert value == pytest.approx(fit.log_likelihood_, rel=1e-12)
    assert slope @ covariance @ slope < 1e-8
    assert fit.standard_errors_.to_numpy() == pytest.approx(
        np.sqrt(np.diag(covariance)) * fit.params_.to_numpy(), rel=1e-6
    )
    assert np.sqrt(np.diag(fit.covariance_)) == pytest.approx(fit.standard_errors_.to_numpy())
    assert fit.n_customers_ == len(bases[model])


@MODELS
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_what_the_simulator_put_in_is_found_again(model, seed):
    fit = model().fit(drawn(model, 4_000, seed).drop(columns=["rate", "alive"]))
    away = (np.log(fit.params_) - np.log(TRUTH[model])) / (fit.standard_errors_ / fit.params_)
    assert away.abs().max() < 4


@MODELS
@pytest.mark.parametrize("seed", [21, 22])
def test_as_many_are_active_as_predicted(model, seed):
    rng = np.random.default_rng(seed)
    base = model().with_params(TRUTH[model]).simulate(rng.integers(60, 400, 20_000).astype(float), rng)
    alive = model().with_params(TRUTH[model]).predict_alive(base)
    for some in (base["x"] >= 0, base["x"] == 0, base["x"] == 1, base["x"] > 3):
        spread = np.sqrt((alive * (1 - alive))[some].sum())
        assert abs(base["alive"][some].sum() - alive[some].sum()) <= 4 * spread


@MODELS
def test_new_customers_buy_as_often_as_expected(model):
    rng = np.random.default_rng(5)
    fitted = model().with_params(TRUTH[model])
    for time in (10.0, 100.0, 1_000.0):
        x = fitted.simulate(np.full(20_000, time), rng)["x"]
        assert abs(x.mean() - float(fitted.expected_orders(time))) < 4 * x.std() / np.sqrt(len(x))


@MODELS
def test_simulated_histories_are_histories(model):
    base = model().with_params(TRUTH[model]).simulate(np.full(3_000, 50.5), np.random.default_rng(6))
    assert list(base.columns) == ["x", "t_x", "T", "rate", "alive"]
    Histories.of(base)
    assert (base["rate"] >= 0).all() and base["alive"].dtype == bool and base["x"].dtype.kind == "i"


@MODELS
def test_the_same_seed_draws_the_same_customers_and_futures(bases, fits, model):
    one, other = (
        model().with_params(TRUTH[model]).simulate(np.full(50, 90.0), np.random.default_rng(7)) for _ in "ab"
    )
    pd.testing.assert_frame_equal(one, other)
    futures = [fits[model].draw_futures(bases[model], [30.0, 60.0], np.random.default_rng(8)) for _ in "ab"]
    assert (futures[0] == futures[1]).all()


@MODELS
def test_drawn_futures_are_as_many_as_predicted(model):
    base = drawn(model, 300, 31)
    fitted = model().with_params(TRUTH[model])
    many = base.loc[np.repeat(base.index, 200)]
    futures = fitted.draw_futures(many, [30.0, 100.0, 365.0], np.random.default_rng(9))
    assert futures.shape == (len(many), 3) and futures.dtype.kind == "i" and (futures >= 0).all()
    expected = fitted.predict_orders(base, [30.0, 100.0, 365.0])
    totals = futures.cumsum(axis=1)
    for number, horizon in enumerate(expected):
        total = totals[:, number]
        assert abs(total.mean() - expected[horizon].mean()) < 4 * total.std() / np.sqrt(len(total))
        some = total > 0
        active = fitted.predict_active(base, horizon).mean()
        assert abs(some.mean() - active) < 4 * np.sqrt(active * (1 - active) / len(total))


@MODELS
def test_several_horizons_at_once_are_each_on_its_own(bases, fits, model):
    ahead = [0.0, 1.0, 30.0, 365.0, 3_650.0]
    together = fits[model].predict_orders(bases[model], ahead)
    assert list(together.columns) == ahead and together.columns.name == "horizon"
    for horizon in ahead:
        single = fits[model].predict_orders(bases[model], horizon)
        assert single.name == "orders"
        assert together[horizon].to_numpy() == pytest.approx(single.to_numpy(), rel=1e-10)
    assert (together[0.0] == 0).all()
    assert (together.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)


@MODELS
def test_the_increments_of_months_add_up_to_the_total(bases, fits, model):
    ends = np.arange(1, 25) * 30.0
    by_month = fits[model].predict_orders(bases[model], ends)
    increments = np.diff(by_month.to_numpy(), axis=1, prepend=0.0)
    assert (increments > 0).all()
    assert increments.sum(axis=1) == pytest.approx(
        fits[model].predict_orders(bases[model], 720.0).to_numpy(), rel=1e-10
    )


@MODELS
def test_chances_are_chances_and_one_who_buys_is_active(bases, fits, model):
    alive = fits[model].predict_alive(bases[model])
    active = fits[model].predict_active(bases[model], 90.0)
    orders = fits[model].predict_orders(bases[model], 90.0)
    assert ((alive >= 0) & (alive <= 1)).all()
    assert ((active >= 0) & (active <= alive)).all()
    assert (active <= orders * (1 + 1e-12)).all()
    assert (fits[model].predict_active(bases[model], 0.0) == 0).all()
    assert (fits[model].predict_active(bases[model], 91.0) >= active).all()


@MODELS
def test_without_a_rate_discounted_orders_are_the_orders(bases, fits, model):
    schedule = Schedule.until(1_000.0, 0.0)
    found = fits[model].discounted_orders(bases[model], schedule)
    assert found.to_numpy() == pytest.approx(
        fits[model].predict_orders(bases[model], 1_000.0).to_numpy(), rel=1e-10
    )
    assert fits[model].discounted_orders_of_new(schedule) == pytest.approx(
        float(fits[model].expected_orders(1_000.0))
    )


@MODELS
def test_discounted_orders_are_the_sum_of_discounted_increments(bases, fits, model):
    schedule = Schedule.until(1_000.0, 0.15)
    totals = fits[model].predict_orders(bases[model], schedule.ends).to_numpy()
    by_hand = np.diff(totals, axis=1, prepend=0.0) @ schedule.factors
    found = fits[model].discounted_orders(bases[model], schedule)
    assert found.name == "discounted_orders"
    assert found.to_numpy() == pytest.approx(by_hand, rel=1e-10)
    new = np.diff(fits[model].expected_orders(schedule.ends), prepend=0.0) @ schedule.factors
    assert fits[model].discounted_orders_of_new(schedule) == pytest.approx(new)


@MODELS
def test_paid_at_the_start_is_worth_one_period_of_interest_more_than_at_the_end(bases, fits, model):
    start, middle, end = (
        fits[model].discounted_orders(bases[model], Schedule.until(360.0, 0.2, 30.0, timing)).to_numpy()
        for timing in ("start", "middle", "end")
    )
    assert start / end == pytest.approx(np.full(len(end), 1.2 ** (30 / 365.25)))
    assert middle / end == pytest.approx(np.full(len(end), 1.2 ** (15 / 365.25)))


@MODELS
def test_predictions_keep_the_index_and_the_frame(bases, fits, model):
    base = bases[model].head(20).set_index(pd.Index([f"C{k}" for k in range(20)], name="customer"))
    before = base.copy(deep=True)
    fit = fits[model]
    for found in (
        fit.predict_alive(base),
        fit.predict_active(base, 30.0),
        fit.predict_orders(base, 30.0),
        fit.predict_orders(base, [30.0, 60.0]),
        fit.discounted_orders(base, Schedule.until(90.0, 0.1)),
    ):
        assert found.index.equals(base.index) and found.index.name == "customer"
    fit.draw_futures(base, [30.0], np.random.default_rng(1))
    model().fit(base)
    pd.testing.assert_frame_equal(base, before)


@MODELS
def test_a_customer_is_predicted_alike_alone_and_among_others(bases, fits, model):
    base = bases[model].head(200)
    for predict in (fits[model].predict_alive, lambda c: fits[model].predict_orders(c, 90.0)):
        alone = pd.concat([predict(base.iloc[[k]]) for k in range(0, 200, 20)])
        assert predict(base).iloc[::20].to_numpy() == pytest.approx(alone.to_numpy(), rel=1e-9)


@MODELS
def test_nobody_gets_no_predictions(fits, model):
    nobody = pd.DataFrame({"x": [], "t_x": [], "T": []}, dtype=float)
    assert len(fits[model].predict_alive(nobody)) == 0
    assert len(fits[model].predict_active(nobody, 30.0)) == 0
    assert fits[model].predict_orders(nobody, [30.0, 60.0]).shape == (0, 2)


@MODELS
def test_a_large_base_started_on_a_part_ends_where_a_whole_one_does(model):
    base = drawn(model, 70_000, 41)
    h = Histories.of(base)
    assert h.part(len(h.x) // 8_000) is not h
    fit = model().fit_histories(h)
    _, slope, curvature = model().curved(h)(np.log(fit.params_.to_numpy()))
    assert slope @ np.linalg.solve(-curvature, slope) < 1e-6
    away = (np.log(fit.params_) - np.log(TRUTH[model])) / (fit.standard_errors_ / fit.params_)
    assert away.abs().max() < 6  # whole days in the place of moments are a little off


@pytest.mark.parametrize(
    ("model", "params", "leaving", "edge"),
    [
        (BGNBD, (0.6, 20.0, 1e-6, 10.0), lambda p: p["a"] / (p["a"] + p["b"]), {"a": "0", "b": "infinity"}),
        (MBGNBD, (0.6, 20.0, 1e-6, 10.0), lambda p: p["a"] / (p["a"] + p["b"]), {"a": "0", "b": "infinity"}),
        (ParetoNBD, (0.6, 20.0, 1e-6, 1_000.0), lambda p: p["s"] / p["beta"], {"s": "0", "beta": "infinity"}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
@pytest.mark.parametrize("seed", [51, 52, 53])
def test_where_nobody_leaves_nearly_no_leaving_is_estimated_or_an_edge_is_told(
    model, params, leaving, edge, seed
):
    base = drawn(model, 1_500, seed, params)
    fit = model().fit(base)
    assert leaving(fit.params_) < 0.02
    assert fit.params_["r"] == pytest.approx(0.6, rel=0.25)
    assert set(fit.maximum_.at_edge.items()) <= set(edge.items())
    assert fit.standard_errors_[list(fit.maximum_.at_edge)].isna().all()
    assert fit.predict_alive(base).mean() > 0.95


@pytest.mark.parametrize(
    ("model", "params"),
    [(BGNBD, (2.0, 5.0, 60.0, 0.5)), (MBGNBD, (2.0, 5.0, 3.0, 0.5)), (ParetoNBD, (2.0, 5.0, 3.0, 10.0))],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_where_nearly_everybody_left_nearly_nobody_is_active(model, params):
    base = drawn(model, 2_000, 61, params)
    alive = model().fit(base).predict_alive(base)
    some = base["x"] > 0
    assert abs(alive[some].mean() - base["alive"][some].mean()) < 0.03
    assert alive[some].mean() < 0.1


@MODELS
def test_a_base_without_repeats_is_refused_and_a_bad_one_named(model):
    none = pd.DataFrame({"x": [0, 0], "t_x": [0.0, 0.0], "T": [3.0, 4.0]})
    with pytest.raises(TooLittleData):
        model().fit(none)
    with pytest.raises(DataError, match="Bea"):
        model().fit(pd.DataFrame({"x": [1, -1], "t_x": [1.0, 0.0], "T": [3.0, 4.0]}, index=["Ada", "Bea"]))
    with pytest.raises(DataError, match="Bea"):
        model().with_params(TRUTH[model]).predict_alive(
            pd.DataFrame({"x": [1, 1], "t_x": [1.0, 9.0], "T": [3.0, 4.0]}, index=["Ada", "Bea"])
        )


@MODELS
@pytest.mark.parametrize("horizon", [-1.0, np.nan, np.inf])
def test_a_horizon_that_cannot_be_is_refused(bases, fits, model, horizon):
    for use in (
        lambda: fits[model].predict_orders(bases[model], horizon),
        lambda: fits[model].predict_orders(bases[model], [1.0, horizon]),
        lambda: fits[model].predict_active(bases[model], horizon),
        lambda: fits[model].expected_orders(horizon),
    ):
        with pytest.raises(ParameterError, match="horizon"):
            use()


@MODELS
def test_without_parameters_nothing_is_predicted(bases, model):
    with pytest.raises(NotFittedError):
        model().predict_alive(bases[model])


@MODELS
def test_given_parameters_are_a_copy_and_leave_the_fitted_alone(fits, model):
    before = fits[model].params_.copy()
    other = fits[model].with_params(TRUTH[model])
    assert other.params_.tolist() == list(TRUTH[model]) and list(other.params_.index) == list(model.names)
    pd.testing.assert_series_equal(fits[model].params_, before)
    assert not hasattr(clone(fits[model]), "params_")
