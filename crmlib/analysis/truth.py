"""How close an estimate comes to the truth, which only a simulated company knows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.period import Period


@dataclass(frozen=True)
class Closeness:
    """How close estimated profits come to the truth of a simulated company.

    Attributes
    ----------
    estimate, truth : Series
        Profit per customer, indexed alike by ``customer_id``.
    typical_error : float
        Median of the absolute differences, in the run's currency.
    same_sign : float
        Share of customers whose estimate has the sign of the truth.
    """

    estimate: pd.Series
    truth: pd.Series
    typical_error: float
    same_sign: float


def against_truth(customers: pd.DataFrame, truth: pd.DataFrame | None, period: Period) -> Closeness | None:
    """Compare estimated with true profit; None where no truth is known for the period.

    Parameters
    ----------
    customers : DataFrame
        As returned by `customer_profit`.
    truth : DataFrame or None
        Columns ``customer_id``, ``year_ending`` (last day of a 12-month period), ``profit``.
    period : Period
        The period of the estimate.
    """
    if truth is None or period.months != 12:
        return None
    year = truth[pd.to_datetime(truth["year_ending"]).dt.date == period.last]
    known = year.set_index("customer_id")["profit"].astype("float64")
    both = customers.index.intersection(known.index).sort_values()
    if both.empty:
        return None
    estimate, known = customers.loc[both, "profit"], known.loc[both]
    return Closeness(
        estimate=estimate,
        truth=known,
        typical_error=float((estimate - known).abs().median()),
        same_sign=float((np.sign(estimate.round(2)) == np.sign(known.round(2))).mean()),
    )
