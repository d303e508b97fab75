"""Who speaks for the company: the last word counts, whoever was first brought, and nothing after the day."""

import datetime as dt

import ibis
import pandas as pd
import pytest

from crmlib.analysis.segments.voices import voices_on
from crmlib.errors import ParameterError

DAY = dt.date(2026, 3, 31)


def test_the_last_answer_counts_and_of_one_day_the_lowest(tables):
    survey = [
        ("A", "2026-01-01", 10), ("A", "2026-02-01", 8), ("B", "2026-01-01", 3), ("B", "2026-03-31", 9),
        ("C", "2026-02-01", 9), ("C", "2026-02-01", 7), ("D", "2026-04-01", 10), ("E", "2026-02-01", 9),
        ("E", "2026-03-01", None),
    ]  # fmt: skip
    rows = [{"customer_id": who, "answered_on": on, "recommend_0_10": score} for who, on, score in survey]
    found = voices_on(tables(survey=rows), DAY)
    assert found.customers["recommend"].to_dict() == {"A": 8, "B": 9, "C": 7, "E": 9}
    assert found.customers["speaks"].to_dict() == {"A": False, "B": True, "C": False, "E": True}
    assert found.missing == ("referrals", "reviews")
    assert voices_on(tables(survey=rows), DAY, least_recommend=7).customers["speaks"].all()


def test_five_stars_count_and_four_do_not(tables):
    reviews = [
        {"customer_id": who, "reviewed_on": "2026-01-09", "rating": stars}
        for who, stars in [("A", 5), ("B", 4)]
    ]
    found = voices_on(tables(reviews=reviews), DAY)
    assert found.customers["speaks"].to_dict() == {"A": True, "B": False}


def test_the_first_to_bring_somebody_counts_and_those_of_one_day_share(tables):
    brought = [
        ("A", "X", "2026-01-01"), ("B", "X", "2026-02-01"), ("A", "Y", "2026-01-05"), ("C", "Y", "2026-01-05"),
        ("D", "D", "2026-01-01"), ("E", "Z", "2026-04-01"), ("A", "X", "2026-01-01"),
    ]  # fmt: skip
    rows = [{"referrer_id": by, "referred_id": who, "referred_on": on} for by, who, on in brought]
    found = voices_on(tables(referrals=rows), DAY)
    assert found.customers["brought"].to_dict() == {"A": 1.5, "C": 0.5}
    assert found.brought.groupby("referred_id")["part"].sum().to_dict() == {"X": 1, "Y": 1}
    assert found.customers["speaks"].all() and found.missing == ("survey", "reviews")


def test_without_tables_or_before_any_word_nobody_speaks(tables):
    for made in (
        tables(),
        tables(referrals=[{"referrer_id": "A", "referred_id": "B", "referred_on": "2026-09-01"}]),
    ):
        found = voices_on(made, DAY)
        assert found.customers.empty and found.brought.empty
    assert voices_on(tables(), DAY).missing == ("referrals", "survey", "reviews")
    assert (
        "survey" in voices_on(tables(survey=[{"customer_id": "A", "answered_on": "2026-01-01"}]), DAY).missing
    )
    with pytest.raises(ParameterError, match="least_stars = 6"):
        voices_on(tables(), DAY, least_stars=6)


@pytest.mark.parametrize("engine", [ibis.duckdb, ibis.sqlite])
def test_any_engine_hears_the_same_voices(engine):
    con = engine.connect()
    said = pd.DataFrame(
        {
            "customer_id": list("AAB"),
            "recommend_0_10": [9.0, 2, 9],
            "day": ["2026-01-05"] * 2 + ["2026-02-01"],
        }
    )
    brought = pd.DataFrame(
        {"referrer_id": list("AC"), "referred_id": list("XX"), "day": ["2026-01-05", "2026-01-02"]}
    )
    made = {
        "survey": con.create_table("survey", said.assign(answered_on=pd.to_datetime(said.pop("day")))),
        "referrals": con.create_table(
            "referrals", brought.assign(referred_on=pd.to_datetime(brought.pop("day")))
        ),
    }
    made = {
        name: table.mutate(**{on: table[on].cast("date")})
        for (name, table), on in zip(made.items(), ("answered_on", "referred_on"), strict=True)
    }
    found = voices_on(made.get, DAY).customers
    assert found["recommend"].dropna().to_dict() == {"A": 2, "B": 9}
    assert found["speaks"].to_dict() == {"A": False, "B": True, "C": True}
