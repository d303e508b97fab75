"""What cohorts, the whole base and the product lens say, in sentences whose numbers the run computes."""

from collections.abc import Sequence

import pandas as pd

from crmlib.analysis.audit.cohorts import Trend
from crmlib.analysis.audit.next_period import NextPeriod, Rehearsal
from crmlib.analysis.period import Period
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook


def less_or_more(amount: float) -> str:
    """Name the direction of a difference whose size is told beside it."""
    return "less" if amount < 0 else "more"


def cohort_title(wb: Workbook, side: pd.DataFrame, line: Trend | None) -> str:
    """Title: whether customers won later earn us less or more."""
    if line is not None and not line.interval[0] <= 0 <= line.interval[1]:
        return wb.text(
            "A customer won a year later earns us {slope:money} {word}",
            slope=abs(line.per_year),
            word=less_or_more(line.per_year),
        )
    if len(_apart(side)):
        return "At the same age, some cohorts differ from the one before"
    if line is not None:
        return "No clear rise or fall from cohort to cohort"
    return "At the same age, no cohort stands apart from the one before"


def changes_title(side: pd.DataFrame) -> str:
    """Title: through what neighbouring cohorts differ."""
    names = {
        "from_orders": "orders per customer",
        "from_order_value": "order value",
        "from_margin": "margin",
        "from_winning": "the cost of winning",
    }
    most = names[side[list(names)].abs().sum().idxmax()]
    if len(_apart(side)):
        return f"What sets neighbouring cohorts apart is mostly {most}"
    return f"Neighbouring cohorts cannot be told apart; {most} varies most"


def _apart(side: pd.DataFrame) -> pd.DataFrame:
    """Cohorts whose difference from the one before leaves out zero."""
    return side[(side["change_low"] > 0) | (side["change_high"] < 0)]


def cohorts(wb: Workbook, side: pd.DataFrame, line: Trend | None) -> Sentence:
    """Say whether cohorts can be told apart at all."""
    known, apart = side[side["change"].notna()], _apart(side)
    more = " The line through all of them says more." if line is not None else ""
    return wb.cases(
        (
            len(apart) == 0,
            "**No cohort differs from the one before by more than chance explains** ({n:count} compared). A "
            "single cohort is no reason to praise or blame: often one customer makes the difference, as the "
            "last column but one shows." + more,
        ),
        (
            True,
            "**{apart:count} of {n:count} compared with the one before "
            + ("differs" if len(apart) == 1 else "differ")
            + " by more than chance explains.** The bars above say through what; one in twenty would pass "
            "for different by chance." + more,
        ),
        n=len(known),
        apart=len(apart),
    )


def dependence(wb: Workbook, share: float, period: Period, assumed: bool) -> str:
    """Title: how much of the sales rests on customers won in the period."""
    if not share >= 0.005:
        return wb.text("Nearly all sales in the {span} are to customers won earlier", span=period.in_words)
    if share >= 0.995:
        return wb.text("Nearly all sales in the {span} are to customers won in it", span=period.in_words)
    known, least = ("known to be won", "at least ") if assumed else ("won", "")
    return wb.text(
        "Customers {known} in the {span} bring {least}{share:share} of the sales to known customers",
        known=known,
        least=least,
        span=period.in_words,
        share=share,
    )


def dependence_range(wb: Workbook, share: float, interval: tuple[float, float]) -> Sentence | None:
    """Say how sure that share is; None where hardly anybody was won."""
    if not 0.005 <= share < 0.995:
        return None
    return wb.say(
        "Taking customers as a sample, their share of the sales lies between {low:share} and {high:share} "
        "(95% interval).",
        low=max(0.0, interval[0]),
        high=min(1.0, interval[1]),
    )


def need_title(wb: Workbook, need: NextPeriod) -> str:
    """Title: what today's customers will buy for."""
    low, high = need.existing_interval
    return wb.text(
        "Without new customers, sales would come to about {existing:money} ({low:money} to {high:money})",
        existing=need.existing,
        low=low,
        high=high,
    )


def nobody_won(need: NextPeriod | None) -> str:
    """Say why nothing is known of what a new customer buys."""
    if need is None or not need.won:
        return "Nobody new was won"
    return "Hardly anybody new was won" if need.won < 2 else "Those won sent back as much as they bought"


