"""The parameters cell of a notebook: which names there are, with which defaults, types and comments."""

import ast
import io
import json
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmlib.errors import ParameterError

TYPE_WORDS = {
    "str": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell.

    Attributes
    ----------
    name : str
    default : object
        The value the notebook runs with when nobody says otherwise.
    type : str
        ``"str"``, ``"int"``, ``"float"``, ``"bool"`` or ``"list"``, taken from the default.
    comment : str
        The text after ``#``: type, unit and meaning.
    """

    name: str
    default: Any
    type: str
    comment: str = ""


def read_parameters(notebook: "str | Path | Mapping[str, Any]") -> dict[str, Parameter]:
    """Read the cell tagged ``parameters`` of a notebook.

    Parameters
    ----------
    notebook : str, Path or notebook node
        Path of an ``.ipynb`` file, or the notebook already read.

    Returns
    -------
    dict of str to Parameter
        In the order of the cell; empty if the notebook has no such cell.

    Raises
    ------
    ParameterError
        If a line is not ``name = literal``, a name comes twice, or two cells carry the tag.

    Examples
    --------
    >>> cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]},
    ...         "source": "period_months = 12  # int, months, length of a period"}
    >>> read_parameters({"cells": [cell]})["period_months"]
    Parameter(name='period_months', default=12, type='int', comment='int, months, length of a period')
    """
    label = "the notebook"
    if isinstance(notebook, str | Path):
        label = Path(notebook).name
        try:
            notebook = json.loads(Path(notebook).read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            raise ParameterError(
                f"{label} cannot be read as a notebook ({problem})",
                "an .ipynb file",
                "open it in JupyterLab and save it again",
            ) from problem
    cells = [
        cell
        for cell in notebook.get("cells", [])
        if cell.get("cell_type") == "code" and "parameters" in cell.get("metadata", {}).get("tags", [])
    ]
    if not cells:
        return {}
    if len(cells) > 1:
        raise ParameterError(
            f"{len(cells)} cells tagged 'parameters' in {label}",
            "one",
            "put all parameters into one cell",
        )
    source = cells[0].get("source", "")
    return _parse("".join(source), label)


def _parse(source: str, label: str) -> dict[str, Parameter]:
    """Parse lines ``name = literal  # comment``."""
    try:
        lines = ast.parse(source).body
    except SyntaxError as problem:
        raise _line_error(label, problem.lineno, "it is not valid Python") from problem
    comments = {
        token.start[0]: token.string.lstrip("# ").rstrip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found: dict[str, Parameter] = {}
    for line in lines:
        name = _target(line)
        if name is None:
            raise _line_error(label, line.lineno, "it is not 'name = value'")
        if name in found:
            raise _line_error(label, line.lineno, f"'{name}' comes a second time")
        try:
            default = ast.literal_eval(line.value)
        except ValueError as problem:
            raise _line_error(label, line.lineno, f"the value of '{name}' has to be worked out") from problem
        kind = type(default).__name__
        if kind not in TYPE_WORDS or (kind == "list" and any(type(v).__name__ == "list" for v in default)):
            raise _line_error(label, line.lineno, f"the value of '{name}' is of type {kind}")
        found[name] = Parameter(name, default, kind, comments.get(line.end_lineno, ""))
    return found


def _target(line: ast.stmt) -> str | None:
    """Name on the left of a plain assignment, or None for any other statement."""
    if isinstance(line, ast.Assign) and len(line.targets) == 1 and isinstance(line.targets[0], ast.Name):
        return line.targets[0].id
    if isinstance(line, ast.AnnAssign) and line.value is not None and isinstance(line.target, ast.Name):
        return line.target.id
    return None


def _line_error(label: str, line: int | None, what: str) -> ParameterError:
    return ParameterError(
        f"line {line} of the parameters cell of {label}: {what}",
        "one line 'name = value' per parameter, the value being text, a number, True, False or a short list",
        "move anything else to a later cell",
    )
