"""The notebook on profitability, run from top to bottom and checked against SQL that knows nothing of crmlib."""

import datetime as dt
import random
import re
import tomllib
from pathlib import Path

import duckdb
import pandas as pd
import papermill
import pytest

from crmlib.analysis.ledger import order_lines
from crmlib.analysis.period import Period
from crmlib.analysis.profitability import profit_in
from crmlib.analysis.steps import STEPS
from crmlib.intake import open_data

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "data"
NAME = "02_profitability"
# "Replace None with your number" is meant.
UNSAYABLE = r"\bnan\b|\binf\b|(?<!Replace )\bNone\b"
OTHER_TERMS = {
    "period_months": 6, "minimum_order": 75.0, "delivery_fee": 3, "contact_shift": 0.8, "discount_cap": 0.1,
    "walk_away": 0.3, "capacity_realised": 1.0, "seed": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def yearly(run):
    return run(NAME)


@pytest.fixture(scope="module")
def half_yearly(run):
    return run(NAME, **OTHER_TERMS)


@pytest.fixture(params=["yearly", "half_yearly"])
def either(request):
    return request.getfixturevalue(request.param)


def months_of(executed) -> int:
    (card,) = executed.bundles("run_card")
    return int(re.search(r"period months (\d+)", card["facts"]["Settings"]).group(1))


def by_sql(months: int) -> tuple[pd.DataFrame, float, float]:
    """Profit per customer, anonymous sales and all sales, straight from the CSV files."""
    margin = tomllib.loads((DATA / "run.toml").read_text())["gross_margin"]
    duck = duckdb.connect()
    for name in ("orders", "events", "activities", "resources", "customers"):
        duck.execute(f"CREATE VIEW {name} AS SELECT * FROM read_csv('{DATA / name}.csv', all_varchar = true)")
    duck.execute(f"""
        CREATE TABLE line AS SELECT nullif(trim(customer_id), '') AS id, CAST(ordered_at AS DATE) AS day,
            CAST(net_amount AS DECIMAL(18,4)) AS net, order_id,
            coalesce(CAST(nullif(cost_of_goods, '') AS DECIMAL(18,4)),
                     CAST(net_amount AS DECIMAL(18,4)) * CAST({1 - margin:.4f} AS DECIMAL(18,4))) AS goods
        FROM orders
    """)
    inside = (
        f"BETWEEN (SELECT max(day) FROM line) + 1 - INTERVAL {months} MONTH AND (SELECT max(day) FROM line)"
    )
    customers = duck.execute(f"""
        WITH margins AS (SELECT id, sum(net) AS net_sales, sum(net - goods) AS gross_margin FROM line
                         WHERE day {inside} AND id IS NOT NULL GROUP BY id),
        served AS (SELECT customer_id AS id, sum(CAST(coalesce(nullif(e.quantity, ''), '1') AS DOUBLE)
                       * CAST(minutes_per_event AS DOUBLE)
                       * CAST(cost_per_month AS DOUBLE) / CAST(practical_minutes_per_month AS DOUBLE)) AS service
                   FROM events e JOIN activities USING (activity) JOIN resources USING (resource)
                   WHERE CAST(occurred_on AS DATE) {inside} GROUP BY ALL),
        won AS (SELECT customer_id AS id, CAST(acquisition_cost AS DOUBLE) AS acquisition FROM customers
                WHERE CAST(nullif(acquired_on, '') AS DATE) {inside} AND nullif(acquisition_cost, '') IS NOT NULL)
        SELECT id AS customer_id, coalesce(net_sales, 0)::DOUBLE AS net_sales,
            coalesce(gross_margin, 0)::DOUBLE AS gross_margin,
            coalesce(service, 0) AS service_cost, coalesce(acquisition, 0) AS acquisition_cost
        FROM margins FULL JOIN served USING (id) FULL JOIN won USING (id) ORDER BY 1
    """).df()
    customers["profit"] = (
        customers["gross_margin"] - customers["service_cost"] - customers["acquisition_cost"]
    )
    anonymous, everything = duck.execute(
        f"SELECT coalesce(sum(net) FILTER (id IS NULL), 0)::DOUBLE, sum(net)::DOUBLE FROM line WHERE day {inside}"
    ).fetchone()
    return customers.set_index("customer_id"), anonymous, everything


def saved(executed) -> pd.DataFrame:
    return pd.read_parquet(executed.table("profit_per_customer.parquet"))


# Every euro once --------------------------------------------------------------------------------


def test_every_cell_ran_and_none_complained(either):
    code = [cell for cell in either.notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    kinds = {output.output_type for output in either.outputs}
    assert kinds <= {"execute_result", "display_data"}, [
        o for o in either.outputs if o.output_type == "stream"
    ]
    assert not either.bundles("left_out")


def test_the_saved_profits_are_those_of_plain_sql(either):
    expected, _, _ = by_sql(months_of(either))
    table = saved(either).set_index("customer_id").sort_index()
    assert list(table.index) == list(expected.index)
    for name in ("net_sales", "gross_margin", "service_cost", "acquisition_cost", "profit"):
        gap = (table[name] - expected[name]).abs().max()
        assert gap < 0.005, f"{name}: {gap}"


def test_the_saved_sales_and_the_anonymous_ones_are_all_sales(either):
    _, anonymous, everything = by_sql(months_of(either))
    assert saved(either)["net_sales"].sum() + anonymous == pytest.approx(everything, abs=0.005)


def test_the_two_saved_files_agree(either):
    table = saved(either)
    csv = pd.read_csv(either.table("profit_per_customer.csv"), dtype={"customer_id": "str", "step": "str"})
    pd.testing.assert_frame_equal(csv, table, check_dtype=False, rtol=0, atol=1e-9)
    assert sorted(path.name for path in (either.folder / "tables").iterdir()) == [
        "profit_per_customer.csv", "profit_per_customer.parquet",
    ]  # fmt: skip
    (handed,) = either.bundles("saved")
    assert handed["table"] == "profit_per_customer" and handed["rows"] == len(table)


def test_every_customer_is_listed_once_with_a_step_that_fits(either):
    table = saved(either)
    assert table["customer_id"].is_unique and table["profit"].is_monotonic_decreasing
    assert set(table.loc[table["profit"] >= 0, "step"]) <= {"Keep"}
    assert set(table.loc[table["profit"] < 0, "step"]) <= set(STEPS.values())
    assert (table["step"] == STEPS["wait"]).sum() == (
        (table["profit"] < 0) & (table["profit"] + table["acquisition_cost"] >= 0)
    ).sum()


def test_the_metrics_handed_over_are_those_of_the_saved_table(either):
    table, metrics = saved(either), either.metrics
    profit = table["profit"]
    value = {name: metric["value"] for name, metric in metrics.items()}
    assert value["earned"] == pytest.approx(profit[profit > 0].sum(), rel=1e-5)
    assert value["lost"] == pytest.approx(profit[profit < 0].sum(), rel=1e-5)
    parts = value["earned"] + value["lost"] + value["anonymous"]
    assert value["customer_profit"] == pytest.approx(parts, rel=1e-4)  # the tiles add up
    assert value["after_unused_capacity"] < value["customer_profit"]
    _, anonymous, _ = by_sql(months_of(either))
    named = metrics["customer_profit"]["value"] - profit.sum()
    assert 0 <= named <= anonymous  # the margin of anonymous sales
    best = metrics["best_option"]
    assert best["low"] <= best["value"] <= best["high"]


def test_other_parameters_give_other_findings(yearly, half_yearly):
    assert yearly.findings["headline"] != half_yearly.findings["headline"]
    assert yearly.findings["decision"] != half_yearly.findings["decision"]
    assert months_of(half_yearly) == 6
    (card,) = half_yearly.bundles("run_card")
    for setting in ("minimum order 75", "delivery fee 3", "capacity realised 1", "seed 3"):
        assert setting in card["facts"]["Settings"]


def test_every_figure_is_drawn_with_its_alt_text(either):
    pictures = [output for output in either.outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= 7
    for picture in pictures:
        alt = picture.metadata["image/png"]["alt"]
        assert len(alt) >= 40 and "nan" not in alt and "not known" not in alt


def test_no_sentence_says_nan_or_not_known(either):
    assert not re.search(rf"{UNSAYABLE}|not known", either.text)


# Known truth ------------------------------------------------------------------------------------


def test_the_estimates_come_close_to_the_truth(yearly, prepared):
    """What keeps them apart: standard minutes, and purchases without a name, which the truth knows.

    Many customers earn next to nothing, so a few signs are bound to differ.
    """
    data = open_data("bundled", cache=prepared)
    truth = data.truth("profit")
    truth = (
        truth[truth["year_ending"].astype(str) == str(data.as_of)]
        .set_index("customer_id")["profit"]
        .astype(float)
    )
    estimate = saved(yearly).set_index("customer_id")["profit"]
    both = estimate.index.intersection(truth.index)
    assert len(both) > 0.9 * len(truth)
    anonymous = (
        duckdb.connect()
        .execute(f"""
        SELECT sum(net_amount - cost_of_goods) FROM '{DATA / "orders.csv"}'
        WHERE customer_id IS NULL AND ordered_at >= DATE '{data.as_of}' - INTERVAL 1 YEAR + INTERVAL 1 DAY
    """)
        .fetchone()[0]
    )
    assert estimate.sum() + anonymous == pytest.approx(truth.sum(), rel=0.04)
    estimate, truth = estimate[both], truth[both]
    assert estimate.corr(truth) > 0.95
    sign = (estimate.round(2) > 0).eq(truth.round(2) > 0) & (estimate.round(2) < 0).eq(truth.round(2) < 0)
    assert sign.mean() >= 0.92


def test_what_happens_after_the_last_known_day_changes_no_profit(tmp_path, prepared):
    """The same company a year earlier: seen as of that day, and with everything later cut from the files."""
    whole = open_data(DATA / "run.toml", cache=prepared)
    day = whole.as_of - dt.timedelta(days=365)
    dates = {"orders": "ordered_at", "events": "occurred_on", "customers": "acquired_on"}
    duck = duckdb.connect()
    for name in ("orders", "events", "customers", "activities", "resources"):
        keep = f"WHERE CAST({dates[name]} AS DATE) <= DATE '{day}'" if name in dates else ""
        duck.execute(f"""
            COPY (SELECT * FROM read_csv('{DATA / name}.csv', all_varchar = true) {keep})
            TO '{tmp_path / name}.csv' (HEADER)
        """)
    (tmp_path / "run.toml").write_text((DATA / "run.toml").read_text())
    cut = open_data(tmp_path / "run.toml", cache=prepared)
    earlier = open_data(DATA / "run.toml", as_of=str(cut.as_of), cache=prepared)
    period = Period.ending(cut.as_of, 12, known_since=cut.first_day)
    profits = [profit_in(d.table, order_lines(d.orders, d.gross_margin), period) for d in (cut, earlier)]
    assert len(profits[0]) > 100
    pd.testing.assert_frame_equal(*profits)


# An own order log -------------------------------------------------------------------------------


def write_log(folder: Path, customers: int, extra: str = "") -> Path:
    """A folder with nothing but orders, and a run file with a gross margin."""
    rng = random.Random(9)
    lines = ["customer_id,ordered_at,net_amount"]
    for number in range(customers):
        for _ in range(rng.randrange(2, 9)):
            day = dt.date(2024, 1, 1) + dt.timedelta(days=rng.randrange(730))
            amount = rng.lognormvariate(3.5, 0.8)
            lines.append(f"K{number:04d},{day},{amount:.2f}")
            if rng.random() < 0.1:
                lines.append(f"K{number:04d},{day + dt.timedelta(days=9)},{-2 * amount:.2f}")
    lines.append("K0000,2025-12-31,10.00")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orders.csv").write_text("\n".join(lines) + "\n")
    run_file = folder / "own.toml"
    run_file.write_text(
        'name = "A$AP & <Söhne>"\nsource = "."\ncurrency = "USD"\ngross_margin = 0.3\n' + extra
    )
    return run_file


@pytest.fixture(scope="module")
def own(run, tmp_path_factory):
    return run(NAME, source=str(write_log(tmp_path_factory.mktemp("own"), 260)))


def test_an_order_log_alone_is_enough_and_what_is_missing_is_said(own):
    parts = {bundle["part"]: bundle["reason"] for bundle in own.bundles("left_out")}
    assert {"cost to serve", "acquisition cost"} <= set(parts)
    assert "events, activities and resources" in parts["cost to serve"]
    assert "stated gross margin of 30%" in own.text
    assert "cannot be checked" in own.text  # the exercise on capacity


def test_on_an_order_log_alone_profit_is_the_stated_margin_on_sales(own, tmp_path):
    table = saved(own)
    assert (table["profit"] - 0.3 * table["net_sales"]).abs().max() < 1e-3
    log = pd.read_csv(write_log(tmp_path, 260).parent / "orders.csv", parse_dates=["ordered_at"])
    year = log[log["ordered_at"] > log["ordered_at"].max() - pd.DateOffset(years=1)]
    expected = year.groupby("customer_id")["net_amount"].sum()
    found = table.set_index("customer_id")["net_sales"].sort_index()
    pd.testing.assert_series_equal(found, expected, check_names=False)


def test_on_an_order_log_alone_every_figure_says_at_which_margin(own):
    assumed = "at an assumed margin of 30% of sales"
    assert {"earned", "lost", "customer_profit"} <= set(own.metrics)
    assert all(assumed in metric["label"] for metric in own.metrics.values())
    assert assumed in own.findings["headline"] and assumed in own.findings["decision"]["text"]
    # Who costs more than they bring is not known, so those below zero are not all who do.
    assert own.metrics["lost"]["label"].startswith("Below zero before the cost to serve")
    parts = sum(own.metrics[name]["value"] for name in ("earned", "lost"))
    assert own.metrics["customer_profit"]["value"] == pytest.approx(parts, abs=0.02)


def test_a_loss_that_nobody_can_know_is_no_figure(run, tmp_path):
    source = write_log(tmp_path, 260)
    log = source.parent / "orders.csv"
    log.write_text("".join(line for line in log.open() if ",-" not in line))
    executed = run(NAME, source=str(source))
    assert set(executed.metrics) == {"earned"}  # the gross margin of all would be the same number
    assert (
        "Before the cost to serve nobody stands below zero; who would after it is not known." in executed.text
    )
    assert "No customer loses money" not in executed.text and not re.search(UNSAYABLE, executed.text)


def test_on_an_order_log_alone_no_change_of_terms_is_recommended(own):
    assert "best_lever" not in own.metrics
    assert "Measure what an order costs to serve" in own.findings["decision"]["text"]
    assert own.metrics["customer_profit"]["text"].startswith("$")
    assert not re.search(rf"{UNSAYABLE}|€", own.text)


def test_the_company_s_name_is_text_everywhere(own):
    (card,) = own.bundles("run_card")
    assert card["facts"]["Company"] == "A$AP & <Söhne>"
    pages = "".join(output.get("data", {}).get("text/html", "") for output in own.outputs)
    assert "A$AP &amp; &lt;Söhne&gt;" in pages and "<Söhne>" not in pages


def test_too_few_customers_are_refused_with_how_many_are_needed(run, tmp_path):
    with pytest.raises(papermill.PapermillExecutionError) as error:
        run(NAME, source=str(write_log(tmp_path, 60)))
    assert error.value.ename == "TooLittleData"
    assert re.search(r"Found: \d\d customers with orders in the period", error.value.evalue)
    assert "Expected: at least 100" in error.value.evalue


# The committed notebooks ------------------------------------------------------------------------


def test_the_solutions_are_right_for_other_parameters_too(run):
    solved = run(f"solutions/{NAME}", period_months=6)
    verdicts = [output["data"]["text/plain"] for output in solved.outputs]
    assert verdicts == ["Right."] * 3


@pytest.mark.parametrize("path", [f"notebooks/{NAME}.ipynb", f"notebooks/solutions/{NAME}.ipynb"])
def test_the_committed_outputs_are_those_of_a_fresh_run(path, comes_out_again):
    comes_out_again(path)
