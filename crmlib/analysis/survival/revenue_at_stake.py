"""What running contracts may cost when they end: fee times chance to end within the months ahead."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.rounding import rounded
from crmlib.analysis.survival.durations import Durations
from crmlib.analysis.survival.hazards import hazard_by_age
from crmlib.errors import DataError, ParameterError, TooLittleData


@dataclass(frozen=True)
class RevenueAtStake:
    """Fees per year that are expected to go with contracts that end.

    Attributes
    ----------
    table : DataFrame
        One row per running contract with a known fee: ``contract_id``, ``customer_id``, ``age``,
        ``fee_per_year``, ``chance`` (to end within `months`), ``at_stake`` (their product); the most at stake
        first.
    total, low, high : float
        Sum of ``at_stake``, with an interval over the chance in the rates counted and in who will end.
    fee_per_year : float
        Fees per year of these contracts.
    expected_ends : float
        Contracts expected to end.
    contracts, without_fee : int
        Contracts in the table; running contracts left out because their fee is not known.
    months : int
        How far ahead.
    hazard : DataFrame
        The rates used, as returned by `hazard_by_age`.
    """

    table: pd.DataFrame
    total: float
    low: float
    high: float
    fee_per_year: float
    expected_ends: float
    contracts: int
    without_fee: int
    months: int
    hazard: pd.DataFrame


def revenue_at_stake(
    durations: Durations, months: int = 12, by: str | None = None, level: float = 0.95, per_class: int = 25
) -> RevenueAtStake:
    """Multiply the fee of every running contract with its chance to end within the months ahead.

    The chance follows the contract's age: the rates counted at the ages it is about to live. Beyond the
    highest age seen the last rate is carried on.

    Parameters
    ----------
    durations : Durations
        In months or in periods.
    months : int
        How far ahead.
    by : str, optional
        Column known at the start; each of its levels with at least `per_class` ends has rates of its own, the
        others share those of all.
    level : float
        Level of the interval.
    per_class : int
        Ends a class of ages needs.

    Returns
    -------
    RevenueAtStake

    Raises
    ------
    ParameterError
        If ages are days.
    DataError
        If no running contract has a fee.
    TooLittleData
        If no contract runs, or fewer than `per_class` ended.

    Notes
    -----
    Variance of the rates by the delta method, ends taken as binomial at each class of ages; who will end: one
    draw per contract. The rates are those of the past: prices, or terms, that change make them wrong.
    Definition of this project.

    Examples
    --------
    >>> from datetime import date
    >>> from crmlib.analysis.survival.durations import contract_durations
    >>> contracts = pd.DataFrame({"contract_id": range(100), "customer_id": range(100), "started_on": "2025-01-01",
    ...     "ended_on": ["2025-01-31"] * 40 + [None] * 60, "fee": 10.0, "period_months": 1})
    >>> found = revenue_at_stake(contract_durations(contracts, date(2025, 1, 31)), months=1)
    >>> found.fee_per_year, found.total, found.expected_ends
    (7200.0, 2880.0, 24.0)
    """
    if durations.unit == "days":
        raise ParameterError("ages in days", "months or periods", "measure durations in months")
    if months < 1:
        raise ParameterError(f"months = {months}", "1 or more", "correct the horizon")
    running = durations.running
    if running.empty:
        raise TooLittleData("no contract that runs", "some", "take an earlier last known day")
    priced = running["fee_per_year"].notna()
    if not priced.any():
        raise DataError(
            "no fee of a running contract", "the column fee", "add what a contract pays per period"
        )
    running = running[priced].reset_index(drop=True)
    table = running[["contract_id", "customer_id", "age", "fee_per_year", "period_months"]]
    groups = np.zeros(len(table), dtype="int64")
    parts, names = [durations.table], ["all"]
    if by is not None:
        labels = durations.table[by].astype("string").fillna("(unknown)")
        ends = durations.table["ended"].groupby(labels).sum()
        for label in ends.index[ends >= per_class]:  # levels, not contracts
            own = (running[by].astype("string").fillna("(unknown)") == label).to_numpy()
            groups[own] = len(parts)
            parts.append(durations.table[labels == label])
            names.append(str(label))
    step = np.ones(len(table)) if durations.unit == "months" else table["period_months"].to_numpy()
    ahead = np.maximum(np.round(months / step), 1).astype("int64")
    chance, fee = np.zeros(len(table)), table["fee_per_year"].to_numpy()
    variance, rates = 0.0, []
    for number, part in enumerate(parts):
        own = groups == number
        if not own.any():
            continue
        hazard = hazard_by_age(part, per_class, level)
        chance[own], gradient = _chances(hazard, table["age"].to_numpy()[own], ahead[own], fee[own])
        rate = hazard["hazard"].to_numpy()
        variance += float((gradient**2 * rate * (1 - rate) / hazard["at_risk"].to_numpy()).sum())
        rates.append(hazard if by is None else hazard.assign(group=names[number]))
    table = table.assign(chance=rounded(chance), at_stake=rounded(fee * chance)).drop(columns="period_months")
    total = float((fee * chance).sum())
    variance += float((fee**2 * chance * (1 - chance)).sum())
    half = float(norm.ppf((1 + level) / 2) * np.sqrt(variance))
    table = table.sort_values(["at_stake", "contract_id"], ascending=[False, True]).reset_index(drop=True)
    return RevenueAtStake(
        table,
        float(rounded(total)),
        float(rounded(max(total - half, 0.0))),
        float(rounded(min(total + half, fee.sum()))),
        float(rounded(fee.sum(), 12)),
        float(rounded(chance.sum())),
        len(table),
        int((~priced).sum()),
        months,
        pd.concat(rates, ignore_index=True),
    )


def _chances(
    hazard: pd.DataFrame, age: np.ndarray, ahead: np.ndarray, fee: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Chance of each contract to end within its steps ahead, and the slope of fees lost by each rate."""
    last, rate = hazard["to_age"].to_numpy(), hazard["hazard"].to_numpy()
    # Ages lived in each class between now and then, contract by contract: the last class has no end.
    edges = np.append(0, last).astype("float64")
    edges[-1] = np.inf
    start, stop = age[:, None].astype("float64"), (age + ahead)[:, None].astype("float64")
    lived = np.maximum(np.minimum(stop, edges[1:]) - np.maximum(start, edges[:-1]), 0.0)
    stays = np.exp(lived @ np.log(np.maximum(1 - rate, 1e-300)))
    gradient = (fee * stays) @ lived / np.maximum(1 - rate, 1e-12)
    return 1 - stays, gradient
