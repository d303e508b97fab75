"""Leaks: features that know what nobody could have known, named one by one.

Three ways in are looked for: a column that tells the outcome, by how well it does alone on a later day; rows or values
of later days, by making the features again without them; and, where lifetimes are studied, a column that grows with
the lifetime itself.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
from scipy.stats import rankdata

from crmlib.analysis.churn.activity import Tables
from crmlib.analysis.churn.point_in_time import DATED_BY, known_until
from crmlib.analysis.churn.single_columns import single_column_auc
from crmlib.analysis.churn.snapshot import Snapshot
from crmlib.errors import DataError

#: What each kind of suspicion says.
SUSPICIONS = {
    "tells the outcome": "alone it separates those who left from those who stayed better than what is known before can",
    "changes with later rows": "its value on the day is another once rows of later days are removed",
    "rows of later days": "rows dated after the day stand in the table",
    "is the duration": "it grows with the duration that is to be predicted, and is known only when that is over",
}
_NEAR_CERTAIN = 0.95
_FAR_ABOVE = 0.1
_HIGH = 0.85
_MONOTONE = 0.98
_FEWEST = 20


def find_leaks(
    snapshots: Sequence[Snapshot] = (),
    *,
    build: Callable[[Tables], pd.DataFrame] | None = None,
    tables: Tables | None = None,
    day: date | None = None,
    frames: Mapping[str, tuple[pd.DataFrame, str]] | None = None,
    durations: pd.Series | None = None,
    attributes: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Look for leaks in every way that what is given allows.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        For `find_outcome_copies`.
    build, tables, day
        For `find_changed_columns`.
    frames, day
        For `find_late_rows`.
    durations, attributes
        For `find_duration_copies`.

    Returns
    -------
    DataFrame
        ``column``, ``suspicion`` (of `SUSPICIONS`), ``evidence`` (words and numbers); no row if nothing was found.
    """
    found = []
    if len([one for one in snapshots if one.outcome is not None]) > 1:
        found.append(find_outcome_copies(snapshots))
    if build is not None and tables is not None and day is not None:
        found.append(find_changed_columns(build, tables, day))
    if frames is not None and day is not None:
        found.append(find_late_rows(frames, day))
    if durations is not None and attributes is not None:
        found.append(find_duration_copies(durations, attributes))
    return pd.concat(found, ignore_index=True) if found else _suspects([])


def find_outcome_copies(snapshots: Sequence[Snapshot]) -> pd.DataFrame:
    """Name columns that tell the outcome too well to have been known before it.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        With known outcomes, two or more.

    Returns
    -------
    DataFrame
        As from `find_leaks`.

    Raises
    ------
    TooLittleData
        As from `crmlib.analysis.churn.single_columns.single_column_auc`.

    Notes
    -----
    Definition of this project (for the idea: Kaufman et al. 2012, ACM Transactions on Knowledge Discovery from Data
    6:15). Suspected is a column with an area under the curve of 0.95 or more, or of 0.85 or more and at least 0.1 above
    the best column that is not suspected. Suspicion is no proof: look up when the column is written.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> def snapshot(day):
    ...     left = rng.random(300) < 0.4
    ...     known = pd.DataFrame({"recency_days": rng.normal(left, 1), "closed": left * 1.0})
    ...     return Snapshot(day, 30, known, pd.DataFrame({"churned": left, "margin": 0.0}))
    >>> find_outcome_copies([snapshot(date(2026, 1, 1)), snapshot(date(2026, 2, 1))])["column"].tolist()
    ['closed']
    """
    scores = single_column_auc(snapshots)
    auc = scores["auc"]
    suspected = auc >= _NEAR_CERTAIN
    best = auc[~suspected].max() if (~suspected).any() else 0.5
    # The best of the rest may stand far above everybody else itself.
    rest = auc[~suspected]
    if len(rest) > 1 and rest.iloc[0] >= max(_HIGH, rest.iloc[1] + _FAR_ABOVE):
        suspected |= auc.index == rest.index[0]
        best = rest.iloc[1]
    rows = [
        (
            name,
            "tells the outcome",
            f"area under the curve {auc[name]:.3f} (standard error {scores['error'][name]:.3f}) alone on a later day; "
            f"the best of the other columns has {best:.3f}",
        )
        for name in auc.index[suspected]
    ]
    return _suspects(rows)


def find_changed_columns(build: Callable[[Tables], pd.DataFrame], tables: Tables, day: date) -> pd.DataFrame:
    """Make the features twice, with all rows and without those of later days, and name what differs.

    Parameters
    ----------
    build : callable
        Makes the features of the day from tables, indexed by ``customer_id``.
    tables : callable
        Returns the table of a name, or None.
    day : datetime.date
        Last day that may be known.

    Returns
    -------
    DataFrame
        As from `find_leaks`; ``column`` is "(customers)" where the customers themselves differ.
    """
    whole, cut = build(tables), build(known_until(tables, day))
    rows = []
    if not whole.index.equals(cut.index):
        differ = len(whole.index.symmetric_difference(cut.index))
        rows.append(("(customers)", f"{differ:,} customers are there only with, or only without, later rows"))
    both = whole.index.intersection(cut.index)
    for name in [*whole.columns, *(one for one in cut.columns if one not in whole.columns)]:
        if name not in cut or name not in whole:
            rows.append((name, f"a column only {'with' if name in whole else 'without'} rows after {day}"))
            continue
        one, two = whole.loc[both, name].astype("object"), cut.loc[both, name].astype("object")
        other = ~((one == two) | (one.isna() & two.isna())).to_numpy(dtype=bool)
        if other.any():
            who = both[other][0]
            rows.append(
                (
                    name,
                    f"another value for {int(other.sum()):,} of {len(both):,} customers without the rows after {day}; "
                    f"of {who}: {two[who]} in place of {one[who]}",
                )
            )
    return _suspects([(name, "changes with later rows", said) for name, said in rows])


