"""A run, from the data to the finished report: plan, check, reuse, execute, build, put in place."""

import contextlib
import errno
import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crmlib.display.suite import VARIABLE
from crmlib.errors import ParameterError, RunError
from crmlib.intake.handed import Handed, public_name
from crmlib.publish import manifest
from crmlib.publish.execute import NotebookFailed
from crmlib.publish.fingerprint import code_hash, digest, hash_file, notebook_fingerprints
from crmlib.publish.history import EarlierTables, read_earlier
from crmlib.publish.plan import GIVEN_BY_THE_RUN, Notebook, assign_parameters, choose, discover
from crmlib.publish.produce import Bench, Order
from crmlib.publish.progress import Log, Progress
from crmlib.publish.request import NOTEBOOKS, Request, Result, settings_of
from crmlib.publish.stage import RunFolder

READING, BUILDING = "Reading and checking the data", "Building the pages"


def make_report(request: Request, progress: Progress | None = None) -> Result:
    """Make the report, or find that the one there still holds.

    Parameters
    ----------
    request : Request
    progress : Progress, optional
        The display; none if left out.

    Returns
    -------
    Result

    Raises
    ------
    CrmError
        Whatever went wrong, in words a person can act on; the last good run is untouched.
    """
    progress = progress or Progress(quiet=True)
    log = Log()
    progress.listeners.append(log.note)
    all_notebooks = discover(request.notebooks)
    chosen = choose(all_notebooks, request.only)
    settings = settings_of(request)
    given = assign_parameters(all_notebooks, settings.parameters, settings.notebooks)
    as_of = request.as_of or _one_day(given)

    from crmlib.intake import open_data  # heavy, and not needed where a parameter is wrong

    progress.start(READING)
    data = open_data(request.source, as_of or None, run_file=request.run_file)
    lines = data.report.found("orders").used_rows
    progress.finish(READING, f"{lines:,} order lines, last known day {data.as_of}")

    folder = RunFolder(request.output, data.name, data.as_of.isoformat())
    try:
        with folder.locked():
            return _Run(request, progress, log, data, folder, all_notebooks, given).make(chosen)
    except OSError as problem:
        raise _disk_error(problem, folder) from problem


