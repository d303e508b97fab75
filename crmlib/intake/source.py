"""Finding the tables of a source: which file, sheet or database table holds which table of the contract.

Nothing is read here beyond names. A source is a run file, a folder, a single file (CSV, Parquet, Excel,
``.duckdb``) or a database URL.
"""

import difflib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from crmlib.errors import DataError, ParameterError
from crmlib.intake.contract import TABLES
from crmlib.intake.found import Source, TableSource
from crmlib.intake.handed import public_name
from crmlib.intake.leftover import other_files, other_names
from crmlib.intake.runfile import RunFile, TableMap, load_run_file

KINDS = {
    ".csv": "text",
    ".tsv": "text",
    ".txt": "text",
    ".csv.gz": "text",
    ".tsv.gz": "text",
    ".txt.gz": "text",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".xlsb": "excel",
    ".ods": "excel",
    ".duckdb": "duckdb",
}
BUNDLED = Path(__file__).parents[2] / "data" / "run.toml"


def find_source(source: str | Path, run_file: str | Path | None = None) -> Source:
    """Find the tables of `source`.

    Parameters
    ----------
    source : str or Path
        ``"bundled"``, a run file, a folder, a file or a database URL; empty to take the run file's own.
    run_file : str or Path, optional
        A run file that says how to read `source`; its own ``source`` is then not used.

    Returns
    -------
    Source

    Raises
    ------
    ParameterError
        If the source or run file does not exist or is not valid.
    DataError
        If there is no table of orders in it, or a table is there twice.
    """
    text = str(source)
    if text == "bundled":
        text = str(BUNDLED)
    if run_file is None and text.lower().endswith(".toml"):
        run_file, text = text, ""
    run = load_run_file(run_file) if run_file is not None else RunFile()
    if not text:
        text = _source_of(run)
    if "://" in text and not text.startswith("duckdb://"):
        return _open_url(text, run)
    text = text.removeprefix("duckdb://")
    path = Path(text).expanduser()
    if not path.exists():
        raise ParameterError(
            f"no source {text}",
            "a folder, a file (CSV, Parquet, Excel, .duckdb), a run file or a database URL",
            "check the path",
        )
    path = path.resolve()
    name = run.name or path.name.split(".")[0]
    if path.is_dir():
        tables = _checked(path, _in_folder(path, run))
        return Source(name, str(path), run, tables, path, unused=_unused_files(path, tables))
    tables, names = _in_file(path, run)
    unused = other_names(names, {table.inner for table in tables})
    parts = "sheet" if kind_of(path) == "excel" else "table"
    return Source(name, str(path), run, _checked(path, tables), path.parent, unused=unused, parts=parts)


def kind_of(path: Path) -> str | None:
    """Return the kind of a file by the ending of its name, or None if it is no table.

    >>> kind_of(Path("orders.CSV.gz")), kind_of(Path("notes.md"))
    ('text', None)
    """
    name = path.name.lower()
    return next((kind for ending, kind in KINDS.items() if name.endswith(ending)), None)


def _source_of(run: RunFile) -> str:
    if run.source:
        return run.source if "://" in run.source else str(run.path.parent / Path(run.source).expanduser())
    if any(table.file for table in run.tables.values()):
        return str(run.path.parent)
    if run.path is None:
        raise ParameterError(
            "no source is given",
            "a folder, a file (CSV, Parquet, Excel, .duckdb), a run file or a database URL",
            "give one, for example: crmlib check orders.csv",
        )
    raise ParameterError(
        f"{run.path} names no source",
        'source = "a folder, file or database URL"',
        f"add it to the run file, or give the data: crmlib check FILE --map {run.path}",
    )


def _in_folder(folder: Path, run: RunFile) -> list[TableSource]:
    by_stem: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        parts = sorted(path.glob("*.parquet")) if path.is_dir() else []
        if parts or (path.is_file() and kind_of(path)):
            by_stem.setdefault(path.name.split(".")[0].lower(), []).append(path)
    tables = []
    for name in TABLES:
        mapped = run.tables.get(name, TableMap())
        if mapped.file:
            path = folder / mapped.file
            if not path.exists():
                near = difflib.get_close_matches(mapped.file, [p.name for p in folder.iterdir()], n=1)
                raise ParameterError(
                    f"no file {path} for table {name}",
                    "the file that the run file names",
                    f"did you mean {near[0]}?" if near else "correct file in the run file",
                )
        elif mapped.same_file and name != "orders":
            if not tables or tables[0].name != "orders":
                raise ParameterError(
                    f"same_file = true for table {name}, and no file of orders in {folder}",
                    "a file of orders that holds both",
                    "name the file in the run file instead",
                )
            tables.append(replace(tables[0], name=name))
            continue
        elif len(found := by_stem.get(name, [])) > 1:
            raise DataError(
                f"table {name} is there more than once: " + ", ".join(path.name for path in found),
                "one file for each table",
                "remove one, or name the right one in the run file",
            )
        elif found:
            path = found[0]
        else:
            continue
        tables.append(_one_file(name, path, mapped))
    if tables or not by_stem:
        return tables
    names = sorted(path.name for paths in by_stem.values() for path in paths)
    raise DataError(
        f"no file of {folder} has the name of a table; it has " + ", ".join(names[:8]),
        "a file called orders, for example orders.csv",
        f'rename the file with the order lines, or map it in a run file: [tables.orders] file = "{names[0]}"',
    )


