"""What else is known of customers on a day: service, answers, reviews, referrals, campaigns, contracts, attributes.

Every table is cut at the day before it is added up. What a row says of a later day (when the club was joined, when a
contract ended) is not known yet.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.churn.activity import Activity, Tables, by_day, day_number, fetched, known_on, spread
from crmlib.analysis.period import DAYS_PER_MONTH

#: Parts of the names of activities that are a contact asked for or a complaint, in English and Italian.
COMPLAINT_WORDS = ("complaint", "claim", "reclam", "lament")
SERVICE_WORDS = (
    "call", "phone", "chat", "mail", "ticket", "support", "visit", "consult", "help",
    "chiamat", "telefon", "assisten", "consulen", *COMPLAINT_WORDS,
)  # fmt: skip
_YEAR, _QUARTER = int(12 * DAYS_PER_MONTH), int(3 * DAYS_PER_MONTH)
IN_CLUB, NOT_IN_CLUB = "member", "no member"


@dataclass(frozen=True)
class Touchpoints:
    """Tables beside the orders, by customer number, ready for any day.

    Attributes
    ----------
    dated : dict of str to ibis.Table
        By table: ``who``, ``n`` (day of the row, days since 1970) and what is counted.
    attributes : dict of str to ndarray of shape (n_customers,)
        Of the table ``customers``: ``acquired`` and ``club`` (days since 1970, NaN where missing), ``there`` (bool),
        and names.
    """

    dated: dict[str, ibis.Table]
    attributes: dict[str, np.ndarray]

    @property
    def acquired(self) -> np.ndarray | None:
        """Day on which each customer was won (days since 1970, NaN where it is not known); None without the column."""
        return self.attributes.get("acquired")

    def on(self, numbers: Sequence[int]) -> dict[int, dict[str, np.ndarray]]:
        """Make the features of all customers at the end of each day.

        Parameters
        ----------
        numbers : sequence of int
            Days since 1970.

        Returns
        -------
        dict of int to dict of str to ndarray of shape (n_customers,)
            By day: names as in `crmlib.analysis.churn.catalogue`.
        """
        size = len(self.attributes["there"])
        found: dict[int, dict[str, np.ndarray]] = {n: {} for n in numbers}
        for name, table in self.dated.items():
            sums = by_day(_ON_DAY[name](known_on(table, numbers)), numbers)
            for n in numbers:
                found[n] |= spread(sums[n], size, blank=np.nan if name == "survey" else 0)
        return {n: self._completed(found[n], n) for n in numbers}

    def _completed(self, found: dict[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
        size = len(self.attributes["there"])
        for name in ("satisfaction", "recommend"):
            if name in found:
                found[name] = found[name].round(6)
        if "rated" in found:
            rated, stars = found.pop("rated"), found.pop("stars")
            found["rating"] = np.divide(stars, rated, out=np.full(size, np.nan), where=rated > 0).round(6)
        if "campaign_on" in found:
            last = found.pop("campaign_on")
            found["campaign_age_days"] = np.where(last > 0, n - last, np.nan)
        return found | self._attributes_on(n)

    def _attributes_on(self, n: int) -> dict[str, np.ndarray]:
        there = self.attributes["there"]
        acquired = self.acquired
        # Before the day of winning there is no row of the customer yet.
        known = there if acquired is None else there & ~(acquired > n)
        found = {
            name: np.where(known, values, None)
            for name, values in self.attributes.items()
            if name in ("acquisition_channel", "region")
        }
        if "club" in self.attributes:
            member = np.where(self.attributes["club"] <= n, IN_CLUB, NOT_IN_CLUB)
            found["club"] = np.where(known, member.astype(object), None)
        return found


def touchpoints(
    tables: Tables,
    activity: Activity,
    *,
    service_words: Sequence[str] = SERVICE_WORDS,
    complaint_words: Sequence[str] = COMPLAINT_WORDS,
) -> Touchpoints:
    """Number the customers of all tables beside the orders, once for all days.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None.
    activity : Activity
        Whose customers are meant.
    service_words, complaint_words : sequence of str
        An activity of ``events`` whose name holds one of these is a service contact, or a complaint; capitals
        do not matter.

    Returns
    -------
    Touchpoints
    """
    laid = {
        "events": lambda table: _events(table, service_words, complaint_words),
        "survey": _survey,
        "reviews": lambda table: _dated(table, "reviewed_on", stars=table.rating),
        "referrals": lambda table: _dated(table, "referred_on", who="referrer_id"),
        "contacts": lambda table: _dated(
            table.filter(table.arm == "treatment"), "contacted_on", by=("campaign_id",)
        ),
        "contracts": _contracts,
    }
    dated = {}
    for name, lay in laid.items():
        table = tables(name)
        ready = None if table is None else lay(table)
        if ready is not None:
            numbered = ready.inner_join(activity.people, "customer_id").drop("customer_id")
            dated[name] = numbered.cache()
    return Touchpoints(dated, _attributes(tables("customers"), activity))


def _dated(
    table: ibis.Table, on: str, who: str = "customer_id", by: Sequence[str] = (), **values
) -> ibis.Table:
    return table.select(*by, customer_id=table[who], n=_day(table, on), **values)


def _day(table: ibis.Table, on: str) -> ibis.Value:
    return day_number(table[on].date() if table[on].type().is_timestamp() else table[on])


def _events(table: ibis.Table, service: Sequence[str], complaint: Sequence[str]) -> ibis.Table:
    how_often = table.quantity.fill_null(1) if "quantity" in table.columns else ibis.literal(1)
    named = _dated(table, "occurred_on", activity=table.activity.lower(), quantity=how_often)
    is_service, is_complaint = (_holds(named.activity, words) for words in (service, complaint))
    return named.filter(is_service | is_complaint).select(
        "customer_id", "n", "quantity", service=is_service.cast("int8"), complaint=is_complaint.cast("int8")
    )


def _holds(text: ibis.Value, words: Sequence[str]) -> ibis.Value:
    found = ibis.literal(False)
    for word in words:
        found = found | text.contains(word.lower())
    return found


def _survey(table: ibis.Table) -> ibis.Table | None:
    scores = {
        name: table[column]
        for name, column in (("satisfaction", "satisfaction"), ("recommend", "recommend_0_10"))
        if column in table.columns
    }
    return _dated(table, "answered_on", **scores) if scores else None


def _contracts(table: ibis.Table) -> ibis.Table:
    ended = _day(table, "ended_on") if "ended_on" in table.columns else ibis.null("int32")
    return _dated(table, "started_on", ended=ended)


def _service_on(known: ibis.Table) -> ibis.Table:
    year = known.filter(known.n > known.d - _YEAR)
    quarter = (year.n > year.d - _QUARTER).ifelse(1, 0)
    return year.group_by("d", "who").agg(
        service_contacts_3m=(year.quantity * year.service * quarter).sum(),
        service_contacts_12m=(year.quantity * year.service).sum(),
        complaints_3m=(year.quantity * year.complaint * quarter).sum(),
        complaints_12m=(year.quantity * year.complaint).sum(),
    )


def _answers_on(known: ibis.Table) -> ibis.Table:
    """Last answer to each question; of several on a day, their mean."""
    parts = []
    for name in ("satisfaction", "recommend"):
        if name not in known.columns:
            continue
        said = known.filter(known[name].notnull())
        last = said.group_by("d", "who").agg(last=said.n.max())
        same = said.inner_join(last, ["d", "who"])
        same = same.filter(same.n == same.last)
        value = same[name].mean().cast("float64")
        age = {"satisfaction_age_days": (same.d - same.n).max()} if name == "satisfaction" else {}
        parts.append(same.group_by("d", "who").agg(**{name: value}, **age))
    if len(parts) == 1:
        return parts[0]
    one, two = parts
    people = ibis.union(*(part.select("d", "who") for part in parts), distinct=True)
    both = people.left_join(one, ["d", "who"]).drop("d_right", "who_right")
    return both.left_join(two, ["d", "who"]).drop("d_right", "who_right")


def _reviews_on(known: ibis.Table) -> ibis.Table:
    year = known.filter(known.n > known.d - _YEAR)
    return year.group_by("d", "who").agg(
        reviews_12m=year.count(), rated=year.stars.count(), stars=year.stars.sum()
    )


def _referrals_on(known: ibis.Table) -> ibis.Table:
    return known.group_by("d", "who").agg(referrals_made=known.count())


def _campaigns_on(known: ibis.Table) -> ibis.Table:
    recent = (known.n > known.d - _YEAR).cast("int32")
    return known.group_by("d", "who").agg(campaigns_12m=recent.sum(), campaign_on=known.n.max())


def _contracts_on(known: ibis.Table) -> ibis.Table:
    runs = (known.ended.isnull() | (known.ended > known.d)).cast("int32")
    return known.group_by("d", "who").agg(contracts_running=runs.sum())


_ON_DAY: dict[str, Callable[[ibis.Table], ibis.Table]] = {
    "events": _service_on,
    "survey": _answers_on,
    "reviews": _reviews_on,
    "referrals": _referrals_on,
    "contacts": _campaigns_on,
    "contracts": _contracts_on,
}


def _attributes(customers: ibis.Table | None, activity: Activity) -> dict[str, np.ndarray]:
    there = np.zeros(len(activity.ids), dtype=bool)
    if customers is None:
        return {"there": there}
    days = {"acquired": "acquired_on", "club": "club_member_since"}
    wanted = {name: _day(customers, column) for name, column in days.items() if column in customers.columns}
    names = [name for name in ("acquisition_channel", "region") if name in customers.columns]
    own = customers.select("customer_id", *names, **wanted)
    table = fetched(own.inner_join(activity.people, "customer_id").drop("customer_id"), "who")
    who = table["who"].to_numpy()
    there[who] = True
    found = spread({name: table[name] for name in ("who", *wanted)}, len(there))
    for name in names:
        found[name] = np.full(len(there), None, dtype=object)
        found[name][who] = pd.array(table[name].to_pandas(), dtype="object")
    return found | {"there": there}
