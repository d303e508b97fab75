"""How the audit closes: headline, findings, and the truth where a simulated company knows it."""

import pandas as pd
from scipy.stats import norm

from crmlib.analysis.audit.cohorts import Trend
from crmlib.analysis.audit.next_period import NextPeriod, won_since
from crmlib.analysis.audit.two_periods import Change
from crmlib.analysis.audit.verdict import Verdict
from crmlib.analysis.intervals import Z
from crmlib.analysis.period import Period
from crmlib.display import formats
from crmlib.display.audit.decision import figures_of
from crmlib.display.audit.outlook import less_or_more, nobody_won
from crmlib.display.audit.sentences import fell_or_rose, two_largest
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook

# Signs of health that may move by more than chance; more is better in all of them.
_HEALTH = {
    "retention": "retention",
    "carried_old": "what earlier customers carry over",
    "carried_won": "what those just won carry over",
    "per_new": "sales per new customer",
    "profit": "profit",
}


def health(signs: pd.DataFrame) -> str:
    """Say which signs of health moved by more than chance explains, all of them looked at together.

    Where five are looked at, one passes a 95 % interval by chance often enough; the intervals are
    widened for that (Bonferroni).
    """
    known = signs.reindex(list(_HEALTH)).dropna(subset=["low", "high"])
    half = (known["high"] - known["low"]) / 2
    half = half * norm.ppf(1 - 0.025 / max(len(known), 1)) / Z
    up = [_HEALTH[name] for name in known.index[known["change"] > half]]
    down = [_HEALTH[name] for name in known.index[known["change"] < -half]]
    if up and down:
        return f"Some signs of health rose ({' and '.join(up)}) and others fell ({' and '.join(down)})"
    if up or down:
        did = "healthier" if up else "weaker"
        return f"The base is getting {did}: {' and '.join(up or down)} {'rose' if up else 'fell'} by more than chance"
    moved = [
        f"{words} {fell_or_rose_by_share(signs, name)}"
        for name, words in (("sales", "sales"), ("active", "active customers"))
        if name in signs.index
    ]
    return (
        f"Whether the base gets healthier cannot be told: {' and '.join(moved)}, but no sign of health moved by "
        "more than chance explains"
    )


def fell_or_rose_by_share(signs: pd.DataFrame, name: str) -> str:
    """Say by what share a sign rose or fell from the period before."""
    change, now = signs.loc[name, "change"], signs.drop(columns=["change", "low", "high"]).iloc[:, -1][name]
    before = now - change
    if not before > 0 or abs(change / before) < 0.0005:
        return "did not change"
    return f"{'fell' if change < 0 else 'rose'} by {formats.share(abs(change / before), 1)}"


def headline(
    wb: Workbook,
    judged: Verdict,
    signs: pd.DataFrame,
    change: Change,
    need: NextPeriod | None,
    period: Period,
) -> Sentence:
    """Answer the notebook's question in one sentence."""
    missed = (
        " The same forecast missed the last time: take the interval for too narrow." if judged.missed else ""
    )
    return wb.cases(
        (
            judged.state == "closed",
            "{few} in the {span}, and today's customers are expected to buy for {existing:money} in the "
            "next {months:count month}, after {target:money}." + missed,
        ),
        (
            need is not None and need.needed <= 0,
            "{health}. In the next {months:count month} today's customers alone are expected to buy for "
            "{existing:money}, after {target:money}." + missed,
        ),
        (
            need is not None,
            "{health}. Holding sales in the next {months:count month} takes about {needed:count new "
            "customer} (95% interval {low:count} to {high:count}); {won:count} were won in the {span}."
            + missed,
        ),
        (
            not period.whole_years,
            "Whether the base gets healthier cannot be told yet: {kept:share} of the active customers "
            "bought again in the {span}, but periods that are no whole years differ by season.",
        ),
        (True, "{health}. What the next period needs cannot be told from these data."),
        health=health(signs),
        few=nobody_won(need),
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
    who: str,
    smallest: int,
    assumed: str,
) -> list[tuple[Sentence, Sentence] | None]:
    """Put what the lenses found into three to five findings, each with its meaning.

    `periods` are the period of lens one and the two of lens two, `who` those whom chance is
    measured on (`sentences.long_known`), `assumed` what to say of an assumed margin.
    """
    whole, before, latest = periods
    return [
        _few(wb, now, parts, whole),
        wb.finding(
            "Profit{assumed} {moved} and stands at {now:money} for the {span}: {factors}.",
            "Part of that is the time of year: the two stretches fall into different seasons."
            if not latest.whole_years
            else "Ask what is behind it."
            if change.profit_interval[0] > 0 or change.profit_interval[1] < 0
            else "Chance among customers alone moves it by more than that: there is nothing to explain yet.",
            moved=fell_or_rose(change.bridge["change"].sum(), wb.currency),
            now=change.bridge["profit_now"].sum(),
            span=latest.in_words,
            factors=two_largest(wb, moved),
            assumed=assumed,
        ),
        _silent(wb, luck, silence, who, before, smallest),
        _second_order(wb, next_orders),
        _trend(wb, line) if line else None,
    ]


