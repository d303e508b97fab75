"""The method to offer products by: chosen on one stretch of time, tried on the next, and its chances made true."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy.special import expit, xlogy
from scipy.stats import chi2
from sklearn.linear_model import LogisticRegression

from crmlib.analysis.intervals import wilson_interval
from crmlib.analysis.next_product.comparison import Comparison, compare_methods
from crmlib.analysis.next_product.histories import Histories
from crmlib.analysis.next_product.methods import NOT_YET, POPULAR
from crmlib.analysis.rounding import rounded

_LONGEST_TEST = 182
_PARTS = 6  # parts of the time known of which each test takes one
_FEWEST_HITS = 20
_BEYOND_CHANCE = float(chi2.ppf(0.95, 1))


@dataclass(frozen=True)
class Chances:
    """From the score of an offer to the chance that the next order holds it: logistic in the logarithm of the score.

    Attributes
    ----------
    level, slope : float
        The slope is 0 where fewer than 20 offers hit, or scores tell hits from others no better than chance does.
    low, high : float
        Scores outside count as these.
    """

    level: float
    slope: float
    low: float
    high: float

    @classmethod
    def fitted(cls, score: np.ndarray, hit: np.ndarray) -> "Chances":
        """Fit to scores of offers and whether the next order held them (Platt 1999, on the logarithm)."""
        low, high = np.quantile(score, [0.01, 0.99])
        low = max(float(low), 1e-12)
        high = max(float(high), low)
        hits = float(hit.sum())
        share = (hits + 0.5) / (len(hit) + 1)
        constant = cls(float(rounded(np.log(share / (1 - share)))), 0.0, low, high)
        x = np.log(np.clip(score, low, high))
        if min(hits, len(hit) - hits) < _FEWEST_HITS or x.std() < 1e-9:
            return constant
        mean, spread = x.mean(), x.std()
        model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
        model.fit(((x - mean) / spread)[:, None], hit > 0)
        slope = float(model.coef_[0, 0]) / spread
        fit = model.predict_proba(((x - mean) / spread)[:, None])[:, 1]
        gain = 2 * (_likelihood(fit, hit) - _likelihood(np.full(len(hit), hit.mean()), hit))
        # A higher score never means a lower chance, and one that only seems to tell hits apart tells nothing.
        if slope <= 0 or gain < _BEYOND_CHANCE:
            return constant
        return cls(float(rounded(model.intercept_[0] - slope * mean)), float(rounded(slope)), low, high)

    def of(self, score: np.ndarray) -> np.ndarray:
        """Return the chance of each score."""
        return expit(self.level + self.slope * np.log(np.clip(score, self.low, self.high)))


@dataclass(frozen=True)
class NextProduct:
    """The method to offer products by, and how well it does.

    Attributes
    ----------
    method : str
        The simplest that could not be told from the best on the earlier stretch.
    chosen_on, tested_on : Comparison
        All methods on the earlier stretch, where the choice was made, and on the last, which played no part in it.
    reliability : DataFrame
        Customers of the last stretch in three parts by the chance foretold from the earlier one, and all of them:
        ``customers``, ``foretold``, ``observed`` (share whose next order held the first offer), ``low``, ``high``.
    chances : Chances
        Fitted on the last stretch, for offers from now on.
    new_only : bool
    """

    method: str
    chosen_on: Comparison
    tested_on: Comparison
    reliability: pd.DataFrame
    chances: Chances
    new_only: bool

    @property
    def beats_popular(self) -> bool:
        """Whether something better than what sells most was found."""
        return self.method not in (POPULAR, NOT_YET)


def choose_next_product(
    histories: Histories,
    as_of: date,
    new_only: bool = True,
    top: int = 5,
    test_days: int | None = None,
    level: float = 0.95,
    draws: int = 500,
    seed: int = 1,
) -> NextProduct:
    """Choose the method to offer products by.

    Parameters
    ----------
    histories : Histories
    as_of : datetime.date
        Last known day.
    new_only : bool
        Whether to offer only what a customer has not bought before.
    top : int
        Items offered to each customer in the trials, at most a fifth of all.
    test_days : int, optional
        Length of each of the two stretches; a sixth of the time known, at most 182 days, by default.
    level, draws, seed
        As for `comparison.compare_methods`.

    Returns
    -------
    NextProduct

    Raises
    ------
    TooLittleData
        If fewer than 100 customers have a next order in one of the stretches.

    Notes
    -----
    Definition of this project. The rule was written down before it was used: of all methods, the simplest whose hit
    rate is not below that of the best beyond chance, on the stretch before the last. The last stretch says what it is
    worth. A hit is a purchase that came without an offer; what an offer adds, only a test can say.
    """
    last = (as_of - date(1970, 1, 1)).days
    first = int(histories.day.min(initial=last))
    length = test_days or max(1, min(_LONGEST_TEST, (last - first + 1) // _PARTS))
    top = max(1, min(top, len(histories.items) // 5))
    options = {"new_only": new_only, "top": top, "level": level, "draws": draws, "seed": seed}
    chosen_on = compare_methods(histories, last - 2 * length, last - length, **options)
    tested_on = compare_methods(histories, last - length, last, **options)
    method = chosen_on.simplest
    earlier = Chances.fitted(*_offered(chosen_on, method))
    score, hit = _offered(tested_on, method)
    return NextProduct(
        method=method,
        chosen_on=chosen_on,
        tested_on=tested_on,
        reliability=_reliability(earlier.of(score), hit, level),
        chances=Chances.fitted(score, hit),
        new_only=new_only,
    )


def _likelihood(chance: np.ndarray, hit: np.ndarray) -> float:
    return float((xlogy(hit, chance) + xlogy(1 - hit, 1 - chance)).sum())


def _offered(found: Comparison, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Scores and hits of customers to whom something is left to offer."""
    score, hit = found.first_score[method], found.first_hit[method]
    return score[np.isfinite(score)], hit[np.isfinite(score)]


def _reliability(foretold: np.ndarray, hit: np.ndarray, level: float) -> pd.DataFrame:
    thirds = np.searchsorted(np.quantile(foretold, [1 / 3, 2 / 3]), foretold, side="left")
    names = ["lowest third", "middle third", "highest third"]
    parts = [(name, thirds == number) for number, name in enumerate(names)]
    parts = [part for part in parts if part[1].any()] if len(np.unique(thirds)) > 1 else []
    rows = {}
    for name, inside in [*parts, ("all", np.ones(len(hit), bool))]:
        size, hits = int(inside.sum()), int(hit[inside].sum())
        low, high = wilson_interval(hits, size, level)
        rows[name] = (size, foretold[inside].mean(), hits / size, low, high)
    columns = ["customers", "foretold", "observed", "low", "high"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("part")
