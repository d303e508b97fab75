"""Parameters by group: small groups lean on the others, large ones stand alone."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.timing.groups import fit_by_group
from crmlib.analysis.clv.timing.mbg_cnbd import MBGCNBD
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.errors import DataError, TooLittleData

BASE = np.array([1.3, 80.0, 0.4, 3.0])


def drawn(seed, sizes, spread=0.0, params=None):
    """Customers of groups whose log parameters differ with standard deviation `spread`."""
    rng = np.random.default_rng(seed)
    parts, truths = [], {}
    for number, (name, size) in enumerate(sizes.items()):
        truths[name] = (
            BASE * np.exp(spread * rng.standard_normal(4)) if params is None else np.asarray(params[number])
        )
        own = MBGNBD().with_params(truths[name]).simulate(rng.integers(100, 1_000, size).astype(float), rng)
        parts.append(own[["x", "t_x", "T"]].assign(t_x=np.ceil(own["t_x"]), group=name))
    found = pd.concat(parts, ignore_index=True)
    return found.set_axis([f"C{i:05d}" for i in range(len(found))]), truths


@pytest.fixture(scope="module")
def unequal():
    """Five large groups alike, a large one that buys four times as often, and a tiny one that does, too."""
    often = BASE * [1, 0.25, 1, 1]
    sizes = {**{f"large {i}": 1_500 for i in range(5)}, "often": 3_000, "tiny": 12}
    customers, truths = drawn(1, sizes, params=[BASE] * 5 + [often, often])
    return customers, truths, fit_by_group(MBGNBD(), customers, customers["group"])


def rate(model):
    return model.params_["r"] / model.params_["alpha"]


def test_a_large_group_stands_alone(unequal):
    customers, truths, found = unequal
    for name in ("often", "large 0"):
        own = customers[customers["group"] == name]
        plain = MBGNBD().fit(own)
        assert rate(found.models[name]) == pytest.approx(rate(plain), rel=0.05)
        assert found.models[name].predict_orders(own, 365).sum() == pytest.approx(
            plain.predict_orders(own, 365).sum(), rel=0.03
        )
        assert rate(found.models[name]) == pytest.approx(truths[name][0] / truths[name][1], rel=0.15)


def test_a_small_group_leans_on_the_others(unequal):
    customers, _, found = unequal
    tiny = customers[customers["group"] == "tiny"]
    plain = MBGNBD().fit(tiny)
    others = np.mean(
        [np.log(model.params_) for name, model in found.models.items() if name != "tiny"], axis=0
    )
    away = np.abs(np.log(found.models["tiny"].params_) - others).sum()
    assert away < 0.5 * np.abs(np.log(plain.params_) - others).sum()
    assert found.table.loc["tiny", "own"] < 0.5 * found.table.loc["often", "own"]
    assert found.table["own"].between(0, 1).all()


def test_the_table_counts(unequal):
    customers, _, found = unequal
    assert found.table.index.tolist() == sorted(customers["group"].unique()) == list(found.models)
    assert found.table["customers"].sum() == len(customers)
    counts = customers[customers["x"] > 0].groupby("group").size()
    assert (found.table["repeaters"] == counts).all()
    np.testing.assert_allclose(
        found.table["alpha"], [model.params_["alpha"] for model in found.models.values()]
    )
    plain = MBGNBD().fit(customers)
    np.testing.assert_allclose(found.base.params_, plain.params_)


def test_the_spread_between_groups_is_recovered():
    """Pace differs by a known amount between 16 groups; the other parameters hardly do."""
    rng = np.random.default_rng(2)
    paces = np.exp(0.5 * rng.standard_normal(16))
    customers, _ = drawn(
        3, {f"G{i:02d}": 500 for i in range(16)}, params=[BASE * [1, 1 / pace, 1, 1] for pace in paces]
    )
    found = fit_by_group(MBGNBD(), customers, customers["group"])
    assert found.spread["alpha"] == pytest.approx(np.log(paces).std(), rel=0.3)
    assert found.spread["r"] < 0.25
    rates = np.array([rate(model) for model in found.models.values()])
    assert np.corrcoef(np.log(rates), np.log(paces))[0, 1] > 0.95


def test_groups_alike_are_found_alike():
    customers, _ = drawn(4, {f"G{i}": 400 for i in range(8)})
    found = fit_by_group(MBGNBD(), customers, customers["group"])
    assert (found.spread < 0.25).all()
    orders = [model.predict_orders(customers, 365).sum() for model in found.models.values()]
    assert np.std(orders) < 0.06 * np.mean(orders)


def test_shrunk_groups_predict_better_than_groups_alone_and_than_one_model():
    """Small groups that differ: expected purchases are nearer the truth than at either extreme."""
    errors = []
    for seed in (5, 6, 7):
        customers, truths = drawn(seed, {f"G{i:02d}": 60 for i in range(15)}, spread=0.5)
        found = fit_by_group(MBGNBD(), customers, customers["group"])
        parts = list(customers.groupby("group"))
        truth = pd.concat(
            [MBGNBD().with_params(truths[name]).predict_orders(own, 365) for name, own in parts]
        )
        alone = pd.concat([MBGNBD().fit(own).predict_orders(own, 365) for _, own in parts])
        shrunk = found.predict_orders(customers, customers["group"], 365)
        one = found.base.predict_orders(customers, 365)
        errors.append([((orders - truth) ** 2).mean() for orders in (shrunk, one, alone)])
    shrunk, one, alone = np.sqrt(np.mean(errors, axis=0))
    assert shrunk < 0.8 * one and shrunk < 0.9 * alone


def test_a_group_without_repeats_takes_the_parameters_of_the_others():
    customers, _ = drawn(6, {f"G{i}": 300 for i in range(4)})
    silent = pd.DataFrame(
        {"x": 0, "t_x": 0.0, "T": 400.0, "group": "silent"}, index=[f"S{i}" for i in range(30)]
    )
    both = pd.concat([customers, silent])
    found = fit_by_group(MBGNBD(), both, both["group"])
    middle = np.exp(
        np.mean([np.log(m.params_) for name, m in found.models.items() if name != "silent"], axis=0)
    )
    np.testing.assert_allclose(found.models["silent"].params_, middle, rtol=0.02)
    assert found.table.loc["silent", "own"] < 0.01 and found.table.loc["silent", "repeaters"] == 0
    assert found.predict_orders(both, both["group"], 365).notna().all()


@pytest.fixture(scope="module")
def four():
    customers, _ = drawn(7, {f"G{i}": 200 + 100 * i for i in range(4)}, spread=0.3)
    return customers, fit_by_group(MBGNBD(), customers, customers["group"])


def test_the_names_of_groups_and_the_order_of_customers_do_not_matter(four):
    customers, found = four
    orders = found.predict_orders(customers, customers["group"], 365)
    for names in ({"G0": "z", "G1": "y", "G2": "x", "G3": "w"}, {"G0": 3, "G1": 1, "G2": 7, "G3": 2}):
        groups = customers["group"].map(names)
        other = fit_by_group(MBGNBD(), customers, groups)
        np.testing.assert_allclose(other.predict_orders(customers, groups, 365), orders, rtol=1e-3)
    mixed = customers.sample(frac=1, random_state=1)
    again = fit_by_group(MBGNBD(), mixed, mixed["group"])
    np.testing.assert_allclose(
        again.predict_orders(mixed, mixed["group"], 365)[customers.index], orders, rtol=1e-6
    )


def test_each_customer_is_predicted_by_the_model_of_the_group(four):
    customers, found = four
    orders = found.predict_orders(customers, customers["group"], 90)
    assert orders.index.equals(customers.index)
    for name, own in customers.groupby("group"):
        np.testing.assert_array_equal(orders[own.index], found.models[name].predict_orders(own, 90))
    same = found.predict_orders(customers.set_axis(["twin"] * len(customers)), customers["group"], 90)
    np.testing.assert_array_equal(same, orders)


def test_customers_of_no_group_or_of_a_new_one_are_predicted_by_the_base(four):
    customers, found = four
    groups = customers["group"].astype(object)
    groups.iloc[:50], groups.iloc[50:100] = None, "new"
    orders = found.predict_orders(customers, groups, 90)
    np.testing.assert_array_equal(orders[:100], found.base.predict_orders(customers[:100], 90))
    np.testing.assert_allclose(orders[100:], found.predict_orders(customers, customers["group"], 90)[100:])
    fitted = fit_by_group(MBGNBD(), customers, groups.where(groups != "new", None))
    assert list(fitted.models) == ["G0", "G1", "G2", "G3"]
    assert fitted.table["customers"].sum() == len(customers) - 100


@pytest.fixture(scope="module")
def regular():
    rng = np.random.default_rng(8)
    customers = MBGCNBD(2).with_params([1.2, 20.0, 0.5, 3.0]).simulate(np.full(900, 500.0), rng)
    return customers, pd.Series(rng.choice(["A", "B", "C"], 900), index=customers.index)


def test_regular_buyers_have_groups_too(regular):
    customers, groups = regular
    found = fit_by_group(MBGCNBD(2), customers, groups)
    assert found.predict_orders(customers, groups, 90).gt(0).all()
    for name, model in found.models.items():
        own = customers[(groups == name).to_numpy()]
        alone = MBGCNBD(2).fit(own)
        assert model.k_ == 2 and rate(model) == pytest.approx(rate(alone), rel=0.15)
        # With the part of the inter-purchase times: comparable with a fit of its own, and below it.
        assert alone.log_likelihood_ - 6 < model.log_likelihood_ <= alone.log_likelihood_


def test_a_k_that_was_not_given_is_that_of_all_customers(regular):
    customers, groups = regular
    few = customers.iloc[:300]
    found = fit_by_group(MBGCNBD(), few, groups.iloc[:300])
    assert found.base.k is None and {model.k_ for model in found.models.values()} == {found.base.k_}
    same = fit_by_group(MBGCNBD(found.base.k_), few, groups.iloc[:300])
    for name, model in found.models.items():
        np.testing.assert_allclose(model.params_, same.models[name].params_, rtol=1e-3)


def test_irregular_buyers_need_no_times_between_purchases_and_regular_ones_say_that_they_do(regular):
    customers, groups = regular
    bare = customers[["x", "t_x", "T"]]
    one, plain = (fit_by_group(model, bare, groups) for model in (MBGCNBD(1), MBGNBD()))
    for name in "ABC":
        np.testing.assert_allclose(one.models[name].params_, plain.models[name].params_, rtol=1e-4)
    for k in (2, None):
        with pytest.raises(DataError, match="log_itts"):
            fit_by_group(MBGCNBD(k), bare, groups)


def test_the_covariance_between_groups_is_that_of_the_spread(four):
    found = four[1]
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), found.spread)
    assert found.covariance.index.tolist() == found.covariance.columns.tolist() == list(found.base.names)
    assert np.linalg.eigvalsh(found.covariance).min() > 0


def test_two_groups_are_refused():
    customers, _ = drawn(9, {"A": 50, "B": 50})
    with pytest.raises(TooLittleData, match="2 groups"):
        fit_by_group(MBGNBD(), customers, customers["group"])
    with pytest.raises(TooLittleData, match="1 group\\."):
        fit_by_group(MBGNBD(), customers, customers["group"].where(customers["group"] == "A"))


def test_the_inputs_are_left_alone(four):
    customers, _ = four
    kept = customers.copy()
    fit_by_group(MBGNBD(), customers, customers["group"])
    pd.testing.assert_frame_equal(customers, kept)
