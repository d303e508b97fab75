"""Preparing a source: land every table, read its cells, check them, write typed tables and the report."""

import tempfile
from pathlib import Path

import duckdb

from crmlib.intake.checks import check_references, check_table
from crmlib.intake.columns import match_columns
from crmlib.intake.contract import TABLES
from crmlib.intake.currency import named_currencies, run_currency
from crmlib.intake.found import Source, TableSource
from crmlib.intake.inspection import Inspection
from crmlib.intake.landing import land, reading
from crmlib.intake.ledger import check_beginning, check_later_days, check_ledger
from crmlib.intake.leftover import leftover
from crmlib.intake.report import CheckReport, Ledger, Problem, Refused, TableFound
from crmlib.intake.runfile import TableMap
from crmlib.intake.sql import OFFLINE, ident, literal
from crmlib.intake.stated import add_stated, without_read
from crmlib.intake.titles import better_header
from crmlib.intake.typed import write_typed

REPORT_TABLE = "crmlib_report"


def prepare(source: Source, store: Path) -> CheckReport:
    """Read and check `source`; write its typed tables and the report into a new database file.

    Parameters
    ----------
    source : Source
    store : Path
        Where to write; must not exist. Temporary files go beside it.

    Returns
    -------
    CheckReport
        With all problems found; the store is of use only if none of them is an error.
    """
    with (
        tempfile.TemporaryDirectory(dir=store.parent, prefix="scratch-") as scratch,
        duckdb.connect(store, config={**OFFLINE, "temp_directory": scratch}) as connection,
    ):
        # The run has its own display. In a notebook without widgets the bar is off and cannot even be set.
        if connection.execute("SELECT current_setting('enable_progress_bar')").fetchone()[0]:
            connection.execute("SET enable_progress_bar = false")
        connection.execute(f"ATTACH {literal(scratch + '/scratch.duckdb')} AS scratch")
        report = _check(connection, source, Path(scratch))
        connection.execute(f"CREATE TABLE {REPORT_TABLE} AS SELECT {literal(report.to_json())} AS report")
        connection.execute("DETACH scratch")
    return report


def _check(connection: duckdb.DuckDBPyConnection, source: Source, scratch: Path) -> CheckReport:
    problems: list[Problem] = []
    inspections: dict[str, Inspection] = {}
    for table in source.tables:
        try:
            inspection = _table(connection, source, table, scratch, problems)
        except Refused as refusal:
            problems.append(refusal.problem)
            connection.execute(f"DROP TABLE IF EXISTS {ident(table.name)}")
        else:
            inspections[table.name] = inspection
    currency, found = run_currency(source.run, inspections)
    problems += found
    orders, ledger = inspections.get("orders"), Ledger()
    if orders is not None:
        ledger = check_ledger(orders, currency)
        check_beginning(orders, inspections.get("customers"))
        check_later_days(orders, inspections)
    check_references(inspections)
    problems += leftover(source.unused, source.parts, {table.name for table in source.tables})
    for inspection in inspections.values():
        problems += inspection.problems
    return CheckReport(
        name=source.name,
        fingerprint=source.fingerprint() or "",
        currency=currency,
        ledger=ledger,
        problems=tuple(problems),
        tables=tuple(_describe(inspection) for inspection in inspections.values()),
    )


def _table(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    table: TableSource,
    scratch: Path,
    problems: list[Problem],
) -> Inspection:
    """Land, match, read and check one table."""
    contract, mapped = TABLES[table.name], source.run.tables.get(table.name, TableMap())
    with reading(table):
        landed = land(connection, source, table, scratch)
        landed, named = add_stated(connection, table.name, landed, mapped)
    problems += landed.problems
    match = without_read(match_columns(contract, list(landed.types), named), mapped)
    *others, last = better_header(connection, table, landed, match.problems) or (None,)
    if last is not None:
        problems += others
        raise Refused(last)
    if not landed.rows:
        raise Refused(_no_rows(table))
    with reading(table):
        inspection = write_typed(connection, table, contract, landed, match, mapped.text_format(source.run))
    named_currencies(inspection)
    check_table(inspection)
    return inspection


def _no_rows(table: TableSource) -> Problem:
    if table.name == "orders":
        severity, remedy = "error", "Export the file again with its rows."
    else:
        severity, remedy = "warning", "What needs it is left out. Export it again, or remove the file."
    return Problem(
        table=table.name,
        code="no-rows",
        severity=severity,
        count=1,
        remedy=remedy,
        sentence=f"{table.where} has a header but no rows.",
    )


def _describe(inspection: Inspection) -> TableFound:
    contract, has = inspection.table, inspection.sources
    day, customer = contract.happens, "customer_id" in has
    facts = inspection.one(
        "SELECT count(*) AS used_rows"
        + (
            f", CAST(min({ident(day)}) AS DATE) AS first_day, CAST(max({ident(day)}) AS DATE) AS last_day"
            if day in has
            else ""
        )
        + (f", (SELECT count(*) FROM {inspection.customers}) AS customers" if customer else "")
        + f" FROM {inspection.sql}"
    )
    return TableFound(
        name=contract.name,
        where=inspection.where,
        rows=inspection.rows,
        columns=tuple(has),
        missing_columns=tuple(column.name for column in contract.columns if column.name not in has),
        unused_columns=inspection.unused,
        **facts,
    )
