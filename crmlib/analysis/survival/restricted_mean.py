"""Mean time under contract within a horizon: known where a median is not."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.rounding import rounded
from crmlib.analysis.survival.kaplan_meier import SMALLEST, SurvivalCurve, survival_by
from crmlib.errors import ParameterError


@dataclass(frozen=True)
class RestrictedMean:
    """Mean time that contracts run within a horizon.

    Attributes
    ----------
    mean, low, high, standard_error : float
        In units of age, counted from `from_age`; 6 significant digits.
    until : float
        The horizon: time beyond it does not count.
    from_age : float
        Age at which counting begins; 0 unless contracts came into sight late.
    """

    mean: float
    low: float
    high: float
    standard_error: float
    until: float
    from_age: float


def restricted_mean(curve: SurvivalCurve, until: float | None = None, level: float = 0.95) -> RestrictedMean:
    """Mean time that contracts run, as far as it falls within a horizon: the area under the curve.

    Parameters
    ----------
    curve : SurvivalCurve
    until : float, optional
        The horizon, in units of age; the highest age seen if not given.
    level : float
        Level of the interval.

    Returns
    -------
    RestrictedMean

    Raises
    ------
    ParameterError
        If the horizon is not after the start of the curve, or beyond what was seen.

    Notes
    -----
    Irwin (1949), Journal of Hygiene 47:188-189; variance: Klein & Moeschberger (2003),
    Survival Analysis, equation 4.5.2.

    Examples
    --------
    >>> from crmlib.analysis.survival.kaplan_meier import survival_curve
    >>> curve = survival_curve(pd.DataFrame({"duration": [1, 2, 4, 4], "ended": [True, True, False, False]}))
    >>> curve.median[0], restricted_mean(curve, until=4).mean
    (2.0, 2.75)
    """
    start, seen = float(curve.from_age), float(curve.seen_until)
    until = seen if until is None else float(until)
    if not start < until <= seen:
        raise ParameterError(
            f"until = {until:g}",
            f"an age above {start:g} and up to {seen:g}, the highest seen",
            "shorten the horizon: beyond what was seen a curve can only be guessed",
        )
    steps = curve.table[curve.table["age"] < until]
    ages = np.concatenate(([start], steps["age"].to_numpy(dtype="float64"), [until]))
    areas = np.append(1.0, steps["survival"].to_numpy()) * np.diff(ages)
    after = areas[::-1].cumsum()[::-1][1:]  # area beyond each end
    n, d = steps["at_risk"].to_numpy(dtype="float64"), steps["ended"].to_numpy(dtype="float64")
    # Where all at risk ended, no area is left and nothing can vary.
    weight = np.divide(d, n * (n - d), out=np.zeros(len(n)), where=n > d)
    error = float(np.sqrt((after**2 * weight).sum()))
    mean, half = float(areas.sum()), float(norm.ppf((1 + level) / 2)) * error
    low, high = max(mean - half, 0.0), min(mean + half, until - start)
    shown = (float(rounded(value)) for value in (mean, low, high, error))
    return RestrictedMean(*shown, until, start)


def restricted_mean_by(
    table: pd.DataFrame, by: str, until: float | None = None, level: float = 0.95, smallest: int = SMALLEST
) -> pd.DataFrame:
    """Mean time within one horizon for each group of contracts.

    Parameters
    ----------
    table : DataFrame
        ``duration``, ``ended``, perhaps ``entry``, and the column `by`, known at the start of the contract.
    by : str
    until : float, optional
        The horizon; the lowest of the highest ages that groups reached if not given, so that all can be compared.
    level : float
        Level of the intervals.
    smallest : int
        Smaller groups are left out.

    Returns
    -------
    DataFrame
        ``group``, ``contracts``, ``ended``, ``mean``, ``low``, ``high``, ``until``.

    Examples
    --------
    >>> table = pd.DataFrame({"duration": [1, 2, 4, 4] * 10, "ended": [True, True, False, False] * 10,
    ...                       "plan": ["A", "B", "A", "B"] * 10})
    >>> restricted_mean_by(table, "plan")[["group", "mean", "until"]].to_dict("list")
    {'group': ['A', 'B'], 'mean': [2.5, 3.0], 'until': [4.0, 4.0]}
    """
    curves = survival_by(table, by, level, smallest)
    until = float(min(curve.seen_until for curve in curves.values())) if until is None else until
    rows = []
    for group, curve in curves.items():
        found = restricted_mean(curve, until, level)
        rows.append((group, curve.contracts, curve.ended, found.mean, found.low, found.high, found.until))
    return pd.DataFrame(rows, columns=["group", "contracts", "ended", "mean", "low", "high", "until"])
