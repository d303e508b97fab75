"""Beta-discrete-Weibull model: contracts, and customers whose chance to leave changes with age."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Self

import numpy as np
from scipy.special import polygamma
from scipy.stats import chi2

from crmlib.analysis.clv.contracts.beta_survival import digamma_gap, log_survival, trigamma_gap
from crmlib.analysis.clv.contracts.contractual import ContractualModel, rise
from crmlib.analysis.clv.contracts.sbg import ShiftedBetaGeometric
from crmlib.analysis.clv.contracts.survivors import Survivors
from crmlib.analysis.clv.fitting.estimator import Prior
from crmlib.analysis.clv.fitting.maximum import LARGEST, SMALLEST
from crmlib.errors import ParameterError

#: How far the exponent of time may go.
SMALLEST_C, LARGEST_C = 0.01, 20.0
_STARTS = ((1.0, 1.0, 1.0), (1.0, 5.0, 1.5), (0.5, 1.0, 0.7), (1.0, 20.0, 2.5))


@dataclass(frozen=True)
class LikelihoodRatio:
    """A test of a model against a simpler one.

    Attributes
    ----------
    statistic : float
        Twice the gain in log-likelihood.
    degrees : int
        Parameters that the simpler model lacks.
    p_value : float
        Probability of such a gain or more if the simpler model holds, by the chi-square distribution.
    """

    statistic: float
    degrees: int
    p_value: float


class BetaDiscreteWeibull(ContractualModel):
    """The beta-discrete-Weibull (BdW) model.

    A customer is still there after t renewals with probability (1 - θ)^(t^c), with θ from
    Beta(gamma, delta) over customers. With c = 1 it is the shifted beta-geometric model; with c above
    1 the chance of one customer to leave rises with age, below 1 it falls.

    Attributes
    ----------
    params_ : Series
        ``gamma``, ``delta``, ``c``; none has a unit. The search for ``c`` goes from 0.01 to 20.
    restricted_ : ShiftedBetaGeometric
        The model with c = 1, fitted to the same table.

    Notes
    -----
    Fader, Hardie, Liu, Davin & Steenburgh (2018), "How to project customer retention" revisited,
    Journal of Interactive Marketing 43:1-16. Share of survivors: B(gamma, delta + t^c) / B(gamma, delta).

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"period": range(5), "customers": [1000, 869, 743, 653, 593]})
    >>> model = BetaDiscreteWeibull().fit(table)
    >>> model.params_.round(3).to_dict()
    {'gamma': 0.259, 'delta': 1.723, 'c': 1.584}
    >>> round(model.against_sbg().p_value, 3)
    0.029
    """

    names: ClassVar[tuple[str, ...]] = ("gamma", "delta", "c")

    def curved(self, folded: Survivors) -> Callable:
        """Return the log-likelihood as a function of the logarithms of gamma, delta and c.

        The function returns its value, its gradient and its Hessian.
        """
        return partial(_log_likelihood, folded=folded)

    def against_sbg(self) -> LikelihoodRatio:
        """Test c = 1: does the chance of one customer to leave stay the same?

        Returns
        -------
        LikelihoodRatio

        Raises
        ------
        ParameterError
            If the model was fitted with a prior, or not to data.
        """
        if getattr(self, "restricted_", None) is None:
            raise ParameterError(
                "a model with a prior or with given parameters",
                "a fit by likelihood alone",
                "fit it without prior",
            )
        statistic = max(0.0, 2 * (self.log_likelihood_ - self.restricted_.log_likelihood_))
        return LikelihoodRatio(statistic, 1, float(chi2.sf(statistic, 1)))

    @property
    def _mixture(self) -> tuple[float, float, float]:
        return self._values

    def _fit_folded(self, folded: Survivors, prior: Prior | None = None) -> Self:
        simpler = ShiftedBetaGeometric()._fit_folded(folded)
        simpler.n_customers_ = folded.customers
        self.restricted_ = None if prior else simpler
        lower, upper = np.log([SMALLEST, SMALLEST, SMALLEST_C]), np.log([LARGEST, LARGEST, LARGEST_C])
        same = np.append(np.minimum(simpler.params_.to_numpy(), 1e3), 1.0)
        return self._fit(
            self.curved(folded), [np.log(start) for start in (same, *_STARTS)], lower, upper, prior
        )


def _log_likelihood(logs: np.ndarray, folded: Survivors) -> tuple[float, np.ndarray, np.ndarray]:
    """Sum over renewals of those who make it, log r, and of those who leave, log(1 - r)."""
    log_kept, slopes, bends = _log_retention(*np.exp(logs), len(folded.renewed))
    odds = np.expm1(-log_kept)
    value = folded.renewed @ log_kept + folded.ended @ (log_kept + np.log(odds))
    by_kept = folded.renewed - folded.ended / odds
    twice = -folded.ended * (1 + odds) / odds**2
    return float(value), slopes @ by_kept, (slopes * twice) @ slopes.T + bends @ by_kept


def _log_retention(
    gamma: float, delta: float, c: float, renewals: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logarithm of the share who make renewals 1, 2, ..., with derivatives by the logs of gamma, delta, c.

    With p = delta + (t - 1)^c and q = delta + t^c it is
    log Γ(q) - log Γ(p) - log Γ(gamma + q) + log Γ(gamma + p); its derivatives are gaps between
    values of the digamma and the trigamma function.
    """
    before = np.arange(renewals, dtype="float64")
    width = rise(before, 1.0, c)
    p = delta + before**c
    q = p + width
    log_t, log_before = np.log1p(before), np.log(np.maximum(before, 1.0))
    p_c, q_c = c * before**c * log_before, c * (before + 1) ** c * log_t
    p_cc, q_cc = p_c * (1 + c * log_before), q_c * (1 + c * log_t)
    wide = q_c - p_c

    narrow, moved = digamma_gap(p, width), digamma_gap(p + gamma, width)
    at_p, at_q = digamma_gap(p, gamma), digamma_gap(q, gamma)
    narrow_2, moved_2 = trigamma_gap(p, width), trigamma_gap(p + gamma, width)
    at_p_2, at_q_2 = trigamma_gap(p, gamma), trigamma_gap(q, gamma)

    by_gamma, by_delta, by_c = -gamma * moved, delta * (narrow - moved), p_c * at_p - q_c * at_q
    bends = np.empty((3, 3, renewals))
    bends[0, 0] = by_gamma + gamma**2 * moved_2
    bends[0, 1] = bends[1, 0] = gamma * delta * moved_2
    bends[0, 2] = bends[2, 0] = gamma * (p_c * moved_2 - wide * polygamma(1, gamma + q))
    bends[1, 1] = by_delta + delta**2 * (moved_2 - narrow_2)
    bends[1, 2] = bends[2, 1] = delta * (q_c * at_q_2 - p_c * at_p_2)
    bends[2, 2] = p_cc * at_p - q_cc * at_q + q_c**2 * at_q_2 - p_c**2 * at_p_2
    return log_survival(gamma, p, width), np.stack([by_gamma, by_delta, by_c]), bends
