"""Text files: encoding, compression, delimiter, header, and rows that do not fit the header."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from crmlib.intake.columns import unique_names
from crmlib.intake.found import TableSource, blank_rows
from crmlib.intake.report import Problem, Refused, examples
from crmlib.intake.runfile import TableMap, TextFormat
from crmlib.intake.sql import ident, literal, rows
from crmlib.intake.wording import counted

_CANDIDATES = (",", ";", "\t", "|")
_SAMPLE_LINES = 200
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONGEST_LINE = 16_000_000
_NOT_TEXT = (
    (b"PK\x03\x04", "a workbook or another archive", ".xlsx"),
    (b"\xd0\xcf\x11\xe0", "an old workbook", ".xls"),
    (b"\x1f\x8b", "a gzip file", ".csv.gz"),
    (b"PAR1", "a Parquet file", ".parquet"),
)
_SEPARATOR = re.compile(r"sep=.\s*", re.IGNORECASE)  # the line that Excel puts above everything else
WHITESPACE = "whitespace"


def land_text(
    connection: duckdb.DuckDBPyConnection,
    table: TableSource,
    mapped: TableMap,
    form: TextFormat,
    relation: str,
    scratch: Path,
) -> tuple[Problem, ...]:
    """Copy a text file into `relation`, all cells as text; return the problems of its form."""
    path = table.files[0]
    marked, lines = check_bytes(table, form.encoding)
    if form.encoding or marked:
        path = recode(path, form.encoding or "utf-8-sig", scratch / f"{table.name}.txt")
    csv.field_size_limit(_LONGEST_LINE)
    sample = list(islice(read_lines(path), mapped.skip_rows + _SAMPLE_LINES))
    skip = mapped.skip_rows or int(bool(sample and _SEPARATOR.fullmatch(sample[0])))
    sample = sample[skip:]
    if not any(line.strip() for line in sample):
        raise Refused.table(table.name, "empty-file", f"{table.where} is empty.", "Export the file again.")
    delimiter = form.delimiter or guess_delimiter(sample)
    cells, taken = split_first(sample, delimiter)
    shape = Shape(
        path, mapped.header or unique_names(cells), skip + (0 if mapped.header else taken), delimiter
    )
    if delimiter == WHITESPACE:
        return _land_columns_by_space(connection, table, shape, relation)
    return _land_delimited(connection, table, shape, relation, lines)


@dataclass(frozen=True)
class Shape:
    """How a text file is laid out: `first` lines stand above the data, the header among them."""

    path: Path
    header: list[str]
    first: int
    delimiter: str


def check_bytes(table: TableSource, encoding: str | None) -> tuple[bool, int]:
    """Read a text file once; refuse a damaged archive and text that is not in its encoding.

    Returns
    -------
    bool
        Whether the file starts with the mark that some programs put before UTF-8.
    int
        Lines in the file.
    """
    decoder = codecs.getincrementaldecoder(encoding or "utf-8")("strict")
    lines, first, chunk, tail = 0, b"", b"", b"\n"
    try:
        with _bytes(table.files[0]) as stream:
            while chunk := stream.read(1 << 20):
                first = first or chunk[:4]
                for mark, kind, ending in _NOT_TEXT:
                    if first.startswith(mark):
                        raise Refused.table(
                            table.name,
                            "no-text",
                            f"{table.where} is {kind}, whatever its name says.",
                            f"Give the file a name that ends in {ending}.",
                        )
                if not encoding and (first[:2] in _UTF16 or b"\0" in first):
                    raise _wrong_encoding(table, encoding, first, 1)
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    row = lines + chunk[: error.start].count(b"\n") + 1
                    raise _wrong_encoding(table, encoding, first, row) from None
                lines += chunk.count(b"\n")
                tail = chunk[-1:]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Refused.table(
            table.name,
            "damaged-file",
            f"{table.where} is damaged: the compressed file is cut off or broken ({str(error).rstrip('.')}).",
            "Copy or download the file again.",
        ) from None
    return first[:3] == codecs.BOM_UTF8, lines + (tail != b"\n")


def _wrong_encoding(table: TableSource, encoding: str | None, first: bytes, row: int) -> Refused:
    if encoding:
        sentence, guess = f"{table.where}, row {row:,}, is not {encoding} text.", ""
    elif first[:2] in _UTF16 or b"\0" in first:
        sentence, guess = f"{table.where} is UTF-16 text; UTF-8 is expected.", "utf-16"
    else:
        sentence, guess = (
            f"{table.where}, row {row:,}, has letters that are not UTF-8 (it is probably "
            "Windows or Latin-1 text).",
            "cp1252",
        )
    remedy = f'Save it as "CSV UTF-8", or say encoding = "{guess}" in the run file.'
    return Refused.table(
        table.name, "wrong-encoding", sentence, remedy if guess else "Correct encoding in the run file."
    )


def _bytes(path: Path) -> io.BufferedIOBase:
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 text file, gzip or not."""
    with _bytes(path) as stream:
        yield from io.TextIOWrapper(stream, encoding="utf-8", newline="")


