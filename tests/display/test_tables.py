"""Tables: escaped on the page, harmless in a spreadsheet, and the same in both files."""

import csv
import datetime as dt
import math
import os
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from crmlib.display import tables
from crmlib.display.tables import Table, spreadsheet_safe, write_table

HOSTILE = ["<script>alert(1)</script>", "Rossi & Söhne", '"><img src=x onerror=alert(1)>', "{braces}", "**stars**",
           "</td></table><h1>", "'single'", "&lt;b&gt;", "=1+1"]  # fmt: skip
FORMULAS = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x",
            "=cmd|' /C calc'!A0", "-5"]  # fmt: skip


class Grid(HTMLParser):
    """The cells a browser would show, row by row, and every element it would make."""

    def __init__(self, markup):
        super().__init__(convert_charrefs=True)
        self.rows, self.elements, self.texts = [], [], {}
        self.open = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
            self.classes = dict(attrs).get("class")
        if tag in ("td", "th"):
            self.rows[-1].append({"tag": tag, "text": "", "row": self.classes, **dict(attrs)})

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1]["text"] += data
        else:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data

    @property
    def cells(self):
        return [[cell["text"] for cell in row] for row in self.rows]


FRAME = pd.DataFrame(
    {"name": ["Rossi", "Bianchi", "All"], "sales": [1234.5, -8.0, math.nan], "part": [0.5, 0.0423, 1.0],
     "hidden": ["secret"] * 3, "n": [3, 4, 12345]}
)  # fmt: skip
COLUMNS = {"name": ("Customer", "text"), "sales": ("Sales (EUR)", "exact_money"), "part": ("Part", "share"),
           "n": ("Orders", "count")}  # fmt: skip


def table(**options):
    return Table(FRAME, "Sales by customer", COLUMNS, **options)


def test_cells_stand_in_the_order_and_format_asked_for():
    grid = Grid(table().to_html())
    assert grid.cells == [
        ["Customer", "Sales (EUR)", "Part", "Orders"],
        ["Rossi", "€1,234.50", "50%", "3"],
        ["Bianchi", "−€8.00", "4.2%", "4"],
        ["All", "–", "100%", "12,345"],
    ]
    assert grid.texts["figcaption"] == "Sales by customer"
    assert "secret" not in table().to_html() + table().to_text()


def test_headings_name_columns_and_first_cells_name_rows_for_a_screen_reader():
    head, *body = Grid(table().to_html()).rows
    assert all(cell["tag"] == "th" and cell["scope"] == "col" for cell in head)
    for row in body:
        assert row[0]["tag"] == "th" and row[0]["scope"] == "row"
        assert all(cell["tag"] == "td" for cell in row[1:])


def test_numbers_stand_right_and_text_left_head_and_body_alike():
    for row in Grid(table().to_html()).rows:
        assert [cell["class"] for cell in row] == ["txt", "num", "num", "num"]


def test_numbers_written_out_stand_right_as_they_are():
    table = Table(
        pd.DataFrame({"sign": ["<b>"], "was": ["−1.5%"]}),
        "t",
        {"sign": ("S", "text"), "was": ("W", "written")},
    )
    assert (
        '<td class="num">−1.5%</td>' in table.to_html()
        and '<th scope="col" class="num">W</th>' in table.to_html()
    )


def test_only_the_rows_named_are_emphasised():
    rows = Grid(table(emphasis=("All",)).to_html()).rows
    assert [row[0]["row"] for row in rows] == [None, None, None, "total"]


def test_a_note_stands_below_in_html_and_text():
    shown = table(note="Known customers < 2026 & later.")
    assert Grid(shown.to_html()).texts["p"] == "Known customers < 2026 & later."
    assert shown.to_text().splitlines()[-1] == "Known customers < 2026 & later."
    assert "<p" not in table().to_html()


