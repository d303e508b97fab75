"""What an earlier report hands to a later one; a damaged one never keeps the later from being made."""

import json

import pytest

from crmlib.publish.history import Earlier, read_earlier


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
