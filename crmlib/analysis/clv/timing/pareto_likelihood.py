"""The likelihood of Pareto/NBD with its derivatives, from tables that all customers share."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crmlib.analysis.clv.timing.histories import Histories
from crmlib.analysis.clv.timing.lifetime_tail import FULL_DIGITS, Interpolant

NAMES = ("r", "alpha", "s", "beta")
_BLOCK = 16_384
_PAIRED_BLOCK = 2_048
_CELLS = 200_000
#: For many points without derivatives a relative error of 1e-10 is enough.
_FEWER_DIGITS = 23.0


@dataclass(frozen=True)
class Rows:
    """A block of customers whose tails are read from one table, or computed one by one.

    Attributes
    ----------
    shapes : ndarray of shape (n_shapes,)
        Distinct values of ``x``, rising.
    of : ndarray of shape (n,)
        Which of them each customer has.
    t_x, T : ndarray of shape (n,)
        Numbers of the times.
    weight : ndarray of shape (n,)
        How often each counts.
    table : bool
        Whether all shapes are computed at all times, because most of the pairs occur.
    """

    shapes: np.ndarray
    of: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    weight: np.ndarray
    table: bool


def blocks(histories: Histories) -> list[Rows]:
    """Lay customers out: common values of x by table, rare ones one by one."""
    once = np.flatnonzero(histories.once_by_T).astype(np.int32)
    nobody = np.zeros(len(once), dtype=np.int32)
    own = np.ones(len(histories.x)) if histories.weight is None else histories.weight
    x = np.concatenate([nobody, histories.x])
    t_x, T = np.concatenate([nobody, histories.t_x]), np.concatenate([once, histories.T])
    weight = np.concatenate([histories.once_by_T[once], own])
    n_times = len(histories.times)
    customers = np.bincount(x)
    common = customers * 2 > n_times
    found = []
    groups: list[np.ndarray] = []
    width = max(1, _CELLS // n_times)
    shared = np.flatnonzero(common)
    groups += [shared[start : start + width] for start in range(0, len(shared), width)]
    group_of = np.full(len(customers), -1)
    for number, group in enumerate(groups):
        group_of[group] = number
    mine = group_of[x]
    for number, group in enumerate(groups):
        rows = np.flatnonzero(mine == number)
        for start in range(0, len(rows), _BLOCK):
            part = rows[start : start + _BLOCK]
            place = np.searchsorted(group, x[part])
            found.append(Rows(group, place, t_x[part], T[part], weight[part], True))
    rows = np.flatnonzero(mine == -1)
    rows = rows[np.argsort(x[rows], kind="stable")]
    for start in range(0, len(rows), _PAIRED_BLOCK):
        part = rows[start : start + _PAIRED_BLOCK]
        shapes, place = np.unique(x[part], return_inverse=True)
        found.append(Rows(shapes, place, t_x[part], T[part], weight[part], False))
    return found


class Times:
    """The times of all histories under given scales of the two rates."""

    def __init__(self, alpha: float, beta: float, times: np.ndarray):
        self.by_alpha, self.by_beta = np.log1p(times / alpha), np.log1p(times / beta)
        #: log ρ of each time, and what a step in log α or log β adds to it.
        self.logs = np.log(alpha) - np.log(beta) + self.by_alpha - self.by_beta
        self.of_alpha, self.of_beta = alpha / (alpha + times), beta / (beta + times)

    def interpolant(
        self, shapes: np.ndarray, s: float, derivatives: bool, digits: float = FULL_DIGITS
    ) -> Interpolant:
        """Return the tails of some shapes over all these times."""
        low, high = float(self.logs.min()), float(self.logs.max())
        return Interpolant.between(shapes, s, low, high, derivatives, digits)


def log_likelihood(
    logs: np.ndarray, histories: Histories, rows: list[Rows]
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood with its gradient and Hessian by the logarithms of r, α, s, β.

    Parameters
    ----------
    logs : ndarray of shape (4,)
        Logarithms of the parameters.
    histories : Histories
    rows : list of Rows
        The same customers, as laid out by `blocks`.

    Notes
    -----
    Fader & Hardie (2005), A note on deriving the Pareto/NBD model, equation 18, divided by its value for
    a customer who left right after the last purchase.
    """
    r, alpha, s, _ = parameters = np.exp(logs)
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    value = _purchases(r, histories, gradient, hessian) - histories.repeats * logs[1]
    gradient[1] -= histories.repeats
    times = Times(alpha, parameters[3], histories.times)
    for block, first, last in _tails(r, s, rows, times, True, FULL_DIGITS):
        value += _block(parameters, block, times, first, last, gradient, hessian)
    upper = np.triu(hessian)
    return float(value), gradient, upper + np.triu(upper, 1).T


def values(points: np.ndarray, histories: Histories, rows: list[Rows]) -> np.ndarray:
    """Log-likelihood at many points, without derivatives.

    Parameters
    ----------
    points : ndarray of shape (n_points, 4)
        Logarithms of the parameters.
    histories, rows
        As in `log_likelihood`.

    Returns
    -------
    ndarray of shape (n_points,)
    """
    steps = histories.more_than()
    found = np.empty(len(points))
    for number, (r, alpha, s, beta) in enumerate(np.exp(points)):
        times = Times(alpha, beta, histories.times)
        value = steps @ np.log(r + np.arange(len(steps))) - histories.repeats * np.log(alpha)
        for block, first, last in _tails(r, s, rows, times, False, _FEWER_DIGITS):
            shape = r + block.shapes[block.of]
            before = shape * times.by_alpha[block.t_x] + s * times.by_beta[block.t_x]
            until = shape * times.by_alpha[block.T] + s * times.by_beta[block.T]
            total = s * first[0] + np.exp(before - until) * (1 - s * last[0])
            value += block.weight @ (np.log(total) - before)
        found[number] = value
    return found


