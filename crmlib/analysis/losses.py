"""The customers who cost more than they bring: why, how lastingly, and what to try first."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.intervals import ratio_interval, wilson_interval

CAUSES = {
    "acquisition": "The cost of winning them",
    "discounts": "Deep discounts",
    "goods": "Thin margin on the goods",
    "returns": "Returned goods",
    "orders": "Small or costly orders",
    "relationship": "Calls, visits and other service",
    "no purchase": "No purchase in the period",
}


def shortfalls(customers: pd.DataFrame) -> pd.DataFrame:
    """Split what each customer falls short of the earners' average into its causes.

    Parameters
    ----------
    customers : DataFrame
        As returned by `crmlib.analysis.profitability.customer_profit`.

    Returns
    -------
    DataFrame
        Indexed like `customers`: one column of money per cause (positive = costs more
        per euro of list sales than the customers who earn money do) and ``shortfall``,
        their exact sum.

    Notes
    -----
    Definition of this project. Let rate k be cost k of all earners divided by their list
    sales. Cause k of a customer = cost k - rate k x list sales. Profit = list sales -
    all costs, so the causes add up to rate of profit x list sales - profit.
    """
    costs = pd.DataFrame(
        {
            "acquisition": customers["acquisition_cost"],
            "discounts": customers["discounts"],
            "goods": customers["cost_of_goods"] - customers["returned_goods"],
            "returns": customers["returned_goods"] - customers["returns"] + customers["service_return"],
            "orders": customers["service_order"],
            "relationship": customers["service_relationship"],
        }
    )
    earners = customers["profit"] > 0
    sales = customers.loc[earners, "list_sales"].sum()
    rates = costs[earners].sum() / sales if sales else costs[earners].sum() * 0.0
    excess = costs - np.outer(customers["list_sales"], rates)
    return excess.assign(shortfall=excess.sum(axis=1))


def anatomy(customers: pd.DataFrame) -> pd.DataFrame:
    """Sort the loss-making customers by the main cause of their loss.

    The main cause is the one with the largest excess (see `shortfalls`); customers who
    bought nothing in the period stand apart.

    Returns
    -------
    DataFrame
        Indexed by ``cause`` (keys of `CAUSES`, largest loss first): ``customers``,
        ``loss`` (<= 0, adds up to the loss of all losers), ``net_sales`` and
        ``median_loss``.
    """
    losers = customers[customers["profit"] < 0]
    cause = loss_causes(customers).reindex(losers.index)
    table = (
        losers.assign(cause=cause)
        .groupby("cause")
        .agg(
            customers=("profit", "size"),
            loss=("profit", "sum"),
            net_sales=("net_sales", "sum"),
            median_loss=("profit", "median"),
        )
    )
    return table.sort_values("loss")


def loss_causes(customers: pd.DataFrame) -> pd.Series:
    """Return the main cause (a key of `CAUSES`) of each loss-making customer."""
    losers = customers["profit"] < 0
    excess = shortfalls(customers).drop(columns="shortfall")[losers]
    main = excess.idxmax(axis=1) if len(excess) else pd.Series(dtype="str", index=excess.index)
    return main.mask((customers.loc[losers, "list_sales"] <= 0) & (main != "acquisition"), "no purchase")


@dataclass(frozen=True)
class Persistence:
    """Whether a loss in one period says something about the next.

    Attributes
    ----------
    table : DataFrame
        Indexed by what the customer was before (``loss``, ``gain``), columns what
        followed (``loss``, ``gain``, ``gone``: no order, no cost), in customers.
    repeat_share : float
        Share of the former losers who lost money again.
    repeat_interval : tuple of float
        95 % interval of `repeat_share` (Wilson).
    repeat_money : float
        Loss of the second period that fell on customers who had lost before, divided by
        the loss of the first period: the part of a period's loss that comes back. Above 1
        where the old losers lose more than before.
    money_interval : tuple of float
        95 % interval of `repeat_money`, treating customers as a sample.
    base_share : float
        Share of losers among customers who earned money before, for comparison.
    before, after : float
        Loss of the former losers in the first and in the second period.
    """

    table: pd.DataFrame
    repeat_share: float
    repeat_interval: tuple[float, float]
    repeat_money: float
    money_interval: tuple[float, float]
    base_share: float
    before: float
    after: float

    @property
    def losers(self) -> int:
        """How many customers lost money in the first period."""
        return int(self.table.loc["loss"].sum())


def persistence(before: pd.DataFrame, after: pd.DataFrame) -> Persistence:
    """Follow the losers of one period into the next.

    Acquisition cost is left out of both periods, since it falls once and by design.

    Parameters
    ----------
    before, after : DataFrame
        As returned by `crmlib.analysis.profitability.customer_profit`, for two periods of
        the same length.

    Returns
    -------
    Persistence
    """
    first = before["profit"] + before["acquisition_cost"]
    second = (after["profit"] + after["acquisition_cost"]).reindex(first.index)
    state = pd.Series(np.where(first < 0, "loss", "gain"), index=first.index)
    follows = pd.Series(
        np.select([second.isna(), second < 0], ["gone", "loss"], default="gain"), index=first.index
    )
    table = pd.crosstab(state, follows).reindex(
        index=["loss", "gain"], columns=["loss", "gain", "gone"], fill_value=0
    )
    table.index.name, table.columns.name = "before", "after"
    losers = int(table.loc["loss"].sum())
    again = int(table.loc["loss", "loss"])
    earned = int(table.loc["gain"].sum())
    old_loss = first[first < 0]
    new_loss = second.reindex(old_loss.index).fillna(0.0).clip(upper=0.0)
    lost_before, lost_again = float(old_loss.sum()), float(new_loss.sum())
    low, high = ratio_interval(new_loss.to_numpy(), old_loss.to_numpy())
    return Persistence(
        table=table,
        repeat_share=again / losers if losers else float("nan"),
        repeat_interval=wilson_interval(again, losers),
        repeat_money=lost_again / lost_before if lost_before else float("nan"),
        money_interval=(float(np.maximum(0.0, low)), high),
        base_share=int(table.loc["gain", "loss"]) / earned if earned else float("nan"),
        before=lost_before,
        after=lost_again,
    )
