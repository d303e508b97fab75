"""Relationship levels on the page: what each is and costs, who gets which, and what has to come back."""

import numpy as np
import pandas as pd

from crmlib.analysis.churn.windows import in_words
from crmlib.analysis.period import DAYS_PER_MONTH
from crmlib.analysis.segments.level_effects import LevelSensitivity
from crmlib.analysis.segments.moving_up import moving_up
from crmlib.analysis.segments.relationship_terms import TERMS, RelationshipTerms
from crmlib.display import formats
from crmlib.display.prose import Sentence
from crmlib.display.segments.palette import SEGMENTS
from crmlib.display.workbook import Workbook

#: What margin means wherever a level is weighed.
MARGIN = "Margin: gross margin of a year less the cost of serving orders and handling returns."


def yearly(money: pd.DataFrame, value: pd.Series, months: float) -> pd.DataFrame:
    """Return what each customer brings and costs in a year.

    Parameters
    ----------
    money : DataFrame
        ``gross_margin``, ``service_order``, ``service_return`` and ``service_relationship`` of a period, by customer.
    value : Series of float
        Profit of the period before the cost of winning the customer.
    months : float
        Length of the period.

    Returns
    -------
    DataFrame
        ``margin`` (before the relationship), ``spent`` (on it) and ``value``.
    """
    margin = money["gross_margin"] - money["service_order"] - money["service_return"]
    found = pd.DataFrame({"margin": margin, "spent": money["service_relationship"], "value": value})
    return (found * 12 / months).round(6)


def levels(terms: RelationshipTerms, level_effect: float) -> pd.DataFrame:
    """Return each level with what it holds, its cost, and the margin from which the step to it pays."""
    table = terms.levels.reset_index()
    table["what"] = [TERMS[name][1] for name in table["level"]]
    table["from_margin"] = table["cost"].diff() / level_effect
    table["level"] = table["level"].str.capitalize()
    return table


def levels_note(wb: Workbook, terms: RelationshipTerms, level_effect: float) -> str:
    """Return what stands under the table of levels."""
    rate = (
        "A minute costs {rate:exact_money}, which is assumed: no resources are in the data."
        if terms.assumed
        else "A minute costs {rate:exact_money}, as the resources that serve relationships today; they have "
        "{hours:count} hours a year for it."
    )
    values = {"rate": terms.rate, "effect": level_effect}
    if not terms.assumed:
        values["hours"] = (terms.capacity_minutes or 0.0) / 60
    return wb.text(
        rate + " Each level holds those before it. The step pays from the margin at which {effect:share} of it covers "
        "the cost: {effect:share} is an assumption, the same for each step.", **values,
    )  # fmt: skip


def steps_up(
    segments: pd.Series,
    margin: pd.Series,
    profile: pd.DataFrame,
    terms: RelationshipTerms,
    annual_rate: float,
    window_days: int | None,
) -> pd.DataFrame:
    """Return what each step up must bring back from the mean customer of each group: in margin, or in customers kept.

    Parameters
    ----------
    segments : Series of category
        Group of the active customers.
    margin : Series of float
        Margin per customer and year before the relationship.
    profile : DataFrame
        ``churn_rate`` by group, where it is known.
    terms : RelationshipTerms
    annual_rate : float
        Discount rate.
    window_days : int or None
        Days that the churn rate is about; None if not known, then nothing is said of churn.

    Returns
    -------
    DataFrame
        ``segment``, ``margin`` (mean), for each level above the lowest the share by which the margin must rise (NaN
        where it is not above 0: no share of it is a rise), and,
        where churn is known, ``away`` (within the window), ``churn`` (within a year) and ``fall`` (points of the
        yearly churn by which it must fall instead, for the first step; NaN where churn is not as high as that).
    """
    held = margin.groupby(segments.astype("object"))
    table = pd.DataFrame({"customers": held.size(), "margin": held.mean()}).reindex(SEGMENTS).dropna()
    if window_days and "churn_rate" in profile and profile["churn_rate"].reindex(table.index).notna().all():
        table["away"] = profile["churn_rate"]
        table["churn"] = 1 - (1 - table["away"]) ** (12 * DAYS_PER_MONTH / window_days)
    found = moving_up(table, terms.levels, annual_rate)
    shares = found["break_even_share"].where(found["break_even_share"] > 0).unstack("level")
    shares = shares.where(table["margin"] > 0, axis=0)
    wide = table.join(shares[list(terms.levels.index[1:])])
    first = found.xs(terms.levels.index[1], level="level")
    wide["fall"] = 100 * first["break_even_churn"].where(first["possible"].fillna(False).astype(bool))
    return wide.loc[table.index].rename_axis("segment").reset_index()


