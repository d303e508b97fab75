"""Products and sums over a beta distribution, in forms in which nothing cancels.

Where the chance to leave at each opportunity differs over customers as Beta(leave, stay), the share
that stays through `ahead` opportunities is B(leave, stay + ahead) / B(leave, stay). The models of
opportunities and of contracts are built of such shares. The textbook way, a difference of
logarithms of gamma functions, loses its digits where parameters are large or small; here all
of it is products of shares, as sums of log1p, and sums of positive terms.
"""

import numpy as np

from crmlib.errors import ParameterError

_SHIFT = 16
_LONGEST = 1 << 20
_LOWEST_RATE = 1e-9
# Coefficients of the asymptotic series: of log gamma, of digamma and of trigamma.
_LOG_GAMMA = {3: -1 / 360, 5: 1 / 1260, 7: -1 / 1680, 9: 1 / 1188, 11: -691 / 360360}
_DIGAMMA = {1: 1 / 2, 2: 1 / 12, 4: -1 / 120, 6: 1 / 252, 8: -1 / 240, 10: 1 / 132, 12: -691 / 32760}
_TRIGAMMA = {1: 1.0, 2: 1 / 2, 3: 1 / 6, 5: -1 / 30, 7: 1 / 42, 9: -1 / 30, 11: 5 / 66, 13: -691 / 2730}


def share_steps(own: float, other: float, before: np.ndarray | float, j: np.ndarray | float) -> np.ndarray:
    """Logarithm of (own + j) / (own + j + other + before), with its derivatives.

    These shares are the factors of a ratio of beta functions.

    Parameters
    ----------
    own, other : float
        Parameters, above 0.
    before, j : ndarray or float
        Counts, 0 or more; of shapes that go together.

    Returns
    -------
    ndarray of shape (6, ...)
        The logarithm; its derivatives by the logarithms of `own` and of `other`; its second
        derivatives: twice by `own`, by both, twice by `other`.

    Examples
    --------
    >>> value, by_own, by_other = share_steps(1.0, 2.0, 0.0, np.array([0.0]))[:3]
    >>> np.exp(value).round(4), by_own.round(4), by_other.round(4)
    (array([0.3333]), array([0.6667]), array([-0.6667]))
    """
    mine = own + np.asarray(j, dtype="float64")
    rest = other + np.asarray(before, dtype="float64")
    both = mine + rest
    mine, rest, both = np.broadcast_arrays(mine, rest, both)
    j = mine - own if np.ndim(j) == 0 else j
    found = np.empty((6, *both.shape))
    found[0] = -np.log1p(rest / mine)
    found[1] = own / mine * (rest / both)
    found[2] = -other / both
    found[3] = own / mine * (rest / both) * ((j**2 + j * rest - own**2) / (mine * both))
    found[4] = own * other / both**2
    found[5] = -other / both * ((both - other) / both)
    return found


def log_survival(
    leave: np.ndarray | float, stay: np.ndarray | float, ahead: np.ndarray | float
) -> np.ndarray:
    """Logarithm of B(leave, stay + ahead) / B(leave, stay).

    Parameters
    ----------
    leave, stay : ndarray or float
        Parameters of the beta distribution of the chance to leave, above 0.
    ahead : ndarray or float
        Opportunities, 0 or more; need not be whole.

    Returns
    -------
    ndarray

    Notes
    -----
    The first factors of the infinite product of shares, then Stirling's series for the rest, whose
    terms are differences of logarithms written as log1p. Definition of this project.

    Examples
    --------
    >>> np.exp(log_survival(1.0, 1.0, np.array([0, 1, 2]))).round(4)
    array([1.    , 0.5   , 0.3333])
    """
    leave, stay, ahead = np.broadcast_arrays(
        *(np.asarray(value, dtype="float64") for value in (leave, stay, ahead))
    )
    found = np.zeros(stay.shape)
    for j in range(_SHIFT):
        found -= np.log1p(ahead / (stay + j) * (leave / (stay + j + ahead + leave)))
    far = stay + _SHIFT
    end = far + ahead + leave
    found += (far - 0.5) * np.log1p(ahead / far * (leave / end))
    found -= ahead * np.log1p(leave / (far + ahead)) + leave * np.log1p(ahead / (far + leave))
    found -= ahead / (far + ahead) * (leave / (far + leave)) * ((far + end) / (far * end)) / 12
    found -= _fall(_LOG_GAMMA, far, ahead) - _fall(_LOG_GAMMA, far + leave, ahead)
    return found


