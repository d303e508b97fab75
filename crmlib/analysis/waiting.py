"""Waiting times that are not over for everybody: the product-limit estimate."""

import numpy as np
import pandas as pd
from scipy.stats import norm


def product_limit(waits: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Estimate the share for whom the wait is over by each day.

    Those who still wait on the last known day are not counted as never: they leave the
    reckoning on the day up to which they were seen.

    Parameters
    ----------
    waits : DataFrame
        Columns ``days`` (length of the wait, 0 or more), ``over`` (True if it ended, False if it
        was still going on when last seen) and ``customers`` (how many); where waits came into sight
        late, ``entry`` (days already waited then: the wait counts on later days only).
    level : float
        Confidence level.

    Returns
    -------
    DataFrame
        One row per day on which a wait ended: ``days``, ``waiting`` (seen up to that day and
        waiting before it), ``ended``, ``share`` (for whom it is over), ``low``, ``high``.

    Notes
    -----
    Kaplan & Meier (1958), Journal of the American Statistical Association 53:457-481; variance
    by Greenwood's formula; interval on the scale of the log of minus the log (Kalbfleisch &
    Prentice 2002, section 1.4), which keeps it between 0 and 1. Late entry: Klein & Moeschberger
    (2003), Survival Analysis, section 4.6.

    Examples
    --------
    >>> waits = pd.DataFrame({"days": [1, 2, 2], "over": [True, True, False], "customers": 1})
    >>> product_limit(waits)[["days", "waiting", "share"]].round(3).to_dict("list")
    {'days': [1, 2], 'waiting': [3, 2], 'share': [0.333, 0.667]}
    """
    by_day = waits.groupby("days")["customers"].sum().sort_index()
    ended = waits[waits["over"]].groupby("days")["customers"].sum().reindex(by_day.index, fill_value=0)
    waiting = by_day[::-1].cumsum()[::-1]
    if "entry" in waits.columns:
        came = waits.groupby("entry")["customers"].sum().sort_index()
        unseen = np.append(came[::-1].cumsum()[::-1].to_numpy(), 0)
        waiting = waiting - unseen[np.searchsorted(came.index.to_numpy(), waiting.index.to_numpy())]
    happened = ended.to_numpy() > 0
    days, d, n = by_day.index.to_numpy()[happened], ended.to_numpy()[happened], waiting.to_numpy()[happened]
    left = np.cumprod(1 - d / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(d / (n * (n - d)))
        spread = norm.ppf((1 + level) / 2) * np.sqrt(greenwood) / np.log(left)
    sure = left > 0  # once nobody waits any more, the formula has nothing to say
    bound = np.where(sure, spread, 0.0)
    return pd.DataFrame(
        {
            "days": days,
            "waiting": n,
            "ended": d,
            "share": 1 - left,
            "low": 1 - left ** np.exp(bound),
            "high": 1 - left ** np.exp(-bound),
        }
    )


def share_by(curve: pd.DataFrame, days: float) -> pd.Series:
    """Read ``share``, ``low`` and ``high`` of a curve as returned by `product_limit` at a day."""
    until = curve[curve["days"] <= days]
    if until.empty:
        return pd.Series({"share": 0.0, "low": 0.0, "high": np.nan})
    return until.iloc[-1][["share", "low", "high"]].astype("float64")
