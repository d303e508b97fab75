"""The search for clusters: which columns, groups that are there, one crowd, and refusals in a sentence."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.segments.cluster_search import cluster_columns, columns_known_before, search_clusters
from crmlib.errors import TooLittleData


def company(sizes=(60, 40), seed=1):
    """Customers in groups far apart by profit and chance to stay away."""
    rng = np.random.default_rng(seed)
    parts = [
        pd.DataFrame(
            {
                "profit": rng.normal(300 + 600 * place, 20, size),
                "churn_probability": rng.normal(0.2 + 0.5 * place, 0.01, size),
            }
        )
        for place, size in enumerate(sizes)
    ]
    people = pd.concat(parts, ignore_index=True)
    return people.set_index(pd.Index([f"K{number:03d}" for number in range(len(people))], name="customer_id"))


def test_columns_that_say_the_same_are_taken_once_and_constant_ones_never():
    people = company().assign(money=5.0, active_chance=0.5, frequency=3, categories=1, web_share=0.5)
    assert list(cluster_columns(people)) == ["profit", "churn_probability"]
    people = people.assign(money=range(100), active_chance=np.linspace(0, 1, 100), frequency=range(100))
    assert list(cluster_columns(people)) == ["profit", "churn_probability", "frequency"]
    assert list(cluster_columns(people.drop(columns=["profit", "churn_probability"]))) == [
        "money", "active_chance", "frequency",
    ]  # fmt: skip


def test_the_comparison_with_rfm_leaves_out_what_somebody_lacks():
    people = pd.DataFrame(
        {"recency_days": [1, 2], "money": [1.0, 2.0], "categories": [1, None], "frequency": [4, 4]}
    )
    assert columns_known_before(people) == {"recency_days": "log", "money": "log"}


def test_groups_that_are_there_are_found_and_keep_the_numbers_of_the_last_report():
    people = company()
    first = search_clusters(people, most=3, rounds=6)
    assert first.counted.chosen == 2 and first.clusters.sizes["customers"].tolist() == [60, 40]
    assert first.identity.labels.equals(first.clusters.labels)
    last = pd.DataFrame(
        {"customer_id": people.index, "cluster": [8] * 60 + [3] * 40, "run_as_of": pd.Timestamp(2026, 5, 31)}
    )
    again = search_clusters(people, last, most=3, rounds=6)
    assert again.identity.labels.value_counts().to_dict() == {8: 60, 3: 40}


def test_one_crowd_is_one_group():
    rng = np.random.default_rng(5)
    crowd = pd.DataFrame(rng.normal(size=(200, 3)), columns=["profit", "value_ahead", "web_share"])
    found = search_clusters(crowd, most=3, rounds=8)
    assert found.counted.chosen == 1 and found.mixture is None
    assert set(found.identity.labels) == {1}


def test_customers_of_whom_something_is_not_known_are_in_no_cluster():
    people = company()
    people.loc["K000", "profit"] = np.nan
    found = search_clusters(people, most=2, rounds=4)
    assert len(found.features.scaled) == 99 and "K000" not in found.identity.labels.index


def test_the_order_of_rows_changes_nothing():
    people = company((30, 25))
    one, two = (
        search_clusters(table, most=2, rounds=4) for table in (people, people.sample(frac=1, random_state=3))
    )
    assert one.identity.labels.equals(two.identity.labels.reindex(one.identity.labels.index))
    pd.testing.assert_frame_equal(one.counted.table, two.counted.table)


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (company().assign(profit=1.0, churn_probability=0.3), "no column"),
        (company((2, 2)), "4 customers|different"),
    ],
    ids=["all alike", "fewer customers than clusters"],
)
def test_too_little_is_refused_in_one_sentence(people, said):
    with pytest.raises(TooLittleData, match=said):
        search_clusters(people, rounds=2)
