"""The likelihood of Pareto/NBD with its derivatives, from tables that all customers share."""

from dataclasses import dataclass, replace

import numpy as np

from crmlib.analysis.clv.timing.histories import Histories
from crmlib.analysis.clv.timing.lifetime_tail import FULL_DIGITS, Interpolant

NAMES = ("r", "alpha", "s", "beta")
_BLOCK = 8_192
_PAIRED_BLOCK = 2_048
_CELLS = 40_000
#: A tail of a customer alone takes as long as so many of a table.
_TABLE_GAINS = 10
#: For many points without derivatives, and for a start, a relative error of 1e-10 is enough.
FEWER_DIGITS = 23.0
#: Log-likelihoods that are compared with each other may be off by 1e-4 in all.
_OF_A_SUM = 9.2
_BELOW = np.tril_indices(len(NAMES), -1)


@dataclass(frozen=True)
class Rows:
    """Customers whose tails are read from one table, or computed one by one.

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
        Whether all shapes are computed at all times, because many of the pairs occur.
    first, last : ndarray of shape (n,)
        Places of the tails at ``t_x`` and ``T``: in the table, or among those at ``t_x`` followed by those at ``T``.
    """

    shapes: np.ndarray
    of: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    weight: np.ndarray
    table: bool
    first: np.ndarray
    last: np.ndarray


