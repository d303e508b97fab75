import csv
from pathlib import Path

import pytest

from crmlib.intake.contract import TABLES
from crmlib.intake.simulate.dictionary import TRUTH, data_dictionary, write_bundled

DATA = Path(__file__).parents[2] / "data"


def test_the_committed_dictionary_is_the_computed_one():
    assert (DATA / "README.md").read_text(encoding="utf-8") == data_dictionary(DATA)


@pytest.mark.parametrize("name", TRUTH)
def test_every_column_of_the_truth_is_explained(folder, name):
    with (folder / "truth" / f"{name}.csv").open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == list(TRUTH[name][1])


def test_every_truth_table_is_explained(folder):
    assert {path.stem for path in (folder / "truth").glob("*.csv")} == set(TRUTH)


def test_every_column_of_the_contract_is_explained(folder):
    text = data_dictionary(folder)
    for table in TABLES.values():
        assert f"### {table.name}\n" in text
        for column in table.columns:
            assert f"| `{column.name}` |" in text
            assert column.meaning in text


def test_writing_again_keeps_other_files(tmp_path):
    (tmp_path / "run.toml").write_text("mine")
    write_bundled(tmp_path)
    write_bundled(tmp_path)
    assert (tmp_path / "run.toml").read_text() == "mine"
    assert (tmp_path / "README.md").read_text(encoding="utf-8").startswith("# The bundled company")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["truth"]
