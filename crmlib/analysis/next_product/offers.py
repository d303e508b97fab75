"""What to offer to whom: the item of the highest score, its chance and the margin it would bring."""

import numpy as np
import pandas as pd

from crmlib.analysis.next_product.choice import NextProduct
from crmlib.analysis.next_product.histories import Histories
from crmlib.analysis.next_product.methods import Past, in_chunks, learn, scores
from crmlib.analysis.rounding import rounded


def next_offers(histories: Histories, choice: NextProduct, customers: pd.Index | None = None) -> pd.DataFrame:
    """Choose what to offer to each customer next.

    Parameters
    ----------
    histories : Histories
        All purchases up to now.
    choice : NextProduct
        From the same histories.
    customers : Index, optional
        Whom to offer something; everybody by default. Who never bought any of the items is left out, and so is who
        has bought all of them, where only new ones are offered.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, in the order of `customers`: ``product_id`` (``category_id`` where categories are
        offered), ``name``, ``category``, ``probability`` (that the next order holds it, if there is one),
        ``margin_per_order`` (mean gross margin of such lines in an order, run's currency), ``expected_margin``
        (their product).
    """
    now = int(histories.day.max(initial=0))
    learnt, past = learn(histories, now), Past.of(histories, now)
    rows = np.arange(len(histories.customers))
    if customers is not None:
        rows = histories.customers.get_indexer(customers)
        rows = rows[rows >= 0]
    rows = rows[np.asarray(past.ever.sum(axis=1))[rows] > 0]
    item, score = np.zeros(len(rows), int), np.zeros(len(rows))
    done = 0
    for chosen in in_chunks(rows, len(histories.items)):
        found = scores(choice.method, learnt, past.rows(chosen), choice.new_only)
        here = slice(done, done + len(chosen))
        item[here] = found.argmax(axis=1)
        score[here] = found[np.arange(len(chosen)), item[here]]
        done += len(chosen)
    some = np.isfinite(score)
    rows, item, score = rows[some], item[some], score[some]
    offered = histories.items.iloc[item]
    probability = rounded(choice.chances.of(score))
    margin = offered["margin_per_order"].to_numpy()
    return pd.DataFrame(
        {
            f"{histories.level}_id": offered.index.to_numpy(),
            "name": offered["name"].to_numpy(),
            "category": offered["category"].to_numpy(),
            "probability": probability,
            "margin_per_order": margin,
            "expected_margin": rounded(probability * margin),
        },
        index=histories.customers[rows],
    )
