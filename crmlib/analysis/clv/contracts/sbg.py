"""Shifted beta-geometric model: contracts, and customers whose chance to leave never changes."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Self

import numpy as np

from crmlib.analysis.clv.contracts.beta_survival import discounted_survival, share_steps
from crmlib.analysis.clv.contracts.contractual import ContractualModel
from crmlib.analysis.clv.contracts.survivors import Survivors
from crmlib.analysis.clv.fitting.estimator import Prior
from crmlib.analysis.clv.fitting.maximum import LARGEST, SMALLEST

_STARTS = ((1.0, 1.0), (0.5, 5.0), (5.0, 50.0))


class ShiftedBetaGeometric(ContractualModel):
    """The shifted beta-geometric (sBG) model.

    At each renewal a customer leaves with the same probability θ, with θ from Beta(alpha, beta) over
    customers. Mean chance to leave at the first renewal: alpha / (alpha + beta).

    If customers hardly differ, or the share who renew falls with age, alpha and beta run away
    together at a fixed ratio; `maximum_.at_edge` names the one that came to the edge. For a falling share
    see `BetaDiscreteWeibull`.

    Attributes
    ----------
    params_ : Series
        ``alpha``, ``beta``; none has a unit.

    Notes
    -----
    Fader & Hardie (2007), Journal of Interactive Marketing 21:76-90; value: Fader & Hardie (2010),
    Marketing Science 29:85-93. The paper of 2007 prints 0.688 for alpha of this example: a misprint.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"period": range(8), "customers": [1000, 869, 743, 653, 593, 551, 517, 491]})
    >>> model = ShiftedBetaGeometric().fit(table)
    >>> model.params_.round(3).to_dict()
    {'alpha': 0.668, 'beta': 3.806}
    >>> model.discounted_residual_lifetime([0, 5], rate=0.1).round(2).to_dict()
    {0: 5.41, 5: 7.14}
    """

    names: ClassVar[tuple[str, ...]] = ("alpha", "beta")

    def curved(self, folded: Survivors) -> Callable:
        """Return the log-likelihood as a function of the logarithms of alpha and beta.

        The function returns its value, its gradient and its Hessian.
        """
        return partial(_log_likelihood, folded=folded)

    @property
    def _mixture(self) -> tuple[float, float, float]:
        alpha, beta = self._values
        return alpha, beta, 1.0

    def _fit_folded(self, folded: Survivors, prior: Prior | None = None) -> Self:
        return self._fit(
            self.curved(folded),
            [np.log(start) for start in _STARTS],
            lower=np.full(2, np.log(SMALLEST)),
            upper=np.full(2, np.log(LARGEST)),
            prior=prior,
        )

    def _all_renewals(self, tenures: np.ndarray) -> np.ndarray:
        """Expected renewals without end: infinite where alpha is 1 or less."""
        alpha, beta = self._values
        return (beta + tenures) / (alpha - 1) if alpha > 1 else np.full(len(tenures), np.inf)

    def _worth(self, tenures: np.ndarray, rate: float) -> np.ndarray:
        alpha, beta = self._values
        there = beta + tenures
        return there / (alpha + there) * discounted_survival(alpha, there + 1, rate)


def _log_likelihood(logs: np.ndarray, folded: Survivors) -> tuple[float, np.ndarray, np.ndarray]:
    alpha, beta = np.exp(logs)
    made = np.arange(len(folded.renewed), dtype="float64")
    stays = share_steps(beta, alpha, 0.0, made)[[0, 2, 1, 5, 4, 3]] @ folded.renewed
    leaves = share_steps(alpha, beta, made, 0.0) @ folded.ended
    value, by_alpha, by_beta, twice, both, twice_beta = stays + leaves
    return float(value), np.array([by_alpha, by_beta]), np.array([[twice, both], [both, twice_beta]])
