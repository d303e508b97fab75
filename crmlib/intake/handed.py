"""How a run hands its data to the notebooks it starts: checked once, the same for all of them.

A large source need not be read again to see that it is unchanged, and a database server that goes on
changing gives every notebook of a report the same data.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

VARIABLE = "CRMLIB_OPENED"


def public_name(source: str) -> str:
    """Return what may stand in a notebook for others to read: no folder of a machine, no password.

    Examples
    --------
    >>> public_name("postgresql://anna:secret@db.example/sales?password=secret")
    'postgresql://db.example/sales'
    >>> public_name("/home/anna/shop/run.toml"), public_name("bundled")
    ('run.toml', 'bundled')
    """
    if "://" not in source:
        return Path(source).name or source
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True)
class Handed:
    """What a run has opened.

    Attributes
    ----------
    source : str
        What its notebooks are told: ``"bundled"``, a name without a folder, or an address without a password.
    place : str
        Where it really is.
    run_file : str or None
        The run file that says how to read it, if it is not one itself.
    store : str
        The prepared store.
    """

    source: str
    place: str
    run_file: str | None
    store: str

    def environment(self) -> dict[str, str]:
        """Return the environment that tells a notebook."""
        return {VARIABLE: json.dumps(asdict(self))}


def handed_over(source: str | Path) -> Handed | None:
    """Return what the run that started this notebook opened as `source`, if it did.

    Examples
    --------
    >>> handed_over("some other source") is None
    True
    """
    note = json.loads(os.environ.get(VARIABLE, "{}"))
    return Handed(**note) if note.get("source") == str(source) else None
