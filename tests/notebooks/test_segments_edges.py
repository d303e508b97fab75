"""The notebook on segments on companies drawn to break it: it answers, or says what is missing."""

import csv
import re
from types import SimpleNamespace

import pandas as pd
import papermill
import pytest
from edge_companies import CHURNING, COMPANIES, KINDS, UNSAYABLE, alike, draw, write
from made_tables import make_tables

NAME = "06_segments"
DRAWN = {
    "young": COMPANIES["young"][0],
    "a loss with all": COMPANIES["a loss with all"][0],
    "hostile everywhere": CHURNING["hostile everywhere"],
}

#: A budget of nothing, and a line of tenure that parts customers of so short data.
PARAMETERS = {"young": {"relationship_share": 0.0, "tenure_cut": 6.0}}


@pytest.fixture(scope="module")
def company(run, tmp_path_factory, prepared):
    """Return a function that draws one of `DRAWN` and runs the notebook on it, once."""
    done = {}

    def look(name, **parameters):
        key = name, tuple(parameters.items())
        if key not in done:
            folder = tmp_path_factory.mktemp("company")
            run_file = write(folder, DRAWN[name]())
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("CRMLIB_CACHE", str(prepared))
                make_tables(folder, str(run_file))
            done[key] = run(NAME, [SimpleNamespace(folder=folder)], source=str(run_file), **parameters)
        return done[key]

    return look


def saved(executed):
    return pd.read_parquet(executed.table("segments.parquet")).set_index("customer_id")


def left_out(executed):
    return {bundle["part"]: bundle["reason"] for bundle in executed.bundles("left_out")}


@pytest.mark.parametrize("name", DRAWN)
def test_it_answers_in_words_and_money(name, company):
    executed = company(name, **PARAMETERS.get(name, {}))
    plain = executed.text
    if name == "hostile everywhere":
        for kind in KINDS:  # braces that are part of a name are meant
            plain = plain.replace(kind, "").replace(kind.replace("\n", " "), "")
        plain = re.sub(r"[{]\w*(:\w+)?[}]", "", plain)
    assert not re.search(UNSAYABLE, plain), re.search(f".{{60}}({UNSAYABLE}).{{40}}", plain)
    table = saved(executed)
    assert table.index.is_unique and table["segment"].ne("").all()
    assert executed.findings["decision"]["text"] and 1 <= len(executed.findings["findings"]) <= 5


def test_a_budget_of_nothing_raises_nobody_and_says_so(company):
    executed = company("young", **PARAMETERS["young"])
    assert (saved(executed)["level"] == "basic").all()
    assert executed.findings["decision"]["text"].startswith("Raise nobody.")
    assert executed.metrics["level_gain"]["value"] == 0


def test_where_every_sale_loses_nobody_is_raised_and_states_are_left_out(company):
    executed = company("a loss with all")
    table = saved(executed)
    assert (table["level"] == "basic").all() and set(table["segment"]) <= {
        "Strangers",
        "Barnacles",
        "Inactive",
    }
    assert (table["direction"] == "").all()
    assert "none has a value above 0" in left_out(executed)["what comes next for whom"]
    assert "customers as a whole earn nothing" in executed.text


def test_hostile_names_stay_text_on_the_page_and_in_the_files(company):
    executed = company("hostile everywhere")
    page = "".join("".join(output.get("data", {}).get("text/html", "")) for output in executed.outputs)
    assert not re.search(r"<script>alert|<Söhne>|<b>x|<strong>b|javascript:\d+\"", page)
    assert "<math" not in re.sub(r"<annotation.*?</annotation>", "", page, flags=re.S)
    for name in ("segments.csv", "segment_cards.csv"):
        with executed.table(name).open(newline="", encoding="utf-8") as stream:
            rows = list(csv.reader(stream))
        assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for row in rows for cell in row)


@pytest.mark.parametrize(
    ("drawn", "parameters", "found", "expected"),
    [
        (lambda: draw(90), {}, r"Found: \d\d customers with a purchase in the period", "at least 100"),
        (lambda: draw(300), {"tenure_cut": 36.0}, "Found: tenure_cut = 36", "fewer months than the horizon"),
        (
            lambda: draw(300),
            {"period_months": 6},
            "Found: profits of another period",
            "the same period_months",
        ),
    ],
    ids=["few", "a line beyond the horizon", "another period"],
)
def test_what_cannot_be_answered_is_refused_in_one_sentence(
    run, tmp_path, monkeypatch, prepared, drawn, parameters, found, expected
):
    run_file = write(tmp_path, drawn())
    monkeypatch.setenv("CRMLIB_CACHE", str(prepared))
    make_tables(tmp_path, str(run_file))
    with pytest.raises(papermill.PapermillExecutionError) as error:
        run(NAME, [SimpleNamespace(folder=tmp_path)], source=str(run_file), **parameters)
    assert error.value.ename in ("TooLittleData", "ParameterError", "DataError")
    assert re.search(found, error.value.evalue) and expected in error.value.evalue


def test_customers_who_are_all_alike_are_one_group_and_get_no_scores(run, tmp_path, monkeypatch, prepared):
    run_file = write(tmp_path, alike())
    monkeypatch.setenv("CRMLIB_CACHE", str(prepared))
    make_tables(tmp_path, str(run_file))
    executed = run(NAME, [SimpleNamespace(folder=tmp_path)], source=str(run_file))
    reasons = left_out(executed)
    assert "for all 240 customers" in reasons["RFM"] and "no column" in reasons["clusters"]
    table = saved(executed)
    assert (
        table["segment"].nunique() == 1 and table["cluster"].isna().all() and (table["rfm_cell"] == "").all()
    )
