"""The notebook on lifetime value on companies drawn to break it: it answers, or says what is missing."""

import csv
import re

import pandas as pd
import papermill
import pytest
from edge_companies import CHURNING, COMPANIES, UNSAYABLE, draw, write

NAME = "04_lifetime_value"
ANSWERED = (
    "young", "two months", "nobody won lately", "a loss with all", "one giant", "all won before",
    "hostile", "returns",
)  # fmt: skip


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


def saved(executed):
    return pd.read_parquet(executed.table("lifetime_value.parquet"))


def left_out(executed):
    return [bundle["part"] for bundle in executed.bundles("left_out")]


@pytest.mark.parametrize("name", ANSWERED)
def test_it_answers_in_words_and_money(name, company):
    executed, lines = company(name)
    assert not re.search(UNSAYABLE, executed.text), re.search(UNSAYABLE, executed.text)
    table = saved(executed)
    column = [name for name in table if re.fullmatch(r"value_\d+", name)][-1]
    assert executed.metrics["base_value"]["value"] == pytest.approx(table[column].sum(), abs=0.01, rel=1e-5)
    days = lines.groupby(["customer_id", "ordered_at"])["net_amount"].sum()
    bought = days[days > 0].index.get_level_values("customer_id").unique()
    assert set(table["customer_id"]) == set(bought)


def test_contracts_whose_ends_nobody_wrote_down_are_left_out(run, tmp_path):
    executed = run(NAME, source=str(write(tmp_path, CHURNING["loss without anything"]())))
    assert any("contract" in part or "member" in part or "renew" in part for part in left_out(executed)), (
        left_out(executed)
    )


@pytest.mark.parametrize(
    ("drawn", "found", "expected"),
    [
        (lambda: draw(90), r"Found: \d\d customers with a purchase", "at least 200"),
        (COMPANIES["nobody came back"][0], "Found: 0 customers who bought again", "at least 50"),
        (lambda: draw(1), "Found: 1 customers? with a purchase", "at least 200"),
        (
            lambda: [(who, day, -amount) for who, day, amount in draw(700)],
            "Found: 0 customers with a purchase",
            "at least 200",
        ),
        (
            lambda: [(who, day, 0.0) for who, day, _ in draw(700)],
            "Found: 0 customers with a purchase",
            "at least 200",
        ),
    ],
)
def test_too_little_is_refused_in_one_sentence(run, tmp_path, drawn, found, expected):
    with pytest.raises(papermill.PapermillExecutionError) as error:
        run(NAME, source=str(write(tmp_path, drawn())))
    assert error.value.ename == "TooLittleData"
    assert re.search(found, error.value.evalue) and expected in error.value.evalue


def test_a_forecast_that_could_not_be_rehearsed_carries_a_caveat_wherever_it_goes(company):
    executed, _ = company("two months")
    care = "the data are too short to hold a forecast against what came"
    assert executed.text.count(care) >= 5
    assert care in executed.metrics["base_value"]["definition"]
    assert "data are too short" in str(executed.findings["findings"])


def test_where_everybody_costs_more_than_they_bring_the_decision_is_not_about_customers(company):
    executed, _ = company("a loss with all")
    assert (saved(executed).filter(regex=r"^value_\d+$") <= 0).all(axis=None)
    assert "Change prices, costs or terms" in executed.findings["decision"]["text"]
    assert "Nobody is expected to bring more than they cost." in executed.text


def test_without_channels_contracts_and_costs_the_rest_is_answered(company):
    executed, _ = company("young")
    assert {"value of a new customer by channel", "renewals of contracts"} <= set(left_out(executed))


def test_hostile_names_stay_text(company):
    executed, lines = company("hostile")
    pages = "".join("".join(output.get("data", {}).get("text/html", "")) for output in executed.outputs)
    assert not re.search(r"<script>alert|<Söhne>|<b>x|<strong>b", pages)
    with executed.table("lifetime_value.csv").open(newline="", encoding="utf-8") as stream:
        names = [row["customer_id"] for row in csv.DictReader(stream)]
    assert not any(name.startswith(("=", "+", "-", "@", "\t")) for name in names)
    assert {name.removeprefix("'") for name in names} <= set(lines["customer_id"])
