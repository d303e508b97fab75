"""What the first three lenses say, in sentences whose numbers the run computes."""

import pandas as pd

from crmlib.analysis.audit.customer_days import BEFORE, Base
from crmlib.analysis.audit.two_periods import Change
from crmlib.analysis.intervals import wilson_interval
from crmlib.analysis.ledger import Ledger
from crmlib.analysis.period import Period
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook


def period_in_numbers(wb: Workbook, now: pd.DataFrame, book: Ledger, period: Period) -> Sentence:
    """Say who was active, what they bought, and what is in no customer's account."""
    buyers = int((now["orders"] > 0).sum())
    others = (
        " With them come {others:count} who only sent something back, were served or were won."
        if len(now) > buyers
        else ""
    )
    nameless = (
        " Another {unnamed:full_money}, {share:share1} of all, has no name on it and stays out of every "
        "customer's account."
        if book.anonymous["lines"]
        else " All sales have a customer's name."
    )
    returned = (
        " Returns took back {returns:money}."
        if book.total["returns"] < 0
        else " There are no returns in the data."
    )
    return wb.cases(
        (
            True,
            "**{active:count} customers** were active in the {span}: each placed at least one order."
            + others
            + " Net sales to known customers were {known:full_money}."
            + nameless
            + returned,
        ),
        active=buyers,
        span=period.in_words,
        others=len(now) - buyers,
        known=now["net_sales"].sum(),
        unnamed=book.anonymous["net_sales"],
        share=book.anonymous["net_sales"] / book.total_net_sales if book.total_net_sales else 0.0,
        returns=-book.total["returns"],
    )


def beginnings(wb: Workbook, base: Base, members: pd.DataFrame) -> Sentence:
    """Say how many customers were won before the data, how that is known, and whether a window is cut."""
    known = int((members["cohort"] != BEFORE).sum())
    without = int((members["orders"] == 0).sum())
    cut = (
        " The first window, {first}, is cut short by the start of the data and is marked wherever it appears."
        if base.windows.cut
        else " All windows of time are whole."
    )
    never = " Among the customers are {without:count} without any order above zero." if without else ""
    return wb.cases(
        (
            base.assumed and base.lead_in > base.windows.firsts[0],
            "The data do not say when everybody was won. Whoever first ordered before {lead:day}, or sent "
            "something back before the first order, may be an old customer: these {before:count} count as "
            "won before the data begin. The other {known:count} are dated by their first order."
            + never
            + cut,
        ),
        (
            base.assumed,
            "The data do not say when everybody was won. On the word of the run's settings, the first order "
            "of {known:count} customers in the data was their first of all." + never + cut,
        ),
        (
            True,
            "{before:count} of the {all:count} customers in these data were won before the data begin; "
            "{known:count} were won since and can be followed from their first day." + never + cut,
        ),
        lead=base.lead_in,
        before=len(members) - known,
        known=known,
        all=len(members),
        first=base.windows.labels[0],
        without=without,
    )


def costs(wb: Workbook, book: Ledger) -> Sentence | None:
    """Say what "profit" means where the data lack costs; None where they have them."""
    served = wb.data.has("events") and wb.data.has("resources")
    if not book.costed_share > 0:
        return wb.say(
            "**The data hold no costs.** What is called profit here is {margin:share} of net sales, an "
            "assumption of the run's settings; no cost of serving or winning a customer is in it.",
            margin=wb.data.gross_margin or 0.0,
        )
    if not served:
        return wb.say(
            "The data hold no cost of serving customers: what is called profit here is the gross margin, "
            "less the cost of winning customers where it is known."
        )
    return None


def fell_or_rose(amount: float) -> str:
    """Name the direction of a change whose size is told beside it."""
    return "fell" if amount < 0 else "rose"


def retention(wb: Workbook, change: Change, before: Period, now: Period) -> Sentence:
    """Say how many came back, and how sure the change of the profit is."""
    low, high = change.profit_interval
    season = (
        " The two stretches fall into different seasons, and part of the change is the time of year."
        if not now.whole_years
        else ""
    )
    bought = (
        "Of the {was:count} customers active in the {before}, **{kept:share}** were active in the {now} "
        "(95% range {least:share} to {most:share}). Profit {moved} by **{size:money}**, "
    )
    return wb.cases(
        (
            low > 0 or high < 0,
            bought
            + "more than chance among customers explains (95% range {low:money} to {high:money})."
            + season,
        ),
        (
            True,
            bought
            + "which chance among customers alone can bring about (95% range {low:money} to {high:money})."
            + season,
        ),
        was=change.active_before,
        before=before.in_words,
        now=now.in_words,
        kept=change.retention,
        least=change.retention_interval[0],
        most=change.retention_interval[1],
        moved=fell_or_rose(change.bridge["change"].sum()),
        size=abs(change.bridge["change"].sum()),
        low=low,
        high=high,
    )


