"""How the notebook on segments ends: findings, decision, key figures and the saved table."""

import numpy as np
import pandas as pd

from crmlib.analysis.segments.against_rfm import AgainstRfm
from crmlib.analysis.segments.cluster_search import ClusterSearch
from crmlib.analysis.segments.level_effects import LevelSensitivity
from crmlib.analysis.segments.migration import Transitions
from crmlib.analysis.segments.value_loyalty import ValueLoyalty
from crmlib.display.prose import Sentence
from crmlib.display.segments.cards import smallest_rise
from crmlib.display.segments.choices_shown import NOTHING
from crmlib.display.segments.club_shown import ClubAnswer, profit_of, verdict
from crmlib.display.segments.clusters_shown import lie_apart, turns
from crmlib.display.segments.levels_shown import smallest_seen
from crmlib.display.segments.palette import SEGMENTS
from crmlib.display.workbook import Workbook


def headline(
    wb: Workbook, groups: ValueLoyalty, choices: pd.DataFrame, today: pd.DataFrame | None
) -> Sentence:
    """Return the answer to the notebook's question."""
    friends = groups.groups.loc["true friends"]
    raised = int(choices["customers"].iloc[0])
    known = friends["value_share"] == friends["value_share"]
    return wb.cases(
        (known and raised > 0,
         "{n:count} of {all:count} active customers are true friends and bring {share:share} of the profit before the "
         "cost of winning customers; more personal attention than {now} pays for {raised:count customer} if it works "
         "as "
         "assumed, and for no others."),
        (known,
         "{n:count} of {all:count} active customers are true friends and bring {share:share} of the profit before the "
         "cost of winning customers; more personal attention than {now} pays for nobody as things stand."),
        (raised > 0,
         "{n:count} of {all:count} active customers are true friends; more personal attention than {now} pays for "
         "{raised:count customer} if it works as assumed, and for no others."),
        (True,
         "{n:count} of {all:count} active customers are true friends; more personal attention than {now} pays for "
         "nobody as things stand."),
        n=int(friends["customers"]), all=int(groups.groups["customers"].sum()),
        share=float(friends["value_share"]) if known else 0.0, raised=raised,
        now="the basic level" if today is None else "today",
    )  # fmt: skip


def findings(
    wb: Workbook,
    groups: ValueLoyalty,
    search: ClusterSearch | None,
    against: AgainstRfm | None,
    moved: Transitions | None,
    today: pd.DataFrame | None,
    club: ClubAnswer | None,
) -> list:
    """Return what was found, each with what it means."""
    return [
        one
        for one in (
            _over_served(wb, today),
            _barnacles(wb, groups),
            _clusters(wb, search, against),
            _moves(wb, moved),
            _club(wb, club),
        )
        if one
    ]


def _over_served(wb: Workbook, today: pd.DataFrame | None) -> tuple | None:
    if today is None or not today.loc["lowered", "customers"] > 0:
        return None
    low = today.loc["lowered"]
    return wb.finding(
        "{n:count customer} take {share:share} of what calls, visits and complaints cost ({spent:money} a year), above "
        "the level that pays by this plan"
        + ("; {k:count} of them cost more than they bring." if low["losers"] > 0 else "."),
        "Talk to them about terms by name, the ones with a loss first.",
        n=int(low["customers"]), share=float(low["spent"] / today["spent"].sum()), spent=float(low["spent"]),
        k=int(low["losers"]),
    )  # fmt: skip


def _barnacles(wb: Workbook, groups: ValueLoyalty) -> tuple | None:
    row = groups.groups.loc["barnacles"]
    if not row["customers"] > 0:
        return None
    if row["value"] < 0:
        return wb.finding(
            "{n:count} barnacles are expected to stay for long and cost {cost:money} more in the period than they "
            "bring, before the cost of winning them.",
            "Loyalty alone is no reason for attention: raise what they order, or lower what serving them costs.",
            n=int(row["customers"]), cost=-float(row["value"]),
        )  # fmt: skip
    return wb.finding(
        "{n:count} barnacles are expected to stay for long and bring {each:money} each in the period, before the cost "
        "of winning them.",
        "Loyalty alone is no reason for attention; margin is.",
        n=int(row["customers"]), each=float(row["mean_value"]),
    )  # fmt: skip


