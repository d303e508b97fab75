"""Offers that make relations grow: trade up, recommend, and serve at the level that is due."""

from collections.abc import Callable
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.actions.keeping import PROBABLY_GONE, horizon
from crmlib.analysis.actions.offer import Offer, Prices, by_customer
from crmlib.analysis.audit.customer_days import service_days
from crmlib.analysis.closed_loop.brought import brought
from crmlib.analysis.closed_loop.outcomes import margins_within

_YEAR = 365
_WOULD_RECOMMEND = 9
_CALLS_A_YEAR = 4
#: Part of a customer's value that may go if attention is taken back.
_LOST_WITH_LESS = 0.10


def up_sell(lines: ibis.Table, products: ibis.Table | None, as_of: date, prices: Prices) -> Offer:
    """Offer who buys below the highest tier the next one up in his main category.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`, with ``product_id`` and ``quantity``.
    products : ibis.Table or None
        ``product_id``, ``category``, ``tier``.
    as_of : datetime.date
    prices : Prices

    Returns
    -------
    Offer
        ``gain`` = units bought in the last 365 days in the tier and category with most units, times the margin per
        unit of the next tier in that category less that of the own one; ``cost`` = contact. Tiers are ordered by what a
        unit sells for. ``category``, ``tier``, ``next_tier`` for the reason.

    Notes
    -----
    Definition of this project. It takes for granted that who trades up buys as many units as before; the rate is of
    those who do.
    """
    columns = {"product_id", "quantity"}
    if (
        products is None
        or not {"category", "tier"} <= set(products.columns)
        or not columns <= set(lines.columns)
    ):
        return Offer.missing(
            "It needs products with category and tier, and order lines with product and quantity."
        )
    year = lines.filter(
        lines.bought, lines.quantity > 0, lines.day <= ibis.literal(as_of),
        lines.day > ibis.literal(as_of - timedelta(days=_YEAR)),
    )  # fmt: skip
    kinds = products.filter(products.category.notnull(), products.tier.notnull())
    sold = year.join(kinds.select("product_id", "category", "tier"), "product_id")
    sold = sold.mutate(margin=sold.net_sales - sold.cost_of_goods)
    sums = {
        "units": ibis._.quantity.sum().cast("float64"), "sales": ibis._.net_sales.sum().cast("float64"),
        "margin": ibis._.margin.sum().cast("float64"),
    }  # fmt: skip
    tiers = sold.group_by("category", "tier").agg(**sums).execute()
    tiers = tiers.assign(price=tiers["sales"] / tiers["units"], each=tiers["margin"] / tiers["units"])
    tiers = tiers.sort_values(["category", "price", "tier"])
    tiers["next_tier"] = tiers.groupby("category")["tier"].shift(-1)
    tiers["more"] = tiers.groupby("category")["each"].shift(-1) - tiers["each"]
    own = (
        sold.filter(sold.customer_id.notnull())
        .group_by("customer_id", "category", "tier")
        .agg(units=sums["units"])
        .execute()
    )
    own = own.sort_values(["customer_id", "units", "category", "tier"], ascending=[True, False, True, True])
    main = own.drop_duplicates("customer_id").merge(tiers.drop(columns="units"), on=["category", "tier"])
    main = main[main["next_tier"].notna() & (main["more"] > 0)].set_index("customer_id").sort_index()
    table = pd.DataFrame({"gain": main["units"] * main["more"], "cost": prices.letter})
    facts = main[["category", "tier", "next_tier"]]
    return Offer(table.join(facts).assign(product=main["category"].str.cat(main["next_tier"], sep=", ")))


def ask_for_referral(
    lifetime: pd.DataFrame | None,
    lines: ibis.Table,
    tables: Callable[[str], ibis.Table | None],
    as_of: date,
    prices: Prices,
) -> Offer:
    """Ask who would recommend, or has done so, to bring somebody.

    Parameters
    ----------
    lifetime : DataFrame or None
        The saved table ``lifetime_value``: whoever is probably gone, or can be expected to cost more than he brings, is
        not asked.
    lines : ibis.Table
    tables : callable
        Gives the checked table of a name, or None; read are ``referrals``, ``survey`` and what serving costs.
    as_of : datetime.date
    prices : Prices

    Returns
    -------
    Offer
        ``gain`` = what a new customer brings in his first 365 days, less the cost to serve him, where it is known, and
        the mean reward paid for a referral;
        ``cost`` = contact; ``score`` (last answer, NaN without) and ``brought`` (customers brought so far).
    """
    survey, referrals = tables("survey"), tables("referrals")
    asked = survey is not None and "recommend_0_10" in survey.columns
    if not asked and referrals is None:
        return Offer.missing("It needs referrals, or a survey that asks who would recommend.")
    facts = pd.DataFrame({"score": pd.Series(dtype="float64"), "brought": pd.Series(dtype="float64")})
    reward = 0.0
    if referrals is not None:
        brought = (
            referrals.group_by("referrer_id").agg(brought=ibis._.count()).execute().set_index("referrer_id")
        )
        facts = facts.reindex(brought.index).assign(brought=brought["brought"].astype("float64"))
        if "incentive" in referrals.columns:
            reward = float(referrals.incentive.mean().execute() or 0.0)
    if asked:
        since = ibis.literal(as_of - timedelta(days=_YEAR))
        answers = survey.filter(survey.answered_on > since, survey.recommend_0_10.notnull())
        answers = answers.select(
            "customer_id", "answered_on", score=answers.recommend_0_10.cast("float64")
        ).execute()
        last = answers.sort_values(["customer_id", "answered_on", "score"]).drop_duplicates(
            "customer_id", keep="last"
        )
        score = last.set_index("customer_id")["score"]
        facts = facts.reindex(facts.index.union(score.index))
        facts["score"] = score.reindex(facts.index)
    would = (facts["score"] >= _WOULD_RECOMMEND) | ((facts["brought"] > 0) & facts["score"].isna())
    facts = facts[would].rename_axis("customer_id")
    if lifetime is not None:
        own = by_customer(lifetime).reindex(facts.index)
        months = horizon(lifetime)
        losing = own[f"value_{months}"] < 0 if months else False
        facts = facts[~(own["alive"] < PROBABLY_GONE) & ~losing & own.index.isin(lifetime["customer_id"])]
    new = first_year_profit(lines, as_of, service_days(tables))
    if not np.isfinite(new):
        return Offer.missing(
            "It needs a year of data after customers were won, to say what a new one brings."
        )
    table = pd.DataFrame({"gain": new - reward, "cost": prices.letter}, index=facts.index)
    return Offer(table.join(facts).sort_index())


