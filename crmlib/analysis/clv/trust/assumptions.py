"""What models of hidden attrition take for granted, looked at one by one in the data.

Money does not go with frequency; customers of the same age buy alike in every year and season; every first
purchase in the data is one; purchases come at random. Each check tells how large a departure
is and whether it matters, by the rule of `crmlib.analysis.clv.trust.departures`, and which numbers it moves.
"""

from datetime import date

import ibis
import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.clv.purchases.purchase_days import EPOCH, Purchase
from crmlib.analysis.clv.purchases.summary import last_gaps
from crmlib.analysis.clv.spend.spend_independence import spend_frequency_correlation
from crmlib.analysis.clv.timing.regularity import regularity
from crmlib.analysis.clv.trust.calendar_checks import check_season, check_stationarity
from crmlib.analysis.clv.trust.departures import Check, check_options, ratio_holds
from crmlib.analysis.clv.trust.monthly_repeats import ExpectsRepeats, first_days, repeats_by_month
from crmlib.analysis.intervals import wilson_interval
from crmlib.errors import ParameterError, TooLittleData

__all__ = [
    "Check", "check_all", "check_censoring", "check_regularity", "check_season", "check_spend",
    "check_stationarity",
]  # fmt: skip

#: Ratio of mean money, frequent over rare customers. Two halves that differ by a quarter are each about an
#: eighth from their middle, and less where own experience counts as well.
SPEND_LIMIT = 1.25
#: Share of customers who began before the data.
CENSORING_LIMIT = 0.10
#: How far, as a factor, the interval of a shape that fits purchases at random may reach.
REGULARITY_REACH = 1.5
_REGULARITY_TOLERANCE = 0.1
#: Days after the lead-in that tell how many customers arrive anyway: a year, so that the season is out.
_AFTERWARDS = 365
_NEARLY_ALL = 0.95
#: Arrivals afterwards, as a share of those in the lead-in, below which the customers are one cohort.
_ONE_COHORT = 0.02


def check_all(
    model: ExpectsRepeats,
    lines: ibis.Table,
    customers: pd.DataFrame,
    last: date,
    horizon_days: float,
    *,
    first_day: date,
    people: ibis.Table | None = None,
    purchase: Purchase = "paid",
    unit_days: float = 1.0,
    lead_in_days: int = 91,
    level: float = 0.95,
) -> list[Check]:
    """Run all checks, in fixed order: spend, stationarity, season, censoring, regularity.

    Parameters
    ----------
    model : LatentAttrition
        Fitted to `customers`.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    customers : DataFrame
        As returned by `crmlib.analysis.clv.purchases.summary.purchase_summary` for `last`: those the model was
        fitted to.
    last : datetime.date
        Last day of the calibration.
    horizon_days : float
        How far ahead values are computed.
    first_day : datetime.date
        First day of the data, or the ``since`` that `customers` were built with.
    people : ibis.Table, optional
        The checked table ``customers``; read is ``acquired_on``.
    purchase : {'paid', 'bought', 'any'}
        What counts as a purchase.
    unit_days : float
        Days in the model's unit of time: 7 for a model of weeks.
    lead_in_days : int
        Length of the lead-in.
    level : float
        Level of the intervals.

    Returns
    -------
    list of Check
    """
    months = repeats_by_month(model, lines, customers, last, purchase=purchase, unit_days=unit_days)
    gaps = last_gaps(lines, last, purchase=purchase).reindex(customers.index)
    return [
        check_spend(customers, level),
        check_stationarity(
            model, lines, customers, last,
            purchase=purchase, unit_days=unit_days, level=level, months=months,
        ),
        check_season(months, last, horizon_days, level),
        check_censoring(customers, first_day, last, people, lead_in_days, level),
        check_regularity(gaps, level),
    ]  # fmt: skip


def check_rehearsal(months_known: float, rehearsed: bool) -> Check:
    """Check whether the forecast could be held against days that have passed; without that nothing bears it out.

    Parameters
    ----------
    months_known : float
        Length of the data.
    rehearsed : bool
        Whether a rehearsal was possible.

    Returns
    -------
    Check
        Named ``rehearsal``; its statistic is `months_known`.

    Examples
    --------
    >>> check_rehearsal(2.0, False).holds
    False
    """
    return Check.of("rehearsal", months_known, months_known, months_known, float("nan"), rehearsed, {})


