"""A company at a glance: who bought in a period, what winning and keeping brought, where money is at stake.

It needs the order log alone. What other notebooks saved makes it richer: their tables are taken as
they are, so that a number here is the number there.
"""

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.intervals import ratio_interval
from crmlib.analysis.ledger import customer_ledger, order_lines
from crmlib.analysis.period import Period
from crmlib.analysis.steps import ACTIONS
from crmlib.analysis.targeting.decision import HOLD_OUT, LEAVE


@dataclass(frozen=True)
class Trade:
    """Who bought what in a period, and what was sold without a customer's name.

    Attributes
    ----------
    customers : DataFrame
        Indexed by ``customer_id`` (text, sorted): ``orders`` (with at least one line above zero),
        ``lines`` and ``net_sales`` (run's currency). Who only sent something back has no orders.
    anonymous : Series
        ``lines`` and ``net_sales`` without a customer.
    costed_share : float
        Share of net sales whose cost of goods is in the data; see `crmlib.analysis.ledger.Ledger`.
    """

    customers: pd.DataFrame
    anonymous: pd.Series
    costed_share: float = 1.0

    @property
    def active(self) -> pd.DataFrame:
        """The customers who placed an order."""
        return self.customers[self.customers["orders"] > 0]

    @property
    def net_sales(self) -> float:
        """All net sales, with a customer's name and without."""
        return float(self.customers["net_sales"].sum() + self.anonymous["net_sales"])

    @property
    def anonymous_share(self) -> float:
        """Share of net sales without a customer's name; NaN where nothing was sold."""
        return float(self.anonymous["net_sales"] / self.net_sales) if self.net_sales else float("nan")


def trade_in(orders: ibis.Table, period: Period) -> Trade:
    """Add up the order lines of a period, by customer and without one.

    Needs no costs: it also works where no gross margin is known.

    Parameters
    ----------
    orders : ibis.Table
        The checked table ``orders``.
    period : Period

    Returns
    -------
    Trade
    """
    # The margin stated here plays no part: what is taken from the ledger does not depend on costs.
    book = customer_ledger(order_lines(orders, gross_margin=0.0), period)
    return Trade(
        book.customers[["orders", "lines", "net_sales"]],
        book.anonymous[["lines", "net_sales"]],
        book.costed_share,
    )


def interval_of_sales(trade: Trade) -> tuple[float, float]:
    """Return the 95 % interval of the net sales per active customer."""
    return _mean_interval(trade.active["net_sales"])


def of_the_same_period(table: pd.DataFrame | None, trade: Trade) -> pd.DataFrame | None:
    """Return a saved table of customers, or None if its net sales are not those of the period.

    Another notebook may have run over another period, or on other data; then its numbers cannot
    stand beside those of this period.

    Parameters
    ----------
    table : DataFrame or None
        One row per customer with ``net_sales``.
    trade : Trade
    """
    if table is None:
        return None
    gap = abs(table["net_sales"].sum() - trade.customers["net_sales"].sum())
    return table if gap < 0.01 + 1e-9 * trade.customers["net_sales"].abs().sum() else None


@dataclass(frozen=True)
class WonAndKept:
    """What winning customers cost, what they brought since, and what those earned who were kept.

    Attributes
    ----------
    won : DataFrame
        Customers won in the period, as far as their cost is known, indexed by ``customer_id``:
        ``acquisition_cost``, ``brought`` (profit before that cost) and ``profit``.
    paid_back : float
        Share of them who have brought at least their cost.
    averages : DataFrame
        Indexed by ``cost`` (of winning one), ``brought`` (by one of them since) and ``kept`` (profit in
        the period, cost of winning left out, of one who had also ordered in the period before;
        not there where the data do not reach back that far): ``label``, ``customers``, ``value``,
        ``low`` and ``high``, money per customer with its 95 % interval.
    """

    won: pd.DataFrame
    paid_back: float
    averages: pd.DataFrame


