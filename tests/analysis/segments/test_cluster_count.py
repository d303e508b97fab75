"""The number of clusters on clouds whose number is known, one among them."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.segments.cluster_count import REASONS, chosen_count, cluster_count, gap_statistic
from crmlib.analysis.segments.cluster_features import cluster_features
from crmlib.errors import ParameterError, TooLittleData

PLAIN = {"profit": "plain", "orders": "plain"}


def cloud(centres, count=200, seed=1, stretch=1.0):
    rng = np.random.default_rng(seed)
    centres = np.array(centres, float)
    points = centres[rng.integers(0, len(centres), count)] + rng.normal(size=(count, 2)) * [stretch, 1]
    return pd.DataFrame(points, columns=["profit", "orders"], index=[f"K{i:04d}" for i in range(count)])


def counted(table, scaling="none", **options):
    options = {"most": 5, "rounds": 10, "references": 10} | options
    return cluster_count(cluster_features(table, PLAIN, scaling), **options)


@pytest.mark.parametrize("method", ["k_means", "mixture"])
@pytest.mark.parametrize("centres", [[(0, 0), (7, 0)], [(0, 0), (7, 0), (0, 7)]], ids=["two", "three"])
def test_groups_that_are_there_are_counted(centres, method):
    found = counted(cloud(centres), method=method, most=4, rounds=5)
    assert found.chosen == len(centres) and found.structure in ("reasonable", "strong")
    assert found.kind == "natural"
    assert found.reason == ("gap" if method == "k_means" else "bic") and found.reason in REASONS


def test_one_elongated_cloud_is_cut_steadily_and_yet_is_one_group():
    found = counted(cloud([(0, 0)], stretch=5.0))
    assert found.table.loc[2, "stable"]
    assert (found.chosen, found.reason, found.structure) == (1, "no_gap", "") and found.kind == "one group"
    assert counted(cloud([(0, 0)], stretch=5.0), method="mixture", most=2, rounds=4).chosen == 1


def test_spikes_in_one_crowd_make_steady_groups_that_are_no_discovery():
    """Independent columns, one with few values: cuts between the values come back, but nothing lies apart."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(600, 6)), columns=list("abcdef"))
    table["a"] = rng.integers(0, 2, 600) * 2.5
    features = cluster_features(table, dict.fromkeys("abcdef", "plain"), "none")
    found = cluster_count(features, most=3, rounds=5, references=5)
    assert (found.chosen, found.kind, found.structure) == (2, "reproducible", "none")


def test_one_round_cloud_is_one_group():
    found = counted(cloud([(0, 0)]))
    assert found.chosen == 1 and found.reason in ("nothing_stable", "no_gap")


def test_the_table_holds_all_numbers_tried():
    found = counted(cloud([(0, 0), (7, 0)]), most=3)
    assert found.table.index.tolist() == [1, 2, 3]
    assert found.table.loc[1, ["ari", "least_jaccard", "change_by_chance", "stable"]].tolist() == [
        1,
        1,
        0,
        True,
    ]
    assert np.isnan(found.table.loc[1, "silhouette"]) and found.table["silhouette"].idxmax() == 2
    assert found.table["bic"].idxmin() == 2
    pd.testing.assert_series_equal(
        found.table["ari"].loc[2:], found.stability.by_count["ari"], check_names=False
    )


def test_asking_for_steadier_clusters_leaves_fewer_numbers():
    table = cloud([(0, 0), (4, 0), (0, 4)])
    loose, strict = (
        counted(table, most=5, rounds=6, references=4, least_jaccard=least) for least in (0.6, 0.95)
    )
    assert set(strict.table.index[strict.table["stable"]]) < set(loose.table.index[loose.table["stable"]])
    assert loose.steadiest == strict.steadiest == loose.table["ari"].loc[2:].idxmax() == 3


def test_order_of_rows_changes_nothing():
    table = cloud([(0, 0), (7, 0)])
    mixed = table.sample(frac=1, random_state=4)
    first, second = counted(table, most=3, rounds=4), counted(mixed, most=3, rounds=4)
    pd.testing.assert_frame_equal(first.table, second.table)


def test_the_rule_takes_the_smallest_steady_number_within_one_standard_error():
    table = pd.DataFrame(
        {"stable": True, "gap": [0.1, 0.5, 0.55, 0.9, 0.92], "gap_error": 0.03, "bic": [50.0, 20, 5, 12, 40]},
        index=range(1, 6),
    )
    assert chosen_count(table, "k_means") == (4, (5,), "gap")
    assert chosen_count(table.assign(stable=[True, True, True, False, False]), "k_means") == (3, (), "gap")
    assert chosen_count(table.assign(stable=[True] + [False] * 4), "k_means") == (1, (), "nothing_stable")
    assert chosen_count(table.assign(gap=[1.0, 0.9, 1.01, 0.2, 0.1]), "k_means") == (1, (3,), "no_gap")
    assert chosen_count(table, "mixture") == (3, (4,), "bic")
    assert chosen_count(table.assign(bic=[1.0, 50, 50, 50, 50]), "mixture") == (1, (), "no_mixture")


def test_the_gap_of_one_group_is_that_of_the_sum_of_squares():
    """With one cluster, the sum of squares of a uniform reference is known: n times the sum of width² / 12."""
    points = np.random.default_rng(3).uniform(size=(2000, 2)) * [3, 1]
    found = gap_statistic(points, 1, references=40)
    assert found.loc[1, "log_within"] == pytest.approx(
        np.log(((points - points.mean(axis=0)) ** 2).sum()), rel=1e-5
    )
    assert found.loc[1, "log_expected"] == pytest.approx(np.log(2000 * (9 + 1) / 12), abs=0.02)
    # The sum itself varies by sqrt(0.8 / 2000) = 2 %.
    assert abs(found.loc[1, "gap"]) < 0.06 and 0 < found.loc[1, "gap_error"] < 0.03


@pytest.mark.parametrize(
    ("table", "options", "error", "said"),
    [
        (cloud([(0, 0)]), {"most": 1}, ParameterError, "most = 1"),
        (cloud([(0, 0)]), {"least_jaccard": 0.5}, ParameterError, "least_jaccard = 0.5"),
        (cloud([(0, 0)]), {"references": 1}, ParameterError, "references = 1"),
        (cloud([(0, 0)], 5), {}, TooLittleData, "5 customers"),
        (cloud([(0, 0)]).round(-1), {"most": 8}, TooLittleData, "all 200 customers"),
        (cloud([(0, 0)]).clip(-0.1, 0.1).round(1), {"most": 20}, TooLittleData, "different customers"),
    ],
)
def test_what_cannot_be_counted_is_refused(table, options, error, said):
    with pytest.raises(error) as refused:
        counted(table, **options)
    assert said in refused.value.found
