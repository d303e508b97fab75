"""Whom of the list to leave alone by lot, sized so that an effect can be found that just pays the action."""

from datetime import date

import ibis
import pandas as pd

from crmlib.analysis.actions.action_list import CONTACT, list_id
from crmlib.analysis.actions.menu import MENU
from crmlib.analysis.closed_loop.hold_out import HoldOut, hold_out
from crmlib.analysis.closed_loop.outcomes import margins_before

#: Days after the list in which margins are compared.
RESPONSE_DAYS = 90
#: Days over which what an action promises is due, where it is not a year.
DUE_DAYS = {"cross-sell": RESPONSE_DAYS}
_LEAST = 0.01


def draw_lot(chosen: pd.DataFrame, lines: ibis.Table, as_of: date) -> HoldOut:
    """Draw whom to leave alone among those who are to be contacted.

    Parameters
    ----------
    chosen : DataFrame
        As returned by `crmlib.analysis.actions.action_list.chosen_actions`.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    as_of : datetime.date
        Last known day; the lot depends on it and on nothing else.

    Returns
    -------
    HoldOut
        Of those contacted. New terms and a change of service are for all alike, and nobody is held out from them: two
        price lists side by side would be unfair, and would forgo more than they teach.

    Notes
    -----
    The effect to be found is what the action costs: below it, it does not pay. See
    `crmlib.analysis.closed_loop.hold_out.hold_out`.
    """
    own = chosen[chosen["action"].map(lambda name: MENU[name].contacts).astype(bool)]
    past = margins_before(lines, own.index, as_of, RESPONSE_DAYS)
    effects = own.groupby("action")["cost"].mean().clip(lower=_LEAST).to_dict()
    listed = own[["action", "expected_profit"]].astype({"action": "object"})
    return hold_out(listed, past, effects, list_id(as_of))


def arms(chosen: pd.DataFrame, drawn: HoldOut) -> pd.Series:
    """Arm of everybody on the list: "contact" (carry out) unless held out by lot."""
    return drawn.arm.reindex(chosen.index).fillna(CONTACT).astype("str")
