"""Preparing a source: land every table, read its cells, check them, write typed tables and the report."""

import tempfile
from pathlib import Path

import duckdb

from crmlib.intake.columns import match_columns
from crmlib.intake.contract import TABLES
from crmlib.intake.landing import ROW, Landed, land
from crmlib.intake.report import CheckReport, Ledger, Problem, TableFound
from crmlib.intake.runfile import TableMap
from crmlib.intake.source import Source
from crmlib.intake.sql import OFFLINE, ident, one

TYPES = {
    "id": "VARCHAR", "text": "VARCHAR", "choice": "VARCHAR", "date": "DATE", "time": "TIMESTAMP",
    "money": "DECIMAL(18,4)", "number": "DECIMAL(18,4)", "share": "DECIMAL(18,4)", "score": "DECIMAL(18,4)",
    "flag": "BOOLEAN",
}


def prepare(source: Source, store: Path) -> CheckReport:
    """Read and check `source`; write its typed tables into a new database file `store`."""
    problems: list[Problem] = []
    found: list[TableFound] = []
    ledger = Ledger()
    with (
        tempfile.TemporaryDirectory(dir=store.parent, prefix="scratch-") as scratch,
        duckdb.connect(store, config={**OFFLINE, "temp_directory": scratch}) as connection,
    ):
        connection.execute(f"ATTACH '{scratch}/scratch.duckdb' AS scratch")
        for table in source.tables:
            landed = land(connection, source, table, Path(scratch))
            problems += landed.problems
            match = match_columns(TABLES[table.name], list(landed.types), source.run.tables.get(table.name, TableMap()))
            problems += match.problems
            if not [p for p in problems if p.severity == "error"]:
                facts = _write(connection, table.name, landed, match.sources)
                found.append(TableFound(
                    name=table.name, where=table.where, rows=landed.rows, used_rows=landed.rows,
                    columns=tuple(match.sources), unused_columns=match.unused,
                    missing_columns=tuple(c.name for c in TABLES[table.name].columns if c.name not in match.sources),
                    **facts,
                ))
        if not [p for p in problems if p.severity == "error"]:
            total = one(connection, "SELECT sum(net_amount) AS t FROM orders")["t"]
            ledger = Ledger(total_net=total)
        report = CheckReport(name=source.name, currency=source.run.currency, tables=tuple(found),
                             problems=tuple(problems), ledger=ledger)
        connection.execute("CREATE TABLE crmlib_report (report VARCHAR)")
        connection.execute("INSERT INTO crmlib_report VALUES (?)", [report.to_json()])
        connection.execute("DETACH scratch")
    return report


def _write(connection: duckdb.DuckDBPyConnection, name: str, landed: Landed, sources: dict[str, tuple[str, ...]]):
    cells = []
    for column, names in sources.items():
        kind = TYPES[TABLES[name][column].kind]
        cells.append(" * ".join(f"CAST({ident(n)} AS {kind})" for n in names) + f" AS {ident(column)}")
    cells = [f"CAST({c.rpartition(' AS ')[0]} AS {TYPES[TABLES[name][n].kind]}) AS {ident(n)}" for c, n in zip(cells, sources)]
    connection.execute(f"CREATE TABLE {ident(name)} AS SELECT {ROW}, {', '.join(cells)} FROM {landed.relation}")
    day = TABLES[name].happens
    facts = {}
    if day in sources:
        facts |= one(connection, f"SELECT CAST(min({day}) AS DATE) first_day, CAST(max({day}) AS DATE) last_day FROM {name}")
    if "customer_id" in sources:
        facts |= one(connection, f"SELECT count(DISTINCT customer_id) customers FROM {name}")
    return facts
