"""The map of ideas: it follows the notebooks, the tables and the numbers that are there, and types none."""

import re
from dataclasses import astuple

import pandas as pd
import pytest

from crmlib.analysis.overview import STAKES, key_numbers
from crmlib.analysis.period import Period
from crmlib.display.concepts import (
    COLUMNS,
    CONCEPTS,
    NOTEBOOKS,
    concept_map,
    left_without,
    resting_on,
    with_questions,
)
from crmlib.display.suite import Member, Suite, read_suite
from crmlib.display.tables import Table
from crmlib.intake.contract import TABLES
from crmlib.publish import request

GROUPS = {"kinds": 3, "win": 3, "grow": 4, "keep": 5, "advocates": 3, "whole": 6}


def suite_of(*names):
    return Suite(tuple(Member(name, f"Asked by {name}?") for name in names))


def tables_with(**rows):
    found = pd.DataFrame(
        {"there": [name in rows for name in TABLES], "rows": [rows.get(name) for name in TABLES]},
        index=pd.Index(TABLES, name="table"),
    )
    return found.astype({"rows": "Int64"})


ALL_TABLES = tables_with(**dict.fromkeys(TABLES, 1234))


def drawn(group, suite=Suite(), tables=ALL_TABLES, numbers=None):
    return concept_map(group, suite, tables, numbers or {}, "GBP").set_index("name")


# The rows ---------------------------------------------------------------------------------------


def test_every_idea_has_its_place_and_every_table_its_idea():
    assert {group: sum(c.group == group for c in CONCEPTS) for group in GROUPS} == GROUPS
    assert len(CONCEPTS) == sum(GROUPS.values()) == len({c.name for c in CONCEPTS})
    assert {name for c in CONCEPTS for name in c.tables} == set(TABLES)
    assert {name for c in CONCEPTS for name in c.notebooks} == set(NOTEBOOKS)
    assert all(c.question.endswith("?") and c.notebooks and c.tables and c.decision for c in CONCEPTS)


def test_the_subjects_of_the_field_are_all_there():
    names = " ".join(c.name for c in CONCEPTS).lower()
    for subject in (
        "operational", "analytical", "collaborative", "winning", "more from those who stay", "keeping", "advocates",
        "customer equity", "share of customer", "perceived value", "satisfaction", "relationship levels",
        "loyalty and club programmes", "consumer-generated content", "partners", "churn", "lifetime value", "segments",
        "closed loop",
    ):  # fmt: skip
        assert subject in names, subject


def test_no_number_is_typed():
    for concept in CONCEPTS:
        texts = (concept.name, concept.question, concept.measure, concept.decision)
        assert not re.search(r"\d", " ".join(texts)), concept.name


def test_what_a_number_is_called_is_what_the_analysis_calls_it():
    """Every figure named here can come out of `key_numbers`, or is counted by the notebook itself."""
    profits = pd.DataFrame({"step": ["Keep"], "profit": [1.0], "acquisition_cost": [0.0]})
    base = pd.DataFrame(
        {
            "group": ["retained", "lost"],
            "won_on": ["2026-01-01"] * 2,
            "net_sales": [1.0, 2.0],
            "net_sales_before": [0.0, 1.0],
        }
    )
    cohorts = pd.DataFrame({"cohort": ["Q1"], "customers": [7], "value_per_customer": [5.0]})
    period = Period.ending(pd.Timestamp("2026-06-30").date(), 12)
    churn = pd.DataFrame({"value_at_risk": [3.0]})
    values = pd.DataFrame({"value_12": [1.0], "value_36": [2.0]})
    segments = pd.DataFrame({"segment": ["true friends"], "profit": [1.0], "raise_cost": [4.0]})
    actions = pd.DataFrame({"arm": ["contact"]})
    found = key_numbers(
        profits, base, cohorts, None, period, churn=churn, values=values, segments=segments, actions=actions
    )
    made = set(found) | {"cost_to_win", "answered"}
    assert {c.figure for c in CONCEPTS if c.figure} <= made
    assert {notebook for _, _, notebook in STAKES.values()} <= set(NOTEBOOKS)


@pytest.mark.parametrize("group", GROUPS)
def test_each_map_fits_a_table(group):
    table = drawn(group).reset_index()
    assert list(table.columns) == list(COLUMNS)
    assert len(table) <= 10 and len(COLUMNS) <= 7
    Table(table, "Title", COLUMNS).to_html()


