"""The likelihood of mean spend per order, for very many customers.

Given ν, the n orders of a customer come to a total s from Gamma(pn, ν), with ν from Gamma(q, γ). The log of
the density of s is then, with nothing that cancels,

    -ln B(pn, q) - pn ln(1 + γ/s) - q ln(1 + s/γ) - ln s,

and that of the mean m = s/n is larger by ln n. The first term is a function of n alone, so it is
read from a histogram; the others need two logarithms for each customer.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.clv.refusals import refuse_some
from crmlib.analysis.clv.spend.log_beta import log_beta
from crmlib.errors import DataError, TooLittleData

COLUMNS = ("n", "money")
_BLOCK = 8_192
_DENSE = 1_000_000


@dataclass(frozen=True)
class Spend:
    """Orders and money of the customers who ordered, laid out for the likelihood.

    Attributes
    ----------
    n : ndarray of shape (n_customers,)
        Orders of each customer, as floats.
    total : ndarray of shape (n_customers,)
        Money of these orders together.
    weight : ndarray of shape (n_customers,) or None
        How often each customer counts; None where all count once.
    sizes, customers : ndarray of shape (n_sizes,)
        The distinct numbers of orders, and how many customers have each.
    log_money : float
        Sum of the logarithms of the mean money per order, over customers.
    """

    n: np.ndarray
    total: np.ndarray
    weight: np.ndarray | None
    sizes: np.ndarray
    customers: np.ndarray
    log_money: float

    @classmethod
    def of(cls, customers: pd.DataFrame, weight: np.ndarray | None = None) -> "Spend":
        """Check customers and lay out those with orders.

        Parameters
        ----------
        customers : DataFrame of shape (n_customers, 2 or more)
            Columns ``n`` and ``money``.
        weight : ndarray of shape (n_customers,), optional
            How often each customer counts.

        Raises
        ------
        DataError
            If a number cannot be; the message names the first customers.
        TooLittleData
            If fewer than three customers ordered, or all of them spend the same.
        """
        n, money = checked(customers)
        if weight is not None:
            weight = np.asarray(weight, dtype="float64")
            bad = ~(np.isfinite(weight) & (weight >= 0))
            refuse_some(bad, customers.index, weight, "weights", "numbers of 0 or more", "correct them")
        ordered = n > 0
        if not ordered.all():
            n, money = n[ordered], money[ordered]
            weight = weight if weight is None else weight[ordered]
        if len(n) < 3 or (money == money[0]).all():
            raise TooLittleData(
                f"{len(n):,} customers with orders"
                + (", who all spend the same per order" if len(n) > 1 else ""),
                "three customers with orders or more, who do not all spend the same",
                "take more customers or a longer time",
            )
        return cls._laid_out(n, n * money, weight, _sum(np.log(money), weight))

    @classmethod
    def _laid_out(
        cls, n: np.ndarray, total: np.ndarray, weight: np.ndarray | None, log_money: float
    ) -> "Spend":
        if n.max() < _DENSE:
            counted = np.bincount(n.astype(np.int32), weight)
            sizes = np.flatnonzero(counted)
            counted = counted[sizes].astype("float64")
        else:
            sizes, of = np.unique(n, return_inverse=True)
            counted = np.bincount(of, weight).astype("float64")
        return cls(n, total, weight, sizes.astype("float64"), counted, log_money)

    @property
    def log_sizes(self) -> float:
        """Sum of the logarithms of the orders, over customers."""
        return float(self.customers @ np.log(self.sizes))

    def part(self, step: int) -> "Spend":
        """Return every `step`-th customer: a start for a fit."""
        if step <= 1:
            return self
        weight = None if self.weight is None else self.weight[::step]
        n, total = self.n[::step], self.total[::step]
        return self._laid_out(n, total, weight, _sum(np.log(total / n), weight))

    def log_likelihood(self, logs: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Log of the density of the means, with its gradient and Hessian.

        Parameters
        ----------
        logs : ndarray of shape (3,)
            Logarithms of p, q and γ; the derivatives are by these.

        Notes
        -----
        Fader, Hardie & Lee (2005), Journal of Marketing Research 42:415-430, equation 9, in other words.
        """
        p, q, gamma = np.exp(logs)
        by_n, by_one = self._sums(gamma).T
        n_less, n_rest, n_spread = by_n[[0, 1, 4]]
        more, share, spread = by_one[2:]
        beta = log_beta(p * self.sizes, q)
        shape = p * self.sizes
        value = -(self.customers @ beta.value) - p * n_less - q * more - self.log_money
        rises_p = self.customers @ (shape * beta.fall_a) - p * n_less
        rises_q = q * (self.customers @ beta.fall_b) - q * more
        gradient = np.array([rises_p, rises_q, q * share - p * n_rest])
        pq = q * (self.customers @ (shape * beta.cross))
        hessian = np.array(
            [
                [rises_p - self.customers @ (shape**2 * beta.bend_a), pq, -p * n_rest],
                [pq, rises_q - q**2 * (self.customers @ beta.bend_b), q * share],
                [-p * n_rest, q * share, -p * n_spread - q * spread],
            ]
        )
        return float(value), gradient, hessian

    def _sums(self, gamma: float) -> np.ndarray:
        """Sums over customers, times n and times 1, of what depends on s.

        Returns
        -------
        ndarray of shape (5, 2)
            Of ln(1 + γ/s), γ/(γ + s), ln(1 + s/γ), s/(γ + s) and the product of the two shares.
        """
        found = np.zeros((5, 2))
        rows, by = np.empty((5, _BLOCK)), np.ones((2, _BLOCK))
        for start in range(0, len(self.n), _BLOCK):
            ratio = self.total[start : start + _BLOCK] / gamma
            size = len(ratio)
            less, rest, more, share, spread = rows[:, :size]
            np.divide(1.0, ratio, out=less)
            np.log1p(less, out=less)
            np.log1p(ratio, out=more)
            np.divide(1.0, 1.0 + ratio, out=rest)
            np.multiply(ratio, rest, out=share)
            np.multiply(share, rest, out=spread)
            by[0, :size] = self.n[start : start + size]
            if self.weight is not None:
                by[1, :size] = self.weight[start : start + size]
                by[0, :size] *= by[1, :size]
            found += rows[:, :size] @ by[:, :size].T
        return found


