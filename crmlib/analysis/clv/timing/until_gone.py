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
_TOGETHER = 100_000


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
    found[positive] = expected_by_count(r, a, b, np.zeros(1), np.exp(logs).ravel())[0].reshape(logs.shape)
    return found


def expected_by_count(r: float, a: float, b: float, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Expected purchases before leaving of customers with different numbers of purchases, at the same values of w.

    Parameters
    ----------
    r, a, b : float
        As in `expected_until_gone`; customers with x purchases have ``r + x`` and ``b + x``.
    x : ndarray of shape (n_counts,)
        Numbers of purchases, rising.
    w : ndarray of shape (n_values,)
        Time ahead divided by the scale of the purchase rate; above 0.

    Returns
    -------
    ndarray of shape (n_counts, n_values)
    """
    low, high = float(np.log(w.min())), float(np.log(w.max()))
    count = terms(low, high)
    if len(w) <= max(count, _DIRECT):
        return _integrated(r, a, b, x, w)
    known = np.log(_integrated(r, a, b, x, np.exp(points(low, high, count))))
    return np.exp(np.polynomial.chebyshev.chebval(placed(np.log(w), low, high), series(known).T))


def terms(low: float, high: float) -> int:
    """How many Chebyshev points a range of log w needs."""
    return 32 + int(8 * (high - low))


def points(low: float, high: float, count: int) -> np.ndarray:
    """Chebyshev points of a range, shape (count,)."""
    return 0.5 * (low + high) + 0.5 * (high - low) * np.cos(np.pi * (np.arange(count) + 0.5) / count)


def placed(at: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where values of a range are on the scale of Chebyshev series, from -1 to 1."""
    return (2 * at - low - high) / max(high - low, 1e-300)


def series(known: np.ndarray) -> np.ndarray:
    """Chebyshev coefficients of functions known at the points of `points`, both in the last axis."""
    count = known.shape[-1]
    waves = np.cos(np.outer(np.arange(count), np.pi * (np.arange(count) + 0.5) / count))
    found = 2 / count * (known @ waves.T)
    found[..., 0] /= 2
    return found


def _integrated(r: float, a: float, b: float, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    found = np.empty((len(x), len(w)))
    narrow = 0.6 * np.sqrt(1 / a + 1 / (b + x)) < _STEP
    for number in np.flatnonzero(narrow):
        found[number] = _averaged(r + x[number], a, b + x[number], w)
    wide = np.flatnonzero(~narrow)
    if len(wide):
        lowest = -39.0 - np.log1p((r + x[wide[-1]] + 1) * w.max())
        odds = np.arange(lowest, 38.0, _STEP)
        p, rest = 1 / (1 + np.exp(-odds)), _STEP / (1 + np.exp(odds))
        block = max(1, _TOGETHER // len(p))
        for start in range(0, len(w), block):
            part = slice(start, start + block)
            _integrate(r, a, b, x, wide, w[part], p, rest, found[:, part])
    return found


def _integrate(
    r: float,
    a: float,
    b: float,
    x: np.ndarray,
    wide: np.ndarray,
    w: np.ndarray,
    p: np.ndarray,
    rest: np.ndarray,
    found: np.ndarray,
) -> None:
    """Fill the rows `wide` of `found` with the integrals over p, count by count."""
    part = w[:, None] * p
    log = np.log1p(part)
    part /= 1 + part
    fall = np.expm1(-log)
    gone, last = np.empty_like(log), np.inf
    for number in wide:
        shape = r + x[number]
        if x[number] == last + 1:
            # One purchase more: (1 + gone) (1 + fall) - 1, a sum of terms of one sign.
            gone += fall * (1 + gone)
        else:
            np.expm1(-shape * log, out=gone)
        last = x[number]
        weight = betainc(a, b + last, p) * rest
        twice = part * (1 + gone)
        twice *= -shape
        twice -= gone
        np.maximum(twice, 0, out=twice)
        found[number] = twice @ (weight / p) - np.expm1(-shape * np.log1p(w))


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
