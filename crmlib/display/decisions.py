"""From an option's interval to a sentence a manager can act on."""

import pandas as pd

from crmlib.display.prose import Sentence


def adopt(option: pd.Series, currency: str) -> Sentence:
    """Say whether to adopt an option, to test it first, or to leave things as they are.

    Parameters
    ----------
    option : Series
        ``label``, ``customers``, ``gain``, ``low``, ``high``, ``at_half`` and ``break_even``
        as returned by `crmlib.analysis.options.value_options`, and ``price_rise`` from
        `crmlib.analysis.levers.price_rises`.
    currency : str

    Returns
    -------
    Sentence
        Adopt if the whole range is above zero; test on a random half if only its middle
        is; else leave the terms alone. Where prices rise, the sentence says by how much, for
        the share that walks away is an assumption.
    """
    values = {
        "label": option["label"],
        "gain": option["gain"],
        "low": option["low"],
        "high": option["high"],
        "customers": option["customers"],
        "half": option["at_half"],
        "rise": option["price_rise"],
        "even": option["break_even"],
    }
    effect = "**{gain:money}** in the next period (range {low:money} to {high:money})"
    risk = (
        "It pays as long as less than {even:share} of the business it touches walks away; at half walking away it "
        "moves {half:money}."
    )
    if option["price_rise"] > 0:
        risk = "Prices rise by {rise:share} on the orders it touches. " + risk
    else:
        del values["rise"]
    who = "{customers:count} loss-making customers carry nearly all of it"
    if option["low"] > 0:
        template = f"**{{label}}**: {effect}. {who[:1].upper() + who[1:]}: talk to them first. {risk}"
    elif option["gain"] > 0:
        values["label"] = option["label"][:1].lower() + option["label"][1:]
        template = f"**Test first, on a random half**: {{label}}. Expected: {effect}; {who}. {risk}"
    else:
        template = "Leave the terms as they are: the best option, {label}, is expected to move {gain:money}."
        values = {"label": option["label"].lower(), "gain": option["gain"]}
    return Sentence(template, currency, **values)
