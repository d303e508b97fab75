"""Clusters of customers by k-means or a mixture of normal distributions (scikit-learn)."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from crmlib.analysis.segments.cluster_features import ClusterFeatures, drawn_rows
from crmlib.analysis.segments.customer_numbers import refuse_few
from crmlib.errors import ParameterError, TooLittleData

Method = Literal["k_means", "mixture"]
#: Added to the variances of a mixture, in units of the scaled columns: many equal values would else pull a component
#: onto a point.
LEAST_VARIANCE = 0.01
_STARTS = 10


@dataclass(frozen=True)
class Clusters:
    """Customers in clusters.

    Attributes
    ----------
    labels : Series of int
        Number of the cluster, 1 for the largest, indexed by customer.
    sizes : DataFrame
        Indexed by ``cluster``: ``customers``, ``share``.
    means, medians : DataFrame
        Indexed by ``cluster``: columns as they were, before any transform.
    chance : Series of float
        How sure the cluster of a customer is: posterior probability of a mixture; NaN for k-means.
    method : {'k_means', 'mixture'}
    fitted_on : int
        Customers the clusters were made from; the others were put into the nearest one.
    """

    labels: pd.Series
    sizes: pd.DataFrame
    means: pd.DataFrame
    medians: pd.DataFrame
    chance: pd.Series
    method: Method
    fitted_on: int


def fit_clusters(
    features: ClusterFeatures, k: int, method: Method = "k_means", most_customers: int = 50_000, seed: int = 1
) -> Clusters:
    """Divide customers into clusters.

    Parameters
    ----------
    features : ClusterFeatures
        As returned by `crmlib.analysis.segments.cluster_features.cluster_features`.
    k : int
        Number of clusters, 1 or more; see `crmlib.analysis.segments.cluster_count.cluster_count`.
    method : {'k_means', 'mixture'}
    most_customers : int
        Clusters are made from a draw of so many; everybody is put into one.
    seed : int

    Returns
    -------
    Clusters

    Raises
    ------
    ParameterError
        If `k`, `method` or `most_customers` is out of range.
    TooLittleData
        If there are fewer different customers than clusters, or a cluster stays empty.

    Notes
    -----
    K-means: Lloyd (1982), IEEE Transactions on Information Theory 28:129-137, ten starts by k-means++. Mixture: full
    covariances, ten starts, 0.01 added to variances. One thread, and rows in the order of their values, so that the
    same customers give the same clusters in any order of rows.

    Examples
    --------
    >>> from crmlib.analysis.segments.cluster_features import cluster_features
    >>> people = pd.DataFrame({"money": [1.0, 1.2, 0.9, 9.0, 9.3]}, index=list("ABCDE"))
    >>> found = fit_clusters(cluster_features(people, {"money": "plain"}), k=2)
    >>> found.labels.tolist(), found.means["money"].round(2).tolist()
    ([1, 1, 1, 2, 2], [1.03, 9.15])
    """
    values = features.scaled.to_numpy()
    rows = checked_draw(values, k, method, most_customers, seed)
    with threadpool_limits(1):
        model = fitted(values[rows], k, method, seed, _STARTS)
        first = model.predict(values)
        chance = (
            model.predict_proba(values).max(axis=1) if method == "mixture" else np.full(len(values), np.nan)
        )
    counts = np.bincount(first, minlength=k)
    if counts.min() == 0:
        raise TooLittleData(
            f"{(counts > 0).sum()} of {k} clusters with customers in them",
            "customers in each",
            "ask for fewer",
        )
    centres = np.array([values[first == number].mean(axis=0) for number in range(k)])
    order = np.lexsort((*centres.T[::-1], -counts))
    names = np.empty(k, dtype="int64")
    names[order] = np.arange(1, k + 1)
    labels = pd.Series(names[first], index=features.scaled.index, name="cluster")
    held = features.original.groupby(labels)
    sizes = held.size().to_frame("customers")
    sizes["share"] = sizes["customers"] / len(labels)
    certain = pd.Series(chance, index=labels.index, name="chance")
    return Clusters(labels, sizes, held.mean(), held.median(), certain, method, len(rows))


def fitted(values: np.ndarray, k: int, method: Method, seed: int, starts: int) -> Any:
    """Fit a model of scikit-learn to points; see `fit_clusters`.

    Parameters
    ----------
    values : ndarray of shape (n, n_columns)
    k : int
    method : {'k_means', 'mixture'}
    seed, starts : int

    Returns
    -------
    KMeans or GaussianMixture

    Examples
    --------
    >>> fitted(np.array([[0.0], [0.1], [5.0], [5.1]]), 2, "k_means", 1, 1).inertia_ < 0.011
    True
    """
    # Takes a second to import, and most callers of this room never need it.
    from sklearn.cluster import KMeans
    from sklearn.mixture import GaussianMixture

    if method == "k_means":
        return KMeans(k, n_init=starts, random_state=seed).fit(values)
    return GaussianMixture(k, reg_covar=LEAST_VARIANCE, n_init=starts, random_state=seed).fit(values)


def checked_draw(values: np.ndarray, k: int, method: str, most_customers: int, seed: int) -> np.ndarray:
    """Draw the rows that clusters are made from, and refuse what cannot be divided into `k`; see `fit_clusters`.

    Examples
    --------
    >>> checked_draw(np.array([[2.0], [1.0], [3.0]]), 2, "k_means", 100, 1).tolist()
    [1, 0, 2]
    """
    if k < 1 or method not in ("k_means", "mixture") or most_customers < k:
        raise ParameterError(
            f"k = {k}, method = {method!r}, most_customers = {most_customers}",
            "1 cluster or more, k_means or mixture, and at least as many customers as clusters",
            "correct the parameter",
        )
    refuse_few(len(values), k, f"{k} clusters")
    rows = drawn_rows(values, most_customers, seed)
    different = 1 + int((np.diff(values[rows], axis=0) != 0).any(axis=1).sum())
    if different < k:
        raise TooLittleData(
            f"{different} different customers",
            f"at least {k} for {k} clusters",
            "ask for fewer, or add columns",
        )
    return rows
