"""Sentences of the notebook on churn about contacts: what they are expected to earn, and what tests showed."""

import numpy as np

from crmlib.analysis.targeting.campaign_terms import ContactTerms
from crmlib.analysis.targeting.contact_profit import ContactProfit
from crmlib.analysis.targeting.decision import Decision
from crmlib.analysis.targeting.evidence import LEAVES, MONEY, Evidence
from crmlib.analysis.targeting.maximum_profit import MaximumProfit
from crmlib.analysis.targeting.targeting_rules import NOBODY
from crmlib.analysis.targeting.trial import FEWEST_CUSTOMERS
from crmlib.analysis.targeting.trial_checks import SUSPICIOUS
from crmlib.analysis.targeting.trial_design import size_of_test, smallest_effect
from crmlib.analysis.targeting.trial_outcomes import Amount
from crmlib.analysis.targeting.worth_keeping import WorthKeeping
from crmlib.display.churn.tables import RULES
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook

_HELD_OUT = 0.3


def options_note(wb: Workbook, decision: Decision, keep: WorthKeeping) -> str:
    """Return what stands under the options: what the money counts, and what its range holds."""
    return wb.text(
        "More than contacting nobody. Value: {words}. Low to high: 95% of the draws of save rate, level of the "
        "risk and the customers' own inputs, on the assumption that the save rate is worth twenty cases.",
        words=keep.words,
    )  # fmt: skip


def break_even(wb: Workbook, profit: ContactProfit, terms: ContactTerms, keep: WorthKeeping) -> Sentence:
    """Say from which value, risk or save rate on a contact pays."""
    own = profit.customers
    middle = own["churn_probability"].median()
    spent = terms.contact_cost + (1 - middle) * terms.offer_cost
    least = terms.offer_cost + spent / (middle * terms.save_rate.mean) if middle > 0 else np.inf
    pays = own[own["profit"] > 0]
    everyone = float(profit.options.loc["everyone", "break_even_rate"])
    return wb.cases(
        (not np.isfinite(least),
         "At least half of the customers are in no danger of leaving, so there is no threshold in the middle. "
         "{n:count} of {all:count customer} can be contacted at an expected profit."),
        (len(pays) == 0,
         "No contact is expected to pay at this save rate. At the middle risk of {p:share} a customer would have "
         "to be worth {least:money} or more if kept."),
        (np.isfinite(everyone) and 0 < everyone < 1,
         "The threshold in money: at the middle risk of {p:share} a contact pays from a value of {least:money} on. "
         "{n:count} of {all:count customer} can be contacted at an expected profit. Contacting everybody would pay "
         "only if {even:share1} or more of those about to leave were kept."),
        (everyone <= 0,
         "A contact costs nothing here, nor does an offer: {n:count} of {all:count customer} can be contacted at "
         "an expected profit, and contacting everybody pays at any save rate."),
        (True,
         "The threshold in money: at the middle risk of {p:share} a contact pays from a value of {least:money} on. "
         "{n:count} of {all:count customer} can be contacted at an expected profit; contacting everybody pays at "
         "no save rate."),
        p=middle, least=least, n=len(pays), all=len(own), even=everyone,
    )  # fmt: skip


def maximum_note(wb: Workbook, campaign: MaximumProfit) -> str:
    """Return what stands under the table of expected maximum profit."""
    terms = campaign.terms
    return wb.text(
        "Expected maximum profit: the profit of the best campaign, averaged over save rates. Own terms: value "
        "{v:exact_money}, offer {d:exact_money}, contact {f:exact_money}, save rate {s:share}. Published terms "
        "(Verbraken, Verbeke & Baesens): value 200, offer 10, contact 1, save rate 30% on average.",
        v=terms.value, d=terms.offer_cost, f=terms.contact_cost, s=terms.save_rate.mean,
    )  # fmt: skip


def effects_note(wb: Workbook, tests: Evidence) -> str:
    """Return what stands under the effects: how many campaigns, whether the lot looks like one."""
    what = (
        f"{tests.action} only"
        if tests.action
        else "all actions together, since they were not found to differ"
    )
    return wb.text(
        "{n:count campaign}, {what}; margin before the cost of {cost:exact_money} per contact; each campaign "
        "counts by its contacts. Half a year: only contacts old enough. What customers did before is taken out, "
        "which narrows the 95% intervals. Both arms were alike before (p {p:number2}); campaigns that hold out an "
        "odd share: {odd}. Later campaigns reached {alike} (p {later:number2}).",
        n=len(tests.trial.campaigns), what=what, cost=tests.contact_cost, p=tests.balance.test.p_value,
        odd="none" if tests.uneven == 0 else str(tests.uneven), later=tests.later.p_value,
        alike="both arms alike" if tests.later.p_value >= SUSPICIOUS else "one arm more than the other",
    )  # fmt: skip


