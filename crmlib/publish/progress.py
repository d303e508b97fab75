"""What a person sees while a run goes on: one display on a terminal, plain lines elsewhere."""

import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import crmlib


class Progress:
    """Tell how far a run has got.

    Parameters
    ----------
    stream : text stream, optional
        Standard error if left out; standard output stays free for results.
    quiet : bool, default False
        Tell nothing.

    Attributes
    ----------
    listeners : list of callable
        Each is called with every line as well; the run's log is one.
    """

    def __init__(self, stream: TextIO | None = None, quiet: bool = False):
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._live: Any = None
        self._tasks: dict[str, Any] = {}
        self._started: dict[str, float] = {}
        self.listeners: list[Callable[[str], None]] = []

    def __enter__(self) -> "Progress":
        if not self._quiet and self._stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Live

            self._live = Live(
                TextColumn("{task.description}"),
                BarColumn(bar_width=28),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                console=Console(file=self._stream),
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def start(self, what: str, steps: int | None = None) -> None:
        """Begin a piece of work; without a number of steps it just goes on."""
        self._started[what] = time.monotonic()
        if self._live:
            self._tasks[what] = self._live.add_task(what, total=steps)
        else:
            self._line(f"{what} ...")

    def step(self, what: str, done: int, of: int) -> None:
        """Tell how many steps are done; plain output leaves it out."""
        if self._live:
            self._live.update(self._tasks[what], completed=done, total=of)

    def finish(self, what: str, note: str = "") -> None:
        """End a piece of work, with a word about it."""
        seconds = time.monotonic() - self._started[what]
        if self._live:
            total = self._live.tasks[self._tasks[what]].total or 1
            self._live.update(self._tasks[what], completed=total, total=total)
            if note:
                self._live.console.print(note, markup=False, highlight=False, style="dim")
        else:
            self._line(f"{what}: done in {seconds:.1f} s" + (f" ({note})" if note else ""))
        self._tell(f"{what}: {seconds:.2f} s" + (f" ({note})" if note else ""))

    def say(self, text: str) -> None:
        """Tell one thing."""
        if self._live:
            self._live.console.print(text, markup=False, highlight=False)
        else:
            self._line(text)
        self._tell(text)

    def _line(self, text: str) -> None:
        if not self._quiet:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def _tell(self, text: str) -> None:
        for listener in self.listeners:
            listener(text)


class Log:
    """What happened and how long it took; kept beside the report, outside of its fingerprints."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def head(self, company: str, as_of: date) -> None:
        """Say on top what was run, and where."""
        made = f"crmlib {crmlib.__version__}, Python {platform.python_version()} on {platform.platform()}"
        self._lines[:0] = [f"Report of {company}, last known day {as_of}", made, ""]

    def note(self, text: str) -> None:
        """Add one line, with the time of day."""
        self._lines.append(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}  {text}")

    def write(self, path: Path) -> None:
        """Write everything noted so far."""
        path.write_text("\n".join([*self._lines, ""]), encoding="utf-8", newline="\n")
