"""Covariates of buying and of leaving: known coefficients, a true maximum, and columns that cannot be."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.timing.bg_nbd import BGNBD
from crmlib.analysis.clv.timing.covariates import WithCovariates
from crmlib.analysis.clv.timing.histories import Histories
from crmlib.analysis.clv.timing.mbg_cnbd import MBGCNBD
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.clv.timing.pareto_nbd import ParetoNBD
from crmlib.errors import DataError, ParameterError, TooLittleData

BUYING, LEAVING = 0.6, 0.8
PARAMS = {ParetoNBD: [1.2, 60.0, 0.8, 500.0], MBGNBD: [1.3, 80.0, 0.6, 3.0], BGNBD: [1.3, 80.0, 0.6, 3.0]}


def moved(model, buying, leaving):
    """The parameters of a customer whose covariates move buying and leaving by so much."""
    found = model.params_.copy()
    found["alpha"] *= np.exp(-buying)
    if "beta" in found:
        found["beta"] *= np.exp(-leaving)
    else:
        found["a"] *= np.exp(leaving / 2)
        found["b"] *= np.exp(-leaving / 2)
    return model.with_params(found)


def drawn(kind=MBGNBD, seed=1, size=5_000, buying=BUYING, leaving=LEAVING):
    """Customers of two channels and three sizes; the web buys more, and larger ones leave more."""
    rng = np.random.default_rng(seed)
    web, large = rng.random(size) < 0.4, rng.integers(0, 3, size)
    base = kind().with_params(PARAMS[kind])
    T = rng.integers(100, 1_000, size).astype(float)
    parts = []
    for is_web in (False, True):
        for step in range(3):
            mask = (web == is_web) & (large == step)
            own = moved(base, buying * (is_web - 0.4), leaving * (step - 1)).simulate(T[mask], rng)
            parts.append(
                own[["x", "t_x", "T"]].assign(
                    t_x=np.ceil(own["t_x"]), channel="web" if is_web else "shop", size=step
                )
            )
    found = pd.concat(parts, ignore_index=True).sample(frac=1, random_state=seed)
    return found.set_axis([f"C{i:05d}" for i in range(size)])


@pytest.fixture(scope="module")
def customers():
    return drawn()


@pytest.fixture(scope="module")
def fitted(customers):
    return WithCovariates(MBGNBD(), ["channel"], ["size"]).fit(customers)


@pytest.mark.parametrize("kind", [ParetoNBD, MBGNBD, BGNBD])
def test_known_coefficients_are_recovered(kind):
    found = WithCovariates(kind(), ["channel", "size"], ["channel", "size"]).fit(drawn(kind, seed=2))
    truth = {("purchase", "channel=web"): BUYING, ("purchase", "size"): 0.0, ("dropout", "channel=web"): 0.0,
             ("dropout", "size"): LEAVING}  # fmt: skip
    rows = found.coefficients_
    assert list(rows.index) == list(truth)
    away = (rows["estimate"] - pd.Series(truth)) / rows["standard_error"]
    assert away.abs().max() < 3
    assert rows["standard_error"].max() < 0.35
    assert (rows["low"] < rows["estimate"]).all() and (rows["estimate"] < rows["high"]).all()
    assert rows.loc[("purchase", "channel=web"), "p_value"] < 1e-4 and found.p_value_ < 1e-6
    assert found.log_likelihood_ > found.base_log_likelihood_
    np.testing.assert_allclose(np.log(found.params_ / PARAMS[kind]), 0, atol=0.6)


def test_where_nothing_depends_on_them_nothing_is_found():
    p_values = [
        WithCovariates(MBGNBD(), ["channel"], ["size"])
        .fit(drawn(seed=seed, size=800, buying=0, leaving=0))
        .p_value_
        for seed in range(20, 40)
    ]
    assert sum(p < 0.05 for p in p_values) <= 4
    assert 0.2 < np.mean(p_values) < 0.8


def likelihood(model, customers, params, buying, leaving):
    """The second way: customers by combination, in deviations from the means, each with plain parameters."""
    web = (customers["channel"] == "web").astype(float)
    total = 0.0
    for (share, size), own in customers.groupby(
        [web - web.mean(), customers["size"] - customers["size"].mean()]
    ):
        there = moved(model.with_params(params), buying * share, leaving * size)
        total += there.values(Histories.of_any(own))(np.log(there.params_.to_numpy())[None])[0]
    return total


def test_the_likelihood_is_that_of_the_combinations_one_by_one(customers, fitted):
    estimates = fitted.coefficients_["estimate"].to_numpy()
    assert likelihood(MBGNBD(), customers, fitted.params_, *estimates) == pytest.approx(
        fitted.log_likelihood_, rel=1e-10
    )
    plain = MBGNBD().fit(customers)
    assert fitted.base_log_likelihood_ == pytest.approx(plain.log_likelihood_, rel=1e-10)
    assert likelihood(MBGNBD(), customers, plain.params_, 0, 0) == pytest.approx(
        plain.log_likelihood_, rel=1e-10
    )


def test_the_maximum_is_one(customers, fitted):
    """Without derivatives: a step in any direction, small or large, is a step down."""
    rng = np.random.default_rng(3)
    logs, estimates = np.log(fitted.params_.to_numpy()), fitted.coefficients_["estimate"].to_numpy()
    for length in (0.003, 0.03, 0.3):
        for _ in range(8):
            step = rng.standard_normal(6)
            step *= length / np.linalg.norm(step)
            value = likelihood(MBGNBD(), customers, np.exp(logs + step[:4]), *(estimates + step[4:]))
            assert value < fitted.log_likelihood_


def test_a_general_search_finds_no_more(customers):
    from scipy.optimize import minimize

    some = customers[:600]
    found = WithCovariates(MBGNBD(), ["channel"], ["size"]).fit(some)

    def against(unknowns):
        return -likelihood(MBGNBD(), some, np.exp(np.clip(unknowns[:4], -12, 12)), *unknowns[4:])

    start = np.concatenate([np.log(found.params_), found.coefficients_["estimate"]])
    best = minimize(against, start + 0.1, method="Powell", options={"maxiter": 4, "ftol": 1e-7})
    assert -best.fun < found.log_likelihood_ + 1e-6


def test_with_coefficients_of_zero_predictions_are_those_of_the_plain_model(customers, fitted):
    plain = MBGNBD().fit(customers)
    zeros = np.concatenate([np.log(plain.params_), [0.0, 0.0]])
    none = WithCovariates(MBGNBD(), ["channel"], ["size"]).fit(customers)
    none.maximum_ = dataclasses.replace(fitted.maximum_, logs=zeros)
    year = Schedule.until(365.25, 0.1)
    np.testing.assert_allclose(none.predict_alive(customers), plain.predict_alive(customers))
    np.testing.assert_allclose(none.predict_orders(customers, 365), plain.predict_orders(customers, 365))
    np.testing.assert_allclose(
        none.discounted_orders(customers, year), plain.discounted_orders(customers, year)
    )


def test_predictions_are_those_of_the_parameters_of_each_customer(customers, fitted):
    buying, leaving = fitted.coefficients_["estimate"]
    orders, alive = fitted.predict_orders(customers, 365), fitted.predict_alive(customers)
    assert orders.index.equals(customers.index) and orders.name == "orders" and alive.name == "alive"
    web, size = (customers["channel"] == "web"), customers["size"]
    for is_web in (False, True):
        for step in range(3):
            own = customers[(web == is_web) & (size == step)]
            model = moved(
                MBGNBD().with_params(fitted.params_),
                buying * (is_web - web.mean()),
                leaving * (step - size.mean()),
            )
            np.testing.assert_allclose(orders[own.index], model.predict_orders(own, 365))
            np.testing.assert_allclose(alive[own.index], model.predict_alive(own))
    same = customers[:1].assign(x=5, t_x=300.0, T=400.0)
    either = [fitted.predict_orders(same.assign(channel=channel), 365).iloc[0] for channel in ("shop", "web")]
    assert either[1] > either[0]


def test_customers_who_share_a_name_get_their_own_predictions(customers, fitted):
    twins = customers.set_axis(["twin"] * len(customers))
    np.testing.assert_array_equal(fitted.predict_orders(twins, 90), fitted.predict_orders(customers, 90))


def test_a_part_of_the_customers_is_predicted_like_all_of_them(customers, fitted):
    part = customers[customers["channel"] == "web"][:7]
    np.testing.assert_allclose(
        fitted.predict_orders(part, 90), fitted.predict_orders(customers, 90)[part.index]
    )
    assert fitted.predict_orders(customers[:0], 90).empty


def test_the_unit_of_a_number_does_not_matter(customers, fitted):
    for unit in (1e-4, 1e5):
        other = WithCovariates(MBGNBD(), ["channel"], ["size"]).fit(
            customers.assign(size=customers["size"] * unit)
        )
        assert other.log_likelihood_ == pytest.approx(fitted.log_likelihood_, abs=1e-6)
        row, plain = (model.coefficients_.loc[("dropout", "size")] for model in (other, fitted))
        for name in ("estimate", "standard_error", "low", "high"):
            assert row[name] * unit == pytest.approx(plain[name], rel=1e-4)
        assert row["p_value"] == pytest.approx(plain["p_value"], rel=1e-3)
    shifted = WithCovariates(MBGNBD(), ["channel"], ["size"]).fit(
        customers.assign(size=customers["size"] + 1_000)
    )
    np.testing.assert_allclose(shifted.coefficients_["estimate"], fitted.coefficients_["estimate"], rtol=1e-4)
    np.testing.assert_allclose(shifted.params_, fitted.params_, rtol=1e-4)


def test_a_unit_of_time_moves_scales_only(customers, fitted):
    weeks = customers.assign(t_x=customers["t_x"] / 7, T=customers["T"] / 7)
    other = WithCovariates(MBGNBD(), ["channel"], ["size"]).fit(weeks)
    np.testing.assert_allclose(other.coefficients_["estimate"], fitted.coefficients_["estimate"], rtol=1e-3)
    np.testing.assert_allclose(other.params_ / fitted.params_, [1, 1 / 7, 1, 1], rtol=1e-3)


def test_text_truth_values_and_classes_are_the_same_thing(customers, fitted):
    web = customers["channel"] == "web"
    for column in (
        web,
        web.astype(int),
        web.astype("Int64"),
        web.map({True: "z", False: "a"}).astype("category"),
    ):
        other = WithCovariates(MBGNBD(), ["channel"], ["size"]).fit(customers.assign(channel=column))
        np.testing.assert_allclose(
            other.coefficients_["estimate"], fitted.coefficients_["estimate"], rtol=1e-5
        )
        np.testing.assert_allclose(
            other.predict_orders(customers.assign(channel=column), 90),
            fitted.predict_orders(customers, 90),
            rtol=1e-5,
        )


def test_text_of_three_values_becomes_two_columns_against_the_first(customers):
    text = customers.assign(size=customers["size"].map({0: "b", 1: "c", 2: "a"}))
    found = WithCovariates(MBGNBD(), dropout=["size"]).fit(text)
    assert list(found.coefficients_.index) == [("dropout", "size=b"), ("dropout", "size=c")]
    # "a" are the largest, who leave soonest.
    assert (found.coefficients_["estimate"] < 0).all()


def test_regular_buyers(customers):
    rng = np.random.default_rng(5)
    parts = [
        MBGCNBD(2)
        .with_params([1.3, 40.0 * np.exp(-c), 0.6, 3.0])
        .simulate(np.full(1_500, 700.0), rng)
        .assign(z=c)
        for c in (0.0, 0.5)
    ]
    regular = pd.concat(parts, ignore_index=True)
    found = WithCovariates(MBGCNBD(2), ["z"]).fit(regular)
    (row,) = found.coefficients_.itertuples()
    assert abs(row.estimate - 1) < 3 * row.standard_error
    assert found.p_value_ < 1e-3 and found.log_likelihood_ > found.base_log_likelihood_
    with pytest.raises(ParameterError):
        WithCovariates(MBGCNBD(), ["z"]).fit(regular)


def test_a_value_of_one_customer_who_never_came_back_is_no_trouble(customers):
    alone = customers.assign(channel=np.where(np.arange(len(customers)) == 0, "fair", customers["channel"]))
    alone.loc[alone.index[0], ["x", "t_x", "T"]] = 0, 0.0, 0.0
    found = WithCovariates(MBGNBD(), ["channel"]).fit(alone)
    assert np.isfinite(found.log_likelihood_) and found.predict_orders(alone, 90).notna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [(lambda c: c.assign(channel=c["channel"].where(c["size"] > 0)), "no value of channel, at .* of 5,000 customers: C"),
     (lambda c: c.assign(size=c["size"].where(c["size"] > 0)), "no value of size, at"),
     (lambda c: c.assign(size=np.where(c["size"] > 0, np.inf, 1)), "size = inf, at"),
     (lambda c: c.drop(columns="channel"), "no column channel"),
     (lambda c: c.assign(size=np.arange(len(c))), "different combinations of covariates"),
     (lambda c: c.assign(channel=[f"K{i}" for i in range(len(c))]), "different combinations|follows"),
     (lambda c: c.assign(t_x=c["T"] + 1), "t_x")],
)  # fmt: skip
def test_columns_that_cannot_be_are_refused(customers, fitted, change, message):
    with pytest.raises(DataError, match=message):
        WithCovariates(MBGNBD(), ["channel"], ["size"]).fit(
            change(customers[:1_500] if "combin" in message else customers)
        )


@pytest.mark.parametrize("column", ["always", 3, True])
def test_a_column_that_never_varies_is_refused(customers, column):
    same = customers.assign(same=column)
    for purchase in (["same"], ["channel", "same"]):
        with pytest.raises(TooLittleData, match="covariate same, the same for all"):
            WithCovariates(MBGNBD(), purchase).fit(same)


def test_columns_that_say_the_same_are_refused(customers):
    twice = customers.assign(twice=2 * customers["size"] + 3)
    with pytest.raises(DataError, match="one follows from the others, among size, twice"):
        WithCovariates(MBGNBD(), ["size", "twice"]).fit(twice)
    # One of buying and one of leaving are two different things.
    assert WithCovariates(MBGNBD(), ["size"], ["twice"]).fit(twice[:1_000]).coefficients_.notna().all().all()


def test_no_covariates_at_all_are_refused(customers):
    with pytest.raises(ParameterError, match="no covariates"):
        WithCovariates(MBGNBD()).fit(customers)


def test_predictions_refuse_what_the_fit_did_not_see(customers, fitted):
    with pytest.raises(DataError, match="channel = 'fax', at 5,000 of 5,000"):
        fitted.predict_orders(customers.assign(channel="fax"), 90)
    with pytest.raises(DataError, match="no column size"):
        fitted.predict_alive(customers.drop(columns="size"))
    assert fitted.predict_orders(customers.assign(size=7), 90).notna().all()


def test_the_inputs_are_left_alone_and_fits_are_the_same_twice(customers, fitted):
    kept = customers.copy()
    model = MBGNBD()
    again = WithCovariates(model, ["channel"], ["size"]).fit(customers)
    pd.testing.assert_frame_equal(customers, kept)
    pd.testing.assert_frame_equal(again.coefficients_, fitted.coefficients_)
    assert not hasattr(model, "params_")
