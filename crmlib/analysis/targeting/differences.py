"""Differences between the arms of a test, with a variance that knows that a customer can be in several campaigns.

Every estimate here is a sum over rows, each of which moves it a little. These small moves (influences), added up by
customer, give variances and the covariance of any two estimates, also of groups that share customers or controls.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from crmlib.analysis.targeting.trial import FEWEST_CUSTOMERS, Trial


@dataclass(frozen=True)
class WaldTest:
    """Whether several estimates can all have the same value.

    Attributes
    ----------
    statistic : float
        Wald statistic; NaN where fewer than two estimates are known.
    degrees : int
    p_value : float
        By the chi-squared distribution.
    """

    statistic: float
    degrees: int
    p_value: float


@dataclass(frozen=True)
class Differences:
    """Differences between arms of several groups of one test, or of several columns of one group.

    Attributes
    ----------
    table : DataFrame
        Indexed by group: ``treated``, ``control`` (rows), ``mean_treated``, ``mean_control``, ``difference``
        (treated less control), ``error`` (standard error), ``low``, ``high``. NaN where an arm has fewer than 30
        customers, or no campaign has both. Means and differences weigh campaigns by their contacts.
    covariance : DataFrame
        Of the differences, group by group.
    level : float
    """

    table: pd.DataFrame
    covariance: pd.DataFrame
    level: float

    def contrast(self, weights: Mapping[str, float]) -> tuple[float, float, float]:
        """Return a weighted sum of the differences with its interval."""
        names = list(weights)
        weight = np.array([weights[name] for name in names])
        value = float(weight @ self.table.loc[names, "difference"].to_numpy())
        variance = float(weight @ self.covariance.loc[names, names].to_numpy() @ weight)
        half = norm.ppf((1 + self.level) / 2) * np.sqrt(max(variance, 0.0))
        return value, value - half, value + half

    def equal(self) -> WaldTest:
        """Test whether all known differences are the same."""
        known = self.table.index[self.table["error"].notna()]
        if len(known) < 2:
            return WaldTest(float("nan"), 0, float("nan"))
        apart = np.eye(len(known))[1:] - np.eye(len(known))[:1]
        return self._wald(known, apart)

    def zero(self) -> WaldTest:
        """Test whether all known differences are zero."""
        known = self.table.index[self.table["error"].notna()]
        return self._wald(known, np.eye(len(known)))

    def _wald(self, known: pd.Index, apart: np.ndarray) -> WaldTest:
        value = apart @ self.table.loc[known, "difference"].to_numpy()
        spread = apart @ self.covariance.loc[known, known].to_numpy() @ apart.T
        # Scaled to correlations first, so that money and shares weigh alike in what counts as singular.
        scale = np.sqrt(np.maximum(np.diag(spread), 1e-300))
        roots, vectors = np.linalg.eigh(spread / np.outer(scale, scale))
        kept = roots > 1e-9 * max(roots.max(initial=0.0), 1e-300)
        if not kept.any():
            return WaldTest(float("nan"), 0, float("nan"))
        moved = vectors[:, kept].T @ (value / scale)
        statistic, degrees = float(np.sum(moved**2 / roots[kept])), int(kept.sum())
        return WaldTest(statistic, degrees, float(chi2.sf(statistic, degrees)))


def by_group(
    trial: Trial,
    values: np.ndarray,
    groups: Mapping[str, np.ndarray],
    adjust: np.ndarray | None = None,
    level: float = 0.95,
) -> Differences:
    """Estimate the difference between the arms in each of some groups of rows.

    Parameters
    ----------
    trial : Trial
    values : ndarray of shape (n_rows,)
        The outcome, without gaps.
    groups : mapping of str to ndarray of bool, shape (n_rows,)
        Rows of each group, chosen by what was known before the contact; a row may be in several.
    adjust : ndarray of shape (n_rows, n_covariates), optional
        Covariates without gaps to take out of the outcome.
    level : float

    Returns
    -------
    Differences

    Notes
    -----
    Within a campaign the arms are compared directly; campaigns are weighted by their contacts, so that the
    result is an effect per contact. With covariates, each arm has its own regression on centred covariates (Lin 2013,
    Annals of Applied Statistics 7:295-318), which cannot be less precise in large samples. Variances are
    added up by customer (Liang & Zeger 1986, Biometrika 73:13-22); with one row per customer they are those
    of Welch's test.

    Examples
    --------
    >>> frame = pd.DataFrame({"treated": np.arange(120) % 2 == 0, "bought": (np.arange(120) % 2 == 0) * 1.0})
    >>> trial = Trial.of(frame, outcomes=["bought"])
    >>> found = by_group(trial, trial.rows["bought"].to_numpy(), {"all": np.ones(120, dtype=bool)})
    >>> float(found.table.loc["all", "difference"])
    1.0
    """
    treated, cells, clusters = trial.treated, trial.cells(), trial.clusters()
    size = int(clusters.max()) + 1 if len(clusters) else 0
    rows, moves = {}, {}
    for name, inside in groups.items():
        arms = treated[inside], clusters[inside]
        row = {"treated": int(arms[0].sum()), "control": int((~arms[0]).sum())}
        fewest = min(len(np.unique(arms[1][arms[0] == arm])) for arm in (True, False))
        moved = np.full(size, np.nan)
        if fewest >= FEWEST_CUSTOMERS and _both_arms(cells[inside], arms[0]).any():
            extra = None if adjust is None else adjust[inside]
            means, influence, kept = _difference(values[inside], arms[0], cells[inside], extra)
            moved = np.bincount(arms[1][kept], influence, size)
            row |= means
        rows[name] = row
        moves[name] = moved
    return _gathered(rows, moves, level)


def by_column(trial: Trial, columns: pd.DataFrame, level: float = 0.95) -> Differences:
    """Estimate the difference between the arms in each of some columns, for all rows.

    Parameters
    ----------
    trial : Trial
    columns : DataFrame of shape (n_rows, n_columns)
        Numbers without gaps.
    level : float

    Returns
    -------
    Differences
        Groups are the names of the columns.
    """
    trial.refuse_if_thin("a comparison")
    treated, cells, clusters = trial.treated, trial.cells(), trial.clusters()
    size = int(clusters.max()) + 1
    rows, moves = {}, {}
    for name in columns.columns:
        row, influence, kept = _difference(columns[name].to_numpy("float64"), treated, cells, None)
        moves[name] = np.bincount(clusters[kept], influence, size)
        rows[name] = {"treated": int(treated.sum()), "control": int((~treated).sum())} | row
    return _gathered(rows, moves, level)


def _gathered(rows: dict[str, dict], moves: dict[str, np.ndarray], level: float) -> Differences:
    names = list(rows)
    columns = ["treated", "control", "mean_treated", "mean_control", "difference"]
    table = pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns)
    moved = np.stack([moves[name] for name in names], axis=1)
    covariance = pd.DataFrame(moved.T @ moved, index=names, columns=names)
    error = np.sqrt(np.diag(covariance.to_numpy()))
    half = norm.ppf((1 + level) / 2) * error
    table = table.assign(error=error, low=table["difference"] - half, high=table["difference"] + half)
    return Differences(table.astype({"treated": "int64", "control": "int64"}), covariance, level)


def _difference(
    y: np.ndarray, treated: np.ndarray, cells: np.ndarray, adjust: np.ndarray | None
) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
    """Return means and difference, the influence of each row used, and which rows were used."""
    kept = _both_arms(cells, treated)
    y, treated, cells = y[kept], treated[kept], np.unique(cells[kept], return_inverse=True)[1]
    arms = 2 * cells + treated
    held = np.bincount(arms)
    own, share = held[arms], held[1::2] / held[1::2].sum()
    centre, used = np.zeros_like(y), 0
    if adjust is not None:
        y, centre = _without(y, treated, cells, arms, adjust[kept], share)
        used = adjust.shape[1]
    means = np.bincount(arms, y) / held
    left = y - means[arms]
    # A mean of n has a variance estimated with n - 1; a single row has none to show.
    scale = np.sqrt(own / np.maximum(own - 1, 1))
    # Each covariate fitted in an arm takes away one more of its rows.
    rows = np.where(treated, treated.sum(), (~treated).sum())
    scale = scale * np.sqrt(rows / np.maximum(rows - used, 1))
    influence = share[cells] * np.where(treated, 1.0, -1.0) * left / own * scale + centre
    found = {"mean_treated": float(share @ means[1::2]), "mean_control": float(share @ means[0::2])}
    found["difference"] = float(share @ (means[1::2] - means[0::2]))
    return found, influence, np.flatnonzero(kept)


def _both_arms(cells: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """Say of each row whether its campaign has both arms here."""
    count = cells.max() + 1
    both = np.minimum(np.bincount(cells, treated, count), np.bincount(cells, ~treated, count)) > 0
    return both[cells]


def _without(
    y: np.ndarray,
    treated: np.ndarray,
    cells: np.ndarray,
    arms: np.ndarray,
    adjust: np.ndarray,
    share: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Take covariates out of an outcome, each arm with its own slopes."""

    def centred(values: np.ndarray, by: np.ndarray) -> np.ndarray:
        held = np.maximum(np.bincount(by), 1)
        columns = [np.bincount(by, column)[by] / held[by] for column in values.T]
        return values - np.stack(columns, axis=1)

    spread = adjust.std(axis=0)
    x = centred(adjust / np.where(spread > 0, spread, 1.0), cells)
    within_x, within_y = centred(x, arms), centred(y[:, None], arms)[:, 0]
    slopes = [np.linalg.lstsq(within_x[treated == arm], within_y[treated == arm])[0] for arm in (False, True)]
    taken = np.where(treated, x @ slopes[1], x @ slopes[0])
    rows = np.bincount(cells)
    # Who happens to be in the test moves the centre, if the effect depends on the covariates.
    return y - taken, share[cells] * (x @ (slopes[1] - slopes[0])) / rows[cells]
