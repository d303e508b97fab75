"""How many purchases a customer makes before leaving: an expectation over two mixtures.

With N purchases ahead if the customer stayed, from a negative binomial distribution with
shape r and mean r·w, and a chance p to leave after each, p from Beta(a, b), the expected
number made is E[(1 - (1 - p)^N) / p] = E[(1 - (1 + p·w)^-r) / p]. Fader, Hardie & Lee (2005)
write it with a Gauss hypergeometric function, whose two terms cancel; here it is an integral
of positive terms.
"""

import numpy as np
from scipy.special import betainc, expit

_STEP = 0.25
_DIRECT = 64


def expected_until_gone(r: float, a: float, b: float, w: np.ndarray) -> np.ndarray:
    """Expected purchases before leaving, E[(1 - (1 + p·w)^-r) / p] with p from Beta(a, b).

    Parameters
    ----------
    r, a, b : float
        Shape of the purchase rate, and of the chance to leave; above 0.
    w : ndarray
        Time ahead divided by the scale of the purchase rate; 0 or more.

    Returns
    -------
    ndarray of the shape of w

    Notes
    -----
    Integrated by parts, E = g(1) + ∫ I_p(a, b) |g'(p)| dp with g(p) = (1 - (1 + p·w)^-r) / p and
    the distribution function I_p of p, in steps of the log odds of p. All terms are positive, and
    the trapezoidal rule converges geometrically (Trefethen & Weideman 2014, SIAM Review 56:385-458).
    Where a and b are both large, the density is narrow, and g itself is averaged over it.
    For many values of w the logarithm is interpolated at Chebyshev points of log w.

    Examples
    --------
    A customer who never leaves makes r·w purchases; who leaves after the first, at most one.

    >>> expected_until_gone(2.0, 1e-7, 1.0, np.array([1.5])).round(5).tolist()
    [3.0]
    >>> expected_until_gone(2.0, 1e7, 1.0, np.array([1.5])).round(5).tolist()
    [0.84]
    """
    w = np.asarray(w, dtype="float64")
    found = np.zeros(w.shape)
    positive = w > 0
    if not positive.any():
        return found
    logs = np.log(w[positive])
    low, high = float(logs.min()), float(logs.max())
    count = 32 + int(8 * (high - low))
    if logs.size <= max(count, _DIRECT):
        found[positive] = _integrated(r, a, b, np.exp(logs).ravel()).reshape(logs.shape)
        return found
    nodes = np.cos(np.pi * (np.arange(count) + 0.5) / count)
    at = 0.5 * (low + high) + 0.5 * (high - low) * nodes
    known = np.log(_integrated(r, a, b, np.exp(at)))
    waves = np.cos(np.outer(np.arange(count), np.pi * (np.arange(count) + 0.5) / count))
    series = 2 / count * (waves @ known)
    series[0] /= 2
    place = (2 * logs - low - high) / max(high - low, 1e-300)
    found[positive] = np.exp(np.polynomial.chebyshev.chebval(place, series))
    return found


def _integrated(r: float, a: float, b: float, w: np.ndarray) -> np.ndarray:
    if 0.6 * float(np.sqrt(1 / a + 1 / b)) < _STEP:
        return _averaged(r, a, b, w)
    lowest = -39.0 - np.log1p((r + 1) * w.max())
    odds = np.arange(lowest, 38.0, _STEP)
    p = 1 / (1 + np.exp(-odds))
    below = betainc(a, b, p)
    inside = below > 1e-300
    p, weight = p[inside], below[inside] / (1 + np.exp(odds[inside])) * _STEP
    found = np.empty(len(w))
    block = max(1, 2_000_000 // max(len(p), 1))
    for start in range(0, len(w), block):
        part = w[start : start + block, None] * p
        left = r * np.log1p(part)
        twice = -np.expm1(-left) - r * (part / (1 + part)) * np.exp(-left)
        found[start : start + block] = (np.maximum(twice, 0) / p) @ weight
    return found - np.expm1(-r * np.log1p(w))


def _averaged(r: float, a: float, b: float, w: np.ndarray) -> np.ndarray:
    """Average g(p) over the density itself: where the chances differ little, that takes few steps."""
    width = float(np.sqrt(1 / a + 1 / b))
    away = np.arange(-(12 * width + 50 / a), 12 * width + 50 / b, 0.5 * width)
    odds = np.log(a / b) + away
    p = expit(odds)
    # Relative to the mode: log(p / mode) = -log1p((1 - mode) * (exp(-away) - 1)), and alike for 1 - p.
    stay, leave = b / (a + b), a / (a + b)
    weight = np.exp(-a * np.log1p(stay * np.expm1(-away)) - b * np.log1p(leave * np.expm1(away)))
    return (-np.expm1(-r * np.log1p(w[:, None] * p)) / p) @ (weight / weight.sum())
