"""The data's own rhythm: how long it takes until customers buy again.

The wait that is still open on the last day is not left out. Who is still waiting has waited long: counting finished
waits alone makes every business look quicker than it is.
"""

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.churn.activity import Activity, number_of
from crmlib.analysis.waiting import product_limit
from crmlib.errors import TooLittleData

_QUANTILES = (0.5, 0.75, 0.8, 0.9, 0.95, 0.975)
_FEWEST_WAITING = 30


@dataclass(frozen=True)
class Rhythm:
    """Waits from one purchase to the next.

    Attributes
    ----------
    waits : DataFrame
        One row per length: ``days``, ``over`` (False: still open on the last known day), ``customers`` (waits).
    curve : DataFrame
        `crmlib.analysis.waiting.product_limit` of these: the share of purchases that were followed by another one
        within so many days; as far as enough purchases can be followed.
    comes_back : float
        Share of purchases that are followed by another one at all, as far as the curve goes.
    quantiles : DataFrame
        Indexed by ``share``: ``days`` until so large a share of those who come back have come back, and
        ``finished_alone`` (days if open waits were left out, as they must not be).
    customers, purchases : int
        Customers with a purchase, and purchases.
    """

    waits: pd.DataFrame
    curve: pd.DataFrame
    comes_back: float
    quantiles: pd.DataFrame
    customers: int
    purchases: int

    def days_until(self, share: float) -> int:
        """Days until such a share of those who come back have come back."""
        return int(_first_at(self.curve["days"], self.curve["share"] / self.comes_back, share))


def purchase_rhythm(activity: Activity) -> Rhythm:
    """Measure the waits between purchases, those that are not over among them.

    Parameters
    ----------
    activity : Activity
        As returned by `crmlib.analysis.churn.activity.customer_activity`.

    Returns
    -------
    Rhythm

    Raises
    ------
    TooLittleData
        If nobody bought twice.

    Notes
    -----
    The share that ever comes back is where the product-limit curve (Kaplan & Meier 1958) levels off: some have left,
    and would make every quantile of all waits infinite. Quantiles are therefore those of customers who come back, the
    curve divided by its highest point (Maller & Zhou 1992, Biometrika 79:731-739, for that point as an estimate). The
    curve is read while at least 30 purchases are still followed (a tenth of fewer than 300), or a hundredth of all.

    Examples
    --------
    >>> from datetime import date
    >>> from crmlib.analysis.churn.activity import customer_activity
    >>> bought = {"customer_id": ["A", "A", "B"], "net_amount": [1.0, 1.0, 1.0],
    ...           "ordered_at": [date(2026, 1, 1), date(2026, 1, 11), date(2026, 1, 5)]}
    >>> orders = ibis.memtable(bought).mutate(ordered_at=ibis._.ordered_at.cast("timestamp"))
    >>> purchase_rhythm(customer_activity({"orders": orders}.get, date(2026, 1, 31), 0.4)).waits
       days   over  customers
    0    10   True          1
    1    20  False          1
    2    26  False          1
    """
    bought = activity.days.filter(activity.days.bought == 1)
    later = bought.n.lead(1).over(ibis.window(group_by="who", order_by="n"))
    last = number_of(activity.as_of)
    each = bought.select(
        days=(ibis.coalesce(later, ibis.literal(last)) - bought.n).cast("int32"), over=later.notnull()
    )
    waits = each.group_by("days", "over").agg(customers=ibis._.count().cast("int64")).execute()
    waits = waits.astype({"days": "int64", "over": bool, "customers": "int64"})
    waits = waits.sort_values(["days", "over"], ignore_index=True)
    over, still = waits[waits["over"]], waits[~waits["over"]]
    customers, purchases = int(still["customers"].sum()), int(waits["customers"].sum())
    if over.empty:
        raise TooLittleData(
            f"{customers:,} customers, none of whom bought on two days",
            "customers who came back, to see how long that takes",
            "use a longer history; with contracts, look at these",
        )
    curve = product_limit(waits)
    fewest = max(min(_FEWEST_WAITING, 0.1 * purchases), 0.01 * purchases)
    curve = curve[(curve["waiting"] >= fewest) | (curve.index == 0)]
    comes_back = float(curve["share"].iloc[-1])
    total = over["customers"].cumsum() / over["customers"].sum()
    shares = curve["share"] / comes_back
    rows = {
        share: (_first_at(curve["days"], shares, share), _first_at(over["days"], total, share))
        for share in _QUANTILES
    }
    quantiles = pd.DataFrame.from_dict(rows, orient="index", columns=["days", "finished_alone"])
    return Rhythm(
        waits, curve, comes_back, quantiles.astype("int64").rename_axis("share"), customers, purchases
    )


def _first_at(days: pd.Series, reached: pd.Series, share: float) -> int:
    # Sums of shares miss 1 by a rounding error.
    return int(days.iloc[min(int(np.searchsorted(reached.to_numpy() + 1e-12, share)), len(days) - 1)])
