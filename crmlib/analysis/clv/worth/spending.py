"""What winning a customer, or keeping one, may cost at most."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.spend.credibility import Credibility
from crmlib.analysis.clv.timing.groups import GroupFits
from crmlib.analysis.clv.trust.drawn_parameters import drawn_group
from crmlib.errors import ParameterError

_DRAWS = 500


@dataclass(frozen=True)
class Campaign:
    """What writing to silent customers is worth, under an assumed effect.

    Attributes
    ----------
    customers : DataFrame
        Indexed like the values: ``at_stake`` (what the customer would bring if active for sure, less what is
        expected now), ``limit`` (the most that contacting may cost), ``contact`` (whether it pays) and
        ``gain`` (limit less cost for those contacted, else 0).
    gain, low, high : float
        Money gained by contacting them; the range runs over the assumed share brought back.
    break_even : float
        Share brought back at which the campaign neither wins nor loses.
    """

    customers: pd.DataFrame
    gain: float
    low: float
    high: float
    break_even: float


def worth_of_new(
    fits: GroupFits,
    money: Credibility,
    cycles: pd.DataFrame,
    groups: pd.Series,
    schedule: Schedule,
    rng: np.random.Generator,
    level: float = 0.95,
) -> pd.DataFrame:
    """Put a value on the next customer of each group, the first purchase included.

    Parameters
    ----------
    fits : GroupFits
        A model per group.
    money : Credibility
        Money per purchase, fitted to all customers.
    cycles : DataFrame
        ``n`` and ``money`` per customer, as `crmlib.analysis.clv.spend.cycles.purchase_cycles` returns them.
    groups : Series
        Name of each customer's group, indexed like `cycles`.
    schedule : Schedule
        The first purchase is made now, the others are discounted.
    rng : numpy.random.Generator
    level : float

    Returns
    -------
    DataFrame
        Indexed by group: ``customers``, ``orders`` (repeat purchases to expect within the horizon),
        ``money`` (per purchase), ``value``, ``low`` and ``high`` (doubt about the mean of such
        customers, not about a single one).
    """
    means = money_by_group(money, cycles, groups)
    ends = [(1 - level) / 2, (1 + level) / 2]
    rows = {}
    for name, model in fits.models.items():
        mean, error = means.loc[name, ["money", "error"]]
        discounted = model.discounted_orders_of_new(schedule)
        drawn = drawn_group(model, fits.covariance.to_numpy(), _DRAWS, rng)
        repeats = np.array([one.discounted_orders_of_new(schedule) for one in drawn])
        values = (1 + repeats) * (mean + error * rng.standard_normal(len(repeats)))
        low, high = np.quantile(values, ends)
        rows[name] = {
            "customers": int(means.loc[name, "customers"]),
            "orders": float(model.expected_orders(schedule.horizon)),
            "money": float(mean),
            "value": float((1 + discounted) * mean),
            "low": float(low),
            "high": float(high),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def money_by_group(money: Credibility, cycles: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Estimate the mean money per purchase of each group, drawn towards that of all.

    Returns
    -------
    DataFrame
        Indexed by group: ``customers`` (with a purchase), ``money`` and ``error`` (standard error, with the
        doubt about the mean of the groups; the variance between groups is taken as known, so with
        less than ten groups or so it is up to a fifth too small for the smallest).

    Notes
    -----
    The next level of the same credibility model (Bühlmann & Gisler 2005, chapter 6): own means of
    customers weighed by their credibility, means of groups weighed by theirs; the variance between
    groups by the method of DerSimonian & Laird (1986), Controlled Clinical Trials 7:177-188.
    """
    bought = cycles["n"].to_numpy() > 0
    # As objects first: where customers are missing, whole numbers would turn into fractions.
    names = groups.astype("object").reindex(cycles.index).astype("str").to_numpy()
    if money.between_ > 0:
        weight = money.credibility(cycles).to_numpy() / money.between_
    else:
        weight = cycles["n"].to_numpy() / max(money.within_, 1e-100)
    brought = np.where(bought, weight * cycles["money"].to_numpy(), 0.0)
    frame = pd.DataFrame({"weight": weight, "sum": brought, "customers": bought.astype("int64")})
    found = frame.groupby(names).sum()
    precision, total = found["weight"].to_numpy(), found["weight"].sum()
    known = precision > 0  # a group of customers without a purchase says nothing
    overall = found["sum"].sum() / total
    own = np.divide(found["sum"].to_numpy(), precision, out=np.full(len(found), overall), where=known)
    excess = precision @ (own - overall) ** 2 - (known.sum() - 1)
    scale = total - (precision @ precision) / total
    between = max(excess / scale, 0.0) if scale > 0 else 0.0
    # Weight of each group in the centre, 1 / (between + 1 / precision), and of its own mean.
    counts = precision / (1 + between * precision)
    share = between * counts
    centre = counts @ own / counts.sum()
    return pd.DataFrame(
        {
            "customers": found["customers"],
            "money": centre + share * (own - centre),
            "error": np.sqrt(between * (1 - share) + (1 - share) ** 2 / counts.sum()),
        }
    )


def win_back(values: pd.DataFrame, contact_cost: float, brought_back: float, spread: float = 1.0) -> Campaign:
    """Value a contact with customers who may have left without saying so.

    Whoever is active stays so without a contact; of those who have left, an assumed share comes back
    and is then worth what an active customer with the same history is worth.

    Parameters
    ----------
    values : DataFrame
        ``alive`` and ``value`` per customer.
    contact_cost : float
        Money per contact, 0 or more.
    brought_back : float
        Assumed share of those who have left that one contact brings back, above 0 and at most 1.
    spread : float
        The range runs from ``brought_back * (1 - spread)`` to ``brought_back * (1 + spread)``, within 0 and 1;
        0 or more.

    Returns
    -------
    Campaign

    Raises
    ------
    ParameterError
        If a cost, a share or a spread is out of range.

    Notes
    -----
    Definition of this project. The share is an assumption until a random half of the customers
    was left alone: a chance to be active says who may be gone, not who can be moved (Ascarza
    2018, Journal of Marketing Research 55:80-98).
    """
    if not 0 < brought_back <= 1:
        raise ParameterError(
            f"brought_back = {brought_back}", "a share above 0 and at most 1", "give 0.05 for 5 %"
        )
    for name, value in (("contact_cost", contact_cost), ("spread", spread)):
        if not value >= 0:
            raise ParameterError(f"{name} = {value}", "0 or more", f"correct {name}")
    alive = values["alive"].to_numpy()
    sure = np.divide(values["value"].to_numpy(), alive, out=np.zeros(len(alive)), where=alive > 0)
    at_stake = sure * (1 - alive)
    limit = brought_back * at_stake
    contact = limit > contact_cost
    gain = np.where(contact, limit - contact_cost, 0.0)
    stake, cost = at_stake[contact].sum(), contact_cost * contact.sum()
    found = pd.DataFrame(
        {"at_stake": at_stake, "limit": limit, "contact": contact, "gain": gain}, index=values.index
    )
    return Campaign(
        found,
        float(gain.sum()),
        float(brought_back * max(1 - spread, 0.0) * stake - cost),
        float(min(brought_back * (1 + spread), 1.0) * stake - cost),
        float(cost / stake) if stake > 0 else float("nan"),
    )
