"""Text files: every delimiter, compression and encoding; rows that do not fit are never lost in silence."""

import gzip
import zlib

import pytest


def frame(company, source=""):
    return company.open(source=source).orders.order_by(["ordered_at", "customer_id", "net_amount"]).execute()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "   "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_delimiter_gives_the_same_table(company, lines, delimiter, end):
    company.orders(lines)
    expected = frame(company)
    text = end.join(["customer_id,ordered_at,net_amount", *lines]).replace(",", delimiter) + end
    path = company.folder.parent / "other.txt"
    path.write_bytes(text.encode())
    assert frame(company, path).equals(expected)


def test_one_odd_delimiter_can_be_named(company, lines, total):
    company.write("orders.csv", "\n".join(["customer_id^ordered_at^net_amount", *lines]).replace(",", "^"))
    assert company.check('delimiter = "^"').ledger.total_net == total(lines)


def test_a_gzip_file_is_read_like_the_plain_one(company, lines):
    plain = company.orders(lines)
    expected = frame(company)
    packed = plain.with_name("orders.csv.gz")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert frame(company).equals(expected)


@pytest.mark.parametrize("cut", [0.2, 0.9, 0.999])
def test_a_truncated_gzip_file_is_an_error(company, lines, cut):
    packed = gzip.compress("\n".join(["customer_id,ordered_at,net_amount", *lines]).encode())
    (company.folder / "orders.csv.gz").write_bytes(packed[: int(len(packed) * cut)])
    assert company.check().codes() == {"damaged-file"}


def test_a_gzip_file_with_a_wrong_byte_is_an_error(company, lines):
    packed = bytearray(gzip.compress("\n".join(["customer_id,ordered_at,net_amount", *lines]).encode()))
    packed[len(packed) // 2] ^= 0xFF
    (company.folder / "orders.csv.gz").write_bytes(packed)
    assert company.check().codes() == {"damaged-file"}
    (company.folder / "orders.csv.gz").write_bytes(zlib.compress(b"not gzip at all"))
    assert company.check().codes() == {"damaged-file"}


def test_an_empty_file_and_a_file_of_only_headers_are_errors(company):
    company.write("orders.csv", "")
    assert company.check().codes() == {"empty-file"}
    company.write("orders.csv", "customer_id,ordered_at,net_amount\n")
    assert company.check().codes() == {"no-rows"}
    assert company.check().one("no-rows").severity == "error"


def test_an_optional_table_of_only_headers_counts_as_not_there(company, lines):
    company.orders(lines)
    company.write("survey.csv", "customer_id,answered_on\n")
    data = company.open()
    assert not data.has("survey") and data.table("survey") is None
    assert "no-rows" in {problem.code for problem in data.report.warnings}


@pytest.mark.parametrize(
    ("encoding", "name"), [("latin-1", "cp1252"), ("utf-16", "utf-16"), ("cp1252", "cp1252")]
)
def test_another_encoding_is_named_with_its_row_and_works_once_said(company, lines, encoding, name):
    company.orders([*lines, "Zoë,2024-01-31,5.00"], encoding=encoding)
    found = company.check().one("wrong-encoding")
    assert found.severity == "error" and f'encoding = "{name}"' in found.remedy
    if encoding != "utf-16":
        assert f"row {len(lines) + 2}," in found.sentence
    assert "Zoë" in set(company.open(f'encoding = "{name}"').orders.customer_id.execute())


def test_a_byte_order_mark_is_no_part_of_the_first_name(company, lines, total):
    company.orders(lines, encoding="utf-8-sig")
    assert company.check().ledger.total_net == total(lines)


@pytest.mark.parametrize("row", ["C001,2024-01-31", "C001,2024-01-31,5.00,extra", "C001"])
def test_rows_with_too_few_or_too_many_cells_are_an_error_with_their_row(company, lines, row):
    company.orders([*lines[:10], row, *lines[10:]])
    found = company.check()
    assert found.codes("error") == {"ragged-row"}
    assert found.cells("ragged-row") == [(12, "", row)]


def test_a_quote_that_never_ends_does_not_swallow_the_rest(company, lines):
    company.orders([*lines[:10], '"C001,2024-01-31,5.00', *lines[10:]])
    found = company.check()
    assert found.one("ragged-row").severity == "error"
    assert found.one("ragged-row").examples[0].row == 12


def test_ragged_rows_between_blanks_are_found_too(company):
    company.write("orders.txt", "customer_id ordered_at net_amount\n C1  2024-01-31  5\n C2 2024-01-31\n")
    found = company.check()
    assert found.cells("ragged-row") == [(3, "", "C2 2024-01-31")]


def test_rows_are_counted_as_an_editor_counts_lines(company, lines):
    """Blank lines and line breaks inside a cell shift everything below them."""
    company.orders([*lines[:5], "", '"C\n\n1",2024-01-31,5.00', "", *lines[5:], "C001,soon,1.00"])
    path = company.folder / "orders.csv"
    expected = path.read_text().splitlines().index("C001,soon,1.00") + 1
    assert company.check().cells("unreadable-date") == [(expected, "ordered_at", "soon")]


def test_lines_above_the_header_are_skipped_on_demand(company, lines, total):
    company.write(
        "orders.csv",
        ["Sales report", "printed 2024-04-01", "customer_id,ordered_at,net_amount", *lines, "C001,soon,1.00"],
    )
    found = company.check("[tables.orders]\nskip_rows = 2")
    assert found.ledger.total_net == total(lines)
    assert found.cells("unreadable-date")[0][0] == len(lines) + 4


def test_a_file_without_header_is_recognised_and_can_be_named(company, lines, total):
    company.write("orders.csv", lines)
    missing = [p for p in company.check().report.errors if p.code == "missing-column"]
    assert len(missing) == 3 and "header" in missing[-1].remedy
    found = company.check('[tables.orders]\nheader = ["customer_id", "ordered_at", "net_amount"]')
    assert found.ledger.total_net == total(lines)


HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd()|' /C calc'!A0",
    "'; DROP TABLE orders; --",
    'say "hi"',
    "a\nb",
    "C:\\new",
    "$HOME",
    "{{x}}",
    "%s",
    "\u202eevil",
    "🙂",
    "\x1b[31mred",
    "x" * 5000,
    "NULLIF",
    "--",
    "\\N'",
]


