"""Probabilities and reasons for many customers, and intervals of scores, beside scikit-learn in a loop.

Models are trained before, and not timed. The peer of the reasons is the same fitted pipeline of scikit-learn, asked
again for all customers with each column in turn at its typical value; it says the column alone, where ours has groups
of columns, a second reason, and words. The two sides of the intervals draw the same customers anew, so that the same
numbers must come out.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

_TRAINED = 100_000
_NOISE = 20
_DRAWS = 200
_SEED = 1
_TAILS = [0.025, 0.975]
_TYPICAL, _LEAST = "like a typical customer", 0.02
METHODS = ("logistic", "boosting")
PEER = ", scikit-learn column by column"


def customers(size: int, seed: int = _SEED) -> tuple[pd.DataFrame, pd.Series]:
    """Draw customers with 26 features, and who of them stays away, without a line of the package."""
    rng = np.random.default_rng([seed, size])
    rate = rng.gamma(1.2, 1, size) + 0.05
    recency = np.round(np.minimum(rng.exponential(60 / rate), 700))
    orders = rng.poisson(4 * rate)
    channel = rng.choice(["web", "shop", "reseller"], size, p=[0.5, 0.3, 0.2])
    odds = -1 + recency / 90 - 0.35 * orders + 0.8 * (channel == "reseller")
    features = pd.DataFrame(
        {
            "recency_days": recency,
            "p_alive": 1 / (1 + np.exp(recency / 60 - 1.5 + rng.normal(0, 1.5, size))),
            "orders": orders,
            "margin": orders * rng.gamma(2, 10, size),
            "days_between": np.where(
                orders > 1, 365 / np.maximum(orders, 1) + rng.normal(0, 5, size), np.nan
            ),
            "channel": pd.Categorical(channel),
            **{f"noise_{number}": rng.normal(size=size) for number in range(_NOISE)},
        },
        index=pd.Index([f"C{number:08d}" for number in range(size)], name="customer_id"),
    )
    return features, pd.Series(rng.random(size) < 1 / (1 + np.exp(-odds)), index=features.index)


def _trained(method: str, size: int) -> tuple:
    """Fit a method and its curve; customers to score, and those who stayed."""
    from crmlib.analysis.churn.calibration import CalibratedPredictor, fit_curve
    from crmlib.analysis.churn.predictors import fit_predictor

    known, left = customers(_TRAINED)
    later, gone = customers(_TRAINED // 5, seed=2)
    fitted = fit_predictor(method, known, left, known.index.to_numpy())
    predictor = CalibratedPredictor(fitted, fit_curve(fitted.log_odds(later), gone.to_numpy()))
    return predictor, customers(size, seed=3)[0], later[~gone]


def _scored(method: str, size: int, folder: Path) -> Callable[[], tuple]:
    from crmlib.analysis.churn.reasons import explain_customers

    predictor, today, stayed = _trained(method, size)

    def run() -> tuple:
        found = explain_customers(predictor, today, stayed)
        return found.table["churn"], found.sentences

    return run


def _column_by_column(method: str, size: int, folder: Path) -> Callable[[], tuple]:
    predictor, today, stayed = _trained(method, size)
    typical = {
        name: column.mode()[0] if column.dtype == "category" else column.median()
        for name, column in stayed.items()
    }

    def run() -> tuple:
        chance = predictor.predict_churn(today)
        away = chance - predictor.predict_churn(pd.DataFrame(typical, index=[0]))[0]
        most, why = pd.Series(0.0, today.index), pd.Series(_TYPICAL, today.index, dtype=object)
        for name, usual in typical.items():
            size = np.sign(away) * (chance - predictor.predict_churn(today.assign(**{name: usual})))
            why = why.mask((size > most) & (away.abs() >= _LEAST), name)
            most = np.maximum(most, size)
        return chance, why.mask((why == _TYPICAL) & (away.abs() >= _LEAST), "several")

    return run


def _chances(size: int) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng([_SEED, size, 5])
    odds = rng.normal(-1, 1.4, size)
    index = pd.Index([f"C{number:08d}" for number in range(size)], name="customer_id")
    chances = {f"method {number}": odds + rng.normal(0, 0.5 * number, size) for number in range(4)}
    left = pd.Series(rng.random(size) < 1 / (1 + np.exp(-odds)), index=index)
    return (1 / (1 + np.exp(-pd.DataFrame(chances, index=index)))).round(6), left


def _intervals(size: int, folder: Path) -> Callable[[], list]:
    """All 14 scores."""
    from crmlib.analysis.churn.scores import score_methods

    chances, left = _chances(size)

    def run() -> list:
        found = score_methods(chances, left, n_resamples=_DRAWS, seed=_SEED).table
        scores = ["brier", "log_loss", "auc"]
        return [found.loc[(name, score)].to_numpy() for name in chances for score in scores]

    return run


def _loop(size: int, folder: Path) -> Callable[[], list]:
    """Three of the 14 scores: Brier score, log loss and the area under the curve."""
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    chances, left = _chances(size)

    def run() -> list:
        rng = np.random.default_rng([_SEED, size])
        weights = [np.bincount(rng.integers(0, size, size), minlength=size) for _ in range(_DRAWS)]
        rows = []
        for name in chances:
            for score in (brier_score_loss, log_loss, roc_auc_score):
                drawn = [score(left, chances[name], sample_weight=weight) for weight in weights]
                rows.append(np.append(score(left, chances[name]), np.quantile(drawn, _TAILS)))
        return rows

    return run


SIDES = {
    **{method: partial(_scored, method) for method in METHODS},
    **{method + PEER: partial(_column_by_column, method) for method in METHODS},
    "crmlib": _intervals,
    "scikit-learn": _loop,
}


def tell(found: tuple | list) -> list[float]:
    """What is kept to compare: scores with their intervals; or the mean probability and how many have a reason."""
    if isinstance(found, tuple):
        chance, words = found
        return [float(chance.mean()), float((words != _TYPICAL).sum())]
    return np.concatenate(found).tolist()


def same(size: int, ours: list[float], peer: list[float]) -> str:
    """Say how far apart the numbers are at most, as a share."""
    own, other = np.array(ours), np.array(peer)
    apart = np.max(np.abs(own - other) / np.maximum(np.abs(own), 1e-12))
    return f"{'yes' if apart < 1e-5 else 'NO'} (within {apart:.0e})"
