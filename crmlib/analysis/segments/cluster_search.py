"""Clusters from beginning to end: which columns, how many groups, what a mixture would say, which number each keeps."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from crmlib.analysis.segments.cluster_count import ClusterCount, chosen_count, cluster_count
from crmlib.analysis.segments.cluster_features import ClusterFeatures, Transform, cluster_features
from crmlib.analysis.segments.cluster_stability import (
    HIGHLY_STABLE,
    VALID,
    ClusterStability,
    cluster_stability,
)
from crmlib.analysis.segments.clusters import Clusters, fit_clusters
from crmlib.analysis.segments.identity import Identity, keep_identity
from crmlib.errors import TooLittleData

#: Columns that clusters are made from, and what is done to each.
COLUMNS: Mapping[str, Transform] = {
    "profit": "log", "money": "log", "value_ahead": "log", "churn_probability": "plain", "active_chance": "plain",
    "categories": "plain", "frequency": "log", "web_share": "plain", "cost_to_serve_share": "rank",
}  # fmt: skip
#: Where the second is there, the first says the same once more.
INSTEAD = {"money": "profit", "active_chance": "churn_probability", "frequency": "categories"}
#: Of what was known a period before, which the comparison with RFM learns from.
_BEFORE = ("recency_days", "frequency", "money", "active_chance", "categories", "web_share")


@dataclass(frozen=True)
class ClusterSearch:
    """Clusters and all that speaks for and against them.

    Attributes
    ----------
    features : ClusterFeatures
        Of customers of whom everything used is known.
    counted : ClusterCount
        Number of clusters by a strict limit of steadiness.
    usual : int
        Number by the usual limit.
    mixture : ClusterStability or None
        How steady the mixture is that BIC prefers; None if that is one component.
    clusters : Clusters
    identity : Identity
        The same clusters under the numbers they keep from report to report.
    """

    features: ClusterFeatures
    counted: ClusterCount
    usual: int
    mixture: ClusterStability | None
    clusters: Clusters
    identity: Identity


def cluster_columns(customers: pd.DataFrame) -> dict[str, Transform]:
    """Return the columns for clusters that these customers have, with what is done to each.

    Examples
    --------
    >>> cluster_columns(pd.DataFrame({"profit": [1.0, 2.0], "money": [3.0, 4.0], "web_share": [0.5, 0.5]}))
    {'profit': 'log'}
    """
    there = [name for name in COLUMNS if name in customers and customers[name].nunique() > 1]
    return {name: COLUMNS[name] for name in there if INSTEAD.get(name) not in there}


def columns_known_before(features: pd.DataFrame) -> dict[str, Transform]:
    """Return the columns for the comparison with RFM: those of order lines alone that nobody lacks.

    Examples
    --------
    >>> columns_known_before(pd.DataFrame({"recency_days": [3, 9], "money": [1.0, 2.0], "web_share": [None, 0.5]}))
    {'recency_days': 'log', 'money': 'log'}
    """
    there = [name for name in _BEFORE if name in features and features[name].notna().all()]
    return {name: COLUMNS.get(name, "log") for name in there if features[name].nunique() > 1}


def search_clusters(
    customers: pd.DataFrame,
    earlier: pd.DataFrame | None = None,
    most: int = 6,
    rounds: int = 100,
    most_customers: int = 1000,
    seed: int = 1,
) -> ClusterSearch:
    """Find clusters, and say how far they can be trusted.

    Parameters
    ----------
    customers : DataFrame
        Any of `COLUMNS`, by customer; those who lack a value are left out.
    earlier : DataFrame or None
        Rows that earlier runs saved; see `crmlib.analysis.segments.identity.keep_identity`.
    most, rounds, most_customers, seed : int
        As for `crmlib.analysis.segments.cluster_count.cluster_count`.

    Returns
    -------
    ClusterSearch

    Raises
    ------
    TooLittleData
        If no column tells customers apart, or there are too few different customers.

    Notes
    -----
    The strict limit is a mean Jaccard index of 0.85: on skewed columns one smooth crowd often passes 0.75.

    Examples
    --------
    >>> people = pd.DataFrame({"profit": [*range(20), *range(400, 430)], "frequency": [1] * 20 + [9] * 30})
    >>> found = search_clusters(people, most=3, rounds=4)
    >>> found.counted.chosen, found.clusters.sizes["customers"].tolist()
    (2, [30, 20])
    """
    columns = cluster_columns(customers)
    if not columns:
        raise TooLittleData(
            "no column with two different values", f"one of {', '.join(COLUMNS)}", "take a longer period"
        )
    features = cluster_features(customers.dropna(subset=list(columns)), columns)
    counted = cluster_count(
        features, most, rounds=rounds, references=10, most_customers=most_customers, seed=seed,
        least_jaccard=HIGHLY_STABLE,
    )  # fmt: skip
    usual = chosen_count(counted.table.assign(stable=counted.table["least_jaccard"] >= VALID), "k_means")[0]
    components = int(counted.table["bic"].idxmin())
    mixture = None
    if components > 1:
        mixture = cluster_stability(
            features, [components], "mixture", max(rounds // 4, 2), most_customers, seed
        )
    found = fit_clusters(features, counted.chosen, seed=seed)
    return ClusterSearch(features, counted, usual, mixture, found, keep_identity(found.labels, earlier))
