"""How the notebook on actions ends: findings, decision, key figures."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlib.analysis.actions.action_list import CONTACT, HOLD_OUT
from crmlib.analysis.actions.menu import MENU, NONE, NOTHING
from crmlib.analysis.actions.offers import Offers
from crmlib.analysis.actions.past_campaigns import PastCampaigns
from crmlib.analysis.actions.policies import EVERYONE
from crmlib.analysis.actions.rates import NOT_PROVEN
from crmlib.analysis.closed_loop.earned import Earned
from crmlib.analysis.closed_loop.hold_out import ALL, HoldOut
from crmlib.analysis.next_product.choice import NextProduct
from crmlib.display.actions import valued
from crmlib.display.actions.sentences import can_be_told, listing
from crmlib.display.actions.tables import METHODS, titled
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook

# What is done without a contact, in words that need no menu.
_PLAIN = {"reprice": "new terms", "level down": "less attention"}
CONTACTS, TERMS, LIST = "contacts", "terms", "list"
# Customers who bring this part of what an action promises are named, if they are no more than so many.
_NEARLY_ALL, _BY_NAME = 0.9, 6


def parts(
    listed: pd.DataFrame, ids: pd.Index, chosen: np.ndarray, contacts: np.ndarray
) -> dict[str, np.ndarray]:
    """Options that are carried out: the whole list, its contacts, and its changes of terms and of service.

    Parameters
    ----------
    listed : DataFrame
        The list of the month.
    ids : Index
        Customer of each option.
    chosen, contacts : ndarray of bool
        Which options were chosen, and which mean a contact.
    """
    out = listed.loc[listed["arm"] == HOLD_OUT, "customer_id"]
    carried = chosen & ~ids.isin(out)
    return {LIST: carried, CONTACTS: carried & contacts, TERMS: carried & ~contacts}


def promised(listed: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    """Return what the list promises, of those not held out, adding up to the cent.

    Parameters
    ----------
    listed : DataFrame
        The list of the month.
    totals : DataFrame
        As `crmlib.analysis.actions.expected.ActionProfit.totals` returns it for `parts`.

    Returns
    -------
    DataFrame
        Rows "list", "contacts" and "terms": ``customers``, ``held_out``, ``cost`` and ``profit`` as they stand in the
        list, ``low``, ``high``, ``break_even``.
    """
    contact = listed["channel"] != NONE
    rows = {LIST: contact | ~contact, CONTACTS: contact, TERMS: ~contact}
    carried, held = listed["arm"] == CONTACT, listed["arm"] == HOLD_OUT
    found = {
        name: {
            "customers": int((carried & own).sum()), "held_out": int((held & own).sum()),
            "cost": float(listed.loc[carried & own, "cost"].sum()),
            "profit": float(listed.loc[carried & own, "expected_profit"].sum()),
        }
        for name, own in rows.items()
    }  # fmt: skip
    table = pd.DataFrame.from_dict(found, orient="index")
    return table.join(totals[["low", "high", "break_even"]])


def headline(
    wb: Workbook, promise: pd.DataFrame, offers: Offers, saved: Mapping[str, pd.DataFrame | None]
) -> Sentence:
    """Return the answer to the notebook's question; parameters as for `decision`."""
    total = promise.loc[LIST]
    if total["customers"] == 0:
        return valued.empty_list(wb, offers, saved)[0]
    return wb.say(
        "This month {n:count} of {all:count customer} get an action, which is expected to earn {profit:money} (95% "
        "interval {low:money} to {high:money}) over doing nothing; all others are left in peace.",
        n=int(total["customers"]), all=len(offers.customers), profit=total["profit"], low=total["low"],
        high=total["high"],
    )  # fmt: skip


def findings(
    wb: Workbook,
    by_action: pd.DataFrame,
    earning: pd.DataFrame,
    rates: pd.DataFrame,
    policies: pd.DataFrame,
    past: PastCampaigns | None,
    back: Earned | None,
    recommended: NextProduct | None,
    drawn: HoldOut | None,
    listed: pd.DataFrame,
    promise: pd.DataFrame,
    offers: Offers,
) -> list:
    """Return what was found, each with what it means."""
    return [
        one
        for one in (
            valued.finding(wb, offers),
            _largest(wb, by_action, listed),
            _tests(wb, rates, past),
            _back(wb, back),
            _everyone(wb, policies),
            _product(wb, recommended, earning),
            _lot(wb, drawn, promise),
        )
        if one
    ][:5]


