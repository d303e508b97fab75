"""What a run's folder says about itself, so that it can be checked, reused and reproduced.

There are no times in it: the same data, parameters and code give the same bytes. How long a run took
is in ``run.log``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crmlib.publish.fingerprint import hash_file
from crmlib.publish.stage import MANIFEST

VERSION = 1
_NOT_LISTED = (MANIFEST, "run.log")


def read(folder: Path) -> dict[str, Any]:
    """Read the manifest of a run; empty if there is none that can be read."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("version") == VERSION else {}


def write(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the manifest of a run whose other files are all there."""
    files = {
        path.relative_to(folder).as_posix(): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in _NOT_LISTED
    }
    write_json(folder / MANIFEST, {"version": VERSION, **facts, "files": files})


def files_hold(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Tell whether every file a manifest lists is there, unchanged."""
    files = manifest.get("files", {})
    return bool(files) and all(
        (folder / name).is_file() and hash_file(folder / name) == known for name, known in files.items()
    )


def write_json(path: Path, content: Any) -> None:
    """Write JSON that is the same whenever its content is."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
