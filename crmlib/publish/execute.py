"""Run notebooks, each in a process of its own, as many side by side as asked for."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import crmlib
from crmlib.errors import RunError
from crmlib.publish.plan import Notebook, dependencies
from crmlib.publish.refusal import told_parts

#: The same everywhere, so that equal runs give equal bytes.
STEADY = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "LANG": "C.UTF-8",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
_UNSET = ("MPLBACKEND", "COLUMNS", "LINES", "PYTHONSTARTUP", "PYTHONWARNINGS", "LANGUAGE")


@dataclass(frozen=True)
class Job:
    """One notebook to run.

    Attributes
    ----------
    notebook : Notebook
    parameters : dict
        Values to inject, already checked.
    folder : Path
        Empty folder for this notebook alone; it sees it as its run folder.
    environment : dict of str to str
        Environment variables beside the steady ones.
    """

    notebook: Notebook
    parameters: Mapping[str, Any]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def executed(self) -> Path:
        """The notebook with its outputs, when done."""
        return self.folder / f"{self.notebook.name}.ipynb"

    @property
    def log(self) -> Path:
        """What libraries printed meanwhile."""
        return self.folder / "worker.log"


class NotebookFailed(RunError):
    """A cell failed, ran out of time, or never ran; what there is of it is in `folder`."""

    def __init__(self, found: str, expected: str, remedy: str, folder: Path):
        super().__init__(found, expected, remedy)
        self.folder = folder

    def __reduce__(self):
        return type(self), (self.found, self.expected, self.remedy, self.folder)


def environment(job: Job) -> dict[str, str]:
    """Return the environment a notebook runs in."""
    kept = {key: value for key, value in os.environ.items() if key not in _UNSET}
    root = str(Path(crmlib.__file__).parents[1])
    path = os.pathsep.join(part for part in (root, kept.get("PYTHONPATH", "")) if part)
    private = {
        "PYTHONPATH": path,
        "CRMLIB_RUN_FOLDER": str(job.folder),
        "IPYTHONDIR": str(job.folder / ".ipython"),  # no start-up files of the user
        "JUPYTER_RUNTIME_DIR": str(job.folder / ".jupyter"),
    }
    return kept | STEADY | private | dict(job.environment)


class _Worker:
    """A running process and the thread that listens to it."""

    def __init__(self, job: Job, timeout: float, hidden: Sequence[tuple[str, str]], mail: queue.Queue):
        self.job = job
        self._log = job.log.open("wb")
        apart = {"start_new_session": True} if os.name == "posix" else {"creationflags": 0x200}
        self.process = subprocess.Popen(  # Ctrl-C reaches the run alone, which then stops its workers
            [sys.executable, "-m", "crmlib.publish.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment(job),
            **apart,
        )
        order = {
            "notebook": str(job.notebook.path.resolve()),
            "parameters": dict(job.parameters),
            "folder": str(job.folder),
            "timeout": timeout,
            "hidden": list(hidden),
        }
        self._listener = threading.Thread(target=self._listen, args=(mail,), daemon=True)
        self._listener.start()
        with contextlib.suppress(OSError):  # if it died at once, the listener tells
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()

    def _listen(self, mail: queue.Queue) -> None:
        finished = False
        for line in self.process.stdout:
            message = json.loads(line)
            finished = finished or "done" in message or "failed" in message
            mail.put((self, message))
        self.process.wait()
        if not finished:
            text = f"its process ended unexpectedly (code {self.process.returncode}){self._last_words()}"
            mail.put((self, {"failed": {"kind": "Died", "message": text, "number": None}}))

    def _last_words(self) -> str:
        try:
            lines = self.job.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return ""
        return f": {lines[-1]}" if lines else ""

    def stop(self) -> None:
        """Let the process end, with its kernel; make it end if it does not."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # the worker watches this
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._listener.join(5)
        self.process.stdout.close()
        self._log.close()


def run_all(
    jobs: Sequence[Job],
    *,
    done_before: Sequence[Notebook] = (),
    side_by_side: int = 2,
    timeout: float = 600,
    hidden: Sequence[tuple[str, str]] = (),
    before: Callable[[Job], None] = lambda job: None,
    after: Callable[[Job], None] = lambda job: None,
    progress: Callable[[str, int, int], None] = lambda name, cell, of: None,
) -> dict[str, float]:
    """Run notebooks in the order their needs and saves give.

    Parameters
    ----------
    jobs : sequence of Job
    done_before : sequence of Notebook
        Notebooks whose saved tables are there already.
    side_by_side : int
        How many may run at the same time.
    timeout : float
        Seconds a single cell may take.
    hidden : sequence of (str, str)
        See `crmlib.publish.normalise.normalise`.
    before, after : callable
        Called with the job before its process starts, and after it ended well.
    progress : callable
        Called with the notebook's name, the cell it is at, and how many there are.

    Returns
    -------
    dict of str to float
        Seconds each notebook took.

    Raises
    ------
    NotebookFailed
        At the first failure; the others are stopped.
    """
    waiting = {job.notebook.name: job for job in jobs}
    needed = dependencies([*done_before, *(job.notebook for job in jobs)])
    order = TopologicalSorter({name: [n for n in needed[name] if n in waiting] for name in waiting})
    order.prepare()
    mail: queue.Queue = queue.Queue()
    running: dict[_Worker, float] = {}
    ready: list[str] = []
    seconds: dict[str, float] = {}
    try:
        while order.is_active():
            ready = sorted([*ready, *order.get_ready()])
            while ready and len(running) < side_by_side:
                job = waiting[ready.pop(0)]
                job.folder.mkdir(parents=True)
                before(job)
                running[_Worker(job, timeout, hidden, mail)] = time.monotonic()
            worker, message = _next(mail)
            name = worker.job.notebook.name
            if "cell" in message:
                progress(name, message["cell"], message["of"])
                continue
            seconds[name] = time.monotonic() - running.pop(worker)
            worker.stop()
            if "failed" in message:
                raise _explain(worker.job, message["failed"])
            after(worker.job)
            order.done(name)
    finally:
        for worker in running:
            worker.stop()
    return seconds


def _next(mail: queue.Queue) -> tuple[_Worker, dict[str, Any]]:
    """Wait for a message; in short steps, so that Ctrl-C is heard on every system."""
    while True:
        try:
            return mail.get(timeout=0.5)
        except queue.Empty:
            continue


def _explain(job: Job, failure: Mapping[str, Any]) -> NotebookFailed:
    """Say which notebook, which cell, and what the cell said."""
    name, kind, text = job.notebook.name, failure["kind"], str(failure["message"]).strip()
    where = f"{name}, cell {failure['number']}" if failure.get("number") else name
    if kind == "CellTimeoutError":
        text = "the cell took longer than allowed"
        remedy = "allow more with --timeout, or look at what the cell waits for"
    elif kind == "DeadKernelError":
        text = "the process that ran the cell was killed, most often for lack of memory"
        remedy = "give it more memory, or run fewer notebooks side by side with --jobs 1"
    else:
        parts = told_parts(text)
        if parts:  # an error of the suite says itself what was expected and what to do
            return NotebookFailed(f"{where}: {parts[0]}", parts[1], parts[2], job.folder)
        text, remedy = f"{kind}: {text}", "look at that cell"
    line = f" [{failure['line']}]" if failure.get("line") else ""
    return NotebookFailed(f"{where}{line}: {text}", "every cell to run", remedy, job.folder)
