"""Run notebooks the way a user of the ecosystem does: papermill's Python API, in a folder of its own."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
import papermill
import pytest

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
BUNDLE = "application/vnd.crmlib+json"


class Run:
    """An executed notebook and what it saved."""

    def __init__(self, path: Path, folder: Path):
        self.notebook, self.folder = nbformat.read(path, 4), folder

    @property
    def outputs(self):
        return [output for cell in self.notebook.cells for output in cell.get("outputs", [])]

    def bundles(self, kind: str) -> list[dict]:
        found = [output.get("data", {}).get(BUNDLE) for output in self.outputs]
        return [bundle for bundle in found if bundle and bundle["kind"] == kind]

    @property
    def findings(self) -> dict:
        (only,) = self.bundles("findings")
        return only

    @property
    def metrics(self) -> dict[str, dict]:
        return {metric["name"]: metric for metric in self.findings["metrics"]}

    @property
    def text(self) -> str:
        """Everything a reader of the plain text sees."""
        return "\n".join(str(output.get("data", {}).get("text/plain", "")) for output in self.outputs)

    @property
    def shown(self) -> dict[str, dict[str, dict[str, str]]]:
        """Every table shown: by title, its rows by first cell, each a mapping of heading to cell."""
        found = {}
        for output in self.outputs:
            page = "".join(output.get("data", {}).get("text/html", ""))
            for figure in re.findall(r'<figure class="table">.*?</figure>', page, re.S):
                title = re.search(r"<figcaption>(.*?)</figcaption>", figure, re.S).group(1)
                heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', figure, re.S)
                rows = [
                    re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
                    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", figure, re.S)[1:]
                ]
                found[title] = {row[0]: dict(zip(heads, row, strict=True)) for row in rows}
        return found

    def table(self, name: str) -> Path:
        return self.folder / "tables" / name


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """One folder of prepared stores for all runs."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture(scope="session")
def run(tmp_path_factory, prepared):
    """Return a function that runs a notebook with parameters, far from the repository."""

    def execute(name: str, beside: Sequence[Run] = (), **parameters) -> Run:
        """Run a notebook; `beside` are runs of others, whose tables it finds."""
        folder = tmp_path_factory.mktemp("run")
        for other in beside:
            shutil.copytree(other.folder / "tables", folder / "tables", dirs_exist_ok=True)
        target = folder / "executed.ipynb"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CRMLIB_CACHE", str(prepared))
            patch.setenv("CRMLIB_RUN_FOLDER", str(folder))
            patch.delenv("CRMLIB_STRICT", raising=False)
            papermill.execute_notebook(
                NOTEBOOKS / f"{name}.ipynb", target, parameters, cwd=folder, progress_bar=False,
                kernel_name="python3", execution_timeout=300,
            )  # fmt: skip
        return Run(target, folder)

    return execute


@pytest.fixture
def comes_out_again(tmp_path, prepared):
    """Run a committed notebook under nbval, strictly: every cell gives again what is committed, pictures aside."""

    def check(path: str, beside: Sequence[Run] = ()) -> None:
        for other in beside:
            shutil.copytree(other.folder / "tables", tmp_path / "tables", dirs_exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | {
            "CRMLIB_CACHE": str(prepared), "CRMLIB_RUN_FOLDER": str(tmp_path), "PYTHONHASHSEED": "0", "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
        }  # fmt: skip
        command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-cell-timeout=300", path, "-p",
                   "no:cacheprovider", "-q", "-o", "addopts=", "--import-mode=importlib"]  # fmt: skip
        done = subprocess.run(
            command, cwd=NOTEBOOKS.parent, env=environment, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, done.stdout[-8000:]
        assert re.search(r"\d+ passed", done.stdout) and "skipped" not in done.stdout

    return check
