"""Values where no model is trusted: a simple forecast, as far ahead and as sure as it was rehearsed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd
from scipy.stats import t as student

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.purchases.purchase_log import PurchaseLog
from crmlib.analysis.clv.spend.money import MoneyPerPurchase
from crmlib.analysis.clv.trust.hold_out import BASELINES, HoldOut

#: Classes of customers with a like forecast.
_CLASSES = 20
_TAILS = (0.025, 0.975)


@dataclass(frozen=True)
class Rehearsed:
    """How far a simple forecast was off, and what customers with a like forecast brought.

    Money is counted in purchases worth what is expected of the customer, so that it can be held against a forecast of
    purchases and carried over to contributions.

    Attributes
    ----------
    scale : float
        Spread of the logarithm of actual over forecast totals: what the rehearsals were off by (root mean square), but
        not less than chance among the customers alone. NaN where a total was not above 0.
    rehearsals : int
        How many.
    classes : DataFrame
        One row per class of forecast purchases: ``highest`` (forecast in the class), ``relative`` (bool: ends are
        multiples of the forecast, else purchases), ``low`` and ``high`` (95 % of the customers lie between).
    """

    scale: float
    rehearsals: int
    classes: pd.DataFrame

    @classmethod
    def of(cls, held: Sequence[HoldOut], name: str) -> "Rehearsed":
        """Learn from the rehearsals of one simple forecast.

        Parameters
        ----------
        held : sequence of HoldOut
            One per rehearsal.
        name : str
            Key of `crmlib.analysis.clv.trust.hold_out.BASELINES`.

        Notes
        -----
        Variance of a ratio of totals: Cochran (1977), Sampling Techniques, chapter 6. The rest is a definition of this
        project.
        """
        errors, chances, pooled = [], [], []
        for one in held:
            forecast = one.purchases[name].to_numpy("float64")
            spend = one.kept * one.spend.predict_money(one.histories).to_numpy() if one.spend else 1.0
            came = one.actual["money" if one.spend else "purchases"].to_numpy("float64")
            pooled.append(np.column_stack([forecast, came / spend]))
            expected, total = (forecast * spend).sum(), came.sum()
            possible = expected > 0 and total > 0
            errors.append(np.log(total / expected) if possible else np.nan)
            apart = came - forecast * spend * (total / expected if possible else np.nan)
            chances.append((apart @ apart) / total**2 if possible else np.nan)
        scale = float(np.sqrt(max(np.mean(np.square(errors)), np.mean(chances))))
        return cls(scale, len(held), _classes(np.concatenate(pooled)))

    def of_total(self, value: float) -> tuple[float, float]:
        """Return the 95 % interval of a total: as far off as the rehearsals, in either direction.

        Errors of the logarithm are taken as normal around 0; with so few rehearsals their spread is hardly known, which
        Student's t with as many degrees of freedom allows for. Rehearsals that overlap in time tell less than that.

        Examples
        --------
        >>> [round(end) for end in Rehearsed(0.05, 2, pd.DataFrame()).of_total(100.0)]
        [81, 124]
        """
        factor = float(np.exp(student.ppf(_TAILS[1], self.rehearsals) * self.scale))
        low, high = sorted((value / factor, value * factor))
        return low, high

    def of_customers(self, orders: pd.Series) -> pd.DataFrame:
        """Return ``low`` and ``high`` of each customer, in purchases, from a forecast of purchases."""
        place = np.searchsorted(self.classes["highest"].to_numpy()[:-1], orders.to_numpy(), side="left")
        own = self.classes.iloc[place]
        unit = np.where(own["relative"], orders.to_numpy(), 1.0)
        return pd.DataFrame({end: own[end].to_numpy() * unit for end in ("low", "high")}, index=orders.index)


def _classes(pooled: np.ndarray) -> pd.DataFrame:
    """Cut forecasts (first column) into classes about equal in size, equal ones together, and see what came of them."""
    forecast, came = pooled.T
    edges = np.unique(np.quantile(forecast, np.linspace(0, 1, _CLASSES + 1)[1:], method="higher"))
    number = np.searchsorted(edges, forecast, side="left")
    rows = []
    for place, highest in enumerate(edges):
        inside = number == place
        relative = bool(forecast[inside].min() > 0)
        of = came[inside] / forecast[inside] if relative else came[inside]
        rows.append((highest, relative, *np.quantile(of, _TAILS)))
    return pd.DataFrame(rows, columns=["highest", "relative", "low", "high"])


def simple_values(
    name: str,
    lines: ibis.Table,
    as_of: date,
    horizon_days: int,
    money: MoneyPerPurchase,
    customers: pd.DataFrame,
    annual_rate: float,
    rehearsed: Rehearsed,
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
    rehearsed : Rehearsed
        Where intervals come from.

    Returns
    -------
    DataFrame
        Indexed like `customers`: ``orders``, ``discounted_orders``, ``money``, ``value``, and ``low`` and ``high``
        (95 % of the customers with a like forecast lay between them in the rehearsals).
    """
    log = PurchaseLog.of(lines, as_of)
    found = BASELINES[name]().fit(log, horizon_days).predict(log)
    orders = found["purchases"].reindex(customers.index).fillna(0.0)
    whole = Schedule.until(float(horizon_days), annual_rate, period=float(horizon_days))
    factor = float(whole.factors[0])
    frame = pd.DataFrame(
        {"orders": orders, "discounted_orders": orders * factor, "money": money.predict(customers)}
    )
    ends = rehearsed.of_customers(orders).mul(factor * frame["money"], axis=0)
    # Where a purchase leaves a loss, many purchases are the low end.
    return frame.assign(
        value=frame["discounted_orders"] * frame["money"], low=ends.min(axis=1), high=ends.max(axis=1)
    )
