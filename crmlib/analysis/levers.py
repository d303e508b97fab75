"""Changes of terms that would move the profit of loss-making customers.

Four changes of terms, each with what it brings and what it risks. A change brings money
on the orders that stay and loses the margin of the orders that walk away. Service that is
no longer needed frees minutes, not money: only the share of freed capacity that is really
cut or put to other use counts (`capacity_realised`).

All formulas are definitions of this project.
"""

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.period import Period

LEVERS = {
    "discount_cap": "Cap the discount",
    "minimum_order": "Ask for a minimum order",
    "delivery_fee": "Charge delivery on small orders",
    "cheaper_channel": "Move calls and visits to a cheaper channel",
}


@dataclass(frozen=True)
class Terms:
    """The terms to try.

    Attributes
    ----------
    minimum_order, delivery_fee : float
        Smallest order accepted; fee on orders below it. In the run's currency.
    contact_shift : float
        Share of calls, visits and other service without an order moved to a channel that
        costs close to nothing.
    discount_cap : float
        Highest discount as a share of the list price of an order.
    walk_away : float
        Share of the affected business that goes elsewhere: the middle of `walk_range`.
    capacity_realised : float
        Share of freed capacity that turns into money.
    """

    minimum_order: float
    delivery_fee: float
    contact_shift: float
    discount_cap: float
    walk_away: float
    capacity_realised: float

    @property
    def walk_range(self) -> tuple[float, float]:
        """Lowest and highest share that may walk away: 0 to twice the middle, as far as shares go."""
        return max(0.0, 2.0 * self.walk_away - 1.0), min(1.0, 2.0 * self.walk_away)


def affected_orders(
    lines: ibis.Table, events: ibis.Table | None, costs: pd.DataFrame | None, period: Period, terms: Terms
) -> pd.DataFrame:
    """Add up, per customer, the orders that the terms would touch.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    events, costs : ibis.Table and DataFrame, or None
        The table ``events`` and the result of `crmlib.analysis.costing.unit_costs`; None
        where there are no events, then orders cost nothing to serve.
    period : Period
        The days to count.
    terms : Terms
        Their `minimum_order` and `discount_cap` decide which orders are touched.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``small_orders`` (number of orders below the minimum),
        ``small_sales``, ``small_margin`` and ``small_service`` (their net sales, gross
        margin and cost to serve), ``deep_excess`` (discount above the cap),
        ``deep_sales``, ``deep_margin`` and ``deep_service`` (net sales, margin and cost to
        serve of the orders discounted above the cap).
    """
    bought = lines.filter(period.covers(lines.day), lines.bought, lines.customer_id.notnull())
    per_order = bought.group_by("customer_id", "order_id").agg(
        net=ibis._.net_sales.sum(),
        listed=ibis._.list_sales.sum(),
        discount=ibis._.discounts.sum(),
        margin=(ibis._.net_sales - ibis._.cost_of_goods).sum(),
    )
    if events is not None and costs is not None and "order_id" in events.columns:
        served = _service_of_orders(events, costs, period)
        per_order = per_order.left_join(served, ["customer_id", "order_id"])
        per_order = per_order.drop("customer_id_right", "order_id_right")
        per_order = per_order.mutate(service=per_order.service.fill_null(0))
    else:
        per_order = per_order.mutate(service=ibis.literal(0).cast("decimal(18, 4)"))
    small = ibis._.net < ibis.literal(terms.minimum_order).cast("decimal(18, 4)")
    allowed = per_order.listed * ibis.literal(terms.discount_cap).cast("decimal(18, 4)")
    per_order = per_order.mutate(excess=per_order.discount - allowed)
    deep = ibis._.excess > 0
    return (
        per_order.group_by("customer_id")
        .agg(
            small_orders=small.sum(),
            small_sales=ibis._.net.sum(where=small),
            small_margin=ibis._.margin.sum(where=small),
            small_service=ibis._.service.sum(where=small),
            deep_excess=ibis._.excess.sum(where=deep),
            deep_sales=ibis._.net.sum(where=deep),
            deep_margin=ibis._.margin.sum(where=deep),
            deep_service=ibis._.service.sum(where=deep),
        )
        .order_by("customer_id")
        .execute()
        .set_index("customer_id")
        .astype("float64")
        .fillna(0.0)
    )


def _service_of_orders(events: ibis.Table, costs: pd.DataFrame, period: Period) -> ibis.Table:
    """Cost to serve each order, its returns included, exact to a ten-thousandth."""
    within = events.filter(period.covers(events.occurred_on), events.order_id.notnull())
    times = within.quantity.fill_null(1) if "quantity" in within.columns else ibis.literal(1)
    # One of the two is wide: the product of two narrow decimals is narrow.
    cost = within.activity.cases(
        *((activity, float(round(value, 4))) for activity, value in costs["cost_per_event"].items()),
        else_=0.0,
    )
    return (
        within.mutate(spent=cost.cast("decimal(38, 4)") * times.cast("decimal(18, 4)"))
        .group_by("customer_id", "order_id")
        .agg(service=ibis._.spent.sum())
    )


def effects(customers: pd.DataFrame, touched: pd.DataFrame, terms: Terms) -> dict[str, pd.DataFrame]:
    """What each lever would bring and risk, customer by customer, had it been in force.

    Parameters
    ----------
    customers : DataFrame
        As returned by `crmlib.analysis.profitability.customer_profit`.
    touched : DataFrame
        As returned by `affected_orders`.
    terms : Terms

    Returns
    -------
    dict of str to DataFrame
        For each lever of `LEVERS` a frame indexed like `customers` with ``stay`` (money
        gained if nobody walks away) and ``leave`` (money lost, beyond that gain, if all
        affected business walks away). The effect at a share w that walks away is
        ``stay - w * (stay + leave)``.
    """
    t = touched.reindex(customers.index).fillna(0.0)
    realised = terms.capacity_realised
    needed = np.minimum(t["small_orders"], np.ceil(t["small_sales"] / max(terms.minimum_order, 0.01)))
    saved = (1.0 - needed / t["small_orders"].where(t["small_orders"] > 0, 1.0)) * t["small_service"]
    small_value = t["small_margin"] - realised * t["small_service"]
    relationship = customers["service_relationship"]
    whole_value = customers["gross_margin"] - realised * customers["service_cost"]
    shifted = terms.contact_shift * relationship
    parts = {
        "discount_cap": (t["deep_excess"], t["deep_margin"] - realised * t["deep_service"]),
        "minimum_order": (saved * realised, small_value),
        "delivery_fee": (t["small_orders"] * terms.delivery_fee, small_value * (terms.delivery_fee > 0)),
        "cheaper_channel": (shifted * realised, whole_value.where(shifted > 0, 0.0)),
    }
    return {lever: pd.DataFrame({"stay": stay, "leave": leave}) for lever, (stay, leave) in parts.items()}


def price_rises(touched: pd.DataFrame, targets: pd.Index, terms: Terms) -> dict[str, float]:
    """Return by how much each lever raises the price of the orders it touches.

    Returns
    -------
    dict of str to float
        Rise as a share of what the orders of `targets` cost now; NaN where no order is
        touched, 0 for levers that leave prices alone.
    """
    t = touched.reindex(targets).fillna(0.0).sum()
    fees = terms.delivery_fee * t["small_orders"]
    return {
        "discount_cap": float(t["deep_excess"] / t["deep_sales"]) if t["deep_sales"] else float("nan"),
        "minimum_order": 0.0,
        "delivery_fee": float(fees / t["small_sales"]) if t["small_sales"] else float("nan"),
        "cheaper_channel": 0.0,
    }
