"""Who may be contacted now: nobody contacted lately, on a list still being compared, or who has refused."""

from dataclasses import dataclass, field
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.actions.lot import RESPONSE_DAYS
from crmlib.analysis.actions.options import Options
from crmlib.analysis.closed_loop.stored_lists import StoredLists
from crmlib.errors import ParameterError


@dataclass(frozen=True)
class Reachable:
    """Customers who may be contacted, and why others may not.

    Attributes
    ----------
    refused, resting : Index
        Customers who refused contact; customers contacted within the rest days.
    rest_days : int
    consent_known : bool
        Whether the data say who refused. Where they do not, or a cell is blank, nobody is taken to have refused.
    observed : Index
        Customers on an earlier list, contacted or held out, whose response is still being compared.
    """

    refused: pd.Index
    resting: pd.Index
    rest_days: int
    consent_known: bool
    observed: pd.Index = field(default_factory=lambda: pd.Index([], dtype="str"))

    @property
    def left_in_peace(self) -> pd.Index:
        """Customers who are not contacted now, though they have not refused."""
        return self.resting.union(self.observed)

    def allows(self, options: Options) -> np.ndarray:
        """Mask of the options that are allowed: those without a contact always are.

        Examples
        --------
        >>> offers = {name: pd.DataFrame({"gain": 9.0, "cost": 1.0}, index=["A", "B"]) for name in ("save", "reprice")}
        >>> options = Options.of(pd.Index(["A", "B"]), offers)
        >>> nobody = Reachable(pd.Index(["A"]), pd.Index([]), 60, True)
        >>> options.where(nobody.allows(options)).names().tolist()
        ['reprice', 'save', 'reprice']
        """
        shut = options.customers.isin(self.refused) | options.customers.isin(self.left_in_peace)
        return ~(options.contacts() & shut[options.table["customer"].to_numpy()])


def reachable(
    as_of: date,
    rest_days: int,
    contacts: ibis.Table | None = None,
    customers: ibis.Table | None = None,
    earlier: StoredLists | None = None,
) -> Reachable:
    """Find out who may be contacted.

    Parameters
    ----------
    as_of : datetime.date
        Last known day.
    rest_days : int
        Days between two contacts of a customer, 0 or more.
    contacts : ibis.Table, optional
        ``customer_id``, ``contacted_on``, ``arm``; only the treated count.
    customers : ibis.Table, optional
        With ``contact_consent`` (false: refused).
    earlier : StoredLists, optional
        Lists of earlier runs. Their contacts count as contacts; and until the response to a list is known, both its
        arms are left in peace, so that they stay alike.

    Returns
    -------
    Reachable

    Raises
    ------
    ParameterError
        If the rest days are below 0.

    Examples
    --------
    >>> contacts = ibis.memtable(pd.DataFrame({"customer_id": ["A", "B"], "arm": ["treatment", "control"],
    ...                                        "contacted_on": [date(2026, 6, 1)] * 2}))
    >>> reachable(date(2026, 6, 30), 60, contacts).resting.tolist()
    ['A']
    """
    if not rest_days >= 0:
        raise ParameterError(f"rest_days = {rest_days}", "0 or more", "give 60 for two months")
    after = as_of - timedelta(days=rest_days)
    resting = pd.Index([], dtype="str")
    if contacts is not None and rest_days:
        late = contacts.filter(
            contacts.arm == "treatment", contacts.contacted_on > ibis.literal(after),
            contacts.contacted_on <= ibis.literal(as_of),
        )  # fmt: skip
        resting = pd.Index(late.select("customer_id").distinct().execute()["customer_id"])
    observed = pd.Index([], dtype="str")
    if earlier is not None:
        observed = earlier.observed(as_of, RESPONSE_DAYS)
        if rest_days:
            listed = earlier.last_contacted()
            resting = resting.union(listed.index[listed > pd.Timestamp(after)])
    known = customers is not None and "contact_consent" in customers.columns
    refused = pd.Index([], dtype="str")
    if known:
        no = customers.filter(~customers.contact_consent).select("customer_id").execute()
        refused = pd.Index(no["customer_id"])
    return Reachable(refused.sort_values(), resting.sort_values(), rest_days, known, observed)
