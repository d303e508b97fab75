"""One function per kind of figure: tidy numbers in, a `Figure` out."""

from crmlib.display.figures.customers import truth_scatter, turned_negative, whale, what_followed
from crmlib.display.figures.money import capacity_bars, gains, ranked_bars, steps_to_profit

__all__ = [
    "capacity_bars",
    "gains",
    "ranked_bars",
    "steps_to_profit",
    "truth_scatter",
    "turned_negative",
    "whale",
    "what_followed",
]
