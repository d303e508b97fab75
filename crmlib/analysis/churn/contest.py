"""Which way to predict who stays away: simple rules and models, tested on days that have passed.

The choice is the simplest method that cannot be told from the best by more than chance: the method with the lowest
Brier score on the test days is the best, and the first of `crmlib.analysis.churn.predictors.METHODS` whose score is
not higher beyond chance (the interval of the paired difference holds 0) is chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.churn.calibration import CalibratedPredictor, fit_curve
from crmlib.analysis.churn.predictors import METHODS, available_methods, fit_predictor
from crmlib.analysis.churn.reliability import reliability_curve
from crmlib.analysis.churn.roles import Roles, Rows, assign_roles, gathered, refuse_few
from crmlib.analysis.churn.scores import Scores, score_methods
from crmlib.analysis.churn.snapshot import Snapshot
from crmlib.analysis.rounding import rounded
from crmlib.errors import ParameterError

#: What each reason says about a choice.
REASONS = {
    "beyond_simpler": "Every simpler method is worse than the best one by more than chance",
    "simpler_as_good": "The best method is not better than a simpler one by more than chance",
    "no_better_than_rate": "No method is better than one rate for all by more than chance",
}


@dataclass(frozen=True)
class Contest:
    """The method chosen, and all it was compared by.

    Attributes
    ----------
    chosen, best : str
        The method to use, and the one with the best score; of `crmlib.analysis.churn.predictors.METHODS`.
    reason : str
        Key of `REASONS`.
    by : {'brier', 'log_loss'}
        Score that decided.
    scores : Scores
        Of all methods on the test days; ``scores.values`` is the table to show.
    against_best : DataFrame
        Indexed by method, the simplest first: ``worse`` (its score less that of the best), ``low``, ``high``,
        ``by_chance`` (bool: the interval reaches down to 0).
    by_day : DataFrame
        Indexed by ``day`` and ``method``: ``customers``, ``predicted``, ``observed``, ``too_high`` (mean probability
        less share that left) with ``low``, ``high``, and ``beyond_chance`` (the interval leaves out 0).
    reliability : DataFrame
        Indexed by ``method`` and ``bin``; see `crmlib.analysis.churn.reliability.reliability_curve`.
    roles : Roles
        Days by use; ``roles.days`` is the table, with the share that left on each.
    sampled : DataFrame
        Indexed by role: ``rows`` used, and the ``of`` there were.
    settings : DataFrame
        Indexed by method: ``curve`` ('logistic' or 'isotonic'), ``penalty``, ``trees`` (NaN where there is none).
    predictors : dict of str to CalibratedPredictor
        As tested: they have not seen the test days.
    tested : Rows
        What was tested on.
    left_out : dict of str to str
        Methods that the features do not allow.
    """

    chosen: str
    best: str
    reason: str
    by: str
    scores: Scores
    against_best: pd.DataFrame
    by_day: pd.DataFrame
    reliability: pd.DataFrame
    roles: Roles
    sampled: pd.DataFrame
    settings: pd.DataFrame
    predictors: Mapping[str, CalibratedPredictor]
    tested: Rows
    left_out: dict[str, str]

    @property
    def predictor(self) -> CalibratedPredictor:
        """The chosen method, as tested."""
        return self.predictors[self.chosen]


def run_contest(
    snapshots: Sequence[Snapshot],
    *,
    methods: Sequence[str] = METHODS,
    test_days: int = 2,
    by: Literal["brier", "log_loss"] = "brier",
    sample: int = 100_000,
    n_resamples: int = 500,
    level: float = 0.95,
    bins: int = 10,
    seed: int = 0,
) -> Contest:
    """Train on early days, correct on a later one, test on the latest, and choose.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        With the same window and columns; those without an outcome are not used.
    methods : sequence of str
        Of `crmlib.analysis.churn.predictors.METHODS`.
    test_days : int
        Latest days to test on, 1 or more.
    by : {'brier', 'log_loss'}
        Score that decides.
    sample : int
        Rows for each role at most; see `crmlib.analysis.churn.roles.gathered`.
    n_resamples, level, bins
        Of the scores; see `crmlib.analysis.churn.scores.score_methods`.
    seed : int

    Returns
    -------
    Contest

    Raises
    ------
    ParameterError
        If an option is out of range, or snapshots do not go together.
    TooLittleData
        If there are too few days, customers, or customers who left or stayed.

    Notes
    -----
    Definition of this project. Chance that moves all customers together, such as a bad season, is not in the
    intervals: `Contest.by_day` shows it.

    Examples
    --------
    >>> from datetime import date
    >>> rng = np.random.default_rng(1)
    >>> def snapshot(day):
    ...     people = pd.Index([f"C{i:03d}" for i in range(400)], name="customer_id")
    ...     known = pd.DataFrame({"recency_days": rng.integers(1, 400, 400)}, index=people)
    ...     left = rng.random(400) < known["recency_days"] / 400
    ...     return Snapshot(day, 31, known, pd.DataFrame({"churned": left, "margin": 0.0}))
    >>> days = [date(2025, month, 1) for month in (1, 4, 7, 10)]
    >>> found = run_contest([snapshot(day) for day in days], methods=["base_rate", "recency"])
    >>> found.chosen, found.reason, len(found.tested.churned)
    ('recency', 'beyond_simpler', 800)
    """
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods:
        raise ParameterError(
            f"methods = {list(methods)}", f"some of {', '.join(METHODS)}", "correct the names"
        )
    for name, value, right in (
        ("test_days", test_days, test_days >= 1),
        ("sample", sample, sample >= 1),
        ("by", by, by in ("brier", "log_loss")),
    ):
        if not right:
            raise ParameterError(f"{name} = {value}", "1 or more, or a score", f"correct {name}")
    roles = assign_roles(snapshots, test_days)
    training, calibration, tested = role_rows(roles, sample, seed)
    refuse_few(tested, "to test on")
    possible, left_out = available_methods(training.features)
    compared = [name for name in possible if name in methods]
    predictors = {name: fit_calibrated(name, training, calibration, seed) for name in compared}
    chances = pd.DataFrame({name: one.predict_churn(tested.features) for name, one in predictors.items()})
    scores = score_methods(
        chances, tested.churned, n_resamples=n_resamples, level=level, bins=bins, seed=seed
    )
    best = scores.values[by].idxmin()
    rows = {name: scores.difference(by, name, best) for name in compared}
    against = pd.DataFrame.from_dict(rows, orient="index", columns=["worse", "low", "high"])
    against = against.assign(by_chance=against["low"] <= 0).rename_axis("method")
    chosen = against.index[against["by_chance"]][0]
    reason = "beyond_simpler" if chosen == best else "simpler_as_good"
    curves = {name: reliability_curve(chances[name], tested.churned, bins, level) for name in compared}
    return Contest(
        chosen=chosen,
        best=best,
        reason="no_better_than_rate" if chosen == "base_rate" else reason,
        by=by,
        scores=scores,
        against_best=against,
        by_day=_by_day(chances, tested.churned, level),
        reliability=pd.concat(curves, names=["method"]),
        roles=roles,
        sampled=sampled_rows({"training": training, "calibration": calibration, "test": tested}),
        settings=_settings(predictors),
        predictors=predictors,
        tested=tested,
        left_out={name: said for name, said in left_out.items() if name in methods},
    )


def role_rows(roles: Roles, sample: int, seed: int) -> tuple[Rows, Rows, Rows | None]:
    """Lay out the rows of training, calibration and test; `TooLittleData` where those to learn from are too few."""
    training, calibration = (
        gathered(roles.training, sample, seed),
        gathered([roles.calibration], sample, seed),
    )
    refuse_few(training, "to learn from")
    refuse_few(calibration, "to calibrate on")
    return training, calibration, gathered(roles.test, sample, seed) if roles.test else None


def fit_calibrated(
    method: str, training: Rows, calibration: Rows, seed: int, tuned: Mapping[str, Any] | None = None
) -> CalibratedPredictor:
    """Train a method on some days, and correct it on a later one; with settings tuned before, if there are any."""
    fitted = fit_predictor(method, training.features, training.churned, training.customers, seed, tuned)
    curve = fit_curve(fitted.log_odds(calibration.features), calibration.churned.to_numpy(), seed)
    return CalibratedPredictor(fitted, curve)


def sampled_rows(roles: Mapping[str, Rows]) -> pd.DataFrame:
    """Rows used by role, and of how many."""
    rows = {name: (len(one.churned), one.of) for name, one in roles.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["rows", "of"]).rename_axis("role")


def _settings(predictors: Mapping[str, CalibratedPredictor]) -> pd.DataFrame:
    rows = {
        name: {"curve": one.curve.kind, "penalty": np.nan, "trees": np.nan} | one.predictor.tuned
        for name, one in predictors.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")


def _by_day(chances: pd.DataFrame, churned: pd.Series, level: float) -> pd.DataFrame:
    """Compare the mean probability with the share that left, day by day; on a day a customer is one row."""
    half = norm.ppf((1 + level) / 2)
    parts = {}
    for name in chances:
        frame = pd.DataFrame({"predicted": chances[name], "observed": churned.astype("float64")})
        frame["too_high"] = frame["predicted"] - frame["observed"]
        days = frame.groupby(level="day")
        found = days.mean()
        error = days["too_high"].std() / np.sqrt(days.size())
        found.insert(0, "customers", days.size())
        parts[name] = found.assign(
            low=found["too_high"] - half * error, high=found["too_high"] + half * error
        )
    table = pd.concat(parts, names=["method"]).swaplevel().sort_index(level="day", sort_remaining=False)
    shares = ["predicted", "observed", "too_high", "low", "high"]
    table[shares] = rounded(table[shares].to_numpy())
    return table.assign(beyond_chance=(table["low"] > 0) | (table["high"] < 0))
