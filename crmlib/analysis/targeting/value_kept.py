"""What is gained when a customer stays who would have left: lifetime value without the weight of survival.

The expected value of a customer already weighs that he may be gone. Multiplied by a churn probability as it stands, it
would weigh the same risk twice, and those most at risk would look worth nothing.
"""

import numpy as np
import pandas as pd

from crmlib.errors import ParameterError, TooLittleData


def value_if_kept(saved: pd.DataFrame, months: int | None = None, comes_back: float = 0.0) -> pd.Series:
    """Return what is gained when a customer who would have left stays, from saved lifetime values.

    Parameters
    ----------
    saved : DataFrame
        As returned by `crmlib.analysis.clv.worth.valuation.saved_values`: ``customer_id``, ``alive`` and ``value_N``
        for horizons of N months.
    months : int, optional
        Horizon; the longest there is if left out.
    comes_back : float
        Part of a kept customer's value that one who leaves brings all the same, 0 to 1: above 0 where leaving means "no
        purchase for a while", for some of those come back by themselves.

    Returns
    -------
    Series of float
        ``value``, indexed by ``customer_id`` (sorted).

    Raises
    ------
    ParameterError
        If there are no values of that horizon, or a share is out of range.
    TooLittleData
        If the values stand without chances to be active, or are those of a simple forecast (see `by_model`).

    Notes
    -----
    Definition of this project. A saved value is the chance to be active times what an active customer is worth; the
    quotient is the latter. Leaving later, after having been kept, stays weighed. ``low_N`` and ``high_N`` of
    the table are ranges of one single future, luck included; they are no doubt about an expected value and are not
    used.

    Examples
    --------
    >>> saved = pd.DataFrame({"customer_id": ["B", "A"], "alive": [0.5, 0.8], "value_12": [30.0, 80.0]})
    >>> value_if_kept(saved).to_dict()
    {'A': 100.0, 'B': 60.0}
    """
    if not 0 <= comes_back <= 1:
        raise ParameterError(f"comes_back = {comes_back}", "a share from 0 to 1", "give 0.2 for 20 %")
    there = sorted(int(name[6:]) for name in saved.columns if name[:6] == "value_" and name[6:].isdigit())
    if not there or (months is not None and months not in there):
        raise ParameterError(
            f"values over {', '.join(map(str, there)) or 'no'} months", f"values over {months or 'some'} months",
            "take a horizon that was saved",
        )  # fmt: skip
    own = saved.set_index("customer_id").sort_index()
    alive = own["alive"].to_numpy("float64") if "alive" in own else np.full(len(own), np.nan)
    if np.isnan(alive).any() or not by_model(saved):
        raise TooLittleData(
            "values without chances to be active", "values by a model",
            "state a margin per customer kept, or value the customers by a model",
        )  # fmt: skip
    value = own[f"value_{there[-1] if months is None else months}"].to_numpy("float64")
    kept = np.divide(value, alive, out=np.zeros(len(own)), where=alive > 0)
    return pd.Series((1 - comes_back) * kept, index=own.index, name="value")


def by_model(saved: pd.DataFrame) -> bool:
    """Whether all saved values are those of a model, so that the chance to be active is a part of each.

    A simple forecast says nothing of that chance. The table may hold one beside it, of a model that was not
    used; values divided by it would mean nothing.

    Parameters
    ----------
    saved : DataFrame
        As for `value_if_kept`; ``basis`` says for each customer what his values rest on. A table without it is one of a
        model.

    Examples
    --------
    >>> by_model(pd.DataFrame({"basis": ["model", "simple forecast"]}))
    False
    """
    return "basis" not in saved or bool((saved["basis"] == "model").all())
