"""Churn beside the truth of a simulated company, which alone knows who had left and when.

A company sees that a customer does not buy; whether he is gone or only slow, it never sees. The share of the silent who
have truly left says how much a window of silence is worth as a definition of churn.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmlib.analysis.churn.reliability import reliability_curve
from crmlib.analysis.churn.scores import Scores, score_methods
from crmlib.analysis.intervals import wilson_interval
from crmlib.errors import ParameterError

_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class ChancesBesideTruth:
    """Probabilities beside who had truly left.

    Attributes
    ----------
    scores : Scores
        As by `crmlib.analysis.churn.scores.score_methods`, with leaving in truth as the outcome.
    reliability : DataFrame
        Indexed by ``method`` and ``bin``; columns as in `crmlib.analysis.churn.reliability.reliability_curve`,
        ``observed`` being the share that had truly left.
    customers : int
        Whose truth is known.
    gone : float
        Share of them who had left by the end of the window.
    """

    scores: Scores
    reliability: pd.DataFrame
    customers: int
    gone: float


def truly_gone(truth: pd.DataFrame, customers: pd.Index, day: date) -> pd.Series:
    """Say who had left by the end of a day; customers of unknown truth are left out.

    Parameters
    ----------
    truth : DataFrame
        ``customer_id`` and ``lifetime_end``.
    customers : Index
    day : datetime.date

    Returns
    -------
    Series of bool
        ``gone``, in the order of `customers`.

    Examples
    --------
    >>> truth = pd.DataFrame({"customer_id": ["A", "B"], "lifetime_end": ["2025-06-30", "2025-07-01"]})
    >>> truly_gone(truth, pd.Index(["B", "A", "Z"], name="customer_id"), date(2025, 6, 30)).to_dict()
    {'B': False, 'A': True}
    """
    ends = _ends(truth, customers)
    return (ends <= pd.Timestamp(day)).rename("gone")


def windows_beside_truth(
    stayed_away: pd.DataFrame, truth: pd.DataFrame | None, day: date, level: float = 0.95
) -> pd.DataFrame | None:
    """Say of several windows how well silence in them tells who had truly left.

    Parameters
    ----------
    stayed_away : DataFrame of bool
        Indexed by ``customer_id``, the eligible customers of `day`; a column per length of the window in days: no
        purchase in so many days after `day`.
    truth : DataFrame or None
        ``customer_id`` and ``lifetime_end``.
    day : datetime.date
        Last day before the windows.
    level : float
        Level of the intervals.

    Returns
    -------
    DataFrame or None
        Indexed by ``window_days``: ``customers``, ``silent`` (share without a purchase in the window),
        ``gone_before`` (share that had left by `day`), ``gone`` (by the end of the window), ``truly_gone`` (share of
        the silent that had left by the end) with ``low`` and ``high``, ``found`` (share of those who had left by the
        end that were silent; the others bought before they left), ``false_alarm`` (share of those still there at the
        end that were silent). None without truth.

    Notes
    -----
    Definition of this project; Wilson intervals of the share.

    Examples
    --------
    >>> people = pd.Index(list("ABCD"), name="customer_id")
    >>> ends = ["2025-01-01", "2030-01-01", "2030-01-01", "2030-01-01"]
    >>> truth = pd.DataFrame({"customer_id": people, "lifetime_end": ends})
    >>> silent = pd.DataFrame({90: [True, True, False, False], 180: [True, False, False, False]}, index=people)
    >>> found = windows_beside_truth(silent, truth, date(2025, 6, 30))
    >>> found[["silent", "gone", "truly_gone", "found"]]
                 silent  gone  truly_gone  found
    window_days
    90             0.50  0.25         0.5    1.0
    180            0.25  0.25         1.0    1.0
    """
    if truth is None:
        return None
    ends = _ends(truth, stayed_away.index)
    rows = {}
    for window in stayed_away.columns:
        silent = stayed_away.loc[ends.index, window].to_numpy(bool)
        before = (ends <= pd.Timestamp(day)).to_numpy()
        gone = (ends <= pd.Timestamp(day) + pd.Timedelta(days=int(window))).to_numpy()
        low, high = wilson_interval(int((silent & gone).sum()), int(silent.sum()), level)
        rows[int(window)] = {
            "customers": len(ends),
            "silent": _share(silent),
            "gone_before": _share(before),
            "gone": _share(gone),
            "truly_gone": _share(gone[silent]),
            "low": low,
            "high": high,
            "found": _share(silent[gone]),
            "false_alarm": _share(silent[~gone]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("window_days")


def chances_beside_truth(
    chances: pd.DataFrame,
    truth: pd.DataFrame | None,
    day: date,
    window_days: int = 0,
    *,
    n_resamples: int = 500,
    level: float = 0.95,
    bins: int = 10,
    seed: int = 0,
) -> ChancesBesideTruth | None:
    """Hold probabilities against who had truly left by the end of a window.

    Parameters
    ----------
    chances : DataFrame of shape (n_customers, n_methods)
        Indexed by ``customer_id``: probabilities of leaving, of staying away, or one less the chance to be active.
    truth : DataFrame or None
        ``customer_id`` and ``lifetime_end``.
    day : datetime.date
        Last day the probabilities know.
    window_days : int
        Length of the window they speak of; 0 for having left by `day`, which is what one less the chance to
        be active says.
    n_resamples, level, bins, seed
        As for `crmlib.analysis.churn.scores.score_methods`.

    Returns
    -------
    ChancesBesideTruth or None
        None without truth.

    Raises
    ------
    ParameterError
        If a window is shorter than 0 days.
    TooLittleData
        If all had left, or none.

    Notes
    -----
    A probability of staying away is no probability of having left: slow buyers stay away and are there. It should lie
    above the truth, by the silence of slow buyers (`true_silence`); its order can be judged as it is.
    """
    if truth is None:
        return None
    if window_days < 0:
        raise ParameterError(f"window_days = {window_days}", "0 or more", "correct it")
    gone = truly_gone(truth, chances.index, (pd.Timestamp(day) + pd.Timedelta(days=window_days)).date())
    known = chances.loc[gone.index]
    scores = score_methods(known, gone, n_resamples=n_resamples, level=level, bins=bins, seed=seed)
    curves = {name: reliability_curve(known[name], gone, bins, level) for name in known.columns}
    return ChancesBesideTruth(scores, pd.concat(curves, names=["method"]), len(gone), float(gone.mean()))


def true_silence(truth: pd.DataFrame, customers: pd.Index, day: date, window_days: int) -> pd.DataFrame:
    """Return the true probability of no purchase in a window: what nobody can predict better.

    Parameters
    ----------
    truth : DataFrame
        ``customer_id``, ``lifetime_end`` and ``purchase_rate_per_year``.
    customers : Index
        Customers of unknown truth are left out.
    day : datetime.date
        Last day before the window.
    window_days : int

    Returns
    -------
    DataFrame
        Indexed like `customers`: ``all_knowing`` (knows rates and days of leaving) and ``rate_alone`` (the same if
        nobody left: the silence of slow buyers).

    Notes
    -----
    exp(-rate times time left in the window): purchases of a living customer are a Poisson process. Season, club
    and contacts, which bend the rate a little, are not in it.

    Examples
    --------
    >>> truth = pd.DataFrame({"customer_id": ["A", "B"], "lifetime_end": ["2025-01-01", "2030-01-01"],
    ...                       "purchase_rate_per_year": [4.0, 4.0]})
    >>> true_silence(truth, pd.Index(["A", "B"]), date(2025, 6, 30), 90).round(3)
       all_knowing  rate_alone
    A        1.000       0.373
    B        0.373       0.373
    """
    ends = _ends(truth, customers)
    rate = truth.set_index("customer_id")["purchase_rate_per_year"].astype("float64").reindex(ends.index)
    left = (ends - pd.Timestamp(day)).dt.days.clip(0, window_days)
    return pd.DataFrame(
        {
            "all_knowing": np.exp(-rate * left / _DAYS_PER_YEAR),
            "rate_alone": np.exp(-rate * window_days / _DAYS_PER_YEAR),
        }
    )


def _ends(truth: pd.DataFrame, customers: pd.Index) -> pd.Series:
    """Days of leaving of the customers whose truth is known, in their order."""
    return pd.to_datetime(truth.set_index("customer_id")["lifetime_end"]).reindex(customers).dropna()


def _share(chosen: np.ndarray) -> float:
    return float(chosen.mean()) if len(chosen) else float("nan")
