"""Profit per customer, and the income statement it adds up to.

Profit of a customer in a period = net sales - cost of goods - cost to serve -
acquisition cost (only in the period the customer was won). Costs that no customer
causes, unused capacity among them, stay with the company.
"""

from collections.abc import Callable

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.costing import by_purpose, cost_to_serve
from crmlib.analysis.ledger import Ledger, acquisition_costs, customer_ledger
from crmlib.analysis.period import Period

STATEMENT = {
    "list_sales": "Sales at list price",
    "discounts": "Discounts",
    "returns": "Returns",
    "net_sales": "Net sales",
    "cost_of_goods": "Cost of goods",
    "gross_margin": "Gross margin",
    "service_order": "Serving orders",
    "service_return": "Handling returns",
    "service_relationship": "Calls, visits and other service",
    "acquisition_cost": "Acquisition cost",
    "profit": "Customer profit",
}
_COSTS = (
    "discounts",
    "cost_of_goods",
    "service_order",
    "service_return",
    "service_relationship",
    "acquisition_cost",
)


def customer_profit(
    ledger: Ledger, service: pd.DataFrame | None = None, acquisition: pd.Series | None = None
) -> pd.DataFrame:
    """Put each customer's money of one period into one row.

    Parameters
    ----------
    ledger : Ledger
        As returned by `crmlib.analysis.ledger.customer_ledger`.
    service : DataFrame, optional
        Cost of events as returned by `crmlib.analysis.costing.service_costs`.
    acquisition : Series, optional
        Acquisition cost by ``customer_id`` of the customers won in the period.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id`` (sorted): every customer who ordered, caused an event
        or was won in the period. The columns of the ledger plus ``service_order``,
        ``service_return``, ``service_relationship``, ``service_cost`` (their sum),
        ``acquisition_cost`` and ``profit``, in the run's currency.
    """
    parts = [ledger.customers]
    if service is not None:
        parts.append(by_purpose(service).add_prefix("service_"))
    if acquisition is not None:
        parts.append(acquisition.to_frame())
    customers = pd.concat(parts, axis=1).fillna(0.0).sort_index()
    for column in ("service_order", "service_return", "service_relationship", "acquisition_cost"):
        if column not in customers:
            customers[column] = 0.0
    customers[["orders", "lines"]] = customers[["orders", "lines"]].astype("int64")
    customers["service_cost"] = customers[["service_order", "service_return", "service_relationship"]].sum(
        axis=1
    )
    # Rounded far below a cent, so that a customer at zero is not taken for an earner or a loser.
    customers["profit"] = (
        customers["gross_margin"] - customers["service_cost"] - customers["acquisition_cost"]
    ).round(6)
    return customers.rename_axis("customer_id")


def profit_in(tables: Callable[[str], ibis.Table | None], lines: ibis.Table, period: Period) -> pd.DataFrame:
    """Run ledger, cost to serve and acquisition cost of a period in one go.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None; `crmlib.intake.Data.table` is one.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    period : Period
        The days to count.

    Returns
    -------
    DataFrame
        As returned by `customer_profit`.
    """
    served = cost_to_serve(tables, lines, period)
    return customer_profit(
        customer_ledger(lines, period),
        served.service if served else None,
        acquisition_costs(tables("customers"), period),
    )


def spread_of(customers: pd.DataFrame, by: str, size: int = 5) -> pd.DataFrame:
    """Pick customers spread evenly over the ranking, from the second best to the second worst.

    Used to work an example by hand on a few customers that anyone can check.

    Parameters
    ----------
    customers : DataFrame
        Indexed by ``customer_id``.
    by : str
        Column to rank by, high to low; ties in the order of the identifiers.
    size : int
        How many customers to pick.
    """
    ranked = customers.sort_index().sort_values(by, ascending=False, kind="stable")
    places = np.unique(np.linspace(1, max(len(ranked) - 2, 1), min(size, len(ranked))).round().astype(int))
    return ranked.iloc[places.clip(max=len(ranked) - 1)]


def equal_groups(values: pd.Series, groups: int = 5) -> pd.Series:
    """Number equal groups of customers, 1 for the highest values.

    Customers with the same value always share a group, so that neither the order of the
    rows nor the customers' names decide anything; with many ties the groups are unequal.

    Examples
    --------
    >>> equal_groups(pd.Series([10.0, 50.0, 30.0, 20.0, 40.0])).tolist()
    [5, 1, 3, 4, 2]
    """
    rank = values.rank(method="average", ascending=False)
    return np.ceil(rank * groups / len(values)).clip(1, groups).astype("int64")


