"""One metric per direction, each against numbers worked by hand."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.intervals import wilson_interval
from crmlib.analysis.segments.direction_metrics import METRICS, direction_metrics
from crmlib.analysis.segments.directions import direction_rules, directions
from crmlib.analysis.segments.voices import Voices


def people(count=800, seed=3):
    """Customers whose breadth is worth 15 of margin a category, beside what their frequency brings."""
    rng = np.random.default_rng(seed)
    frequency = rng.integers(1, 13, count)
    categories = rng.integers(1, 6, count)
    money = 10.0 * frequency + 15 * categories + rng.normal(0, 10, count)
    return pd.DataFrame(
        {
            "recency_days": rng.integers(0, 300, count), "tenure_days": rng.integers(400, 900, count),
            "purchases": frequency + 1, "frequency": frequency, "categories": categories, "money": money,
            "value_ahead": rng.gamma(2, 60, count), "active_chance": rng.random(count),
        },
        index=[f"K{number:03d}" for number in range(count)],
    )  # fmt: skip


@pytest.fixture
def made():
    table = people()
    rng = np.random.default_rng(4)
    table.iloc[:90, table.columns.get_loc("tenure_days")] = rng.integers(90, 180, 90)
    table.iloc[:30, table.columns.get_loc("purchases")] = 1
    # One day too late, and one too early, to have been won in the window before.
    table.iloc[90:92, table.columns.get_loc("tenure_days")] = [89, 180]
    rules = direction_rules(table)
    said = pd.DataFrame({"speaks": True}, index=table.index[100:140])
    return table, rules, said, directions(table, rules, said)


def test_winning_is_measured_by_who_came_back(made):
    table, _, _, found = made
    row = direction_metrics(found, table).loc["win"]
    assert (row["amount"], row["of"]) == (60 / 90, 90)
    assert (row["low"], row["high"]) == wilson_interval(60, 90)


def test_the_gap_to_broader_customers_is_found_and_its_interval_holds_it(made):
    table, rules, _, found = made
    row = direction_metrics(found, table).loc["grow"]
    grow = found.customers["state"] == "grow"
    broad = table.loc[table["categories"] >= rules.room_below, "categories"].mean()
    truth = 15 * (broad - table.loc[grow, "categories"]).sum()
    assert row["of"] == grow.sum() and row["low"] < truth < row["high"]
    assert row["amount"] == pytest.approx(truth, rel=0.15)


def test_a_giant_does_not_make_the_gap(made):
    table, rules, said, found = made
    row = direction_metrics(found, table).loc["grow"]
    big = table.copy()
    broad = table.index[(table["categories"] == 5) & (table["frequency"] == 6)]
    big.loc[broad[:1], "money"] = 1e6
    again = direction_metrics(directions(big, rules, said), big).loc["grow"]
    assert again["amount"] == pytest.approx(row["amount"], rel=0.05)


def test_the_value_at_risk_that_was_saved_is_summed_over_those_to_keep(made):
    table, _, _, found = made
    saved = table.assign(churn_probability=0.5, value_at_risk=np.arange(len(table), dtype=float))
    saved.iloc[: len(table) // 2, saved.columns.get_loc("value_at_risk")] = np.nan
    row = direction_metrics(found, saved).loc["keep"]
    own = [
        risk
        for state, risk in zip(found.customers["state"], saved["value_at_risk"], strict=True)
        if state == "keep" and risk == risk
    ]
    assert row["amount"] == pytest.approx(sum(own)) and row["of"] == len(own) > 0
    assert (
        "in a year" in row["metric"]
        and "in a year" not in direction_metrics(found, table).loc["keep", "metric"]
    )


def test_the_value_at_risk_takes_churn_first_and_else_the_chance_to_have_left(made):
    table, rules, _, found = made
    keep = (found.customers["state"] == "keep").to_numpy()
    first = (table["value_ahead"] >= rules.first_rank).to_numpy()
    assert 0 < keep.sum() < (first & found.customers["state"].isin(["keep", "advocates"]).to_numpy()).sum()
    row = direction_metrics(found, table).loc["keep"]
    by_chance = (table["value_ahead"] * (1 - table["active_chance"]))[keep]
    assert row["amount"] == pytest.approx(by_chance.sum()) and row["of"] == keep.sum()
    known = table.assign(churn_probability=np.where(np.arange(len(table)) % 2, 0.5, np.nan))
    by_both = by_chance.where(known["churn_probability"][keep].isna(), 0.5 * table["value_ahead"][keep])
    assert direction_metrics(found, known).loc["keep", "amount"] == pytest.approx(by_both.sum())
    nothing = direction_metrics(found, table.drop(columns="active_chance")).loc["keep"]
    assert np.isnan(nothing["amount"]) and nothing["of"] == 0


def test_those_whom_advocates_brought_count_with_their_value(made):
    table, _, said, found = made
    advocates = found.customers.index[found.customers["state"] == "advocates"]
    others = found.customers.index[found.customers["state"] != "advocates"]
    brought = pd.DataFrame(
        {
            "referrer_id": [advocates[0], advocates[1], advocates[0], others[0], advocates[0]],
            "referred_id": ["K500", "K500", "K501", "K502", "gone"],
            "part": [0.5, 0.5, 1, 1, 1],
        }
    )
    row = direction_metrics(found, table, Voices(said, brought, ())).loc["advocates"]
    assert row["amount"] == pytest.approx(table.loc[["K500", "K501"], "value_ahead"].sum())
    assert row["of"] == 3


def test_what_the_data_do_not_tell_has_no_amount(made):
    table, _, _, found = made
    rows = direction_metrics(found, table, Voices(pd.DataFrame(), pd.DataFrame(), ("referrals",)))
    assert np.isnan(rows.loc["advocates", "amount"]) and list(rows.index) == list(METRICS)
    plain = table.drop(columns="categories")
    found = directions(plain, direction_rules(plain))
    assert np.isnan(direction_metrics(found, plain).loc["grow", "amount"])
    old = plain.assign(tenure_days=900)
    assert direction_metrics(found, old).loc["win", ["amount", "low"]].isna().all()
    few = table[:5]
    assert np.isnan(direction_metrics(directions(few, direction_rules(few)), few).loc["grow", "amount"])
