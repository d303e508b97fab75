"""Sentences of the notebook on churn about what was found, each with the cases the data may bring."""

import numpy as np
import pandas as pd

from crmlib.analysis.churn.came_back import CameBack
from crmlib.analysis.churn.contest import Contest
from crmlib.analysis.churn.definitions import Definitions
from crmlib.analysis.churn.drivers import Drivers
from crmlib.analysis.churn.losses_ahead import LossesAhead
from crmlib.analysis.churn.rhythm import Rhythm
from crmlib.analysis.churn.windows import ChurnWindows, in_words
from crmlib.analysis.survival.losses_seen import KindOfLoss
from crmlib.analysis.targeting.worth_keeping import WorthKeeping
from crmlib.display.churn.meaning import Meaning
from crmlib.display.churn.tables import METHODS, dependence, feature_words, leading, short_words
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook


def data(wb: Workbook, waits: Rhythm | None, kind: KindOfLoss) -> Sentence:
    """Say how many bought how often, and for how many of them a loss is seen."""
    return wb.cases(
        (kind.kind == "contractual" and kind.under_contract == kind.customers,
         "**{n:count customer}**, all with a contract, now or earlier, whose end is on record. So leaving is the "
         "end of a contract here, and what was bought plays no part."),
        (kind.kind == "contractual",
         "**{n:count customer}**, {k:count} of them with a contract, now or earlier: its end is on record. So "
         "leaving is the end of a contract here, and what was bought plays no part."),
        (kind.kind == "non-contractual" and kind.under_contract > 0,
         "**{n:count customer}** have made {p:count purchase}. {k:count} of them have a contract, but not one "
         "contract has an end on record: no loss is seen, and leaving has to be told from silence."),
        (kind.kind == "non-contractual",
         "**{n:count customer}** have made {p:count purchase}. Nobody has a contract: no loss is seen, and leaving "
         "has to be told from silence."),
        (True,
         "**{n:count customer}** have made {p:count purchase}. {k:count} of them have, or had, a contract whose "
         "end is on record; of all others leaving has to be told from silence."),
        n=waits.customers if waits else kind.customers, p=waits.purchases if waits else 0, k=kind.under_contract,
    )  # fmt: skip


def waiting_title(wb: Workbook, waits: Rhythm, windows: ChurnWindows) -> str:
    """Return the title of the figure of waits: how many of those who come back do so within the outcome window."""
    until = waits.curve[waits.curve["days"] <= windows.outcome_days]["share"]
    share = float(until.iloc[-1]) / waits.comes_back if len(until) and waits.comes_back > 0 else 0.0
    return wb.text(
        "Of those who buy again, {share:share} do so within {length}",
        share=share, length=in_words(windows.outcome_days),
    )  # fmt: skip


def window_marks(windows: ChurnWindows) -> list[tuple[int, str]]:
    """Return the two windows as marks on the axis of days."""
    marks = [(windows.outcome_days, f"outcome window: {in_words(windows.outcome_days)}")]
    if windows.eligible_days != windows.outcome_days:
        marks.append((windows.eligible_days, f"eligibility: {in_words(windows.eligible_days)}"))
    return marks


def windows_chosen(wb: Workbook, waits: Rhythm, windows: ChurnWindows) -> Sentence:
    """State both windows and why they are so long."""
    reason = windows.chosen["reason"]
    return wb.say(
        "**Churned here:** bought in the {eligible} up to a day, and nothing in the {outcome} after it. The "
        "outcome window: {why}. The eligibility window: {other}. If the waits that are still open were left out, "
        "the median wait would be {short:count} days instead of {long:count}.",
        eligible=in_words(windows.eligible_days), outcome=in_words(windows.outcome_days), why=str(reason["outcome"]),
        other=str(reason["eligible"]), short=waits.quantiles["finished_alone"].iloc[0],
        long=waits.quantiles["days"].iloc[0],
    )  # fmt: skip


