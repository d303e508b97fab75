"""Regular buyers who may leave after every purchase: the likelihood of MBG/CNBD-k.

A clock of each active customer ticks as a Poisson process of rate λ, with λ from Gamma(r, α) over customers
(α in units of time), and every k-th tick is a purchase. So inter-purchase times are from an
Erlang distribution with shape k, and the larger k, the more regular they are. After each purchase, the first
one included, the customer leaves with probability p, with p from Beta(a, b).

After x repeat purchases the clock has ticked n = r + kx times, in the sense of a gamma shape. In the time τ
since the last of them, an active customer has seen fewer than k ticks. With u = τ / (α + T), the
likelihood of that, times a factor that all share, is

    P = Σ_j (n)_j / j! u^j,    j = 0, ..., k - 1,

a sum of few and positive terms, where (n)_j is the rising factorial. With k = 1 it is 1, and the model is MBG/NBD.
"""

import numpy as np

from crmlib.analysis.clv.timing.geometric_dropout import dropout_steps, purchase_rates
from crmlib.analysis.clv.timing.histories import Histories

NAMES = ("r", "alpha", "a", "b")
_BLOCK = 8_192


def log_likelihood(
    logs: np.ndarray, histories: Histories, ticks: Histories, k: int
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood with its gradient and Hessian by the logarithms of r, α, a, b.

    It lacks the part of the inter-purchase times that depends on the data and on k alone.

    Parameters
    ----------
    logs : ndarray of shape (4,)
        Logarithms of the parameters.
    histories, ticks : Histories
        The histories, and the same with ticks in place of purchases; see `in_ticks`.
    k : int
        Ticks per purchase.

    Notes
    -----
    Reutterer, Platzer & Schröder (2021), International Journal of Research in Marketing 38:194-215.
    """
    r, alpha, a, b = np.exp(logs)
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    value = purchase_rates(r, alpha, ticks, gradient, hessian)
    value += dropout_steps(a, b, histories.more_than(1), gradient, hessian)
    table = _Table(logs, histories.times, len(histories.by_x), k)
    for start in range(0, len(histories.x), _BLOCK):
        part = slice(start, start + _BLOCK)
        weight = None if histories.weight is None else histories.weight[part]
        value += table.silent(
            histories.x[part], histories.t_x[part], histories.T[part], weight, gradient, hessian
        )
    once = np.flatnonzero(histories.once_by_T)
    nobody = np.zeros(len(once), dtype=np.int32)
    value += table.silent(nobody, nobody, once, histories.once_by_T[once], gradient, hessian)
    upper = np.triu(hessian)
    return float(value), gradient, upper + np.triu(upper, 1).T


def in_ticks(histories: Histories, k: int) -> Histories:
    """Return histories in which each repeat purchase counts `k` times."""
    by_ticks = np.zeros(k * (len(histories.by_x) - 1) + 1)
    by_ticks[::k] = histories.by_x
    return Histories(
        histories.times, histories.customers, histories.once_by_T, histories.all_by_T,
        k * histories.repeats_by_T, by_ticks, k * histories.x, histories.t_x, histories.T, histories.weight,
    )  # fmt: skip


def elapsed_ticks(shape: np.ndarray, u: np.ndarray, k: int) -> np.ndarray:
    """Terms of P: how likely 0, 1, ..., k - 1 ticks are in the time since the last purchase, but for a factor.

    Parameters
    ----------
    shape, u : ndarray of shape (n_customers,)
        n = r + kx and τ / (α + T).
    k : int
        Ticks per purchase.

    Returns
    -------
    ndarray of shape (k, n_customers)
        The first row is 1.

    Examples
    --------
    >>> elapsed_ticks(np.array([2.0]), np.array([0.5]), 3).ravel().tolist()
    [1.0, 1.0, 0.75]
    """
    terms = np.ones((k, *np.shape(shape)))
    for j in range(1, k):
        terms[j] = terms[j - 1] * (shape + (j - 1)) * u / j
    return terms


class _Table:
    """What depends on a time or on a count alone, to be looked up customer by customer."""

    def __init__(self, logs: np.ndarray, times: np.ndarray, counts: int, k: int):
        self.r, alpha, _, b = np.exp(logs)
        self.k, self.times = k, times
        self.per_time = 1 / (alpha + times)
        self.left = np.log1p(times / alpha)
        self.gone_share = times * self.per_time
        self.spread = self.gone_share * (1 - self.gone_share)
        whole = np.arange(counts)
        self.odds = logs[2] - np.log(b + whole)
        self.by_b = -b / (b + whole)
        self.by_bb = self.by_b + self.by_b**2
        # Derivatives of the rising factorials: sums of 1 / (n + i) and of their squares, below each j.
        steps = 1 / (self.r + k * whole + np.arange(k - 1)[:, None])
        self.rise = np.cumsum(steps, axis=0)
        self.bend = self.rise**2 - np.cumsum(steps**2, axis=0)

    def silent(
        self,
        x: np.ndarray,
        t_x: np.ndarray,
        T: np.ndarray,
        weight: np.ndarray | None,
        gradient: np.ndarray,
        hessian: np.ndarray,
    ) -> float:
        """Add log(P + odds to have left) of a block of customers; of the Hessian only the upper half counts."""
        r = self.r
        wait = self.left.take(T) - self.left.take(t_x)
        shape = r + self.k * x
        late, early = self.gone_share.take(T), self.gone_share.take(t_x)
        likely = self._not_yet(x, shape, (self.times.take(T) - self.times.take(t_x)) * self.per_time.take(T))
        stays, by_r, by_rr, by_j, by_jj, by_rj = likely
        here = 1 - late
        # Logarithm of P and its derivatives by the logarithms of r and α.
        log_stays = np.log(stays)
        p_r, p_a = r * by_r / stays, -here * by_j / stays
        p_rr = p_r + r**2 * by_rr / stays - p_r**2
        p_ra = -r * here * by_rj / stays - p_r * p_a
        p_aa = here**2 * by_jj / stays + late * p_a - p_a**2
        # The same of the odds to have left.
        left_a = early - late
        z = self.odds.take(x) + shape * wait - log_stays
        small = np.exp(-np.abs(z))
        value = log_stays + np.maximum(z, 0) + np.log1p(small)
        share = np.where(z > 0, 1.0, small) / (1 + small)
        spread = small / (1 + small) ** 2
        counted = np.ones(len(x)) if weight is None else weight
        share, spread, stay = share * counted, spread * counted, (1 - share) * counted
        rows = np.empty((4, len(x)))
        rows[0], rows[1], rows[2] = r * wait, shape * left_a, 1.0
        self.by_b.take(x, out=rows[3])
        gradient += rows @ share
        gradient[:2] += p_r @ stay, p_a @ stay
        hessian[0, 0] += rows[0] @ share + p_rr @ stay
        hessian[0, 1] += r * (left_a @ share) + p_ra @ stay
        hessian[1, 1] += (shape * (self.spread.take(T) - self.spread.take(t_x))) @ share + p_aa @ stay
        hessian[3, 3] += self.by_bb.take(x) @ share
        rows[0] -= p_r
        rows[1] -= p_a
        hessian += (rows * spread) @ rows.T
        return float(value @ counted)

    def _not_yet(self, x: np.ndarray, shape: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return P, its first and second derivative by n, and its sums with j, j² and j times the first."""
        found = np.zeros((6, len(x)))
        found[0] = term = np.ones(len(x))
        for j in range(1, self.k):
            term = term * (shape + (j - 1)) * u / j
            rise = term * self.rise[j - 1].take(x)
            found[0] += term
            found[1] += rise
            found[2] += term * self.bend[j - 1].take(x)
            found[3] += j * term
            found[4] += j * j * term
            found[5] += j * rise
        return found
