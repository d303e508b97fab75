"""The notebook on the customer base on companies drawn to break it, against plain pandas on the files they stand in."""

import csv
import datetime as dt
import random
import re
from itertools import cycle, pairwise

import pandas as pd
import papermill
import pytest

NAME = "01_customer_base"
LAST = dt.date(2025, 12, 31)
ORDERS = ("customer_id", "ordered_at", "net_amount")
MARGIN = "gross_margin = 0.3\n"
# "Replace None with your number" is meant; so is "not known from it".
UNSAYABLE = r"\bnan\b|\binf\b|(?<!Replace )\bNone\b|<NA>|NaT|−\$?0(?![.,]?\d)|not known(?! from it)|Traceback"
HOSTILE = (
    "<script>alert({})</script>", "=1+{}", "{{x}}{}", "**b{}**", '"quoted" {}', "it's {}", "new\nline {}", "@SUM({})",
    "-{}+1", "+{}", "$x_{}", "[a](javascript:{})", "&amp;{}", "%s {}", "{:04d}",
)  # fmt: skip
KINDS = (r"$\frac{$ **b** {item:count}", "<b>x</b> & <Söhne>", "=cmd|' /C calc'!A0", 'a "b"\nc', "{n:money}")


def draw(customers, months=36, old=0.3, leave=0.3, rate=4.0, won_until=LAST, who="K{:04d}"):
    """Order lines of customers who buy at a rate a year until they leave; some were there before."""
    rng, lines = random.Random(5), []
    first = (pd.Timestamp(LAST) + pd.Timedelta(days=1) - pd.DateOffset(months=months)).date()
    span, until = (LAST - first).days, (won_until - first).days
    for number in range(customers):
        there = rng.random() < old
        begin = 0 if there else rng.randrange(until + 1)
        day, end = begin + there * rng.expovariate(rate / 365), begin + rng.expovariate(leave / 365)
        while day <= span and (day <= end or day == begin):
            amount = round(rng.lognormvariate(3.5, 0.8), 2)
            lines.append((who.format(number), first + dt.timedelta(days=int(day)), amount))
            day += max(rng.expovariate(rate / 365), 0.2)
    return [(who.format(0), first, 10.0), *lines, (who.format(0), LAST, 10.0)]


def nobody_came_back():
    rng = random.Random(1)
    days = [dt.date(2023, 1, 1), LAST] + [LAST - dt.timedelta(days=rng.randrange(1096)) for _ in range(900)]
    return [(f"K{number}", day, round(rng.lognormvariate(3.5, 0.8), 2)) for number, day in enumerate(days)]


def alike():
    days = [dt.date(year, month, 1) for year in (2023, 2024, 2025) for month in (1, 5, 9)]
    return [(f"K{number:03d}", day, 40) for number in range(240) for day in [*days, LAST]]


def giant():
    lines = draw(400)
    total = sum(amount for *_, amount in lines)
    return lines + [
        ("G", dt.date(2023, 1, 10) + dt.timedelta(days=30 * n), round(2.75 * total, 2)) for n in range(36)
    ]


def returned():
    """Some send back three times what they bought; acquired a few days before the first order, at no known cost."""
    rng, lines = random.Random(8), draw(700)
    back = [(who, day, round(-3 * amount, 2)) for who, day, amount in lines if rng.random() < 0.08]
    first = {who: day for who, day, _ in sorted(lines, key=lambda line: line[1], reverse=True)}
    people = [(who, day - dt.timedelta(days=rng.randrange(10))) for who, day in first.items()]
    return {"orders": (ORDERS, lines + back), "customers": (("customer_id", "acquired_on"), people)}


def won_before_the_data():
    lines = draw(500, old=1.0, leave=0.1)
    people = [(who, "2020-05-05", 12) for who in sorted({who for who, *_ in lines})]
    return {
        "orders": (ORDERS, lines), "customers": (("customer_id", "acquired_on", "acquisition_cost"), people),
    }  # fmt: skip


def hostile():
    rng, lines = random.Random(3), draw(700)
    names = {who: form.format(number) for (number, who), form in zip(enumerate(dict.fromkeys(w for w, *_ in lines)), cycle(HOSTILE))}  # fmt: skip
    products = {form.format(number): KINDS[number % 5] for number, form in enumerate(HOSTILE)}
    bought = [(names[who], day, amount, rng.choice(list(products))) for who, day, amount in lines]
    dear = [
        (who, day, amount * (6 if products[what] == KINDS[0] else 1), what)
        for who, day, amount, what in bought
    ]
    return {
        "orders": ((*ORDERS, "product_id"), dear), "products": (("product_id", "category"), products.items()),
    }  # fmt: skip


# How to draw the company, and the months of the two periods that the notebook compares.
COMPANIES = {
    "young": (lambda: draw(260, months=18), 6),
    "two months": (lambda: draw(400, months=2, rate=20), 1),
    "nobody came back": (nobody_came_back, 12),
    "nobody won lately": (lambda: draw(700, won_until=dt.date(2024, 10, 31), leave=0.1), 12),
    "a loss with all": (
        lambda: {"orders": ((*ORDERS, "cost_of_goods"), [(*line, round(line[2] * 1.3, 2)) for line in draw(700)])}, 12,
    ),
    "all alike": (alike, 12),
    "one giant": (giant, 12),
    "all won before": (won_before_the_data, 12),
    "hostile": (hostile, 12),
    "returns": (returned, 12),
}  # fmt: skip


def write(folder, drawn):
    """Write a company as CSV files; returns its run file."""
    tables = drawn if isinstance(drawn, dict) else {"orders": (ORDERS, drawn)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, (head, rows) in tables.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([head, *rows])
    margin = "" if "cost_of_goods" in tables["orders"][0] else MARGIN
    (folder / "run.toml").write_text(
        f'name = "Own"\nsource = "."\ncurrency = "USD"\n{margin}', encoding="utf-8"
    )
    return folder / "run.toml"


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
