"""Which notebooks there are, in which order they run, and with which parameters."""

import graphlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmlib.display.suite import notebook_file
from crmlib.errors import ParameterError
from crmlib.intake.declared import Parameter, read_parameters
from crmlib.intake.parameters import ParameterProblems, check_parameters, unknown_name

#: What the runner itself fills in; a run file sets them elsewhere.
GIVEN_BY_THE_RUN = ("source", "as_of")


@dataclass(frozen=True)
class Notebook:
    """One notebook of the suite, as far as the runner needs to know it.

    Attributes
    ----------
    name : str
        File name without ending, for example ``02_profitability``.
    path : Path
    question : str
        The question it answers.
    label : str
        Short name for navigation, for example ``Profitability``.
    needs, saves : tuple of str
        Names of the tables it reads from other notebooks, and of those it saves.
    earlier : tuple of str
        Names of the tables it reads from earlier runs of the same company.
    parameters : dict of str to Parameter
    digest : str
        Hash of its cells without their outputs.
    overview : bool
        Whether it shows the suite itself: it depends on the text of all notebooks, and takes of
        the tables it needs those that a notebook of the folder saves.
    """

    name: str
    path: Path
    question: str = ""
    label: str = ""
    needs: tuple[str, ...] = ()
    saves: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    digest: str = ""
    overview: bool = False


def read_notebook(path: Path) -> Notebook | None:
    """Read one file; None if it is not a notebook of the suite (no ``crmlib`` in its metadata)."""
    found = notebook_file(path)
    if found is None:
        return None
    about, cells = found
    essence = [(cell["cell_type"], _text(cell), cell["metadata"].get("tags", [])) for cell in cells]
    digest = hashlib.sha256(json.dumps([about, essence], sort_keys=True).encode()).hexdigest()
    words = path.stem.lstrip("0123456789").strip("_-").replace("_", " ")
    return Notebook(
        name=path.stem,
        path=path,
        question=about.get("question") or _first_heading(cells) or words.capitalize(),
        label=about.get("label") or words.capitalize(),
        needs=tuple(about.get("needs", ())),
        saves=tuple(about.get("saves", ())),
        earlier=tuple(about.get("earlier", ())),
        parameters=read_parameters(path),
        digest=digest,
        overview=bool(about.get("overview", False)),
    )


def _text(cell: Mapping[str, Any]) -> str:
    return "".join(cell.get("source", ""))


def _first_heading(cells: Sequence[Mapping[str, Any]]) -> str:
    for cell in cells:
        for line in _text(cell).splitlines():
            if cell["cell_type"] == "markdown" and line.startswith("# "):
                return line[2:].strip()
    return ""


def discover(folder: str | Path) -> list[Notebook]:
    """Find the notebooks of a folder and put them in an order in which they can run.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    list of Notebook
        Each after those whose tables it needs; where the needs leave it open, by file name.

    Raises
    ------
    ParameterError
        If there are none, a table is needed that nobody saves, two notebooks save the same table,
        or notebooks wait for each other.
    """
    folder = Path(folder)
    read = [read_notebook(path) for path in sorted(folder.glob("*.ipynb"))]
    notebooks = {notebook.name: notebook for notebook in read if notebook is not None}
    if not notebooks:
        raise ParameterError(
            f"no notebook of the suite in {folder}", "at least one", "check the folder of notebooks"
        )
    before = dependencies(list(notebooks.values()))
    sorter = graphlib.TopologicalSorter(before)
    order: list[Notebook] = []
    try:
        sorter.prepare()
    except graphlib.CycleError as problem:
        raise ParameterError(
            f"notebooks that wait for each other: {' -> '.join(problem.args[1])}",
            "each notebook to need only tables of notebooks that can run before it",
            "change 'needs' in one of them",
        ) from problem
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()])
        order.append(notebooks[ready[0]])
        sorter.done(ready.pop(0))
    return order


def savers(notebooks: Sequence[Notebook]) -> dict[str, str]:
    """Return for every saved table the notebook that saves it."""
    found: dict[str, str] = {}
    for notebook in notebooks:
        for table in notebook.saves:
            if table in found:
                raise ParameterError(
                    f"table '{table}' is saved by {found[table]} and by {notebook.name}",
                    "one notebook that saves it",
                    "rename one of the two",
                )
            found[table] = notebook.name
    return found


