"""Share of contracts that still run at each age: Kaplan-Meier, whole and by group, and the log-rank test."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2

from crmlib.analysis.rounding import rounded
from crmlib.analysis.waiting import product_limit
from crmlib.errors import DataError, TooLittleData

#: A curve that starts late starts where so many are at risk: below, one end more or less decides all that follows.
SMALLEST = 10
_ROUNDING = 1e-12


@dataclass(frozen=True)
class SurvivalCurve:
    """Share of contracts that still run at each age.

    Attributes
    ----------
    table : DataFrame
        One row per age at which contracts ended: ``age``, ``at_risk`` (in sight and running before it), ``ended``,
        ``survival`` (share that runs on after it), ``low``, ``high``.
    from_age : int or float
        Age from which the curve counts: it is about contracts that reached it. 0 unless contracts came into sight late.
    seen_until : int or float
        Highest age anybody reached; nothing is known beyond.
    contracts, ended : int
        Contracts behind the curve, and those of them that ended.
    level : float
        Level of the intervals.
    """

    table: pd.DataFrame
    from_age: float
    seen_until: float
    contracts: int
    ended: int
    level: float

    def at(self, ages: "list[float] | np.ndarray | pd.Series") -> pd.DataFrame:
        """Read the curve at some ages.

        Returns
        -------
        DataFrame
            ``age``, ``survival``, ``low``, ``high``: 1 before the first end (the interval has nothing to say there
            and is NaN), NaN before `from_age` and beyond `seen_until`.
        """
        ages = np.atleast_1d(np.asarray(ages, dtype="float64"))
        step = np.searchsorted(self.table["age"].to_numpy(), ages, side="right")
        known = (ages >= self.from_age) & (ages <= self.seen_until)
        read = {"age": ages}
        for name, before in (("survival", 1.0), ("low", np.nan), ("high", np.nan)):
            read[name] = np.where(known, np.append(before, self.table[name].to_numpy())[step], np.nan)
        return pd.DataFrame(read)

    @property
    def median(self) -> tuple[float | None, float | None, float | None]:
        """Age by which half have ended, with the ages at which the interval crosses one half.

        None where the curve (or an end of the interval) never comes down to one half: the median is then not
        known, and a `restricted_mean` says what can be said. Interval: Brookmeyer & Crowley (1982), Biometrics
        38:29-41.
        """
        ages = self.table["age"].to_numpy()
        found = []
        for name in ("survival", "low", "high"):
            down = np.flatnonzero(self.table[name].to_numpy() <= 0.5 + _ROUNDING)
            found.append(float(ages[down[0]]) if len(down) else None)
        return found[0], found[1], found[2]


@dataclass(frozen=True)
class LogRank:
    """Whether groups of contracts end at the same rate.

    Attributes
    ----------
    chi_square, p_value : float
    degrees : int
        Groups less one.
    groups : DataFrame
        ``group``, ``contracts``, ``ended`` and ``expected`` (ends if all groups ended at the common rate).
    """

    chi_square: float
    degrees: int
    p_value: float
    groups: pd.DataFrame


def survival_curve(table: pd.DataFrame, level: float = 0.95, smallest: int = SMALLEST) -> SurvivalCurve:
    """Estimate the share of contracts that still run at each age.

    Parameters
    ----------
    table : DataFrame
        ``duration`` and ``ended``; ``entry`` where contracts came into sight late. As in `Durations`.
    level : float
        Level of the intervals.
    smallest : int
        Where nobody, or hardly anybody, is in sight at the first ages, the curve starts at the first age at which so
        many are at risk.

    Returns
    -------
    SurvivalCurve

    Raises
    ------
    TooLittleData
        If nobody ended, or never so many were at risk.

    Notes
    -----
    Kaplan & Meier (1958) with Greenwood's variance, see `product_limit`. The interval is one for each age, not for
    the whole curve at once.

    Examples
    --------
    >>> table = pd.DataFrame({"duration": [6, 6, 6, 6, 7, 9, 10, 10, 11, 13], "ended": [True] * 3 + [False, True,
    ...     False, True, False, False, True]})
    >>> curve = survival_curve(table)
    >>> curve.table[["age", "survival"]].round(3).to_dict("list"), curve.median
    ({'age': [6, 7, 10, 13], 'survival': [0.7, 0.583, 0.438, 0.0]}, (10.0, 6.0, 13.0))
    """
    waits = _waits(table)
    late = "entry" in waits.columns
    start = _start(waits, smallest) if late else 0
    waits = waits[waits["days"] > start] if start else waits
    if not len(waits) or not waits["over"].any():
        raise TooLittleData(
            f"{len(table):,} contracts, none of which ended" + (f" after age {start}" if start else ""),
            "some ends",
            "take a longer period; without an end nothing can be learnt about ends",
        )
    if start:
        waits = waits.assign(entry=waits["entry"].clip(lower=start))
    found = product_limit(waits, level)
    steps = pd.DataFrame(
        {
            "age": found["days"],
            "at_risk": found["waiting"],
            "ended": found["ended"],
            "survival": 1 - found["share"],
            "low": 1 - found["high"],
            "high": 1 - found["low"],
        }
    )
    return SurvivalCurve(
        steps, start, waits["days"].max(), int(waits["customers"].sum()), int(steps["ended"].sum()), level
    )


def survival_by(
    table: pd.DataFrame, by: str, level: float = 0.95, smallest: int = SMALLEST
) -> dict[str, SurvivalCurve]:
    """Estimate one curve for each group of contracts.

    Parameters
    ----------
    table : DataFrame
        As for `survival_curve`, and the column `by`, known at the start of the contract.

    Returns
    -------
    dict of str to SurvivalCurve
        By group, in their order; groups with fewer than `smallest` contracts or without an end are left out.

    Raises
    ------
    TooLittleData
        If no group is left.

    Examples
    --------
    >>> table = pd.DataFrame({"duration": [1, 2, 3, 4] * 5, "ended": [True, False] * 10,
    ...                       "plan": ["A"] * 12 + ["B"] * 8})
    >>> {group: curve.contracts for group, curve in survival_by(table, "plan").items()}
    {'A': 12}
    """
    groups = _groups(table, by)
    found = {
        str(group): survival_curve(part, level, smallest)
        for group, part in table.groupby(groups)
        if len(part) >= smallest and part["ended"].any()
    }
    if not found:
        raise TooLittleData(
            f"{groups.nunique()} groups by {by}, none with {smallest} contracts and an end",
            "larger groups",
            "join groups, or look at all contracts together",
        )
    return found


def log_rank(table: pd.DataFrame, by: str) -> LogRank:
    """Test whether groups of contracts end at the same rate.

    Parameters
    ----------
    table : DataFrame
        As for `survival_curve`, and the column `by`, known at the start of the contract.

    Returns
    -------
    LogRank

    Raises
    ------
    TooLittleData
        If there is one group only, or nobody ended.

    Notes
    -----
    Mantel (1966), Cancer Chemotherapy Reports 50:163-170, with the hypergeometric variance; with late entry,
    those at risk are those in sight. It has most power where one rate is a multiple of the other, and little where
    curves cross.

    Examples
    --------
    >>> table = pd.DataFrame({"duration": [1, 2, 3, 4, 5, 6], "ended": True, "plan": list("AAABBB")})
    >>> found = log_rank(table, "plan")
    >>> round(found.chi_square, 3), found.groups["expected"].round(3).tolist()
    (5.052, [1.15, 4.85])
    """
    groups = _groups(table, by)
    codes, names = pd.factorize(groups, sort=True)
    if len(names) < 2 or not table["ended"].any():
        raise TooLittleData(
            f"{len(names)} group{'s' * (len(names) != 1)} by {by} and {int(table['ended'].sum())} ends",
            "two groups or more, and some ends",
            "compare by another column",
        )
    at_risk, ended = at_risk_by(table, codes, len(names))
    n, d = at_risk.sum(axis=1), ended.sum(axis=1)
    share = at_risk / n[:, None]
    expected = (d[:, None] * share).sum(axis=0)
    # Hypergeometric; where one alone is at risk, nothing varies.
    weight = d * (n - d) / np.maximum(n - 1, 1)
    covariance = np.diag(weight @ share) - (share * weight[:, None]).T @ share
    surplus = (ended.sum(axis=0) - expected)[:-1]
    chi_square = float(surplus @ np.linalg.pinv(covariance[:-1, :-1], hermitian=True) @ surplus)
    degrees = len(names) - 1
    shown = pd.DataFrame(
        {
            "group": [str(name) for name in names],
            "contracts": np.bincount(codes, minlength=len(names)),
            "ended": ended.sum(axis=0),
            "expected": rounded(expected),
        }
    )
    return LogRank(float(rounded(chi_square)), degrees, float(rounded(chi2.sf(chi_square, degrees))), shown)


def at_risk_by(table: pd.DataFrame, codes: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Count who is at risk and who ends at each age at which somebody ended, by group.

    Parameters
    ----------
    table : DataFrame
        ``duration``, ``ended`` and, where contracts came into sight late, ``entry``.
    codes : ndarray of shape (n_contracts,)
        Number of the group of each contract, from 0.
    groups : int

    Returns
    -------
    tuple of ndarray of shape (n_ages, n_groups)
        At risk and ended.
    """
    duration, over = table["duration"].to_numpy(), table["ended"].to_numpy(dtype=bool)
    ages = np.unique(duration[over])
    size = (len(ages) + 1, groups)

    def counted(step: np.ndarray, which: np.ndarray) -> np.ndarray:
        return np.bincount(step * groups + which, minlength=size[0] * groups).reshape(size)

    reached = counted(np.searchsorted(ages, duration, side="right"), codes)
    at_risk = reached[::-1].cumsum(axis=0)[::-1][1:]
    if "entry" in table.columns:
        unseen = counted(np.searchsorted(ages, table["entry"].to_numpy(), side="right"), codes)
        at_risk = at_risk - unseen[::-1].cumsum(axis=0)[::-1][1:]
    ended = counted(np.searchsorted(ages, duration[over]), codes[over])[:-1]
    return at_risk.astype("float64"), ended


