"""How good predicted probabilities of staying away were, with intervals.

Customers are drawn anew many times, a customer with all days being one unit, and every method is
scored on the same draws, so that what moves all methods falls out of their differences.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit

from crmlib.analysis.churn.calibration import recalibration
from crmlib.analysis.churn.reliability import brier_parts, equal_bins
from crmlib.analysis.clv.trust.forecast_scores import Ordered
from crmlib.analysis.intervals import percentile_ends
from crmlib.analysis.rounding import rounded
from crmlib.errors import ParameterError, TooLittleData

#: What each score says.
SCORES = {
    "brier": "mean squared distance of probability and outcome; low is good",
    "skill": "part of the Brier score of the one rate of these customers that is saved; 0 for no gain",
    "log_loss": "mean surprise at the outcome, in nats; low is good",
    "auc": "chance that of two customers the one who left had the higher probability",
    "lift": "share that left in the tenth most at risk, over the share in all",
    "slope": "1 if probabilities are spread as they should be, below 1 if too far",
    "intercept": "0 if the level is right, in log odds; above 0 if predictions are too low",
    "reliability": "part of the Brier score from probabilities that do not come true; low is good",
    "resolution": "part of the Brier score saved by telling customers apart; high is good",
    "uncertainty": "Brier score of the one rate of these customers",
    "within_bins": "rest of the Brier score, from customers of one bin who differ",
    "predicted": "mean probability",
    "observed": "share that left",
    "too_high": "mean probability less the share that left",
}
_TENTH = 0.1
_EDGE = 1e-15
_BLOCK = 4_000_000


@dataclass(frozen=True)
class Scores:
    """Scores of methods on the same customers.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``method`` and ``score`` (keys of `SCORES`): ``value``, ``low``, ``high``, 6 significant digits.
    resampled : dict of str to DataFrame of shape (n_resamples, n_methods)
        Score to its values with the customers drawn anew.
    level : float
        Level of the intervals.
    customers, rows : int
        Different customers, and customers on days.
    """

    table: pd.DataFrame
    resampled: dict[str, pd.DataFrame]
    level: float
    customers: int
    rows: int

    @property
    def values(self) -> pd.DataFrame:
        """One row per method, one column per score."""
        return self.table["value"].unstack("score")[list(SCORES)].loc[self.methods]

    @property
    def methods(self) -> list[str]:
        """Methods in the order given."""
        return list(dict.fromkeys(self.table.index.get_level_values("method")))

    def difference(self, score: str, one: str, other: str) -> tuple[float, float, float]:
        """Return a score of one method less that of another, with its interval."""
        drawn = self.resampled[score][one] - self.resampled[score][other]
        low, high = percentile_ends(drawn.to_numpy()[:, None], self.level)
        value = self.table.loc[(one, score), "value"] - self.table.loc[(other, score), "value"]
        return tuple(float(number) for number in rounded(np.array([value, low[0], high[0]])))

    def differences(self, score: str) -> pd.DataFrame:
        """Compare every two methods in one score.

        Returns
        -------
        DataFrame
            Indexed by ``method`` and ``other``: ``difference`` (method less other), ``low``, ``high``, ``by_chance``
            (bool: the interval holds 0).
        """
        pairs = [(one, other) for place, one in enumerate(self.methods) for other in self.methods[:place]]
        index = pd.MultiIndex.from_tuples(pairs, names=["method", "other"]) if pairs else None
        rows = [self.difference(score, *pair) for pair in pairs]
        found = pd.DataFrame(rows, index=index, columns=["difference", "low", "high"], dtype="float64")
        return found.assign(by_chance=(found["low"] <= 0) & (found["high"] >= 0))


def score_methods(
    chances: pd.DataFrame,
    churned: pd.Series,
    *,
    n_resamples: int = 500,
    level: float = 0.95,
    bins: int = 10,
    seed: int = 0,
) -> Scores:
    """Score probabilities against what came.

    Parameters
    ----------
    chances : DataFrame of shape (n_rows, n_methods)
        Probabilities of staying away; the last level of the index is ``customer_id``.
    churned : Series of bool
        Same index.
    n_resamples : int
        Draws of customers for the intervals, 20 or more.
    level : float
        Level of the intervals.
    bins : int
        Groups of the parts of the Brier score; see `crmlib.analysis.churn.reliability.equal_bins`.
    seed : int

    Returns
    -------
    Scores

    Raises
    ------
    ParameterError
        If an option is out of range.
    TooLittleData
        If all stayed away, or none.

    Notes
    -----
    Brier (1950), Monthly Weather Review 78:1-3. Skill is 1 - brier / uncertainty, against the rate of the very
    customers that are scored, which nobody knows before. Calibration after Van Calster et al. (2019), BMC Medicine
    17:230: the slope of a logistic regression of the outcome on the log odds, and the intercept with that slope held
    at 1. Lift of the top tenth after Neslin et al. (2006), Journal of Marketing Research 43:204-211, equal
    probabilities sharing what they hold. Intervals are percentiles of a bootstrap of customers (Field & Welsh 2007,
    Journal of the Royal Statistical Society B 69:369-390); in it, slope and intercept take one step of Newton's method
    from the estimate (Moulton & Zeger 1991, Computational Statistics & Data Analysis 11:53-63).

    Examples
    --------
    >>> people = pd.Index([f"C{i}" for i in range(8)], name="customer_id")
    >>> chances = pd.DataFrame({"rule": [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]}, index=people)
    >>> churned = pd.Series([False, False, True, False, True, True, False, True], index=people)
    >>> found = score_methods(chances, churned)
    >>> found.values.loc["rule", ["brier", "skill", "auc", "lift"]].tolist()
    [0.2, 0.2, 0.75, 2.0]
    """
    if n_resamples < 20 or not 0 < level < 1:
        raise ParameterError(
            f"n_resamples = {n_resamples}, level = {level}",
            "20 or more draws, and a level between 0 and 1",
            "correct them",
        )
    outcome = churned.to_numpy("float64")
    if outcome.size == 0 or outcome.min() == outcome.max():
        raise TooLittleData(
            f"{int(outcome.sum()):,} of {len(outcome):,} customers stayed away after the days to test on",
            "some who stayed away and some who came back",
            "take a shorter or a longer outcome window",
        )
    codes, names = pd.factorize(np.asarray(chances.index.get_level_values(-1)), sort=True)
    methods = {name: _Method.of(chances[name].to_numpy("float64"), outcome, bins) for name in chances}
    point = {name: one.measured(np.ones((1, len(outcome)))) for name, one in methods.items()}
    drawn: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in methods}
    for weight in _draws(codes, len(names), n_resamples, seed):
        for name, one in methods.items():
            drawn[name].append(one.measured(weight))
    resampled = {
        score: pd.DataFrame(
            {name: np.concatenate([part[score] for part in parts]) for name, parts in drawn.items()}
        )
        for score in SCORES
    }
    rows = {}
    for score, frame in resampled.items():
        low, high = percentile_ends(frame.to_numpy(), level)
        for place, name in enumerate(methods):
            rows[name, score] = rounded(np.array([point[name][score][0], low[place], high[place]]))
    order = [(name, score) for name in methods for score in SCORES]
    table = pd.DataFrame(
        [rows[key] for key in order],
        index=pd.MultiIndex.from_tuples(order, names=["method", "score"]),
        columns=["value", "low", "high"],
    )
    return Scores(table, resampled, level, len(names), len(outcome))


def _draws(codes: np.ndarray, customers: int, n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Weights of rows for customers drawn anew, block by block, shape (n_draws, n_rows)."""
    rng = np.random.default_rng([seed, customers])
    step = max(1, min(n_resamples, _BLOCK // max(len(codes), customers)))
    for start in range(0, n_resamples, step):
        count = min(step, n_resamples - start)
        times = [
            np.bincount(rng.integers(0, customers, customers), minlength=customers) for _ in range(count)
        ]
        yield np.stack(times)[:, codes].astype("float64")


@dataclass(frozen=True)
class _Method:
    """Probabilities of one method laid out for draws: all but the order is a sum over customers."""

    ordered: Ordered
    left: np.ndarray
    columns: np.ndarray
    bins: int
    line: tuple[float, float, float]

    @classmethod
    def of(cls, chance: np.ndarray, churned: np.ndarray, bins: int) -> "_Method":
        sure = np.clip(chance, _EDGE, 1 - _EDGE)
        odds = logit(sure)
        level, (intercept, slope) = _level(odds, churned), recalibration(odds, churned)
        here, there = expit(level + odds), expit(intercept + slope * odds)
        spread, vary = there * (1 - there), here * (1 - here)
        linear = [
            np.ones_like(chance), chance, churned, (chance - churned) ** 2,
            -np.log(np.where(churned > 0, sure, 1 - sure)), churned - here, vary,
            churned - there, (churned - there) * odds, spread, spread * odds, spread * odds**2,
        ]  # fmt: skip
        group = equal_bins(chance, bins)
        member = np.eye(group.max() + 1)[group]
        parts = [member, member * chance[:, None], member * churned[:, None]]
        return cls(
            Ordered.by(chance), churned, np.column_stack(linear + parts), member.shape[1], (level, intercept, slope)
        )  # fmt: skip

    def measured(self, weight: np.ndarray) -> dict[str, np.ndarray]:
        """All scores for each row of weights."""
        sums = weight @ self.columns
        total, chance, left, brier, loss, away, vary, one, two, w0, w1, w2 = sums[:, :12].T
        brier, loss = brier / total, loss / total
        level, _, slope = self.line
        with np.errstate(divide="ignore", invalid="ignore"):
            tilt = (w0 * two - w1 * one) / (w0 * w2 - w1**2)
            intercept = level + away / vary
            # Equal log odds have no slope: the line that was fitted stays at 1.
            steeper = np.where(w0 * w2 - w1**2 > 1e-9 * w0 * w2, tilt, np.nan)
            parts = brier_parts(sums[:, 12:].reshape(len(sums), 3, self.bins), brier)
            skill = 1 - brier / parts["uncertainty"]
        auc, lift = self._order(weight)
        return {
            "brier": brier,
            "skill": np.where(parts["uncertainty"] > 0, skill, np.nan),
            "log_loss": loss,
            "auc": auc,
            "lift": lift,
            "slope": slope + steeper,
            "intercept": intercept,
            **parts,
            "predicted": chance / total,
            "observed": left / total,
            "too_high": (chance - left) / total,
        }

    def _order(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        order, ends, left = self.ordered.order, self.ordered.ends, self.left[self.ordered.order]
        auc, lift = np.full(len(weight), np.nan), np.full(len(weight), np.nan)
        for row, own in enumerate(weight):
            times = own[order]
            place = np.append(0.0, np.cumsum(times)[ends])
            gone = np.append(0.0, np.cumsum(times * left)[ends])
            stayed = place - gone
            if gone[-1] > 0 and stayed[-1] > 0:
                auc[row] = np.trapezoid(gone, stayed) / (gone[-1] * stayed[-1])
                lift[row] = np.interp(_TENTH * place[-1], place, gone) / (_TENTH * gone[-1])
        return auc, lift


def _level(odds: np.ndarray, churned: np.ndarray) -> float:
    """By how much all log odds must move for the mean probability to be the share that left."""
    share = churned.mean()
    reach = np.abs(odds).max() + abs(logit(share)) + 1
    return float(brentq(lambda move: expit(odds + move).mean() - share, -reach, reach, xtol=1e-12))
