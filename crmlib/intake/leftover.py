"""What stands beside the tables of a source and is not read, so that a misspelt name is not lost in silence."""

import difflib
from collections.abc import Collection, Iterable
from pathlib import Path

from crmlib.intake.contract import TABLES
from crmlib.intake.report import Problem
from crmlib.intake.wording import listed

_NO_DATA = (".toml", ".md", ".wal", ".db-wal", ".db-shm", ".db-journal")
_MISSPELT, _SIMILAR = 0.8, 0.65


def other_files(folder: Path, used: Collection[str]) -> tuple[str, ...]:
    """Return the files of a folder, and its folders of Parquet parts, whose names are not in `used`."""
    names = []
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if path.name in used or name.startswith((".", "~", "readme")) or name.endswith(_NO_DATA):
            continue
        if path.is_file():
            names.append(path.name)
        elif name != "truth" and next(path.glob("*.parquet"), None):
            names.append(path.name + "/")
    return tuple(names)


def other_names(names: Iterable[str], used: Collection[str]) -> tuple[str, ...]:
    """Return the sheets or database tables that are not in `used`, without an engine's own."""
    return tuple(name for name in names if name not in used and not name.startswith("sqlite_"))


def leftover(names: Iterable[str], what: str, there: Collection[str]) -> list[Problem]:
    """Name what is not read: a warning for what is nearly called like a table, one note for the rest.

    Parameters
    ----------
    names : iterable of str
        Files, sheets or database tables.
    what : {"file", "sheet", "table"}
    there : collection of str
        Contract tables that are read; nothing can be a misspelt name of these.

    Examples
    --------
    >>> [problem.sentence for problem in leftover(["event.csv", "notes.csv"], "file", ["orders"])]
    ['Not used: event.csv. Did you mean events.csv?', 'Not used: notes.csv.']
    """
    problems, rest, meant = [], [], {}
    for name in names:
        table, alike = _nearest(name, what)
        if table in there or alike < _SIMILAR:
            rest.append(name)
        elif alike < _MISSPELT:
            rest.append(name)
            meant[name] = _renamed(name, table, what)
        else:
            problems.append(_problem("warning", what, [name], {name: _renamed(name, table, what)}))
    return problems + ([_problem("note", what, rest, meant)] if rest else [])


def _problem(severity: str, what: str, names: list[str], meant: dict[str, str]) -> Problem:
    sentence = f"Not used: {listed(names)}."
    if len(names) == 1 and meant:
        sentence += f" Did you mean {meant[names[0]]}?"
    elif meant:
        sentence += " Did you mean " + listed([f"{new} by {name}" for name, new in meant.items()]) + "?"
    return Problem(
        table=f"other {what}s",
        code="name-nearly-known" if severity == "warning" else "not-used",
        severity=severity,
        count=len(names),
        sentence=sentence,
        remedy=f"Rename {'it' if len(names) == 1 else 'them'}, or map in a run file what should be read."
        if meant
        else "",
    )


def _stem(name: str, what: str) -> str:
    stem = name.strip("/").split(".")[0] if what == "file" else name.rpartition(".")[2]
    return stem.strip().lower()


def _nearest(name: str, what: str) -> tuple[str, float]:
    """Return the contract table whose name is most like `name`, and how alike they are."""
    stem = _stem(name, what)
    alike = {table: difflib.SequenceMatcher(None, stem, table).ratio() for table in TABLES}
    table = max(alike, key=lambda table: alike[table])
    return table, alike[table]


def _renamed(name: str, table: str, what: str) -> str:
    if what != "file":
        return table
    return table + name[len(name.split(".")[0]) :] if "." in name else table + name[len(name.rstrip("/")) :]
