"""How the notebook on churn ends: findings, decision, the saved table, and the truth where it is known."""

import numpy as np
import pandas as pd

from crmlib.analysis.churn.came_back import CameBack
from crmlib.analysis.churn.contest import Contest
from crmlib.analysis.churn.definitions import Definitions
from crmlib.analysis.churn.losses_ahead import LossesAhead
from crmlib.analysis.survival.kaplan_meier import SurvivalCurve
from crmlib.analysis.survival.outlook import WhoEnds
from crmlib.analysis.targeting.campaign_terms import OfferTerms
from crmlib.analysis.targeting.decision import Decision
from crmlib.analysis.targeting.evidence import MONEY, Evidence
from crmlib.analysis.targeting.save_rate import SaveRate
from crmlib.analysis.targeting.targeting_rules import EVERYONE, NOBODY, RANDOM
from crmlib.analysis.targeting.worth_keeping import WorthKeeping
from crmlib.display.churn.meaning import Meaning
from crmlib.display.churn.tables import METHODS, RULES
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook

_STRENGTH = 20.0


def offer_terms(
    keep: WorthKeeping, offer_cost: float, contact_cost: float, save_rate: float
) -> OfferTerms | None:
    """Return the company's own terms: the mean value of a kept customer; None where an offer costs as much."""
    value = float(keep.value.mean())
    if not value > offer_cost:
        return None
    return OfferTerms(value, offer_cost, contact_cost, SaveRate(save_rate, _STRENGTH))


def headline(wb: Workbook, loss: LossesAhead, meaning: Meaning) -> Sentence:
    """Return the answer to the notebook's question."""
    return wb.cases(
        (loss.at_risk > 0,
         "Of {n:count customer}, {k:count} can be expected to {leave} in the next {length}; they would bring "
         "{money:money} a year (95% interval {low:money} to {high:money})."),
        (True,
         "Of {n:count customer}, {k:count} can be expected to {leave} in the next {length}; they would cost "
         "{cost:money} a year more than they bring (95% interval {least:money} to {most:money})."),
        n=loss.customers, k=loss.leavers, leave=meaning.leave, length=meaning.length, money=loss.at_risk,
        low=loss.at_risk_low, high=loss.at_risk_high, cost=-loss.at_risk, least=-loss.at_risk_high,
        most=-loss.at_risk_low,
    )  # fmt: skip


