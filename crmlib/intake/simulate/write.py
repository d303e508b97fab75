"""Writing tables chunk by chunk, as CSV or Parquet, beside their place and moved there when complete."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from crmlib.errors import ParameterError

FORMATS = ("csv", "parquet")
QUOTED = ("truth/parameters",)  # its sentences hold commas
MONEY = pa.decimal128(14, 2)


def money(cents: np.ndarray, blank: np.ndarray | None = None) -> pa.Array:
    """Return whole cents as exact decimals with two places; null where `blank`.

    Examples
    --------
    >>> money(np.array([1999, -5])).to_pylist()
    [Decimal('19.99'), Decimal('-0.05')]
    """
    low = np.ascontiguousarray(cents, np.int64)
    words = np.empty((low.size, 2), np.int64)  # a decimal is a 128-bit integer, low word first
    words[:, 0], words[:, 1] = low, low >> 63
    array = pa.Array.from_buffers(MONEY, low.size, [None, pa.py_buffer(words)])
    return array if blank is None else pc.if_else(pa.array(~blank), array, pa.scalar(None, MONEY))


def identifier(letter: str, number: np.ndarray, width: int, blank: np.ndarray | None = None) -> pa.Array:
    """Return ids such as ``C000123``; null where `blank`.

    Examples
    --------
    >>> identifier("C", np.array([123]), 6).to_pylist()
    ['C000123']
    """
    digits = pc.utf8_lpad(pa.array(number).cast(pa.string()), width, padding="0")
    ids = pc.binary_join_element_wise(letter, digits, "")
    return ids if blank is None else pc.if_else(pa.array(~blank), ids, pa.scalar(None, pa.string()))


def day(start: object, number: np.ndarray) -> pa.Array:
    """Return dates from day numbers (NaN becomes null)."""
    days = np.asarray(number, float)
    known = np.isfinite(days)
    dates = np.datetime64(start, "D") + np.where(known, days, 0).astype(np.int64)
    return pa.array(dates, mask=~known)


def number(values: np.ndarray, places: int) -> pa.Array:
    """Return numbers rounded to `places` decimals (NaN becomes null)."""
    return pa.array(np.round(values, places), mask=~np.isfinite(values))


def words(names: tuple[str, ...], which: np.ndarray) -> pa.Array:
    """Return the words that the numbers in `which` stand for."""
    return pa.array(names).take(pa.array(np.asarray(which, np.int64)))


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times without seconds, as a person would type them."""
    if pa.types.is_timestamp(column.type):
        return pc.utf8_slice_codeunits(column.cast(pa.string()), 0, 16)
    return column


class Folder:
    """The tables of a company being written, one file per table, appended chunk by chunk."""

    def __init__(self, path: Path, format: str):
        self.path, self.format = path, format
        self._open: dict[str, tuple[object, object]] = {}

    def append(self, name: str, columns: dict[str, object]) -> None:
        """Append rows to the table `name` (``truth/profit`` lands in the folder ``truth``)."""
        table = pa.table(columns)
        if self.format == "csv":
            table = pa.table({key: _as_text(table[key]) for key in table.column_names})
        if name not in self._open:
            path = self.path / f"{name}.{self.format}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if self.format == "csv":
                sink = path.open("wb")
                sink.write((",".join(table.column_names) + "\n").encode())
                writer = None
            else:
                sink = None
                writer = pa.parquet.ParquetWriter(path, table.schema, compression="zstd")
            self._open[name] = (sink, writer)
        sink, writer = self._open[name]
        if self.format == "csv":
            # no quotes where no value needs them: a third smaller, and easier on the eye
            style = "needed" if name in QUOTED else "none"
            options = pa.csv.WriteOptions(include_header=False, quoting_style=style)
            pa.csv.write_csv(table, sink, options)
        else:
            writer.write_table(table, row_group_size=500_000)

    def close(self) -> None:
        """Finish all files."""
        for sink, writer in self._open.values():
            for handle in (sink, writer):
                if handle is not None:
                    handle.close()


@contextmanager
def company_folder(folder: str | os.PathLike, format: str) -> Iterator[Folder]:
    """Write into a folder aside; it takes its name only when everything is there.

    Raises
    ------
    ParameterError
        If the format is unknown or the folder exists and is not empty.
    """
    if format not in FORMATS:
        raise ParameterError(f"format {format!r}", "csv or parquet", "choose one of the two")
    target = Path(folder).resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ParameterError(
            f"'{folder}' exists and is not an empty folder",
            "a new or empty folder",
            "name another folder, or move what is in it away",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.parent / f".{target.name}.{os.getpid()}.part"
    shutil.rmtree(aside, ignore_errors=True)  # of a run that was killed
    aside.mkdir()
    writing = Folder(aside, format)
    try:
        yield writing
        writing.close()
        _move(aside, target)
    except BaseException:
        writing.close()
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _move(aside: Path, target: Path) -> None:
    if not target.exists():
        aside.rename(target)
        return
    # An empty folder may be somebody's current one: it stays, and the orders come last, because
    # without them nobody takes it for a company.
    for path in sorted(aside.iterdir(), key=lambda path: (path.stem == "orders", path.name)):
        path.rename(target / path.name)
    aside.rmdir()
