"""Sentences of the notebook on lifetime value, each with the cases the data may bring."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlib.analysis.clv.trust.choose import Choice
from crmlib.analysis.clv.trust.departures import Check
from crmlib.analysis.clv.worth.strata import Stratum
from crmlib.analysis.clv.worth.value import Values
from crmlib.display.lifetime.tables import METHODS
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
        (len(strata) > 1,
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


def chosen(wb: Workbook, choice: Choice) -> Sentence:
    """Say which forecast is used, and how sure it is that it is better."""
    scores = choice.scores
    mine = scores.loc[choice.chosen]
    rival = choice.best_baseline if choice.is_model else choice.best_model
    against = choice.against.loc[rival] if rival else None
    equals = [METHODS[name] for name in choice.equals if name != rival]
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
        (True, "**The simple forecast {name} is used.** Its total was off by {error:share1}."),
        name=METHODS[choice.chosen], error=abs(mine["error"]), picked=mine["picked_money"],
        rival=METHODS[rival].lower() if rival and choice.is_model else METHODS.get(rival or "", ""),
        gain=against["picked_less"] if rival else 0.0, low=against["low"] if rival else 0.0,
        high=against["high"] if rival else 0.0, less=abs(against["picked_less"]) if rival else 0.0,
        sign="more" if rival and against["picked_less"] < 0 else "less",
        others=f" {_listed(equals)} did as well, up to chance." if equals else "",
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
        "These are assumptions of the models. A simple forecast was better here, so they touch the value of a new "
        "customer only. " + plain
    )


def doubtful(checks: Sequence[Check], name: str) -> str:
    """Return the caveat that a failed assumption puts on one kind of number; empty if there is none."""
    failed = [check.name for check in checks if check.holds is False and name in check.affects]
    words = {
        "spend": "spend rises or falls with frequency",
        "stationarity": "rates have drifted over time",
        "season": "the horizon is no whole number of years",
        "censoring": "some histories are cut off at the start of the data",
        "regularity": "purchases come more regularly than the model thinks",
        "rehearsal": "the data are too short to hold a forecast against what came",
    }
    return f"Read with care: {_listed([words[each] for each in failed])}." if failed else ""


def cautions(checks: Sequence[Check], doubts: Sequence[Check]) -> dict[str, str]:
    """Return the caveat of each kind of key figure: `checks` touch new customers, `doubts` those of today."""
    return {
        "total": doubtful(doubts, "total"),
        "alive": doubtful(doubts, "alive"),
        "prospect": doubtful(checks, "prospect"),
    }


def base_value(wb: Workbook, values: Values, months: int) -> Sentence:
    """Say what the base is worth, with both kinds of doubt."""
    doubt = values.sums["all"]
    losers = values.customers["value"] < 0
    return wb.cases(
        (losers.any(),
         "Over the next {months:count} months the {n:count} customers are expected to bring "
         "**{value:money}** (95% interval {low:money} to {high:money}), discounted to today at {rate:share} "
         "a year. Doubt about the model's parameters alone gives {low_p:money} to {high_p:money}. "
         "{losers:count customer} can be expected to cost {cost:money} more than they bring."),
        (True,
         "Over the next {months:count} months the {n:count} customers are expected to bring "
         "**{value:money}** (95% interval {low:money} to {high:money}), discounted to today at {rate:share} "
         "a year. Doubt about the model's parameters alone gives {low_p:money} to {high_p:money}."),
        months=months, n=len(values.customers), value=doubt.value, low=doubt.low, high=doubt.high,
        low_p=doubt.low_parameters, high_p=doubt.high_parameters, rate=values.schedule.annual_rate,
        losers=int(losers.sum()), cost=-float(values.customers.loc[losers, "value"].sum()),
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


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def caveat(wb: Workbook, checks: Sequence[Check], name: str, but: str = "") -> Sentence | None:
    """Show the caveat on one kind of number; None where all assumptions hold that touch it, `but` one aside."""
    words = doubtful([check for check in checks if check.name != but], name)
    return wb.say("**Caveat.** {words}", words=words) if words else None


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