def step_columns(table: pd.DataFrame, window_days: int | None) -> dict[str, tuple[str, str]]:
    """Return the headings of `steps_up`."""
    columns = {"segment": ("Group", "text"), "margin": ("Margin each", "exact_money")}
    columns |= {name: (f"To {name}", "share1") for name in list(TERMS)[1:]}
    if "churn" in table:
        columns |= {
            "away": (f"Stay away, next {in_words(window_days)}", "share"),
            "fall": ("Or that must fall by (points)", "number"),
        }  # fmt: skip
    return columns


def steps_note(wb: Workbook, table: pd.DataFrame, annual_rate: float) -> str:
    """Return what stands under `steps_up`."""
    said = f"{MARGIN} Rise of it at which each step, from the level before it, pays; a dash where there is no margin."
    if "churn" in table:
        said += " " + wb.text(
            "Or, for the step to reactive at an unchanged margin m, the chance c to stay away within a year must fall "
            "by (c + d) · k / (m − b), in points: d is {rate:share} discount a year, k the cost of the step, b that of "
            "basic (after Gupta & Lehmann 2003); c is 1 − (1 − p)^w, where p is the chance of one window and w the "
            "number of windows in a year. A dash where no fall is enough.",
            rate=annual_rate,
        )  # fmt: skip
    return said


