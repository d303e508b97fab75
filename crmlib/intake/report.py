"""What a check found: problems, tables and the totals of the ledger."""

import datetime as dt
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Severity = Literal["error", "warning", "note"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Example(_Frozen):
    """One cell to look at: its row as a person counts them, its column and what stands there.

    An empty column means the whole row.
    """

    row: int | None
    column: str
    value: str


class Problem(_Frozen):
    """Something in the data that a reader should know.

    Attributes
    ----------
    table : str
        Contract name of the table.
    code : str
        Stable slug, for example ``unreadable-date``.
    severity : {"error", "warning", "note"}
        An error stops; a warning set rows or cells aside, or casts doubt on numbers; a note says how
        something was read.
    sentence : str
        What is the case, in plain English with counts.
    remedy : str
        What to do about it; empty where nothing has to be done.
    count : int
        Rows (or cells, customers, keys) concerned.
    share : float or None
        Share of the table's rows concerned, where that makes sense.
    net : Decimal or None
        Money on the rows concerned, where that makes sense.
    examples : tuple of Example
        Up to five cells.
    """

    table: str
    code: str
    severity: Severity
    sentence: str
    remedy: str = ""
    count: int = 0
    share: float | None = None
    net: Decimal | None = None
    examples: tuple[Example, ...] = ()

    def shown(self) -> list[str]:
        """Return the examples in words, one text for each column."""
        texts = []
        for column, cells in groupby(self.examples, key=lambda example: example.column):
            if column:
                texts.append(f"{column}: " + ", ".join(f"row {c.row:,} {_quoted(c.value)}" for c in cells))
            else:
                texts += [f"row {cell.row:,}: {_printable(cell.value)}" for cell in cells]
        return texts


class TableFound(_Frozen):
    """One table as found: where, how many rows, which columns.

    Attributes
    ----------
    name, where : str
        Contract name, and the file, sheet or database table it came from.
    rows, used_rows : int
        Rows found and rows kept.
    first_day, last_day : datetime.date or None
        Period of the rows kept, by the column that dates a row.
    customers : int or None
        Distinct customers in the rows kept; None if the table has no customer.
    columns, missing_columns : tuple of str
        Contract columns the source has, and those it lacks.
    unused_columns : tuple of str
        Columns of the source that belong to no contract column.
    """

    name: str
    where: str
    rows: int
    used_rows: int
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    customers: int | None = None
    columns: tuple[str, ...] = ()
    missing_columns: tuple[str, ...] = ()
    unused_columns: tuple[str, ...] = ()


class Ledger(_Frozen):
    """The totals every later number must add up to, in the run's currency.

    Attributes
    ----------
    total_net : Decimal
        Net amount of all order lines kept.
    anonymous_net, anonymous_rows : Decimal, int
        Part of it, and of the lines, that no customer is named for.
    returns_net, returns_rows : Decimal, int
        Part of it, and of the lines, with a negative amount.
    set_aside_net, set_aside_rows : Decimal, int
        Readable money and order lines set aside; not in `total_net`.
    """

    total_net: Decimal = Decimal(0)
    anonymous_net: Decimal = Decimal(0)
    anonymous_rows: int = 0
    returns_net: Decimal = Decimal(0)
    returns_rows: int = 0
    set_aside_net: Decimal = Decimal(0)
    set_aside_rows: int = 0


class CheckReport(_Frozen):
    """Everything a check found in one source.

    `fingerprint` names the contents of its files, whatever reads them; it is empty for a server.
    """

    name: str
    currency: str
    fingerprint: str = ""
    tables: tuple[TableFound, ...] = ()
    problems: tuple[Problem, ...] = ()
    ledger: Ledger = Field(default_factory=Ledger)

    @property
    def errors(self) -> list[Problem]:
        """Problems that stop a run."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        """Problems a reader of the report must see."""
        return [problem for problem in self.problems if problem.severity == "warning"]

    @property
    def notes(self) -> list[Problem]:
        """How things were read."""
        return [problem for problem in self.problems if problem.severity == "note"]

    def found(self, table: str) -> TableFound | None:
        """Return what was found of `table`, or None."""
        return next((found for found in self.tables if found.name == table), None)

    def to_json(self) -> str:
        """Return the report as JSON text."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> "CheckReport":
        """Read back what `to_json` wrote."""
        return cls.model_validate_json(text)


def _quoted(value: str) -> str:
    return f'"{_printable(value)}"' if value else "(blank)"


def _printable(value: str) -> str:
    """Write out line breaks and other signs that do not show, or that would steer a terminal."""
    return value if value.isprintable() else value.encode("unicode_escape").decode()


def examples(cells: list[tuple[int | None, str, Any]]) -> tuple[Example, ...]:
    """Make examples from ``(row, column, value)``; long values are cut."""
    return tuple(
        Example(row=row, column=column, value="" if value is None else str(value)[:80])
        for row, column, value in cells
    )


class Refused(Exception):
    """A table that cannot be read; carries the problem that says why."""

    def __init__(self, problem: Problem):
        super().__init__(problem.sentence)
        self.problem = problem

    @classmethod
    def table(cls, table: str, code: str, sentence: str, remedy: str) -> "Refused":
        """Refuse a whole table."""
        return cls(
            Problem(table=table, code=code, severity="error", sentence=sentence, remedy=remedy, count=1)
        )
