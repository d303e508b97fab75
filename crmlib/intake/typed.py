"""Writing the typed table: profile the columns, choose how to read them, read all rows in one pass."""

from decimal import Decimal
from functools import reduce

import duckdb

from crmlib.intake.amounts import amount
from crmlib.intake.cells import TYPES, Cell, Question, Way, tidy, unplain
from crmlib.intake.columns import Match
from crmlib.intake.contract import Table
from crmlib.intake.dates import moment
from crmlib.intake.found import TableSource
from crmlib.intake.identifiers import choice, flag, identifier, text
from crmlib.intake.inspection import SHOWN, Inspection
from crmlib.intake.landing import ROW, Landed
from crmlib.intake.report import examples
from crmlib.intake.runfile import TextFormat
from crmlib.intake.sql import ident, one, rows
from crmlib.intake.wording import counted, these

_BAD = "__bad"
_QUESTIONS = {
    "id": identifier,
    "text": text,
    "choice": choice,
    "flag": flag,
    "date": moment,
    "time": moment,
    "money": amount,
    "number": amount,
    "share": amount,
    "score": amount,
}
_CODES = {
    "date": "unreadable-date",
    "time": "unreadable-date",
    "choice": "unknown-word",
    "flag": "unreadable-flag",
}


def write_typed(
    connection: duckdb.DuckDBPyConnection,
    source: TableSource,
    table: Table,
    landed: Landed,
    match: Match,
    form: TextFormat,
) -> Inspection:
    """Read a landed table into a typed table of the same name as the contract's.

    Returns
    -------
    Inspection
        The typed table, with rows that lack a required value already set aside.
    """
    inspection = Inspection(connection, table, source.where, landed, match.sources, match.unused)
    plain = _plain(connection, landed, match)
    cells = {
        name: [
            Cell(
                table=table.name,
                column=table[name],
                name=column,
                sql=ident(column),
                raw=ident("as it stands: " + column),
                plain=column in plain,
                type=_type(landed, column),
                form=form,
                rows=landed.rows,
                factor=len(columns) > 1,
                typed=source.typed,
            )
            for column in columns
        ]
        for name, columns in match.sources.items()
    }
    clean = _clean(landed, cells)
    ways = _decide(
        connection, clean, {name: [_QUESTIONS[c.column.kind](c) for c in cs] for name, cs in cells.items()}
    )
    _report_findings(inspection, clean, cells, ways)
    joined = {name: _product(table, name, column_ways) for name, column_ways in ways.items()}
    _create(inspection, clean, joined)
    _report_merged(inspection, clean, cells, ways)
    _report_rounding(inspection, clean, joined)
    _report_unreadable(inspection, joined)
    _report_missing(inspection)
    return inspection


def _type(landed: Landed, column: str) -> str:
    kind = landed.types[column]
    return "VARCHAR" if kind.startswith(("ENUM", "UUID")) else kind


def _plain(connection: duckdb.DuckDBPyConnection, landed: Landed, match: Match) -> set[str]:
    """Return the text columns in which no cell has anything to tidy."""
    texts = sorted(
        {
            column
            for columns in match.sources.values()
            for column in columns
            if _type(landed, column) == "VARCHAR"
        }
    )
    if not texts:
        return set()
    counts = one(
        connection,
        "SELECT "
        + ", ".join(
            f"count(*) FILTER ({unplain(f'CAST({ident(column)} AS VARCHAR)')}) AS {ident(column)}"
            for column in texts
        )
        + f" FROM {landed.relation}",
    )
    return {column for column, count in counts.items() if not count}


def _clean(landed: Landed, cells: dict[str, list[Cell]]) -> str:
    """SQL of the landed table with its text tidied once, so that no later expression has to."""
    columns = [ROW]
    for cell in {cell.name: cell for column_cells in cells.values() for cell in column_cells}.values():
        text = f"CAST({cell.sql} AS VARCHAR)" if cell.is_text else cell.sql
        columns.append(f"{tidy(text) if cell.is_text and not cell.plain else text} AS {cell.sql}")
        if cell.is_text:
            columns.append(f"{text} AS {cell.raw}")
    return f"(SELECT {', '.join(columns)} FROM {landed.relation})"


