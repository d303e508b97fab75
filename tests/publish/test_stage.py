"""A run's folder is swapped as a whole, and an interrupted swap is undone."""

import os

import pytest

from crmlib.errors import RunError
from crmlib.publish.stage import MANIFEST, RunFolder, finished_days, newest_report, slug

DAY = "2026-06-30"


def build(output, day=DAY, text="new"):
    folder = RunFolder(output, "Casa Verbena", day)
    with folder.locked():
        stage = folder.open_stage()
        (stage / "index.html").write_text(text)
        (stage / MANIFEST).write_text("{}")
        folder.put_in_place()
    return folder


def test_a_finished_run_replaces_the_one_before_as_a_whole(tmp_path):
    folder = build(tmp_path, text="old")
    (folder.final / "leftover.html").write_text("of the old run")
    build(tmp_path)
    assert (folder.final / "index.html").read_text() == "new"
    assert not (folder.final / "leftover.html").exists()
    assert [path.name for path in (folder.company / ".building").iterdir()] == [f"{DAY}.lock"]


def test_a_stage_that_is_not_put_in_place_leaves_no_trace(tmp_path):
    folder = build(tmp_path, text="old")
    with pytest.raises(KeyboardInterrupt), folder.locked():
        (folder.open_stage() / "index.html").write_text("half")
        raise KeyboardInterrupt
    assert (folder.final / "index.html").read_text() == "old"
    assert not folder.stage.exists()


def test_an_interrupted_swap_is_undone(tmp_path):
    folder = build(tmp_path, text="old")
    aside = folder.company / ".building" / f"{DAY}.old"
    folder.final.rename(aside)  # killed between the two steps of the swap
    (folder.company / ".building" / f"{DAY}.stage-999999").mkdir()
    with folder.locked():
        assert (folder.final / "index.html").read_text() == "old"
        assert not list((folder.company / ".building").glob("*.stage-*"))


def test_a_swap_interrupted_before_cleaning_keeps_the_new_run(tmp_path):
    folder = build(tmp_path, text="new")
    aside = folder.company / ".building" / f"{DAY}.old"
    aside.mkdir()
    with folder.locked():
        assert (folder.final / "index.html").read_text() == "new"
        assert not aside.exists()


def test_a_swap_that_fails_puts_the_old_run_back(tmp_path, monkeypatch):
    folder = build(tmp_path, text="old")
    rename = type(folder.stage).rename

    def refuse(path, target):
        if path == folder.stage:
            raise OSError("no")
        return rename(path, target)

    with folder.locked():
        (folder.open_stage() / MANIFEST).write_text("{}")
        monkeypatch.setattr(type(folder.stage), "rename", refuse)
        with pytest.raises(OSError, match="no"):
            folder.put_in_place()
    assert (folder.final / "index.html").read_text() == "old"


def test_a_second_run_is_refused_at_once_and_told_who_holds_the_folder(tmp_path):
    folder, second = (RunFolder(tmp_path, "Casa Verbena", DAY) for _ in range(2))
    with folder.locked():
        with pytest.raises(RunError, match=f"process {os.getpid()}"), second.locked():
            pass
        with RunFolder(tmp_path, "Casa Verbena", "2026-05-31").locked():
            pass  # another month is another folder
    with second.locked():
        pass


def test_a_folder_with_files_of_somebody_else_is_left_alone(tmp_path):
    folder = RunFolder(tmp_path, "Casa Verbena", DAY)
    folder.final.mkdir(parents=True)
    (folder.final / "thesis.docx").write_text("mine")
    with folder.locked(), pytest.raises(RunError, match="no earlier run"):
        folder.open_stage()
    assert (folder.final / "thesis.docx").read_text() == "mine"


def test_latest_leads_to_the_newest_day_whatever_was_built_last(tmp_path):
    build(tmp_path, "2026-06-30", "June")
    folder = build(tmp_path, "2026-05-31", "May")
    assert (folder.company / "latest" / "index.html").read_text() == "June"
    assert folder.previous() is None
    assert RunFolder(tmp_path, "Casa Verbena", "2026-06-30").previous() == "2026-05-31"
    assert finished_days(folder.company) == ["2026-05-31", "2026-06-30"]


def test_latest_is_a_text_file_where_links_are_not_allowed(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("links are not allowed")

    monkeypatch.setattr("pathlib.Path.symlink_to", refuse)
    folder = build(tmp_path)
    assert (folder.company / "latest").read_text().strip() == DAY


def test_files_of_a_failed_run_are_kept_until_a_run_succeeds(tmp_path):
    folder = RunFolder(tmp_path, "Casa Verbena", DAY)
    broken = tmp_path / "01_a.ipynb"
    broken.write_text("{}")
    kept = folder.keep_failed([broken, tmp_path / "not there"])
    assert [path.name for path in kept.iterdir()] == ["01_a.ipynb"]
    build(tmp_path)
    assert not (folder.company / "failed").exists()


def test_the_newest_report_is_found_by_part_of_a_name(tmp_path):
    folder = build(tmp_path)
    assert newest_report(tmp_path, "verb") == folder.final
    assert newest_report(tmp_path) == folder.final
    with pytest.raises(RunError, match="no report of 'other'"):
        newest_report(tmp_path, "other")
    with pytest.raises(RunError, match="no report"):
        newest_report(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["../../etc", "a/b", "..", "", "<script>", "CON con", "x" * 300])
def test_no_name_leads_out_of_the_output_folder(name):
    assert set(slug(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert 0 < len(slug(name)) <= 60


def test_two_companies_never_share_a_folder(tmp_path):
    assert slug("北京公司") != slug("上海公司") != "company"
    first = RunFolder(tmp_path, "A/B", "2026-01-31")
    with first.locked():
        first.final.mkdir(parents=True)
        (first.final / "manifest.json").write_text('{"company": "A/B"}')
    other = RunFolder(tmp_path, "A B", "2026-02-28")
    assert other.company == first.company
    with pytest.raises(RunError, match="holds the reports of 'A/B', not of 'A B'"), other.locked():
        pass
    with RunFolder(tmp_path, "A/B", "2026-02-28").locked():
        pass
