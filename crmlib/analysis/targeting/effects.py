"""What a contact changes on average: per action and per campaign, as it is and with covariates taken out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.targeting.covariates import covariate_matrix
from crmlib.analysis.targeting.differences import Differences, by_group
from crmlib.analysis.targeting.trial import Trial
from crmlib.errors import TooLittleData

#: Actions whose effects differ with a smaller p-value are not pooled.
DIFFERENT = 0.05
_ADJUST_ON = ("margin_before", "orders_before")


@dataclass(frozen=True)
class Effects:
    """Average effects of a contact.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``outcome`` and ``action`` (or ``campaign_id``): ``treated``, ``control`` (rows), ``mean_treated``,
        ``mean_control``, ``effect`` (per contact), ``error``, ``low``, ``high``, and with covariates taken out
        ``adjusted``, ``adjusted_error``, ``adjusted_low``, ``adjusted_high``, ``narrower`` (share of the interval that
        this saves; negative where it costs). NaN where an arm has fewer than 30 customers.
    plain, with_covariates : dict of str to Differences
        The estimates of each outcome with their covariance.
    level : float
    adjusted_on : tuple of str
    """

    table: pd.DataFrame
    plain: dict[str, Differences]
    with_covariates: dict[str, Differences]
    level: float
    adjusted_on: tuple[str, ...]

    def equality(self) -> pd.DataFrame:
        """Test for each outcome whether all groups have the same effect.

        Returns
        -------
        DataFrame
            Indexed by outcome: ``statistic``, ``degrees``, ``p_value`` (Wald test on the adjusted effects), ``differ``
            (p_value below 0.05).
        """
        rows = {name: vars(found.equal()) for name, found in self.with_covariates.items()}
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("outcome")
        return table.assign(differ=table["p_value"] < DIFFERENT)


def average_effects(
    trial: Trial,
    outcomes: Sequence[str] | None = None,
    by: str = "action",
    adjust_on: Sequence[str] | None = None,
    level: float = 0.95,
) -> Effects:
    """Estimate what a contact changes on average.

    Parameters
    ----------
    trial : Trial
    outcomes : sequence of str, optional
        All of the trial's, if left out. Rows without an outcome are left out of it.
    by : {'action', 'campaign_id'}
        Groups to tell apart. Actions are never pooled here, see `pooled_effects`; with campaigns, each must have
        one action.
    adjust_on : sequence of str, optional
        Covariates to take out; ``margin_before`` and ``orders_before`` where they are among those of the trial, else
        all of them.
    level : float

    Returns
    -------
    Effects

    Raises
    ------
    TooLittleData
        If no group has 30 customers in each arm.

    Notes
    -----
    See `crmlib.analysis.targeting.differences.by_group`. Taking out what customers did before narrows the interval and
    leaves the effect what it is, since the lot knows nothing of it (Deng, Xu, Kohavi & Walker 2013, WSDM,
    pages 123-132: CUPED).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> before, treated = rng.normal(50, 20, 2000), rng.random(2000) < 0.7
    >>> frame = pd.DataFrame({"treated": treated, "margin_before": before})
    >>> frame["margin"] = 0.5 * before + 3 * treated + rng.normal(0, 5, 2000)
    >>> found = average_effects(Trial.of(frame, ["margin"], ["margin_before"]))
    >>> found.table.loc[("margin", "contact"), ["effect", "adjusted", "narrower"]].astype(float).round(1).tolist()
    [3.1, 2.9, 0.5]
    """
    trial.refuse_if_thin("an average effect")
    if by not in ("action", "campaign_id"):
        raise ValueError(f"by = {by!r}: effects are told by action or by campaign_id.")
    outcomes = list(outcomes or trial.outcomes)
    adjust_on = tuple(adjust_on if adjust_on is not None else _default_covariates(trial))
    plain, adjusted, tables = {}, {}, {}
    for name in outcomes:
        known = trial.known(name)
        groups = _groups(known, by)
        values = known.rows[name].to_numpy("float64")
        extra = covariate_matrix(known.rows[list(adjust_on)]).to_numpy() if adjust_on else None
        extra = None if extra is None or extra.shape[1] == 0 else extra
        plain[name] = by_group(known, values, groups, None, level)
        adjusted[name] = by_group(known, values, groups, extra, level)
        own, other = plain[name].table, adjusted[name].table
        tables[name] = own.rename(columns={"difference": "effect"}).assign(
            adjusted=other["difference"],
            adjusted_error=other["error"],
            adjusted_low=other["low"],
            adjusted_high=other["high"],
            narrower=1 - other["error"] / own["error"].where(own["error"] > 0),
        )
    table = pd.concat(tables, names=["outcome", by])
    if table["error"].isna().all():
        raise TooLittleData(
            f"no {by} with 30 customers in each arm",
            "at least 30 customers contacted and 30 held out",
            "run a larger test; crmlib.analysis.targeting.trial_design says how large",
        )
    return Effects(table, plain, adjusted, level, adjust_on)


def pooled_effects(
    trial: Trial,
    outcomes: Sequence[str] | None = None,
    adjust_on: Sequence[str] | None = None,
    level: float = 0.95,
    separate: Effects | None = None,
) -> pd.DataFrame:
    """Estimate one effect over all actions, where the actions were not found to differ.

    Parameters
    ----------
    trial, outcomes, adjust_on, level
        As for `average_effects`.
    separate : Effects, optional
        What `average_effects` returned for the same by action; estimated again if left out.

    Returns
    -------
    DataFrame
        Indexed by ``outcome``: ``p_equal`` (of the test that all actions have the same effect; NaN with one action),
        ``pooled`` (bool), and the columns of `Effects.table`, which are NaN where actions differ. That
        they were not found to differ does not prove that they are equal: see both.
    """
    if separate is None:
        separate = average_effects(trial, outcomes, "action", adjust_on, level)
    equal = separate.equality()
    together = average_effects(trial.pooled(), outcomes, "action", adjust_on, level).table.droplevel("action")
    allowed = ~equal["differ"]
    found = together.where(allowed.reindex(together.index), np.nan)
    found.insert(0, "pooled", allowed)
    found.insert(0, "p_equal", equal["p_value"])
    return found


def _default_covariates(trial: Trial) -> tuple[str, ...]:
    usual = tuple(name for name in _ADJUST_ON if name in trial.covariates)
    return usual or trial.covariates


def _groups(trial: Trial, by: str) -> dict[str, np.ndarray]:
    if by == "campaign_id":
        for name in trial.campaigns:
            trial.where(trial.rows["campaign_id"] == name).single_action()
        return {name: (trial.rows["campaign_id"] == name).to_numpy() for name in trial.campaigns}
    return {name: trial.of_action(name) for name in trial.actions}
