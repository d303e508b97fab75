"""BG/BB: opportunities that are used or left, by customers who leave without saying so."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from crmlib.analysis.clv.contracts.beta_survival import (
    checked_counts,
    checked_rate,
    discounted_survival,
    log_survival,
)
from crmlib.analysis.clv.fitting.estimator import LikelihoodModel, Prior
from crmlib.analysis.clv.fitting.maximum import LARGEST, SMALLEST
from crmlib.analysis.clv.occasions.bernoulli_dropout import count_shares, log_likelihood, still_there
from crmlib.analysis.clv.occasions.opportunities import Opportunities
from crmlib.errors import ParameterError

_STARTS = ((1.0, 1.0, 0.5, 3.0), (0.5, 1.5, 1.0, 10.0), (2.0, 1.0, 0.3, 1.0), (1.0, 5.0, 3.0, 60.0))


class BGBB(LikelihoodModel):
    """The beta-geometric/beta-Bernoulli model.

    While active, a customer uses each opportunity with probability p, with p from Beta(alpha, beta)
    over customers; before each opportunity the customer leaves for good with probability θ, with θ from
    Beta(gamma, delta). Nobody sees who has left.

    Histories are frames with one row per customer and the columns ``x`` (opportunities used after the
    first purchase), ``t_x`` (number of the last one used, 0 if none) and ``n`` (opportunities seen).
    All horizons are numbers of opportunities, and one opportunity is one period. Predictions keep
    the index of the frame.

    Attributes
    ----------
    params_ : Series
        ``alpha``, ``beta``, ``gamma``, ``delta``; none has a unit.
    n_customers_ : float
        Customers of the fit, or the sum of their weights.

    Notes
    -----
    Fader, Hardie & Shang (2010), Marketing Science 29:1086-1108: likelihood and predictions from
    section 3, conditional expectation equation 13. The log-likelihood is that of the sequence
    of uses, as in the paper: it has no binomial coefficient. If customers hardly differ in their
    chance to leave, gamma and delta run away together at a fixed ratio; `maximum_.at_edge` names the
    one that came to the edge, and the standard error of the other, divided by it, is that of their ratio.

    Examples
    --------
    >>> customers = pd.DataFrame({"x": [6, 1, 0], "t_x": [6, 1, 0], "n": 6}, index=["A", "B", "C"])
    >>> model = BGBB().with_params([1.204, 0.750, 0.657, 2.783])
    >>> model.predict_orders(customers, 5).round(2).to_dict()
    {'A': 3.75, 'B': 0.09, 'C': 0.07}
    """

    names: ClassVar[tuple[str, ...]] = ("alpha", "beta", "gamma", "delta")

    def fit(
        self, customers: pd.DataFrame, weight: np.ndarray | None = None, prior: Prior | None = None
    ) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        customers : DataFrame of shape (n_customers, 3 or more)
            Histories: columns ``x``, ``t_x``, ``n``.
        weight : ndarray of shape (n_customers,), optional
            How often each customer counts.
        prior : Prior, optional
            Turns the maximum of the likelihood into that of the posterior.

        Raises
        ------
        DataError
            If a history cannot be one; the message names the first customers.
        TooLittleData
            If there are fewer than two customers, nobody came back, or nobody was seen for three
            opportunities.
        NotConverged
            If the search ends without a maximum.
        """
        folded = Opportunities.of_customers(customers, weight).for_fit()
        self.n_customers_ = float(folded.weight.sum())
        return self._fit(
            self.curved(folded),
            [np.log(start) for start in _STARTS],
            lower=np.full(4, np.log(SMALLEST)),
            upper=np.full(4, np.log(LARGEST)),
            prior=prior,
        )

    def curved(self, folded: Opportunities) -> Callable:
        """Return the log-likelihood as a function of the logarithms of alpha, beta, gamma, delta.

        The function returns its value, its gradient and its Hessian.
        """
        return partial(log_likelihood, folded=folded)

    def predict_alive(self, customers: pd.DataFrame, ahead: int = 1) -> pd.Series:
        """Probability that each customer is still active at opportunity ``n + ahead``.

        Parameters
        ----------
        customers : DataFrame
            Histories.
        ahead : int
            1 (as in the paper): active at the next opportunity, which has not come yet;
            0: was still active at the last opportunity seen.

        Returns
        -------
        Series of shape (n_customers,)
        """
        steps = checked_counts(ahead, "number of opportunities ahead")
        folded = Opportunities.of_customers(customers)
        _, _, leave, stay = self._values
        found = self._alive(folded) * np.exp(log_survival(leave, stay + folded.n, steps))
        return _handed(found, folded, customers, "alive")

    def predict_active(self, customers: pd.DataFrame, horizon: int) -> pd.Series:
        """Probability that each customer uses at least one of the next `horizon` opportunities.

        Returns
        -------
        Series of shape (n_customers,)
        """
        until = int(checked_counts(horizon, "horizon"))
        folded = Opportunities.of_customers(customers)
        alpha, beta, leave, stay = self._values
        a, b = alpha + folded.x, beta + folded.n - folded.x
        # The sum over the opportunity at which the customer is first seen again.
        found, idle, here = np.zeros(len(a)), np.zeros(len(a)), np.zeros(len(a))
        for j in range(until):
            here -= np.log1p(leave / (stay + folded.n + j))
            found += np.exp(idle + here)
            idle -= np.log1p((a + 1) / (b + j))
        return _handed(self._alive(folded) * a / (a + b) * found, folded, customers, "active")

    def predict_orders(
        self, customers: pd.DataFrame, horizons: int | Sequence[int]
    ) -> pd.Series | pd.DataFrame:
        """Expected number of the next opportunities that each customer uses.

        Parameters
        ----------
        customers : DataFrame
            Histories.
        horizons : int or sequence of int
            How many opportunities ahead; 0 or more.

        Returns
        -------
        Series of shape (n_customers,), or DataFrame with one column per horizon
        """
        ahead = checked_counts(horizons, "horizon")
        folded = Opportunities.of_customers(customers)
        distinct, of = np.unique(folded.n, return_inverse=True)
        sums = self._stayed(distinct, np.atleast_1d(ahead))[of] * self._each(folded)[:, None]
        if ahead.ndim == 0:
            return _handed(sums[:, 0], folded, customers, "orders")
        columns = pd.Index(ahead.astype("int64"), name="horizon")
        return pd.DataFrame(sums[folded.of], index=customers.index, columns=columns)

    def discounted_orders(
        self, customers: pd.DataFrame, rate: float, horizon: int | None = None, first_in: float = 1.0
    ) -> pd.Series:
        """Expected opportunities used from now on, each discounted to now.

        Times a margin per order this is the residual lifetime value.

        Parameters
        ----------
        customers : DataFrame
            Histories.
        rate : float
            Discount rate per period, that is, from one opportunity to the next; above 0 where there is no horizon.
        horizon : int, optional
            Opportunities that count; all future ones if not given.
        first_in : float
            Periods from now to the next opportunity. With 1, as in the paper, now is the last
            opportunity seen; with 0 the next one is about to come.

        Returns
        -------
        Series of shape (n_customers,)

        Notes
        -----
        Without horizon the discounted expected residual transactions (DERT) of Fader, Hardie & Shang
        (2010), in closed form.
        """
        folded = Opportunities.of_customers(customers)
        distinct, of = np.unique(folded.n, return_inverse=True)
        found = self._each(folded) * self._worth(distinct, rate, horizon, first_in)[of]
        return _handed(found, folded, customers, "discounted_orders")

    def discounted_orders_of_new(
        self, rate: float, horizon: int | None = None, first_in: float = 1.0
    ) -> float:
        """Expected discounted opportunities used by a customer who has made only the first purchase.

        The first purchase itself is not counted; parameters as in `discounted_orders`.
        """
        alpha, beta, _, _ = self._values
        return float(alpha / (alpha + beta) * self._worth(np.zeros(1), rate, horizon, first_in)[0])

    def expected_orders(self, n: int | np.ndarray) -> np.ndarray:
        """Expected opportunities used by a new customer, of the first `n` after the first purchase.

        Returns
        -------
        ndarray of the shape of `n`
        """
        counts = checked_counts(n, "number of opportunities")
        alpha, beta, _, _ = self._values
        sums = self._stayed(np.zeros(1), np.ravel(counts))[0]
        return (alpha / (alpha + beta) * sums).reshape(counts.shape)

    def count_shares(self, n: int) -> pd.Series:
        """Probability that a new customer uses 0, 1, ..., n of the first n opportunities.

        Returns
        -------
        Series of shape (n + 1,)
            Indexed by ``x``: to be compared with the counts of customers seen for n opportunities.
        """
        shares = count_shares(self._values, int(checked_counts(n, "number of opportunities")))
        return pd.Series(shares, index=pd.RangeIndex(len(shares), name="x"), name="share")

    def simulate(self, number: int, n: int | np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
        """Draw customers from the model.

        Parameters
        ----------
        number : int
            How many.
        n : int or ndarray of shape (number,)
            Opportunities that each is seen.
        rng : numpy.random.Generator

        Returns
        -------
        DataFrame of shape (number, 7)
            Histories, and the truth behind them: ``chance`` (to use an opportunity while active),
            ``leaving`` (chance to leave before each), ``stayed`` (opportunities active) and ``alive``
            (at the last opportunity seen).
        """
        alpha, beta, leave, stay = self._values
        seen = np.broadcast_to(checked_counts(n, "number of opportunities"), number).astype(np.int64)
        chance, leaving = rng.beta(alpha, beta, number), rng.beta(leave, stay, number)
        stayed = _stays(leaving, seen, rng)
        x, t_x = np.zeros(number, dtype=np.int64), np.zeros(number, dtype=np.int64)
        for opportunity in range(1, int(seen.max(initial=0)) + 1):
            uses = (opportunity <= stayed) & (rng.random(number) < chance)
            x += uses
            t_x[uses] = opportunity
        return pd.DataFrame(
            {"x": x, "t_x": t_x, "n": seen, "chance": chance, "leaving": leaving, "stayed": stayed,
             "alive": stayed == seen}
        )  # fmt: skip

    def draw_futures(
        self, customers: pd.DataFrame, horizon: int, rng: np.random.Generator, n_draws: int = 1
    ) -> np.ndarray:
        """Draw possible futures of each customer, given the history and the parameters.

        Parameters
        ----------
        customers : DataFrame
            Histories.
        horizon : int
            Opportunities ahead.
        rng : numpy.random.Generator
        n_draws : int
            Futures of each customer.

        Returns
        -------
        ndarray of int, shape (n_customers, n_draws)
            Opportunities used of the next `horizon`.
        """
        until = int(checked_counts(horizon, "horizon"))
        folded = Opportunities.of_customers(customers)
        alpha, beta, leave, stay = self._values
        shape = (len(customers), int(checked_counts(n_draws, "number of draws", 1)))
        x, n = folded.x[folded.of][:, None], folded.n[folded.of][:, None]
        alive = rng.random(shape) < self._alive(folded)[folded.of][:, None]
        chance = rng.beta(alpha + x, beta + n - x, shape)
        stays = _stays(rng.beta(leave, stay + n, shape), until, rng)
        return rng.binomial(np.where(alive, stays, 0), chance)

    def _alive(self, folded: Opportunities) -> np.ndarray:
        return still_there(self._values, folded)

    def _each(self, folded: Opportunities) -> np.ndarray:
        """Probability that customers of each history use an opportunity at which nobody can leave."""
        alpha, beta, _, _ = self._values
        return self._alive(folded) * (alpha + folded.x) / (alpha + beta + folded.n)

    def _stayed(self, n: np.ndarray, horizons: np.ndarray) -> np.ndarray:
        """Expected opportunities ahead while active, of those active at n: shape (n_n, n_horizons)."""
        _, _, leave, stay = self._values
        steps = np.arange(1.0, max(horizons.max(initial=0), 0) + 1)
        kept = np.exp(log_survival(leave, stay + n[:, None], steps))
        sums = np.concatenate([np.zeros((len(n), 1)), np.cumsum(kept, axis=1)], axis=1)
        return sums[:, horizons.astype(np.int64)]

    def _worth(self, n: np.ndarray, rate: float, horizon: int | None, first_in: float) -> np.ndarray:
        """Return what `_stayed` is worth now, each opportunity discounted."""
        _, _, leave, stay = self._values
        rate = checked_rate(rate)
        if not (np.isfinite(first_in) and first_in >= 0):
            raise ParameterError(
                f"first_in = {first_in}", "periods to the next opportunity, 0 or more", "correct it"
            )
        if horizon is None:
            sums = discounted_survival(leave, stay + n + 1, rate) * ((stay + n) / (leave + stay + n))
        else:
            steps = np.arange(1.0, checked_counts(horizon, "horizon") + 1)
            kept = np.exp(log_survival(leave, stay + n[:, None], steps))
            sums = kept @ (1 + rate) ** -(steps - 1)
        return sums * (1 + rate) ** -first_in


def _stays(leaving: np.ndarray, until: np.ndarray | int, rng: np.random.Generator) -> np.ndarray:
    """Draw through how many opportunities customers stay, `until` at most."""
    patience = rng.standard_exponential(np.shape(leaving))
    with np.errstate(divide="ignore", over="ignore"):
        stays = np.floor(patience / -np.log1p(-leaving))
    return np.minimum(stays, until).astype(np.int64)


def _handed(found: np.ndarray, folded: Opportunities, customers: pd.DataFrame, name: str) -> pd.Series:
    """Hand out what was computed for each history to the customers who have it."""
    return pd.Series(found[folded.of], index=customers.index, name=name)
