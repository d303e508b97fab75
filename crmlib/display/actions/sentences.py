"""Sentences of the notebook on actions: what is known, what past actions earned, whom the limits leave out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlib.analysis.actions.choice import Choice
from crmlib.analysis.actions.expected import ActionProfit
from crmlib.analysis.actions.lot import RESPONSE_DAYS
from crmlib.analysis.actions.offers import Offers
from crmlib.analysis.actions.past_campaigns import ALIKE, PastCampaigns
from crmlib.analysis.actions.policies import BEST, EVERYONE
from crmlib.analysis.actions.rates import NOT_PROVEN, TEST
from crmlib.analysis.actions.reachable import Reachable
from crmlib.analysis.closed_loop.earned import Earned
from crmlib.analysis.closed_loop.hold_out import ALL, HoldOut
from crmlib.analysis.next_product.choice import NextProduct
from crmlib.display import formats
from crmlib.display.actions.tables import METHODS, titled
from crmlib.display.prose import Sentence
from crmlib.display.shown import Shown
from crmlib.display.workbook import Workbook

#: Lists, of a month each, that anybody would wait for.
MOST_LISTS = 36
_MADE_BY = {
    "lifetime_value": "lifetime value", "churn": "churn", "profit_per_customer": "profit", "segments": "segments",
}  # fmt: skip


def data(wb: Workbook, customers: pd.Index, saved: dict[str, pd.DataFrame | None]) -> Sentence:
    """Say whom the list is about, and from which answers it is made."""
    there = [_MADE_BY[name] for name, table in saved.items() if table is not None]
    absent = [_MADE_BY[name] for name, table in saved.items() if table is None]
    return wb.cases(
        (len(absent) > 0,
         "The list is about {n:count customer}, and is made from what other notebooks found on {there}. Nothing is "
         "known on {absent}."),
        (True, "The list is about {n:count customer}, and is made from what other notebooks found on {there}."),
        n=len(customers), there=listing(there), absent=listing(absent),
    )  # fmt: skip


def notes(wb: Workbook, found: Sequence[str]) -> Sentence | None:
    """Pass on what was not compared, in the words it was noted in; None without any."""
    return wb.say("{all}", all=" ".join(found)) if found else None


def left_out(wb: Workbook, offers: Offers) -> list[Shown]:
    """Say which actions are left out and why; actions with the same reason in one line."""
    reasons: dict[str, list[str]] = {}
    for name, why in offers.left_out.items():
        reasons.setdefault(why, []).append(name)
    return [wb.left_out(listing(names), why) for why, names in reasons.items()]


def reach(wb: Workbook, allowed: Reachable) -> Sentence:
    """Say who is left in peace now."""
    consent = (
        "{refused:count customer} refused contact; whoever has not said so is taken to agree."
        if allowed.consent_known
        else "The data do not say who refused contact, so nobody is taken to have done so: check that before sending."
    )
    return wb.cases(
        (len(allowed.observed) > 0,
         "{peace:count customer} {are} left in peace this month. {seen:count customer} {were} on a list of the last "
         "{response:count day}, contacted or held out by lot: what that list brought is known only when these days are "
         "over, and until then both groups must be treated alike. {rest:count customer} had a contact in the last "
         "{days:count day}; some may be in both numbers. " + consent),
        (len(allowed.resting) > 0,
         "{rest:count customer} had a contact in the last {days:count day} and {are} left in peace this month. "
         + consent),
        (True, "Nobody had a contact in the last {days:count day}. " + consent),
        rest=len(allowed.resting), days=allowed.rest_days, refused=len(allowed.refused), response=RESPONSE_DAYS,
        peace=len(allowed.left_in_peace), seen=len(allowed.observed),
        are="is" if len(allowed.left_in_peace) == 1 else "are", were="was" if len(allowed.observed) == 1 else "were",
    )  # fmt: skip


def next_product(wb: Workbook, chosen: NextProduct) -> Sentence:
    """Say which way to recommend is used, and whether it beats what sells most."""
    table = chosen.tested_on.table
    own = table.loc[chosen.method]
    popular = (
        table.loc["most popular not yet bought"] if "most popular not yet bought" in table.index else None
    )
    return wb.cases(
        (chosen.beats_popular and popular is not None,
         "With {top:count} offers each, **{method}** had something of the next order among them for {rate:share1} of "
         "the customers (95% interval {low:share1} to {high:share1}); what sells most, for {popular:share1}. The "
         "difference is the value of knowing the customer's own purchases."),
        (True,
         "No method was shown to be better than **{method}** on the days on which the choice was made. On later days "
         "it had something of the next order among {top:count} offers for {rate:share1} of the customers (95% "
         "interval {low:share1} to {high:share1}). The simple method is used."),
        top=chosen.tested_on.top, method=METHODS.get(chosen.method, chosen.method).lower(), rate=own["hit_rate"],
        low=own["low"], high=own["high"], popular=np.nan if popular is None else popular["hit_rate"],
    )  # fmt: skip


def menu_title(wb: Workbook, profit: ActionProfit) -> str:
    """Return the title of the menu."""
    return wb.text(
        "The menu: {n:count action} that somebody is eligible for, and what it takes for each to pay",
        n=int((profit.by_action()["eligible"] > 0).sum()),
    )


def pays_alone(wb: Workbook, profit: ActionProfit) -> Sentence:
    """Say for which actions it would pay to treat everybody who is eligible."""
    table = profit.by_action()
    table = table[table["eligible"] > 0]
    pays = [name for name in table.index if table.loc[name, "all_profit"] > 0]
    loses = [name for name in table.index if table.loc[name, "all_profit"] <= 0]
    return wb.cases(
        (len(table) == 0, "Nobody is eligible for any action that could be valued."),
        (len(loses) == 0, "At the rates assumed it would pay to treat all who are eligible."),
        (len(pays) == 0,
         "At the rates assumed **no action pays for all who are eligible**: each has to be kept to those who gain "
         "enough."),
        (True,
         "At the rates assumed {pays} would pay for all who are eligible. {loses} {lose} on the average customer and "
         "{have} to be kept to those who gain enough."),
        pays=listing(pays), loses=titled(listing(loses)), lose="loses" if len(loses) == 1 else "lose",
        have="has" if len(loses) == 1 else "have",
    )  # fmt: skip


def past(wb: Workbook, found: PastCampaigns) -> Sentence:
    """Say what past campaigns brought, soon and lastingly, and whether that paid."""
    row = found.table.loc["all"]
    return wb.cases(
        (row["net_low"] > 0,
         "In {n:count campaign} with a group left alone, a contact for {cost:exact_money} brought "
         "{effect:exact_money} of margin within half a year (95% interval {low:exact_money} to {high:exact_money}): "
         "**contacts paid.**"),
        (row["net_high"] < 0,
         "In {n:count campaign} with a group left alone, a contact for {cost:exact_money} brought "
         "{effect:exact_money} of margin within half a year (95% interval {low:exact_money} to {high:exact_money}): "
         "**contacts lost money.**"),
        (True,
         "In {n:count campaign} with a group left alone, a contact for {cost:exact_money} brought "
         "{effect:exact_money} of margin within half a year (95% interval {low:exact_money} to {high:exact_money}; "
         "within four weeks it was {soon:exact_money}). **That it earns its cost cannot be shown.**"),
        n=found.campaigns, cost=row["cost"], effect=row["effect"], low=row["low"], high=row["high"], soon=row["soon"],
    )  # fmt: skip


def rates_title(wb: Workbook, rates: pd.DataFrame, actions: tuple[str, ...]) -> str:
    """Return the title of the figure of rates."""
    own = rates.loc[list(actions)]
    closed = [name for name in own.index if own.loc[name, "verdict"] == NOT_PROVEN]
    if closed:
        return f"Tests have spoken against {listing(closed)}; what was not tested stands as assumed"
    if own["measured"].notna().any():
        return "What tests have shown takes the place of what was assumed"
    return "No action was tested so far: all rates are assumed"


def rates(wb: Workbook, found: pd.DataFrame, actions: tuple[str, ...]) -> Sentence:
    """Say what the tests changed."""
    own = found.loc[list(actions)]
    closed = [name for name in own.index if own.loc[name, "verdict"] == NOT_PROVEN]
    proven = [name for name in own.index if own.loc[name, "basis"] == TEST and name not in closed]
    moved = [
        name
        for name in own.index
        if np.isfinite(own.loc[name, "measured"]) and name not in (*closed, *proven)
    ]
    return wb.cases(
        (len(closed) > 0,
         "**{closed}: not shown to work.** The tests know more about it than the assumption did, and {first:share1} "
         "is what both together say (95% interval {low:share1} to {high:share1}). It goes to nobody until something "
         "else is tried. {moved}"),
        (len(proven) > 0, "**{proven}: shown to work.** It goes to whoever gains for sure. {moved}"),
        (True, "{moved}"),
        closed=titled(listing(closed)), proven=titled(listing(proven)),
        first=own.loc[closed[0], "mean"] if closed else np.nan,
        low=own.loc[closed[0], "mean"] - 1.96 * own.loc[closed[0], "spread"] if closed else np.nan,
        high=own.loc[closed[0], "mean"] + 1.96 * own.loc[closed[0], "spread"] if closed else np.nan,
        moved=_moved(moved, titled(listing([*closed, *proven])) if closed or proven else ""),
    )  # fmt: skip


def _moved(moved: list[str], first: str) -> str:
    letters = [name for name in moved if name in ALIKE]
    lists = [name for name in moved if name not in ALIKE]
    said = []
    if letters:
        said.append(
            f"The same letters change what is believed of {listing(letters)}. What such a letter adds, the product "
            f"or the "
            "tier it names, was not tested; it goes out as a test."
        )
    if lists:
        said.append(f"Earlier lists have begun to change what is believed of {listing(lists)}.")
    if not moved:
        said.append(
            "The other actions were not tested: what is assumed of them stands, and they go out as tests."
            if first
            else "No action was tested: what is assumed stands, and all of them go out as tests."
        )
    return " ".join(said)


def earlier(wb: Workbook, earned: Earned) -> Sentence | None:
    """Say whether earlier lists earned what they promised; None where nothing can be told yet."""
    row = earned.total
    if not can_be_told(earned):
        return None
    inside = row["earned_low"] <= row["promised"] <= row["earned_high"]
    return wb.cases(
        (inside,
         "Earlier lists promised {promised:money} up to now and earned {earned:money} (95% interval {low:money} to "
         "{high:money}) before cost: **the two cannot be told apart.**"),
        (row["earned"] < row["promised"],
         "Earlier lists promised {promised:money} up to now and earned {earned:money} (95% interval {low:money} to "
         "{high:money}) before cost: **less than promised.** The rates are lowered."),
        (True,
         "Earlier lists promised {promised:money} up to now and earned {earned:money} (95% interval {low:money} to "
         "{high:money}) before cost: **more than promised.** The rates are raised."),
        promised=row["promised"], earned=row["earned"], low=row["earned_low"], high=row["earned_high"],
    )  # fmt: skip


def can_be_told(earned: Earned | None) -> bool:
    """Whether earlier lists can be held against what they promised."""
    return earned is not None and bool(earned.by_action["told"].any())


def chosen(wb: Workbook, found: Choice) -> Sentence:
    """Say whom the limits leave out, what more room would earn, and how near the list is to the best."""
    number = int(found.chosen.sum())
    tight = found.limits[found.limits["worth"] > 0]
    tight_out = [str(name) for name in found.limits.index[found.limits["worth"].isna()]]
    words = {"money": "another {0} of budget would earn {1}", "calls": "another call would earn {1}"}
    more = [
        words.get(str(name), "another one of {2} would earn {1}").format(
            formats.round_money(1, wb.currency), formats.exact_money(row["worth"], wb.currency), name
        )
        for name, row in tight.iterrows()
    ]
    sure = (
        "No list within the limits earns more."
        if found.short_at_most < 0.01
        else wb.text(
            "No list within the limits earns {short:exact_money} more than this one.",
            short=found.short_at_most,
        )
    )
    return wb.cases(
        (number == 0, "**Nobody is on the list.** {because}"),
        (len(tight) == 0 and found.left_out > 0,
         "{n:count customer} {are} on the list; {out:count} for whom something would be worth doing are left out, "
         "since there is not enough {none}."),
        (len(tight) == 0,
         "All {n:count customer} for whom something is worth doing are on the list; the limits leave nobody out. "
         "{sure}"),
        (True,
         "{n:count customer} {are} on the list; {out:count} for whom something would be worth doing are left out by "
         "the limits. At the edge {more}. {sure}"),
        n=number, are="is" if number == 1 else "are", because=found.nothing_because,
        none=" and not enough ".join(tight_out), out=found.left_out, more=listing(more), sure=sure,
    )  # fmt: skip


def policies_title(wb: Workbook, table: pd.DataFrame, because: str) -> str:
    """Return the title of the comparison of ways to choose; `because` says why nobody is contacted."""
    best, everyone = table.loc[BEST], table.loc[EVERYONE]
    if best["customers"] == 0:
        return f"Nobody is contacted: {because[:1].lower()}{because[1:].rstrip('.')}"
    if everyone["profit"] < 0:
        return wb.text(
            "Contacting everyone would lose {lose:money}; choosing by expected profit is expected to earn {gain:money}",
            lose=-everyone["profit"], gain=best["profit"],
        )  # fmt: skip
    return wb.text(
        "Choosing by expected profit is expected to earn {gain:money} with {n:count contact}",
        gain=best["profit"],
        n=best["customers"],
    )


def policies(wb: Workbook, table: pd.DataFrame) -> Sentence:
    """Compare choosing by profit with choosing by risk, and say at which rates the list would still pay."""
    best, risk = table.loc[BEST], table.loc["risk"]
    return wb.cases(
        (table.loc[EVERYONE, "customers"] == 0,
         "There is no action with a contact to compare: none could be valued, is allowed and was left open by tests."),
        (best["customers"] == 0,
         "With contacts, doing nothing is the best that can be done within the limits of this month."),
        (risk["profit"] < 0,
         "Whoever goes by risk alone spends {cost:money} and is expected to lose {lose:money}: those at most risk "
         "are not those with whom an action is worth its cost. The list by expected profit still pays if the actions "
         "work {even:share} as often as believed."),
        (True,
         "Whoever goes by risk alone is expected to earn {less:money} less. The list by expected profit still pays "
         "if the actions work {even:share} as often as believed."),
        cost=risk["cost"], lose=-risk["profit"], less=best["profit"] - risk["profit"], even=best["break_even"],
    )  # fmt: skip


def held_out(wb: Workbook, found: HoldOut) -> Sentence:
    """Say how many are left alone by lot, what that costs, and what can be found out by it."""
    row = found.table.loc[ALL]
    note = "".join(f" {one}" for one in found.notes)
    if not row["held_out"] > 0:
        return wb.say("**Nobody is left alone by lot.**{note}", note=note)
    who = "{n:count customer} {are} held out by lot, which forgoes {forgone:money} of expected profit. "
    short = (
        "**One list is too short to show an effect that just pays its cost** of {effect:exact_money}; the smallest "
        "it shows is {smallest:exact_money} (power 80%, 95% level). "
    )
    return wb.cases(
        (not np.isfinite(row["smallest"]),
         who.rstrip() + ("{note}" if found.notes else " They are too few to tell anything by this list alone.{note}")),
        (row["lists"] <= 1,
         who + "It shows an effect that just pays the cost of {effect:exact_money} (power 80%, 95% level).{note}"),
        (row["lists"] <= MOST_LISTS,
         who + short + "It takes {lists:count list} like this one; the suite adds them up month by month.{note}"),
        (True,
         who + short + "To show less takes more such lists than anybody would wait for: customers differ too much. The "
         "lot guards against harm; a finer answer takes many more customers.{note}"),
        n=int(row["held_out"]), are="is" if row["held_out"] == 1 else "are", forgone=row["forgone"],
        effect=row["effect"], smallest=row["smallest"], note=note,
        lists=int(np.ceil(row["lists"])) if np.isfinite(row["lists"]) else 0,
    )  # fmt: skip


def listing(names: list[str]) -> str:
    """Write names as people say them.

    Examples
    --------
    >>> listing(["save", "reprice", "win back"])
    'save, reprice and win back'
    """
    return (
        names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else "nothing"
    )
