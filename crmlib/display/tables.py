"""Tables for people: escaped, aligned, with units; and files that no spreadsheet runs."""

import html
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from crmlib.display import formats

# A cell that starts with one of these could be run as a formula by a spreadsheet.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMERIC = {
    "money",
    "full_money",
    "exact_money",
    "share",
    "share1",
    "count",
    "number",
    "number2",
    "number3",
    "written",
}


class Table:
    """A table that shows itself in a notebook, as HTML and as plain text.

    Parameters
    ----------
    frame : DataFrame
        The rows to show; its index is not shown, reset it first.
    title : str
        What the table shows.
    columns : mapping of str to (str, str)
        For each column to show its heading, unit included, and its format: a name from
        `crmlib.display.formats` (``share1`` for one decimal), ``text``, or ``written`` for
        numbers of several kinds that are text already and aligned like numbers.
    note : str
        Population, period, source or definition, in one line below.
    currency : str
        Currency of money columns.
    emphasis : tuple of str
        First cells of the rows set in bold, such as subtotals.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        title: str,
        columns: Mapping[str, tuple[str, str]],
        note: str = "",
        currency: str = "EUR",
        emphasis: tuple[str, ...] = (),
    ):
        self.title, self.note, self.emphasis = title, note, emphasis
        self.headings = [heading for heading, _ in columns.values()]
        self.kinds = [kind for _, kind in columns.values()]
        cells = [[_formatter(kind, currency)(v) for v in frame[name]] for name, (_, kind) in columns.items()]
        self.rows = [list(row) for row in zip(*cells, strict=True)]

    def to_html(self) -> str:
        """Return the table as an HTML figure; every cell is escaped."""
        mark = ' class="total"'
        align = ["num" if kind in _NUMERIC else "txt" for kind in self.kinds]
        head = "".join(
            f'<th scope="col" class="{side}">{html.escape(heading)}</th>'
            for heading, side in zip(self.headings, align, strict=True)
        )
        body = "".join(
            f"<tr{mark if row[0] in self.emphasis else ''}>{_row(row, align)}</tr>" for row in self.rows
        )
        note = f'<p class="note">{html.escape(self.note)}</p>' if self.note else ""
        return (
            f'<figure class="table"><figcaption>{html.escape(self.title)}</figcaption>'
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}</figure>"
        )

    def to_text(self) -> str:
        """Return the table as aligned plain text; a line break within a cell is a space."""
        grid = [[" ".join(cell.splitlines()) for cell in row] for row in (self.headings, *self.rows)]
        widths = [max(len(row[i]) for row in grid) for i in range(len(self.headings))]
        lines = [
            "  ".join(
                v.rjust(w) if k in _NUMERIC else v.ljust(w)
                for v, w, k in zip(row, widths, self.kinds, strict=True)
            ).rstrip()
            for row in grid
        ]
        return "\n".join([self.title, *lines, self.note]).rstrip()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.to_html(), "text/plain": self.to_text()}


def _row(cells: list[str], align: list[str]) -> str:
    """One row; its first cell names it."""
    first, *rest = (f' class="{side}">{html.escape(cell)}' for cell, side in zip(cells, align, strict=True))
    return f'<th scope="row"{first}</th>' + "".join(f"<td{cell}</td>" for cell in rest)


def _formatter(kind: str, currency: str) -> Callable[[object], str]:
    if kind in ("text", "written"):
        return lambda value: "" if pd.isna(value) else str(value)
    # "not known" is for sentences; a column of numbers reads better with a dash
    return lambda value: "–" if pd.isna(value) else formats.written(value, kind, currency)


def spreadsheet_safe(frame: pd.DataFrame) -> pd.DataFrame:
    """Prefix risky text cells and headings with an apostrophe.

    Numbers stay numbers; only text that a spreadsheet could take for a formula changes.

    Examples
    --------
    >>> spreadsheet_safe(pd.DataFrame({"name": ["Rossi", "=1+1"]}))["name"].tolist()
    ['Rossi', "'=1+1"]
    """
    safe = frame.rename(columns=lambda name: _quoted(str(name)))
    for column in safe.select_dtypes(include=["object", "str", "category"]).columns:
        cells = safe[column]
        is_text = cells.notna() if cells.dtype == "str" else cells.map(lambda cell: isinstance(cell, str))
        text = cells.astype("object").where(is_text.astype("bool")).astype("str")
        # A lone carriage return is not quoted in a CSV file and would begin a new row there.
        text = text.str.replace(r"\r\n?", "\n", regex=True)
        text = text.where(~text.str.startswith(_RISKY), "'" + text)
        safe[column] = cells.astype("object").where(text.isna(), text)
    return safe


def _quoted(text: str) -> str:
    text = re.sub(r"\r\n?", "\n", text)
    return f"'{text}" if text.startswith(_RISKY) else text


def write_table(frame: pd.DataFrame, folder: Path, name: str) -> None:
    """Write a saved table twice: Parquet for machines, CSV for people.

    Money and numbers are rounded to six decimals in both, so that the two agree. Both files
    are written aside and then renamed, so that a reader never sees half a file, and a write
    that fails leaves the two old ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = frame.select_dtypes("number").columns
    rounded = frame.assign(**frame[numbers].round(6))
    targets = {
        "parquet": lambda path: rounded.to_parquet(path, index=False),
        "csv": lambda path: spreadsheet_safe(rounded).to_csv(path, index=False, lineterminator="\n"),
    }
    asides = {ending: folder / f".{name}.{ending}.part" for ending in targets}
    try:
        for ending, write in targets.items():
            write(asides[ending])
        for ending, aside in asides.items():
            aside.replace(folder / f"{name}.{ending}")
    finally:
        for aside in asides.values():
            aside.unlink(missing_ok=True)
