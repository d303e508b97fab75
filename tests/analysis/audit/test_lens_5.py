"""Lens 5 on real files: the base by cohort and window, and what the next period needs, a second way."""

import datetime as dt
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.next_period import carried_by_pair, next_period, rehearse, walk_to_target
from crmlib.analysis.audit.whole_base import by_window, grouped_cohorts, stacked
from crmlib.analysis.period import Period

Z = 1.959963984540054


def test_every_cohort_in_every_window_out_of_the_raw_lines(firm, money):
    table, days = by_window(firm.base), firm.plain.days
    groups = days.groupby(["cohort", "window"])
    expected = groups[["net", "margin", "service", "acquisition", "profit"]].sum()
    assert (table["orders"] == groups["orders"].sum()).all()
    active = days[days["orders"] > 0].groupby(["cohort", "window"])["customer"].nunique()
    assert (table["active"] == active.reindex(table.index, fill_value=0)).all()
    money(table[["net_sales", "gross_margin", "service_cost", "acquisition_cost", "profit"]], expected)


@pytest.mark.parametrize("per_group", [1, 2, 4])
def test_a_stack_holds_everything_once(firm, money, per_group):
    groups = grouped_cohorts(firm.base, per_group)
    count = len(firm.plain.starts)
    assert groups.index.tolist() == list(range(-1, count))
    for cohort in range(count):
        newest = [c for c in range(count) if groups[c] == groups[cohort]]
        assert len(newest) <= per_group and newest == list(range(newest[0], newest[-1] + 1))
    assert (groups == groups.iloc[-1]).sum() == min(per_group, count)
    table = stacked(by_window(firm.base), "profit", groups, count)
    days = firm.plain.days
    expected = days.groupby([days["window"], days["cohort"].map(groups)])["profit"].sum()
    for (window, name), value in expected.items():
        assert table.loc[window, name] == pytest.approx(value, abs=1e-4)
    assert round(table.to_numpy().sum(), 2) == round(days["profit"].sum(), 2)


@pytest.fixture(scope="module", params=[3, 6])
def periods(firm, request):
    """All whole periods of so many months up to the last known day: starts, and customers both ways."""
    months = request.param
    periods = [Period.ending(firm.data.as_of, months)]
    while periods[0].previous().first >= firm.data.first_day:
        periods.insert(0, periods[0].previous())
    return SimpleNamespace(
        firsts=[period.first for period in periods],
        mine=[firm.base.customers_in(period) for period in periods],
        raw=[firm.plain.customers(period.first, period.last) for period in periods],
    )


def ratio(mine):
    """Share carried over by customers with their pairs of sales, and its standard error."""
    steps = [pair for pairs in mine.values() for pair in pairs]
    brought = math.fsum(early for early, _ in steps)
    if len(steps) < 2 or brought <= 0:
        return None
    rate = math.fsum(late for _, late in steps) / brought
    each = np.array([math.fsum(late - rate * early for early, late in pairs) for pairs in mine.values()])
    return rate, math.sqrt(len(each) * each.var(ddof=1)) / brought, steps


def pairs_of(firm, raw, firsts, name):
    """Sales of each customer in a period and the next, by pair of periods, as ``old`` or ``won`` in the earlier."""
    won = {who: day or dt.date.min for who, day in firm.plain.won.items()}
    by_pair = []
    for number in range(len(raw) - 1):
        early, late = raw[number]["net_sales"].to_dict(), raw[number + 1]["net_sales"].to_dict()
        by_pair.append(
            {
                who: [(early.get(who, 0.0), late.get(who, 0.0))]
                for who in {*early, *late}
                if won[who] < firsts[number + 1] and (won[who] >= firsts[number]) == (name == "won")
            }
        )
    return by_pair


def second_next(firm, raw, firsts):
    """Walk customer by customer through neighbouring periods; None as in `next_period`."""
    won = {who: day or dt.date.min for who, day in firm.plain.won.items()}
    now, today = raw[-1], firsts[-1]
    variance, groups = 0.0, {}
    for name in ("old", "won"):
        members = [who for who in now.index if (won[who] >= today) == (name == "won")]
        if not members:
            continue
        by_pair, together = pairs_of(firm, raw, firsts, name), {}
        for pairs in by_pair:
            for who, pair in pairs.items():
                together.setdefault(who, []).extend(pair)
        found = ratio(together)
        if found is None:
            return None
        rate, error, steps = found
        luck = np.array([late - rate * early for early, late in steps]).var(ddof=1)
        single = [part[:2] for part in map(ratio, by_pair) if part is not None]
        sold = now.loc[members, "net_sales"].sum()
        variance += sold**2 * (error**2 + laird(single)) + luck * len(members)
        groups[name] = (len(members), sold, rate, rate - Z * error, rate + Z * error, rate * sold)
    return groups, variance


