"""What the audit hands on and puts together: lists, sales without a name, silence, signs of health, a second way."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.cohorts import by_age, compared
from crmlib.analysis.audit.lists import cohort_list, customer_list
from crmlib.analysis.audit.next_period import carried_by_pair
from crmlib.analysis.audit.one_cohort import five_waits, order_waits
from crmlib.analysis.audit.two_periods import after_silence, two_periods
from crmlib.analysis.audit.vital_signs import SIGNS, vital_signs
from crmlib.analysis.audit.whole_base import by_window, unnamed
from crmlib.analysis.ledger import customer_ledger
from crmlib.analysis.period import Period


@pytest.fixture(scope="module")
def customers(firm, change):
    compared = two_periods(change.before, change.now, firm.now.first)
    return customer_list(firm.base, compared, change.now, change.before)


def test_the_list_of_customers_has_everybody_once_and_all_the_money(firm, change, customers):
    plain = firm.plain
    assert customers["customer_id"].tolist() == sorted(plain.won)
    table = customers.set_index("customer_id")
    labels = {**dict(enumerate(firm.windows.labels)), -1: "before"}
    assert table["cohort"].to_dict() == {who: labels[cohort] for who, cohort in plain.cohort.items()}
    won = table["won_on"].astype(object).where(table["won_on"].notna(), None)
    assert won.to_dict() == plain.won
    for ending, raw in (("", change.plain_now), ("_before", change.plain_before)):
        for name in ("orders", "net_sales", "profit"):
            found = table[f"{name}{ending}"]
            assert np.abs(found - raw[name].reindex(table.index).fillna(0)).max() < 1e-5
            assert round(found.sum(), 2) == round(raw[name].sum(), 2)
    buys, bought = table["orders"] > 0, table["orders_before"] > 0
    assert (table["group"].eq("retained") == (buys & bought)).all()
    assert (table["group"].eq("lost") == (bought & ~buys)).all()
    assert (table["profit_decile"].notna() == buys).all()
    for name, part in (("net_sales", firm.now), ("net_sales_before", firm.before)):
        ledger = customer_ledger(firm.lines, part).customers
        assert round(table[name].sum(), 2) == round(ledger["net_sales"].sum(), 2)


def test_the_list_of_cohorts_adds_up_to_the_base(firm):
    side = compared(firm.base, by_age(firm.base), 1, 30)
    table, days = cohort_list(firm.base, by_window(firm.base), side), firm.plain.days
    numbers = sorted(set(days["cohort"]))
    assert len(table) == len(numbers)
    for row, number in zip(table.itertuples(), numbers, strict=True):
        part = days[days["cohort"] == number]
        assert row.cohort == ("before" if number < 0 else firm.windows.labels[number])
        assert (row.customers, row.orders) == (part["customer"].nunique(), part["orders"].sum())
        for name, raw in (("net_sales", "net"), ("gross_margin", "margin"), ("profit", "profit")):
            assert getattr(row, name) == pytest.approx(part[raw].sum(), abs=1e-4)
        if number < 0:
            assert pd.isna(row.first_day) and pd.isna(row.value_per_customer)
        else:
            assert (row.first_day, row.last_day) == (firm.plain.starts[number], firm.plain.ends[number])
            assert row.value_per_customer == pytest.approx(side.loc[number, "value"], nan_ok=True)
    assert round(table["profit"].sum(), 2) == round(days["profit"].sum(), 2)
    assert cohort_list(firm.base, by_window(firm.base), None)["value_per_customer"].isna().all()


def test_sales_without_a_name_complete_the_ledger_window_by_window(firm):
    raw = firm.plain.everything
    nameless = raw[raw["customer"].isna()]
    found = unnamed(firm.lines, firm.windows)
    for number, (first, last) in enumerate(zip(firm.plain.starts, firm.plain.ends, strict=True)):
        inside = nameless["day"].between(pd.Timestamp(first), pd.Timestamp(last))
        assert found[number] == pytest.approx(nameless.loc[inside, "net"].sum() / 10_000, abs=1e-4)
    whole = customer_ledger(firm.lines, Period(firm.data.first_day, firm.data.as_of, 1)).total_net_sales
    both = found.sum() + by_window(firm.base)["net_sales"].sum()
    assert round(both, 2) == pytest.approx(round(whole, 2), abs=1e-9)


@pytest.fixture(scope="module")
def thirds(firm):
    """Customers of the last quarters, both ways, and their first days."""
    periods = [Period.ending(firm.data.as_of, 3)]
    while periods[0].previous().first >= firm.data.first_day:
        periods.insert(0, periods[0].previous())
    mine = [firm.base.customers_in(period) for period in periods]
    return mine, [firm.plain.customers(p.first, p.last) for p in periods], [p.first for p in periods]


def test_who_came_back_after_a_silence(thirds):
    mine, raw, _ = thirds
    first, second, last = (set(frame.index[frame["orders"] > 0]) for frame in raw[-3:])
    assert after_silence(mine) == (len((first - second) & last), len(first - second))
    assert after_silence(mine[:2]) is None


def test_the_signs_of_health_from_the_raw_lines(firm, thirds):
    mine, raw, firsts = thirds
    table = vital_signs(mine, firsts, smallest=2, since=firsts[0])
    shares = carried_by_pair(mine, firsts)
    won = {who: day or dt.date.min for who, day in firm.plain.won.items()}
    expected, errors = [], []
    for number, frame in enumerate(raw):
        buyers = frame.index[frame["orders"] > 0]
        new = frame[[won[who] >= firsts[number] for who in frame.index]]
        row = {
            "active": len(buyers),
            "won": len(new),
            "sales": frame["net_sales"].sum(),
            "profit": frame["profit"].sum(),
        }
        spread = {}
        if len(new) > 1:
            for name, column in (("per_new", "net_sales"), ("cost", "acquisition_cost")):
                row[name], spread[name] = new[column].mean(), new[column].std(ddof=1) / math.sqrt(len(new))
        if number:
            before = raw[number - 1].index[raw[number - 1]["orders"] > 0]
            kept = len(set(before) & set(buyers)) / len(before)
            row |= {
                "retention": kept,
                "carried_old": shares.loc[number, "old"],
                "carried_won": shares.loc[number, "won"],
            }
            spread["retention"] = math.sqrt(kept * (1 - kept) / len(before))
        expected.append(row)
        errors.append(spread)
    for name in table.index:
        for number, row in enumerate(expected):
            assert table.loc[name, number] == pytest.approx(
                row.get(name, math.nan), rel=1e-6, abs=1e-4, nan_ok=True
            )
        assert table.loc[name, "change"] == pytest.approx(
            expected[-1].get(name, math.nan) - expected[-2].get(name, math.nan),
            rel=1e-5,
            abs=1e-3,
            nan_ok=True,
        )
    for name in ("retention", "per_new", "cost"):
        if name in table.index and all(name in spread for spread in errors[-2:]):
            half = 1.959963984540054 * math.hypot(errors[-1][name], errors[-2][name])
            change = table.loc[name, "change"]
            assert table.loc[name, ["low", "high"]].tolist() == pytest.approx(
                [change - half, change + half], rel=1e-5
            )
    both = raw[-1]["net_sales"].sub(raw[-2]["net_sales"], fill_value=0)
    half = 1.959963984540054 * math.sqrt(len(both) * both.var(ddof=1))
    assert (table.loc["sales", "high"] - table.loc["sales", "low"]) / 2 == pytest.approx(half, rel=1e-5)
    assert set(SIGNS) - set(table.index) <= {"won", "carried_won", "carried_old", "per_new", "cost"}


def test_five_waits_are_waits_there_are(firm):
    waits = order_waits(firm.base, range(len(firm.windows)))
    five = five_waits(waits)
    there = set(waits.loc[waits["order"] == 1, ["days", "over"]].itertuples(index=False, name=None))
    assert set(five[["days", "over"]].itertuples(index=False, name=None)) <= there
    assert five["over"].sum() == 3 and len(five) == 5 and five["days"].is_monotonic_increasing


def test_no_sign_of_health_is_read_from_too_few(thirds):
    mine, _, firsts = thirds
    few = vital_signs(mine, firsts, smallest=10**9, since=firsts[0])
    counted = ["active", "won", "sales", "profit"]
    assert set(few.index) <= set(counted)
    assert few.equals(vital_signs(mine, firsts, smallest=2, since=firsts[0]).loc[few.index])


def test_nothing_is_said_of_new_customers_before_it_is_known_who_they_are(thirds):
    mine, _, firsts = thirds
    late = vital_signs(mine, firsts, smallest=2, since=firsts[-1])
    full = vital_signs(mine, firsts, smallest=2, since=firsts[0])
    early = list(range(len(firsts) - 1))
    for name in {"won", "per_new"} & set(late.index):
        assert (
            late.loc[name, early].isna().all()
            and late.loc[name, early[-1] + 1] == full.loc[name, early[-1] + 1]
        )
    assert not {"carried_old", "carried_won"} & set(late.index)
    assert late.loc[["active", "retention"]].equals(full.loc[["active", "retention"]])
