"""Dates and times: which of the many ways of writing a day a column uses."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from crmlib.intake.cells import FLOATS, WHOLE, Cell, Finding, Question, Way, known
from crmlib.intake.sql import literal
from crmlib.intake.wording import counted, listed

_ISO, _ZONED, _SERIAL = "2026-10-31", "2026-10-31 with time zone", "46326 (a spreadsheet's day number)"
_EPOCH = "1793404800 (seconds since 1970)"
_TIME = r"($|[ ,T]+\d)"
# The ways a day is written, most frequent first; each cell takes the first that fits.
_SHAPES = {
    "2026-10-31": r"^\d{4}-\d{1,2}-\d{1,2}($|[ T]+\d[\d:.]*$)",
    _ZONED: r"^\d{4}-\d{1,2}-\d{1,2}[ T]+\d[\d:.]* ?(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)$",
    "2026/10/31": rf"^\d{{4}}[/.]\d{{1,2}}[/.]\d{{1,2}}{_TIME}",
    "20261031": r"^(1[89]|20|21)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])($|[ T]+\d)",
    "31/10/2026": rf"^\d{{1,2}}/\d{{1,2}}/(\d{{4}}|\d{{2}}){_TIME}",
    "31.10.2026": rf"^\d{{1,2}}\.\d{{1,2}}\.(\d{{4}}|\d{{2}}){_TIME}",
    "31-10-2026": rf"^\d{{1,2}}-\d{{1,2}}-(\d{{4}}|\d{{2}}){_TIME}",
    "31 Oct 2026": rf"^\d{{1,2}}[- /.]{{1,2}}[A-Za-z]{{3,9}}[- /.,]{{1,2}}(\d{{4}}|\d{{2}}){_TIME}",
    "Oct 31, 2026": rf"^[A-Za-z]{{3,9}}\.? \d{{1,2}},? \d{{4}}{_TIME}",
    _SERIAL: r"^[2-6]\d{4}(\.\d+)?$",
    _EPOCH: r"^\d{9,10}(\d{3}|\d{6}|\d{9})?(\.\d+)?$",
}
_SHORT_YEAR = r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{2}($|[ ,T])"
_PARTS = {"31/10/2026": "/", "31.10.2026": ".", "31-10-2026": "-"}
_NUMBERS = "In pandas, seconds since 1970 are read by pd.to_datetime(column, unit='s')."
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")


def moment(cell: Cell) -> Question:
    """Read a day, or a day with a time of day."""
    if cell.type == "DATE" or cell.type in ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"):
        return known(_typed(cell, f"TRY_CAST({cell.sql} AS {_target(cell)})"))
    if cell.type == "TIMESTAMP WITH TIME ZONE":
        utc = f"({cell.sql} AT TIME ZONE 'UTC')"
        late = f"hour({utc}) >= 22"
        measures = {
            "clock": f"count(*) FILTER (CAST({utc} AS TIME) <> TIME '00:00')",
            "late": f"count(*) FILTER ({late})",
            "late_day": f"CAST(min({utc}) FILTER ({late}) AS DATE)",
            "first": f"CAST(min({utc}) AS DATE)",
            "last": f"CAST(max({utc}) AS DATE)",
        }
        return Question(
            measures, lambda found: _typed(cell, f"TRY_CAST({utc} AS {_target(cell)})", (_utc(cell, found),))
        )
    if not cell.is_text and cell.type not in WHOLE:
        hint = f"The column holds {cell.type}, not dates. Turn it into dates before the export."
        if cell.type.startswith(FLOATS):
            hint = f"{hint} {_NUMBERS}"
        return known(Way("NULL", f"{cell.sql} IS NOT NULL", hint=hint))
    if not cell.is_text:  # 20261031 as a number
        cell = replace(cell, sql=f"CAST({cell.sql} AS VARCHAR)")
    text = cell.sql
    if cell.form.date_format and "%" in cell.form.date_format:
        pattern = f"CAST(try_strptime({text}, {literal(cell.form.date_format)}) AS {_target(cell)})"
        hint = f"The run file says date_format = {cell.form.date_format!r}."
        return known(Way(pattern, f"{text} IS NOT NULL", hint=hint))
    usual = cell.usual
    measures = {
        "present": f"count({text})",
        "usual": f"count(*) FILTER ({usual})",
        "shapes": f"histogram(CASE WHEN NOT {usual} THEN {_shape(text)} END)",
        "first": f"max(CASE WHEN NOT {usual} THEN TRY_CAST({_parts(text)}.a AS INTEGER) END)",
        "second": f"max(CASE WHEN NOT {usual} THEN TRY_CAST({_parts(text)}.b AS INTEGER) END)",
        "short": rf"count(CASE WHEN NOT {usual} AND regexp_matches({text}, {literal(_SHORT_YEAR)}) THEN 1 END)",
    }
    iso = {usual: f"regexp_matches({text}, {literal(_SHAPES[_ISO])})"}
    return Question(measures, lambda measured: _decide(cell, measured), iso)


def _utc(cell: Cell, found: Mapping[str, Any]) -> Finding:
    """Say what it means that an instant is read as UTC: near midnight the local day is another one."""
    if not found["clock"]:
        sentence = (
            f"Column {cell.label} has a time zone; its times are all midnight in UTC and read as that day."
        )
        return cell.find("time-zone", "note", sentence)
    sentence = (
        f"Column {cell.label} has a time zone and is read in UTC, so rows near midnight, anywhere from "
        f"{found['first']} to {found['last']}, may count one day too early or too late."
    )
    if found["late"]:
        day = found["late_day"]
        sentence += (
            f" Of them, {counted(found['late'], 'row', cell.rows, 'lie')} from 22:00 to midnight in UTC: in Italy that "
            f"is mostly the next day, for example {day + dt.timedelta(days=1)}, but counts on {day}."
        )
    return cell.find(
        "time-zone",
        "warning",
        sentence,
        "Turn the column into local time without a zone before the export: in SQL AT TIME ZONE 'Europe/Rome', "
        "in pandas .dt.tz_convert('Europe/Rome').dt.tz_localize(None).",
        found["late"],
    )


def _parts(text: str) -> str:
    return rf"regexp_extract({text}, '^(\d{{1,2}})[/.-](\d{{1,2}})[/.-]', ['a', 'b'])"


def _target(cell: Cell) -> str:
    return "DATE" if cell.column.kind == "date" else "TIMESTAMP"


def _typed(cell: Cell, value: str, findings: tuple[Finding, ...] = ()) -> Way:
    return Way(value, f"{cell.sql} IS NOT NULL", findings)


def _shape(text: str) -> str:
    cases = " ".join(
        f"WHEN regexp_matches({text}, {literal(pattern)}) THEN {literal(name)}"
        for name, pattern in _SHAPES.items()
    )
    return f"CASE WHEN {text} IS NULL THEN NULL {cases} END"


def _decide(cell: Cell, measured: Mapping[str, Any]) -> Way:
    shapes: dict[str, int] = dict(measured["shapes"] or {})
    if measured["usual"]:
        shapes[_ISO] = measured["usual"]
    hint = "Correct the cells, or set date_format in the run file."
    if shapes.pop(_SERIAL, 0):
        hint = "They look like a spreadsheet's day numbers: format the column as a date and export it again."
    if shapes.pop(_EPOCH, 0):
        hint = (
            "They look like seconds or milliseconds since 1970, which do not say in which time zone a day begins: "
            f"turn them into dates in local time before the export. {_NUMBERS}"
        )
    order, findings = _part_order(cell, measured, shapes)
    findings = _mixed(cell, shapes, order) or findings
    zoned = shapes.get(_ZONED, 0)
    if zoned:
        findings.append(
            cell.find(
                "time-zone",
                "note",
                f"In column {cell.label}, {counted(zoned, 'cell', verb='name')} a time zone; the "
                "clock time is read as it is written.",
                count=zoned,
                where=_is_shape(cell, [_ZONED]),
            )
        )
    if cell.typed and cell.is_text and measured["present"]:
        findings.append(
            cell.find("stored-as-text", "note", f"Dates in column {cell.label} are stored as text.")
        )
    text = cell.sql
    cases = " ".join(
        f"WHEN {literal(name)} THEN {_reader(text, name, order, measured['short'])}" for name in shapes
    )
    value = f"CASE {_shape(text)} {cases} END" if shapes else "NULL"
    if shapes == {_ISO: measured["present"]}:  # by far the most frequent case, and the quickest
        value = _reader(text, _ISO, order, 0)
    return Way(f"CAST({value} AS {_target(cell)})", f"{text} IS NOT NULL", tuple(findings), hint=hint)


def _is_shape(cell: Cell, names: Iterable[str]) -> str:
    return f"{_shape(cell.sql)} IN ({', '.join(map(literal, names))})"


def _part_order(cell: Cell, measured: Mapping[str, Any], shapes: dict[str, int]) -> tuple[str, list[Finding]]:
    """Decide whether the day or the month comes first in dates such as 03/04/2026."""
    count = sum(shapes.get(name, 0) for name in _PARTS)
    if not count:
        return "day first", []
    first, second = measured["first"] or 0, measured["second"] or 0
    said = cell.form.date_format
    if said in ("day first", "month first"):
        return said, []
    where = _is_shape(cell, _PARTS)
    if first > 12 and second > 12:
        return "day first", [
            cell.find(
                "mixed-date-formats",
                "error",
                f"Column {cell.label} has dates with the day first and dates with the month first: the first part "
                f"goes up to {first} and the second up to {second}.",
                "Write all dates in one way, best as 2026-10-31.",
                count,
                f"{where} AND (TRY_CAST({_parts(cell.sql)}.a AS INTEGER) > 12) <> (TRY_CAST({_parts(cell.sql)}.b AS "
                "INTEGER) > 12)",
            )
        ]
    if first <= 12 and second <= 12 and "31.10.2026" not in shapes:
        return "day first", [
            cell.find(
                "ambiguous-date-format",
                "error",
                f"Column {cell.label} has dates such as 03/04/2026 that can be read with the day or the month first, "
                "and no date settles which.",
                'Say in the run file: date_format = "day first" or date_format = "month first".',
                count,
                where,
            )
        ]
    order = "month first" if second > 12 else "day first"
    why = f"the {'second' if second > 12 else 'first'} part goes up to {max(first, second)}"
    if max(first, second) <= 12:
        why = "dates with dots are written so"
    return order, [
        cell.find(
            order.replace(" ", "-") + "-dates",
            "note",
            f"Dates in column {cell.label} are read with the {order}: {why}.",
            "",
            count,
            where,
        )
    ]


def _mixed(cell: Cell, shapes: dict[str, int], order: str) -> list[Finding]:
    if len(shapes) < 2:
        return []
    parts = sum(count for name, count in shapes.items() if name in _PARTS)
    others = sum(shapes.values()) - parts
    usual = max(shapes, key=lambda name: (shapes[name], name))
    written = listed([f"{counted(count, 'cell')} like {name}" for name, count in sorted(shapes.items())])
    where = _is_shape(cell, sorted(set(shapes) - {usual}))
    if parts and others and not cell.form.date_format:
        return [
            cell.find(
                "mixed-date-formats",
                "error",
                f"Column {cell.label} mixes ways of writing dates: {written}.",
                f"Write all dates in one way. If 03/04/2026 is surely {order}, say in the run file: "
                f'date_format = "{order}".',
                min(parts, others),
                where,
            )
        ]
    return [
        cell.find(
            "several-date-formats",
            "note",
            f"Column {cell.label} writes dates in several ways: {written}. Each can be read without doubt.",
            "",
            sum(shapes.values()) - shapes[usual],
            where,
        )
    ]


def _reader(text: str, shape: str, order: str, short: int) -> str:
    """Return the SQL that reads cells of one shape as a timestamp, NULL where there is no such day."""
    if shape == _ISO:
        return f"TRY_CAST({text} AS TIMESTAMP)"
    if shape == _ZONED:
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
        words = ("%d %b", "%d %B") if shape == "31 Oct 2026" else ("%b %d", "%B %d")
        days = [f"{word} {year}" for word in words for year in ("%y", "%Y")]
    formats = ", ".join(literal(day + time) for time in _TIMES for day in days)
    return f"try_strptime({plain}, [{formats}])"
