"""What all models of this package share: how they are fitted, and what they tell about the fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from crmlib.analysis.clv.fitting.maximum import Curved, Maximum, maximise


@dataclass(frozen=True)
class Prior:
    """A normal prior on the logarithms of the parameters.

    Attributes
    ----------
    mean : ndarray of shape (n_parameters,)
        Means of the logarithms.
    precision : ndarray of shape (n_parameters, n_parameters)
        Inverse of their covariance; zeros leave a parameter free.
    """

    mean: np.ndarray
    precision: np.ndarray

    def added_to(self, curved: Curved) -> Curved:
        """Return the log-likelihood plus the log of this prior (without its constant)."""

        def both(logs: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
            value, gradient, hessian = curved(logs)
            away = logs - self.mean
            pull = self.precision @ away
            return value - 0.5 * away @ pull, gradient - pull, hessian - self.precision

        return both


class LikelihoodModel(BaseEstimator):
    """A model with a few positive parameters, fitted by maximum likelihood.

    Attributes
    ----------
    params_ : Series of shape (n_parameters,)
        Estimates by name.
    standard_errors_ : Series of shape (n_parameters,)
        Asymptotic standard errors from the Hessian at the maximum; NaN for a parameter at an edge.
    covariance_ : DataFrame of shape (n_parameters, n_parameters)
        Covariance of the estimates.
    log_likelihood_ : float
        The log-likelihood at the estimates, without a prior.
    maximum_ : Maximum
        How the search ended: evaluations, gain left, and parameters at an edge.
    """

    names: ClassVar[tuple[str, ...]]
    #: Whether the algebra of the likelihood is long enough to be shared among threads, which does it no good.
    long_products: ClassVar[bool] = True

    def with_params(self, params: Sequence[float] | pd.Series) -> Self:
        """Return a copy with these parameters, in the order of `names`; nothing is fitted."""
        copy = type(self)(**self.get_params())
        copy.params_ = pd.Series(
            np.asarray(params, dtype="float64"), index=_labels(self.names), name="estimate"
        )
        return copy

    def _fit(
        self,
        curved: Curved,
        starts: Sequence[np.ndarray],
        lower: np.ndarray,
        upper: np.ndarray,
        prior: Prior | None = None,
        rough: Sequence[Curved] = (),
    ) -> Self:
        """Maximise a log-likelihood by the logarithms of the parameters and keep what was learnt."""
        aim: Callable[[Curved], Curved] = prior.added_to if prior else lambda own: own
        found = maximise(
            aim(curved), starts, self.names, lower, upper,
            rough=[aim(part) for part in rough], one_thread=self.long_products,
        )  # fmt: skip
        self._learn(found)
        self.log_likelihood_ = curved(found.logs)[0] if prior else found.value
        return self

    def _learn(self, found: Maximum) -> None:
        names = _labels(self.names)
        values = np.exp(found.logs)
        covariance = found.covariance() * np.outer(values, values)
        self.maximum_ = found
        self.params_ = pd.Series(values, index=names, name="estimate")
        self.covariance_ = pd.DataFrame(covariance, index=names, columns=names)
        self.standard_errors_ = pd.Series(np.sqrt(np.diag(covariance)), index=names, name="standard error")

    @property
    def _values(self) -> tuple[float, ...]:
        check_is_fitted(self, "params_")
        return tuple(self.params_[name] for name in self.names)


@cache
def _labels(names: tuple[str, ...]) -> pd.Index:
    """Names of parameters as an index, which takes longer to make than some of the fits."""
    return pd.Index(names)
