"""Exercises checked against the current data: right, or a hint; never the answer.

Each exercise computes its answer from the frames of the notebook and knows the wrong
turns people take, so that a wrong number can be told what went wrong.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmlib.analysis.concentration import whale_curve

TOLERANCE = 0.005
NOT_ANSWERED = "Not answered yet. Replace None with your number and run the cell again."


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes
    ----------
    answer : callable
        Computes the right number from the notebook's frames.
    wrong_turns : tuple of (callable, str)
        Numbers that a known mistake gives, each with the hint that helps.
    hint : str
        The hint for every other wrong number.
    tolerance : float
        How far off an answer may be, as a share of the right one; 0 for a count.
    """

    answer: Callable[..., float]
    wrong_turns: tuple[tuple[Callable[..., float], str], ...]
    hint: str
    tolerance: float = TOLERANCE


def _top_twentieth(values: pd.Series) -> float:
    curve = whale_curve(values)
    at_twentieth = np.interp(0.05, curve["customers_share"], curve["cumulative_profit"])
    return float(at_twentieth / values.sum())


def _hour(capacity: pd.DataFrame, minutes: str, resource: str | None = None) -> float:
    name = resource or capacity["utilisation"].idxmin()
    return float(60 * capacity.loc[name, "cost_supplied"] / capacity.loc[name, minutes])


def _without_returns(customers: pd.DataFrame, margin: bool, handling: bool) -> pd.Series:
    gained = pd.Series(0.0, index=customers.index)
    if margin:
        gained = gained + customers["returned_goods"] - customers["returns"]
    if handling:
        gained = gained + customers["service_return"]
    # In whole cents: a customer who only sent things back ends at zero, not at a rounding error.
    return (customers["profit"] + gained).round(2)


def _saved_without_returns(customers: pd.DataFrame, margin: bool, handling: bool) -> float:
    after = _without_returns(customers, margin, handling)
    return float(((customers["profit"] < 0) & (after >= 0)).sum())


EXERCISES = {
    "02.1": Exercise(
        answer=lambda customers, **_: _top_twentieth(customers["profit"]),
        wrong_turns=(
            (
                lambda customers, **_: _top_twentieth(customers["net_sales"]),
                "That is the best twentieth's share of net sales. Rank the customers by profit and add up profit.",
            ),
            (
                lambda customers, **_: _top_twentieth(customers["gross_margin"]),
                "That is the best twentieth by gross margin. Take the cost to serve off first: use profit.",
            ),
            (
                lambda customers, **_: _top_twentieth(customers["profit"].clip(lower=0)),
                "You divided by the profit of the earners alone. The total includes the losses.",
            ),
            (
                lambda customers, **_: 100 * _top_twentieth(customers["profit"]),
                "That is a percentage. Divide it by a hundred to give the share.",
            ),
        ),
        hint="Begin by sorting the customers by profit, from high to low. The answer is a share of the profit of all "
        "customers, and may be more than the whole.",
    ),
    "02.2": Exercise(
        answer=lambda capacity, **_: _hour(capacity, "minutes_supplied"),
        wrong_turns=(
            (
                lambda capacity, **_: _hour(capacity, "minutes_used"),
                "You divided by the minutes used. Then the customers of a quiet month would pay for the idle "
                "hours. Divide by the minutes the pool can work.",
            ),
            (
                lambda capacity, **_: _hour(capacity, "minutes_supplied") / 60,
                "That is the cost of a minute. The question asks for an hour.",
            ),
            (
                lambda capacity, **_: _hour(capacity, "minutes_supplied", capacity["utilisation"].idxmax()),
                "That is the busiest resource. Look for the one with the lowest utilisation.",
            ),
        ),
        hint="Begin by finding the resource with the lowest utilisation. Then ask which minutes its cost has bought.",
    ),
    "02.3": Exercise(
        answer=lambda customers, **_: _saved_without_returns(customers, margin=True, handling=True),
        wrong_turns=(
            (
                lambda customers, **_: _saved_without_returns(customers, margin=False, handling=True),
                "You gave back the handling cost only. A return also takes back the margin of the sale.",
            ),
            (
                lambda customers, **_: _saved_without_returns(customers, margin=True, handling=False),
                "You gave back the lost margin only. Handling the return costs money too.",
            ),
            (
                lambda customers, **_: float(((customers["profit"] < 0) & (customers["returns"] < 0)).sum()),
                "That counts loss-makers who returned something. Ask which of them would reach zero or more.",
            ),
            (
                lambda customers, **_: float((_without_returns(customers, True, True) >= 0).sum()),
                "That counts everybody who would stand at zero or above. Count only those who lose money now.",
            ),
        ),
        hint="Begin with the customers whose profit is below zero. What did returned_goods, returns and service_return "
        "do to their profit?",
        tolerance=0.0,
    ),
}


def check(number: str, answer: float | None, **frames: Any) -> str:
    """Check an answer.

    Parameters
    ----------
    number : str
        ``02.1`` is exercise 1 of notebook 02.
    answer : float or None
        The student's number; None if there is none yet.
    **frames
        The frames of the notebook that the exercise needs; None where the data are missing.

    Returns
    -------
    str
        ``Right.`` or a hint. An answer within 0.5 % counts as right, a count only if it is met.

    Examples
    --------
    >>> customers = pd.DataFrame({"profit": [60.0] + [5.0] * 8 + [-20.0]})
    >>> check("02.1", 0.375, customers=customers)
    'Right.'
    """
    exercise = EXERCISES[number]
    if any(frame is None for frame in frames.values()):
        return "These data have no cost rates, so this exercise cannot be checked on them. Use the bundled company."
    if answer is None:
        return NOT_ANSWERED
    try:
        given = float(answer)
    except (TypeError, ValueError):
        return "The answer must be one number."
    if _close(given, exercise.answer(**frames), exercise.tolerance):
        return "Right."
    for wrong, hint in exercise.wrong_turns:
        try:
            mistaken = wrong(**frames)
        except KeyError:  # the frame at hand lacks what this mistake would have used
            continue
        if _close(given, mistaken, exercise.tolerance):
            return f"Not yet. {hint}"
    return f"Not yet. {exercise.hint}"


def _close(given: float, right: float, tolerance: float) -> bool:
    return math.isclose(given, right, rel_tol=tolerance, abs_tol=1e-9)
