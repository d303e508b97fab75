"""The exercises of notebook 03: who is leaving, and whom is it worth trying to keep?"""

import pandas as pd

from crmlib.display.exercises.exercise import Exercise


def _break_even(people: pd.DataFrame, costs: pd.Series) -> float:
    chance, value = people["churn_probability"], people["value"]
    spent = len(people) * costs["contact"] + (1 - chance).sum() * costs["offer"]
    kept = float((chance * (value - costs["offer"])).sum())
    return float(spent / kept) if kept > 0 else float("nan")


def _in_tenth(tested: pd.DataFrame, highest: bool = True) -> float:
    """How many who stayed away are in a tenth; equal chances at its edge count in part."""
    size = max(1, round(len(tested) / 10))
    first = tested["chance"].rank(method="min", ascending=not highest) - 1
    alike = tested["chance"].map(tested["chance"].value_counts())
    return float((((size - first) / alike).clip(0, 1) * tested["came"]).sum())


def _share_in_tenth(tested: pd.DataFrame, highest: bool = True) -> float:
    whole = float(tested["came"].sum())
    told_apart = tested["chance"].nunique() > 1
    return _in_tenth(tested, highest) / whole if whole and told_apart else float("nan")


EXERCISES = {
    "03.1": Exercise(
        answer=lambda people, **_: float(people["churn_probability"].sum()),
        wrong_turns=(
            (
                lambda people, **_: float((people["churn_probability"] > 0.5).sum()),
                "That is how many are more likely to leave than to stay. Of two customers at a half, one is "
                "expected to leave: add up the probabilities.",
            ),
            (
                lambda people, **_: float(people["churn_probability"].mean()),
                "That is a share. The question asks how many customers.",
            ),
            (
                lambda people, **_: float((1 - people["churn_probability"]).sum()),
                "Those are expected to come back. The question asks for the others.",
            ),
        ),
        hint="A customer with a probability of 0.3 counts as three tenths of one who leaves.",
    ),
    "03.2": Exercise(
        answer=lambda people, costs, **_: _break_even(people, costs),
        wrong_turns=(
            (
                lambda people, costs, **_: _break_even(people, costs.where(costs.index != "offer", 0.0)),
                "You left out the offers: those who would have stayed anyway take it, too.",
            ),
            (
                lambda people, costs, **_: float(
                    (costs["contact"] + costs["offer"])
                    / (people["churn_probability"].mean() * people["value"].mean())
                ),
                "You multiplied two averages. Those at high risk are not worth the average: work customer by "
                "customer.",
            ),
        ),
        hint="Write the profit of a contact for one customer and add it up over all: at which save rate is "
        "nothing left, and nothing missing?",
    ),
    "03.3": Exercise(
        answer=lambda tested, **_: _share_in_tenth(tested),
        wrong_turns=(
            (
                lambda tested, **_: _in_tenth(tested) / max(1, round(len(tested) / 10)),
                "That is the share of the tenth that stayed away. The question asks which part of all who stayed "
                "away they are.",
            ),
            (
                lambda tested, **_: _share_in_tenth(tested, highest=False),
                "You took the tenth with the lowest probabilities.",
            ),
        ),
        hint="Sort by probability, the highest first. How many who stayed away are in the first tenth, of how "
        "many in all?",
        tolerance=0.02,
    ),
}
