"""A run's folder: built aside, moved into place when complete, and never half there.

::

    reports/<name>/
        <as_of>/                 the last good run; what readers open
        latest                   link to the newest of them
        failed/<as_of>/          the notebook of a failed run, for inspection
        .building/
            <as_of>.lock         held while a run builds that day
            <as_of>.holder       who holds it, for the message to others
            <as_of>.stage-<pid>/ the run being built
            <as_of>.old/         the previous run, for the moment of the swap

Whatever is left in ``.building`` by a run that was killed is cleaned up by the next one: a previous
run that was set aside comes back, an unfinished stage is removed.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from crmlib.errors import RunError

MANIFEST = "manifest.json"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def slug(name: str) -> str:
    """Turn a company's name into a folder name.

    Where letters get lost on the way, a few digits of a hash keep two companies apart.

    >>> slug("Casa Verbena S.p.A."), slug("Città & C."), slug("漢")
    ('casa-verbena-s-p-a', 'citta-c', 'company-fc9f0d')
    """
    letters = [c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)]
    plain = "".join(c for c in letters if c.isascii()).lower()
    whole = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    lost = any(c.isalnum() and not c.isascii() for c in letters) or not whole or len(whole) > 60
    mark = "-" + hashlib.sha256(name.encode()).hexdigest()[:6] if lost else ""
    return (whole[:53].strip("-") or "company") + mark if lost else whole


class RunFolder:
    """The folder of one company and one day.

    Parameters
    ----------
    output : Path
        Folder for the reports of all companies.
    name : str
        The company's name.
    as_of : str
        The last known day, ``YYYY-MM-DD``.
    """

    def __init__(self, output: Path, name: str, as_of: str):
        self.name = name
        self.company = Path(output) / slug(name)
        self.as_of = as_of
        self.final = self.company / as_of
        self.failed = self.company / "failed" / as_of
        self._building = self.company / ".building"
        self.stage = self._building / f"{as_of}.stage-{os.getpid()}"
        self._old = self._building / f"{as_of}.old"
        self._holder = self._building / f"{as_of}.holder"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder; refuse at once if another run does.

        On entry it cleans up after a run that was killed, on exit it removes the stage.
        """
        self._building.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._building / f"{self.as_of}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise RunError(
                f"another run is building {self.final}{self._who()}",
                "one run at a time into the same folder",
                "wait until it is done, or choose another folder with --output",
            ) from None
        try:
            started = datetime.now(UTC).strftime("%H:%M:%S UTC on %Y-%m-%d")
            holder = {"pid": os.getpid(), "host": socket.gethostname(), "started": started}
            self._holder.write_text(json.dumps(holder), encoding="utf-8")
            self.recover()
            self._refuse_other_company()
            yield
        finally:
            remove(self.stage)
            with contextlib.suppress(OSError):
                self._holder.unlink()
            lock.release()

    def _refuse_other_company(self) -> None:
        """Two names such as A/B and A B share a folder; the second must not replace the first."""
        for path in sorted(self.company.glob(f"*/{MANIFEST}")):
            with contextlib.suppress(OSError, ValueError):
                other = json.loads(path.read_text(encoding="utf-8")).get("company", self.name)
                if other != self.name:
                    raise RunError(
                        f"{self.company} holds the reports of '{other}', not of '{self.name}'",
                        "a folder for each company",
                        "choose another folder with --output, or another name in the run file",
                    )

    def _who(self) -> str:
        try:
            holder = json.loads(self._holder.read_text(encoding="utf-8"))
            return f" (process {holder['pid']} on {holder['host']}, started at {holder['started']})"
        except (OSError, ValueError, KeyError, TypeError):
            return ""  # it has only just started, or is just done

    def recover(self) -> None:
        """Undo what an interrupted run left behind. The lock must be held."""
        if self._old.exists():
            if self.final.exists():
                remove(self._old)
            else:
                self._old.rename(self.final)
        for left in self._building.glob(f"{self.as_of}.stage-*"):
            remove(left)

    def open_stage(self) -> Path:
        """Make the empty folder in which the run is built."""
        if self.final.exists() and not (self.final / MANIFEST).is_file() and any(self.final.iterdir()):
            raise RunError(
                f"{self.final} holds files but no {MANIFEST}, so it is no earlier run",
                "a folder that this command made, or none",
                "move it away, or choose another folder with --output",
            )
        self.stage.mkdir(parents=True)
        return self.stage

    def put_in_place(self) -> None:
        """Swap the finished stage for the previous run."""
        sync_folder(self.stage)
        if self.final.exists():
            self.final.rename(self._old)
        try:
            self.stage.rename(self.final)
        except OSError:
            if self._old.exists():
                self._old.rename(self.final)
            raise
        _sync(self.company)
        remove(self._old)
        remove(self.failed)
        with contextlib.suppress(OSError):
            self.failed.parent.rmdir()  # only if it was the last one
        self._point_latest()

    def _point_latest(self) -> None:
        """Let ``latest`` lead to the newest day; a text file where links are not allowed."""
        newest = self.runs()[-1]
        latest, aside = self.company / "latest", self._building / f"latest-{os.getpid()}"
        try:
            aside.symlink_to(newest, target_is_directory=True)
        except (OSError, NotImplementedError):
            aside.write_text(newest + "\n", encoding="utf-8")
        try:
            aside.replace(latest)
        finally:
            aside.unlink(missing_ok=True)

    def runs(self) -> list[str]:
        """Days with a finished run, oldest first."""
        return finished_days(self.company)

    def previous(self) -> str | None:
        """The finished run before this one, or None."""
        earlier = [day for day in self.runs() if day < self.as_of]
        return earlier[-1] if earlier else None

    def keep_failed(self, files: Sequence[Path]) -> Path | None:
        """Keep files of a failed run for inspection; None if even that could not be written."""
        try:
            remove(self.failed)
            self.failed.mkdir(parents=True)
            for path in files:
                if path.is_file():
                    shutil.copyfile(path, self.failed / path.name)
        except OSError:
            return None
        return self.failed


def finished_days(company: Path) -> list[str]:
    """Days for which a company's folder has a finished run, oldest first."""
    if not company.is_dir():
        return []
    return sorted(
        entry.name
        for entry in company.iterdir()
        if _DAY.fullmatch(entry.name) and not entry.is_symlink() and (entry / MANIFEST).is_file()
    )


def newest_report(output: Path, name: str = "") -> Path:
    """Return the folder of the newest report, of one company or of all.

    Parameters
    ----------
    output : Path
        Folder for the reports of all companies.
    name : str, optional
        Company, or part of its name.

    Raises
    ------
    RunError
        If there is none.
    """
    companies = sorted(path for path in output.iterdir() if path.is_dir()) if output.is_dir() else []
    part = slug(name) if name else ""
    found = [
        (company / finished_days(company)[-1] / MANIFEST, company)
        for company in companies
        if part in company.name and finished_days(company)
    ]
    if not found:
        of = f" of '{name}'" if name else ""
        raise RunError(f"no report{of} in {output}", "at least one", "make one with: crmlib report")
    return max(found, key=lambda pair: pair[0].stat().st_mtime)[0].parent


def remove(folder: Path) -> None:
    """Remove a folder if it is there; a process just ending may still write into it, so try again."""
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return


def sync_folder(folder: Path) -> None:
    """Bring every file of a folder to the disk."""
    for path in sorted(folder.rglob("*"), reverse=True):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    if path.is_dir() and sys.platform == "win32":
        return  # Windows opens no folder
    handle = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
