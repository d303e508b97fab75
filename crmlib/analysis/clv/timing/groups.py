"""Parameters by group: each group its own, small ones drawn towards the others."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.clv.fitting.estimator import Prior
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.analysis.clv.timing.histories import Histories
from crmlib.errors import TooLittleData

_ROUNDS, _STEPS, _SETTLED = 60, 300, 1e-4
_STILL_A_TOP = 0.05
#: What is believed of the spread between groups before seeing them: as if one group more had
#: differed by this much in the logarithm of each parameter.
_BELIEVED = 0.1


@dataclass(frozen=True)
class GroupFits:
    """One fitted model per group.

    Attributes
    ----------
    models : dict of str to LatentAttrition
        By group, sorted.
    base : LatentAttrition
        Fitted to all customers together.
    spread : Series of shape (n_parameters,)
        Standard deviation between groups of the logarithm of each parameter.
    covariance : DataFrame of shape (n_parameters, n_parameters)
        Covariance between groups of the logarithms of the parameters.
    table : DataFrame
        One row per group: ``customers``, ``repeaters``, the parameters, and ``own`` (weight of the
        group's own data in its parameters, from 0 to 1; the rest is the other groups').
    """

    models: dict[str, LatentAttrition]
    base: LatentAttrition
    spread: pd.Series
    covariance: pd.DataFrame
    table: pd.DataFrame

    def predict_orders(self, customers: pd.DataFrame, groups: pd.Series, horizon: float) -> pd.Series:
        """Expected purchases of each customer by the model of the customer's group; of any other, by `base`.

        `groups` has the order of `customers`; those of a group without a model, or of none, are the others.
        """
        labels = _labels(groups)
        found = pd.Series(np.nan, index=customers.index, name="orders")
        for name, model in self.models.items():
            inside = labels == name
            found[inside] = model.predict_orders(customers[inside], horizon).to_numpy()
        others = ~np.isin(labels, list(self.models))
        found[others] = self.base.predict_orders(customers[others], horizon).to_numpy()
        return found


def fit_by_group(model: LatentAttrition, customers: pd.DataFrame, groups: pd.Series) -> GroupFits:
    """Fit a model to each group, with the others as what is known beforehand.

    Parameters
    ----------
    model : LatentAttrition
        Which model; its parameters, if any, are not used. What a fit chooses besides, such as the k of
        `crmlib.analysis.clv.timing.mbg_cnbd.MBGCNBD`, is chosen for all customers together.
    customers : DataFrame
        Histories, with the columns the model reads.
    groups : Series of shape (n_customers,)
        Name of each customer's group (region, channel, cohort), in the same order.

    Returns
    -------
    GroupFits

    Raises
    ------
    TooLittleData
        If there are fewer than three groups, or nobody bought again.

    Notes
    -----
    Definition of this project: logarithms of the parameters of a group are normal around those of
    all groups, with a covariance estimated from the groups (empirical Bayes by the EM algorithm with a
    Laplace approximation of each group; Efron & Morris 1975, Journal of the American Statistical
    Association 70:311-319, for the idea). A group without repeat purchases takes the parameters of the others.
    """
    labels = _labels(groups)
    names = sorted(set(labels[groups.notna().to_numpy()]))
    if len(names) < 3:
        raise TooLittleData(
            f"{len(names)} group{'s' * (len(names) != 1)}",
            "three groups or more, to see how much groups differ",
            "fit all customers together, or each group on its own",
        )
    base = type(model)(**model.get_params()).fit(customers)
    size = len(base.names)
    folded: dict[str, Histories | None] = {}
    beside: dict[str, dict[str, float]] = {}
    for name in names:
        own = customers[labels == name]
        folded[name] = Histories.of(own) if len(own) > 1 and (own["x"] > 0).any() else None
        beside[name] = base.beside(own)
    mean, covariance = np.log(base.params_.to_numpy()), 0.25 * np.eye(size)
    fitted: dict[str, LatentAttrition] = {}
    logs: dict[str, np.ndarray] = {}
    for _ in range(_ROUNDS):
        prior = Prior(mean, np.linalg.inv(covariance))
        modes = np.tile(mean, (len(names), 1))
        bends = np.zeros((len(names), size, size))
        for number, name in enumerate(names):
            histories = folded[name]
            if histories is None:
                fitted[name] = base.with_params(np.exp(mean))
                continue
            fitted[name] = base.alike().fit_histories(
                histories, prior, start=logs.get(name, mean), **beside[name]
            )
            found = fitted[name].maximum_
            modes[number] = logs[name] = found.logs
            bends[number] = -found.hessian - prior.precision
        left = dict(zip(names, np.linalg.inv(bends + prior.precision), strict=True))
        before = mean, covariance
        mean, covariance = _between(modes, bends, mean, covariance)
        if _moved(*before, mean, covariance) < _SETTLED:
            break
    rows = {}
    for name, own in fitted.items():
        inside = labels == name
        weight = 1 - np.trace(left[name] @ np.linalg.inv(covariance)) / size
        rows[name] = {
            "customers": int(inside.sum()),
            "repeaters": int((customers["x"].to_numpy()[inside] > 0).sum()),
            **own.params_.to_dict(),
            "own": float(np.clip(weight, 0, 1)),
        }
    parameters = list(base.names)
    spread = pd.Series(np.sqrt(np.diag(covariance)), index=parameters, name="spread")
    between = pd.DataFrame(covariance, index=parameters, columns=parameters)
    return GroupFits(fitted, base, spread, between, pd.DataFrame.from_dict(rows, orient="index"))


def _between(
    modes: np.ndarray, bends: np.ndarray, mean: np.ndarray, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance between groups by the EM algorithm, the likelihood of each group taken as quadratic.

    Fits of groups cost far more than steps of the algorithm. So the steps are taken with the curvatures of
    the likelihoods where they are, and groups are fitted again when these steps have come to rest. `modes` are
    those of the posterior under the given mean and covariance, and `bends` minus the curvature of each likelihood
    there.
    """
    size = len(mean)
    precision = np.linalg.inv(covariance)
    # The posterior is flat at its mode: so this is the slope of the likelihood there, plus its curvature
    # times the mode.
    pull = np.einsum("gij,gj->gi", bends, modes) + (modes - mean) @ precision
    for _ in range(_STEPS):
        curved = bends + precision
        # A likelihood that bends upwards is quadratic only near where it was looked at: wait for the next fit.
        if np.linalg.eigvalsh(curved).min() <= _STILL_A_TOP * np.linalg.eigvalsh(precision)[0]:
            break
        left = np.linalg.inv(curved)
        logs = np.einsum("gij,gj->gi", left, pull + precision @ mean)
        new_mean = logs.mean(axis=0)
        around = logs - new_mean
        new = around.T @ around + left.sum(axis=0) + _BELIEVED**2 * np.eye(size)
        new /= len(modes) + 1
        moved = _moved(mean, covariance, new_mean, new)
        mean, covariance, precision = new_mean, new, np.linalg.inv(new)
        if moved < _SETTLED / 10:
            break
    return mean, covariance


def _moved(mean: np.ndarray, covariance: np.ndarray, new_mean: np.ndarray, new: np.ndarray) -> float:
    """Return the largest step of a mean or a standard deviation."""
    spread = np.sqrt(np.diag(new)) - np.sqrt(np.diag(covariance))
    return float(max(np.abs(new_mean - mean).max(), np.abs(spread).max()))


def _labels(groups: pd.Series) -> np.ndarray:
    """Return the names of groups as text; None where there is none."""
    return groups.astype("str").where(groups.notna(), None).to_numpy(dtype=object)
