"""Ages lived by contracts, one row for each age and kind of contract; and classes of ages."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from crmlib.errors import DataError, ParameterError, TooLittleData

#: More rows than this are too many for what they say.
LARGEST = 5_000_000
_MOST_AGES = 1_200


def person_periods(table: pd.DataFrame, covariates: Sequence[str] = ()) -> pd.DataFrame:
    """Count, for each age and each combination of covariates, who was at risk and who ended.

    Parameters
    ----------
    table : DataFrame
        ``entry``, ``duration`` (whole numbers), ``ended`` and the covariates, as in `Durations`.
    covariates : sequence of str
        Columns known at the start of a contract.

    Returns
    -------
    DataFrame
        ``age`` (1, 2, ...: the first month, the second, ...), the covariates, ``at_risk`` (in sight and running when it
        began) and ``ended`` (in the course of it); sorted.

    Raises
    ------
    DataError
        If ages are no whole numbers, or a covariate is missing, or is itself an age.
    ParameterError
        If ages are too fine (days), or covariates have too many values to be counted.

    Examples
    --------
    >>> table = pd.DataFrame({"entry": [0, 0, 1], "duration": [1, 3, 3], "ended": [True, False, True]})
    >>> person_periods(table).to_dict("list")
    {'age': [1, 2, 3], 'at_risk': [2, 2, 2], 'ended': [1, 0, 1]}
    """
    names = list(covariates)
    known_at_start(table, names)
    for name in ("entry", "duration"):
        if (table[name] % 1 != 0).any():
            raise DataError(f"{name} that are no whole numbers", "months or periods", "count whole units")
    longest = int(table["duration"].max())
    if longest > _MOST_AGES:
        raise ParameterError(
            f"ages up to {longest:,}", f"at most {_MOST_AGES:,}", "count in months or periods instead of days"
        )
    kinds = table.groupby([*names, "entry", "duration", "ended"], observed=True, dropna=False).size()
    kinds = kinds.rename("contracts").reset_index()
    lived = (kinds["duration"] - kinds["entry"]).to_numpy()
    if lived.sum() > LARGEST:
        raise ParameterError(
            f"{int(lived.sum()):,} rows of age and covariates",
            f"at most {LARGEST:,}",
            "cut covariates with very many values, such as fees, into classes",
        )
    row = np.repeat(np.arange(len(kinds)), lived)
    before = np.repeat(np.append(0, lived.cumsum()[:-1]), lived)
    spread = kinds.iloc[row].reset_index(drop=True)
    age = spread["entry"].to_numpy() + np.arange(len(row)) - before + 1
    ended = spread["contracts"].where(spread["ended"] & (spread["duration"] == age), 0)
    spread = spread.assign(age=age, at_risk=spread["contracts"], ended=ended)
    found = spread.groupby(["age", *names], observed=True, dropna=False)[["at_risk", "ended"]].sum()
    return found.reset_index().astype({"age": "int64", "at_risk": "int64", "ended": "int64"})


def known_at_start(table: pd.DataFrame, covariates: Sequence[str]) -> None:
    """Refuse covariates that are missing, or that know how long the contract lasted.

    Raises
    ------
    DataError
        If a covariate is not there, is a column of the duration itself, or orders contracts just as their
        duration does.

    Examples
    --------
    >>> table = pd.DataFrame({"duration": range(1, 41), "months_paid": range(2, 42)})
    >>> known_at_start(table, ["months_paid"])
    Traceback (most recent call last):
    crmlib.errors.DataError: Found: covariate months_paid, which goes with the duration (rank correlation 1.00).
    Expected: what was known on the first day. What to do: leave it out; how long a contract has run cannot explain how
    long it runs.
    """
    for name in covariates:
        if name not in table.columns:
            raise DataError(
                f"no covariate {name}", "one of " + ", ".join(map(str, table.columns)), "correct the name"
            )
        column = table[name]
        if name in ("duration", "entry", "ended", "running", "started_on"):
            _is_duration(name, "is the duration or a part of it")
        if column.dtype.kind in "iuf" and column.nunique() > 2:
            same = float(column.rank().corr(table["duration"].rank()))
            if abs(same) > 0.95:
                _is_duration(name, f"goes with the duration (rank correlation {same:.2f})")


def ends_in_every_level(table: pd.DataFrame, covariates: Iterable[str]) -> None:
    """Refuse texts with a value whose contracts never ended: its ratio would be 0, and no search finds that.

    Raises
    ------
    TooLittleData
        With the value and the number of its contracts.

    Examples
    --------
    >>> ends_in_every_level(pd.DataFrame({"plan": ["A", "B"], "ended": [True, False]}), ["plan"])
    Traceback (most recent call last):
    crmlib.errors.TooLittleData: Found: 1 contracts with plan: B, none of which ended.
    Expected: some ends in every level. What to do: join it with another level, or leave the column out.
    """
    for name in covariates:
        if table[name].dtype.kind in "iuf":
            continue
        ends = table.groupby(table[name].astype("string"))["ended"].agg(["size", "sum"])
        bare = ends[ends["sum"] == 0]
        if len(bare):
            raise TooLittleData(
                f"{int(bare['size'].iloc[0]):,} contracts with {name}: {bare.index[0]}, none of which ended",
                "some ends in every level",
                "join it with another level, or leave the column out",
            )


def age_classes(periods: pd.DataFrame, per_class: int, most: int) -> np.ndarray:
    """Join neighbouring ages until each class has enough ends.

    Parameters
    ----------
    periods : DataFrame
        ``age`` and ``ended``, as returned by `person_periods`.
    per_class : int
        Ends a class needs.
    most : int
        Classes wanted at most; each then needs so many more ends.

    Returns
    -------
    ndarray of int
        Last age of each class, rising; the last class goes to the highest age.

    Raises
    ------
    TooLittleData
        If all ages together have fewer ends.

    Examples
    --------
    >>> periods = pd.DataFrame({"age": [1, 2, 3, 4, 5], "ended": [30, 10, 20, 25, 3]})
    >>> age_classes(periods, per_class=25, most=12).tolist()
    [1, 3, 5]
    """
    ends = periods.groupby("age")["ended"].sum().sort_index()
    needed = max(per_class, int(np.ceil(ends.sum() / most)))
    if ends.sum() < per_class:
        raise TooLittleData(
            f"{int(ends.sum()):,} ends", f"{per_class} or more", "wait, or look at more contracts"
        )
    last, so_far = [], 0
    for age, count in ends.items():  # ages, not contracts
        so_far += count
        if so_far >= needed:
            last.append(age)
            so_far = 0
    highest = int(ends.index[-1])
    if last and so_far < per_class:
        last[-1] = highest  # what is left over is too little for a class of its own
    else:
        last.append(highest)
    return np.array(last, dtype="int64")


def _is_duration(name: str, why: str) -> None:
    raise DataError(
        f"covariate {name}, which {why}",
        "what was known on the first day",
        "leave it out; how long a contract has run cannot explain how long it runs",
    )


def refuse_missing(column: pd.Series, name: str) -> None:
    """Raise `DataError` where a covariate is not known of every contract."""
    if column.isna().any():
        raise DataError(
            f"{int(column.isna().sum()):,} contracts without {name}",
            "a value for every contract",
            "fill the cells, for example with (unknown), or leave the column out",
        )