def _one_day(given: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the last known day a run file sets for all notebooks."""
    days = sorted({values["as_of"] for values in given.values() if values.get("as_of")})
    if len(days) > 1:
        raise ParameterError(
            f"different last known days: {', '.join(days)}",
            "one for all notebooks of a report",
            "set as_of once, under [parameters]",
        )
    return days[0] if days else ""


def _disk_error(problem: OSError, folder: RunFolder) -> RunError:
    full = problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    kept = "; the report that was there is untouched" if folder.final.exists() else ""
    return RunError(
        f"{'no space left' if full else 'a file could not be written'} for {folder.company}"
        f" ({problem.strerror or problem}{kept})",
        "room and permission to write the report",
        "make room there, or choose another folder with --output",
    )


class _Run:
    """One run into one folder, the lock being held."""

    def __init__(
        self,
        request: Request,
        progress: Progress,
        log: Log,
        data: Any,
        folder: RunFolder,
        notebooks: Sequence[Notebook],
        given: Mapping[str, Mapping[str, Any]],
    ):
        self.request, self.progress, self.data, self.folder = request, progress, data, folder
        self.notebooks, self.given = notebooks, given
        self.last = manifest.read(folder.final)
        before = folder.previous()
        self.earlier = read_earlier(folder.company / before) if before else None
        self.tables = EarlierTables(folder.company, data.name, folder.as_of)
        reads = {n.name: self.tables.facts(n.earlier) for n in notebooks if n.earlier}
        self.fingerprints = notebook_fingerprints(notebooks, self._own_parameters(), self._facts(), reads)
        self.log = log
        log.head(data.name, data.as_of)

    def _own_parameters(self) -> dict[str, dict[str, Any]]:
        """The values that each notebook runs with, beside source and day."""
        return {
            notebook.name: {
                name: self.given[notebook.name].get(name, parameter.default)
                for name, parameter in notebook.parameters.items()
                if name not in GIVEN_BY_THE_RUN
            }
            for notebook in self.notebooks
        }

    def _facts(self) -> dict[str, Any]:
        data = self.data
        return {
            "data": data.hash,
            "as_of": data.as_of.isoformat(),
            "company": data.name,
            "bundled": self.request.source == "bundled",
            "currency": data.currency,
            "gross_margin": data.gross_margin,
            "annual_discount_rate": data.annual_discount_rate,
            "horizon_months": data.horizon_months,
            "truth": self._truth(),
        }

    def _truth(self) -> str:
        """Hash the known truth of a simulated company, which lies beside its tables."""
        folder = self.data.folder / "truth" if self.data.folder else None
        files = sorted(folder.glob("*.*")) if folder and folder.is_dir() else []
        return digest({path.name: hash_file(path) for path in files}) if files else ""

    def make(self, chosen: Sequence[Notebook]) -> Result:
        """Reuse what holds, run the rest, build the pages and put everything in place."""
        held = [] if self.request.force else self._still_good()
        wanted = {notebook.name for notebook in chosen}
        report = [n for n in self.notebooks if n.name in wanted or n.name in held]
        to_run = [n for n in report if n.name not in held]
        for name in sorted(set(self.last.get("notebooks", {})) - {n.name for n in report}):
            self.progress.say(f"{name}: out of date and not asked for, so it is not in this report")
        pages = self._page_fingerprint(report)
        if not to_run and self.last.get("pages") == pages:
            for notebook in report:
                self.progress.say(f"{notebook.name}: unchanged, reused")
            return Result(self.folder.final, reused=tuple(n.name for n in report), unchanged=True)
        stage = self.folder.open_stage()
        for name in ("notebooks", "tables"):
            (stage / name).mkdir()
        for notebook in report:
            if notebook.name in held:
                self._take_over(notebook, stage)
        warm = threading.Thread(target=_import_page_builder, daemon=True)
        warm.start()
        saved = self._produce(to_run, [n for n in report if n.name in held], stage)
        warm.join()
        self.progress.start(BUILDING)
        try:
            self._build(report, stage, pages, saved)
        except RunError as problem:
            raise self._kept(problem, stage / "notebooks") from None
        self.progress.finish(BUILDING, f"{len(report) + 1} pages")
        self.log.write(stage / "run.log")
        self.folder.put_in_place()
        return Result(
            self.folder.final, tuple(n.name for n in to_run), tuple(n.name for n in report if n.name in held)
        )

    def _still_good(self) -> list[str]:
        """Notebooks of the last good run whose result still holds and whose files are as they were."""
        recorded = self.last.get("notebooks", {})
        same = [
            n
            for n in self.notebooks
            if recorded.get(n.name, {}).get("fingerprint") == self.fingerprints[n.name]
        ]
        return [n.name for n in same] if same and manifest.files_hold(self.folder.final, self.last) else []

    def _page_fingerprint(self, report: Sequence[Notebook]) -> str:
        """Hash what the pages depend on beyond the notebooks: the builder, the company, the links."""
        return digest(
            {
                "notebooks": {n.name: self.fingerprints[n.name] for n in report},
                "labels": {n.name: n.label for n in report},
                "code": code_hash(),
                "earlier": self.earlier.facts() if self.earlier else None,
                "checks": self.data.report.to_json(),
            }
        )

    def _take_over(self, notebook: Notebook, stage: Path) -> None:
        """Copy a notebook and its tables from the last good run."""
        executed = f"notebooks/{notebook.name}.ipynb"
        shutil.copyfile(self.folder.final / executed, stage / executed)
        for file in self.last["notebooks"][notebook.name]["tables"]:
            shutil.copyfile(self.folder.final / "tables" / file, stage / "tables" / file)
        self.progress.say(f"{notebook.name}: unchanged, reused")

    def _produce(
        self, to_run: Sequence[Notebook], held: Sequence[Notebook], stage: Path
    ) -> dict[str, list[str]]:
        """Run notebooks; return the files that each notebook of the report has saved."""
        saved = {n.name: list(self.last["notebooks"][n.name]["tables"]) for n in held}
        handed = self._handed()
        around = handed.environment() | {VARIABLE: str(self.request.notebooks.resolve())}
        orders = [
            Order(n, self._values(n, handed.source), around | self.tables.environment(n.earlier))
            for n in to_run
        ]
        bench = Bench(stage, self.progress, self.log, self._hidden(stage))
        try:
            return saved | bench.run(orders, held, self.request.jobs, self.request.timeout)
        except NotebookFailed as problem:
            raise self._kept(problem, problem.folder) from None

    def _handed(self) -> Handed:
        """What the notebooks are told of the source: no folder of this machine, no password."""
        source, run_file = self.request.source, self.request.run_file
        place = str(_local(source) or source)
        return Handed(
            source=public_name(place),
            place=place,
            run_file=str(run_file.resolve()) if run_file else None,
            store=str(self.data.store.resolve()),
        )

    def _values(self, notebook: Notebook, source: str) -> dict[str, Any]:
        """The values to inject: what the run file gives, which data, and the day."""
        run = {"source": source, "as_of": self.data.as_of.isoformat()}
        given = {n: v for n, v in self.given[notebook.name].items() if n not in GIVEN_BY_THE_RUN}
        return {name: value for name, value in run.items() if name in notebook.parameters} | given

    def _hidden(self, stage: Path) -> list[tuple[str, str]]:
        """Paths only this machine has, longest first, and what stands in their place."""
        found = {
            str(stage.resolve()): "run",
            str(self.request.notebooks.resolve()): "notebooks",
            str(NOTEBOOKS.parent): "crmlib",
            str(Path.home()): "~",
        }
        if path := _local(self.request.source):
            found[str(path.parent)] = "data"
        return sorted(found.items(), key=lambda pair: -len(pair[0]))

    def _kept(self, problem: RunError, folder: Path) -> RunError:
        """Keep the notebooks of a failed run and its log, and say where they are."""
        self.log.note(str(problem))
        log = self.folder.stage / "run.log"
        with contextlib.suppress(OSError):  # on a full disk the message on the screen has to do
            self.log.write(log)
        notebooks = [*folder.glob("*.ipynb"), *folder.glob("*.log")]
        kept = self.folder.keep_failed([log, *notebooks])
        where = f"; notebook and log are kept in {kept}" if kept else ""
        return RunError(problem.found, problem.expected, problem.remedy + where)

    def _build(
        self, report: Sequence[Notebook], stage: Path, pages: str, saved: Mapping[str, list[str]]
    ) -> None:
        from crmlib.publish.assemble import assemble  # heavy, and not needed where nothing has changed

        own = self._own_parameters()
        records = {
            n.name: {
                "fingerprint": self.fingerprints[n.name],
                "parameters": own[n.name],
                "needs": list(n.needs),
                "saves": list(n.saves),
                "earlier": self.tables.facts(n.earlier),
                "tables": saved[n.name],
            }
            for n in report
        }
        assemble(stage, self.data, report, records, self._facts(), pages, self.earlier)


def _local(source: str) -> Path | None:
    """Return the path of a source on this machine; None for the bundled company and for servers."""
    return None if source == "bundled" or "://" in source else Path(source).expanduser().resolve()


def _import_page_builder() -> None:
    """Import what building pages needs, while the notebooks run."""
    from crmlib.publish.worker import spare_slow_import

    spare_slow_import()
    with contextlib.suppress(ImportError):  # it will be imported again, and told then
        import crmlib.publish.assemble  # noqa: F401
