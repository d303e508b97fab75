"""Bringing a table of a source within reach of the embedded engine, cell by cell as it stands.

Files the engine can scan in place (Parquet, ``.duckdb``) become views. Text files, workbooks and other
databases are streamed into a scratch database that is thrown away once the typed tables are written.
Every landed table has a column ``__row``: the row as a person counts it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from crmlib.intake.found import Source, TableSource
from crmlib.intake.report import Problem, Refused
from crmlib.intake.runfile import TableMap, TextFormat
from crmlib.intake.sql import ident, literal, one

ROW = "__row"
_DAMAGED = (
    duckdb.IOException,
    duckdb.InvalidInputException,
    duckdb.SerializationException,
    duckdb.ConversionException,
)
_NOT_WRITTEN = (
    "could not write",
    "no space left",
    "failed to offload",
    "could not truncate",
    "could not fsync",
)


@dataclass(frozen=True)
class Landed:
    """A table within reach of the engine.

    Attributes
    ----------
    relation : str
        Quoted name of a table or view with ``__row`` and the columns of the source.
    types : dict of str
        Engine type of each column of the source, in their order.
    rows : int
    problems : tuple of Problem
        What went wrong already while reading.
    """

    relation: str
    types: dict[str, str]
    rows: int
    problems: tuple[Problem, ...] = ()


def land(connection: duckdb.DuckDBPyConnection, source: Source, table: TableSource, scratch: Path) -> Landed:
    """Land one table.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With a database ``scratch`` attached.
    source : Source
    table : TableSource
    scratch : Path
        Folder for temporary files.

    Raises
    ------
    Refused
        If the table cannot be read at all.
    """
    from crmlib.intake import database, excel, textfile

    mapped = source.run.tables.get(table.name, TableMap())
    form: TextFormat = mapped.text_format(source.run)
    relation = ident("scratch", "main", "landed " + table.name)
    problems: tuple[Problem, ...] = ()
    if table.kind == "text":
        problems = textfile.land_text(connection, table, mapped, form, relation, scratch)
    elif table.kind == "excel":
        problems = excel.land_sheet(connection, table, mapped, relation)
    elif table.kind == "database":
        database.land_table(connection, source.url, table, relation)
    else:
        scan = _parquet(table) if table.kind == "parquet" else database.attached(connection, table)
        connection.execute(f"CREATE VIEW {relation} AS {scan}")
    types = {
        name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {relation}").fetchall() if name != ROW
    }
    return Landed(relation, types, one(connection, f"SELECT count(*) AS n FROM {relation}")["n"], problems)


@contextmanager
def reading(table: TableSource) -> Iterator[None]:
    """Turn the engine's complaint about a damaged file into a problem of that table.

    A view reads its file only when it is used, so this goes around every step that touches the source.
    A full disk is no fault of the file, and mistakes in our own SQL must stay visible: both pass.
    """
    try:
        yield
    except _DAMAGED as error:
        message = str(error).strip().splitlines()[0]
        if any(sign in message.lower() for sign in _NOT_WRITTEN):
            raise
        raise Refused.table(
            table.name,
            "damaged-file",
            f"{table.where} cannot be read: {message.rstrip('.!')}.",
            "Export or copy the file again.",
        ) from error


def _parquet(table: TableSource) -> str:
    files = "[" + ", ".join(literal(str(file)) for file in table.files) + "]"
    if len(table.files) > 1:  # counted through all parts, in the order of their names
        return f"SELECT row_number() OVER () AS {ident(ROW)}, * FROM read_parquet({files})"
    return (
        f"SELECT file_row_number + 1 AS {ident(ROW)}, * EXCLUDE (file_row_number) "
        f"FROM read_parquet({files}, file_row_number = true)"
    )
