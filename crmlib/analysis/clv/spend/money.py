"""Money per purchase: the models of it that a value may be built on, told apart by what they count.

Sales per purchase times a margin rate, or a contribution per purchase that was worked out
before: one of the two, never both, so that a margin is taken off once.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from crmlib.analysis.clv.spend.credibility import Credibility
from crmlib.analysis.clv.spend.gamma_gamma import GammaGamma
from crmlib.errors import ParameterError


class MoneyPerPurchase(Protocol):
    """What a value needs to know about money; `crmlib.analysis.clv.spend.credibility.Credibility` is one."""

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


@dataclass(frozen=True)
class OwnRates:
    """Contribution per purchase: expected spend times a rate of the customer's own, which may be negative.

    A contribution per purchase is divided by the spend expected of the customer, and these rates are
    weighed against that of all customers by credibility, with sales as their volume: noise of a rate
    falls with sales, so a large basket says more than a small one. What is expected of all
    purchases made adds up to what they left: every euro once.

    Attributes
    ----------
    spend : GammaGamma
        Fitted to mean net sales per purchase.
    rates : Credibility
        Fitted to contribution per euro of expected spend.

    Notes
    -----
    Definition of this project, from Fader, Hardie & Lee (2005), Journal of Marketing Research
    42:415-430, for the spend, and Bühlmann & Straub (1970) for the rates.
    """

    spend: GammaGamma
    rates: Credibility

    @classmethod
    def fit(cls, customers: pd.DataFrame) -> "OwnRates":
        """Fit both models.

        Parameters
        ----------
        customers : DataFrame
            ``n`` purchases, ``money`` their mean net sales (above 0), ``left`` their mean
            contribution and ``squares``, the sum of squared deviations of the contributions from it.

        Raises
        ------
        DataError, TooLittleData
            As the two models do.
        """
        found = cls(GammaGamma().fit(customers), Credibility())
        found.rates.fit(found.own_rates(customers))
        return found

    def own_rates(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Return contributions per euro of expected spend, with sales as volume, as `Credibility` reads them."""
        spend = self.spend.predict_money(customers)
        return pd.DataFrame(
            {
                "n": customers["n"],
                "money": customers["left"] / spend,
                "squares": customers["squares"] / spend,
                "volume": customers["n"] * spend,
            }
        )

    def predict(self, customers: pd.DataFrame) -> pd.Series:
        """Contribution per purchase to expect of each customer."""
        spend = self.spend.predict_money(customers)
        return (spend * self.rates.predict(self.own_rates(customers))).rename("money")

    def draw_sums(self, customers: pd.DataFrame, orders: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw the contribution of so many purchases of each customer; shape (n_customers,)."""
        spend = self.spend.predict_money(customers).to_numpy()
        return self.rates.draw_sums(self.own_rates(customers), orders * spend, rng)
