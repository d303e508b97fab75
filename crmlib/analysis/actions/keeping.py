"""Offers that keep relations: win back who is probably gone, save who may leave, repair what went wrong."""

from collections.abc import Callable
from datetime import date, timedelta

import ibis
import pandas as pd

from crmlib.analysis.actions.offer import Offer, Prices, by_customer
from crmlib.analysis.targeting.value_kept import value_if_kept
from crmlib.errors import ParameterError, TooLittleData

#: Below this chance to be active a customer counts as more likely gone than not.
PROBABLY_GONE = 0.5
#: Gains count over so many months.
MONTHS = 12
_RECENT_DAYS = 90


def win_back(
    lifetime: pd.DataFrame | None,
    last_orders: pd.DataFrame,
    prices: Prices,
    churn: pd.DataFrame | None = None,
) -> Offer:
    """Offer those who are probably gone something to return for.

    Parameters
    ----------
    lifetime : DataFrame or None
        The saved table ``lifetime_value``: ``customer_id``, ``alive``, ``value_12``.
    last_orders : DataFrame
        As returned by `order_histories`.
    prices : Prices
    churn : DataFrame, optional
        The saved table ``churn``; its customers bought lately and belong to `save`.

    Returns
    -------
    Offer
        ``gain`` = (1 - alive) * (value of 12 months if active - offer), ``cost`` = contact + alive * offer. Left
        out where values are those of a simple forecast: it does not say what a customer who returns would be worth.

    Examples
    --------
    >>> saved = pd.DataFrame({"customer_id": ["A", "B"], "alive": [0.25, 0.9], "value_12": [30.0, 90.0]})
    >>> history = pd.DataFrame({"last_on": pd.Timestamp("2025-03-01"), "orders": 4}, index=["A", "B"])
    >>> win_back(saved, history, Prices()).table[["gain", "cost"]]
                  gain  cost
    customer_id
    A            86.25  4.25
    """
    if lifetime is None:
        return Offer.missing("It needs the value of each customer from notebook 04.")
    months = horizon(lifetime)
    try:
        kept = value_if_kept(lifetime, months)
    except (TooLittleData, ParameterError):
        return Offer.missing(
            "It needs what a customer is worth who is still active; the forecast used does not say it."
        )
    alive = by_customer(lifetime)["alive"]
    gone = alive < PROBABLY_GONE
    if churn is not None:
        gone &= ~alive.index.isin(churn["customer_id"])
    own = pd.DataFrame({
        "gain": (1 - alive) * (kept - prices.offer),
        "cost": prices.letter + alive * prices.offer,
        "alive": alive,
    })[gone]  # fmt: skip
    return Offer(own.join(last_orders[["last_on", "orders"]]))


def horizon(lifetime: pd.DataFrame) -> int | None:
    """Months that gains count over: 12 where values over a year are known, else the nearest there is.

    Examples
    --------
    >>> horizon(pd.DataFrame(columns=["value_12", "value_36"])), horizon(pd.DataFrame(columns=["value_4"]))
    (12, 4)
    """
    there = [int(name[6:]) for name in lifetime.columns if name[:6] == "value_" and name[6:].isdigit()]
    return min(there, key=lambda months: (abs(months - MONTHS), months)) if there else None


def save(churn: pd.DataFrame | None, prices: Prices) -> Offer:
    """Offer those who may leave something to stay for.

    Parameters
    ----------
    churn : DataFrame or None
        The saved table ``churn``: ``customer_id``, ``churn_probability``, ``worth_if_kept``, ``why``.
    prices : Prices

    Returns
    -------
    Offer
        With probability p and worth v: ``gain`` = p * (v - offer), ``cost`` = contact + (1 - p) * offer.
    """
    if churn is None:
        return Offer.missing("It needs the chance of each customer to leave from notebook 03.")
    own = by_customer(churn)
    own = own[own["churn_probability"].notna() & own["worth_if_kept"].notna()]
    p, v = own["churn_probability"], own["worth_if_kept"]
    table = pd.DataFrame(
        {"gain": p * (v - prices.offer), "cost": prices.letter + (1 - p) * prices.offer, "p": p}
    )
    return Offer(table.assign(why=own["why"]))


