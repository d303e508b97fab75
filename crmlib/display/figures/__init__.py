"""One function per kind of figure: tidy numbers in, a `Figure` out."""

from crmlib.display.figures.churn import dependence_curve, reliability
from crmlib.display.figures.cohorts import (
    bought_again_and_active,
    cohort_curves,
    cohort_values,
    next_order_curves,
    value_to_date,
)
from crmlib.display.figures.customers import truth_scatter, turned_negative, whale, what_followed
from crmlib.display.figures.estimates import estimate_dots
from crmlib.display.figures.lifetime import forecast_and_actual, iso_values, tracking, worth_and_cost
from crmlib.display.figures.money import capacity_bars, gains, ranked_bars, steps_to_profit
from crmlib.display.figures.periods import (
    beside_chance,
    distribution,
    migration_map,
    tenths_of_profit,
)
from crmlib.display.figures.segments import steady_counts, value_map
from crmlib.display.figures.stacks import stacked_base, through_what
from crmlib.display.figures.steps import step_curves
from crmlib.display.figures.targeting import profit_curves

__all__ = [
    "beside_chance",
    "bought_again_and_active",
    "capacity_bars",
    "cohort_curves",
    "cohort_values",
    "dependence_curve",
    "distribution",
    "estimate_dots",
    "forecast_and_actual",
    "gains",
    "iso_values",
    "migration_map",
    "next_order_curves",
    "profit_curves",
    "ranked_bars",
    "reliability",
    "stacked_base",
    "steady_counts",
    "step_curves",
    "steps_to_profit",
    "tenths_of_profit",
    "through_what",
    "tracking",
    "truth_scatter",
    "turned_negative",
    "value_map",
    "value_to_date",
    "whale",
    "what_followed",
    "worth_and_cost",
]
