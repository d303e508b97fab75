"""Quoting and running SQL on the embedded engine.

Preparing a source is written in DuckDB's SQL because it rests on functions that only the engine has
(``try_strptime``, ``file_row_number``, reject tables). Everything that reads a prepared store is Ibis.
"""

from typing import Any

import duckdb

# Nothing may be fetched at run time: a missing extension is an error, never a download.
OFFLINE = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}


def ident(*parts: str) -> str:
    """Quote an identifier, or the parts of a qualified one.

    >>> ident("orders", 'a "b"')
    '"orders"."a ""b\"""'
    """
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(value: str) -> str:
    """Quote a text value.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def one(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    """Return the only row of `query` by column name."""
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    return dict(zip(names, cursor.fetchone(), strict=True))


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    """Return the rows of `query`; for results a person could read, never for order lines."""
    return connection.execute(query).fetchall()
