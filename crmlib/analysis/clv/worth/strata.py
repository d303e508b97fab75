"""Customers who began before the data, and those since: each stratum with a model of its own.

Who began before the data is seen from a later day on, and only if still a customer by then. Such
customers buy more often and leave less often than new ones do; one model for both would be wrong for both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.audit.customer_days import BEFORE
from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.fitting.estimator import Prior
from crmlib.analysis.clv.fitting.posterior import Posterior, draw_posterior
from crmlib.analysis.clv.spend.money import MoneyPerPurchase
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.analysis.clv.timing.groups import fit_by_group
from crmlib.analysis.clv.timing.histories import Histories
from crmlib.analysis.clv.trust.by_group import members
from crmlib.analysis.clv.trust.drawn_parameters import drawn_group
from crmlib.analysis.clv.worth.drawn_money import drawn_money
from crmlib.analysis.clv.worth.value import Values, customer_values, together

_WIDE = 2.5
#: Repeaters up to which the posterior is tried out with many points, and how many: with more
#: customers it is closer to normal, and each point costs more.
_TRIED = ((5_000, 2_000), (100_000, 800))
_FEWEST = 400


@dataclass(frozen=True)
class Stratum:
    """A part of the customers with its model.

    Attributes
    ----------
    name : str
    customers : DataFrame
        Histories, with the columns the models of money read.
    model : LatentAttrition
        Fitted, with a weak prior.
    posterior : Posterior
        Draws of its parameters; of a model told apart by group, from the normal approximation (``normal``).
    group : str or None
        Which group of the stratum; None for all of it, or those of no group.
    """

    name: str
    customers: pd.DataFrame
    model: LatentAttrition
    posterior: Posterior
    group: str | None = None


def weak_prior(model: LatentAttrition, histories: Histories) -> Prior:
    """Return a prior that says little: each parameter within a factor of about a hundred.

    Logarithms are normal with standard deviation 2.5 around 0, those of scales of time around the
    logarithm of the mean time seen. Definition of this project; it keeps a flat likelihood from
    sending parameters to an edge.
    """
    seen = np.log(histories.exposure / histories.customers)
    mean = np.array([seen if name in model.scales else 0.0 for name in model.names])
    return Prior(mean, np.eye(len(mean)) / _WIDE**2)


def fit_strata(
    model: LatentAttrition,
    customers: pd.DataFrame,
    strata: pd.Series,
    rng: np.random.Generator,
    n_draws: int = 300,
    fewest: int = 200,
    groups: pd.Series | None = None,
) -> list[Stratum]:
    """Fit a model to each stratum and draw its parameters.

    Parameters
    ----------
    model : LatentAttrition
        Which model.
    customers : DataFrame
        Histories, with the columns the model reads.
    strata : Series
        Name of each customer's stratum, by the same index; missing names are a stratum ``unknown``.
    rng : numpy.random.Generator
    n_draws : int
        Draws of the parameters.
    fewest : int
        A stratum with fewer customers, or with fewer than a tenth as many repeaters, is not told apart: then all
        customers are one stratum, ``all``.
    groups : Series, optional
        Group of each customer: a stratum with three groups or more is fitted by group, small ones drawn towards the
        others, and gives one entry for each.

    Returns
    -------
    list of Stratum
        In the order of names.

    Raises
    ------
    TooLittleData
        If the customers together are too few for a model.
    """
    found = []
    for name, own in _parts(customers, strata, fewest).items():
        if groups is not None and groups.reindex(own.index).nunique() > 2:
            found += _told_apart(model, name, own, groups.reindex(own.index), n_draws, rng)
            continue
        fitted, histories, prior = _fitted(model, own)
        tried = next((number for size, number in _TRIED if len(histories.x) <= size), _FEWEST)
        posterior = draw_posterior(
            fitted,
            fitted.curved(histories),
            prior,
            rng,
            n_draws,
            max(tried, n_draws),
            fitted.values(histories),
        )
        found.append(Stratum(name, own, fitted, posterior))
    return found


def alive_by_strata(
    model: LatentAttrition, customers: pd.DataFrame, strata: pd.Series, fewest: int = 200
) -> pd.Series:
    """Return the chance of each customer to be active, by a model for each stratum; see `fit_strata`."""
    parts = _parts(customers, strata, fewest)
    found = [_fitted(model, own)[0].predict_alive(own) for own in parts.values()]
    return pd.concat(found).reindex(customers.index).rename("alive")


def _told_apart(
    model: LatentAttrition,
    name: str,
    own: pd.DataFrame,
    groups: pd.Series,
    n_draws: int,
    rng: np.random.Generator,
) -> list[Stratum]:
    """Fit one stratum by group; those of no group have the model of all."""
    fits = fit_by_group(model, own, groups)
    found = []
    for label, inside in members(fits, groups).items():
        fitted = fits.base if label is None else fits.models[label]
        drawn = drawn_group(fitted, fits.covariance.to_numpy(), n_draws, rng)
        draws = pd.DataFrame([one.params_.to_numpy() for one in drawn], columns=list(model.names))
        posterior = Posterior(draws, "normal", np.nan, float(n_draws), np.nan)
        found.append(Stratum(name, own[inside], fitted, posterior, label))
    return found


def _parts(customers: pd.DataFrame, strata: pd.Series, fewest: int) -> dict[str, pd.DataFrame]:
    """Part customers by stratum; all together where one stratum is too small."""
    names = strata.astype("object").reindex(customers.index).fillna("unknown").astype("str").to_numpy()
    parts = {name: customers[names == name] for name in sorted(set(names))}
    if any(len(own) < fewest or (own["x"] > 0).sum() < fewest / 10 for own in parts.values()):
        return {"all": customers}
    return parts


def _fitted(model: LatentAttrition, own: pd.DataFrame) -> tuple[LatentAttrition, Histories, Prior]:
    histories = Histories.of(own)
    prior = weak_prior(model, histories)
    fitted = type(model)(**model.get_params()).fit_histories(histories, prior, **model.beside(own))
    return fitted, histories, prior


def values_of(
    strata: Sequence[Stratum],
    money: MoneyPerPurchase,
    schedule: Schedule,
    rng: np.random.Generator,
    groups: Mapping[str, pd.Series] | None = None,
) -> Values:
    """Put a value on the customers of all strata; see `crmlib.analysis.clv.worth.value.customer_values`.

    Parameters
    ----------
    groups : mapping of str to Series of bool, optional
        Members of each group, by customer.

    Notes
    -----
    Parameters of money are those of all customers, so the strata share their draws.
    """
    everybody = pd.concat([stratum.customers for stratum in strata]).sort_index()
    moneys = drawn_money(money, everybody, len(strata[0].posterior.draws), rng)
    parts = []
    for stratum in strata:
        own = {
            name: members.reindex(stratum.customers.index).fillna(False).to_numpy(bool)
            for name, members in (groups or {}).items()
        }
        draws = stratum.posterior.draws
        parts.append(
            customer_values(
                stratum.model, draws, money, stratum.customers, schedule, rng, own, money_draws=moneys
            )
        )
    return together(parts)


def began_before(members: pd.DataFrame, customers: pd.Index) -> pd.Series:
    """Tell which customers began before the data.

    Parameters
    ----------
    members : DataFrame
        Column ``cohort`` by customer, as `crmlib.analysis.audit.customer_days.Base.members` returns it.
    customers : Index
        Customers asked about.
    """
    return members["cohort"].reindex(customers).eq(BEFORE).rename("before")
