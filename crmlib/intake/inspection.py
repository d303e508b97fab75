"""One table under inspection: its typed rows, what is wrong with them, and what is set aside."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

import duckdb

from crmlib.intake.contract import Table
from crmlib.intake.landing import ROW, Landed
from crmlib.intake.report import Problem, Severity, examples
from crmlib.intake.sql import ident, one, rows

# Cells or rows that cannot be used are set aside up to this share of a table; above it, the run stops.
TOLERATED = 0.005
SHOWN = 5


@dataclass
class Inspection:
    """A typed table in the new store, with the landed table it came from.

    Attributes
    ----------
    connection : duckdb.DuckDBPyConnection
    table : Table
        The contract.
    where : str
        File, sheet or database table, for messages.
    landed : Landed
    sources : dict of str to tuple of str
        Contract column to columns of the source.
    unused : tuple of str
        Columns of the source that belong to no contract column.
    problems : list of Problem
    currencies : set of str
        Currencies that the cells or a currency column name.
    in_doubt : set of str
        Columns that cannot be read with confidence; checks that rest on them are left out.
    set_aside_rows, set_aside_net : int, Decimal
        Rows set aside so far, and the readable money on them.
    """

    connection: duckdb.DuckDBPyConnection
    table: Table
    where: str
    landed: Landed
    sources: dict[str, tuple[str, ...]]
    unused: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    currencies: set[str] = field(default_factory=set)
    in_doubt: set[str] = field(default_factory=set)
    set_aside_rows: int = 0
    set_aside_net: Decimal = Decimal(0)

    @property
    def name(self) -> str:
        """Contract name of the table."""
        return self.table.name

    @property
    def sql(self) -> str:
        """Quoted name of the typed table."""
        return ident(self.table.name)

    @property
    def rows(self) -> int:
        """Rows found in the source."""
        return self.landed.rows

    @cached_property
    def customers(self) -> str:
        """Table with one row per customer: ``customer_id``, ``n`` rows, first ``day`` where rows have one.

        Made when it is first asked for, so ask only once nothing more is set aside.
        """
        name, day = ident(f"customers in {self.name}"), self.table.happens
        first = f"CAST(min({ident(day)}) AS DATE)" if day in self.sources else "NULL"
        self.connection.execute(
            f"CREATE TEMP TABLE {name} AS SELECT customer_id, count(*) AS n, {first} AS day FROM {self.sql} "
            "WHERE customer_id IS NOT NULL GROUP BY ALL"
        )
        return name

    def usable(self, *columns: str) -> bool:
        """Whether the table has all these columns, read with confidence."""
        return all(column in self.sources and column not in self.in_doubt for column in columns)

    def one(self, query: str) -> dict[str, Any]:
        """Return the only row of `query`."""
        return one(self.connection, query)

    def tolerance(self, count: int) -> Severity:
        """Return whether so many bad cells stop the run or are set aside."""
        return "error" if count > TOLERATED * self.rows else "warning"

    def add(self, code: str, severity: Severity, sentence: str, remedy: str = "", **more: Any) -> None:
        """Note a problem of this table; `count` gives the share of rows unless `share` is given."""
        if "count" in more and self.rows:
            more.setdefault("share", more["count"] / self.rows)
        self.problems.append(
            Problem(table=self.name, code=code, severity=severity, sentence=sentence, remedy=remedy, **more)
        )

    def cells(self, column: str, condition: str) -> tuple:
        """Return examples of a typed column where `condition` holds."""
        found = rows(
            self.connection,
            f"SELECT {ROW}, CAST({ident(column)} AS VARCHAR) FROM {self.sql} WHERE {condition} "
            f"ORDER BY {ROW} LIMIT {SHOWN}",
        )
        return examples([(row, self.label(column), value) for row, value in found])

    def raw_cells(self, column: str, condition: str) -> tuple:
        """Return examples of a column as it stands in the source, for typed rows where `condition` holds."""
        names = [f"coalesce(CAST(l.{ident(name)} AS VARCHAR), '')" for name in self.sources[column]]
        found = rows(
            self.connection,
            f"WITH hit AS (SELECT {ROW} FROM {self.sql} WHERE {condition} ORDER BY {ROW} LIMIT {SHOWN}) "
            f"SELECT {ROW}, concat_ws(' × ', {', '.join(names)}) FROM hit JOIN {self.landed.relation} AS l "
            f"USING ({ROW}) ORDER BY {ROW}",
        )
        return examples([(row, self.label(column), value) for row, value in found])

    def label(self, column: str) -> str:
        """Return the name a person finds in the source."""
        return " × ".join(self.sources.get(column, (column,)))

    def set_aside(self, condition: str) -> None:
        """Remove the rows where `condition` holds, and count them and their money."""
        net = "sum(net_amount)" if self.name == "orders" else "NULL"
        gone = self.one(f"SELECT count(*) AS n, {net} AS net FROM {self.sql} WHERE {condition}")
        self.set_aside_rows += gone["n"]
        self.set_aside_net += gone["net"] or 0
        self.connection.execute(f"DELETE FROM {self.sql} WHERE {condition}")

    def blank(self, column: str, condition: str) -> None:
        """Empty the cells of a column where `condition` holds."""
        self.connection.execute(f"UPDATE {self.sql} SET {ident(column)} = NULL WHERE {condition}")

    def drop(self, columns: list[str]) -> None:
        """Treat columns as not there."""
        for column in columns:
            self.connection.execute(f"ALTER TABLE {self.sql} DROP COLUMN {ident(column)}")
        self.sources = {name: source for name, source in self.sources.items() if name not in columns}