def _clusters(wb: Workbook, search: ClusterSearch | None, against: AgainstRfm | None) -> tuple | None:
    if search is None:
        return None
    counted = search.counted
    meaning = (
        "The groups used here are cut by stated lines in money and months, which mean the same next month."
    )
    if counted.chosen == 1:
        return wb.finding("No clusters of customers are steady enough to be called groups.", meaning)
    rfm = (
        {
            "better": "; they foretell profit better than RFM scores do",
            "worse": "; they foretell profit worse than RFM scores do",
        }.get(against.clusters_against_rfm, "; they foretell profit no better than RFM scores do")
        if against
        else ""
    )
    if against and turns(against):
        rfm = (
            "; whether they foretell profit better or worse than RFM scores cannot be told, for the sign turns without "
            "the largest hundredth of the customers"
        )
    return wb.finding(
        "Clusters: {k:count} groups come back whenever customers are drawn anew, and {apart}{rfm}.", meaning,
        k=counted.chosen, apart=lie_apart(counted), rfm=rfm,
    )  # fmt: skip


def _moves(wb: Workbook, moved: Transitions | None) -> tuple | None:
    first = SEGMENTS[0]
    if moved is None or not moved.counts.loc[first].sum():
        return None
    cell = moved.cells.loc[(first, first)]
    return wb.finding(
        "{kept:share} of the true friends of a period before still are (95% interval {low:share} to {high:share}).",
        "A group is where a customer stands today; look again before every decision.",
        kept=float(cell["share"]), low=float(cell["low"]), high=float(cell["high"]),
    )  # fmt: skip


def _club(wb: Workbook, club: ClubAnswer | None) -> tuple | None:
    if club is None:
        return None
    naive = float(club.compared["effect"].iloc[0])
    return wb.finding(
        "Members buy {naive:share} more than others, but joining raises purchases by only {own:share} (95% interval "
        "{low:share} to {high:share}).",
        "Good customers join. " + verdict(club),
        naive=naive, own=club.effect.effect, low=club.effect.low, high=club.effect.high,
    ) if naive > club.effect.effect >= 0 else wb.finding(
        "Membership changes purchases by {own:share} (95% interval {low:share} to {high:share}).",
        "Judge the club by what it adds, not by what members buy. " + verdict(club),
        own=club.effect.effect, low=club.effect.low, high=club.effect.high,
    )  # fmt: skip


def decision(
    wb: Workbook, choices: pd.DataFrame, tried: LevelSensitivity, today: pd.DataFrame | None, seen: str
) -> tuple[Sentence, Sentence]:
    """Return what to do, in money, and what happens if nothing is done.

    Parameters
    ----------
    wb : Workbook
    choices : DataFrame
        As returned by `crmlib.display.segments.levels_shown.choices`.
    tried : LevelSensitivity
    today : DataFrame or None
        As returned by `crmlib.display.segments.levels_shown.today`.
    seen : str
        Smallest rise of the margin that a test on half of those raised would see, in words; empty if too few.
    """
    own = choices.iloc[0]
    now = (
        "basic (how customers are served today is not in the data)"
        if today is None
        else "the level they are served at today"
    )
    test = (
        "A test on half of them would see only a rise of {seen} or more, so the assumption stays one: decide by what "
        "can be lost."
        if seen
        else "They are too few for a test, so the assumption stays one: decide by what can be lost."
    )
    act = wb.cases(
        (own["customers"] == 0 and bool(tried.base.nothing_because), "**Raise nobody.** {why}"),
        (own["customers"] == 0, "**Raise nobody.** Everybody is served at the level that pays, or above it."),
        (own["low"] > 0,
         "**Raise {n:count customer} above {now}.** That costs {cost:money} more a year, which is the most that can be "
         "lost, and is expected to bring **{gain:money}** after that cost (range {low:money} at half the assumed "
         "effect to {high:money} at double). " + test),
        (True,
         "**Raise only those of the highest margin at first.** Raising all {n:count customer} "
         "planned above {now} would cost {cost:money} more a year, which is the most that can be lost, and be expected "
         "to bring {gain:money} after that cost; at half the assumed effect the result is {low:money}, at double "
         "{high:money}. " + test),
        n=int(own["customers"]), cost=float(own["cost"]), gain=float(own["gain"]), low=float(own["low"]),
        high=float(own["high"]), why=tried.base.nothing_because, seen=seen, now=now,
    )  # fmt: skip
    basic = float(tried.base.cost - own["cost"]) if today is None else 0.0
    lowered = today is not None and today.loc["lowered", "customers"] > 0
    wait = wb.cases(
        (lowered,
         "Then attention stays where it is: {spent:money} a year for {n:count customer} above the level that pays by "
         "this plan, and nothing beyond the routine for {up:count customer} whose margin would carry it."),
        (today is not None and own["customers"] > 0,
         "Then everybody is served as today, and the {gain:money} are neither gained nor risked."),
        (today is not None, "Then everybody is served as today."),
        (own["customers"] > 0,
         "Then everybody keeps the routine, which costs {basic:money} a year, and the {gain:money} are neither gained "
         "nor risked."),
        (True, "Then everybody keeps the routine, which costs {basic:money} a year."),
        spent=float(today.loc["lowered", "spent"]) if lowered else 0.0,
        n=int(today.loc["lowered", "customers"]) if lowered else 0,
        up=int(today.loc["raised", "customers"]) if lowered else 0,
        basic=basic, gain=float(own["gain"]),
    )  # fmt: skip
    return act, wait