def findings(
    wb: Workbook,
    tried: Contest | None,
    others: Definitions | None,
    back: CameBack | None,
    loss: LossesAhead,
    tests: Evidence | None,
    curve: SurvivalCurve | None = None,
    ends: WhoEnds | None = None,
) -> list:
    """Return what was found, each with what it means."""
    ranked = loss.by_customer.sort_values(ascending=False, kind="stable").clip(lower=0)
    tenth = ranked.iloc[: max(1, len(ranked) // 10)].sum() / ranked.sum() if ranked.sum() > 0 else np.nan
    rates = others.table["rate"].dropna() if others else None
    found = [
        wb.finding(
            "{share:share} of the value at risk is with a tenth of the customers.",
            "Look at those by name; the saved table lists them with a reason each.", share=float(tenth),
        ) if tenth == tenth and tenth > 0.2 else None,
        _method_found(wb, tried),
        _evidence_found(wb, tests),
        wb.finding(
            "Of those who had churned by {day:day}, {share:share} bought again within {days:count} days.",
            "Silence is a pause for them; their part is not counted as lost.",
            day=back.ends, share=back.share, days=back.days,
        ) if back is not None else None,
        wb.finding(
            "The churn rate runs from {low:share} to {high:share} with the definition.",
            "Compare months only under one definition, and quote none without it.",
            low=float(rates.min()), high=float(rates.max()),
        ) if rates is not None else None,
        _contracts_found(wb, curve, ends),
    ]  # fmt: skip
    return [one for one in found if one][:5]


def _method_found(wb: Workbook, tried: Contest | None) -> tuple | None:
    if tried is None:
        return None
    scores = tried.scores.values.loc[tried.chosen]
    if tried.reason == "no_better_than_rate":
        return wb.finding(
            "No method tells beforehand who will stay away, better than one rate for all.",
            "Do not choose whom to contact by risk; {rate:share} is the chance of everybody.",
            rate=float(scores["predicted"]),
        )
    name = METHODS[tried.chosen]
    return wb.finding(
        "Among the tenth most at risk, {lift:number2} times as many stayed away as among all, on days the method "
        "had not seen.",
        "The probabilities can be trusted to rank and to budget; {name} is enough.",
        lift=float(scores["lift"]), name=name[:1].lower() + name[1:],
    )  # fmt: skip


def _contracts_found(wb: Workbook, curve: SurvivalCurve | None, ends: WhoEnds | None) -> tuple | None:
    if curve is None:
        return None
    if ends is None:
        first = curve.at([12]).iloc[0]
        return wb.finding(
            "{share:share} of the contracts still run after a year (95% interval {low:share} to {high:share}).",
            "Compare new terms with this curve, not with the number of contracts that run.",
            share=first["survival"], low=first["low"], high=first["high"],
        ) if np.isfinite(first["low"]) else None  # fmt: skip
    means = ends.means.sort_values("mean")
    worst, best = means.iloc[0], means.iloc[-1]
    return wb.finding(
        "By {what}, contracts run from {short:number} months on average ({worst}) to {long:number} ({best}), "
        "within their first {until:count} months.",
        "Ask what a change of terms would cost before asking what a call would save.",
        what=ends.first, worst=str(worst["group"]), short=worst["mean"], best=str(best["group"]), long=best["mean"],
        until=worst["until"],
    )  # fmt: skip


def _evidence_found(wb: Workbook, tests: Evidence | None) -> tuple | None:
    if tests is None:
        return None
    late = tests.effects.loc[MONEY]
    lasts = late["adjusted_low"] > tests.contact_cost
    return wb.finding(
        "In {n:count campaign} old enough to tell, a contact for {cost:money} brought {late:money} of margin "
        "within half a year (95% interval {low:money} to {high:money}).",
        "Contacts pay; choose by what they change, not by risk." if lasts else
        "What is spent on contacts like these is not earned back beyond chance; the next offer has to be another "
        "one.",
        n=len(tests.known.campaigns), cost=tests.contact_cost, late=late["adjusted"], low=late["adjusted_low"],
        high=late["adjusted_high"],
    )  # fmt: skip


def decision(
    wb: Workbook,
    final: Decision,
    loss: LossesAhead,
    keep: WorthKeeping,
    meaning: Meaning,
) -> tuple[Sentence, Sentence]:
    """Return what to do, in money, and what happens if nothing is done."""
    wait = wb.cases(
        (loss.at_risk <= 0,
         "Then {k:count customer} can be expected to {leave} within {length}; as they buy today that costs "
         "nothing, for they cost more than they bring."),
        (keep.comes_back > 0,
         "Then {k:count customer} can be expected to {leave} within {length}; without those who come back by "
         "themselves that takes {money:money} a year."),
        (True,
         "Then {k:count customer} can be expected to {leave} within {length}, and to take {money:money} a year "
         "along."),
        k=loss.leavers, leave=meaning.leave, length=meaning.length, money=loss.at_risk,
    )  # fmt: skip
    options = final.options
    best = options.loc[final.rule]
    everyone = options.loc[EVERYONE]
    act = wb.cases(
        (final.basis == "test" and final.rule == RANDOM,
         "**Contact {n:count customer} drawn by lot**: by the tests that earns **{profit:money}** (95% interval "
         "{low:money} to {high:money}) after a cost of {cost:money}; no list is proven to earn more. Go on leaving "
         "a part of them alone, so that the next run can tell."),
        (final.basis == "test" and final.rule != NOBODY,
         "**Contact the {n:count customer} of the list \"{rule}\"**: by the tests that earns **{profit:money}** "
         "(95% interval {low:money} to {high:money}) after a cost of {cost:money}. Go on leaving a part of them "
         "alone, so that the next run can tell."),
        (final.basis == "test" and everyone["profit"] < 0,
         "**Contact nobody with the offers made so far.** No way to choose is proven to earn more than it costs; "
         "contacting everybody is expected to lose {lose:money} (95% interval: from a loss of {lose_most:money} to "
         "{other}). Try another offer on a random part first."),
        (final.basis == "test",
         "**Contact nobody with the offers made so far.** No way to choose is proven to earn more than it costs; "
         "contacting everybody is expected to earn {every:money} (95% interval {every_low:money} to "
         "{every_high:money}). Try another offer on a random part first."),
        (final.rule == NOBODY,
         "**Contact nobody.** At the assumed save rate of {rate:share} no contact is expected to earn what it "
         "costs."),
        (best["low"] > 0,
         "**Contact {n:count customer}** for {cost:money}: expected **{profit:money}** (95% range {low:money} to "
         "{high:money}) if a contact keeps {rate:share} of those about to leave, which is an assumption. Leave a "
         "random part alone and measure it."),
        (True,
         "**Test before you contact.** {n:count customer} for {cost:money} would be expected to earn "
         "{profit:money}, but the range reaches from {low:money} to {high:money}: whether a contact keeps "
         "{rate:share} of those about to leave is an assumption."),
        n=final.contacted, rule=RULES[final.rule], profit=best["profit"], low=best["low"], high=best["high"],
        cost=best["cost"], every=everyone["profit"], every_low=everyone["low"], every_high=everyone["high"],
        rate=float(wb.parameters["save_rate"]), lose=-everyone["profit"], lose_most=-everyone["low"],
        other=wb.text("a gain of {x:money}" if everyone["high"] > 0 else "one of {x:money}", x=abs(everyone["high"])),
    )  # fmt: skip
    return act, wait


def metrics(wb: Workbook, meaning: Meaning, loss: LossesAhead, final: Decision) -> None:
    """Note the key figures."""
    ahead = f"next {meaning.length}"
    wb.metric(
        "expected_leavers", f"Customers expected to {meaning.leave}", loss.leavers, "count",
        f"Sum of the probabilities of the customers of today; {meaning.definition}.",
        (loss.leavers_low, loss.leavers_high), period=ahead,
    )  # fmt: skip
    wb.metric(
        "value_at_risk", "Value at risk", loss.at_risk, "money",
        "Probability to leave times what the customer brings in a year if kept, less what those bring who come "
        "back by themselves; summed over customers.",
        (loss.at_risk_low, loss.at_risk_high), period="a year of those who leave",
    )  # fmt: skip
    if np.isfinite(meaning.rate):
        known = np.isfinite([meaning.low, meaning.high]).all()
        wb.metric(
            "churn_rate", "Churn rate", meaning.rate, "share", f"Share of customers; {meaning.definition}.",
            (meaning.low, meaning.high) if known else None, period=meaning.of,
        )  # fmt: skip
    best = final.options.loc[final.rule]
    basis = "as the tests showed" if final.basis == "test" else "at the assumed save rate"
    wb.metric(
        "contact_profit", "Profit of the contacts advised", float(best["profit"]), "money",
        f"More than contacting nobody, after costs, {basis}; 0 if nobody is to be contacted.",
        (float(best["low"]), float(best["high"])) if final.rule != NOBODY else None, period="one campaign",
    )  # fmt: skip


def saved_churn(
    people: pd.DataFrame, why: pd.Series, loss: LossesAhead, final: Decision, dealt: pd.Series
) -> pd.DataFrame:
    """Lay out one row per customer for other notebooks.

    Parameters
    ----------
    people : DataFrame
        ``churn_probability`` and ``value``, indexed by ``customer_id``.
    why : Series of text
        Reasons in words.
    loss : LossesAhead
    final : Decision
    dealt : Series of text
        As returned by `crmlib.analysis.targeting.decision.deal_out`.

    Returns
    -------
    DataFrame
        ``customer_id``, ``churn_probability``, ``why``, ``worth_if_kept``, ``value_at_risk`` (per year),
        ``expected_profit`` (of a contact) with ``profit_low`` and ``profit_high``, ``decision`` ("contact", "hold
        out" or "leave alone") and ``basis`` ("test" or "assumption").
    """
    own = final.customers.reindex(people.index)
    found = pd.DataFrame(
        {
            "churn_probability": people["churn_probability"],
            "why": why.reindex(people.index),
            "worth_if_kept": people["value"],
            "value_at_risk": loss.by_customer,
            "expected_profit": own["profit"],
            "profit_low": own["low"],
            "profit_high": own["high"],
            "decision": dealt.reindex(people.index),
            "basis": final.basis,
        },
        index=people.index,
    )
    return found.rename_axis("customer_id").reset_index()
