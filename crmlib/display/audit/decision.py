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
    wb: Workbook,
    judged: Verdict,
    need: NextPeriod | None,
    sales: float,
    period: Period,
    years: float,
    assumed: str,
) -> tuple[Sentence, Sentence]:
    """Say what to do, in money and with its range, and what happens if nothing is done.

    `years` is how far the data reach back, `assumed` what to say of an assumed margin.
    """
    numbered = judged.state in ("renews", "open", "wears out")
    values = {"months": round(period.months), "now": sales, "span": period.in_words, **figures_of(need)}
    values |= {
        "worth": _worth(wb, judged, assumed),
        "keep": _keep(wb, judged, need),
        "latest": max(judged.latest, 0.0),
    }
    priced = judged.cost == judged.cost
    values |= {"cost": judged.cost, "as_many": judged.cost * (values["won"] or 0)}
    values["budget"] = judged.cost * (values["needed"] or 0.0)
    holds = (
        "about {needed:count} would hold sales in the next {months:count month} (95% interval {low:count} to "
    )
    holds += "{high:count}" + (
        "; {latest:count} if only the latest shares are taken)" if judged.latest == judged.latest else ")"
    )
    cases = [
        (
            numbered and judged.worth_interval[1] < 0,
            "**Do not win more of the same customers before each one earns.** {worth} "
            + (
                "Of these, " + holds + ", and each would add to the loss."
                if numbered and need.needed > 0
                else "Today's alone are expected to buy for {existing:money}, after {target:money}."
            ),
        ),
        (
            judged.state == "closed" and values["gap"] <= 0,
            "**Set no target for new customers.** Today's are expected to buy for {existing:money} in the "
            "next {months:count month}, no less than the {target:money} of the {span}. {worth}{keep}",
        ),
        (
            judged.state == "closed",
            "**Decide whether customers shall be won again.** Today's are expected to buy for {gap:money} "
            "less than now: that is what new ones, or more orders of the old ones, would have to make up "
            "for. {worth}{keep}",
        ),
        (
            numbered and need.needed <= 0,
            "**Sales hold without new customers.** Today's alone are expected to buy for {existing:money}, "
            "after {target:money}; whoever is won adds to that. {worth}{keep}",
        ),
        (
            judged.state == "renews",
            "**Fewer than now would hold sales; as many as now let them grow.** {won:count customer} were "
            "won in the {span}, and "
            + holds
            + "."
            + (" Winning {won:count} cost {as_many:money}." if priced else "")
            + " {worth}{keep}",
        ),
        (
            numbered and need.needed <= need.won,
            "**Win about as many as now: {won:count}"
            + (", for {as_many:money} ({cost:exact_money} each)" if priced else "")
            + ".** "
            + holds[0].upper()
            + holds[1:]
            + ". The interval reaches beyond those won"
            + (", and the same forecast missed the last time" if judged.missed else "")
            + ": it does not justify winning fewer. {worth}{keep}",
        ),
        (
            numbered,
            "**Win more than now.** {won:count customer} were won in the {span}; "
            + holds
            + "."
            + (" At the {cost:exact_money} that winning one cost, that is {budget:money}." if priced else "")
            + " {worth}{keep}",
        ),
        (
            not period.whole_years and years >= 2,
            "**Set no target for new customers from periods that are no whole years**: they differ by "
            "season. Run this page with a period of 12 months. {worth}",
        ),
        (
            not period.whole_years,
            "**Set no target for new customers yet**: two whole years of orders are needed to tell a change "
            "from the season. {worth}",
        ),
        (True, "**Set no target for new customers from these data.** {worth}"),
    ]
    act = wb.cases(*cases, **values)
    if numbered:
        low, middle, high = need.sales_with(need.won)
        values |= {"as_low": low, "as_now": middle, "as_high": high}
    nothing = wb.cases(
        (
            numbered,
            "If as many are won as now ({won:count}), sales to known customers come to {as_now:money} (95% "
            "interval {as_low:money} to {as_high:money}), after {target:money}. If nobody is won, to "
            "{existing:money} ({bottom:money} to {top:money}).",
        ),
        (
            judged.state == "closed",
            "Then sales to known customers come to {existing:money} (95% interval {bottom:money} to "
            "{top:money}), after {target:money}.",
        ),
        (
            True,
            "Then the {now:money} of the {span} is no guide to what comes next: how much of it came from "
            + ("the season and how much from " if not period.whole_years else "")
            + "customers just won cannot be told from these data.",
        ),
        **values,
    )
    return act, nothing


def _worth(wb: Workbook, judged: Verdict, assumed: str) -> str:
    """Say what those won so far earned us, beside what winning them cost."""
    low, high = judged.worth_interval
    priced = judged.cost == judged.cost
    return str(
        wb.cases(
            (np.isnan(judged.worth), "What a customer earns us in the first months cannot be seen yet."),
            (
                not priced and judged.worth <= 0,
                "Those won so far lost us {loss:exact_money} each in their first {age:count month}, the "
                "cost of winning them not counted.",
            ),
            (
                not priced,
                "Those won so far earned us {worth:exact_money} each{assumed} in their first {age:count "
                "month}: winning one may not cost more than that if it is to pay within such a time.",
            ),
            (
                low > 0,
                "On average winning has paid: after its cost, those won so far earned us "
                "{worth:exact_money} each in their first {age:count month} (95% interval {low:money} to "
                "{high:money}). Most earned less; a few large ones make the average.",
            ),
            (
                high < 0,
                "Winning has not paid within {age:count month} so far: after its cost, a customer stood at "
                "{worth:exact_money} (95% interval {low:money} to {high:money}).",
            ),
            (
                True,
                "Whether winning pays within {age:count month} cannot be told: after its cost, a customer "
                "stood at {worth:exact_money} (95% interval {low:money} to {high:money}).",
            ),
            worth=judged.worth,
            assumed=assumed,
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
    many = judged.point / need.per_new if need.per_new > 0 and need.won > 1 else 0.0
    return " " + wb.text(
        "Keeping counts too: one point more carried over by customers won earlier is {point:money} of sales"
        + (", as much as {many:count new customer} buy for." if many >= 1.5 else "."),
        point=judged.point,
        **({"many": many} if many >= 1.5 else {}),
    )
