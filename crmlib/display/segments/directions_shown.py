"""The four directions on the page: who is where, one measure and one next step each, and who moves."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmlib.analysis.churn.activity import Tables
from crmlib.analysis.segments.direction_change import DirectionChange
from crmlib.analysis.segments.direction_metrics import METRICS, direction_metrics
from crmlib.analysis.segments.directions import (
    STATES,
    Directions,
    direction_rules,
    directions,
)
from crmlib.analysis.segments.migration import INACTIVE, NEW, Transitions
from crmlib.analysis.segments.voices import voices_on
from crmlib.display import formats
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook

_BASES = {
    "value_ahead": "value ahead",
    "expected_profit": "profit times the chance to be still a customer",
    "expected_margin": "margin times the chance to be still a customer",
    "profit": "profit",
    "money": "margin",
}
_SHORT = {
    "win": "bought again, of those won in the window before",
    "grow": "more margin, were they as broad as the first rank",
    "keep": "value at risk",
    "advocates": "value of those they brought",
}


@dataclass(frozen=True)
class Standing:
    """States of customers today, with the measure of each direction."""

    found: Directions
    metrics: pd.DataFrame


def standing(tables: Tables, customers: pd.DataFrame, day: date) -> Standing:
    """Put everybody into a state by the values and voices of a day.

    Raises
    ------
    TooLittleData
        If nobody has a value above 0.
    """
    said = voices_on(tables, day)
    found = directions(customers, direction_rules(customers), said.customers, said.missing)
    return Standing(found, direction_metrics(found, customers, said))


def states(wb: Workbook, going: Standing) -> pd.DataFrame:
    """Return each state with its size, its measure in words and its next step."""
    table = going.found.states.reset_index()
    table["label"] = table["state"].map({name: words for name, (words, _) in STATES.items()})
    table["step"] = table["state"].map({name: step for name, (_, step) in STATES.items()})
    table["measure"] = [_measure(wb, name, going.metrics) for name in table["state"]]
    return table


def _measure(wb: Workbook, name: str, metrics: pd.DataFrame) -> str:
    if name not in METRICS:
        return ""
    row = metrics.loc[name]
    if not np.isfinite(row["amount"]):
        return "–"
    write = formats.share if row["unit"] == "share" else lambda value: formats.money(value, wb.currency)
    ends = ""
    if np.isfinite([row["low"], row["high"]]).all():
        ends = f" ({write(row['low'])} to {write(row['high'])})"
    return f"{write(row['amount'])}{ends} {_SHORT[name]}"


def rules(wb: Workbook, going: Standing) -> str:
    """Return what stands under the table of states: its cut-offs in the units of the data."""
    found, rule = going.found, going.found.rules
    what = {"categories": "categories", "frequency": "purchase days"}[rule.breadth]
    return wb.text(
        "Everybody is in one state, by {basis}. Keep: from {first:exact_money}, the best {top:share}. Grow: worth "
        "something, not silent, fewer than {room:count} {what} in the period. Win: won in the last {window:count} days "
        "and not back yet. Resting: silent for {silent:count} days, or without value. The gap of those to grow is "
        "seen, not caused by breadth: a hint at most. {risk}.{left}",
        basis=_BASES[rule.value], first=rule.first_rank, top=rule.top_share, room=rule.room_below, what=what,
        window=rule.window_days, silent=rule.silent_days, risk=going.metrics.loc["keep", "metric"],
        left=f" Not in the data: {', '.join(found.left_out)}." if found.left_out else "",
    )  # fmt: skip


def share_with_ends(cell: pd.Series) -> str:
    """Write a share and its interval as short as a table with many columns needs it.

    Examples
    --------
    >>> share_with_ends(pd.Series({"share": 0.51, "low": 0.459, "high": 0.56}))
    '51% (46 to 56)'
    """
    low, high = (formats.count(100 * cell[name]) for name in ("low", "high"))
    return f"{formats.share(cell['share'], 0)} ({low} to {high})"


def moves(found: Transitions) -> pd.DataFrame:
    """Return who became what, a row per state before: shares; how sure they are, `moves_note` says."""
    rows = []
    for before in found.counts.index:
        of = int(found.counts.loc[before].sum())
        if of:
            row = {"before": f"{_name(before)} ({formats.count(of)})"}
            shares = found.cells.loc[before, "share"]
            rows.append(row | {name: formats.share(shares[name], 0) for name in _ends(found)})
    return pd.DataFrame(rows)


def moves_note(found: DirectionChange) -> str:
    """Return what stands under the table of moves."""
    cells = found.moves.cells
    off = np.maximum(cells["high"] - cells["share"], cells["share"] - cells["low"])
    return (
        f"Share of the row. 95% intervals reach {formats.count(100 * np.nanmax(off))} points up or down at most. "
        f"Value on both days is {_BASES[found.rules.value]}; the value ahead of then cannot be told."
    )


def move_columns(found: Transitions) -> dict[str, tuple[str, str]]:
    """Return the headings of `moves`."""
    ends = {name: (_name(name), "written") for name in _ends(found)}
    return {"before": ("A period before (customers)", "text"), **ends}


def moved(wb: Workbook, change: DirectionChange) -> Sentence | None:
    """Say what became of those who were to be kept and of those to be won; None where nobody was."""
    found = change.moves
    keep, win = found.counts.loc["keep"], found.counts.loc["win"]
    if not keep.sum():
        return None
    cell = found.cells.loc[("keep", "keep")]
    return wb.cases(
        (win.sum() > 0,
         "Of {n:count customer} of the first rank a period before, **{kept:share} are still of it** (95% interval "
         "{low:share} to {high:share}), and {rest:share} now rest. Of {new:count} who were to be won, {lost:share} "
         "rest: they were never won."),
        (True,
         "Of {n:count customer} of the first rank a period before, **{kept:share} are still of it** (95% interval "
         "{low:share} to {high:share}), and {rest:share} now rest."),
        n=int(keep.sum()), kept=float(cell["share"]), low=float(cell["low"]), high=float(cell["high"]),
        rest=float(found.cells.loc[("keep", "resting"), "share"]), new=int(win.sum()),
        lost=float(found.cells.loc[("win", "resting"), "share"]) if win.sum() else 0.0,
    )  # fmt: skip


def _ends(found: Transitions) -> list[str]:
    return [name for name in found.counts.columns if name != INACTIVE or found.counts[name].any()]


def _name(state: str) -> str:
    return {NEW: "Not yet a customer", INACTIVE: "Not seen"}.get(state) or STATES[state][0]
