"""The ground of the audit: windows, who was won when, and customer days that add up to the ledger."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.cohorts import by_age
from crmlib.analysis.audit.customer_days import MONEY
from crmlib.analysis.audit.whole_base import by_window
from crmlib.analysis.ledger import customer_ledger
from crmlib.analysis.period import Period
from crmlib.analysis.profitability import profit_in


def day_of(value):
    return None if pd.isna(value) else pd.Timestamp(value).date()


def test_windows_lie_where_counting_months_back_puts_them(firm):
    assert list(firm.windows.firsts) == firm.plain.starts
    assert list(firm.windows.lasts) == firm.plain.ends
    assert firm.base.lead_in == firm.plain.lead_in


def test_every_customer_was_won_on_the_day_the_definition_gives(firm):
    members = firm.base.members()
    assert list(members.index) == sorted(firm.plain.won)
    assert {who: day_of(day) for who, day in members["won_on"].items()} == firm.plain.won
    assert members["cohort"].to_dict() == firm.plain.cohort


def test_customer_days_are_those_of_the_raw_lines(firm, money):
    table = firm.base.days
    table = table.mutate(**{name: table[name].cast("float64") for name in MONEY})
    days = table.execute().sort_values(["customer_id", "day"], ignore_index=True)
    expected = firm.plain.days.sort_values(["customer", "day"], ignore_index=True)
    assert (days["customer_id"] == expected["customer"]).all()
    assert (pd.to_datetime(days["day"]) == expected["day"]).all()
    assert (days["orders"] == expected["orders"]).all()
    names = {"net_sales": "net", "gross_margin": "margin", "service_cost": "service",
             "acquisition_cost": "acquisition", "profit": "profit"}  # fmt: skip
    for name, raw in names.items():
        money(days[name], expected[raw])
    known = days["won_on"].notna()
    assert (days["age_days"][known] == expected["age_days"][known]).all()
    assert days["age_days"][~known].isna().all()


def test_customers_of_a_period_come_out_of_the_raw_lines(firm, change, money):
    for side in ("before", "now"):
        found, expected = getattr(change, side), getattr(change, f"plain_{side}")
        assert found["orders"].to_dict() == expected["orders"].to_dict()
        assert found["cohort"].to_dict() == expected["cohort"].to_dict()
        assert found["won_on"].map(day_of).to_dict() == {who: firm.plain.won[who] for who in found.index}
        money(found[list(MONEY)], expected[list(MONEY)])


def test_profit_is_that_of_the_income_statement(firm, change, money):
    """The audit lays profit out by day, the statement by period: two roads to the same euros."""
    for side in ("before", "now"):
        found = getattr(change, side)
        known = profit_in(firm.data.table, firm.lines, getattr(firm, side))
        for name in ("orders", "net_sales", "gross_margin", "service_cost", "acquisition_cost", "profit"):
            money(found[name], known[name], cents=0.001)
            assert round(found[name].sum(), 2) == round(known[name].sum(), 2)


@pytest.mark.parametrize("length", [1, 7])
def test_sums_over_customers_equal_the_ledger_to_the_cent(firm, length):
    period = Period.ending(firm.data.as_of, length, firm.data.first_day)
    for part in (period, period.previous()):
        found, ledger = firm.base.customers_in(part), customer_ledger(firm.lines, part)
        for name in ("net_sales", "gross_margin", "orders"):
            assert round(found[name].sum(), 2) == round(ledger.customers[name].sum(), 2)
        of_people = firm.plain.everything["customer"].notna()
        inside = firm.plain.everything["day"].between(pd.Timestamp(part.first), pd.Timestamp(part.last))
        raw = firm.plain.everything.loc[of_people & inside, "net"].sum() / 10_000
        assert round(found["net_sales"].sum(), 2) == pytest.approx(round(raw, 2), abs=1e-9)


def test_sums_over_cohorts_and_windows_equal_the_ledger_to_the_cent(firm):
    whole = Period(firm.data.first_day, firm.data.as_of, 1)
    known = profit_in(firm.data.table, firm.lines, whole)
    table = by_window(firm.base)
    for name in ("orders", "net_sales", "gross_margin", "service_cost", "acquisition_cost", "profit"):
        assert round(table[name].sum(), 2) == round(known[name].sum(), 2), name
    raw = firm.plain.lines
    for number, (first, last) in enumerate(zip(firm.plain.starts, firm.plain.ends, strict=True)):
        inside = table[table.index.get_level_values("window") == number]
        there = raw[raw["day"].between(pd.Timestamp(first), pd.Timestamp(last))]
        assert inside["net_sales"].sum() == pytest.approx(there["net"].sum() / 10_000, abs=1e-4)
        assert inside["active"].sum() == there.loc[there["net"] > 0, "customer"].nunique()
    for number in (0, len(firm.plain.starts) - 1):
        part = customer_ledger(firm.lines, Period(firm.plain.starts[number], firm.plain.ends[number], 1))
        inside = table[table.index.get_level_values("window") == number]
        assert round(inside["net_sales"].sum(), 2) == round(part.customers["net_sales"].sum(), 2)


@pytest.mark.parametrize("as_of", ["2024-07-31", "2025-02-28", "2026-06-29"])
def test_the_base_of_an_earlier_day_is_built_from_what_was_known_then(opened, as_of, money, base_of):
    """Opened as of a day, the file gives what the file cut off after that day would give."""
    data, _ = opened("bundled", as_of)
    base, plain = base_of("bundled", as_of, 1, 3)
    assert base.as_of == data.as_of == dt.date.fromisoformat(as_of)
    found = base.members()
    assert found["cohort"].to_dict() == plain.cohort
    table, expected = by_window(base), plain.days.groupby(["cohort", "window"])[["net", "profit"]].sum()
    money(table[["net_sales", "profit"]], expected)
    assert set(by_age(base).index.get_level_values("cohort")) <= set(plain.cohort.values())
    assert np.isclose(table["profit"].sum(), plain.days["profit"].sum(), atol=0.005)
