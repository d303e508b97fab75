"""Parameters drawn around a maximum: as far apart as estimates from data drawn anew are."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.spend.gamma_gamma import GammaGamma
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.clv.trust.drawn_parameters import around_maximum, drawn_spend

TRUTH = {"p": 6.0, "q": 4.0, "gamma": 15.0}


def spent(seed, customers=400, orders=3):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, orders + 1, customers)
    nu = rng.gamma(TRUTH["q"], 1 / TRUTH["gamma"], customers)
    return pd.DataFrame({"n": n, "money": rng.gamma(TRUTH["p"] * n, 1 / (nu * n))})


def test_draws_lie_as_far_apart_as_estimates_from_new_data():
    fitted = GammaGamma().fit(spent(0, 2_000))
    drawn = np.log(around_maximum(fitted, 4_000, np.random.default_rng(1)))
    again = np.log([GammaGamma().fit(spent(seed, 2_000)).params_.to_numpy() for seed in range(1, 41)])
    np.testing.assert_allclose(drawn.std(axis=0), again.std(axis=0), rtol=0.4)
    np.testing.assert_allclose(drawn.mean(axis=0), fitted.maximum_.logs, atol=0.02)
    covariance = fitted.maximum_.covariance()
    np.testing.assert_allclose(np.cov(drawn.T), covariance, rtol=0.15, atol=0.02 * covariance.max())


def test_a_parameter_at_an_edge_stays_there():
    money = pd.DataFrame({"n": 2, "money": np.random.default_rng(2).gamma(500.0, 0.1, 300)})
    fitted = GammaGamma().fit(money)
    assert fitted.maximum_.at_edge
    drawn = pd.DataFrame(around_maximum(fitted, 50, np.random.default_rng(1)), columns=fitted.names)
    for name in fitted.names:
        assert (drawn[name].nunique() == 1) == (name in fitted.maximum_.at_edge)


def test_money_of_the_customer_with_the_fewest_orders_stays_finite():
    """Where q is near 1, about half of the draws would have no mean for somebody without an order."""
    rng = np.random.default_rng(4)
    money = pd.DataFrame({"n": 4, "money": rng.gamma(24.0, 1 / rng.gamma(1.1, 0.1, 60)) / 4})
    fitted = GammaGamma().fit(money)
    assert (around_maximum(fitted, 200, np.random.default_rng(1))[:, 1] <= 1).sum() > 10
    drawn = drawn_spend(fitted, 0.0, 200, np.random.default_rng(1))
    assert len(drawn) == 200 and all(one.population_mean() > 0 for one in drawn)


def test_a_model_with_given_parameters_is_taken_as_known():
    known = GammaGamma().with_params(list(TRUTH.values()))
    assert drawn_spend(known, 1.0, 3, np.random.default_rng(1)) == [known] * 3


@pytest.mark.parametrize("seed", range(2))
def test_the_same_seed_draws_the_same(seed):
    table = (
        MBGNBD().with_params([1.2, 80.0, 0.5, 3.0]).simulate(np.full(500, 600.0), np.random.default_rng(0))
    )
    fitted = MBGNBD().fit(table)
    one, other = (around_maximum(fitted, 5, np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert one.shape == (5, 4) and (one > 0).all()
