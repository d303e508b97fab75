"""Clusters: known groups come back, whatever the order of rows, and what cannot be divided is refused."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from crmlib.analysis.segments.cluster_features import cluster_features
from crmlib.analysis.segments.clusters import fit_clusters
from crmlib.errors import ParameterError, TooLittleData


def three_groups(count=600, seed=1):
    rng = np.random.default_rng(seed)
    true = rng.choice(3, count, p=[0.5, 0.3, 0.2])
    centres = np.array([[0, 0], [6, 0], [0, 6]])
    points = centres[true] + rng.normal(size=(count, 2))
    return pd.DataFrame(points, columns=["profit", "orders"], index=[f"K{i:04d}" for i in range(count)]), true


PLAIN = {"profit": "plain", "orders": "plain"}


@pytest.mark.parametrize("method", ["k_means", "mixture"])
def test_groups_that_lie_apart_come_back_the_largest_first(method):
    table, true = three_groups()
    found = fit_clusters(cluster_features(table, PLAIN), 3, method)
    assert adjusted_rand_score(true, found.labels) > 0.97
    assert (found.labels == true + 1).mean() > 0.98
    assert found.sizes["customers"].is_monotonic_decreasing and found.sizes["share"].sum() == pytest.approx(1)
    for number in (1, 2, 3):
        inside = table[found.labels == number]
        np.testing.assert_allclose(found.means.loc[number], inside.mean())
        np.testing.assert_allclose(found.medians.loc[number], inside.median())
    assert found.chance.isna().all() if method == "k_means" else found.chance.between(1 / 3, 1).all()


@pytest.mark.parametrize("method", ["k_means", "mixture"])
def test_order_of_rows_and_names_change_nothing(method):
    table, _ = three_groups()
    first = fit_clusters(cluster_features(table, PLAIN), 4, method, 200)
    mixed = table.sample(frac=1, random_state=2)
    second = fit_clusters(cluster_features(mixed, PLAIN), 4, method, 200)
    pd.testing.assert_series_equal(first.labels, second.labels.loc[table.index])
    renamed = fit_clusters(cluster_features(table.set_axis(range(len(table))), PLAIN), 4, method, 200)
    assert first.labels.tolist() == renamed.labels.tolist()


def test_a_draw_puts_everybody_into_nearly_the_same_clusters():
    table, true = three_groups(4000)
    found = fit_clusters(cluster_features(table, PLAIN), 3, most_customers=500)
    assert found.fitted_on == 500 and len(found.labels) == 4000
    assert adjusted_rand_score(true, found.labels) > 0.97


def test_one_cluster_is_everybody():
    table, _ = three_groups()
    found = fit_clusters(cluster_features(table, PLAIN), 1)
    assert set(found.labels) == {1} and found.sizes["share"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"k": 0}, ParameterError, "k = 0"),
        ({"k": 2, "method": "ward"}, ParameterError, "ward"),
        ({"k": 5, "most_customers": 4}, ParameterError, "most_customers = 4"),
        ({"k": 601}, TooLittleData, "600 customers"),
    ],
)
def test_what_cannot_be_divided_is_refused(options, error, said):
    with pytest.raises(error) as refused:
        fit_clusters(cluster_features(three_groups()[0], PLAIN), **options)
    assert said in refused.value.found


def test_equal_customers_make_no_clusters():
    table = pd.DataFrame({"profit": [1.0, 2.0] * 50, "orders": [1.0, 2.0] * 50})
    with pytest.raises(TooLittleData, match="2 different customers"):
        fit_clusters(cluster_features(table, PLAIN), 3)
