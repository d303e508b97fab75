"""What a method goes by: which features its probabilities need, and how they move with each.

Both look at the method, not at the world: a feature that comes with churn need not cause it, and changing it need not
keep anybody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import t as student

from crmlib.analysis.churn.calibration import CalibratedPredictor
from crmlib.analysis.churn.encoding import is_category
from crmlib.analysis.churn.roles import Rows
from crmlib.analysis.rounding import rounded
from crmlib.errors import ParameterError

_BLOCKS = 30
_ROWS = 20_000
_GRID_ROWS = 2_000


def related_features(features: pd.DataFrame, alike: float = 0.8) -> dict[str, tuple[str, ...]]:
    """Group columns of numbers that say much the same.

    Parameters
    ----------
    features : DataFrame of shape (n_rows, n_features)
    alike : float
        Mean rank correlation, in size, from which columns go together; above 1 each stands alone.

    Returns
    -------
    dict of str to tuple of str
        Name of the first column of each group to all of its columns. Categories stand alone.

    Notes
    -----
    Average linkage on 1 - |Spearman's correlation| over the rows where both are known.

    Examples
    --------
    >>> orders = np.arange(50.0)
    >>> known = pd.DataFrame({"orders": orders, "margin": orders**2, "age": np.tile([3.0, 1, 2, 4, 5], 10)})
    >>> related_features(known)
    {'orders': ('orders', 'margin'), 'age': ('age',)}
    """
    numbers = [name for name in features if not is_category(features[name])]
    label = {name: name for name in features}
    if len(numbers) > 1:
        ranks = features[numbers].astype("float64").corr(method="spearman").abs().fillna(0.0).to_numpy()
        apart = np.round(1 - ranks, 9)
        np.fill_diagonal(apart, 0.0)
        cluster = fcluster(linkage(squareform(apart, checks=False), "average"), 1 - alike, "distance")
        first: dict[int, str] = {}
        for name, number in zip(numbers, cluster, strict=True):
            label[name] = first.setdefault(number, name)
    groups: dict[str, list[str]] = {}
    for name in features:
        groups.setdefault(label[name], []).append(name)
    return {name: tuple(columns) for name, columns in groups.items()}


def importance(
    predictor: CalibratedPredictor,
    rows: Rows,
    groups: Mapping[str, Sequence[str]] | None = None,
    *,
    n_repeats: int = 10,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure how much worse the probabilities get if a feature is dealt out anew among the customers.

    Parameters
    ----------
    predictor : CalibratedPredictor
    rows : Rows
        Test days, which the predictor has not seen; `crmlib.analysis.churn.contest.Contest.tested`.
    groups : mapping of str to sequence of str, optional
        Name to columns that are dealt out together; those of `related_features` by default.
    n_repeats : int
        How often each is dealt out.
    level : float
    seed : int

    Returns
    -------
    DataFrame
        Indexed by ``feature`` (name of the group), the most important first: ``features`` (all columns, text),
        ``importance`` (rise of the Brier score), ``low``, ``high``, ``share`` (of the Brier score as it is),
        ``by_chance`` (bool: the interval holds 0).

    Notes
    -----
    Permutation importance (Breiman 2001, Machine Learning 45:5-32; Fisher, Rudin & Dominici 2019, Journal of Machine
    Learning Research 20:177), all groups in turn dealt out in the same order. Columns that say much the same are
    dealt out together: alone, each would look unimportant because the other is still there. The interval runs over
    customers: the rises of 30 blocks of customers (fewer if there are fewer than 300) and Student's t. Up to 20,000
    rows are looked at.

    Examples
    --------
    >>> from crmlib.analysis.churn.calibration import LogisticCurve
    >>> from crmlib.analysis.churn.predictors import fit_predictor
    >>> rng = np.random.default_rng(1)
    >>> index = pd.MultiIndex.from_product([["2025-01-01"], range(600)], names=["day", "customer_id"])
    >>> known = pd.DataFrame({"recency_days": rng.integers(1, 400, 600), "shoe_size": 40.0}, index=index)
    >>> left = pd.Series(rng.random(600) < known["recency_days"] / 400, index=index)
    >>> model = fit_predictor("logistic", known, left, np.arange(600))
    >>> found = importance(CalibratedPredictor(model, LogisticCurve(0, 1)), Rows(known, left, 600), n_repeats=2)
    >>> found["by_chance"].to_dict()
    {'recency_days': False, 'shoe_size': True}
    """
    rows = _some(rows, _ROWS, seed)
    groups = dict(related_features(rows.features) if groups is None else groups)
    absent = [name for columns in groups.values() for name in columns if name not in rows.features]
    if absent or not groups:
        raise ParameterError(
            f"groups with {', '.join(absent) or 'nothing'}", "columns of the features", "correct the groups"
        )
    codes, names = pd.factorize(rows.customers, sort=True)
    blocks = int(np.clip(len(names) // 10, 2, _BLOCKS))
    # Of equal size to within one customer, and dealt by lot: names may say when somebody came.
    block = (np.random.default_rng([seed, len(names)]).permutation(len(names)) % blocks)[codes]
    sizes = np.bincount(block, minlength=blocks)
    came = rows.churned.to_numpy("float64")

    def losses(chance: np.ndarray) -> np.ndarray:
        return np.bincount(block, (chance - came) ** 2, minlength=blocks) / sizes

    chance = predictor.predict_proba(rows.features)[:, 1]
    as_it_is, rise = losses(chance), np.zeros((blocks, len(groups)))
    dealer = np.random.default_rng([seed, len(came)])
    orders = (dealer.permutation(len(came)) for _ in range(n_repeats))
    places = {name: place for place, name in enumerate(groups)}
    for name, log_odds in predictor.predictor.log_odds_dealt(rows.features, groups, orders):
        rise[:, places[name]] += (losses(predictor.curve.probabilities(log_odds)) - as_it_is) / n_repeats
    weight = sizes[:, None] / sizes.mean()
    mean = (weight * rise).mean(axis=0)
    error = (weight * (rise - mean)).std(axis=0, ddof=1) / np.sqrt(blocks)
    half = student.ppf((1 + level) / 2, blocks - 1) * error
    table = pd.DataFrame(
        {
            "features": [", ".join(columns) for columns in groups.values()],
            "importance": rounded(mean),
            "low": rounded(mean - half),
            "high": rounded(mean + half),
            "share": rounded(mean / ((chance - came) ** 2).mean()),
            "by_chance": (mean - half <= 0) & (mean + half >= 0),
        },
        index=pd.Index(list(groups), name="feature"),
    )
    return table.sort_values("importance", ascending=False, kind="stable")


def dependence(
    predictor: CalibratedPredictor,
    rows: Rows,
    features: Sequence[str],
    *,
    points: int = 9,
    seed: int = 0,
) -> pd.DataFrame:
    """Show how the mean probability moves if all customers had the same value of a feature.

    Parameters
    ----------
    predictor : CalibratedPredictor
    rows : Rows
        As in `importance`.
    features : sequence of str
        Columns.
    points : int
        Values to look at: quantiles from 5 to 95 % of the known values, or the most frequent categories.
    seed : int

    Returns
    -------
    DataFrame
        One row per feature and point: ``feature``, ``value`` (number; NaN for a category), ``label`` (text),
        ``churn`` (mean probability).

    Raises
    ------
    ParameterError
        If there is no such feature.

    Notes
    -----
    Partial dependence (Friedman 2001, Annals of Statistics 29:1189-1232), on up to 2,000 rows. Where
    features go together, it asks about customers that hardly exist.

    Examples
    --------
    >>> from crmlib.analysis.churn.calibration import LogisticCurve
    >>> from crmlib.analysis.churn.predictors import Predictor
    >>> one_rate = CalibratedPredictor(Predictor("base_rate", None, 0.5), LogisticCurve(0.0, 1.0))
    >>> known = pd.DataFrame({"orders": [1.0, 2, 3, 4]}, index=pd.Index(list("ABCD"), name="customer_id"))
    >>> rows = Rows(known, pd.Series([True, False] * 2, index=known.index), 4)
    >>> dependence(one_rate, rows, ["orders"], points=2)["churn"].tolist()
    [0.5, 0.5]
    """
    absent = [name for name in features if name not in rows.features]
    if absent or points < 2:
        raise ParameterError(
            f"features {', '.join(absent)}, points = {points}", "columns of the features, and 2 points or more",
            "correct them",
        )  # fmt: skip
    known = _some(rows, _GRID_ROWS, seed).features
    grids, kinds = {}, {}
    for name in features:
        kinds[name] = is_category(known[name])
        # Whole numbers and categories take other values only in a column that may hold them.
        column = known[name].astype("object" if kinds[name] else "float64")
        grid = _grid(column, kinds[name], points)
        if len(grid):
            grids[name] = grid
    parts = []
    for name, log_odds in predictor.predictor.log_odds_at(known, grids):
        grid, names = grids[name], kinds[name]
        parts.append(
            pd.DataFrame(
                {
                    "feature": name,
                    "value": np.nan if names else grid.astype("float64"),
                    "label": [str(value) if names else f"{rounded(value, 3):g}" for value in grid],
                    "churn": rounded(predictor.curve.probabilities(log_odds).mean(axis=0)),
                }
            )
        )
    if not parts:
        return pd.DataFrame({"feature": [], "value": [], "label": [], "churn": []})
    return pd.concat(parts, ignore_index=True)


def _grid(column: pd.Series, names: bool, points: int) -> np.ndarray:
    known = column.dropna()
    if names:
        counts = known.value_counts()
        order = sorted(counts.index, key=lambda name: (-counts[name], str(name)))
        return np.array(order[:points], dtype=object)
    if known.empty:
        return known.to_numpy()
    # Values that occur: half an order asks for nothing that can be.
    quantiles = known.quantile(np.linspace(0.05, 0.95, points), interpolation="nearest")
    return np.unique(rounded(quantiles.to_numpy()))


def _some(rows: Rows, most: int, seed: int) -> Rows:
    """Rows of so many customers, drawn by lot, that there are about `most` at most."""
    if len(rows.features) <= most:
        return rows
    codes, names = pd.factorize(rows.customers, sort=True)
    share = most / len(rows.features)
    kept = (np.random.default_rng([seed, len(names), most]).random(len(names)) < share)[codes]
    return Rows(rows.features[kept], rows.churned[kept], rows.of)


@dataclass(frozen=True)
class Drivers:
    """What a method goes by.

    Attributes
    ----------
    importance : DataFrame
        As `importance` returns it.
    dependence : DataFrame
        As `dependence` returns it, for the most important features that are not so by chance.
    """

    importance: pd.DataFrame
    dependence: pd.DataFrame


def find_drivers(
    predictor: CalibratedPredictor,
    rows: Rows,
    groups: Mapping[str, Sequence[str]] | None = None,
    *,
    most: int = 4,
    seed: int = 0,
) -> Drivers:
    """Measure what all features are worth, and look at the most important ones.

    Parameters
    ----------
    predictor : CalibratedPredictor
    rows : Rows
    groups : mapping of str to sequence of str, optional
        As in `importance`.
    most : int
        Features to look at: of each of the most important groups the column that moves the probability most. Others of
        the group may move it as much in reality, and the method leaves the work to this one.
    seed : int

    Returns
    -------
    Drivers
    """
    groups = dict(related_features(_some(rows, _ROWS, seed).features) if groups is None else groups)
    found = importance(predictor, rows, groups, seed=seed)
    read = set(predictor.predictor.columns)
    real = found.index[found["low"] > 0][:most]
    columns = [one for name in real for one in groups[name] if one in read]
    moved = dependence(predictor, rows, columns, seed=seed)
    reach = moved.groupby("feature")["churn"].agg(np.ptp)
    leading = [
        max((one for one in groups[name] if one in reach.index), key=reach.get, default=None) for name in real
    ]
    parts = [moved[moved["feature"] == one] for one in leading if one is not None]
    return Drivers(found, pd.concat(parts, ignore_index=True) if parts else moved)
