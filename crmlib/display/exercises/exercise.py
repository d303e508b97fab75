"""What an exercise is: a right number, the wrong turns people take, and a hint for each."""

from collections.abc import Callable
from dataclasses import dataclass

TOLERANCE = 0.005


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
