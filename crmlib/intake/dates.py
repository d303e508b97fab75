"""Dates and times: which of the many ways of writing a day a column uses."""

from collections.abc import Mapping
from typing import Any

from crmlib.intake.cells import WHOLE, Cell, Question, Way, known
from crmlib.intake.report import Problem
from crmlib.intake.sql import literal
from crmlib.intake.wording import counted, listed

_TIME = r"($|[ ,T]+\d)"
# The ways a day is written, most frequent first; each cell takes the first that fits.
_SHAPES = {
    "2026-10-31": rf"^\d{{4}}-\d{{1,2}}-\d{{1,2}}($|[ T]+\d[\d:.]*$)",
    "2026-10-31 with time zone": r"^\d{4}-\d{1,2}-\d{1,2}[ T]+\d[\d:.]* ?(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)$",
    "2026/10/31": rf"^\d{{4}}[/.]\d{{1,2}}[/.]\d{{1,2}}{_TIME}",
    "20261031": r"^(1[89]|20|21)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])($|[ T]+\d)",
    "31/10/2026": rf"^\d{{1,2}}/\d{{1,2}}/(\d{{4}}|\d{{2}}){_TIME}",
    "31.10.2026": rf"^\d{{1,2}}\.\d{{1,2}}\.(\d{{4}}|\d{{2}}){_TIME}",
    "31-10-2026": rf"^\d{{1,2}}-\d{{1,2}}-(\d{{4}}|\d{{2}}){_TIME}",
    "31 Oct 2026": rf"^\d{{1,2}}[- /.]{{1,2}}[A-Za-z]{{3,9}}[- /.,]{{1,2}}(\d{{4}}|\d{{2}}){_TIME}",
    "Oct 31, 2026": rf"^[A-Za-z]{{3,9}}\.? \d{{1,2}},? \d{{4}}{_TIME}",
    "46326 (a spreadsheet's day number)": r"^[2-6]\d{4}(\.\d+)?$",
}
_PARTS = {"31/10/2026": "/", "31.10.2026": ".", "31-10-2026": "-"}
_YEAR_FIRST = ("2026-10-31", "2026-10-31 with time zone", "2026/10/31", "20261031")
_WORDS = ("31 Oct 2026", "Oct 31, 2026")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")


def moment(cell: Cell) -> Question:
    """Read a day, or a day with a time of day."""
    if cell.type == "DATE" or cell.type in ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"):
        return known(_typed(cell, f"TRY_CAST({cell.sql} AS {_target(cell)})"))
    if cell.type == "TIMESTAMP WITH TIME ZONE":
        note = cell.problem(
            "time-zone", "note", f"Column {cell.label} has a time zone; its times are read as UTC.",
            "If days must be local days, convert the column before.",
        )
        return known(_typed(cell, f"TRY_CAST({cell.sql} AT TIME ZONE 'UTC' AS {_target(cell)})", (note,)))
    if not cell.is_text and cell.type not in WHOLE:
        return known(Way("NULL", f"{cell.sql} IS NOT NULL", hint=f"The column holds {cell.type}, not dates."))
    text = cell.sql
    if cell.form.date_format and "%" in cell.form.date_format:
        pattern = f"CAST(try_strptime({text}, {literal(cell.form.date_format)}) AS {_target(cell)})"
        hint = f"The run file says date_format = {cell.form.date_format!r}."
        return known(Way(pattern, f"{text} IS NOT NULL", hint=hint))
    shape = _shape(text)
    parts = f"regexp_extract({text}, '^(\\d{{1,2}})[/.-](\\d{{1,2}})[/.-]', ['a', 'b'])"
    measures = {
        "present": f"count({text})",
        "shapes": f"histogram({shape})",
        "first": f"max(TRY_CAST({parts}.a AS INTEGER))",
        "second": f"max(TRY_CAST({parts}.b AS INTEGER))",
        "short": rf"count(*) FILTER (regexp_matches({text}, '^\d{{1,2}}[/.-]\d{{1,2}}[/.-]\d{{2}}($|[ ,T])'))",
    }
    return Question(measures, lambda measured: _decide(cell, measured))


def _target(cell: Cell) -> str:
    return "DATE" if cell.column.kind == "date" else "TIMESTAMP"


def _typed(cell: Cell, value: str, problems: tuple[Problem, ...] = ()) -> Way:
    return Way(value, f"{cell.sql} IS NOT NULL", problems)


def _shape(text: str) -> str:
    cases = " ".join(
        f"WHEN regexp_matches({text}, {literal(pattern)}) THEN {literal(name)}"
        for name, pattern in _SHAPES.items()
    )
    return f"CASE WHEN {text} IS NULL THEN NULL {cases} END"


