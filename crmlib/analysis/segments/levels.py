"""Relationship levels: which segment gets which, within a budget and the minutes there are, and what must come back.

The five levels are those of Kotler (1992, Marketing's new paradigm, Planning Review 20(5):50-52). Many customers of low
margin call for basic relations, few of high margin for full partnership (Kotler & Armstrong, Principles of Marketing).
That is where an allocation mostly ends up, too; but it also knows the costs and the limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp

from crmlib.errors import DataError, ParameterError

#: The five levels of Kotler (1992), each including the ones before.
LEVELS = ("basic", "reactive", "accountable", "proactive", "full partnership")
_SLACK = 1e-9


@dataclass(frozen=True)
class Allocation:
    """The level of each segment.

    Attributes
    ----------
    segments : DataFrame
        Indexed by segment: ``level``, ``customers``, ``cost`` and ``minutes`` (of the segment, at its level), ``more``
        (margin expected above that at the lowest level), ``gain`` (``more`` less the cost above the lowest level).
    budget, capacity_minutes : float
        As asked for; infinity without a limit.
    cost, minutes, gain : float
        Sums over the segments.
    worth_of_budget : float
        Gain that the budget keeps away: that of the best levels without a budget, less this one.
    worth_of_minutes : float
        The same for capacity.
    nothing_because : str
        Sentence that says why everybody stays at the level that is due anyway; empty if somebody is raised.
    """

    segments: pd.DataFrame
    budget: float
    capacity_minutes: float
    cost: float
    minutes: float
    gain: float
    worth_of_budget: float
    worth_of_minutes: float
    nothing_because: str


def allocate_levels(
    segments: pd.DataFrame,
    levels: pd.DataFrame,
    returns: pd.DataFrame,
    budget: float | None = None,
    capacity_minutes: float | None = None,
    at_least: Mapping[str, str] | None = None,
) -> Allocation:
    """Give each segment the level with which all together bring most, within budget and capacity.

    Parameters
    ----------
    segments : DataFrame of shape (n_segments, ...)
        ``customers`` and ``margin`` (per customer and period, before the cost of the relationship), indexed by segment.
    levels : DataFrame of shape (n_levels, ...)
        ``cost`` (money) and ``minutes`` per customer and period, 0 or more, indexed by level from the lowest up;
        see `LEVELS`.
    returns : DataFrame of shape (n_segments, n_levels)
        Expected change of margin per customer at each level against the lowest one, as a share of the size of the
        margin; 0 in the lowest level. An assumption until a test has measured it.
    budget : float, optional
        Money for all levels, the lowest one included, 0 or more; no limit if left out.
    capacity_minutes : float, optional
        Minutes for all levels, 0 or more; no limit if left out.
    at_least : mapping of str to str, optional
        Lowest level that a segment may get, where something was promised.

    Returns
    -------
    Allocation
        If no allocation keeps within the limits, or none is better, everybody at the lowest level (or at the one
        promised), and the sentence that says so.

    Raises
    ------
    DataError
        If a column, a segment, a level or a value is missing, a cost, minutes or a number of customers is below 0, or
        the lowest level has a return.
    ParameterError
        If a limit is below 0 or `at_least` names what there is not.

    Notes
    -----
    A binary program with one level per segment (multiple-choice knapsack; Kellerer, Pferschy & Pisinger 2004, Knapsack
    Problems, chapter 11), solved to the optimum by HiGHS through `scipy.optimize.milp`. Of equally good allocations it
    takes one that costs least; limits are kept to a millionth. Definition of this project.

    Examples
    --------
    >>> segments = pd.DataFrame({"customers": [900, 20], "margin": [12.0, 5000.0]}, index=["many", "few"])
    >>> levels = pd.DataFrame({"cost": [1.0, 300.0], "minutes": [0.0, 120.0]}, index=["basic", "full partnership"])
    >>> returns = pd.DataFrame([[0.0, 0.1], [0.0, 0.1]], index=segments.index, columns=levels.index)
    >>> found = allocate_levels(segments, levels, returns, budget=8000)
    >>> found.segments["level"].to_dict(), found.gain
    ({'many': 'basic', 'few': 'full partnership'}, 4020.0)
    >>> allocate_levels(segments, levels, returns, budget=0).nothing_because
    'The lowest levels alone cost 920, above the budget of 0: nobody is raised.'
    """
    size, margin, cost, minutes, share = _checked(segments, levels, returns)
    limit, most = _limit(budget, "budget"), _limit(capacity_minutes, "capacity_minutes")
    floor = _floor(segments.index, levels.index, at_least or {})
    more = size[:, None] * np.abs(margin)[:, None] * share
    spent, used = np.outer(size, cost), np.outer(size, minutes)
    gain = more - (spent - spent[:, :1])
    rows = np.arange(len(size))
    low_cost, low_minutes = spent[rows, floor].sum(), used[rows, floor].sum()
    because = ""
    if _above(low_cost, limit) or _above(low_minutes, most):
        # The cheapest level need not be the lowest; but nobody is put up to save money.
        what = f"cost {low_cost:,.0f}, above the budget of {limit:,.0f}"
        if not _above(low_cost, limit):
            what = f"take {low_minutes:,.0f} minutes, above the {most:,.0f} there are"
        because = f"The lowest levels alone {what}: nobody is raised."
        level, without_budget, without_limit = floor, 0.0, 0.0
    else:
        level = _best(gain, spent, used, limit, most, floor)
        reached = gain[rows, level].sum()
        free = _best(gain, spent, used, np.inf, most, floor)
        without_budget = gain[rows, free].sum() - reached
        free = _best(gain, spent, used, limit, np.inf, floor)
        without_limit = gain[rows, free].sum() - reached
        if (level == floor).all():
            tight = without_budget > _SLACK or without_limit > _SLACK
            because = (
                "Within the budget and the minutes there are, no segment can be raised at a gain."
                if tight
                else "No segment brings back what a higher level costs: nobody is raised."
            )
    table = pd.DataFrame(
        {
            "level": levels.index.to_numpy(object)[level],
            "customers": segments["customers"].to_numpy(),
            "cost": spent[rows, level],
            "minutes": used[rows, level],
            "more": more[rows, level],
            "gain": gain[rows, level],
        },
        index=segments.index,
    )
    sums = table[["cost", "minutes", "gain"]].sum()
    return Allocation(
        table, limit, most, *sums.tolist(), max(without_budget, 0.0), max(without_limit, 0.0), because
    )


def level_break_even(
    segments: pd.DataFrame, levels: pd.DataFrame, returns: pd.DataFrame | None = None
) -> pd.DataFrame:
    """What each step up one level costs and must bring back.

    Parameters
    ----------
    segments, levels, returns : DataFrame
        As for `allocate_levels`; without `returns` nothing is expected, and only what must come back is told.

    Returns
    -------
    DataFrame
        Indexed by ``segment`` and ``level`` (the higher one of the step): ``from_level``, ``cost`` and ``minutes`` more
        per customer and of the segment (``segment_cost``, ``segment_minutes``), ``break_even_share`` (rise of the
        margin per customer, as a share of its size today, from which the step pays; NaN where the margin is 0),
        ``expected_share`` and ``pays`` (whether the expected rise is above the cost; both missing without `returns`).

    Raises
    ------
    DataError
        As for `allocate_levels`.

    Examples
    --------
    >>> segments = pd.DataFrame({"customers": [900, 20], "margin": [12.0, 5000.0]}, index=["many", "few"])
    >>> levels = pd.DataFrame({"cost": [1.0, 301.0], "minutes": [0.0, 120.0]}, index=["basic", "full partnership"])
    >>> level_break_even(segments, levels)["break_even_share"].tolist()
    [25.0, 0.06]
    """
    given = returns is not None
    if returns is None:
        returns = pd.DataFrame(0.0, index=segments.index, columns=levels.index)
    size, margin, cost, minutes, share = _checked(segments, levels, returns)
    steps = len(cost) - 1
    index = pd.MultiIndex.from_product([segments.index, levels.index[1:]], names=["segment", "level"])
    more_cost, more_minutes = np.diff(cost), np.diff(minutes)
    base = np.repeat(np.abs(margin), steps)
    each_cost = np.tile(more_cost, len(size))
    table = pd.DataFrame(
        {
            "from_level": np.tile(levels.index[:-1].to_numpy(object), len(size)),
            "cost": each_cost,
            "minutes": np.tile(more_minutes, len(size)),
            "segment_cost": np.outer(size, more_cost).ravel(),
            "segment_minutes": np.outer(size, more_minutes).ravel(),
            "break_even_share": np.divide(each_cost, base, out=np.full(len(base), np.nan), where=base > 0),
        },
        index=index,
    )
    expected = np.diff(share, axis=1).ravel()
    table["expected_share"] = expected if given else np.nan
    table["pays"] = pd.array(expected * base > each_cost if given else [None] * len(table), dtype="boolean")
    return table


def _best(
    gain: np.ndarray, spent: np.ndarray, used: np.ndarray, limit: float, most: float, floor: np.ndarray
) -> np.ndarray:
    """Number of the level of each segment; the floor keeps within the limits, so there is an answer."""
    n, k = gain.shape
    scale = max(float(np.abs(gain).max(initial=0.0)), 1e-300)
    one = LinearConstraint(np.kron(np.eye(n), np.ones(k)), 1, 1)
    limits = [one]
    within = np.arange(k) >= floor[:, None]
    for amounts, limit_of in ((spent, limit), (used, most)):
        if np.isfinite(limit_of):
            # What breaks a limit by itself is shut out, so that the rest can be measured in units of the limit.
            possible = ~(amounts > limit_of * (1 + _SLACK))
            within &= possible
            unit = limit_of if limit_of > 0 else 1.0
            row = np.where(possible, amounts, 0.0).reshape(1, -1) / unit
            limits.append(LinearConstraint(row, -np.inf, limit_of / unit * (1 + _SLACK)))
    allowed = Bounds(0, within.ravel().astype(float))
    worth = gain.ravel() / scale
    first = _solved(-worth, limits, allowed)
    best = worth[first > 0.5].sum()
    # Among the best allocations, the cheapest: money is not spent for nothing.
    keep = LinearConstraint(worth.reshape(1, -1), best - _SLACK, np.inf)
    price = max(float(spent.max(initial=0.0)), 1e-300)
    second = _solved(spent.ravel() / price + np.tile(np.arange(k), n) * 1e-9, [*limits, keep], allowed)
    return second.reshape(n, k).argmax(axis=1)


def _solved(weights: np.ndarray, limits: list[LinearConstraint], allowed: Bounds) -> np.ndarray:
    found = milp(
        weights, integrality=np.ones(len(weights)), bounds=allowed, constraints=limits,
        options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    if found.x is None:
        raise DataError(
            f"levels that the solver cannot allocate ({found.message})",
            "amounts of a like size",
            "check margins, costs and minutes for values that are far too large",
        )
    return found.x


def _above(amount: float, limit: float) -> bool:
    return amount > limit + _SLACK * max(abs(limit), amount)


def _limit(value: float | None, name: str) -> float:
    if value is None:
        return np.inf
    if not value >= 0:
        raise ParameterError(f"{name} = {value}", "0 or more", "leave it out for no limit")
    return float(value)


def _floor(segments: pd.Index, levels: pd.Index, at_least: Mapping[str, str]) -> np.ndarray:
    unknown = [name for name in at_least if name not in segments]
    unknown += [name for name in at_least.values() if name not in levels]
    if unknown:
        raise ParameterError(
            f"at_least names {', '.join(map(str, unknown))}",
            "segments and levels there are",
            "correct the name",
        )
    floor = np.zeros(len(segments), dtype=int)
    for segment, level in at_least.items():
        floor[segments.get_loc(segment)] = levels.get_loc(level)
    return floor


def _checked(segments: pd.DataFrame, levels: pd.DataFrame, returns: pd.DataFrame) -> tuple[np.ndarray, ...]:
    if not len(segments) or len(levels) < 2:
        raise DataError(
            f"{len(segments)} segments and {len(levels)} levels",
            "one segment and two levels at least",
            "make segments first, and state the levels",
        )
    size, margin = _column(segments, "segment", "customers", 0), _column(segments, "segment", "margin")
    cost, minutes = _column(levels, "level", "cost", 0), _column(levels, "level", "minutes", 0)
    absent = [*segments.index.difference(returns.index), *levels.index.difference(returns.columns)]
    if absent:
        raise DataError(
            f"no returns for {', '.join(map(str, absent))}",
            "one per segment and level",
            "state what is expected",
        )
    share = returns.loc[segments.index, levels.index].to_numpy("float64", na_value=np.nan)
    if not np.isfinite(share).all() or (share[:, 0] != 0).any():
        row, column = np.argwhere(~np.isfinite(share) | ((share != 0) & (np.arange(share.shape[1]) == 0)))[0]
        raise DataError(
            f"a return of {share[row, column]} for {segments.index[row]} at {levels.index[column]}",
            "a finite share, 0 at the lowest level",
            "state returns against the lowest level",
        )
    return size, margin, cost, minutes, share


def _column(table: pd.DataFrame, what: str, column: str, least: float = -np.inf) -> np.ndarray:
    """One number per segment or level, each once."""
    if column not in table or not table.index.is_unique:
        found = f"{what}s without {column}" if column not in table else f"{what}s that stand twice"
        raise DataError(found, f"each {what} once, with its {column}", f"state one {column} per {what}")
    values = pd.to_numeric(table[column], errors="coerce").to_numpy("float64", na_value=np.nan)
    bad = ~(np.isfinite(values) & (values >= least))
    if bad.any():
        raise DataError(
            f"{column} = {table[column][bad].iloc[0]} for {what} {table.index[bad][0]}",
            "a finite number" + (f", {least:g} or more" if np.isfinite(least) else ""),
            "correct it",
        )
    return values
