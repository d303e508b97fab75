"""Fees at stake: by hand, by drawing the year to come, and per group."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.survival.durations import contract_durations
from crmlib.analysis.survival.revenue_at_stake import revenue_at_stake
from crmlib.errors import DataError, ParameterError, TooLittleData

AS_OF = dt.date(2025, 12, 31)


def drawn(size=4000, rates=(0.10, 0.03), at=6, seed=3, unit="months", **columns):
    """Contracts that end with one chance in their first `at` months and with another one later."""
    rng = np.random.default_rng(seed)
    start = rng.integers(1, 48, size)
    first, second = rng.geometric(rates[0], size), rng.geometric(rates[1], size)
    life = np.where(first <= at, first, at + second)
    month = np.datetime64("2026-01") - start
    began, ended = (pd.to_datetime(months.astype("datetime64[D]")) for months in (month, month + life))
    ended = ended - pd.Timedelta(days=1)
    table = pd.DataFrame(
        {"contract_id": [f"K{n:04d}" for n in range(size)], "started_on": began, "ended_on": ended}
    )
    table = table.assign(customer_id=table["contract_id"], fee=10.0, period_months=1, **columns)
    return contract_durations(table, AS_OF, unit=unit), life, start


def test_chances_follow_the_age_that_is_about_to_be_lived():
    found = revenue_at_stake(drawn()[0], months=4).table.set_index("contract_id")
    young, old = found[found["age"] == 1], found[found["age"] > 24]
    assert young["chance"].iloc[0] == pytest.approx(1 - 0.9**4, abs=0.04)
    assert old["chance"].iloc[0] == pytest.approx(1 - 0.97**4, abs=0.02)
    assert (found["at_stake"] - found["fee_per_year"] * found["chance"]).abs().max() < 1e-3
    between = found[found["age"] == 4]["chance"].iloc[0]  # two months of each
    assert between == pytest.approx(1 - 0.9**2 * 0.97**2, abs=0.04)


def test_the_interval_holds_what_the_year_to_come_brings():
    hits, runs = 0, 40
    for seed in range(runs):
        durations, life, start = drawn(600, seed=seed)
        found = revenue_at_stake(durations, months=12)
        running = life > start
        lost = 120.0 * (running & (life <= start + 12)).sum()
        hits += found.low <= lost <= found.high
        assert found.contracts == running.sum() and found.fee_per_year == 120.0 * running.sum()
    assert 0.85 <= hits / runs <= 1


def test_the_total_is_the_sum_and_the_most_at_stake_comes_first():
    found = revenue_at_stake(drawn()[0])
    assert found.total == pytest.approx(found.table["at_stake"].sum(), rel=1e-4)
    assert found.table["at_stake"].is_monotonic_decreasing
    assert found.low < found.total < found.high < found.fee_per_year
    assert found.expected_ends == pytest.approx(found.table["chance"].sum(), rel=1e-4)


def test_groups_have_rates_of_their_own():
    rng = np.random.default_rng(1)
    plan = rng.choice(["bound", "free"], 4000)
    durations, *_ = drawn(rates=(0.06, 0.06), plan=plan)
    table = durations.table
    keep = ~(table["ended"] & (table["plan"] == "bound") & (np.arange(len(table)) % 3 > 0))
    durations = contract_durations_like(durations, table[keep])
    found = revenue_at_stake(durations, by="plan")
    chance = found.table.merge(table[["contract_id", "plan"]]).groupby("plan")["chance"].mean()
    assert chance["bound"] < chance["free"] - 0.1 and set(found.hazard["group"]) == {"bound", "free"}


def contract_durations_like(durations, table):
    running = durations.running[durations.running["contract_id"].isin(table["contract_id"])]
    return replace(durations, table=table.reset_index(drop=True), running=running.reset_index(drop=True))


def test_in_periods_a_year_is_so_many_renewals():
    monthly, quarterly = drawn()[0], drawn(unit="periods")[0]
    assert revenue_at_stake(monthly).total == pytest.approx(revenue_at_stake(quarterly).total)


def test_what_cannot_be_is_refused():
    durations, *_ = drawn(400)
    with pytest.raises(ParameterError, match="ages in days"):
        revenue_at_stake(drawn(400, unit="days")[0])
    with pytest.raises(ParameterError, match="months = 0"):
        revenue_at_stake(durations, months=0)
    with pytest.raises(DataError, match="no fee of a running contract"):
        revenue_at_stake(replace(durations, running=durations.running.assign(fee_per_year=np.nan)))
    with pytest.raises(TooLittleData, match="no contract that runs"):
        revenue_at_stake(replace(durations, running=durations.running.head(0)))
    some = durations.running.assign(
        fee_per_year=durations.running["fee_per_year"].where(durations.running.index % 5 > 0)
    )
    found = revenue_at_stake(replace(durations, running=some))
    assert found.without_fee > 0 and found.without_fee + found.contracts == len(durations.running)


def test_contracts_not_one_period_old_are_at_stake_too():
    """A register by years: whoever signed this year has no renewal behind, and a fee to lose."""
    rng = np.random.default_rng(4)
    years = np.arange(400) % 4
    start = pd.to_datetime([f"{2025 - y}-03-01" for y in years])
    left = (rng.random(400) < 0.4) & (years > 0)
    ended = pd.Series(start + pd.DateOffset(years=1) - pd.Timedelta(days=1)).where(left)
    table = pd.DataFrame(
        {"contract_id": range(400), "customer_id": range(400), "started_on": start, "ended_on": ended}
    )
    durations = contract_durations(table.assign(fee=12.0), AS_OF, unit="periods")
    assert len(durations.without_exposure) == 100
    found = revenue_at_stake(durations)
    assert found.contracts == 400 - left.sum() and (found.table["age"] == 0).sum() == 100
