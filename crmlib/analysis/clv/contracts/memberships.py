"""From the table of contracts to who was still there after each renewal."""

from datetime import date

import numpy as np
import pandas as pd

from crmlib.errors import TooLittleData


def renewals_of(contracts: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Count the renewals of each contract that were due, and those that were made.

    Parameters
    ----------
    contracts : DataFrame
        Columns ``started_on``, ``ended_on`` (last day of the contract, missing while it runs) and
        ``period_months`` (12 where missing or 0).
    as_of : datetime.date
        Last known day; contracts that start later are left out, ends that lie later are not known yet.
        A renewal is due on the day a period is over; where a month has no such day, on the first of the next.

    Returns
    -------
    DataFrame
        Indexed like `contracts`: ``due`` (renewals up to `as_of` if the contract still ran) and
        ``made`` (those on whose day it did run).

    Examples
    --------
    >>> contracts = pd.DataFrame({"started_on": ["2023-03-01", "2024-01-15"],
    ...                           "ended_on": ["2025-02-28", None], "period_months": 12})
    >>> renewals_of(contracts, date(2026, 6, 30))
       due  made
    0    3     1
    1    2     2
    """
    last = pd.Timestamp(as_of)
    started = pd.to_datetime(contracts["started_on"])
    ended = pd.to_datetime(contracts["ended_on"])
    ran_until = ended.where(ended < last, last)
    months = pd.Series(12.0, index=contracts.index)
    if "period_months" in contracts.columns:
        given = contracts["period_months"].astype("float64")
        months = given.where(given > 0, 12.0)
    due = np.floor(whole_months(started, pd.Series(last, index=contracts.index)) / months)
    made = np.floor(whole_months(started, ran_until) / months)
    found = pd.DataFrame({"due": due, "made": made.clip(lower=0)})
    return found[started <= last].astype("int64")


def survivors_of(renewals: pd.DataFrame) -> pd.DataFrame:
    """Count who was still there after each renewal, contracts of equal age together.

    Parameters
    ----------
    renewals : DataFrame
        As returned by `renewals_of`.

    Returns
    -------
    DataFrame
        ``cohort`` (renewals due so far), ``period`` and ``customers``, as the contractual models read them;
        contracts with no renewal due yet say nothing and are left out.

    Raises
    ------
    TooLittleData
        If no contract had a renewal due.
    """
    old = renewals[renewals["due"] > 0]
    if old.empty:
        raise TooLittleData(
            f"{len(renewals):,} contracts without a renewal due", "contracts older than one period", "wait"
        )
    parts = []
    for cohort, made in old.groupby("due")["made"]:
        # At most one cohort per year or month of age: a loop over ages, not over contracts.
        reached = np.bincount(made, minlength=cohort + 1)[::-1].cumsum()[::-1]
        parts.append(pd.DataFrame({"cohort": cohort, "period": np.arange(cohort + 1), "customers": reached}))
    return pd.concat(parts, ignore_index=True)


def pooled(survivors: pd.DataFrame) -> pd.DataFrame:
    """Return the share of contracts renewed at each renewal, all cohorts that reached it together.

    Returns
    -------
    DataFrame
        Indexed by ``period`` (1, 2, ...): ``before`` (contracts before the renewal), ``after`` and
        ``share``, the retention rate.
    """
    ordered = survivors.sort_values(["cohort", "period"])
    before = ordered.groupby("cohort")["customers"].shift()
    steps = ordered.assign(before=before).dropna(subset=["before"])
    found = steps.groupby("period").agg(before=("before", "sum"), after=("customers", "sum"))
    return found.assign(share=found["after"] / found["before"].where(found["before"] > 0))


def whole_months(start: pd.Series, end: pd.Series) -> pd.Series:
    """Whole months from one day to another; NaN where a day is missing.

    Where a month lacks the day of the start, it is over on the first of the next.
    """
    months = (end.dt.year - start.dt.year) * 12 + (end.dt.month - start.dt.month)
    return (months - (end.dt.day < start.dt.day)).astype("float64")
