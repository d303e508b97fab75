"""Values where no model is trusted: a simple forecast, as far ahead as it was rehearsed."""

from datetime import date

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.purchases.purchase_log import PurchaseLog
from crmlib.analysis.clv.spend.money import MoneyPerPurchase
from crmlib.analysis.clv.trust.hold_out import BASELINES


def simple_values(
    name: str,
    lines: ibis.Table,
    as_of: date,
    horizon_days: int,
    money: MoneyPerPurchase,
    customers: pd.DataFrame,
    annual_rate: float,
) -> pd.DataFrame:
    """Value customers by a simple forecast of their purchases, times money per purchase.

    Parameters
    ----------
    name : str
        Key of `crmlib.analysis.clv.trust.hold_out.BASELINES`.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    as_of : datetime.date
        Last known day.
    horizon_days : int
        The horizon it was rehearsed over; it is not carried further.
    money : MoneyPerPurchase
        Fitted.
    customers : DataFrame
        Histories with the columns the model of money reads.
    annual_rate : float
        Discount rate per year; purchases are taken to come in the middle of the horizon.

    Returns
    -------
    DataFrame
        Indexed like `customers`: ``alive``, ``low`` and ``high`` (NaN: a simple forecast has neither chances
        nor intervals), ``orders``, ``discounted_orders``, ``money`` and ``value``.
    """
    log = PurchaseLog.of(lines, as_of)
    found = BASELINES[name]().fit(log, horizon_days).predict(log)
    orders = found["purchases"].reindex(customers.index).fillna(0.0)
    whole = Schedule.until(float(horizon_days), annual_rate, period=float(horizon_days))
    frame = pd.DataFrame(
        {
            "alive": np.nan,
            "orders": orders,
            "discounted_orders": orders * float(whole.factors[0]),
            "money": money.predict(customers),
        }
    )
    return frame.assign(value=frame["discounted_orders"] * frame["money"], low=np.nan, high=np.nan)
