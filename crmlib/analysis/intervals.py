"""Intervals for shares and ratios: how far chance alone could move them."""

import numpy as np
from scipy.stats import norm

#: Half of a 95 % interval in standard errors.
Z = float(norm.ppf(0.975))


def wilson_interval(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Interval for a share.

    Parameters
    ----------
    successes, trials : int
        How many of how many.
    level : float
        Confidence level.

    Returns
    -------
    tuple of float
        Low and high end; (0, 1) when there are no trials.

    Notes
    -----
    Wilson (1927), Journal of the American Statistical Association 22:209-212; good also
    for few trials and shares near 0 or 1.

    Examples
    --------
    >>> low, high = wilson_interval(8, 10)
    >>> print(f"{low:.3f} to {high:.3f}")
    0.490 to 0.943
    """
    if trials == 0:
        return 0.0, 1.0
    z = norm.ppf((1 + level) / 2)
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def ratio_interval(
    numerator: np.ndarray, denominator: np.ndarray, level: float = 0.95
) -> tuple[float, float]:
    """Interval for a ratio of totals, treating customers as a sample.

    Parameters
    ----------
    numerator, denominator : ndarray of shape (n_customers,)
        What each customer adds to the upper and the lower total.
    level : float
        Confidence level.

    Returns
    -------
    tuple of float
        Low and high end by the delta method (Cochran 1977, Sampling Techniques,
        equation 6.13); NaN where the lower total is zero.

    Examples
    --------
    >>> low, high = ratio_interval(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
    >>> round(low, 6), round(high, 6)
    (0.5, 0.5)
    """
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    total = denominator.sum()
    n = len(denominator)
    if total == 0 or n < 2:
        return float("nan"), float("nan")
    ratio = numerator.sum() / total
    spread = np.sqrt(n * np.var(numerator - ratio * denominator, ddof=1)) / abs(total)
    half = norm.ppf((1 + level) / 2) * spread
    return float(ratio - half), float(ratio + half)


def percentile_ends(drawn: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Ends of the percentile interval of each column of draws.

    Parameters
    ----------
    drawn : ndarray of shape (n_draws, n_columns)
        Draws without a value are left out.
    level : float
        Confidence level.

    Returns
    -------
    ndarray of shape (2, n_columns)
        Low and high ends; NaN where no draw has a value.

    Examples
    --------
    >>> percentile_ends(np.array([[1.0, np.nan], [2.0, np.nan], [3.0, np.nan]]), 0.5).tolist()
    [[1.5, nan], [2.5, nan]]
    """
    ends = np.full((2, drawn.shape[1]), np.nan)
    known = ~np.isnan(drawn).all(axis=0)
    if known.any():
        ends[:, known] = np.nanquantile(drawn[:, known], [(1 - level) / 2, (1 + level) / 2], axis=0)
    return ends
