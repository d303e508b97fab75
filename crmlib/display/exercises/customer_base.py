"""The exercises of notebook 01: who buys once, what one factor moved, whom next year needs."""

import pandas as pd

from crmlib.display.exercises.exercise import Exercise


def _once(customers: pd.DataFrame) -> float:
    return float((customers["orders"] == 1).sum() / (customers["orders"] > 0).sum())


def _needed(groups: pd.DataFrame, target: float, per_new: float, **_) -> float:
    return (target - groups["expected"].sum()) / per_new


def _all_like_the_old(groups: pd.DataFrame, target: float, per_new: float, **_) -> float:
    """The number if all carried what the old group does; NaN where there are no two groups to compare."""
    if not {"old", "won"} <= set(groups.index):
        return float("nan")
    return (target - groups["sales"].sum() * groups.loc["old", "carried"]) / per_new


def _with_orders(moved: pd.DataFrame, side: str, orders_of: str) -> float:
    """The profit of one side if the orders per customer were those of a side."""
    return float(moved[side].prod() / moved.loc["orders", side] * moved.loc["orders", orders_of])


EXERCISES = {
    "01.1": Exercise(
        answer=_once,
        wrong_turns=(
            (
                lambda customers: float((customers["orders"] == 1).mean()),
                "You divided by everybody in the frame. Who placed no order in the period is not active.",
            ),
            (
                lambda customers: float((customers["orders"] == 1).sum()),
                "That is how many they are. The question asks for a share.",
            ),
            (
                lambda customers: float((customers["orders"] <= 1).mean()),
                "You counted those without an order as well. Take exactly one.",
            ),
            (
                lambda customers: 100 * _once(customers),
                "That is a percentage. Divide it by a hundred to give the share.",
            ),
        ),
        hint="Begin with the customers who placed an order in the period: they are the denominator.",
        tolerance=0.001,  # a few customers without an order must not pass for active ones
    ),
    "01.2": Exercise(
        answer=lambda moved: _with_orders(moved, "before", "now") - _with_orders(moved, "before", "before"),
        wrong_turns=(
            (
                lambda moved: float(moved.loc["orders", "contribution"]),
                "That is the contribution, averaged over all sequences in which the factors can move. Here the "
                "others stay as they were before.",
            ),
            (
                lambda moved: _with_orders(moved, "now", "now") - _with_orders(moved, "now", "before"),
                "You started from today and moved the orders back. Start from the period before.",
            ),
            (
                lambda moved: _with_orders(moved, "before", "now"),
                "That is the profit itself. The question asks by how much it would have changed.",
            ),
        ),
        hint="Begin with the product of the four factors before. Then put the new number of orders in its place.",
    ),
    "01.3": Exercise(
        answer=_all_like_the_old,
        wrong_turns=(
            (
                _needed,
                "That is the number with each group carrying its own share. Let those just won carry what those "
                "won earlier carry.",
            ),
            (
                lambda groups, target, per_new: (
                    (target - groups["sales"].sum() * groups["carried"].mean()) / per_new
                ),
                "You took the mean of the two shares. The question gives the share of those won earlier to all.",
            ),
            (
                lambda groups, target, per_new: float(
                    (target - groups.loc["old", "sales"] * groups.loc["old", "carried"]) / per_new
                ),
                "You counted only what those won earlier will bring. Those just won are customers of today too: "
                "they carry something over as well.",
            ),
            (
                lambda groups, target, per_new: float(
                    target - groups["sales"].sum() * groups.loc["old", "carried"]
                ),
                "That is the money that is missing. Divide it by what a new customer brings.",
            ),
        ),
        hint="Begin with what today's customers would bring if each group carried over the share of the old one.",
        tolerance=0.01,
    ),
}
