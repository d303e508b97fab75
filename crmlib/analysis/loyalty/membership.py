"""Who is a member of the club, from when to when, and at what fee."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.period import DAYS_PER_MONTH, Period


@dataclass(frozen=True)
class Club:
    """The memberships of a club, as known on one day.

    Attributes
    ----------
    memberships : DataFrame
        Indexed by ``customer_id`` (sorted), one row per customer who ever joined: ``joined_on``, ``ended_on`` (last
        day; NaT while the membership runs, or where no end is recorded), ``fee_per_year`` (run's currency; NaN where
        not known).
    as_of : datetime.date
        Last known day.
    """

    memberships: pd.DataFrame
    as_of: date

    @property
    def fees_known(self) -> bool:
        """Whether the fee of every membership is known."""
        return bool(self.memberships["fee_per_year"].notna().all())

    def members_on(self, day: date) -> pd.Index:
        """Return who is a member on a day, both the first and the last day of a membership included."""
        found, at = self.memberships, pd.Timestamp(day)
        inside = (found["joined_on"] <= at) & ~(found["ended_on"] < at)
        return found.index[inside]

    def member_months(self, period: Period) -> pd.Series:
        """Return how long each customer was a member within a period, in months of 30.44 days.

        Returns
        -------
        Series of float
            Indexed by ``customer_id``: members of the period only.
        """
        found = self.memberships
        first = found["joined_on"].clip(lower=pd.Timestamp(period.first))
        last = found["ended_on"].fillna(pd.Timestamp(period.last)).clip(upper=pd.Timestamp(period.last))
        days = ((last - first).dt.days + 1).clip(lower=0)
        return (days[days > 0] / DAYS_PER_MONTH).rename("member_months")


def club(tables: Callable[[str], ibis.Table | None], as_of: date) -> Club | None:
    """Read the memberships of the club.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None; `crmlib.intake.Data.table` is one. ``customers`` says who
        joined when (``club_member_since``); a row of ``contracts`` that began on that day says when the membership
        ended and what it costs.
    as_of : datetime.date
        Last known day.

    Returns
    -------
    Club or None
        None where nobody is known to have joined a club.

    Notes
    -----
    Definition of this project. A customer who left and came back counts as a member up to the first end, since
    ``club_member_since`` is one day. Without a contract a membership has no known end and no known fee.

    Examples
    --------
    >>> customers = ibis.memtable(pd.DataFrame({
    ...     "customer_id": ["A", "B"], "club_member_since": [date(2026, 1, 10), None]}))
    >>> contracts = ibis.memtable(pd.DataFrame({"contract_id": ["1"], "customer_id": ["A"],
    ...     "started_on": [date(2026, 1, 10)], "ended_on": [date(2026, 4, 9)], "fee": [3.0], "period_months": [3]}))
    >>> found = club({"customers": customers, "contracts": contracts}.get, date(2026, 6, 30))
    >>> found.memberships
                 joined_on   ended_on  fee_per_year
    customer_id
    A           2026-01-10 2026-04-09          12.0
    >>> list(found.members_on(date(2026, 4, 9))), list(found.members_on(date(2026, 4, 10)))
    (['A'], [])
    """
    customers = tables("customers")
    if customers is None or "club_member_since" not in customers.columns:
        return None
    since = customers.club_member_since
    joined = customers.filter(since.notnull(), since <= ibis.literal(as_of))
    joined = joined.select("customer_id", joined_on=joined.club_member_since.cast("date"))
    contracts = tables("contracts")
    if contracts is not None:
        terms = _terms(contracts)
        both = (joined.customer_id == terms.holder) & (joined.joined_on == terms.began)
        joined = joined.left_join(terms, both).select(*joined.columns, *_TERMS)
    else:
        joined = joined.mutate(open_ends=ibis.null("int64"), ended_on=ibis.null("date"), fee_per_year=np.nan)
    rows = joined.execute().sort_values("customer_id").set_index("customer_id")
    if rows.empty:
        return None
    ended = pd.to_datetime(rows["ended_on"])
    running = (rows["open_ends"].fillna(1).to_numpy("float64") > 0) | (ended > pd.Timestamp(as_of)).to_numpy()
    memberships = pd.DataFrame(
        {
            "joined_on": pd.to_datetime(rows["joined_on"]),
            "ended_on": ended.mask(running),
            "fee_per_year": rows["fee_per_year"].astype("float64"),
        }
    )
    return Club(memberships, as_of)


_TERMS = ("open_ends", "ended_on", "fee_per_year")


def _terms(contracts: ibis.Table) -> ibis.Table:
    """Put the contracts of a customer that began on one day into one row: the last end, the sum of the fees."""
    has = set(contracts.columns)
    ended = contracts.ended_on.cast("date") if "ended_on" in has else ibis.null("date")
    fee = contracts.fee.cast("float64") if "fee" in has else ibis.null("float64")
    months = contracts.period_months.cast("float64") if "period_months" in has else ibis.null("float64")
    each = contracts.select(
        holder=contracts.customer_id,
        began=contracts.started_on.cast("date"),
        end=ended,
        running=ended.isnull().cast("int64"),
        yearly=fee * 12.0 / months.nullif(0.0),
    )
    return each.group_by("holder", "began").agg(
        open_ends=each.running.sum(), ended_on=each.end.max(), fee_per_year=each.yearly.sum()
    )