def dependencies(notebooks: Sequence[Notebook]) -> dict[str, list[str]]:
    """Return for every notebook those that have to run before it, by name."""
    saved_by = savers(notebooks)
    before: dict[str, list[str]] = {}
    for notebook in notebooks:
        wanted = [t for t in notebook.needs if t in saved_by or not notebook.overview]
        for key, tables in (("needs", wanted), ("earlier", notebook.earlier)):
            for table in tables:
                if table not in saved_by:
                    of = " of earlier runs" if key == "earlier" else ""
                    raise ParameterError(
                        f"{notebook.name} needs table '{table}'{of}, which no notebook saves",
                        f"one of: {', '.join(saved_by) or 'none is saved'}",
                        f"correct '{key}' in {notebook.name}, or add the notebook that saves it",
                    )
        before[notebook.name] = sorted({saved_by[table] for table in wanted})
    return before


def choose(notebooks: Sequence[Notebook], only: Sequence[str]) -> list[Notebook]:
    """Return the notebooks asked for and those they build on, in order.

    Parameters
    ----------
    notebooks : sequence of Notebook
        As `discover` returns them.
    only : sequence of str
        Names, or beginnings of names such as ``"02"``; empty means all.

    Raises
    ------
    ParameterError
        If a name fits no notebook.
    """
    if not only:
        return list(notebooks)
    wanted: set[str] = set()
    for text in only:
        fitting = {n.name for n in notebooks if n.name == text or n.name.startswith(text)} if text else set()
        if not fitting:
            raise ParameterError(
                f"no notebook called '{text}'",
                f"one of: {', '.join(n.name for n in notebooks)}",
                "give its number or its name",
            )
        wanted |= fitting
    before = dependencies(notebooks)
    waiting = list(wanted)
    while waiting:
        new = set(before[waiting.pop()]) - wanted
        wanted |= new
        waiting += new
    return [notebook for notebook in notebooks if notebook.name in wanted]


def assign_parameters(
    notebooks: Sequence[Notebook],
    shared: Mapping[str, Any],
    own: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Check the parameters of a run file and hand them to the notebooks.

    Parameters
    ----------
    notebooks : sequence of Notebook
        All notebooks of the suite, also those that will not run now.
    shared : mapping
        Values for every notebook that has a parameter of that name.
    own : mapping of str to mapping
        Values for one notebook, by its name.

    Returns
    -------
    dict of str to dict
        For each notebook the values that differ from its defaults' cell, checked and typed.

    Raises
    ------
    ParameterError
        All problems at once, one line each.
    """
    problems: list[ParameterError] = []
    known = {name for notebook in notebooks for name in notebook.parameters}
    names = [notebook.name for notebook in notebooks]
    for where, values in (("[parameters]", shared), *((f"[notebooks.{name}]", v) for name, v in own.items())):
        if "source" in values:
            problems.append(
                ParameterError(f"'source' under {where}", "it at the top of the run file", "move it there")
            )
    problems += [unknown_name(name, sorted(known), "[parameters]") for name in shared if name not in known]
    for name in own:
        if name not in names:
            problem = unknown_name(name, names, "[notebooks]")
            problems.append(ParameterError(f"unknown notebook '{name}'", problem.expected, problem.remedy))
    given: dict[str, dict[str, Any]] = {}
    for notebook in notebooks:
        mine = own.get(notebook.name, {})
        common = {n: v for n, v in shared.items() if n in notebook.parameters and n not in mine}
        given[notebook.name] = {}
        for values, where in ((common, "[parameters]"), (mine, notebook.name)):
            try:
                given[notebook.name] |= check_parameters(notebook.parameters, values, where)
            except ParameterProblems as several:
                problems += several.problems
            except ParameterError as problem:
                problems.append(problem)
    if problems:  # a value shared by several notebooks is wrong once
        raise ParameterProblems({str(problem): problem for problem in problems}.values())
    return given
