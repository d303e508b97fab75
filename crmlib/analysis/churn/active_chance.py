"""The chance to be still active, on a day: a model of repeat buying, fitted on what was known then."""

from datetime import date

import numpy as np
import pandas as pd

from crmlib.analysis.churn.activity import number_of
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.errors import CrmError

_OWN_MODEL = 100


def chances_alive(
    model: LatentAttrition,
    known: dict[str, np.ndarray],
    n: int,
    acquired: np.ndarray,
    begin: int,
    since: date | None = None,
) -> tuple[np.ndarray, str]:
    """Fit on all customers known on a day, and tell each one's chance to be active at the end of it.

    Parameters
    ----------
    model : LatentAttrition
        Which model; its parameters, if any, are not used.
    known : dict of str to ndarray of shape (n_customers,)
        ``first`` and ``last`` purchase (days since 1970) and number of ``purchases``, up to the day.
    n : int
        The day, since 1970.
    acquired : ndarray of shape (n_customers,)
        Day of winning, NaN where it is not known.
    begin : int
        First day of the data.
    since : datetime.date, optional
        Customers without a day of winning who bought before it began before the data.

    Returns
    -------
    chance : ndarray of shape (n_customers,)
        NaN for all if no model could be fitted.
    trouble : str
        Why not; empty otherwise.

    Notes
    -----
    Who began before the data is seen only if still there when they begin, buys more and leaves less than new
    customers do; with 100 customers or more, and as many others, they have parameters of their own, with their
    first purchase in the data as the first.

    Examples
    --------
    >>> from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
    >>> known = {"first": np.array([0.0, 0, 0, 0]), "last": np.array([0.0, 90, 10, 50]),
    ...          "purchases": np.array([1, 9, 3, 4])}
    >>> chance, trouble = chances_alive(MBGNBD(), known, 100, np.full(4, np.nan), 0)
    >>> bool(chance[1] > chance[2]), trouble
    (True, '')
    """
    first, last = known["first"], known["last"]
    histories = pd.DataFrame({"x": known["purchases"] - 1.0, "t_x": last - first, "T": n - first})
    before = np.where(np.isnan(acquired), first < number_of(since) if since else False, acquired < begin)
    groups = [before, ~before]
    if min(int(one.sum()) for one in groups) < _OWN_MODEL:
        groups = [np.ones(len(first), dtype=bool)]
    chance = np.full(len(first), np.nan)
    for group in groups:
        try:
            own = histories[group]
            chance[group] = model.alike().fit(own).predict_alive(own)
        except CrmError as error:
            return np.full(len(first), np.nan), str(error)
    return chance.round(6), ""
