"""What the first three lenses say, in sentences whose numbers the run computes."""

import pandas as pd

from crmlib.analysis.audit.customer_days import BEFORE, Base
from crmlib.analysis.audit.two_periods import Change
from crmlib.analysis.intervals import wilson_interval
from crmlib.analysis.ledger import Ledger
from crmlib.analysis.period import Period
from crmlib.display import formats
from crmlib.display.inventory import margin_assumed
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook


def period_in_numbers(wb: Workbook, now: pd.DataFrame, book: Ledger, period: Period) -> Sentence:
    """Say who was active, what they bought, and what is in no customer's account."""
    buyers = int((now["orders"] > 0).sum())
    was = "was" if len(now) - buyers == 1 else "were"
    others = (
        f" Another {{others:count customer}} only sent something back, {was} served or {was} won."
        if len(now) > buyers
        else ""
    )
    nameless = (
        " Sales of {unnamed:full_money}, {share:share1} of all, have no name on them and stay out of every "
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
    recent = members.loc[members["cohort"] >= len(base.windows) // 2, "cohort"]
    closed = known > 0 and len(recent) < 0.01 * known
    stopped = (
        " Hardly anybody is known to be won after {stop:day}. If these data follow a chosen group of "
        "customers, its decline comes from the choice, not from the company."
    )
    cut = (
        " The first window, {first}, is cut short by the start of the data and is marked wherever it appears."
        if base.windows.cut
        else " All windows of time are whole."
    )
    never = " {without:count customer} placed no order above zero." if without else ""
    never += stopped if closed else ""
    dated = "by their day of winning or their first order" if base.some_known else "by their first order"
    return wb.cases(
        (
            known == 0,
            "All {all:count customer} in these data count as won before the data begin: nobody can be "
            "followed from the first day." + never + cut,
        ),
        (
            base.assumed and base.lead_in > base.windows.firsts[0],
            "The data do not say when everybody was won. Whoever first ordered before {lead:day}, or sent "
            "something back before the first order, may be an old customer: {before:count} count as won "
            "before the data begin. The other {known:count} are dated {dated}." + never + cut,
        ),
        (
            base.assumed,
            "The data do not say when everybody was won. On the word of the run's settings, the first order "
            "of {known:count customer} in the data was their first of all." + never + cut,
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
        dated=dated,
        stop=base.windows.lasts[int(members.loc[members["cohort"] < len(base.windows) // 2, "cohort"].max())]
        if closed
        else None,
    )


def costs(wb: Workbook, book: Ledger) -> Sentence | None:
    """Say what "profit" means where the data lack costs; None where they have them."""
    served = wb.data.has("events") and wb.data.has("resources")
    if not book.costed_share > 0:
        return wb.say(
            "**The data hold no cost of goods.** What is called profit here rests on a margin of "
            "{margin:share} of net sales, an assumption of the run's settings."
            + ("" if served else " No cost of serving a customer is in it."),
            margin=wb.data.gross_margin or 0.0,
        )
    if not served:
        return wb.say(
            "The data hold no cost of serving customers: what is called profit here is the gross margin, "
            "less the cost of winning customers where it is known."
        )
    return None


def fell_or_rose(amount: float, currency: str) -> str:
    """Say in which direction an amount changed, and by how much."""
    size = formats.money(abs(amount), currency)
    if not any(digit in size for digit in "123456789"):
        return "did not change"
    return f"{'fell' if amount < 0 else 'rose'} by {size}"


def if_assumed(wb: Workbook, book: Ledger) -> str:
    """Say behind the word profit that a margin is assumed, where it is."""
    assumed = margin_assumed(book.costed_share, wb.data.gross_margin)
    return f", {assumed}," if assumed else ""


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
        "(95% interval {least:share} to {most:share}). Profit **{moved}**, "
    )
    return wb.cases(
        (
            low > 0 or high < 0,
            bought
            + "more than chance among customers explains (95% interval {low:money} to {high:money})."
            + season,
        ),
        (
            True,
            bought
            + "which chance among customers alone can bring about (95% interval {low:money} to {high:money})."
            + season,
        ),
        was=change.active_before,
        before=before.in_words,
        now=now.in_words,
        kept=change.retention,
        least=change.retention_interval[0],
        most=change.retention_interval[1],
        moved=fell_or_rose(change.bridge["change"].sum(), wb.currency),
        low=low,
        high=high,
    )


def bridge_title(wb: Workbook, bridge: pd.DataFrame) -> str:
    """Title: what each kind of customer did to the profit."""

    def did(amount: float) -> str:
        return f"{'took' if amount < 0 else 'added'} {formats.money(abs(amount), wb.currency)}"

    change = bridge["change"]
    won = change[["new", "back"]].sum()
    return (
        f"Lost customers {did(change['lost'])}; new and returning ones {did(won)}, "
        f"those who stayed {did(change['retained'])}"
    )


def ups_and_downs(wb: Workbook, table: pd.DataFrame) -> Sentence | None:
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
    if known.empty:
        return "through what cannot be told"
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


def long_known(base: Base, before: Period) -> str:
    """Name the customers who had the whole of a period to order in."""
    if base.assumed and base.lead_in > before.first:
        return f"who may have been won before the data (first seen before {formats.day(base.lead_in)})"
    return f"won before {formats.day(before.first)}"


def chance(wb: Workbook, luck: pd.DataFrame, silence: tuple[int, int] | None, who: str) -> Sentence:
    """Say how much of the change may be luck, and how many come back after a silence."""
    gone, moved = luck.loc["gone"], luck.loc["moved"]
    back = ""
    if silence is not None and silence[1]:
        back = (
            " Of the {silent:count customer} who had fallen silent a period earlier, **{back:share} bought "
            "again** in this one (95% interval {least:share} to {most:share}), whatever was sent to them"
        ) + (": silence is not proof of a loss." if silence[0] else ".")
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
            "Only customers {who} are compared here, so the numbers differ from the retention above. Of the "
            "{n:count} who were active in the first period, **{all:share}** placed no order in the second "
            "(95% interval {low:share} to {high:share}). Between two halves of alternate weeks {luck:share} "
            "are missing too. Some of these left for good in between; so, as long as orders do not come in "
            "bursts, luck explains no more than that." + back + moves,
        ),
        who=who,
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
    """Title: what a customer of the cohort has earned us by now."""
    end = life.iloc[-1]
    verb = "has cost" if end["value"] < 0 else "has earned"
    return wb.text(
        "After {age:count month} a customer won {verb} us {value:money} on average",
        age=len(life) * months,
        verb=verb,
        value=abs(end["value"]),
    )
