"""The suite read from its notebooks: questions, words, what is planned, and hostile text as text."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

import crmlib
from crmlib.display import Workbook
from crmlib.display.suite import VARIABLE, Member, Suite, Word, notebooks_folder, read_suite
from crmlib.errors import ParameterError
from crmlib.publish.request import NOTEBOOKS

HOSTILE = "<script>alert(1)</script>"
PLANNED = {"01_a": "What is planned as a?", "02_b": "What is planned as b?", "03_c": "What is planned as c?"}


def write(folder: Path, name: str, *texts: str, about: dict | None = None) -> Path:
    cells = [{"cell_type": "markdown", "metadata": {}, "source": text} for text in texts]
    cells.append(
        {"cell_type": "code", "metadata": {}, "source": "- **Code** (codice): no word.", "outputs": []}
    )
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {} if about is None else {"crmlib": about}}))
    return path


def words(*lines: str) -> str:
    return "## Words used here\n\n" + "\n".join(lines)


@pytest.fixture
def two(tmp_path):
    write(
        tmp_path, "01_a", "# Who?", "- **Outside** (fuori): not in the section.",
        words("- **Margin** (margine): what is *left* of `sales`.", "- **Cohort** (coorte): won together."),
        "### A heading below\n\n- **Below** (sotto): still the section.", "## Next\n\n- **After** (dopo): too late.",
        about={"question": "Who is there?"},
    )  # fmt: skip
    write(
        tmp_path, "02_b", words("- **margin** (margine lordo): another meaning.", f"- **{HOSTILE}** (male): {HOSTILE}."),
        about={"question": f"{HOSTILE}?"},
    )  # fmt: skip
    write(tmp_path, "Untitled")
    return read_suite(tmp_path)


# Reading ----------------------------------------------------------------------------------------


def test_names_and_questions_come_from_the_notebooks_of_the_suite_alone(two):
    assert [(member.name, member.question) for member in two.members] == [
        ("01_a", "Who is there?"), ("02_b", f"{HOSTILE}?"),
    ]  # fmt: skip


def test_words_are_those_of_the_section_without_their_markup(two):
    assert [word.term for word in two.members[0].words] == ["Margin", "Cohort", "Below"]
    assert two.members[0].words[0] == Word("Margin", "margine", "what is left of sales.")


def test_a_notebook_without_question_or_words_has_its_name_and_none(tmp_path):
    write(tmp_path, "05_own_work", "No heading", about={})
    assert read_suite(tmp_path).members == (Member("05_own_work", "05 own work"),)


def test_a_source_in_lines_is_read_as_one_in_a_piece(tmp_path):
    path = write(tmp_path, "01_a", about={})
    node = json.loads(path.read_text())
    node["cells"][0] = {
        "cell_type": "markdown", "metadata": {},
        "source": ["## Words used here\n", "\n", "- **Margin** (margine): what is left."],
    }  # fmt: skip
    path.write_text(json.dumps(node))
    assert read_suite(tmp_path).members[0].words == (Word("Margin", "margine", "what is left."),)


@pytest.mark.parametrize("content", ["{", "[]", '"text"', '{"cells": [1], "metadata": {}}', "\udce4"])
def test_a_file_that_is_no_notebook_is_named(tmp_path, content):
    (tmp_path / "01_a.ipynb").write_text(content, errors="surrogateescape")
    with pytest.raises(ParameterError, match=r"01_a\.ipynb cannot be read as a notebook"):
        read_suite(tmp_path)


def test_an_empty_or_missing_folder_is_an_empty_suite(tmp_path):
    assert read_suite(tmp_path) == read_suite(tmp_path / "none") == Suite()
    assert list(Suite().glossary().columns) == ["term", "italian", "meaning", "notebooks"]
    assert "All 0 words" in Suite().show_glossary().text


def test_the_suite_of_the_repository_has_words_in_every_notebook():
    suite = read_suite(NOTEBOOKS)
    assert [member.name for member in suite.members] == sorted(p.stem for p in NOTEBOOKS.glob("*.ipynb"))
    assert all(member.words and member.question.endswith("?") for member in suite.members)


# Which folder -----------------------------------------------------------------------------------


def test_the_runner_names_the_folder_and_by_hand_it_is_the_repository_s(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert notebooks_folder() == Path(crmlib.__file__).parents[1] / "notebooks" == NOTEBOOKS
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert notebooks_folder() == tmp_path


def test_a_notebook_asks_its_workbook_for_the_suite(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setenv("CRMLIB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "orders.csv").write_text("customer_id,ordered_at,net_amount\na,2026-01-01,1\n")
    wb = Workbook("00_start_here", str(tmp_path / "orders.csv"))
    assert wb.suite() == Suite()
    write(tmp_path, "01_a", about={})
    assert wb.suite().has("01_a")


# What is there and what is planned --------------------------------------------------------------


def test_what_is_not_there_is_marked_as_planned(two):
    assert [two.state(name) for name in PLANNED] == ["01", "02", "03 (planned)"]
    assert [two.has(name) for name in PLANNED] == [True, True, False]
    assert two.question("01_a", PLANNED) == "Who is there?"
    assert two.question("03_c", PLANNED) == "What is planned as c?"
    assert two.question("99_z", PLANNED) == ""


class Reader(HTMLParser):
    def __init__(self, markup):
        super().__init__()
        self.text, self.tags, self.links = "", [], []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data):
        self.text += data


def test_the_list_of_questions_leads_to_notebooks_that_are_there(two):
    shown = two.show_questions(PLANNED)
    page = Reader(shown.markup)
    assert page.links == ["01_a.ipynb", "02_b.ipynb"]
    assert page.tags.count("li") == 3 and "script" not in page.tags
    assert shown.text.splitlines() == [
        "- 01: Who is there?", f"- 02: {HOSTILE}?", "- 03 (planned): What is planned as c?",
    ]  # fmt: skip
    assert "03 (planned): What is planned as c?" in page.text and HOSTILE in page.text


def test_a_notebook_of_one_s_own_is_listed_too(two):
    assert Reader(two.show_questions({}).markup).links == ["01_a.ipynb", "02_b.ipynb"]


# The glossary -----------------------------------------------------------------------------------


def test_the_glossary_has_one_row_per_term_in_alphabetical_order(two):
    table = two.glossary()
    assert table["term"].tolist() == [HOSTILE, "Below", "Cohort", "Margin"]
    margin = table.set_index("term").loc["Margin"]
    assert margin.tolist() == ["margine, margine lordo", "what is left of sales.", "01, 02"]


def test_the_glossary_shows_hostile_words_as_text(two):
    shown = two.show_glossary()
    page = Reader(shown.markup)
    assert "script" not in page.tags and page.text.count(HOSTILE) == 2
    assert page.tags.count("dt") == page.tags.count("dd") == 4
    assert 'lang="it">coorte<' in shown.markup
    assert "Cohort (coorte): Won together. [01]" in shown.text.splitlines()
    assert shown.bundle is None