def find_late_rows(frames: Mapping[str, tuple[pd.DataFrame | ibis.Table, str]], day: date) -> pd.DataFrame:
    """Name tables that hold rows of later days.

    Parameters
    ----------
    frames : mapping of str to (DataFrame or ibis.Table, str)
        By name: what features are made from, and the column that dates its rows; without a column the one of
        `crmlib.analysis.churn.point_in_time.DATED_BY`.
    day : datetime.date
        Last day that may be known.

    Returns
    -------
    DataFrame
        As from `find_leaks`; ``column`` is the table and the column that dates it.

    Raises
    ------
    DataError
        If a table has no such column.

    Examples
    --------
    >>> calls = pd.DataFrame({"called_on": pd.to_datetime(["2026-01-31", "2026-02-01"])})
    >>> find_late_rows({"calls": (calls, "called_on")}, date(2026, 1, 31))["evidence"].tolist()
    ['1 of 2 rows are dated after 2026-01-31, the last on 2026-02-01']
    """
    rows = []
    end = pd.Timestamp(day + timedelta(days=1))
    for name, (frame, given) in frames.items():
        on = given or DATED_BY.get(name, "")
        if on not in frame.columns:
            raise DataError(
                f"table {name} without the column {on or 'that dates its rows'}",
                "a column with the day of each row",
                "name the column",
            )
        dates = frame[on] if isinstance(frame, pd.DataFrame) else frame.select(on).execute()[on]
        dates = pd.to_datetime(dates)
        late = int((dates >= end).sum())
        if late:
            evidence = (
                f"{late:,} of {len(dates):,} rows are dated after {day}, the last on {dates.max().date()}"
            )
            rows.append((f"{name}.{on}", "rows of later days", evidence))
    return _suspects(rows)


def find_duration_copies(durations: pd.Series, attributes: pd.DataFrame) -> pd.DataFrame:
    """Name columns that grow with the duration that is to be predicted, such as tenure or charges added up so far.

    Parameters
    ----------
    durations : Series of shape (n_contracts,)
        Time from the start to the end, or to the last known day.
    attributes : DataFrame of shape (n_contracts, n_columns)
        What the duration would be predicted from.

    Returns
    -------
    DataFrame
        As from `find_leaks`.

    Notes
    -----
    Definition of this project. Suspected is a column of numbers (or days) whose rank correlation with the duration is
    0.98 or more in size, and one that does so once divided by another column of the table: charges so far are fee times
    duration. A starting day is such a column only where all were last seen on the same day.

    Examples
    --------
    >>> tenure = pd.Series([3, 10, 25, 40, 60, 72] * 10, dtype=float)
    >>> fee = pd.Series([20.0, 90, 35, 60, 25, 80, 50, 45, 70, 30] * 6)
    >>> known = pd.DataFrame({"fee": fee, "paid_so_far": fee * tenure, "weeks": tenure * 4.3})
    >>> find_duration_copies(tenure, known)["column"].tolist()
    ['paid_so_far', 'weeks']
    """
    numbers = {name: _as_numbers(attributes[name]) for name in attributes}
    numbers = {name: values for name, values in numbers.items() if values is not None}
    duration = durations.to_numpy(dtype="float64")
    rows = []
    for name, values in numbers.items():
        alone = _rank_correlation(values, duration)
        if abs(alone) >= _MONOTONE:
            rows.append((name, f"rank correlation with the duration {alone:.3f}"))
            continue
        # Twice as strong as alone, so that a column is not blamed for what it is divided by.
        for other, by in numbers.items():
            if other == name or not (by > 0).any() or abs(_rank_correlation(by, duration)) >= _MONOTONE:
                continue
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = np.where(by > 0, values / by, np.nan)
            together = _rank_correlation(ratio, duration)
            if together >= _MONOTONE and alone > abs(_rank_correlation(by, duration)):
                rows.append((name, f"divided by {other}, rank correlation with the duration {together:.3f}"))
                break
    return _suspects([(name, "is the duration", said) for name, said in rows])


def _suspects(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["column", "suspicion", "evidence"]).astype("str")


def _as_numbers(column: pd.Series) -> np.ndarray | None:
    if pd.api.types.is_datetime64_any_dtype(column):
        return np.where(column.isna(), np.nan, column.astype("int64"))
    if not pd.api.types.is_numeric_dtype(column) or column.dtype.kind == "b":
        return None
    return column.to_numpy(dtype="float64", na_value=np.nan)


def _rank_correlation(one: np.ndarray, two: np.ndarray) -> float:
    known = ~(np.isnan(one) | np.isnan(two))
    if known.sum() < _FEWEST:
        return 0.0
    ranks = [rankdata(values[known]) for values in (one, two)]
    spread = [ranked.std() for ranked in ranks]
    if min(spread) == 0:
        return 0.0
    return float(
        np.mean((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean())) / (spread[0] * spread[1])
    )
