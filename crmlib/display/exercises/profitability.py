"""The exercises of notebook 02: which customers earn us money?"""

import numpy as np
import pandas as pd

from crmlib.analysis.concentration import whale_curve
from crmlib.display.exercises.exercise import Exercise


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
