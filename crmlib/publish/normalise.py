"""Take out of an executed notebook whatever differs between two equal runs.

Timings, addresses in memory, names of temporary files, paths of this machine, random cell ids, the way
the kernel happens to cut a stream of text into pieces. What remains is the same to the byte
for the same data, parameters and code.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

INJECTED = "injected-parameters"

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
# It starts where a word starts, or long outputs would take quadratic time.
_CELL_FILE = re.compile(r"""(?<![^\s'"<>])[^\s'"<>]*[/\\]ipykernel_\d+[/\\]\d+\.py""")
_TIMED_METADATA = ("papermill", "execution", "ExecuteTime", "collapsed", "scrolled")


def normalise(node: Any, name: str, hidden: Sequence[tuple[str, str]] = ()) -> Any:
    """Normalise an executed notebook in place.

    Parameters
    ----------
    node : notebook node
    name : str
        The notebook's name; cells without an id of their own get one derived from it.
    hidden : sequence of (str, str)
        Paths that only this machine has, and what stands in their place. Longer ones should come first.

    Returns
    -------
    notebook node
        The same object.
    """
    node["metadata"].pop("papermill", None)
    node["metadata"].pop("widgets", None)
    node["metadata"]["language_info"] = {"name": "python"}
    node["metadata"]["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    seen: set[str] = set()
    for number, cell in enumerate(node["cells"]):
        for key in _TIMED_METADATA:
            cell["metadata"].pop(key, None)
        injected = INJECTED in cell["metadata"].get("tags", [])
        if injected or not cell.get("id") or cell["id"] in seen:
            part = "parameters" if injected else f"cell {number}"
            cell["id"] = hashlib.sha256(f"{name} {part}".encode()).hexdigest()[:8]
        seen.add(cell["id"])
        if injected:
            cell["source"] = _without(cell["source"], hidden)
        if cell["cell_type"] == "code":
            cell["outputs"] = [_output(output, hidden) for output in _joined(cell["outputs"])]
    node["nbformat"], node["nbformat_minor"] = 4, 5  # the first version in which cells have ids
    return node


def _joined(outputs: list[Any]) -> list[Any]:
    """Join consecutive pieces of the same stream: where they are cut depends on timing."""
    joined: list[Any] = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output["output_type"] == "stream" == last.get("output_type") and output["name"] == last["name"]:
            last["text"] = "".join(last["text"]) + "".join(output["text"])
        else:
            joined.append(output)
    return joined


def _output(output: Any, hidden: Sequence[tuple[str, str]]) -> Any:
    if output["output_type"] == "stream":
        output["text"] = _without("".join(output["text"]), hidden)
    for kind, value in output.get("data", {}).items():
        if not kind.startswith("image/") or kind == "image/svg+xml":
            output["data"][kind] = _without(value, hidden)
    return output


def _without(value: Any, hidden: Sequence[tuple[str, str]]) -> Any:
    """Replace what differs in text, and in texts inside lists and dictionaries."""
    if isinstance(value, str):
        for path, stand_in in hidden:
            if len(path) > 1 and path in value:
                value = re.sub(rf"(?<![\w/\\]){re.escape(path)}(?![\w-])", lambda _, s=stand_in: s, value)
        value = _CELL_FILE.sub("<cell>", value)
        return _ADDRESS.sub("0x...", value)
    if isinstance(value, list):
        return [_without(member, hidden) for member in value]
    if isinstance(value, dict):
        return {key: _without(member, hidden) for key, member in value.items()}
    return value
