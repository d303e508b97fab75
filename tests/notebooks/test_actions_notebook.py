"""The notebook on actions, run from top to bottom and held against plain arithmetic on its own list and the raw files."""

import csv
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import papermill
import pytest

DATA = Path(__file__).parent.parent.parent / "data"
NAME = "09_actions"
LAST = pd.Timestamp("2026-06-30")
UNSAYABLE = r"\bnan\b|\binf\b|(?<!Replace )\bNone\b|<NA>|NaT|[{}]|−[€$£]?0(?![.,]?\d)"
COSTS = {"letter": 3.0, "phone": 6.0}


@pytest.fixture(scope="module")
def answered(run):
    """The notebooks whose tables the list is made from."""
    profits, values = run("02_profitability"), run("04_lifetime_value")
    churn = run("03_churn", [values])
    return [profits, values, churn, run("06_segments", [profits, values, churn])]


@pytest.fixture(scope="module")
def default(run, answered):
    return run(NAME, answered)


@pytest.fixture(scope="module")
def listed(default):
    return pd.read_parquet(default.table("actions.parquet"))


@pytest.fixture(scope="module")
def without_money(run, answered):
    return run(NAME, answered[:2], monthly_budget=0.0, calls_per_month=0, rest_days=0)


def amount(cell):
    return float(cell.replace("−", "-").replace("€", "").replace(",", "").replace("–", "nan"))


# The list ---------------------------------------------------------------------------------------


def test_every_customer_of_the_other_tables_stands_once(listed, answered):
    ids = set()
    for one, name in zip(
        answered, ("profit_per_customer", "lifetime_value", "churn", "segments"), strict=True
    ):
        ids |= set(pd.read_parquet(one.table(f"{name}.parquet"))["customer_id"])
    assert listed["customer_id"].tolist() == sorted(ids)


def test_what_is_promised_can_be_worked_out_from_the_row(listed):
    own = listed[listed["action"] != "nothing"]
    assert np.allclose(own["expected_profit"], own["rate"] * own["gain"] - own["cost"], atol=0.011)
    assert (own["expected_profit"] > 0).all() and (own["low"] <= own["expected_profit"]).all()
    nothing = listed[listed["action"] == "nothing"]
    assert (nothing[["expected_profit", "low", "high", "gain", "cost"]] == 0).all().all()
    assert set(nothing["arm"]) == {"leave alone"} and own["reason"].str.len().min() > 5


def test_the_list_keeps_within_money_calls_and_rest_days(listed):
    contacts = listed[listed["channel"].isin(COSTS)]
    assert contacts["cost"].sum() <= 500 + 0.005 * len(contacts)
    assert (contacts["channel"] == "phone").sum() <= 20
    assert (contacts["cost"] >= contacts["channel"].map(COSTS) - 0.005).all()
    made = pd.read_csv(DATA / "contacts.csv", dtype={"customer_id": str}, parse_dates=["contacted_on"])
    late = made[(made["arm"] == "treatment") & (made["contacted_on"] > LAST - pd.Timedelta(days=60))]
    assert len(late) > 400 and not contacts["customer_id"].isin(late["customer_id"]).any()
    # Whoever may not be contacted may still get new terms.
    assert set(listed.loc[listed["channel"] == "none", "action"]) <= {"reprice", "level down"}


def test_an_action_that_tests_speak_against_goes_to_nobody(listed, default):
    """The save rate of the past campaigns, by hand, is about 0, and so is what is believed."""
    assert "save" not in set(listed["action"])
    assert "Save: not shown to work." in default.text
    row = default.shown["Save: what was assumed, and what tests have shown"]["Tests"]
    made = pd.read_csv(DATA / "contacts.csv", dtype={"customer_id": str}, parse_dates=["contacted_on"])
    orders = pd.read_csv(DATA / "orders.csv", dtype={"customer_id": str}, parse_dates=["ordered_at"]).query(
        "net_amount > 0"
    )
    made = made[made["contacted_on"] + pd.Timedelta(days=179) <= LAST].reset_index()
    both = made.merge(orders[["customer_id", "ordered_at"]], on="customer_id")
    days = (both["ordered_at"].dt.normalize() - both["contacted_on"]).dt.days
    bought = both.loc[(days >= 28) & (days < 180), "index"].unique()
    silent = (~made["index"].isin(bought)).groupby(made["arm"]).mean()
    assert float(row["Rate"].replace("−", "-").rstrip("%")) == pytest.approx(
        100 * (1 - silent["treatment"] / silent["control"]), abs=0.06
    )


