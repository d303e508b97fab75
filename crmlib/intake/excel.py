"""Sheets of a workbook, landed as text exactly as a person would type the cells."""

import datetime as dt
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from crmlib.errors import DataError
from crmlib.intake.columns import unique_names
from crmlib.intake.found import TableSource, blank_rows
from crmlib.intake.report import Problem, Refused
from crmlib.intake.runfile import TableMap
from crmlib.intake.sql import ident

CHUNK = 20_000


def sheet_names(path: Path) -> list[str]:
    """Return the names of the sheets of a workbook."""
    return _open(path).sheet_names


def land_sheet(
    connection: duckdb.DuckDBPyConnection, table: TableSource, mapped: TableMap, relation: str
) -> tuple[Problem, ...]:
    """Copy a sheet into `relation`, all cells as text, in chunks; return the problems of its form."""
    workbook = _open(table.files[0])
    name = table.inner or (table.name if table.name in workbook.sheet_names else workbook.sheet_names[0])
    lines = iter(workbook.get_sheet_by_name(name).to_python(skip_empty_area=False))
    row = mapped.skip_rows
    lines = islice(lines, mapped.skip_rows, None)
    if mapped.header:
        header = list(mapped.header)
    else:
        row += 1
        header = unique_names([_text(cell) or "" for cell in next(lines, [])])
    if not header:
        raise Refused.table(table.name, "empty-file", f"{table.where} is empty.", "Name the right sheet.")
    schema = pa.schema([("__row", pa.int64()), *((column, pa.string()) for column in header)])
    columns = "".join(f", {ident(column)} VARCHAR" for column in header)
    connection.execute(f'CREATE TABLE {relation} ("__row" BIGINT{columns})')
    blank, first_blank = 0, 0
    while chunk := list(islice(lines, CHUNK)):
        cells = [[_text(cell) for cell in line] for line in chunk]
        numbers = range(row + 1, row + 1 + len(chunk))
        row += len(chunk)
        filled = [
            (n, *line) for n, line in zip(numbers, cells, strict=True) if any(c is not None for c in line)
        ]
        if len(filled) < len(chunk):
            kept = {n for n, *_ in filled}
            first_blank = first_blank or next(n for n in numbers if n not in kept)
            blank += len(chunk) - len(filled)
        if filled:
            batch = pa.table(list(zip(*filled, strict=True)), schema=schema)
            connection.register("batch", batch)
            connection.execute(f"INSERT INTO {relation} SELECT * FROM batch")
            connection.unregister("batch")
    return (blank_rows(table, blank, first_blank),) if blank else ()


def _text(cell: object) -> str | None:
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ") if cell.time() != dt.time() else cell.date().isoformat()
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    return str(cell) if str(cell).strip() else None


def _open(path: Path) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as error:
        raise DataError(
            f"{path.name} cannot be opened: {error}",
            "a workbook (xlsx, xls, xlsb, ods) without a password",
            "open it in a spreadsheet and save it again, or export it as CSV",
        ) from error
