"""What a segment must give back to deserve the next relationship level, and what is known about whether it will.

Three kinds of number, never mixed: what a step costs and must bring back is arithmetic; how customers at different
levels differ today is seen, but not caused by the level, since better customers were given more; how much a level
changes is an assumption of the user until a trial has measured it: see `crmlib.analysis.segments.level_effects`.
"""

import numpy as np
import pandas as pd

from crmlib.analysis.segments.customer_numbers import customer_numbers
from crmlib.analysis.segments.levels import level_break_even
from crmlib.errors import DataError, ParameterError


def moving_up(
    segments: pd.DataFrame, levels: pd.DataFrame, annual_discount_rate: float = 0.1
) -> pd.DataFrame:
    """What each step up one level costs, and what it must bring back in margin or in customers kept.

    Parameters
    ----------
    segments : DataFrame of shape (n_segments, ...)
        ``customers`` and ``margin`` (per customer and year, before the cost of the relationship), indexed by segment;
        ``churn`` (share that leaves within a year, 0 to 1), where it is known.
    levels : DataFrame of shape (n_levels, ...)
        ``cost`` and ``minutes`` per customer and year, indexed by level from the lowest up.
    annual_discount_rate : float
        0 or more.

    Returns
    -------
    DataFrame
        As `crmlib.analysis.segments.levels.level_break_even` returns it, without what is expected, plus
        ``break_even_margin`` (rise of margin per customer and year: the cost of the step), ``churn`` and
        ``break_even_churn`` (fall of the yearly churn, in shares of the customers, from which the step pays if the
        margin stays; NaN where it cannot be told) and ``possible`` (whether churn is high enough to fall by so much).

    Raises
    ------
    DataError
        As `level_break_even`, or if a churn is not between 0 and 1.
    ParameterError
        If the rate is below 0.

    Notes
    -----
    With margin m and level cost k each year, churn c and rate d, a customer is worth (m - k)(1 + d) / (c + d), first
    margin now. A step that costs s more breaks even at c' + d = (c + d)(m - k - s) / (m - k), hence a fall of
    (c + d) s / (m - k). Constant margin and churn: Gupta & Lehmann (2003), Journal of Interactive Marketing 17:9-24.

    Examples
    --------
    >>> segments = pd.DataFrame({"customers": [20], "margin": [500.0], "churn": [0.2]}, index=["few"])
    >>> levels = pd.DataFrame({"cost": [0.0, 50.0], "minutes": [0.0, 60.0]}, index=["basic", "reactive"])
    >>> moving_up(segments, levels)[["break_even_share", "break_even_churn", "possible"]].round(3).values.tolist()
    [[0.1, 0.03, True]]
    """
    if not (annual_discount_rate >= 0 and np.isfinite(annual_discount_rate)):
        raise ParameterError(
            f"annual_discount_rate = {annual_discount_rate}", "0 or more", "write 0.1 for 10 %"
        )
    table = level_break_even(segments, levels).drop(columns=["expected_share", "pays"])
    steps = len(levels) - 1
    table["break_even_margin"] = table["cost"]
    churn = np.full(len(segments), np.nan)
    if "churn" in segments:
        churn = segments["churn"].to_numpy("float64", na_value=np.nan)
        wrong = (churn < 0) | (churn > 1)
        if wrong.any():
            raise DataError(
                f"churn = {churn[wrong][0]:g} for {segments.index[wrong][0]}",
                "a share of 0 to 1",
                "give shares",
            )
    left = np.repeat(segments["margin"].to_numpy("float64"), steps) - np.tile(
        levels["cost"].to_numpy("float64")[:-1], len(segments)
    )
    table["churn"] = np.repeat(churn, steps)
    fall = (table["churn"] + annual_discount_rate) * table["cost"] / np.where(left > 0, left, np.nan)
    table["break_even_churn"] = fall
    possible = pd.array(fall.to_numpy() <= table["churn"].to_numpy(), dtype="boolean")
    possible[fall.isna().to_numpy()] = pd.NA
    table["possible"] = possible
    return table


def lived_levels(spent: pd.Series, levels: pd.DataFrame) -> pd.Series:
    """Say which level each customer lives at today, by what the relationship with them costs.

    Parameters
    ----------
    spent : Series of float
        Cost of calls, visits and the like per customer and year, such as ``service_relationship``.
    levels : DataFrame
        ``cost`` per customer and year, indexed by level, rising.

    Returns
    -------
    Series of category
        The highest level that costs no more than was spent; the lowest one for those below it.

    Examples
    --------
    >>> levels = pd.DataFrame({"cost": [1.0, 20.0]}, index=["basic", "reactive"])
    >>> lived_levels(pd.Series([0.0, 19.0, 20.0]), levels).tolist()
    ['basic', 'basic', 'reactive']
    """
    cost = levels["cost"].to_numpy("float64")
    if len(cost) < 2 or not np.isfinite(cost).all() or (np.diff(cost) <= 0).any():
        raise DataError(
            f"costs {cost.tolist()}", "two levels or more, each dearer than the one before", "correct them"
        )
    values = customer_numbers(spent.to_frame("spent"), ["spent"])["spent"]
    place = np.clip(np.searchsorted(cost, values, side="right") - 1, 0, None)
    return pd.Series(
        pd.Categorical.from_codes(place, list(levels.index), ordered=True), index=spent.index, name="level"
    )
