"""What the audit advises: how many customers to win, what that is worth, and what happens without."""

import numpy as np

from crmlib.analysis.audit.next_period import NextPeriod
from crmlib.analysis.audit.verdict import Verdict
from crmlib.analysis.period import Period
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook


def figures_of(need: NextPeriod | None) -> dict[str, float | None]:
    """Figures of the next period for sentences; numbers of customers are not shown below zero."""
    if need is None:
        names = ("target", "existing", "bottom", "top", "needed", "low", "high", "won", "gap")
        return dict.fromkeys(names)
    low, high = need.needed_interval
    return {
        "target": need.target,
        "existing": need.existing,
        "bottom": need.existing_interval[0],
        "top": need.existing_interval[1],
        "needed": max(need.needed, 0.0),
        "low": max(low, 0.0),
        "high": max(high, 0.0),
        "won": need.won,
        "gap": need.target - need.existing,
    }


def decision(
    wb: Workbook, judged: Verdict, need: NextPeriod | None, sales: float, period: Period
) -> tuple[Sentence, Sentence]:
    """Say what to do, in money and with its range, and what happens if nothing is done."""
    numbered = judged.state in ("renews", "open", "wears out")
    values = {"months": round(period.months), "now": sales, "span": period.in_words, **figures_of(need)}
    values |= {
        "worth": _worth(wb, judged),
        "keep": _keep(wb, judged, need),
        "latest": max(judged.latest, 0.0),
    }
    values |= {"cost": judged.cost, "budget": judged.cost * (values["needed"] or 0.0)}
    enough = numbered and need.needed <= need.won
    act = wb.cases(
        (
            numbered and judged.worth_interval[1] < 0,
            "**Do not win more of the same customers before each one earns.** {worth} Holding sales in the next "
            "{months:count} months would take about {needed:count} of them (95% range {low:count} to {high:count}), "
            "and each would add to the loss.",
        ),
        (
            judged.state == "closed" and values["gap"] <= 0,
            "**Set no target for new customers.** Today's are expected to buy for {existing:money} in the next "
            "{months:count} months, no less than the {target:money} of the {span}. {worth} {keep}",
        ),
        (
            numbered,
            ("**Win about as many as now.** " if enough else "**Win more than now.** ")
            + "Holding sales in the next {months:count} months takes about {needed:count} new customers "
            "(95% range {low:count} to {high:count}; {latest:count} if only the latest shares are taken); "
            "{won:count} were won in the {span}. "
            + (
                "At the {cost:exact_money} that winning one cost, that is {budget:money}. "
                if judged.cost == judged.cost
                else ""
            )
            + "{worth} {keep}",
        ),
        (
            judged.state == "closed",
            "**Decide whether customers shall be won again.** Today's are expected to bring {gap:money} "
            "less than now: that is what new ones, or more orders of the old ones, would have to make up "
            "for. {worth} {keep}",
        ),
        (
            not period.whole_years,
            "**Set no target for new customers yet**: two whole years of orders are needed to tell a change "
            "from the season. {worth}",
        ),
        (True, "**Set no target for new customers from these data.** {worth}"),
        **values,
    )
    if numbered:
        low, middle, high = need.sales_with(need.won)
        values |= {"as_low": low, "as_now": middle, "as_high": high}
    nothing = wb.cases(
        (
            numbered,
            "If as many are won as now ({won:count}), sales to known customers come to {as_now:money} (95% "
            "range {as_low:money} to {as_high:money}), after {target:money}. If nobody is won, to "
            "{existing:money} ({bottom:money} to {top:money}).",
        ),
        (
            judged.state == "closed",
            "Then sales to known customers come to {existing:money} (95% range {bottom:money} to "
            "{top:money}), after {target:money}.",
        ),
        (
            True,
            "Then the {now:money} of the {span} is no guide to the next: it holds the season and the "
            "customers won in it, and nobody knows which did what.",
        ),
        **values,
    )
    return act, nothing


def _worth(wb: Workbook, judged: Verdict) -> str:
    """Say what customers won so far brought, beside what winning them cost."""
    low, high = judged.worth_interval
    priced = judged.cost == judged.cost
    return str(
        wb.cases(
            (np.isnan(judged.worth), "What a customer brings in the first months cannot be seen yet."),
            (
                not priced and judged.worth <= 0,
                "Those won so far lost us {loss:exact_money} each in their first {age:count} months, the cost of "
                "winning them not counted.",
            ),
            (
                not priced,
                "Those won so far brought {worth:exact_money} each in their first {age:count} months: "
                "winning one may not cost more than that if it is to pay within such a time.",
            ),
            (
                low > 0,
                "On average winning has paid: after its cost, customers won so far brought "
                "{worth:exact_money} each in their first {age:count} months (95% range {low:money} to "
                "{high:money}). Most brought less; a few large ones make the average.",
            ),
            (
                high < 0,
                "Winning has not paid within {age:count} months so far: after its cost, a customer stood at "
                "{worth:exact_money} (95% range {low:money} to {high:money}).",
            ),
            (
                True,
                "Whether winning pays within {age:count} months cannot be told: after its cost, a customer "
                "stood at {worth:exact_money} (95% range {low:money} to {high:money}).",
            ),
            worth=judged.worth,
            loss=-judged.worth,
            age=judged.worth_months,
            low=low,
            high=high,
        )
    )


def _keep(wb: Workbook, judged: Verdict, need: NextPeriod | None) -> str:
    """Weigh keeping against winning: one point of sales carried over, in money and in new customers."""
    if need is None or judged.point != judged.point:
        return ""
    if not need.per_new > 0:
        return wb.text(
            "Keeping counts too: one point more carried over by customers won earlier is {point:money} of "
            "sales.",
            point=judged.point,
        )
    return wb.text(
        "Keeping counts too: one point more carried over by customers won earlier is {point:money} of "
        "sales, as much as {many:count} new customers bring.",
        point=judged.point,
        many=judged.point / need.per_new,
    )
