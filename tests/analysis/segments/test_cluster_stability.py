"""Stability of clusters: groups that are there come back, and others do not."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.segments.cluster_features import cluster_features
from crmlib.analysis.segments.cluster_stability import cluster_stability
from crmlib.errors import ParameterError, TooLittleData

PLAIN = {"profit": "plain", "orders": "plain"}


def cloud(centres, count=450, seed=1):
    rng = np.random.default_rng(seed)
    centres = np.array(centres, float)
    points = centres[rng.integers(0, len(centres), count)] + rng.normal(size=(count, 2))
    return pd.DataFrame(points, columns=["profit", "orders"], index=[f"K{i:04d}" for i in range(count)])


def stability(table, **options):
    return cluster_stability(cluster_features(table, PLAIN), **({"rounds": 15} | options))


@pytest.fixture(scope="module")
def three():
    return stability(cloud([(0, 0), (7, 0), (0, 7)]), ks=[2, 3, 4, 5])


def test_three_groups_are_most_stable_as_three(three):
    assert three.by_count["ari"].idxmax() == 3
    assert three.by_count.loc[3, "ari"] > 0.97 and three.by_count.loc[3, "change_by_chance"] < 0.02
    assert (three.by_cluster.loc[3, "verdict"] == "highly stable").all()
    assert three.by_count["stable"].loc[[3, 5]].tolist() == [True, False]
    assert set(three.by_cluster.loc[5, "verdict"]) & {"dissolved", "pattern"}


def test_clusters_add_up_to_their_number(three):
    for k, row in three.by_count.iterrows():
        part = three.by_cluster.loc[k]
        assert (
            len(part) == k
            and part["share"].sum() == pytest.approx(1)
            and part["share"].is_monotonic_decreasing
        )
        assert row["least_jaccard"] == part["jaccard"].min()
        assert row["change_by_chance"] == pytest.approx(
            (part["share"] * part["change_by_chance"]).sum(), rel=1e-4
        )
        assert row["ari_low"] <= row["ari"] <= row["ari_high"]


def test_a_round_cloud_has_no_stable_clusters():
    found = stability(cloud([(0, 0)]), ks=[2, 4, 5])
    assert not found.by_count["stable"].any() and (found.by_count["change_by_chance"] > 0.05).all()


def test_a_mixture_finds_groups_too():
    found = stability(cloud([(0, 0), (9, 0)], 250), ks=[2], rounds=5, method="mixture")
    assert found.by_count.loc[2, "stable"] and found.method == "mixture"


def test_the_same_customers_in_any_order_give_the_same_numbers(three):
    table = cloud([(0, 0), (7, 0), (0, 7)]).sample(frac=1, random_state=3)
    again = stability(table, ks=[5, 4, 3, 2, 2])
    pd.testing.assert_frame_equal(three.by_count, again.by_count)
    pd.testing.assert_frame_equal(three.by_cluster, again.by_cluster)


def test_a_draw_is_stated():
    found = stability(cloud([(0, 0), (7, 0)]), ks=[2], rounds=3, most_customers=200)
    assert (found.drawn, found.of, found.rounds) == (200, 450, 3)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"ks": []}, ParameterError, "ks = []"),
        ({"ks": [1, 2]}, ParameterError, "ks = [1, 2]"),
        ({"rounds": 1}, ParameterError, "rounds = 1"),
        ({"method": "ward"}, ParameterError, "ward"),
        ({"ks": [500]}, TooLittleData, "450 customers"),
    ],
)
def test_what_cannot_be_tried_is_refused(options, error, said):
    with pytest.raises(error) as refused:
        stability(cloud([(0, 0)]), **options)
    assert said in refused.value.found
