"""Regular buyers from now on: purchases expected of those who are still active.

Of an active customer the clock of `erlang_dropout` has ticked j < k times since the last purchase, and
goes on. The number C of ticks from the last purchase to the horizon h is then distributed as

    (n)_C · g^C · Σ_j  u'^j / j! / (C - j)!,    g = h / (α + T + h),   u' = τ / (α + T) · (1 - g) / g,

but for a factor, and the purchases that the clock allows are C / k, rounded down. After each of them the
customer may leave. Everything is summed up tick by tick, with positive terms only, and divided by the sum of
the weights: so the factor is not needed, and nothing cancels.
"""

from dataclasses import dataclass

import numpy as np

from crmlib.analysis.clv.timing.cells import Cells
from crmlib.analysis.clv.timing.erlang_dropout import elapsed_ticks

_BLOCK = 4_096
_CHECK = 8
_HUGE = 1e200
_DONE = 1e-15


@dataclass(frozen=True)
class HistoryCells(Cells):
    """The distinct histories; ``t_x`` tells how long the last purchase is past.

    Attributes
    ----------
    t_x : ndarray of shape (n_cells,)
        Time of the last purchase of each cell.
    """

    t_x: np.ndarray

    @classmethod
    def of_histories(cls, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> "HistoryCells":
        """Find the customers with equal histories.

        Examples
        --------
        >>> cells = HistoryCells.of_histories(np.array([1.0, 1, 1]), np.array([2.0, 3, 2]), np.array([9.0, 9, 9]))
        >>> cells.t_x.tolist(), cells.of.tolist()
        ([2.0, 3.0], [0, 1, 0])
        """
        pairs = Cells.among(x, T)
        triples = Cells.among(pairs.of.astype("float64"), t_x)
        pair = triples.x.astype(np.int64)
        return cls(pairs.x[pair], pairs.T[pair], triples.of, triples.T)


def expected_while_active(
    x: np.ndarray,
    t_x: np.ndarray,
    T: np.ndarray,
    horizon: float | np.ndarray,
    params: tuple[float, float, float, float],
    k: int,
) -> np.ndarray:
    """Expected purchases within a horizon of customers who are active now.

    Parameters
    ----------
    x, t_x, T : ndarray of shape (n_customers,)
        Histories.
    horizon : float or ndarray of shape (n_customers,)
        How far ahead, in the unit of time; 0 or more.
    params : tuple of float
        r, α, a, b.
    k : int
        Ticks per purchase.

    Returns
    -------
    ndarray of shape (n_customers,)

    Notes
    -----
    Definition of this project, from the model of Reutterer, Platzer & Schröder (2021).
    """
    r, alpha, a, b = params
    shape, stays = r + k * x, b + x + 1
    share = horizon / (alpha + T + horizon)
    start = elapsed_ticks(shape, (T - t_x) / (alpha + T), k)
    found = np.empty(len(shape))
    # Those with as many ticks ahead are summed up together.
    order = np.argsort(shape * share / (1 - share), kind="stable")
    for first in range(0, len(order), _BLOCK):
        part = order[first : first + _BLOCK]
        found[part] = _summed(shape[part], share[part], start[:, part], a, stays[part])
    return found


def _summed(n: np.ndarray, g: np.ndarray, start: np.ndarray, a: float, stays: np.ndarray) -> np.ndarray:
    """Sum up the ticks of customers whose terms at j ticks begin as `start`."""
    k = len(start)
    found, open_ = np.empty(len(n)), np.arange(len(n))
    start = start * (1 - g) ** np.arange(k)[:, None]
    terms = np.zeros_like(start)
    terms[0] = start[0]
    mass, total, orders = np.zeros((3, len(n)))
    next_one = np.ones(len(n))
    ticks = made = 0
    while len(open_):
        now = terms.sum(axis=0)
        mass += now
        total += now * orders
        if ticks >= k and ticks % _CHECK == 0:
            over = _negligible(now * (1 + orders), (n + ticks) * g / (ticks + 2 - k), total)
            if over.sum() * 4 > len(over):
                found[open_[over]] = total[over] / mass[over]
                left = ~over
                open_, n, g, stays = open_[left], n[left], g[left], stays[left]
                start, terms = start[:, left], terms[:, left]
                mass, total, orders, next_one = mass[left], total[left], orders[left], next_one[left]
            smaller = np.where(mass > _HUGE, 1 / _HUGE, 1.0)
            for values in (start, terms, mass, total):
                values *= smaller
        grow = (n + ticks) * g
        ticks += 1
        for j in range(min(ticks, k)):
            terms[j] *= grow / (ticks - j)
        if ticks < k:
            terms[ticks] = start[ticks]
        if ticks % k == 0:
            orders += next_one
            next_one *= (stays + made) / (a + stays + made)
            made += 1
    return found


def _negligible(now: np.ndarray, ratio: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Whether all further ticks together, each less likely by `ratio` than the one before, add nothing."""
    falls = ratio < 1
    rest = np.where(falls, ratio, 0.5)
    rest = rest / (1 - rest)
    return falls & (now * rest * (1 + rest) <= _DONE * total)
