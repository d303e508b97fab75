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
_BLOCK = 16_384
_POINTS = 32


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
    upper = np.triu(hessian)
    return float(value), gradient, upper + np.triu(upper, 1).T


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
    weight = np.concatenate([h.once_by_T[once], np.ones(len(h.x)) if h.weight is None else h.weight])
    bought, chances = h.more_than(), h.more_than(first)
    found = np.empty(len(points))
    for start in range(0, len(points), _POINTS):
        part = slice(start, start + _POINTS)
        r, alpha, a, b = np.exp(points[part]).T[:, :, None]
        left = np.log1p(h.times / alpha)
        value = np.log(r + np.arange(len(bought))) @ bought - h.repeats * points[part, 1]
        value -= r[:, 0] * (left @ h.all_by_T) + left @ h.repeats_by_T
        value -= np.log1p(a / (b + np.arange(len(chances)))) @ chances
        stay = b + np.arange(len(h.by_x)) + first - 1
        if not first:
            stay[:, 0] = 1.0
        odds = points[part, 2][:, None] - np.log(stay)
        for begin in range(0, len(x), _BLOCK):
            rows = slice(begin, begin + _BLOCK)
            wait = left.take(T[rows], axis=1) - left.take(t_x[rows], axis=1)
            z = odds.take(x[rows], axis=1) + (r + x[rows]) * wait
            value += (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) @ weight[rows]
        found[part] = value
    return found


def purchase_rates(r: float, alpha: float, h: Histories, gradient: np.ndarray, hessian: np.ndarray) -> float:
    """Add the part of those who bought at their rate all the time: a function of x and T."""
    steps = h.more_than()
    whole = np.arange(len(steps))
    ratio = r / (r + whole)
    value = steps @ np.log(r + whole)
    gradient[0] += steps @ ratio
    hessian[0, 0] += steps @ (ratio * (1 - ratio))
    left = np.log1p(h.times / alpha)
    gone = h.times / (alpha + h.times)
    spread = gone * (1 - gone)
    waited, gone_all = h.all_by_T @ left, h.all_by_T @ gone
    value -= r * waited + h.repeats_by_T @ left + h.repeats * np.log(alpha)
    gradient[0] -= r * waited
    gradient[1] += r * gone_all - h.repeats_by_T @ (1 - gone)
    hessian[0, 0] -= r * waited
    hessian[0, 1] += r * gone_all
    hessian[1, 1] -= r * (h.all_by_T @ spread) + h.repeats_by_T @ spread
    return value


def dropout_steps(a: float, b: float, steps: np.ndarray, gradient: np.ndarray, hessian: np.ndarray) -> float:
    """Add the part of those who stayed at every chance to leave."""
    stay = b + np.arange(len(steps))
    both = a + stay
    gradient[2] -= steps @ (a / both)
    gradient[3] += steps @ (a * b / (stay * both))
    hessian[2, 2] -= steps @ (a * stay / both**2)
    hessian[2, 3] += steps @ (a * b / both**2)
    hessian[3, 3] += steps @ (b * (stay - b) / stay**2 - b * (both - b) / both**2)
    return -(steps @ np.log1p(a / stay))


class _Table:
    """Logarithms and ratios of all times and counts, to be looked up customer by customer."""

    def __init__(self, logs: np.ndarray, times: np.ndarray, counts: int, first: int):
        self.r, alpha, _, b = np.exp(logs)
        self.left = np.log1p(times / alpha)
        self.gone_share = times / (alpha + times)
        self.spread = self.gone_share * (1 - self.gone_share)
        chances = b + np.arange(counts) + first - 1
        if not first:
            chances[0] = 1.0  # without a repeat there was no chance to leave: never looked up
        self.odds = logs[2] - np.log(chances)
        self.by_b = -b / chances
        self.by_bb = self.by_b + self.by_b**2

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
        wait = self.left.take(T) - self.left.take(t_x)
        bought = self.r + x
        z = self.odds.take(x) + bought * wait
        small = np.exp(-np.abs(z))
        value = np.maximum(z, 0) + np.log1p(small)
        share = np.where(z > 0, 1.0, small) / (1 + small)
        spread = small / (1 + small) ** 2
        if weight is not None:
            value, share, spread = value * weight, share * weight, spread * weight
        by_alpha = self.gone_share.take(t_x) - self.gone_share.take(T)
        rows = np.empty((4, len(x)))
        np.multiply(wait, self.r, out=rows[0])
        np.multiply(bought, by_alpha, out=rows[1])
        rows[2] = 1.0
        self.by_b.take(x, out=rows[3])
        gradient += rows @ share
        hessian += (rows * spread) @ rows.T
        hessian[0, 0] += rows[0] @ share
        hessian[0, 1] += self.r * (by_alpha @ share)
        hessian[1, 1] += (bought * (self.spread.take(T) - self.spread.take(t_x))) @ share
        hessian[3, 3] += self.by_bb.take(x) @ share
        return float(value.sum())
