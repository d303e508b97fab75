"""How many will leave, and what they would have brought: sums over customers, with their doubt.

Two doubts are kept apart. Luck averages out over many customers; an error in the level, such as a season that turns out
worse than those learned from, is the same for all and does not.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from crmlib.errors import DataError

_DRAWS = 4_000


@dataclass(frozen=True)
class LossesAhead:
    """What is expected to be lost.

    Attributes
    ----------
    customers : int
        Who is looked at.
    leavers, leavers_low, leavers_high : float
        Customers expected to stay away, with the interval.
    at_risk, at_risk_low, at_risk_high : float
        What they would have brought (run's currency), with the interval.
    of : float
        What all customers would bring if nobody left.
    by_customer : Series of float
        ``value_at_risk`` of each customer: churn probability times value.
    """

    customers: int
    leavers: float
    leavers_low: float
    leavers_high: float
    at_risk: float
    at_risk_low: float
    at_risk_high: float
    of: float
    by_customer: pd.Series


def level_doubt(by_day: pd.DataFrame) -> float:
    """Estimate the error in the level that all customers share, in log odds, from days that have passed.

    Parameters
    ----------
    by_day : DataFrame
        One row per test day: ``predicted`` and ``observed`` share that stayed away.

    Returns
    -------
    float
        Root mean square of the differences of log odds; it holds the luck of those days, too.

    Examples
    --------
    >>> round(level_doubt(pd.DataFrame({"predicted": [0.40, 0.40], "observed": [0.42, 0.38]})), 3)
    0.083
    """
    edge = 1e-6
    predicted, observed = (
        logit(by_day[name].to_numpy("float64").clip(edge, 1 - edge)) for name in ("predicted", "observed")
    )
    return float(np.sqrt(np.mean((observed - predicted) ** 2)))


def losses_ahead(
    churn: pd.Series, value: pd.Series, doubt: float = 0.0, level: float = 0.95, seed: int = 0
) -> LossesAhead:
    """Add up who is expected to leave and what that takes away.

    Parameters
    ----------
    churn : Series of float
        Probability of staying away, by customer.
    value : Series of float
        What each would bring if he stayed (run's currency); losses count as losses avoided.
    doubt : float
        Standard deviation of the error all probabilities share, in log odds; see `level_doubt`.
    level : float
        Level of the intervals.
    seed : int
        Of the draws of the shared error.

    Returns
    -------
    LossesAhead

    Raises
    ------
    DataError
        If a value is missing, or a probability is missing or none.

    Notes
    -----
    Definition of this project. Given the shared error, customers leave independently, and their sum is taken as normal.

    Examples
    --------
    >>> people = pd.Index(["A", "B"], name="customer_id")
    >>> found = losses_ahead(pd.Series([0.5, 0.1], people), pd.Series([100.0, 50.0], people))
    >>> found.leavers, found.at_risk, found.of, found.by_customer.tolist()
    (0.6, 55.0, 150.0, [50.0, 5.0])
    """
    worth = value.reindex(churn.index).to_numpy("float64")
    if np.isnan(worth).any():
        missing = churn.index[np.isnan(worth)]
        raise DataError(
            f"{len(missing):,} customers without a value, {missing[0]} first", "a value for each", "value them first"
        )  # fmt: skip
    chance = churn.to_numpy("float64")
    if not ((chance >= 0) & (chance <= 1)).all():
        wrong = churn.index[~((chance >= 0) & (chance <= 1))]
        raise DataError(
            f"{len(wrong):,} customers without a probability, {wrong[0]} first", "a number from 0 to 1 for each",
            "score them first",
        )  # fmt: skip
    sums = []
    rng = np.random.default_rng(seed)
    shifts = doubt * rng.standard_normal(_DRAWS) if doubt > 0 else np.zeros(1)
    luck = rng.standard_normal((2, _DRAWS))
    odds = logit(np.clip(chance, 1e-12, 1 - 1e-12))
    for own in (np.ones_like(worth), worth):
        means, spreads = _moments(odds, own, shifts)
        sums.append(means + spreads * luck[len(sums)])
    ends = [np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]) for drawn in sums]
    low, high = max(float(ends[0][0]), 0.0), min(float(ends[0][1]), float(len(chance)))
    return LossesAhead(
        customers=len(chance),
        leavers=float(chance.sum()),
        leavers_low=low,
        leavers_high=high,
        at_risk=float(chance @ worth),
        at_risk_low=float(ends[1][0]),
        at_risk_high=float(ends[1][1]),
        of=float(worth.sum()),
        by_customer=pd.Series(chance * worth, churn.index, name="value_at_risk"),
    )


def _moments(odds: np.ndarray, worth: np.ndarray, shifts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of a sum over customers at each shift: on a grid of shifts, interpolated."""
    grid = np.linspace(shifts.min(), shifts.max(), 41) if len(shifts) > 1 else shifts
    chances = expit(odds[None, :] + grid[:, None])
    means = chances @ worth
    spreads = np.sqrt((chances * (1 - chances)) @ worth**2)
    if len(grid) == 1:
        return means, spreads
    return np.interp(shifts, grid, means), np.interp(shifts, grid, spreads)
