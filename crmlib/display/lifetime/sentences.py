"""Sentences of the notebook on lifetime value, each with the cases the data may bring."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlib.analysis.clv.trust.choose import Choice
from crmlib.analysis.clv.worth.strata import Stratum
from crmlib.analysis.clv.worth.valuation import Worth
from crmlib.display.lifetime.caveats import listed
from crmlib.display.lifetime.tables import named
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook


def histories(wb: Workbook, customers: pd.DataFrame, before: pd.Series, assumed: bool) -> Sentence:
    """Say whom the histories are of, how many bought once, and how many began, or may have, before the data."""
    once = int((customers["x"] == 0).sum())
    return wb.cases(
        (before.any() and not assumed,
         "**{n:count} customers** have bought, {once:count} of them once so far. {old:count} began before the "
         "data do: what they bought before is not seen."),
        (before.any(),
         "**{n:count} customers** have bought, {once:count} of them once so far. {old:count} may have begun "
         "before the data do, for they bought in the first months of the data or sent something back first: what "
         "they bought before is not seen."),
        (True, "**{n:count} customers** have bought, {once:count} of them once so far."),
        n=len(customers), once=once, old=int(before.sum()),
    )  # fmt: skip


def models(wb: Workbook, strata: Sequence[Stratum], before: pd.Series) -> Sentence | None:
    """Say whether those who began before the data have a model of their own; None where nobody did."""
    if not before.any():
        return None
    return wb.cases(
        (len({stratum.name for stratum in strata}) > 1,
         "Those who began before the data were seen only if they were still customers then; they buy more and "
         "leave less than new ones do, and are valued by a model of their own."),
        (True,
         "Customers before and since the data begin are too few on one side to be told apart: one model values "
         "them all."),
    )  # fmt: skip


def left_by_purchase(wb: Workbook, customers: pd.DataFrame, expected: pd.Series) -> Sentence:
    """Say what a purchase brings and leaves, and who is expected to leave a loss."""
    bought = customers["n"].sum()
    losers = int((expected < 0).sum())
    return wb.cases(
        (losers > 0,
         "A purchase brings {spend:money} of net sales and leaves {left:money} on average. {losers:count customer} "
         "can be expected to leave a loss with every purchase: the more they buy, the less they are worth."),
        (True,
         "A purchase brings {spend:money} of net sales and leaves {left:money} on average. Nobody is expected to "
         "leave a loss."),
        spend=(customers["n"] * customers["money"]).sum() / bought,
        left=(customers["n"] * customers["left"]).sum() / bought, losers=losers,
    )  # fmt: skip


def alive_by(wb: Workbook, worth: Worth, choice: Choice | None) -> Sentence | None:
    """Say whose the chances to be active are where a simple forecast gives the values; None by a model."""
    if worth.values or choice is None:
        return None
    plain = (
        "A simple forecast knows no chance to be active. Those here are by {model}, the best of the models: "
        "{alive:count} of {n:count} customers are expected to be active. They have no part in the values."
    )
    return wb.cases(
        (worth.customers["alive"].mean() > 0.98,
         plain + " In data as short as these the model finds next to nobody leaving, which says little about who has."),
        (True, plain),
        model=named(choice.model or "mbg_nbd"), alive=worth.customers["alive"].sum(), n=len(worth.customers),
    )  # fmt: skip


def repeats_title(wb: Workbook, groups: pd.DataFrame, forecast: str) -> str:
    """Return the title of purchases by repeats before: on which side of the forecast most groups came out."""
    above = int((groups[forecast] > groups["actual"]).sum())
    below = int((groups[forecast] < groups["actual"]).sum())
    return wb.text(
        "Customers bought {side} than expected in {n:count} of {all:count} groups",
        side="less" if above >= below else "more", n=max(above, below), all=len(groups),
    )  # fmt: skip


def chosen(wb: Workbook, choice: Choice) -> Sentence:
    """Say which forecast is used, and how sure it is that it is better."""
    scores = choice.scores
    mine = scores.loc[choice.chosen]
    rival = choice.best_baseline if choice.is_model else choice.best_model
    against = choice.against.loc[rival] if rival else None
    equals = [named(name) for name in choice.equals if name != rival]
    return wb.cases(
        (choice.is_model and choice.reason == "model_picks_more",
         "**{name} is used.** Over the rehearsals its total was off by {error:share1}. The fifth of "
         "customers it picks brought {picked:money}, that is {gain:money} more than the fifth picked by the "
         "best simple forecast, {rival} (95% interval {low:money} to {high:money}).{others}"),
        (choice.is_model,
         "**{name} is used.** Over the rehearsals its total was off by {error:share1}; no simple forecast "
         "came as close.{others}"),
        (choice.reason == "only_chance" and rival is not None,
         "**No model beats the simple forecast {name} by more than chance, so {name} is used.** Its total "
         "was off by {error:share1}; the best model, {rival}, picked customers who brought {less:money} "
         "{sign}."),
        (choice.reason == "model_totals_wrong" and rival is not None,
         "**The simple forecast {name} is used.** Its total was off by {error:share1}, that of the best model, "
         "{rival}, by {other:share1}."),
        (True, "**The simple forecast {name} is used.** Its total was off by {error:share1}."),
        name=named(choice.chosen), error=abs(mine["error"]),
        other=abs(scores.loc[rival, "error"]) if rival else 0.0, picked=mine["picked_money"],
        rival=named(rival).lower() if rival and choice.is_model else named(rival) if rival else "",
        gain=against["picked_less"] if rival else 0.0, low=against["low"] if rival else 0.0,
        high=against["high"] if rival else 0.0, less=abs(against["picked_less"]) if rival else 0.0,
        sign="more" if rival and against["picked_less"] < 0 else "less",
        others=f" {listed(equals)} did as well, up to chance." if equals else "",
    )  # fmt: skip


def covered(wb: Workbook, choice: Choice) -> Sentence | None:
    """Say how often the intervals of the chosen model held what came."""
    if not choice.is_model:
        return None
    mine = choice.scores.loc[choice.chosen]
    off, money = mine["error_purchases"], mine["error"]
    each = (1 + money) / (1 + off) - 1
    return wb.cases(
        (abs(off) <= 0.05,
         "Its 95% intervals held what {share:share} of the customers brought, and the number of purchases came "
         "within {off:share} of what it expected."),
        (abs(money) < abs(off) / 2,
         "Its 95% intervals held what {share:share} of the customers brought. Over the rehearsals it expected "
         "{off:share} {more} purchases than came, but each brought {each:share} {less} than it expected: part of "
         "the small error of the total is luck."),
        (True,
         "Its 95% intervals held what {share:share} of the customers brought. Over the rehearsals it expected "
         "{off:share} {more} purchases than came: a model knows nothing of a year that turns out {worse} than those "
         "before."),
        share=mine["coverage"], off=abs(off), each=abs(1 / (1 + each) - 1), more="more" if off > 0 else "fewer",
        less="more" if each < 0 else "less", worse="worse" if off > 0 else "better",
    )  # fmt: skip


def assumptions_note(choice: Choice | None) -> str:
    """Return the note under the table of assumptions: when one fails, and what it touches."""
    plain = (
        "An assumption fails only where the departure is both large and more than chance. Histories that began "
        "before the data are fitted by themselves."
    )
    if choice is None or choice.is_model:
        return plain
    return (
        "A simple forecast gives the values here, so what the models assume touches chances to be active and new "
        "customers only. " + plain
    )


def base_value(wb: Workbook, worth: Worth, annual_rate: float) -> Sentence:
    """Say what the base is worth, with its interval and where that comes from."""
    doubt = worth.values.sums["all"] if worth.values else None
    losers = worth.customers["value"] < 0
    low, high = worth.interval
    lead = (
        "Over the next {months:count} months the {n:count} customers are expected to bring **{value:money}** (95% "
        "interval {low:money} to {high:money}), discounted to today at {rate:share} a year. "
    )
    end = (
        " {losers:count customer} can be expected to cost {cost:money} more than they bring."
        if losers.any()
        else ""
    )
    return wb.cases(
        (doubt is not None,
         lead + "Doubt about the parameters alone, of purchases and of money, gives {low_p:money} to {high_p:money}."
         + end),
        (low == low,
         lead + "The interval is as wide as the simple forecast was off in {k:count rehearsal}; from so few, it says "
         "little of a year unlike those." + end),
        (True,
         "Over the next {months:count} months the {n:count} customers are expected to bring **{value:money}**, "
         "discounted to today at {rate:share} a year. It has no interval: a rehearsal had no sales to "
         "compare with." + end),
        months=worth.months, n=len(worth.customers), value=worth.total, low=low, high=high, rate=annual_rate,
        low_p=doubt.low_parameters if doubt else 0.0, high_p=doubt.high_parameters if doubt else 0.0,
        k=worth.rehearsed.rehearsals if worth.rehearsed else 0,
        losers=int(losers.sum()), cost=-float(worth.customers.loc[losers, "value"].sum()),
    )  # fmt: skip


def concentrated(wb: Workbook, values: pd.Series) -> Sentence:
    """Say how much of the future value the best tenth holds."""
    ordered = np.clip(np.sort(values.to_numpy())[::-1], 0, None)
    positive = ordered.sum()
    return wb.cases(
        (positive == 0, "Nobody is expected to bring more than they cost."),
        (True,
         "The best tenth of customers holds {share:share} of all value above zero; the lower half holds "
         "{half:share}."),
        share=ordered[: max(1, round(len(ordered) / 10))].sum() / (positive or 1.0),
        half=ordered[len(ordered) // 2 :].sum() / (positive or 1.0),
    )  # fmt: skip


def concentration_title(wb: Workbook, values: pd.Series) -> str:
    """Return the title of the curve of value added up."""
    ordered = np.sort(values.to_numpy())[::-1]
    fifth, losses = ordered[: max(1, round(len(ordered) / 5))].sum(), ordered[ordered < 0].sum()
    total = ordered.sum()
    if ordered[0] <= 0:
        return wb.text(
            "No customer is expected to bring more than they cost: {total:money} in all", total=total
        )
    if total > 0 and losses < -0.05 * total:
        return wb.text(
            "The best fifth is worth {fifth:money}; others take {losses:money} away",
            fifth=fifth,
            losses=-losses,
        )
    return wb.text(
        "The best fifth of customers holds {share:share} of the value",
        share=fifth / total if total else np.nan,
    )


def iso_reading(wb: Workbook, grid: pd.DataFrame) -> Sentence:
    """Say what lines of equal value show: whether frequent buyers are missed sooner."""
    rare, often = grid.iloc[0], grid.iloc[-1]
    crossed = often.index[(often < rare).to_numpy()]
    return wb.cases(
        (len(crossed) > 0,
         "Just after a purchase, {most:count} purchases are worth {often:money} and {least:count} are worth "
         "{rare:money}. After {days:count} days of silence the order turns: a frequent buyer who stays away "
         "that long has most likely left, a rare one may just be rare."),
        (True,
         "Just after a purchase, {most:count} purchases are worth {often:money} and {least:count} are worth "
         "{rare:money}."),
        most=grid.index[-1], least=grid.index[0], often=often.iloc[0], rare=rare.iloc[0],
        days=crossed[0] if len(crossed) else 0.0,
    )  # fmt: skip


def renewal_title(wb: Workbook, renewed: pd.DataFrame) -> str:
    """Return the title of the figure of renewals: whether those who renewed before renew more often."""
    first = float(renewed["share"].iloc[0])
    later = (
        float(renewed["after"].iloc[1:].sum() / renewed["before"].iloc[1:].sum())
        if len(renewed) > 1
        else np.nan
    )
    if later > first:
        return wb.text(
            "{first:share} renew the first time, {later:share} of those who have renewed before",
            first=first,
            later=later,
        )
    return wb.text("{first:share} renew the first time", first=first)