def test_money_is_in_the_run_s_currency():
    assert "£1,234.50" in table(currency="GBP").to_html() and "€" not in table(currency="GBP").to_html()


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_cell_heading_title_or_note_holds_is_text(text):
    frame = pd.DataFrame({text: [text, "x"], "n": [1, 2]})
    shown = Table(frame, text, {text: (text, "text"), "n": (text, "count")}, note=text, emphasis=(text,))
    grid = Grid(shown.to_html())
    assert grid.cells == [[text, text], [text, "1"], ["x", "2"]]
    assert grid.texts["figcaption"] == grid.texts["p"] == text
    assert set(grid.elements) == {"figure", "figcaption", "table", "thead", "tbody", "tr", "th", "td", "p"}
    bundle = shown._repr_mimebundle_()
    assert bundle["text/html"] == shown.to_html() and text in bundle["text/plain"]


def test_plain_text_is_aligned():
    title, head, *rows = table().to_text().splitlines()
    assert title == "Sales by customer"
    end = head.index("Sales (EUR)") + len("Sales (EUR)")
    assert all(row[:end].endswith(cell) for row, cell in zip(rows, ["€1,234.50", "−€8.00", "–"], strict=True))


def test_missing_text_is_empty_and_missing_numbers_are_a_dash():
    frame = pd.DataFrame({"a": ["x", None, math.nan], "b": [1.0, None, math.nan]})
    grid = Grid(Table(frame, "t", {"a": ("A", "text"), "b": ("B", "number")}).to_html())
    assert grid.cells[1:] == [["x", "1.0"], ["", "–"], ["", "–"]]


def test_a_table_without_rows_still_has_its_head():
    shown = Table(FRAME.iloc[:0], "Nobody", COLUMNS)
    assert Grid(shown.to_html()).cells == [["Customer", "Sales (EUR)", "Part", "Orders"]]
    assert shown.to_text().splitlines()[0] == "Nobody"


def test_the_frame_is_not_changed():
    before = FRAME.copy()
    table(emphasis=("All",)).to_html()
    spreadsheet_safe(FRAME)
    pd.testing.assert_frame_equal(FRAME, before)


# Files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("kind", ["str", "object", "category"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text, kind):
    frame = pd.DataFrame({"a": pd.Series(["Rossi", text], dtype=kind)})
    assert list(spreadsheet_safe(frame)["a"]) == ["Rossi", "'" + text.replace("\r", "\n")]


@pytest.mark.parametrize("text", ["Rossi", "1-2", "a=b", "", "'x", "mail@x.it", "É", "0", "12,5"])
def test_other_text_stays_as_it_is(text):
    assert list(spreadsheet_safe(pd.DataFrame({"a": [text, "y"]}))["a"]) == [text, "y"]


@pytest.mark.parametrize("name", FORMULAS)
def test_headings_get_an_apostrophe_too(name):
    assert list(spreadsheet_safe(pd.DataFrame({name: [1]})).columns) == ["'" + name.replace("\r", "\n")]


def test_numbers_stay_numbers_whatever_their_column_is():
    frame = pd.DataFrame(
        {"f": [-1.5, 2.0], "i": [-1, 2], "o": pd.Series([-1.5, -2], dtype="object"),
         "mixed": pd.Series([-3, "=x"], dtype="object"), "d": [dt.date(2026, 1, 1), None]}
    )  # fmt: skip
    safe = spreadsheet_safe(frame)
    assert safe["f"].tolist() == [-1.5, 2.0] and safe["i"].tolist() == [-1, 2]
    assert safe["o"].tolist() == [-1.5, -2]
    assert safe["mixed"].tolist() == [-3, "'=x"]
    assert safe["d"].tolist()[0] == dt.date(2026, 1, 1)


def test_missing_text_stays_missing():
    safe = spreadsheet_safe(pd.DataFrame({"a": pd.Series(["=x", None], dtype="object")}))
    assert safe["a"].isna().tolist() == [False, True]


def saved(seed=0, n=200):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": [f"{i:05d}" for i in range(n)],
            "name": rng.choice(["Rossi", "Söhne, Ltd", 'say "hi"', "two\nlines", "NA", " blank "], n),
            "profit": rng.normal(0, 1e5, n),
            "tiny": rng.normal(0, 1e-5, n),
            "orders": rng.integers(0, 99, n),
            "gap": np.where(rng.random(n) < 0.2, np.nan, rng.random(n)),
            "loyal": rng.random(n) < 0.5,
        }
    )