def check_spend(customers: pd.DataFrame, level: float = 0.95, limit: float = SPEND_LIMIT) -> Check:
    """Look whether customers who buy often spend more, or less, per purchase.

    Parameters
    ----------
    customers : DataFrame
        Columns ``n`` (purchases) and ``money`` (their mean, above 0); those with ``n`` of 0 are left out.
    level : float
        Level of the interval.
    limit : float
        Ratio of means, above 1.

    Returns
    -------
    Check
        ``statistic``: mean money of frequent customers over that of rare ones, who are those with up to
        ``rare_up_to`` purchases, chosen so that the two are as near halves as can be. ``numbers``: ``customers``,
        ``rare``, ``frequent``, ``rare_up_to``, ``mean_rare``, ``mean_frequent``, ``correlation`` and
        ``rank_correlation``, each with ``_low`` and ``_high``.

    Raises
    ------
    DataError
        If a number cannot be.

    Notes
    -----
    Definition of this project, with an interval by the delta method on the scale of logarithms. The correlation
    alone is no measure of harm: in a large base a tiny one is significant.

    Examples
    --------
    >>> customers = pd.DataFrame({"n": [1, 2, 3, 4] * 200, "money": [20.0, 30.0, 60.0, 50.0] * 200})
    >>> found = check_spend(customers)
    >>> round(found.statistic, 2), found.holds
    (2.2, False)
    """
    check_options(level, limit)
    try:
        found = spend_frequency_correlation(customers, level)
    except TooLittleData:
        return Check.unknown("spend", limit, {"customers": int((customers["n"] > 0).sum())})
    bought = customers[customers["n"] > 0]
    n, money = bought["n"].to_numpy(dtype="float64"), bought["money"].to_numpy(dtype="float64")
    values, counts = np.unique(n, return_counts=True)
    cut = values[np.argmin(np.abs(np.cumsum(counts)[:-1] / len(n) - 0.5))]
    rare, frequent = money[n <= cut], money[n > cut]
    facts = {
        "customers": len(n), "rare": len(rare), "frequent": len(frequent), "rare_up_to": int(cut),
        "mean_rare": float(rare.mean()), "mean_frequent": float(frequent.mean()),
        "correlation": found.correlation, "correlation_low": found.low, "correlation_high": found.high,
        "rank_correlation": found.rank_correlation,
        "rank_correlation_low": found.rank_low, "rank_correlation_high": found.rank_high,
    }  # fmt: skip
    if min(len(rare), len(frequent)) < 2:
        return Check.unknown("spend", limit, facts)
    ratio = frequent.mean() / rare.mean()
    spread = np.sqrt(sum(part.var(ddof=1) / len(part) / part.mean() ** 2 for part in (rare, frequent)))
    half = min(norm.ppf((1 + level) / 2) * spread, 700.0)
    low, high = ratio * np.exp(-half), ratio * np.exp(half)
    return Check.of("spend", ratio, low, high, limit, ratio_holds(ratio, low, high, limit), facts)