def seen_by_test(everybody: pd.DataFrame, past: pd.Series | None) -> str:
    """Return the smallest rise of the margin that a test on half of those raised would see, in words.

    Parameters
    ----------
    everybody : DataFrame
        ``steps`` and ``margin`` by customer.
    past : Series or None
        Profit of the period before, by customer.
    """
    raised = everybody[everybody["steps"] > 0].assign(past=past)
    return smallest_seen(smallest_rise(raised), float(raised["margin"].mean())) if len(raised) else ""


def metrics(
    wb: Workbook,
    groups: ValueLoyalty,
    span: str,
    choices: pd.DataFrame,
    moved: Transitions | None,
    club: ClubAnswer | None,
) -> None:
    """Note the key figures."""
    friends = groups.groups.loc["true friends"]
    wb.metric(
        "true_friends", "True friends", int(friends["customers"]), "count",
        "Active customers with high profit in the period and a long tenure ahead.", period=span,
    )  # fmt: skip
    wb.metric(
        "true_friends_profit", "Profit of true friends, before winning cost", float(friends["value"]), "money",
        "Profit of the period before the cost of winning these customers.", period=span,
    )  # fmt: skip
    if moved is not None and moved.counts.loc[SEGMENTS[0]].sum():
        cell = moved.cells.loc[(SEGMENTS[0], SEGMENTS[0])]
        wb.metric(
            "friends_kept", "True friends who still are", float(cell["share"]), "share",
            "Of the true friends of the period before, those who are true friends now.",
            (float(cell["low"]), float(cell["high"])), period="one period later",
        )  # fmt: skip
    own = choices.iloc[0]
    start = "basic" if choices["label"].iloc[-1] == NOTHING else "the level of today"
    wb.metric(
        "level_gain", "Gain of the raises planned", float(own["gain"]), "money",
        f"Expected margin less cost of customers raised above {start}, on an assumed effect; range from half to double "
        "that effect.",
        (float(own["low"]), float(own["high"])) if own["customers"] > 0 else None, "range", "a year",
    )  # fmt: skip
    earned = profit_of(club)
    if earned is not None and np.isfinite(earned).all():
        wb.metric(
            "club_profit", "Profit of the club", earned[0], "money",
            "Margin from its effect and fees, less rewards and larger discounts.", earned[1:], period=span,
        )  # fmt: skip


def saved_segments(
    everybody: pd.Index,
    profits: pd.DataFrame,
    values: pd.Series,
    columns: dict[str, pd.Series | None],
    cuts: tuple[float, float],
) -> pd.DataFrame:
    """Lay out one row per customer for other notebooks and later reports.

    Parameters
    ----------
    everybody : Index
        All customers known, sorted.
    profits : DataFrame
        The table ``profit_per_customer``.
    values : Series of float
        Value ahead by customer.
    columns : dict of str to Series or None
        What was found about customers, None where it could not be told: ``segment``, ``rfm_cell``, ``value_loyalty``,
        ``cluster``, ``level``, ``level_now``,
        ``direction``, ``months_ahead``, ``level_cost`` (of the planned level, a year), ``raise_cost`` and
        ``level_gain`` (of raising the customer above the level of today, a year: cost, and expected margin less it).
    cuts : tuple of float
        Cut-offs of value and tenure, kept so that later reports use the same.

    Returns
    -------
    DataFrame
        ``customer_id``; the columns; ``net_sales``, ``gross_margin``, ``service_cost``, ``acquisition_cost``,
        ``profit`` (of the period, 0 where nothing happened) and ``value_ahead``, in the run's currency; ``value_cut``,
        ``tenure_cut``.
    """
    money = profits.set_index("customer_id")
    nobody = pd.Series(index=everybody, dtype="object")
    found = pd.DataFrame(
        {name: nobody if series is None else series.reindex(everybody) for name, series in columns.items()}
    )
    for name in found.select_dtypes(include=["object", "str", "category"]):
        found[name] = found[name].astype("object").where(found[name].notna(), "").astype("str")
    for name in ("net_sales", "gross_margin", "service_cost", "acquisition_cost", "profit"):
        found[name] = money[name].reindex(everybody).fillna(0.0)
    found["value_ahead"] = values.reindex(everybody).fillna(0.0)
    found["value_cut"], found["tenure_cut"] = cuts
    return found.rename_axis("customer_id").reset_index()