def digamma_gap(start: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Rise of the digamma function from `start` to `start + width`, both 0 or more.

    Examples
    --------
    >>> digamma_gap(np.array([1.0]), np.array([2.0])).round(6)
    array([1.5])
    """
    start, width = np.broadcast_arrays(np.asarray(start, dtype="float64"), np.asarray(width, dtype="float64"))
    found = np.zeros(start.shape)
    for j in range(_SHIFT):
        found += width / (start + j) / (start + j + width)
    return found + np.log1p(width / (start + _SHIFT)) + _fall(_DIGAMMA, start + _SHIFT, width)


def trigamma_gap(start: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Fall of the trigamma function from `start` to `start + width`, both 0 or more.

    Examples
    --------
    >>> trigamma_gap(np.array([1.0]), np.array([2.0])).round(6)
    array([1.25])
    """
    start, width = np.broadcast_arrays(np.asarray(start, dtype="float64"), np.asarray(width, dtype="float64"))
    found = np.zeros(start.shape)
    for j in range(_SHIFT):
        here, there = start + j, start + j + width
        found += width / here / there * (1 / here + 1 / there)
    return found + _fall(_TRIGAMMA, start + _SHIFT, width)


def _fall(series: dict[int, float], start: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Fall of a series in powers of 1 / y from y = start to y = start + width."""
    log = np.log1p(width / start)
    return sum(
        (-factor * np.expm1(-power * log) / start**power for power, factor in series.items()),
        start=np.zeros(np.shape(log)),
    )


def discounted_survival(leave: float, stay: np.ndarray | float, rate: float) -> np.ndarray:
    """Sum over t = 0, 1, 2, ... of the share that stays through t opportunities, discounted t times.

    Parameters
    ----------
    leave : float
        Parameter of the beta distribution of the chance to leave, above 0.
    stay : ndarray or float
        The other parameter, above 0.
    rate : float
        Discount rate per period, above 0.

    Returns
    -------
    ndarray

    Raises
    ------
    ParameterError
        If the rate is not above 0, or so near to 0 that the sum cannot be told from infinity.

    Notes
    -----
    It is the Gauss hypergeometric function 2F1(1, stay; leave + stay; 1 / (1 + rate)), turned by
    Euler's transformation to the argument -1 / rate, where Gauss's continued fraction (NIST
    Digital Library of Mathematical Functions, 15.7.1) has positive terms alone: its value lies
    between any two neighbouring truncations, which are taken so long that they agree.

    Examples
    --------
    >>> print(discounted_survival(1.0, 1.0, 0.25).round(6))
    2.011797
    >>> print(round(sum(0.8**t / (t + 1) for t in range(200)), 6))
    2.011797
    """
    rate = checked_rate(rate)
    if rate == 0:
        raise ParameterError(
            "rate = 0", "a discount rate above 0 where no horizon is given", "give a horizon"
        )
    stay = np.asarray(stay, dtype="float64")
    # The first term apart: the rest needs leave + stay above 1.
    whole = leave + stay
    length = 64
    while rate >= _LOWEST_RATE and length <= _LONGEST:
        low, high = _fraction(leave, stay, whole, 1 / rate, length)
        if np.all(np.abs(high - low) <= 2e-15 * high):
            return 1 + stay / whole * (0.5 * (low + high)) / rate
        length *= 2
    raise ParameterError(
        f"rate = {rate:g}, with which the sum over all future periods does not settle",
        "a discount rate per period further from 0",
        "give a higher rate, or a horizon",
    )


def _fraction(
    leave: float, stay: np.ndarray, whole: np.ndarray, weight: float, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return two neighbouring truncations of 2F1(1, leave; whole + 1; -weight), from the end backwards."""

    def term(number: int) -> np.ndarray:
        n = number // 2
        if number % 2:
            return weight * ((leave + n) / (whole + 2 * n)) * ((whole + n) / (whole + 2 * n + 1))
        return weight * (n / (whole + 2 * n - 1)) * ((stay + n) / (whole + 2 * n))

    short, long = np.ones(np.shape(stay)), 1 + term(length + 1)
    for number in range(length, 0, -1):
        step = term(number)
        short, long = 1 + step / short, 1 + step / long
    return 1 / short, 1 / long


def checked_rate(rate: float) -> float:
    """Return a discount rate per period, or refuse it."""
    if isinstance(rate, bool) or not np.isscalar(rate) or not np.isfinite(rate) or rate < 0:
        raise ParameterError(
            f"rate = {rate!r}", "a discount rate per period of 0 or more, such as 0.1 for 10 %", "correct it"
        )
    return float(rate)


def checked_counts(values: object, what: str, at_least: int = 0) -> np.ndarray:
    """Return whole numbers of periods as floats, or refuse them.

    Examples
    --------
    >>> checked_counts([1, 12], "horizon")
    array([ 1., 12.])
    >>> checked_counts(0.5, "horizon")
    Traceback (most recent call last):
    crmlib.errors.ParameterError: Found: a horizon of 0.5. Expected: a whole number of 0 or more. ...
    """
    found = np.asarray(values)
    if found.dtype.kind not in "iuf":
        raise ParameterError(f"a {what} of type {found.dtype}", "whole numbers", f"correct the {what}")
    found = found.astype("float64")
    bad = ~(np.isfinite(found) & (found >= at_least) & (found == np.floor(found)))
    if bad.any():
        raise ParameterError(
            f"a {what} of {found[bad].flat[0]:g}",
            f"a whole number of {at_least} or more",
            f"correct the {what}",
        )
    return found
