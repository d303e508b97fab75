"""The notebook on the customer base on companies drawn to break it, against plain pandas on the files they stand in."""

import csv
import re
from itertools import pairwise

import pandas as pd
import papermill
import pytest
from edge_companies import COMPANIES, KINDS, LAST, UNSAYABLE, draw, write

NAME = "01_customer_base"


@pytest.fixture(scope="module")
def company(run, tmp_path_factory):
    """Return a function that draws one of `COMPANIES` and runs the notebook on it, once: the run, and its lines."""
    done = {}

    def look(name):
        if name not in done:
            run_file = write(tmp_path_factory.mktemp("company"), COMPANIES[name][0]())
            done[name] = run(NAME, source=str(run_file)), pd.read_csv(
                run_file.parent / "orders.csv", parse_dates=["ordered_at"], dtype={"customer_id": str}, keep_default_na=False,
            )  # fmt: skip
        return done[name]

    return look


@pytest.fixture(params=COMPANIES)
def each(request, company):
    return (*company(request.param), COMPANIES[request.param][1])


def saved(executed, name="customer_base"):
    return pd.read_parquet(executed.table(f"{name}.parquet"))


def left_out(executed):
    return {bundle["part"]: bundle["reason"] for bundle in executed.bundles("left_out")}


def decision(executed):
    return " ".join(executed.findings["decision"].values())


# Whatever the company -----------------------------------------------------------------------------


