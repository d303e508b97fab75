"""Tables that earlier runs of the same company saved, as the runner hands them to a notebook.

The runner names the files and their hashes in the environment, for the tables that a notebook lists
under ``earlier`` in its metadata. What is read is therefore what the fingerprint of the run covers.
"""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa

from crmlib.display import formats
from crmlib.errors import DataError, ParameterError

#: Where the runner tells a notebook which tables earlier runs left.
VARIABLE = "CRMLIB_EARLIER"
#: The column that says which run a row is from.
RUN_DAY = "run_as_of"


@dataclass(frozen=True)
class EarlierTable:
    """One table of one earlier run.

    Attributes
    ----------
    as_of : str
        Last known day of that run, ``YYYY-MM-DD``.
    file : str
        Where it lies.
    sha256 : str
        Hash of the file.
    problem : str
        Why it cannot be used, as a sentence; empty if it can.
    """

    as_of: str
    file: str
    sha256: str = ""
    problem: str = ""


@dataclass(frozen=True)
class EarlierTables:
    """What could be read of a table of earlier runs, and what could not.

    Attributes
    ----------
    rows : DataFrame or None
        All rows, runs in order of time, with the column ``run_as_of``; None without a table.
    left_out : mapping of str to str
        For the last known day, in words, of each run whose table was left out: the reason.
    """

    rows: pd.DataFrame | None
    left_out: Mapping[str, str]


def read_earlier_tables(name: str) -> EarlierTables:
    """Read a table of all earlier runs that the runner handed over.

    Parameters
    ----------
    name : str
        Name under which the notebooks of the earlier runs saved it.

    Returns
    -------
    EarlierTables
        Nothing where no runner handed tables over. ``run_as_of`` takes the place of a column of that
        name in a file.

    Raises
    ------
    ParameterError
        If the notebook does not list the table under ``earlier`` in its metadata: its result would
        depend on files that its fingerprint does not cover.
    DataError
        If a file was replaced while this report was being made.

    Examples
    --------
    >>> read_earlier_tables("actions").rows is None
    True
    """
    if VARIABLE not in os.environ:
        return EarlierTables(None, {})
    handed = json.loads(os.environ[VARIABLE])
    if name not in handed:
        raise ParameterError(
            f"table '{name}' of earlier runs, which the notebook does not say it reads",
            f"one of: {', '.join(sorted(handed)) or 'none is listed'}",
            "list it under 'earlier' in the metadata of the notebook (metadata.crmlib)",
        )
    frames, left_out = [], {}
    for entry in handed[name]:
        table = EarlierTable(**entry)
        frame = None if table.problem else _read(table)
        if frame is None:
            left_out[formats.day(date.fromisoformat(table.as_of))] = (
                table.problem or "It is no table that can be read."
            )
        else:
            frames.append(frame)
    return EarlierTables(_stack(frames), left_out)


def _read(table: EarlierTable) -> pd.DataFrame | None:
    content = Path(table.file).read_bytes()
    if hashlib.sha256(content).hexdigest() != table.sha256:
        raise DataError(
            f"a table of the report of {table.as_of} that was replaced while this report was being made",
            "earlier reports that stay as they are meanwhile",
            "make this report again",
        )
    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except (OSError, ValueError, pa.ArrowException):
        return None
    return frame.assign(**{RUN_DAY: pd.Timestamp(table.as_of)})


def _stack(frames: list[pd.DataFrame]) -> pd.DataFrame | None:
    """Put frames under each other; one without rows must not turn numbers into objects."""
    if not frames:
        return None
    filled = [frame for frame in frames if len(frame)] or frames[-1:]
    return pd.concat(filled, ignore_index=True)
