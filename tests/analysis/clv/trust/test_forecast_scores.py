"""Scores of forecasts: by hand, by lot, and what must not change them."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.trust.forecast_scores import IN_MONEY, Ordered, score, tenths


def frames(seed=1, count=500):
    rng = np.random.default_rng(seed)
    level = rng.gamma(0.5, 40, count)
    forecast = pd.DataFrame({"purchases": level / 20, "money": np.round(level, -1)})
    money = rng.gamma(1.0, level + 1e-9) * (rng.random(count) < 0.6)
    return forecast, pd.DataFrame({"purchases": rng.poisson(level / 20), "money": money})


def test_equal_forecasts_share_what_came_as_an_order_by_lot_would_on_average():
    rng = np.random.default_rng(3)
    forecast, came = np.array([5, 5, 5, 3, 3, 1.0]), np.array([9.0, 0, 3, 7, 1, 2])
    by_lot = []
    for _ in range(4000):
        order = np.lexsort((rng.random(6), -forecast))
        by_lot.append(np.append(0, np.cumsum(came[order])))
    found = Ordered.by(forecast).held(came, np.arange(7) / 6)
    assert found == pytest.approx(np.mean(by_lot, axis=0), abs=0.15)
    assert found[[0, 3, 5, 6]].tolist() == [0, 12, 20, 22]


def test_weights_are_customers_that_occur_several_times():
    forecast, actual = frames()
    times = np.random.default_rng(0).integers(0, 4, len(forecast))
    one = Ordered.by(forecast["money"].to_numpy())
    rows = np.repeat(np.arange(len(forecast)), times)
    other = Ordered.by(forecast["money"].to_numpy()[rows])
    shares = np.linspace(0, 1, 21)
    money = actual["money"].to_numpy()
    assert one.held(money, shares, times.astype(float)) == pytest.approx(other.held(money[rows], shares))


def test_scores_by_hand():
    actual = pd.DataFrame({"purchases": [3, 0, 1, 0, 1], "money": [50.0, 0, 20, 0, 30]})
    forecast = pd.DataFrame({"purchases": [2.0, 1, 0, 0, 1], "money": [40.0, 30, 0, 0, 20]})
    found = score(forecast, actual, share=0.4)
    assert found["error_money"] == -10 and found["error"] == pytest.approx(-0.1)
    assert found["error_purchases"] == pytest.approx(-0.2)
    assert (found["picked_money"], found["perfect_money"], found["lost_to_perfect"]) == (50, 80, 30)
    assert found["gain_fifth"] == 0.5 and found["gain_tenth"] == 0.25
    assert found["mean_absolute_error"] == 14
    assert found["correlation"] == pytest.approx(np.corrcoef(forecast["money"], actual["money"])[0, 1])
    # Curve by forecast: 0, .5, .5, .8, then two equal: .9, 1. Curve in true order: 0, .5, .8, 1, 1, 1.
    assert found["gini"] == pytest.approx((2 * 0.64 - 1) / (2 * 0.76 - 1))


def test_a_perfect_forecast_and_one_that_says_nothing():
    _, actual = frames()
    perfect = score(actual.astype("float64"), actual)
    assert perfect["gini"] == pytest.approx(1) and perfect["slope"] == pytest.approx(1)
    assert perfect["lost_to_perfect"] == pytest.approx(0, abs=1e-9) and perfect["error"] == 0
    nothing = score(pd.DataFrame(1.0, index=actual.index, columns=actual.columns), actual)
    assert nothing["gini"] == pytest.approx(0, abs=1e-12)
    assert nothing["gain_tenth"] == pytest.approx(0.1) and nothing["gain_fifth"] == pytest.approx(0.2)
    assert np.isnan(nothing["slope"]) and np.isnan(nothing["correlation"])


def test_tenths_add_up_and_fall():
    forecast, actual = frames(count=503)
    found = tenths(forecast["money"], actual["money"])
    for name, of in (("forecast", forecast), ("actual", actual)):
        assert (found[name] * found["customers"]).sum() == pytest.approx(of["money"].sum())
    assert found["customers"].sum() == pytest.approx(503) and list(found.index) == list(range(1, 11))
    assert found["forecast"].is_monotonic_decreasing


def test_the_currency_scales_money_alone():
    forecast, actual = frames()
    one = score(forecast, actual)
    other = score(forecast * [1, 100], actual * [1, 100])
    for name, value in one.items():
        assert other[name] == pytest.approx(value * (100 if name in IN_MONEY else 1)), name


def test_the_order_of_customers_changes_nothing():
    forecast, actual = frames()
    mixed = np.random.default_rng(5).permutation(len(actual))
    assert score(forecast.iloc[mixed], actual.iloc[mixed]) == pytest.approx(score(forecast, actual))


def test_shares_of_nothing_are_not_known():
    forecast, actual = frames()
    found = score(forecast, actual * 0)
    assert all(np.isnan(found[name]) for name in ("error", "error_purchases", "gini", "gain_fifth"))