# What this run knows ----------------------------------------------------------------------------


def test_what_is_planned_follows_the_notebooks_that_are_there():
    assert drawn("keep").loc["Churn", "notebook"] == "03 (planned)"
    assert drawn("keep", suite_of("03_churn")).loc["Churn", "notebook"] == "03"
    assert (
        drawn("kinds", suite_of("02_profitability")).loc["Operational CRM", "notebook"] == "02, 09 (planned)"
    )
    for concept in CONCEPTS:
        states = drawn(concept.group, suite_of(*NOTEBOOKS)).loc[concept.name, "notebook"]
        assert "planned" not in states


def test_a_measure_has_its_number_where_there_is_one():
    there = suite_of("01_customer_base", "07_satisfaction")
    numbers = {"retention": (0.62, "share")}
    assert (
        drawn("keep", there, numbers=numbers).loc["Keeping customers", "measure"]
        == "Share who came again: 62%"
    )
    assert drawn("keep", there).loc["Keeping customers", "measure"] == "Share who came again: not known here"
    assert drawn("keep").loc["Keeping customers", "measure"] == "Share who came again"
    assert drawn("keep", there).loc["Satisfaction", "measure"].endswith(": see notebook 07")
    money = drawn("grow", suite_of("02_profitability"), numbers={"earned": (114_253.3, "money")})
    assert money.loc["Customer profit", "measure"] == "Earned on customers above zero: £114k"


def test_tables_have_their_rows_or_are_missing():
    some = tables_with(orders=58_959, contacts=0)
    assert (
        drawn("win", tables=some).loc["Winning customers", "tables"]
        == "orders (58,959 rows), customers (missing)"
    )
    assert drawn("keep", tables=some).loc["Churn", "tables"] == "contacts (0 rows), contracts (missing)"


def test_each_table_says_what_rests_on_it_and_how_much_there_is():
    found = resting_on(tables_with(orders=58_959, survey=12))
    assert found.loc["orders", ["found", "ideas"]].tolist() == ["58,959", "Everything"]
    assert found.loc["survey", ["found", "ideas"]].tolist() == [
        "12",
        "Share of customer, Satisfaction, Perceived value",
    ]
    assert found.loc["customers", "ideas"] == "Analytical CRM, Winning customers, Cost of winning and 5 more"
    assert found.loc["reviews", ["found", "ideas"]].tolist() == ["missing", "Consumer-generated content"]


def test_what_is_left_without_its_tables_is_named():
    assert left_without(ALL_TABLES) == ([], [])
    in_part, not_at_all = left_without(tables_with(**{name: 1 for name in TABLES if name != "survey"}))
    assert in_part == [] and not_at_all == ["Share of customer", "Satisfaction", "Perceived value"]


def test_on_an_order_log_alone_some_ideas_are_left_in_part_and_others_not_at_all():
    in_part, not_at_all = left_without(tables_with(orders=1))
    assert {"Customer profit", "Winning customers", "Segments"} <= set(in_part)
    assert {"Cost of winning", "Churn", "Satisfaction", "Partners"} <= set(not_at_all)
    whole = [c.name for c in CONCEPTS if c.tables == ("orders",)]
    assert sorted([*in_part, *not_at_all, *whole]) == sorted(c.name for c in CONCEPTS)


def test_sums_at_stake_get_their_question():
    stakes = pd.DataFrame({"notebook": ["02_profitability", "05_customer_equity"], "amount": [2.0, 1.0]})
    found = with_questions(stakes, suite_of("02_profitability"))
    assert found["question"].tolist() == ["Asked by 02_profitability?", NOTEBOOKS["05_customer_equity"]]
    assert found["state"].tolist() == ["02", "05 (planned)"]
    assert found["here"].tolist() == [True, False]
    assert with_questions(stakes.head(0), Suite())["here"].dtype == bool


def test_the_questions_of_the_plan_are_those_of_the_notebooks_that_are_there():
    """A notebook may word its question more briefly; its file name is the one planned."""
    names = {member.name for member in read_suite(request.NOTEBOOKS).members}
    assert names <= {"00_start_here", *NOTEBOOKS}


def test_ideas_cannot_be_changed():
    with pytest.raises(AttributeError):
        CONCEPTS[0].name = "x"
    assert len(astuple(CONCEPTS[0])) == 8
