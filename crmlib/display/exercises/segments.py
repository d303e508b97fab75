"""The exercises of notebook 06: which groups of customers deserve which relationship?"""

import pandas as pd

from crmlib.display.exercises.exercise import Exercise

_LITTLE = ("barnacles", "strangers")
_FIRST, _GONE = "True friends", "inactive"


def _stayed(moved: pd.DataFrame, gone: bool = False, columns: bool = False) -> float:
    """Share of true friends who still are, of those who bought; or with those gone, or of the true friends of now."""
    if columns:
        now = moved[_FIRST]
        return float(now[_FIRST] / now.sum()) if now.sum() else float("nan")
    row = moved.loc[_FIRST]
    of = row.sum() - (0 if gone else row[_GONE])
    return float(row[_FIRST] / of) if of else float("nan")


def _break_even(plan: pd.DataFrame, assumed: pd.Series, whole_cost: bool = False) -> float:
    above = plan["cost"].sum() - (0.0 if whole_cost else assumed["basic"] * plan["customers"].sum())
    more = plan["more"].sum()
    return float(assumed["effect"] * above / more) if more else float("nan")


EXERCISES = {
    "06.1": Exercise(
        answer=lambda groups, **_: float(groups.isin(_LITTLE).mean()),
        wrong_turns=(
            (
                lambda groups, **_: float(groups.isin(_LITTLE).sum()),
                "That is how many they are. The question asks for a share.",
            ),
            (
                lambda groups, **_: float(groups.isin(("barnacles", "butterflies")).mean()),
                "Butterflies are worth much. Which two groups are below the line of value?",
            ),
            (
                lambda groups, **_: float((~groups.isin(_LITTLE)).mean()),
                "Those are the ones worth much. The question asks for the others.",
            ),
        ),
        hint="Two of the four groups are worth little, whether they stay long or short.",
    ),
    "06.2": Exercise(
        answer=lambda moved, **_: _stayed(moved),
        wrong_turns=(
            (
                lambda moved, **_: _stayed(moved, gone=True),
                "You counted those who did not buy again. The question asks about those who did.",
            ),
            (
                lambda moved, **_: _stayed(moved, columns=True),
                "That is the share of today's true friends who were so before. Rows are before, columns are now.",
            ),
        ),
        hint="Take the row of the true friends. Which of its numbers are customers who bought again?",
    ),
    "06.3": Exercise(
        answer=lambda plan, assumed, **_: _break_even(plan, assumed),
        wrong_turns=(
            (
                lambda plan, assumed, **_: _break_even(plan, assumed, whole_cost=True),
                "You counted the basic level as a cost of the plan. Everybody gets it anyway.",
            ),
            (
                lambda plan, assumed, **_: _break_even(plan, assumed) / assumed["effect"],
                "That is the share of the assumed effect. Multiply it with the effect.",
            ),
        ),
        hint="The expected margin grows with the effect in proportion; the cost above basic does not. At which "
        "effect are the two equal?",
    ),
}
