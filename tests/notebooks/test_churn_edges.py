"""The notebook on churn on companies drawn to break it: it answers, or says what is missing."""

import csv
import re

import pandas as pd
import papermill
import pytest
from edge_companies import CHURNING, COMPANIES, KINDS, LAST, UNSAYABLE, draw, write

NAME = "03_churn"
ANSWERED = ("hostile everywhere", "loss without anything", "tests that tell nothing", "contracts only")


@pytest.fixture(scope="module")
def company(run, tmp_path_factory):
    """Return a function that draws one of `CHURNING` and runs the notebook on it, once: the run, and its tables."""
    done = {}

    def look(name):
        if name not in done:
            run_file = write(tmp_path_factory.mktemp("company"), CHURNING[name]())
            files = {
                path.stem: pd.read_csv(path, dtype=str, keep_default_na=False)
                for path in run_file.parent.glob("*.csv")
            }
            done[name] = run(NAME, source=str(run_file)), files
        return done[name]

    return look


def saved(executed):
    return pd.read_parquet(executed.table("churn.parquet")).set_index("customer_id")


def left_out(executed):
    return {bundle["part"]: bundle["reason"] for bundle in executed.bundles("left_out")}


def pages(executed):
    return "".join("".join(output.get("data", {}).get("text/html", "")) for output in executed.outputs)


def lists(executed):
    return next(rows for title, rows in executed.shown.items() if title.startswith("What each list earns"))


@pytest.mark.parametrize("name", ANSWERED)
def test_it_answers_in_words_and_money(name, company):
    executed, _ = company(name)
    plain = executed.text
    if "hostile" in name or name == "contracts only":
        for kind in KINDS:  # braces that are part of a name are meant
            plain = plain.replace(kind, "").replace(kind.replace("\n", " "), "")
        plain = re.sub(r"[{]\w*(:\w+)?[}]", "", plain)
    assert not re.search(UNSAYABLE, plain), re.search(f".{{60}}({UNSAYABLE}).{{40}}", plain)
    table, metrics = saved(executed), executed.metrics
    assert metrics["expected_leavers"]["value"] == pytest.approx(table["churn_probability"].sum(), rel=1e-5)
    assert metrics["value_at_risk"]["value"] == pytest.approx(table["value_at_risk"].sum(), abs=0.02)
    assert table["churn_probability"].between(0, 1).all() and table["why"].str.len().gt(5).all()
    assert "Nobody" in lists(executed) and executed.findings["decision"]["text"]
    for reason in left_out(executed).values():
        assert reason.endswith(".") and len(reason) > 20


@pytest.mark.parametrize("name", ANSWERED[:3])
def test_scored_and_churned_are_those_of_the_file(name, company):
    executed, files = company(name)
    lines = files["orders"].assign(day=pd.to_datetime(files["orders"]["ordered_at"]), net=files["orders"]["net_amount"].astype(float))  # fmt: skip
    sold = lines.groupby(["customer_id", "day"])["net"].sum().reset_index()
    sold = sold[sold["net"] > 0]
    said = re.search(
        r"bought in the (\d+) months up to a day, and nothing in the (\d+) months after it", executed.text
    )
    eligible, outcome = (pd.Timedelta(days=int(int(months) * 365.25 / 12)) for months in said.groups())

    def bought(after, until):
        return set(sold.loc[(sold["day"] > after) & (sold["day"] <= until), "customer_id"])

    last = pd.Timestamp(LAST)
    assert set(saved(executed).index) == bought(last - eligible, last)
    other = re.search(r"Customers who bought in the .*? up to (\d+ \w+ \d+)\.", executed.text)
    day = pd.to_datetime(other[1], format="%d %B %Y")
    before = bought(day - eligible, day)
    gone = before - bought(day, day + outcome)
    row = executed.shown["Other definitions, other numbers"][f"no purchase in {said[2]} months after it"]
    assert row["Churn rate"] == f"{len(gone) / len(before):.1%}"


# Hostile names ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hostile everywhere", "contracts only"])
def test_hostile_names_stay_text_on_the_page(name, company):
    executed, _ = company(name)
    assert not re.search(r"<script>alert|<Söhne>|<b>x|<strong>b|javascript:\d+\"", pages(executed))
    # A dollar that is not escaped would be read as a formula.
    assert "<math" not in re.sub(r"<annotation.*?</annotation>", "", pages(executed), flags=re.S)


def test_hostile_names_are_shown_as_they_are(company):
    executed, _ = company("contracts only")
    shown = " ".join(executed.text.split())
    assert sum(" ".join(kind.split()) in shown for kind in KINDS) >= 3


