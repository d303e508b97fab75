"""Tables in databases: a ``.duckdb`` file attached in place, any other engine streamed through Ibis."""

from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import ibis

from crmlib.errors import DataError
from crmlib.intake.source import TableSource
from crmlib.intake.sql import OFFLINE, ident, literal, rows

_SYSTEM = {"information_schema", "pg_catalog", "sys"}
CHUNK = 100_000


def duckdb_tables(path: Path) -> list[str]:
    """Return the tables and views of a ``.duckdb`` file, as ``table`` or ``schema.table``."""
    try:
        with duckdb.connect(path, read_only=True, config=OFFLINE) as connection:
            found = rows(
                connection, "SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL"
            )
    except duckdb.Error as error:
        raise DataError(
            f"{path.name} cannot be opened: {str(error).splitlines()[0]}",
            "a DuckDB database that no other program holds open for writing",
            "close the other program, or copy the file",
        ) from None
    return [table if schema == "main" else f"{schema}.{table}" for schema, table in found]


def attached(connection: duckdb.DuckDBPyConnection, table: TableSource) -> str:
    """Attach the ``.duckdb`` file of `table` read-only; return a query for the table with row numbers."""
    alias = "source " + str(table.files[0])
    connection.execute(f"ATTACH IF NOT EXISTS {literal(str(table.files[0]))} AS {ident(alias)} (READ_ONLY)")
    schema, _, name = table.inner.rpartition(".")
    target = ident(alias, schema or "main", name)
    return f'SELECT row_number() OVER () AS "__row", * FROM {target}'


def local_file(url: str) -> Path | None:
    """Return the file behind a URL such as ``sqlite:///shop.db``; None for a server."""
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        return None
    path = Path((parts.netloc + parts.path).removeprefix("/") if parts.path[:2] != "//" else parts.path[1:])
    return path.resolve()


def _connect(url: str) -> ibis.BaseBackend:
    file = local_file(url)
    try:
        if file is not None:
            if not file.exists():
                raise FileNotFoundError(f"no file {file}")
            return ibis.sqlite.connect(file)
        return ibis.connect(url)
    except Exception as error:
        raise DataError(
            f"the database cannot be opened: {str(error).splitlines()[0]}",
            "a database URL that Ibis knows, such as postgres://user:password@host/database",
            "check the URL, and that the server answers and its driver is installed",
        ) from error


def database_tables(url: str) -> list[str]:
    """Return the names of the tables behind `url`."""
    return sorted(_connect(url).list_tables())


def land_table(
    connection: duckdb.DuckDBPyConnection, url: str, table: TableSource, relation: str
) -> None:
    """Stream a table of another engine into `relation`, in chunks, never as one frame."""
    database, _, name = table.inner.rpartition(".")
    backend = _connect(url)
    source = backend.table(name, database=database or None)
    with source.to_pyarrow_batches(chunk_size=CHUNK) as batches:
        connection.register("batches", batches)
        connection.execute(
            f'CREATE TABLE {relation} AS SELECT row_number() OVER () AS "__row", * FROM batches'
        )
        connection.unregister("batches")
    backend.disconnect()


