"""How much each column says alone: learned on earlier days, measured on a later one."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from crmlib.analysis.churn.encoding import is_category
from crmlib.analysis.churn.snapshot import Snapshot
from crmlib.errors import TooLittleData

_BINS, _SMOOTH = 20, 10.0
_FEWEST = 20


def single_column_auc(snapshots: Sequence[Snapshot]) -> pd.DataFrame:
    """Measure how well each column alone tells who stays away, on the last day, by what it meant on earlier ones.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        With known outcomes, two or more.

    Returns
    -------
    DataFrame
        Indexed by ``column``, the best first: ``auc`` (chance that a customer who left gets a higher risk than one who
        stayed), ``error`` (its standard error).

    Raises
    ------
    TooLittleData
        If there are no two days, or fewer than 20 who left or stayed on the last one.

    Notes
    -----
    A column is cut into 20 parts of equal size, missing values and each name being parts of their own; the risk of a
    part is the share that left on earlier days, drawn towards the rate of all by ten customers. So a column that leaks
    by being missing, or in no order, is seen as well. Standard error: Hanley & McNeil (1982), Radiology 143:29-36.

    Examples
    --------
    >>> from datetime import date
    >>> rng = np.random.default_rng(1)
    >>> def snapshot(day):
    ...     left = rng.random(300) < 0.4
    ...     known = pd.DataFrame({"shoe_size": rng.normal(size=300), "recency_days": rng.normal(left, 1)})
    ...     return Snapshot(day, 30, known, pd.DataFrame({"churned": left, "margin": 0.0}))
    >>> single_column_auc([snapshot(date(2026, 1, 1)), snapshot(date(2026, 2, 1))]).index[0]
    'recency_days'
    """
    known = sorted((one for one in snapshots if one.outcome is not None), key=lambda one: one.day)
    left = np.asarray(known[-1].churned, dtype=bool) if known else np.zeros(0, dtype=bool)
    if len(known) < 2 or min(left.sum(), (~left).sum()) < _FEWEST:
        raise TooLittleData(
            f"{len(known)} days with a known outcome, and on the last {int(left.sum()):,} who left and "
            f"{int((~left).sum()):,} who stayed",
            f"two days or more, and {_FEWEST} of each on the last",
            "make more snapshots",
        )
    *earlier, last = known
    before = pd.concat([one.churned for one in earlier]).to_numpy(dtype="float64")
    rows = {}
    for name in last.features:
        column = pd.concat([one.features[name] for one in earlier])
        risks = _risks(column, before, last.features[name])
        auc = _auc(risks, left)
        rows[name] = (auc, _auc_error(auc, int(left.sum()), int((~left).sum())))
    found = pd.DataFrame.from_dict(rows, orient="index", columns=["auc", "error"]).rename_axis("column")
    return found.sort_values("auc", ascending=False, kind="stable").round(6)


def _risks(column: pd.Series, left: np.ndarray, later: pd.Series) -> np.ndarray:
    """Share that left, by part of the column, for the rows of a later day."""
    both = pd.concat([column, later])
    if is_category(column):
        parts = pd.factorize(both.astype("object"), use_na_sentinel=True)[0] + 1
    else:
        values = both.to_numpy(dtype="float64", na_value=np.nan)
        known = values[: len(column)]
        edges = (
            np.unique(np.quantile(known[~np.isnan(known)], np.linspace(0, 1, _BINS + 1)))
            if (~np.isnan(known)).any()
            else np.zeros(0)
        )
        parts = np.where(np.isnan(values), 0, np.searchsorted(edges, values, side="right") + 1)
    early = parts[: len(column)]
    count = np.bincount(early, minlength=parts.max() + 1)
    gone = np.bincount(early, left, parts.max() + 1)
    return ((gone + _SMOOTH * left.mean()) / (count + _SMOOTH))[parts[len(column) :]]


def _auc(risks: np.ndarray, left: np.ndarray) -> float:
    """Mann and Whitney's statistic as a share; equal risks count half."""
    count = int(left.sum())
    return float((rankdata(risks)[left].sum() - count * (count + 1) / 2) / (count * (len(left) - count)))


def _auc_error(auc: float, left: int, stayed: int) -> float:
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (left - 1) * (one - auc**2) + (stayed - 1) * (two - auc**2)
    return float(np.sqrt(max(spread, 0.0) / (left * stayed)))
