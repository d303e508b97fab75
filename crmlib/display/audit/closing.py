"""How the audit closes: headline, findings, and the truth where a simulated company knows it."""

import pandas as pd

from crmlib.analysis.audit.cohorts import Trend
from crmlib.analysis.audit.next_period import NextPeriod
from crmlib.analysis.audit.two_periods import Change
from crmlib.analysis.audit.verdict import Verdict
from crmlib.analysis.period import Period
from crmlib.display.audit.decision import figures_of
from crmlib.display.audit.outlook import less_or_more
from crmlib.display.audit.sentences import fell_or_rose, two_largest
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook

# Signs of health that may move by more than chance; more is better in all of them.
_HEALTH = ["retention", "carried_old", "carried_won", "per_new", "profit"]


def health(signs: pd.DataFrame) -> str:
    """Say in words which way the signs of health moved, by more than chance explains."""
    known = signs.reindex(_HEALTH).dropna(subset=["low", "high"])
    up, down = int((known["low"] > 0).sum()), int((known["high"] < 0).sum())
    if up and down:
        return "Some signs of health rose and others fell"
    if up:
        return "The base is getting healthier"
    if down:
        return "The base is getting weaker"
    return "The base is getting neither healthier nor weaker by more than chance explains"


def headline(
    wb: Workbook,
    judged: Verdict,
    signs: pd.DataFrame,
    change: Change,
    need: NextPeriod | None,
    period: Period,
) -> Sentence:
    """Answer the notebook's question in one sentence."""
    missed = " The same forecast missed the last time: take the range as too narrow." if judged.missed else ""
    return wb.cases(
        (
            judged.state == "closed",
            "{few} in the {span}, and today's customers are expected to buy for "
            "{existing:money} in the next {months:count} months, after {target:money}.",
        ),
        (
            need is not None and need.needed <= 0,
            "{health}: in the next {months:count} months today's customers alone are expected to buy for "
            "{existing:money}, after {target:money}.",
        ),
        (
            need is not None,
            "{health}. Holding sales in the next {months:count} months takes about {needed:count} new "
            "customers (95% range {low:count} to {high:count}); {won:count} were won in the {span}." + missed,
        ),
        (
            not period.whole_years,
            "Whether the base gets healthier cannot be told yet: {kept:share} of the active customers "
            "bought again in the {span}, but without two whole years a change cannot be told from the "
            "season.",
        ),
        (True, "{health}. What the next period needs cannot be told from these data."),
        health=health(signs),
        few="Nobody new was won" if need is None or not need.won else "Hardly anybody new was won",
        months=round(period.months),
        span=period.in_words,
        kept=change.retention,
        **figures_of(need),
    )


def findings(
    wb: Workbook,
    now: pd.DataFrame,
    parts: pd.DataFrame,
    change: Change,
    moved: pd.DataFrame,
    luck: pd.DataFrame,
    silence: tuple[int, int] | None,
    next_orders: pd.DataFrame,
    line: Trend | None,
    periods: tuple[Period, Period, Period],
) -> list[tuple[Sentence, Sentence] | None]:
    """Put what the lenses found into three to five findings, each with its meaning.

    `periods` are the period of lens one and the two of lens two.
    """
    whole, before, latest = periods
    return [
        _few(wb, now, parts, whole),
        wb.finding(
            "Profit {moved} by {size:money} and stands at {now:money} for the {span}: {factors}.",
            "Part of that is the time of year: the two stretches fall into different seasons."
            if not latest.whole_years
            else "Ask what is behind the larger of the two."
            if change.profit_interval[0] > 0 or change.profit_interval[1] < 0
            else "Chance among customers alone moves it by more than that: there is nothing to explain yet.",
            moved=fell_or_rose(change.bridge["change"].sum()),
            size=abs(change.bridge["change"].sum()),
            now=change.bridge["profit_now"].sum(),
            span=latest.in_words,
            factors=two_largest(wb, moved),
        ),
        _silent(wb, luck, silence, before),
        _second_order(wb, next_orders),
        _trend(wb, line) if line else None,
    ]


def _few(
    wb: Workbook, now: pd.DataFrame, parts: pd.DataFrame, period: Period
) -> tuple[Sentence, Sentence] | None:
    """How few earn the profit, and who loses it."""
    if parts.empty:
        return None
    losers = now.loc[now["profit"] < 0, "profit"]
    values = {"few": parts["customers"].iloc[:5].sum(), "all": len(now), "span": period.in_words}
    if -losers.sum() > 0.05 * now["profit"].sum():
        return wb.finding(
            "{few:count} of {all:count} customers earn as much as half of the profit of the {span}; "
            "{losers:count} others lose {loss:money}.",
            "Know both by name. Large buyers can cost more than they bring; the page on profitability shows "
            "why.",
            losers=len(losers),
            loss=-losers.sum(),
            **values,
        )
    return wb.finding(
        "{few:count} of {all:count} customers "
        + ("earns" if values["few"] == 1 else "earn")
        + " half of the profit of the {span}.",
        "Know these by name, and ask what they have in common.",
        **values,
    )


