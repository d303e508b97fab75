"""Parameters drawn around the maximum of a fitted model, so that doubt about them reaches what is built on them."""

import numpy as np

from crmlib.analysis.clv.fitting.estimator import LikelihoodModel
from crmlib.analysis.clv.spend.gamma_gamma import GammaGamma
from crmlib.analysis.clv.timing.attrition import LatentAttrition

# Where the likelihood is as good as flat, parameters are drawn within a factor of about ten.
_FLATTEST = 0.2


def around_maximum(model: LikelihoodModel, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draw parameters from the normal approximation of their logarithms at the maximum (Laplace).

    Parameters
    ----------
    model : LikelihoodModel
        Fitted. A parameter at an edge stays there.
    n_draws : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n_draws, n_parameters)
        In the order of the model's ``names``.
    """
    found = model.maximum_
    inside = np.array([name not in found.at_edge for name in found.names])
    values, vectors = np.linalg.eigh(-found.hessian[np.ix_(inside, inside)])
    root = vectors / np.sqrt(np.maximum(values, _FLATTEST))
    logs = np.tile(found.logs, (n_draws, 1))
    logs[:, inside] += rng.standard_normal((n_draws, int(inside.sum()))) @ root.T
    return np.exp(logs)


def drawn_group(
    model: LatentAttrition, between: np.ndarray, n_draws: int, rng: np.random.Generator
) -> list[LatentAttrition]:
    """Draw the parameters of a model of one group of customers.

    Parameters
    ----------
    model : LatentAttrition
        Of `crmlib.analysis.clv.timing.groups.GroupFits`. A group without repeats has the parameters of the others, and
        differs from them as groups do.
    between : ndarray of shape (n_parameters, n_parameters)
        Covariance between groups of the logarithms of the parameters.
    n_draws : int
    rng : numpy.random.Generator
    """
    if hasattr(model, "maximum_"):
        points = around_maximum(model, n_draws, rng)
    else:
        logs, root = np.log(model.params_.to_numpy()), np.linalg.cholesky(between)
        points = np.exp(logs + rng.standard_normal((n_draws, len(logs))) @ root.T)
    return [model.with_params(point) for point in points]


def drawn_spend(spend: GammaGamma, fewest: float, n_draws: int, rng: np.random.Generator) -> list[GammaGamma]:
    """Draw the parameters of a gamma-gamma model.

    Parameters
    ----------
    spend : GammaGamma
        Fitted; one whose parameters were given is taken as known.
    fewest : float
        Orders of the customer with the fewest: draws by which expected money of such a customer is infinite are
        drawn again, as they are at the estimates nowhere.
    n_draws : int
    rng : numpy.random.Generator

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> own = 40 / rng.standard_gamma(4.0, 500)
    >>> money = pd.DataFrame({"n": 3, "money": own * rng.standard_gamma(18.0, 500)})
    >>> spend = GammaGamma().fit(money)
    >>> means = [drawn.population_mean() for drawn in drawn_spend(spend, 1.0, 400, rng)]
    >>> round(float(np.mean(means) / spend.population_mean()), 2), round(float(np.std(means) / np.mean(means)), 2)
    (1.0, 0.03)
    """
    if not hasattr(spend, "maximum_"):
        return [spend] * n_draws
    found: list[GammaGamma] = []
    while len(found) < n_draws:
        for row in around_maximum(spend, n_draws, rng):
            if row[0] * fewest + row[1] > 1:
                found.append(spend.with_params(row))
    return found[:n_draws]
