"""The chance to be active: the model's own, by groups where some began before the data."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.churn.active_chance import chances_alive
from crmlib.analysis.churn.activity import number_of
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD

N = number_of(date(2026, 1, 1))
BEGIN = N - 700


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(1)
    size = 600
    first = BEGIN + rng.integers(0, 400, size)
    rate = rng.gamma(1.0, 0.01, size)
    end = np.minimum(first + rng.exponential(400, size), N)
    times = rng.poisson(rate * (end - first))
    last = np.where(
        times > 0, np.floor(first + (end - first) * rng.random(size) ** (1 / np.maximum(times, 1))), first
    )
    times = np.where(last == first, 0, times)
    return {"first": first * 1.0, "last": last, "purchases": times + 1}


def histories(known):
    return pd.DataFrame(
        {"x": known["purchases"] - 1.0, "t_x": known["last"] - known["first"], "T": N - known["first"]}
    )


def test_it_is_that_of_the_model(known):
    frame = histories(known)
    chance, trouble = chances_alive(MBGNBD(), known, N, np.full(600, np.nan), BEGIN)
    np.testing.assert_allclose(chance, MBGNBD().fit(frame).predict_alive(frame), atol=1e-6)
    assert trouble == ""


def test_those_who_began_before_are_fitted_apart(known):
    since = date(2024, 6, 1)
    before = known["first"] < number_of(since)
    assert 100 < before.sum() < 500
    chance, _ = chances_alive(MBGNBD(), known, N, np.full(600, np.nan), BEGIN, since)
    frame = histories(known)[before]
    np.testing.assert_allclose(chance[before], MBGNBD().fit(frame).predict_alive(frame), atol=1e-6)
    acquired = np.where(before, BEGIN - 1.0, BEGIN + 1.0)
    again, _ = chances_alive(MBGNBD(), known, N, acquired, BEGIN)
    np.testing.assert_array_equal(chance, again)


def test_where_nothing_can_be_fitted_it_is_missing_and_the_reason_is_told(known):
    once = known | {"last": known["first"], "purchases": np.ones(600, dtype=int)}
    chance, trouble = chances_alive(MBGNBD(), once, N, np.full(600, np.nan), BEGIN)
    assert np.isnan(chance).all() and "bought again" in trouble
