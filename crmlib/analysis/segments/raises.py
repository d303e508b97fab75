"""What it costs to raise each customer above the level lived at today, and what that is expected to bring."""

import numpy as np
import pandas as pd

from crmlib.analysis.segments.customer_numbers import customer_numbers
from crmlib.errors import DataError, ParameterError


def raises(
    planned: pd.Series,
    lived: pd.Series | None,
    margin: pd.Series,
    levels: pd.DataFrame,
    level_effect: float,
) -> pd.DataFrame:
    """Count the steps up of each customer, with their cost and what they are expected to bring in a year.

    Parameters
    ----------
    planned : Series of str
        Level by customer.
    lived : Series of str or None
        Level today, same index; None where it is not known: then everybody is taken to be at the lowest one.
    margin : Series of float
        Margin per customer and year before the cost of the relationship, same index. A loss counts as 0: nobody is
        raised to make a loss smaller.
    levels : DataFrame
        ``cost`` per customer and year, indexed by level from the lowest up.
    level_effect : float
        Rise of the margin by each step, as a share of it; an assumption.

    Returns
    -------
    DataFrame
        By customer: ``steps`` (levels up, 0 for who is not raised), ``raise_cost`` (cost of the planned level less that
        of today's, money a year), ``more`` (expected margin, money a year) and ``level_gain`` (``more`` less
        ``raise_cost``). All are 0 for who stays or is planned lower. Definition of this project.

    Raises
    ------
    DataError
        If a level is not one of `levels`, or a margin is not finite.
    ParameterError
        If the effect is not finite.

    Examples
    --------
    >>> levels = pd.DataFrame({"cost": [1.0, 4.0, 10.0]}, index=["basic", "reactive", "accountable"])
    >>> planned, lived = pd.Series(["accountable", "basic"]), pd.Series(["reactive", "accountable"])
    >>> raises(planned, lived, pd.Series([200.0, 50.0]), levels, 0.05).values.tolist()
    [[1.0, 6.0, 10.0, 4.0], [0.0, 0.0, 0.0, 0.0]]
    """
    if not np.isfinite(level_effect):
        raise ParameterError(f"level_effect = {level_effect}", "a finite share", "state what a step brings")
    cost = levels["cost"].to_numpy("float64")
    above = _place(planned, levels.index)
    start = np.zeros(len(planned), dtype=int) if lived is None else _place(lived, levels.index)
    steps = np.clip(above - start, 0, None)
    own = customer_numbers(margin.to_frame("margin"), ["margin"])["margin"].clip(min=0)
    paid = np.where(steps > 0, cost[above] - cost[start], 0.0)
    more = level_effect * steps * own
    found = {"steps": steps, "raise_cost": paid, "more": more, "level_gain": more - paid}
    return pd.DataFrame(found, index=planned.index).round({"raise_cost": 6, "more": 6, "level_gain": 6})


def _place(named: pd.Series, levels: pd.Index) -> np.ndarray:
    place = levels.get_indexer(named.astype("object"))
    if (place < 0).any():
        raise DataError(
            f"a level {named[place < 0].iloc[0]}", f"one of {', '.join(levels)}", "correct the level"
        )
    return place
