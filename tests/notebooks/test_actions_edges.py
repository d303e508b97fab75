"""The notebook on actions on companies drawn to break it: it answers, or says what is missing."""

import csv
import re
from pathlib import Path

import pandas as pd
import pytest
from edge_companies import CHURNING, KINDS, UNSAYABLE, write

NAME = "09_actions"
# What stands beside the notebook, by company.
COMPANIES = {"hostile everywhere": ("04_lifetime_value", "03_churn"), "contracts only": ("03_churn",)}
# Letters and offers that cost next to nothing, so that there is a list to look at.
TERMS = {"hostile everywhere": {"contact_cost": 0.01, "offer_cost": 0.01, "assumed_rates": ["save 0.9"]}}


def refuses(who):
    return sum(map(ord, who)) % 2 == 0


@pytest.fixture(scope="module")
def company(run, tmp_path_factory):
    """Return a function that draws a company and runs the notebook on it, once, with few others beside it."""
    done = {}

    def look(name):
        if name not in done:
            drawn = CHURNING[name]()
            if "customers" in drawn:
                head, rows = drawn["customers"]
                asked = [
                    (*row, "" if number % 3 == 0 else "no" if refuses(row[0]) else "yes")
                    for number, row in enumerate(rows)
                ]
                drawn["customers"] = ((*head, "contact_consent"), asked)
            source = str(write(tmp_path_factory.mktemp("company"), drawn))
            beside = [run(other, source=source) for other in COMPANIES[name]]
            done[name] = run(NAME, beside, source=source, rest_days=0, **TERMS.get(name, {}))
            done[name].source = Path(source).parent
        return done[name]

    return look


def listed(executed):
    return pd.read_parquet(executed.table("actions.parquet"))


@pytest.mark.parametrize("name", COMPANIES)
def test_it_answers_in_words_and_money(name, company):
    plain = company(name).text
    for kind in KINDS:  # braces that are part of a name are meant
        plain = plain.replace(kind, "").replace(kind.replace("\n", " "), "")
    plain = re.sub(r"[{]\w*(:\w+)?[}]", "", plain)
    assert not re.search(UNSAYABLE, plain), re.search(f".{{60}}({UNSAYABLE}).{{40}}", plain)
    table, metrics = listed(company(name)), company(name).metrics
    carried = table.loc[table["arm"] == "contact", "expected_profit"]
    assert metrics["list_profit"]["value"] == pytest.approx(carried.sum(), abs=0.01)
    assert metrics["listed_customers"]["value"] == len(carried)


def test_hostile_names_are_text_on_the_page_and_in_a_spreadsheet(company):
    executed = company("hostile everywhere")
    pages = "".join("".join(output.get("data", {}).get("text/html", "")) for output in executed.outputs)
    assert "<script>" not in pages and "<b>x</b>" not in pages
    assert listed(executed)["action"].isin(["win back", "cross-sell", "save"]).any()
    with executed.table("actions.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(listed(executed))
    assert not any(cell.startswith(("=", "+", "@", "\t")) for row in rows for cell in row.values())
    assert {row["customer_id"].removeprefix("'") for row in rows} >= {"0014", "=1+1"}


def test_whoever_refused_is_not_contacted(company):
    executed = company("hostile everywhere")
    people = pd.read_csv(executed.source / "customers.csv", dtype=str, keep_default_na=False)
    refused = people.loc[people["contact_consent"] == "no", "customer_id"]
    table = listed(executed)
    contacted = table.loc[table["channel"].isin(["letter", "phone"]), "customer_id"]
    assert f"{len(refused):,} customers refused contact" in executed.text
    assert len(contacted) and not contacted.isin(refused).any()


def test_where_no_action_pays_nothing_is_done(company):
    executed = company("contracts only")
    assert set(listed(executed)["action"]) == {"nothing"}
    assert listed(executed)["customer_id"].str.fullmatch(r"\d{5}").all()
    assert executed.findings["decision"]["text"].startswith("Do nothing this month.")
    assert "save" not in {bundle["part"] for bundle in executed.bundles("left_out")}
