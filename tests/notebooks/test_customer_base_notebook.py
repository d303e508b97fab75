"""The notebook on the customer base, run from top to bottom and checked against plain pandas on the raw files."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "data"
NAME = "01_customer_base"
FIRST, LAST = pd.Timestamp("2023-07-01"), pd.Timestamp("2026-06-30")
Z = 1.959963984540054
# "Replace None with your number" is meant; so is (not known), what was bought on a day.
UNSAYABLE = (
    r"\bnan\b|\binf\b|(?<!Replace )\bNone\b|<NA>|NaT|[{}]|−[€$£]?0(?![.,]?\d)|(?<!\()\bnot known(?! from it)"
)
# What it is run with beside the defaults, the last day and the months of the periods it then compares.
RUNS = {
    "yearly": ({}, LAST, 12),
    "half years, months and no lead-in": ({"period_months": 6, "cohort_months": 1, "lead_in_months": 0}, LAST, 6),
    "an odd day and five months": (
        {"as_of": "2025-11-14", "cohort_months": 5, "lead_in_months": 0}, pd.Timestamp("2025-11-14"), 12,
    ),
    "two years that do not fit twice": (
        {"period_months": 24, "cohort_months": 12, "smallest_group": 200}, LAST, 12,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def executed(run):
    """Return a function that runs one of `RUNS`, once."""
    done = {}
    return lambda name: done[name] if name in done else done.setdefault(name, run(NAME, **RUNS[name][0]))


@pytest.fixture(scope="module")
def yearly(executed):
    return executed("yearly")


@pytest.fixture(params=RUNS)
def each(request, executed, rows):
    """A run, the customers of the periods it compares by plain pandas (the last, the one before, ...), what happened."""
    _, last, months = RUNS[request.param]
    return executed(request.param), list(backwards(rows, last, months)), rows[rows["day"] <= last]


@pytest.fixture(scope="module")
def rows():
    """Everything that happened with a known customer of the bundled company: customer, day, orders and money."""
    ids = {"customer_id": str, "order_id": str}
    lines = pd.read_csv(DATA / "orders.csv", dtype=ids).query("customer_id.notna()")
    lines["day"] = pd.to_datetime(lines["ordered_at"].str[:10])
    assumed = 1 - tomllib.loads((DATA / "run.toml").read_text())["gross_margin"]
    lines["net"] = lines["net_amount"]
    lines["profit"] = lines["net"] - lines["cost_of_goods"].fillna(assumed * lines["net"])
    placed = lines[lines["net"] > 0].drop_duplicates(["customer_id", "day", "order_id"]).assign(orders=1)
    events = pd.read_csv(DATA / "events.csv", dtype=ids, parse_dates=["occurred_on"])
    pools = pd.read_csv(DATA / "resources.csv").set_index("resource")
    minutes = pd.read_csv(DATA / "activities.csv").set_index("activity")
    rate = minutes["resource"].map(pools["cost_per_month"] / pools["practical_minutes_per_month"])
    cost = events["quantity"].fillna(1) * events["activity"].map(minutes["minutes_per_event"] * rate)
    people = pd.read_csv(DATA / "customers.csv", dtype=ids, parse_dates=["acquired_on"])
    found = pd.concat([
        lines[["customer_id", "day", "net", "profit"]], placed[["customer_id", "day", "orders"]],
        pd.DataFrame({"customer_id": events["customer_id"], "day": events["occurred_on"], "profit": -cost}),
        pd.DataFrame({"customer_id": people["customer_id"], "day": people["acquired_on"],
                      "profit": -people["acquisition_cost"].fillna(0)}),
    ]).fillna(0.0)  # fmt: skip
    acquired = people.set_index("customer_id")["acquired_on"]
    won = pd.concat([acquired, placed.groupby("customer_id")["day"].min()], axis=1).min(axis=1)
    found["won"] = found["customer_id"].map(won)
    return found[found["day"].between(FIRST, LAST)]


def backwards(rows, last, months):
    """Customers of the whole periods that fit before a day, the last first: ``attrs["first"]`` is its first day."""
    after = last + pd.Timedelta(days=1)
    while (first := after - pd.DateOffset(months=months)) >= FIRST:
        part = rows[(rows["day"] >= first) & (rows["day"] < after)].groupby("customer_id")
        customers = part[["orders", "net", "profit"]].sum().assign(won=part["won"].min())
        customers.attrs["first"] = first
        yield customers
        after = first


def active(customers):
    return customers.index[customers["orders"] > 0]


def saved(executed, name="customer_base"):
    return pd.read_parquet(executed.table(f"{name}.parquet"))


# The figures it hands over ----------------------------------------------------------------------


def test_every_cell_ran_and_none_complained(each):
    notebook, *_ = each
    code = [cell for cell in notebook.notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert {output.output_type for output in notebook.outputs} <= {"execute_result", "display_data"}
    assert not re.search(UNSAYABLE, notebook.text), re.search(UNSAYABLE, notebook.text)
    for picture in (output for output in notebook.outputs if "image/png" in output.get("data", {})):
        alt = picture.metadata["image/png"]["alt"]
        assert len(alt) >= 40 and not re.search(UNSAYABLE, alt)


def test_the_key_figures_are_those_of_plain_pandas(each):
    notebook, (now, before, *_), _ = each
    metrics = notebook.metrics
    assert metrics["active"]["value"] == len(active(now))
    kept, was = active(before).isin(active(now)).sum(), len(active(before))
    found = [metrics["retention"][name] for name in ("low", "value", "high")]
    interval = binomtest(kept, was).proportion_ci(method="wilson")
    assert found == pytest.approx([interval.low, kept / was, interval.high], abs=1e-6)
    assert metrics["profit"]["value"] == pytest.approx(now["profit"].sum(), abs=0.01)
    change = now["profit"].sub(before["profit"], fill_value=0.0)
    half = Z * (len(change) * change.var()) ** 0.5
    found = [metrics["profit_change"][name] for name in ("low", "value", "high")]
    assert found == pytest.approx([change.sum() - half, change.sum(), change.sum() + half], abs=0.01)


def test_the_need_and_its_range_are_those_of_plain_pandas(each):
    notebook, periods, _ = each
    now, first = periods[0], periods[0].attrs["first"]
    new = now["won"] >= first
    if (
        "cannot be told yet" in notebook.findings["headline"]
    ):  # half a year: the season would pass for loyalty
        assert not {"needed", "won"} & set(notebook.metrics)
        return
    past, variance, existing = [], 0.0, 0.0
    for later, earlier in pairwise(periods):
        both = pd.concat([earlier["net"], later["net"]], axis=1, keys=["was", "is"]).fillna(0.0)
        won = earlier["won"].reindex(both.index).fillna(later["won"])
        both["new"], both["pair"] = won >= earlier.attrs["first"], len(past)
        past.append(both[won < later.attrs["first"]])
    for one in (False, True):
        pairs, today = pd.concat(past).query("new == @one"), now.loc[new == one, "net"]
        share = pairs["is"].sum() / pairs["was"].sum()
        own = (pairs["is"] - share * pairs["was"]).groupby(level=0).sum()
        error = len(own) * own.var() / pairs["was"].sum() ** 2
        shares, weights = [], []
        for _, pair in pairs.groupby("pair"):
            shares.append(pair["is"].sum() / pair["was"].sum())
            weights.append(pair["was"].sum() ** 2 / len(pair) / (pair["is"] - shares[-1] * pair["was"]).var())
        weights, among = np.array(weights), 0.0
        if len(weights) > 1:
            excess = (weights * (shares - np.average(shares, weights=weights)) ** 2).sum() - len(weights) + 1
            among = max(0.0, excess / (weights.sum() - (weights**2).sum() / weights.sum()))
        existing += share * today.sum()
        variance += (
            today.sum() ** 2 * (error + among) + len(today) * (pairs["is"] - share * pairs["was"]).var()
        )
    brought, spread = now.loc[new, "net"].mean(), now.loc[new, "net"].var()
    need = (now["net"].sum() - existing) / brought
    half = Z * (variance + need**2 * spread / new.sum() + abs(need) * spread) ** 0.5 / brought
    found = [notebook.metrics["needed"][name] for name in ("low", "value", "high")]
    assert found == pytest.approx([max(need - half, 0.0), need, need + half], rel=1e-4)
    assert notebook.metrics["won"]["value"] == new.sum()


# What it saves ----------------------------------------------------------------------------------


def test_the_list_of_customers_is_the_ledger_by_customer(each):
    notebook, (now, before, *_), rows = each
    table = saved(notebook).set_index("customer_id")
    assert list(table.columns) == [
        "won_on", "cohort", "group", "orders", "net_sales", "gross_margin", "profit",
        "orders_before", "net_sales_before", "profit_before", "profit_decile",
    ]  # fmt: skip
    everybody = rows.groupby("customer_id")["won"].min()
    assert table.index.is_unique and list(table.index) == list(everybody.index)
    assert (pd.to_datetime(table["won_on"]) == everybody).all()
    for column, frame, of in (
        ("orders", now, "orders"), ("net_sales", now, "net"), ("profit", now, "profit"),
        ("orders_before", before, "orders"), ("net_sales_before", before, "net"), ("profit_before", before, "profit"),
    ):  # fmt: skip
        gap = (table[column] - frame[of].reindex(table.index).fillna(0.0)).abs().max()
        assert gap < 0.005, f"{column}: {gap}"
    was, stays, new = (
        before.reindex(table.index)["orders"] > 0,
        table["orders"] > 0,
        everybody >= now.attrs["first"],
    )
    groups = np.select([was & stays, was, stays & new, stays], ["retained", "lost", "new", "back"], "none")
    assert (table["group"] == groups).all()
    assert (table["profit_decile"].notna() == stays).all()


def test_the_list_of_cohorts_holds_everybody_and_every_euro(each):
    notebook, _, rows = each
    table, customers = saved(notebook, "cohorts"), saved(notebook)
    assert list(table.columns) == [
        "cohort", "first_day", "last_day", "customers", "orders", "net_sales", "gross_margin", "profit",
        "value_per_customer", "low", "high", "repeat_share",
    ]  # fmt: skip
    assert table.set_index("cohort")["customers"].to_dict() == customers["cohort"].value_counts().to_dict()
    for column, of in (("orders", "orders"), ("net_sales", "net"), ("profit", "profit")):
        assert table[column].sum() == pytest.approx(rows[of].sum(), abs=0.01)
    for row in table[table["cohort"] != "before"].itertuples():
        own = rows[rows["won"].between(str(row.first_day), str(row.last_day))]
        assert row.profit == pytest.approx(own["profit"].sum(), abs=0.01)


def test_cohorts_are_compared_at_the_same_age(yearly, rows):
    for row in saved(yearly, "cohorts").dropna(subset=["value_per_customer"]).itertuples():
        own = rows[rows["won"].between(str(row.first_day), str(row.last_day))]
        year = own[(own["day"] - own["won"]).dt.days <= 365]  # four windows of 91.3125 days
        repeated = year[year["orders"] > 0].groupby("customer_id")["day"].nunique() > 1
        assert row.value_per_customer == pytest.approx(year["profit"].sum() / row.customers, abs=1e-4)
        assert row.repeat_share == pytest.approx(repeated.sum() / row.customers, abs=1e-6)
        assert pd.Timestamp(row.last_day) <= LAST - pd.Timedelta(days=365)


def test_the_two_files_of_each_table_agree(yearly):
    for name, rows_ in (("customer_base", 2796), ("cohorts", 13)):
        table = saved(yearly, name)
        csv = pd.read_csv(
            yearly.table(f"{name}.csv"), dtype={"customer_id": "str", "cohort": "str", "group": "str"}
        )
        for column in table.select_dtypes("number"):
            assert (csv[column] - table[column].astype("float64")).abs().max() < 1e-6
        assert csv.iloc[:, 0].tolist() == table.iloc[:, 0].tolist() and len(table) == rows_
    assert {bundle["table"]: bundle["rows"] for bundle in yearly.bundles("saved")} == {
        "customer_base": 2796, "cohorts": 13,
    }  # fmt: skip


# What it says -----------------------------------------------------------------------------------


def test_other_parameters_give_other_findings_and_stand_in_the_run_card(executed):
    heads = [executed(name).findings["headline"] for name in list(RUNS)[:3]]
    assert len(set(heads)) == 3
    (card,) = executed("two years that do not fit twice").bundles("run_card")
    for setting in ("period months 24", "cohort months 12", "smallest group 200"):
        assert setting in card["facts"]["Settings"]


def test_what_is_left_out_is_said_with_its_reason(executed):
    assert not executed("yearly").bundles("left_out")
    (only,) = executed("half years, months and no lead-in").bundles("left_out")
    assert only["part"] == "what the next period needs" and "season" in only["reason"]
    wide = executed("two years that do not fit twice")
    reasons = {one["part"]: one["reason"] for one in wide.bundles("left_out")}
    assert "what the next period needs" not in reasons  # two years fit as two periods of twelve months
    assert "2,000 customers" in reasons["where the tenths of customers moved"]
    # 1,121 were active in the first year and won before it: chance can be told, but for the best tenth.
    assert "what in the change is chance" not in reasons
    assert "Of the 1,121 who were active in the first period" in wide.text


def test_the_signs_of_health_are_those_of_the_last_four_periods(each):
    notebook, periods, _ = each
    signs = {name: list(row.values())[1:-1] for name, row in notebook.shown["Signs of health"].items()}
    shown = periods[min(len(periods), 4) - 1 :: -1]
    assert signs["Active customers"] == [f"{len(active(period)):,}" for period in shown]
    assert signs["New customers won"] == [f"{(p['won'] >= p.attrs['first']).sum():,}" for p in shown]
    kept = [f"{active(was).isin(active(now)).mean():.0%}" for was, now in pairwise(shown)]
    assert signs["Retention"][-len(kept) :] == kept


# The committed notebooks ------------------------------------------------------------------------


def test_the_solutions_are_right_for_other_parameters_too(run):
    solved = run(f"solutions/{NAME}", period_months=6, as_of="2026-03-15")
    assert [output["data"]["text/plain"] for output in solved.outputs] == ["Right."] * 3


@pytest.mark.parametrize("path", [f"notebooks/{NAME}.ipynb", f"notebooks/solutions/{NAME}.ipynb"])
def test_the_committed_outputs_are_those_of_a_fresh_run(path, comes_out_again):
    comes_out_again(path)