def test_saved_lists_hold_hostile_names_that_no_spreadsheet_runs(company):
    for name in ("hostile everywhere", "contracts only"):
        executed, files = company(name)
        with executed.table("churn.csv").open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            assert not any(
                row[column].startswith(("=", "+", "-", "@", "\t", "\r")) for column in ("customer_id", "why")
            )
        known = set(files["orders"]["customer_id"])
        assert {row["customer_id"].removeprefix("'") for row in rows} <= known and len(rows) > 100
        assert set(saved(executed).index) <= known  # machines get the names as they are
    assert all(re.fullmatch(r"\d{5}", who) for who in saved(executed).index)  # leading zeros stay


def test_hostile_campaigns_without_a_cost_are_compared_at_the_stated_one(company):
    executed, files = company("hostile everywhere")
    contacts = files["contacts"]
    arms = contacts["arm"].value_counts()
    row = executed.shown["What a contact changed, per customer"]["Orders within 28 days"]
    assert (row["Contacted"], row["Left alone"]) == (f"{arms['treatment']:,}", f"{arms['control']:,}")
    assert "margin before the cost of $3.00 per contact" in executed.text
    assert f"{contacts['campaign_id'].nunique()} campaigns" in executed.text
    assert set(saved(executed)["basis"]) == {"test"}


# What is not there ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["loss without anything", "tests that tell nothing", "contracts only"])
def test_where_no_test_tells_the_design_of_one_is_shown(name, company):
    executed, _ = company(name)
    assert "what contacts changed" in left_out(executed)
    assert "A test would tell" in executed.text
    assert "What a contact changed, per customer" not in executed.shown
    assert set(saved(executed)["basis"]) == {"assumption"}


def test_where_every_sale_loses_nobody_is_worth_a_contact(company):
    executed, _ = company("loss without anything")
    table = saved(executed)
    assert (table["worth_if_kept"] < 0).mean() > 0.95 and (table["decision"] == "leave alone").all()
    assert executed.findings["decision"]["text"].startswith("Contact nobody.")
    assert lists(executed)["Nobody"]["Expected profit"] in ("$0", "$0.00")
    assert executed.metrics["contact_profit"]["value"] == 0


def test_contracts_that_never_end_show_no_loss(company):
    executed, _ = company("loss without anything")
    assert "no loss is seen" in executed.text
    assert "how long contracts last" in left_out(executed)


# Contracts only ---------------------------------------------------------------------------------


def test_where_everybody_has_a_contract_churn_is_its_end(company):
    executed, files = company("contracts only")
    contracts = files["contracts"].replace("", None)
    start, end = (pd.to_datetime(contracts[name]) for name in ("started_on", "ended_on"))
    since, last = pd.Timestamp("2024-12-31"), pd.Timestamp(LAST)
    ran = (start <= since) & ~(end <= since)
    rate = executed.metrics["churn_rate"]
    assert rate["value"] == pytest.approx((end[ran] <= last).mean(), abs=1e-6)
    assert "whose last day came by 2025-12-31" in rate["definition"]
    assert {"churn by silence", "who will fall silent"} <= set(left_out(executed))
    running = contracts.loc[~(end <= last), "customer_id"]
    assert set(saved(executed).index) == set(running)
    worth = saved(executed)["worth_if_kept"]
    fees = contracts.set_index("customer_id")["fee"].astype(float).reindex(worth.index) * 12 * 0.3
    assert worth.to_numpy() == pytest.approx(fees.to_numpy(), rel=1e-5)


# Too little -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn", "found", "expected"),
    [
        (lambda: draw(1), "Found: 1 customers?", "at least 300"),
        (
            lambda: [(who, day, -amount) for who, day, amount in draw(700)],
            "Found: 0 customers, none of whom bought",
            "who came back",
        ),
        (lambda: draw(500, months=2), r"Found: \d+ days of data", "5 windows of four weeks or more"),
        (COMPANIES["nobody came back"][0], "Found: 902 customers, none of whom bought", "who came back"),
        (CHURNING["faithful"], "Found: .*, 0 times one stayed away", "20 times each"),
    ],
    ids=["one customer", "returns only", "two months", "everybody leaves", "nobody leaves"],
)
def test_too_little_is_refused_in_one_sentence(run, tmp_path, drawn, found, expected):
    with pytest.raises(papermill.PapermillExecutionError) as error:
        run(NAME, source=str(write(tmp_path, drawn())))
    assert error.value.ename == "TooLittleData"
    assert re.search(found, error.value.evalue) and expected in error.value.evalue, error.value.evalue
    assert "Expected: " in error.value.evalue and "What to do: " in error.value.evalue
