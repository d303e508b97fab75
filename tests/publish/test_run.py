"""Whole runs on a tiny company: order, reuse, failures, and the same bytes every time."""

import errno
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from crmlib.errors import ParameterError, RunError
from crmlib.publish.request import Request
from crmlib.publish.run import make_report
from crmlib.publish.stage import RunFolder

READ = """
import os, pathlib
print((pathlib.Path(os.environ["CRMLIB_RUN_FOLDER"]) / "tables" / "{name}.csv").read_text())
"""


def fingerprints(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "run.log"
    }


@pytest.fixture
def report(tmp_path, company, suite):
    """Run the suite on the tiny company."""

    def run(**choices):
        defaults = {"source": str(company), "output": tmp_path / "out", "notebooks": suite.folder}
        return make_report(Request(**(defaults | choices)))

    return run


def outputs(result, name):
    node = json.loads((result.folder / "notebooks" / f"{name}.ipynb").read_text())
    return "".join("".join(out.get("text", "")) for cell in node["cells"] for out in cell.get("outputs", []))


def test_a_chain_runs_in_order_and_what_is_unchanged_is_reused(report, suite, save, company):
    suite.add("01_reads", "md:# What was saved?", READ.format(name="t"), needs=["t"])
    suite.add(
        "02_saves",
        "md:# What is there?",
        save("t", "f'{as_of};{months}'"),
        save("extra"),
        parameters='source = ""\nas_of = ""\nmonths = 12',
        saves=["t"],
    )
    suite.add(
        "03_alone",
        "md:# Alone?",
        "import os\nprint(sorted(os.listdir(os.environ['CRMLIB_RUN_FOLDER'] + '/tables')))",
    )
    first = report()
    assert set(first.ran) == {"01_reads", "02_saves", "03_alone"}
    assert outputs(first, "01_reads").strip() == "2026-03-27;12"
    assert outputs(first, "03_alone").strip() == "[]"  # it sees no table it does not need
    assert first.folder == first.folder.parent / "2026-03-27"
    before = fingerprints(first.folder)
    assert {"index.html", "01_reads.html", "tables/t.csv", "tables/extra.csv", "metrics.json"} <= set(before)

    again = report()
    assert again.unchanged
    assert again.ran == ()
    assert fingerprints(again.folder) == before

    suite.add("03_alone", "md:# Alone?", "print(1)")
    changed = report()
    assert changed.ran == ("03_alone",)
    assert set(changed.reused) == {"01_reads", "02_saves"}
    after = fingerprints(changed.folder)
    assert {name for name in before if before[name] != after[name]} == {
        "03_alone.html", "notebooks/03_alone.ipynb", "manifest.json", "index.html",
    }  # fmt: skip

    (company.parent / "run.toml").write_text(f'source = "{company}"\n[notebooks.02_saves]\nmonths = 3\n')
    other = report(source=str(company.parent / "run.toml"), only=("01",), output=company.parent / "other")
    assert set(other.ran) == {"01_reads", "02_saves"}
    assert outputs(other, "01_reads").strip() == "2026-03-27;3"


SEEN = """
import os, pathlib
folder = pathlib.Path(os.environ["CRMLIB_NOTEBOOKS"])
print(folder.is_absolute(), sorted(path.name for path in folder.glob("*.ipynb")))
print("old word" in (folder / "02_saves.ipynb").read_text())
tables = pathlib.Path(os.environ["CRMLIB_RUN_FOLDER"]) / "tables"
print(sorted(path.name for path in tables.iterdir()))
"""


def test_an_overview_sees_the_suite_and_runs_again_when_a_word_of_it_changes(
    report, suite, save, tmp_path, monkeypatch
):
    suite.add("00_overview", "md:# What?", SEEN, needs=["nobody_saves_it", "t"], overview=True)
    suite.add("02_saves", "md:# Saves?", "md:An old word.", save("t"), saves=["t"])
    suite.add("03_alone", "md:# Alone?", "1 + 1")
    monkeypatch.chdir(tmp_path)
    first = report(only=("00",), notebooks=Path(suite.folder.name))
    assert set(first.ran) == {"00_overview", "02_saves"}  # with what it builds on
    seen, word, tables = outputs(first, "00_overview").splitlines()
    assert seen == "True ['00_overview.ipynb', '02_saves.ipynb', '03_alone.ipynb']"
    assert word == "True" and tables == "['t.csv']"
    assert report().ran == ("03_alone",)

    suite.add("02_saves", "md:# Saves?", "md:Another one.", save("t"), saves=["t"])
    changed = report()
    assert set(changed.ran) == {"00_overview", "02_saves"} and changed.reused == ("03_alone",)
    assert outputs(changed, "00_overview").splitlines()[1] == "False"

    suite.add("03_alone", "md:# Alone?", "md:A word.", "1 + 1")
    again = report()
    assert set(again.ran) == {"00_overview", "03_alone"} and again.reused == ("02_saves",)


