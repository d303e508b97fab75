"""How close each comparison comes to the true effect of the club, which only a simulated company knows."""

import numpy as np
import pandas as pd

from crmlib.analysis.loyalty.naive import PLAIN
from crmlib.analysis.loyalty.staggered_effect import ClubEffect

OURS = "joiners against those not yet joined, while known to be customers"
_TRUE_RISE = "club_on_rate"


def true_club_effect(parameters: pd.DataFrame | None) -> float | None:
    """Return the true rise of the purchase rate of members; None where it is not known.

    Parameters
    ----------
    parameters : DataFrame or None
        Truth table ``parameters``: ``name``, ``value``.

    Examples
    --------
    >>> true_club_effect(pd.DataFrame({"name": ["club_on_rate"], "value": ["0.08"]}))
    0.08
    """
    if parameters is None:
        return None
    known = parameters.loc[parameters["name"] == _TRUE_RISE, "value"]
    return None if known.empty else float(known.iloc[0])


def comparisons_beside_truth(
    naive: pd.DataFrame, effect: ClubEffect, truth: float | None = None
) -> pd.DataFrame:
    """Put the naive comparisons, the design used and the truth side by side.

    Parameters
    ----------
    naive : DataFrame
        As returned by `naive.naive_comparisons`.
    effect : ClubEffect
    truth : float, optional

    Returns
    -------
    DataFrame
        Indexed by comparison, the design used last: ``effect``, ``low``, ``high``, ``flaw`` (blank for the design
        used), ``off_by`` (effect less truth) and ``holds_truth`` (whether the interval does); the last two only where
        the truth is known.
    """
    own = pd.DataFrame(
        {"effect": effect.effect, "low": effect.low, "high": effect.high, "flaw": ""},
        index=[OURS if effect.known_alive else PLAIN],
    )
    table = pd.concat([naive, own]).rename_axis("comparison")
    if truth is None:
        return table
    inside = (table["low"] <= truth) & (table["high"] >= truth)
    return table.assign(off_by=np.round(table["effect"] - truth, 6), holds_truth=inside)