def _largest(wb: Workbook, by_action: pd.DataFrame, listed: pd.DataFrame) -> tuple | None:
    own = by_action.drop(index=NOTHING, errors="ignore")
    own = own[own["contacted"] > 0]
    if len(own) < 2 or own["promised"].sum() <= 0:
        return None
    first = own["promised"].idxmax()
    money = listed[(listed["arm"] == CONTACT) & (listed["action"] == first)].set_index("customer_id")[
        "expected_profit"
    ]
    money = money.sort_values(ascending=False, kind="stable")
    few = money.iloc[: int((money.cumsum() < _NEARLY_ALL * money.sum()).sum()) + 1]
    found = "{share:share} of what the list promises comes from one action, {name}, with {n:count customer}"
    means = "Begin there."
    if len(few) <= _BY_NAME and len(few) < len(money):
        found += "; {part:share} of that comes from {few} of them"
        means = "Look at this one first: {ids}." if len(few) == 1 else "Look at these first, by name: {ids}."
    return wb.finding(
        found + ".", means, share=float(own.loc[first, "promised"] / own["promised"].sum()),
        name=f"{_PLAIN[first]} ({first})" if first in _PLAIN else first, n=int(own.loc[first, "contacted"]),
        part=float(few.sum() / money.sum()), few="one" if len(few) == 1 else str(len(few)),
        ids=listing([str(one) for one in few.index]),
    )  # fmt: skip


def _tests(wb: Workbook, rates: pd.DataFrame, past: PastCampaigns | None) -> tuple | None:
    closed = [name for name in rates.index if rates.loc[name, "verdict"] == NOT_PROVEN]
    if past is None:
        return wb.finding(
            "No action was ever tested against a group left alone.",
            "All rates are assumed, until a list has left a part alone by lot.",
        )
    row = past.table.loc["all"]
    return wb.finding(
        "Past contacts cost {cost:exact_money} each and brought {effect:exact_money} within half a year (95% "
        "interval {low:exact_money} to {high:exact_money}).",
        f"{titled(listing(closed))} by such letters is off the menu; try another offer, on a part by lot."
        if closed
        else "The rates of the actions alike were changed by it.",
        cost=row["cost"], effect=row["effect"], low=row["low"], high=row["high"],
    )  # fmt: skip


def _back(wb: Workbook, back: Earned | None) -> tuple | None:
    if back is None or not can_be_told(back):
        return None
    row = back.total
    return wb.finding(
        "Earlier lists promised {promised:money} up to now and earned {earned:money} (95% interval {low:money} to "
        "{high:money}), before cost.",
        "The rates follow what was earned; the table says by which action.",
        promised=row["promised"], earned=row["earned"], low=row["earned_low"], high=row["earned_high"],
    )  # fmt: skip


def _everyone(wb: Workbook, policies: pd.DataFrame) -> tuple | None:
    row = policies.loc[EVERYONE]
    if row["customers"] == 0 or row["profit"] >= 0:
        return None
    return wb.finding(
        "Contacting all {n:count} who are eligible would cost {cost:money} and lose {lose:money} (95% interval: a "
        "result of {low:money} to {high:money}).",
        "Most customers are worth more left in peace.",
        n=int(row["customers"]), cost=row["cost"], lose=-row["profit"], low=row["low"], high=row["high"],
    )  # fmt: skip


def _product(wb: Workbook, recommended: NextProduct | None, earning: pd.DataFrame) -> tuple | None:
    if recommended is None:
        return None
    own = recommended.tested_on.table.loc[recommended.method]
    worth = earning["worth"].get("cross-sell", 0)
    means = (
        f"Recommend by the method \u201c{METHODS.get(recommended.method, recommended.method).lower()}\u201d."
        if recommended.beats_popular
        else "Nothing beats what sells most; spend no effort on finer recommendations."
    )
    if not worth:
        means += " A letter for that alone does not pay; name the product in contacts that go out anyway."
    return wb.finding(
        "The next order held one of {top:count} products offered for {rate:share} of the customers.",
        means, top=recommended.tested_on.top, rate=own["hit_rate"],
    )  # fmt: skip