def other_definitions(wb: Workbook, others: Definitions, back: CameBack | None) -> Sentence:
    """Say how far the rate moves with the definition, and how many came back later."""
    rates = others.table["rate"].dropna()
    return wb.cases(
        (back is not None,
         "The churn rate runs from {low:share} to {high:share}, whatever was meant by leaving: never quote it "
         "without its definition. Of the {n:count} customers who had churned by {day:day}, {share:share} (95% "
         "interval {from_:share} to {to:share}) bought again in the {days:count} days that followed; together they "
         "brought {part:share} of what those who had stayed brought. That part is not lost, and is taken off below."),
        (True,
         "The churn rate runs from {low:share} to {high:share}, whatever was meant by leaving: never quote it "
         "without its definition."),
        low=float(rates.min()), high=float(rates.max()), n=back.churned if back else 0,
        day=back.ends if back else others.day, share=back.share if back else 0.0, from_=back.low if back else 0.0,
        to=back.high if back else 0.0, days=back.days if back else 0, part=back.part_of_margin if back else 0.0,
    )  # fmt: skip


def contest_note(wb: Workbook, tried: Contest) -> str:
    """Return what stands under the table of methods."""
    days = tried.roles.days
    of = days[days["role"] == "test"]
    learned = days[days["role"] == "training"]
    left_out = "; ".join(f"{METHODS[name]} left out: {why}" for name, why in tried.left_out.items())
    return wb.text(
        "Brier score: lower is better, with a 95% interval. Learned on {k:count day} up to {until:day}, corrected "
        "on {corrected:day}, tested on {n:count customer} on {days:count day}, the last {last:day}; {rate:share} "
        "of them stayed away. Lift: how much more often the tenth most at risk stayed away; slope: 1 is "
        "right.{more}",
        k=len(learned), until=learned.index.max(), corrected=days.index[days["role"] == "calibration"][0],
        n=int(of["customers"].sum()), days=len(of), last=of.index.max(),
        rate=of["churned"].sum() / of["customers"].sum(), more=f" {left_out}." if left_out else "",
    )  # fmt: skip


def chosen(wb: Workbook, tried: Contest) -> Sentence:
    """Say which method is used, and why."""
    values = tried.scores.values
    mine, best = METHODS[tried.chosen], METHODS[tried.best]
    return wb.cases(
        (tried.reason == "no_better_than_rate",
         "**No method tells customers apart better than one rate for all does, beyond chance.** So everybody gets "
         "the same probability, and whom to contact cannot be told from the risk to leave."),
        (tried.reason == "simpler_as_good",
         "**{mine} is used.** {best} has the better score, but not by more than chance, and the simpler method can "
         "be explained."),
        (tried.chosen == "logistic" and "boosting" in tried.scores.methods,
         "**{mine} is used.** Each simpler method is worse by more than chance; boosted trees, which could bend, "
         "are no better. Among the tenth most at risk, {lift:number2} times as many stayed away as among all."),
        (True,
         "**{mine} is used.** Each simpler method is worse by more than chance. Among the tenth most at risk, "
         "{lift:number2} times as many stayed away as among all."),
        mine=mine, best=best, lift=float(values.loc[tried.chosen, "lift"]),
    )  # fmt: skip


def leaks(wb: Workbook, found: pd.DataFrame) -> Sentence:
    """Say whether a feature knows what nobody could have known on the day."""
    first = found.iloc[0] if len(found) else None
    return wb.cases(
        (first is None,
         "No feature tells the outcome suspiciously well: on a later day, none alone is near to knowing who left."),
        (True,
         "**Look at {column} before trusting this.** It {what}: {evidence}. A column that is written only "
         "afterwards makes every method look better than it will be."),
        column=str(first["column"]) if first is not None else "",
        what=str(first["suspicion"]) if first is not None else "",
        evidence=str(first["evidence"]).rstrip(".") if first is not None else "",
    )  # fmt: skip


def reliability_title(wb: Workbook, tried: Contest) -> str:
    """Return the title of the reliability figure."""
    own = tried.reliability.loc[tried.chosen]
    agree, bins = int(own["agrees"].sum()), len(own)
    if agree == bins:
        return "What was predicted came true in every group"
    return wb.text(
        "In {k:count} of {n:count} groups what was predicted came true, up to chance", k=agree, n=bins
    )