def test_the_two_files_hold_the_same_rows(tmp_path):
    frame = saved()
    write_table(frame, tmp_path / "new" / "folder", "t")
    parquet = pd.read_parquet(tmp_path / "new" / "folder" / "t.parquet")
    csv = pd.read_csv(
        tmp_path / "new" / "folder" / "t.csv", dtype={"customer_id": "str", "name": "str"}, keep_default_na=False,
        na_values={"gap": [""]},
    )  # fmt: skip
    pd.testing.assert_frame_equal(csv, parquet)
    pd.testing.assert_frame_equal(parquet, frame.round(6))


def test_formulas_are_disarmed_in_the_csv_and_kept_in_the_parquet(tmp_path):
    frame = pd.DataFrame({"customer_id": FORMULAS, "=name": FORMULAS})
    write_table(frame, tmp_path, "t")
    assert pd.read_parquet(tmp_path / "t.parquet")["customer_id"].tolist() == FORMULAS
    csv = pd.read_csv(tmp_path / "t.csv", dtype="str", keep_default_na=False)
    assert list(csv.columns) == ["customer_id", "'=name"]
    for cell in csv.to_numpy().ravel():
        assert cell.startswith("'")


@pytest.mark.parametrize("text", ["x\r=1+1", "x\r\n=1+1", "x\n=1+1", 'x"\r"=1'])
def test_no_text_begins_a_row_of_its_own_in_the_csv(tmp_path, text):
    """A spreadsheet takes a lone carriage return for the end of a row: what follows would be a cell."""
    write_table(pd.DataFrame({"a": [text, "y"], text: ["z", text]}), tmp_path, "t")
    raw = (tmp_path / "t.csv").read_bytes()
    assert b"\r" not in raw
    with (tmp_path / "t.csv").open(newline="") as file:
        assert [len(row) for row in csv.reader(file)] == [2, 2, 2]


def test_the_same_table_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_table(saved(), tmp_path / name, "t")
    for ending in ("csv", "parquet"):
        assert (tmp_path / "a" / f"t.{ending}").read_bytes() == (tmp_path / "b" / f"t.{ending}").read_bytes()
    assert b"\r" not in (tmp_path / "a" / "t.csv").read_bytes()


def test_an_empty_table_is_a_file_with_a_head(tmp_path):
    write_table(saved().iloc[:0], tmp_path, "t")
    assert (tmp_path / "t.csv").read_text().count("\n") == 1
    assert pd.read_parquet(tmp_path / "t.parquet").empty


@pytest.mark.parametrize("failing", ["to_parquet", "to_csv"])
def test_a_write_that_fails_leaves_both_old_files_and_nothing_else(tmp_path, monkeypatch, failing):
    """A full disk in the middle of the second file must not leave two files of different runs."""
    write_table(saved(1), tmp_path, "t")
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full_disk(self, path, *args, **kwargs):
        path.write_bytes(b"half a fi")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, failing, full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_table(saved(2), tmp_path, "t")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old


def test_a_reader_never_sees_half_a_file(tmp_path, monkeypatch):
    """While the new files are written, the old ones stand complete under their names."""
    write_table(saved(1), tmp_path, "t")
    old = (tmp_path / "t.csv").read_bytes()
    seen = []
    replace = os.replace

    def watch(path, target):
        seen.append((tmp_path / "t.csv").read_bytes())
        replace(path, target)

    monkeypatch.setattr(tables.Path, "replace", watch)
    write_table(saved(2), tmp_path, "t")
    assert seen and seen[0] == old
    assert (tmp_path / "t.csv").read_bytes() != old


def test_a_line_break_in_a_cell_does_not_break_the_plain_text():
    frame = pd.DataFrame({"plan": ["one\ntwo", "three\r\nfour"], "n": [1, 2]})
    lines = (
        Table(frame, "Plans", {"plan": ("Plan", "text"), "n": ("Customers", "count")}).to_text().split("\n")
    )
    assert len(lines) == 4 and lines[2].startswith("one two ") and lines[3].startswith("three four")
