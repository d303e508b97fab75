"""The club on the page: what it changes, what the usual comparisons say, what it earns, and for whom it is worth it."""

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.churn.activity import Tables
from crmlib.analysis.loyalty.discount_rise import DiscountRise, discount_rise
from crmlib.analysis.loyalty.joining_chance import joining_chance
from crmlib.analysis.loyalty.joining_orders import joining_orders
from crmlib.analysis.loyalty.loyalty_truth import comparisons_beside_truth
from crmlib.analysis.loyalty.membership import Club, club
from crmlib.analysis.loyalty.membership_worth import WORTH, membership_worth
from crmlib.analysis.loyalty.naive import naive_comparisons
from crmlib.analysis.loyalty.panel import ClubPanel, club_panel
from crmlib.analysis.loyalty.programme_profit import (
    DISCOUNTS,
    END,
    FEES,
    KEEP,
    PROFIT,
    REWARDS,
    ProgrammeProfit,
    programme_profit,
)
from crmlib.analysis.loyalty.staggered_effect import Before, ClubEffect, club_effect
from crmlib.analysis.period import Period
from crmlib.display import formats
from crmlib.display.prose import Sentence
from crmlib.display.segments.palette import INACTIVE, SEGMENTS
from crmlib.display.workbook import Workbook
from crmlib.errors import TooLittleData

_HORIZON = 12


@dataclass(frozen=True)
class ClubAnswer:
    """All that is said about the club.

    Attributes
    ----------
    members : Club
    panel : ClubPanel
    effect : ClubEffect
    compared : DataFrame
        As returned by `crmlib.analysis.loyalty.loyalty_truth.comparisons_beside_truth`.
    truth : float or None
    discount : DiscountRise or None
    profit : ProgrammeProfit
    at_the_till : float or None
        Share of joiners who ordered on the day they joined, where it is so large that the effect had to be mended
        for it; else None.
    """

    members: Club
    panel: ClubPanel
    effect: ClubEffect
    compared: pd.DataFrame
    truth: float | None
    discount: DiscountRise | None
    profit: ProgrammeProfit
    at_the_till: float | None = None


def answer(
    tables: Tables, lines: ibis.Table, period: Period, reward_cost: float, truth: float | None, seed: int
) -> ClubAnswer:
    """Estimate what the club changes and what it earns.

    Raises
    ------
    TooLittleData
        If nobody is known to have joined, or too few joined within the data.
    """
    members = club(tables, period.last)
    if members is None:
        raise TooLittleData(
            "no day on which a customer joined a club", "customers with club_member_since", "add the column"
        )
    panel = club_panel(members, lines, members.as_of, tables("customers"))
    first = panel.months[0].start_time.date()
    ordered = joining_orders(members, lines, first)
    till = ordered is not None and ordered.matters
    chance = joining_chance(members, lines, first, tables("customers")) if till else None
    effect = club_effect(panel, horizon=_HORIZON, seed=seed, chance=chance)
    discount = discount_rise(panel, horizon=_HORIZON, chance=chance)
    return ClubAnswer(
        members, panel, effect, comparisons_beside_truth(naive_comparisons(panel), effect, truth), truth, discount,
        programme_profit(members, lines, effect, period, reward_cost, discount), ordered.share if till else None,
    )  # fmt: skip


def comparisons(found: ClubAnswer) -> pd.DataFrame:
    """Return what the figure of comparisons draws: the usual ones, and the one used, last."""
    table = found.compared.reset_index()
    table["label"] = table["comparison"].str[:1].str.upper() + table["comparison"].str[1:]
    table = table.rename(columns={"effect": "value"})
    if found.truth is not None:
        table["truth"] = found.truth
    return table[[name for name in ("label", "value", "low", "high", "truth") if name in table]]


def who(wb: Workbook, found: ClubAnswer) -> str:
    """Return the subtitle of the figure of comparisons."""
    return (
        f"{wb.data.name}, {formats.count(found.panel.joiners)} customers who joined within the data, "
        f"{formats.count(found.panel.never)} who did not"
    )


def flaws(found: ClubAnswer) -> pd.DataFrame:
    """Return each comparison with why it is wrong, and by how much where the truth is known."""
    table = found.compared.reset_index()
    table["label"] = table["comparison"].str[:1].str.upper() + table["comparison"].str[1:]
    table["flaw"] = table["flaw"].where(table["flaw"] != "", "The comparison used here.")
    return table


