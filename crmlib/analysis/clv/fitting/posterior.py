"""How sure the parameters are: draws from their posterior.

Importance resampling from the normal approximation at the mode is tried first: it costs as
many likelihoods as draws, and says by itself when it cannot be trusted. Then Markov chains are run.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaln, logsumexp

from crmlib.analysis.clv.fitting.estimator import LikelihoodModel, Prior
from crmlib.analysis.clv.fitting.maximum import Curved, Maximum
from crmlib.errors import TooLittleData

#: Above this, importance weights are too uneven (Vehtari and others 2024, section 3.2.4).
WORST_TAIL = 0.7
#: Above this, chains have not met. Vehtari and others (2021) ask for 1.01 of long chains; random
#: walks as short as these reach about 1.015 where their draws are right.
WORST_SPLIT = 1.05
_FEWEST_EFFECTIVE = 100
_FREEDOM = 7.0
#: Proposals are a little wider than what they follow; half of them reach out along its longest direction.
_WIDER, _STRETCHED = 1.2, 3.0
_CHAINS, _WARM_UP = 4, 1_500
#: Importance sampling goes in rounds of a part of the points; a smaller round judges its own tail badly.
_PARTS, _ROUNDS, _SMALLEST_ROUND = 4, 16, 200


@dataclass(frozen=True)
class Posterior:
    """Draws of the parameters of a model, all of equal weight.

    Attributes
    ----------
    draws : DataFrame of shape (n_draws, n_parameters)
        Parameters, by name.
    method : {'importance', 'chains'}
        How they were drawn.
    tail : float
        Shape of the tail of the importance weights (Pareto k); above 0.7 they are not used.
    effective : float
        Draws from the posterior that would be as good: of the importance sample before
        resampling, or the smallest over the parameters of the chains.
    split : float
        Largest R-hat of the chains; NaN without chains.
    """

    draws: pd.DataFrame
    method: str
    tail: float
    effective: float
    split: float

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Return mean, standard deviation and interval of each parameter, one row per parameter."""
        ends = self.draws.quantile([(1 - level) / 2, (1 + level) / 2])
        return pd.DataFrame(
            {"mean": self.draws.mean(), "sd": self.draws.std(), "low": ends.iloc[0], "high": ends.iloc[1]}
        )


