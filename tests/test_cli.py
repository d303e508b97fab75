"""The command line says what went wrong in one line each, with a fitting exit code, and no traceback."""

import pytest

from crmlib import __version__, cli
from crmlib.publish.stage import MANIFEST


@pytest.fixture
def run(capsys):
    """Run a command; return its exit code, what it printed, and its complaints."""

    def start(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return start


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A folder with a few orders; prepared data stay out of the user's cache."""
    monkeypatch.setenv("CRMLIB_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "shop"
    folder.mkdir()
    rows = [f"c{n % 4},2026-01-{1 + n % 28:02d},{n}.5" for n in range(40)]
    (folder / "orders.csv").write_text("\n".join(["customer_id,ordered_at,net_amount", *rows, ""]))
    return folder


def test_help_lists_the_commands(run):
    code, out, _ = run("--help")
    assert code == 0
    for command in ("report", "check", "simulate", "carry-out", "open"):
        assert command in out


def test_the_version_is_told(run):
    assert run("--version")[:2] == (0, f"crmlib {__version__}\n")


def test_wrong_use_is_exit_code_2(run):
    assert run("report", "--jobs", "many")[0] == 2
    assert run("nonsense")[0] == 2


def test_a_missing_source_is_one_line_and_exit_code_2(run, tmp_path):
    code, _, err = run("report", tmp_path / "nothing")
    assert code == 2
    assert err.strip().splitlines()[-1].startswith("Found: no source")
    assert "Traceback" not in err


def test_every_wrong_parameter_is_told_in_a_line_of_its_own(run, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(
        'source = "shop"\n[parameters]\nperiod_months = 0\nno_such_thing = 1\n[notebooks.99_none]\nx = 1\n'
    )
    code, _, err = run("report", path, "--output", tmp_path / "out")
    assert code == 2
    assert len(err.strip().splitlines()) == 3
    for words in ("period_months = 0", "no_such_thing", "99_none"):
        assert words in err
    assert not (tmp_path / "out").exists()


def test_a_run_file_with_an_unknown_key_names_file_and_key(run, tmp_path):
    (tmp_path / "run.toml").write_text('curency = "EUR"\n')
    code, _, err = run("report", tmp_path / "run.toml")
    assert code == 2
    assert "run.toml" in err
    assert "curency" in err


def test_check_prints_what_is_there(run, shop):
    code, out, _ = run("check", shop)
    assert code == 0
    assert "40 rows" in out
    assert "4 customers" in out


def test_check_of_unusable_data_is_exit_code_1(run, shop):
    (shop / "orders.csv").write_text("customer_id,net_amount\nc1,5\n")
    code, out, _ = run("check", shop)
    assert code == 1
    assert "ordered_at" in out


def test_simulate_writes_a_company_and_refuses_a_folder_in_use(run, tmp_path):
    code, out, _ = run("simulate", tmp_path / "firm", "--customers", 100)
    assert code == 0
    assert (tmp_path / "firm" / "orders.csv").is_file()
    assert out.strip() == str(tmp_path / "firm")
    code, _, err = run("simulate", tmp_path / "firm")
    assert code == 2
    assert "Found:" in err


def test_carry_out_plays_a_month_of_a_simulated_company(run, tmp_path):
    march, april, saved = tmp_path / "march" / "firm", tmp_path / "april" / "firm", tmp_path / "actions.csv"
    run("simulate", march, "--customers", 100)
    names = [row.split(",")[0] for row in (march / "customers.csv").read_text().splitlines()[1:]]
    rows = [f"actions-2026-03-31,2026-03-31,{name},save,contact,letter" for name in names]
    saved.write_text("\n".join(["list_id,listed_on,customer_id,action,arm,channel", *rows, ""]))
    code, out, _ = run("carry-out", saved, march, april)
    assert code == 0 and out.startswith(f"{april}: 100 contacted, ") and (april / "orders.csv").is_file()
    code, _, err = run("carry-out", tmp_path / "nothing.parquet", march, tmp_path / "may")
    assert code == 1 and "no list of actions" in err


def test_open_shows_the_newest_report(run, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    code, _, err = run("open", "--output", tmp_path)
    assert code == 1
    assert "crmlib report" in err
    folder = tmp_path / "shop" / "2026-01-31"
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text("{}")
    assert run("open", "sho", "--output", tmp_path)[0] == 0
    assert opened == [(folder / "index.html").as_uri()]


def test_what_nobody_foresaw_is_a_line_too_unless_a_traceback_is_asked_for(run, monkeypatch, shop):
    def fail(*_):
        raise RuntimeError("surprise")

    monkeypatch.setattr("crmlib.intake.check.check_source", fail)
    code, _, err = run("check", shop)
    assert code == 1
    assert "RuntimeError: surprise" in err
    assert "Traceback" not in err
    monkeypatch.setenv("CRMLIB_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        run("check", shop)
