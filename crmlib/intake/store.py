"""Prepared stores: one DuckDB file per source, written once, opened read-only by everything else.

A store is written aside and renamed when it is complete; beside it stands its checksum. Whoever finds no
store, or a damaged one, prepares it again. The name of a store is a hash of everything that shaped it.
"""

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import duckdb
import filelock

from crmlib.errors import DataError, RunError
from crmlib.intake.found import Source
from crmlib.intake.prepare import REPORT_TABLE, prepare
from crmlib.intake.report import CheckReport
from crmlib.intake.sql import OFFLINE, ident

KEPT_STORES = 8
# Modules of this room that say nothing about what a store holds.
_NO_PART_IN_STORES = ("handed", "__init__", "check", "data", "parameters", "store")


def prepared(source: Source, cache: str | Path | None = None) -> tuple[Path, CheckReport]:
    """Return the store of `source` and its report, preparing it first where there is none.

    Parameters
    ----------
    source : Source
    cache : str or Path, optional
        Folder of the stores; ``$CRMLIB_CACHE``, else ``~/.cache/crmlib``.

    Raises
    ------
    RunError
        If the store cannot be written, for example because the disk is full.
    """
    folder = cache_folder(cache)
    fingerprint = source.fingerprint()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if fingerprint is None:
            return _prepare_server(source, folder)
        store = folder / f"{_key(source, fingerprint)}.duckdb"
        report = stored_report(store)
        if report is None:
            with filelock.FileLock(store.with_suffix(".lock")):
                report = stored_report(store) or _write(source, store, fingerprint)
        with suppress(OSError):  # another user's cache can be read but not touched
            os.utime(store)
        return store, report
    except (OSError, duckdb.Error) as error:
        if isinstance(error, duckdb.Error) and not isinstance(error, _WRITE_ERRORS):
            raise
        raise RunError(
            f"the prepared data cannot be written to {folder}: {str(error).strip().splitlines()[0]}",
            "a folder that can be written to, with about as much free space as the source takes",
            "free space, or set CRMLIB_CACHE to a folder on another disk",
        ) from error


# A disk that fills up while a change is completed is a TransactionException.
_WRITE_ERRORS = (
    duckdb.IOException,
    duckdb.FatalException,
    duckdb.OutOfMemoryException,
    duckdb.TransactionException,
)


def cache_folder(cache: str | Path | None = None) -> Path:
    """Return the folder of prepared stores: `cache`, else ``$CRMLIB_CACHE``, else ``~/.cache/crmlib``."""
    return Path(cache or os.environ.get("CRMLIB_CACHE") or Path.home() / ".cache" / "crmlib").expanduser()


def _key(source: Source, fingerprint: str) -> str:
    """Name a store after the data, how they are read, and the code that reads them."""
    digest = hashlib.sha256(fingerprint.encode())
    settings = source.run.model_dump(exclude={"parameters", "notebooks"})
    said = (source.name, settings, [table.where for table in source.tables], source.unused)
    digest.update(repr(said).encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        if module.stem not in _NO_PART_IN_STORES:
            digest.update(module.read_bytes())
    return digest.hexdigest()[:32]


def stored_report(store: Path) -> CheckReport | None:
    """Return the report in a store; None if there is no store or it is damaged."""
    try:
        if _checksum(store) != store.with_suffix(".sha256").read_text(encoding="ascii"):
            return None
        with duckdb.connect(store, read_only=True, config=OFFLINE) as connection:
            return CheckReport.from_json(connection.execute(f"FROM {REPORT_TABLE}").fetchone()[0])
    except (FileNotFoundError, UnicodeDecodeError, duckdb.Error):
        return None


def _write(source: Source, store: Path, fingerprint: str) -> CheckReport:
    aside = Path(tempfile.mkdtemp(dir=store.parent, prefix="aside-"))
    try:
        report = prepare(source, aside / "store")
        if source.fingerprint() != fingerprint:
            raise DataError(
                f"{source.place} changed while it was read",
                "files that stay as they are during a run",
                "wait until they are complete, then run again",
            )
        _move(aside / "store", store)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    _prune(store)
    return report


def _prepare_server(source: Source, folder: Path) -> tuple[Path, CheckReport]:
    """Read a database server, which has no files to recognise it by, afresh; name the store by its contents."""
    aside = Path(tempfile.mkdtemp(dir=folder, prefix="aside-"))
    try:
        report = prepare(source, aside / "store")
        store = folder / f"{_key(source, _contents(aside / 'store', report))}.duckdb"
        with filelock.FileLock(store.with_suffix(".lock")):
            if stored_report(store) is None:
                _move(aside / "store", store)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    _prune(store)
    return store, report


def _contents(store: Path, report: CheckReport) -> str:
    """Return a hash of all rows that does not depend on their order, which a server does not promise."""
    digest = hashlib.sha256()
    with duckdb.connect(store, read_only=True, config=OFFLINE) as connection:
        for found in report.tables:
            columns = ", ".join(ident(column) for column in found.columns)
            hashed = (
                f"SELECT count(*), bit_xor(hash({columns})), sum(hash({columns})) FROM {ident(found.name)}"
            )
            digest.update(repr((found.name, connection.execute(hashed).fetchone())).encode())
    return digest.hexdigest()


def _move(written: Path, store: Path) -> None:
    checksum = written.with_suffix(".sha256")
    checksum.write_text(_checksum(written), encoding="ascii")
    checksum.replace(store.with_suffix(".sha256"))
    written.replace(store)


def _checksum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _prune(kept: Path) -> None:
    """Remove the stores that were used longest ago; one that is open elsewhere lives until it is closed."""
    stores = sorted(kept.parent.glob("*.duckdb"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in [store for store in stores if store != kept][KEPT_STORES - 1 :]:
        for path in (old, old.with_suffix(".sha256"), old.with_suffix(".lock")):
            with suppress(OSError):
                path.unlink()
