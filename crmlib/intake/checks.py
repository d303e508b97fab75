"""Checks that every table gets: keys, bounds, days that cannot be, references to other tables."""

import datetime as dt

from crmlib.intake.inspection import Inspection
from crmlib.intake.landing import ROW
from crmlib.intake.report import Severity, examples
from crmlib.intake.sql import ident, rows
from crmlib.intake.wording import counted, listed, these

# Days outside this range are placeholders (1900-01-01, 9999-12-31) or typing errors in any table.
EARLIEST, LATEST = dt.date(1900, 1, 1), dt.date(2100, 1, 1)
FAR_DAYS = 730
VERY_FAR_DAYS = 3650


def check_table(inspection: Inspection) -> None:
    """Check one typed table by itself; set aside or blank what cannot be used."""
    check_placeholder_days(inspection)
    if inspection.usable(inspection.table.happens) and inspection.name != "customers":
        check_far_days(inspection, inspection.table.happens)
    check_bounds(inspection)
    check_key(inspection)
    check_empty_columns(inspection)


def check_placeholder_days(inspection: Inspection) -> None:
    """Set aside rows, or blank cells, with days such as 1900-01-01 or 9999-12-31."""
    for column in inspection.table.columns:
        if not inspection.usable(column.name) or column.kind not in ("date", "time"):
            continue
        day = ident(column.name)
        condition = f"({day} <= DATE '{EARLIEST}' OR {day} >= DATE '{LATEST}')"
        _refuse_cells(
            inspection,
            column.name,
            condition,
            "impossible-day",
            "a day that cannot be, such as 1900-01-01 or 9999-12-31",
            "Correct the dates; leave unknown days blank.",
        )


def check_far_days(inspection: Inspection, column: str) -> None:
    """Set aside the few rows that lie years away from all others.

    The days of the table fall into blocks wherever more than two years pass without a row. The block with
    most rows is the period; a small block beside it is a typing error, a large one is reported and kept
    unless more than ten years lie between.
    """
    day = ident(column)
    blocks = day_blocks(inspection, column, FAR_DAYS)
    if len(blocks) < 2:
        return
    main_first, main_last, _ = max(blocks, key=lambda block: (block[2], block[0]))
    far, gaps = [], []
    for first, last, count in blocks:
        if first == main_first:
            continue
        distance = (main_first - last).days if last < main_first else (first - main_last).days
        small = inspection.tolerance(count) == "warning"
        (far if small or distance > VERY_FAR_DAYS else gaps).append((first, last, count))
    if far:
        condition = " OR ".join(f"CAST({day} AS DATE) BETWEEN DATE '{a}' AND DATE '{b}'" for a, b, _ in far)
        count = sum(block[2] for block in far)
        severity = inspection.tolerance(count)
        inspection.add(
            "far-day",
            severity,
            f"{counted(count, 'row', inspection.rows, 'lie')} years away from all others, which run from "
            f"{main_first} to {main_last}"
            + (f"; {these(count, 'row', 'are')} set aside." if severity == "warning" else "."),
            "Correct the year in these dates, or remove the rows.",
            count=count,
            examples=inspection.raw_cells(column, condition),
        )
        inspection.set_aside(condition)
    if gaps:
        written = listed([f"{first} to {last} ({counted(count, 'row')})" for first, last, count in gaps])
        inspection.add(
            "gap",
            "warning",
            f"More than two years without any row lie between the main period, {main_first} to "
            f"{main_last}, and: {written}. All rows are kept.",
            "Check that no file is missing and no year is wrong.",
            count=sum(block[2] for block in gaps),
        )


def day_blocks(inspection: Inspection, column: str, gap: int) -> list[tuple[dt.date, dt.date, int]]:
    """Cut the days of a table wherever more than `gap` days pass without a row.

    Returns
    -------
    list of (first day, last day, rows)
        In order of time.
    """
    return rows(
        inspection.connection,
        f"""
        WITH days AS (
            SELECT CAST({ident(column)} AS DATE) AS day, count(*) AS n FROM {inspection.sql}
            WHERE {ident(column)} IS NOT NULL GROUP BY ALL
        ),
        steps AS (SELECT *, day - lag(day) OVER (ORDER BY day) > {gap} AS starts FROM days),
        blocks AS (SELECT *, count(*) FILTER (starts) OVER (ORDER BY day) AS block FROM steps)
        SELECT min(day), max(day), CAST(sum(n) AS BIGINT) FROM blocks GROUP BY block ORDER BY 1
    """,
    )


def check_bounds(inspection: Inspection) -> None:
    """Set aside rows, or blank cells, with a number outside the bounds of the contract."""
    for column in inspection.table.columns:
        low, high = column.bounds
        if not inspection.usable(column.name) or (low is None and high is None):
            continue
        below = "<=" if column.above else "<"
        sides = [f"{ident(column.name)} {below} {low}"] if low is not None else []
        sides += [f"{ident(column.name)} > {high}"] if high is not None else []
        allowed = f"{low:g} or more" if high is None else f"{low:g} to {high:g}"
        if column.above:  # one such value spoils every number made with it, so no share of them is tolerated
            _refuse_all(inspection, column.name, " OR ".join(sides), f"above {low:g}")
            continue
        _refuse_cells(
            inspection,
            column.name,
            f"({' OR '.join(sides)})",
            "out-of-bounds",
            f"a number outside {allowed}",
            f"Correct the numbers; {column.name} must be {allowed}.",
        )


