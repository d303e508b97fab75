"""Intervals hold the truth about as often as they say, and chance alone makes what is called chance.

Draws are small, so a share of hits has a standard error of one to three points; what is asked of an interval of
95 % is 85 to 100 % (fewer where the text says so).
"""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.cohorts import trend, with_intervals
from crmlib.analysis.audit.customer_days import customer_base
from crmlib.analysis.audit.next_period import next_period, rehearse, won_since
from crmlib.analysis.audit.product_lens import entries, item_lines, what_follows
from crmlib.analysis.audit.two_periods import CHANCE, beside_chance, two_periods
from crmlib.analysis.audit.windows import Windows
from crmlib.analysis.ledger import order_lines
from crmlib.analysis.period import Period


def lay(orders, people=None, months=3, margin=0.5):
    """A base of drawn orders: ``customer_id``, ``ordered_at``, ``net_amount``."""
    engine = ibis.duckdb.connect()
    made = {"orders": engine.create_table("orders", orders)}
    if people is not None:
        table = engine.create_table("customers", people)
        made["customers"] = table.mutate(acquired_on=table.acquired_on.date())
    first, last = orders["ordered_at"].min().date().replace(month=1, day=1), dt.date(2025, 12, 31)
    windows = Windows.back_from(last, months, first)
    return customer_base(made.get, order_lines(made["orders"], margin), windows), made["orders"]


# Chance -------------------------------------------------------------------------------------------


def steady(seed, hazard, customers=3000):
    """Three years of customers with rates of their own, won before; they leave at the hazard per year, if any."""
    rng = np.random.default_rng(seed)
    rate, value = rng.gamma(1.2, 4 / 1.2, customers), np.exp(rng.normal(4, 0.6, customers))
    life = rng.exponential(1 / hazard, customers) if hazard else np.full(customers, np.inf)
    who = np.repeat(np.arange(customers), rng.poisson(3 * rate))
    time = rng.uniform(0, 3, len(who))
    who, time = who[time < life[who]], time[time < life[who]]
    orders = pd.DataFrame(
        {"customer_id": [f"k{n:04d}" for n in who],
         "ordered_at": pd.Timestamp("2023-01-01") + pd.to_timedelta((time * 365.25).astype(int), unit="D"),
         "net_amount": np.round(value[who] * rng.gamma(4, 0.25, len(who)), 2)}
    )  # fmt: skip
    people = pd.DataFrame({"customer_id": sorted(set(orders["customer_id"]))})
    base, _ = lay(orders, people.assign(acquired_on=pd.Timestamp("2022-01-01")))
    now = Period.ending(base.as_of, 12)
    change = two_periods(base.customers_in(now.previous()), base.customers_in(now), now.first)
    return change, beside_chance(base, change, now.previous(), now), life


@pytest.mark.parametrize("seed", [1, 2])
def test_where_nobody_leaves_what_is_observed_is_chance(seed):
    """Within three standard errors, of both sides together, for each of the four measures."""
    _, table, _ = steady(seed, hazard=0)
    for name in CHANCE:
        row = table.loc[name]
        error = np.sqrt(2 * row["observed"] * (1 - row["observed"]) / row["customers"])
        assert abs(row["observed"] - row["by_chance"]) < 3 * error, name
        assert row["by_chance"] > 0.05  # chance alone looks like a lot


def test_where_customers_leave_more_is_observed_than_chance_makes():
    change, table, life = steady(3, hazard=0.3)
    for name in ("gone", "halved", "moved"):  # the best tenth is too small a group to tell
        assert table.loc[name, "observed_low"] > table.loc[name, "by_chance"], name
    was = change.customers.index[change.customers["orders_before"] > 0]
    left = (life[was.str[1:].astype(int)] < 2).mean()
    assert table.loc["gone", "observed"] - table.loc["gone", "by_chance"] == pytest.approx(left, abs=0.05)


# Cohorts ------------------------------------------------------------------------------------------


def profits(rng, size):
    """Skewed, as profits are: mean 18.1."""
    return np.exp(rng.normal(3, 1, size)) - 15


def test_the_interval_of_a_value_per_customer_holds_the_mean():
    """300 draws of 150 very unequal customers; so few extremes make the normal interval a little short."""
    rng, hits, shares = np.random.default_rng(1), 0, 0
    for _ in range(300):
        values, again = profits(rng, 150), int(rng.binomial(150, 0.3))
        row = {"customers": 150, "active": again, "repeaters": again, "profit": values.sum(),
               "profit_squares": (values**2).sum(), "largest": values.max()}  # fmt: skip
        table = with_intervals(pd.DataFrame([row])).iloc[0]
        hits += table["low"] <= np.exp(3.5) - 15 <= table["high"]
        shares += table["repeat_low"] <= 0.3 <= table["repeat_high"]
    assert 0.86 <= hits / 300 <= 0.98
    assert 0.92 <= shares / 300 <= 0.98


