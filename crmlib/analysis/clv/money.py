"""Money per purchase: the models of it that a value may be built on, told apart by what they count.

Sales per purchase times a margin rate, or a contribution per purchase that was worked out
before: one of the two, never both, so that a margin is taken off once.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from crmlib.analysis.clv.gamma_gamma import GammaGamma
from crmlib.errors import ParameterError


class MoneyPerPurchase(Protocol):
    """What a value needs to know about money; `crmlib.analysis.clv.credibility.Credibility` is one."""

    def predict(self, customers: pd.DataFrame) -> pd.Series:
        """Money per purchase to expect of each customer."""

    def draw_sums(self, customers: pd.DataFrame, orders: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw the money of so many purchases of each customer, given what is known of them."""


@dataclass(frozen=True)
class SpendTimesRate:
    """Spend per purchase by a gamma-gamma model, times one margin rate for all.

    Attributes
    ----------
    spend : GammaGamma
        Fitted to mean net sales per purchase (above 0).
    rate : float
        Margin per euro of net sales; below 0 where sales lose money.

    Examples
    --------
    >>> spend = GammaGamma().with_params([6.25, 3.74, 15.44])
    >>> customers = pd.DataFrame({"n": [2, 0], "money": [22.35, float("nan")]}, index=["A", "B"])
    >>> SpendTimesRate(spend, rate=0.3).predict(customers).round(2).to_dict()
    {'A': 7.4, 'B': 10.57}
    """

    spend: GammaGamma
    rate: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.rate) or self.rate > 1:
            raise ParameterError(
                f"a margin rate of {self.rate}", "a share of net sales, at most 1", "give 0.3 for 30 %"
            )

    def predict(self, customers: pd.DataFrame) -> pd.Series:
        """Money per purchase to expect of each customer; the base mean of one without purchases."""
        return self.rate * self.spend.predict_money(customers)

    def draw_sums(self, customers: pd.DataFrame, orders: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw the money of so many purchases of each customer; shape (n_customers,)."""
        p = self.spend.params_["p"]
        mean = self.spend.draw_money(customers, rng)[:, 0]
        # The sum of k amounts from Gamma(p, ν) is from Gamma(k p, ν); their mean is p / ν.
        return self.rate * rng.standard_gamma(p * orders) * mean / p