MEET = """
import pathlib, time
place = pathlib.Path({place!r})
(place / "{mine}").touch()
while not (place / "{other}").exists():
    time.sleep(0.05)
"""


def test_independent_notebooks_run_side_by_side(report, suite, tmp_path):
    for mine, other in (("01_a", "02_b"), ("02_b", "01_a")):  # each waits for the other
        suite.add(mine, "md:# A?", MEET.format(place=str(tmp_path), mine=mine, other=other))
    assert set(report(jobs=2, timeout=60).ran) == {"01_a", "02_b"}


def test_a_damaged_report_is_not_reused(report, suite):
    suite.add("01_a", "md:# A?", "print(1)")
    page = report().folder / "01_a.html"
    good = page.read_bytes()
    page.write_text("edited by hand")
    assert report().ran == ("01_a",)
    assert page.read_bytes() == good


def test_the_same_data_elsewhere_give_the_same_bytes(report, suite, company, tmp_path, monkeypatch):
    suite.add(
        "01_a",
        "md:# A?",
        "import os, sys, time\n"
        "print(source, object(), os.getcwd(), time.tzname, os.environ['CRMLIB_RUN_FOLDER'])\n"
        "print({'b', 'a', 'c'}, file=sys.stderr)\nimport warnings; warnings.warn('careful')",
        parameters='source = ""',
    )
    one = report()
    there = tmp_path / "a longer path" / "shop"
    shutil.copytree(company, there)
    shutil.copytree(suite.folder, there.parent / "notebooks")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("PYTHONHASHSEED", "12")
    two = report(source=str(there), output=Path("elsewhere"), notebooks=there.parent / "notebooks", jobs=1)
    assert "manifest.json" in fingerprints(one.folder)
    assert fingerprints(one.folder) == fingerprints(two.folder)
    everything = b"".join(
        path.read_bytes() for path in one.folder.rglob("*") if path.is_file() and path.name != "run.log"
    )
    assert str(tmp_path).encode() not in everything
    assert "careful" in (one.folder / "run.log").read_text()


def test_a_month_leads_back_to_the_month_before(report, suite):
    suite.add("01_a", "md:# A?", "print(as_of)", parameters='as_of = ""')
    february = report(as_of="2026-02-28")
    march = report()
    assert 'href="../2026-02-28/01_a.html"' in (march.folder / "01_a.html").read_text()
    assert "Report of 28 February 2026" in (march.folder / "index.html").read_text()
    assert "../" not in (february.folder / "index.html").read_text()
    assert (march.folder.parent / "latest").resolve() == march.folder.resolve()


def test_a_notebook_reads_what_earlier_runs_saved_and_runs_again_when_that_changes(report, suite):
    cells = (
        "from crmlib.display import Workbook\nimport pandas as pd\nwb = Workbook('01_a', source, as_of)",
        "found = wb.earlier('actions')\nprint('found', [] if found is None else found['n'].tolist())",
        "wb.save('actions', pd.DataFrame({'n': [n]}), 'Actions')",
    )
    given = 'source = ""\nas_of = ""\nn = '
    about = {"saves": ["actions"], "earlier": ["actions"]}

    suite.add("01_a", "md:# A?", *cells, parameters=given + "1", **about)
    january = report(as_of="2026-01-31")
    assert "found []" in outputs(january, "01_a")
    suite.add("01_a", "md:# A?", *cells, parameters=given + "2", **about)
    march = report()
    assert "found [1]" in outputs(march, "01_a")
    known = json.loads((march.folder / "manifest.json").read_text())["notebooks"]["01_a"]["earlier"]
    assert [day for day, *_ in known["actions"]] == ["2026-01-31"]
    assert report().unchanged
    report(as_of="2026-01-31")
    march = report()
    assert "found [2]" in outputs(march, "01_a")
    (january.folder / "tables" / "actions.parquet").write_bytes(b"edited")
    march = report()
    assert "found []" in outputs(march, "01_a")
    assert "changed after that report was made" in (march.folder / "01_a.html").read_text()
    assert "changed after that report was made" in (march.folder / "index.html").read_text()


