"""Run notebooks in a stage, each in a folder of its own, and collect what they made.

A notebook sees only the tables it says it needs, and has to have saved those it says it saves.
So an order of notebooks that works once works always.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmlib.publish.execute import Job, NotebookFailed, run_all
from crmlib.publish.plan import Notebook
from crmlib.publish.progress import Log, Progress


@dataclass(frozen=True)
class Order:
    """A notebook to run, the values to inject, and what else its environment says."""

    notebook: Notebook
    values: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)


class Bench:
    """Where the notebooks of one run are executed.

    Parameters
    ----------
    stage : Path
        Folder of the run being built; has ``notebooks`` and ``tables``.
    progress : Progress
    log : Log
    hidden : sequence of (str, str)
        Paths of this machine, and what stands in their place.
    """

    def __init__(self, stage: Path, progress: Progress, log: Log, hidden: Sequence[tuple[str, str]]):
        self.stage, self.progress, self.log, self.hidden = stage, progress, log, hidden

    def run(
        self, orders: Sequence[Order], held: Sequence[Notebook], side_by_side: int, timeout: float
    ) -> dict[str, list[str]]:
        """Run notebooks and collect what they made.

        Parameters
        ----------
        orders : sequence of Order
        held : sequence of Notebook
            Notebooks whose tables are in the stage already.
        side_by_side : int
        timeout : float
            Seconds a cell may take.

        Returns
        -------
        dict of str to list of str
            For each notebook the files it saved under ``tables``.

        Raises
        ------
        NotebookFailed
        """
        work = self.stage / ".work"
        jobs = [Job(o.notebook, o.values, (work / o.notebook.name).resolve(), o.environment) for o in orders]
        saved: dict[str, list[str]] = {}

        def after(job: Job) -> None:
            saved[job.notebook.name] = self._collect(job)
            self.progress.finish(job.notebook.name)

        run_all(
            jobs,
            done_before=held,
            side_by_side=side_by_side,
            timeout=timeout,
            hidden=self.hidden,
            before=self._lay_out,
            after=after,
            progress=self.progress.step,
        )
        shutil.rmtree(work, ignore_errors=True)
        return saved

    def _lay_out(self, job: Job) -> None:
        """Give a notebook the tables it needs, and no others."""
        own = job.folder / "tables"
        own.mkdir()
        for table in job.notebook.needs:
            for path in sorted((self.stage / "tables").glob(f"{table}.*")):
                shutil.copyfile(path, own / path.name)
        self.progress.start(job.notebook.name)

    def _collect(self, job: Job) -> list[str]:
        """Take over what a notebook made; fail if it has not saved what it says it saves."""
        name, tables = job.notebook.name, job.folder / "tables"
        refused = _about(job.executed).get("refused")
        if refused:
            self.progress.say(f"{name}: not answered on these data. {refused}")
        for table in () if refused else job.notebook.saves:
            if not any((tables / f"{table}.{ending}").is_file() for ending in ("parquet", "csv")):
                raise NotebookFailed(
                    f"{name} ended without saving table '{table}'",
                    f"every table it lists under 'saves': {', '.join(job.notebook.saves)}",
                    "save it in the notebook, or take it off the list",
                    job.folder,
                )
        needed = {path.name for need in job.notebook.needs for path in tables.glob(f"{need}.*")}
        made = sorted(p.name for p in tables.iterdir() if p.is_file() and p.name not in needed)
        for file in made:
            if (self.stage / "tables" / file).exists():
                raise NotebookFailed(
                    f"{name} writes tables/{file}, which another notebook has written",
                    "a name of its own for each table",
                    "rename one of the two",
                    job.folder,
                )
            (tables / file).replace(self.stage / "tables" / file)
        executed = job.executed.replace(self.stage / "notebooks" / f"{name}.ipynb")
        for text in (job.log.read_text(encoding="utf-8", errors="replace").strip(), *_warnings(executed)):
            if text:
                self.log.note(f"{name} printed:\n{text}")
        return made


def _about(executed: Path) -> dict[str, Any]:
    """What an executed notebook says of itself in its metadata."""
    return json.loads(executed.read_text(encoding="utf-8"))["metadata"].get("crmlib", {})


def _warnings(executed: Path) -> list[str]:
    """What the cells of a notebook wrote to the error stream, which no page shows."""
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return ["".join(out["text"]).strip() for out in outputs if out.get("name") == "stderr"]