def _decide(cell: Cell, measured: Mapping[str, Any]) -> Way:
    shapes: dict[str, int] = dict(measured["shapes"] or {})
    serial = next((name for name in shapes if "day number" in name), None)
    hint = "Correct the cells, or set date_format in the run file."
    if serial:
        hint = "They look like a spreadsheet's day numbers: format the column as a date and export it again."
    readable = {name: count for name, count in shapes.items() if name != serial}
    order, problems = _part_order(cell, measured, readable)
    problems += _mixed(cell, readable, order)
    if "2026-10-31 with time zone" in readable:
        problems.append(cell.problem(
            "time-zone", "note",
            f"{counted(readable['2026-10-31 with time zone'], 'cell')} of column {cell.label} name a time zone; "
            "the clock time is read as it is written.", count=readable["2026-10-31 with time zone"],
        ))
    text = cell.sql
    cases = [f"WHEN {literal(name)} THEN {_reader(text, name, order, measured['short'])}" for name in readable]
    value = f"CASE {_shape(text)} {' '.join(cases)} END" if cases else "NULL"
    if readable == {"2026-10-31": measured["present"]}:  # by far the most frequent case, and the quickest
        value = _reader(text, "2026-10-31", order, 0)
    return Way(f"CAST({value} AS {_target(cell)})", f"{text} IS NOT NULL", tuple(problems), hint=hint)


def _part_order(cell: Cell, measured: Mapping[str, Any], shapes: dict[str, int]) -> tuple[str, list[Problem]]:
    """Decide whether the day or the month comes first in dates such as 03/04/2026."""
    count = sum(shapes.get(name, 0) for name in _PARTS)
    if not count:
        return "day first", []
    first, second = measured["first"] or 0, measured["second"] or 0
    said = cell.form.date_format
    if said in ("day first", "month first"):
        return said, []
    if first > 12 and second > 12:
        return "day first", [cell.problem(
            "mixed-date-formats", "error",
            f"Column {cell.label} has dates with the day first and dates with the month first: the first part "
            f"goes up to {first} and the second up to {second}.",
            "Write all dates in one way, best as 2026-10-31.", count=count,
        )]
    if first <= 12 and second <= 12 and "31.10.2026" not in shapes:
        return "day first", [cell.problem(
            "ambiguous-date-format", "error",
            f"Column {cell.label} has dates such as 03/04/2026 that can be read with the day or the month first, "
            "and no date settles which.",
            'Say in the run file: date_format = "day first" or date_format = "month first".', count=count,
        )]
    order = "month first" if second > 12 else "day first"
    why = f"the {'second' if second > 12 else 'first'} part goes up to {max(first, second)}"
    if max(first, second) <= 12:
        why = "dates with dots are written so"
    return order, [cell.problem(
        order.replace(" ", "-") + "-dates", "note", f"Dates in column {cell.label} are read with the {order}: {why}.",
        count=count,
    )]


def _mixed(cell: Cell, shapes: dict[str, int], order: str) -> list[Problem]:
    parts = {name: count for name, count in shapes.items() if name in _PARTS}
    others = {name: count for name, count in shapes.items() if name not in _PARTS}
    written = listed([f"{counted(count, 'cell')} like {name}" for name, count in sorted(shapes.items())])
    if parts and others and not cell.form.date_format:
        return [cell.problem(
            "mixed-date-formats", "error", f"Column {cell.label} mixes ways of writing dates: {written}.",
            f'Write all dates in one way. If 03/04/2026 is surely {order}, say date_format = "{order}" in the run file.',
            count=min(sum(parts.values()), sum(others.values())),
        )]
    if len(shapes) > 1:
        return [cell.problem(
            "several-date-formats", "note", f"Column {cell.label} writes dates in several ways: {written}. "
            "Each can be read without doubt.", count=sum(shapes.values()) - max(shapes.values()),
        )]
    return []


def _reader(text: str, shape: str, order: str, short: int) -> str:
    """Return the SQL that reads cells of one shape as a timestamp, NULL where there is no such day."""
    if shape == "2026-10-31":
        return f"TRY_CAST({text} AS TIMESTAMP)"
    if shape == "2026-10-31 with time zone":
        clock = f"regexp_replace({text}, ' ?(Z|UTC|GMT|[+-]\\d{{2}}(:?\\d{{2}})?)$', '')"
        return f"TRY_CAST({clock} AS TIMESTAMP)"
    if shape == "2026/10/31":
        return f"TRY_CAST(regexp_replace({text}, '^(\\d+)[/.](\\d+)[/.]', '\\1-\\2-') AS TIMESTAMP)"
    plain = f"regexp_replace({text}, '[ ,T]+(\\d)', ' \\1')"
    if shape == "20261031":
        days = ["%Y%m%d"]
    elif shape in _PARTS:
        day_month = ("%d", "%m") if order == "day first" else ("%m", "%d")
        # The short year comes first: tried on 2026 it leaves two digits over and fails, as it should.
        days = [_PARTS[shape].join((*day_month, year)) for year in (("%y", "%Y") if short else ("%Y",))]
    else:
        plain = f"regexp_replace(regexp_replace({text}, '[-/.,]+', ' ', 'g'), ' +', ' ', 'g')"
        words = ("%d %b", "%d %B") if shape == _WORDS[0] else ("%b %d", "%B %d")
        days = [f"{word} {year}" for word in words for year in ("%y", "%Y")]
    formats = ", ".join(literal(day + time) for time in _TIMES for day in days)
    return f"try_strptime({plain}, [{formats}])"
