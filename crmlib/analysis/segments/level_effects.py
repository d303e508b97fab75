"""What a relationship level is assumed to change, and how much the allocation of levels hangs on that.

Nobody knows the effect of a level before a trial has measured it. So it is stated by the user, each further step brings
less than the one before, and the allocation is made again at nothing, half and double.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.segments.levels import Allocation, allocate_levels
from crmlib.errors import ParameterError

#: Factors on the assumed effect that an allocation is tried at.
FACTORS = (0.0, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class LevelSensitivity:
    """How the allocation of levels hangs on the assumed effects.

    Attributes
    ----------
    plans : DataFrame
        Indexed by ``factor`` (what the assumed effect is multiplied by): ``raised`` (segments above the lowest
        level), ``customers_raised``, ``cost``, ``gain``, ``changed`` (segments with another level than at factor 1).
    levels : DataFrame
        Indexed by segment, a column per factor: the level it gets.
    gains : DataFrame
        Gain of each plan (rows: the factor it was made for, and ``everybody basic``) if the effect is really another
        one (columns): what a wrong assumption costs.
    base : Allocation
        At factor 1.
    robust_from : float
        Smallest factor at which the plan of factor 1 still gains more than doing nothing; NaN if it raises nobody.
    """

    plans: pd.DataFrame
    levels: pd.DataFrame
    gains: pd.DataFrame
    base: Allocation
    robust_from: float


def assumed_returns(
    segments: pd.Index,
    levels: pd.Index,
    level_effect: float | Mapping[str, float],
    diminishing: float = 0.5,
) -> pd.DataFrame:
    """Turn an assumed effect of the first step into the returns that `allocate_levels` reads.

    Parameters
    ----------
    segments, levels : Index
    level_effect : float or mapping of str to float
        Rise of the margin by the step from the lowest level to the next, as a share of the margin; for all segments
        or by segment. An assumption.
    diminishing : float
        What each further step brings as a share of the step before, 0 to 1.

    Returns
    -------
    DataFrame of shape (n_segments, n_levels)
        Against the lowest level: e (1 + q + q² + ...), 0 in the lowest.

    Raises
    ------
    ParameterError
        If an effect is not finite or not given for a segment, or `diminishing` is out of range.

    Examples
    --------
    >>> assumed_returns(pd.Index(["x"]), pd.Index(["basic", "reactive", "proactive"]), 0.08).values.tolist()
    [[0.0, 0.08, 0.12]]
    """
    if not 0 <= diminishing <= 1:
        raise ParameterError(
            f"diminishing = {diminishing}", "0 to 1", "write 0.5 if each step brings half of the last"
        )
    if isinstance(level_effect, Mapping):
        effects = [level_effect.get(name, np.nan) for name in segments]
    else:
        effects = [level_effect] * len(segments)
    effect = np.asarray(effects, dtype="float64")
    if not np.isfinite(effect).all():
        raise ParameterError(
            f"no finite level_effect for {segments[~np.isfinite(effect)][0]}",
            "one for each segment",
            "state it",
        )
    steps = np.concatenate([[0.0], np.cumsum(diminishing ** np.arange(len(levels) - 1.0))])
    return pd.DataFrame(np.outer(effect, steps).round(12), index=segments, columns=levels)


def level_sensitivity(
    segments: pd.DataFrame,
    levels: pd.DataFrame,
    returns: pd.DataFrame,
    budget: float | None = None,
    capacity_minutes: float | None = None,
    at_least: Mapping[str, str] | None = None,
    factors: Sequence[float] = FACTORS,
) -> LevelSensitivity:
    """Allocate levels with the assumed effects, and with a multiple of them.

    Parameters
    ----------
    segments, levels, returns, budget, capacity_minutes, at_least
        As for `crmlib.analysis.segments.levels.allocate_levels`.
    factors : sequence of float
        Multiples of the assumed returns; 1 is added.

    Returns
    -------
    LevelSensitivity

    Raises
    ------
    ParameterError
        If a factor is below 0 or not finite, and as `allocate_levels`.
    DataError
        As `allocate_levels`.

    Examples
    --------
    >>> segments = pd.DataFrame({"customers": [100, 10], "margin": [20.0, 900.0]}, index=["many", "few"])
    >>> levels = pd.DataFrame({"cost": [0.0, 40.0], "minutes": [0.0, 30.0]}, index=["basic", "reactive"])
    >>> found = level_sensitivity(segments, levels, assumed_returns(segments.index, levels.index, 0.1))
    >>> found.plans["raised"].to_dict(), round(found.robust_from, 3)
    ({0.0: 0, 0.5: 1, 1.0: 1, 2.0: 1}, 0.444)
    """
    wanted = sorted({1.0, *map(float, factors)})
    if not all(np.isfinite(one) and one >= 0 for one in wanted):
        raise ParameterError(
            f"factors = {list(factors)}", "numbers of 0 or more", "give for example 0.5 and 2"
        )
    found = {
        one: allocate_levels(segments, levels, returns * one, budget, capacity_minutes, at_least)
        for one in wanted
    }
    base = found[1.0]
    chosen = pd.DataFrame({one: plan.segments["level"] for one, plan in found.items()}).rename_axis(
        "factor", axis=1
    )
    size, cost = segments["customers"].to_numpy("float64"), levels["cost"].to_numpy("float64")
    share = returns.loc[segments.index, levels.index].to_numpy("float64")
    more = size[:, None] * np.abs(segments["margin"].to_numpy("float64"))[:, None] * share
    extra = size[:, None] * (cost - cost[0])
    rows = np.arange(len(size))
    gains, needs = {}, {}
    for one, plan in found.items():
        place = levels.index.get_indexer(plan.segments["level"])
        brought, paid = more[rows, place].sum(), extra[rows, place].sum()
        gains[one], needs[one] = {real: real * brought - paid for real in wanted}, (brought, paid)
    gains["everybody basic"] = dict.fromkeys(wanted, 0.0)
    plans = pd.DataFrame.from_dict(
        {
            one: {
                "raised": int((plan.segments["level"] != levels.index[0]).sum()),
                "customers_raised": int(size[(plan.segments["level"] != levels.index[0]).to_numpy()].sum()),
                "cost": plan.cost,
                "gain": plan.gain,
                "changed": int((plan.segments["level"] != base.segments["level"]).sum()),
            }
            for one, plan in found.items()
        },
        orient="index",
    ).rename_axis("factor")
    brought, paid = needs[1.0]
    robust = paid / brought if brought > 0 else float("nan")
    table = pd.DataFrame.from_dict(gains, orient="index").rename_axis(index="plan", columns="real_factor")
    return LevelSensitivity(plans, chosen, table, base, float(robust))
