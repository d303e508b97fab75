"""What the record of contacts says of a list: whether it was carried out, and which campaigns are the list itself."""

from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.closed_loop.outcomes import window_table
from crmlib.analysis.closed_loop.stored_lists import NO_CHANNEL
from crmlib.analysis.targeting.decision import CONTACT

#: A list of which fewer were reached, beyond those held out who were reached too, says little of its actions.
CARRIED_OUT = 0.5


@dataclass(frozen=True)
class ContactRecords:
    """What was recorded between the day of a list and its expiry.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``list_id`` and ``action``: ``reached`` (share of those to be contacted who have a contact recorded),
        ``reached_held_out`` (the same of those held out), ``carried_out`` (bool: the first is larger by half or more).
        Shares are missing where nothing is recorded at all for the time of the list, or the action needs no contact;
        it then counts as carried out.
    campaigns : tuple of str
        Campaigns of the record that are a stored list: half or more of their contacts are with customers whom a list
        named, in its time. Their evidence is that of the list and must not count twice.
    """

    table: pd.DataFrame
    campaigns: tuple[str, ...]


def contact_records(rows: pd.DataFrame, contacts: ibis.Table, as_of: date) -> ContactRecords:
    """Look up the customers of stored lists in the record of contacts.

    Parameters
    ----------
    rows : DataFrame
        As in `crmlib.analysis.closed_loop.stored_lists.StoredLists.rows`.
    contacts : ibis.Table
        ``customer_id``, ``campaign_id``, ``contacted_on`` and ``arm``.
    as_of : datetime.date
        Last known day.

    Returns
    -------
    ContactRecords

    Notes
    -----
    Definition of this project. Any contact within the time counts, under whatever name; campaigns that reach both arms
    alike cancel out.

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "list_id": "may", "action": "save", "customer_id": ["A", "B"], "arm": ["contact", "hold out"],
    ...     "channel": "letter", "listed_on": pd.Timestamp("2026-05-31"), "expires_on": pd.Timestamp("2026-06-30")})
    >>> contacts = ibis.memtable(pd.DataFrame({"customer_id": ["A"], "campaign_id": ["june mailing"],
    ...     "contacted_on": [date(2026, 6, 2)], "arm": ["treatment"]}))
    >>> found = contact_records(rows, contacts, date(2026, 6, 30))
    >>> found.table.to_dict("records"), found.campaigns
    ([{'reached': 1.0, 'reached_held_out': 0.0, 'carried_out': True}], ('june mailing',))
    """
    known = contacts.filter(
        contacts.arm == "treatment",
        contacts.customer_id.notnull(),
        contacts.contacted_on <= ibis.literal(as_of),
    )
    wanted = rows.reset_index(drop=True)
    after = wanted["listed_on"] + pd.Timedelta(days=1)
    spans = wanted[["customer_id"]].assign(first_day=after, last_day=wanted["expires_on"])
    joined = window_table(spans).inner_join(
        known.select("customer_id", "campaign_id", "contacted_on"), "customer_id"
    )
    inside = joined.filter(joined.contacted_on >= joined.first_day, joined.contacted_on <= joined.last_day)
    matched = (
        inside.group_by("row", "campaign_id").agg(times=ibis._.count()).execute()
        if len(wanted)
        else pd.DataFrame({"row": np.zeros(0, int), "campaign_id": [], "times": []})
    )
    days = known.group_by("contacted_on").agg(n=ibis._.count()).execute()["contacted_on"]
    return ContactRecords(_shares(wanted, matched, pd.to_datetime(days)), _same(wanted, matched, known))


def _shares(rows: pd.DataFrame, matched: pd.DataFrame, days: pd.Series) -> pd.DataFrame:
    reached = rows.index.isin(matched["row"]).astype("float64")
    arm = np.where(rows["arm"] == CONTACT, "reached", "reached_held_out")
    own = rows.assign(value=reached, part=arm)
    found = own.pivot_table(index=["list_id", "action"], columns="part", values="value", aggfunc="mean")
    found = found.reindex(columns=["reached", "reached_held_out"])
    spans = own.groupby(["list_id", "action"]).agg(
        listed=("listed_on", "first"),
        expires=("expires_on", "first"),
        silent=("channel", lambda channels: channels.eq(NO_CHANNEL).all()),
    )
    seen = [bool(((days > row.listed) & (days <= row.expires)).any()) for row in spans.itertuples()]
    told = np.array(seen, dtype=bool) & ~spans["silent"].to_numpy(dtype=bool)
    found = found.reindex(spans.index)
    found.loc[~told] = np.nan
    apart = found["reached"].fillna(0) - found["reached_held_out"].fillna(0)
    return found.assign(carried_out=~told | (apart >= CARRIED_OUT).to_numpy())


def _same(rows: pd.DataFrame, matched: pd.DataFrame, known: ibis.Table) -> tuple[str, ...]:
    """Name the campaigns of which half or more are contacts that a list asked for."""
    asked = matched[matched["row"].isin(rows.index[rows["arm"] == CONTACT])]
    if asked.empty:
        return ()
    ours = asked.groupby("campaign_id")["times"].sum()
    sizes = known.group_by("campaign_id").agg(size=ibis._.count()).execute().set_index("campaign_id")["size"]
    return tuple(sorted(ours.index[ours.to_numpy() >= CARRIED_OUT * sizes.reindex(ours.index).to_numpy()]))
