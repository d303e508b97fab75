"""The four directions of customer relationship management as states of customers: win, grow, keep, advocates.

Everybody is in exactly one state, the first of `ORDER` whose condition holds:

1. **advocates**: brought somebody, would recommend (9 or 10), or gave five stars last, and are worth at least what half
   of the customers of positive value are.
2. **win**: never bought so far, or won within the last window and not back yet.
3. **keep**: first rank, the top of value.
4. **mend**: not silent, and expected to cost more than they bring: new terms or cheaper service come before any offer.
5. **grow**: worth cultivating: of positive value, not silent, and below the first rank in breadth.
6. **steady**: of positive value, not silent, with no room to grow in sight: served as today.
7. **resting**: silent, or of no value.

Definition of this project.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.segments.customer_numbers import customer_numbers, refuse_few
from crmlib.analysis.segments.migration import Transitions, transitions
from crmlib.errors import DataError, ParameterError

#: The states in the order they are shown: what to do, and the next step.
STATES = {
    "win": ("Win", "Win the second purchase: welcome, and a reason to come back"),
    "grow": ("Grow", "Offer what customers like them also buy"),
    "keep": ("Keep", "Look after what is at risk first, at the level that pays"),
    "advocates": ("Advocates", "Thank them, and make it easy to bring others"),
    "mend": ("Mend", "Change terms or serve more cheaply before anything is offered"),
    "steady": ("Steady", "Serve as today"),
    "resting": ("Resting", "No effort beyond the usual mailings"),
}
#: The order in which conditions are looked at.
ORDER = ("advocates", "win", "keep", "mend", "grow", "steady", "resting")


@dataclass(frozen=True)
class DirectionRules:
    """Cut-offs of the states, in the units of the data.

    Attributes
    ----------
    value : str
        Column of value: ``value_ahead``, or ``expected_margin`` where only order lines are known.
    first_rank : float
        Value from which a customer is first rank.
    worthy : float
        Value from which somebody who speaks for the company counts as an advocate.
    breadth : str
        Column of breadth: ``categories``, or ``frequency`` where categories are not known.
    room_below : float
        Breadth below which there is room to grow: the median of the first rank.
    window_days : int
        Days for which a customer counts as just won.
    silent_days : int
        Days without a purchase from which a customer is silent.
    top_share : float
        As asked for.
    """

    value: str
    first_rank: float
    worthy: float
    breadth: str
    room_below: float
    window_days: int
    silent_days: int
    top_share: float


@dataclass(frozen=True)
class Directions:
    """Customers by state.

    Attributes
    ----------
    customers : DataFrame
        Indexed like the customers: ``state`` (category in the order of `STATES`), ``value`` (as in `rules`; NaN where
        it is not known), ``speaks`` (bool: brought somebody, would recommend or gave five stars).
    states : DataFrame
        Indexed by ``state``, all of `STATES`: ``customers``, ``share``, ``value``, ``value_share`` (NaN unless the
        total is above 0), ``mean_value``.
    rules : DirectionRules
    left_out : tuple of str
        Tables without which nobody could be seen to speak for the company.
    unvalued : int
        Customers without a value, who are in ``win`` or ``resting``.
    """

    customers: pd.DataFrame
    states: pd.DataFrame
    rules: DirectionRules
    left_out: tuple[str, ...]
    unvalued: int


def direction_rules(
    customers: pd.DataFrame,
    value: str | None = None,
    top_share: float = 0.2,
    window_days: int = 90,
    silent_days: int = 365,
) -> DirectionRules:
    """Take the cut-offs from the customers themselves.

    Parameters
    ----------
    customers : DataFrame
        As in `crmlib.analysis.segments.customer_features.CustomerFeatures.customers` or of `features_on`.
    value : str, optional
        Column of value; by default the first there is of ``value_ahead``, ``expected_margin``, ``profit``, ``money``.
    top_share : float
        Share of customers with a value who are first rank, above 0 and below 1; more where values are equal.
    window_days, silent_days : int
        1 or more.

    Returns
    -------
    DirectionRules

    Raises
    ------
    DataError
        If there is no column of value.
    ParameterError
        If a number is out of range.
    TooLittleData
        If nobody has a value above 0.

    Examples
    --------
    >>> people = pd.DataFrame({"money": [1.0, 2, 3, 4, 50], "frequency": [1, 1, 2, 3, 6]}, index=list("ABCDE"))
    >>> found = direction_rules(people)
    >>> found.value, found.first_rank, found.worthy, found.room_below
    ('money', 50.0, 3.0, 6.0)
    """
    if not 0 < top_share < 1 or min(window_days, silent_days) < 1:
        raise ParameterError(
            f"top_share = {top_share}, window_days = {window_days}, silent_days = {silent_days}",
            "a share above 0 and below 1, and days of 1 or more",
            "correct the parameter",
        )
    if value is None:
        there = [name for name in ("value_ahead", "expected_margin", "profit", "money") if name in customers]
        value = there[0] if there else "value_ahead"
    breadth = "categories" if "categories" in customers else "frequency"
    absent = [name for name in (value, breadth) if name not in customers]
    if absent:
        raise DataError(
            f"no column {', '.join(absent)}",
            "a column of value and one of breadth",
            "make customer_features first",
        )
    worth = customers[value].dropna().to_numpy("float64")
    positive = worth[worth > 0]
    refuse_few(len(positive), 1, "states of customers: none has a value above 0")
    # Of the values themselves, so that who has the value of the cut-off is above it, whoever that is.
    first = max(float(np.quantile(worth, 1 - top_share, method="higher")), float(positive.min()))
    top = customers[customers[value] >= first]
    room = float(top[breadth].median())
    worthy = float(np.quantile(positive, 0.5, method="lower"))
    return DirectionRules(value, first, worthy, breadth, room, window_days, silent_days, top_share)


def directions(
    customers: pd.DataFrame,
    rules: DirectionRules,
    voices: pd.DataFrame | None = None,
    left_out: tuple[str, ...] = (),
) -> Directions:
    """Put every customer into one state.

    Parameters
    ----------
    customers : DataFrame
        As for `direction_rules`, with ``recency_days``, ``tenure_days`` and ``purchases``.
    rules : DirectionRules
    voices : DataFrame, optional
        `crmlib.analysis.segments.voices.Voices.customers`; without it there are no advocates.
    left_out : tuple of str
        `crmlib.analysis.segments.voices.Voices.missing`.

    Returns
    -------
    Directions

    Raises
    ------
    DataError
        If a column is missing.
    TooLittleData
        If there is no customer.

    Examples
    --------
    >>> people = pd.DataFrame(
    ...     {"recency_days": [9, 5, 20, 30, 700], "tenure_days": [900, 5, 400, 600, 900], "purchases": [9, 1, 4, 9, 2],
    ...      "frequency": [6, 1, 2, 7, 0], "money": [90.0, 9, 20, 30, 0]}, index=list("ABCDE"))
    >>> directions(people, direction_rules(people)).customers["state"].tolist()
    ['keep', 'win', 'grow', 'steady', 'resting']
    """
    wanted = ["recency_days", "tenure_days", "purchases", rules.value, rules.breadth]
    absent = [name for name in wanted if name not in customers]
    if absent:
        raise DataError(
            f"no column {', '.join(absent)}", f"columns {', '.join(wanted)}", "make customer_features first"
        )
    refuse_few(len(customers), 1, "states")
    customer_numbers(customers, ["purchases"], least=0)
    recency, tenure, purchases, value, breadth = (
        customers[name].to_numpy("float64", na_value=np.nan) for name in wanted
    )
    speaks = np.zeros(len(customers), dtype=bool)
    if voices is not None:
        speaks = voices["speaks"].reindex(customers.index, fill_value=False).to_numpy(bool)
    silent = ~(recency < rules.silent_days)
    just_won = (purchases == 1) & (tenure < rules.window_days)
    good = value > 0
    holds = {
        "advocates": speaks & (value >= rules.worthy),
        "win": (purchases == 0) | just_won,
        "keep": good & (value >= rules.first_rank),
        "mend": (value < 0) & ~silent,
        "grow": good & ~silent & (breadth < rules.room_below),
        "steady": good & ~silent,
        "resting": np.ones(len(customers), dtype=bool),
    }
    number = np.select([holds[name] for name in ORDER], [list(STATES).index(name) for name in ORDER])
    state = pd.Categorical.from_codes(number, list(STATES))
    people = pd.DataFrame({"state": state, "value": value, "speaks": speaks}, index=customers.index)
    held = people.groupby("state", observed=False)["value"]
    sizes, sums = np.bincount(number, minlength=len(STATES)), held.sum().to_numpy()
    total = sums.sum()
    table = pd.DataFrame(
        {
            "customers": sizes,
            "share": sizes / len(people),
            "value": sums,
            "value_share": sums / total if total > 0 else np.nan,
            "mean_value": held.mean().to_numpy(),
        },
        index=pd.Index(list(STATES), name="state"),
    )
    return Directions(people, table, rules, tuple(left_out), int(np.isnan(value).sum()))


def direction_moves(before: Directions, after: Directions, level: float = 0.95) -> Transitions:
    """Count who moved from which state into which.

    Parameters
    ----------
    before, after : Directions
        Of two days, by the same rules, so that a move is one of the customer and not of a cut-off.
    level : float
        Level of the intervals.

    Returns
    -------
    Transitions
        Customers who first bought after the earlier day are ``new``.

    Raises
    ------
    ParameterError
        If the rules differ.
    """
    if before.rules != after.rules:
        raise ParameterError(
            "states by different rules", "the same rules on both days", "take the rules of one day"
        )
    was, became = (one.customers["state"].astype("object") for one in (before, after))
    return transitions(was, became, list(STATES), level=level)
