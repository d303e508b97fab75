"""Text files: encoding, compression, delimiter, header, and rows that do not fit the header."""

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from crmlib.intake.excel import unique_names
from crmlib.intake.report import Problem, Refused, examples
from crmlib.intake.runfile import TableMap, TextFormat
from crmlib.intake.source import TableSource
from crmlib.intake.sql import ident, literal, rows
from crmlib.intake.wording import counted

_CANDIDATES = (",", ";", "\t", "|")
_SAMPLE_LINES = 200
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONGEST_LINE = 16_000_000
WHITESPACE = "whitespace"


def land_text(
    connection: duckdb.DuckDBPyConnection, table: TableSource, mapped: TableMap, form: TextFormat,
    relation: str, scratch: Path,
) -> tuple[Problem, ...]:
    """Copy a text file into `relation`, all cells as text; return the problems of its form."""
    path = table.files[0]
    marked, lines = check_bytes(table, form.encoding)
    if form.encoding or marked:
        path = recode(path, form.encoding or "utf-8-sig", scratch / f"{table.name}.txt")
    sample = list(islice(read_lines(path), mapped.skip_rows, mapped.skip_rows + _SAMPLE_LINES))
    if not any(line.strip() for line in sample):
        raise Refused.table(table.name, "empty-file", f"{table.where} is empty.", "Export the file again.")
    delimiter = form.delimiter or guess_delimiter(sample)
    cells, taken = split_first(sample, delimiter)
    header = mapped.header or unique_names(cells)
    first = mapped.skip_rows + (0 if mapped.header else taken)
    if delimiter == WHITESPACE:
        return _land_columns_by_space(connection, table, path, header, first, relation)
    problems = _land_delimited(connection, table, path, header, first, delimiter, relation)
    records = rows(connection, f"SELECT count(*) FROM {relation}")[0][0]
    if records + first != lines:
        _count_lines(connection, relation, path, first, delimiter, len(header), records)
    return problems


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
            table.name, "damaged-file",
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
        sentence, guess = f"{table.where}, row {row:,}, has letters that are not UTF-8 (it is probably " \
            "Windows or Latin-1 text).", "cp1252"
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
    connection: duckdb.DuckDBPyConnection, table: TableSource, path: Path, header: list[str], first: int,
    delimiter: str, relation: str,
) -> tuple[Problem, ...]:
    columns = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header) + "}"
    connection.execute(
        f'CREATE TABLE {relation} AS SELECT row_number() OVER () + {first} AS "__row", * FROM read_csv('
        f"{literal(str(path))}, auto_detect = false, header = false, skip = {first}, "
        f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', columns = {columns}, "
        f"null_padding = false, strict_mode = true, max_line_size = {_LONGEST_LINE}, store_rejects = true, "
        "rejects_table = 'ragged', rejects_scan = 'ragged_scans')"
    )
    found = rows(connection, "SELECT line, any_value(csv_line) FROM ragged GROUP BY ALL ORDER BY line LIMIT 5")
    count = rows(connection, "SELECT count(DISTINCT line) FROM ragged")[0][0]
    connection.execute("DROP TABLE ragged; DROP TABLE ragged_scans")
    if not count:
        return ()
    return (_ragged(table, count, len(header), [(line, "", text.strip()) for line, text in found]),)


def _count_lines(
    connection: duckdb.DuckDBPyConnection, relation: str, path: Path, first: int, delimiter: str, width: int,
    records: int,
) -> None:
    """Turn record numbers into line numbers where blank lines or line breaks in cells shift them."""
    shifts, record, last = [(0, 0)], first, first
    lines = islice(read_lines(path), first, None)
    csv.field_size_limit(_LONGEST_LINE)
    reader = csv.reader(lines, delimiter=delimiter)
    for cells in reader:
        start, last = last + 1, first + reader.line_num
        if len(cells) == width and (width > 1 or cells != [""]):
            record += 1
            if start - record != shifts[-1][1]:
                shifts.append((record, start - record))
    if record - first != records:
        return  # the two readers disagree on a malformed file, which is reported as such
    connection.register("shifts", pa.table(dict(zip(("record", "shift"), zip(*shifts, strict=True), strict=True))))
    connection.execute(
        f'CREATE OR REPLACE TABLE {relation} AS SELECT "__row" + shift AS "__row", * EXCLUDE ("__row", record, shift) '
        f'FROM {relation} ASOF JOIN shifts ON "__row" >= record'
    )
    connection.unregister("shifts")


def _land_columns_by_space(
    connection: duckdb.DuckDBPyConnection, table: TableSource, path: Path, header: list[str], first: int,
    relation: str,
) -> tuple[Problem, ...]:
    cells = ", ".join(f"cells[{n}] AS {ident(name)}" for n, name in enumerate(header, 1))
    lines = ident("scratch", "main", "lines " + table.name)
    connection.execute(
        f'CREATE TABLE {lines} AS SELECT row_number() OVER () + {first} AS "__row", '
        r"string_split_regex(trim(line, e' \t\r'), '\s+') AS cells FROM read_csv("
        f"{literal(str(path))}, auto_detect = false, header = false, skip = {first}, delim = e'\\x01', "
        "quote = '', escape = '', columns = {'line': 'VARCHAR'})"
    )
    fits = f"len(cells) = {len(header)}"
    blank = "(cells IS NULL OR cells = [''])"
    connection.execute(f'CREATE TABLE {relation} AS SELECT "__row", {cells} FROM {lines} WHERE {fits}')
    wrong = f"FROM {lines} WHERE NOT {blank} AND NOT {fits}"
    count = rows(connection, f"SELECT count(*) {wrong}")[0][0]
    found = rows(connection, f"SELECT \"__row\", array_to_string(cells, ' ') {wrong} ORDER BY 1 LIMIT 5")
    connection.execute(f"DROP TABLE {lines}")
    return (_ragged(table, count, len(header), [(r, "", text) for r, text in found]),) if count else ()


def _ragged(table: TableSource, count: int, width: int, cells: list[tuple]) -> Problem:
    return Problem(
        table=table.name, code="ragged-row", severity="error", count=count, examples=examples(cells),
        sentence=f"{counted(count, 'row', verb='do')} not fit: the header has {width} cells and "
        "these rows have more or fewer, or a quote that never ends.",
        remedy="Correct these rows, or set the right delimiter in the run file; "
        "text that contains the delimiter must stand in double quotes.",
    )


