"""Prepared stores: one DuckDB file per source, written once, opened read-only by everything else."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import duckdb
import filelock

from crmlib.intake.prepare import prepare
from crmlib.intake.report import CheckReport
from crmlib.intake.source import Source
from crmlib.intake.sql import OFFLINE

KEPT_STORES = 8
# Modules of this room that say nothing about what a store holds.
_NO_PART_IN_STORES = ("__init__", "check", "data", "parameters", "store")


def cache_folder(cache: str | Path | None = None) -> Path:
    """Return the folder of prepared stores: `cache`, else ``$CRMLIB_CACHE``, else ``~/.cache/crmlib``."""
    return Path(cache or os.environ.get("CRMLIB_CACHE") or Path.home() / ".cache" / "crmlib").expanduser()


def key_of(source: Source, fingerprint: str) -> str:
    """Return the name of a store: it changes with the data, with how they are read, and with this package."""
    digest = hashlib.sha256(fingerprint.encode())
    settings = source.run.model_dump(exclude={"parameters", "notebooks"})
    digest.update(repr((source.name, settings, [t.where for t in source.tables])).encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        if module.stem not in _NO_PART_IN_STORES:
            digest.update(module.read_bytes())
    return digest.hexdigest()[:32]


def prepared(source: Source, cache: str | Path | None = None) -> tuple[Path, CheckReport]:
    """Return the store of `source` and its report, preparing it first where there is none."""
    folder = cache_folder(cache)
    folder.mkdir(parents=True, exist_ok=True)
    key = key_of(source, source.fingerprint() or "")
    store = folder / f"{key}.duckdb"
    report = _stored_report(store)
    if report is None:
        with filelock.FileLock(folder / f"{key}.lock"):
            report = _stored_report(store) or _write(source, store)
    os.utime(store)
    return store, report


def _stored_report(store: Path) -> CheckReport | None:
    if not store.exists():
        return None
    try:
        with duckdb.connect(store, read_only=True, config=OFFLINE) as connection:
            return CheckReport.from_json(connection.execute("SELECT report FROM crmlib_report").fetchone()[0])
    except (duckdb.Error, ValueError, TypeError):
        return None


def _write(source: Source, store: Path) -> CheckReport:
    aside = Path(tempfile.mkdtemp(dir=store.parent, prefix="aside-"))
    try:
        report = prepare(source, aside / store.name)
        os.replace(aside / store.name, store)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return report