def _few(
    wb: Workbook, now: pd.DataFrame, parts: pd.DataFrame, period: Period
) -> tuple[Sentence, Sentence] | None:
    """How few earn the profit, and who loses it."""
    losers = now.loc[now["profit"] < 0]
    loss = -losers["profit"].sum()
    if parts.empty:
        return wb.finding(
            "All customers together lost {loss:money} in the {span}; {losers:count} of {all:count} lose "
            "money.",
            "More customers of this kind make the loss larger: change what they cost or pay first.",
            loss=-now["profit"].sum(),
            span=period.in_words,
            losers=len(losers),
            all=len(now),
        )
    few = int(parts["customers"].iloc[:5].sum())
    values = {"few": few, "all": len(now), "span": period.in_words}
    earn = "{few:count} of {all:count} customers " + ("earns" if few == 1 else "earn")
    if loss > 0.05 * now["profit"].sum():
        new = int(won_since(losers, period.first).sum())
        worst = int((losers["profit"].sort_values().cumsum() > -loss / 2).sum()) + 1
        return wb.finding(
            earn
            + " as much as half of the profit of the {span}; {losers:count customer} "
            + (
                "loses {loss:money}."
                if len(losers) == 1
                else "lose {loss:money}, half of it just {worst:count} of them."
            )
            + (
                f" {{new:count}} of those who lose {'was' if new == 1 else 'were'} only just won."
                if new
                else ""
            ),
            "Know the {few:count} and the {worst:count} by name: they are in the list of customers. Why "
            "some cost more than they bring is told on the page on profitability.",
            losers=len(losers),
            loss=loss,
            worst=worst,
            new=new,
            **values,
        )
    return wb.finding(
        earn + " half of the profit of the {span}.",
        "Know these by name, and ask what they have in common.",
        **values,
    )


def _silent(
    wb: Workbook,
    luck: pd.DataFrame,
    silence: tuple[int, int] | None,
    who: str,
    before: Period,
    smallest: int,
) -> tuple[Sentence, Sentence] | None:
    """How many fell silent, and how many of those come back."""
    gone = luck.loc["gone"]
    if gone["customers"] < max(smallest, 1) or not gone["observed"]:
        return None
    seen = "Of the customers {who}, {seen:share} of those active in the {span} have placed no order since."
    values = {"seen": gone["observed"], "who": who, "span": before.in_words}
    if silence is None or silence[1] < max(smallest, 1):
        return wb.finding(
            seen + " Between alternate weeks {luck:share} are missing too, so much of it may be luck.",
            "Silence is not proof of a loss: find out how many return before paying to win them back.",
            luck=gone["by_chance"],
            **values,
        )
    return wb.finding(
        seen
        + " Of those who had fallen silent a period earlier, {back:share} bought again, whatever was sent "
        "to them.",
        "A campaign to win them back has to beat what a group that is left alone does.",
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
            "Whether later customers are worth less cannot be told: one won a year later earned us "
            "{slope:money} {word}, with a 95% interval from {low:money} {low_word} to {high:money} "
            "{high_word}.",
            "Even a true change of {half:money} a year would be noticed only about every second time. Look "
            "again when more cohorts are old enough.",
            half=(high - low) / 2,
            **values,
        )
    return wb.finding(
        "A customer won a year later earned us {slope:money} {word} (95% interval {low:money} {low_word} to "
        "{high:money} {high_word}).",
        "Look at what new customers are offered, and at who they are."
        if line.per_year < 0
        else "Find out what made them better, and do more of it.",
        **values,
    )


def _second_order(wb: Workbook, table: pd.DataFrame) -> tuple[Sentence, Sentence] | None:
    """Whether fewer go on after the first order than after later ones, by more than chance."""
    marks = [mark for mark in (365, 180, 90) if 1 in table.index and pd.notna(table.loc[1, f"days_{mark}"])]
    if not marks:
        return None
    curve = table[f"days_{marks[0]}"].dropna()
    last = curve.index[-1]
    if not table.loc[1, f"days_{marks[0]}_high"] < table.loc[last, f"days_{marks[0]}_low"]:
        return None
    return wb.finding(
        "In the cohort followed, {first:share} ordered a second time within {days:count} days; of those "
        "with {last:count} orders, {later:share} went on within as many.",
        "Fewer order again after the first order than after later ones. That those with more orders go on "
        "shows mostly who is left: test an offer for the second order before paying for it.",
        first=curve.iloc[0],
        days=marks[0],
        last=int(last),
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
    if known.empty:
        return None
    left = int((known <= pd.Timestamp(wb.data.as_of)).sum())
    factor = float(cohorts["hazard_factor"].astype("float64").iloc[-1])
    found = ""
    if line is not None and factor > 1:
        found = (
            " The line through the cohorts finds them worth less, too."
            if line.interval[1] < 0
            else " The line through the cohorts finds the opposite: something else makes up for it."
            if line.interval[0] > 0
            else " The line through the cohorts does not show it for certain: so few customers cannot prove "
            "what is true here."
        )
    return wb.say(
        "This company is simulated, so the truth is known. Of the {lost:count customer} that lens two calls "
        "lost, **{left:share} had really left** by the last day; the others were still customers. The "
        "newest customers truly leave at {factor:number2} times the rate of those won before the data."
        + found,
        lost=len(known),
        left=left / len(known),
        factor=factor,
    )
