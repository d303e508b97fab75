"""Reading cells: one contract column as an SQL expression over a landed table.

A column is profiled first (one pass over the table tells which shapes its cells have), then a way of
reading is chosen for the whole column: never cell by cell, because 03/04 and 1.234 mean nothing alone.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crmlib.intake.contract import Column
from crmlib.intake.report import Problem, Severity
from crmlib.intake.runfile import TextFormat
from crmlib.intake.sql import ident, literal

TYPES = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "choice": "VARCHAR",
    "flag": "BOOLEAN",
    "date": "DATE",
    "time": "TIMESTAMP",
    "money": "DECIMAL(18,4)",
    "number": "DECIMAL(18,4)",
    "share": "DECIMAL(18,4)",
    "score": "DECIMAL(18,4)",
}
WHOLE = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
FLOATS = ("FLOAT", "DOUBLE")
# Words that programs write where an identifier is missing.
NO_ID = ("null", "nan", "none", "n/a", "#n/a", "<na>", "nat", r"\n")
_SPACE = r"[\s\p{Z}\x{200B}\x{FEFF}]"  # with no-break and zero-width blanks, which spreadsheets leave behind


@dataclass(frozen=True)
class Cell:
    """One column of the source, as it is to be read.

    Attributes
    ----------
    table : str
        Contract name of the table, for messages.
    column : Column
        The contract column it is read as.
    name : str
        Its name in the source.
    sql : str
        SQL of the cell: text without blanks around it and NULL where nothing is left; else as it stands.
    raw : str
        SQL of the cell as it stands.
    plain : bool
        Whether no cell of the column has anything to tidy (see `unplain`).
    type : str
        Its engine type.
    form : TextFormat
        What the run file says about text cells.
    rows : int
        Rows of the table.
    factor : bool
        Whether the column is multiplied with another one.
    typed : bool
        Whether the source could have stored numbers and dates as such (a database, Parquet).
    """

    table: str
    column: Column
    name: str
    sql: str
    raw: str
    plain: bool
    type: str
    form: TextFormat
    rows: int
    factor: bool = False
    typed: bool = False

    @property
    def is_text(self) -> bool:
        """Whether the cells are text that has to be read."""
        return self.type == "VARCHAR"

    @property
    def label(self) -> str:
        """The column as a person knows it: contract name, and the source's name where that differs."""
        return self.column.name if self.name == self.column.name else f'{self.column.name} ("{self.name}")'

    @property
    def usual(self) -> str:
        """Name for the condition that a cell is written as nearly all cells are (see `Question.usual`)."""
        return ident(f"usual: {self.column.name} {self.name}")

    def find(
        self, code: str, severity: Severity, sentence: str, remedy: str = "", count: int = 0, where: str = ""
    ) -> "Finding":
        """State something about this column; `where` selects the cells to show as examples."""
        return Finding(
            Problem(
                table=self.table,
                code=code,
                severity=severity,
                sentence=sentence,
                remedy=remedy,
                count=count,
                share=count / self.rows if count else None,
            ),
            where,
        )


@dataclass(frozen=True)
class Finding:
    """A problem of a column, and the SQL condition that selects cells to show for it."""

    problem: Problem
    where: str = ""


@dataclass(frozen=True)
class Way:
    """The way in which a column is read.

    Attributes
    ----------
    value : str
        SQL expression of the contract's type; NULL where the cell is blank or cannot be read.
    present : str
        SQL condition: the cell holds something.
    findings : tuple of Finding
        What was found about the column as a whole.
    exact : str
        SQL expression of the value before rounding to four decimals; empty if nothing is rounded.
    hint : str
        What to do about cells that cannot be read.
    currency : str
        Currency that the cells themselves name; empty if none.
    """

    value: str
    present: str
    findings: tuple[Finding, ...] = ()
    exact: str = ""
    hint: str = ""
    currency: str = ""

    @property
    def in_doubt(self) -> bool:
        """Whether the column cannot be read with confidence, so that its values mean nothing yet."""
        return any(finding.problem.severity == "error" for finding in self.findings)


@dataclass(frozen=True)
class Question:
    """What has to be known about a column before it can be read.

    Attributes
    ----------
    measures : dict of str
        Aggregate SQL expressions by name, computed for all columns of a table in one pass.
    decide : callable
        Takes the measured values by name; returns the way to read the column.
    usual : dict of str
        SQL conditions by the name (`Cell.usual`) under which the measures know them, computed once for each
        row. Nearly all cells of nearly all files are written in one plain way, and only the others are worth
        a closer look, which costs many times more.
    """

    measures: Mapping[str, str]
    decide: Callable[[Mapping[str, Any]], Way]
    usual: Mapping[str, str] = field(default_factory=dict)


def untidy(text: str) -> str:
    """SQL condition: `text` has blanks around it."""
    return f"regexp_matches({text}, '^{_SPACE}|{_SPACE}$')"


def tidy(text: str) -> str:
    """SQL of `text` without blanks around it; NULL where nothing is left."""
    stripped = f"nullif(regexp_replace({text}, '^{_SPACE}+|{_SPACE}+$', '', 'g'), '')"
    return f"CASE WHEN {text} = '' OR {untidy(text)} THEN {stripped} ELSE {text} END"


def unplain(text: str) -> str:
    """SQL condition: `text` is blank, has blanks around it, looks like 17850.0 or says that nothing is there.

    One quick look at all text columns; those in which nothing is found need no further care.
    """
    words = "|".join(re.escape(word) for word in NO_ID)
    pattern = rf"^$|^{_SPACE}|{_SPACE}$|^\d+\.0+$|^(?i:{words})$"
    return f"regexp_matches({text}, {literal(pattern)})"


def known(way: Way) -> Question:
    """A question that needs no look at the data."""
    return Question({}, lambda measured: way)
