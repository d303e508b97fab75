"""Scores over several origins: sums are sums, means are means, and the best loses nothing to itself."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.trust.score_table import compared_scores, mean_tenths, with_coverage

METHODS = ["bg_nbd", "same_again"]


def rehearsal(origin, seed, size=60):
    rng = np.random.default_rng(seed)
    index = [f"C{i:03d}" for i in range(size)]
    money = pd.DataFrame({name: rng.gamma(1.0, 30.0, size) for name in METHODS}, index=index)
    actual = pd.DataFrame(
        {"purchases": rng.poisson(1.0, size), "money": rng.gamma(1.0, 30.0, size)}, index=index
    )
    ends = {"purchases_low": 0.0, "purchases_high": 1e9, "money_low": 0.0, "money_high": 1e9}
    covered = pd.DataFrame(
        {"bg_nbd": {"coverage": seed / 10, "money_covered": True, "purchases_covered": True} | ends}
    ).T

    def forecast(name):
        return pd.DataFrame({"purchases": money[name] / 30, "money": money[name]})

    return SimpleNamespace(
        origin=origin, actual=actual, money=money, forecast=forecast, coverage=lambda: covered
    )


@pytest.fixture(scope="module")
def compared():
    held = (rehearsal("2025-06-30", 1), rehearsal("2024-12-31", 2))
    return held, compared_scores(held, METHODS, 0.2, 50, 1, 0.05, 0.95)


def test_money_is_added_up_and_errors_are_ratios_of_sums(compared):
    held, (by_origin, scores, apart, errors) = compared
    for name in METHODS:
        forecast = sum(one.money[name].sum() for one in held)
        actual = sum(one.actual["money"].sum() for one in held)
        assert scores.loc[name, "error"] == pytest.approx(forecast / actual - 1)
        sizes = [abs(one.money[name].sum() / one.actual["money"].sum() - 1) for one in held]
        assert scores.loc[name, "error_size"] == pytest.approx(np.mean(sizes))
        assert by_origin.xs(name, level="method")["picked_money"].sum() == pytest.approx(apart.money[name])
    assert scores["lost_to_best"].min() == 0 and errors["error_more"].min() == 0
    assert list(scores.index) == METHODS and len(by_origin) == 4


def test_coverage_is_a_mean_over_origins_and_missing_where_nothing_was_drawn(compared):
    held, (by_origin, scores, _, _) = compared
    each, mean = with_coverage(by_origin, scores, held)
    assert mean.loc["bg_nbd", "coverage"] == pytest.approx(0.15) and np.isnan(
        mean.loc["same_again", "coverage"]
    )
    assert each.xs("bg_nbd", level="method")["coverage"].tolist() == pytest.approx([0.1, 0.2])
    pd.testing.assert_frame_equal(mean[list(scores.columns)], scores)
    pd.testing.assert_frame_equal(each[list(by_origin.columns)], by_origin)


def test_tenths_are_means_over_origins_and_hold_all_money(compared):
    held, _ = compared
    found = mean_tenths(held, METHODS)
    for name in METHODS:
        own = found.loc[name]
        assert own["actual"].mean() == pytest.approx(np.mean([one.actual["money"].mean() for one in held]))
        assert own["forecast"].is_monotonic_decreasing
