"""Do clusters foretell next period's profit better than plain RFM does, or than something simpler still?

Segments and their mean profit are learned on one pair of neighbouring periods and tried on the next pair, with
nothing but what was known on the day between the two. If a simple rule does as well, it is the one to use.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from crmlib.analysis.intervals import percentile_ends
from crmlib.analysis.rounding import rounded
from crmlib.analysis.segments.cluster_features import Transform, cluster_features, drawn_rows, same_scale
from crmlib.analysis.segments.clusters import checked_draw, fitted
from crmlib.analysis.segments.customer_numbers import customer_numbers, refuse_few
from crmlib.analysis.segments.period_pairs import Pair
from crmlib.analysis.segments.rfm import MEASURES, rfm
from crmlib.errors import DataError, ParameterError, TooLittleData

#: The methods, the simplest first.
METHODS = {
    "one_mean": "One mean for everybody",
    "last_money": "Last period's profit once more",
    "line": "A straight line on last period's profit",
    "money_fifths": "Fifths of last period's profit",
    "rfm_cells": "Named cells of RFM",
    "rfm_scores": "All three scores of RFM",
    "clusters": "Clusters",
}
_FIFTHS, _MOST, _STARTS, _BLOCK = 5, 50_000, 10, 4_000_000
_LEAST = 50
#: Share of customers, by size of profit or loss, who are left out where the usual customer is looked at.
_LARGEST = 0.01


@dataclass(frozen=True)
class AgainstRfm:
    """How well each method foretold the profit of the next period.

    Attributes
    ----------
    scores : DataFrame
        Indexed by ``method`` in the order of `METHODS`: ``groups`` (NaN where there are none), ``r2`` (share of the
        squared error of one mean that is removed, on customers of the later pair), ``r2_usual`` (the same without the
        hundredth of customers of largest profit or loss in the period known), ``top_tenth`` and ``top_fifth`` (share
        of all profit of the next period that so many customers, those ranked highest, brought; NaN unless all profit
        is above 0), each with ``_low`` and ``_high``.
    differences : DataFrame
        Indexed by ``method``, ``measure`` (r2, r2_usual, top_tenth, top_fifth): ``clusters_less`` (clusters less
        the method), ``low``, ``high``.
    winner : str
        Method with the highest ``r2``.
    use : str
        The simplest method that the winner does not beat beyond chance.
    rfm : {'rfm_cells', 'rfm_scores'}
        Which RFM did better by ``r2``, and is what clusters are held against.
    clusters_against_rfm : {'better', 'worse', 'no difference beyond chance'}
        By ``r2``.
    learned_on : {'earlier pair', 'folds of customers'}
    customers : int
    level : float
    """

    scores: pd.DataFrame
    differences: pd.DataFrame
    winner: str
    use: str
    rfm: str
    clusters_against_rfm: str
    learned_on: str
    customers: int
    level: float


def against_rfm(
    later: Pair,
    earlier: Pair | None = None,
    transforms: Mapping[str, Transform] | None = None,
    k: int = 5,
    folds: int = 5,
    draws: int = 500,
    seed: int = 1,
    level: float = 0.95,
) -> AgainstRfm:
    """Compare clusters with RFM and simpler rules at foretelling profit.

    Parameters
    ----------
    later : Pair
        Whom the methods are tried on.
    earlier : Pair, optional
        What they are learned on; without it, on the other folds of the same customers.
    transforms : mapping, optional
        Columns of the clusters and what is done to each; by default the logarithm of ``recency_days``, ``frequency``
        and ``money``, the same columns that RFM reads.
    k : int
        Number of clusters.
    folds : int
        Parts of the customers, 2 or more, where there is no earlier pair.
    draws, seed : int
        Times that customers are drawn anew.
    level : float

    Returns
    -------
    AgainstRfm

    Raises
    ------
    DataError
        If a column or a value is missing.
    ParameterError
        If a number is out of range.
    TooLittleData
        If there are fewer than 50 customers, or all are the same.

    Notes
    -----
    Intervals: percentiles with the customers of the later pair drawn anew (Efron & Tibshirani 1993, An Introduction
    to the Bootstrap, chapter 13); what was learned stays. A mean of squares listens to few large customers, hence
    ``r2_usual`` and the shares. RFM is tried by its named cells and by all combinations of its scores, and the better
    one is the rival. K-means on what is known, never on what is foretold. Definition of this project.

    Examples
    --------
    >>> from crmlib.analysis.period import Period
    >>> day = Period.ending(pd.Timestamp(2026, 6, 30).date(), 12)
    >>> count = np.arange(1.0, 101)
    >>> known = pd.DataFrame({"recency_days": 300 - 2 * count, "frequency": count // 9 + 1, "money": count})
    >>> found = against_rfm(Pair(known, known["money"] * 0.9, day.previous(), day), draws=50)
    >>> found.winner, found.use, found.learned_on
    ('line', 'line', 'folds of customers')
    """
    columns = dict(transforms or dict.fromkeys(("recency_days", "frequency", "money"), "log"))
    _check_options(k, folds, draws, level)
    names = list(dict.fromkeys(("recency_days", "frequency", "money", *columns)))
    tried = _checked(later, names)
    n, source = len(later.later), earlier or later
    _checked(source, names)
    if earlier is None:
        order = drawn_rows(np.column_stack([*tried.values()]), n, seed)
        part = np.empty(n, dtype=int)
        part[order] = np.random.default_rng([seed, folds]).permutation(n) % folds
        sides = [(part != fold, part == fold) for fold in range(folds)]
    else:
        sides = [(np.ones(len(earlier.later), dtype=bool), np.ones(n, dtype=bool))]
    # Cells take the customers of their own day as the measure; that is known on the day.
    held = [rfm(pair.features[list(MEASURES)]).customers for pair in (source, later)]
    shape = n, len(METHODS)
    guess, tenth, fifth = np.empty(shape), np.empty(shape), np.empty(shape)
    groups = np.full((len(sides), len(METHODS)), np.nan)
    for number, (learn, test) in enumerate(sides):
        known, others = source.features.loc[learn, names], later.features.loc[test, names]
        future = source.later.to_numpy("float64")[learn]
        with threadpool_limits(1):
            found = _guesses(known, future, others, (held[0][learn], held[1][test]), columns, k, seed)
        for place, (values, count) in enumerate(found):
            guess[test, place], groups[number, place] = values, count
            # Ranked among those whom one learning is about: means of different folds are not compared.
            tenth[test, place], fifth[test, place] = picked(values, 0.1), picked(values, 0.2)
    future = later.later.to_numpy("float64")
    usual = picked(np.abs(later.features["money"].to_numpy("float64")), _LARGEST) < 1
    error = (future[:, None] - guess) ** 2
    # Every measure is a ratio of sums over customers, so drawing customers anew is one product of matrices.
    parts = [error, error * usual[:, None], tenth * future[:, None], fifth * future[:, None], future[:, None]]
    seen, again = _drawn(np.hstack(parts), draws, seed)
    learned = "folds of customers" if earlier is None else "earlier pair"
    return _verdict(seen, again, groups.max(axis=0), learned, n, level)


def _guesses(
    known: pd.DataFrame,
    future: np.ndarray,
    others: pd.DataFrame,
    held: tuple[pd.DataFrame, pd.DataFrame],
    columns: Mapping[str, Transform],
    k: int,
    seed: int,
) -> list[tuple[np.ndarray, float]]:
    """Profit each method expects of the others, and its number of groups; in the order of `METHODS`."""
    mean = future.mean()
    money, other_money = known["money"].to_numpy("float64"), others["money"].to_numpy("float64")
    spread = money.var()
    slope = ((money - money.mean()) * (future - mean)).mean() / spread if spread > 0 else 0.0
    found = [
        (np.full(len(others), mean), np.nan),
        (other_money, np.nan),
        (mean + slope * (other_money - money.mean()), np.nan),
    ]
    fifths = np.quantile(money, np.arange(1, _FIFTHS) / _FIFTHS)
    features = cluster_features(known, columns)
    values = features.scaled.to_numpy()
    model = fitted(values[checked_draw(values, k, "k_means", _MOST, seed)], k, "k_means", seed, _STARTS)
    pairs = [
        (np.searchsorted(fifths, money, "right"), np.searchsorted(fifths, other_money, "right")),
        tuple(one["cell"].to_numpy() for one in held),
        tuple(_combined(one) for one in held),
        (model.predict(values), model.predict(same_scale(others, features).to_numpy())),
    ]
    for learned, asked in pairs:
        means = pd.Series(future).groupby(learned).mean()
        found.append((means.reindex(asked).fillna(mean).to_numpy(), len(means)))
    return found


def picked(guess: np.ndarray, share: float) -> np.ndarray:
    """Say who is among a share of the customers with the highest guesses.

    Parameters
    ----------
    guess : ndarray of shape (n,)
    share : float
        0 to 1.

    Returns
    -------
    ndarray of shape (n,)
        1, 0, or the part that is left for those of the same guess, who share the last places.

    Examples
    --------
    >>> picked(np.array([9.0, 5.0, 5.0, 1.0]), 0.5).tolist()
    [1.0, 0.5, 0.5, 0.0]
    """
    _, place, counts = np.unique(-guess, return_inverse=True, return_counts=True)
    before = np.cumsum(counts) - counts
    return np.clip((share * len(guess) - before) / counts, 0, 1)[place]


def _combined(scored: pd.DataFrame) -> np.ndarray:
    """One number for the three scores of a customer."""
    return scored[list(MEASURES.values())].to_numpy() @ np.array([100, 10, 1])


def _drawn(parts: np.ndarray, draws: int, seed: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Every measure as seen, and with customers drawn anew: arrays of shape (1 or draws, n_methods)."""
    # By what is in them, so that the order of the rows decides nothing.
    parts = parts[np.lexsort(parts.T)]
    n = len(parts)
    drawn = np.empty((draws, parts.shape[1]))
    rng = np.random.default_rng([seed, n])
    step = max(1, _BLOCK // n)
    for start in range(0, draws, step):
        stop = min(start + step, draws)
        times = [np.bincount(rng.integers(0, n, n, dtype=np.int32), minlength=n) for _ in range(start, stop)]
        drawn[start:stop] = np.stack(times).astype("float64") @ parts
    return _measures(parts.sum(axis=0)[None, :]), _measures(drawn)


def _measures(sums: np.ndarray) -> dict[str, np.ndarray]:
    error, usual, tenth, fifth, total = np.split(sums, np.arange(1, 5) * len(METHODS), axis=1)
    alone = [np.where(one[:, :1] > 0, one[:, :1], np.nan) for one in (error, usual, total)]
    return {
        "r2": 1 - error / alone[0],
        "r2_usual": 1 - usual / alone[1],
        "top_tenth": tenth / alone[2],
        "top_fifth": fifth / alone[2],
    }


def _verdict(
    seen: dict[str, np.ndarray],
    again: dict[str, np.ndarray],
    groups: np.ndarray,
    learned: str,
    customers: int,
    level: float,
) -> AgainstRfm:
    names = list(METHODS)
    mine = names.index("clusters")
    scores, differences = {"groups": groups}, {}
    for measure, values in seen.items():
        low, high = percentile_ends(again[measure], level)
        scores |= {
            measure: rounded(values[0]),
            f"{measure}_low": rounded(low),
            f"{measure}_high": rounded(high),
        }
        low, high = percentile_ends(again[measure][:, [mine]] - again[measure], level)
        for place, name in enumerate(names[:mine]):
            differences[name, measure] = (values[0, mine] - values[0, place], low[place], high[place])
    table = pd.DataFrame(differences, index=["clusters_less", "low", "high"]).T.rename_axis(
        ["method", "measure"]
    )
    error = seen["r2"][0]
    if np.isnan(error).all():
        raise TooLittleData(
            "the same profit in the next period for all customers",
            "customers who differ",
            "take a longer period",
        )
    best = int(np.nanargmax(error))
    ahead = percentile_ends(again["r2"][:, [best]] - again["r2"], level)[0]
    use = next(name for place, name in enumerate(names) if place == best or not ahead[place] > 0)
    rivals = [names.index(name) for name in ("rfm_cells", "rfm_scores")]
    rival = names[max(rivals, key=lambda place: error[place])]
    low, high = table.loc[(rival, "r2"), ["low", "high"]]
    said = "better" if low > 0 else "worse" if high < 0 else "no difference beyond chance"
    return AgainstRfm(
        pd.DataFrame(scores, index=pd.Index(names, name="method")),
        table.apply(rounded), names[best], use, rival, said, learned, customers, level,
    )  # fmt: skip


def _checked(pair: Pair, names: list[str]) -> dict[str, np.ndarray]:
    refuse_few(len(pair.later), _LEAST, "a comparison of what foretells their profit")
    if not pair.features.index.equals(pair.later.index):
        raise DataError(
            "features and later profit of different customers",
            "the same customers in the same order",
            "align them",
        )
    return customer_numbers(pair.features.assign(later=pair.later), [*names, "later"])


def _check_options(k: int, folds: int, draws: int, level: float) -> None:
    if k < 2 or folds < 2 or draws < 1 or not 0 < level < 1:
        raise ParameterError(
            f"k = {k}, folds = {folds}, draws = {draws}, level = {level}",
            "2 clusters and folds or more, a draw or more, and a level between 0 and 1",
            "correct the parameter",
        )
