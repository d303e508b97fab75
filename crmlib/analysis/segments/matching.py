"""A group keeps its number from one run to the next: groups are paired by the customers they share."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from crmlib.analysis.clv.refusals import refuse
from crmlib.errors import DataError, ParameterError


@dataclass(frozen=True)
class Matched:
    """Groups of two runs, paired.

    Attributes
    ----------
    pairs : DataFrame
        Indexed by ``new`` group: ``old`` (number of the group it continues; missing if it is new), ``number`` (what it
        is called from now on), ``jaccard`` and ``shared`` (overlap with the old group; 0 if it is new).
    overlap : DataFrame
        Jaccard index of each old (rows) with each new group (columns).
    vanished : tuple of int
        Old groups that none continues.
    customers : int
        Customers in both runs, whom the overlap is about.
    least_overlap : float
        As asked for.
    """

    pairs: pd.DataFrame
    overlap: pd.DataFrame
    vanished: tuple[int, ...]
    customers: int
    least_overlap: float

    @property
    def fresh(self) -> tuple[int, ...]:
        """New groups, by what they are called from now on."""
        return tuple(self.pairs.loc[self.pairs["old"].isna(), "number"])


def matched(
    old: pd.Series, new: pd.Series, least_overlap: float = 0.5, first_free: int | None = None
) -> Matched:
    """Pair the groups of two runs by the overlap of their customers.

    Parameters
    ----------
    old, new : Series of int
        Number of the group, indexed by customer.
    least_overlap : float
        Jaccard index from which a new group continues an old one, above 0 and up to 1.
    first_free : int, optional
        Number of the first group that is new, above all old ones; one above the largest old number by default. Give a
        larger one if groups of still earlier runs must not come back under another meaning.

    Returns
    -------
    Matched

    Raises
    ------
    DataError
        If numbers are missing or not whole, or a customer stands twice.
    ParameterError
        If `least_overlap` or `first_free` is out of range.

    Notes
    -----
    The Jaccard index of two groups is the number of customers in both, divided by that of customers in at least one,
    among those who are in both runs, so that customers won or lost since do not make a group look different. The
    pairing has the largest sum of indices (Kuhn 1955, Naval Research Logistics Quarterly 2:83-97); an index below
    `least_overlap` counts as 0 in it. Above 0.5, a pair is the best one of both groups.

    Examples
    --------
    >>> old = pd.Series([1, 1, 1, 2, 2, 2], index=list("ABCDEF"))
    >>> new = pd.Series([2, 2, 2, 1, 1, 3, 3], index=list("ABCDEFG"))
    >>> found = matched(old, new)
    >>> found.pairs["number"].to_dict(), found.fresh
    ({1: 2, 2: 1, 3: 3}, (3,))
    >>> renamed(new, found).tolist()
    [1, 1, 1, 2, 2, 3, 3]
    """
    _check_groups(old, "old")
    _check_groups(new, "new")
    if not 0 < least_overlap <= 1:
        raise ParameterError(
            f"least_overlap = {least_overlap}",
            "above 0 and up to 1",
            "give the least Jaccard index of a pair",
        )
    next_free = int(old.max()) + 1 if len(old) else 1
    if first_free is not None and first_free < next_free:
        raise ParameterError(
            f"first_free = {first_free}",
            f"{next_free} or more, above all old numbers",
            "give a larger number",
        )
    both = old.index.intersection(new.index)
    overlap, shared = jaccard(old[both].to_numpy(), new[both].to_numpy(), np.unique(old), np.unique(new))
    rows, columns = linear_sum_assignment(np.where(overlap >= least_overlap, overlap, 0.0), maximize=True)
    strong = overlap[rows, columns] >= least_overlap
    rows, columns = rows[strong], columns[strong]
    names_old, names_new = np.unique(old), np.unique(new)
    pairs = pd.DataFrame(index=pd.Index(names_new, name="new"))
    pairs["old"] = pd.Series(names_old[rows], index=names_new[columns]).reindex(names_new).astype("Int64")
    fresh = pairs["old"].isna().to_numpy()
    number = pairs["old"].fillna(0).to_numpy("int64")
    number[fresh] = np.arange(fresh.sum()) + (next_free if first_free is None else first_free)
    pairs["number"] = number
    pairs["jaccard"], pairs["shared"] = 0.0, 0
    pairs.loc[names_new[columns], "jaccard"] = overlap[rows, columns]
    pairs.loc[names_new[columns], "shared"] = shared[rows, columns]
    gone = tuple(int(name) for name in np.setdiff1d(names_old, names_old[rows]))
    table = pd.DataFrame(overlap, index=pd.Index(names_old, name="old"), columns=pairs.index)
    return Matched(pairs, table, gone, len(both), least_overlap)


def renamed(new: pd.Series, pairing: Matched) -> pd.Series:
    """Give the groups of the new run the numbers they are called by from now on; see `matched`."""
    unknown = ~new.isin(pairing.pairs.index).to_numpy()
    if unknown.any():
        found = f"group {new[unknown].iloc[0]}"
        refuse(unknown, new.index, found, "groups that were paired", "pair the groups of this run first")
    return new.map(pairing.pairs["number"]).astype("int64")


def jaccard(
    first: np.ndarray, second: np.ndarray, first_names: np.ndarray, second_names: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Jaccard index and number of shared members of all pairs of groups of two partitions.

    Parameters
    ----------
    first, second : ndarray of shape (n,)
        Group of each member.
    first_names, second_names : ndarray
        Groups there are, sorted.

    Returns
    -------
    tuple of ndarray, both of shape (len(first_names), len(second_names))
        Jaccard index, 0 where neither group has a member; members shared.

    Examples
    --------
    >>> index, shared = jaccard(np.array([1, 1, 2]), np.array([1, 2, 2]), np.array([1, 2]), np.array([1, 2]))
    >>> index.round(3).tolist(), shared.tolist()
    ([[0.5, 0.333], [0.0, 0.5]], [[1, 1], [0, 1]])
    """
    shape = len(first_names), len(second_names)
    place = np.searchsorted(first_names, first) * shape[1] + np.searchsorted(second_names, second)
    shared = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
    either = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    return shared / np.maximum(either, 1), shared


def _check_groups(groups: pd.Series, name: str) -> None:
    if len(groups) and not pd.api.types.is_integer_dtype(groups):
        raise DataError(
            f"{name} groups of type {groups.dtype}",
            "whole numbers of groups, none missing",
            "leave customers without a group out, and number the groups",
        )
    missing = groups.isna().to_numpy()
    if missing.any():
        refuse(missing, groups.index, f"no {name} group", "a group for each customer", "leave them out")
    twice = groups.index.duplicated()
    if twice.any():
        refuse(
            twice, groups.index, f"a customer who stands twice in {name}", "one row per customer", "drop one"
        )
