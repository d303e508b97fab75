"""What the relationship levels are, what each costs per customer and year, and who is large enough for which.

The five levels are those of Kotler (1992, Planning Review 20(5):50-52). How many minutes each takes is a definition
of this project: a company that knows better states its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.costing import CostToServe
from crmlib.errors import ParameterError

#: For each level: minutes of people per customer and year, and what the customer gets.
TERMS = {
    "basic": (0.0, "delivery as promised, and the usual mailings"),
    "reactive": (5.0, "an answer at once when something is wrong"),
    "accountable": (15.0, "a question after a purchase whether all is as expected"),
    "proactive": (45.0, "a call from time to time with an idea of use to them"),
    "full partnership": (240.0, "a person of their own, who plans the year with them"),
}
#: Mailings per customer and year, which everybody gets.
MAILINGS = 1.0
#: Cost of a minute where no resource is known.
ASSUMED_RATE = 0.6
_MONTHS_PER_YEAR = 12


@dataclass(frozen=True)
class RelationshipTerms:
    """Levels with their cost.

    Attributes
    ----------
    levels : DataFrame
        Indexed by level, from the lowest up: ``minutes`` and ``cost`` (run's currency), per customer and year.
    rate : float
        Cost of a minute.
    capacity_minutes : float or None
        Minutes a year that are left for relationships once orders and returns are served; None where it is not known.
    assumed : bool
        Whether the rate is assumed, for want of events and resources.
    """

    levels: pd.DataFrame
    rate: float
    capacity_minutes: float | None
    assumed: bool


def relationship_terms(served: CostToServe | None, months: float) -> RelationshipTerms:
    """Work out what each level costs from the minutes and resources that serve relationships today.

    Parameters
    ----------
    served : CostToServe or None
        Cost to serve of a period; None where it is not known: then a minute costs `ASSUMED_RATE`, and there is no
        limit.
    months : float
        Length of the period.

    Returns
    -------
    RelationshipTerms

    Notes
    -----
    The rate is the mean over the minutes spent on relationships (events that name no order). Capacity is what the
    resources of these events can work in a year, less what orders and returns take of it; used to its limit already, it
    is 0. Definition of this project.

    Examples
    --------
    >>> relationship_terms(None, 12).levels.loc["reactive"].to_dict()
    {'minutes': 5.0, 'cost': 4.0}
    """
    rate, capacity = ASSUMED_RATE, None
    if served is not None:
        activities = served.counts.columns.get_level_values("activity")
        own = served.counts.columns.get_level_values("purpose") == "relationship"
        costs = served.unit_costs.reindex(activities)
        minutes = served.counts.sum().to_numpy() * costs["minutes_per_event"].to_numpy()
        spent = minutes[own].sum()
        if spent > 0:
            rate = float((minutes * costs["rate"].to_numpy())[own].sum() / spent)
            who = sorted(set(costs["resource"][own & (minutes > 0)]))
            others = minutes[~own & costs["resource"].isin(who).to_numpy()].sum()
            supplied = served.capacity["minutes_supplied"].reindex(who).sum()
            capacity = max(float(supplied - others), 0.0) * _MONTHS_PER_YEAR / months
    minutes_of = np.array([minutes for minutes, _ in TERMS.values()])
    levels = pd.DataFrame(
        {"minutes": minutes_of, "cost": (MAILINGS + rate * minutes_of).round(6)},
        pd.Index(list(TERMS), name="level"),
    )
    return RelationshipTerms(levels, rate, capacity, served is None or capacity is None)


def margin_bands(margin: pd.Series, levels: pd.DataFrame, level_effect: float) -> pd.Series:
    """Say up to which level a customer is large enough: the margin at which one more step would pay.

    Parameters
    ----------
    margin : Series of float
        Margin per customer and year, before the cost of the relationship.
    levels : DataFrame
        As in `RelationshipTerms.levels`.
    level_effect : float
        Rise of the margin by each step, as a share of it; an assumption, above 0.

    Returns
    -------
    Series of category
        The highest level whose step, and every step below it, costs less than the rise of the customer's own margin. It
        parts a segment so that a few large customers are not judged by the mean of many small ones.

    Raises
    ------
    ParameterError
        If the effect is not above 0.

    Examples
    --------
    >>> levels = pd.DataFrame({"cost": [1.0, 4.0, 10.0]}, index=["basic", "reactive", "accountable"])
    >>> margin_bands(pd.Series([-5.0, 60, 80, 900]), levels, 0.05).tolist()
    ['basic', 'basic', 'reactive', 'accountable']
    """
    if not (level_effect > 0 and np.isfinite(level_effect)):
        raise ParameterError(
            f"level_effect = {level_effect}", "a share above 0", "state the rise you expect of a step"
        )
    least = np.maximum.accumulate(np.diff(levels["cost"].to_numpy("float64")) / level_effect)
    place = np.searchsorted(least, margin.to_numpy("float64"), side="left")
    return pd.Series(
        pd.Categorical.from_codes(place, list(levels.index), ordered=True), index=margin.index, name="band"
    )


def blocs_of(
    segments: pd.Series, bands: pd.Series, margin: pd.Series, order: Sequence[str]
) -> tuple[pd.Series, pd.DataFrame]:
    """Part segments by the size of their customers, and lay out what `allocate_levels` reads.

    Parameters
    ----------
    segments : Series of str
        Segment by customer.
    bands : Series of category
        As returned by `margin_bands`, same index.
    margin : Series of float
        Margin per customer and year, same index. A loss counts as 0: nobody is raised to make a loss smaller.
    order : sequence of str
        Segments in the order to show.

    Returns
    -------
    tuple of Series of str and DataFrame
        Bloc of each customer, ``segment / band``; and per bloc ``customers``, ``margin`` (mean), ``segment``, ``band``.

    Examples
    --------
    >>> bands = pd.Series(pd.Categorical(["low", "high", "low"], ["low", "high"], ordered=True))
    >>> _, table = blocs_of(pd.Series(["x", "x", "y"]), bands, pd.Series([10.0, 90.0, -4.0]), ["x", "y"])
    >>> table[["customers", "margin"]].to_dict("index")
    {'x / low': {'customers': 1, 'margin': 10.0}, 'x / high': {'customers': 1, 'margin': 90.0}, 'y / low':
    {'customers': 1, 'margin': 0.0}}
    """
    bloc = segments.astype("object") + " / " + bands.astype("object")
    held = margin.clip(lower=0).groupby(bloc.to_numpy())
    table = pd.DataFrame({"customers": held.size(), "margin": held.mean()})
    names = {f"{one} / {band}": (one, band) for one in order for band in bands.cat.categories}
    table = table.reindex([name for name in names if name in table.index])
    table["segment"], table["band"] = ([names[name][side] for name in table.index] for side in (0, 1))
    return bloc.rename("bloc"), table
