"""What contacting the customers of a list would truly bring, which only a simulated company can tell."""

from collections.abc import Mapping

import pandas as pd

PERFECT = "all-knowing"


def lists_truth(lists: Mapping[str, pd.Series], gains: pd.DataFrame, contact_cost: float) -> pd.DataFrame:
    """Work out what lists of contacts would truly earn.

    Parameters
    ----------
    lists : mapping of str to Series of float
        Cost of the contact of each customer of a list, by ``customer_id``.
    gains : DataFrame
        As returned by `crmlib.analysis.targeting.policies_truth.true_gains`.
    contact_cost : float
        Of a contact by someone who knows the truth.

    Returns
    -------
    DataFrame
        Indexed by ``list``, "all-knowing" last: ``contacts``, ``gained`` (margin of extra orders), ``lost`` (value of
        those driven away), ``cost``, ``profit`` (gained - lost - cost, against contacting nobody). Expected values, so
        there is no luck in them.

    Notes
    -----
    Definition of this project. In the simulation every contact does what the letters of the past did, whatever is in
    it; what an action does beyond being a contact is not simulated. Customers without a truth count with their cost
    alone.

    Examples
    --------
    >>> gains = pd.DataFrame({"gained": [6.0, 0.0], "lost": [0.0, 12.0], "there": True}, index=["A", "B"])
    >>> lists_truth({"both": pd.Series(3.0, index=["A", "B"])}, gains, 3.0)["profit"].to_dict()
    {'both': -12.0, 'all-knowing': 3.0}
    """
    moved = gains[["gained", "lost"]].where(gains["there"], 0.0)
    rows = {}
    for name, cost in lists.items():
        own = moved.reindex(cost.index).fillna(0.0).sum()
        rows[name] = {"contacts": len(cost), **own.to_dict(), "cost": float(cost.sum())}
    wise = moved[moved["gained"] - moved["lost"] > contact_cost]
    rows[PERFECT] = {"contacts": len(wise), **wise.sum().to_dict(), "cost": contact_cost * len(wise)}
    found = pd.DataFrame.from_dict(rows, orient="index").rename_axis("list")
    return found.assign(profit=found["gained"] - found["lost"] - found["cost"])
