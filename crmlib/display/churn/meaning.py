"""What leaving means in this run: a silence, or the end of a contract."""

from dataclasses import dataclass

from crmlib.analysis.churn.contest import Contest
from crmlib.analysis.churn.windows import ChurnWindows, in_words
from crmlib.analysis.survival.kaplan_meier import SurvivalCurve
from crmlib.analysis.survival.losses_seen import ContractualChurn
from crmlib.display.formats import day


@dataclass(frozen=True)
class Meaning:
    """Words for leaving, and how many left so far.

    Attributes
    ----------
    leave : str
        What customers do, as in "are expected to ...".
    length : str
        How far ahead is looked, such as "6 months".
    definition : str
        Sentence without a full stop: never show a rate without it.
    rate, low, high : float
        Share that left so far under this definition, with its interval where there is one, else NaN.
    of : str
        Whose share that is.
    """

    leave: str
    length: str
    definition: str
    rate: float
    low: float
    high: float
    of: str


def of_silence(windows: ChurnWindows, tried: Contest) -> Meaning:
    """Leaving is a silence as long as the outcome window."""
    days = len(tried.roles.test)
    rate = tried.scores.table.loc[(tried.chosen, "observed")]
    return Meaning(
        "stay away", in_words(windows.outcome_days), windows.definition, float(rate["value"]), float(rate["low"]),
        float(rate["high"]), f"{days} test day{'s' * (days != 1)}",
    )  # fmt: skip


def of_contracts(lost: ContractualChurn | None, curve: SurvivalCurve, months: int = 12) -> Meaning:
    """Leaving is the end of a contract; its rate is that of the last months, or else of the first by the curve."""
    if lost is None:
        kept = curve.at([months]).iloc[0]
        return Meaning(
            "end their contract", f"{months} months", f"ended within {months} months of its beginning",
            1 - float(kept["survival"]), 1 - float(kept["high"]), 1 - float(kept["low"]),
            f"first {months} months of a contract",
        )  # fmt: skip
    definition = lost.definition.rstrip(".")
    return Meaning(
        "end their contract", f"{months} months", definition[:1].lower() + definition[1:], lost.rate, lost.low,
        lost.high, f"{day(lost.since)} to {day(lost.until)}",
    )  # fmt: skip
