"""Every planted leak is named, and an honest company gives none."""

import os
from datetime import date
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.churn.activity import customer_activity
from crmlib.analysis.churn.leakage import (
    SUSPICIONS,
    find_changed_columns,
    find_duration_copies,
    find_late_rows,
    find_leaks,
    find_outcome_copies,
)
from crmlib.analysis.churn.point_in_time import make_snapshot, make_snapshots
from crmlib.analysis.churn.snapshot import Snapshot
from crmlib.errors import DataError
from crmlib.intake import open_data

REAL = os.environ.get("CRMLIB_REAL_DATA")
DAY = date(2025, 7, 1)
OPTIONS = {"outcome_days": 182, "eligible_days": 365}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return open_data("bundled", "", cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def honest(data):
    activity = customer_activity(data.table, data.as_of, data.gross_margin)
    return make_snapshots(data.table, activity, [date(2024, 12, 31), DAY], **OPTIONS).snapshots


def planted(snapshots, **columns):
    """Add columns made from the outcome."""
    made = []
    for one in snapshots:
        rng = np.random.default_rng(one.day.toordinal())
        extra = {name: make(one.churned.to_numpy(), rng) for name, make in columns.items()}
        made.append(Snapshot(one.day, one.outcome_days, one.features.assign(**extra), one.outcome))
    return made


def test_an_honest_company_gives_none(honest, data):
    end = date(2025, 6, 30)
    late = {"events": (data.table("events").filter(ibis._.occurred_on <= ibis.literal(end)), "")}
    assert find_leaks(honest, frames=late, day=end).empty
    assert find_leaks().empty


@pytest.mark.parametrize(
    "leak",
    [
        lambda left, rng: left * 1.0,
        lambda left, rng: left + rng.normal(0, 0.4, len(left)),
        lambda left, rng: -5.0 * left + rng.normal(0, 1, len(left)),
        lambda left, rng: pd.Categorical(np.where(left, "closed", "open")),
        lambda left, rng: np.where(
            left, np.nan, 1.0
        ),  # a date of the next order, say: missing for those who left
    ],
)
def test_a_column_known_only_afterwards_is_named(honest, leak):
    found = find_leaks(planted(honest, last_contact=leak))
    assert found["column"].tolist() == ["last_contact"]
    assert found["suspicion"].tolist() == ["tells the outcome"]
    assert "area under the curve" in found["evidence"][0] and found["suspicion"][0] in SUSPICIONS


def test_a_weak_but_much_better_column_is_named_where_the_others_are_poor():
    made = []
    for number in range(2):
        rng = np.random.default_rng(number)
        left = rng.random(3000) < 0.4
        known = {"recency_days": rng.normal(0.3 * left, 1), "orders": rng.normal(0.2 * left, 1)}
        known["odd"] = rng.normal(1.8 * left, 1)
        outcome = pd.DataFrame({"churned": left, "margin": 0.0})
        made.append(Snapshot(date(2025, 1 + 6 * number, 1), 90, pd.DataFrame(known), outcome))
    assert find_outcome_copies(made)["column"].tolist() == ["odd"]


def test_a_feature_that_reads_later_rows_is_named(data):
    def build(tables):
        activity = customer_activity(tables, data.as_of, data.gross_margin)
        made = make_snapshot(tables, activity, DAY, **OPTIONS).features[
            ["recency_days", "orders_12m", "region"]
        ]
        orders = tables("orders")
        ever = (
            orders.group_by("customer_id").agg(ever=ibis._.count()).execute().set_index("customer_id")["ever"]
        )
        return made.assign(orders_ever=ever.reindex(made.index))

    found = find_changed_columns(build, data.table, DAY)
    assert found["column"].tolist() == ["orders_ever"]
    assert "without the rows after 2025-07-01" in found["evidence"][0]
    clean = find_changed_columns(lambda tables: build(tables).drop(columns="orders_ever"), data.table, DAY)
    assert clean.empty


def test_customers_chosen_by_what_came_later_are_named():
    orders = ibis.memtable(
        {
            "customer_id": ["A", "B"],
            "ordered_at": pd.to_datetime(["2025-06-01", "2025-08-01"]),
            "net_amount": [1, 1],
        }
    )

    def build(tables):
        people = tables("orders").select("customer_id").distinct().order_by("customer_id").execute()
        return pd.DataFrame({"one": 1}, index=pd.Index(people["customer_id"]))

    found = find_changed_columns(build, {"orders": orders}.get, DAY)
    assert found["column"].tolist() == ["(customers)"]


def test_rows_of_later_days_are_named(data):
    found = find_late_rows({"events": (data.table("events"), ""), "survey": (data.table("survey"), "")}, DAY)
    assert set(found["column"]) == {"events.occurred_on", "survey.answered_on"}
    with pytest.raises(DataError, match="table calls without the column called_on"):
        find_late_rows({"calls": (pd.DataFrame({"day": []}), "called_on")}, DAY)


def test_the_duration_under_another_name_is_named():
    rng = np.random.default_rng(1)
    tenure = pd.Series(rng.integers(1, 73, 500).astype(float))
    fee = pd.Series(rng.uniform(20, 110, 500).round(2))
    known = pd.DataFrame({"fee": fee, "age": rng.integers(20, 80, 500), "paid": (fee * tenure).round(2)})
    known["invoices"] = np.ceil(tenure)
    known["started_on"] = pd.Timestamp("2026-01-01") - pd.to_timedelta(30 * tenure, unit="D")
    known["gender"] = "f"
    found = find_duration_copies(tenure, known)
    assert found["column"].tolist() == ["paid", "invoices", "started_on"]
    assert set(found["suspicion"]) == {"is the duration"}
    assert find_duration_copies(tenure, known[["fee", "age", "gender"]]).empty


@pytest.mark.skipif(not REAL, reason="set CRMLIB_REAL_DATA to the folder of the public files")
def test_the_charges_so_far_of_the_telco_file_are_its_tenure():
    (path,) = Path(REAL, "telco_ibm").glob("*.csv*")
    rows = pd.read_csv(path)
    charges = pd.to_numeric(rows["TotalCharges"], errors="coerce")
    known = pd.DataFrame({"MonthlyCharges": rows["MonthlyCharges"], "TotalCharges": charges})
    known["SeniorCitizen"] = rows["SeniorCitizen"]
    found = find_duration_copies(rows["tenure"], known)
    assert found["column"].tolist() == ["TotalCharges"]
    assert "divided by MonthlyCharges" in found["evidence"][0]
