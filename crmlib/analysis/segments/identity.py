"""Clusters keep their number from one report to the next, as far as they are still the same customers."""

from dataclasses import dataclass

import pandas as pd

from crmlib.analysis.segments.matching import Matched, matched, renamed


@dataclass(frozen=True)
class Identity:
    """Clusters of this run under the numbers they go by.

    Attributes
    ----------
    labels : Series of int
        Number of the cluster, by customer.
    pairing : Matched or None
        How they were paired with those of the last run; None in a first run.
    since : Timestamp or None
        Last known day of that run.
    """

    labels: pd.Series
    pairing: Matched | None = None
    since: pd.Timestamp | None = None


def keep_identity(labels: pd.Series, earlier: pd.DataFrame | None, least_overlap: float = 0.5) -> Identity:
    """Number clusters as the last run did, where they are still the same.

    Parameters
    ----------
    labels : Series of int
        Number of the cluster in this run, by ``customer_id``.
    earlier : DataFrame or None
        Rows that earlier runs saved: ``customer_id``, ``cluster`` (missing for customers in none) and ``run_as_of``.
    least_overlap : float
        As for `crmlib.analysis.segments.matching.matched`.

    Returns
    -------
    Identity
        Compared with the last run that had clusters. A number once given is never given to another cluster, however
        long the first one has been gone.

    Raises
    ------
    DataError, ParameterError
        As `matched`.

    Examples
    --------
    >>> before = pd.DataFrame({"customer_id": list("ABCD"), "cluster": [1, 1, 2, 2]})
    >>> before["run_as_of"] = pd.Timestamp(2026, 5, 31)
    >>> now = pd.Series([2, 2, 1, 1], index=pd.Index(list("ABCD"), name="customer_id"))
    >>> keep_identity(now, before).labels.tolist()
    [1, 1, 2, 2]
    """
    known = None
    if earlier is not None and {"customer_id", "cluster", "run_as_of"} <= set(earlier.columns):
        known = earlier.dropna(subset=["cluster"])
    if known is None or known.empty or labels.empty:
        return Identity(labels)
    last = known["run_as_of"].max()
    old = known[known["run_as_of"] == last].set_index("customer_id")["cluster"].astype("int64")
    pairing = matched(old, labels, least_overlap, first_free=int(known["cluster"].max()) + 1)
    return Identity(renamed(labels, pairing), pairing, pd.Timestamp(last))
