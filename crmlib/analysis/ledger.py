"""From order lines to the money of each customer.

The ledger is the sum of all order lines of a period. It splits, to the cent, into
what known customers bought and what was bought anonymously. Everything that follows
(profit, value, segments, lists) starts from these two parts and must add up to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.period import Period
from crmlib.errors import TooLittleData

MONEY_COLUMNS = (
    "list_sales",
    "discounts",
    "returns",
    "net_sales",
    "cost_of_goods",
    "returned_goods",
    "gross_margin",
)


@dataclass(frozen=True)
class Ledger:
    """The money of one period, per customer and in total.

    Attributes
    ----------
    customers : DataFrame of shape (n_customers, 9)
        Indexed by ``customer_id`` (text, sorted). ``orders`` counts orders with at
        least one line above zero, ``lines`` counts order lines. The money columns
        are in the run's currency: ``list_sales`` (before discount and returns),
        ``discounts`` (>= 0), ``returns`` (<= 0), ``net_sales``
        (= list_sales - discounts + returns), ``cost_of_goods``, the part of it that came
        back with returns (``returned_goods``, <= 0) and ``gross_margin``
        (= net_sales - cost_of_goods).
    anonymous : Series of length 9
        The same columns for lines without a customer.
    total_net_sales : float
        Sum over all lines, computed on its own and not from the two parts.
    costed_share : float
        Share of net sales (in absolute value) whose cost of goods is in the data;
        the rest is valued at the stated gross margin.
    """

    customers: pd.DataFrame
    anonymous: pd.Series
    total_net_sales: float
    costed_share: float

    @property
    def total(self) -> pd.Series:
        """Money columns summed over customers and anonymous sales."""
        return self.customers.sum() + self.anonymous


def order_lines(
    orders: ibis.Table, gross_margin: float | None = None, keep: Sequence[str] = ()
) -> ibis.Table:
    """Lay out the money of each order line.

    Parameters
    ----------
    orders : ibis.Table
        The checked table ``orders``.
    gross_margin : float, optional
        Gross margin as a share of net sales, used for lines whose cost of goods is
        unknown.
    keep : sequence of str
        Further columns of `orders` to pass on, such as ``product_id``.

    Returns
    -------
    ibis.Table
        Columns ``customer_id``, ``order_id``, ``day``, ``net_sales``, ``list_sales``,
        ``discounts``, ``returns``, ``cost_of_goods``, ``returned_goods``, ``costed`` (True
        where the cost is in the data) and ``bought`` (net amount above zero). Where ``order_id`` is
        missing, everything a customer buys on one day is one order.

    Raises
    ------
    TooLittleData
        If costs are missing and no gross margin is stated.
    """
    day = orders.ordered_at.date()
    net = orders.net_amount
    zero = ibis.literal(0).cast(net.type())
    has_costs = "cost_of_goods" in orders.columns
    known_cost = orders.cost_of_goods if has_costs else ibis.null(net.type())
    if gross_margin is None and (
        not has_costs or orders.filter(orders.cost_of_goods.isnull()).count().execute()
    ):
        raise TooLittleData(
            "order lines without cost_of_goods, and no gross margin stated",
            "the cost of goods of each line, or gross_margin in the run file",
            "write for example gross_margin = 0.4 in the run file",
        )
    cost_share = ibis.literal(1 - (gross_margin or 0.0)).cast(net.type())
    # Wide enough in between for lines of any size that the intake lets in.
    cost = known_cost.fill_null((net.cast("decimal(38, 4)") * cost_share).cast(net.type()))
    discount = orders.discount_amount.fill_null(zero) if "discount_amount" in orders.columns else zero
    visit = orders.customer_id.concat("|", day.cast("string"))
    order_id = orders.order_id.fill_null(visit) if "order_id" in orders.columns else visit
    returned = net < 0  # a line of zero is a gift: bought at a discount of its whole price
    return orders.select(
        customer_id=orders.customer_id,
        order_id=order_id,
        day=day,
        net_sales=net,
        list_sales=returned.ifelse(zero, net + discount),
        discounts=returned.ifelse(zero, discount),
        returns=returned.ifelse(net, zero),
        cost_of_goods=cost,
        returned_goods=returned.ifelse(cost, zero),
        costed=known_cost.notnull(),
        bought=net > 0,
        **{name: orders[name] for name in keep},
    )


def whole_orders(lines: ibis.Table) -> ibis.Table:
    """Add up the lines of each order: one number of one customer on one day.

    Tills and shops use numbers again, so the same number on another day is another order, and a
    return is booked on its own day.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `order_lines`.

    Returns
    -------
    ibis.Table
        Columns ``customer_id``, ``day``, ``orders`` (1 if at least one line is above zero, else 0),
        ``lines`` and the money columns but the gross margin.
    """
    orders = lines.group_by("customer_id", "day", "order_id").agg(
        orders=ibis._.bought.cast("int8").max(),
        lines=ibis._.count(),
        **{name: ibis._[name].sum() for name in MONEY_COLUMNS[:-1]},
    )
    # Without a name and a number nobody can tell orders apart.
    numbered = orders.order_id.notnull().cast("int8")
    return orders.mutate(orders=orders.orders * numbered).drop("order_id")


def customer_ledger(lines: ibis.Table, period: Period) -> Ledger:
    """Add up the lines of a period, per customer and in total.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `order_lines`.
    period : Period
        The days to count.

    Returns
    -------
    Ledger
    """
    within = lines.filter(period.covers(lines.day))
    per_customer = (
        whole_orders(within)
        .group_by("customer_id")
        .agg(
            **{name: ibis._[name].sum().cast("int64") for name in ("orders", "lines")},
            **{name: ibis._[name].sum().cast("float64") for name in MONEY_COLUMNS[:-1]},
        )
        .order_by("customer_id")
        .execute()
    )
    per_customer["gross_margin"] = per_customer["net_sales"] - per_customer["cost_of_goods"]
    known = per_customer["customer_id"].notna()
    columns = ["orders", "lines", *MONEY_COLUMNS]
    checks = within.agg(
        total=within.net_sales.sum().cast("float64"),
        size=within.net_sales.abs().sum().cast("float64"),
        costed=within.net_sales.abs().sum(where=within.costed).cast("float64"),
    ).execute()
    total, size, costed = checks.fillna(0.0).astype("float64").to_numpy()[0]
    return Ledger(
        customers=per_customer[known].set_index("customer_id")[columns],
        anonymous=per_customer.loc[~known, columns].sum().astype("float64"),
        total_net_sales=float(total),
        costed_share=float(costed / size) if size else float(np.nan),
    )


def acquisition_costs(customers: ibis.Table | None, period: Period) -> pd.Series | None:
    """Return what winning each customer cost, for customers won in the period.

    Returns
    -------
    Series of float or None
        Indexed by ``customer_id``, in the run's currency. None where the table has no
        ``acquired_on`` or no ``acquisition_cost``.
    """
    if customers is None or not {"acquired_on", "acquisition_cost"} <= set(customers.columns):
        return None
    won = customers.filter(period.covers(customers.acquired_on), customers.acquisition_cost.notnull())
    return (
        won.select("customer_id", acquisition_cost=won.acquisition_cost.cast("float64"))
        .order_by("customer_id")
        .execute()
        .set_index("customer_id")["acquisition_cost"]
    )
