"""How well actions work, by what was assumed and by every list since: believed anew each month from the beginning.

Nothing is carried over from the month before but the lists themselves. What is assumed stands first, and all evidence
there is comes to it at once, so that no evidence can count twice when a window grows from one month to the next.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.closed_loop.earned import Earned
from crmlib.analysis.rounding import rounded
from crmlib.errors import DataError, ParameterError

#: How far what is wrong about the assumption on one action is wrong about the others too.
ALIKE = 0.25
#: What is stated of variances between months and actions is worth as much as so many differences between tests.
STATED_DEGREES = 4
#: Stands for the list where several are put together.
ALL_LISTS = "all lists"
_KEYS = ["list_id", "action"]


@dataclass(frozen=True)
class Updated:
    """What is believed of each action.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``action``: ``mean`` and ``spread`` (standard deviation) of the rate of effect, ``low``, ``high``,
        ``prior_mean``, ``prior_spread``, ``lists`` (with evidence) and ``weight`` (share of the variance assumed that
        the evidence took away: 0 where nothing was learned, near 1 where the assumption hardly counts).
    evidence : DataFrame
        Indexed by ``action``, where there is any: ``effect`` (money per customer treated, before cost) and its
        ``error`` over all lists, ``gain``, ``cost``, ``treated``, ``control``, ``lists``, ``source``, as
        `crmlib.analysis.actions.rates.update_rates` takes them.
    between_months : float
        Standard deviation of an action's rate from month to month beyond chance, in spreads assumed.
    between_actions : float
        The same between actions, around what they have in common.
    """

    table: pd.DataFrame
    evidence: pd.DataFrame
    between_months: float
    between_actions: float


def evidence_of(earned: Earned) -> pd.DataFrame:
    """Take from what lists earned what says something about their actions.

    Returns
    -------
    DataFrame
        Indexed by ``list_id`` and ``action``: ``effect``, ``error`` (money per customer treated), ``gain`` (money if
        the action works, as far as it is due), ``cost`` (per customer), ``treated``, ``control``, ``source``. Lists
        that were hardly carried out, or of which nothing is told or due, are left out. An action of which no list has
        enough customers stands in one row for all lists, under `ALL_LISTS`, once they have enough together.

    Examples
    --------
    >>> from crmlib.analysis.closed_loop.earned import TABLE
    >>> row = pd.DataFrame([dict.fromkeys(TABLE, 8.0)], pd.MultiIndex.from_tuples([("may", "save")], names=_KEYS))
    >>> row = row.assign(told=True, carried_out=True)
    >>> found = evidence_of(Earned(row, row.droplevel(0), row.iloc[0], row, 0.95))
    >>> found[["effect", "gain", "cost", "source"]].values.tolist()
    [[8.0, 8.0, 1.0, 'list may']]
    """
    table = earned.by_list
    own = table[table["told"] & table["carried_out"]]
    named = table.index.get_level_values("action")
    alone = set(own.index.get_level_values("action")) | set(named[~table["carried_out"].to_numpy(dtype=bool)])
    pooled = earned.by_action[earned.by_action["told"] & ~earned.by_action.index.isin(alone)]
    pooled = pooled.set_axis(pd.MultiIndex.from_product([[ALL_LISTS], pooled.index], names=_KEYS))
    own = pd.concat([part for part in (own, pooled) if len(part)]) if len(pooled) else own
    own = own[(own["error"] > 0) & (own["gain"] > 0)]
    found = own[["effect", "error", "gain", "cost", "treated", "control"]]
    names = own.index.get_level_values("list_id").astype("str")
    return found.assign(
        cost=own["cost"] / own["treated"],
        source=[name if name == ALL_LISTS else f"list {name}" for name in names],
    )


def between_variance(values: np.ndarray, variances: np.ndarray, groups: np.ndarray) -> float:
    """Estimate by how much estimates differ within groups beyond their own chance.

    Parameters
    ----------
    values, variances : ndarray of shape (n,)
        Estimates and their variances, above 0.
    groups : ndarray of shape (n,)
        Estimates of one group have a mean of their own; the variance is common to all groups.

    Returns
    -------
    float
        0 where no group has two estimates, or they differ by less than chance.

    Notes
    -----
    Moments of DerSimonian & Laird (1986), Controlled Clinical Trials 7:177-188, pooled over groups as in Borenstein,
    Hedges, Higgins & Rothstein (2009), Introduction to Meta-Analysis, chapter 19.

    Examples
    --------
    >>> between_variance(np.array([1.0, 3.0]), np.array([0.5, 0.5]), np.array(["a", "a"]))
    1.5
    """
    weight = 1 / np.asarray(variances, dtype="float64")
    code = np.unique(groups, return_inverse=True)[1]
    total = np.bincount(code, weight)
    centre = np.bincount(code, weight * values) / total
    freedom = len(weight) - len(total)
    if freedom < 1:
        return 0.0
    apart = float(np.sum(weight * (values - centre[code]) ** 2)) - freedom
    scale = float(np.sum(total - np.bincount(code, weight**2) / total))
    return max(apart / scale, 0.0)


def update(
    priors: pd.DataFrame,
    evidence: pd.DataFrame,
    covariance: pd.DataFrame | None = None,
    alike: float = ALIKE,
    level: float = 0.95,
) -> Updated:
    """Put together what was assumed of the rates of effect and what lists have shown.

    Parameters
    ----------
    priors : DataFrame
        Indexed by ``action``: ``prior_mean`` and ``prior_spread``, the rate assumed before any test and how far off it
        may be (standard deviation, above 0).
    evidence : DataFrame
        As returned by `evidence_of`, all lists since the assumption was made; rows of other tests may be added under a
        name of their own. Actions that are not in `priors` are passed over.
    covariance : DataFrame, optional
        Of the effects, as in `crmlib.analysis.closed_loop.earned.Earned.covariance`; without it tests are taken
        as independent.
    alike : float
        Correlation between the errors of the assumptions, from 0 to below 1: by how much an action that falls short of
        what was assumed makes the others doubtful too.
    level : float

    Returns
    -------
    Updated

    Raises
    ------
    DataError
        If a list and action stand twice, an action is twice in `priors`, or an error or gain is not above 0.
    ParameterError
        If `alike` or `level` is out of range.

    Notes
    -----
    Normal-normal model (Gelman et al. 2013, Bayesian Data Analysis, chapter 5, with the variances estimated first:
    empirical Bayes, Morris 1983, JASA 78:47-55). Rates measured are effect / gain; all is counted in spreads
    assumed, so that actions can be compared. Months: the rate of an action differs from month to month by a variance
    common to all actions. Actions: the deviations from what was assumed have a part in common, of variance `alike`, and
    one of their own. Both variances are weighted means, by degrees of freedom, of what is stated and of
    `between_variance` (as Smyth 2004, Statistical Applications in Genetics and Molecular Biology 3:3, moderates
    variances): from so few tests a variance is mostly chance. Stated, and worth four degrees, are 0 between
    months and 1 - `alike` between actions. The latter is never taken to be less: where assumptions prove to have been
    too sure of themselves, evidence weighs more; where they happen to be close, it does not weigh less.

    Examples
    --------
    >>> priors = pd.DataFrame({"prior_mean": [0.1], "prior_spread": [0.05]}, index=["save"])
    >>> seen = pd.DataFrame({"effect": [2.0], "error": [0.5], "gain": [10.0], "cost": 1.0, "treated": 90, "control": 40,
    ...     "source": "list may"}, pd.MultiIndex.from_tuples([("may", "save")], names=["list_id", "action"]))
    >>> found = update(priors, seen).table.loc["save"]
    >>> found[["mean", "low", "high", "weight"]].astype(float).round(3).tolist()
    [0.15, 0.081, 0.219, 0.5]
    """
    if not 0 <= alike < 1:
        raise ParameterError(f"alike = {alike}", "a correlation from 0 to below 1", "give 0.25")
    if not 0 < level < 1:
        raise ParameterError(f"level = {level}", "a share above 0 and below 1", "give 0.95 for 95 %")
    own = _usable(priors, evidence)
    actions = own.index.get_level_values("action")
    place = priors.index.get_indexer(actions)
    assumed = priors["prior_spread"].to_numpy("float64")
    scale = own["gain"].to_numpy("float64") * assumed[place]
    seen = (
        own["effect"].to_numpy("float64") / scale
        - (priors["prior_mean"].to_numpy("float64") / assumed)[place]
    )
    chance = _covariance(own, covariance) / np.outer(scale, scale)
    months = _moderated(0.0, seen, np.diag(chance), place)
    chance = chance + months * np.eye(len(own))
    which = (place[:, None] == np.arange(len(priors))).astype("float64")
    measured = np.unique(place)
    precision = which.T @ np.linalg.solve(chance, which) if len(own) else np.zeros((len(priors),) * 2)
    score = which.T @ np.linalg.solve(chance, seen) if len(own) else np.zeros(len(priors))
    alone = np.linalg.inv(precision[np.ix_(measured, measured)])
    deviation = alone @ score[measured]
    apart = max(1 - alike, _moderated(1 - alike, deviation, np.diag(alone), np.zeros(len(measured))))
    before = apart * np.eye(len(priors)) + alike
    after = np.linalg.inv(np.linalg.inv(before) + precision)
    mean = priors["prior_mean"].to_numpy("float64") + assumed * (after @ score)
    spread = assumed * np.sqrt(np.diag(after))
    half = norm.ppf((1 + level) / 2) * spread
    table = pd.DataFrame(
        {
            "mean": rounded(mean),
            "spread": rounded(spread),
            "low": rounded(mean - half),
            "high": rounded(mean + half),
            "prior_mean": priors["prior_mean"].to_numpy("float64"),
            "prior_spread": assumed,
            "lists": np.bincount(place, minlength=len(priors)),
            "weight": rounded(1 - np.diag(after) / np.diag(before)),
        },
        index=priors.index.rename("action"),
    )
    rates = priors["prior_mean"].to_numpy("float64")[measured] + assumed[measured] * deviation
    errors = assumed[measured] * np.sqrt(np.diag(alone))
    together = _together(own, priors.index[measured], rates, errors)
    return Updated(table, together, float(rounded(np.sqrt(months))), float(rounded(np.sqrt(apart))))


def _moderated(stated: float, values: np.ndarray, variances: np.ndarray, groups: np.ndarray) -> float:
    """Weigh a variance that is stated with the one seen."""
    degrees = len(values) - len(np.unique(groups))
    if degrees < 1:
        return stated
    seen = between_variance(values, variances, groups)
    return (STATED_DEGREES * stated + degrees * seen) / (STATED_DEGREES + degrees)


def _usable(priors: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    if priors.index.has_duplicates or not (priors["prior_spread"] > 0).all():
        raise DataError(
            "assumptions with an action twice, or a spread that is not above 0",
            "one row per action",
            "correct it",
        )
    twice = evidence.index.duplicated()
    if twice.any():
        name, action = evidence.index[twice][0]
        raise DataError(
            f"evidence of {name} on {action} that stands twice",
            "each test once",
            "leave out the campaign that is the list",
        )
    own = evidence[evidence.index.get_level_values("action").isin(priors.index)]
    values = own[["effect", "error", "gain"]].astype("float64")
    bad = ~np.isfinite(values).all(axis=1) | (values[["error", "gain"]] <= 0).any(axis=1)
    if bad.any():
        name, action = own.index[bad.to_numpy()][0]
        raise DataError(
            f"evidence of {name} on {action} without an effect, an error or a gain",
            "numbers, error and gain above 0",
            "take what evidence_of returns",
        )
    return own.sort_index()


def _covariance(own: pd.DataFrame, covariance: pd.DataFrame | None) -> np.ndarray:
    """Covariance of the effects: as given where it is, else the squared errors alone."""
    found = np.diag(own["error"].to_numpy("float64") ** 2)
    if covariance is not None:
        given = covariance.index.intersection(own.index)
        at = own.index.get_indexer(given)
        found[np.ix_(at, at)] = covariance.loc[given, given].to_numpy("float64")
    return found


def _together(own: pd.DataFrame, actions: pd.Index, rates: np.ndarray, errors: np.ndarray) -> pd.DataFrame:
    """One row of evidence per action; a gain weighs by the customers treated."""
    weight = own["treated"].to_numpy("float64")
    sums = own.assign(gain=own["gain"] * weight, cost=own["cost"] * weight).groupby(level="action", sort=True)
    found = sums[["gain", "cost", "treated", "control"]].sum().reindex(actions)
    found[["gain", "cost"]] = found[["gain", "cost"]].div(found["treated"], axis=0)
    found.insert(0, "effect", rounded(rates * found["gain"].to_numpy("float64")))
    found.insert(1, "error", rounded(errors * found["gain"].to_numpy("float64")))
    found["lists"] = sums.size().reindex(actions)
    found["source"] = sums["source"].agg(", ".join).reindex(actions)
    return found.rename_axis("action")
