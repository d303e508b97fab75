"""Columns that a source does not have, and that the run file states or works out from one it has.

Some public files know how long a customer has been there and whether he left, but not one day. A run file can state
the day on which the file was made, and the dates follow. What is stated is an assumption, and is reported as one.
"""

from dataclasses import replace

import duckdb

from crmlib.intake.columns import Match, find_column
from crmlib.intake.landing import Landed
from crmlib.intake.report import Problem
from crmlib.intake.runfile import Stated, TableMap
from crmlib.intake.sql import ident, one
from crmlib.intake.wording import counted

_LONGEST = 2400  # months


def add_stated(
    connection: duckdb.DuckDBPyConnection, name: str, landed: Landed, mapped: TableMap
) -> tuple[Landed, TableMap]:
    """Add to a landed table the columns that the run file states.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With a database ``scratch`` attached.
    name : str
        Contract name of the table.
    landed : Landed
    mapped : TableMap

    Returns
    -------
    tuple of Landed and TableMap
        The table with one more column for each statement, and the map in which that column stands for it; a
        statement about a column that is not there is left to the matching of columns, which names it.
    """
    statements = {column: origin for column, origin in mapped.columns.items() if isinstance(origin, Stated)}
    if not statements:
        return landed, mapped
    columns, types, selected, problems = dict(mapped.columns), dict(landed.types), ["*"], []
    for column, stated in statements.items():
        reads = {wanted: find_column(wanted, list(landed.types)) for wanted in _reads(stated)}
        lost = next((wanted for wanted, actual in reads.items() if actual is None), None)
        if lost is not None:
            columns[column] = lost
            continue
        label = f"{column} (stated)"
        value, kind = _value(stated, reads)
        selected.append(f"{value} AS {ident(label)}")
        columns[column], types[label] = label, kind
        problems += _findings(connection, name, column, landed, stated, reads)
    relation = ident("scratch", "main", "stated " + name)
    connection.execute(f"CREATE VIEW {relation} AS SELECT {', '.join(selected)} FROM {landed.relation}")
    return (
        Landed(relation, types, landed.rows, (*landed.problems, *problems)),
        mapped.model_copy(update={"columns": columns}),
    )


def without_read(match: Match, mapped: TableMap) -> Match:
    """Take the columns that statements read off those that nobody used.

    Parameters
    ----------
    match : Match
    mapped : TableMap
        As the run file has it.

    Returns
    -------
    Match
    """
    read = {
        find_column(wanted, list(match.unused))
        for origin in mapped.columns.values()
        if isinstance(origin, Stated)
        for wanted in _reads(origin)
    }
    return replace(match, unused=tuple(name for name in match.unused if name not in read))


def _reads(stated: Stated) -> list[str]:
    return [name for name in (stated.months_before, stated.where) if name is not None]


def _value(stated: Stated, reads: dict[str, str]) -> tuple[str, str]:
    """SQL of a stated value, and its type."""
    if stated.value is not None:
        value, kind = repr(float(stated.value)), "DOUBLE"
    else:
        value, kind = f"DATE '{stated.day.isoformat()}'", "DATE"
    if stated.months_before is not None:
        months = _months(reads[stated.months_before])
        value = f"CAST({value} - to_months(CAST({months} AS INTEGER)) AS DATE)"
    if stated.where is not None:
        value = f"CASE WHEN {_says(reads[stated.where], stated.equals)} THEN {value} END"
    return value, kind


def _months(column: str) -> str:
    """Whole months in a cell; NULL where there are none."""
    number = f"TRY_CAST(trim(CAST({ident(column)} AS VARCHAR)) AS DOUBLE)"
    return f"(CASE WHEN {number} BETWEEN 0 AND {_LONGEST} AND {number} = floor({number}) THEN {number} END)"


def _says(column: str, word: str) -> str:
    escaped = word.strip().replace("'", "''")
    return f"lower(trim(CAST({ident(column)} AS VARCHAR))) = lower('{escaped}')"


def _findings(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    column: str,
    landed: Landed,
    stated: Stated,
    reads: dict[str, str],
) -> list[Problem]:
    """Say what was assumed, which months cannot be read, and a condition that no row fulfils."""
    text = f"{stated.day if stated.value is None else stated.value}"
    if stated.months_before is not None:
        text += f" less the months in {stated.months_before}"
    if stated.where is not None:
        text += f" where {stated.where} is {stated.equals!r}, else blank"
    found = [
        Problem(
            table=name,
            code="stated",
            severity="note",
            count=landed.rows,
            sentence=f"{column} is not in the file; the run file states it: {text}.",
        )
    ]
    if stated.where is not None:
        condition = _says(reads[stated.where], stated.equals)
        rows = one(connection, f"SELECT count(*) AS n FROM {landed.relation} WHERE {condition}")["n"]
        if not rows:
            found.append(
                Problem(
                    table=name,
                    code="stated-nowhere",
                    severity="error",
                    count=landed.rows,
                    sentence=f"The run file states {column} where {stated.where} is {stated.equals!r}, "
                    "and no row says so.",
                    remedy=f"Correct equals in [tables.{name}.columns.{column}].",
                )
            )
    if stated.months_before is not None:
        source = ident(reads[stated.months_before])
        condition = (
            f"{_months(reads[stated.months_before])} IS NULL AND trim(CAST({source} AS VARCHAR)) <> ''"
        )
        rows = one(connection, f"SELECT count(*) AS n FROM {landed.relation} WHERE {condition}")["n"]
        if rows:
            found.append(
                Problem(
                    table=name,
                    code="unreadable-number",
                    severity="warning",
                    count=rows,
                    share=rows / landed.rows,
                    sentence=f"{counted(rows, 'cell', landed.rows)} of {stated.months_before} are no whole number of "
                    f"months from 0 to {_LONGEST:,}; {column} is blank there.",
                    remedy=f"Correct the months, or leave {column} out.",
                )
            )
    return found
