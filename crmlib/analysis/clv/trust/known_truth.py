"""Forecasts beside the truth of a simulated company, which alone knows who is active and for how long."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from crmlib.analysis.clv.trust.forecast_scores import tenths

_DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True)
class Known:
    """Expected purchases and chances beside the true ones.

    Attributes
    ----------
    active, expected_active : float
        Share of the customers who are active, in truth and as expected.
    true, expected : float
        Purchases within the horizon: true rate times true time left, and as expected.
    correlation : float
        Of the two over customers.
    tenths : DataFrame
        Indexed by tenth of expected purchases, the highest first: ``customers``, ``forecast``, ``actual``.
    """

    active: float
    expected_active: float
    true: float
    expected: float
    correlation: float
    tenths: pd.DataFrame

    @property
    def total_error(self) -> float:
        """Error of the expected total, as a share of the true one."""
        return self.expected / self.true - 1 if self.true else float("nan")


def beside_truth(values: pd.DataFrame, truth: pd.DataFrame | None, as_of: date, months: int) -> Known | None:
    """Compare expected purchases and chances to be active with the truth.

    Parameters
    ----------
    values : DataFrame
        ``alive`` and ``orders`` (within `months`), by ``customer_id``; customers of unknown truth are left out.
    truth : DataFrame or None
        ``customer_id``, ``purchase_rate_per_year`` and ``lifetime_end``.
    as_of : datetime.date
        Last known day.
    months : int
        Horizon.

    Returns
    -------
    Known or None
        None where there is no truth.
    """
    if truth is None:
        return None
    known = truth.set_index("customer_id").reindex(values.index).dropna(subset=["purchase_rate_per_year"])
    values = values.loc[known.index]
    left = (pd.to_datetime(known["lifetime_end"]) - pd.Timestamp(as_of)).dt.days
    horizon = months * _DAYS_PER_MONTH
    true = known["purchase_rate_per_year"] * left.clip(0, horizon) / 365.25
    return Known(
        float((left > 0).mean()),
        float(values["alive"].mean()),
        float(true.sum()),
        float(values["orders"].sum()),
        float(values["orders"].corr(true)),
        tenths(values["orders"], true),
    )