def _groups(table: pd.DataFrame, by: str) -> pd.Series:
    if by not in table.columns:
        raise DataError(
            f"no column {by} in the table of durations",
            "one of " + ", ".join(map(str, table.columns)),
            "correct the name of the group",
        )
    return table[by].astype("string").fillna("(unknown)")


def _waits(table: pd.DataFrame) -> pd.DataFrame:
    """Fold contracts of the same ages, refuse what cannot be."""
    for name in ("duration", "ended"):
        if name not in table.columns:
            raise DataError(f"durations without {name}", "the columns duration and ended", "add the column")
    entry = table["entry"] if "entry" in table.columns else pd.Series(0, index=table.index)
    wrong = ~(table["duration"].to_numpy(dtype="float64") >= np.maximum(entry.to_numpy(dtype="float64"), 0))
    if wrong.any():
        row = table[wrong].iloc[0]
        name = row.get("contract_id", row.name)
        raise DataError(
            f"duration {row['duration']:g}, at {int(wrong.sum()):,} of {len(table):,} contracts: {name}",
            "durations of 0 or more, and not below the age of entry",
            "correct the days of these contracts",
        )
    late = bool((entry > 0).any())
    waits = pd.DataFrame({"days": table["duration"], "over": table["ended"].astype(bool), "customers": 1})
    if late:
        waits["entry"] = entry
    return waits.groupby([name for name in waits.columns if name != "customers"], as_index=False).sum()


def _start(waits: pd.DataFrame, smallest: int) -> float:
    """Age from which enough are in sight: 0, or the earliest entry at which `smallest` are."""
    came = waits.groupby("entry")["customers"].sum().sort_index().cumsum()
    left = waits.groupby("days")["customers"].sum().sort_index().cumsum()
    gone = np.append(0, left.to_numpy())[np.searchsorted(left.index.to_numpy(), came.index, side="right")]
    enough = np.flatnonzero(came.to_numpy() - gone >= smallest)
    if not len(enough):
        raise TooLittleData(
            f"never {smallest} contracts in sight at the same age",
            f"{smallest} or more",
            "take a longer period, or more contracts",
        )
    return came.index[enough[0]]