def recode(path: Path, encoding: str, target: Path) -> Path:
    """Write `path` again as plain UTF-8."""
    with _bytes(path) as stream, target.open("w", encoding="utf-8", newline="") as out:
        text = io.TextIOWrapper(stream, encoding=encoding, newline="")
        while chunk := text.read(1 << 20):
            out.write(chunk)
    return target


def guess_delimiter(sample: list[str]) -> str:
    """Return the delimiter that cuts the sample into the most equal columns.

    >>> guess_delimiter(["a;b;c", "1,5;2;3"]), guess_delimiter([" id  date", " 1   19970101"])
    (';', 'whitespace')
    """
    best, best_score = ",", (0.0, 0)
    for delimiter in (*_CANDIDATES, WHITESPACE):
        lines = [line for line in sample if line.strip()]
        if delimiter == WHITESPACE:
            widths = [len(line.split()) for line in lines]
        else:
            widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells]
        width, agree = Counter(widths).most_common(1)[0]
        score = (agree / len(widths), width if delimiter != WHITESPACE else 1)
        if width > 1 and widths[0] == width and score > best_score:
            best, best_score = delimiter, score
    return best


def split_first(sample: list[str], delimiter: str) -> tuple[list[str], int]:
    """Return the cells of the first record of `sample`, and how many lines it takes."""
    if delimiter == WHITESPACE:
        return sample[0].split(), 1
    reader = csv.reader(sample, delimiter=delimiter)
    return next(reader), reader.line_num


def _land_delimited(
    connection: duckdb.DuckDBPyConnection, table: TableSource, shape: Shape, relation: str, lines: int
) -> tuple[Problem, ...]:
    columns = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in shape.header) + "}"
    cells = ident("scratch", "main", "cells " + table.name)
    connection.execute(
        f"CREATE TABLE {cells} AS FROM read_csv({literal(str(shape.path))}, auto_detect = false, header = false, "
        f"skip = {shape.first}, delim = {literal(shape.delimiter)}, quote = '\"', escape = '\"', "
        f"columns = {columns}, null_padding = false, strict_mode = true, max_line_size = {_LONGEST_LINE}, "
        "store_rejects = true, rejects_table = 'ragged', rejects_scan = 'ragged_scans')"
    )
    found = rows(
        connection, "SELECT line, any_value(csv_line) FROM ragged GROUP BY ALL ORDER BY line LIMIT 5"
    )
    count = rows(connection, "SELECT count(DISTINCT line) FROM ragged")[0][0]
    connection.execute("DROP TABLE ragged; DROP TABLE ragged_scans")
    # The engine keeps the order of the file, so that rowid counts its records from zero.
    numbered = f'SELECT rowid + {shape.first + 1} AS "__row", * FROM {cells}'
    records = rows(connection, f"SELECT count(*) FROM {cells}")[0][0]
    shifts = _shifts(shape, records) if records + shape.first != lines else None
    if shifts is not None:
        names = ", ".join(map(ident, shape.header))
        moved = ident("scratch", "main", "shifts " + table.name)
        connection.register("shifts", shifts)
        connection.execute(f"CREATE TABLE {moved} AS FROM shifts")
        connection.unregister("shifts")
        numbered = (
            f'SELECT "__row" + shift AS "__row", {names} FROM ({numbered}) '
            f'ASOF JOIN {moved} ON "__row" >= record'
        )
    blank = " AND ".join(f"({ident(name)} IS NULL OR trim({ident(name)}) = '')" for name in shape.header)
    blanks, first = rows(connection, f'SELECT count(*), min("__row") FROM ({numbered}) WHERE {blank}')[0]
    if blanks:
        numbered = f"SELECT * FROM ({numbered}) WHERE NOT ({blank})"
    connection.execute(f"CREATE VIEW {relation} AS {numbered}")
    problems = (blank_rows(table, blanks, first),) if blanks else ()
    if not count:
        return problems
    ragged = [(line, "", text.strip()) for line, text in found]
    return (*problems, _ragged(table, count, len(shape.header), ragged))


