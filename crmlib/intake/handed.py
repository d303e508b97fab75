"""How a run hands its data to the notebooks it starts: checked once, the same for all of them.

A large source need not be read again to see that it is unchanged, and a database server that goes on
changing gives every notebook of a report the same data.
"""

import json
import os
from pathlib import Path

VARIABLE = "CRMLIB_OPENED"


def hand_over(source: str | Path, run_file: str | Path | None, store: str | Path) -> dict[str, str]:
    """Return the environment that tells a notebook what has been opened.

    Parameters
    ----------
    source : str or Path
        As the notebook is given it.
    run_file : str, Path or None
        The run file that says how to read `source`, if it is not in `source` itself.
    store : str or Path
        The prepared store.
    """
    note = {"source": str(source), "run_file": str(run_file) if run_file else None, "store": str(store)}
    return {VARIABLE: json.dumps(note)}


def handed_over(source: str | Path) -> tuple[Path | None, Path] | None:
    """Return run file and store of `source` if this notebook was started by a run that opened it.

    Examples
    --------
    >>> handed_over("some other source") is None
    True
    """
    note = json.loads(os.environ.get(VARIABLE, "{}"))
    if note.get("source") != str(source):
        return None
    return Path(note["run_file"]) if note["run_file"] else None, Path(note["store"])
