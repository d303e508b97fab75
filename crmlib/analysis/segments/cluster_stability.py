"""How steady clusters are: would other customers of the same kind have led to the same ones?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from threadpoolctl import threadpool_limits

from crmlib.analysis.rounding import rounded
from crmlib.analysis.segments.cluster_features import ClusterFeatures
from crmlib.analysis.segments.clusters import Method, checked_draw, fitted
from crmlib.analysis.segments.matching import jaccard
from crmlib.errors import ParameterError

#: Mean Jaccard index from which a cluster is a pattern, is valid, and is highly stable; below the first it dissolves.
PATTERN, VALID, HIGHLY_STABLE = 0.6, 0.75, 0.85
_STARTS = 10
_STARTS_AGAIN = 3


@dataclass(frozen=True)
class ClusterStability:
    """Clusters made again from customers drawn anew, for several numbers of clusters.

    Attributes
    ----------
    by_count : DataFrame
        Indexed by ``k``: ``ari`` (mean adjusted Rand index between the clusters of all and those of a round),
        ``ari_low``, ``ari_high`` (5 and 95 % of the rounds), ``least_jaccard`` (of the least steady cluster),
        ``change_by_chance`` (share of customers in another cluster in a round), ``stable`` (bool: every cluster valid).
    by_cluster : DataFrame
        Indexed by ``k`` and ``cluster`` (1 for the largest): ``share`` (of customers), ``jaccard`` (mean over rounds),
        ``change_by_chance``, ``verdict`` (dissolved, pattern, valid, highly stable).
    method : {'k_means', 'mixture'}
    rounds : int
    drawn : int
        Customers it was found on.
    of : int
        Customers there are.
    """

    by_count: pd.DataFrame
    by_cluster: pd.DataFrame
    method: Method
    rounds: int
    drawn: int
    of: int


def cluster_stability(
    features: ClusterFeatures,
    ks: Sequence[int] = range(2, 9),
    method: Method = "k_means",
    rounds: int = 100,
    most_customers: int = 5000,
    seed: int = 1,
) -> ClusterStability:
    """Make clusters again from customers drawn anew, and compare.

    Parameters
    ----------
    features : ClusterFeatures
        As returned by `crmlib.analysis.segments.cluster_features.cluster_features`.
    ks : sequence of int
        Numbers of clusters to try, 2 or more each.
    method : {'k_means', 'mixture'}
    rounds : int
        Bootstrap rounds, 2 or more.
    most_customers : int
        A draw of so many stands for all if there are more. Fewer customers make clusters less steady, so the
        answer errs on the side of fewer clusters.
    seed : int

    Returns
    -------
    ClusterStability

    Raises
    ------
    ParameterError
        If `ks`, `rounds`, `method` or `most_customers` is out of range.
    TooLittleData
        If there are fewer different customers than clusters.

    Notes
    -----
    Hennig (2007), Computational Statistics & Data Analysis 52:258-271: in each round as many customers are drawn with
    replacement and divided again; a cluster's Jaccard index with the most similar one of the round, among the
    customers drawn, is averaged over the rounds. Below 0.6 a cluster dissolves, from 0.75 on it is valid, from 0.85 on
    highly stable. Adjusted Rand index: Hubert & Arabie (1985), Journal of Classification 2:193-218. To count who
    changes, the clusters of a round are paired with those of all by the most customers shared. Stability does not prove
    that there are clusters: even one elongated cloud is always cut in the same place; see
    `crmlib.analysis.segments.cluster_count`.

    Examples
    --------
    >>> from crmlib.analysis.segments.cluster_features import cluster_features
    >>> people = pd.DataFrame({"money": [*range(20), *range(100, 130)]})
    >>> found = cluster_stability(cluster_features(people, {"money": "plain"}), ks=[2], rounds=10)
    >>> found.by_count[["ari", "change_by_chance", "stable"]].values.tolist()
    [[1.0, 0.0, True]]
    """
    counts = sorted(set(ks))
    if not counts or counts[0] < 2 or rounds < 2:
        raise ParameterError(
            f"ks = {list(ks)}, rounds = {rounds}",
            "numbers of 2 or more, 2 rounds or more",
            "correct the parameter",
        )
    values = features.scaled.to_numpy()
    rows = checked_draw(values, counts[-1], method, most_customers, seed)
    points = values[rows]
    by_count, by_cluster = {}, {}
    with threadpool_limits(1):
        for k in counts:
            by_count[k], by_cluster[k] = _of_count(points, k, method, rounds, seed)
    return ClusterStability(
        pd.DataFrame.from_dict(by_count, orient="index").rename_axis("k"),
        pd.concat(by_cluster, names=["k", "cluster"]),
        method,
        rounds,
        len(rows),
        len(values),
    )


def _of_count(
    points: np.ndarray, k: int, method: Method, rounds: int, seed: int
) -> tuple[dict, pd.DataFrame]:
    from sklearn.metrics import adjusted_rand_score

    n, names = len(points), np.arange(k)
    labels = fitted(points, k, method, seed, _STARTS).predict(points)
    sizes = np.bincount(labels, minlength=k)
    # The largest first, as everywhere.
    place = np.empty(k, dtype=int)
    place[np.argsort(-sizes, kind="stable")] = names
    labels, sizes = place[labels], np.sort(sizes)[::-1]
    ari, similar, changed = np.empty(rounds), np.full((rounds, k), np.nan), np.zeros((rounds, k))
    for number in range(rounds):
        # Every number of clusters sees the same customers in the same round.
        drawn = np.random.default_rng([seed, number]).integers(0, n, n)
        again = fitted(points[np.sort(drawn)], k, method, seed + number, _STARTS_AGAIN).predict(points)
        ari[number] = adjusted_rand_score(labels, again)
        seen = np.unique(drawn)
        index, _ = jaccard(labels[seen], again[seen], names, names)
        there = np.bincount(labels[seen], minlength=k) > 0
        similar[number, there] = index.max(axis=1)[there]
        _, shared = jaccard(labels, again, names, names)
        mine, theirs = linear_sum_assignment(shared, maximize=True)
        changed[number, mine] = sizes[mine] - shared[mine, theirs]
    steady = np.array([np.nanmean(column) if np.isfinite(column).any() else 0.0 for column in similar.T])
    low, high = np.quantile(ari, [0.05, 0.95])
    summary = rounded(
        np.array([ari.mean(), low, high, steady.min(), changed.sum(axis=1).mean() / n])
    ).tolist()
    row = dict(zip(["ari", "ari_low", "ari_high", "least_jaccard", "change_by_chance"], summary, strict=True))
    row["stable"] = bool(steady.min() >= VALID)
    table = pd.DataFrame(
        {
            "share": sizes / n,
            "jaccard": rounded(steady),
            "change_by_chance": rounded(changed.mean(axis=0) / np.maximum(sizes, 1)),
            "verdict": np.array(["dissolved", "pattern", "valid", "highly stable"], dtype=object)[
                np.searchsorted([PATTERN, VALID, HIGHLY_STABLE], steady, side="right")
            ],
        },
        index=pd.RangeIndex(1, k + 1),
    )
    return row, table
