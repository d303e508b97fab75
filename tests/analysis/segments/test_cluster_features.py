"""Points for clusters: transforms, scales, and a draw that neither rows nor names decide."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.segments.cluster_features import cluster_features, drawn_rows, same_scale
from crmlib.errors import DataError, ParameterError, TooLittleData


def people(count=300, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"profit": rng.lognormal(4, 1, count) - 30, "orders": rng.geometric(0.4, count)},
        index=[f"K{i:03d}" for i in range(count)],
    )


STEPS = {"profit": "log", "orders": "rank"}


def test_standard_scale_has_mean_0_and_deviation_1_and_robust_has_median_0_and_range_1():
    plain = cluster_features(people(), STEPS).scaled
    np.testing.assert_allclose(plain.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(plain.std(ddof=0), 1)
    robust = cluster_features(people(), STEPS, "robust").scaled
    np.testing.assert_allclose(robust.median(), 0, atol=1e-12)
    np.testing.assert_allclose(robust.quantile(0.75) - robust.quantile(0.25), 1)


def test_steps_lead_from_the_original_to_the_scaled_values():
    found = cluster_features(people(), {"profit": "log", "orders": "plain"})
    profit = found.original["profit"]
    step = found.steps.loc["profit"]
    by_hand = (np.sign(profit) * np.log1p(profit.abs() / step["unit"]) - step["middle"]) / step["spread"]
    pd.testing.assert_series_equal(found.scaled["profit"], by_hand, check_names=False)
    assert np.isnan(found.steps.loc["orders", "unit"])


def test_the_currency_does_not_matter_and_order_is_kept():
    table = people()
    cents = cluster_features(table.assign(profit=table["profit"] * 100), STEPS)
    pd.testing.assert_frame_equal(cents.scaled, cluster_features(table, STEPS).scaled)
    order = np.argsort(table["profit"].to_numpy())
    assert (np.diff(cents.scaled["profit"].to_numpy()[order]) > 0).all()


def test_a_column_without_a_middle_half_is_scaled_by_its_deviation():
    table = people().assign(orders=lambda t: (t["orders"] > 6) * 1.0)
    assert np.isfinite(cluster_features(table, {"orders": "plain"}, "robust").scaled).all().all()


def test_the_draw_depends_on_values_only():
    values = people(1000).to_numpy()
    mixed = np.random.default_rng(2).permutation(1000)
    first, second = drawn_rows(values, 200, 3), drawn_rows(values[mixed], 200, 3)
    np.testing.assert_array_equal(values[first], values[mixed][second])
    assert len(np.unique(first)) == 200
    assert sorted(drawn_rows(values, 1000, 3)) == list(range(1000))
    assert (drawn_rows(values, 200, 4) != first).any()


@pytest.mark.parametrize(
    ("table", "transforms", "scaling", "error", "said"),
    [
        (people(), {}, "standard", ParameterError, "transforms = {}"),
        (people(), {"profit": "sqrt"}, "standard", ParameterError, "sqrt"),
        (people(), STEPS, "minmax", ParameterError, "minmax"),
        (people().assign(profit=0.0), STEPS, "standard", TooLittleData, "profit = 0 for all 300"),
        (people(1), STEPS, "standard", TooLittleData, "1 customers"),
        (people().assign(profit=np.nan), STEPS, "standard", DataError, "profit = nan"),
    ],
)
def test_what_makes_no_points_is_refused(table, transforms, scaling, error, said):
    with pytest.raises(error) as refused:
        cluster_features(table, transforms, scaling)
    assert said in refused.value.found


@pytest.mark.parametrize("scaling", ["standard", "robust", "none"])
def test_on_the_learned_scale_the_same_customers_are_where_they_were(scaling):
    learned = cluster_features(people(), STEPS, scaling)
    pd.testing.assert_frame_equal(same_scale(people(), learned), learned.scaled)


def test_others_take_the_learned_scale_and_not_their_own():
    table = people()
    learned = cluster_features(table, STEPS)
    few = table[:9].iloc[::-1]
    pd.testing.assert_frame_equal(same_scale(few, learned), learned.scaled.loc[few.index])
    beyond = pd.DataFrame({"profit": [1e6, -1e6], "orders": [0, 99]}, index=["low", "high"])
    found, inside = same_scale(beyond, learned), learned.scaled
    assert (
        found.loc["low", "orders"]
        < inside["orders"].min()
        < inside["orders"].max()
        < found.loc["high", "orders"]
    )
    assert (
        found.loc["high", "profit"]
        < inside["profit"].min()
        < inside["profit"].max()
        < found.loc["low", "profit"]
    )
    with pytest.raises(DataError, match="no column orders"):
        same_scale(table[["profit"]], learned)
