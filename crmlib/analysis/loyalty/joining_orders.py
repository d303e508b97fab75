"""Whether customers join the club with an order: then the months before joining understate what they buy."""

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import pandas as pd

from crmlib.analysis.intervals import wilson_interval
from crmlib.analysis.loyalty.membership import Club

AFTER_DAYS = 90
#: Share of joiners joining with an order, beyond chance, from which the effect is no longer to be trusted.
MOST = 0.10


@dataclass(frozen=True)
class JoiningOrders:
    """How many joiners ordered on the day they joined.

    Attributes
    ----------
    joiners : int
        Joiners within the data, 90 days or more before their end.
    with_order : int
        Of them, those who ordered on the day of joining.
    share, low, high : float
        The share with its interval.
    by_chance : float
        Share expected if the day of joining had nothing to do with orders: that of the 90 days after it with an order.
    """

    joiners: int
    with_order: int
    share: float
    low: float
    high: float
    by_chance: float

    @property
    def matters(self) -> bool:
        """Whether so many join with an order that the effect of the club is overstated."""
        return self.low - self.by_chance > MOST


def joining_orders(
    members: Club, lines: ibis.Table, first_day: date, level: float = 0.95
) -> JoiningOrders | None:
    """Count the joiners who ordered on the day they joined.

    Parameters
    ----------
    members : Club
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    first_day : datetime.date
        First day of the data.
    level : float

    Returns
    -------
    JoiningOrders or None
        None where nobody joined within the data, 90 days or more before their end.

    Notes
    -----
    Definition of this project. Where customers are asked to join at the till, the orders before are by definition those
    at which they did not join. At a chance of 1 in 10 to join with an order, months before joining show a tenth
    less than what the customer buys, with or without a club, and an effect of nothing looks like one of 11 %.
    `joining_chance.joining_chance` estimates what is missing.

    Examples
    --------
    >>> lines = ibis.memtable(pd.DataFrame({
    ...     "customer_id": ["A", "A"], "order_id": ["1", "2"], "day": [date(2026, 3, 5), date(2026, 4, 10)],
    ...     "net_sales": [50.0, 30.0], "list_sales": 0.0, "discounts": 0.0, "returns": 0.0,
    ...     "cost_of_goods": [20.0, 10.0], "returned_goods": 0.0, "bought": True}))
    >>> joined = pd.DataFrame({"joined_on": [pd.Timestamp(2026, 3, 5)]}, index=pd.Index(["A"], name="customer_id"))
    >>> found = joining_orders(Club(joined, date(2026, 6, 30)), lines, date(2025, 7, 1))
    >>> found.with_order, found.share, round(found.by_chance, 4)
    (1, 1.0, 0.0111)
    """
    joined = members.memberships["joined_on"]
    seen = joined.between(pd.Timestamp(first_day), pd.Timestamp(members.as_of - timedelta(days=AFTER_DAYS)))
    if not seen.any():
        return None
    joiners = joined[seen].reset_index()
    frame = {"member": joiners["customer_id"].astype(str), "joined": joiners["joined_on"].dt.date}
    days = ibis.memtable(pd.DataFrame(frame))
    ordered = lines.filter(lines.customer_id.notnull(), lines.bought).select("customer_id", "day")
    pairs = ordered.inner_join(days, ordered.customer_id == days.member)
    pairs = pairs.mutate(since=pairs.day.delta(pairs.joined.cast("date"), unit="day"))
    near = pairs.filter(pairs.since.between(0, AFTER_DAYS))
    each = near.select("customer_id", "since").distinct()
    counts = each.agg(
        on_day=(each.since == 0).cast("int64").sum(), other=(each.since != 0).cast("int64").sum()
    )
    on_day, other = counts.execute().fillna(0).to_numpy("int64")[0]
    low, high = wilson_interval(int(on_day), len(joiners), level)
    return JoiningOrders(
        joiners=len(joiners),
        with_order=int(on_day),
        share=float(on_day / len(joiners)),
        low=low,
        high=high,
        by_chance=float(other / (AFTER_DAYS * len(joiners))),
    )
