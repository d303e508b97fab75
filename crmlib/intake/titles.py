"""Where the header really is, when the columns of a sheet or text file look wrong."""

import re

import duckdb

from crmlib.intake.columns import known_names
from crmlib.intake.contract import TABLES
from crmlib.intake.excel import sheet_names
from crmlib.intake.found import TableSource
from crmlib.intake.landing import ROW, Landed
from crmlib.intake.report import Problem
from crmlib.intake.sql import ident, rows
from crmlib.intake.wording import listed

LOOKED_AT = 30
_NAMELESS = re.compile(r"column \d+")


def better_header(
    connection: duckdb.DuckDBPyConnection, table: TableSource, landed: Landed, problems: tuple[Problem, ...]
) -> tuple[Problem, ...]:
    """Say with missing columns in which row the header seems to be, and which other sheets there are."""
    if table.kind not in ("text", "excel") or all(problem.code != "missing-column" for problem in problems):
        return problems
    *others, last = problems
    remedy = last.remedy
    row, cells = _header_row(connection, table, landed)
    if row:
        remedy = (
            f"Row {row} looks like the header ({listed(cells, 6)}), with a title above it. Say so in a run file, in a "
            f"line of its own below the line [tables.{table.name}]: skip_rows = {row - 1}"
        )
    sheets = sheet_names(table.files[0]) if table.kind == "excel" else []
    left = [name for name in sheets if name != (table.inner or sheets[0])]
    if left:
        remedy = (
            f"{remedy.rstrip('.')}. The workbook has other sheets: {listed(left)}. If one of them holds the "
            f'{table.name}, name it below the same line: sheet = "{left[0]}"'
        )
    return (*others, last.model_copy(update={"remedy": remedy}))


def _header_row(
    connection: duckdb.DuckDBPyConnection, table: TableSource, landed: Landed
) -> tuple[int, list[str]]:
    """Return the first row that says more about columns than the header does; 0 if there is none."""
    names = list(landed.types)
    columns = ", ".join(f"CAST({ident(name)} AS VARCHAR)" for name in names)
    head = rows(
        connection, f"SELECT {ROW}, {columns} FROM {landed.relation} ORDER BY {ROW} LIMIT {LOOKED_AT}"
    )
    filled = [(row, [cell.strip() for cell in cells if cell and cell.strip()]) for row, *cells in head]
    contract = TABLES[table.name]
    known = [known_names(contract, cells) for _, cells in filled]
    if known and max(known) > max(1, known_names(contract, names)):
        return filled[known.index(max(known))]
    # In another language only the shape tells: a title fills one or two cells, a header fills all.
    named = sum(not _NAMELESS.fullmatch(name) for name in names)
    width = max((len(cells) for _, cells in filled), default=0)
    if width >= len(contract.required) and named <= width / 2:
        return next((row, cells) for row, cells in filled if len(cells) == width)
    return 0, []