def flaw_columns(found: ClubAnswer) -> dict[str, tuple[str, str]]:
    """Return the headings of `flaws`."""
    columns = {
        "label": ("Compared", "text"), "effect": ("Members buy more by", "share"), "low": ("Low", "share"),
        "high": ("High", "share"),
    }  # fmt: skip
    if found.truth is not None:
        columns["off_by"] = ("Off the truth by", "share")
    return columns | {"flaw": ("What is wrong with it", "text")}


def comparisons_title(wb: Workbook, found: ClubAnswer) -> str:
    """Return the title of the figure of comparisons."""
    first, own = float(found.compared["effect"].iloc[0]), found.effect.effect
    return wb.text(
        "Members buy {naive:share} more than others; joining {way} purchases by {own:share}{sure}",
        naive=first, own=abs(own), way="raises" if own >= 0 else "lowers",
        sure="" if found.effect.clear else ", perhaps not at all",
    )  # fmt: skip


def effect_said(wb: Workbook, found: ClubAnswer) -> Sentence:
    """Say what membership changes, how sure that is, and whether anything was there before joining."""
    effect, before = found.effect, found.effect.before
    early = before.p_value == before.p_value
    till = (
        " {till:share} of the joiners ordered on the day they joined, so the months before lack just those orders; "
        "that is made up for by the chance to join."
        if found.at_the_till is not None
        else ""
    )
    return wb.cases(
        (effect.low > 0,
         "**Membership raises purchases by {own:share}** (95% interval {low:share} to {high:share}) while a member is "
         "a "
         "customer, by {n:count} who joined within the data." + _early(before) + till),
        (effect.high < 0,
         "**Membership lowers purchases by {less:share}** (95% interval {down:share} to {up:share}) while a member is "
         "a "
         "customer, by {n:count} who joined within the data." + _early(before) + till),
        (True,
         "**Whether membership raises purchases is not clear:** {own:share}, with a 95% interval from {low:share} to "
         "{high:share}, by {n:count} who joined within the data." + _early(before) + till),
        own=effect.effect, low=effect.low, high=effect.high, n=effect.joiners, less=-effect.effect, down=-effect.high,
        up=-effect.low, early=before.effect if early else 0.0, p=before.p_value if early else 0.0,
        start=before.low if early else 0.0, end=before.high if early else 0.0, till=found.at_the_till or 0.0,
    )  # fmt: skip


def _early(before: Before) -> str:
    if before.p_value != before.p_value:
        return " Too few have a past long enough to try the comparison on the months before joining."
    clear = before.low > 0 or before.high < 0
    care = ": joiners were not quite like others, so read the effect with care" if clear else ""
    return (
        " In the months before joining, where nothing should be found, the same comparison finds {early:share} (95% "
        "interval {start:share} to {end:share}; all of these months together p = {p:number2})" + care + "."
    )


def stages(found: ClubAnswer) -> pd.DataFrame:
    """Return the effect by months since joining, the months before first."""
    before = found.effect.before
    rows = []
    if np.isfinite(before.effect):
        rows.append(("Before joining", before.effect, before.low, before.high, before.joiners))
    rows += [
        (f"Months {name}", row["effect"], row["low"], row["high"], int(row["joiners"]))
        for name, row in found.effect.by_stage.iterrows()
    ]
    return pd.DataFrame(rows, columns=["label", "value", "low", "high", "customers"])


def profit(found: ClubAnswer) -> pd.DataFrame:
    """Return the account of the club in words."""
    table = found.profit.table.reset_index()
    table["part"] = table["part"].str[:1].str.upper() + table["part"].str[1:]
    return table


def profit_said(wb: Workbook, found: ClubAnswer, reward_cost: float) -> Sentence:
    """Say what the club earned after rewards, and what follows."""
    amount, low, high = found.profit.profit
    fees = float(found.profit.table.loc[FEES, "total"])
    even = found.profit.break_even_effect
    return wb.cases(
        (found.profit.decision == KEEP and sure_effect(found),
         "**The club earned {amount:money}** in the period (95% interval {low:money} to {high:money}), fees included, "
         "if rewards cost {reward:exact_money} a member and year. " + verdict(found)),
        (found.profit.decision == KEEP,
         "**The club earned {amount:money}** in the period (95% interval {low:money} to {high:money}), fees included, "
         "if rewards cost {reward:exact_money} a member and year; without the fees it would be {bare:money} "
         "({bare_low:money} to {bare_high:money}). " + verdict(found)),
        (found.profit.decision == END,
         "**The club lost {loss:money}** in the period (95% interval {least:money} to {most:money}), fees included, if "
         "rewards cost {reward:exact_money} a member and year. Change its terms or end it."),
        (np.isfinite(even),
         "**Whether the club earns anything cannot be told:** {amount:money} in the period, with a 95% interval from "
         "{low:money} to {high:money}, if rewards cost {reward:exact_money} a member and year. It would break even at "
         "an effect of {even:share1}."),
        (True,
         "**Whether the club earns anything cannot be told:** {amount:money} in the period, with a 95% interval from "
         "{low:money} to {high:money}, if rewards cost {reward:exact_money} a member and year."),
        amount=amount, low=low, high=high, bare=amount - fees, bare_low=low - fees, bare_high=high - fees,
        loss=-amount, least=-high, most=-low, reward=reward_cost,
        even=even if np.isfinite(even) else 0.0,
    )  # fmt: skip