def test_a_failing_cell_is_named_kept_for_inspection_and_leaves_the_last_good_run(report, suite):
    suite.add("01_a", "md:# A?", "print('fine')")
    good = report()
    before = fingerprints(good.folder)
    suite.add("01_a", "md:# A?", "x = 1", "y = 0\nx / y", "print('never')", parameters="n = 1")
    with pytest.raises(RunError) as caught:
        report()
    words = str(caught.value)
    assert "01_a, cell 4 [y = 0]: ZeroDivisionError: division by zero" in words
    kept = good.folder.parent / "failed" / good.folder.name
    assert str(kept) in words
    node = json.loads((kept / "01_a.ipynb").read_text())
    assert [cell["execution_count"] for cell in node["cells"] if cell["cell_type"] == "code"] == [
        1,
        2,
        3,
        None,
    ]
    assert "ZeroDivisionError" in (kept / "run.log").read_text()
    assert fingerprints(good.folder) == before
    assert [path.name for path in (good.folder.parent / ".building").iterdir()] == ["2026-03-27.lock"]

    suite.add("01_a", "md:# A?", "print('mended')")
    assert report().ran == ("01_a",)
    assert not kept.exists()


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("import sys\nsys.exit(0)", "01_a, cell 2 .*SystemExit"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "01_a, cell 2 .*was killed"),
        ("import time\ntime.sleep(60)", "01_a, cell 2 .*took longer than allowed"),
        (
            "raise __import__('crmlib').errors.DataError('3 orders', '10', 'wait')",
            "cell 2: 3 orders. Expected: 10",
        ),
    ],
    ids=["exit", "killed", "timeout", "error of the suite"],
)
def test_a_notebook_that_does_not_reach_its_end_is_never_published(report, suite, cell, words, tmp_path):
    if "crmlib" in cell:
        cell = "import crmlib.errors\n" + cell
    suite.add("01_a", "md:# A?", cell, "print('after')")
    with pytest.raises(RunError, match=words):
        report(timeout=3)
    assert not list((tmp_path / "out").rglob("index.html"))


def test_a_table_promised_and_not_saved_is_named(report, suite):
    suite.add("01_a", "md:# A?", "print(1)", saves=["cohorts"])
    with pytest.raises(RunError, match="01_a ended without saving table 'cohorts'"):
        report()


def test_a_table_written_by_two_notebooks_is_refused(report, suite, save):
    suite.add("01_a", "md:# A?", save("t"))
    suite.add("02_b", "md:# B?", save("t"))
    with pytest.raises(RunError, match=r"writes tables/t\.csv, which another"):
        report(jobs=1)


def test_a_second_run_into_the_same_folder_is_refused(report, suite, tmp_path):
    suite.add("01_a", "md:# A?", "print(1)")
    with (
        RunFolder(tmp_path / "out", "shop", "2026-03-27").locked(),
        pytest.raises(RunError, match="another run"),
    ):
        report()


def test_parameters_are_checked_before_data_are_read(report, suite, tmp_path):
    suite.add("01_a", "md:# A?", parameters="months = 12")
    (tmp_path / "run.toml").write_text('source = "not there"\n[parameters]\nmonth = 3\n')
    with pytest.raises(ParameterError, match="unknown parameter 'month'"):
        report(source=str(tmp_path / "run.toml"))


def test_a_day_outside_the_data_is_refused(report, suite):
    suite.add("01_a", "md:# A?", parameters='as_of = ""')
    with pytest.raises(ParameterError, match="2030-01-01"):
        report(as_of="2030-01-01")


def test_a_run_file_can_map_a_source_given_beside_it(report, suite, tmp_path):
    (tmp_path / "sales.csv").write_text(
        "who,day,paid\n" + "".join(f"c{n % 3},2026-01-{n:02d},5\n" for n in range(1, 29))
    )
    (tmp_path / "map.toml").write_text(
        'name = "Mapped"\n[tables.orders]\n'
        'columns = { customer_id = "who", ordered_at = "day", net_amount = "paid" }\n'
    )
    suite.add(
        "01_a",
        "md:# A?",
        "from crmlib.intake import open_data\ndata = open_data(source, as_of)\nprint(data.name, data.hash)",
        parameters='source = ""\nas_of = ""',
    )
    result = report(source=str(tmp_path / "sales.csv"), run_file=tmp_path / "map.toml")
    assert result.folder.parent.name == "mapped"
    manifest = json.loads((result.folder / "manifest.json").read_text())
    assert outputs(result, "01_a").split() == ["Mapped", manifest["data"]["hash"]]


@pytest.mark.parametrize("file", ["index.html", "manifest.json", "01_a.html"])
def test_a_full_disk_while_building_leaves_the_last_good_run(report, suite, monkeypatch, file):
    suite.add("01_a", "md:# A?", "print(1)")
    good = report()
    before = fingerprints(good.folder)
    write = Path.write_text

    def full(path, *args, **kwargs):
        if path.name == file:
            write(path, "half", encoding="utf-8")
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(RunError, match=r"no space left .* untouched"):
        report(force=True)
    assert fingerprints(good.folder) == before
    assert [path.name for path in (good.folder.parent / ".building").iterdir()] == ["2026-03-27.lock"]


def test_a_page_that_cannot_be_built_stops_the_run_and_keeps_the_notebook(report, suite, tmp_path):
    suite.add("01_a", "md:# A?\n\n$\\profit_x$", "print(1)")
    with pytest.raises(RunError, match=r"01_a, cell 1: .*unknown .profit"):
        report()
    assert (tmp_path / "out" / "shop" / "failed" / "2026-03-27" / "01_a.ipynb").is_file()
