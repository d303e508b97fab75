"""Identifiers, words and yes/no cells."""

from collections.abc import Mapping
from typing import Any

from crmlib.intake.cells import FLOATS, NO_ID, Cell, Question, Way, known, untidy
from crmlib.intake.sql import literal
from crmlib.intake.wording import counted

_YES = ("true", "t", "yes", "y", "1", "si", "sì", "ja", "oui")
_NO = ("false", "f", "no", "n", "0", "nein", "non")


def identifier(cell: Cell) -> Question:
    """Read an identifier: trimmed, ``17850.0`` as ``17850``, leading zeros kept."""
    if cell.type.startswith(FLOATS):
        whole = f"{cell.sql} = trunc({cell.sql}) AND abs({cell.sql}) < 9007199254740992"
        value = (
            f"CASE WHEN {whole} THEN CAST(CAST({cell.sql} AS BIGINT) AS VARCHAR) "
            f"WHEN NOT isnan({cell.sql}) THEN CAST({cell.sql} AS VARCHAR) END"
        )
        note = cell.find(
            "id-as-number",
            "note",
            f"Column {cell.label} is stored as numbers; 17850.0 is read as 17850. "
            "Leading zeros, if there were any, were lost before.",
        )
        return known(Way(value, f"({cell.sql} IS NOT NULL AND NOT isnan({cell.sql}))", (note,)))
    if not cell.is_text:
        return known(Way(f"CAST({cell.sql} AS VARCHAR)", f"{cell.sql} IS NOT NULL"))
    if cell.plain:
        return known(Way(cell.sql, f"{cell.sql} IS NOT NULL"))
    conditions = {
        "untidy": f"{cell.sql} IS NOT NULL AND {untidy(cell.raw)}",
        "float_like": rf"regexp_matches({cell.sql}, '^\d+\.0+$')",
        "nothing": f"lower({cell.sql}) IN ({', '.join(map(literal, NO_ID))})",
    }
    measures = {name: f"count(*) FILTER ({condition})" for name, condition in conditions.items()}
    return Question(measures, lambda measured: _decide(cell, conditions, measured))


def _decide(cell: Cell, conditions: Mapping[str, str], measured: Mapping[str, Any]) -> Way:
    sentences = {
        "untidy": ("id-white-space", "have", "blanks around the identifier, which are dropped"),
        "float_like": ("id-as-number", "are", "written like 17850.0 and read as 17850"),
        "nothing": ("id-missing-word", "hold", "a word such as NULL or nan and count as blank"),
    }
    findings = tuple(
        cell.find(
            code,
            "note",
            f"In column {cell.label}, {counted(measured[name], 'cell', cell.rows, verb)} {what}.",
            count=measured[name],
            where=conditions[name],
        )
        for name, (code, verb, what) in sentences.items()
        if measured[name]
    )
    value = cell.sql
    if measured["float_like"]:
        value = rf"regexp_replace({value}, '^(\d+)\.0+$', '\1')"
    if measured["nothing"]:
        value = f"CASE WHEN {conditions['nothing']} THEN NULL ELSE {value} END"
    return Way(value, f"({value}) IS NOT NULL", findings)


def text(cell: Cell) -> Question:
    """Read free text: trimmed, blank as missing."""
    value = cell.sql if cell.is_text else f"CAST({cell.sql} AS VARCHAR)"
    return known(Way(value, f"{cell.sql} IS NOT NULL"))


def choice(cell: Cell) -> Question:
    """Read one of the words that the contract lists, in any case."""
    words = ", ".join(map(literal, cell.column.choices))
    lower = f"lower(CAST({cell.sql} AS VARCHAR))"
    return known(
        Way(
            f"CASE WHEN {lower} IN ({words}) THEN {lower} END",
            f"{cell.sql} IS NOT NULL",
            hint=f"Allowed are: {', '.join(cell.column.choices)}.",
        )
    )


def flag(cell: Cell) -> Question:
    """Read yes or no in the usual spellings."""
    if cell.type == "BOOLEAN":
        return known(Way(cell.sql, f"{cell.sql} IS NOT NULL"))
    lower = rf"regexp_replace(lower(CAST({cell.sql} AS VARCHAR)), '\.0+$', '')"
    yes, no = (", ".join(map(literal, words)) for words in (_YES, _NO))
    return known(
        Way(
            f"CASE WHEN {lower} IN ({yes}) THEN true WHEN {lower} IN ({no}) THEN false END",
            f"{cell.sql} IS NOT NULL",
            hint="Write true or false, yes or no, 1 or 0.",
        )
    )
