"""Who moves from group to group: transitions between two periods, with new and inactive customers as states."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2

from crmlib.analysis.clv.refusals import refuse
from crmlib.analysis.intervals import wilson_interval
from crmlib.errors import DataError, ParameterError, TooLittleData

NEW, INACTIVE = "new", "inactive"
#: Expected counts a chi-square test needs (Cochran 1954, Biometrics 10:417-451): none below 1, one in five below 5.
LEAST_EXPECTED, SMALL, MOST_SMALL = 1.0, 5.0, 0.2


@dataclass(frozen=True)
class Transitions:
    """What became of the customers of each group.

    Attributes
    ----------
    counts : DataFrame
        Customers by state before (rows: the groups, ``inactive`` where it was given, ``new``) and state after
        (columns: the groups, ``inactive``).
    shares : DataFrame
        Smoothed shares, each row sums to 1; NaN in a row that nobody was in.
    cells : DataFrame
        Indexed by ``before`` and ``after``: ``customers``, ``of`` (customers of the row), ``share`` (as counted; NaN
        where nobody was in the row), ``smoothed``, ``low``, ``high`` (interval of the share as counted).
    smoothing : float
        Added to each count that is possible.
    level : float
        Level of the intervals.
    """

    counts: pd.DataFrame
    shares: pd.DataFrame
    cells: pd.DataFrame
    smoothing: float
    level: float

    @property
    def stayed(self) -> float:
        """Share of customers, active in both periods, who are in the group they were in; NaN if there are none."""
        groups = [name for name in self.counts.columns if name != INACTIVE]
        both = self.counts.loc[groups, groups].to_numpy()
        return float(np.trace(both) / both.sum()) if both.sum() else float("nan")


@dataclass(frozen=True)
class ChiSquare:
    """A chi-square test.

    Attributes
    ----------
    statistic, degrees, p_value : float
    least_expected : float
        Smallest count expected in a cell.
    customers : int
    """

    statistic: float
    degrees: int
    p_value: float
    least_expected: float
    customers: int


def transitions(
    before: pd.Series,
    after: pd.Series,
    groups: Sequence[str] | None = None,
    smoothing: float = 1.0,
    level: float = 0.95,
) -> Transitions:
    """Count who moved from which group into which.

    Parameters
    ----------
    before, after : Series of str
        Group in the earlier and in the later period, indexed by customer. Who is missing before, by row or by value, is
        ``new``; who is missing after is ``inactive``. ``inactive`` may also be given as a group, before too: a known
        customer without a purchase then.
    groups : sequence of str, optional
        All groups in the order to show; those found, sorted, by default. A group named here that nobody is in has a
        row and a column of 0.
    smoothing : float
        Added to each count that is possible before shares are taken (Laplace: 1), 0 or more.
    level : float
        Level of the intervals, above 0 and below 1.

    Returns
    -------
    Transitions

    Raises
    ------
    DataError
        If a customer stands twice, somebody is ``new`` by value, or is in a group not named in `groups`.
    ParameterError
        If `smoothing` or `level` is out of range, or a group stands twice or is named like a state.
    TooLittleData
        If there is no customer.

    Notes
    -----
    Smoothed shares (n_ij + a) / (n_i + a K) are for forecasts, where a share of 0 would rule out what was only not
    seen yet; intervals (Wilson 1927) are about the shares as counted. A new customer cannot be inactive, so that
    cell is 0 and not smoothed.

    Examples
    --------
    >>> before = pd.Series(["high", "high", "low", "low"], index=list("ABCD"))
    >>> after = pd.Series(["high", "low", "low", "high"], index=list("ABCE"))
    >>> found = transitions(before, after, ["high", "low"])
    >>> found.counts.to_numpy().tolist()
    [[1, 1, 0], [0, 1, 1], [1, 0, 0]]
    >>> found.shares.loc["high"].tolist(), found.shares.loc["new"].round(3).tolist()
    ([0.4, 0.4, 0.2], [0.667, 0.333, 0.0])
    """
    _check_options(smoothing, level)
    for name, state in (("before", before), ("after", after)):
        twice = state.index.duplicated()
        if twice.any():
            refuse(
                twice, state.index, f"a customer who stands twice {name}", "one row per customer", "drop one"
            )
    everybody = before.index.union(after.index, sort=False)
    if not len(everybody):
        raise TooLittleData("no customers", "customers of two periods", "choose periods with purchases")
    was = before.reindex(everybody).astype(object)
    became = after.reindex(everybody).astype(object)
    was, became = was.where(was.notna(), NEW), became.where(became.notna(), INACTIVE)
    unseen = ((was == NEW) & (became == INACTIVE)).to_numpy()
    was, became = was[~unseen], became[~unseen]
    names = _named(was, became, groups)
    rows = [*names, *([INACTIVE] if (was == INACTIVE).any() else []), NEW]
    columns = [*names, INACTIVE]
    counts = pd.crosstab(was, became).reindex(index=rows, columns=columns, fill_value=0)
    counts = counts.rename_axis(index="before", columns="after")
    possible = np.ones(counts.shape)
    possible[-1, -1] = 0.0
    of = counts.sum(axis=1).to_numpy()
    weight = counts.to_numpy() + smoothing * possible
    seen = (of > 0)[:, None]
    smoothed = np.where(seen, weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300), np.nan)
    shares = pd.DataFrame(smoothed, index=counts.index, columns=counts.columns)
    cells = counts.stack().to_frame("customers")
    cells["of"] = np.repeat(of, len(columns))
    cells["share"] = cells["customers"] / cells["of"].where(cells["of"] > 0)
    cells["smoothed"] = smoothed.ravel()
    ends = [wilson_interval(*pair, level) for pair in zip(cells["customers"], cells["of"], strict=True)]
    cells[["low", "high"]] = np.array(ends)
    cells.loc[(NEW, INACTIVE), ["low", "high"]] = 0.0
    return Transitions(counts, shares, cells, smoothing, level)


def independence(counts: pd.DataFrame) -> ChiSquare:
    """Test whether the group after depends on the group before at all (Pearson's chi-square).

    Parameters
    ----------
    counts : DataFrame
        `Transitions.counts`; the row of new customers, who were in no group, is left out, as are rows and columns
        that nobody is in.

    Returns
    -------
    ChiSquare

    Raises
    ------
    TooLittleData
        If fewer than two rows or columns are left, or expected counts are too small for the test.

    Notes
    -----
    Anderson & Goodman (1957, Annals of Mathematical Statistics 28:89-110): the test of order 0 against order 1.

    Examples
    --------
    >>> independence(pd.DataFrame([[30, 10], [10, 30]], index=["high", "low"], columns=["high", "low"])).statistic
    20.0
    """
    table = counts.drop(index=NEW, errors="ignore").to_numpy(float)
    statistic, degrees, expected = _pearson(table)
    if degrees == 0:
        raise TooLittleData(
            "one group before, or one after", "two or more", "take longer periods, or other cut-offs"
        )
    _refuse_thin([expected])
    return _result(statistic, degrees, [expected], table.sum())


def stationarity(periods: Sequence[pd.DataFrame]) -> ChiSquare:
    """Test whether customers move as they did before: the same shares in each pair of periods.

    Parameters
    ----------
    periods : sequence of DataFrame
        `Transitions.counts` of two or more pairs of periods, with the same groups. New customers are left out.

    Returns
    -------
    ChiSquare
        The sum over states before of the tests that their shares do not differ between the pairs of periods.

    Raises
    ------
    DataError
        If the columns differ between the periods.
    TooLittleData
        If there are fewer than two, if no state can be compared, or if expected counts are too small for the test.

    Notes
    -----
    Anderson & Goodman (1957, Annals of Mathematical Statistics 28:89-110), section 3.2. A state is compared over the
    pairs of periods in which somebody was in it.

    Examples
    --------
    >>> first = pd.DataFrame([[30, 10], [10, 30]], index=["high", "low"], columns=["high", "low"])
    >>> found = stationarity([first, first])
    >>> found.statistic, found.degrees, found.p_value
    (0.0, 2, 1.0)
    """
    if len(periods) < 2:
        raise TooLittleData(f"{len(periods)} pairs of periods", "two or more", "take shorter periods")
    columns = list(periods[0].columns)
    if any(list(table.columns) != columns for table in periods):
        raise DataError(
            "periods with different groups",
            f"the groups {', '.join(map(str, columns))} in each",
            "name all groups",
        )
    states = list(dict.fromkeys(name for table in periods for name in table.index if name != NEW))
    found = []
    for state in states:
        rows = [table.loc[state].to_numpy(float) for table in periods if state in table.index]
        found.append((*_pearson(np.array(rows)), np.sum(rows)))
    found = [one for one in found if one[1] > 0]
    if not found:
        raise TooLittleData(
            "no state that leads to two groups in two pairs of periods", "one at least", "take longer periods"
        )
    expected = [one[2] for one in found]
    _refuse_thin(expected)
    return _result(
        sum(one[0] for one in found), sum(one[1] for one in found), expected, sum(one[3] for one in found)
    )


def _pearson(table: np.ndarray) -> tuple[float, int, np.ndarray]:
    """Statistic, degrees of freedom and expected counts, empty rows and columns left out."""
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / max(table.sum(), 1)
    degrees = max(table.shape[0] - 1, 0) * max(table.shape[1] - 1, 0)
    return float(((table - expected) ** 2 / expected).sum()), degrees, expected


def _refuse_thin(expected: list[np.ndarray]) -> None:
    values = np.concatenate([one.ravel() for one in expected])
    small = (values < SMALL).mean()
    if values.min() < LEAST_EXPECTED or small > MOST_SMALL:
        raise TooLittleData(
            f"expected counts down to {values.min():.2g}, {small:.0%} of them below 5",
            "none below 1 and at most one in five below 5",
            "join groups, or take longer periods",
        )


def _result(statistic: float, degrees: int, expected: list[np.ndarray], customers: float) -> ChiSquare:
    least = min(float(one.min()) for one in expected)
    return ChiSquare(statistic, degrees, float(chi2.sf(statistic, degrees)), least, int(customers))


def _check_options(smoothing: float, level: float) -> None:
    if not (smoothing >= 0 and np.isfinite(smoothing)):
        raise ParameterError(f"smoothing = {smoothing}", "0 or more", "give 1 for Laplace, 0 for none")
    if not 0 < level < 1:
        raise ParameterError(f"level = {level}", "above 0 and below 1", "give 0.95, for example")


def _named(was: pd.Series, became: pd.Series, groups: Sequence[str] | None) -> list[str]:
    if (became == NEW).any():
        refuse((became == NEW).to_numpy(), became.index, "'new' after", "a group", "leave such customers out")
    found = sorted({*was.unique(), *became.unique()} - {NEW, INACTIVE})
    if groups is None:
        return found
    names = list(groups)
    if len(set(names)) < len(names) or {NEW, INACTIVE} & set(names):
        raise ParameterError(f"groups = {names}", "different groups, states left out", "name each group once")
    if set(found) - set(names):
        stray = ", ".join(map(str, sorted(set(found) - set(names))))
        raise DataError(f"customers in {stray}", f"groups {', '.join(map(str, names))}", "name all groups")
    return names
