"""The notebook to begin with: its map follows the notebooks, the tables and the numbers that are there."""

import datetime as dt
import json
import random
import re
import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from crmlib.analysis.steps import ACTIONS
from crmlib.display import formats
from crmlib.display.concepts import CONCEPTS, NOTEBOOKS
from crmlib.display.suite import VARIABLE
from crmlib.intake.contract import TABLES
from crmlib.publish.request import NOTEBOOKS as FOLDER
from crmlib.publish.request import Request
from crmlib.publish.run import make_report

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "data"
NAME, PROFITABILITY, BASE = "00_start_here", "02_profitability", "01_customer_base"
VALUE, CHURN = "04_lifetime_value", "03_churn"
SEGMENTS, ACTIONS_OF_THE_MONTH = "06_segments", "09_actions"
UNSAYABLE = r"\bnan\b|\binf\b|<NA>|(?<!Replace )\bNone\b"
has_base = pytest.mark.skipif(
    not (FOLDER / f"{BASE}.ipynb").exists(), reason="the customer base is not there yet"
)


def together(run, **parameters):
    """Run the notebooks it takes numbers from, and then it; all by the same parameters."""
    beside = {
        name: run(name, **parameters) for name in (BASE, PROFITABILITY) if (FOLDER / f"{name}.ipynb").exists()
    }
    day = {name: value for name, value in parameters.items() if name == "as_of"}  # they know no period
    beside[VALUE] = run(VALUE, **day)
    beside[CHURN] = run(CHURN, beside=[beside[VALUE]], **day)
    beside[SEGMENTS] = run(
        SEGMENTS, beside=[beside[name] for name in (PROFITABILITY, VALUE, CHURN)], **parameters
    )
    beside[ACTIONS_OF_THE_MONTH] = run(ACTIONS_OF_THE_MONTH, beside=list(beside.values()), **day)
    return run(NAME, beside=list(beside.values()), **parameters), beside


@pytest.fixture(scope="module")
def yearly(run):
    """At the defaults."""
    return together(run)


@pytest.fixture(scope="module")
def half_yearly(run):
    return together(run, period_months=6, as_of="2025-09-30")


@pytest.fixture(params=["yearly", "half_yearly"])
def either(request):
    return request.getfixturevalue(request.param)


def tables_of(executed):
    """Every table shown: by title, its rows by first cell, each a mapping of heading to cell."""
    found = {}
    for output in executed.outputs:
        page = "".join(output.get("data", {}).get("text/html", ""))
        for figure in re.findall(r'<figure class="table">.*?</figure>', page, re.S):
            title = re.search(r"<figcaption>(.*?)</figcaption>", figure).group(1)
            heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', figure)
            rows = [
                re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
                for row in re.findall(r"<tr[^>]*>(.*?)</tr>", figure)[1:]
            ]
            found[title] = {row[0]: dict(zip(heads, row, strict=True)) for row in rows}
    return found


def ideas_of(executed):
    """The rows of all maps of ideas."""
    return {
        name: row
        for table in tables_of(executed).values()
        for name, row in table.items()
        if "Decision it serves" in row
    }


def measure(executed, idea):
    return ideas_of(executed)[idea]["Measure, and its value in this run"].partition(": ")[2]


# What it shows ----------------------------------------------------------------------------------