def _silent(
    wb: Workbook, luck: pd.DataFrame, silence: tuple[int, int] | None, before: Period
) -> tuple[Sentence, Sentence] | None:
    """How many fell silent, and how many of those come back by themselves."""
    gone = luck.loc["gone"]
    if not gone["customers"]:
        return None
    seen = (
        "{seen:share} of the customers won before {day:day} and active in the {span} have placed no order "
        "since."
    )
    values = {"seen": gone["observed"], "day": before.first, "span": before.in_words}
    if silence is None or not silence[1]:
        return wb.finding(
            seen + " By luck it can be up to {luck:share}.",
            "Silence is not proof of a loss: find out how many return by themselves before paying to win "
            "them back.",
            luck=gone["by_chance"],
            **values,
        )
    return wb.finding(
        seen + " Of those who had fallen silent a period earlier, {back:share} bought again.",
        "So many return by themselves: a campaign to win them back has to beat that.",
        back=silence[0] / silence[1],
        **values,
    )


def _trend(wb: Workbook, line: Trend) -> tuple[Sentence, Sentence]:
    """Whether customers won later are worth more or less."""
    low, high = line.interval
    values = {
        "slope": abs(line.per_year),
        "word": less_or_more(line.per_year),
        "low": abs(low),
        "high": abs(high),
    }
    values |= {"low_word": less_or_more(low), "high_word": less_or_more(high)}
    if low <= 0 <= high:
        return wb.finding(
            "Whether later customers are worth less cannot be told: one won a year later brought "
            "{slope:money} {word}, with a 95% range from {low:money} {low_word} to {high:money} {high_word}.",
            "These data would show only a change of more than about {half:money} a year. Look again when "
            "more cohorts are old enough.",
            half=(high - low) / 2,
            **values,
        )
    return wb.finding(
        "A customer won a year later brought {slope:money} {word} (95% range {low:money} {low_word} to "
        "{high:money} {high_word}).",
        "Look at what new customers are offered, and at who they are."
        if line.per_year < 0
        else "Find out what made them better, and do more of it.",
        **values,
    )


def _second_order(wb: Workbook, table: pd.DataFrame) -> tuple[Sentence, Sentence] | None:
    """Where most customers stop."""
    marks = [mark for mark in (365, 180, 90) if 1 in table.index and pd.notna(table.loc[1, f"days_{mark}"])]
    if not marks:
        return None
    curve = table[f"days_{marks[0]}"].dropna()
    if len(curve) < 2 or curve.iloc[0] > curve.iloc[-1]:
        return None
    return wb.finding(
        "In the cohort followed, {first:share} ordered a second time within {days:count} days; of those "
        "with {last:count} orders, {later:share} went on.",
        "More stop after the first order than later. That those with more orders go on shows mostly who is "
        "left: test an offer for the second order before paying for it.",
        first=curve.iloc[0],
        days=marks[0],
        last=int(curve.index[-1]),
        later=curve.iloc[-1],
    )


def against_truth(
    wb: Workbook,
    customers: pd.DataFrame | None,
    cohorts: pd.DataFrame | None,
    change: Change,
    line: Trend | None,
) -> Sentence | None:
    """Compare lost customers and the trend of cohorts with what the simulated company knows; else None."""
    if customers is None or cohorts is None:
        return None
    ends = pd.to_datetime(customers.set_index("customer_id")["lifetime_end"])
    lost = change.customers.index[change.customers["group"] == "lost"]
    known = ends.reindex(lost).dropna()
    left = int((known <= pd.Timestamp(wb.data.as_of)).sum())
    found = ""
    if line is not None:
        found = (
            " The line through the cohorts finds them worth less, too."
            if line.interval[1] < 0
            else " The line through the cohorts does not show it for certain: so few customers cannot prove "
            "what is true here."
        )
    return wb.say(
        "This company is simulated, so the truth is known. Of the {lost:count} customers that lens two "
        "calls lost, **{left:share} had really left** by the last day; the others were still customers. "
        "Later cohorts truly leave sooner: the newest at {factor:number2} times the rate of customers won "
        "before the data." + found,
        lost=len(known),
        left=left / max(len(known), 1),
        factor=cohorts["hazard_factor"].astype("float64").iloc[-1],
    )