def plan(people: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return how many customers of each group get which level, how many are raised, what that costs and may bring.

    Parameters
    ----------
    people : DataFrame
        Active customers, as `crmlib.display.segments.groups_shown.people_of` returns them.
    names : list of str
        Groups in the order to show.
    """
    own = people.assign(segment=people["segment"].astype("object"), raised=(people["steps"] > 0).astype(int))
    table = pd.crosstab(own["segment"], own["level"]).reindex(index=names, columns=list(TERMS), fill_value=0)
    sums = own.groupby("segment")[["raised", "raise_cost", "level_gain"]].sum().reindex(names, fill_value=0)
    table = table.join(sums)
    table.loc["All"] = table.sum()
    return table.astype(dict.fromkeys([*TERMS, "raised"], int)).rename_axis("segment").reset_index()


def plan_columns() -> dict[str, tuple[str, str]]:
    """Return the headings of `plan`."""
    return (
        {"segment": ("Group", "text")}
        | {name: (name.capitalize(), "count") for name in TERMS}
        | {
            "raised": ("Raised", "count"),
            "level_gain": ("Expected gain", "full_money"),
        }
    )  # fmt: skip


def plan_note(wb: Workbook, tried: LevelSensitivity, budget: float, lived: pd.Series | None) -> str:
    """Return what stands under the plan: its limits, and whether they bind."""
    base = tried.base
    limits = wb.text("Budget {budget:money} a year above basic", budget=budget)
    if np.isfinite(base.capacity_minutes):
        limits += wb.text(", capacity {hours:count} hours", hours=base.capacity_minutes / 60)
    kept = []
    if base.worth_of_budget > 1:
        kept.append(
            wb.text("without the limit on money {gain:money} more would be gained", gain=base.worth_of_budget)
        )
    if base.worth_of_minutes > 1:
        kept.append(wb.text("without the limit on hours {gain:money} more", gain=base.worth_of_minutes))
    said = (
        f"; {' and '.join(kept)}"
        if kept
        else "; neither keeps anything away"
        if np.isfinite(base.capacity_minutes)
        else ""
    )
    raised = (
        "Raised: planned above basic, for how customers are served today is not in the data."
        if lived is None
        else "Raised: planned above the level lived at today, which is the highest that costs no more than the "
        "customer's "
        "calls and visits did."
    )
    return (
        f"{limits}{said}. {raised} Gain a year: expected margin of those raised less what they cost more. Within a "
        "group, customers are parted by their margin, so that a few large ones are not judged by the mean of many "
        "small ones."
    )  # fmt: skip


def today(lived: pd.Series, planned: pd.Series, book: pd.DataFrame, terms: RelationshipTerms) -> pd.DataFrame:
    """Set the level customers live at today beside the one planned.

    Parameters
    ----------
    lived, planned : Series
        Level by customer.
    book : DataFrame
        By customer and year: ``spent`` (on calls, visits and the like), ``margin`` before that, ``value`` after it.
    terms : RelationshipTerms

    Returns
    -------
    DataFrame
        Rows ``raised``, ``as today``, ``lowered``: ``customers``, ``spent``, ``margin``, ``planned`` (cost by plan),
        ``losers`` (customers with a loss) and ``loss`` (money, above 0).
    """
    order = {name: place for place, name in enumerate(terms.levels.index)}
    gap = planned.map(order).astype(int).to_numpy() - lived.astype("object").map(order).astype(int).to_numpy()
    kind = np.select([gap > 0, gap < 0], ["raised", "lowered"], "as today")
    table = pd.DataFrame(
        {
            "customers": 1,
            "spent": book["spent"],
            "margin": book["margin"],
            "planned": planned.map(terms.levels["cost"]).astype(float),
            "losers": (book["value"] < 0).astype(int),
            "loss": -book["value"].clip(upper=0),
        }
    )
    return table.groupby(kind).sum().reindex(["raised", "as today", "lowered"], fill_value=0)


def today_said(wb: Workbook, table: pd.DataFrame) -> Sentence:
    """Say how the plan differs from how customers are served today, and what lowering would have to cost not to pay."""
    low, up, spent = table.loc["lowered"], table.loc["raised"], float(table["spent"].sum())
    freed = float(low["spent"] - low["planned"])
    start = (
        "**Today** {spent:money} a year goes into calls, visits and complaints, {part:share} of it to {n:count "
        "customer} served above the level that pays by this plan. "
    )
    end = (
        "A lower level would free {freed:money} of work at most, "
        + (
            "more than the {margin:money} of margin they bring before it. "
            if low["margin"] <= freed
            else "and pays only if it costs less than {even:share} of the {margin:money} of margin they bring before "
            "it. "
        )
        + "Part of the calls are their own, and freed hours are money only once they are cut or used: talk before "
        "you cut."
    )
    return wb.cases(
        (low["customers"] > 0 and low["losers"] > 0,
         start + "{k:count} of them cost more than they bring, {loss:money} a year: begin with their terms. " + end),
        (low["customers"] > 0, start + end),
        (True,
         "Today {spent:money} a year goes into calls, visits and complaints. Nobody is served above the level planned; "
         "{up:count customer} below it."),
        spent=spent, n=int(low["customers"]), up=int(up["customers"]), 
        part=float(low["spent"]) / spent if spent else 0.0,
        k=int(low["losers"]), loss=float(low["loss"]), freed=freed,
        even=freed / float(low["margin"]) if low["margin"] > 0 else 1.0, margin=float(low["margin"]),
    )  # fmt: skip


def five(blocs: pd.DataFrame) -> pd.DataFrame:
    """Pick five customer groups from small to large, with what the step to reactive costs and would bring."""
    few = blocs.sort_values("margin", kind="stable")
    return few.iloc[np.unique(np.linspace(0, len(few) - 1, min(5, len(few))).astype(int))]


def smallest_seen(effect: float, margin: float) -> str:
    """Write the smallest effect a test can see, as a share of the margin.

    Examples
    --------
    >>> smallest_seen(12.0, 100.0), smallest_seen(250.0, 100.0), smallest_seen(1.0, 0.0)
    ('12% of the margin', 'more than the margin itself', '')
    """
    if not margin > 0 or not np.isfinite(effect):
        return ""
    share = effect / margin
    return "more than the margin itself" if share > 1 else f"{formats.share(share)} of the margin"
