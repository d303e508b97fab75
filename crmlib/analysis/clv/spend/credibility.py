"""What a purchase leaves, customer by customer: own experience weighed against that of the base.

A contribution can be negative, so no model of positive amounts fits it. Credibility theory needs
two variances only: how much purchases of one customer differ, and how much customers do.
"""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from crmlib.analysis.clv.refusals import refuse_some
from crmlib.errors import DataError, TooLittleData

_COLUMNS = ("n", "money", "squares")


class Credibility(BaseEstimator):
    """The Bühlmann-Straub model of money per purchase, negative amounts included.

    Money of one purchase is the customer's mean plus noise of variance `within_`; means differ
    over customers with variance `between_`. A customer's mean is estimated as
    ``z * own mean + (1 - z) * base mean`` with credibility ``z = n / (n + within_ / between_)``.

    Where purchases have a volume (such as sales, when money is a rate), noise has the variance
    ``within_ / volume``, and the volume of a customer stands in place of n in z. What is expected of all
    purchases made then adds up to what they brought.

    Attributes
    ----------
    base_mean_ : float
        Money per purchase of a customer nobody knows anything about: the own means, weighed by
        their credibility.
    within_, between_ : float
        The two variances, in money squared.
    n_customers_ : int
        Customers with a purchase.

    Notes
    -----
    Bühlmann & Straub (1970), Mitteilungen der Vereinigung schweizerischer
    Versicherungsmathematiker 70:111-133; estimators as in Bühlmann & Gisler (2005), A Course in
    Credibility Theory, section 4.8. A negative estimate of `between_` is taken as 0.

    Examples
    --------
    >>> customers = pd.DataFrame(
    ...     {"n": [4, 4, 1], "money": [10.0, 2.0, 30.0], "squares": [12.0, 12.0, 0.0]}, index=["A", "B", "C"]
    ... )
    >>> Credibility().fit(customers).predict(customers).round(2).to_dict()
    {'A': 10.03, 'B': 2.1, 'C': 29.47}
    """

    def fit(self, customers: pd.DataFrame) -> Self:
        """Estimate the two variances and the base mean.

        Parameters
        ----------
        customers : DataFrame of shape (n_customers, 3 or more)
            ``n`` purchases (0 or more), ``money`` their mean (ignored where n is 0), ``squares``
            the sum of squared deviations of the purchases from it; optionally ``volume``, the volume of
            all purchases together (above 0 where n is), by which mean and squares are then weighed.

        Raises
        ------
        DataError
            If a column is missing or not finite.
        TooLittleData
            If fewer than two customers bought, or nobody more than once.
        """
        n, money, squares, volume = _checked(customers)
        bought = n > 0
        n, money, squares, volume = n[bought], money[bought], squares[bought], volume[bought]
        if len(n) < 2 or not (n > 1).any():
            raise TooLittleData(
                f"{len(n):,} customers with a purchase, {int((n > 1).sum()):,} of them with several",
                "two customers or more, one of them with several purchases",
                "take more customers or a longer time",
            )
        self.within_ = float(squares.sum() / (n - 1).sum())
        total = volume.sum()
        overall = volume @ money / total
        spread = volume @ (money - overall) ** 2 - (len(n) - 1) * self.within_
        self.between_ = float(max(spread / (total - (volume @ volume) / total), 0.0))
        weight = self._credibility(volume) if self.between_ > 0 else volume
        self.base_mean_ = float(weight @ money / weight.sum())
        self.n_customers_ = len(n)
        return self

    def credibility(self, customers: pd.DataFrame) -> pd.Series:
        """Weight of each customer's own mean, from 0 to 1."""
        check_is_fitted(self)
        return pd.Series(self._credibility(_checked(customers)[3]), index=customers.index, name="credibility")

    def predict(self, customers: pd.DataFrame) -> pd.Series:
        """Money per purchase to expect of each customer; the base mean of one without purchases."""
        check_is_fitted(self)
        n, money, _, volume = _checked(customers)
        weight = self._credibility(volume)
        mean = self.base_mean_ + weight * (np.where(n > 0, money, 0.0) - self.base_mean_)
        return pd.Series(mean, index=customers.index, name="money")

    def draw_sums(self, customers: pd.DataFrame, orders: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw the money of so many purchases (or so much volume), normal around what is expected.

        Parameters
        ----------
        customers : DataFrame
            As for `predict`.
        orders : ndarray of shape (n_customers,)
            Purchases of each, or their volume where money is by volume.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of shape (n_customers,)
        """
        volume = _checked(customers)[3]
        unknown = self.between_ * (1 - self._credibility(volume))
        spread = np.sqrt(orders**2 * unknown + orders * self.within_)
        return orders * self.predict(customers).to_numpy() + spread * rng.standard_normal(len(volume))

    def _credibility(self, volume: np.ndarray) -> np.ndarray:
        return volume * self.between_ / np.maximum(volume * self.between_ + self.within_, 1e-300)


def _checked(customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    missing = [name for name in _COLUMNS if name not in customers.columns]
    if missing:
        raise DataError(
            f"a table without {', '.join(missing)}", f"the columns {', '.join(_COLUMNS)}", "add them"
        )
    for name in _COLUMNS:
        if customers[name].dtype.kind not in "iuf":
            raise DataError(f"column {name} of type {customers[name].dtype}", "numbers", "convert it")
    n, money, squares = (customers[name].to_numpy(dtype="float64") for name in _COLUMNS)
    bad = ~np.isfinite(n) | (n < 0) | (n != np.floor(n))
    refuse_some(bad, customers.index, n, "n", "whole numbers of 0 or more", "count the purchases")
    bad = (n > 0) & ~np.isfinite(money)
    refuse_some(bad, customers.index, money, "money", "finite means", "correct them")
    bad = (n > 0) & ~(np.isfinite(squares) & (squares >= 0))
    refuse_some(bad, customers.index, squares, "squares", "finite sums of 0 or more", "correct them")
    volume = n
    if "volume" in customers.columns:
        volume = customers["volume"].to_numpy(dtype="float64")
        bad = (n > 0) & ~(np.isfinite(volume) & (volume > 0))
        refuse_some(bad, customers.index, volume, "volume", "finite volumes above 0", "correct them")
        volume = np.where(n > 0, volume, 0.0)
    return n, money, np.where(n > 0, squares, 0.0), volume
