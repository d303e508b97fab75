"""What contracts say about leaving: curves, models beside them, and what goes with ending sooner, in words."""

import numpy as np
import pandas as pd

from crmlib.analysis.survival.against_curve import ModelsAgainstCurve
from crmlib.analysis.survival.durations import Durations
from crmlib.analysis.survival.kaplan_meier import SurvivalCurve, survival_by
from crmlib.analysis.survival.losses_seen import ContractualChurn
from crmlib.analysis.survival.outlook import WhoEnds
from crmlib.analysis.survival.restricted_mean import RestrictedMean
from crmlib.display.churn.tables import from_zero
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook

_ALIKE = 0.02
_MONTHS = 12
_LEVELS = 6
_ROWS = 8


def curves(curve: SurvivalCurve, ends: WhoEnds | None, durations: Durations) -> pd.DataFrame:
    """Return the share of contracts that run at each age, from 0 on; by level where one covariate matters most."""
    if ends is None or durations.table[ends.first].nunique() > _LEVELS:
        return _from_start(curve)
    return pd.concat(
        [
            _from_start(own).assign(group=name)
            for name, own in survival_by(durations.table, ends.first).items()
        ],
        ignore_index=True,
    )


def _from_start(curve: SurvivalCurve) -> pd.DataFrame:
    return from_zero(curve.table.rename(columns={"age": "time", "survival": "value"}), 1.0)


def models(beside: ModelsAgainstCurve | None) -> pd.DataFrame | None:
    """Return the two models that stand beside the curve: ``name``, ``time``, ``value``."""
    if beside is None:
        return None
    names = {"sbg": "Beta-geometric model", "constant": "One rate for ever"}
    parts = [
        pd.DataFrame({"name": words, "time": beside.table["age"], "value": beside.table[name]})
        for name, words in names.items()
    ]
    return pd.concat(parts, ignore_index=True)


def title(wb: Workbook, curve: SurvivalCurve, ends: WhoEnds | None) -> str:
    """Return the title of the figure of contracts."""
    if ends is not None:
        means = ends.means.sort_values("mean")
        return wb.text(
            "By {what}, contracts last from {short:number} months on average ({worst}) to {long:number} ({best})",
            what=ends.first, worst=str(means["group"].iloc[0]), short=means["mean"].iloc[0],
            best=str(means["group"].iloc[-1]), long=means["mean"].iloc[-1],
        )  # fmt: skip
    median = curve.median[0]
    last = curve.table.iloc[-1]
    if median is not None and np.isfinite(median):
        return wb.text("Half of the contracts have ended after {months:count month}", months=median)
    return wb.text(
        "{share:share} of the contracts still run after {months:count month}",
        share=last["survival"], months=last["age"],
    )  # fmt: skip


def told(
    wb: Workbook,
    mean_life: RestrictedMean,
    beside: ModelsAgainstCurve | None,
    lost: ContractualChurn | None,
) -> Sentence:
    """Say how long contracts last, whether a simple rate describes them, and what the last year took."""
    held = beside.table[beside.table["held_out"]] if beside else None
    gaps = {
        name: float((held[name] - held["survival"]).abs().max()) if held is not None and len(held) else np.nan
        for name in ("sbg", "constant")
    }
    better = gaps["sbg"] <= gaps["constant"]
    parts = []
    if lost is not None:
        parts.append(
            "In the last {months:count} months **{rate:share} of {n:count} contracts ended** (95% interval "
            "{low:share} to {high:share})."
        )
    parts.append(
        "In their first {until:count} months contracts run for {mean:number} months on average (95% interval "
        "{mlow:number} to {mhigh:number}), those that still run counted as far as they were seen."
    )
    if np.isfinite(list(gaps.values())).all():
        close = abs(gaps["sbg"] - gaps["constant"]) < _ALIKE
        parts.append(
            "Fitted to the first {fit:count} months alone, neither the beta-geometric model nor one rate for ever "
            "is further than {other:share} from the curve afterwards."
            if close
            else "Fitted to the first {fit:count} months alone, {better} is never further than {gap:share} from "
            "the curve afterwards, {worse} up to {other:share}."
        )
    names = ("the beta-geometric model", "one rate for ever")
    return wb.cases(
        (True, " ".join(parts)),
        months=_MONTHS, rate=lost.rate if lost else 0.0, n=lost.running_before if lost else 0,
        low=lost.low if lost else 0.0, high=lost.high if lost else 0.0, until=mean_life.until, mean=mean_life.mean,
        mlow=mean_life.low, mhigh=mean_life.high, fit=beside.fitted_until if beside else 0,
        better=names[0] if better else names[1], worse=names[1] if better else names[0], gap=min(gaps.values()),
        other=max(gaps.values()),
    )  # fmt: skip


def left_out_rows(wb: Workbook, durations: Durations) -> Sentence | None:
    """Say which contracts say nothing about how long contracts last; None where all do."""
    if durations.without_exposure.empty and not durations.late_entries:
        return None
    return wb.cases(
        (durations.late_entries > 0 and len(durations.without_exposure) > 0,
         "{late:count contract} came into sight only after the first day and count from then on. Left out: "
         "{out:count contract}, never in sight while running for a whole month."),
        (durations.late_entries > 0,
         "{late:count contract} came into sight only after the first day and count from then on: what had ended by "
         "then is not in the data."),
        (True, "Left out: {out:count contract}, less than a month in sight, from which no age can be told."),
        late=durations.late_entries, out=len(durations.without_exposure),
    )  # fmt: skip


def effects(ends: WhoEnds) -> pd.DataFrame:
    """Return the strongest effects on ending, in words."""
    cox = ends.cox
    table = cox.effects.assign(size=cox.effects["coefficient"].abs())
    table = table.sort_values("size", ascending=False, kind="stable").head(_ROWS)
    words = [
        f"{str(row.covariate).capitalize()}: {row.level}"
        + (
            f" (against {cox.reference[row.covariate]})"
            if isinstance(cox.reference[row.covariate], str)
            else ""
        )
        for row in table.itertuples()
    ]
    holds = ["no" if name in cox.failed else "yes" for name in table["covariate"]]
    return table.assign(what=words, holds=holds)[["what", "ratio", "low", "high", "holds"]]


def effects_note(wb: Workbook, ends: WhoEnds) -> str:
    """Return what stands under the effects: what they mean, and what is done where they change with age."""
    cox = ends.cox
    note = "Cox model: ratio of the rates at which contracts end, all else equal, with a 95% interval. "
    if not cox.failed:
        return note + "No effect is seen to change with age."
    many = len(cox.failed) > 1
    verb = "s of {} change" if many else " of {} changes"
    note += f"The effect{verb.format(_listed(cox.failed))} with age: each ratio is a mean over "
    note += "ages. "
    if cox.remedy is not None and cox.remedy.strata:
        note += f"With rates of their own for every {_listed(cox.remedy.strata)}, "
        note += (
            "the rest holds."
            if not cox.remedy.failed
            else "not all of the rest holds either: read the curves."
        )
    return note.strip()


def _listed(names: tuple[str, ...]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