def won_and_kept(
    profits: pd.DataFrame | None, acquisition: pd.Series | None, trade: Trade, before: Trade | None
) -> WonAndKept | None:
    """Set the cost of winning customers beside what kept customers earned.

    Parameters
    ----------
    profits : DataFrame or None
        The table ``profit_per_customer`` of notebook 02.
    acquisition : Series or None
        What winning each customer cost, as `crmlib.analysis.ledger.acquisition_costs` returns it.
    trade : Trade
        Of the same period.
    before : Trade or None
        Of the period before; None where the data do not reach back that far.

    Returns
    -------
    WonAndKept or None
        None where the cost of winning is known for fewer than two customers, or no profit is known.
    """
    if profits is None or acquisition is None or len(acquisition) < 2:
        return None
    profits = profits.set_index("customer_id")
    earned = profits["profit"] + profits["acquisition_cost"]
    won = acquisition.to_frame("acquisition_cost").join(earned.rename("brought")).fillna(0.0)
    won["profit"] = (won["brought"] - won["acquisition_cost"]).round(6)
    both = trade.active.index.intersection(before.active.index) if before else trade.active.index[:0]
    groups = {
        "cost": ("Won: what winning them cost", won["acquisition_cost"]),
        "brought": ("Won: what they brought since", won["brought"]),
        "kept": ("Kept: what they earned", earned.reindex(both).fillna(0.0)),
    }
    rows = {
        name: (label, len(money), float(money.mean()), *_mean_interval(money))
        for name, (label, money) in groups.items()
        if len(money) > 1
    }
    columns = ["label", "customers", "value", "low", "high"]
    averages = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return WonAndKept(won, float((won["profit"] >= 0).mean()), averages)


def _mean_interval(values: pd.Series) -> tuple[float, float]:
    return ratio_interval(values.to_numpy(), np.ones(len(values)))


#: Where money can be at stake: whose it is, what is counted, and the notebook that goes into it.
STAKES = {
    "gone": (
        "Did not come back",
        "earned a period ago by customers who did not come back",
        "01_customer_base",
    ),
    "below_zero": ("Below zero", "lost on customers who cost more than they brought", "02_profitability"),
    "winning": ("Just won", "spent on winning customers", "05_customer_equity"),
    "leaving": (
        "May leave",
        "at risk for a year: what they bring times the chance that they leave",
        "03_churn",
    ),
}