def sure_effect(found: ClubAnswer) -> bool:
    """Say whether joining clearly raises purchases, and nothing was there before joining."""
    before = found.effect.before
    return bool(found.effect.low > 0 and not (before.low > 0 or before.high < 0))


def verdict(found: ClubAnswer) -> str:
    """Say what follows for the club, as far as its account and its effect carry it."""
    if found.profit.decision == END:
        return "Change its terms or end it."
    if sure_effect(found):
        return "Keep it." if found.profit.decision == KEEP else "Judge it by what it adds."
    if found.effect.high < 0:
        return "Members buy less once they have joined: look at its terms first."
    account = found.profit.table["total"]
    pays = found.profit.decision == KEEP and account[FEES] + account[REWARDS] > 0
    return (
        "As long as fees stay above rewards, the club pays by its fees; whether" if pays else "Whether"
    ) + " joining changes what members buy is not clear. End nothing, and test the next offer to join by lot."


def by_segment(
    found: ClubAnswer, segments: pd.Series, customers: pd.DataFrame, reward_cost: float
) -> pd.DataFrame:
    """Return for each group how many are members, and for how many membership is clearly worth it to the company.

    Parameters
    ----------
    found : ClubAnswer
    segments : Series of category
        Group by customer.
    customers : DataFrame
        ``expected_margin`` of the next 12 months, or ``money`` of the last period, by customer.
    reward_cost : float
    """
    margin = customers["expected_margin" if "expected_margin" in customers else "money"].dropna()
    fee = found.members.memberships["fee_per_year"].median()
    worth = membership_worth(
        margin,
        found.members.members_on(found.members.as_of),
        found.effect,
        float(fee) if fee == fee else 0.0,
        reward_cost,
    )
    worth = worth.assign(segment=segments.reindex(worth.index).astype("object"))
    held = worth[worth["segment"] != INACTIVE].groupby("segment")
    return pd.DataFrame(
        {
            "customers": held.size(), "members": held["member"].sum(), "share": held["member"].mean(),
            "worth_it": held["verdict"].agg(lambda one: int((one == WORTH).sum())), "worth": held["worth"].mean(),
        }
    ).reindex([name for name in SEGMENTS if name in held.groups]).rename_axis("segment").reset_index()  # fmt: skip


def hand_made(found: ClubAnswer) -> pd.DataFrame:
    """Return the two sums whose ratio is the effect: what joiners bought, and what they would have bought."""
    effect = found.effect
    return pd.DataFrame(
        {
            "what": ["Orders of joiners as members", "Orders expected of them without the club"],
            "orders": [effect.observed, effect.expected],
        }
    )


def account_note(wb: Workbook, found: ClubAnswer) -> str:
    """Return what stands under the account of the club."""
    fees = "" if found.profit.fees_known else " Fees of some memberships are missing and count as nothing."
    given = ""
    if DISCOUNTS in found.profit.table.index:
        total, low, high = (
            float(found.profit.table.loc[DISCOUNTS, name]) for name in ("total", "low", "high")
        )
        way = (
            "less discount than expected, so this is a saving" if total > 0 else "more discount than expected"
        )
        given = f" Discounts: members got {way}" + (
            "; the interval holds zero, so it may be chance." if low < 0 < high else "."
        )
    return wb.text(
        "{years:count} member years in the period. Costs are negative. 95% intervals.{given}{fees}",
        years=found.profit.member_years, given=given, fees=fees,
    )  # fmt: skip


def profit_of(found: ClubAnswer | None) -> tuple[float, float, float] | None:
    """Return the profit of the club with its interval; None without a club."""
    if found is None:
        return None
    return tuple(float(value) for value in found.profit.table.loc[PROFIT, ["total", "low", "high"]])
