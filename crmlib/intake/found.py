"""A source with its tables found: what the search hands to the readers."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from crmlib.intake.report import Problem
from crmlib.intake.runfile import RunFile
from crmlib.intake.wording import counted, these


@dataclass(frozen=True)
class TableSource:
    """Where one table of the contract is.

    Attributes
    ----------
    name : str
        Contract name of the table.
    kind : str
        ``text``, ``parquet``, ``excel``, ``duckdb`` or ``database``.
    files : tuple of Path
        Its files: one, or the parts of a Parquet folder; empty for a database URL.
    where : str
        What a person is shown: file name, sheet or database table.
    inner : str
        Sheet or database table inside the file; empty for the first sheet.
    """

    name: str
    kind: str
    files: tuple[Path, ...]
    where: str
    inner: str = ""

    @property
    def typed(self) -> bool:
        """Whether the source stores numbers and dates as such; SQLite knows no dates and forces no types."""
        return self.kind in ("parquet", "duckdb") or (self.kind == "database" and not self.files)


@dataclass(frozen=True)
class Source:
    """A source with its tables found.

    Attributes
    ----------
    name : str
        Name of the company, as reports show it.
    place : str
        The source as given, resolved; for messages.
    run : RunFile
        Settings; the defaults where there is no run file.
    tables : tuple of TableSource
        In the order of the contract.
    folder : Path or None
        Folder in which ``truth/`` may stand.
    url : str
        Database URL, or empty.
    unused : tuple of str
        Files, sheets or database tables beside them that are not read.
    parts : {"file", "sheet", "table"}
        What the source consists of.
    """

    name: str
    place: str
    run: RunFile
    tables: tuple[TableSource, ...]
    folder: Path | None = None
    url: str = ""
    unused: tuple[str, ...] = ()
    parts: str = "file"

    def fingerprint(self) -> str | None:
        """Return a hash of all file contents; None for a database server, which has no files."""
        if not all(table.files for table in self.tables):
            return None
        digest = hashlib.sha256()
        for table in self.tables:
            for file in table.files:
                digest.update(f"{table.name}\0{table.kind}\0{table.inner}\0".encode())
                with file.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()


def blank_rows(table: TableSource, count: int, first: int) -> Problem:
    """Say that rows in which every cell is blank, the first of them in row `first`, are left out."""
    return Problem(
        table=table.name,
        code="blank-row",
        severity="note",
        count=count,
        sentence=f"{counted(count, 'row', verb='have')} nothing in any cell; {these(count, 'row', 'are')} left out "
        f"(the first is row {first:,}).",
    )
