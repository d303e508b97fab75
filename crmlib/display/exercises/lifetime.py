"""The exercises of notebook 04: what is each relationship worth?"""

import pandas as pd

from crmlib.display.exercises.exercise import Exercise


def _once(customers: pd.DataFrame, histories: pd.DataFrame) -> pd.Series:
    return histories["x"].reindex(customers.index) == 0


def _share_held(values: pd.Series, members: pd.Series) -> float:
    whole = float(values.sum())
    return float(values[members].sum()) / whole if whole else float("nan")


EXERCISES = {
    "04.1": Exercise(
        answer=lambda customers, **_: float((customers["alive"] < 0.5).sum()),
        wrong_turns=(
            (
                lambda customers, **_: float((customers["alive"] > 0.5).sum()),
                "Those are the customers who are more likely to be active. The question asks for the others.",
            ),
            (
                lambda customers, **_: float((customers["alive"] < 0.5).mean()),
                "That is a share. The question asks how many customers.",
            ),
            (
                lambda customers, **_: float((1 - customers["alive"]).sum()),
                "That is how many customers you expect to have left, all chances added up. Count those "
                "whose chance is below a half.",
            ),
        ),
        hint="Begin with the column alive: the probability to be active. Who is below a half?",
        tolerance=0.0,
    ),
    "04.2": Exercise(
        answer=lambda customers, **_: float((customers["orders"] * customers["money"]).sum()),
        wrong_turns=(
            (
                lambda customers, **_: float(customers["value"].sum()),
                "That is the value with the future discounted. Use the expected purchases as they are.",
            ),
            (
                lambda customers, **_: float(customers["orders"].sum() * customers["money"].mean()),
                "You multiplied two averages. Those who buy often do not leave the mean amount: multiply "
                "customer by customer.",
            ),
            (
                lambda customers, **_: float((customers["orders"] * customers["money"]).mean()),
                "That is the mean per customer. The question asks for all customers together.",
            ),
        ),
        hint="Begin with one customer: expected purchases times what a purchase leaves. Then add up.",
    ),
    "04.3": Exercise(
        answer=lambda customers, histories, **_: _share_held(
            customers["value"].clip(lower=0), _once(customers, histories)
        ),
        wrong_turns=(
            (
                lambda customers, histories, **_: float(_once(customers, histories).mean()),
                "That is their share of the customers. The question asks for their share of the value.",
            ),
            (
                lambda customers, histories, **_: _share_held(
                    customers["value"], _once(customers, histories)
                ),
                "You let losses count against the value. Take only values above zero, in both sums.",
            ),
            (
                lambda customers, histories, **_: _share_held(
                    customers["value"].clip(lower=0), histories["x"].reindex(customers.index) == 1
                ),
                "x counts repeat purchases: who bought once so far has none.",
            ),
        ),
        hint="Begin by setting values below zero to zero. Then find the customers without a repeat purchase in the "
        "histories.",
    ),
}