def first_year_profit(lines: ibis.Table, as_of: date, service: ibis.Table | None = None) -> float:
    """Mean margin, less the cost to serve, in the first 365 days of customers who came one to two years ago.

    NaN without any. `service` is as `crmlib.analysis.audit.customer_days.service_days` returns it; without it the
    cost to serve is not known and nothing is taken off.

    Customers whose first order lies in the first 365 days of the data are not looked at: they may be old ones.
    """
    own = lines.filter(lines.customer_id.notnull(), lines.day <= ibis.literal(as_of))
    begin = own.day.min().execute()
    if begin is None:
        return np.nan
    latest = as_of - timedelta(days=_YEAR)
    earliest = max(as_of - timedelta(days=2 * _YEAR), pd.Timestamp(begin).date() + timedelta(days=_YEAR))
    starts = own.filter(own.bought).group_by("customer_id").agg(first_day=ibis._.day.min())
    new = starts.filter(starts.first_day > ibis.literal(earliest), starts.first_day <= ibis.literal(latest))
    windows = new.order_by("customer_id").execute()
    if windows.empty:
        return np.nan
    ends = pd.to_datetime(windows["first_day"]) + pd.Timedelta(days=_YEAR - 1)
    return float(margins_within(brought(own, service=service), windows.assign(last_day=ends.dt.date)).mean())


def reprice(profit: pd.DataFrame | None, steps: tuple[str, ...]) -> Offer:
    """Change the terms of who loses money, where that would be enough.

    Parameters
    ----------
    profit : DataFrame or None
        The saved table ``profit_per_customer``: ``profit``, ``step``, ``avoidable``, ``profit_before``.
    steps : tuple of str
        Steps that are changes of terms, as they stand in the table.

    Returns
    -------
    Offer
        With the loss L (the smaller one of the last two periods, where both are known) and what parting would free, A:
        ``gain`` = L - A, ``cost`` = -A: who accepts the terms stops losing L; who goes leaves A. ``product`` is the
        step.
    """
    if profit is None or "step" not in profit.columns:
        return Offer.missing(
            "It needs the profit of each customer after what it costs to serve him, from notebook 02."
        )
    own = by_customer(profit)
    own = own[own["step"].isin(steps)]
    before = own["profit_before"].fillna(own["profit"]) if "profit_before" in own else own["profit"]
    loss = -np.maximum(own["profit"], np.minimum(before, 0.0)).clip(upper=0.0)
    freed = own["avoidable"].fillna(0.0)
    table = pd.DataFrame(
        {"gain": loss - freed, "cost": -freed, "product": own["step"], "cause": own["main_cause"]}
    )
    return Offer(table)


def level_changes(
    segments: pd.DataFrame | None, profit: pd.DataFrame | None, levels: tuple[str, ...], prices: Prices
) -> tuple[Offer, Offer]:
    """Serve each customer at the level due to his segment: who moves up, and who down.

    Parameters
    ----------
    segments : DataFrame or None
        The saved table ``segments``: ``customer_id``, ``level`` (due) and ``level_now`` (as served today).
    profit : DataFrame or None
        ``gross_margin`` and ``service_relationship`` (cost of attention without an order) of a period.
    levels : tuple of str
        From the lowest up.
    prices : Prices

    Returns
    -------
    up, down : Offer
        Up: ``gain`` = margin of a year, ``cost`` = so many calls a year per level. Down: ``gain`` = cost of attention,
        ``cost`` = a tenth of the margin, which may be lost. ``level`` and ``level_now``.
    """
    sentence = ""
    if segments is None or "level" not in segments.columns:
        sentence = "It needs the level due to each customer, from notebook 06."
    elif "level_now" not in segments.columns or segments["level_now"].isna().all():
        sentence = "It needs the level at which customers are served today, from notebook 06."
    elif profit is None or "service_relationship" not in profit.columns:
        sentence = "It needs margin and cost to serve of each customer, from notebook 02."
    if sentence:
        return Offer.missing(sentence), Offer.missing(sentence)
    rank = {name: number for number, name in enumerate(levels)}
    own = by_customer(segments)[["level", "level_now"]].astype("object")
    own = own[own["level"].isin(levels) & own["level_now"].isin(levels)]
    step = own["level"].astype("str").map(rank).astype("int64") - own["level_now"].astype("str").map(
        rank
    ).astype("int64")
    money = by_customer(profit).reindex(own.index)
    margin, attention = (
        money["gross_margin"].clip(lower=0).fillna(0.0),
        money["service_relationship"].fillna(0.0),
    )
    up = own.assign(gain=margin, cost=step * _CALLS_A_YEAR * prices.call)[step > 0]
    down = own.assign(gain=attention, cost=_LOST_WITH_LESS * margin)[step < 0]
    return Offer(up), Offer(down)