def service_repair(
    churn: pd.DataFrame | None,
    tables: Callable[[str], ibis.Table | None],
    as_of: date,
    prices: Prices,
    recent_days: int = _RECENT_DAYS,
) -> Offer:
    """Call those who were let down lately, and say sorry.

    Parameters
    ----------
    churn : DataFrame or None
        As for `save`.
    tables : callable
        Gives the checked table of a name, or None; read are ``deliveries``, ``orders`` and ``survey``.
    as_of : datetime.date
    prices : Prices
    recent_days : int
        How long ago a failure may be.

    Returns
    -------
    Offer
        ``gain`` = p * v, ``cost`` = call; ``failed_on`` (the last failure) and ``failure`` ("late", "incomplete",
        "damaged" or "below").
    """
    failures = recent_failures(tables, as_of, recent_days)
    if failures is None:
        return Offer.missing(
            "It needs deliveries that name their orders, or a survey of what was expected and received."
        )
    if churn is None:
        return Offer.missing("It needs the chance of each customer to leave from notebook 03.")
    own = by_customer(churn).join(failures, how="inner")
    own = own[own["churn_probability"].notna() & own["worth_if_kept"].notna()]
    table = pd.DataFrame({"gain": own["churn_probability"] * own["worth_if_kept"], "cost": prices.call})
    return Offer(table.assign(failed_on=own["failed_on"], failure=own["failure"]))


def recent_failures(
    tables: Callable[[str], ibis.Table | None], as_of: date, recent_days: int
) -> pd.DataFrame | None:
    """Find the last failure of each customer: ``failed_on`` and ``failure``; None where nothing records any."""
    since = ibis.literal(as_of - timedelta(days=recent_days))
    found = []
    deliveries, orders, survey = tables("deliveries"), tables("orders"), tables("survey")
    if deliveries is not None and "order_id" in deliveries.columns and "order_id" in orders.columns:
        owner = orders.filter(orders.order_id.notnull(), orders.customer_id.notnull())
        owner = owner.group_by("order_id").agg(customer_id=ibis._.customer_id.max())
        recent = deliveries.filter(deliveries.delivered_on > since, deliveries.order_id.notnull())
        flags = {name for name in ("complete", "damaged") if name in recent.columns}
        late = recent.delivered_on > recent.promised_on
        damaged = recent.damaged.fill_null(False) if "damaged" in flags else ibis.literal(False)
        missing = ~recent.complete.fill_null(True) if "complete" in flags else ibis.literal(False)
        what = ibis.cases((damaged, "damaged"), (missing, "incomplete"), (late, "late"), else_="")
        failed = recent.mutate(failure=what).filter(ibis._.failure != "")
        found.append(
            failed.join(owner, "order_id")
            .select("customer_id", failed_on="delivered_on", failure="failure")
            .execute()
        )
    if survey is not None and {"expectation", "performance"} <= set(survey.columns):
        below = survey.filter(survey.answered_on > since, survey.performance < survey.expectation)
        found.append(below.select("customer_id", failed_on="answered_on").execute().assign(failure="below"))
    if not found:
        return None
    rows = pd.concat([one for one in found if len(one)] or found[:1], ignore_index=True)
    rows["failed_on"] = pd.to_datetime(rows["failed_on"]).astype("datetime64[ns]")
    rows = rows.sort_values(["customer_id", "failed_on", "failure"])
    return rows.drop_duplicates("customer_id", keep="last").set_index("customer_id")


def order_histories(lines: ibis.Table, as_of: date) -> pd.DataFrame:
    """Add up for each customer: ``first_on``, ``last_on`` (days with a purchase) and ``orders``, by ``customer_id``."""
    bought = lines.filter(lines.bought, lines.customer_id.notnull(), lines.day <= ibis.literal(as_of))
    found = (
        bought.group_by("customer_id")
        .agg(first_on=ibis._.day.min(), last_on=ibis._.day.max(), orders=ibis._.order_id.nunique())
        .order_by("customer_id")
        .execute()
        .set_index("customer_id")
    )
    days = {name: pd.to_datetime(found[name]).astype("datetime64[ns]") for name in ("first_on", "last_on")}
    return found.assign(**days)
