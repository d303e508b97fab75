"""What the truth of a simulated company says about churn: who had left, and what each policy would have earned."""

from dataclasses import dataclass

import pandas as pd

from crmlib.analysis.churn.definitions import Definitions
from crmlib.analysis.churn.forecast import ChurnForecast
from crmlib.analysis.churn.recovery import (
    ChancesBesideTruth,
    chances_beside_truth,
    true_silence,
    windows_beside_truth,
)
from crmlib.analysis.targeting.evidence import Evidence
from crmlib.analysis.targeting.policies_truth import (
    PERFECT,
    PoliciesCompared,
    TrueEffects,
    compare_policies,
    true_gains,
)
from crmlib.analysis.targeting.usual_scores import ABOVE
from crmlib.display.churn.tables import RULES
from crmlib.display.figures import estimate_dots
from crmlib.display.house import Figure
from crmlib.display.prose import Sentence
from crmlib.display.tables import Table
from crmlib.display.workbook import Workbook

_MONTHS = 12


@dataclass(frozen=True)
class Truth:
    """Estimates beside the truth.

    Attributes
    ----------
    gone : ChancesBesideTruth
        Probabilities beside who had truly left by the end of the window.
    silence : float
        Mean true probability of no purchase in the window, over the customers scored.
    windows : DataFrame
        What silence of several lengths says about having left; see
        `crmlib.analysis.churn.recovery.windows_beside_truth`. With ``words``.
    policies : PoliciesCompared or None
        What each way to choose would truly earn; None without tests.
    """

    gone: ChancesBesideTruth
    silence: float
    windows: pd.DataFrame
    policies: PoliciesCompared | None


def beside_truth(
    wb: Workbook, ahead: ChurnForecast, others: Definitions, tests: Evidence | None, share: float
) -> Truth | None:
    """Hold probabilities and policies against the truth; None where the company is not simulated."""
    truth = wb.data.truth("customers")
    if truth is None:
        return None
    now = ahead.now
    gone = chances_beside_truth(
        ahead.probabilities.to_frame("forecast"), truth, now.day, now.outcome_days, n_resamples=200
    )
    silence = true_silence(truth, now.features.index, now.day, now.outcome_days)["all_knowing"]
    stayed_away = others.flags[list(others.windows)].astype(bool).rename(columns=others.windows)
    windows = windows_beside_truth(stayed_away, truth, others.day)
    policies = None
    parameters = wb.data.truth("parameters")
    if tests is not None and parameters is not None:
        gains = true_gains(
            truth,
            TrueEffects.of(parameters),
            now.day,
            months=_MONTHS,
            annual_rate=wb.data.annual_discount_rate,
        )
        places = int(share * len(tests.today))
        policies = compare_policies(tests.today, gains, tests.contact_cost, contacts=places, above=ABOVE)
    return Truth(gone, float(silence.mean()), windows.assign(words=list(others.windows)), policies)


def told(wb: Workbook, known: Truth, ahead: ChurnForecast) -> list[Sentence | Figure | Table | None]:
    """Say how far the estimates are from the truth."""
    mean = float(ahead.probabilities.mean())
    auc = float(known.gone.scores.values.loc["forecast", "auc"])
    said = [
        wb.say(
            "This company is simulated, so the truth is known. {p:share} of the customers are expected to stay "
            "away; whoever knew each customer's true rate and day of leaving would expect {t:share}. Only "
            "{gone:share} will truly have left by then: the others are slow, and silence cannot tell them apart. "
            "Of two customers, the one who has truly left has the higher probability in {auc:share} of the cases.",
            p=mean, t=known.silence, gone=known.gone.gone, auc=auc,
        ),
        wb.table(
            known.windows,
            "What silence says about having left",
            {
                "words": ("Silent for", "text"),
                "silent": ("Silent", "share"),
                "gone": ("Had truly left by then", "share"),
                "truly_gone": ("Of the silent, had truly left", "share"),
                "found": ("Of those who had left, silent", "share"),
                "false_alarm": ("Of those still there, silent", "share"),
            },
            note="A longer silence is a surer sign, and comes later. The customers are those of the other definitions.",
        ),
    ]  # fmt: skip
    if known.policies is None:
        return said
    table = known.policies.table
    feasible = table.drop(index=PERFECT)
    best = feasible["profit"].idxmax()
    rows = pd.DataFrame(
        {
            "label": [RULES.get(name, "All-knowing") for name in table.index],
            "value": table["profit"].to_numpy(),
            "low": table["profit"].to_numpy(),
            "high": table["profit"].to_numpy(),
            "customers": table["contacts"].round().astype("int64").to_numpy(),
        }
    )
    said += [
        estimate_dots(
            rows,
            wb.text("In truth, the best that could be done: {best}", best=RULES[best].lower())
            if feasible.loc[best, "profit"] > 0
            else "In truth, contacting nobody is the best that can be done without knowing more",
            f"Simulated company: what one campaign on {wb.text('{day:day}', day=wb.data.as_of)} would truly earn "
             "in a year",
            wb.currency,
            "Profit of the campaign",
            reference=0,
            reference_label="contact nobody",
            rows="Way to choose",
        ),
        wb.say(
            "Whoever knew whom a contact moves would earn {perfect:money} with {n:count contact}. The best way to "
            "choose that can be carried out is {short:money} short of that: so much is there to be learned by "
            "better tests.",
            perfect=table.loc[PERFECT, "profit"], n=table.loc[PERFECT, "contacts"], short=known.policies.distance,
        ),
    ]  # fmt: skip
    return said
