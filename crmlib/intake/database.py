"""Tables in databases: a ``.duckdb`` file attached in place, any other engine streamed through Ibis."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import ibis
import pyarrow as pa

from crmlib.errors import DataError
from crmlib.intake.found import TableSource
from crmlib.intake.sql import OFFLINE, ident, literal, rows

CHUNK = 100_000


def duckdb_tables(path: Path) -> list[str]:
    """Return the tables and views of a ``.duckdb`` file, as ``table`` or ``schema.table``."""
    try:
        with duckdb.connect(path, read_only=True, config=OFFLINE) as connection:
            found = rows(
                connection, "SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL"
            )
    except duckdb.Error as error:
        if not _is_duckdb(path):
            raise DataError(
                f"{path.name} is no DuckDB database, whatever its name says, or it is damaged",
                "a file that DuckDB has written",
                "copy or export it again; if it is a file of another kind, give it the ending of that kind",
            ) from None
        raise DataError(
            f"{path.name} cannot be opened: {str(error).splitlines()[0]}",
            "a DuckDB database that no other program holds open for writing",
            "close the other program, or copy the file",
        ) from None
    return [table if schema == "main" else f"{schema}.{table}" for schema, table in found]


def _is_duckdb(path: Path) -> bool:
    """Whether a file bears the mark of a DuckDB database, which stands behind a checksum of eight bytes."""
    try:
        with path.open("rb") as stream:
            return stream.read(12)[8:] == b"DUCK"
    except OSError:
        return True  # what cannot even be opened may well be in use


def attached(connection: duckdb.DuckDBPyConnection, table: TableSource) -> str:
    """Attach the ``.duckdb`` file of `table` read-only; return a query for the table with row numbers."""
    alias = "source " + str(table.files[0])
    connection.execute(f"ATTACH IF NOT EXISTS {literal(str(table.files[0]))} AS {ident(alias)} (READ_ONLY)")
    schema, _, name = table.inner.rpartition(".")
    return f'SELECT row_number() OVER () AS "__row", * FROM {ident(alias, schema or "main", name)}'


def local_file(url: str) -> Path | None:
    """Return the file behind ``sqlite:///shop.db`` (``sqlite:////`` for a full path); None for a server."""
    parts = urlsplit(url)
    return Path(parts.path.removeprefix("/")).resolve() if parts.scheme == "sqlite" else None


def database_tables(url: str, schemas: Iterable[str] = ()) -> list[str]:
    """Return the tables behind `url`, and those of `schemas` as ``schema.table``."""
    backend = _connect(url)
    try:
        names = backend.list_tables()
        names += [f"{schema}.{name}" for schema in schemas for name in backend.list_tables(database=schema)]
        return sorted(names)
    finally:
        backend.disconnect()


def land_table(connection: duckdb.DuckDBPyConnection, url: str, table: TableSource, relation: str) -> None:
    """Stream a table of another engine into `relation`, in chunks, never as one frame."""
    schema, _, name = table.inner.rpartition(".")
    backend = _connect(url)
    try:
        source = backend.table(name, database=schema or None)
        batches = (
            _sqlite_batches(backend, source)
            if backend.name == "sqlite"
            else source.to_pyarrow_batches(chunk_size=CHUNK)
        )
        connection.register("chunk", batches.schema.empty_table())
        connection.execute(f'CREATE TABLE {relation} AS SELECT CAST(0 AS BIGINT) AS "__row", * FROM chunk')
        count = 0
        for batch in batches:  # fetched in this thread: many drivers refuse to be used from another one
            connection.register("chunk", pa.Table.from_batches([batch]))
            connection.execute(f"INSERT INTO {relation} SELECT {count} + row_number() OVER (), * FROM chunk")
            count += batch.num_rows
        connection.unregister("chunk")
    finally:
        backend.disconnect()


def _sqlite_batches(backend: ibis.BaseBackend, source: ibis.Table) -> pa.RecordBatchReader:
    """Read SQLite cell by cell as text: its columns have no types that could be relied on.

    (Ibis would read the whole table into one frame, and stop at the first cell of another type.)
    """
    schema = pa.schema([(name, pa.string()) for name in source.columns])
    cells = ", ".join(f"CAST({ident(name)} AS TEXT)" for name in source.columns)
    cursor = backend.raw_sql(f"SELECT {cells} FROM {ident(source.get_name())}")

    def batches() -> Iterator[pa.RecordBatch]:
        while chunk := cursor.fetchmany(CHUNK):
            columns = [pa.array(column, pa.string()) for column in zip(*chunk, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _connect(url: str) -> ibis.BaseBackend:
    file = local_file(url)
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and parts.netloc:
        meant = parts.netloc + parts.path
        raise DataError(
            f"{url} has two slashes, after which the name of a server would stand",
            "three slashes before a file, four before a full path",
            f"write sqlite:///{meant} (from this folder) or sqlite:////{meant} (a full path)",
        )
    try:
        if file is None:
            return ibis.connect(url)
        if not file.exists():
            raise FileNotFoundError(f"no file {file}")
        return ibis.sqlite.connect(file)
    except Exception as error:  # every driver has errors of its own, and none of them names a remedy
        raise DataError(
            f"the database cannot be opened: {str(error).splitlines()[0]}",
            "a database URL that Ibis knows, such as postgres://user:password@host/database",
            "check the URL, and that the server answers and its driver is installed",
        ) from error
