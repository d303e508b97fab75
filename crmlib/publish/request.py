"""What a run is asked for, and how it ended."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import crmlib

NOTEBOOKS = Path(crmlib.__file__).parents[1] / "notebooks"
BUNDLED = NOTEBOOKS.parent / "data"


@dataclass(frozen=True)
class Request:
    """What to report on, and how.

    Attributes
    ----------
    source : str
        ``"bundled"``, a run file, a folder, a file or a database URL.
    run_file : Path or None
        Settings to use for a source that is no run file itself.
    as_of : str
        Last known day; empty for the run file's own, else the last day in the data.
    only : tuple of str
        Notebooks to run (with those they need); empty for all.
    output : Path
    jobs : int
        Notebooks side by side.
    timeout : float
        Seconds a cell may take.
    force : bool
        Run also what is unchanged.
    notebooks : Path
    """

    source: str = "bundled"
    run_file: Path | None = None
    as_of: str = ""
    only: tuple[str, ...] = ()
    output: Path = Path("reports")
    jobs: int = field(default_factory=lambda: min(2, os.cpu_count() or 1))
    timeout: float = 600
    force: bool = False
    notebooks: Path = NOTEBOOKS


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes
    ----------
    folder : Path
        The run's folder; its ``index.html`` is the page to open.
    ran, reused : tuple of str
        Notebooks executed now, and those taken from the last good run.
    unchanged : bool
        True if the report was there already and still holds.
    """

    folder: Path
    ran: tuple[str, ...] = ()
    reused: tuple[str, ...] = ()
    unchanged: bool = False

    @property
    def index(self) -> Path:
        """The page to open."""
        return self.folder / "index.html"


def settings_of(request: Request) -> Any:
    """Return the settings of a run; of its run file, if it has one."""
    from crmlib.intake.runfile import RunFile, load_run_file

    source = str(BUNDLED / "run.toml") if request.source == "bundled" else request.source
    path = request.run_file or (source if source.lower().endswith(".toml") else None)
    return load_run_file(path) if path else RunFile()
