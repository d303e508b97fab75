"""Clusters keep their number over several reports, and a number once given never means another cluster."""

import pandas as pd
import pytest

from crmlib.analysis.segments.identity import keep_identity

MAY, JUNE = pd.Timestamp(2026, 5, 31), pd.Timestamp(2026, 6, 30)


def rows(clusters, day):
    return pd.DataFrame({"customer_id": list(clusters), "cluster": list(clusters.values()), "run_as_of": day})


def labels(**clusters):
    return pd.Series(clusters).rename_axis("customer_id")


def test_a_first_report_keeps_its_own_numbers():
    now = labels(a=1, b=2)
    for earlier in (None, rows({"a": None}, MAY), rows({"a": 1}, MAY).drop(columns="cluster")):
        found = keep_identity(now, earlier)
        assert found.labels.equals(now) and found.pairing is None and found.since is None


def test_the_last_report_counts_and_not_the_one_before():
    earlier = pd.concat(
        [rows({"a": 1, "b": 1, "c": 2, "d": 2}, MAY), rows({"a": 7, "b": 7, "c": 4, "d": 4}, JUNE)]
    )
    found = keep_identity(labels(a=1, b=1, c=2, d=2), earlier)
    assert found.labels.tolist() == [7, 7, 4, 4] and found.since == JUNE


def test_a_number_that_is_gone_never_comes_back_for_another_cluster():
    """Cluster 9 was there in May and gone in June; the cluster that is new now is the tenth."""
    earlier = pd.concat(
        [rows({"a": 9, "b": 9, "c": 2, "d": 2}, MAY), rows({"a": 2, "b": 2, "c": 2, "d": 2}, JUNE)]
    )
    found = keep_identity(labels(a=1, b=1, c=1, x=2, y=2), earlier)
    assert found.labels.to_dict() == {"a": 2, "b": 2, "c": 2, "x": 10, "y": 10}
    assert found.pairing.fresh == (10,) and found.pairing.vanished == ()


def test_customers_of_no_cluster_and_a_cluster_that_vanished_are_told():
    earlier = rows({"a": 1, "b": 1, "c": 2, "d": 2, "e": 3, "f": 3, "g": None}, JUNE)
    found = keep_identity(labels(a=1, b=1, c=1, d=1, e=1, f=1, g=1), earlier)
    assert set(found.labels) == {4} and found.pairing.vanished == (1, 2, 3)


def test_neither_the_order_of_rows_nor_the_numbers_of_the_method_decide():
    earlier = rows({name: 1 + (place > 5) for place, name in enumerate("abcdefghij")}, JUNE)
    now = pd.Series([1] * 6 + [2] * 4, index=pd.Index(list("abcdefghij"), name="customer_id"))
    swapped = (3 - now).sample(frac=1, random_state=1)
    one, two = (
        keep_identity(now, earlier).labels,
        keep_identity(swapped, earlier.sample(frac=1, random_state=2)).labels,
    )
    assert one.to_dict() == two.to_dict()


@pytest.mark.parametrize("overlap", [0.5, 0.9])
def test_how_alike_clusters_must_be_can_be_asked_for(overlap):
    earlier = rows({"a": 1, "b": 1, "c": 1, "d": 2, "e": 2, "f": 2}, JUNE)
    found = keep_identity(labels(a=5, b=5, c=6, d=6, e=6, f=6), earlier, overlap)
    assert (found.labels["a"] == 1) == (overlap == 0.5)