def laird(known):
    """DerSimonian and Laird's variance of the shares of single pairs beyond their errors; zero where none is found."""
    if len(known) < 2:
        return 0.0
    weight = [1 / error**2 for _, error in known]
    total = sum(weight)
    mean = sum(w * rate for w, (rate, _) in zip(weight, known, strict=True)) / total
    q = sum(w * (rate - mean) ** 2 for w, (rate, _) in zip(weight, known, strict=True))
    return max(0.0, (q - len(known) + 1) / (total - sum(w * w for w in weight) / total))


def test_what_the_next_period_needs_customer_by_customer(firm, periods):
    found = next_period(periods.mine, periods.firsts)
    expected = second_next(firm, periods.raw, periods.firsts)
    if expected is None:
        assert found is None
        return
    groups, variance = expected
    assert list(found.groups.index) == list(groups)
    for name, values in groups.items():
        assert found.groups.loc[name].tolist() == pytest.approx(values, rel=1e-5)
    now = periods.raw[-1]
    existing = sum(values[-1] for values in groups.values())
    assert found.target == pytest.approx(now["net_sales"].sum(), abs=0.001)
    assert found.existing == pytest.approx(existing, rel=1e-6)
    half = Z * math.sqrt(variance)
    assert found.existing_interval == pytest.approx((existing - half, existing + half), rel=1e-5)
    new = now["net_sales"][[(firm.plain.won[w] or dt.date.min) >= periods.firsts[-1] for w in now.index]]
    assert found.won == len(new)
    if len(new):
        assert found.per_new == pytest.approx(new.mean())
        needed = (now["net_sales"].sum() - existing) / new.mean()
        assert found.needed == pytest.approx(needed, rel=1e-5, abs=1e-3)
        own = new.var(ddof=1)
        half = Z * math.sqrt(variance + needed**2 * own / len(new) + abs(needed) * own) / new.mean()
        assert found.needed_interval == pytest.approx((needed - half, needed + half), rel=1e-4, abs=1e-2)
        middle = existing + 100 * new.mean()
        half = Z * math.sqrt(variance + 100 * own + 100**2 * own / len(new))
        assert found.sales_with(100) == pytest.approx((middle - half, middle, middle + half), rel=1e-5)
    else:
        assert math.isnan(found.needed) and math.isnan(found.per_new)
        assert found.sales_with(0) == pytest.approx((existing - half, existing, existing + half), rel=1e-5)
    assert 0 <= found.from_largest <= 1 + 1e-12


def test_what_each_pair_of_periods_carried_over(firm, periods):
    table = carried_by_pair(periods.mine, periods.firsts)
    assert table.index.tolist() == list(range(1, len(periods.raw)))
    for name in ("old", "won"):
        for number, mine in enumerate(pairs_of(firm, periods.raw, periods.firsts, name), 1):
            found, expected = table.loc[number, [name, f"{name}_error"]].tolist(), ratio(mine)
            if expected is None:
                assert all(map(math.isnan, found))
            else:
                assert found == pytest.approx(expected[:2], rel=1e-6)


def test_the_walk_to_the_target_starts_and_ends_with_the_same_sales(firm, periods):
    need = next_period(periods.mine, periods.firsts)
    if need is not None:
        walk = walk_to_target(need).set_index("line")["amount"]
        carried = walk.iloc[1 : 1 + len(need.groups)]
        assert walk.iloc[0] + carried.sum() == pytest.approx(need.existing)
        assert need.existing + walk.iloc[-2] == pytest.approx(walk.iloc[-1]) == need.target


def test_the_rehearsal_knows_nothing_of_the_last_period_but_the_number_won(firm, periods):
    found = rehearse(periods.mine, periods.firsts)
    then = second_next(firm, periods.raw[:-1], periods.firsts[:-1]) if len(periods.raw) > 2 else None
    if then is None:
        assert found is None
        return
    groups, variance = then
    won_in = [
        [w for w in raw.index if (firm.plain.won[w] or dt.date.min) >= first]
        for raw, first in zip(periods.raw, periods.firsts, strict=True)
    ]
    count, before = len(won_in[-1]), periods.raw[-2].loc[won_in[-2], "net_sales"]
    if count and before.empty:
        assert found is None
        return
    expected = sum(values[-1] for values in groups.values())
    if count:
        own = before.var(ddof=1)
        expected += count * before.mean()
        variance += count**2 * own / len(before) + count * own
    assert found.expected == pytest.approx(expected, rel=1e-6)
    half = Z * math.sqrt(variance)
    assert found.interval == pytest.approx((expected - half, expected + half), rel=1e-5)
    assert found.actual == pytest.approx(periods.raw[-1]["net_sales"].sum(), abs=0.001)
    assert found.same_as_before == pytest.approx(periods.raw[-2]["net_sales"].sum(), abs=0.001)
    shuffled = periods.mine[-1].copy()
    shuffled["net_sales"] = pd.Series(shuffled["net_sales"].to_numpy()[::-1] * 7, index=shuffled.index)
    again = rehearse([*periods.mine[:-1], shuffled], periods.firsts)
    assert (again.expected, again.interval) == (found.expected, found.interval)
