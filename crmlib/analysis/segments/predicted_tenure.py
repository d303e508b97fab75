"""How long each customer can still be expected to stay, in months: the loyalty that lies ahead."""

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.rounding import rounded
from crmlib.errors import ParameterError

DAYS_PER_MONTH = 365.25 / 12
#: Customers from which on those who began before the data have parameters of their own.
_OWN_MODEL = 100
_NODES, _BLOCK = 32, 2000


def predicted_tenure(
    histories: pd.DataFrame,
    months: float,
    began_before: pd.Series | None = None,
    alive: pd.Series | None = None,
) -> pd.Series:
    """Expected months as a customer from now on, within a horizon.

    Parameters
    ----------
    histories : DataFrame of shape (n_customers, ...)
        ``x``, ``t_x`` and ``T`` in days, as `crmlib.analysis.clv.purchases.summary.purchase_summary` returns them.
    months : float
        Horizon, above 0: whoever is sure to stay has so many months ahead.
    began_before : Series of bool, optional
        Who began before the data; with 100 customers or more on both sides they have parameters of their own.
    alive : Series of float, optional
        Chance to be a customer today where it is known from elsewhere; by the same model otherwise.

    Returns
    -------
    Series of float
        Months, 0 to `months`, indexed like the histories.

    Raises
    ------
    ParameterError
        If the horizon is not above 0.
    TooLittleData
        If no model can be fitted to the histories.

    Notes
    -----
    Of the MBG/NBD model (Batislam, Denizel & Filiztekin 2007, International Journal of Research in Marketing
    24:201-209). Whoever is a customer today has a rate of buying from a gamma distribution with shape r + x and scale
    α + T, and a chance p to leave after a purchase from a beta distribution with a and b + x + 1. The chance of still
    being one u days later is then the mean of (1 + p u / (α + T)) ** −(r + x) over p; its integral up to the horizon
    (both by Gauss and Legendre, p by its quantiles), times the chance to be a customer today, is the tenure ahead.
    Derived for this project.

    Examples
    --------
    >>> people = pd.DataFrame({"x": [9, 3, 4, 0], "t_x": [90, 10, 50, 0], "T": [100] * 4}, index=list("ABCD"))
    >>> found = predicted_tenure(people, months=12)
    >>> bool(found["A"] > found["B"]), bool(found.between(0, 12).all())
    (True, True)
    """
    if not (months > 0 and np.isfinite(months)):
        raise ParameterError(f"months = {months}", "a horizon above 0", "give the months to look ahead")
    before = np.zeros(len(histories), dtype=bool)
    if began_before is not None:
        before = began_before.reindex(histories.index).fillna(False).to_numpy(bool)
    groups = [before, ~before]
    if min(int(one.sum()) for one in groups) < _OWN_MODEL:
        groups = [np.ones(len(histories), dtype=bool)]
    found = pd.Series(np.nan, index=histories.index, name="months_ahead")
    for group in groups:
        own = histories[group]
        model = MBGNBD().fit(own)
        chance = model.predict_alive(own)
        if alive is not None:
            chance = alive.reindex(own.index).fillna(chance)
        found[group] = chance.to_numpy() * months_if_customer(own, model.params_, months)
    found[:] = rounded(found.to_numpy())
    return found


def months_if_customer(histories: pd.DataFrame, params: pd.Series, months: float) -> np.ndarray:
    """Months that whoever is a customer today can be expected to stay, within a horizon; see `predicted_tenure`.

    Parameters
    ----------
    histories : DataFrame
        ``x`` and ``T``.
    params : Series
        ``r``, ``alpha``, ``a``, ``b`` of the model, in that order; `alpha` in days.
    months : float

    Returns
    -------
    ndarray of shape (n_customers,)

    Examples
    --------
    >>> people = pd.DataFrame({"x": [0, 20], "T": [400, 400]})
    >>> months_if_customer(people, pd.Series({"r": 1.0, "alpha": 60.0, "a": 1e-9, "b": 2.0}), 12).round(6).tolist()
    [12.0, 12.0]
    """
    r, alpha, a, b = (float(value) for value in params)
    # Many share a history: each pair of x and T once.
    cells, of = np.unique(histories[["x", "T"]].to_numpy("float64"), axis=0, return_inverse=True)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    parts, weights = (nodes + 1) / 2, weights / 2
    repeats, row = np.unique(cells[:, 0], return_inverse=True)
    chances = betaincinv(a, b + repeats[:, None] + 1, parts)
    stay = np.empty(len(cells))
    for start in range(0, len(cells), _BLOCK):
        x, T = cells[start : start + _BLOCK].T[:, :, None, None]
        leave = chances[row[start : start + _BLOCK], None, :]
        gone = np.log1p(leave * (parts * months * DAYS_PER_MONTH)[:, None] / (alpha + T))
        stay[start : start + _BLOCK] = np.exp(-(r + x) * gone) @ weights @ weights
    return months * stay[of.reshape(-1)]