def ups_and_downs(wb: Workbook, table: pd.DataFrame) -> Sentence:
    """Say what those with more of both and those with less of both did to the profit."""
    more, less = table.loc[("up", "up")], table.loc[("down", "down")]
    if not (more["customers"] and less["customers"]):
        return None
    return wb.say(
        "The {more:count} who order more often and more at a time changed the profit by {gain:money}; the "
        "{less:count} with less of both, by {loss:money}.",
        more=more["customers"],
        gain=more["change"],
        less=less["customers"],
        loss=less["change"],
    )


_DIRECTIONS = {
    "customers": ("more customers", "fewer customers"),
    "orders": ("more orders each", "fewer orders each"),
    "order_value": ("a higher order value", "a lower order value"),
    "margin": ("a higher profit margin", "a lower profit margin"),
}


def two_largest(wb: Workbook, moved: pd.DataFrame) -> str:
    """Say which two factors moved the profit most, and how."""
    known = moved["contribution"].dropna()
    known = known[known.abs() > 0]
    if known.empty:
        return "nothing moved it"
    largest = known.abs().sort_values(ascending=False, kind="stable").index[:2]
    clauses = []
    for name in largest:
        rose = moved.loc[name, "now"] > moved.loc[name, "before"]
        did = "added" if known[name] > 0 else "took"
        clauses.append(
            f"{_DIRECTIONS[name][0 if rose else 1]} {did} {wb.text('{x:money}', x=abs(known[name]))}"
        )
    return ", ".join(clauses)


def chance(wb: Workbook, luck: pd.DataFrame, silence: tuple[int, int] | None, before: Period) -> Sentence:
    """Say how much of the change may be luck, and how many come back after a silence."""
    gone, moved = luck.loc["gone"], luck.loc["moved"]
    back = ""
    if silence is not None and silence[1]:
        back = (
            " Of the {silent:count} who had fallen silent a period earlier, **{back:share} bought again** "
            "in this one (95% range {least:share} to {most:share}): silence is not proof of a loss."
        )
    mostly = moved["by_chance"] > 0.75 * moved["observed"]
    moves = (
        " {shift:share} moved two tenths or more in profit or fell silent, against {shift_luck:share} "
        "between the halves"
    )
    moves += (
        ": the rise or fall of one customer from one period to the next says little about that customer."
        if mostly
        else "."
    )
    low, high = wilson_interval(*silence) if silence else (float("nan"), float("nan"))
    return wb.cases(
        (
            True,
            "Only customers won before {day:day} are compared here, so the numbers differ from the "
            "retention above. Of the {n:count} who were active in the first period, **{all:share}** placed "
            "no order in the second (95% range {low:share} to {high:share}). Between two halves of "
            "alternate weeks {luck:share} are missing too. That is an upper bound for luck, since some of "
            "them left for good in between." + back + moves,
        ),
        day=before.first,
        n=gone["customers"],
        luck=gone["by_chance"],
        all=gone["observed"],
        low=gone["observed_low"],
        high=gone["observed_high"],
        silent=silence[1] if silence else None,
        back=silence[0] / silence[1] if silence and silence[1] else None,
        least=low,
        most=high,
        shift=moved["observed"],
        shift_luck=moved["by_chance"],
    )


def second_order(wb: Workbook, table: pd.DataFrame) -> str:
    """Title: how many order a second time, and a third."""
    marks = [mark for mark in (365, 180, 90) if 1 in table.index and pd.notna(table.loc[1, f"days_{mark}"])]
    if not marks:
        return "From one order to the next"
    first = table.loc[1, f"days_{marks[0]}"]
    later = table[f"days_{marks[0]}"].dropna()
    if len(later) > 1:
        return wb.text(
            "{first:share} order again within {days:count} days; after order {last:count}, {later:share} do",
            first=first,
            days=marks[0],
            last=int(later.index[-1]),
            later=later.iloc[-1],
        )
    return wb.text("{first:share} order again within {days:count} days", first=first, days=marks[0])


def value_so_far(wb: Workbook, life: pd.DataFrame, months: int) -> str:
    """Title: what a customer of the cohort has brought by now."""
    end = life.iloc[-1]
    return wb.text(
        "After {age:count} months each customer won has brought {value:money}",
        age=len(life) * months,
        value=end["value"],
    )