def checked(customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return ``n`` and ``money`` as floats, or say which customers have numbers that cannot be.

    The money of customers without orders is not looked at.

    Raises
    ------
    DataError
        Found, expected and what to do, with the first customers by name.
    """
    missing = [name for name in COLUMNS if name not in customers.columns]
    if missing:
        raise DataError(
            f"a table without {', '.join(missing)}",
            "the columns n (orders) and money (mean money per order)",
            "count the orders of each customer, and take the mean of their money",
        )
    for name in COLUMNS:
        if customers[name].dtype.kind not in "iuf":
            raise DataError(f"column {name} of type {customers[name].dtype}", "numbers", "convert it")
    n, money = (customers[name].to_numpy(dtype="float64") for name in COLUMNS)
    index = customers.index
    if len(n) and not (n.min() >= 0 and n.max() < np.inf and (n == np.floor(n)).all()):
        bad = ~(np.isfinite(n) & (n >= 0) & (n == np.floor(n)))
        refuse_some(bad, index, n, "n", "whole numbers of orders, 0 or more", "count the orders of the money")
    known = money > 0
    known &= money < np.inf
    refuse_some(
        (n > 0) > known, index, money, "money",
        "finite amounts above 0 where n is above 0",
        "leave out orders without money and net returns before counting, or leave out these customers",
    )  # fmt: skip
    return n, money


def _sum(values: np.ndarray, weight: np.ndarray | None) -> float:
    return float(values.sum() if weight is None else values @ weight)