def _lot(wb: Workbook, drawn: HoldOut | None, promise: pd.DataFrame) -> tuple | None:
    if drawn is None or not np.isfinite(drawn.table.loc[ALL, "smallest"]):
        return None
    row = drawn.table.loc[ALL]
    terms = (
        float(promise.loc[TERMS, "profit"] / promise.loc[LIST, "profit"])
        if promise.loc[LIST, "profit"] > 0
        else 0.0
    )
    means = "Do not contact them, or nobody will know what the contacts did."
    if terms > 0:
        means += (
            " {terms:share} of what the list promises needs no contact, and no lot will tell what it brought."
        )
    return wb.finding(
        "{n:count customer} who would be contacted are left alone by lot; the smallest effect that shows is "
        "{smallest:exact_money} per customer, where {enough:exact_money} would pay.",
        means, n=int(row["held_out"]), smallest=row["smallest"], enough=row["effect"], terms=terms,
    )  # fmt: skip


def decision(
    wb: Workbook,
    promise: pd.DataFrame,
    by_action: pd.DataFrame,
    offers: Offers,
    saved: Mapping[str, pd.DataFrame | None],
) -> tuple[Sentence, Sentence]:
    """Return what to do, in money, and what happens if nothing is done.

    Parameters
    ----------
    promise : DataFrame
        As `promised` returns it.
    by_action : DataFrame
        The list by action.
    offers : Offers
    saved : mapping of str to DataFrame or None
        Tables of other notebooks the list is made from; None where the notebook had none.
    """
    total, contacts, terms = (promise.loc[name] for name in (LIST, CONTACTS, TERMS))
    if total["customers"] == 0:
        return valued.empty_list(wb, offers, saved)[1:]
    own = by_action.drop(index=NOTHING, errors="ignore")
    names = [name for name in own.index if own.loc[name, "contacted"] > 0 and MENU[name].contacts]
    others = [name for name in own.index if own.loc[name, "contacted"] > 0 and not MENU[name].contacts]
    write = (
        "**{contacts:count contact}** ({names}) for {cost:money}: expected **{profit:money}** (95% interval "
        "{low:money} to {high:money}) over doing nothing"
    )
    lot = (
        "{held:count customer} are left alone by lot"
        if total["held_out"] != 1
        else "{held:count customer} is left alone by lot"
    )
    if contacts["low"] > 0:
        doubt = "; " + lot + "." if total["held_out"] else "."
    else:
        doubt = ". The range reaches below zero: rates not tested decide" + (
            ", so this is a test, and " + lot + "."
            if total["held_out"]
            else ", and this list is too short to test them."
        )
    change = (
        "**{others}: {terms:count customer}**, without a contact: expected **{terms_profit:money}** a year "
        "({terms_low:money} to {terms_high:money})."
    )
    act = wb.cases(
        (contacts["customers"] == 0, change + " Contact nobody."),
        (terms["customers"] == 0, write + doubt),
        (True, change + " And " + write + doubt),
        contacts=int(contacts["customers"]), names=listing(names), cost=contacts["cost"], profit=contacts["profit"],
        low=contacts["low"], high=contacts["high"], held=int(total["held_out"]),
        others=titled(listing([_PLAIN.get(name, name) for name in others])),
        terms=int(terms["customers"]), terms_profit=terms["profit"], terms_low=terms["low"], terms_high=terms["high"],
    )  # fmt: skip
    wait = wb.say(
        "Then nothing is spent and nothing earned; {profit:money} that the list is expected to bring does not come, "
        "and nobody learns whether these actions work.",
        profit=total["profit"],
    )
    return act, wait


def metrics(wb: Workbook, promise: pd.DataFrame, back: Earned | None) -> None:
    """Note the key figures."""
    total = promise.loc[LIST]
    ends = (float(total["low"]), float(total["high"])) if total["customers"] else None
    wb.metric(
        "list_profit", "Expected profit of the list", float(total["profit"]), "money",
        "Over doing nothing, after the cost of contacts and offers, of those not held out; gains count for a year.",
        ends,
        period="a year of the actions of this month",
    )  # fmt: skip
    wb.metric(
        "listed_customers", "Customers with an action", float(total["customers"]), "count",
        "Customers on the list who are not held out by lot.", period="this month",
    )  # fmt: skip
    if back is not None and can_be_told(back):
        row = back.total
        wb.metric(
            "earlier_earned", "Earned by earlier lists", float(row["earned"]), "money",
            "Margin of those treated over those held out, before the cost of the actions, so far.",
            (float(row["earned_low"]), float(row["earned_high"])), period="so far",
        )  # fmt: skip