def effects(wb: Workbook, tests: Evidence) -> Sentence:
    """Say whether a contact pays soon, whether that lasts, and whether it keeps anybody."""
    soon, late, gone = (tests.effects.loc[name] for name in ("margin", MONEY, LEAVES))
    lasts = late["adjusted_low"] > tests.contact_cost
    kept = "kept nobody that can be told from chance"
    if gone["adjusted_high"] < 0:
        kept = "kept customers from falling silent"
    elif gone["adjusted_low"] > 0:
        kept = "drove customers away"
    return wb.cases(
        (lasts,
         "A contact costs {cost:money} and brings {late:money} of margin within half a year (95% interval "
         "{low:money} to {high:money}): **it pays.** It {kept}."),
        (soon["adjusted_low"] > 0,
         "Soon after it a contact brings {soon:money} of margin (95% interval {slow:money} to {shigh:money}) at a "
         "cost of {cost:money}. **Half a year later nothing of that is left that can be told from chance**: "
         "{late:money} ({low:money} to {high:money}). Some may have bought earlier rather than more. The contacts "
         "{kept}."),
        (True,
         "A contact costs {cost:money}; what it brings within half a year is {late:money} (95% interval "
         "{low:money} to {high:money}). **No gain can be told from chance.** It {kept}."),
        cost=tests.contact_cost, soon=soon["adjusted"], slow=soon["adjusted_low"], shigh=soon["adjusted_high"],
        late=late["adjusted"], low=late["adjusted_low"], high=late["adjusted_high"], kept=kept,
    )  # fmt: skip


def measured(wb: Workbook, tests: Evidence) -> Sentence | None:
    """Set the save rate that the tests measured beside the one assumed; None where too few fell silent."""
    if tests.save_rate is None:
        return None
    low, high = tests.save_rate.interval()
    assumed = float(wb.parameters["save_rate"])
    return wb.cases(
        (high < assumed,
         "The save rate measured is {rate:share} (95% interval {low:share} to {high:share}): **less than the "
         "{assumed:share} assumed above**, and the expected profits there are too high."),
        (low > assumed,
         "The save rate measured is {rate:share} (95% interval {low:share} to {high:share}), more than the "
         "{assumed:share} assumed above."),
        (True,
         "The save rate measured is {rate:share} (95% interval {low:share} to {high:share}); the {assumed:share} "
         "assumed above can be neither confirmed nor ruled out."),
        rate=tests.save_rate.mean, low=low, high=high, assumed=assumed,
    )  # fmt: skip


def gain_title(wb: Workbook, tests: Evidence) -> str:
    """Return the title of the curves of gain."""
    own = tests.curves[tests.curves["rule"] == tests.curves["rule"].iloc[0]]
    inside = own[(own["share"] > 0) & (own["low"] > 0)]
    end = own.iloc[-1]
    if len(inside):
        return wb.text(
            "Contacting the {share:share} whom it moves most earns {value:money} per 1,000 customers",
            share=inside.loc[inside["profit"].idxmax(), "share"], value=inside["profit"].max(),
        )  # fmt: skip
    if end["profit"] < 0:
        return "The more are contacted, the more is lost; no order of customers changes that beyond chance"
    return "No order of customers earns more than chance would allow"


def order(wb: Workbook, tests: Evidence) -> Sentence:
    """Say whether the order by predicted effect is better than a lot."""
    found = tests.orders["uplift"]
    values = {
        "q": found.coefficient,
        "low": found.low,
        "high": found.high,
        "risk": tests.orders["risk"].coefficient,
    }
    return wb.cases(
        (not np.isfinite(list(values.values())).all(), "Too few were tested to compare an order with a lot."),
        (found.low > 0,
         "The area between the curve and the line of a lot (the Qini coefficient) is {q:exact_money} per customer "
         "for the order by predicted effect (95% interval {low:exact_money} to {high:exact_money}): that order is "
         "better than a lot. For the order by risk it is {risk:exact_money}."),
        (True,
         "The area between the curve and the line of a lot (the Qini coefficient) is {q:exact_money} per customer "
         "for the order by predicted effect (95% interval {low:exact_money} to {high:exact_money}): it cannot be "
         "told from a lot. For the order by risk it is {risk:exact_money}."),
        **values,
    )  # fmt: skip


def kinds_note(wb: Workbook, tests: Evidence) -> str:
    """Return what stands under the table of kinds."""
    money = wb.currency
    told = tests.kinds.table["distinguishable"]
    verdict = (
        "Both are what they were predicted to be, beyond chance."
        if told.all() and len(told) == 2
        else (
            "No kind is told from the other beyond chance."
            if not told.any()
            else "One of them is told from nothing beyond chance."
        )
    )
    return f"Change of the margin within half a year by a contact, less its cost, in {money}; 95% intervals. {verdict}"


def rules_title(wb: Workbook, tests: Evidence) -> str:
    """Return the title of the figure of ways to choose."""
    if tests.decision.rule != NOBODY:
        return wb.text(
            "{rule}: the way to choose that is proven to earn most", rule=RULES[tests.decision.rule]
        )
    losing = int((tests.rules.table["high"] < 0).sum())
    if losing:
        return wb.text("{n:count way} to choose lost money, none earned any beyond chance", n=losing)
    return "No way to choose earned more than contacting nobody, beyond chance"