def _refuse_all(inspection: Inspection, name: str, condition: str, allowed: str) -> None:
    """Refuse a table for any such cell; its rows stay, so that nothing else points to nothing because of it."""
    count = inspection.one(f"SELECT count(*) AS n FROM {inspection.sql} WHERE {condition}")["n"]
    if count:
        inspection.add(
            "out-of-bounds",
            "error",
            f"Column {inspection.label(name)} has {counted(count, 'cell', inspection.rows)} with a number that is "
            f"not {allowed}; costs are divided by it.",
            f"Correct the numbers; {name} must be {allowed}. Remove a row that is not in use.",
            count=count,
            examples=inspection.raw_cells(name, condition),
        )


def _refuse_cells(
    inspection: Inspection, name: str, condition: str, code: str, what: str, remedy: str
) -> None:
    count = inspection.one(f"SELECT count(*) AS n FROM {inspection.sql} WHERE {condition}")["n"]
    if not count:
        return
    severity = inspection.tolerance(count)
    required = inspection.table[name].required
    open_end = inspection.table[name].known_later and code == "impossible-day"
    if open_end:  # 9999-12-31 is how many systems write "still running", which is what blank means here
        severity = "note"
    done = (
        these(count, "row", "are") + " set aside" if required else these(count, "cell", "count") + " as blank"
    )
    inspection.add(
        code,
        severity,
        f"Column {inspection.label(name)} has {counted(count, 'cell', inspection.rows)} with {what}"
        + ("." if severity == "error" else f"; {done}."),
        remedy,
        count=count,
        examples=inspection.raw_cells(name, condition),
    )
    if required:
        inspection.set_aside(condition)
    else:
        inspection.blank(name, condition)


def check_key(inspection: Inspection) -> None:
    """Refuse a table in which a key names several rows."""
    key = inspection.table.key
    if not key or not all(name in inspection.sources for name in key):
        return
    columns = ", ".join(ident(name) for name in key)
    repeated = f"SELECT {columns}, min({ROW}) AS first, count(*) AS n FROM {inspection.sql} GROUP BY ALL HAVING n > 1"
    found = inspection.one(f"SELECT count(*) AS keys, CAST(sum(n) AS BIGINT) AS n FROM ({repeated})")
    if not found["keys"]:
        return
    cells = rows(
        inspection.connection,
        f"""
        SELECT {ROW}, concat_ws(' / ', {columns}) FROM {inspection.sql} SEMI JOIN ({repeated}) USING ({columns})
        ORDER BY {columns}, {ROW} LIMIT 4
    """,
    )
    label = " + ".join(inspection.label(name) for name in key)
    inspection.add(
        "duplicate-key",
        "error",
        f"{counted(found['keys'], 'key', verb='stand')} in more than one row, "
        f"{found['n']:,} rows in all; a key ({label}) must name one row only.",
        "Keep one row for each.",
        count=found["n"],
        examples=examples([(row, label, value) for row, value in cells]),
    )


def check_empty_columns(inspection: Inspection) -> None:
    """Treat columns that hold nothing as not there."""
    columns = [name for name in inspection.sources if not inspection.table[name].required]
    if not columns:
        return
    counts = inspection.one(
        "SELECT "
        + ", ".join(f"count({ident(name)}) AS {ident(name)}" for name in columns)
        + f" FROM {inspection.sql}"
    )
    empty = [name for name, count in counts.items() if not count]
    if empty:
        inspection.add(
            "empty-column",
            "warning",
            f"Nothing that can be used stands in {listed([*map(inspection.label, empty)])}; "
            "that counts as not there.",
            "Fill it, or map another column.",
            count=len(empty),
            share=None,
        )
        inspection.drop(empty)


def check_references(inspections: dict[str, Inspection]) -> None:
    """Report identifiers that point to nothing in another table; their rows stay.

    Without its activity or resource an event has no cost, so these are errors; the others are warnings.
    """
    for inspection in inspections.values():
        for column in inspection.table.columns:
            target, _, key = column.refers_to.partition(".")
            there = inspections.get(target)
            if column.name in inspection.sources and there is not None and key in there.sources:
                severity = "error" if column.must_exist else "warning"
                _check_reference(inspection, column.name, there, key, severity)
        if inspection.name == "orders" and "customers" in inspections:
            _check_reference(inspection, "customer_id", inspections["customers"], "customer_id")


def _check_reference(
    inspection: Inspection, name: str, there: Inspection, key: str, severity: Severity = "warning"
) -> None:
    counts = (
        f"(SELECT {ident(name)} AS id, count(*) AS n FROM {inspection.sql} WHERE id IS NOT NULL GROUP BY ALL)"
    )
    if name == "customer_id":
        counts = f"(SELECT customer_id AS id, n FROM {inspection.customers})"
    known = f"(SELECT {ident(key)} AS id FROM {there.sql})"
    found = inspection.one(
        f"SELECT count(*) AS ids, CAST(sum(n) AS BIGINT) AS n FROM {counts} ANTI JOIN {known} USING (id)"
    )
    lost = f"{ident(name)} IS NOT NULL AND {ident(name)} NOT IN (SELECT id FROM {known} WHERE id IS NOT NULL)"
    if found["n"]:
        inspection.add(
            f"unknown-{key.removesuffix('_id')}",
            severity,
            f"{counted(found['n'], 'row', inspection.rows, 'name')} {counted(found['ids'], 'identifier')} in "
            f"{inspection.label(name)} that table {there.name} does not have.",
            ("The rows stay. " if severity == "warning" else "")
            + f"Add what is missing to {there.name}, or correct {inspection.label(name)} in {inspection.name}.",
            count=found["n"],
            examples=inspection.cells(name, lost),
        )