def test_it_runs_through_and_says_nothing_unsayable(each):
    executed, lines, _ = each
    code = [cell for cell in executed.notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert {output.output_type for output in executed.outputs} <= {"execute_result", "display_data"}
    assert not re.search(UNSAYABLE, executed.text), re.search(UNSAYABLE, executed.text)
    assert "product_id" in lines or not re.search("[{}]", executed.text)
    for bundle in executed.bundles("left_out"):
        assert bundle["part"] and bundle["reason"].endswith(".") and len(bundle["reason"]) > 20


def test_the_key_figures_are_those_of_the_file(each):
    executed, lines, months = each
    after = pd.Timestamp(LAST) + pd.Timedelta(days=1)
    starts = [after - pd.DateOffset(months=months * back) for back in (2, 1)] + [after]
    cost = lines.get("cost_of_goods", lines["net_amount"] * 0.7)
    lines = lines.assign(profit=lines["net_amount"] - cost, bought=lines["net_amount"] > 0)
    before, now = (
        lines[(lines["ordered_at"] >= first) & (lines["ordered_at"] < end)]
        .groupby("customer_id").agg(net=("net_amount", "sum"), profit=("profit", "sum"), bought=("bought", "any"))
        for first, end in pairwise(starts)
    )  # fmt: skip
    was, stays = before.index[before["bought"]], now.index[now["bought"]]
    value = {name: metric["value"] for name, metric in executed.metrics.items()}
    assert value["active"] == len(stays)
    assert value["retention"] == pytest.approx(was.isin(stays).mean(), abs=1e-6)
    scale = max(1.0, before["profit"].abs().sum()) * 1e-6
    assert value["profit"] == pytest.approx(now["profit"].sum(), abs=0.01 + scale)
    assert value["profit_change"] == pytest.approx(
        now["profit"].sum() - before["profit"].sum(), abs=0.01 + scale
    )
    table = saved(executed).set_index("customer_id")
    assert table.index.is_unique and set(table.index) == {name.strip() for name in lines["customer_id"]}
    assert table["net_sales"].sum() == pytest.approx(now["net"].sum(), rel=1e-9)
    assert table["net_sales_before"].sum() == pytest.approx(before["net"].sum(), rel=1e-9)
    cohorts = saved(executed, "cohorts")
    assert cohorts["customers"].sum() == len(table)
    assert cohorts["net_sales"].sum() == pytest.approx(lines["net_amount"].sum(), rel=1e-9)


# What it says of each -----------------------------------------------------------------------------


def test_too_few_customers_are_refused_in_one_sentence(run, tmp_path):
    with pytest.raises(papermill.PapermillExecutionError) as error:
        run(NAME, source=str(write(tmp_path, draw(90))))
    assert error.value.ename == "TooLittleData"
    assert re.search(r"Found: \d\d customers with an order in the period\.", error.value.evalue)
    assert "Expected: at least 100" in error.value.evalue


def test_a_period_before_without_orders_is_refused_in_one_sentence(run, tmp_path):
    lines = [line for line in draw(900, leave=0.1) if line[1].year != 2024]
    with pytest.raises(papermill.PapermillExecutionError) as error:
        run(NAME, source=str(write(tmp_path, lines)))
    assert error.value.ename == "TooLittleData"
    assert "Found: 0 customers with an order in the 12 months to 31 December 2024" in error.value.evalue


def test_a_young_order_log_says_what_it_lacks(company):
    executed, _ = company("young")
    assert "The data hold no cost of goods." in executed.text
    parts = left_out(executed)
    assert parts["what customers begin with"] == parts["breadth"] == "The orders do not say what was bought."
    assert "whole year" in parts["what the next period needs"] and not {"needed", "won"} & set(
        executed.metrics
    )
    assert "cannot be told yet" in executed.findings["headline"]


def test_two_months_of_data_make_no_claim_about_new_customers(company):
    """All of them may be old ones: the lead-in is longer than the data."""
    executed, _ = company("two months")
    assert "at least 100%" not in executed.text and "between 100% and 100%" not in executed.text
    assert "On the word of the run's settings" not in executed.text  # they ask for three months


def test_where_nobody_came_back_that_is_said(company):
    executed, lines = company("nobody came back")
    assert executed.metrics["retention"]["value"] == 0
    assert [*executed.shown["Signs of health"]["Retention"].values()][1:4] == ["–", "0%", "0%"]
    assert "0 ordered a second time" in left_out(executed)["one cohort over time"]
    assert "Five waits" not in executed.text  # two can be shown
    won = (lines["ordered_at"] >= "2025-01-01").sum()
    assert executed.metrics["needed"]["value"] == pytest.approx(won)  # nothing is carried over


def test_where_nobody_was_won_lately_only_the_gap_is_told(company):
    executed, _ = company("nobody won lately")
    assert executed.findings["headline"].startswith("Nobody new was won in the 12 months to 31 December 2025")
    assert not {"needed", "won"} & set(executed.metrics)
    assert [*executed.shown["Signs of health"]["New customers won"].values()][-2] == "0"
    assert not re.search(r"−\$[\d.,]+k? less", decision(executed))


def test_where_all_lose_money_nobody_is_told_to_win_more(company):
    executed, _ = company("a loss with all")
    assert "There is no profit to share out: all customers together lost $" in executed.text
    assert executed.metrics["profit"]["value"] < 0
    assert not re.search(r"\*?Win (more|about as many)", decision(executed))
    assert "may not cost more than that" not in decision(executed)


def test_where_all_are_alike_no_group_is_made_up(company):
    executed, _ = company("all alike")
    assert list(executed.shown["Tenths of customers by profit"]) == ["6"]  # equal profits share a tenth
    assert [*executed.shown["Signs of health"]["Retention"].values()][2:4] == ["100%", "100%"]
    assert executed.metrics["profit_change"]["value"] == pytest.approx(240 * 0.3 * 40)  # one order more
    assert not re.search(r"[Tt]he 0 who|−\$[\d.,]+k? less", executed.text)


def test_one_giant_is_named_for_what_it_is(company):
    executed, _ = company("one giant")
    assert not re.search(r"\b1 of \d+ customers earn ", executed.text)
    giant = executed.shown["Key figures and where they usually lie"]["Sales to the largest customer"]
    assert float(giant["Here"].rstrip("%")) > 98 and giant["Second look"] != "as expected"
    assert saved(executed).set_index("customer_id")["net_sales"].idxmax() == "G"


def test_a_base_won_before_the_data_has_no_cohorts_but_all_the_rest(company):
    executed, _ = company("all won before")
    parts = left_out(executed)
    assert {"one cohort over time", "cohorts against each other"} <= set(parts)
    assert "what the next period needs" not in parts
    table, cohorts = saved(executed), saved(executed, "cohorts")
    assert set(table["won_on"].astype(str)) == {"2020-05-05"} and list(cohorts["cohort"]) == ["before"]
    assert "Nobody new was won" in executed.findings["headline"]


def test_hostile_names_stay_text(company):
    executed, lines = company("hostile")
    pages = "".join("".join(output.get("data", {}).get("text/html", "")) for output in executed.outputs)
    assert not re.search(r"<script>alert|<Söhne>|<b>x|<strong>b", pages)
    assert "&lt;b&gt;x&lt;/b&gt; &amp; &lt;Söhne&gt;" in pages and "{n:money}" in pages
    assert f"Customers who begin with {KINDS[0]} earn us more than others" in executed.text
    first = executed.shown["What follows the first category"]
    assert len(first) == 5 and sum(int(row["Customers"]) for row in first.values()) > 200
    assert set(saved(executed)["customer_id"]) == set(lines["customer_id"])


def test_hostile_names_are_disarmed_in_the_csv(company):
    executed, _ = company("hostile")
    with executed.table("customer_base.csv").open(newline="", encoding="utf-8") as stream:
        names = [row["customer_id"] for row in csv.DictReader(stream)]
    assert not any(name.startswith(("=", "+", "-", "@", "\t")) for name in names)
    raw = list(saved(executed)["customer_id"])
    assert [name.removeprefix("'") for name in names] == raw and sum(
        n != r for n, r in zip(names, raw, strict=True)
    ) > 100


def test_returns_larger_than_sales_are_told_and_add_up(company):
    executed, lines = company("returns")
    table = saved(executed).set_index("customer_id")
    year = lines[lines["ordered_at"] >= "2025-01-01"]
    back = -year.loc[year["net_amount"] < 0, "net_amount"].sum()
    assert f"Returns took back ${back / 1000:.1f}k" in executed.text
    assert ((table["orders"] > 0) & (table["net_sales"] < 0)).any()
    first = lines[lines["net_amount"] > 0].groupby("customer_id")["ordered_at"].min()
    won = pd.to_datetime(table["won_on"])
    assert won.notna().all() and (won <= first.reindex(won.index)).all()
    assert (
        "cost of winning" not in left_out(executed)
        and "Cost of winning one" not in executed.shown["Signs of health"]
    )
    looks = executed.shown["Key figures and where they usually lie"]["Sales taken back"]
    assert looks["Here"] == f"{back / year.loc[year['net_amount'] > 0, 'net_amount'].sum():.1%}"
