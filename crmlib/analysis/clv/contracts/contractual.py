"""What the models of contracts share: renewals by customers who differ in their chance to leave.

At each renewal a customer leaves with a chance θ, with θ from a beta distribution over customers;
the share still there after t renewals is E[(1 - θ)^(t^c)], with c = 1 where the chance of one customer
never changes. The share who renew rises with age all the same, because those with a high chance leave early.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd

from crmlib.analysis.clv.contracts.beta_survival import checked_counts, checked_rate, log_survival
from crmlib.analysis.clv.contracts.survivors import Survivors
from crmlib.analysis.clv.fitting.estimator import LikelihoodModel, Prior
from crmlib.errors import ParameterError

#: What an infinite sum may leave out, as a share of it, where there is no closed form.
TRUNCATED = 1e-12
_TERMS = 5_000_000


class ContractualModel(LikelihoodModel):
    """A model of contracts that customers renew or end at known times.

    Tables of survivors have one row per cohort and period: ``period`` (0 at the start, then 1, 2,
    ... after each renewal), ``customers`` (still there) and, for several cohorts, ``cohort``. A period
    is the time from one renewal to the next: a year for yearly contracts, also where they are
    billed monthly. The **tenure** of a customer is the number of renewals made.

    Attributes
    ----------
    n_customers_ : float
        Customers at the start of all cohorts of the fit.
    """

    def fit(self, survivors: pd.DataFrame | Survivors, prior: Prior | None = None) -> Self:
        """Fit by maximum likelihood, all cohorts together, each up to its own last known period.

        Parameters
        ----------
        survivors : DataFrame or Survivors
            Columns ``period``, ``customers`` and, for several cohorts, ``cohort``; or their renewals already
            counted, such as those of contracts that came into sight late.
        prior : Prior, optional
            Turns the maximum of the likelihood into that of the posterior.

        Raises
        ------
        DataError
            If the table cannot be one of survivors; the message names cohort and period.
        TooLittleData
            If there is not one renewal more than there are parameters, or nobody left.
        NotConverged
            If the search ends without a maximum.
        """
        folded = survivors if isinstance(survivors, Survivors) else Survivors.of(survivors)
        folded = folded.for_fit(len(self.names))
        self.n_customers_ = folded.customers
        return self._fit_folded(folded, prior)

    def survival(self, periods: int | Sequence[int]) -> pd.Series:
        """Share of a cohort that is still there after each of `periods` renewals.

        Returns
        -------
        Series of shape (n_periods,)
            Indexed by ``period``.
        """
        counts = np.atleast_1d(checked_counts(periods, "period"))
        return _by_period(np.exp(self._log_stay(0.0, counts)), counts, "survival")

    def retention(self, periods: int | Sequence[int]) -> pd.Series:
        """Share of those there before renewal 1, 2, ... who make it.

        Parameters
        ----------
        periods : int or sequence of int
            Numbers of renewals, 1 or more.

        Returns
        -------
        Series of shape (n_periods,)
            Indexed by ``period``.
        """
        counts = np.atleast_1d(checked_counts(periods, "period", at_least=1))
        return _by_period(np.exp(self._log_stay(counts - 1, 1.0)), counts, "retention")

    def predict_survival(self, tenures: Sequence[int] | pd.Series, horizons: Sequence[int]) -> pd.DataFrame:
        """Probability that customers are still there after further renewals.

        Parameters
        ----------
        tenures : sequence of int or Series of shape (n_customers,)
            Renewals that each has made.
        horizons : sequence of int
            Further renewals.

        Returns
        -------
        DataFrame of shape (n_customers, n_horizons)
            With the index of `tenures` if it has one, else indexed by ``tenure``.
        """
        distinct, of, index = _folded(tenures)
        ahead = np.atleast_1d(checked_counts(horizons, "horizon"))
        found = np.exp(self._log_stay(distinct[:, None], ahead))[of]
        return pd.DataFrame(found, index=index, columns=pd.Index(ahead.astype("int64"), name="horizon"))

    def expected_renewals(self, tenures: Sequence[int] | pd.Series, horizon: int | None = None) -> pd.Series:
        """Expected number of further renewals.

        Parameters
        ----------
        tenures : sequence of int or Series of shape (n_customers,)
            Renewals that each has made.
        horizon : int, optional
            Renewals that count; all future ones if not given, where the model has a formula for it.

        Returns
        -------
        Series of shape (n_customers,)
        """
        distinct, of, index = _folded(tenures)
        if horizon is None:
            found = self._all_renewals(distinct)
        else:
            steps = np.arange(1.0, checked_counts(horizon, "horizon") + 1)
            found = self._summed(distinct, steps, np.ones(len(steps)))
        return pd.Series(found[of], index=index, name="renewals")

    def discounted_residual_lifetime(
        self,
        tenures: Sequence[int] | pd.Series,
        rate: float,
        horizon: int | None = None,
        first_in: float = 0.0,
    ) -> pd.Series:
        """Expected further renewals, each discounted to now: times the net margin, residual value.

        Parameters
        ----------
        tenures : sequence of int or Series of shape (n_customers,)
            Renewals that each has made; n - 1 in the notation of the paper.
        rate : float
            Discount rate per period; above 0 where there is no horizon.
        horizon : int, optional
            Renewals that count; all future ones if not given.
        first_in : float
            Periods from now to the next renewal. With 0, as in the paper, it is about to come, and its
            payment is not discounted; with 1 the customer has just renewed.

        Returns
        -------
        Series of shape (n_customers,)

        Notes
        -----
        DERL of Fader & Hardie (2010), Marketing Science 29:85-93. Where the model has
        no closed form, the sum is cut off where the rest is certain to be below 1e-12 of it.
        """
        distinct, of, index = _folded(tenures)
        rate = checked_rate(rate)
        if not (np.isfinite(first_in) and first_in >= 0):
            raise ParameterError(
                f"first_in = {first_in}", "periods to the next renewal, 0 or more", "correct it"
            )
        if horizon is None:
            found = self._worth(distinct, rate)
        else:
            steps = np.arange(1.0, checked_counts(horizon, "horizon") + 1)
            found = self._summed(distinct, steps, (1 + rate) ** (1 - steps))
        found = found * (1 + rate) ** -first_in
        return pd.Series(found[of], index=index, name="discounted_renewals")

    def discounted_lifetime(self, rate: float, horizon: int | None = None) -> float:
        """Expected discounted payments of a prospect, the first one made now.

        Parameters
        ----------
        rate : float
            Discount rate per period; above 0 where there is no horizon.
        horizon : int, optional
            Payments after the first that count; all if not given.

        Notes
        -----
        DEL of Fader & Hardie (2010), Marketing Science 29:85-93.
        """
        after = self.discounted_residual_lifetime([0], rate, horizon, first_in=1.0)
        return 1.0 + float(after.iloc[0])

    def simulate(
        self, number: int, periods: int | Sequence[int], rng: np.random.Generator
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Draw cohorts from the model.

        Parameters
        ----------
        number : int
            Customers of each cohort.
        periods : int or sequence of int
            Last known period of each cohort; one cohort for each number.
        rng : numpy.random.Generator

        Returns
        -------
        survivors : DataFrame
            ``cohort`` (0, 1, ...), ``period``, ``customers``.
        customers : DataFrame of shape (n_cohorts * number, 3)
            The truth behind them: ``cohort``, ``leaving`` (chance to leave at the first renewal) and ``renewals``
            (made in all, also after the last known period).
        """
        ages = np.atleast_1d(checked_counts(periods, "period")).astype(np.int64)
        leave, stay, shape = self._mixture
        cohort = np.repeat(np.arange(len(ages)), number)
        leaving = rng.beta(leave, stay, len(cohort))
        patience = rng.standard_exponential(len(cohort))
        with np.errstate(divide="ignore", over="ignore"):
            renewals = np.floor((patience / -np.log1p(-leaving)) ** (1 / shape))
        rows = np.repeat(np.arange(len(ages)), ages + 1)
        period = np.arange(len(rows)) - np.repeat(np.cumsum(ages + 1) - ages - 1, ages + 1)
        made = np.sort(renewals.reshape(len(ages), number), axis=1)
        there = np.concatenate(
            [number - np.searchsorted(own, np.arange(age + 1)) for own, age in zip(made, ages, strict=True)]
        )
        survivors = pd.DataFrame({"cohort": rows, "period": period, "customers": there})
        return survivors, pd.DataFrame({"cohort": cohort, "leaving": leaving, "renewals": renewals})

    @property
    def _mixture(self) -> tuple[float, float, float]:
        """Both parameters of the beta distribution of the chance to leave, and the exponent of time."""
        raise NotImplementedError

    def _fit_folded(self, folded: Survivors, prior: Prior | None) -> Self:
        raise NotImplementedError

    def _all_renewals(self, tenures: np.ndarray) -> np.ndarray:
        raise ParameterError(
            "no horizon",
            "the number of renewals that count, as this model has no formula for all",
            "give a horizon",
        )

    def _log_stay(self, tenures: np.ndarray | float, ahead: np.ndarray | float) -> np.ndarray:
        """Logarithm of the probability to make `ahead` renewals after those of the tenure."""
        leave, stay, shape = self._mixture
        return log_survival(leave, stay + np.power(tenures, shape), rise(tenures, ahead, shape))

    def _worth(self, tenures: np.ndarray, rate: float) -> np.ndarray:
        """All further renewals, discounted to the next one: summed until the rest is too small to matter."""
        if rate == 0:
            raise ParameterError(
                "rate = 0", "a discount rate above 0 where no horizon is given", "give a horizon"
            )
        log = np.log1p(rate)
        terms = 1 + np.ceil(-(np.log(TRUNCATED) + np.log(-np.expm1(-log))) / log)
        if terms > _TERMS:
            raise ParameterError(
                f"rate = {rate:g}, with which the sum takes {terms:.3g} terms",
                "a discount rate per period further from 0", "give a higher rate, or a horizon",
            )  # fmt: skip
        steps = np.arange(1.0, terms + 1)
        return self._summed(tenures, steps, np.exp((1 - steps) * log))

    def _summed(self, tenures: np.ndarray, steps: np.ndarray, factors: np.ndarray) -> np.ndarray:
        # Tenure by tenure, of which there are few, as steps may be many.
        return np.array([np.exp(self._log_stay(tenure, steps)) @ factors for tenure in tenures])


