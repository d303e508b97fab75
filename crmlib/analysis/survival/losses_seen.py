"""What churn is where the loss is seen: contracts that ran a year ago and have ended, and what they paid."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from crmlib.analysis.intervals import ratio_interval, wilson_interval
from crmlib.analysis.rounding import rounded
from crmlib.analysis.survival.durations import checked_contracts
from crmlib.errors import ParameterError, TooLittleData

_FEWEST = 30
_MOST_UNDER_CONTRACT = 0.95


@dataclass(frozen=True)
class ContractualChurn:
    """Contracts lost within some months, among those that ran at their beginning.

    Attributes
    ----------
    definition : str
        What counts as lost, in a sentence: never show the rate without it.
    since, until : datetime.date
        Day on whose evening the contracts counted ran, and last known day.
    running_before, ended : int
        Contracts that ran then, and those of them whose last day came by `until` (they were not yet over before it).
    rate, low, high : float
        Share of them that ended, with its interval.
    fee_before, fee_lost : float
        Fees per year of these contracts, and of those that ended; NaN where no fee is known.
    fee_rate, fee_low, fee_high : float
        Share of the fees that was lost, with an interval over contracts.
    signed, running_now : int
        Contracts that began in these months; contracts that run at the end of `until`.
    fee_now : float
        Their fees per year.
    """

    definition: str
    since: date
    until: date
    running_before: int
    ended: int
    rate: float
    low: float
    high: float
    fee_before: float
    fee_lost: float
    fee_rate: float
    fee_low: float
    fee_high: float
    signed: int
    running_now: int
    fee_now: float


@dataclass(frozen=True)
class KindOfLoss:
    """Whether the loss of a customer is seen.

    Attributes
    ----------
    kind : {"contractual", "mixed", "non-contractual"}
        The loss of all customers is seen; that of a part; that of nobody.
    under_contract, customers : int
        Customers who have, or had, a contract with a known way to end; all customers.
    share : float
        The first of the second.
    reason : str
        Why, in a sentence.
    """

    kind: str
    under_contract: int
    customers: int
    share: float
    reason: str


def contractual_churn(
    contracts: pd.DataFrame, as_of: date, months: int = 12, level: float = 0.95
) -> ContractualChurn:
    """Count the contracts that ran some months ago and have ended since.

    Parameters
    ----------
    contracts : DataFrame
        The table of contracts, as for `contract_durations`.
    as_of : datetime.date
        Last known day.
    months : int
        Length of the window.
    level : float
        Level of the intervals.

    Returns
    -------
    ContractualChurn

    Raises
    ------
    DataError
        If a contract cannot be; see `contract_durations`.
    ParameterError
        If the window has no month.
    TooLittleData
        If fewer than 30 contracts ran at its beginning.

    Notes
    -----
    Contracts that began within the window count neither above nor below: ends of young contracts would otherwise
    be divided by old ones. Definition of this project; interval of the share: Wilson (1927).

    Examples
    --------
    >>> contracts = pd.DataFrame({"contract_id": range(40), "customer_id": range(40), "started_on": "2024-01-01",
    ...                           "ended_on": ["2025-06-30"] * 10 + [None] * 30, "fee": 5.0, "period_months": 1})
    >>> found = contractual_churn(contracts, date(2025, 12, 31))
    >>> found.since.isoformat(), found.running_before, found.ended, found.rate, found.fee_lost
    ('2024-12-31', 40, 10, 0.25, 600.0)
    """
    if months < 1:
        raise ParameterError(f"months = {months}", "1 or more", "correct the length of the window")
    table = checked_contracts(contracts)
    last = pd.Timestamp(as_of)
    # Windows that end with a month begin with one.
    since = (last + pd.Timedelta(days=1) - pd.DateOffset(months=months)) - pd.Timedelta(days=1)
    ends = table["ended_on"].where(table["ended_on"] <= last)
    before = (table["started_on"] <= since) & ~(ends <= since)
    gone = before & ends.notna()
    if before.sum() < _FEWEST:
        raise TooLittleData(
            f"{int(before.sum()):,} contracts that ran on {since:%Y-%m-%d}",
            f"{_FEWEST} or more",
            "take a shorter window, or wait",
        )
    low, high = wilson_interval(int(gone.sum()), int(before.sum()), level)
    now = (table["started_on"] <= last) & ends.isna()
    fees = table["fee_per_year"].fillna(0.0)
    priced = table["fee_per_year"].notna().any()
    at_stake, lost = fees[before], fees[before].where(gone[before], 0.0)
    fee_low, fee_high = ratio_interval(lost.to_numpy(), at_stake.to_numpy(), level)
    nothing = float("nan")
    return ContractualChurn(
        f"Churn: a contract that ran on {since:%Y-%m-%d} and whose last day came by {last:%Y-%m-%d}.",
        since.date(),
        as_of,
        int(before.sum()),
        int(gone.sum()),
        float(rounded(gone.sum() / before.sum())),
        float(rounded(low)),
        float(rounded(high)),
        float(at_stake.sum()) if priced else nothing,
        float(lost.sum()) if priced else nothing,
        float(rounded(lost.sum() / at_stake.sum())) if at_stake.sum() > 0 else nothing,
        float(rounded(max(fee_low, 0.0))) if fee_low == fee_low else nothing,
        float(rounded(min(fee_high, 1.0))) if fee_high == fee_high else nothing,
        int(((table["started_on"] > since) & (table["started_on"] <= last)).sum()),
        int(now.sum()),
        float(fees[now].sum()) if priced else nothing,
    )


def kind_of_loss(contracts: pd.DataFrame | None, customers: pd.Series, as_of: date) -> KindOfLoss:
    """Decide from the tables present whether the loss of customers is seen.

    Parameters
    ----------
    contracts : DataFrame or None
        ``customer_id``, ``started_on`` and ``ended_on``; None where the source has no such table.
    customers : Series
        Identifiers of all customers, each once.
    as_of : datetime.date
        Last known day.

    Returns
    -------
    KindOfLoss

    Notes
    -----
    Schmittlein, Morrison & Colombo (1987), Management Science 33:1-24; Fader & Hardie (2009), Journal of Interactive
    Marketing 23:61-69. Contracts without an end are no evidence: where not one contract of the table ever ended, or the
    column is missing, the loss is not seen. Definition of this project.

    Examples
    --------
    >>> contracts = pd.DataFrame({"customer_id": ["A"], "started_on": ["2024-01-01"], "ended_on": ["2024-12-31"]})
    >>> kind_of_loss(contracts, pd.Series(["A", "B"]), date(2025, 6, 30)).kind
    'mixed'
    """
    total = int(customers.nunique())
    if contracts is None:
        return KindOfLoss(
            "non-contractual",
            0,
            total,
            0.0,
            "There is no table of contracts: nobody says when a customer left.",
        )
    last = pd.Timestamp(as_of)
    known = pd.to_datetime(contracts["started_on"]) <= last
    ends = (
        pd.to_datetime(contracts["ended_on"])
        if "ended_on" in contracts.columns
        else pd.Series(pd.NaT, index=contracts.index)
    )
    if not (ends <= last).any():
        return KindOfLoss(
            "non-contractual",
            0,
            total,
            0.0,
            "Not one contract has an end: an end that is never booked is not seen.",
        )
    under = int(customers.isin(contracts.loc[known, "customer_id"]).sum())
    share = under / total if total else 0.0
    if share >= _MOST_UNDER_CONTRACT:
        kind, reason = "contractual", "Nearly all customers have a contract, and its end is booked."
    else:
        kind, reason = (
            "mixed",
            "A part of the customers has a contract; of the others nobody says when they left.",
        )
    return KindOfLoss(kind, under, total, float(rounded(share)), reason)