def income_statement(customers: pd.DataFrame, ledger: Ledger, groups: int = 5) -> pd.DataFrame:
    """Income statement of the company by tier of customers.

    Parameters
    ----------
    customers : DataFrame
        As returned by `customer_profit`.
    ledger : Ledger
        The ledger of the same period.
    groups : int
        How many tiers by profit.

    Returns
    -------
    DataFrame
        One row per line of the statement (`STATEMENT`), costs negative; columns
        ``tier 1`` (the highest profit) to ``tier n``, ``anonymous`` and ``company``.
        Each line adds up: tiers + anonymous = company.
    """
    lines = list(STATEMENT)
    table = customers.groupby(equal_groups(customers["profit"], groups))[lines].sum().T
    table = table.reindex(columns=range(1, groups + 1), fill_value=0.0)
    table.columns = [f"tier {number}" for number in table.columns]
    table["anonymous"] = ledger.anonymous.reindex(lines).fillna(0.0)
    table.loc["profit", "anonymous"] = table.loc["gross_margin", "anonymous"]
    table["company"] = table.sum(axis=1)
    table.loc[list(_COSTS)] *= -1
    return table + 0.0  # no negative zeros


def named_lines(statement: pd.DataFrame) -> pd.DataFrame:
    """Return the statement with its lines in words, without lines that are zero throughout.

    Where no discounts are known, the first line reads as what it is: sales before returns.
    """
    present = statement[(statement != 0).any(axis=1) | (statement.index == "profit")]
    names = STATEMENT if "discounts" in present.index else {**STATEMENT, "list_sales": "Sales before returns"}
    return present.rename(index=names).reset_index(names="line")


def breaking_cost(customers: pd.DataFrame, share: float) -> float:
    """Return the cost of serving an order at which a share of the customers would lose money.

    For data without events: a first idea of what the missing cost to serve could change.

    Parameters
    ----------
    customers : DataFrame
        As returned by `customer_profit`.
    share : float
        Share of the customers who order and earn a gross margin, 0 to 1.

    Returns
    -------
    float
        Quantile of their gross margin per order, in the run's currency; NaN if there are none.
    """
    earning = customers[(customers["gross_margin"] > 0) & (customers["orders"] > 0)]
    return float((earning["gross_margin"] / earning["orders"]).quantile(share))


def walk(company: pd.Series, unused_capacity: float) -> pd.DataFrame:
    """Lay the company's statement out as steps from list price to what is left.

    Parameters
    ----------
    company : Series
        Column ``company`` of `income_statement`.
    unused_capacity : float
        Cost of capacity nobody used, which no customer bears.

    Returns
    -------
    DataFrame
        Columns ``line`` and ``amount``; lines that are zero throughout are left out, and
        ``After unused capacity`` ends it where there is unused capacity.
    """
    steps = named_lines(company.to_frame("amount"))
    if unused_capacity:
        left = company["profit"] - unused_capacity
        steps.loc[len(steps)] = ["Unused capacity", -unused_capacity]
        steps.loc[len(steps)] = ["After unused capacity", left]
    return steps


def reclassified(customers: pd.DataFrame) -> pd.DataFrame:
    """Who looks good on gross margin and loses money once service is counted.

    Parameters
    ----------
    customers : DataFrame
        As returned by `customer_profit`.

    Returns
    -------
    DataFrame
        Indexed by ``margin_decile`` (1 holds the highest gross margins): ``customers``,
        ``turned_negative`` (gross margin above zero, but below zero after the cost to
        serve), ``moved`` (customers whose decile after service differs by two or more),
        ``gross_margin`` and ``after_service`` (money in the decile). Acquisition cost is
        left out: it says nothing about how costly a customer is to serve.
    """
    after = customers["gross_margin"] - customers["service_cost"]
    decile = equal_groups(customers["gross_margin"], 10)
    frame = pd.DataFrame(
        {
            "margin_decile": decile,
            "turned_negative": (customers["gross_margin"] > 0) & (after < 0),
            "moved": (equal_groups(after, 10) - decile).abs() >= 2,
            "gross_margin": customers["gross_margin"],
            "after_service": after,
        }
    )
    groups = frame.groupby("margin_decile")
    table = groups.sum()
    table.insert(0, "customers", groups.size())
    return table
