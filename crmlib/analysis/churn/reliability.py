"""Whether predicted probabilities come true: groups of customers, what was predicted, and what came."""

import numpy as np
import pandas as pd

from crmlib.analysis.intervals import wilson_interval
from crmlib.analysis.rounding import rounded

_FEWEST_IN_BIN = 20


def equal_bins(chance: np.ndarray, bins: int = 10) -> np.ndarray:
    """Put customers into groups of about equal size by predicted probability, equal ones together.

    Parameters
    ----------
    chance : ndarray of shape (n_customers,)
    bins : int
        Groups; fewer where they would hold less than 20 customers, but at least 2 if predictions differ.

    Returns
    -------
    ndarray of int
        Number of the group, 0 for the lowest predictions; numbers have no gaps.

    Examples
    --------
    >>> equal_bins(np.repeat([0.1, 0.2, 0.2, 0.4], 20), 4).reshape(4, 20)[:, 0].tolist()
    [0, 1, 1, 2]
    """
    bins = max(2, min(bins, len(chance) // _FEWEST_IN_BIN))
    place = (pd.Series(chance).rank(method="average").to_numpy() - 0.5) / max(len(chance), 1)
    return np.unique(np.floor(place * bins), return_inverse=True)[1]


def reliability_curve(
    chance: pd.Series, churned: pd.Series, bins: int = 10, level: float = 0.95
) -> pd.DataFrame:
    """Compare predicted with observed shares, from the customers least at risk to those most at risk.

    Parameters
    ----------
    chance : Series of float
        Predicted probabilities; the last level of the index is ``customer_id``.
    churned : Series of bool
        Same index.
    bins : int
        As in `equal_bins`.
    level : float

    Returns
    -------
    DataFrame
        Indexed by ``bin`` from 1: ``customers`` (different ones), ``rows`` (customers on days), ``predicted`` (mean),
        ``observed`` (share that stayed away), ``low``, ``high`` (interval of the share), ``agrees`` (the interval holds
        the prediction).

    Notes
    -----
    Wilson intervals. Rows of one customer may all end alike, so a bin counts for (sum of m)^2 / (sum of m^2) trials,
    with m its rows of each customer (Kish 1965, Survey Sampling, section 5.4): intervals are rather too wide
    than too narrow where customers appear on several days.

    Examples
    --------
    >>> people = pd.Index([f"C{i:03d}" for i in range(200)], name="customer_id")
    >>> chance = pd.Series(np.repeat([0.2, 0.8], 100), index=people)
    >>> churned = pd.Series(np.arange(200) % 5 < np.repeat([1, 3], 100), index=people)
    >>> reliability_curve(chance, churned)[["customers", "predicted", "observed", "agrees"]]
         customers  predicted  observed  agrees
    bin
    1          100        0.2       0.2    True
    2          100        0.8       0.6   False
    """
    names = chance.index.get_level_values(-1)
    frame = pd.DataFrame(
        {
            "bin": equal_bins(chance.to_numpy("float64"), bins) + 1,
            "name": names,
            "predicted": chance.to_numpy("float64"),
            "observed": churned.to_numpy("float64"),
        }
    )
    found = frame.groupby("bin").agg(
        customers=("name", "nunique"),
        rows=("name", "size"),
        predicted=("predicted", "mean"),
        observed=("observed", "mean"),
    )
    times = frame.groupby(["bin", "name"]).size().pow(2).groupby(level="bin").sum()
    trials = found["rows"] ** 2 / times
    ends = [
        wilson_interval(share * count, count, level)
        for share, count in zip(found["observed"], trials, strict=True)
    ]
    found[["low", "high"]] = np.array(ends).reshape(-1, 2)
    shares = ["predicted", "observed", "low", "high"]
    found[shares] = rounded(found[shares].to_numpy())
    return found.assign(agrees=(found["low"] <= found["predicted"]) & (found["predicted"] <= found["high"]))


def brier_parts(sums: np.ndarray, brier: np.ndarray) -> dict[str, np.ndarray]:
    """Split Brier scores into what level, order and the outcome itself add.

    Parameters
    ----------
    sums : ndarray of shape (n_scores, 3, n_bins)
        Weight, predicted and observed sums of each bin.
    brier : ndarray of shape (n_scores,)
        The Brier scores.

    Returns
    -------
    dict of str to ndarray of shape (n_scores,)
        ``reliability`` (mean squared distance of predicted and observed shares of bins; low is good), ``resolution``
        (spread of the observed shares; high is good), ``uncertainty`` (share that left times share that stayed) and
        ``within_bins``, what is left, because customers of one bin differ:
        brier = reliability - resolution + uncertainty + within_bins.

    Notes
    -----
    Murphy (1973), Journal of Applied Meteorology 12:595-600; the remainder as in Stephenson, Coelho & Jolliffe (2008),
    Weather and Forecasting 23:752-757. In small samples reliability and resolution are both too large by
    about the share variance of a bin (Ferro & Fricker 2012, Quarterly Journal 138:1954-1960).
    """
    weight, predicted, observed = sums[:, 0], sums[:, 1], sums[:, 2]
    total = weight.sum(axis=1)
    overall = observed.sum(axis=1) / total
    full = np.where(weight > 0, weight, 1.0)
    share = observed / full
    reliability = (weight * (predicted / full - share) ** 2).sum(axis=1) / total
    resolution = (weight * (share - overall[:, None]) ** 2).sum(axis=1) / total
    uncertainty = overall * (1 - overall)
    return {
        "reliability": reliability,
        "resolution": resolution,
        "uncertainty": uncertainty,
        "within_bins": brier - reliability + resolution - uncertainty,
    }
