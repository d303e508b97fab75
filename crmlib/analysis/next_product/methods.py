"""Ways to choose what to offer next, from what sells most to what is bought together and one after the other.

Each method learns from the purchases up to a day and scores every item for every customer; the highest is offered.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from crmlib.analysis.next_product.histories import Histories
from crmlib.errors import ParameterError

POPULAR, NOT_YET, BEFORE, TOGETHER, NEXT, BLEND = (
    "most popular",
    "most popular not yet bought",
    "bought most often before",
    "bought together",
    "bought next",
    "blend",
)
#: From the simplest on; of methods that cannot be told apart the first is used.
BY_SIMPLICITY = (POPULAR, NOT_YET, BEFORE, TOGETHER, NEXT, BLEND)
POPULAR_DAYS = 365
_CELLS = 4_000_000
_HAIR = 1e-9
_SHRINKAGE = 20.0  # customers, or pairs of orders, at which evidence and prior weigh alike


@dataclass(frozen=True)
class Learnt:
    """What was learnt from purchases up to a day.

    Attributes
    ----------
    popularity : ndarray of shape (n_items,)
        Customers who bought the item in the 12 months to the day, as a share of all purchases counted so.
    together : ndarray of shape (n_items, n_items)
        Likeness of two items by the customers who bought both; 0 on the diagonal.
    following : ndarray of shape (n_items, n_items)
        Chance that an order holds the column's item if the order before held that of the row.
    """

    popularity: np.ndarray
    together: np.ndarray
    following: np.ndarray


def learn(histories: Histories, day: int) -> Learnt:
    """Learn from purchases up to a day.

    Parameters
    ----------
    histories : Histories
    day : int
        Days since 1970; later purchases are not looked at.

    Returns
    -------
    Learnt

    Notes
    -----
    Likeness of items i and j bought by n_i and n_j customers, n_ij of them both: n_ij / (sqrt(n_i n_j) + 20), the
    cosine of Sarwar, Karypis, Konstan & Riedl (2001, WWW 10:285-295), with pairs that few bought drawn to 0. Chance of
    j after i: (n_i>j + 20 p_j) / (n_i> + 20) over pairs of neighbouring orders of a customer, with p_j the chance of j
    in any order that follows another: a first-order Markov chain, drawn to the mean where i is rare.
    """
    known = histories.between(np.iinfo(np.int64).min, day)
    recent = known.between(day - POPULAR_DAYS + 1, day).ever_bought().sum(axis=0)
    popularity = recent / max(recent.sum(), 1.0)
    ever = known.ever_bought()
    both = (ever.T @ ever).toarray().astype("float64")
    buyers = both.diagonal().copy()
    together = both / (np.sqrt(np.outer(buyers, buyers)) + _SHRINKAGE)
    np.fill_diagonal(together, 0.0)
    whose, orders = known.orders()
    same = whose[1:] == whose[:-1]
    earlier, later = orders[:-1][same], orders[1:][same]
    pairs = (earlier.T @ later).toarray().astype("float64")
    chance = later.sum(axis=0) / max(later.shape[0], 1)
    times = earlier.sum(axis=0)[:, None]
    following = (pairs + _SHRINKAGE * chance) / (times + _SHRINKAGE)
    return Learnt(np.asarray(popularity, "float64"), together, following)


@dataclass(frozen=True)
class Past:
    """What customers bought up to a day, a row for each: matrices of customers x items.

    Attributes
    ----------
    ever : sparse array
        1 where the customer ever bought the item.
    last : sparse array
        1 where the last order of the customer held it.
    times : sparse array
        Orders of the customer that held it.
    """

    ever: sparse.csr_array
    last: sparse.csr_array
    times: sparse.csr_array

    @classmethod
    def of(cls, histories: Histories, day: int) -> "Past":
        """Take purchases up to a day; a row for each of ``histories.customers``."""
        known = histories.between(np.iinfo(np.int64).min, day)
        times = known.times_bought()
        ever = times.copy()
        ever.data[:] = 1.0
        return cls(ever, known.last_orders(), times)

    def rows(self, chosen: np.ndarray | slice) -> "Past":
        """Take some of the customers."""
        return Past(self.ever[chosen], self.last[chosen], self.times[chosen])


def scores(method: str, learnt: Learnt, past: Past, new_only: bool) -> np.ndarray:
    """Score every item for every customer.

    Parameters
    ----------
    method : str
        One of `BY_SIMPLICITY`.
    learnt : Learnt
    past : Past
    new_only : bool
        Whether only items never bought before can be offered; `POPULAR` ignores it.

    Returns
    -------
    ndarray of float, shape (n_customers, n_items)
        Each item's share of the customer's scores; minus infinity for what is not to be offered. Ties go to what sells
        more.

    Raises
    ------
    ParameterError
        If there is no such method.
    """
    popularity = learnt.popularity
    size = past.ever.shape[0]
    if method in (POPULAR, NOT_YET):
        found = np.tile(popularity, (size, 1))
    elif method == BEFORE:
        found = past.times.toarray().astype("float64")
    elif method == TOGETHER:
        found = past.ever @ learnt.together
    elif method == NEXT:
        found = past.last @ learnt.following
    elif method == BLEND:
        parts = (np.tile(popularity, (size, 1)), past.ever @ learnt.together, past.last @ learnt.following)
        found = sum(_shares(part) for part in parts)
    else:
        raise ParameterError(f"method = {method!r}", f"one of {', '.join(BY_SIMPLICITY)}", "name one of them")
    # Evidence that is not there yet leaves what sells most.
    found = _shares(found) + _HAIR * popularity
    bought = past.ever.toarray() > 0
    if method == NOT_YET or (new_only and method != POPULAR):
        found[bought] = -np.inf
    return found


def methods_for(new_only: bool) -> tuple[str, ...]:
    """Name the methods that make sense for new items only, or for all."""
    left_out = BEFORE if new_only else NOT_YET
    return tuple(method for method in BY_SIMPLICITY if method != left_out)


def in_chunks(rows: np.ndarray, n_items: int) -> Iterator[np.ndarray]:
    """Cut customers into parts whose scores fit into memory."""
    step = max(64, _CELLS // n_items)
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


def _shares(found: np.ndarray) -> np.ndarray:
    return found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12)
