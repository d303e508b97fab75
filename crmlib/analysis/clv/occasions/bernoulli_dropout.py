"""The likelihood of histories of opportunities, where a customer may leave before each of them.

A customer who used x of n opportunities, the last of them number t_x, stayed through m
opportunities for some m from t_x to n. The likelihood is the sum over these m of two parts: that x
of m opportunities were used, a function of x and m, and that the customer left after m (or was
still there at n), a function of m. Both are products of shares; they stand in tables, and
the sum runs over table entries.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from crmlib.analysis.clv.contracts.beta_survival import share_steps
from crmlib.analysis.clv.occasions.opportunities import Opportunities

_BLOCK = 1_000_000
# From derivatives by (own, other) to those by (other, own).
_TURNED = [0, 2, 1, 5, 4, 3]


@dataclass(frozen=True)
class _Terms:
    """The terms of a block of histories, one after the other, as places in the tables.

    Attributes
    ----------
    use, end : ndarray of shape (n_terms,)
        Places in the table of uses and in that of ends.
    starts, last : ndarray of shape (n_histories,)
        First and last term of each history; the last is that of still being there.
    """

    use: np.ndarray
    end: np.ndarray
    starts: np.ndarray
    last: np.ndarray


class Tables:
    """Logarithms of both parts, with their derivatives by the logarithms of the parameters.

    Parameters
    ----------
    params : tuple of float
        alpha, beta, gamma, delta.
    folded : Opportunities
    """

    def __init__(self, params: tuple[float, ...], folded: Opportunities):
        alpha, beta, gamma, delta = params
        self.folded = folded
        self.x, self.row = np.unique(folded.x, return_inverse=True)
        self.longest = int(folded.n.max(initial=0))
        j = np.arange(self.longest, dtype="float64")
        used = _summed(share_steps(alpha, beta, 0.0, j))[:, self.x]
        missed = share_steps(beta, alpha, self.x[:, None].astype("float64"), j)[_TURNED]
        #: Shape (6, n_x, longest + 1), by number of opportunities missed.
        self.use = (used[:, :, None] + _summed(missed)).reshape(6, -1)
        stayed = _summed(share_steps(delta, gamma, 0.0, j)[_TURNED])
        left = stayed + share_steps(gamma, delta, np.arange(self.longest + 1.0), 0.0)
        #: First having left after m opportunities, then still being there.
        self.end = np.concatenate([left, stayed], axis=1)

    def blocks(self) -> Iterator[tuple[slice, _Terms]]:
        """Yield histories in blocks of a size that fits in memory, with their terms."""
        folded, width = self.folded, self.longest + 1
        counts = folded.n - folded.t_x + 1
        number = np.cumsum(counts) // _BLOCK
        edges = np.flatnonzero(np.diff(number, prepend=-1, append=np.inf))
        for first, stop in pairwise(edges):
            part = slice(int(first), int(stop))
            count, last = counts[part], np.cumsum(counts[part]) - 1
            starts = last - count + 1
            of = np.repeat(np.arange(len(count)), count)
            m = np.arange(len(of)) - starts[of] + folded.t_x[part][of]
            use = self.row[part][of] * width + m - folded.x[part][of]
            m[last] += width
            yield part, _Terms(use, m, starts, last)


def log_likelihood(logs: np.ndarray, folded: Opportunities) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood with its gradient and Hessian by the logarithms of alpha, beta, gamma, delta.

    Parameters
    ----------
    logs : ndarray of shape (4,)
        Logarithms of the parameters.
    folded : Opportunities

    Returns
    -------
    tuple of float, ndarray of shape (4,), ndarray of shape (4, 4)

    Notes
    -----
    Fader, Hardie & Shang (2010), Marketing Science 29:1086-1108, section 3; of the sequence of
    uses, thus without a binomial coefficient.
    """
    tables = Tables(tuple(np.exp(logs)), folded)
    value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
    for part, terms in tables.blocks():
        use, end = tables.use[:, terms.use], tables.end[:, terms.end]
        whole, share = _shares(use[0] + end[0], terms.starts)
        weight = folded.weight[part]
        value += float(weight @ whole)
        slopes = np.concatenate([use[1:3], end[1:3]])
        mean = np.add.reduceat(slopes * share, terms.starts, axis=1)
        counted = share * np.repeat(weight, np.diff(terms.starts, append=len(share)))
        gradient += mean @ weight
        hessian += (slopes * counted) @ slopes.T - (mean * weight) @ mean.T
        for first, bends in ((0, use[3:] @ counted), (2, end[3:] @ counted)):
            block = slice(first, first + 2)
            hessian[block, block] += [[bends[0], bends[1]], [bends[1], bends[2]]]
    return value, gradient, hessian


def still_there(params: tuple[float, ...], folded: Opportunities) -> np.ndarray:
    """Probability that customers of each history were active at the last opportunity seen.

    Parameters
    ----------
    params : tuple of float
        alpha, beta, gamma, delta.
    folded : Opportunities

    Returns
    -------
    ndarray of shape (n_cells,)
    """
    tables = Tables(params, folded)
    found = np.empty(len(folded.x))
    for part, terms in tables.blocks():
        _, share = _shares(tables.use[0, terms.use] + tables.end[0, terms.end], terms.starts)
        found[part] = share[terms.last]
    return found


def count_shares(params: tuple[float, ...], n: int) -> np.ndarray:
    """Probability that a new customer uses 0, 1, ..., n of the first n opportunities.

    Parameters
    ----------
    params : tuple of float
        alpha, beta, gamma, delta.
    n : int

    Returns
    -------
    ndarray of shape (n + 1,)

    Notes
    -----
    Fader, Hardie & Shang (2010), equation 7.

    Examples
    --------
    >>> count_shares((1.204, 0.750, 0.657, 2.783), 2).round(3)
    array([0.394, 0.289, 0.317])
    """
    x = np.arange(n + 1)
    folded = Opportunities(x, x, np.full(n + 1, n), np.ones(n + 1), x)
    tables = Tables(params, folded)
    ways = _summed(np.log1p(x[:, None] / np.arange(1.0, n + 1))).ravel()
    found = np.empty(n + 1)
    for part, terms in tables.blocks():
        chances = np.exp(ways[terms.use] + tables.use[0, terms.use] + tables.end[0, terms.end])
        found[part] = np.add.reduceat(chances, terms.starts)
    return found


def _shares(logs: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithm of each sum of terms, and the share of each term in its sum."""
    lengths = np.diff(starts, append=len(logs))
    highest = np.maximum.reduceat(logs, starts)
    parts = np.exp(logs - np.repeat(highest, lengths))
    sums = np.add.reduceat(parts, starts)
    return highest + np.log(sums), parts / np.repeat(sums, lengths)


def _summed(steps: np.ndarray) -> np.ndarray:
    """Return sums of the first 0, 1, 2, ... steps along the last axis."""
    return np.concatenate([np.zeros((*steps.shape[:-1], 1)), np.cumsum(steps, axis=-1)], axis=-1)