def _decide(
    connection: duckdb.DuckDBPyConnection, clean: str, questions: dict[str, list[Question]]
) -> dict[str, list[Way]]:
    """Measure everything that was asked, in one pass, and let each question decide."""
    measures = {
        f"{name} {n} {what}": sql
        for name, asked in questions.items()
        for n, question in enumerate(asked)
        for what, sql in question.measures.items()
    }
    measured = {}
    if measures:
        aggregates = ", ".join(f"{sql} AS {ident(key)}" for key, sql in measures.items())
        usual = {name: sql for asked in questions.values() for q in asked for name, sql in q.usual.items()}
        marked = ", ".join(["*", *(f"{sql} AS {name}" for name, sql in usual.items())])
        measured = one(connection, f"SELECT {aggregates} FROM (SELECT {marked} FROM {clean})")
    return {
        name: [
            question.decide({what: measured[f"{name} {n} {what}"] for what in question.measures})
            for n, question in enumerate(asked)
        ]
        for name, asked in questions.items()
    }


def _product(table: Table, name: str, ways: list[Way]) -> Way:
    """Multiply the columns that a run file maps together; one column stays as it is."""
    if len(ways) == 1:
        return ways[0]
    factors = [f"CAST({way.value} AS DECIMAL(38,6))" for way in ways]
    exact = reduce(lambda left, right: f"CAST(TRY({left} * {right}) AS DECIMAL(38,12))", factors)
    all_there = " AND ".join(way.present for way in ways)
    any_bad = " OR ".join(f"({way.present} AND {way.value} IS NULL)" for way in ways)
    return Way(
        f"TRY_CAST({exact} AS {TYPES[table[name].kind]})",
        f"(({all_there}) OR {any_bad})",
        exact=exact,
        hint=ways[0].hint,
    )


def _create(inspection: Inspection, clean: str, ways: dict[str, Way]) -> None:
    values = ", ".join(f"{way.value} AS {ident(name)}" for name, way in ways.items())
    there = ", ".join(f"({way.present}) AS {ident('has ' + name)}" for name, way in ways.items())
    bits = " + ".join(
        f"CASE WHEN {ident('has ' + name)} AND {ident(name)} IS NULL THEN {1 << n} ELSE 0 END"
        for n, name in enumerate(ways)
    )
    names = ", ".join(ident(name) for name in ways)
    inspection.connection.execute(
        f"CREATE TABLE {inspection.sql} AS SELECT {ROW}, {names}, CAST({bits} AS USMALLINT) AS {_BAD} "
        f"FROM (SELECT {ROW}, {values}, {there} FROM {clean})"
    )


def _report_findings(
    inspection: Inspection, clean: str, cells: dict[str, list[Cell]], ways: dict[str, list[Way]]
) -> None:
    """Add what was found about whole columns, with cells to look at."""
    for name, column_ways in ways.items():
        for cell, way in zip(cells[name], column_ways, strict=True):
            inspection.currencies |= {way.currency} - {""}
            if way.in_doubt:
                inspection.in_doubt.add(name)
            for finding in way.findings:
                problem = finding.problem
                if finding.where:
                    shown = rows(
                        inspection.connection,
                        f"SELECT {ROW}, {cell.raw} FROM {clean} WHERE {finding.where} ORDER BY {ROW} LIMIT {SHOWN}",
                    )
                    found = examples([(row, cell.name, value) for row, value in shown])
                    problem = problem.model_copy(update={"examples": found})
                inspection.problems.append(problem)


def _report_merged(
    inspection: Inspection, clean: str, cells: dict[str, list[Cell]], ways: dict[str, list[Way]]
) -> None:
    """Say how many identifiers had more than one spelling and are one now."""
    for name, (way, *_) in ways.items():
        if inspection.table[name].kind != "id" or not way.findings or not cells[name][0].is_text:
            continue
        spellings = (
            f"SELECT {way.value} AS id, list(DISTINCT {cells[name][0].raw} ORDER BY {cells[name][0].raw}) "
            f"AS written FROM {clean} GROUP BY 1 HAVING id IS NOT NULL AND len(written) > 1"
        )
        found = inspection.one(f"SELECT count(*) AS n, min_by(written, id) AS written FROM ({spellings})")
        if found["n"]:
            inspection.add(
                "id-merged",
                "note",
                f"{counted(found['n'], 'identifier')} in {inspection.label(name)} are written in "
                f"more than one way and count as one, for example {' and '.join(map(repr, found['written'][:3]))}.",
                count=found["n"],
                share=None,
            )


