"""How likely each customer is to stay away, from the last known day on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from crmlib.analysis.churn.calibration import CalibratedPredictor
from crmlib.analysis.churn.contest import Contest, fit_calibrated, role_rows, sampled_rows
from crmlib.analysis.churn.roles import Roles, assign_roles
from crmlib.analysis.churn.snapshot import Snapshot
from crmlib.errors import ParameterError, TooLittleData


@dataclass(frozen=True)
class ChurnForecast:
    """Probabilities of staying away, and what they rest on.

    Attributes
    ----------
    method : str
        Of `crmlib.analysis.churn.predictors.METHODS`.
    probabilities : Series of float
        ``churn``, indexed by ``customer_id``: chance of no purchase in the window after the day.
    now : Snapshot
        The customers that were scored.
    contest : Contest
        Scores on days that have passed, and why the method was chosen.
    predictor : CalibratedPredictor
        Trained anew on all days but the newest outcome, and corrected on that.
    roles : Roles
        Days by use.
    sampled : DataFrame
        Indexed by role: ``rows`` used, and the ``of`` there were.
    typical_from : DataFrame
        Features of those who stayed after the newest known outcome, indexed by ``customer_id``: what a
        typical customer looks like.
    """

    method: str
    probabilities: pd.Series
    now: Snapshot
    contest: Contest
    predictor: CalibratedPredictor
    roles: Roles
    sampled: pd.DataFrame
    typical_from: pd.DataFrame

    @property
    def reason(self) -> str:
        """Key of `crmlib.analysis.churn.contest.REASONS`."""
        return self.contest.reason

    @property
    def scores(self) -> pd.DataFrame:
        """Scores of the method on the test days: ``value``, ``low``, ``high`` by score."""
        return self.contest.scores.table.loc[self.method]

    @property
    def reliability(self) -> pd.DataFrame:
        """Predicted and observed shares of the method on the test days, by bin."""
        return self.contest.reliability.loc[self.method]

    @property
    def expected(self) -> float:
        """Customers expected to stay away: the sum of the probabilities."""
        return float(self.probabilities.sum())

    @property
    def until(self) -> date:
        """Last day of the window that is predicted."""
        return self.now.ends


def forecast_churn(
    snapshots: Sequence[Snapshot],
    now: Snapshot,
    contest: Contest,
    *,
    sample: int = 100_000,
    seed: int = 0,
) -> ChurnForecast:
    """Train the chosen method anew with the newest outcomes, and score the customers of today.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        As in the contest.
    now : Snapshot
        Of the last known day; its outcome is not looked at.
    contest : Contest
        As returned by `crmlib.analysis.churn.contest.run_contest`.
    sample : int
        Rows to learn from and to calibrate on, at most.
    seed : int

    Returns
    -------
    ChurnForecast

    Raises
    ------
    ParameterError
        If today's window or day does not go with the others.
    DataError
        If today's features lack a column.
    TooLittleData
        If nobody is there to score.

    Notes
    -----
    The newest outcome calibrates, because the level moves with the season and the year more than the order of the
    customers does; all days whose window is over before are learned from. The strength of the penalty, or the number of
    trees, is that of the contest. This exact predictor has not been tested: the one of the contest has, which is
    trained in the same way on earlier days.
    """
    known = [one for one in snapshots if one.outcome is not None]
    for one in known:
        if one.outcome_days != now.outcome_days:
            raise ParameterError(
                f"a window of {now.outcome_days} days to predict and one of {one.outcome_days} days to learn from",
                "one length for all days", "make all snapshots with the same outcome_days",
            )  # fmt: skip
        if one.ends > now.day:
            raise ParameterError(
                f"an outcome until {one.ends} to score customers of {now.day}", "outcomes that are known on that day",
                "leave out later snapshots",
            )  # fmt: skip
    if not len(now.features):
        raise TooLittleData(
            f"no customers on {now.day}", "customers who bought not long before", "take a longer time to look back"
        )  # fmt: skip
    roles = assign_roles(known, 0)
    training, calibration, _ = role_rows(roles, sample, seed)
    tuned = contest.predictor.predictor.tuned
    predictor = fit_calibrated(contest.chosen, training, calibration, seed, tuned)
    newest = roles.calibration
    return ChurnForecast(
        method=contest.chosen,
        probabilities=predictor.predict_churn(now.features),
        now=now,
        contest=contest,
        predictor=predictor,
        roles=roles,
        sampled=sampled_rows({"training": training, "calibration": calibration}),
        typical_from=newest.features[~newest.churned.to_numpy(bool)],
    )