def rise(tenures: np.ndarray | float, ahead: np.ndarray | float, shape: float) -> np.ndarray:
    """Return (tenure + ahead) ** shape - tenure ** shape, without cancelling.

    Examples
    --------
    >>> rise(np.array([0.0, 3.0]), 1.0, 2.0)
    array([1., 7.])
    """
    tenures, ahead = np.broadcast_arrays(np.asarray(tenures, float), np.asarray(ahead, float))
    ratio = np.divide(ahead, tenures, out=np.zeros(tenures.shape), where=tenures > 0)
    later = np.power(tenures, shape) * np.expm1(shape * np.log1p(ratio))
    return np.where(tenures > 0, later, np.power(ahead, shape))


def _folded(tenures: Sequence[int] | pd.Series) -> tuple[np.ndarray, np.ndarray, pd.Index]:
    counts = np.atleast_1d(checked_counts(tenures, "tenure"))
    distinct, of = np.unique(counts, return_inverse=True)
    if isinstance(tenures, pd.Series):
        return distinct, of, tenures.index
    return distinct, of, pd.Index(counts.astype("int64"), name="tenure")


def _by_period(values: np.ndarray, periods: np.ndarray, name: str) -> pd.Series:
    return pd.Series(values, index=pd.Index(periods.astype("int64"), name="period"), name=name)