def _one_file(name: str, path: Path, mapped: TableMap) -> TableSource:
    if path.is_dir():
        return TableSource(name, "parquet", tuple(sorted(path.glob("*.parquet"))), path.name + "/")
    kind = kind_of(path)
    if kind is None:
        raise ParameterError(
            f"{path.name} is no file crmlib can read",
            "CSV, TSV, TXT (also .gz), Parquet, Excel or .duckdb",
            "save it in one of these formats",
        )
    inner = mapped.sheet or "" if kind == "excel" else mapped.table or name
    return TableSource(name, kind, (path.resolve(),), path.name, inner if kind in ("excel", "duckdb") else "")


def _unused_files(folder: Path, tables: Iterable[TableSource]) -> tuple[str, ...]:
    """Name what stands in a folder and is not read; a table may be mapped to a file further down."""
    files = [file.relative_to(folder) for table in tables for file in table.files if folder in file.parents]
    shown = {table.where.rstrip("/") for table in tables}  # a link's own name, wherever it leads
    return other_files(folder, shown | {file.parts[0] for file in files})


def _in_file(path: Path, run: RunFile) -> tuple[list[TableSource], list[str]]:
    """Find the tables of a file; return them and the names of all its sheets or tables."""
    kind, names = kind_of(path), []
    if kind == "excel":
        from crmlib.intake.excel import sheet_names

        names = sheet_names(path)
        return _by_inner_name(path.name, kind, (path,), names, run), names
    if kind == "duckdb":
        from crmlib.intake.database import duckdb_tables

        names = duckdb_tables(path)
        return _by_inner_name(path.name, kind, _with_log(path, ".wal"), names, run), names
    shared = [name for name in TABLES if name != "orders" and run.tables.get(name, TableMap()).same_file]
    return [_one_file(name, path, run.tables.get(name, TableMap())) for name in ["orders", *shared]], names


def _by_inner_name(
    place: str, kind: str, files: tuple[Path, ...], names: list[str], run: RunFile
) -> list[TableSource]:
    """Match sheets or database tables with the contract, by mapped name or by their own."""
    tables = []
    key = "sheet" if kind == "excel" else "table"
    for name in TABLES:
        wanted = getattr(run.tables.get(name, TableMap()), key)
        if wanted and wanted not in names:
            raise ParameterError(
                f"{place} has no {key} {wanted}, which table {name} is mapped to",
                "one of " + ", ".join(names),
                "correct the run file",
            )
        inner = wanted or next((n for n in names if n.lower().rpartition(".")[2] == name), None)
        if inner is None and kind == "excel" and name == "orders" and names:
            inner = names[0]  # a workbook with one list of sales, whatever the sheet is called
        if inner is not None:
            tables.append(TableSource(name, kind, files, f"{place} {inner}", inner))
    if not tables:
        near = difflib.get_close_matches("orders", names, n=1) or names[:1] or ["name"]
        raise DataError(
            f"{place} has the tables " + (", ".join(names[:12]) or "(none)"),
            "a table called orders",
            f'map it in a run file: [tables.orders] table = "{near[0]}"',
        )
    return tables


def _open_url(url: str, run: RunFile) -> Source:
    from crmlib.intake.database import database_tables, local_file

    file = local_file(url)
    name = run.name or (file.stem if file else urlsplit(url).path.strip("/").rpartition("/")[2]) or "database"
    place = public_name(url)
    schemas = {mapped.table.rpartition(".")[0] for mapped in run.tables.values() if mapped.table} - {""}
    names = database_tables(url, sorted(schemas))
    tables = _by_inner_name(place, "database", _with_log(file, "-wal") if file else (), names, run)
    unused = other_names(names, {table.inner for table in tables})
    folder = file.parent if file else None
    return Source(name, place, run, _checked(place, tables), folder, url, unused, "table")


def _with_log(file: Path, ending: str) -> tuple[Path, ...]:
    """Return a database file and its write-ahead log, in which the latest changes may still stand."""
    log = file.with_name(file.name + ending)
    return (file, log) if log.exists() else (file,)


def _checked(place: str | Path, tables: list[TableSource]) -> tuple[TableSource, ...]:
    """Refuse a source without orders; put the tables in the order of the contract."""
    if not any(table.name == "orders" for table in tables):
        raise DataError(
            f"{place} has "
            + (", ".join(table.name for table in tables) + " but no orders" if tables else "no table"),
            "a file or table called orders (the only one that is required)",
            "add it, or map it in a run file under [tables.orders]",
        )
    order = list(TABLES)
    return tuple(sorted(tables, key=lambda table: order.index(table.name)))
