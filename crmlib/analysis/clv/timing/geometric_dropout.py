"""Customers who may leave after each purchase: what BG/NBD and MBG/NBD have in common.

While active, a customer buys as a Poisson process of rate λ, with λ from Gamma(r, α) over
customers (α in units of time). At each chance to leave, the customer leaves with probability p,
with p from Beta(a, b). The two models differ in one thing: BG/NBD gives a chance to leave after
each repeat purchase, MBG/NBD also after the first. `first` is 0 or 1 accordingly.

All products of gamma functions are written as products over whole numbers of purchases,
and all ratios of times as log1p, so that nothing cancels for large or small parameters.
"""

import numpy as np

from crmlib.analysis.clv.timing.histories import Histories

NAMES = ("r", "alpha", "a", "b")
_BLOCK = 8_192
_FOLD = 16
_BELOW = np.tril_indices(len(NAMES), -1)
_POINTS, _ROWS = 64, 512


def log_likelihood(
    logs: np.ndarray, histories: Histories, first: int
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood with its gradient and Hessian by the logarithms of r, α, a, b.

    Parameters
    ----------
    logs : ndarray of shape (4,)
        Logarithms of the parameters.
    histories : Histories
    first : {0, 1}
        0 for BG/NBD (Fader, Hardie & Lee 2005, equation 6), 1 for MBG/NBD (Batislam, Denizel
        & Filiztekin 2007).
    """
    r, alpha, a, b = np.exp(logs)
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    value = purchase_rates(r, alpha, histories, gradient, hessian)
    value += dropout_steps(a, b, histories.more_than(first), gradient, hessian)
    table = _Table(logs, histories.times, len(histories.by_x), first)
    rows = len(histories.x)
    for start in range(0, rows, _BLOCK):
        part = slice(start, start + _BLOCK)
        weight = None if histories.weight is None else histories.weight[part]
        value += table.gone(
            histories.x[part], histories.t_x[part], histories.T[part], weight, gradient, hessian
        )
    if first:
        last = np.flatnonzero(histories.once_by_T)
        nobody = np.zeros(len(last), dtype=np.int32)
        value += table.gone(nobody, nobody, last, histories.once_by_T[last], gradient, hessian)
    hessian[_BELOW] = hessian.T[_BELOW]
    return float(value), gradient, hessian


def values(points: np.ndarray, histories: Histories, first: int) -> np.ndarray:
    """Log-likelihood at many points at once, without derivatives.

    Parameters
    ----------
    points : ndarray of shape (n_points, 4)
        Logarithms of the parameters.
    histories : Histories
    first : {0, 1}
        As in `log_likelihood`.

    Returns
    -------
    ndarray of shape (n_points,)
    """
    h = histories
    once = np.flatnonzero(h.once_by_T) if first else np.zeros(0, dtype=np.int64)
    nobody = np.zeros(len(once), dtype=np.int64)
    x, t_x, T = (np.concatenate(pair) for pair in ((nobody, h.x), (nobody, h.t_x), (once, h.T)))
    weight = None
    if first or h.weight is not None:
        weight = np.concatenate([h.once_by_T[once], np.ones(len(h.x)) if h.weight is None else h.weight])
    bought, chances = h.more_than(), h.more_than(first)
    found = np.empty(len(points))
    for start in range(0, len(points), _POINTS):
        part = slice(start, start + _POINTS)
        # One column per point, so that a customer's row of a table is copied in one piece.
        r, alpha, a, b = np.exp(points[part]).T
        left = np.log1p(h.times[:, None] / alpha)
        value = bought @ np.log(r + np.arange(len(bought))[:, None]) - h.repeats * points[part, 1]
        value -= r * (h.all_by_T @ left) + h.repeats_by_T @ left
        value -= chances @ np.log1p(a / (b + np.arange(len(chances))[:, None]))
        stay = b + (np.arange(len(h.by_x)) + first - 1)[:, None]
        if not first:
            stay[0] = 1.0  # without a repeat there was no chance to leave: never looked up
        odds = points[part, 2] - np.log(stay)
        for begin in range(0, len(x), _ROWS):
            rows = slice(begin, begin + _ROWS)
            z = left.take(T[rows], axis=0)
            z -= left.take(t_x[rows], axis=0)
            z *= r + x[rows, None]
            z += odds.take(x[rows], axis=0)
            small = np.abs(z)
            np.negative(small, out=small)
            np.exp(small, out=small)
            np.maximum(z, 0, out=z)
            if weight is None:
                small += 1
                value += z.sum(axis=0) + _log_of_product(small)
            else:
                z += np.log1p(small, out=small)
                value += weight[rows] @ z
        found[part] = value
    return found


def purchase_rates(r: float, alpha: float, h: Histories, gradient: np.ndarray, hessian: np.ndarray) -> float:
    """Add the part of those who bought at their rate all the time: a function of x and T."""
    steps = h.more_than()
    shapes = r + np.arange(len(steps))
    ratio = r / shapes
    value = steps @ np.log(shapes)
    rises = steps @ ratio
    left = np.log1p(h.times / alpha)
    gone = h.times / (alpha + h.times)
    spread = gone * (1 - gone)
    waited, gone_all = h.all_by_T @ left, h.all_by_T @ gone
    value -= r * waited + h.repeats_by_T @ left + h.repeats * np.log(alpha)
    gradient[0] += rises - r * waited
    gradient[1] += r * gone_all - h.repeats_by_T @ (1 - gone)
    hessian[0, 0] += rises - steps @ ratio**2 - r * waited
    hessian[0, 1] += r * gone_all
    hessian[1, 1] -= r * (h.all_by_T @ spread) + h.repeats_by_T @ spread
    return value


def dropout_steps(a: float, b: float, steps: np.ndarray, gradient: np.ndarray, hessian: np.ndarray) -> float:
    """Add the part of those who stayed at every chance to leave."""
    stay = b + np.arange(len(steps))
    both = a + stay
    share = a / both
    bent = share * (b / both)
    gradient[2] -= steps @ share
    gradient[3] += steps @ (share * (b / stay))
    hessian[2, 2] -= steps @ (share * (stay / both))
    hessian[2, 3] += steps @ bent
    # b (stay - b) / stay² - b (both - b) / both², with the difference worked out so that nothing cancels.
    hessian[3, 3] += steps @ (share * (b / stay) * (1 - b / stay - b / both))
    return -(steps @ np.log1p(a / stay))


class _Table:
    """Logarithms and ratios of all times and counts, to be looked up customer by customer."""

    def __init__(self, logs: np.ndarray, times: np.ndarray, counts: int, first: int):
        self.r, alpha, _, b = np.exp(logs)
        self.left = np.log1p(times / alpha)
        self.gone_share = times / (alpha + times)
        chances = b + np.arange(counts) + first - 1
        if not first:
            chances[0] = 1.0  # without a repeat there was no chance to leave: never looked up
        self.odds = logs[2] - np.log(chances)
        self.by_b = -b / chances

    def gone_odds(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """Log of the odds that a customer left at the last purchase, given the history."""
        return self.odds.take(x) + (self.r + x) * (self.left.take(T) - self.left.take(t_x))

    def gone(
        self,
        x: np.ndarray,
        t_x: np.ndarray,
        T: np.ndarray,
        weight: np.ndarray | None,
        gradient: np.ndarray,
        hessian: np.ndarray,
    ) -> float:
        """Add log(1 + odds) of a block of customers; of the Hessian only the upper half counts."""
        early, late = self.gone_share.take(t_x), self.gone_share.take(T)
        room = np.empty((9, len(x)))
        # What the logarithm of the odds gains by log r (but for the factor r), log alpha, log a and log b.
        rows, wait = room[:4], room[0]
        np.subtract(self.left.take(T), self.left.take(t_x), out=wait)
        bought = self.r + x
        by_both = early - late
        np.multiply(bought, by_both, out=rows[1])
        rows[2] = 1.0
        rows[3] = self.by_b.take(x)
        z = bought
        z *= wait
        z += self.odds.take(x)
        small = np.abs(z)
        np.negative(small, out=small)
        np.exp(small, out=small)
        more = 1 + small
        one = 1 / more
        less = small * one
        share = room[8] = np.where(z > 0, one, less)
        np.maximum(z, 0, out=z)
        if weight is None:
            value = z.sum() + _log_of_product(more)
        else:
            value = weight @ (z + np.log1p(small))
            share = room[8] = share * weight
            less *= weight
        np.multiply(rows, np.multiply(less, one, out=less), out=room[4:8])
        # All sums at once; of a block as short as this the product stays in one thread.
        sums = rows @ room[4:].T
        sums[0] *= self.r
        sums[:, 0] *= self.r
        slopes = sums[:, 4]
        gradient += slopes
        hessian += sums[:, :4]
        hessian[0, 0] += slopes[0]
        hessian[0, 1] += self.r * (by_both @ share)
        hessian[3, 3] += slopes[3]
        early += late
        early -= 1
        # The parts for alpha and b that bend: by one weighted row each.
        hessian[1, 1] += np.multiply(rows[1], share, out=late) @ early
        hessian[3, 3] += np.multiply(rows[3], share, out=late) @ rows[3]
        return float(value)


def _log_of_product(factors: np.ndarray) -> np.ndarray:
    """Sum along the first axis the logarithms of numbers from 1 to 2, some multiplied first: fewer logarithms."""
    whole = len(factors) // _FOLD * _FOLD
    folded = np.multiply.reduce(factors[:whole].reshape(_FOLD, -1, *factors.shape[1:]), axis=0)
    return np.log(folded).sum(axis=0) + np.log(factors[whole:]).sum(axis=0)