def _report_rounding(inspection: Inspection, clean: str, ways: dict[str, Way]) -> None:
    sums = {
        name: f"sum({way.exact}) - sum({way.value})"
        for name, way in ways.items()
        if way.exact and inspection.table[name].kind == "money"
    }
    if not sums:
        return
    changes = inspection.one(
        "SELECT " + ", ".join(f"{sql} AS {ident(name)}" for name, sql in sums.items()) + f" FROM {clean}"
    )
    for name, change in changes.items():
        if change is not None and abs(change) >= Decimal("0.005"):
            inspection.add(
                "rounded",
                "note",
                f"Column {inspection.label(name)} has more than four decimals; rounding each "
                f"amount to four changes the total by {float(-change):+,.4f}.",
            )


def _report_unreadable(inspection: Inspection, ways: dict[str, Way]) -> None:
    counts = inspection.one(
        "SELECT "
        + ", ".join(
            f"count(*) FILTER ({_BAD} & {1 << n} > 0) AS {ident(name)}" for n, name in enumerate(ways)
        )
        + f" FROM {inspection.sql}"
    )
    set_aside = []
    for n, (name, way) in enumerate(ways.items()):
        if not counts[name] or name in inspection.in_doubt:
            continue
        column, count, condition = inspection.table[name], counts[name], f"{_BAD} & {1 << n} > 0"
        severity = inspection.tolerance(count)
        what = f"{these(count, 'row', 'are')} set aside"
        if not column.required:
            what = f"{these(count, 'cell', 'count')} as blank"
        kind = {"date": "date", "time": "date", "choice": "word", "flag": "answer"}.get(column.kind, "number")
        inspection.add(
            _CODES.get(column.kind, "unreadable-number"),
            severity,
            f"Column {inspection.label(name)} has {counted(count, 'cell', inspection.rows)} that cannot be read as "
            f"a {kind}" + (f"; {what}." if severity == "warning" else "; at most 0.5% would be set aside."),
            way.hint if kind != "number" else _too_large(inspection, name, condition) or way.hint,
            count=count,
            examples=inspection.raw_cells(name, condition),
            net=_net(inspection, condition),
        )
        if column.required:
            set_aside.append(condition)
    if set_aside:
        inspection.set_aside(" OR ".join(set_aside))
    inspection.connection.execute(f"ALTER TABLE {inspection.sql} DROP COLUMN {_BAD}")


def _too_large(inspection: Inspection, name: str, condition: str) -> str:
    """Say how many of the cells are numbers with more digits than an exact amount can have; else nothing."""
    columns = [f"CAST(l.{ident(column)} AS VARCHAR)" for column in inspection.sources[name]]
    limit = 10**14 if len(columns) == 1 else 10**12  # a factor keeps six decimals instead of four
    sizes = [f"abs(TRY_CAST({text} AS DOUBLE))" for text in columns]
    large = [f"{size} >= {limit}" for size in (*sizes, " * ".join(sizes))]
    # With marks between thousands only the digits tell: all but four of them stand before the decimals.
    large += [rf"regexp_matches(regexp_replace({text}, '[,.\s]', '', 'g'), '\d{{15}}')" for text in columns]
    count = inspection.one(
        f"SELECT count(*) AS n FROM {inspection.sql} JOIN {inspection.landed.relation} AS l USING ({ROW}) "
        f"WHERE {condition} AND ({' OR '.join(large)})"
    )["n"]
    if not count:
        return ""
    return (
        f"{counted(count, 'cell', verb='are')} too large: numbers must be below {limit:,}, so that every cent is "
        "exact. Look for two cells run together, or an article code in the wrong column."
    )


def _report_missing(inspection: Inspection) -> None:
    """Set aside rows without a required value; sales without a customer stay."""
    anonymous = {"customer_id"} if inspection.name == "orders" else set()
    for name in inspection.table.required:
        if name in anonymous or not inspection.usable(name):
            continue
        condition = f"{ident(name)} IS NULL"
        count = inspection.one(f"SELECT count(*) AS n FROM {inspection.sql} WHERE {condition}")["n"]
        if not count:
            continue
        severity = inspection.tolerance(count)
        inspection.add(
            "missing-value",
            severity,
            f"Column {inspection.label(name)} is blank in {counted(count, 'row', inspection.rows)}"
            + (
                f"; {these(count, 'row', 'are')} set aside."
                if severity == "warning"
                else "; every row needs it."
            ),
            "Fill the cells, or remove rows that are no data.",
            count=count,
            examples=inspection.cells(name, condition),
            net=_net(inspection, condition),
        )
        inspection.set_aside(condition)


def _net(inspection: Inspection, condition: str) -> Decimal | None:
    if inspection.name != "orders":
        return None
    return inspection.one(f"SELECT sum(net_amount) AS n FROM {inspection.sql} WHERE {condition}")["n"]