@pytest.mark.parametrize(
    ("apart", "low"),
    [
        pytest.param(0, 0.94, id="cohorts differ by chance alone"),
        pytest.param(4, 0.89, id="cohorts differ by more"),
    ],
)
def test_the_interval_of_the_trend_holds_the_slope(apart, low):
    """300 draws of 12 cohorts of 60 to 300 customers that lose two a year; the widened interval allows for
    cohorts that differ for reasons of their own."""
    base = lay(
        pd.DataFrame({"customer_id": ["a"], "ordered_at": [pd.Timestamp("2023-01-01")], "net_amount": [1.0]})
    )[0]
    rng, hits = np.random.default_rng(2), 0
    for _ in range(300):
        rows = []
        for cohort in range(12):
            n = int(rng.integers(60, 300))
            values = rng.normal(50 - 2 * cohort / 4 + apart * rng.normal(), 20, n)
            rows.append({"customers": n, "value": values.mean(), "error": values.std(ddof=1) / np.sqrt(n)})
        found = trend(base, pd.DataFrame(rows))
        hits += found.interval[0] <= -2 <= found.interval[1]
    assert low <= hits / 300 <= 0.99


# The next period ----------------------------------------------------------------------------------


def firm(rng, customers=700, years=5):
    """Years of a company that wins as many each year as the last, and whose customers leave and buy at random."""
    won = rng.uniform(-4, years, customers)
    rate, value = rng.gamma(1.2, 4 / 1.2, customers), np.exp(rng.normal(4, 0.6, customers))
    end = won + rng.exponential(1 / rng.gamma(2, 0.35 / 2, customers))
    start = pd.Timestamp("2020-01-01")
    frames = []
    for year in range(years):
        there = np.clip(np.minimum(end, year + 1) - np.maximum(won, year), 0, None)
        orders = rng.poisson(rate * there) + ((won >= year) & (won < year + 1))  # the first one wins
        sales = np.where(orders > 0, value * rng.gamma(np.maximum(4 * orders, 1), 0.25), 0.0)
        rows = {
            "won_on": start + pd.to_timedelta(np.floor(won * 365), unit="D"),
            "orders": orders,
            "net_sales": sales,
        }
        frames.append(pd.DataFrame(rows)[orders > 0])
    return frames, [(start + pd.Timedelta(days=365 * year)).date() for year in range(years)]


def test_the_range_of_the_next_period_holds_what_comes():
    """80 draws of five years; the last is what came. Shares of hits have a standard error of three points."""
    rng, draws = np.random.default_rng(4), 80
    hits = dict.fromkeys(["existing", "rehearsal", "needed"], 0)
    for _ in range(draws):
        frames, firsts = firm(rng)
        last, first = frames[-1], firsts[-1]
        need, test = next_period(frames[:-1], firsts[:-1]), rehearse(frames, firsts)
        new = won_since(last, first)
        came = last.loc[~new, "net_sales"].sum()
        hits["existing"] += need.existing_interval[0] <= came <= need.existing_interval[1]
        hits["rehearsal"] += test.interval[0] <= test.actual <= test.interval[1]
        filled = np.cumsum(rng.choice(last.loc[new, "net_sales"], 10 * new.sum()))
        short = (
            need.target - came
        )  # what today's customers brought too much would have needed fewer than none
        enough = int(np.searchsorted(filled, short)) + 1 if short > 0 else short / filled[-1] * len(filled)
        hits["needed"] += need.needed_interval[0] <= enough <= need.needed_interval[1]
        assert test.actual == last["net_sales"].sum()
    assert all(0.85 <= count / draws <= 1 for count in hits.values()), hits


# Items --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [0.0, 3.0], ids=["items are all alike", "items differ"])
def test_values_drawn_to_the_mean_are_nearer_to_the_truth_and_their_ranges_hold_it(apart):
    """60 items of 20 to 60 customers with one order each; the profit is half the amount."""
    rng, rows, true = np.random.default_rng(5), [], {}
    for item in range(60):
        mean = 50 + apart * rng.normal()
        true[f"i{item:02d}"] = mean / 2
        for amount in rng.normal(mean, 25, int(rng.integers(20, 60))):
            rows.append((f"i{item:02d}", round(max(amount, 0.01), 2)))
    orders = pd.DataFrame(rows, columns=["product_id", "net_amount"])
    orders["customer_id"] = [f"k{n:05d}" for n in range(len(orders))]
    orders["ordered_at"] = pd.Timestamp("2025-02-01")
    base, table = lay(orders)
    found = what_follows(base, entries(base, item_lines(table, None, "product")), 2, 10)
    true = pd.Series(true).reindex(found.index)
    inside = (found["shrunk_low"] <= true) & (true <= found["shrunk_high"])
    assert len(found) == 60 and inside.mean() >= 0.85
    plain, drawn = ((found[name] - true).abs().mean() for name in ("value", "shrunk"))
    assert drawn < 0.9 * plain
    assert ((found["shrunk_high"] - found["shrunk_low"]) < (found["high"] - found["low"]) * 1.1).all()
