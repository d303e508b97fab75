"""The exercises of the notebooks, and how an answer is checked."""

from crmlib.display.exercises.checking import EXERCISES, NOT_ANSWERED, check

__all__ = ["EXERCISES", "NOT_ANSWERED", "check"]
