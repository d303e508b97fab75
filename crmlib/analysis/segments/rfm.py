"""RFM: when a customer last bought, on how many days, and for how much, each as a score, and both together as a cell.

RFM is a summary of the past. It forecasts nothing by itself and knows no margin unless it is given one as money.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.segments.customer_numbers import customer_numbers, refuse_constant, refuse_few
from crmlib.errors import ParameterError

#: Columns that are scored, and the name of each score.
MEASURES = {"recency_days": "recency_score", "frequency": "frequency_score", "money": "money_score"}
#: Named cells: fifths of recency and fifths of frequency and money (mean of both, half rounded up), each
#: from the lowest to the highest. Every combination belongs to one cell.
CELLS = {
    "champions": ((5, 5), (4, 5)),
    "loyal": ((3, 4), (4, 5)),
    "potential loyalists": ((4, 5), (2, 3)),
    "new customers": ((5, 5), (1, 1)),
    "promising": ((4, 4), (1, 1)),
    "needing attention": ((3, 3), (3, 3)),
    "about to sleep": ((3, 3), (1, 2)),
    "cannot lose": ((1, 2), (5, 5)),
    "at risk": ((1, 2), (3, 4)),
    "hibernating": ((2, 2), (1, 2)),
    "lost": ((1, 1), (1, 2)),
}
_FIFTHS = 5
Cuts = int | Mapping[str, int | Sequence[float]]


@dataclass(frozen=True)
class Rfm:
    """Scores and cells of customers, and how far the data allowed what was asked for.

    Attributes
    ----------
    customers : DataFrame
        Indexed like the customers: ``recency_score``, ``frequency_score``, ``money_score`` (1 is worst), ``cell``.
    groups : DataFrame
        Indexed by ``measure`` and ``score``, the best first: ``customers``, ``share``, ``least``, ``most`` (values
        in the group; NaN where nobody is). With nested scores, groups of one score overlap.
    ties : DataFrame
        Indexed by ``measure``: ``values`` (different ones), ``largest_tie`` (share of customers who have the
        commonest value), ``asked`` and ``found`` (groups), ``largest_group`` (share of customers).
    cells : DataFrame
        Indexed by ``cell``, all of `CELLS` in their order: ``customers``, ``share``, ``money``, ``money_share``,
        ``recency_days``, ``frequency`` (means; NaN where nobody is).
    nested : bool
        Whether frequency was scored within recency, and money within both.
    """

    customers: pd.DataFrame
    groups: pd.DataFrame
    ties: pd.DataFrame
    cells: pd.DataFrame
    nested: bool

    @property
    def unequal(self) -> tuple[str, ...]:
        """Measures whose ties left fewer groups than were asked for."""
        return tuple(self.ties.index[self.ties["found"] < self.ties["asked"]])


def rfm(customers: pd.DataFrame, cuts: Cuts = 5, nested: bool = False) -> Rfm:
    """Score recency, frequency and money, and name the cell of each customer.

    Parameters
    ----------
    customers : DataFrame of shape (n_customers, ...)
        ``recency_days`` (days since the last purchase, 0 or more), ``frequency`` (purchase days, 0 or more) and
        ``money`` (net sales or margin), indexed by customer.
    cuts : int or mapping of str to int or sequence of float
        How many groups of equal size, or per column either that or rising edges. An edge is the lowest value of the
        next better group; of ``recency_days``, where less is better, it is the highest: edges 30 and 90 make groups
        of up to 30 days, up to 90 days and more. A column left out of a mapping gets 5 groups.
    nested : bool
        Score frequency among customers of the same recency score, and money among those of the same scores of both,
        instead of each by itself. Edges are the same for everybody in either case.

    Returns
    -------
    Rfm

    Raises
    ------
    DataError
        If a column or a value is missing, a customer stands twice, or days or frequency are below 0.
    ParameterError
        If the cuts name an unknown column, are fewer than two groups, or edges do not rise.
    TooLittleData
        If there are fewer customers than groups, or all have the same value in a column cut into groups of equal size.

    Notes
    -----
    Hughes (1994, Strategic Database Marketing): fifths, nested; independent ones are common since. Among n customers a
    value of average rank r gets score floor(groups · (r − ½) / n) + 1, so equal values always get the same score,
    whatever the order of rows. Where many are equal, the groups are unequal and some stay empty: see `Rfm.ties`.
    Cells are a definition of this project after common practice; scores of other than 5 groups are put on fifths by
    the middle of their group. Their names are hints: RFM does not know who is new.

    Examples
    --------
    >>> people = pd.DataFrame(
    ...     {"recency_days": [3, 40, 90, 200, 400], "frequency": [9, 4, 2, 1, 1], "money": [900, 250, 80, 60, 20]},
    ...     index=list("ABCDE"),
    ... )
    >>> found = rfm(people)
    >>> found.customers["frequency_score"].tolist(), found.unequal
    ([5, 4, 3, 2, 2], ('frequency',))
    >>> found.customers["cell"].tolist()
    ['champions', 'loyal', 'needing attention', 'hibernating', 'lost']
    """
    values = customer_numbers(customers, list(MEASURES))
    customer_numbers(customers, ["recency_days", "frequency"], least=0)
    asked = _checked(cuts)
    scores: dict[str, np.ndarray] = {}
    within = np.zeros(len(customers), dtype=int)
    for measure, cut in asked.items():
        good = -values[measure] if measure == "recency_days" else values[measure]
        if isinstance(cut, int):
            refuse_few(len(good), cut, f"{cut} groups by {measure}")
            refuse_constant(values[measure], measure)
            scores[measure] = equal_groups(good, cut, within if nested else None)
        else:
            scores[measure] = _by_edges(good, np.asarray(cut, float), measure)
        within = within * (_count(cut) + 1) + scores[measure]
    scored = pd.DataFrame(
        {name: scores[measure] for measure, name in MEASURES.items()}, index=customers.index
    )
    fifths = {m: ((scores[m] - 0.5) * _FIFTHS // _count(cut)).astype(int) + 1 for m, cut in asked.items()}
    scored["cell"] = rfm_cell(fifths["recency_days"], fifths["frequency"], fifths["money"])
    return Rfm(
        scored, _groups(values, scores, asked), _ties(values, scores, asked), _cells(values, scored), nested
    )


def equal_groups(values: np.ndarray, groups: int, within: np.ndarray | None = None) -> np.ndarray:
    """Put values into groups of equal size as far as ties allow, 1 for the lowest.

    Parameters
    ----------
    values : ndarray of shape (n,)
    groups : int
    within : ndarray of shape (n,), optional
        Groups are made among equal values of this.

    Returns
    -------
    ndarray of int, shape (n,)
        Equal values (with equal `within`) have equal groups.

    Examples
    --------
    >>> equal_groups(np.array([1.0, 1.0, 1.0, 2.0, 5.0, 9.0]), 3).tolist()
    [1, 1, 1, 2, 3, 3]
    """
    held = pd.Series(values).groupby(np.zeros(len(values), dtype=int) if within is None else within)
    # Twice the average rank less one is a whole number: no score hangs on a rounded fraction.
    twice = np.rint(2 * held.rank(method="average").to_numpy() - 1).astype("int64")
    return groups * twice // (2 * held.transform("size").to_numpy()) + 1


def rfm_cell(recency: np.ndarray, frequency: np.ndarray, money: np.ndarray) -> np.ndarray:
    """Name the cells of customers by the rules of `CELLS`.

    Parameters
    ----------
    recency, frequency, money : ndarray of int, shape (n,)
        Fifths, 1 (worst) to 5.

    Returns
    -------
    ndarray of str, shape (n,)

    Examples
    --------
    >>> rfm_cell(np.array([5, 1]), np.array([5, 1]), np.array([4, 2])).tolist()
    ['champions', 'lost']
    """
    both = (frequency + money + 1) // 2
    named = np.empty((_FIFTHS + 1, _FIFTHS + 1), dtype=object)
    for name, ((r_low, r_high), (b_low, b_high)) in CELLS.items():
        named[r_low : r_high + 1, b_low : b_high + 1] = name
    return named[recency, both]


def _checked(cuts: Cuts) -> dict[str, int | tuple[float, ...]]:
    given = dict.fromkeys(MEASURES, cuts) if isinstance(cuts, int) else dict(cuts)
    unknown = sorted(set(given) - set(MEASURES))
    if unknown:
        raise ParameterError(
            f"cuts for {', '.join(unknown)}", f"cuts for {', '.join(MEASURES)}", "correct the name"
        )
    asked: dict[str, int | tuple[float, ...]] = {}
    for measure in MEASURES:
        cut = given.get(measure, _FIFTHS)
        if isinstance(cut, int):
            good = cut >= 2
        else:
            cut = tuple(float(edge) for edge in cut)
            good = len(cut) > 0 and bool(np.all(np.isfinite(cut))) and bool(np.all(np.diff(cut) > 0))
        if not good:
            raise ParameterError(
                f"cuts of {measure} = {cut}",
                "2 groups or more, or finite edges that rise",
                "give a number of groups, or edges such as 30, 90, 180",
            )
        asked[measure] = cut
    return asked


def _count(cut: int | tuple[float, ...]) -> int:
    return cut if isinstance(cut, int) else len(cut) + 1


def _by_edges(good: np.ndarray, edges: np.ndarray, measure: str) -> np.ndarray:
    edges = -edges[::-1] if measure == "recency_days" else edges
    return np.searchsorted(edges, good, side="right") + 1


def _groups(values: dict, scores: dict, asked: dict) -> pd.DataFrame:
    parts = {}
    for measure, cut in asked.items():
        held = pd.Series(values[measure]).groupby(scores[measure]).agg(["size", "min", "max"])
        parts[measure] = held.reindex(pd.RangeIndex(_count(cut), 0, -1))
    table = pd.concat(parts, names=["measure", "score"]).set_axis(["customers", "least", "most"], axis=1)
    table["customers"] = table["customers"].fillna(0).astype(int)
    table.insert(1, "share", table["customers"] / len(values["money"]))
    return table


def _ties(values: dict, scores: dict, asked: dict) -> pd.DataFrame:
    rows = {}
    for measure, cut in asked.items():
        counts = np.unique(values[measure], return_counts=True)[1]
        sizes = np.bincount(scores[measure])
        n = len(values[measure])
        rows[measure] = {
            "values": len(counts),
            "largest_tie": counts.max(initial=0) / n if n else np.nan,
            "asked": _count(cut),
            "found": int((sizes > 0).sum()),
            "largest_group": sizes.max(initial=0) / n if n else np.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("measure")


def _cells(values: dict, scored: pd.DataFrame) -> pd.DataFrame:
    held = pd.DataFrame(values, index=scored.index).groupby(scored["cell"].to_numpy())
    table = held.mean().drop(columns="money").reindex(list(CELLS))
    sizes, money = held.size().reindex(list(CELLS), fill_value=0), held["money"].sum().reindex(list(CELLS))
    money = money.fillna(0.0)
    total = money.sum()
    front = {
        "customers": sizes,
        "share": sizes / max(len(scored), 1),
        "money": money,
        "money_share": money / total if total > 0 else np.nan,
    }
    return pd.concat([pd.DataFrame(front), table], axis=1).rename_axis("cell")
