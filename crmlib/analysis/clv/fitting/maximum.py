"""Maximum likelihood of a few positive parameters, found by Newton steps and told in full.

Parameters are sought on the scale of their logarithm. There the Hessian is well scaled whatever
the unit of time, and a likelihood that keeps rising towards 0 or infinity is seen as such: the
search ends at the edge of a wide box and says so.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, cached_property

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
_TURNS, _ON_BORDER = 60, 1e-3
_NEXT_TO_NOTHING = 1e-8
_FLAT = 1e-13
#: A top is clear where the flattest direction bends by this share of the steepest, and by this much.
_CLEAR_SHARE, _CLEAR_BEND = 1e-6, 2.0
#: A cheaper function is climbed to within this of its top, in units of log-likelihood.
_NEAR = 1e-2


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
    rough: Sequence[Curved] = (),
    tolerance: float = 1e-9,
    one_thread: bool = True,
) -> Maximum:
    """Find the largest value of a function of a few logarithms, within a box.

    Parameters
    ----------
    curved : callable
        Value, gradient and Hessian at a point.
    starts : sequence of ndarray
        Points to start from, the most promising first. Without `rough` all are tried and the best end counts.
    names : sequence of str
        Names of the parameters.
    lower, upper : ndarray
        Edges of the box, as logarithms.
    rough : sequence of callable, optional
        Cheaper functions with nearly the same maximum (such as those of parts of the customers), the cheapest
        first. The starts are tried on the cheapest one after another until one leads to a clear top, from
        which the search goes on, function by function. Where none does, all are tried on the dearest of these.
    tolerance : float
        The search ends when another step would gain less, in units of log-likelihood; or less
        than rounding can show.
    one_thread : bool
        Whether to keep the algebra of `curved` to one thread. A function whose products are too short to be
        shared among threads anyhow saves the look for them.

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
    box = lower, upper
    # The products are short: sharing them among threads takes far longer than computing them.
    with _threads().limit(limits=1, user_api="blas") if one_thread else nullcontext():
        best = _from_first_clear([*rough, curved], starts, box, tolerance) if rough else None
        if best is None:
            dearest = rough[-1] if rough else curved
            best = max(
                (_climb(dearest, start, *box, tolerance) for start in starts),
                key=lambda found: found.value if np.isfinite(found.value) else -np.inf,
            )
            if rough:
                best = _climb(curved, best.logs, *box, tolerance)
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

    def is_clear(self, lower: np.ndarray, upper: np.ndarray) -> bool:
        """Whether it ended inside the box, on a top that falls off in all directions."""
        if not self.over or ((self.logs <= lower) | (self.logs >= upper)).any():
            return False
        bends = np.linalg.eigvalsh(-self.hessian)
        return bool(bends[0] > max(_CLEAR_SHARE * bends[-1], _CLEAR_BEND))


def _from_first_clear(
    functions: Sequence[Curved],
    starts: Sequence[np.ndarray],
    box: tuple[np.ndarray, np.ndarray],
    tolerance: float,
) -> _Climb | None:
    """Climb from the first start with a clear top of the first function; None where there is none, or it is lost."""
    for start in starts:
        found = _climb(functions[0], start, *box, _NEAR)
        if found.is_clear(*box):
            for function in functions[1:-1]:
                found = _climb(function, found.logs, *box, _NEAR)
            found = _climb(functions[-1], found.logs, *box, tolerance)
            return found if found.is_clear(*box) else None
    return None


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
        hill = _Hill(gradient, hessian, free, lower - logs, upper - logs)
        farthest = hill.step_within(_FARTHEST)
        gain = hill.promise(farthest)
        if abs(gain) < max(tolerance, _ROUNDING * abs(value)):
            over = True
            break
        step = farthest if np.sqrt(farthest @ farthest) <= radius else hill.step_within(radius)
        trial = np.clip(logs + step, lower, upper)  # rounding may carry it a hair outside
        promised = hill.promise(trial - logs)
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


@dataclass
class _Hill:
    """The function around a point, taken as quadratic, with the way to the edges of the box."""

    gradient: np.ndarray
    hessian: np.ndarray
    free: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray

    def promise(self, step: np.ndarray) -> float:
        """Return what a step gains."""
        return float(self.gradient @ step + 0.5 * step @ self.hessian @ step)

    @cached_property
    def _bends(self) -> tuple[np.ndarray, np.ndarray]:
        return np.linalg.eigh(-self.hessian)

    def step_within(self, radius: float) -> np.ndarray:
        """Return the step of the free parameters; the first that meets an edge stays there, the rest go on."""
        if self.free.all():
            step = _step(self.gradient, *self._bends, radius)
            if (step > self.lowest).all() and (step < self.highest).all():
                return step
        step, free = np.zeros(len(self.gradient)), self.free.copy()
        while free.any():
            slope = self.gradient[free] + self.hessian[np.ix_(free, ~free)] @ step[~free]
            move = np.zeros(len(step))
            bends = np.linalg.eigh(-self.hessian[np.ix_(free, free)])
            move[free] = _step(slope, *bends, radius) - step[free]
            edge = np.where(move > 0, self.highest, self.lowest)
            share = np.divide(edge - step, move, out=np.full(len(move), np.inf), where=move != 0)
            first = int(np.argmin(share))
            if share[first] >= 1:
                return step + move
            step = step + share[first] * move
            step[first] = edge[first]
            free[first] = False
        return step


def _step(gradient: np.ndarray, values: np.ndarray, vectors: np.ndarray, radius: float) -> np.ndarray:
    """Return Newton's step, with as much added to the curvatures as keeps it within the radius and uphill."""
    slope = vectors.T @ gradient
    least = float(values[0])
    scale = max(abs(least), abs(float(values[-1])), 1e-300)
    low = 0.0 if least > 1e-14 * scale else 1e-12 * scale - least
    step = slope / (values + low)
    length = np.sqrt(step @ step)
    if least < -1e-9 * scale and length < radius:
        # On a saddle there is no slope to follow: take the direction that bends upwards most.
        step[0] = np.copysign(np.sqrt(radius**2 - step[1:] @ step[1:]), slope[0])
    # One over the length is nearly a straight line in what is added, so Newton's method meets the radius
    # from outside in a few turns (Nocedal & Wright 2006, section 4.3).
    for _ in range(_TURNS):
        if length <= radius * (1 + _ON_BORDER):
            break
        low += (length / radius - 1) * length**2 / (step @ (step / (values + low)))
        step = slope / (values + low)
        length = np.sqrt(step @ step)
    return vectors @ step
