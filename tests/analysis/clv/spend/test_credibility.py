"""Credibility of own experience: by hand, against simulated truth, and at its edges."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from crmlib.analysis.clv.spend.credibility import Credibility
from crmlib.errors import DataError, TooLittleData


def table(purchases: list[list[float]]) -> pd.DataFrame:
    """Return what the model reads of the purchases of each customer."""
    rows = [
        (len(own), np.mean(own) if own else np.nan, np.var(own) * len(own) if own else np.nan)
        for own in purchases
    ]
    return pd.DataFrame(rows, columns=["n", "money", "squares"], index=[f"C{i}" for i in range(len(rows))])


def drawn(seed, customers=4_000, mean=12.0, within=2_500.0, between=400.0, most=12):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, most, customers)
    truth = mean + np.sqrt(between) * rng.standard_normal(customers)
    who = np.repeat(np.arange(customers), n)
    each = truth[who] + np.sqrt(within) * rng.standard_normal(len(who))
    money = np.bincount(who, each) / n
    squares = np.bincount(who, (each - money[who]) ** 2)
    return pd.DataFrame({"n": n, "money": money, "squares": squares}), truth


def test_three_customers_worked_by_hand():
    """Means 12, 6 and 18 of two purchases each; variance within 24/3, between (144 - 2 * 8) / 4."""
    customers = table([[10, 14], [4, 8], [20, 16]])
    model = Credibility().fit(customers)
    assert model.within_ == pytest.approx(8)
    assert model.between_ == pytest.approx(32)
    assert model.base_mean_ == pytest.approx(12)
    assert model.credibility(customers).tolist() == pytest.approx([8 / 9] * 3)
    assert model.predict(customers).tolist() == pytest.approx([12, 12 - 6 * 8 / 9, 12 + 6 * 8 / 9])


def test_unequal_customers_worked_in_fractions():
    """Four, three, one and two purchases; every step of Bühlmann & Gisler (2005), section 4.8, in fractions."""
    purchases = [[30, 10, 20, 40], [-20, 0, -10], [60], [5, 15]]
    n = [Fraction(len(own)) for own in purchases]
    means = [Fraction(sum(own)) / len(own) for own in purchases]
    squares = sum((value - mean) ** 2 for own, mean in zip(purchases, means, strict=True) for value in own)
    total = sum(n)
    within = squares / (total - 4)
    overall = sum(w * m for w, m in zip(n, means, strict=True)) / total
    spread = sum(w * (m - overall) ** 2 for w, m in zip(n, means, strict=True)) - 3 * within
    between = spread / (total - sum(w * w for w in n) / total)
    z = [w / (w + within / between) for w in n]
    base = sum(w * m for w, m in zip(z, means, strict=True)) / sum(z)
    model = Credibility().fit(table(purchases))
    assert (model.within_, model.between_, model.base_mean_) == pytest.approx(
        (float(within), float(between), float(base))
    )
    expected = [float(w * m + (1 - w) * base) for w, m in zip(z, means, strict=True)]
    assert model.predict(table(purchases)).tolist() == pytest.approx(expected)
    assert model.n_customers_ == 4


def test_variances_are_recovered_without_bias():
    found = np.array(
        [
            [m.within_, m.between_, m.base_mean_]
            for m in (Credibility().fit(drawn(s, 800)[0]) for s in range(60))
        ]
    )
    for values, truth in zip(found.T, (2_500.0, 400.0, 12.0), strict=True):
        assert abs(values.mean() - truth) < 4 * values.std() / np.sqrt(len(values))
        assert values.std() < 0.2 * truth


@pytest.mark.parametrize("between", [25.0, 400.0, 10_000.0])
def test_it_beats_own_means_and_the_base_mean(between):
    customers, truth = drawn(3, between=between)
    model = Credibility().fit(customers)
    error = ((model.predict(customers) - truth) ** 2).mean()
    assert error < ((customers["money"] - truth) ** 2).mean()
    assert error < ((customers["money"].mean() - truth) ** 2).mean()
    # And it is about what the model says it is.
    said = (between * (1 - model.credibility(customers))).mean()
    assert error == pytest.approx(said, rel=0.1)


def test_predictions_lie_between_own_mean_and_base_mean_and_loss_makers_stay_loss_makers():
    customers, _ = drawn(4, mean=-5.0, within=100.0)
    model = Credibility().fit(customers)
    found, z = model.predict(customers), model.credibility(customers)
    low, high = (
        np.minimum(customers["money"], model.base_mean_),
        np.maximum(customers["money"], model.base_mean_),
    )
    assert ((found >= low - 1e-9) & (found <= high + 1e-9)).all()
    assert z.between(0, 1).all() and (z.groupby(customers["n"]).nunique() == 1).all()
    assert z.groupby(customers["n"]).first().is_monotonic_increasing
    assert (found < 0).mean() > 0.4


def test_customers_without_purchases_get_the_base_mean():
    customers, _ = drawn(5)
    model = Credibility().fit(customers)
    nobody = pd.DataFrame({"n": [0, 0], "money": [np.nan, 9e9], "squares": [np.nan, -1.0]}, index=["A", "B"])
    assert model.predict(nobody).tolist() == [model.base_mean_] * 2
    assert model.credibility(nobody).tolist() == [0, 0]
    both = Credibility().fit(pd.concat([customers, nobody]))
    assert (both.within_, both.between_, both.base_mean_) == (model.within_, model.between_, model.base_mean_)


def test_all_equal():
    customers = table([[7.5] * 3, [7.5] * 2, [7.5]])
    model = Credibility().fit(customers)
    assert (model.within_, model.base_mean_) == (0, 7.5)
    np.testing.assert_allclose(model.predict(customers), 7.5)
    assert model.draw_sums(
        customers, np.array([0, 1, 4]), np.random.default_rng(1)
    ).tolist() == pytest.approx([0, 7.5, 30])


def test_no_more_than_chance_between_customers():
    """Own means all equal while purchases differ: the estimate of the variance between them is below 0."""
    model = Credibility().fit(table([[0, 20], [5, 15], [10]]))
    assert model.between_ == 0
    assert model.base_mean_ == 10
    assert model.credibility(table([[3], [4] * 50])).tolist() == [0, 0]


def test_no_noise_within_customers():
    model = Credibility().fit(table([[3, 3], [9, 9]]))
    assert model.within_ == 0
    assert model.predict(table([[4], []])).tolist() == pytest.approx([4, 6])


def test_the_unit_of_money_the_order_of_rows_and_a_shift_do_not_matter():
    customers, _ = drawn(6, 500)
    model = Credibility().fit(customers)
    cents = customers.assign(money=customers["money"] * 100, squares=customers["squares"] * 1e4)
    np.testing.assert_allclose(
        Credibility().fit(cents).predict(cents), 100 * model.predict(customers), rtol=1e-9
    )
    moved = customers.assign(money=customers["money"] + 1_000)
    np.testing.assert_allclose(
        Credibility().fit(moved).predict(moved), 1_000 + model.predict(customers), rtol=1e-9
    )
    mixed = customers.sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(
        Credibility().fit(mixed).predict(mixed).sort_index(), model.predict(customers), rtol=1e-9
    )


def test_drawn_sums_have_the_mean_and_the_variance_of_the_model():
    """Variance of k purchases: k² times what is unknown of the mean, plus k times that within."""
    model = Credibility().fit(drawn(7)[0])
    rng = np.random.default_rng(2)
    for n, k in ((1, 1), (4, 6), (0, 3)):
        some = pd.DataFrame({"n": n, "money": -20.0, "squares": 0.0}, index=range(60_000))
        sums = model.draw_sums(some, np.full(len(some), k), rng)
        unknown = 1 / (1 / model.between_ + n / model.within_)
        assert sums.mean() == pytest.approx(k * model.predict(some).iloc[0], abs=5 * sums.std() / 244)
        assert sums.var() == pytest.approx(k**2 * unknown + k * model.within_, rel=0.03)


def test_sums_of_purchases_to_come_are_covered():
    customers, truth = drawn(8, 6_000)
    model = Credibility().fit(customers)
    rng = np.random.default_rng(3)
    orders = rng.integers(0, 8, len(customers))
    made = orders * truth + np.sqrt(orders * 2_500.0) * rng.standard_normal(len(truth))
    sums = np.stack([model.draw_sums(customers, orders, rng) for _ in range(400)])
    low, high = np.quantile(sums, [0.05, 0.95], axis=0)
    some = orders > 0
    assert ((low <= made) & (made <= high))[some].mean() == pytest.approx(0.9, abs=0.015)
    assert (sums[:, ~some] == 0).all()


@pytest.mark.parametrize("purchases", [[[5.0], [7.0], [9.0]], [[5.0, 7.0]], [[], [5.0, 7.0]], [[], []], []])
def test_too_little_is_refused(purchases):
    with pytest.raises(TooLittleData, match="with several"):
        Credibility().fit(table(purchases).astype("float64"))


def test_two_customers_one_with_two_purchases_are_enough():
    assert np.isfinite(Credibility().fit(table([[5, 7], [9]])).base_mean_)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"n": 1.5}, r"n = 1.5, at 1 of 3 customers: C1"), ({"n": -1}, "n = -1, at 1 of 3"), ({"n": np.nan}, "n = nan, at 1 of 3"),
     ({"n": np.inf}, "n = inf"), ({"money": np.nan}, r"money = nan, at 1 of 3 customers: C1"), ({"money": np.inf}, "money = inf"),
     ({"squares": np.nan}, "squares = nan"), ({"squares": -1.0}, "squares = -1")],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused_by_name(change, message):
    good = table([[1, 2], [3, 4], [5, 6]]).astype("float64")
    bad = good.copy()
    ((column, value),) = change.items()
    bad.loc["C1", column] = value
    with pytest.raises(DataError, match=message):
        Credibility().fit(bad)
    with pytest.raises(DataError, match=message):
        Credibility().fit(good).predict(bad)


def test_missing_columns_text_and_models_not_fitted_are_refused():
    good = table([[1, 2], [3, 4]])
    with pytest.raises(DataError, match="without squares"):
        Credibility().fit(good.drop(columns="squares"))
    with pytest.raises(DataError, match="column money of type"):
        Credibility().fit(good.assign(money=["1", "2"]))
    for use in (Credibility().predict, Credibility().credibility):
        with pytest.raises(NotFittedError):
            use(good)
    assert clone(Credibility().fit(good)).get_params() == {}


def test_the_input_is_left_alone():
    customers, _ = drawn(9, 50)
    kept = customers.copy()
    Credibility().fit(customers).predict(customers)
    pd.testing.assert_frame_equal(customers, kept)
