"""Run notebooks the way a user of the ecosystem does: papermill's Python API, in a folder of its own."""

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

    def table(self, name: str) -> Path:
        return self.folder / "tables" / name


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """One folder of prepared stores for all runs."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture(scope="session")
def run(tmp_path_factory, prepared):
    """Return a function that runs a notebook with parameters, far from the repository."""

    def execute(name: str, **parameters) -> Run:
        folder = tmp_path_factory.mktemp("run")
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