def needs(wb: Workbook, need: NextPeriod, test: Rehearsal | None, period: Period) -> Sequence[Sentence]:
    """Say how many customers must be won, what the range rests on, and how a rehearsal went."""
    unknown = need.needed != need.needed
    first = wb.cases(
        (
            unknown,
            nobody_won(need) + " in the {span}, so what a new customer buys is not known from it. Today's "
            "customers are expected to buy for **{existing:money}** (95% interval "
            "{least:money} to {most:money}), after {target:money}.",
        ),
        (
            need.needed <= 0,
            "Today's customers alone are expected to buy for **{existing:money}** (95% interval "
            "{least:money} to {most:money}), more than the {target:money} of the {span}; {won:count "
            "customer} were won in it, and each bought for {each:exact_money}.",
        ),
        (
            True,
            "To sell {target:money} again, about **{needed:count customer}** must be won (95% interval "
            "{low:count} to {high:count}); {won:count} were won in the {span}, and each bought for "
            "{each:exact_money} in it. "
            + (
                "{large:share} of the uncertainty about today's customers comes from the two in a hundred "
                "who buy most."
                if need.from_largest >= 0.1
                else ""
            ),
        ),
        target=need.target,
        existing=need.existing,
        least=need.existing_interval[0],
        most=need.existing_interval[1],
        needed=0 if unknown else max(need.needed, 1.0),
        low=max(need.needed_interval[0], 0.0),
        high=max(need.needed_interval[1], 0.0),
        won=need.won,
        span=period.in_words,
        each=need.per_new,
        large=need.from_largest,
    )
    if test is None:
        return (first,)
    off, naive = abs(test.expected - test.actual), abs(test.same_as_before - test.actual)
    inside = test.interval[0] <= test.actual <= test.interval[1]
    said = "given the {won:count customer} really won, the same method would have said {expected:money} "
    said += "({low:money} to {high:money}) a period ago; it became {actual:money}"
    rehearsed = wb.cases(
        (
            inside and off <= naive,
            "A rehearsal: " + said + ". Taking the sales of the period before would have said {same:money}.",
        ),
        (
            inside,
            "A rehearsal: "
            + said
            + ". Simply taking the sales of the period before, {same:money}, would have come closer.",
        ),
        (
            off <= naive,
            "**A rehearsal missed**: "
            + said
            + ", {side} the interval. The sales of the period before, {same:money}, would have been further "
            "off.",
        ),
        (
            True,
            "**A rehearsal missed**: " + said + ", {side} the interval, and the sales of the period before, "
            "{same:money}, would have come closer. Expect {drift} than "
            "the middle, and take the interval for too narrow.",
        ),
        won=test.won,
        expected=test.expected,
        low=test.interval[0],
        high=test.interval[1],
        actual=test.actual,
        same=test.same_as_before,
        side="below" if test.actual < test.interval[0] else "above",
        drift=less_or_more(test.actual - test.expected),
    )
    return first, rehearsed


def entry_title(wb: Workbook, follows: pd.DataFrame, kind: str) -> str:
    """Title: which entry brings better or worse customers, if any."""
    best, worst, mean = follows.iloc[0], follows.iloc[-1], follows.attrs["mean"]
    for row, more, place in ((best, "more", 0), (worst, "less", -1)):
        if row["shrunk_low"] > mean if more == "more" else row["shrunk_high"] < mean:
            return wb.text(
                "Customers who begin with {item} earn us {more} than others: {value:money}",
                item=str(follows.index[place]),
                more=more,
                value=row["shrunk"],
            )
    return f"No first {kind} brings customers who are clearly better than the average"


def why_no_entry(items, age: int, smallest: int) -> str:
    """Say why the product lens is left out."""
    if items is None:
        return "The orders do not say what was bought."
    if not age:
        return "No cohort is old enough to see what follows."
    return f"No first purchase was made by {smallest} customers or more who are old enough."


def breadth(wb: Workbook, broad: pd.DataFrame, plural: str) -> Sentence:
    """Say whether broad buyers are better once they order about equally often."""
    known = broad[broad["alike_low"].notna()]
    if len(known) < 2:
        return wb.say("Too few customers order about equally often to say whether breadth itself matters.")
    narrow, wide = known.iloc[0], known.iloc[-1]
    values = {
        "wide": wide["alike_profit"],
        "narrow": narrow["alike_profit"],
        "often": wide["alike_orders"],
        "seldom": narrow["alike_orders"],
        "few": str(known.index[0]),
        "many": str(known.index[-1]),
        "plural": plural,
    }
    compared = (
        "those who bought {many} of the {plural} earned us {wide:exact_money} each, those who bought {few} "
    )
    compared += "{narrow:exact_money}"
    remains = " Part of that is that they still order more ({often:number} orders against {seldom:number})."
    return wb.cases(
        (
            wide["alike_low"] > narrow["alike_high"],
            "Among customers who order about as often, "
            + compared
            + "."
            + (remains if wide["alike_orders"] > 1.05 * narrow["alike_orders"] else "")
            + " It does not show that breadth makes them better; a test would.",
        ),
        (
            wide["alike_high"] < narrow["alike_low"],
            "Among customers who order about as often, the broad ones are not the better ones: "
            + compared
            + ".",
        ),
        (
            True,
            "Among customers who order about as often, broad and narrow buyers cannot be told apart: "
            + compared
            + ". What looks like an effect of breadth on the left is that some order more.",
        ),
        **values,
    )