def rules(wb: Workbook, tests: Evidence) -> Sentence:
    """Compare choosing by risk with choosing by effect, and name those a contact moves or drives away."""
    more, low, high = tests.rules.more("uplift", "risk")
    # The other way round, so that no sentence speaks of minus so much more.
    less, less_low, less_high = -more, -high, -low
    own, kinds = tests.rules.table.loc["uplift"], tests.kinds.table
    moved = kinds.loc["persuadable"] if "persuadable" in kinds.index else None
    return wb.cases(
        (not np.isfinite([more, low, high]).all(),
         "Too few customers of one of the two lists were tested to compare choosing by risk with choosing by "
         "effect."),
        (low > 0 and moved is not None and own["random_low"] > 0,
         "Choosing those a contact moves earned {more:money} per 1,000 customers more than choosing those most at "
         "risk (95% interval {low:money} to {high:money}), and more than a lot of the same size: **whoever is "
         "about to leave is not whom a contact keeps.**"),
        (low > 0 and moved is not None,
         "Choosing those a contact is expected to move earned {more:money} per 1,000 customers more than choosing "
         "those most at risk (95% interval {low:money} to {high:money}). That need not be a better eye: it "
         "contacted {few:share} of them instead of {many:share}, and with offers like these the fewer, the better."),
        (moved is None and more >= 0,
         "By what the tests taught, no customer is expected to bring more than the contact costs. Choosing by risk "
         "instead earned {more:money} less per 1,000 customers (95% interval {low:money} to {high:money})."),
        (moved is None,
         "By what the tests taught, no customer is expected to bring more than the contact costs. Choosing by risk "
         "all the same earned {less:money} per 1,000 customers (95% interval {less_low:money} to "
         "{less_high:money})."),
        (high < 0,
         "Choosing those most at risk earned {less:money} per 1,000 customers more than choosing those a contact "
         "is expected to move (95% interval {less_low:money} to {less_high:money}): **what the tests taught about "
         "single customers does not hold.**"),
        (more < 0,
         "Choosing those most at risk earned {less:money} per 1,000 customers more than choosing those a contact "
         "is expected to move, which chance alone could also do (95% interval {less_low:money} to "
         "{less_high:money})."),
        (True,
         "Choosing those a contact is expected to move earned {more:money} per 1,000 customers more than choosing "
         "those most at risk, which chance alone could also do (95% interval {low:money} to {high:money}). The "
         "tests find {share:share} of the customers worth a contact, and cannot yet prove it."),
        more=more, low=low, high=high, less=less, less_low=less_low, less_high=less_high,
        share=float(moved["share"]) if moved is not None else 0.0, few=own["contacted"],
        many=tests.rules.table.loc["risk", "contacted"],
    )  # fmt: skip


def design(wb: Workbook, profit: ContactProfit, keep: WorthKeeping, share: float) -> Sentence:
    """Lay out the test that would tell: how large, and what it can show."""
    customers = int(share * len(profit.customers))
    spread = float(keep.yearly.std(ddof=1))
    cost = profit.terms.contact_cost
    contacted = round(customers * (1 - _HELD_OUT))
    enough = min(contacted, customers - contacted) >= FEWEST_CUSTOMERS
    differ = spread > 0
    least = smallest_effect(Amount(spread), contacted, customers - contacted) if enough and differ else 0.0
    needed = size_of_test(Amount(spread), max(cost, 0.01), held_out=_HELD_OUT).customers if differ else 0
    return wb.cases(
        (not differ,
         "**A test would tell.** Hold {out:share} of those on the list out by lot, and compare their margin after "
         "a year. How many it takes follows from how much customers differ, which one value for all does not say. "
         "Knowing the save rate before choosing is worth {worth:money} at most."),
        (not enough,
         "**A test would tell**, but {customers:count customer} are too few for one: to see an effect that just "
         "pays the contact of {cost:money}, {needed:count} are needed, {out:share} of them held out by lot (power "
         "80%, 95% level), over several campaigns if there are not so many. Knowing the save rate before choosing "
         "is worth {worth:money} at most."),
        (True,
         "**A test would tell.** Draw {customers:count} customers, hold {out:share} of them out by lot, and "
         "compare their margin after a year: an effect of {least:money} per contact or more would show (power 80%, "
         "95% level). To see one that just pays the contact of {cost:money}, {needed:count} customers are needed, "
         "over several campaigns if there are not so many. Knowing the save rate before choosing is worth "
         "{worth:money} at most."),
        customers=customers, out=_HELD_OUT, least=least, cost=cost, needed=needed,
        worth=profit.worth_of_knowing_save_rate(),
    )  # fmt: skip


def next_test(wb: Workbook, tests: Evidence) -> Sentence:
    """Say how large the next test must be for an effect that just pays its contact."""
    rows = tests.known.rows
    spread = float(rows[MONEY].std(ddof=1))
    needed = size_of_test(Amount(spread), max(tests.contact_cost, 0.01), held_out=_HELD_OUT).customers
    return wb.say(
        "To see an effect that just pays a contact of {cost:money}, a test needs {needed:count} contacts and "
        "controls; there have been {n:count}.",
        cost=tests.contact_cost, needed=needed, n=len(rows),
    )  # fmt: skip
