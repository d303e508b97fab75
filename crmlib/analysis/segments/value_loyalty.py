"""Value and loyalty: butterflies, true friends, strangers and barnacles, and how much hangs on the cut-offs.

Loyalty is what lies ahead, not what lies behind: a customer of many years may be about to leave.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd

from crmlib.analysis.clv.refusals import refuse_some
from crmlib.analysis.segments.customer_numbers import customer_numbers, refuse_few
from crmlib.errors import ParameterError

#: The four groups: whether value is high, whether the tenure ahead is long.
GROUPS = {
    "true friends": (True, True),
    "butterflies": (True, False),
    "barnacles": (False, True),
    "strangers": (False, False),
}
Loyalty = Literal["months_ahead", "active_chance"]


@dataclass(frozen=True)
class ValueLoyalty:
    """Customers by value and by predicted tenure.

    Attributes
    ----------
    customers : DataFrame
        Indexed like the customers: ``high_value``, ``long_tenure`` (bool), ``group`` (key of `GROUPS`).
    groups : DataFrame
        Indexed by ``group``, all of `GROUPS` in their order: ``customers``, ``share``, ``value`` (sum), ``value_share``
        (NaN unless the total is above 0), ``mean_value``, ``mean_loyalty`` (NaN where nobody is).
    value_cut : float
        Value from which it is high, in the run's currency.
    loyalty_cut : float
        Predicted tenure from which it is long, in months, or as a chance to be active.
    loyalty : {'months_ahead', 'active_chance'}
        What the cut-off of tenure is about.
    """

    customers: pd.DataFrame
    groups: pd.DataFrame
    value_cut: float
    loyalty_cut: float
    loyalty: Loyalty


def value_loyalty(
    customers: pd.DataFrame, value_cut: float, loyalty_cut: float, loyalty: Loyalty = "months_ahead"
) -> ValueLoyalty:
    """Divide customers by value and by the tenure that is expected of them.

    Parameters
    ----------
    customers : DataFrame of shape (n_customers, ...)
        ``value`` (margin per customer in the run's currency, of a stated period or ahead) and the column named by
        `loyalty`: ``months_ahead`` (expected months as a customer from now on, 0 or more) or ``active_chance``
        (chance to be active, 0 to 1), indexed by customer.
    value_cut : float
        Value from which it is high, in the run's currency.
    loyalty_cut : float
        From which on the predicted tenure is long: months above 0, or a chance above 0 and up to 1.
    loyalty : {'months_ahead', 'active_chance'}

    Returns
    -------
    ValueLoyalty

    Raises
    ------
    DataError
        If a column or a value is missing, or a tenure cannot be.
    ParameterError
        If a cut-off cannot be.
    TooLittleData
        If there is no customer.

    Notes
    -----
    Reinartz & Kumar (2002), Harvard Business Review 80(7):86-94, with predicted tenure in place of past tenure.

    Examples
    --------
    >>> people = pd.DataFrame(
    ...     {"value": [90.0, 80.0, 5.0, -4.0], "months_ahead": [30.0, 2.0, 24.0, 1.0]}, index=list("ABCD")
    ... )
    >>> found = value_loyalty(people, value_cut=50, loyalty_cut=12)
    >>> found.customers["group"].tolist()
    ['true friends', 'butterflies', 'barnacles', 'strangers']
    """
    value, ahead = _checked(customers, loyalty)
    _check_cuts(value_cut, loyalty_cut, loyalty)
    high, long = value >= value_cut, ahead >= loyalty_cut
    names = np.array(list(GROUPS), dtype=object)
    group = names[_number(high, long)]
    people = pd.DataFrame({"high_value": high, "long_tenure": long, "group": group}, index=customers.index)
    held = pd.DataFrame({"value": value, "loyalty": ahead}).groupby(group)
    sizes = held.size().reindex(list(GROUPS), fill_value=0)
    sums = held["value"].sum().reindex(list(GROUPS), fill_value=0.0)
    means = held.mean().reindex(list(GROUPS))
    total = value.sum()
    groups = pd.DataFrame(
        {
            "customers": sizes,
            "share": sizes / len(value),
            "value": sums,
            "value_share": sums / total if total > 0 else np.nan,
            "mean_value": means["value"],
            "mean_loyalty": means["loyalty"],
        }
    ).rename_axis("group")
    return ValueLoyalty(people, groups, float(value_cut), float(loyalty_cut), loyalty)


def cut_sensitivity(
    customers: pd.DataFrame,
    value_cuts: Sequence[float],
    loyalty_cuts: Sequence[float],
    loyalty: Loyalty = "months_ahead",
) -> pd.DataFrame:
    """Move the cut-offs and count who changes group.

    Parameters
    ----------
    customers : DataFrame
        As for `value_loyalty`.
    value_cuts, loyalty_cuts : sequence of float
        Cut-offs to try, the one in use first.
    loyalty : {'months_ahead', 'active_chance'}

    Returns
    -------
    DataFrame
        Indexed by ``value_cut`` and ``loyalty_cut``, every pair, the pair in use first: ``customers_moved`` (share of
        customers who are in another group than under the pair in use), ``value_moved`` (share of value that moves,
        each value by its size, since losses and gains would cancel; NaN if all are 0), and the number of customers
        in each of `GROUPS`.

    Raises
    ------
    DataError, ParameterError, TooLittleData
        As for `value_loyalty`; also if no cut-off is given or one is given twice.

    Examples
    --------
    >>> people = pd.DataFrame({"value": [90.0, 55.0, 5.0], "months_ahead": [30.0, 2.0, 24.0]}, index=list("ABC"))
    >>> cut_sensitivity(people, [50, 60], [12])[["customers_moved", "value_moved"]].round(3).values.tolist()
    [[0.0, 0.0], [0.333, 0.367]]
    """
    value, ahead = _checked(customers, loyalty)
    for name, cuts in (("value_cuts", value_cuts), ("loyalty_cuts", loyalty_cuts)):
        if not len(cuts) or len(set(cuts)) < len(cuts):
            raise ParameterError(
                f"{name} = {list(cuts)}", "one or more different cut-offs", "put the one in use first"
            )
    size = np.abs(value)
    first, rows = None, {}
    for value_cut, loyalty_cut in product(value_cuts, loyalty_cuts):
        _check_cuts(value_cut, loyalty_cut, loyalty)
        number = _number(value >= value_cut, ahead >= loyalty_cut)
        first = number if first is None else first
        moved = number != first
        rows[float(value_cut), float(loyalty_cut)] = {
            "customers_moved": moved.mean(),
            "value_moved": size[moved].sum() / size.sum() if size.sum() > 0 else np.nan,
            **dict(zip(GROUPS, np.bincount(number, minlength=len(GROUPS)).tolist(), strict=True)),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=["value_cut", "loyalty_cut"])
    return table


def _number(high: np.ndarray, long: np.ndarray) -> np.ndarray:
    """Number of the group in the order of `GROUPS`."""
    return 2 * ~high + 1 * ~long


def _checked(customers: pd.DataFrame, loyalty: str) -> tuple[np.ndarray, np.ndarray]:
    if loyalty not in ("months_ahead", "active_chance"):
        raise ParameterError(f"loyalty = {loyalty!r}", "months_ahead or active_chance", "name one of them")
    found = customer_numbers(customers, ["value", loyalty])
    refuse_few(len(customers), 1, "groups of customers")
    ahead = customer_numbers(customers, [loyalty], least=0)[loyalty]
    if loyalty == "active_chance":
        remedy = "give chances as shares, not in per cent"
        refuse_some(ahead > 1, customers.index, ahead, loyalty, "a chance of 0 to 1", remedy)
    return found["value"], ahead


def _check_cuts(value_cut: float, loyalty_cut: float, loyalty: str) -> None:
    if not np.isfinite(value_cut):
        raise ParameterError(
            f"value_cut = {value_cut}", "an amount of money", "give one in the run's currency"
        )
    most = 1 if loyalty == "active_chance" else np.inf
    if not (0 < loyalty_cut <= most and np.isfinite(loyalty_cut)):
        raise ParameterError(
            f"loyalty_cut = {loyalty_cut}",
            "a chance above 0 and up to 1" if loyalty == "active_chance" else "months above 0",
            "state from when on a relationship counts as long",
        )