def test_every_cell_ran_and_none_complained(either):
    executed, _ = either
    code = [cell for cell in executed.notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert {output.output_type for output in executed.outputs} <= {"execute_result", "display_data"}
    assert not executed.bundles("left_out")
    assert not re.search(rf"{UNSAYABLE}|not known", executed.text)


def test_every_idea_is_on_a_map_with_its_tables_as_they_are_in_the_data(either):
    executed, _ = either
    ideas = ideas_of(executed)
    assert set(ideas) == {concept.name for concept in CONCEPTS}
    (card,) = executed.bundles("run_card")
    day = dt.datetime.strptime(card["facts"]["Last known day"], "%d %B %Y").date()
    for concept in CONCEPTS:
        shown = re.findall(r"(\w+) \(([\d,]+) rows\)", ideas[concept.name]["Tables it needs"])
        assert [name for name, _ in shown] == list(concept.tables)
        for name, rows in shown:
            dated = TABLES[name].happens
            known = f"WHERE {dated} IS NULL OR CAST({dated} AS DATE) <= DATE '{day}'" if dated else ""
            ((count,),) = duckdb.sql(f"SELECT count(*) FROM '{DATA / name}.csv' {known}").fetchall()
            assert int(rows.replace(",", "")) == count, name


def test_the_numbers_of_profit_are_those_of_the_page_on_profit(either):
    executed, beside = either
    profit = beside[PROFITABILITY].metrics
    assert measure(executed, "Customer profit") == profit["earned"]["text"]
    at_stake = tables_of(executed)["Money at stake, and the question that goes into it"]
    lost = float(at_stake["Below zero"]["At stake"].lstrip("€").replace(",", ""))
    assert lost == pytest.approx(-profit["lost"]["value"], abs=0.5)
    ((cost, won),) = duckdb.sql(
        f"SELECT avg(acquisition_cost), count(*) FROM '{beside[PROFITABILITY].table('profit_per_customer.parquet')}' "
        "WHERE acquisition_cost > 0"
    ).fetchall()
    assert measure(executed, "Cost of winning") == f"€{cost:.2f}"
    assert f"{won:,} customers were won, at €{cost:.2f} each" in executed.text


@has_base
def test_the_numbers_of_the_base_are_those_of_the_page_on_the_base(either):
    executed, beside = either
    base = beside[BASE].metrics
    assert measure(executed, "Keeping customers") == base["retention"]["text"]
    assert f"{base['active']['text']} known customers" in executed.text
    assert "Did not come back" in tables_of(executed)["Money at stake, and the question that goes into it"]


@has_base
def test_the_number_of_cohorts_is_that_of_all_old_enough_each_customer_counting_once(either):
    executed, beside = either
    ((value,),) = duckdb.sql(
        "SELECT sum(value_per_customer * customers) / sum(customers) "
        f"FROM '{beside[BASE].table('cohorts.parquet')}' WHERE value_per_customer IS NOT NULL AND cohort <> 'before'"
    ).fetchall()
    assert measure(executed, "Cohorts") == f"€{value:.2f}"


def test_next_steps_levels_and_the_lot_are_counted_from_the_newest_tables(either):
    executed, beside = either
    of_month = f"'{beside[ACTIONS_OF_THE_MONTH].table('actions.parquet')}'"
    groups = f"'{beside[SEGMENTS].table('segments.parquet')}'"
    ((listed, held),) = duckdb.sql(
        f"SELECT count(*) FILTER (arm <> 'leave alone'), count(*) FILTER (arm = 'hold out') FROM {of_month}"
    ).fetchall()
    assert listed > 0 and measure(executed, "Operational CRM") == f"{listed:,}"
    assert measure(executed, "Actions and the closed loop") == f"{held:,}"
    ((raised,),) = duckdb.sql(f"SELECT count(*) FROM {groups} WHERE raise_cost > 0").fetchall()
    assert measure(executed, "Relationship levels") == f"{raised:,}"
    ((most,),) = duckdb.sql(
        f"SELECT max(money) FROM (SELECT sum(profit) AS money FROM {groups} GROUP BY segment)"
    ).fetchall()
    assert measure(executed, "Segments") == formats.money(most, "EUR")


def test_without_a_list_the_steps_of_the_page_on_profit_count(run, yearly):
    beside = [yearly[1][name] for name in (BASE, PROFITABILITY)]
    ((steps,),) = duckdb.sql(
        f"SELECT count(*) FROM '{beside[1].table('profit_per_customer.parquet')}' WHERE step IN {ACTIONS}"
    ).fetchall()
    assert steps > 0 and measure(run(NAME, beside=beside), "Operational CRM") == f"{steps:,}"


def test_a_simulated_company_says_so_where_the_page_begins(either):
    executed, _ = either
    assert "customers of this simulated company placed" in executed.findings["headline"]
    begins = executed.text.partition("Idea")[0]
    assert "Casa Verbena is a simulated company" in begins and "tableware" in begins


def test_the_cost_of_keeping_is_left_to_those_who_were_held_out(yearly):
    executed, _ = yearly
    ((held,),) = duckdb.sql(
        f"SELECT count(DISTINCT customer_id) FROM '{DATA / 'contacts.csv'}' WHERE arm = 'control'"
    ).fetchall()
    (said,) = [f["so_what"] for f in executed.findings["findings"] if "is no proof" in f["so_what"]]
    assert f"the {held:,} customers held out in the table contacts" in said and "notebook 03" in said
    assert "only a test can tell" in said and "No table here" not in executed.text


def test_sales_and_customers_are_those_of_the_files(yearly):
    executed, _ = yearly
    ((customers, orders, each, nameless),) = duckdb.sql(f"""
        WITH line AS (SELECT * FROM '{DATA / "orders.csv"}' WHERE CAST(ordered_at AS DATE) > DATE '2025-06-30'),
        buyer AS (SELECT customer_id, count(DISTINCT (order_id, CAST(ordered_at AS DATE))) FILTER (net_amount > 0) AS orders, sum(net_amount) AS net
                  FROM line WHERE customer_id IS NOT NULL GROUP BY 1)
        SELECT count(*) FILTER (orders > 0), sum(orders), sum(net) FILTER (orders > 0) / count(*) FILTER (orders > 0),
            (SELECT sum(net_amount) FILTER (customer_id IS NULL) / sum(net_amount) FROM line) FROM buyer
    """).fetchall()
    assert f"{customers:,} known customers placed {orders:,} orders" in executed.text
    assert f"({nameless:.1%} of net sales)" in executed.text
    only = executed.metrics["sales_per_customer"]
    assert set(executed.metrics) == {"sales_per_customer"}  # more would crowd out those of other pages
    assert only["value"] == pytest.approx(float(each), abs=0.01)
    assert only["low"] < only["value"] < only["high"]


def test_the_decision_is_for_the_largest_sum_that_has_a_notebook(either):
    executed, _ = either
    at_stake = tables_of(executed)["Money at stake, and the question that goes into it"]
    sums = [float(row["At stake"].lstrip("€").replace(",", "")) for row in at_stake.values()]
    assert sums == sorted(sums, reverse=True)
    first = next(row for row in at_stake.values() if "planned" not in row["Notebook"])
    decision = executed.findings["decision"]
    assert f"Begin with notebook {first['Notebook']}. It asks: {first['Question']}" in decision["text"]
    assert first["What is counted"] in decision["text"] and decision["do_nothing"]


def test_what_is_at_risk_and_what_is_to_come_are_the_sums_of_the_saved_tables(yearly):
    executed, beside = yearly
    risk = pd.read_parquet(beside[CHURN].table("churn.parquet"))["value_at_risk"]
    worth = pd.read_parquet(beside[VALUE].table("lifetime_value.parquet"))["value_36"]
    assert measure(executed, "Churn") == formats.money(risk.sum())
    assert measure(executed, "Lifetime value") == formats.money(worth.sum())
    at_stake = tables_of(executed)["Money at stake, and the question that goes into it"]
    assert at_stake["May leave"]["At stake"] == formats.full_money(risk[risk > 0].sum())


def test_what_is_planned_is_what_is_not_in_the_folder(yearly):
    executed, _ = yearly
    there = {path.stem for path in FOLDER.glob("*.ipynb")}
    for name, question in NOTEBOOKS.items():
        number = name[:2]
        assert (f"- {number} (planned): {question}" in executed.text) == (name not in there)
        assert (f"- {number}: " in executed.text) == (name in there)
    for concept in CONCEPTS:
        shown = ideas_of(executed)[concept.name]["Notebook"].split(", ")
        assert shown == [
            f"{name[:2]}" if name in there else f"{name[:2]} (planned)" for name in concept.notebooks
        ]


def test_the_glossary_holds_the_words_of_every_notebook(yearly):
    executed, _ = yearly
    for path in sorted(FOLDER.glob("*.ipynb")):
        text = "\n".join(
            "".join(c["source"])
            for c in json.loads(path.read_text())["cells"]
            if c["cell_type"] == "markdown"
        )
        listed = re.findall(r"^- \*\*(.+?)\*\* \((.+?)\): ", text, re.M)
        assert len(listed) >= 5
        for term, italian in listed:
            line = next(
                line for line in executed.text.splitlines() if line.lower().startswith(f"{term.lower()} (")
            )
            assert italian in line and path.stem[:2] in line.rpartition("[")[2]


def test_other_parameters_give_other_numbers(yearly, half_yearly):
    assert yearly[0].findings["headline"] != half_yearly[0].findings["headline"]
    assert "6 months to 30 September 2025" in half_yearly[0].findings["headline"]


# Where something is missing ---------------------------------------------------------------------


def write_log(folder, customers, margin="gross_margin = 0.3\n"):
    """A folder with nothing but orders of two years."""
    rng = random.Random(4)
    lines = ["customer_id,ordered_at,net_amount", "K0000,2025-12-31,10.00"]
    for number in range(customers):
        for _ in range(rng.randrange(2, 9)):
            day = dt.date(2024, 1, 1) + dt.timedelta(days=rng.randrange(730))
            amount = rng.lognormvariate(3.5, 0.8)
            lines.append(f"K{number:04d},{day},{amount:.2f}")
            if rng.random() < 0.1:
                lines.append(f"K{number:04d},{day},{-2 * amount:.2f}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orders.csv").write_text("\n".join(lines) + "\n")
    (folder / "own.toml").write_text('name = "A$AP & <Söhne>"\nsource = "."\ncurrency = "USD"\n' + margin)
    return folder / "own.toml"


@pytest.fixture(scope="module")
def two_notebooks(tmp_path_factory):
    """A suite of this notebook and the one on profit."""
    folder = tmp_path_factory.mktemp("suite")
    for name in (NAME, PROFITABILITY):
        shutil.copyfile(FOLDER / f"{name}.ipynb", folder / f"{name}.ipynb")
    return folder


def report_on(source, notebooks, prepared, output, **choices):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLIB_CACHE", str(prepared))
        made = make_report(Request(source=str(source), notebooks=notebooks, output=output, **choices))
    path = made.folder / "notebooks" / f"{NAME}.ipynb"
    texts = [
        "".join(output.get("data", {}).get("text/plain", ""))
        for cell in json.loads(path.read_text())["cells"]
        for output in cell.get("outputs", [])
    ]
    return made, "\n".join(texts)


def test_an_order_log_alone_is_enough_and_a_suite_may_be_a_part(two_notebooks, prepared, tmp_path):
    made, text = report_on(write_log(tmp_path, 260), two_notebooks, prepared, tmp_path / "out", only=("00",))
    assert set(made.ran) == {NAME, PROFITABILITY}
    assert "these data hold 1. Missing: customers, products, events" in text
    assert "Begin by adding tables. 12 are missing" in text
    assert "Before the cost to serve, known customers brought $" in text
    assert "customers (missing)" in text and "- 01 (planned): " in text
    assert "Left out: cost of winning against keeping." in text and "Left out: money at stake." in text
    assert "the day and the cost of winning each customer" in text and "acquired_on" not in text
    assert "Customers on the list with a next step: not known here" in text
    assert "of gross margin (at an assumed margin of 30% of sales)." in text
    in_part = re.search(r"Ideas that can be treated in part: (.*)\.", text).group(1).split(", ")
    not_at_all = re.search(r"Not at all: (.*)\.", text).group(1).split(", ")
    assert "Segments" in in_part and "Churn" in not_at_all and not set(in_part) & set(not_at_all)
    assert "simulated" not in text
    assert not re.search(rf"{UNSAYABLE}|€", text)
    page = (made.folder / f"{NAME}.html").read_text()
    assert "exercises and calculations by hand, and here also the plan of a term" in page
    front = (made.folder / "index.html").read_text()
    assert "every profit and margin here is counted at an assumed margin of 30% of sales" in front
    assert "simulated" not in front
    assert 'href="02_profitability.html"' in page and "<Söhne>" not in page


@pytest.mark.parametrize(
    ("customers", "margin"), [(40, "gross_margin = 0.3\n"), (200, "")], ids=["few", "no margin"]
)
def test_where_profit_is_not_answered_it_still_shows(two_notebooks, prepared, tmp_path, customers, margin):
    made, text = report_on(write_log(tmp_path, customers, margin), two_notebooks, prepared, tmp_path / "out")
    assert not (made.folder / "tables" / "profit_per_customer.parquet").exists()
    assert "Begin with what notebook 02 needs" in text
    assert "Earned on customers above zero: not known here" in text
    assert re.search(r"In the 12 months to 31 December 2025, \d+ customers placed \d+ orders worth \$", text)
    assert not re.search(UNSAYABLE, text)


def test_numbers_over_another_period_are_not_mixed_in(two_notebooks, prepared, tmp_path):
    run_file = tmp_path / "run.toml"
    run_file.write_text(
        f'source = "{DATA}"\ngross_margin = 0.48\n[notebooks.{PROFITABILITY}]\nperiod_months = 6\n'
    )
    _, text = report_on(run_file, two_notebooks, prepared, tmp_path / "out")
    assert "Left out: some numbers of other notebooks. They ran over another period" in text
    assert "First give all notebooks the same period." in text
    assert "Earned on customers above zero: not known here" in text


@has_base
def test_where_two_periods_do_not_fit_two_halves_are_compared_as_on_the_page_of_the_base(prepared, tmp_path):
    made, text = report_on(
        write_log(tmp_path, 1500), FOLDER, prepared, tmp_path / "out", only=("00",), as_of="2025-06-30"
    )
    base = json.loads((made.folder / "metrics.json").read_text())["metrics"][BASE]
    retention = next(metric for metric in base if metric["name"] == "retention")["text"]
    assert (
        f"{retention} of the customers of the 6 months to 31 December 2024 came again in the 6 months to"
        in text
    )
    assert "Customers won, kept and lost: 1 January 2025 to 30 June 2025" in text
    assert (
        "Begin with notebook 01." in text
        and "(at an assumed margin of 30% of sales), earned a period ago" in text
    )
    assert "Left out: some numbers" not in text


def test_planned_marks_follow_the_folder(run, yearly, tmp_path, monkeypatch):
    """By hand, with a folder in which another notebook has come, and one has gone."""
    for name in (NAME, PROFITABILITY):
        shutil.copyfile(FOLDER / f"{name}.ipynb", tmp_path / f"{name}.ipynb")
    come = {"cells": [{"cell_type": "markdown", "metadata": {}, "source": "## Words used here\n\n- **Hazard** (rischio): the chance of leaving now."}],
            "metadata": {"crmlib": {"question": "Who is going to leave?"}}}  # fmt: skip
    (tmp_path / "03_churn.ipynb").write_text(json.dumps(come))
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    executed = run(NAME, beside=[yearly[1][name] for name in (BASE, PROFITABILITY)])
    ideas = ideas_of(executed)
    assert ideas["Churn"]["Notebook"] == "03" and ideas["Churn"][
        "Measure, and its value in this run"
    ].endswith("not known here")
    assert ideas["Cohorts"]["Notebook"] == "01 (planned)"
    assert "- 03: Who is going to leave?" in executed.text
    assert "Hazard (rischio): The chance of leaving now. [03]" in executed.text
    weeks = tables_of(executed)["A term, first half"]
    assert [row["Exercises"] == "planned" for row in weeks.values()] == [
        row["Notebook"].endswith("(planned)") for row in weeks.values()
    ]


def test_a_single_customer_is_no_base(run, tmp_path):
    import papermill

    (tmp_path / "orders.csv").write_text(
        "customer_id,ordered_at,net_amount\na,2026-01-01,1\na,2026-02-01,2\n"
    )
    with pytest.raises(papermill.PapermillExecutionError) as error:
        run(NAME, source=str(tmp_path / "orders.csv"))
    assert error.value.ename == "TooLittleData" and "at least 2" in error.value.evalue


def test_where_nobody_was_held_out_no_table_is_said_to_tell_what_keeping_costs(prepared, tmp_path):
    """The bundled company without its campaigns."""
    folder = tmp_path / "company"
    folder.mkdir()
    for path in DATA.glob("*.*"):
        if path.name != "contacts.csv":
            shutil.copyfile(path, folder / path.name)
    _, text = report_on(folder / "run.toml", FOLDER, prepared, tmp_path / "out", only=("00",))
    assert "No table here says it, so this is no proof that keeping is cheap." in text
    assert "held out in the table" not in text and "simulated" not in text  # nor is the truth there


# The committed notebooks ------------------------------------------------------------------------


def test_the_solutions_are_right_for_other_parameters_too(run):
    solved = run(f"solutions/{NAME}", period_months=6)
    assert [output["data"]["text/plain"] for output in solved.outputs] == ["Right."] * 3


@pytest.mark.parametrize("path", [f"notebooks/{NAME}.ipynb", f"notebooks/solutions/{NAME}.ipynb"])
def test_the_committed_outputs_are_those_of_a_fresh_run(path, yearly, comes_out_again):
    comes_out_again(path, beside=list(yearly[1].values()))
