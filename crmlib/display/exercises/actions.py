"""The exercises of notebook 09: what do we do with whom this month?"""

import numpy as np
import pandas as pd

from crmlib.display.exercises.exercise import Exercise

_ACTION = "win back"


def _own(options: pd.DataFrame) -> pd.DataFrame:
    return options[options["action"] == _ACTION]


def _even(options: pd.DataFrame) -> float:
    own = _own(options)
    return (
        float(own["cost"].sum() / own["gain"].sum()) if len(own) and own["gain"].sum() > 0 else float("nan")
    )


def _believed(rates: pd.DataFrame, more: float = 1.0) -> float:
    """Rate of the action with the sharpest tests by assumption and tests, these counting `more` times."""
    tested = rates[np.isfinite(rates["measured"])]
    if tested.empty:
        return float("nan")
    row = tested.loc[tested["measured_spread"].idxmin()]
    assumed, seen = row["prior_spread"] ** -2, more * row["measured_spread"] ** -2
    return float((assumed * row["prior_mean"] + seen * row["measured"]) / (assumed + seen))


EXERCISES = {
    "09.1": Exercise(
        answer=lambda options, **_: float((options["rate"] * options["gain"] > options["cost"]).sum()),
        wrong_turns=(
            (
                lambda options, **_: float((options["gain"] > options["cost"]).sum()),
                "You left out the rate: the gain comes only where the action works.",
            ),
            (
                lambda options, **_: float(
                    options.loc[options["rate"] * options["gain"] > options["cost"], "customer_id"].nunique()
                ),
                "That is how many customers. The question asks how many rows: a customer may have several options.",
            ),
        ),
        hint="Begin with one row: rate times gain less cost. In how many rows is that above zero?",
        tolerance=0.0,
    ),
    "09.2": Exercise(
        answer=lambda options, **_: _even(options),
        wrong_turns=(
            (
                lambda options, **_: float((_own(options)["cost"] / _own(options)["gain"]).mean()),
                "That is the mean of the rates of single customers. For all together, divide the sums.",
            ),
            (
                lambda options, **_: float(_own(options)["gain"].sum() / _own(options)["cost"].sum()),
                "Turn it round: the rate times all gains must pay all costs.",
            ),
            (
                lambda options, **_: float(options["cost"].sum() / options["gain"].sum()),
                "That is for all actions. Keep the rows of the action asked for.",
            ),
        ),
        hint="Begin with the rows of the action. All gains times the rate must be all costs.",
    ),
    "09.3": Exercise(
        answer=lambda rates, **_: _believed(rates, 4.0),
        wrong_turns=(
            (
                lambda rates, **_: _believed(rates),
                "That is what is believed today. Half the spread is four times the precision.",
            ),
            (
                lambda rates, **_: _believed(rates, 2.0),
                "Precision is one over the spread squared: half the spread makes it four times as large, not twice.",
            ),
            (
                lambda rates, **_: float(rates.loc[rates["measured_spread"].idxmin(), "measured"]),
                "That is the tests alone. The assumption still counts a little.",
            ),
        ),
        hint="Begin with the precision of each of the two: one over the spread squared.",
    ),
}
