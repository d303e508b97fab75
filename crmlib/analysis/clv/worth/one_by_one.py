"""Single customers: five to work by hand, and one with all definitions of value side by side."""

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.clv.spend.money import OwnRates
from crmlib.analysis.clv.worth.portfolio import iso_values
from crmlib.analysis.clv.worth.strata import Stratum
from crmlib.analysis.clv.worth.valuation import Worth

_AGE = 730.0
_MOST = 40


def five_histories(customers: pd.DataFrame) -> pd.DataFrame:
    """Choose five customers that show what a model of silence does, by purchases.

    One who bought once, in the middle by time watched; a rare and a frequent buyer with nearly the same
    silence; one who bought lately; and the most frequent buyer.

    Parameters
    ----------
    customers : DataFrame
        Histories, by ``customer_id``.

    Returns
    -------
    DataFrame
        Five rows of `customers`, or all where there are no five, by ``x``; where one of the five kinds is not
        there, another customer, with repeats if possible.
    """
    ordered = customers.sort_index()
    once = ordered[ordered["x"] == 0].sort_values("T", kind="stable")
    again = ordered[ordered["x"] > 0]
    silence = (again["T"] - again["t_x"]).astype("float64")
    middle = silence.quantile(0.7)
    alike = again[(silence - middle).abs() <= max(0.1 * middle, 3.0)].sort_values("x", kind="stable")
    lately = again.loc[silence[again["x"] >= again["x"].median()].sort_values(kind="stable").index[:1]]
    most = again.sort_values("x", ascending=False, kind="stable").iloc[:1]
    picked = pd.concat([once.iloc[len(once) // 2 :][:1], alike.iloc[:1], alike.iloc[-1:], lately, most])
    picked = picked[~picked.index.duplicated()]
    rest = pd.concat([again, once])
    more = rest[~rest.index.isin(picked.index)].iloc[: 5 - len(picked)]
    return pd.concat([picked, more]).sort_values("x", kind="stable")


def iso_grid(worth: Worth, customers: pd.DataFrame) -> pd.DataFrame | None:
    """Value every history of customers who came some time ago; None by a simple forecast.

    The customers of the last stratum (those since the data begin, or all), seen for the first time 730 days ago
    or half of the longest time watched, at the mean contribution of a purchase.
    """
    if not worth.strata:
        return None
    stratum = _latest(worth)
    own, age = stratum.customers, age_of(worth)
    mean = float((customers["n"] * customers["left"]).sum() / customers["n"].sum())
    most = int(np.clip(own["x"].quantile(0.98) + 1, 6, _MOST))
    silences = np.linspace(0.0, age * 0.98, 60).round()
    silences = silences[silences < age]
    return iso_values(
        stratum.model, mean, worth.values.schedule, age, np.arange(2, most + 1), np.unique(silences)
    )


def age_of(worth: Worth) -> float:
    """Return how many days ago the customers of the grid were first seen."""
    return float(min(_AGE, _latest(worth).customers["T"].max() / 2))


def _latest(worth: Worth) -> Stratum:
    """Return the last stratum; where it is told apart by group, the largest group."""
    own = [stratum for stratum in worth.strata if stratum.name == worth.strata[-1].name]
    return max(own, key=lambda stratum: len(stratum.customers))


def bends(grid: pd.DataFrame) -> bool:
    """Tell whether, after the longest silence, frequent buyers are worth less than rare ones."""
    return bool(grid.iloc[-1, -1] < grid.iloc[0, -1])


def definitions(
    customer: str, days: ibis.Table, customers: pd.DataFrame, worth: Worth, money: OwnRates
) -> pd.DataFrame:
    """Work out one customer's value by each definition in use, from the ledger to what is to come.

    Parameters
    ----------
    customer : str
        Whose.
    days : ibis.Table
        Days of the customer base (`crmlib.analysis.audit.customer_days.Base`).
    customers, worth, money
        As for the values.

    Returns
    -------
    DataFrame
        ``what``, ``counted`` and ``value`` (money), one row per definition. The three past ones but the first
        come from the one before by a subtraction; ``Total`` is the net past plus the residual value.
    """
    names = ("net_sales", "gross_margin", "service_cost", "acquisition_cost")
    own = days.filter(days.customer_id == customer)
    past = own.agg(**{name: own[name].sum().cast("float64") for name in names}).execute().iloc[0]
    row = worth.customers.loc[customer]
    spend = float(money.spend.predict_money(customers.loc[[customer]]).iloc[0])
    to_come = float(row["discounted_orders"]) * spend
    margin = past["gross_margin"] / past["net_sales"] if past["net_sales"] else np.nan
    served = past["gross_margin"] - past["service_cost"]
    net = served - past["acquisition_cost"]
    rows = [
        ("Past, sales", "net sales so far", past["net_sales"]),
        ("Past, margin", "less the cost of goods", past["gross_margin"]),
        ("Past, contribution", "less the cost to serve", served),
        ("Past, net", "less the cost of winning the customer", net),
        ("To come, sales", "expected net sales, discounted", to_come),
        ("To come, margin", "the same at the margin so far", to_come * margin),
        ("Residual lifetime value", "expected contribution, discounted", float(row["value"])),
        ("Total lifetime value", "past, net, and residual", net + float(row["value"])),
    ]
    return pd.DataFrame(rows, columns=["what", "counted", "value"])
