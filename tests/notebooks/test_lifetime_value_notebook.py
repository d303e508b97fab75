"""The notebook on lifetime value, run from top to bottom and held against plain arithmetic on the raw files."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

DATA = Path(__file__).parent.parent.parent / "data"
NAME = "04_lifetime_value"
LAST = pd.Timestamp("2026-06-30")
UNSAYABLE = r"\bnan\b|\binf\b|(?<!Replace )\bNone\b|<NA>|NaT|[{}]|−[€$£]?0(?![.,]?\d)"


@pytest.fixture(scope="module")
def default(run):
    return run(NAME)


@pytest.fixture(scope="module")
def saved(default):
    return pd.read_parquet(default.table("lifetime_value.parquet"))


@pytest.fixture(scope="module")
def purchases():
    """One row per known customer and day with net sales above zero."""
    lines = pd.read_csv(DATA / "orders.csv", dtype={"customer_id": str}).query("customer_id.notna()")
    lines["day"] = pd.to_datetime(lines["ordered_at"].str[:10])
    days = lines.groupby(["customer_id", "day"])["net_amount"].sum().round(4).reset_index()
    return days[days["net_amount"] > 0]


def test_everybody_who_bought_has_a_value(saved, purchases):
    assert sorted(saved["customer_id"]) == sorted(purchases["customer_id"].unique())
    assert saved["alive"].between(0, 1).all() and saved.notna().all(axis=None)


def test_key_figures_are_sums_of_the_saved_table(default, saved):
    metrics = default.metrics
    assert metrics["base_value"]["value"] == pytest.approx(saved["value_36"].sum(), abs=0.01)
    assert metrics["expected_active"]["value"] == pytest.approx(saved["alive"].sum(), abs=1e-3)
    assert metrics["base_value"]["low"] < metrics["base_value"]["value"] < metrics["base_value"]["high"]


def test_values_are_purchases_times_money_discounted(saved):
    for months in (12, 36):
        product = saved[f"orders_{months}"] * saved["contribution_per_purchase"]
        assert saved[f"contribution_{months}"].to_numpy() == pytest.approx(product.to_numpy(), abs=1e-3)
        ratio = (saved[f"value_{months}"] / product)[product.abs() > 1]
        assert ratio.between(1.1 ** (-months / 12), 1.0).all()
    assert (saved["orders_36"] >= saved["orders_12"]).all()
    # The mean of a customer who has most likely left lies above nearly all that may come of it: zero.
    likely = saved[saved["alive"] > 0.2]
    inside = (likely["low_36"] <= likely["value_36"]) & (likely["value_36"] <= likely["high_36"])
    assert inside.mean() > 0.97


def test_the_forecast_of_a_year_ago_was_of_the_right_size(default, purchases):
    """Purchases expected in the next year lie between those of the last year and half of them."""
    last_year = (purchases["day"] > LAST - pd.DateOffset(years=1)).sum()
    saved = pd.read_parquet(default.table("lifetime_value.parquet"))
    assert 0.5 * last_year < saved["orders_12"].sum() < last_year


def test_chances_and_purchases_are_near_the_truth(saved):
    truth = pd.read_csv(DATA / "truth" / "customers.csv", dtype={"customer_id": str}).set_index("customer_id")
    truth = truth.loc[saved["customer_id"]]
    left = (pd.to_datetime(truth["lifetime_end"]) - LAST).dt.days.to_numpy()
    assert saved["alive"].mean() == pytest.approx((left > 0).mean(), abs=0.03)
    true = truth["purchase_rate_per_year"].to_numpy() * np.clip(left, 0, 36 * 365.25 / 12) / 365.25
    assert saved["orders_36"].sum() == pytest.approx(true.sum(), rel=0.1)
    assert np.corrcoef(saved["orders_36"], true)[0, 1] > 0.75


def test_what_purchases_left_is_what_the_ledger_says(default, purchases):
    """Mean net sales and mean contribution of a purchase, by another way: totals over the number of days."""
    said = re.search(r"A purchase brings €([\d.,]+) of net sales", default.text)
    assert float(said[1].replace(",", "")) == pytest.approx(purchases["net_amount"].mean(), abs=0.005)


def test_contracts_renewed_are_those_of_the_file(default):
    contracts = pd.read_csv(DATA / "contracts.csv", parse_dates=["started_on", "ended_on"])
    due = contracts[contracts["started_on"] + pd.DateOffset(years=1) <= LAST + pd.Timedelta(days=1)]
    first = (due["ended_on"].isna() | (due["ended_on"] > due["started_on"] + pd.DateOffset(months=18))).mean()
    assert f"{first:.0%} renew the first time" in default.text


def test_the_cost_of_winning_is_that_of_the_file(default):
    people = pd.read_csv(DATA / "customers.csv", parse_dates=["acquired_on"])
    fair = people[(people["acquisition_channel"] == "fair") & (people["acquired_on"] >= "2023-07-01")]
    assert f"fair €176 at a cost of €{fair['acquisition_cost'].mean():.2f}" in default.text


def test_nothing_is_shown_that_cannot_be_said(default):
    assert not re.search(UNSAYABLE, default.text)


def test_an_earlier_day_and_a_shorter_rehearsal_change_the_numbers_and_not_the_rules(run):
    other = run(NAME, as_of="2025-12-31", rehearsed_months=6, contact_cost=8.0, brought_back=0.02)
    table = pd.read_parquet(other.table("lifetime_value.parquet"))
    assert other.metrics["base_value"]["value"] == pytest.approx(table["value_36"].sum(), abs=0.01)
    assert table["contact"].eq(0.02 * table["at_stake"] > 8.0).all()
    assert not re.search(UNSAYABLE, other.text)


@pytest.mark.parametrize("path", [f"notebooks/{NAME}.ipynb", f"notebooks/solutions/{NAME}.ipynb"])
def test_the_committed_outputs_are_those_of_a_fresh_run(path, comes_out_again):
    comes_out_again(path)
