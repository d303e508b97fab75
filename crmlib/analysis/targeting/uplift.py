"""Who responds to a contact: learners of uplift, and predictions for customers that a learner has not seen.

Uplift is what a contact changes for a customer: the outcome with it less the outcome without it. Nobody is ever seen
both ways, so no prediction can be checked one by one; `crmlib.analysis.targeting.qini` and
`crmlib.analysis.targeting.heterogeneity` check groups of them on rows held out.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.utils.validation import check_is_fitted

from crmlib.analysis.targeting.covariate_terms import CovariateTerms
from crmlib.analysis.targeting.trial import Trial
from crmlib.errors import TooLittleData

#: A learner refuses with fewer customers in an arm, or fewer customers with and without an event.
FEWEST_TO_LEARN = 100
FEWEST_EVENTS = 10
_BASES = ("boosting", "linear")


class UpliftLearner(BaseEstimator):
    """What the learners share: covariates of any kind, base models, refusals.

    Parameters
    ----------
    base : {'boosting', 'linear'}
        Base models: histogram gradient boosting with small trees, or ridge and logistic regression.
    seed : int

    Attributes
    ----------
    binary_ : bool
        Whether the outcome is 0 or 1 throughout.
    share_ : float
        Share of the treated in training.
    """

    def __init__(self, base: str = "linear", seed: int = 0):
        self.base = base
        self.seed = seed

    def fit(self, features: pd.DataFrame, treated: np.ndarray, outcome: np.ndarray) -> "UpliftLearner":
        """Learn from a randomised test.

        Parameters
        ----------
        features : DataFrame of shape (n_rows, n_features)
            Known before the contact: numbers (missing values allowed), booleans, text or ``category``.
        treated : ndarray of bool, shape (n_rows,)
        outcome : ndarray of shape (n_rows,)

        Returns
        -------
        UpliftLearner
            Itself.

        Raises
        ------
        TooLittleData
            If an arm has fewer than 100 rows, or an outcome of 0 or 1 fewer than 10 of either in an arm.
        """
        if self.base not in _BASES:
            raise ValueError(f"base = {self.base!r}: base models are {' or '.join(_BASES)}.")
        treated, outcome = np.asarray(treated, dtype=bool), np.asarray(outcome, dtype="float64")
        self.binary_ = bool(np.isin(outcome, (0.0, 1.0)).all())
        _refuse_thin(treated, outcome, self.binary_)
        self.terms_ = CovariateTerms(linear=self.base == "linear").fit(features)
        self.share_ = float(treated.mean())
        self._learn(self.terms_.transform(features), treated, outcome)
        return self

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Return the uplift expected of each row, in units of the outcome."""
        check_is_fitted(self, "share_")
        return self._uplift(self.terms_.transform(features))

    def _learn(self, terms: np.ndarray, treated: np.ndarray, outcome: np.ndarray) -> None:
        raise NotImplementedError

    def _uplift(self, terms: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _response(self, terms: np.ndarray, outcome: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Learn the outcome of one arm; a chance where it is 0 or 1."""
        if not self.binary_ or np.ptp(outcome) == 0:
            return self._mean(terms, outcome)
        model = self._model(classify=True).fit(terms, outcome)
        return lambda new: model.predict_proba(new)[:, 1]

    def _mean(self, terms: np.ndarray, outcome: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        if np.ptp(outcome) == 0 or not terms.shape[1]:
            mean = float(outcome.mean())
            return lambda new: np.full(len(new), mean)
        return self._model(classify=False).fit(terms, outcome).predict

    def _model(self, classify: bool) -> BaseEstimator:
        if self.base == "boosting":
            kind = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
            return kind(
                learning_rate=0.05,
                max_iter=60,
                max_leaf_nodes=6,
                min_samples_leaf=50,
                l2_regularization=10.0,
                early_stopping=False,
                categorical_features=self.terms_.named_ or None,
                random_state=self.seed,
            )
        if classify:
            return LogisticRegression(C=0.1, max_iter=1000, solver="newton-cholesky")
        return RidgeCV(np.logspace(0, 5, 16))


class TLearner(UpliftLearner):
    """Two models, one per arm; uplift is the difference of their predictions.

    Notes
    -----
    Künzel, Sekhon, Bickel & Yu (2019), PNAS 116:4156-4165, equations 1 and 2. Simple, and good where the arms
    differ much; each model puts its effort into the outcome, not into the difference.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> features = pd.DataFrame({"recency_days": rng.uniform(0, 100, 4000)})
    >>> treated = rng.random(4000) < 0.5
    >>> outcome = 2.0 * treated * (features["recency_days"] > 50) + rng.normal(0, 0.5, 4000)
    >>> learner = TLearner("boosting").fit(features, treated, outcome)
    >>> learner.predict(pd.DataFrame({"recency_days": [10.0, 90.0]})).round(1).tolist()
    [0.0, 2.0]
    """

    def _learn(self, terms: np.ndarray, treated: np.ndarray, outcome: np.ndarray) -> None:
        self.contacted_ = self._response(terms[treated], outcome[treated])
        self.held_out_ = self._response(terms[~treated], outcome[~treated])

    def _uplift(self, terms: np.ndarray) -> np.ndarray:
        return self.contacted_(terms) - self.held_out_(terms)

    def alone(self, features: pd.DataFrame) -> np.ndarray:
        """Return the outcome expected of each row without a contact."""
        check_is_fitted(self, "share_")
        return self.held_out_(self.terms_.transform(features))


class AloneLearner(UpliftLearner):
    """The outcome without a contact, learned from those held out; `predict` returns it, and no uplift.

    What a `TLearner` says with `TLearner.alone`, without the model of the other arm.
    """

    def _learn(self, terms: np.ndarray, treated: np.ndarray, outcome: np.ndarray) -> None:
        self.held_out_ = self._response(terms[~treated], outcome[~treated])

    def _uplift(self, terms: np.ndarray) -> np.ndarray:
        return self.held_out_(terms)


class XLearner(UpliftLearner):
    """Models of the effects that the other arm's model implies, averaged by the chance of a contact.

    Notes
    -----
    Künzel, Sekhon, Bickel & Yu (2019), PNAS 116:4156-4165, equations 7 to 9: the model of an arm
    imputes what each customer of the other would have done; the imputed effects are learned in each arm and
    weighted by the share contacted. Good where one arm is much smaller.
    """

    def _learn(self, terms: np.ndarray, treated: np.ndarray, outcome: np.ndarray) -> None:
        contacted = self._response(terms[treated], outcome[treated])
        held_out = self._response(terms[~treated], outcome[~treated])
        self.from_contacted_ = self._mean(terms[treated], outcome[treated] - held_out(terms[treated]))
        self.from_held_out_ = self._mean(terms[~treated], contacted(terms[~treated]) - outcome[~treated])

    def _uplift(self, terms: np.ndarray) -> np.ndarray:
        return self.share_ * self.from_held_out_(terms) + (1 - self.share_) * self.from_contacted_(terms)


class DRLearner(UpliftLearner):
    """One model of a pseudo-outcome whose mean is the uplift even where the models of the arms are wrong.

    Notes
    -----
    Kennedy (2023), Electronic Journal of Statistics 17:3008-3049, algorithm 1, with the known chance of a contact; the
    models of the arms predict rows they were not fitted on (three folds).
    """

    def _learn(self, terms: np.ndarray, treated: np.ndarray, outcome: np.ndarray) -> None:
        fold = np.random.default_rng(self.seed).permutation(len(outcome)) % 3
        expected = np.zeros((len(outcome), 2))
        for number in range(3):
            out, into = fold == number, fold != number
            for arm in (False, True):
                rows = into & (treated == arm)
                expected[out, int(arm)] = self._response(terms[rows], outcome[rows])(terms[out])
        own = np.where(treated, expected[:, 1], expected[:, 0])
        weight = np.where(treated, 1 / self.share_, -1 / (1 - self.share_))
        self.effect_ = self._mean(terms, expected[:, 1] - expected[:, 0] + weight * (outcome - own))

    def _uplift(self, terms: np.ndarray) -> np.ndarray:
        return self.effect_(terms)


def cross_fitted(
    learner: UpliftLearner, trial: Trial, outcome: str, folds: int = 5, seed: int = 0, net: bool = False
) -> pd.Series:
    """Predict the uplift of each row by a learner that has not seen the customer.

    Parameters
    ----------
    learner : UpliftLearner
        Not changed; a copy is fitted per fold.
    trial : Trial
        With one action; see `Trial.only`.
    outcome : str
        Rows whose outcome is not known are predicted, and not learned from.
    folds : int
        All rows of a customer fall into the same fold.
    seed : int
    net : bool
        Take the cost of the contact off an outcome in money.

    Returns
    -------
    Series of float
        Indexed like ``trial.rows``; the folds on one level, which is the average of all.

    Raises
    ------
    TooLittleData
        If an arm is too small to learn from.
    """
    trial = trial.single_action()
    fold, features = trial.folds(folds, seed), trial.rows[list(trial.covariates)]
    values = trial.net(outcome) if net else trial.rows[outcome].to_numpy("float64")
    found = np.zeros(len(values))
    known = ~np.isnan(values)
    for number in range(folds):
        into, out = (fold != number) & known, fold == number
        fitted = clone(learner).fit(features[into], trial.treated[into], values[into])
        found[out] = fitted.predict(features[out])
    return pd.Series(on_one_level(found, fold), trial.rows.index, name="uplift")


def on_one_level(predicted: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Give the predictions of all folds the same mean.

    Where a fold happens to have a low effect, all others have a high one, and its predictions come out high: left
    so, an order across folds would be worse than by lot, for no reason but the folds.

    Examples
    --------
    >>> on_one_level(np.array([1.0, 3.0, 5.0, 7.0]), np.array([0, 0, 1, 1])).tolist()
    [3.0, 5.0, 3.0, 5.0]
    """
    means = np.bincount(fold, predicted) / np.bincount(fold)
    return predicted - means[fold] + predicted.mean()


def held_out(
    learner: UpliftLearner, earlier: Trial, later: Trial | pd.DataFrame, outcome: str, net: bool = False
) -> pd.Series:
    """Predict the uplift of later campaigns, or of customers of today, by a learner that knows earlier ones only.

    Parameters
    ----------
    learner : UpliftLearner
        Not changed.
    earlier : Trial
        With one action.
    later : Trial or DataFrame
        The other part of `Trial.split`, with one action, or customers with the same covariates.
    outcome : str
    net : bool
        As for `cross_fitted`.

    Returns
    -------
    Series of float
        Indexed like the rows of `later`.

    Raises
    ------
    TooLittleData
        If an arm is too small to learn from.
    """
    earlier = earlier.single_action().known(outcome)
    rows = later.single_action().rows if isinstance(later, Trial) else later
    values = earlier.net(outcome) if net else earlier.rows[outcome].to_numpy("float64")
    names = list(earlier.covariates)
    fitted = clone(learner).fit(earlier.rows[names], earlier.treated, values)
    return pd.Series(fitted.predict(rows[names]), rows.index, name="uplift")


def _refuse_thin(treated: np.ndarray, outcome: np.ndarray, binary: bool) -> None:
    counts = [int(treated.sum()), int((~treated).sum())]
    if min(counts) < FEWEST_TO_LEARN:
        raise TooLittleData(
            f"{counts[0]} rows contacted and {counts[1]} held out to learn from",
            f"at least {FEWEST_TO_LEARN} in each arm",
            "contact by the average effect, and run a larger test",
        )
    if binary:
        events = [int(outcome[treated == arm].sum()) for arm in (True, False)]
        fewest = min(min(e, n - e) for e, n in zip(events, counts, strict=True))
        if fewest < FEWEST_EVENTS:
            raise TooLittleData(
                f"{events[0]} events among the contacted and {events[1]} among those held out",
                f"at least {FEWEST_EVENTS} with and without the event in each arm",
                "choose an outcome that happens more often, or a longer response window",
            )
