"""Lens 1: how different are our customers? One period, all customers."""

import numpy as np
import pandas as pd

from crmlib.analysis.audit.factors import factors_of
from crmlib.analysis.profitability import equal_groups

_NTH = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Last")
PARTS = {f"tenth {number}": f"{word} tenth" for number, word in enumerate(_NTH, 1)} | {
    "beyond": "Earn beyond the total",
    "nothing": "Earn nothing",
    "loss": "Lose it again",
}
ORDER_BINS = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 10), (11, 20), (21, None))


def active(customers: pd.DataFrame) -> pd.DataFrame:
    """Return the customers who placed at least one order."""
    return customers[customers["orders"] > 0]


def profit_factors(customers: pd.DataFrame) -> pd.Series:
    """Return the four factors of the profit of all rows; see `factors_of`.

    Customers are those who placed an order. The money of the others (returns, service, cost of
    winning them) is in sales and profit, so that the product is the whole profit.
    """
    total = customers[["orders", "net_sales", "profit"]].sum()
    return factors_of(len(active(customers)), *total)


def averages_two_ways(customers: pd.DataFrame) -> pd.DataFrame:
    """Compute averages as ratios of totals and as means of ratios, which answer another question.

    Parameters
    ----------
    customers : DataFrame
        One row per customer: ``orders``, ``net_sales``, ``profit``.

    Returns
    -------
    DataFrame
        Indexed by ``order_value``, ``margin``: ``ratio_of_totals`` (per order, per unit of
        sales; the factors of `profit_factors`) and ``mean_of_ratios`` (of those active; each
        customer counts the same, however little they buy).
    """
    buyers = active(customers)
    sold = buyers[buyers["net_sales"] > 0]
    means = [
        (buyers["net_sales"] / buyers["orders"]).mean(),
        (sold["profit"] / sold["net_sales"]).mean(),
    ]
    totals = profit_factors(customers)[["order_value", "margin"]]
    return totals.to_frame("ratio_of_totals").assign(mean_of_ratios=means)


def order_distribution(orders: pd.Series) -> pd.DataFrame:
    """Count customers by their number of orders.

    Returns
    -------
    DataFrame
        ``label`` (number of orders in words), ``customers``, ``marked`` (always False); from one
        order to the highest number that occurs.
    """
    rows = [
        (f"{low}" if low == high else f"{low}–{high}" if high else f"{low}+",
         int(orders.between(low, high or np.inf).sum()))
        for low, high in ORDER_BINS
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["label", "customers"])
    last = int(np.max(np.flatnonzero(table["customers"]), initial=0))
    return table.loc[:last].assign(marked=False)


def money_edges(values: pd.Series, bins: int = 10) -> np.ndarray:
    """Choose round bin edges that hold most customers: 1, 2 or 5 times a power of ten apart.

    The lowest and the highest bin are open, so that a few extreme customers do not squeeze the
    others into one bar.
    """
    low, high = values.quantile([0.02, 0.95])
    high = max(high, 0.0)  # zero is always an edge: no bin holds gains and losses
    width = max((high - min(low, 0.0)) / bins, 0.01)  # no bin is narrower than a cent
    power = 10.0 ** np.floor(np.log10(width))
    step = power * next(nice for nice in (1, 2, 5, 10) if nice * power >= width)
    first = np.floor(low / step) if low < 0 else 0.0
    return np.round(step * np.arange(first, np.ceil(high / step) + 1), 12)  # 0.3, not 0.1 three times


def money_distribution(values: pd.Series) -> pd.DataFrame:
    """Count customers by money in bins of equal width, the outermost bins open.

    Returns
    -------
    DataFrame
        ``low`` and ``high`` (edges, infinite at the ends), ``customers`` and ``marked`` (the bin
        lies below zero). Bins hold values from ``low`` up to, not including, ``high``.
    """
    edges = np.concatenate([[-np.inf], [] if values.empty else money_edges(values), [np.inf]])
    counts = np.diff(np.searchsorted(np.sort(values.to_numpy(float)), edges, side="left"))
    table = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "customers": counts})
    table["marked"] = table["high"] <= 0
    filled = np.flatnonzero(table["customers"])
    return table.iloc[filled.min() : filled.max() + 1].reset_index(drop=True) if len(filled) else table[:0]


def tenths(customers: pd.DataFrame, by: str = "profit") -> pd.DataFrame:
    """Add up customers by tenth of a ranking, the highest first.

    Returns
    -------
    DataFrame
        Indexed by ``tenth`` (1 to 10; equal values share a tenth): ``customers``, ``orders``,
        ``net_sales``, ``profit``, ``share`` (of the profit of all; NaN if that is not positive).
    """
    groups = customers.groupby(equal_groups(customers[by], 10).rename("tenth"))
    table = groups[["orders", "net_sales", "profit"]].sum()
    table.insert(0, "customers", groups.size())
    total = table["profit"].sum()
    table["share"] = table["profit"] / total if total > 0 else np.nan
    return table


def tenths_of_profit(profit: pd.Series) -> pd.DataFrame:
    """Count how many customers it takes to earn each tenth of the total profit, the best first.

    Parameters
    ----------
    profit : Series
        Profit per customer.

    Returns
    -------
    DataFrame
        ``part`` (key of `PARTS`: ten tenths, then those who earn more than the total, nothing,
        and less than nothing), ``customers``, ``profit``; parts add up to all customers and to
        the total. Empty if the total is not positive.

    Notes
    -----
    Fader, Hardie & Ross (2022), chapter on lens 1: groups of equal profit instead of equal size.
    A customer who crosses a boundary belongs to the part in which their profit begins; parts
    therefore hold a tenth of the profit as nearly as whole customers can.
    """
    ordered = np.sort(profit.to_numpy(float))[::-1]
    total = ordered.sum()
    if total <= 0:
        return pd.DataFrame({"part": [], "customers": [], "profit": []})
    begins = np.concatenate([[0.0], np.cumsum(ordered)[:-1]])
    # Rounded, so that a sum of equal profits does not miss a boundary by the last bit.
    place = np.floor(np.round(begins / total * 10, 9)).astype(int)
    part = np.select([ordered < 0, ordered == 0, place >= 10], [12, 11, 10], default=place)
    found = pd.DataFrame({"part": part, "profit": ordered}).groupby("part")["profit"].agg(["size", "sum"])
    found = found.reindex(range(13), fill_value=0)
    found.index = list(PARTS)
    found.columns = ["customers", "profit"]
    kept = (found["customers"] > 0) | found.index.str.startswith("tenth")
    return found[kept].rename_axis("part").reset_index()