def check_censoring(
    customers: pd.DataFrame,
    first_day: date,
    last: date,
    people: ibis.Table | None = None,
    lead_in_days: int = 91,
    level: float = 0.95,
    limit: float = CENSORING_LIMIT,
) -> Check:
    """Look how many customers began before the data, so that their history is cut off on the left.

    Parameters
    ----------
    customers : DataFrame
        Indexed by ``customer_id``, with the column ``first_on`` (first purchase in the data).
    first_day : datetime.date
        First day of the data; or, where those who bought before a day were left out, that day.
    last : datetime.date
        Last known day.
    people : ibis.Table, optional
        The checked table ``customers``; read is ``acquired_on``.
    lead_in_days : int
        Who was a customer before the data shows up in them early: customers first seen in so many days, beyond
        those who arrive in as many days of the year after, are taken to have begun before.
    level : float
        Level of the interval.
    limit : float
        Share of customers, above 0.

    Returns
    -------
    Check
        ``statistic``: share of customers who began before. Where ``acquired_on`` is known for 95 % of them, it is the
        share with a day before `first_day`; or else the excess of the lead-in over the rate afterwards.
        It holds where the interval lies below the limit, and does not where it lies above it. ``numbers``:
        ``customers``, ``lead_in_days``, ``in_lead_in``, ``per_day_afterwards``, ``excess`` (share of
        customers) with ``excess_low`` and ``excess_high``, ``acquired_known`` (customers), ``acquired_before``
        and ``by_acquired_on`` (whether that decides).

    Notes
    -----
    Definition of this project. Arrivals afterwards are overdispersed by as much as months of 30 days
    show. Where hardly anybody arrives afterwards, the customers are one cohort, and nobody can tell by
    arrivals whether it began before: there is no statistic then. A share by arrivals is too low where former
    customers buy so rarely that many show up after the lead-in.

    Examples
    --------
    >>> old, new = [date(2025, 1, day % 31 + 1) for day in range(500)], pd.date_range("2025-01-01", "2025-12-31")
    >>> customers = pd.DataFrame({"first_on": [*map(pd.Timestamp, old), *new]})
    >>> found = check_censoring(customers, date(2025, 1, 1), date(2025, 12, 31))
    >>> round(found.statistic, 2), found.holds
    (0.58, False)
    """
    check_options(level, limit, least=0.0)
    if lead_in_days < 1 or first_day > last:
        raise ParameterError(
            f"lead_in_days = {lead_in_days}, first_day = {first_day}, last = {last}",
            "one day or more, and a first day up to the last",
            "correct them",
        )
    day = first_days(customers, last) - (first_day - EPOCH).days
    count, early = len(day), int((day < lead_in_days).sum())
    facts = {"customers": count, "lead_in_days": lead_in_days, "in_lead_in": early, "by_acquired_on": False}
    share, low, high, holds = float("nan"), float("nan"), float("nan"), None
    watched = min((last - first_day).days + 1 - lead_in_days, _AFTERWARDS)
    z = norm.ppf((1 + level) / 2)
    later = day[(day >= lead_in_days) & (day < lead_in_days + watched)] - lead_in_days
    if watched >= lead_in_days:
        rate = len(later) / watched
        due = rate * lead_in_days
        whole = np.bincount(later // 30, minlength=watched // 30)[: watched // 30]
        spare = max(whole.var(ddof=1) / max(whole.mean(), 1e-300), 1.0) if len(whole) > 2 else 1.0
        spread = np.sqrt(spare * (due + due * lead_in_days / watched)) / count
        excess, *ends = (np.clip((early - due) / count + move * spread, 0, 1) for move in (0, -z, z))
        facts |= {"per_day_afterwards": rate, "excess": float(excess)}
        facts |= {"excess_low": float(ends[0]), "excess_high": float(ends[1])}
        # Arrivals that cease altogether are those of one cohort.
        if due >= _ONE_COHORT * early:
            share, (low, high) = excess, ends
            holds = _share_holds(low, high, limit)
    if people is not None and "acquired_on" in people.columns:
        when = people.filter(people.acquired_on.notnull()).select("customer_id", "acquired_on").to_pandas()
        known = when[when["customer_id"].isin(customers.index)]
        before = int((known["acquired_on"].to_numpy(dtype="datetime64[D]") < np.datetime64(first_day)).sum())
        facts |= {"acquired_known": len(known), "acquired_before": before}
        if len(known) >= _NEARLY_ALL * count:
            facts["by_acquired_on"] = True
            share, (low, high) = before / len(known), wilson_interval(before, len(known), level)
            holds = _share_holds(low, high, limit)
    return Check.of("censoring", share, low, high, limit, holds, facts)


def check_regularity(waits: pd.DataFrame, level: float = 0.95) -> Check:
    """Look whether purchases come at random, as most models of hidden attrition suppose.

    Parameters
    ----------
    waits : DataFrame
        Columns ``itt_1`` and ``itt_2``, as returned by `crmlib.analysis.clv.purchases.summary.last_gaps`.
    level : float
        Level of the interval.

    Returns
    -------
    Check
        ``statistic``: shape k of the inter-purchase times (1 at random, more if regular), ``limit`` the
        largest that passes as random in these data. It holds where `crmlib.analysis.clv.timing.regularity.regularity`
        finds purchases at random, with an interval that reaches no farther than half as much again. ``numbers``:
        ``verdict``, ``k_at_random``, ``pairs`` and ``left_out`` (customers).

    Notes
    -----
    Wheat & Morrison (1990), Journal of Marketing Research; see `regularity`.
    """
    try:
        found = regularity(waits, level, tolerance=_REGULARITY_TOLERANCE)
    except TooLittleData:
        return Check.unknown("regularity", float("nan"), {"left_out": len(waits)})
    random = found.k_at_random
    near = random / REGULARITY_REACH <= found.low and found.high <= random * REGULARITY_REACH
    facts = {
        "verdict": found.verdict, "k_at_random": random, "pairs": found.pairs, "left_out": found.left_out,
    }  # fmt: skip
    holds = (near or None) if found.poisson_fits else False
    limit = random * (1 + _REGULARITY_TOLERANCE)
    return Check.of("regularity", found.k, found.low, found.high, limit, holds, facts)


def _share_holds(low: float, high: float, limit: float) -> bool | None:
    if high <= limit:
        return True
    return False if low > limit else None
