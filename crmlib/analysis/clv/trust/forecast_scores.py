"""How good forecasts of customers were, once it is known what the customers did.

A forecast serves two decisions: how much money to expect in all, and whom to look after. So it is
judged by its total, and by what the customers it puts first really brought. Equal forecasts say nothing about
the order: what such customers brought is shared out evenly among them.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Scores in money; all others are shares, ratios or numbers of purchases.
IN_MONEY = (
    "actual_money",
    "forecast_money",
    "error_money",
    "mean_absolute_error",
    "picked_money",
    "perfect_money",
    "lost_to_perfect",
)


@dataclass(frozen=True)
class Ordered:
    """Customers from the highest forecast to the lowest, equal forecasts in one step.

    Attributes
    ----------
    order : ndarray of int, shape (n_customers,)
        Positions of the customers, the highest forecast first.
    ends : ndarray of int, shape (n_steps,)
        Last place in `order` of each step.
    """

    order: np.ndarray
    ends: np.ndarray

    @classmethod
    def by(cls, forecast: np.ndarray) -> "Ordered":
        """Order customers by a forecast."""
        order = np.argsort(-forecast, kind="stable")
        ranked = forecast[order]
        return cls(order, np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(order) - 1))

    def held(
        self, values: np.ndarray, shares: float | np.ndarray, weight: np.ndarray | None = None
    ) -> np.ndarray:
        """Sum of `values` over the first customers, up to shares of all; within a step in proportion.

        Parameters
        ----------
        values : ndarray of shape (n_customers,)
            What is added up, in the order of the customers.
        shares : float or ndarray
            Shares of the customers, 0 to 1.
        weight : ndarray of shape (n_customers,), optional
            How often each customer counts.

        Examples
        --------
        >>> step = Ordered.by(np.array([3.0, 1.0, 1.0, 1.0]))
        >>> step.held(np.array([10.0, 6.0, 0.0, 0.0]), np.array([0.25, 0.5])).tolist()
        [10.0, 12.0]
        """
        if weight is None:
            place, money = self.ends + 1.0, np.cumsum(values[self.order])[self.ends]
        else:
            own = weight[self.order]
            place, money = np.cumsum(own)[self.ends], np.cumsum(own * values[self.order])[self.ends]
        return np.interp(np.asarray(shares) * place[-1], np.append(0.0, place), np.append(0.0, money))

    def gini(self, values: np.ndarray) -> float:
        """Gini coefficient of `values` with the customers in this order; NaN if their sum is not above 0."""
        money = np.append(0.0, np.cumsum(values[self.order])[self.ends])
        if money[-1] <= 0:
            return float("nan")
        place = np.append(0.0, (self.ends + 1.0) / len(self.order))
        return float(2 * np.trapezoid(money / money[-1], place) - 1)


def score(forecast: pd.DataFrame, actual: pd.DataFrame, share: float = 0.2) -> dict[str, float]:
    """Score the forecasts of one method at one origin.

    Parameters
    ----------
    forecast, actual : DataFrame of shape (n_customers, 2)
        ``purchases`` (days) and ``money`` (run's currency) of the same customers within the horizon.
    share : float
        Share of the customers that are picked.

    Returns
    -------
    dict
        - ``actual_money``, ``forecast_money``, ``error_money`` (forecast less actual), ``error`` (as a share of
          the actual money); ``actual_purchases``, ``forecast_purchases``, ``error_purchases`` (a share)
        - ``slope``: of the mean actual on the mean forecast money over the ten tenths by forecast
        - ``gain_tenth``, ``gain_fifth``: share of the actual money held by the best tenth and fifth by forecast
        - ``gini``: Gini coefficient of the actual money with customers ordered by forecast, over that with
          customers in their true order; 1 for a perfect order, about 0 for an order by lot
        - ``mean_absolute_error`` (money per customer; small for forecasts near the median, not the mean, so it is
          told and decides nothing), ``correlation``, ``correlation_purchases``
        - ``picked_money``: actual money of the picked customers, ``perfect_money``: of as many with the
          most money, ``lost_to_perfect``: the difference.

        NaN where a ratio has nothing to divide by.

    Notes
    -----
    Definitions of this project; conditional calibration and hold-out totals after Fader, Hardie & Lee (2005),
    Marketing Science 24:275-284.

    Examples
    --------
    >>> actual = pd.DataFrame({"purchases": [2, 1, 0, 0, 0], "money": [60.0, 40.0, 0.0, 0.0, 0.0]})
    >>> forecast = pd.DataFrame({"purchases": [1.0, 1, 1, 0, 0], "money": [30.0, 50.0, 10.0, 0.0, 0.0]})
    >>> found = score(forecast, actual)
    >>> found["error"], found["picked_money"], found["lost_to_perfect"]
    (-0.1, 40.0, 20.0)
    """
    money, brought = forecast["money"].to_numpy("float64"), actual["money"].to_numpy("float64")
    made, bought = forecast["purchases"].to_numpy("float64"), actual["purchases"].to_numpy("float64")
    ordered, perfect = Ordered.by(money), Ordered.by(brought)
    total = brought.sum()
    tenth, fifth, picked = ordered.held(brought, np.array([0.1, 0.2, share]))
    best = float(perfect.held(brought, share))
    groups = tenths(forecast["money"], actual["money"])
    return {
        "actual_money": float(total),
        "forecast_money": float(money.sum()),
        "error_money": float(money.sum() - total),
        "error": _part(money.sum() - total, total),
        "actual_purchases": float(bought.sum()),
        "forecast_purchases": float(made.sum()),
        "error_purchases": _part(made.sum() - bought.sum(), bought.sum()),
        "slope": _slope(groups["forecast"].to_numpy(), groups["actual"].to_numpy()),
        "gain_tenth": _part(tenth, total),
        "gain_fifth": _part(fifth, total),
        "gini": _part(ordered.gini(brought), perfect.gini(brought)),
        "mean_absolute_error": float(np.abs(money - brought).mean()),
        "correlation": _correlation(money, brought),
        "correlation_purchases": _correlation(made, bought),
        "picked_money": float(picked),
        "perfect_money": best,
        "lost_to_perfect": best - float(picked),
    }


def tenths(forecast: pd.Series, actual: pd.Series) -> pd.DataFrame:
    """Compare forecast and actual means of ten groups of equal size, the highest forecasts first.

    Returns
    -------
    DataFrame
        Indexed by ``tenth``, 1 to 10: ``customers``, and the means ``forecast`` and ``actual``.
    """
    values = forecast.to_numpy("float64")
    ordered, shares = Ordered.by(values), np.linspace(0.0, 1.0, 11)
    size = len(values) / 10
    means = {
        name: np.diff(ordered.held(of, shares)) / size
        for name, of in (("forecast", values), ("actual", actual.to_numpy("float64")))
    }
    return pd.DataFrame({"customers": size, **means}, index=pd.RangeIndex(1, 11, name="tenth"))


def _part(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def _slope(forecast: np.ndarray, actual: np.ndarray) -> float:
    away = _away(forecast)
    return _part(float(away @ actual), float(away @ away))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = _away(one), _away(other)
    return _part(float(one @ other), float(np.sqrt((one @ one) * (other @ other))))


def _away(values: np.ndarray) -> np.ndarray:
    """Deviations from the mean; 0 where only rounding tells values apart."""
    if np.ptp(values) <= 1e-9 * np.abs(values).max():
        return np.zeros(len(values))
    return values - values.mean()