def test_hostile_text_is_only_text(company, lines):
    cells = ['"' + text.replace('"', '""') + '"' for text in HOSTILE]
    company.orders(
        [f"{cell},2024-01-31,1.00,{cell}" for cell in cells] + [line + ",web" for line in lines],
        header="customer_id,ordered_at,net_amount,channel",
    )
    orders = company.open().orders
    assert set(HOSTILE) <= set(orders.customer_id.execute())
    assert set(HOSTILE) <= set(orders.channel.execute())


@pytest.mark.parametrize(
    "name", ['a "quoted" name', "select", "it's", "<b>", "a,b", "naïve 日付", "__row1", "x; y"]
)
def test_columns_of_any_name_can_be_mapped(company, lines, total, name):
    quoted = '"' + name.replace('"', '""') + '"'
    company.orders(lines, header=f"customer_id,ordered_at,{quoted}")
    found = company.check(f"[tables.orders.columns]\nnet_amount = '''{name}'''")
    assert found.ledger.total_net == total(lines)


def test_permuting_the_rows_changes_no_total(company, lines):
    company.orders(lines)
    before = company.check()
    company.orders(lines[::-1])
    after = company.check()
    assert before.ledger == after.ledger
    assert before.report.found("orders") == after.report.found("orders")


@pytest.mark.parametrize(("content", "ending"), [(b"PK\x03\x04...", ".xlsx"), (b"PAR1....", ".parquet")])
def test_a_file_of_another_kind_under_the_name_of_a_text_file_is_recognised(company, content, ending):
    (company.folder / "orders.csv").write_bytes(content)
    assert ending in company.check().one("no-text").remedy


def test_the_separator_line_of_a_spreadsheet_is_understood(company, lines, total):
    company.write(
        "orders.csv", "\n".join(["sep=;", "customer_id,ordered_at,net_amount", *lines]).replace(",", ";")
    )
    assert company.check().ledger.total_net == total(lines)


@pytest.mark.parametrize("blank", [",,", " , ,", '"","",""'])
def test_rows_with_nothing_in_them_are_left_out_and_counted(company, lines, total, blank):
    company.orders([*lines[:9], blank, *lines[9:], *[blank] * 30, "C001,soon,5.00"])
    found = company.check()
    note = found.one("blank-row")
    assert (note.severity, note.count) == ("note", 31) and "row 11)" in note.sentence
    assert (found.report.found("orders").rows, found.ledger.total_net) == (len(lines) + 1, total(lines))
    assert found.cells("unreadable-date") == [(len(lines) + 33, "ordered_at", "soon")]
    assert not found.codes("error")


def test_a_row_with_one_filled_cell_is_not_left_out(company, lines):
    company.orders([*lines, ",,5.00"])
    found = company.check()
    assert "blank-row" not in found.codes() and found.cells("missing-value")[0][0] == len(lines) + 2