def test_those_held_out_are_a_part_of_those_contacted(listed):
    contacts = listed[listed["channel"].isin(COSTS)]
    held = listed[listed["arm"] == "hold out"]
    assert (
        0 < len(held) <= 0.31 * len(contacts) + 1 and held["customer_id"].isin(contacts["customer_id"]).all()
    )


def test_the_page_adds_up_to_the_list(listed, default):
    table = default.shown["The list of this month, by action"]
    carried = listed[listed["arm"] == "contact"]
    for action, own in listed.groupby("action"):
        row = table[action[:1].upper() + action[1:]]
        assert row["Customers"] == f"{len(own):,}"
        assert row["To carry out"] == f"{(own['arm'] == 'contact').sum():,}"
        assert amount(row["Expected profit"]) == pytest.approx(
            carried.loc[carried["action"] == action, "expected_profit"].sum(), abs=0.51
        )
    metrics = default.metrics
    assert metrics["list_profit"]["value"] == pytest.approx(carried["expected_profit"].sum(), abs=0.01)
    assert metrics["listed_customers"]["value"] == len(carried)
    assert metrics["list_profit"]["low"] < metrics["list_profit"]["value"] < metrics["list_profit"]["high"]


def test_the_list_for_people_is_that_for_machines(default, listed):
    with default.table("actions.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["customer_id"] for row in rows] == listed["customer_id"].tolist()
    assert [float(row["expected_profit"]) for row in rows] == listed["expected_profit"].tolist()
    assert not any(cell.startswith(("=", "+", "@", "\t")) for row in rows for cell in row.values())


# An earlier list --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def earlier(listed, tmp_path_factory):
    """A list of the end of March: two hundred customers asked for a referral, every other one left alone by lot."""
    own = listed[listed["customer_id"].isin(listed["customer_id"].sample(200, random_state=1))].copy()
    own = own.assign(
        action="ask for referral", channel="letter", gain=120.0, cost=3.0, rate=0.04, expected_profit=1.8
    )
    own["arm"] = np.where(np.arange(len(own)) % 2, "hold out", "contact")
    own = own.assign(
        list_id="actions-2026-03-31",
        listed_on=pd.Timestamp("2026-03-31"),
        expires_on=pd.Timestamp("2026-05-01"),
    )
    # Half of those contacted this month were on a list a month ago: every other one held out.
    now = listed[listed["channel"].isin(COSTS) & ~listed["customer_id"].isin(own["customer_id"])]
    late = now.sample(len(now) // 2, random_state=2).assign(
        list_id="actions-2026-05-31",
        listed_on=pd.Timestamp("2026-05-31"),
        expires_on=pd.Timestamp("2026-07-01"),
    )
    late["arm"] = np.where(np.arange(len(late)) % 2, "hold out", "contact")
    own = pd.concat([own, late], ignore_index=True)
    file = tmp_path_factory.mktemp("earlier") / "actions.parquet"
    own.to_parquet(file, index=False)
    return own, file


@pytest.fixture(scope="module")
def second_month(run, answered, earlier):
    entry = {
        "as_of": "2026-03-31", "file": str(earlier[1]), "sha256": hashlib.sha256(earlier[1].read_bytes()).hexdigest(),
        "problem": "",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLIB_EARLIER", json.dumps({"actions": [entry]}))
        return run(NAME, answered[:2], rest_days=120)


def test_an_earlier_list_is_held_against_what_it_promised(second_month):
    row = second_month.shown["Earlier lists: promised and earned, by action"]["Ask for referral"]
    assert (row["Treated"], row["Left alone"]) == ("100", "100")
    # A promise of a year, 0.04 * 120 for each, is due for 90 of 365 days.
    assert amount(row["Promised so far"]) == pytest.approx(100 * 4.8 * 90 / 365, abs=1)
    assert amount(row["Low"]) < amount(row["Earned so far"]) < amount(row["High"])
    assert "earlier_earned" in second_month.metrics
    assert "what earlier lists earned" not in {bundle["part"] for bundle in second_month.bundles("left_out")}


def test_whom_an_earlier_list_contacted_is_left_in_peace(second_month, earlier):
    table = pd.read_parquet(second_month.table("actions.parquet"))
    rows = earlier[0]
    contacted = rows.loc[rows["arm"] == "contact", "customer_id"]
    of_may = rows.loc[rows["list_id"] == "actions-2026-05-31", "customer_id"]
    reached = table.loc[table["channel"].isin(COSTS), "customer_id"]
    assert len(reached) and not reached.isin(contacted).any() and not reached.isin(of_may).any()
    assert f"{len(of_may):,} customers were on a list of the last 90 days" in second_month.text


# What is said -----------------------------------------------------------------------------------


def test_contacting_everyone_loses_and_the_list_does_not(default):
    table = default.shown["Ways to choose whom to contact"]
    profit = {name: amount(row["Expected profit"]) for name, row in table.items()}
    assert profit["Highest expected profit"] == max(profit.values()) > 0 > profit["Everyone eligible"]
    assert profit["Nobody"] == 0


def test_the_all_knowing_list_is_that_of_the_truth(default):
    """Whoever knows writes to the persuadables still there whose extra order brings more than the letter costs."""
    truth = pd.read_csv(DATA / "truth" / "customers.csv", dtype={"customer_id": str})
    there = truth[(pd.to_datetime(truth["lifetime_end"]) > LAST) & (truth["contact_class"] == "persuadable")]
    gained = 0.3 * there["mean_order_value"] * there["gross_margin"] - 3
    said = re.search(r"Whoever knew each customer would earn €([\d,]+)\.", default.text)
    assert "This company is simulated" in default.text
    assert float(said[1].replace(",", "")) == pytest.approx(gained[gained > 0].sum(), rel=0.02)


@pytest.mark.parametrize("which", ["default", "without_money"])
def test_nothing_is_shown_that_cannot_be_said(which, request):
    executed = request.getfixturevalue(which)
    assert not re.search(UNSAYABLE, executed.text), re.search(f".{{60}}({UNSAYABLE}).{{40}}", executed.text)
    pages = "".join("".join(output.get("data", {}).get("text/html", "")) for output in executed.outputs)
    assert not re.search(r"\bNaN\b|&lt;NA&gt;|\bNaT\b", pages)


def test_left_out_on_the_bundled_company_is_only_the_earlier_list(default):
    assert [bundle["part"] for bundle in default.bundles("left_out")] == ["what earlier lists earned"]


def test_without_money_nobody_is_contacted_and_the_page_says_why(without_money):
    table = pd.read_parquet(without_money.table("actions.parquet"))
    assert not table["channel"].isin(COSTS).any() and not table["arm"].eq("hold out").any()
    assert "not enough money" in without_money.text
    assert "Contact nobody." in without_money.findings["decision"]["text"]
    parts = {bundle["part"] for bundle in without_money.bundles("left_out")}
    assert {"save and service repair", "level up and level down"} <= parts or any(
        "save" in part for part in parts
    )


@pytest.mark.parametrize(
    ("wrong", "kind", "said"),
    [
        (
            {"rest_days": -1, "monthly_budget": -5.0},
            "ParameterProblems",
            ("rest_days", "from 0 to 365", "monthly_budget", "0 or more"),
        ),
        ({"assumed_rates": ["saves 0.1"]}, "ParameterError", ("saves 0.1", "an action and a share")),
        ({}, "TooLittleData", ("none of the tables", "run notebooks 02, 03 and 04 first")),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(run, wrong, kind, said):
    with pytest.raises(papermill.PapermillExecutionError) as error:
        run(NAME, **wrong)
    assert error.value.ename == kind
    for part in (*said, "Found: ", "Expected: ", "What to do: "):
        assert part in error.value.evalue


# The committed notebooks ------------------------------------------------------------------------


def test_the_solutions_are_right_for_other_parameters_too(run):
    solved = run(f"solutions/{NAME}", as_of="2026-03-15", offer_cost=2.0)
    assert [output["data"]["text/plain"] for output in solved.outputs] == ["Right."] * 3


@pytest.mark.parametrize("path", [f"notebooks/{NAME}.ipynb", f"notebooks/solutions/{NAME}.ipynb"])
def test_the_committed_outputs_are_those_of_a_fresh_run(path, comes_out_again, request):
    """The notebook finds the tables that stand beside it; its solutions need none."""
    comes_out_again(path, request.getfixturevalue("answered") if "solutions" not in path else ())