def _shifts(shape: Shape, records: int) -> pa.Table | None:
    """Return by how much line numbers run ahead of record numbers, from which record on.

    Blank lines and line breaks inside cells shift all that stands below them.
    """
    shifts, record, last, width = [(0, 0)], shape.first, shape.first, len(shape.header)
    reader = csv.reader(islice(read_lines(shape.path), shape.first, None), delimiter=shape.delimiter)
    for cells in reader:
        start, last = last + 1, shape.first + reader.line_num
        if len(cells) == width and (width > 1 or cells != [""]):
            record += 1
            if start - record != shifts[-1][1]:
                shifts.append((record, start - record))
    if record - shape.first != records:
        return None  # the two readers disagree on a malformed file, which is reported as such
    return pa.table(dict(zip(("record", "shift"), zip(*shifts, strict=True), strict=True)))


def _land_columns_by_space(
    connection: duckdb.DuckDBPyConnection, table: TableSource, shape: Shape, relation: str
) -> tuple[Problem, ...]:
    width, lines = len(shape.header), ident("scratch", "main", "lines " + table.name)
    connection.execute(
        f"CREATE TABLE {lines} AS SELECT string_split_regex(trim(line, e' \\t\\r'), '\\s+') AS cells FROM read_csv("
        f"{literal(str(shape.path))}, auto_detect = false, header = false, skip = {shape.first}, "
        "delim = e'\\x01', quote = '', escape = '', columns = {'line': 'VARCHAR'})"
    )
    number, cells = (
        f"rowid + {shape.first + 1}",
        [f"cells[{n}] AS {ident(c)}" for n, c in enumerate(shape.header, 1)],
    )
    connection.execute(
        f'CREATE VIEW {relation} AS SELECT {number} AS "__row", {", ".join(cells)} FROM {lines} '
        f"WHERE len(cells) = {width}"
    )
    wrong = f"FROM {lines} WHERE cells <> [''] AND len(cells) <> {width}"
    count = rows(connection, f"SELECT count(*) {wrong}")[0][0]
    found = rows(connection, f"SELECT {number}, array_to_string(cells, ' ') {wrong} ORDER BY 1 LIMIT 5")
    return (_ragged(table, count, width, [(row, "", text) for row, text in found]),) if count else ()


def _ragged(table: TableSource, count: int, width: int, cells: list[tuple]) -> Problem:
    return Problem(
        table=table.name,
        code="ragged-row",
        severity="error",
        count=count,
        examples=examples(cells),
        sentence=f"{counted(count, 'row', verb='do')} not fit: the header has {width} cells and "
        "these rows have more or fewer, or a quote that never ends.",
        remedy="Correct these rows, or set the right delimiter in the run file; "
        "text that contains the delimiter must stand in double quotes.",
    )
