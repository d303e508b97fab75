"""Make probabilities mean what they say: predicted 30 %, and 30 in a hundred stay away.

A method learns on earlier days and is corrected on a later one. Decisions about money multiply the probability by what
is at stake, so its level matters and not its order alone.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import StratifiedKFold

from crmlib.analysis.churn.predictors import Predictor
from crmlib.analysis.rounding import rounded
from crmlib.errors import TooLittleData

#: Customers with each outcome that a curve of steps needs; with fewer, a logistic curve is taken.
MANY = 1000
_FOLDS = 5
_SUREST = 1e-6  # no customer is surer than this to stay or to go: one surprise would cost an endless log loss
_EDGE = 35.0  # log odds beyond which nothing changes in double precision


@dataclass(frozen=True)
class LogisticCurve:
    """Corrects log odds by a straight line.

    Attributes
    ----------
    intercept, slope : float
        Corrected log odds = intercept + slope x log odds.
    """

    intercept: float
    slope: float

    kind = "logistic"

    def probabilities(self, log_odds: np.ndarray) -> np.ndarray:
        """Turn log odds into probabilities."""
        return expit(self.intercept + self.slope * np.clip(log_odds, -_EDGE, _EDGE))


@dataclass(frozen=True)
class RisingCurve:
    """Corrects log odds by a rising curve of straight pieces.

    Attributes
    ----------
    log_odds, share : ndarray of shape (n_points,)
        Mean log odds of each step of an isotonic regression, and the share that stayed away.
    """

    log_odds: np.ndarray
    share: np.ndarray

    kind = "isotonic"

    def probabilities(self, log_odds: np.ndarray) -> np.ndarray:
        """Turn log odds into probabilities."""
        return np.interp(log_odds, self.log_odds, self.share)


Curve = LogisticCurve | RisingCurve


def logistic_curve(log_odds: np.ndarray, churned: np.ndarray) -> LogisticCurve:
    """Fit the curve of Platt.

    Parameters
    ----------
    log_odds : ndarray of shape (n_customers,)
        Of a method that has not seen these outcomes.
    churned : ndarray of bool, shape (n_customers,)

    Returns
    -------
    LogisticCurve
        With a slope of 1 where all log odds are equal.

    Notes
    -----
    Platt (2000), in Advances in Large Margin Classifiers, pages 61-74: outcomes count as (k + 1) / (k + 2) and
    1 / (m + 2) for k customers who left and m who stayed, so that no curve gets infinitely steep.

    Examples
    --------
    >>> odds = np.array([-1.0] * 50 + [1.0] * 50)
    >>> curve = logistic_curve(odds, np.arange(100) % 50 < np.where(odds > 0, 40, 10))
    >>> curve.probabilities(np.array([-1.0, 1.0])).round(2).tolist()
    [0.21, 0.79]
    """
    left = int(np.sum(churned))
    stayed = len(churned) - left
    target = np.where(churned, (left + 1) / (left + 2), 1 / (stayed + 2))
    intercept, slope = recalibration(log_odds, target)
    return LogisticCurve(intercept, slope)


def recalibration(log_odds: np.ndarray, outcome: np.ndarray) -> tuple[float, float]:
    """Fit logit(chance) = intercept + slope x log odds.

    Parameters
    ----------
    log_odds : ndarray of shape (n_customers,)
    outcome : ndarray of shape (n_customers,)
        0 or 1, or shares between.

    Returns
    -------
    intercept, slope : float
        A slope of 1, and the intercept that goes with it, where all log odds are equal; NaN where no finite
        line fits best.

    Notes
    -----
    Cox (1958), Biometrika 45:562-565; by Newton's method, with steps halved until the likelihood rises.
    """
    x = np.clip(np.asarray(log_odds, dtype="float64"), -_EDGE, _EDGE)
    outcome = np.asarray(outcome, dtype="float64")
    centre, spread = x.mean(), x.std()
    if spread <= 1e-9 * max(1.0, abs(centre)):
        mean = outcome.mean()
        return (float(logit(mean) - centre), 1.0) if 0 < mean < 1 else (float("nan"), float("nan"))
    terms = np.column_stack([np.ones_like(x), (x - centre) / spread])

    def likelihood(line: np.ndarray) -> float:
        value = terms @ line
        return float(outcome @ value - np.logaddexp(0, value).sum())

    line = np.zeros(2)
    best = likelihood(line)
    for _ in range(100):
        chance = expit(terms @ line)
        information = (terms * (chance * (1 - chance))[:, None]).T @ terms
        if np.linalg.det(information) < 1e-9:
            return float("nan"), float("nan")
        step = np.linalg.solve(information, terms.T @ (outcome - chance))
        while likelihood(line + step) < best - 1e-12 * abs(best) and np.abs(step).max() > 1e-12:
            step = step / 2
        line = line + step
        best = likelihood(line)
        if np.abs(step).max() < 1e-10:
            break
    slope = line[1] / spread
    return float(line[0] - slope * centre), float(slope)


def rising_curve(log_odds: np.ndarray, churned: np.ndarray) -> RisingCurve:
    """Fit a curve that only rises, and bends where the data do.

    Returns
    -------
    RisingCurve
        Level beyond its ends; no share is nearer to 0 or 1 than 1 / (n + 2).

    Notes
    -----
    Isotonic regression (Zadrozny & Elkan 2002, KDD, pages 694-699), its steps drawn together to their centres and
    joined by straight lines (Oron & Flournoy 2017, Statistics in Biopharmaceutical Research 9:258-267), so that
    customers keep their order within a step.

    Examples
    --------
    >>> curve = rising_curve(np.array([-2.0, -1, 0, 1, 2]), np.array([0, 1, 0, 1, 1], dtype=bool))
    >>> curve.log_odds.tolist(), curve.share.round(3).tolist()
    ([-2.0, -0.5, 1.5], [0.143, 0.5, 0.857])
    """
    steps = IsotonicRegression(out_of_bounds="clip").fit_transform(log_odds, np.asarray(churned, float))
    found = pd.DataFrame({"step": np.round(steps, 12), "log_odds": log_odds}).groupby("step").mean()
    edge = 1 / (len(log_odds) + 2)
    return RisingCurve(found["log_odds"].to_numpy(), np.clip(found.index.to_numpy("float64"), edge, 1 - edge))


def fit_curve(log_odds: np.ndarray, churned: np.ndarray, seed: int = 0) -> Curve:
    """Fit the curve that corrects a method: logistic, unless the data show that it bends otherwise.

    Parameters
    ----------
    log_odds : ndarray of shape (n_customers,)
        Of a method that has not seen these outcomes.
    churned : ndarray of bool, shape (n_customers,)
    seed : int
        Deals customers to folds.

    Returns
    -------
    LogisticCurve or RisingCurve

    Raises
    ------
    TooLittleData
        If all stayed away, or none.

    Notes
    -----
    Definition of this project. A rising curve is taken where at least `MANY` customers have each outcome
    (Niculescu-Mizil & Caruana 2005, ICML, pages 625-632, find that it overfits below about 1,000) and its log loss on
    five folds is lower than that of the logistic one by more than two standard errors.
    """
    churned = np.asarray(churned, dtype=bool)
    fewest = int(min(churned.sum(), (~churned).sum()))
    if not fewest:
        raise TooLittleData(
            f"{int(churned.sum()):,} of {len(churned):,} customers stayed away after the day to calibrate on",
            "some who stayed away and some who came back",
            "take a shorter or a longer outcome window",
        )
    if fewest < MANY or np.ptp(log_odds) < 1e-9:
        return logistic_curve(log_odds, churned)
    gain = np.zeros(len(churned))
    for learn, check in StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(log_odds, churned):
        one, other = (fit(log_odds[learn], churned[learn]) for fit in (logistic_curve, rising_curve))
        loss = [_log_loss(curve.probabilities(log_odds[check]), churned[check]) for curve in (one, other)]
        gain[check] = loss[0] - loss[1]
    if gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain)):
        return rising_curve(log_odds, churned)
    return logistic_curve(log_odds, churned)


class CalibratedPredictor(ClassifierMixin, BaseEstimator):
    """A fitted method and the curve that corrects it.

    Parameters
    ----------
    predictor : Predictor
    curve : LogisticCurve or RisingCurve

    Notes
    -----
    Behaves as a fitted classifier of scikit-learn, so that its tools of inspection take it.

    Examples
    --------
    >>> rate = CalibratedPredictor(Predictor("base_rate", None, 0.5), LogisticCurve(-1.0, 1.0))
    >>> rate.predict_churn(pd.DataFrame(index=pd.Index(["A", "B"], name="customer_id"))).tolist()
    [0.268941, 0.268941]
    """

    def __init__(self, predictor: Predictor, curve: Curve):
        self.predictor = predictor
        self.curve = curve

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.predictor.method

    @property
    def classes_(self) -> np.ndarray:
        """The outcomes: came back, stayed away."""
        return np.array([False, True])

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, features: object = None, churned: object = None) -> "CalibratedPredictor":
        """Leave everything as it is: both parts are fitted already."""
        return self

    def predict_churn(self, features: pd.DataFrame) -> pd.Series:
        """Probability of staying away, 6 significant digits, with the index of `features`.

        Never nearer to 0 or 1 than a millionth.
        """
        found = self.curve.probabilities(self.predictor.log_odds(features))
        found = np.clip(rounded(found), _SUREST, 1 - _SUREST)
        return pd.Series(found, index=features.index, name="churn")

    def predict_proba(self, features: pd.DataFrame) -> np.ndarray:
        """Probabilities of coming back and of staying away, shape (n_rows, 2)."""
        found = self.curve.probabilities(self.predictor.log_odds(features))
        return np.column_stack([1 - found, found])

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Whether staying away is the likelier outcome."""
        return self.predict_proba(features)[:, 1] > 0.5


def _log_loss(chance: np.ndarray, churned: np.ndarray) -> np.ndarray:
    return -np.log(np.where(churned, chance, 1 - chance))
