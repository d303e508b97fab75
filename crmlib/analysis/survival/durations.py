"""From the table of contracts to durations: from what age each was in sight, up to what age, and whether it ended."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmlib.analysis.clv.contracts.memberships import whole_months
from crmlib.errors import DataError, ParameterError, TooLittleData

UNITS = ("months", "periods", "days")
#: Columns of the contract that say what was known on its first day.
KNOWN_AT_START = ("plan", "service", "payment")
_FEWEST, _FEWEST_ENDS = 30, 5
_YEARLY = 12.0
_NAMED = 3


@dataclass(frozen=True)
class Durations:
    """How long contracts lasted, or have lasted so far.

    Attributes
    ----------
    table : DataFrame
        One row per contract that was in sight for some time: ``contract_id``, ``customer_id``, ``started_on``,
        ``entry`` (age at which it came into sight; 0 if from its first day), ``duration`` (age at its end, or
        reached so far), ``ended``, ``running`` (not ended on `as_of`), ``fee_per_year`` (NaN if unknown),
        ``period_months``, and the columns ``plan``, ``service`` and ``payment`` that the source has.
    running : DataFrame
        One row per contract that runs on `as_of`, also one too young to be in `table`: ``contract_id``,
        ``customer_id``, ``age`` (units completed), ``fee_per_year``, ``period_months`` and the columns known at the
        start.
    without_exposure : DataFrame
        ``contract_id`` and ``reason`` of the contracts left out: they say nothing about how long contracts last.
    contracts, ended, late_entries : int
        Contracts in `table`; those that ended; those that came into sight after their first day.
    unit : {"months", "periods", "days"}
        Unit of every age.
    as_of : datetime.date
        Last known day.
    observed_from : datetime.date or None
        First day on which an end would have been seen; None if every end was seen.
    """

    table: pd.DataFrame
    running: pd.DataFrame
    without_exposure: pd.DataFrame
    contracts: int
    ended: int
    late_entries: int
    unit: str
    as_of: date
    observed_from: date | None


def contract_durations(
    contracts: pd.DataFrame, as_of: date, observed_from: date | None = None, unit: str = "months"
) -> Durations:
    """Measure how long each contract lasted, or has lasted so far.

    A contract that ended in the course of its fifth month, or with it, lasted 5 months; one that runs has
    the months it has completed. So months can be counted: everybody with a duration of 5 was at risk in months 1 to 5.

    Parameters
    ----------
    contracts : DataFrame
        ``contract_id``, ``customer_id``, ``started_on``, ``ended_on`` (last day, missing while it runs) and,
        where known, ``fee`` (per period), ``period_months`` (12 where missing or 0), ``plan``, ``service``,
        ``payment``. An index is not looked at.
    as_of : datetime.date
        Last known day. Contracts that start later are left out; later ends are not known yet.
    observed_from : datetime.date, optional
        Where contracts that ended before this day cannot be in the data (left truncation): an older
        contract counts from the age it had on that day. See `beginning_of_sight`.
    unit : {"months", "periods", "days"}
        ``"periods"`` are those of each contract, from one renewal to the next.

    Returns
    -------
    Durations

    Raises
    ------
    DataError
        If a column or a start is missing, a contract ended before it started, or ended before
        `observed_from`; the message names contracts.
    ParameterError
        If the unit is unknown.
    TooLittleData
        If fewer than 30 contracts have some exposure, or fewer than 5 ended.

    Notes
    -----
    Left truncation: Klein & Moeschberger (2003), Survival Analysis, section 3.4. The age at entry is
    rounded up: a month that was in sight in part is nobody's month of exposure. The time a contract has run is its
    duration, and never a predictor of it: no column of the table but ``entry`` and ``duration`` knows it.

    Examples
    --------
    >>> contracts = pd.DataFrame({"contract_id": [f"M{i:02d}" for i in range(40)],
    ...     "customer_id": [f"C{i:02d}" for i in range(40)], "started_on": ["2025-01-01"] * 40,
    ...     "ended_on": ["2025-05-31"] * 10 + [None] * 30, "fee": 10.0, "period_months": 1})
    >>> found = contract_durations(contracts, date(2025, 9, 30))
    >>> found.table.groupby(["duration", "ended"]).size().to_dict(), found.contracts, found.ended
    ({(5, True): 10, (9, False): 30}, 40, 10)
    """
    if unit not in UNITS:
        raise ParameterError(f"unit = {unit!r}", "one of " + ", ".join(UNITS), "correct the unit")
    table = checked_contracts(contracts)
    last = pd.Timestamp(as_of)
    table = table[table["started_on"] <= last].reset_index(drop=True)
    ended = table["ended_on"].notna() & (table["ended_on"] <= last)
    table["ended"], table["running"] = ended.to_numpy(), ~ended.to_numpy()
    until = table["ended_on"].where(ended, last) + pd.Timedelta(days=1)
    duration = _age(table, until, unit, up=ended)
    entry = np.zeros(len(table), dtype="int64")
    if observed_from is not None:
        entry = _entry(table, pd.Timestamp(observed_from), unit)
    table["entry"], table["duration"] = entry, duration
    seen = (duration > entry) & (duration > 0)
    reason = np.select(
        [duration > 0, ended.to_numpy()],
        [f"ended in the {unit[:-1]} it came into sight", "ended before it began"],
        f"not one {unit[:-1]} old",
    )
    left_out = pd.DataFrame({"contract_id": table["contract_id"], "reason": reason})[~seen]
    names = ["contract_id", "customer_id", "started_on", "entry", "duration", "ended", "running"]
    names += ["fee_per_year", "period_months", *(name for name in KNOWN_AT_START if name in table.columns)]
    runs = table.loc[table["running"], [*names[:2], "duration", *names[7:]]].rename(
        columns={"duration": "age"}
    )
    table = table.loc[seen, names].reset_index(drop=True)
    _enough(table)
    return Durations(
        table,
        runs.reset_index(drop=True),
        left_out.reset_index(drop=True),
        len(table),
        int(table["ended"].sum()),
        int((table["entry"] > 0).sum()),
        unit,
        as_of,
        observed_from,
    )


def beginning_of_sight(contracts: pd.DataFrame, first_day: date) -> date | None:
    """Tell whether ends before the first known day were kept: if none was, that day is where sight begins.

    Parameters
    ----------
    contracts : DataFrame
        ``started_on`` and ``ended_on``.
    first_day : datetime.date
        First known day, such as that of the first order.

    Returns
    -------
    datetime.date or None
        `first_day` where contracts began before it and not one of all contracts ended before it: the register holds
        only those that were still there, and their first months must not count as survived by all. None
        where earlier ends are in the table, or no contract is older. Definition of this project.

    Examples
    --------
    >>> contracts = pd.DataFrame({"started_on": ["2019-05-01", "2021-01-01"], "ended_on": ["2021-04-30", None]})
    >>> beginning_of_sight(contracts, date(2020, 1, 1)), beginning_of_sight(contracts, date(2019, 1, 1))
    (datetime.date(2020, 1, 1), None)
    """
    if "ended_on" not in contracts.columns:
        return None
    first = pd.Timestamp(first_day)
    older = pd.to_datetime(contracts["started_on"]) < first
    gone = pd.to_datetime(contracts["ended_on"]) < first
    return first_day if older.any() and not gone.any() else None


def checked_contracts(contracts: pd.DataFrame) -> pd.DataFrame:
    """Return the columns needed, with days as days; or say which contract cannot be.

    Parameters
    ----------
    contracts : DataFrame
        As for `contract_durations`.

    Returns
    -------
    DataFrame
        ``contract_id``, ``customer_id``, ``started_on``, ``ended_on``, ``period_months``, ``fee_per_year``
        and the columns known at the start that are there, with a new index.

    Raises
    ------
    DataError
        If a column or a start is missing, a contract ended before it started, stands twice, or has a period below 0.
    """
    needed = ("contract_id", "customer_id", "started_on", "ended_on")
    missing = [name for name in needed if name not in contracts.columns]
    if missing:
        raise DataError(
            f"contracts without {' and '.join(missing)}",
            "the columns " + ", ".join(needed),
            "map the columns in the run file; without ended_on no end can be seen",
        )
    table = contracts.reset_index(drop=True)
    table = table[[*needed, *(name for name in KNOWN_AT_START if name in table.columns)]].assign(
        started_on=pd.to_datetime(table["started_on"]), ended_on=pd.to_datetime(table["ended_on"])
    )
    _refuse(table, table["started_on"].isna(), "no started_on", "the first day of every contract")
    # A contract cancelled on its first day may be booked with the day before as its last one.
    day = pd.Timedelta(days=1)
    early = table["ended_on"] < table["started_on"] - day
    _refuse(table, early, "ended_on before started_on", "an end on or after the start")
    _refuse(table, table["contract_id"].duplicated(), "the same contract_id twice", "one row per contract")
    months = pd.Series(_YEARLY, index=table.index)
    if "period_months" in contracts.columns:
        given = contracts["period_months"].reset_index(drop=True).astype("float64")
        _refuse(table, given < 0, "period_months below 0", "months one fee covers")
        months = given.where(given > 0, _YEARLY)
    fee = pd.Series(np.nan, index=table.index)
    if "fee" in contracts.columns:
        fee = contracts["fee"].reset_index(drop=True).astype("float64")
    return table.assign(period_months=months, fee_per_year=fee * 12 / months)


def _refuse(table: pd.DataFrame, bad: pd.Series, found: str, expected: str) -> None:
    if bad.any():
        named = [str(contract) for contract in table.loc[bad, "contract_id"].head(_NAMED)]
        more = ", ..." if bad.sum() > _NAMED else ""
        raise DataError(
            f"{found}, at {int(bad.sum()):,} of {len(bad):,} contracts: {', '.join(named)}{more}",
            expected,
            "correct these rows of the table of contracts",
        )


def _age(table: pd.DataFrame, until: pd.Series, unit: str, up: pd.Series) -> np.ndarray:
    """Age on the morning of a day: begun units where `up`, else completed ones."""
    started = table["started_on"]
    if unit == "days":
        return np.maximum((until - started).dt.days.to_numpy(), 0)
    months = whole_months(started, until).to_numpy()
    # Where a month lacks the day of the start, it is over on the first of the next.
    short = (until.dt.day == 1) & (started.dt.day > (until - pd.Timedelta(days=1)).dt.day)
    begun = months + ~((until.dt.day == started.dt.day) | short).to_numpy()
    length = table["period_months"].to_numpy() if unit == "periods" else 1.0
    found = np.where(up, np.ceil(begun / length), np.floor(months / length))
    return np.maximum(found, 0).astype("int64")


def _entry(table: pd.DataFrame, first: pd.Timestamp, unit: str) -> np.ndarray:
    """Age on the first day in sight, rounded up; 0 for contracts that started on it or later."""
    _refuse(
        table,
        table["ended_on"] < first,
        f"ends before {first:%Y-%m-%d}",
        "none, if observed_from is the first day on which an end could be seen",
    )
    older = table["started_on"] < first
    until = pd.Series(first, index=table.index).where(older, table["started_on"])
    return _age(table, until, unit, up=pd.Series(True, index=table.index))


def _enough(table: pd.DataFrame) -> None:
    ends = int(table["ended"].sum())
    if len(table) < _FEWEST or ends < _FEWEST_ENDS:
        raise TooLittleData(
            f"{len(table):,} contracts with some time in sight, of which {ends:,} ended",
            f"{_FEWEST} contracts and {_FEWEST_ENDS} ends or more",
            "wait, or take a longer period; so few say little about how long contracts last",
        )
