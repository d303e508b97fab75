"""Choices of relationship levels on the page: the plan, one level for all, or as today."""

import pandas as pd

from crmlib.analysis.segments.raises import raises
from crmlib.analysis.segments.relationship_terms import RelationshipTerms
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook

PLAN, NOTHING, AS_TODAY = "By plan", "No more than basic for anybody", "Everybody as today"
_RANGE = (0.5, 2.0)


def choices(
    people: pd.DataFrame, lived: pd.Series | None, terms: RelationshipTerms, level_effect: float
) -> pd.DataFrame:
    """Return what the raises of the plan, and a level for everybody, would gain, at half and at double the effect.

    Parameters
    ----------
    people : DataFrame
        ``level`` (planned) and ``margin`` of the active customers.
    lived : Series or None
        Their level today; None where it is not known, and everybody is taken to be at basic.
    terms : RelationshipTerms
    level_effect : float

    Returns
    -------
    DataFrame
        ``label``, ``customers`` (raised), ``cost`` (of that), ``more``, ``gain``, ``low``, ``high``, all against today
        and without those lowered; doing nothing last.
    """
    names = terms.levels.index
    tried = {PLAN: people["level"].astype("object")}
    for least, name in enumerate(names[1:], 1):
        label = f"Everybody {name}" if lived is None else f"Everybody at least {name}"
        tried[label] = pd.Series(names[least], people.index, dtype="object")
    rows = []
    for label, level in tried.items():
        up = raises(level, lived, people["margin"], terms.levels, level_effect)
        rows.append((label, int((up["steps"] > 0).sum()), up["raise_cost"].sum(), up["more"].sum()))
    rows.append((NOTHING if lived is None else AS_TODAY, 0, 0.0, 0.0))
    table = pd.DataFrame(rows, columns=["label", "customers", "cost", "more"])
    table["gain"] = table["more"] - table["cost"]
    table["low"], table["high"] = (factor * table["more"] - table["cost"] for factor in _RANGE)
    return table


def against(lived: pd.Series | None) -> str:
    """Return what gains are measured against, in words.

    Examples
    --------
    >>> against(None), against(pd.Series(["basic"]))
    ('against everybody at basic', 'against the levels of today')
    """
    return "against everybody at basic" if lived is None else "against the levels of today"


def drawn_choices(table: pd.DataFrame) -> pd.DataFrame:
    """Return the choices to draw: not those whose loss would make all others look alike.

    Examples
    --------
    >>> table = pd.DataFrame({"gain": [9.0, -4, -300, 0], "low": [2.0, -9, -320, 0], "high": [20.0, 3, -200, 0]})
    >>> drawn_choices(table)["gain"].tolist()
    [9.0, -4.0, 0.0]
    """
    near = max(float(table[["gain", "low", "high"]].iloc[0].abs().max()), float(-table["low"].iloc[1]))
    return table[table["low"] >= -1.5 * near]


def choices_title(wb: Workbook, table: pd.DataFrame) -> str:
    """Return the title of the figure of choices."""
    own, others = table.iloc[0], table.iloc[1:-1]
    return str(
        wb.cases(
            (own["customers"] == 0, "Nobody can be raised at a gain"),
            ((others["gain"] < 0).all(),
             "A higher level pays for {n:count customer}; the same level for all costs more than it brings"),
            (True, "A higher level pays for {n:count customer}: {gain:money} a year, if the assumption holds"),
            n=int(own["customers"]), gain=float(own["gain"]),
        )
    )  # fmt: skip


def effect_doubt(wb: Workbook, choices: pd.DataFrame, level_effect: float) -> Sentence:
    """Say how far the assumed effect may be off before the raises of the plan lose."""
    own, worst = choices.iloc[0], choices.iloc[-2]
    return wb.cases(
        (own["customers"] == 0,
         "Nobody is raised, so nothing hangs on the assumed effect."),
        (bool(worst["gain"] < 0),
         "All of this rests on the assumption that each step raises a customer's margin by {effect:share}. The raises "
         "still gain as long as it is {least:share1} a step or more. If it is half, the result is {half:money}; if "
         "nothing, they cost {cost:money}. Full partnership for everybody would lose {worst:money} even as assumed."),
        (True,
         "All of this rests on the assumption that each step raises a customer's margin by {effect:share}. The raises "
         "still gain as long as it is {least:share1} a step or more. If it is half, the result is {half:money}; if "
         "nothing, they cost {cost:money}."),
        effect=level_effect, least=level_effect * float(own["cost"] / own["more"]) if own["more"] > 0 else 0.0,
        half=float(own["low"]), cost=float(own["cost"]), worst=-float(worst["gain"]),
    )  # fmt: skip