def _tails(
    r: float, s: float, rows: list[Rows], times: Times, derivatives: bool, digits: float
) -> Iterator[tuple[Rows, np.ndarray, np.ndarray]]:
    """Hand out each block with the tails of its customers at the last purchase and at the end."""
    shapes, table = None, np.empty(0)
    for block in rows:
        if not block.table:
            tails = times.interpolant(block.shapes + r, s, derivatives, digits)
            yield block, *(tails.paired(block.of, times.logs[codes]) for codes in (block.t_x, block.T))
            continue
        if block.shapes is not shapes:
            shapes = block.shapes
            table = times.interpolant(shapes + r, s, derivatives, digits).outer(times.logs)
        yield block, table[:, block.of, block.t_x], table[:, block.of, block.T]


def _purchases(r: float, h: Histories, gradient: np.ndarray, hessian: np.ndarray) -> float:
    """Add the log of Γ(r + x) / Γ(r) as a product over purchases."""
    steps = h.more_than()
    whole = r + np.arange(len(steps))
    gradient[0] += steps @ (r / whole)
    hessian[0, 0] += steps @ (r / whole * (1 - r / whole))
    return float(steps @ np.log(whole))


def _tail(
    parameters: np.ndarray, tail: np.ndarray, times: Times, codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return s times the tail at given times, its gradient (4, n) and Hessian (4, 4, n) by logarithms."""
    r, _, s, _ = parameters
    h, by_r, by_s, by_l, rr, rs, rl, ss, sl, ll = tail
    up, down = times.of_alpha.take(codes), -times.of_beta.take(codes)
    gradient = np.stack([r * by_r, up * by_l, s * by_s + h, down * by_l])
    hessian = np.zeros((4, 4, len(codes)))
    hessian[0, 0] = r**2 * rr + r * by_r
    hessian[0, 1] = r * up * rl
    hessian[0, 2] = r * (s * rs + by_r)
    hessian[0, 3] = r * down * rl
    hessian[1, 1] = up**2 * ll + up * (1 - up) * by_l
    hessian[1, 2] = up * (s * sl + by_l)
    hessian[1, 3] = up * down * ll
    hessian[2, 2] = s**2 * ss + 3 * s * by_s + h
    hessian[2, 3] = down * (s * sl + by_l)
    hessian[3, 3] = down**2 * ll + down * (1 + down) * by_l
    return s * h, s * gradient, s * hessian


def _block(
    parameters: np.ndarray,
    block: Rows,
    times: Times,
    first: np.ndarray,
    last: np.ndarray,
    gradient: np.ndarray,
    hessian: np.ndarray,
) -> float:
    """Add log of (left before buying again) + (still there) of a block, relative to the last purchase."""
    r, _, s, _ = parameters
    shape = r + block.shapes[block.of]
    weight = block.weight
    t_x, T = block.t_x, block.T
    left, left_1, left_2 = _tail(parameters, first, times, t_x)
    late, late_1, late_2 = _tail(parameters, last, times, T)
    wait_a, wait_b = times.by_alpha[T] - times.by_alpha[t_x], times.by_beta[T] - times.by_beta[t_x]
    up_a, up_b = times.of_alpha[T], times.of_beta[T]
    low_a, low_b = times.of_alpha[t_x], times.of_beta[t_x]
    # Minus the log of the chance to be silent from t_x to T, with its derivatives.
    silent = shape * wait_a + s * wait_b
    silent_1 = np.stack([r * wait_a, shape * (up_a - low_a), s * wait_b, s * (up_b - low_b)])
    there = np.exp(-silent)
    total = left + there * (1 - late)
    total_1 = left_1 - there * (late_1 + silent_1 * (1 - late))
    share, stay = weight / total, weight * there / total
    slope = total_1 / total
    stay_1 = stay * (1 - late)
    for i in range(4):
        gradient[i] += weight @ slope[i]
        for j in range(i, 4):
            second = share @ left_2[i, j] - stay @ late_2[i, j]
            second += stay @ (silent_1[i] * late_1[j] + silent_1[j] * late_1[i])
            second += stay_1 @ (silent_1[i] * silent_1[j]) - weight @ (slope[i] * slope[j])
            hessian[i, j] += second
    hessian[0, 0] -= stay_1 @ silent_1[0]
    hessian[0, 1] -= stay_1 @ (r * (up_a - low_a))
    hessian[1, 1] -= stay_1 @ (shape * (up_a * (1 - up_a) - low_a * (1 - low_a)))
    hessian[2, 2] -= stay_1 @ silent_1[2]
    hessian[2, 3] -= stay_1 @ silent_1[3]
    hessian[3, 3] -= stay_1 @ (s * (up_b * (1 - up_b) - low_b * (1 - low_b)))
    # Everything so far is relative to the last purchase.
    start_a, start_b = times.by_alpha[t_x], times.by_beta[t_x]
    value = weight @ (np.log(total) - shape * start_a - s * start_b)
    gradient[0] -= r * (weight @ start_a)
    gradient[1] += weight @ (shape * (1 - low_a))
    gradient[2] -= s * (weight @ start_b)
    gradient[3] += s * (weight @ (1 - low_b))
    hessian[0, 0] -= r * (weight @ start_a)
    hessian[0, 1] += r * (weight @ (1 - low_a))
    hessian[1, 1] -= weight @ (shape * low_a * (1 - low_a))
    hessian[2, 2] -= s * (weight @ start_b)
    hessian[2, 3] += s * (weight @ (1 - low_b))
    hessian[3, 3] -= s * (weight @ (low_b * (1 - low_b)))
    return float(value)
