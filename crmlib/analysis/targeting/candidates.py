"""Customers of today as a test would have seen them: what is known before a contact that has not been made."""

from datetime import date, timedelta

import ibis
import pandas as pd

from crmlib.analysis.targeting.experiments import campaign_table, covariates_in
from crmlib.errors import TooLittleData

_NOW = "today's candidates"


def candidates(
    contacts: ibis.Table | None,
    lines: ibis.Table,
    as_of: date,
    *,
    customers: ibis.Table | None = None,
    active_days: int = 365,
    history_days: int = 365,
) -> pd.DataFrame:
    """Lay out the customers who could be contacted on the day after `as_of`, with the covariates of a test.

    Parameters
    ----------
    contacts, lines, as_of, customers, history_days
        As for `crmlib.analysis.targeting.experiments.experiment`; without contacts nobody was contacted before.
    active_days : int
        Who has not ordered for longer is no candidate.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id`` (sorted): ``contacted_on`` (the day after `as_of`) and the covariates of
        `experiment`, computed in the same way.

    Raises
    ------
    TooLittleData
        If nobody has ordered within `active_days`.

    Examples
    --------
    >>> lines = ibis.memtable(pd.DataFrame({
    ...     "customer_id": ["A", "B"], "order_id": ["1", "2"], "day": [date(2026, 6, 21), date(2024, 3, 5)],
    ...     "net_sales": [50.0, 30.0], "list_sales": 0.0, "discounts": 0.0, "returns": 0.0,
    ...     "cost_of_goods": [20.0, 10.0], "returned_goods": 0.0, "bought": True}))
    >>> candidates(None, lines, date(2026, 6, 30))[["recency_days", "margin_before", "contacts_before"]]
                 recency_days  margin_before  contacts_before
    customer_id
    A                    10.0           30.0              0.0
    """
    day = as_of + timedelta(days=1)
    known = lines.filter(lines.day <= ibis.literal(as_of))
    last = (
        known.filter(known.bought, known.customer_id.notnull())
        .group_by("customer_id")
        .agg(last=ibis._.day.max())
    )
    own = last.filter(last.last > ibis.literal(as_of - timedelta(days=active_days))).select("customer_id")
    own = own.mutate(
        campaign_id=ibis.literal(_NOW),
        contacted_on=ibis.literal(day),
        arm=ibis.literal("control"),
        cost=ibis.literal(0.0),
        action=ibis.null("string"),
    )
    if contacts is not None:
        past = contacts.filter(contacts.contacted_on <= ibis.literal(as_of))
        own = own.union(
            past.select("customer_id", "campaign_id", "contacted_on", "arm").mutate(
                cost=ibis.literal(0.0), action=ibis.null("string")
            )
        )
    table = campaign_table(own, known, day, customers=customers, history_days=history_days)
    rows = table.filter(table.campaign_id == _NOW).execute()
    if rows.empty:
        raise TooLittleData(
            f"no customer who ordered within {active_days} days up to {as_of}",
            "customers who are still active",
            "take a longer active_days, or a later as_of",
        )
    rows = rows.set_index("customer_id").sort_index()
    rows["contacted_on"] = pd.to_datetime(rows["contacted_on"])
    if "acquisition_channel" in rows.columns:
        rows["acquisition_channel"] = rows["acquisition_channel"].astype("category")
    return rows[["contacted_on", *covariates_in(rows)]]
