"""From an option's interval to a sentence a manager can act on."""

import pandas as pd

from crmlib.display.prose import Sentence


def adopt(option: pd.Series, currency: str) -> Sentence:
    """Say whether to adopt an option, to test it first, or to leave things as they are.

    Parameters
    ----------
    option : Series
        ``label``, ``customers``, ``gain``, ``low``, ``high`` and ``break_even`` as returned
        by `crmlib.analysis.levers.lever_gains`.
    currency : str

    Returns
    -------
    Sentence
        Adopt if the whole interval is above zero; test on a random half if only its middle
        is; else leave the terms alone.
    """
    values = {
        "label": option["label"],
        "gain": option["gain"],
        "low": option["low"],
        "high": option["high"],
        "customers": option["customers"],
        "even": option["break_even"],
    }
    if option["low"] > 0:
        template = (
            "**{label}** for {customers:count} loss-making customers: it should add **{gain:money}** in the next "
            "period (95% interval {low:money} to {high:money}), and it pays as long as less than {even:share} of "
            "the business it touches walks away."
        )
    elif option["gain"] > 0:
        template = (
            "**Test first**: {label}, on a random half of {customers:count} loss-making customers. Expected: "
            "**{gain:money}** (95% interval {low:money} to {high:money}); it loses money once more than {even:share} "
            "of the business it touches walks away."
        )
    else:
        template = "Leave the terms as they are: the best option, {label}, is expected to move {gain:money}."
        values = {"label": option["label"].lower(), "gain": option["gain"]}
    return Sentence(template, currency, **values)