def stakes(
    profits: pd.DataFrame | None,
    base: pd.DataFrame | None,
    served: bool = True,
    churn: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Put the sums of money that the suite's questions are about in order, the largest first.

    They are no gains: only part of each can be moved, and they overlap.

    Parameters
    ----------
    profits : DataFrame or None
        The table ``profit_per_customer`` of notebook 02.
    base : DataFrame or None
        The table ``customer_base`` of notebook 01.
    served : bool
        Whether the cost to serve is in the profits. Without it only those stand below zero who sent
        back more than they bought, and nothing is said of them.
    churn : DataFrame or None
        The table ``churn`` of notebook 03.

    Returns
    -------
    DataFrame
        Indexed by the keys of `STAKES`: ``label`` (whose), ``what`` (is counted), ``notebook``,
        ``customers`` and ``amount`` (money, above zero). Empty where neither table is there.

    Examples
    --------
    >>> profits = pd.DataFrame({"profit": [90.0, -20.0, -5.0], "acquisition_cost": [0.0, 15.0, 0.0]})
    >>> stakes(profits, None)["amount"].to_dict()
    {'below_zero': 25.0, 'winning': 15.0}
    """
    found: dict[str, pd.Series] = {}
    if profits is not None:
        if served:
            found["below_zero"] = -profits.loc[profits["profit"] < 0, "profit"]
        found["winning"] = profits.loc[profits["acquisition_cost"] > 0, "acquisition_cost"]
    if base is not None:
        found["gone"] = base.loc[base["group"] == "lost", "profit_before"]
    if churn is not None:
        found["leaving"] = churn.loc[churn["value_at_risk"] > 0, "value_at_risk"]
    rows = [
        (name, *STAKES[name], len(sums), float(sums.sum())) for name, sums in found.items() if sums.sum() > 0
    ]
    columns = ["name", "label", "what", "notebook", "customers", "amount"]
    return (
        pd.DataFrame(rows, columns=columns)
        .set_index("name")
        .sort_values("amount", ascending=False, kind="stable")
    )


Figures = dict[str, tuple[float, str]]


def key_numbers(
    profits: pd.DataFrame | None,
    base: pd.DataFrame | None,
    cohorts: pd.DataFrame | None,
    won: WonAndKept | None,
    period: Period,
    served: bool = True,
    churn: pd.DataFrame | None = None,
    values: pd.DataFrame | None = None,
    segments: pd.DataFrame | None = None,
    actions: pd.DataFrame | None = None,
) -> Figures:
    """Take from the saved tables the number by which each idea is measured.

    Parameters
    ----------
    profits, base, cohorts : DataFrame or None
        The tables ``profit_per_customer``, ``customer_base`` and ``cohorts``.
    won : WonAndKept or None
    period : Period
        The period of the first two.
    served : bool
        Whether the cost to serve is in the profits. Without it nobody can say who needs a next step.
    churn, values : DataFrame or None
        The tables ``churn`` and ``lifetime_value`` of notebooks 03 and 04.
    segments, actions : DataFrame or None
        The tables ``segments`` and ``actions`` of notebooks 06 and 09.

    Returns
    -------
    dict of str to (float, str)
        For each measure its number and its unit (``money``, ``share`` or ``count``); what cannot be
        computed is not in it.
    """
    found: Figures = {}
    if profits is not None:
        if served:
            found["with_a_step"] = int(profits["step"].isin(ACTIONS).sum()), "count"
        found["earned"] = float(profits.loc[profits["profit"] > 0, "profit"].sum()), "money"
    if won is not None:
        found["cost_to_win"] = float(won.averages.loc["cost", "value"]), "money"
    if base is not None:
        groups = base["group"].value_counts()
        kept, lost = (int(groups.get(name, 0)) for name in ("retained", "lost"))
        days = pd.to_datetime(base["won_on"])
        found["won"] = int(days.between(pd.Timestamp(period.first), pd.Timestamp(period.last)).sum()), "count"
        if kept + lost:
            found["retention"] = kept / (kept + lost), "share"
            found["lost"] = lost, "count"
        if kept:
            stayed = base[base["group"] == "retained"]
            found["bought_more"] = float((stayed["net_sales"] > stayed["net_sales_before"]).mean()), "share"
    if churn is not None:
        found["at_risk"] = float(churn["value_at_risk"].sum()), "money"
    if values is not None:
        horizons = [int(name[6:]) for name in values.columns if name[:6] == "value_" and name[6:].isdigit()]
        found["future"] = float(values[f"value_{max(horizons)}"].sum()), "money"
    if segments is not None:
        if "profit" in segments:
            found["best_segment"] = float(segments.groupby("segment")["profit"].sum().max()), "money"
        if "raise_cost" in segments:
            found["raised"] = int((segments["raise_cost"] > 0).sum()), "count"
    if actions is not None:
        # The list of the month is newer than the steps of the profit report, and has them in it.
        found["with_a_step"] = int((actions["arm"] != LEAVE).sum()), "count"
        found["held_out"] = int((actions["arm"] == HOLD_OUT).sum()), "count"
    if cohorts is not None:
        old_enough = cohorts[cohorts["value_per_customer"].notna() & (cohorts["cohort"] != "before")]
        if len(old_enough):
            # A single cohort is small and says little: all of them, each customer counting once.
            value = np.average(old_enough["value_per_customer"], weights=old_enough["customers"])
            found["cohort_value"] = float(value), "money"
    return found