def calibrated(wb: Workbook, tried: Contest) -> Sentence:
    """Say whether level and spread of the probabilities are right."""
    table = tried.scores.table.loc[tried.chosen]
    slope, high = table.loc["slope"], table.loc["too_high"]
    flat = not np.isfinite(slope["value"])
    return wb.cases(
        (flat, "With one probability for all, only its level can be right or wrong: it was {off:share1} too {side} "
               "(95% interval {low:share1} to {up:share1})."),
        (slope["low"] <= 1 <= slope["high"] and high["low"] <= 0 <= high["high"],
         "Level and spread are right, up to chance: the slope is {slope:number2} (95% interval {slow:number2} to "
         "{shigh:number2}) where 1 is right, and the mean probability was {off:share1} too {side}."),
        (slope["low"] <= 1 <= slope["high"],
         "The spread is right (slope {slope:number2}, 95% interval {slow:number2} to {shigh:number2}), but the "
         "level was {off:share1} too {side} (95% interval {low:share1} to {up:share1}): more or fewer left than on "
         "the days it was corrected on. Amounts of money below carry that doubt."),
        (slope["value"] < 1,
         "The probabilities are spread too far: the slope is {slope:number2} (95% interval {slow:number2} to "
         "{shigh:number2}). High ones are too high, low ones too low."),
        (True,
         "The probabilities are too close together: the slope is {slope:number2} (95% interval {slow:number2} to "
         "{shigh:number2}). Those at high risk leave more often still."),
        slope=slope["value"], slow=slope["low"], shigh=slope["high"], off=abs(high["value"]),
        side="high" if high["value"] > 0 else "low", low=high["low"], up=high["high"],
    )  # fmt: skip


def importance_title(wb: Workbook, found: Drivers, windows: ChurnWindows) -> str:
    """Return the title of the figure of importance."""
    table = found.importance
    known = table[~table["by_chance"] & (table["importance"] > 0)]
    if known.empty:
        return "No feature is of use beyond chance"
    first = short_words(str(known.index[0]), windows)
    first = first[:1].lower() + first[1:]
    if len(known) == 1:
        return f"Only one thing counts beyond chance: {first}"
    share = float(known["share"].iloc[0] / known["share"].sum())
    if share > 0.5:
        return f"One thing counts more than all others together: {first}"
    return wb.text(
        "{n:count} of {all:count} things known are of use beyond chance", n=len(known), all=len(table)
    )


def dependence_title(wb: Workbook, found: Drivers, windows: ChurnWindows) -> str:
    """Return the title of the figure of the leading feature."""
    if leading(found) is None:
        return ""
    table = dependence(found)
    first, last = table.iloc[0], table.iloc[-1]
    return wb.text(
        "Along the strongest feature the probability {goes} from {a:share} to {b:share}",
        a=float(first["churn"]), b=float(last["churn"]), goes="rises" if last["churn"] > first["churn"] else "falls",
    )  # fmt: skip


def at_risk(wb: Workbook, loss: LossesAhead, keep: WorthKeeping, meaning: Meaning) -> Sentence:
    """Say how many are expected to leave and what they would bring in a year."""
    return wb.cases(
        (loss.of > 0,
         "Of {n:count customer}, **{k:count} can be expected to {leave}** in the next {length} (95% interval "
         "{low:count} to {high:count}). They would bring **{money:money} a year** ({mlow:money} to {mhigh:money}), "
         "{part:share} of what all {n:count} would bring if nobody left. Counted is {words}{back}."),
        (True,
         "Of {n:count customer}, **{k:count} can be expected to {leave}** in the next {length} (95% interval "
         "{low:count} to {high:count}). All customers together would bring no money, so none is at risk. Counted "
         "is {words}{back}."),
        n=loss.customers, k=loss.leavers, leave=meaning.leave, length=meaning.length, low=loss.leavers_low,
        high=loss.leavers_high, money=loss.at_risk, mlow=loss.at_risk_low, mhigh=loss.at_risk_high,
        part=loss.at_risk / loss.of if loss.of > 0 else 0.0, words=keep.words,
        back=", less what those bring who come back by themselves" if keep.comes_back > 0 else "",
    )  # fmt: skip


def dependence_axis(found: Drivers, windows: ChurnWindows) -> str:
    """Return the words for the axis of the leading feature."""
    return feature_words(leading(found), windows)
