"""Relationship levels on the page: what each is and costs, who gets which, and what has to come back."""

import numpy as np
import pandas as pd

from crmlib.analysis.segments.level_effects import LevelSensitivity
from crmlib.analysis.segments.moving_up import moving_up
from crmlib.analysis.segments.relationship_terms import TERMS, RelationshipTerms
from crmlib.display import formats
from crmlib.display.prose import Sentence
from crmlib.display.segments.palette import SEGMENTS
from crmlib.display.workbook import Workbook

PLAN, NOTHING = "By plan", "No more than basic for anybody"
_RANGE = (0.5, 2.0)


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

    Returns
    -------
    DataFrame
        ``segment``, ``margin`` (mean), for each level above the lowest the share by which the margin must rise, and,
        where churn is known, ``churn`` and ``fall`` (by how much it must fall instead, for the first step).
    """
    held = margin.groupby(segments.astype("object"))
    table = pd.DataFrame({"customers": held.size(), "margin": held.mean()}).reindex(SEGMENTS).dropna()
    if "churn_rate" in profile and profile["churn_rate"].reindex(table.index).notna().all():
        table["churn"] = profile["churn_rate"]
    found = moving_up(table, terms.levels, annual_rate)
    shares = found["break_even_share"].where(found["break_even_share"] > 0).unstack("level")
    wide = table.join(shares[list(terms.levels.index[1:])])
    wide["fall"] = found.xs(terms.levels.index[1], level="level")["break_even_churn"]
    return wide.loc[table.index].rename_axis("segment").reset_index()


def step_columns(table: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return the headings of `steps_up`."""
    columns = {"segment": ("Group", "text"), "margin": ("Margin each", "exact_money")}
    columns |= {name: (f"To {name}", "share1") for name in list(TERMS)[1:]}
    if "churn" in table:
        columns |= {"churn": ("Stay away today", "share"), "fall": ("Or must fall by", "share1")}
    return columns


def steps_note(table: pd.DataFrame) -> str:
    """Return what stands under `steps_up`."""
    said = "Rise of the margin at which each step, from the level before it, pays; a dash where there is no margin."
    if "churn" in table:
        said += " Or, for the step to reactive, the chance to stay away must fall by so much at an unchanged margin."
    return said


def plan(blocs: pd.DataFrame, tried: LevelSensitivity, names: list[str]) -> pd.DataFrame:
    """Return how many customers of each group get which level, what that costs and is expected to bring."""
    own = tried.base.segments.join(blocs[["segment"]])
    counts = own.pivot_table("customers", "segment", "level", "sum", fill_value=0, observed=False)
    table = counts.reindex(index=names, columns=list(TERMS), fill_value=0).astype(int)
    money = own.groupby("segment")[["cost", "more", "gain"]].sum().reindex(names, fill_value=0.0)
    table = table.join(money)
    table.loc["All"] = table.sum()
    return table.astype(dict.fromkeys(TERMS, int)).rename_axis("segment").reset_index()


def plan_columns() -> dict[str, tuple[str, str]]:
    """Return the headings of `plan`."""
    return (
        {"segment": ("Group", "text")}
        | {name: (name.capitalize(), "count") for name in TERMS}
        | {"cost": ("Cost a year", "full_money"), "gain": ("Expected gain", "full_money")}
    )  # fmt: skip


def plan_note(wb: Workbook, tried: LevelSensitivity, budget: float) -> str:
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
    return (
        f"{limits}{said}. Gain: expected margin less the cost above basic. Within a group, customers are parted by "
        f"their "
        "margin, so that a few large ones are not judged by the mean of many small ones."
    )  # fmt: skip


def choices(
    blocs: pd.DataFrame, tried: LevelSensitivity, terms: RelationshipTerms, level_effect: float
) -> pd.DataFrame:
    """Return what the plan and the same level for everybody would gain, at half and at double the assumed effect.

    Returns
    -------
    DataFrame
        ``label``, ``customers`` (raised), ``cost`` (above basic), ``gain``, ``low``, ``high``; doing nothing last.
    """
    rows = []
    base = tried.base.segments
    raised = base["level"] != terms.levels.index[0]
    extra = base["cost"] - base["customers"] * terms.levels["cost"].iloc[0]
    rows.append((PLAN, int(base.loc[raised, "customers"].sum()), extra.sum(), base["more"].sum()))
    size, margin = blocs["customers"].sum(), float((blocs["customers"] * blocs["margin"]).sum())
    steps = terms.levels["cost"] - terms.levels["cost"].iloc[0]
    for place, (name, cost) in enumerate(steps.iloc[1:].items(), 1):
        rows.append((f"Everybody {name}", int(size), size * cost, margin * level_effect * place))
    table = pd.DataFrame(rows, columns=["label", "customers", "cost", "more"])
    table["gain"] = table["more"] - table["cost"]
    table["low"], table["high"] = (factor * table["more"] - table["cost"] for factor in _RANGE)
    nothing = {
        "label": NOTHING,
        "customers": 0,
        "cost": 0.0,
        "more": 0.0,
        "gain": 0.0,
        "low": 0.0,
        "high": 0.0,
    }
    return pd.concat([table, pd.DataFrame([nothing])], ignore_index=True)


def drawn_choices(table: pd.DataFrame) -> pd.DataFrame:
    """Return the choices to draw: not those whose loss would make all others look alike.

    Examples
    --------
    >>> table = pd.DataFrame({"gain": [9.0, -4, -300, 0], "low": [2.0, -9, -320, 0], "high": [20.0, 3, -200, 0]})
    >>> drawn_choices(table)["gain"].tolist()
    [9.0, -4.0, 0.0]
    """
    near = max(float(table[["gain", "low", "high"]].iloc[0].abs().max()), float(-table["low"].iloc[1]))
    return table[table["low"] >= -1.5 * near]


def choices_title(wb: Workbook, table: pd.DataFrame) -> str:
    """Return the title of the figure of choices."""
    own, others = table.iloc[0], table.iloc[1:-1]
    return str(
        wb.cases(
            (own["customers"] == 0, "No group can be raised at a gain"),
            ((others["gain"] < 0).all(),
             "A higher level pays for {n:count customer}; the same level for all costs more than it brings"),
            (True, "A higher level pays for {n:count customer}: {gain:money} a year, if the assumption holds"),
            n=int(own["customers"]), gain=float(own["gain"]),
        )
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


def effect_doubt(
    wb: Workbook, tried: LevelSensitivity, choices: pd.DataFrame, level_effect: float
) -> Sentence:
    """Say how far the assumed effect may be off before the plan loses."""
    gains, worst = tried.gains, choices.iloc[-2]
    return wb.cases(
        (tried.robust_from != tried.robust_from,
         "Nobody is raised, so nothing hangs on the assumed effect."),
        (bool(worst["gain"] < 0),
         "All of this rests on the assumption that each step raises a customer's margin by {effect:share}. The plan "
         "still gains as long as it is {least:share1} or more. If it is half, the plan gains {half:money}; if nothing, "
         "it costs {cost:money}. Full partnership for everybody would lose {worst:money} even as assumed."),
        (True,
         "All of this rests on the assumption that each step raises a customer's margin by {effect:share}. The plan "
         "still gains as long as it is {least:share1} or more. If it is half, the plan gains {half:money}; if nothing, "
         "it costs {cost:money}."),
        effect=level_effect, least=level_effect * tried.robust_from, half=float(gains.loc[1.0, 0.5]),
        cost=-float(gains.loc[1.0, 0.0]), worst=-float(worst["gain"]),
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
