"""What running contracts hold for the months ahead: who is likely to end, and what that takes away."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmlib.analysis.survival.against_curve import ModelsAgainstCurve, models_against_curve
from crmlib.analysis.survival.durations import Durations, contract_durations
from crmlib.analysis.survival.hazards import hazard_by_age
from crmlib.analysis.survival.losses_seen import ContractualChurn, contractual_churn
from crmlib.analysis.survival.proportional import ProportionalHazards, proportional_hazards
from crmlib.analysis.survival.restricted_mean import restricted_mean_by
from crmlib.analysis.survival.revenue_at_stake import RevenueAtStake, revenue_at_stake
from crmlib.errors import TooLittleData

_FEWEST_AGES = 3  # to fit a model to
_CLASSES = 8
_KNOWN_AT_START = ("plan", "service", "payment")


def lived_so_far(
    contracts: pd.DataFrame | None, as_of: date, observed_from: date | None = None
) -> Durations | None:
    """Measure durations where there is enough to say anything about them.

    Parameters
    ----------
    contracts, as_of, observed_from
        As for `crmlib.analysis.survival.durations.contract_durations`.

    Returns
    -------
    Durations or None
        None without contracts or a column of their ends, or with too few of them or too few ends.
    """
    if contracts is None or "ended_on" not in contracts.columns:
        return None
    try:
        return contract_durations(contracts, as_of, observed_from)
    except TooLittleData:
        return None


def models_beside(durations: Durations | None) -> ModelsAgainstCurve | None:
    """Hold simple models against the curve; None where there are no durations, or too few ages to fit and to test."""
    if durations is None or durations.table["duration"].max() < _FEWEST_AGES:
        return None
    try:
        return models_against_curve(durations.table)
    except TooLittleData:
        return None


def lost_lately(contracts: pd.DataFrame, as_of: date, months: int = 12) -> ContractualChurn | None:
    """Count the contracts lost within some months, where the data can tell.

    Parameters
    ----------
    contracts : DataFrame
        The table ``contracts``.
    as_of : datetime.date
        Last known day.
    months : int

    Returns
    -------
    ContractualChurn or None
        None where too few ran before, or all ends fall on one day: such a file knows the ends of one moment only, and
        those who left earlier are not in it.
    """
    if "ended_on" not in contracts.columns:
        return None
    ends = pd.to_datetime(contracts["ended_on"]).dropna()
    if ends[ends <= pd.Timestamp(as_of)].nunique() < 2:
        return None
    try:
        return contractual_churn(contracts, as_of, months)
    except TooLittleData:
        return None


def chance_by_age(durations: Durations | None) -> pd.DataFrame | None:
    """Count the chance to end within a month, by classes of ages; None without durations, or with too few ends.

    Returns
    -------
    DataFrame or None
        As from `crmlib.analysis.survival.hazards.hazard_by_age`, with ``ages`` in words.
    """
    if durations is None:
        return None
    try:
        found = hazard_by_age(durations.table, most=_CLASSES)
    except TooLittleData:
        return None
    ages = found[["from_age", "to_age"]].astype("int64").astype("str")
    alone = ages["from_age"] == ages["to_age"]
    return found.assign(ages=ages["from_age"].where(alone, ages["from_age"] + " to " + ages["to_age"]))


@dataclass(frozen=True)
class ContractOutlook:
    """Customers under contract, and what their contracts are expected to do.

    Attributes
    ----------
    people : DataFrame
        Indexed by ``customer_id`` (sorted), customers with a running contract whose fee is known:
        ``churn_probability`` (share of their fees expected to end within `months`), ``value`` (margin on their fees of
        a year, run's currency), ``age`` (months, of the contract with most at stake), ``plan`` where it is known.
    stake : RevenueAtStake
        The same by contract, in fees.
    months : int
        How far ahead.
    by : str
        What the rates are told apart by, besides age; empty if by age alone.
    """

    people: pd.DataFrame
    stake: RevenueAtStake
    months: int
    by: str

    @property
    def why(self) -> pd.Series:
        """Words for each customer: what the chance goes by."""
        months = self.people["age"].round().astype("int64")
        words = "contract of " + months.astype("str") + np.where(months == 1, " month", " months")
        if self.by:
            words = words + ", " + self.people[self.by].astype("str")
        return words.rename("why")


def contract_outlook(durations: Durations, gross_margin: float | None, months: int = 12) -> ContractOutlook:
    """Look ahead over the running contracts.

    Parameters
    ----------
    durations : Durations
        In months.
    gross_margin : float or None
        Share of the fee that is margin; all of it if not stated.
    months : int
        How far ahead.

    Returns
    -------
    ContractOutlook

    Raises
    ------
    DataError, TooLittleData
        As from `crmlib.analysis.survival.revenue_at_stake.revenue_at_stake`.

    Notes
    -----
    Definition of this project. Rates are told apart by ``plan`` where the contracts name one.

    Examples
    --------
    >>> contracts = pd.DataFrame({"contract_id": range(100), "customer_id": range(100), "started_on": "2025-01-01",
    ...     "ended_on": ["2025-01-31"] * 40 + [None] * 60, "fee": 10.0, "period_months": 1})
    >>> found = contract_outlook(contract_durations(contracts, date(2025, 1, 31)), 0.5, months=1)
    >>> found.people[["churn_probability", "value"]].iloc[0].tolist(), found.why.iloc[0]
    ([0.4, 60.0], 'contract of 1 month')
    """
    table = durations.table
    by = "plan" if "plan" in table.columns and table["plan"].nunique() > 1 else ""
    stake = revenue_at_stake(durations, months, by or None)
    own = stake.table
    if by:
        # Contracts too young for a duration run, too.
        own = own.merge(durations.running[["contract_id", by]], on="contract_id", how="left")
        own[by] = own[by].astype("str").where(own[by].notna(), "(unknown)")
    grouped = own.sort_values(["customer_id", "at_stake"], ascending=[True, False], kind="stable").groupby(
        "customer_id"
    )
    people = grouped.agg(fee=("fee_per_year", "sum"), lost=("at_stake", "sum"), age=("age", "first"))
    if by:
        people[by] = grouped[by].first()
    chance = np.divide(people["lost"], people["fee"], out=np.zeros(len(people)), where=people["fee"] > 0)
    people["churn_probability"] = np.clip(chance, 0.0, 1.0)
    people["value"] = people["fee"] * (1.0 if gross_margin is None else gross_margin)
    people.index = people.index.astype("str")
    columns = ["churn_probability", "value", "age", *([by] if by else [])]
    return ContractOutlook(people[columns].sort_index(), stake, months, by)


@dataclass(frozen=True)
class WhoEnds:
    """What goes with ending sooner.

    Attributes
    ----------
    cox : ProportionalHazards
    means : DataFrame
        Restricted mean by the levels of `first`; see `crmlib.analysis.survival.restricted_mean.restricted_mean_by`.
    first : str
        The covariate with the strongest effect.
    """

    cox: ProportionalHazards
    means: pd.DataFrame
    first: str


def who_ends(durations: Durations) -> WhoEnds | None:
    """Compare contracts by what is known of them at their start.

    Parameters
    ----------
    durations : Durations

    Returns
    -------
    WhoEnds or None
        None where nothing is known at the start of every contract, or too few contracts ended to compare.
    """
    covariates = [
        name
        for name in _KNOWN_AT_START
        if name in durations.table.columns
        and durations.table[name].nunique() > 1
        and durations.table[name].notna().all()
    ]
    if not covariates:
        return None
    try:
        cox = proportional_hazards(durations.table, covariates)
        effects = cox.effects.assign(size=cox.effects["coefficient"].abs())
        first = str(effects.loc[effects["size"].idxmax(), "covariate"])
        return WhoEnds(cox, restricted_mean_by(durations.table, first), first)
    except TooLittleData:
        return None
