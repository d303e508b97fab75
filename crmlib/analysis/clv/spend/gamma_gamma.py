"""Gamma-gamma: what a customer spends per order, from few orders of each and many customers."""

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import numpy as np
import pandas as pd
from scipy.special import gammaincinv, gammaln

from crmlib.analysis.clv.fitting.estimator import LikelihoodModel, Prior
from crmlib.analysis.clv.fitting.maximum import LARGEST, SMALLEST
from crmlib.analysis.clv.spend.log_beta import log_beta
from crmlib.analysis.clv.spend.spend_likelihood import Spend, checked
from crmlib.errors import ParameterError, TooLittleData

_ENOUGH = 25_000
# Where p or q runs away, the scale runs with it, so its part of the box is wider.
_WIDER = 1e5


class GammaGamma(LikelihoodModel):
    """The gamma-gamma model of money per order.

    The money of an order of a customer is drawn from Gamma(p, ν), and ν, which a customer keeps, from
    Gamma(q, γ) over customers. So the customer's own mean is p/ν, and orders vary around it with
    the same coefficient of variation for all. Money and number of orders are taken to be
    independent; `spend_frequency_correlation` looks whether they are.

    Customers are frames with one row per customer and the columns ``n`` (orders that the money is the mean
    of; whole numbers) and ``money`` (mean money of these orders, in one currency). Which orders
    count is for the caller to say, and to keep to: repeat orders only, as in the paper, where first orders
    differ from later ones; or all orders, which also tells something about customers with one.

    Money may be revenue or margin. If it is margin, a lifetime value must not multiply by
    the margin again.

    Attributes
    ----------
    params_ : Series
        ``p``, ``q`` (shapes, no unit) and ``gamma`` (money). Without differences between the orders of a customer
        p runs away to infinity, without differences between customers q does (see ``maximum_.at_edge``). Gamma
        runs with them, and only the population mean, p γ / (q - 1), keeps its meaning.
    log_likelihood_ : float
        Log of the density of the mean money, at the estimates; see `log_likelihood` for the other.
    n_customers_ : float
        Customers in the fit, or the sum of their weights.
    n_without_orders_ : int
        Customers with ``n`` of 0, who are not in the fit.

    Notes
    -----
    Fader, Hardie & Lee (2005), Journal of Marketing Research 42:415-430; Fader & Hardie
    (2013), note 025. Estimates are by maximum likelihood with exact first and second derivatives.

    Examples
    --------
    >>> customers = pd.DataFrame({"n": [1, 7, 0], "money": [100.0, 50.0, np.nan]}, index=["A", "B", "C"])
    >>> model = GammaGamma().with_params([6.2488, 3.7446, 15.4478])
    >>> model.predict_money(customers).round(2).to_dict()
    {'A': 80.22, 'B': 49.12, 'C': 35.17}
    """

    names: ClassVar[tuple[str, ...]] = ("p", "q", "gamma")

    def fit(
        self, customers: pd.DataFrame, weight: np.ndarray | None = None, prior: Prior | None = None
    ) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        customers : DataFrame of shape (n_customers, 2 or more)
            Columns ``n`` and ``money``; customers with ``n`` of 0 are left out.
        weight : ndarray of shape (n_customers,), optional
            How often each customer counts.
        prior : Prior, optional
            Turns the maximum of the likelihood into that of the posterior.

        Raises
        ------
        DataError
            If ``n`` is no whole number, or ``money`` is not above 0; the message names the first customers.
        TooLittleData
            If fewer than three customers ordered, or all of them spend the same.
        NotConverged
            If the search ends without a maximum.
        """
        spend = Spend.of(customers, weight)
        part = spend.part(len(spend.n) // _ENOUGH)
        self.n_customers_ = float(spend.customers.sum())
        self.n_without_orders_ = len(customers) - len(spend.n)
        typical = spend.log_money / max(self.n_customers_, 1e-300)
        spans = np.array([1.0, 1.0, _WIDER])
        unit = np.array([0.0, 0.0, typical])
        starts = [np.log([p, q, q / p]) + unit for p, q in ((0.7, 2.0), (6.0, 4.0), (60.0, 6.0))]
        return self._fit(
            spend.log_likelihood,
            starts,
            lower=unit + np.log(SMALLEST / spans),
            upper=unit + np.log(LARGEST * spans),
            prior=prior,
            rough=[] if part is spend else [part.log_likelihood],
        )

    def log_likelihood(
        self,
        customers: pd.DataFrame,
        of: Literal["mean", "total"] = "mean",
        weight: np.ndarray | None = None,
    ) -> float:
        """Log-likelihood of customers at the parameters.

        Parameters
        ----------
        customers : DataFrame
            Columns ``n`` and ``money``.
        of : {'mean', 'total'}
            Density of the mean money per order, or of the money of all n orders. Both are used
            in print. The second is smaller by the sum of ln n over customers, whatever the parameters: so
            estimates are the same, and the two must not be compared with each other.
        weight : ndarray of shape (n_customers,), optional
            How often each customer counts.
        """
        if of not in ("mean", "total"):
            raise ParameterError(f"of = {of!r}", "mean or total", "choose one of them")
        spend = Spend.of(customers, weight)
        value = spend.log_likelihood(np.log(self._values))[0]
        return value if of == "mean" else value - spend.log_sizes

    def population_mean(self) -> float:
        """Mean money per order over customers, p γ / (q - 1).

        Raises
        ------
        TooLittleData
            If q is 1 or less: so few customers spend so much that the model has no finite mean.
        """
        p, q, gamma = self._values
        if q <= 1:
            raise TooLittleData(
                f"q = {q:.3g}: the spread between customers is so wide that their mean is infinite",
                "q above 1",
                "look at the largest amounts, take more customers, or ask only about customers with orders",
            )
        return p * gamma / (q - 1)

    def predict_money(self, customers: pd.DataFrame) -> pd.Series:
        """Expected mean money of the future orders of each customer.

        A mean of two means: that of the customer's own orders, and that of the population, which is all there
        is for customers without orders; `own_weight` is the weight of the first.

        Returns
        -------
        Series of shape (n_customers,)

        Raises
        ------
        TooLittleData
            If the expectation of a customer is infinite: p n + q is 1 or less, or ``n`` is 0
            and q is 1 or less.

        Notes
        -----
        Fader, Hardie & Lee (2005), equation 11.
        """
        p, q, gamma = self._values
        n, money = self._of_all(customers)
        shape = p * n + q
        endless = shape <= 1
        if endless.any():
            named = ", ".join(str(customer) for customer in customers.index[endless][:3])
            raise TooLittleData(
                f"q = {q:.3g}: expected money is infinite, at {int(endless.sum()):,} of {len(n):,} customers"
                f" with few orders or none, such as {named}",
                "p n + q above 1",
                "look at the largest amounts, take more customers, or ask only about customers with more orders",
            )
        return pd.Series(p * (gamma + n * money) / (shape - 1), index=customers.index, name="money")

    def own_weight(self, customers: pd.DataFrame) -> pd.Series:
        """Weight of the customer's own mean in `predict_money`, p n / (p n + q - 1); the rest falls to the population.

        0 without orders, and towards 1 with many. With q below 1 it is above
        1, as the population has no mean, and NaN where `predict_money` has no answer.

        Returns
        -------
        Series of shape (n_customers,)
        """
        p, q, _ = self._values
        n, _ = checked(customers)
        rest = p * n + q - 1
        weight = np.where(rest > 0, p * n / np.where(rest > 0, rest, 1.0), np.nan)
        weight[n == 0] = 0.0
        return pd.Series(weight, index=customers.index, name="own_weight")

    def money_variance(self, customers: pd.DataFrame) -> pd.Series:
        """Variance of what is not known about each customer's mean money, given the orders.

        Returns
        -------
        Series of shape (n_customers,)
            In squares of money; infinite where p n + q is 2 or less.
        """
        p, _, _ = self._values
        shape, rate = self._posterior(customers)
        over = np.where(shape > 2, shape, 3.0)
        variance = np.where(shape > 2, (p * rate / (over - 1)) ** 2 / (over - 2), np.inf)
        return pd.Series(variance, index=customers.index, name="variance")

    def money_interval(self, customers: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
        """Interval that holds each customer's mean money with a probability of `level`, given the orders.

        Finite for all customers, those without orders included. The parameters are taken as known.

        Returns
        -------
        DataFrame of shape (n_customers, 2)
            Columns ``low`` and ``high``, with equal chances beyond either.
        """
        if not 0 < level < 1:
            raise ParameterError(f"level = {level}", "a probability between 0 and 1", "correct it")
        p, _, _ = self._values
        shape, rate = self._posterior(customers)
        ends = {"low": (1 + level) / 2, "high": (1 - level) / 2}
        found = {name: p * rate / gammaincinv(shape, share) for name, share in ends.items()}
        return pd.DataFrame(found, index=customers.index)

    def draw_money(self, customers: pd.DataFrame, rng: np.random.Generator, n_draws: int = 1) -> np.ndarray:
        """Draw each customer's mean money from what is known about it: p / ν, ν from Gamma(p n + q, γ + n money).

        Parameters
        ----------
        customers : DataFrame
            Columns ``n`` and ``money``.
        rng : numpy.random.Generator
        n_draws : int
            Draws of each customer.

        Returns
        -------
        ndarray of shape (n_customers, n_draws)
        """
        p, _, _ = self._values
        shape, rate = self._posterior(customers)
        drawn = rng.standard_gamma(shape[:, None], (len(shape), n_draws))
        return p * rate[:, None] / np.maximum(drawn, 1e-300)

    def density(self, money: Sequence[float] | np.ndarray, n: int = 1) -> np.ndarray:
        """Density of the mean money of `n` orders over customers: what a histogram of means should look like.

        Parameters
        ----------
        money : ndarray of shape (n_values,)
            Where; above 0.
        n : int
            Orders that each mean is of.

        Returns
        -------
        ndarray of shape (n_values,)
            Per unit of money.
        """
        p, q, gamma = self._values
        money = np.asarray(money, dtype="float64")
        shape, ratio = p * n, n * money / gamma
        beta = log_beta(np.array([shape]), q).value
        return np.exp(-beta - shape * np.log1p(1 / ratio) - q * np.log1p(ratio)) / money

    def density_of_means(
        self, means: Sequence[float] | np.ndarray, n: int = 0, money: float = 0.0
    ) -> np.ndarray:
        """Density of the hidden mean money of a customer with `n` orders of mean `money`; of all, if `n` is 0.

        Parameters
        ----------
        means : ndarray of shape (n_values,)
            Where; above 0.
        n : int
            Orders.
        money : float
            Their mean.

        Returns
        -------
        ndarray of shape (n_values,)
            Per unit of money.
        """
        p, q, gamma = self._values
        means = np.asarray(means, dtype="float64")
        shape, rate = p * n + q, (gamma + n * money) * p / means
        return np.exp(shape * np.log(rate) - rate - gammaln(shape)) / means

    def simulate(self, n: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
        """Draw customers from the model.

        Parameters
        ----------
        n : ndarray of shape (n_customers,)
            Orders of each.
        rng : numpy.random.Generator

        Returns
        -------
        DataFrame of shape (n_customers, 3)
            ``n``, ``money`` (NaN where ``n`` is 0), and the truth behind it: ``mean_spend``, the mean of
            the customer's orders in the long run.
        """
        p, q, gamma = self._values
        n = np.asarray(n)
        mean = p * gamma / np.maximum(rng.standard_gamma(q, len(n)), 1e-300)
        drawn = np.maximum(rng.standard_gamma(np.where(n > 0, p * n, 1.0)), 1e-300)
        money = np.where(n > 0, drawn / (p * np.maximum(n, 1)) * mean, np.nan)
        return pd.DataFrame({"n": n, "money": money, "mean_spend": mean})

    def _posterior(self, customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Shape and rate of ν of each customer, given the orders."""
        p, q, gamma = self._values
        n, money = self._of_all(customers)
        return p * n + q, gamma + n * money

    @staticmethod
    def _of_all(customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Checked ``n`` and ``money``, with money 0 where there are no orders."""
        n, money = checked(customers)
        return n, np.where(n > 0, money, 0.0)
