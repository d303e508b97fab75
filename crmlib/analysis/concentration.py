"""How profit is spread over customers: the whale curve and the Stobachoff index."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.intervals import ratio_interval


@dataclass(frozen=True)
class Whale:
    """Key numbers of a whale curve.

    Attributes
    ----------
    customers, earners, losers : int
        All customers, those with profit above zero, those with profit below zero.
    total, peak, loss : float
        Total profit, profit of the earners (the height of the peak), profit of the
        losers (<= 0), in the run's currency.
    peak_share : float
        Peak as a share of the total; NaN if the total is not positive.
    peak_interval : tuple of float
        95 % interval of `peak_share`, treating customers as a sample.
    peak_at : float
        Share of customers at the peak.
    top_fifth_share : float
        Share of total profit earned by the best fifth of customers; NaN if the total is
        not positive.
    """

    customers: int
    earners: int
    losers: int
    total: float
    peak: float
    loss: float
    peak_share: float
    peak_interval: tuple[float, float]
    peak_at: float
    top_fifth_share: float


def whale_curve(profit: pd.Series) -> pd.DataFrame:
    """Cumulate profit from the best customer to the worst.

    Parameters
    ----------
    profit : Series of shape (n_customers,)
        Profit per customer.

    Returns
    -------
    DataFrame of shape (n_customers + 1, 2)
        ``customers_share`` from 0 to 1 and ``cumulative_profit`` in the run's currency.

    Examples
    --------
    >>> whale_curve(pd.Series([-2.0, 5.0, 1.0]))["cumulative_profit"].tolist()
    [0.0, 5.0, 6.0, 4.0]
    """
    ordered = np.sort(profit.to_numpy(float))[::-1]
    return pd.DataFrame(
        {
            "customers_share": np.linspace(0.0, 1.0, len(ordered) + 1),
            "cumulative_profit": np.concatenate([[0.0], np.cumsum(ordered)]),
        }
    )


def whale(profit: pd.Series) -> Whale:
    """Summarise the whale curve of `profit`; see `Whale`."""
    curve = whale_curve(profit)
    values = profit.to_numpy(float)
    gains = np.clip(values, 0.0, None)
    total, peak = float(values.sum()), float(gains.sum())
    positive = total > 0
    top = np.interp(0.2, curve["customers_share"], curve["cumulative_profit"])
    return Whale(
        customers=len(values),
        earners=int((values > 0).sum()),
        losers=int((values < 0).sum()),
        total=total,
        peak=peak,
        loss=total - peak,
        peak_share=peak / total if positive else float("nan"),
        peak_interval=ratio_interval(gains, values) if positive else (float("nan"), float("nan")),
        peak_at=float((values > 0).mean()) if len(values) else float("nan"),
        top_fifth_share=float(top / total) if positive else float("nan"),
    )


def stobachoff_index(profit: pd.Series) -> float:
    r"""How much some customers subsidise others: 0 if all earn the same.

    Area between the whale curve and the diagonal, divided by the area under the curve,
    with the curve normalised to end at 1: :math:`(A - 1/2) / A`. Between 0 (no
    subsidising) and 1. Undefined, NaN, if the total profit is not positive.

    Source: Storbacka (1997) and van Raaij, Vernooij & van Triest (2003), Industrial
    Marketing Management 32:573-583; the definition is stated here because published
    versions differ. It is not a Gini coefficient.

    Examples
    --------
    >>> stobachoff_index(pd.Series([1.0, 1.0, 1.0]))
    0.0
    >>> round(stobachoff_index(pd.Series([3.0, 0.0, -1.0])), 4)
    0.5714
    """
    curve = whale_curve(profit)["cumulative_profit"].to_numpy()
    if curve[-1] <= 0:
        return float("nan")
    area = np.trapezoid(curve / curve[-1], dx=1.0 / (len(curve) - 1))
    return max(0.0, float((area - 0.5) / area))
