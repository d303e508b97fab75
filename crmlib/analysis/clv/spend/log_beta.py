"""The logarithm of the beta function and its derivatives, without the differences that cancel.

ln Γ(a + b) - ln Γ(a) loses its digits where a is large and b is small, and so do the differences of
its derivatives. Here the recurrence moves both arguments up, term by term and with positive
terms only, and Stirling's series of the difference does the rest.
"""

from dataclasses import dataclass

import numpy as np

_SHIFT = 12
# B(2k), the numbers of Bernoulli, for k = 1, 2, ...
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


@dataclass(frozen=True)
class LogBeta:
    """ln B(a, b) with its slopes; each field has the shape of `a`.

    Attributes
    ----------
    value : ndarray
        ln B(a, b).
    fall_a, fall_b : ndarray
        Minus its first derivatives: ψ(a + b) - ψ(a) and ψ(a + b) - ψ(b), both above 0.
    bend_a, bend_b : ndarray
        Its second derivatives: ψ'(a) - ψ'(a + b) and ψ'(b) - ψ'(a + b), both above 0.
    cross : ndarray
        Minus its mixed derivative: ψ'(a + b).
    """

    value: np.ndarray
    fall_a: np.ndarray
    fall_b: np.ndarray
    bend_a: np.ndarray
    bend_b: np.ndarray
    cross: np.ndarray


def log_beta(a: np.ndarray, b: float) -> LogBeta:
    """Return ln B(a, b) and its derivatives, to rounding, for all a and b above 0.

    Parameters
    ----------
    a : ndarray
        First argument, above 0.
    b : float
        Second argument, above 0.

    Notes
    -----
    Abramowitz & Stegun (1964), Handbook of Mathematical Functions, equations 6.1.15 and 6.1.41
    (logarithm), 6.3.5 and 6.3.18 (first derivative), 6.4.6 and 6.4.12 (second derivative).

    Examples
    --------
    >>> log_beta(np.array([1.0, 2.0]), 3.0).value.round(6).tolist()
    [-1.098612, -2.484907]
    >>> print(f"{log_beta(np.array([1e12]), 1e-3).fall_a[0]:.10g}")
    1e-15
    """
    a = np.asarray(a, dtype="float64")
    up = np.arange(_SHIFT).reshape(-1, *[1] * a.ndim)
    z, w = a + _SHIFT, b + _SHIFT
    value = np.log1p(b / (a + up)).sum(axis=0) + np.log1p(z / (b + up)).sum(axis=0)
    value += 0.5 * np.log(2 * np.pi / w) - (z - 0.5) * np.log1p(w / z) - w * np.log1p(z / w)
    value += _series(z, 0) + _series(w, 0) - _series(z + w, 0)
    fall_a, bend_a = _differences(a, b, up)
    fall_b, bend_b = _differences(b, a, up)
    both = a + b
    cross = (1 / (both + up) ** 2).sum(axis=0)
    both = both + _SHIFT
    cross += 1 / both + 1 / (2 * both**2) + _series(both, 2)
    return LogBeta(value, fall_a, fall_b, bend_a, bend_b, cross)


def _differences(a: np.ndarray | float, b: np.ndarray | float, up: np.ndarray) -> tuple:
    """Return ψ(a + b) - ψ(a) and ψ'(a) - ψ'(a + b)."""
    low, high = a + up, a + b + up
    first = (b / (low * high)).sum(axis=0)
    second = (b / (low * high) * (1 / low + 1 / high)).sum(axis=0)
    low, high = a + _SHIFT, a + b + _SHIFT
    gap = b / (low * high)
    first = first + np.log1p(b / low) + 0.5 * gap + _series(low, 1) - _series(high, 1)
    second = second + gap + 0.5 * gap * (1 / low + 1 / high) + _series(low, 2) - _series(high, 2)
    return first, second


def _series(z: np.ndarray | float, order: int) -> np.ndarray | float:
    """Tail of Stirling's series of ln Γ (order 0), of -ψ (order 1) or of ψ' (order 2)."""
    square, found = 1 / (z * z), 0.0
    for k in range(len(_BERNOULLI), 0, -1):
        by = (2 * k * (2 * k - 1), 2 * k, 1)[order]
        found = found * square + _BERNOULLI[k - 1] / by
    return found * (1 / z, square, square / z)[order]
