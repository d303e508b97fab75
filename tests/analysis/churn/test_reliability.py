"""Bins, curves and the parts of the Brier score, by hand and by what must always hold."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.churn.reliability import brier_parts, equal_bins, reliability_curve
from crmlib.analysis.intervals import wilson_interval


def people(count, times=1):
    names = pd.Index([f"C{number:04d}" for number in range(count)], name="customer_id")
    return pd.MultiIndex.from_product([range(times), names], names=["day", "customer_id"])


def test_bins_are_of_equal_size_in_the_order_of_the_chances_whatever_the_order_of_rows():
    rng = np.random.default_rng(1)
    chance = rng.random(1000)
    found = equal_bins(chance)
    assert np.bincount(found).tolist() == [100] * 10
    assert (np.diff(found[np.argsort(chance)]) >= 0).all()
    assert (equal_bins(chance[::-1]) == found[::-1]).all()


def test_equal_chances_are_never_divided_and_bins_have_no_gaps():
    chance = np.repeat([0.1, 0.2, 0.9], [700, 200, 100])
    found = equal_bins(chance)
    assert found[[0, 699, 700, 899, 900]].tolist() == [0, 0, 1, 1, 2]
    assert equal_bins(np.full(50, 0.3)).tolist() == [0] * 50


def test_few_customers_have_few_bins():
    assert equal_bins(np.linspace(0, 1, 100)).max() + 1 == 5
    assert equal_bins(np.linspace(0, 1, 10)).max() + 1 == 2


def test_a_curve_by_hand():
    index = people(100)
    chance = pd.Series(np.repeat([0.1, 0.3], 50), index=index)
    left = pd.Series(np.r_[np.arange(50) < 5, np.arange(50) < 40], index=index)
    found = reliability_curve(chance, left, level=0.9)
    assert found[["customers", "rows", "predicted", "observed"]].values.tolist() == [
        [50, 50, 0.1, 0.1],
        [50, 50, 0.3, 0.8],
    ]
    assert found["agrees"].tolist() == [True, False] and found.index.name == "bin"
    assert found.loc[2, ["low", "high"]].tolist() == pytest.approx(wilson_interval(40, 50, 0.9), rel=1e-5)


def test_a_customer_on_two_days_does_not_narrow_the_interval():
    chance, left = np.repeat([0.1, 0.3], 50), np.r_[np.arange(50) < 5, np.arange(50) < 20]
    once = reliability_curve(pd.Series(chance, people(100)), pd.Series(left, people(100)))
    twice = reliability_curve(
        pd.Series(np.tile(chance, 2), people(100, 2)), pd.Series(np.tile(left, 2), people(100, 2))
    )
    pd.testing.assert_frame_equal(once.drop(columns="rows"), twice.drop(columns="rows"))
    assert twice["rows"].tolist() == [100, 100]


def test_intervals_hold_a_share_whose_customers_end_alike_on_all_their_days():
    """The hardest case: half of the customers have four days, and the same happens to them on each."""
    rng = np.random.default_rng(5)
    times = np.repeat([1, 4], 60)
    index = pd.MultiIndex.from_arrays([np.zeros(300), np.repeat(np.arange(120), times)])
    held = []
    for _ in range(400):
        left = np.repeat(rng.random(120) < 0.3, times)
        found = reliability_curve(pd.Series(0.3, index), pd.Series(left, index))
        held.append(found["agrees"].iloc[0])
    assert 0.92 < np.mean(held) < 0.98
    assert found["rows"].tolist() == [300] and found["customers"].tolist() == [120]


def test_true_chances_agree_in_about_as_many_bins_as_the_level_says():
    rng = np.random.default_rng(2)
    agrees = []
    for _ in range(60):
        chance = rng.beta(1, 3, 1000)
        left = rng.random(1000) < chance
        agrees += reliability_curve(pd.Series(chance, people(1000)), pd.Series(left, people(1000)))[
            "agrees"
        ].tolist()
    assert 0.92 < np.mean(agrees) < 0.985


def parts_of(chance, left):
    group = equal_bins(chance)
    sums = np.array([[np.bincount(group), np.bincount(group, chance), np.bincount(group, left)]])
    return {
        name: value[0] for name, value in brier_parts(sums, np.array([np.mean((chance - left) ** 2)])).items()
    }


def test_the_parts_of_the_brier_score_by_hand():
    """Two bins of 20: 0.2 said and 0.25 came, 0.6 said and 0.5 came; in all 0.375."""
    chance, left = np.repeat([0.2, 0.6], 20), np.r_[np.arange(20) < 5, np.arange(20) < 10].astype(float)
    found = parts_of(chance, left)
    assert found["reliability"] == pytest.approx((0.05**2 + 0.1**2) / 2)
    assert found["resolution"] == pytest.approx(0.125**2)
    assert found["uncertainty"] == pytest.approx(0.375 * 0.625)
    assert found["within_bins"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_parts_add_up_and_the_rest_is_what_differs_within_bins(seed):
    rng = np.random.default_rng(seed)
    chance = rng.random(500)
    left = (rng.random(500) < chance**1.5).astype(float)
    found = parts_of(chance, left)
    total = found["reliability"] - found["resolution"] + found["uncertainty"] + found["within_bins"]
    assert total == pytest.approx(np.mean((chance - left) ** 2), rel=1e-12)
    # Stephenson, Coelho & Jolliffe (2008): variance of the forecasts within bins less twice their covariance.
    group = pd.DataFrame({"bin": equal_bins(chance), "chance": chance, "left": left}).groupby("bin")
    variance = (group["chance"].var(ddof=0) * group.size()).sum() / 500
    covariance = (
        group.apply(lambda one: len(one) * np.cov(one["chance"], one["left"], ddof=0)[0, 1]).sum() / 500
    )
    assert found["within_bins"] == pytest.approx(variance - 2 * covariance, rel=1e-9)
