"""Answers checked against the current data: right, or a hint; never the answer.

Each exercise computes its answer from the frames of the notebook and knows the wrong
turns people take, so that a wrong number can be told what went wrong. A notebook's exercises
stand in a module of its own and are listed here.
"""

import math
from typing import Any

from crmlib.display.exercises import actions, churn, customer_base, lifetime, profitability, segments, start
from crmlib.display.exercises.exercise import Exercise

NOT_HERE = (
    "These data lack what this exercise needs, so it cannot be checked on them. Use the bundled company."
)
NOT_ANSWERED = "Not answered yet. Replace None with your number and run the cell again."

EXERCISES: dict[str, Exercise] = (
    start.EXERCISES
    | customer_base.EXERCISES
    | profitability.EXERCISES
    | churn.EXERCISES
    | lifetime.EXERCISES
    | actions.EXERCISES
    | segments.EXERCISES
)


def check(number: str, answer: float | None, **frames: Any) -> str:
    """Check an answer.

    Parameters
    ----------
    number : str
        ``02.1`` is exercise 1 of notebook 02.
    answer : float or None
        The student's number; None if there is none yet.
    **frames
        The frames of the notebook that the exercise needs; None where the data are missing. An
        exercise whose own answer is no number lacks a part of them.

    Returns
    -------
    str
        ``Right.`` or a hint. An answer within the exercise's tolerance (0.5 % unless it says otherwise) counts
        as right, a count only if it is met.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"profit": [60.0] + [5.0] * 8 + [-20.0]})
    >>> check("02.1", 0.375, customers=customers)
    'Right.'
    """
    exercise = EXERCISES[number]
    if any(frame is None for frame in frames.values()):
        return NOT_HERE
    right = exercise.answer(**frames)
    if not math.isfinite(right):
        return NOT_HERE
    if answer is None:
        return NOT_ANSWERED
    try:
        given = float(answer)
    except (TypeError, ValueError):
        return "The answer must be one number."
    if _close(given, right, exercise.tolerance):
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