def groups(histories: Histories) -> list[Rows]:
    """Lay customers out: common values of x by table, rare ones one by one."""
    once = np.flatnonzero(histories.once_by_T).astype(np.int32)
    nobody = np.zeros(len(once), dtype=np.int32)
    own = np.ones(len(histories.x)) if histories.weight is None else histories.weight
    x = np.concatenate([nobody, histories.x])
    t_x, T = np.concatenate([nobody, histories.t_x]), np.concatenate([once, histories.T])
    weight = np.concatenate([histories.once_by_T[once], own])
    n_times = len(histories.times)
    customers = np.bincount(x)
    shared = np.flatnonzero(customers * _TABLE_GAINS > n_times)
    width = max(1, _CELLS // n_times)
    group_of = np.full(len(customers), -1)
    found = []
    for number, start in enumerate(range(0, len(shared), width)):
        shapes = shared[start : start + width]
        group_of[shapes] = number
        rows = np.flatnonzero(group_of[x] == number)
        of = np.searchsorted(shapes, x[rows])
        places = (of * n_times + codes[rows] for codes in (t_x, T))
        found.append(Rows(shapes, of, t_x[rows], T[rows], weight[rows], True, *places))
    rows = np.flatnonzero(group_of[x] == -1)
    rows = rows[np.argsort(x[rows], kind="stable")]
    for start in range(0, len(rows), _PAIRED_BLOCK):
        part = rows[start : start + _PAIRED_BLOCK]
        shapes, of = np.unique(x[part], return_inverse=True)
        places = np.arange(2 * len(part)).reshape(2, -1)
        found.append(Rows(shapes, of, t_x[part], T[part], weight[part], False, *places))
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
    logs: np.ndarray, histories: Histories, rows: list[Rows], digits: float = FULL_DIGITS
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood with its gradient and Hessian by the logarithms of r, α, s, β.

    Parameters
    ----------
    logs : ndarray of shape (4,)
        Logarithms of the parameters.
    histories : Histories
    rows : list of Rows
        The same customers, as laid out by `groups`.
    digits : float
        Accuracy: the relative error of a tail is about exp(-digits).

    Notes
    -----
    Fader & Hardie (2005), A note on deriving the Pareto/NBD model, equation 18, divided by its value for
    a customer who left right after the last purchase.
    """
    r, alpha, s, beta = np.exp(logs)
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    value = _purchases(r, histories, gradient, hessian) - histories.repeats * logs[1]
    gradient[1] -= histories.repeats
    times = Times(alpha, beta, histories.times)
    for group in rows:
        tails = _tails(r, s, group, times, True, digits)
        slopes = _slopes(r, s, tails, group, times)
        counted = np.zeros(slopes.shape[1])
        for start in range(0, len(group.of), _BLOCK):
            part = slice(start, start + _BLOCK)
            value += _block(r, s, group, part, times, slopes, counted, gradient, hessian)
        _bend(r, s, tails, counted, group, times, hessian)
    hessian[_BELOW] = hessian.T[_BELOW]
    return float(value), gradient, hessian


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
    # One interpolant has the shapes of all groups: making it takes longer than reading it.
    digits = min(FEWER_DIGITS, _OF_A_SUM + np.log(histories.customers))
    shapes = np.unique(np.concatenate([group.shapes for group in rows]))
    places = [np.searchsorted(shapes, group.shapes) for group in rows]
    for number, (r, alpha, s, beta) in enumerate(np.exp(points)):
        times = Times(alpha, beta, histories.times)
        value = steps @ np.log(r + np.arange(len(steps))) - histories.repeats * np.log(alpha)
        of_all = times.interpolant(shapes + r, s, False, digits)
        for group, own in zip(rows, places, strict=True):
            tails = s * _read(replace(of_all, series=of_all.series[own]), group, times)[0].ravel()
            shape = r + group.shapes[group.of]
            before = shape * times.by_alpha[group.t_x] + s * times.by_beta[group.t_x]
            until = shape * times.by_alpha[group.T] + s * times.by_beta[group.T]
            total = tails[group.first] + np.exp(before - until) * (1 - tails[group.last])
            value += group.weight @ (np.log(total) - before)
        found[number] = value
    return found


def _tails(r: float, s: float, group: Rows, times: Times, derivatives: bool, digits: float) -> np.ndarray:
    """Tails of a group and their derivatives, shape (n_orders, n_shapes, n_times); one by one, (n_orders, 1, 2n)."""
    return _read(times.interpolant(group.shapes + r, s, derivatives, digits), group, times)


def _read(found: Interpolant, group: Rows, times: Times) -> np.ndarray:
    """Read the tails of a group off an interpolant of its shapes; see `_tails`."""
    if group.table:
        return found.outer(times.logs)
    codes = np.concatenate([group.t_x, group.T])
    return found.paired(np.concatenate([group.of, group.of]), times.logs[codes])[:, None, :]


def _by_time(group: Rows, times: Times) -> tuple[np.ndarray, np.ndarray]:
    """Return what a step in log α and in log β adds to log ρ at the times of the tails of a group."""
    if group.table:
        return times.of_alpha, -times.of_beta
    codes = np.concatenate([group.t_x, group.T])
    return times.of_alpha[codes], -times.of_beta[codes]


def _purchases(r: float, h: Histories, gradient: np.ndarray, hessian: np.ndarray) -> float:
    """Add the log of Γ(r + x) / Γ(r) as a product over purchases."""
    steps = h.more_than()
    whole = r + np.arange(len(steps))
    gradient[0] += steps @ (r / whole)
    hessian[0, 0] += steps @ (r / whole * (1 - r / whole))
    return float(steps @ np.log(whole))


def _slopes(r: float, s: float, tails: np.ndarray, group: Rows, times: Times) -> np.ndarray:
    """Return s times each tail and its gradient by the logarithms, shape (5, n_tails)."""
    up, down = _by_time(group, times)
    h, by_r, by_s, by_l = tails[:4]
    found = np.empty((5, *h.shape))
    np.multiply(h, s, out=found[0])
    np.multiply(by_r, r * s, out=found[1])
    by_l = s * by_l
    np.multiply(by_l, up, out=found[2])
    np.multiply(by_s, s**2, out=found[3])
    found[3] += found[0]
    np.multiply(by_l, down, out=found[4])
    return found.reshape(5, -1)


def _bend(
    r: float, s: float, tails: np.ndarray, counted: np.ndarray, group: Rows, times: Times, hessian: np.ndarray
) -> None:
    """Add the second derivatives of s times each tail, each counted so often.

    They are wanted in sums alone, and their factors depend on the time alone: so shapes are added up first.
    """
    up, down = _by_time(group, times)
    counted = counted.reshape(tails.shape[1:])
    h, by_r, by_s, by_l, rr, rs, rl, ss, sl, ll = s * np.einsum("st,ost->ot", counted, tails)
    hessian[0, 0] += r**2 * rr.sum() + r * by_r.sum()
    hessian[0, 1] += r * (up @ rl)
    hessian[0, 2] += r * (s * rs.sum() + by_r.sum())
    hessian[0, 3] += r * (down @ rl)
    hessian[1, 1] += up**2 @ ll + (up * (1 - up)) @ by_l
    mixed = s * sl + by_l
    hessian[1, 2] += up @ mixed
    hessian[1, 3] += (up * down) @ ll
    hessian[2, 2] += s**2 * ss.sum() + 3 * s * by_s.sum() + h.sum()
    hessian[2, 3] += down @ mixed
    hessian[3, 3] += down**2 @ ll + (down * (1 + down)) @ by_l


def _block(
    r: float,
    s: float,
    group: Rows,
    part: slice,
    times: Times,
    slopes: np.ndarray,
    counted: np.ndarray,
    gradient: np.ndarray,
    hessian: np.ndarray,
) -> float:
    """Add log of (left before buying again) + (still there) of a block, relative to the last purchase.

    How often the second derivatives of each tail count is added to `counted`.
    """
    t_x, T, weight = group.t_x[part], group.T[part], group.weight[part]
    shape = r + group.shapes.take(group.of[part])
    first, last = group.first[part], group.last[part]
    left, late = slopes.take(first, axis=1), slopes.take(last, axis=1)
    start_a, start_b = times.by_alpha.take(t_x), times.by_beta.take(t_x)
    low_a, low_b = times.of_alpha.take(t_x), times.of_beta.take(t_x)
    up_a, up_b = times.of_alpha.take(T), times.of_beta.take(T)
    # Minus the log of the chance to be silent from t_x to T, with its derivatives.
    rows = np.empty((8, len(shape)))
    slope, silent_1 = rows[:4], rows[4:]
    wait_a = np.subtract(times.by_alpha.take(T), start_a, out=silent_1[0])
    wait_b = np.subtract(times.by_beta.take(T), start_b, out=silent_1[2])
    there = np.exp(-(shape * wait_a + s * wait_b))
    wait_a *= r
    wait_b *= s
    fall_a, fall_b = up_a - low_a, up_b - low_b
    np.multiply(shape, fall_a, out=silent_1[1])
    np.multiply(s, fall_b, out=silent_1[3])
    here = 1 - late[0]
    total = left[0] + there * here
    share = weight / total
    stay = share * there
    stay_1 = stay * here
    np.add(late[1:], silent_1 * here, out=slope)
    slope *= -there
    slope += left[1:]
    slope /= total
    counted += np.bincount(first, share, len(counted)) - np.bincount(last, stay, len(counted))
    # The slopes with themselves, and the silence with the tails at the end and half of itself.
    half = silent_1 * (0.5 * here)
    half += late[1:]
    half *= stay
    both = silent_1 @ half.T
    hessian += both + both.T - (slope * weight) @ slope.T
    of_shape = weight * shape
    flat_a = of_shape * low_a
    hessian[0, 0] -= stay_1 @ wait_a
    hessian[0, 1] -= r * (stay_1 @ fall_a)
    # Where shares at two times are compared: u (1 - u) - v (1 - v) = (u - v) (1 - u - v).
    hessian[1, 1] -= (stay_1 * silent_1[1]) @ (1 - up_a - low_a) + flat_a @ (1 - low_a)
    hessian[2, 2] -= stay_1 @ wait_b
    hessian[2, 3] -= stay_1 @ silent_1[3]
    hessian[3, 3] -= (stay_1 * silent_1[3]) @ (1 - up_b - low_b) + s * ((weight * low_b) @ (1 - low_b))
    # Everything so far is relative to the last purchase.
    begun_a, begun_b = weight @ start_a, weight @ start_b
    gradient += slope @ weight
    gradient[0] -= r * begun_a
    gradient[1] += of_shape.sum() - flat_a.sum()
    gradient[2] -= s * begun_b
    gradient[3] += s * (weight.sum() - weight @ low_b)
    hessian[0, 0] -= r * begun_a
    hessian[0, 1] += r * (weight.sum() - weight @ low_a)
    hessian[2, 2] -= s * begun_b
    hessian[2, 3] += s * (weight.sum() - weight @ low_b)
    return float(weight @ np.log(total) - of_shape @ start_a - s * begun_b)
