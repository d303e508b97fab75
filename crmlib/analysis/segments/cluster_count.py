"""How many clusters there are, one group being a possible answer.

The rule, a definition of this project:

1. **Steady first.** A number of clusters is possible if every cluster comes back when customers are drawn anew (mean
   Jaccard index of 0.75 or more, or as asked for). One group is always possible.
2. **Then, whether they are there.** For k-means, the gap statistic: the smallest possible number whose gap is within
   one standard error of the largest gap among the possible ones. For mixtures, the lowest BIC among the possible ones.
3. **The silhouette warns.** It never decides, but where it finds no structure, the groups are a cut through one crowd:
   steady enough to work with, not a discovery.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from crmlib.analysis.rounding import rounded
from crmlib.analysis.segments.cluster_features import ClusterFeatures
from crmlib.analysis.segments.cluster_stability import VALID, ClusterStability, cluster_stability
from crmlib.analysis.segments.clusters import Method, checked_draw, fitted
from crmlib.errors import ParameterError

#: What each reason says about the number.
REASONS = {
    "nothing_stable": "No number of clusters comes back when customers are drawn anew: one group",
    "no_gap": "Customers can be cut steadily, but they lie no closer together than without any groups: one group",
    "gap": "The smallest steady number whose gap is within one standard error of the largest",
    "no_mixture": "One normal distribution describes customers better than any steady mixture: one group",
    "bic": "The steady mixture that describes customers best for its number of parameters (BIC)",
}
#: Kaufman & Rousseeuw (1990, Finding Groups in Data, table 4): silhouettes from which on a structure is weak,
#: reasonable, strong; below the first there is no substantial one.
SILHOUETTES = (0.25, 0.50, 0.70)
#: Difference of BIC that is very strong evidence (Raftery 1995, Sociological Methodology 25:111-163).
BIC_STRONG = 10.0
_STARTS = 10
_STARTS_REFERENCE = 2
_STARTS_MIXTURE = 3


@dataclass(frozen=True)
class ClusterCount:
    """A number of clusters, and all that speaks for and against it.

    Attributes
    ----------
    chosen : int
        Number of clusters; 1 if customers are one group.
    also_possible : tuple of int
        Other steady numbers that the evidence does not tell apart from it: gap within one standard error of the
        largest, or BIC within 10 of the lowest.
    reason : str
        Key of `REASONS`.
    table : DataFrame
        Indexed by ``k`` from 1: ``ari``, ``least_jaccard``, ``change_by_chance`` as in `ClusterStability.by_count` (one
        group: 1, 1, 0), ``stable`` (bool: every cluster steady), ``gap``, ``gap_error``, ``silhouette`` (NaN for one
        group), ``bic`` (of the mixture).
    structure : str
        What the silhouette says of the number chosen: none, weak, reasonable or strong; empty for one group.
    stability : ClusterStability
    method : {'k_means', 'mixture'}
    """

    chosen: int
    also_possible: tuple[int, ...]
    reason: str
    table: pd.DataFrame
    structure: str
    stability: ClusterStability
    method: Method

    @property
    def steadiest(self) -> int:
        """The number, 2 or more, whose clusters come back most alike (adjusted Rand index), chosen or not."""
        return int(self.table["ari"].loc[2:].idxmax())

    @property
    def kind(self) -> str:
        """``one group``; ``natural`` groups that lie apart; or ``reproducible`` ones, steady without lying apart.

        After Dolnicar & Leisch (2010), Marketing Letters 21:83-101. Apart means a silhouette of 0.25 or more.
        """
        if self.chosen == 1:
            return "one group"
        return "reproducible" if self.structure == "none" else "natural"


def cluster_count(
    features: ClusterFeatures,
    most: int = 8,
    method: Method = "k_means",
    rounds: int = 100,
    references: int = 20,
    most_customers: int = 5000,
    seed: int = 1,
    least_jaccard: float = VALID,
) -> ClusterCount:
    """Find the number of clusters by stability first, then by gap statistic or BIC.

    Parameters
    ----------
    features : ClusterFeatures
        As returned by `crmlib.analysis.segments.cluster_features.cluster_features`.
    most : int
        Largest number of clusters tried, 2 or more.
    method : {'k_means', 'mixture'}
    rounds, most_customers, seed : int
        As in `crmlib.analysis.segments.cluster_stability.cluster_stability`; everything is found on the same draw.
    references : int
        Data sets without groups that the gap statistic compares with, 2 or more.

    least_jaccard : float
        Mean Jaccard index from which on a cluster counts as steady, above 0.5 and below 1: 0.75 for valid ones, 0.85
        for highly stable ones only, which leaves fewer clusters.

    Returns
    -------
    ClusterCount

    Raises
    ------
    ParameterError
        If a number is out of range.
    TooLittleData
        If there are fewer different customers than `most`, and one more.

    Notes
    -----
    Gap statistic: Tibshirani, Walther & Hastie (2001), Journal of the Royal Statistical Society B 63:411-423;
    reference points are uniform over the box along the principal axes (their section 4, b), the within-cluster sum of
    squares is that of k-means, and the one-standard-error rule compares with the largest gap among possible numbers,
    since gaps need not rise one by one. Silhouette: Rousseeuw (1987), Journal of
    Computational and Applied Mathematics 20:53-65.

    Examples
    --------
    >>> from crmlib.analysis.segments.cluster_features import cluster_features
    >>> people = pd.DataFrame({"money": [*range(20), *range(100, 130)]})
    >>> found = cluster_count(cluster_features(people, {"money": "plain"}), most=2, rounds=4, references=4)
    >>> found.chosen, found.reason, found.structure
    (2, 'gap', 'strong')
    """
    if most < 2 or references < 2 or not 0.5 < least_jaccard < 1:
        raise ParameterError(
            f"most = {most}, references = {references}, least_jaccard = {least_jaccard}",
            "2 clusters and 2 references or more, and an index above 0.5 and below 1",
            "correct the parameter",
        )
    values = features.scaled.to_numpy()
    # One more than the largest number, or the sum of squares could be nothing.
    points = values[checked_draw(values, most + 1, method, most_customers, seed)]
    stability = cluster_stability(features, range(2, most + 1), method, rounds, most_customers, seed)
    one = pd.DataFrame({"ari": 1.0, "least_jaccard": 1.0, "change_by_chance": 0.0, "stable": True}, index=[1])
    table = pd.concat([one, stability.by_count[one.columns]]).rename_axis("k")
    table["stable"] = table["least_jaccard"] >= least_jaccard
    with threadpool_limits(1):
        gaps = gap_statistic(points, most, references, seed)
        table = table.join(gaps[["gap", "gap_error"]])
        table["silhouette"] = [_silhouette(points, k, method, seed) for k in table.index]
        table["bic"] = [fitted(points, k, "mixture", seed, _STARTS_MIXTURE).bic(points) for k in table.index]
    table[["silhouette", "bic"]] = rounded(table[["silhouette", "bic"]].to_numpy())
    chosen, also, reason = chosen_count(table, method)
    structure = ""
    if chosen > 1:
        names = ("none", "weak", "reasonable", "strong")
        structure = names[int(np.searchsorted(SILHOUETTES, table.loc[chosen, "silhouette"], side="right"))]
    return ClusterCount(chosen, also, reason, table, structure, stability, method)


def chosen_count(table: pd.DataFrame, method: Method) -> tuple[int, tuple[int, ...], str]:
    """Apply the rule to `ClusterCount.table`.

    Parameters
    ----------
    table : DataFrame
        Indexed by ``k`` from 1: ``stable``, and ``gap`` and ``gap_error``, or ``bic``.
    method : {'k_means', 'mixture'}

    Returns
    -------
    tuple
        Number chosen, other numbers that the evidence does not tell apart from it, key of `REASONS`.

    Examples
    --------
    >>> table = pd.DataFrame({"stable": [True, True, True, False], "gap": [0.2, 0.9, 0.95, 1.4]}, index=[1, 2, 3, 4])
    >>> table["gap_error"] = 0.1
    >>> chosen_count(table, "k_means")
    (2, (3,), 'gap')
    """
    possible = table[table["stable"]]
    if len(possible) == 1:
        return 1, (), "nothing_stable"
    if method == "k_means":
        best = possible["gap"].idxmax()
        near = possible.index[possible["gap"] >= possible.loc[best, "gap"] - possible.loc[best, "gap_error"]]
        chosen = int(near.min())
    else:
        chosen = int(possible["bic"].idxmin())
        near = possible.index[possible["bic"] <= possible["bic"].min() + BIC_STRONG]
    also = tuple(int(k) for k in near if k != chosen)
    if chosen == 1:
        return 1, also, "no_gap" if method == "k_means" else "no_mixture"
    return chosen, also, "gap" if method == "k_means" else "bic"


def gap_statistic(points: np.ndarray, most: int, references: int = 20, seed: int = 1) -> pd.DataFrame:
    """Gap statistic of k-means for 1 to `most` clusters; see `cluster_count`.

    Parameters
    ----------
    points : ndarray of shape (n, n_columns)
        More different points than `most`.
    most, references, seed : int

    Returns
    -------
    DataFrame
        Indexed by ``k``: ``log_within`` (of the points), ``log_expected`` (mean of the references), ``gap`` (the
        difference), ``gap_error`` (standard deviation times the square root of 1 + 1 / references).

    Examples
    --------
    >>> found = gap_statistic(np.array([[0.0], [0.1], [0.2], [9.0], [9.1], [9.2]]), most=2)
    >>> found["gap"].idxmax()
    2
    """
    ks = range(1, most + 1)
    centred = points - points.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    turned = centred @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    within = np.log([fitted(points, k, "k_means", seed, _STARTS).inertia_ for k in ks])
    expected = np.empty((references, most))
    for number in range(references):
        drawn = np.random.default_rng([seed, number]).uniform(low, high, turned.shape)
        expected[number] = np.log([fitted(drawn, k, "k_means", seed, _STARTS_REFERENCE).inertia_ for k in ks])
    mean = expected.mean(axis=0)
    error = expected.std(axis=0) * np.sqrt(1 + 1 / references)
    columns = {"log_within": within, "log_expected": mean, "gap": mean - within, "gap_error": error}
    return pd.DataFrame(
        {k: rounded(v) for k, v in columns.items()}, index=pd.RangeIndex(1, most + 1, name="k")
    )


def _silhouette(points: np.ndarray, k: int, method: Method, seed: int) -> float:
    from sklearn.metrics import silhouette_score

    if k == 1:
        return float("nan")
    labels = fitted(points, k, method, seed, _STARTS).predict(points)
    if len(np.unique(labels)) < 2:
        return float("nan")
    return float(silhouette_score(points, labels))
