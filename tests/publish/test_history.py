"""What an earlier report hands to a later one; a damaged one never keeps the later from being made."""

import json

import pytest

from crmlib.display.earlier import VARIABLE
from crmlib.publish import manifest
from crmlib.publish.history import Earlier, EarlierTables, read_earlier


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "2026-05-31"
    made.mkdir()
    (made / "manifest.json").write_text(json.dumps({"version": 1, "links": ["02_x.html"]}))
    metrics = {"02_x": [{"name": "profit", "text": "€4"}], "03_y": []}
    (made / "metrics.json").write_text(json.dumps({"metrics": metrics}))
    return made


def test_pages_and_figures_are_read(folder):
    earlier = read_earlier(folder)
    assert earlier == Earlier("2026-05-31", ("02_x.html",), {"02_x/profit": "€4"})
    assert earlier.day == "31 May 2026"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"metrics": {"02_x": [{}]}}', '{"metrics": 3}'])
def test_figures_that_cannot_be_read_are_left_out(folder, text):
    (folder / "metrics.json").write_text(text)
    assert read_earlier(folder) == Earlier("2026-05-31", ("02_x.html",))
    (folder / "metrics.json").unlink()
    assert read_earlier(folder).figures == {}


@pytest.fixture
def runs(tmp_path):
    """A company with finished runs of three months, each with a table."""
    for day in ("2026-03-31", "2026-04-30", "2026-05-31"):
        tables = tmp_path / day / "tables"
        tables.mkdir(parents=True)
        (tables / "actions.parquet").write_text(day)
        manifest.write(tmp_path / day, {"company": "Shop"})
    return tmp_path


def reasons(runs, as_of="2026-05-31", name="Shop"):
    return {found.as_of: found.problem for found in EarlierTables(runs, name, as_of).of("actions")}


def test_only_runs_before_the_day_are_earlier(runs):
    assert reasons(runs) == {"2026-03-31": "", "2026-04-30": ""}
    assert reasons(runs, "2026-03-31") == {}
    assert EarlierTables(runs / "nobody", "Shop", "2026-05-31").of("actions") == []


def test_a_table_that_is_not_as_it_was_saved_is_marked(runs):
    (runs / "2026-03-31" / "tables" / "actions.parquet").write_text("edited")
    (runs / "2026-04-30" / "tables" / "actions.parquet").unlink()
    found = reasons(runs)
    assert "changed" in found["2026-03-31"] and "cannot be read" in found["2026-04-30"]
    assert all("another company" in reason for reason in reasons(runs, name="Other").values())


def test_a_run_whose_notebook_did_not_save_the_table_is_passed_over(runs):
    (runs / "2026-04-30" / "tables" / "actions.parquet").unlink()
    manifest.write(runs / "2026-04-30", {"company": "Shop"})
    (runs / "2026-03-31" / "manifest.json").write_text("[]")
    assert list(reasons(runs)) == ["2026-03-31"]
    assert "cannot be read" in reasons(runs)["2026-03-31"]


def test_a_notebook_is_told_of_the_tables_it_lists_and_the_fingerprint_covers_them(runs):
    def state():
        earlier = EarlierTables(runs, "Shop", "2026-05-31")
        return json.loads(earlier.environment(["actions"])[VARIABLE]), earlier.facts(["actions"])

    told, facts = state()
    assert [entry["as_of"] for entry in told["actions"]] == ["2026-03-31", "2026-04-30"]
    assert all(entry["file"].endswith("tables/actions.parquet") for entry in told["actions"])
    assert state() == (told, facts)
    (runs / "2026-04-30" / "tables" / "actions.parquet").write_text("made again")
    manifest.write(runs / "2026-04-30", {"company": "Shop"})
    again, other = state()
    assert again["actions"][0] == told["actions"][0] and again != told and other != facts
    assert EarlierTables(runs, "Shop", "2026-05-31").environment([]) == {VARIABLE: "{}"}
