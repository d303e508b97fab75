"""Methods tried on the next orders of customers, which they have not seen."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.intervals import percentile_ends
from crmlib.analysis.next_product.histories import Histories
from crmlib.analysis.next_product.methods import BY_SIMPLICITY, Past, in_chunks, learn, methods_for, scores
from crmlib.errors import TooLittleData

#: Fewest customers with a next order to try methods on.
FEWEST_CUSTOMERS = 100
#: Most customers to try methods on; of more, so many are drawn.
MOST_CUSTOMERS = 20_000
_BLOCK = 4_000_000


@dataclass(frozen=True)
class Comparison:
    """How well each method foresees the next order of customers.

    Attributes
    ----------
    table : DataFrame
        Indexed by method, the simplest first: ``hit_rate`` (share of customers whose next order holds one of the items
        offered) with ``low`` and ``high``, ``recall`` (share of the next order that was offered), ``reciprocal_rank``
        (mean of 1 / place of the first item of the next order), ``coverage`` (share of all items offered to
        anybody), ``behind_best`` (hit rate less that of the best) with ``behind_low`` and ``behind_high``.
    best, simplest : str
        The method with the highest hit rate; the simplest that cannot be told from it.
    customers : int
        Customers with a next order that counts, of whom at most 20,000 with a next order are drawn.
    learnt_to, last : int
        Last day learnt from, last day of the next orders (days since 1970).
    new_only : bool
    top : int
        Items offered to each customer.
    first_score, first_hit : dict of str to ndarray
        Per method, for all customers with a next order: score of the first item offered; 1 if the order held it.
    """

    table: pd.DataFrame
    best: str
    simplest: str
    customers: int
    learnt_to: int
    last: int
    new_only: bool
    top: int
    first_score: dict[str, np.ndarray]
    first_hit: dict[str, np.ndarray]


def compare_methods(
    histories: Histories,
    learnt_to: int,
    last: int,
    new_only: bool = True,
    top: int = 5,
    level: float = 0.95,
    draws: int = 500,
    seed: int = 1,
) -> Comparison:
    """Learn up to a day and try all methods on the next order of each customer after it.

    Parameters
    ----------
    histories : Histories
    learnt_to, last : int
        Last day to learn from and last day on which a next order counts (days since 1970).
    new_only : bool
        Whether only items count that the customer had not bought before; a next order without any is left out.
    top : int
        Items offered to each customer.
    level : float
    draws, seed : int
        Draws of customers for the intervals.

    Returns
    -------
    Comparison

    Raises
    ------
    TooLittleData
        If fewer than 100 customers have a next order that counts.

    Notes
    -----
    Customers with a purchase before take part. Intervals are percentiles over customers drawn anew, the same draws for
    all methods, so that differences between methods are those within customers.
    """
    learnt = learn(histories, learnt_to)
    past = Past.of(histories, learnt_to)
    after = histories.between(learnt_to + 1, last).first_orders()
    known = np.asarray(past.ever.sum(axis=1)) > 0
    target = after - after.multiply(past.ever) if new_only else after
    target = target.tocsr()
    target.eliminate_zeros()
    rows = np.flatnonzero(known & (np.asarray(after.sum(axis=1)) > 0))
    if len(rows) > MOST_CUSTOMERS:
        rows = np.sort(np.random.default_rng([seed, len(rows)]).choice(rows, MOST_CUSTOMERS, replace=False))
    counts = np.asarray(target.sum(axis=1))[rows] > 0
    if counts.sum() < FEWEST_CUSTOMERS:
        raise TooLittleData(
            f"{int(counts.sum())} customers with a next order{' of something new' if new_only else ''}",
            f"{FEWEST_CUSTOMERS} or more",
            "try over a longer time, or offer what sells most",
        )
    methods = methods_for(new_only)
    parts: dict[str, list[np.ndarray]] = {method: [] for method in methods}
    offered = {method: np.zeros(len(histories.items), bool) for method in methods}
    for chosen in in_chunks(rows, len(histories.items)):
        mine, wanted = past.rows(chosen), target[chosen].toarray() > 0
        for method in methods:
            found = scores(method, learnt, mine, new_only)
            parts[method].append(_measured(found, wanted, min(top, found.shape[1]), offered[method]))
    everyone = {method: np.vstack(values) for method, values in parts.items()}
    measured = {method: values[counts] for method, values in everyone.items()}
    hits = np.column_stack([values[:, 0] for values in measured.values()])
    rates, drawn = hits.mean(axis=0), _drawn_means(hits, draws, seed)
    best = int(np.argmax(rates))  # the simplest of equals
    ends, behind = percentile_ends(drawn, level), percentile_ends(drawn - drawn[:, [best]], level)
    table = pd.DataFrame(
        {
            "hit_rate": rates,
            "low": ends[0],
            "high": ends[1],
            "recall": [values[:, 1].mean() for values in measured.values()],
            "reciprocal_rank": [values[:, 2].mean() for values in measured.values()],
            "coverage": [seen.mean() for seen in offered.values()],
            "behind_best": rates - rates[best],
            "behind_low": behind[0],
            "behind_high": behind[1],
        },
        index=pd.Index(methods, name="method"),
    )
    equal = table.index[table["behind_high"] >= 0]
    return Comparison(
        table=table,
        best=methods[best],
        simplest=min(equal, key=BY_SIMPLICITY.index),
        customers=int(counts.sum()),
        learnt_to=learnt_to,
        last=last,
        new_only=new_only,
        top=top,
        first_score={method: values[:, 3] for method, values in everyone.items()},
        first_hit={method: values[:, 4] for method, values in everyone.items()},
    )


def _measured(found: np.ndarray, wanted: np.ndarray, top: int, offered: np.ndarray) -> np.ndarray:
    """Per customer: hit, recall, reciprocal rank, score of the first offer, whether it hit; marks what is offered."""
    first = np.argpartition(-found, top - 1, axis=1)[:, :top]
    can = np.isfinite(np.take_along_axis(found, first, axis=1))
    offered[np.unique(first[can])] = True
    got = (np.take_along_axis(wanted, first, axis=1) & can).sum(axis=1)
    best_wanted = np.where(wanted, found, -np.inf).max(axis=1)
    place = (found > best_wanted[:, None]).sum(axis=1) + 1
    one = found.argmax(axis=1)
    each = np.arange(len(found))
    return np.column_stack(
        [
            got > 0,
            got / np.maximum(wanted.sum(axis=1), 1),
            np.where(np.isfinite(best_wanted), 1.0 / place, 0.0),
            found[each, one],
            wanted[each, one] & np.isfinite(found[each, one]),
        ]
    ).astype("float64")


def _drawn_means(values: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Means of the columns with the rows drawn anew: draws x columns."""
    rng = np.random.default_rng([seed, len(values)])
    step = max(1, _BLOCK // len(values))
    found = []
    for start in range(0, draws, step):
        size = min(step, draws - start)
        times = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=size)
        found.append(times @ values / len(values))
    return np.vstack(found)
