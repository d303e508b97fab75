"""Where customers stand on a day: what they earned in the period up to it, and how long they are expected to stay."""

from datetime import date

import ibis
import pandas as pd

from crmlib.analysis.churn.activity import Tables
from crmlib.analysis.clv.purchases.summary import purchase_summary
from crmlib.analysis.period import Period
from crmlib.analysis.profitability import profit_in
from crmlib.analysis.segments.predicted_tenure import predicted_tenure


def standings(
    tables: Tables,
    lines: ibis.Table,
    period: Period,
    months: float,
    first_day: date,
    alive: pd.Series | None = None,
) -> pd.DataFrame:
    """Lay out value and predicted tenure of everybody who has bought by the end of a period.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None; `crmlib.intake.Data.table` is one.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`; nothing after the period is read.
    period : Period
        What value is summed over.
    months : float
        Horizon of the tenure ahead.
    first_day : datetime.date
        First day of the data: who was won before it began before the data.
    alive : Series of float, optional
        Chance to be a customer at the end of the period, by customer, where it is known.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, sorted: ``value`` (profit of the period before the cost of winning the customer,
        run's currency; gross margin where the cost to serve is not known), ``months_ahead``, and ``active`` (bool: a
        purchase in the period).

    Raises
    ------
    TooLittleData
        If the histories are too few for a model of buying and leaving.

    Notes
    -----
    The cost of winning a customer is past and cannot be changed, so it has no part in what a relationship deserves.
    Definition of this project.
    """
    histories = purchase_summary(lines, period.last)
    money = profit_in(tables, lines, period)
    value = (money["profit"] + money["acquisition_cost"]).round(6)
    ahead = predicted_tenure(histories, months, _before(tables, histories.index, first_day), alive)
    days = (period.last - period.first).days + 1
    return pd.DataFrame(
        {
            "value": value.reindex(histories.index).fillna(0.0) + 0.0,
            "months_ahead": ahead,
            "active": histories["T"] - histories["t_x"] < days,
        }
    )


def _before(tables: Tables, customers: pd.Index, first_day: date) -> pd.Series | None:
    people = tables("customers")
    if people is None or "acquired_on" not in people.columns:
        return None
    early = people.filter(people.acquired_on < ibis.literal(first_day)).select("customer_id").execute()
    return pd.Series(customers.isin(early["customer_id"]), index=customers)