def draw_posterior(
    model: LikelihoodModel,
    curved: Curved,
    prior: Prior,
    rng: np.random.Generator,
    n_draws: int = 1_000,
    n_tried: int = 6_000,
    values: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Posterior:
    """Draw parameters from their posterior.

    Parameters
    ----------
    model : LikelihoodModel
        Fitted with the same `prior`, so that its `maximum_` is the mode of the posterior.
    curved : callable
        Log-likelihood with gradient and Hessian by the logarithms of the parameters.
    prior : Prior
        Normal prior on the logarithms.
    rng : numpy.random.Generator
    n_draws : int
        Draws to return.
    n_tried : int
        Size of the importance sample they are taken from. It is drawn in rounds of a quarter: fewer are enough where
        the weights are even, and up to four times as many are drawn where they are not.
    values : callable, optional
        A faster log-likelihood of many points: (n, n_parameters) to (n,).

    Returns
    -------
    Posterior

    Raises
    ------
    TooLittleData
        If neither way leads to draws that can be trusted.

    Notes
    -----
    Proposals from two multivariate t distributions around the mode, one of them stretched along its longest
    direction, as likelihoods of these models fall off slowly along a ridge; moved after each round to the
    weighted mean and covariance of all points so far. A point of any round is weighed by the mixture of all
    proposals, so that no likelihood is thrown away (adaptive multiple importance sampling; Cornuet, Marin,
    Mira & Robert 2012, Scandinavian Journal of Statistics 39:798-812). Weights are smoothed and judged by Pareto
    smoothed importance sampling (Vehtari, Simpson, Gelman, Yao & Gabry 2024, Journal of Machine Learning
    Research 25(72)); chains by random-walk Metropolis with the scale 2.38 / √d
    (Gelman, Roberts & Gilks 1996), judged by split R-hat and effective sample size (Vehtari and
    others 2021, Bayesian Analysis 16:667-718).
    """
    from arviz_stats.base import array_stats

    of_many = values or (lambda points: np.array([curved(point)[0] for point in points]))

    def log_posterior(points: np.ndarray) -> np.ndarray:
        away = points - prior.mean
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found = of_many(points) - 0.5 * np.einsum("ni,ij,nj->n", away, prior.precision, away)
        return np.where(np.isfinite(found), found, -np.inf)

    mode: Maximum = model.maximum_
    centre, spread = mode.logs, _spread(mode)
    size = max(n_tried // _PARTS, min(n_tried, _SMALLEST_ROUND))
    enough = min(2 * n_draws, n_tried / 2)
    points, posterior = np.empty((0, len(centre))), np.empty(0)
    proposals: list[tuple[np.ndarray, np.ndarray]] = []
    for turn in range(_ROUNDS):
        of_round = _pair(centre, spread)
        fresh = np.concatenate([_proposals(*own, size // 2, rng) for own in of_round])
        proposals += of_round
        points = np.concatenate([points, fresh])
        posterior = np.concatenate([posterior, log_posterior(fresh)])
        # All proposals gave as many points, so the mixture is their mean.
        raw = posterior - logsumexp([_log_density(points, *own) for own in proposals], axis=0)
        smooth, shape = array_stats.psislw(raw.max() - raw)  # takes minus the log of the weights
        weight = np.exp(smooth - smooth.max())
        weight /= weight.sum()
        tail, effective = float(shape), float(1 / np.sum(weight**2))
        if tail < WORST_TAIL and effective > max(len(points) / 10, enough if turn < _ROUNDS - 1 else 0):
            picked = points[_systematic(weight, n_draws, rng)]
            return Posterior(_frame(picked, model), "importance", tail, effective, float("nan"))
        centre = weight @ points
        spread = (points - centre).T @ ((points - centre) * weight[:, None]) + 0.05 * _spread(mode)
    chains = _chains(log_posterior, mode.logs, spread, rng, max(n_draws, 2_000))
    split = max(float(array_stats.rhat(chains[..., i])) for i in range(chains.shape[2]))
    effective = min(float(array_stats.ess(chains[..., i])) for i in range(chains.shape[2]))
    if split > WORST_SPLIT or effective < _FEWEST_EFFECTIVE:
        raise TooLittleData(
            f"draws of the parameters that do not settle (Pareto k {tail:.2f}, R-hat {split:.2f})",
            "a posterior that importance sampling or Markov chains can follow",
            "take more customers or a longer time, or report the estimates without an interval",
        )
    flat = chains.reshape(-1, chains.shape[2])
    picked = flat[rng.choice(len(flat), n_draws, replace=len(flat) < n_draws)]
    return Posterior(_frame(picked, model), "chains", tail, effective, split)


def _frame(logs: np.ndarray, model: LikelihoodModel) -> pd.DataFrame:
    return pd.DataFrame(np.exp(logs), columns=list(model.names))


def _spread(mode: Maximum) -> np.ndarray:
    """Inverse of minus the Hessian; where it is flat or bent upwards, as wide as a factor of ten."""
    values, vectors = np.linalg.eigh(-mode.hessian)
    return (vectors / np.maximum(values, 0.2)) @ vectors.T


def _pair(centre: np.ndarray, spread: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return centre and spread of the two proposals of a round."""
    lengths, directions = np.linalg.eigh(spread)
    longest = directions[:, -1] * np.sqrt(_STRETCHED * lengths[-1])
    wide = _WIDER * spread
    return [(centre, wide), (centre, wide + np.outer(longest, longest))]


def _proposals(centre: np.ndarray, spread: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Draw points from a multivariate t distribution."""
    steps = rng.standard_normal((number, len(centre)))
    steps /= np.sqrt(rng.chisquare(_FREEDOM, number) / _FREEDOM)[:, None]
    return centre + steps @ np.linalg.cholesky(spread).T


def _log_density(points: np.ndarray, centre: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return the log of the density of that distribution."""
    size = len(centre)
    root = np.linalg.cholesky(spread)
    squares = (np.linalg.solve(root, (points - centre).T) ** 2).sum(axis=0)
    found = gammaln((_FREEDOM + size) / 2) - gammaln(_FREEDOM / 2)
    found -= 0.5 * size * np.log(_FREEDOM * np.pi) + np.log(np.diag(root)).sum()
    return found - 0.5 * (_FREEDOM + size) * np.log1p(squares / _FREEDOM)


def _systematic(weight: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Pick positions in proportion to weights, evenly spread, in random order."""
    ticks = (np.arange(number) + rng.random()) / number
    ends = np.cumsum(weight)
    picked = np.searchsorted(ends / ends[-1], ticks)
    return rng.permutation(np.minimum(picked, len(weight) - 1))


def _chains(
    log_posterior: Callable[[np.ndarray], np.ndarray],
    centre: np.ndarray,
    spread: np.ndarray,
    rng: np.random.Generator,
    length: int,
) -> np.ndarray:
    """Run Metropolis chains side by side; shape (n_chains, length, n_parameters)."""
    size = len(centre)
    now = _proposals(centre, spread, _CHAINS, rng)
    value = log_posterior(now)
    value = np.where(np.isfinite(value), value, -1e300)
    root = np.linalg.cholesky(spread)
    step = np.full(_CHAINS, 2.38 / np.sqrt(size))
    kept = np.empty((_CHAINS, length, size))
    history = np.empty((_CHAINS, _WARM_UP, size))
    for turn in range(_WARM_UP + length):
        trial = now + step[:, None] * (rng.standard_normal((_CHAINS, size)) @ root.T)
        there = log_posterior(trial)
        taken = np.log(rng.random(_CHAINS)) < there - value
        now, value = np.where(taken[:, None], trial, now), np.where(taken, there, value)
        if turn < _WARM_UP:
            history[:, turn] = now
            # Towards the acceptance rate of 0.234 that is best in several dimensions.
            step *= np.exp((taken - 0.234) / np.sqrt(turn + 1))
            if turn in (_WARM_UP // 4, _WARM_UP // 2):
                seen = history[:, turn // 2 : turn + 1].reshape(-1, size)
                root = np.linalg.cholesky(np.cov(seen.T) + 1e-8 * np.diag(np.diag(spread)))
                step[:] = 2.38 / np.sqrt(size)
        else:
            kept[:, turn - _WARM_UP] = now
    return kept
