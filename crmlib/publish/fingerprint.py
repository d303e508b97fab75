"""What a notebook's result depends on, as one hash: equal hashes, equal results."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import crmlib
from crmlib.publish.plan import Notebook, dependencies

#: Libraries whose version can change a number, a figure or a page.
LIBRARIES = (
    "duckdb",
    "ibis-framework",
    "ipykernel",
    "latex2mathml",
    "matplotlib",
    "nbconvert",
    "nbformat",
    "nh3",
    "numpy",
    "pandas",
    "papermill",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "seaborn",
    "sqlglot",
)

#: The part of the package that notebooks use; the rest only runs them and shows them.
NOTEBOOK_CODE = ("__init__.py", "errors.py", "intake", "analysis", "display")


def digest(value: Any) -> str:
    """Hash anything JSON can hold, whatever the order of its keys.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Hash a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of the libraries that matter."""
    found = {"python": platform.python_version(), "crmlib": crmlib.__version__}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def code_hash(*parts: str) -> str:
    """Hash the package's source files, all of them or only those under `parts`."""
    root = Path(crmlib.__file__).parent
    files = sorted(
        path
        for path in root.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.suffix not in (".pyc", ".csv", ".parquet")
    )
    names = {path.relative_to(root).as_posix(): path for path in files}
    return digest(
        {name: hash_file(path) for name, path in names.items() if not parts or name.split("/")[0] in parts}
    )


def notebook_fingerprints(
    notebooks: Sequence[Notebook],
    parameters: Mapping[str, Mapping[str, Any]],
    facts: Mapping[str, Any],
    earlier: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Hash for every notebook what its result depends on.

    Parameters
    ----------
    notebooks : sequence of Notebook
        In the order they run.
    parameters : mapping of str to mapping
        The values given to each notebook.
    facts : mapping
        What is the same for all: data hash, last known day, settings of the run.
    earlier : mapping of str to JSON, optional
        What each notebook reads of earlier runs.

    Returns
    -------
    dict of str to str
        A notebook's hash covers the hashes of those whose tables it needs. That of an overview
        also covers the text of all notebooks of the suite.
    """
    before = dependencies(notebooks)
    texts = {notebook.name: notebook.digest for notebook in notebooks}
    found: dict[str, str] = {}
    for notebook in notebooks:
        found[notebook.name] = digest(
            {
                "notebook": notebook.digest,
                "parameters": parameters.get(notebook.name, {}),
                "facts": facts,
                "code": code_hash(*NOTEBOOK_CODE),
                "versions": versions(),
                "needs": {name: found[name] for name in before[notebook.name]},
                "suite": texts if notebook.overview else None,
                "earlier": (earlier or {}).get(notebook.name),
            }
        )
    return found
