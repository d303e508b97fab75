"""What the notebook on actions says where there is nothing to choose from, or nothing is known of it."""

from collections.abc import Mapping

import pandas as pd

from crmlib.analysis.actions.offers import Offers
from crmlib.display.actions.sentences import listing
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook

_NOTEBOOKS = {
    "profit_per_customer": "02 (profit)", "churn": "03 (churn)", "lifetime_value": "04 (lifetime value)",
    "segments": "06 (segments)",
}  # fmt: skip


def unknown(offers: Offers) -> bool:
    """Whether no action could be valued for anybody while data were missing: then nothing is known of any."""
    return len(offers.left_out) > 0 and not any((table["gain"] > 0).any() for table in offers.tables.values())


def possible(wb: Workbook, offers: Offers) -> Sentence:
    """Say for how many there is something that could be done."""
    some = set().union(*(set(table.index[table["gain"] > 0]) for table in offers.tables.values()))
    number = len(offers.customers.intersection(pd.Index(list(some))))
    return wb.cases(
        (unknown(offers),
         "For none of the {n:count customer} can it be told whether something could be done: the data that the actions "
         "need are missing."),
        (number == 0, "There is nothing that could be done with any of the {n:count customer}."),
        (True,
         "For {k:count} of {n:count customer} there is something that could be done; whether it is worth doing is the "
         "question."),
        n=len(offers.customers), k=number,
    )  # fmt: skip


def finding(wb: Workbook, offers: Offers) -> tuple | None:
    """Return what could not be valued, as a finding; None where something could."""
    if not unknown(offers):
        return None
    return wb.finding(
        "{n:count action} of the menu could not be valued: {names}.",
        "That says nothing against them. The section on what actions earn says what each lacks.",
        n=len(offers.left_out), names=listing(list(offers.left_out)),
    )  # fmt: skip


def empty_list(
    wb: Workbook, offers: Offers, saved: Mapping[str, pd.DataFrame | None]
) -> tuple[Sentence, Sentence, Sentence]:
    """Return answer, decision and what waiting means, for a list with nobody on it.

    Parameters
    ----------
    wb : Workbook
    offers : Offers
    saved : mapping of str to DataFrame or None
        Tables of other notebooks the list is made from; None where the notebook had none.
    """
    blind, some = unknown(offers), len(offers.left_out) > 0
    absent = [words for name, words in _NOTEBOOKS.items() if saved.get(name) is None]
    answer = wb.cases(
        (blind,
         "What to do with the {n:count customer} this month cannot be told: the data were not enough to value a single "
         "action for anybody."),
        (some,
         "This month nothing is done with any of the {n:count customer}: no action that could be valued is worth it. "
         "{out:count action} could not be valued."),
        (True, "This month nothing is done with any of the {n:count customer}: no action is worth it."),
        n=len(offers.customers), out=len(offers.left_out),
    )  # fmt: skip
    act = wb.cases(
        (blind and len(absent) > 0,
         "**Decide nothing from this page: whether an action is worth it cannot be told.** There is no answer from "
         "{absent}. Read there why, give the run a longer history or the tables asked for, and run again."),
        (blind,
         "**Decide nothing from this page: whether an action is worth it cannot be told.** The section on what actions "
         "earn says which data each action lacks. Add them, and run again."),
        (some,
         "**Do nothing this month.** No action that could be valued is expected to earn more than it costs within the "
         "limits. Nothing is known of {left}: the section on what actions earn says what is missing."),
        (True, "**Do nothing this month.** No action is expected to earn more than it costs within the limits."),
        absent=("notebook " if len(absent) == 1 else "notebooks ") + listing(absent),
        left=listing(list(offers.left_out)),
    )  # fmt: skip
    wait = wb.cases(
        (blind, "Then the question stays open, and so does what it costs to contact nobody meanwhile."),
        (some,
         "That is this decision. Of what could be valued nothing is lost by it; of the other actions nothing is "
         "known."),
        (True, "That is this decision. Nothing is lost by it: no action is expected to earn more than it costs."),
    )  # fmt: skip
    return answer, act, wait
