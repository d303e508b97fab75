"""What the truth of a simulated company says about the list."""

import pandas as pd

from crmlib.analysis.actions.expected import ActionProfit
from crmlib.analysis.actions.list_truth import PERFECT, lists_truth
from crmlib.analysis.actions.menu import NONE, NOTHING
from crmlib.analysis.targeting.policies_truth import TrueEffects, true_gains
from crmlib.display.figures import estimate_dots
from crmlib.display.house import Figure
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook

LIST, EVERYONE = "list", "everyone"
_NAMES = {LIST: "Contacts on the list", EVERYONE: "Everyone eligible for a contact", PERFECT: "All-knowing"}
_MONTHS = 12


def beside_truth(
    wb: Workbook, listed: pd.DataFrame, eligible: pd.Series, contact_cost: float
) -> pd.DataFrame | None:
    """Work out what the contacts of the list would truly bring; None where the company is not simulated.

    Parameters
    ----------
    wb : Workbook
    listed : DataFrame
        The list of the month; those held out count as if contacted.
    eligible : Series of float
        Cost of a contact of each customer eligible for one.
    contact_cost : float
        Of a letter.
    """
    truth, parameters = wb.data.truth("customers"), wb.data.truth("parameters")
    if truth is None or parameters is None:
        return None
    effects = TrueEffects.of(parameters)
    gains = true_gains(
        truth, effects, wb.data.as_of, months=_MONTHS, annual_rate=wb.data.annual_discount_rate
    )
    own = listed[(listed["action"] != NOTHING) & (listed["channel"] != NONE)]
    lists = {LIST: own.set_index("customer_id")["cost"], EVERYONE: eligible}
    return lists_truth(lists, gains, contact_cost)


def cheapest_contact(profit: ActionProfit) -> pd.Series:
    """Cost of the cheapest contact that each customer is eligible for, by ``customer_id``."""
    options = profit.options
    return pd.Series(options.table["cost"].to_numpy(), options.ids()).groupby(level=0).min()


def told(wb: Workbook, table: pd.DataFrame) -> list[Sentence | Figure]:
    """Say what the list would truly earn as contacts, beside contacting everyone and knowing everything."""
    rows = pd.DataFrame({
        "label": [_NAMES[name] for name in table.index], "value": table["profit"].to_numpy(),
        "low": table["profit"].to_numpy(), "high": table["profit"].to_numpy(),
        "customers": table["contacts"].astype("int64").to_numpy(),
    })  # fmt: skip
    own, everyone = table.loc[LIST], table.loc[EVERYONE]
    if not own["contacts"]:
        return [
            wb.say(
                "This company is simulated, so the truth is known: whoever knew each customer would earn "
                "{perfect:money} with {n:count contact}. Nobody is contacted this month.",
                perfect=table.loc[PERFECT, "profit"], n=int(table.loc[PERFECT, "contacts"]),
            )
        ]  # fmt: skip
    title = (
        wb.text("In truth the contacts of the list would lose {lose:money}, and contacting everyone {more:money}",
                lose=-own["profit"], more=-everyone["profit"])
        if own["profit"] < 0 and everyone["profit"] < 0
        else wb.text("In truth the contacts of the list would earn {own:money}", own=own["profit"])
    )  # fmt: skip
    lesson = (
        "Learning by a short list costs little beside contacting everyone; what is really new in these actions only "
        "the lot can show."
        if everyone["profit"] < own["profit"] < 0
        else "What is really new in these actions only the lot can show."
    )
    return [
        estimate_dots(
            rows, title,
            wb.text("Simulated company: what contacts on {day:day} would truly bring in a year", day=wb.data.as_of),
            wb.currency, "Profit of the contacts", reference=0, reference_label="contact nobody",
            rows="Whom to contact",
        ),
        wb.say(
            "This company is simulated, so the truth is known, as far as it goes: every contact does what the "
            "letters of the past did, whatever is in it. The {n:count contact} on the list, those held out included, "
            "would bring extra orders of {gained:money} and take {lost:money} with customers driven away; they cost "
            "{cost:money}. Whoever knew each customer would earn {perfect:money}. {lesson}",
            n=int(own["contacts"]), gained=own["gained"], lost=own["lost"], cost=own["cost"],
            perfect=table.loc[PERFECT, "profit"], lesson=lesson,
        ),
    ]  # fmt: skip
