"""What a segment must give back to deserve the next relationship level, and what is known about whether it will.

Three kinds of number, never mixed: what a step costs and must bring back is arithmetic; how customers at different
levels differ today is seen, but not caused by the level, since better customers were given more; how much a level
changes is an assumption of the user until a trial has measured it: see `crmlib.analysis.segments.level_effects`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

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


def observed_differences(
    customers: pd.DataFrame, measures: Sequence[str] = ("money", "churn_probability"), level: float = 0.95
) -> pd.DataFrame:
    """How customers of one segment differ from level to level today: seen, not caused by the level.

    Parameters
    ----------
    customers : DataFrame
        ``segment``, ``level`` (ordered categorical, as of `lived_levels`) and the measures, by customer; customers
        without a segment or a value are left out of that measure.
    measures : sequence of str
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        Indexed by ``segment``, ``level`` (the higher one) and ``measure``, where customers of the segment live at two
        levels: ``from_level`` (the nearest lower one that anybody lives at), ``customers`` and ``customers_below``
        (with a value), ``mean``, ``mean_below``, ``difference``, ``low``, ``high`` (NaN where either side is a single
        customer).

    Raises
    ------
    DataError
        If a column is missing, or levels have no order.

    Notes
    -----
    Welch's interval by the normal distribution. Customers were not given levels by lot: those who bought more were
    served more. The difference is an upper hint at most.

    Examples
    --------
    >>> people = pd.DataFrame({"segment": "x", "money": [1.0, 3, 8, 10]}, index=list("ABCD"))
    >>> people["level"] = pd.Categorical(["basic", "basic", "high", "high"], ["basic", "high"], ordered=True)
    >>> observed_differences(people, ["money"])[["mean_below", "mean", "difference"]].values.tolist()
    [[2.0, 9.0, 7.0]]
    """
    absent = [name for name in ("segment", "level", *measures) if name not in customers]
    if absent or not isinstance(customers["level"].dtype, pd.CategoricalDtype):
        raise DataError(
            f"customers without {', '.join(absent)}" if absent else "levels without an order",
            "segment, level as an ordered category, and the measures",
            "take lived_levels for the level",
        )
    names = np.array(customers["level"].cat.categories, dtype=object)
    place = customers["level"].cat.codes.to_numpy()
    parts = []
    for measure in measures:
        held = customers[measure].astype("float64").groupby([customers["segment"].astype("object"), place])
        table = held.agg(["count", "mean", "var"])
        segments = table.index.levels[0]
        table = table.reindex(pd.MultiIndex.from_product([segments, range(len(names))]))
        count, mean, spread = (
            table[c].to_numpy().reshape(len(segments), -1) for c in ("count", "mean", "var")
        )
        count = np.nan_to_num(count)
        # Number of the nearest lower level at which somebody of the segment lives; -1 for none.
        lived = np.where(count > 0, np.arange(len(names)), -1)
        below = np.maximum.accumulate(lived, axis=1)[:, :-1]
        row, above = np.nonzero((count[:, 1:] > 0) & (below >= 0))
        lower, above = below[row, above], above + 1
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.sqrt(spread[row, above] / count[row, above] + spread[row, lower] / count[row, lower])
        gap, half = mean[row, above] - mean[row, lower], norm.ppf((1 + level) / 2) * error
        found = {
            "segment": segments.to_numpy(object)[row], "level": names[above], "measure": measure,
            "from_level": names[lower], "customers": count[row, above].astype(int),
            "customers_below": count[row, lower].astype(int), "mean": mean[row, above], "mean_below": mean[row, lower],
            "difference": gap, "low": gap - half, "high": gap + half,
        }  # fmt: skip
        parts.append(pd.DataFrame(found))
    return pd.concat(parts).set_index(["segment", "level", "measure"])
