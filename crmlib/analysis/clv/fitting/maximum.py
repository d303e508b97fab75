"""Maximum likelihood of a few positive parameters, found by Newton steps and told in full.

Parameters are sought on the scale of their logarithm. There the Hessian is well scaled whatever
the unit of time, and a likelihood that keeps rising towards 0 or infinity is seen as such: the
search ends at the edge of a wide box and says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from crmlib.errors import CrmError

#: Value, gradient and Hessian of a log-likelihood by the logarithms of the parameters.
Curved = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]

#: How far parameters may go, in units of one (or of time, for scales of time).
SMALLEST, LARGEST = 1e-7, 1e7
_STEPS = 200
_ROUNDING = 4e-15
_FARTHEST = 8.0
_NEXT_TO_NOTHING = 1e-8
_FLAT = 1e-13


class NotConverged(CrmError):
    """A search ended without an optimum."""


@dataclass(frozen=True)
class Maximum:
    """Where a log-likelihood is largest, and how sure that is.

    Attributes
    ----------
    names : tuple of str
        Names of the parameters.
    logs : ndarray of shape (n_parameters,)
        Logarithms of the parameters.
    value : float
        The log-likelihood (with the log of a prior, where one was given).
    hessian : ndarray of shape (n_parameters, n_parameters)
        Second derivatives by the logarithms.
    gain_left : float
        What another Newton step would gain, in units of log-likelihood.
    evaluations : int
        How often the likelihood of all customers was computed.
    at_edge : dict of str to str
        Parameters that ran away, with ``"0"`` or ``"infinity"``.
    """

    names: tuple[str, ...]
    logs: np.ndarray
    value: float
    hessian: np.ndarray
    gain_left: float
    evaluations: int
    at_edge: dict[str, str]

    def covariance(self) -> np.ndarray:
        """Inverse of minus the Hessian by the logarithms; NaN for parameters at an edge."""
        inside = np.array([name not in self.at_edge for name in self.names])
        found = np.full(self.hessian.shape, np.nan)
        if inside.any():
            block = np.ix_(inside, inside)
            values, vectors = np.linalg.eigh(-self.hessian[block])
            if values.min() > _FLAT * values.max():
                found[block] = (vectors / values) @ vectors.T
        return found


def maximise(
    curved: Curved,
    starts: Sequence[np.ndarray],
    names: Sequence[str],
    lower: np.ndarray,
    upper: np.ndarray,
    rough: Curved | None = None,
    tolerance: float = 1e-9,
) -> Maximum:
    """Find the largest value of a function of a few logarithms, within a box.

    Parameters
    ----------
    curved : callable
        Value, gradient and Hessian at a point.
    starts : sequence of ndarray
        Points to start from; the best end counts.
    names : sequence of str
        Names of the parameters.
    lower, upper : ndarray
        Edges of the box, as logarithms.
    rough : callable, optional
        A cheaper function with nearly the same maximum (such as that of a part of the customers), on which
        the starts are tried first.
    tolerance : float
        The search ends when another step would gain less, in units of log-likelihood; or less
        than rounding can show.

    Returns
    -------
    Maximum

    Raises
    ------
    NotConverged
        If no start leads to a maximum.

    Notes
    -----
    Newton's method in a trust region; a direction in which the function is not concave is followed
    up to the border of the region (Nocedal & Wright 2006, Numerical Optimization, section 4.3).
    """
    # The products are short: sharing them among threads takes far longer than computing them.
    with _threads().limit(limits=1, user_api="blas"):
        climbed = [_climb(rough or curved, start, lower, upper, tolerance) for start in starts]
        best = max(climbed, key=lambda found: found.value if np.isfinite(found.value) else -np.inf)
        if rough is not None:
            best = _climb(curved, best.logs, lower, upper, tolerance)
    if not best.over:
        raise NotConverged(
            f"no maximum of the likelihood after {best.evaluations} evaluations, from {len(starts)} starts "
            f"(best so far: {dict(zip(names, np.exp(best.logs).round(6).tolist(), strict=True))})",
            "a likelihood with a maximum",
            "look at the histories: are there very few customers, or extreme ones?",
        )
    edges = {
        name: "0" if logs <= low else "infinity"
        for name, logs, low, high in zip(names, best.logs, lower, upper, strict=True)
        if logs <= low or logs >= high
    }
    return Maximum(tuple(names), best.logs, best.value, best.hessian, best.gain_left, best.evaluations, edges)


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


@dataclass
class _Climb:
    logs: np.ndarray
    value: float
    hessian: np.ndarray
    gain_left: float
    evaluations: int
    over: bool


def _climb(
    curved: Curved, start: np.ndarray, lower: np.ndarray, upper: np.ndarray, tolerance: float
) -> _Climb:
    logs = np.clip(np.asarray(start, dtype="float64"), lower, upper)
    value, gradient, hessian = curved(logs)
    radius, evaluations, over, gain = 2.0, 1, False, np.inf
    while evaluations < _STEPS and np.isfinite(value):
        # At an edge, only the way back into the box is open.
        free = ~(((logs <= lower) & (gradient < 0)) | ((logs >= upper) & (gradient > 0)))
        if not free.any():
            gain, over = 0.0, True
            break
        room = free, lower - logs, upper - logs
        gain = _promise(gradient, hessian, _step_within(gradient, hessian, _FARTHEST, *room))
        if abs(gain) < max(tolerance, _ROUNDING * abs(value)):
            over = True
            break
        step = _step_within(gradient, hessian, radius, *room)
        trial = np.clip(logs + step, lower, upper)  # rounding may carry it a hair outside
        promised = _promise(gradient, hessian, trial - logs)
        found = curved(trial)
        evaluations += 1
        won = found[0] - value
        noise = 16 * np.finfo(float).eps * abs(value)
        good = np.isfinite(found[0]) and (won > 0 or (promised > 0 and abs(won) <= noise))
        if not good and radius < 1e-12:
            # Rounding hides what is left to gain; that is an end if it is next to nothing.
            over = abs(gain) <= _NEXT_TO_NOTHING * abs(value)
            break
        kept = won / promised if promised > 0 else 1.0
        length = float(np.abs(step).max())
        if not good or kept < 0.25:
            radius = 0.25 * min(radius, length)
        elif kept > 0.75:
            radius = min(max(radius, 2.5 * length), _FARTHEST)
        if good:
            logs, (value, gradient, hessian) = trial, found
    return _Climb(logs, value, hessian, gain, evaluations, over)


def _step_within(
    gradient: np.ndarray,
    hessian: np.ndarray,
    radius: float,
    free: np.ndarray,
    lowest: np.ndarray,
    highest: np.ndarray,
) -> np.ndarray:
    """Return the step of the free parameters; the first that meets an edge stays there, the rest go on."""
    step = np.zeros(len(gradient))
    free = free.copy()
    while free.any():
        slope = gradient[free] + hessian[np.ix_(free, ~free)] @ step[~free]
        move = np.zeros(len(gradient))
        move[free] = _step(slope, hessian[np.ix_(free, free)], radius) - step[free]
        edge = np.where(move > 0, highest, lowest)
        share = np.divide(edge - step, move, out=np.full(len(move), np.inf), where=move != 0)
        first = int(np.argmin(share))
        if share[first] >= 1:
            return step + move
        step = step + share[first] * move
        step[first] = edge[first]
        free[first] = False
    return step


def _step(gradient: np.ndarray, hessian: np.ndarray, radius: float) -> np.ndarray:
    """Return Newton's step, with as much added to the curvatures as keeps it within the radius and uphill."""
    values, vectors = np.linalg.eigh(-hessian)
    slope = vectors.T @ gradient
    scale = max(float(np.abs(values).max()), 1e-300)
    low = 0.0 if values.min() > 1e-14 * scale else 1e-12 * scale - values.min()
    step = slope / (values + low)
    if values.min() < -1e-9 * scale and np.linalg.norm(step) < radius:
        # On a saddle there is no slope to follow: take the direction that bends upwards most.
        step[0] = np.copysign(np.sqrt(radius**2 - step[1:] @ step[1:]), slope[0])
    elif np.linalg.norm(step) > radius:
        high = low + np.linalg.norm(slope) / radius
        for _ in range(60):
            middle = 0.5 * (low + high)
            if np.linalg.norm(slope / (values + middle)) > radius:
                low = middle
            else:
                high = middle
        step = slope / (values + high)
    return vectors @ step


def _promise(gradient: np.ndarray, hessian: np.ndarray, step: np.ndarray) -> float:
    """Return what a step gains if the function is quadratic."""
    return float(gradient @ step + 0.5 * step @ hessian @ step)
