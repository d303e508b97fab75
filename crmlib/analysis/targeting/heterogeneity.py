"""Whether a contact does more for some customers than for others, in a way that can be foreseen.

Predictions of uplift are judged by groups of them on rows that the learner has not seen: what the test shows in each
group does not depend on whether the learner is right.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.targeting.covariates import covariate_matrix, tiers
from crmlib.analysis.targeting.differences import Differences, WaldTest, by_group
from crmlib.analysis.targeting.trial import Trial
from crmlib.errors import DataError


@dataclass(frozen=True)
class SortedGroups:
    """Observed effects of customers grouped by predicted uplift.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``group``, 1 for the lowest predictions: ``predicted`` (mean), ``treated``, ``control`` (rows),
        ``mean_treated``, ``mean_control``, ``effect`` (observed), ``low``, ``high``.
    top_less_bottom, top_low, top_high : float
        Effect in the highest group less that in the lowest, with its interval; NaN where one is too small.
    equal : WaldTest
        Whether all groups can have the same effect.
    slope, slope_low, slope_high : float
        By how much the effect rises as the prediction rises by one: 1 if predictions are right, 0 if they say nothing.
    """

    table: pd.DataFrame
    top_less_bottom: float
    top_low: float
    top_high: float
    equal: WaldTest
    slope: float
    slope_low: float
    slope_high: float

    @property
    def foreseen(self) -> bool:
        """Whether differences between customers were foreseen beyond chance."""
        return bool(self.slope_low > 0)


def sorted_groups(
    uplift: pd.Series,
    trial: Trial,
    outcome: str,
    groups: int = 5,
    net: bool = False,
    adjust: bool = True,
    level: float = 0.95,
) -> SortedGroups:
    """Compare predicted with observed effects, in groups from the lowest to the highest prediction.

    Parameters
    ----------
    uplift : Series of float
        Predictions for rows that the learner has not seen, indexed like ``trial.rows``.
    trial : Trial
        With one action; see `Trial.only`.
    outcome : str
    groups : int
        Fifths by default. Equal predictions stay together, so groups may be of unequal size.
    net : bool
        Take the cost of the contact off an outcome in money.
    adjust : bool
        Take the covariates out of the outcome, which narrows the intervals.
    level : float

    Returns
    -------
    SortedGroups

    Raises
    ------
    DataError
        If a prediction is missing.
    TooLittleData
        If an arm has fewer than 30 customers.

    Notes
    -----
    Sorted group average treatment effects and best linear predictor of Chernozhukov, Demirer, Duflo &
    Fernández-Val (2018, NBER working paper 24678; Econometrica 93:1121-1164, 2025), with variances by customer. The
    intervals take the predictions as given.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> score, treated = rng.uniform(0, 1, 4000), rng.random(4000) < 0.5
    >>> frame = pd.DataFrame({"treated": treated, "orders": score * treated + rng.normal(0, 0.3, 4000)})
    >>> trial = Trial.of(frame, ["orders"])
    >>> found = sorted_groups(pd.Series(score, trial.rows.index), trial, "orders", groups=2)
    >>> found.table["effect"].round(1).tolist(), found.foreseen, round(found.slope)
    ([0.2, 0.7], True, 1)
    """
    trial, predicted, values, extra = _prepared(uplift, trial, outcome, net, adjust)
    number = tiers(predicted, groups)
    labels = [int(label) for label in np.unique(number)]
    found, table = _observed(trial, values, {label: number == label for label in labels}, extra, level)
    means = pd.Series(predicted).groupby(number).mean()
    table = table.rename_axis("group")
    table.insert(0, "predicted", means.reindex(labels).to_numpy())
    top, low, high = found.contrast({labels[-1]: 1.0, labels[0]: -1.0}) if len(labels) > 1 else (np.nan,) * 3
    slope, error = _slope(trial, values, predicted, extra)
    half = norm.ppf((1 + level) / 2) * error
    return SortedGroups(table, top, low, high, found.equal(), slope, slope - half, slope + half)


@dataclass(frozen=True)
class Kinds:
    """Customers by what a contact is predicted to do to them, and what it did.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``kind`` ("persuadable", "sleeping dog"): ``predicted`` (mean), ``treated``, ``control`` (rows),
        ``mean_treated``, ``mean_control``, ``effect``, ``low``, ``high``, ``share`` (of the rows),
        ``distinguishable`` (the interval lies on the side of 0 that the name says).
    apart, apart_low, apart_high : float
        Effect on the first less that on the second; NaN where a kind is missing or too small.
    """

    table: pd.DataFrame
    apart: float
    apart_low: float
    apart_high: float

    @property
    def any_harmed(self) -> bool:
        """Whether there are customers whom a contact harms beyond chance."""
        return bool(self.table["distinguishable"].get("sleeping dog", False))


def persuadables(
    uplift: pd.Series,
    trial: Trial,
    outcome: str,
    net: bool = False,
    adjust: bool = True,
    level: float = 0.95,
    good: bool = True,
) -> Kinds:
    """Divide customers by the sign of their predicted uplift and measure the effect on both.

    Parameters
    ----------
    uplift, trial, outcome, net, adjust, level
        As for `sorted_groups`.
    good : bool
        Whether more of the outcome is better; False for an outcome such as ``silent``.

    Returns
    -------
    Kinds
        Whoever is predicted to react neither way (exactly 0) counts as a sleeping dog: there is nothing to gain.

    Raises
    ------
    DataError
        If a prediction is missing.
    TooLittleData
        If an arm has fewer than 30 customers.

    Notes
    -----
    The names are Radcliffe & Surry's (2011, Stochastic Solutions white paper). A sign of a prediction is no proof; the
    observed effect with its interval is.
    """
    trial, predicted, values, extra = _prepared(uplift, trial, outcome, net, adjust)
    gains = predicted > 0 if good else predicted < 0
    inside = {"persuadable": gains, "sleeping dog": ~gains}
    there = {name: rows for name, rows in inside.items() if rows.any()}
    found, table = _observed(trial, values, there, extra, level)
    table = table.rename_axis("kind")
    table.insert(0, "predicted", [float(predicted[inside[name]].mean()) for name in table.index])
    table["share"] = [float(inside[name].mean()) for name in table.index]
    above, below = table["low"] > 0, table["high"] < 0
    up = table.index == ("persuadable" if good else "sleeping dog")
    table["distinguishable"] = np.where(up, above, below)
    names = {"persuadable": 1.0, "sleeping dog": -1.0}
    apart = found.contrast(names) if len(table) == 2 else (float("nan"),) * 3
    return Kinds(table, *apart)


def _prepared(
    uplift: pd.Series, trial: Trial, outcome: str, net: bool, adjust: bool
) -> tuple[Trial, np.ndarray, np.ndarray, np.ndarray | None]:
    trial = trial.single_action().known(outcome)
    trial.refuse_if_thin("effects by group")
    predicted = uplift.reindex(trial.rows.index).to_numpy("float64")
    if np.isnan(predicted).any():
        raise DataError(
            f"{int(np.isnan(predicted).sum())} of {len(predicted)} rows without a prediction",
            "a prediction for each row of the test",
            "predict all of them with crmlib.analysis.targeting.uplift.cross_fitted",
        )
    values = trial.net(outcome) if net else trial.rows[outcome].to_numpy("float64")
    extra = covariate_matrix(trial.rows[list(trial.covariates)]).to_numpy() if adjust else None
    return trial, predicted, values, None if extra is None or extra.shape[1] == 0 else extra


def _observed(
    trial: Trial, values: np.ndarray, groups: dict, extra: np.ndarray | None, level: float
) -> tuple[Differences, pd.DataFrame]:
    """Estimate the effect in each group; means of the arms are those of the outcome as it is."""
    plain = by_group(trial, values, groups, None, level)
    found = plain if extra is None else by_group(trial, _taken_out(trial, values, extra), groups, None, level)
    table = found.table.rename(columns={"difference": "effect"}).drop(columns="error")
    means = ["mean_treated", "mean_control"]
    table[means] = plain.table[means]
    return found, table


def _taken_out(trial: Trial, values: np.ndarray, extra: np.ndarray) -> np.ndarray:
    """Take the covariates out of an outcome, for both arms and all groups alike, so that small groups fit nothing."""
    cells = trial.cells()
    arms = (2 * cells + trial.treated)[:, None] == np.arange(2 * cells.max() + 2)
    spread = extra.std(axis=0)
    scaled = (extra - extra.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    design = np.column_stack([scaled, arms.astype("float64")])
    slopes = np.linalg.lstsq(design, values)[0][: extra.shape[1]]
    return values - scaled @ slopes


def _slope(
    trial: Trial, values: np.ndarray, predicted: np.ndarray, extra: np.ndarray | None
) -> tuple[float, float]:
    """Return the slope of the effect on the prediction, and its standard error."""
    spread = predicted.std()
    if spread == 0:
        return float("nan"), float("nan")
    treated, share, cells = trial.treated.astype("float64"), trial.share(), trial.cells()
    weight = 1 / (share * (1 - share))
    moved = (predicted - np.average(predicted, weights=weight)) / spread
    campaigns = (cells[:, None] == np.arange(cells.max() + 1)).astype("float64")
    known = [moved[:, None], campaigns]
    if extra is not None:
        scale = extra.std(axis=0)
        known.append((extra - extra.mean(axis=0)) / np.where(scale > 0, scale, 1.0))
    lot = treated - share
    design = np.column_stack([lot * moved, lot, *known])
    root = np.sqrt(weight)
    inverse = np.linalg.pinv((design * weight[:, None]).T @ design)
    coefficients = np.linalg.lstsq(design * root[:, None], values * root)[0]
    left = (values - design @ coefficients) * weight
    moves = (design @ inverse[0]) * left
    by_customer = np.bincount(trial.clusters(), moves)
    return float(coefficients[0] / spread), float(np.sqrt(by_customer @ by_customer) / spread)
