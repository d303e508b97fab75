"""Lens 4 on real files: cohorts by age, compared, and their trend, each worked a second way."""

import math
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlib.analysis.audit.cohorts import by_age, compared, from_the_start, horizon, pooled, sizes, trend
from crmlib.analysis.intervals import wilson_interval

SMALLEST = 30
MONEY = {"net_sales": "net", "gross_margin": "margin", "service_cost": "service",
         "acquisition_cost": "acquisition", "profit": "profit"}  # fmt: skip


@pytest.fixture(scope="module")
def ages(firm):
    return by_age(firm.base)


@pytest.fixture(scope="module")
def second(firm):
    """Rows of (cohort, age), cumulated one cohort and age at a time from the raw customer days."""
    plain, rows = firm.plain, {}
    days = plain.days[plain.days["cohort"] >= 0]
    for cohort, part in days.groupby("cohort"):
        members = part["customer"].nunique()
        known = (plain.as_of - plain.ends[cohort]).days  # age of the youngest there could be
        age = 1
        while (
            known >= math.ceil(age * plain.step) - 1
        ):  # the last whole day of this age is behind all of them
            until = part[part["age_days"] < age * plain.step]
            this = until[(until["age_days"] >= (age - 1) * plain.step) | (age == 1)]
            each = until.groupby("customer")
            profit = each["profit"].sum().round(2)
            rows[cohort, age] = {
                "customers": members,
                "active": this[this["orders"] > 0]["customer"].nunique(),
                "repeaters": int((until[until["orders"] > 0].groupby("customer").size() >= 2).sum()),
                "orders": int(until["orders"].sum()),
                **{name: until[raw].sum() for name, raw in MONEY.items()},
                "profit_squares": math.fsum(profit**2),
                "largest": max(profit, key=lambda value: (abs(value), -value)),
            }
            age += 1
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(table.index, names=["cohort", "age"])
    return table


def test_every_cohort_by_age_out_of_the_raw_lines(firm, ages, second, money):
    assert len(ages) > 1 and ages.index.equals(second.index)
    for name in ("customers", "active", "repeaters", "orders"):
        assert (ages[name] == second[name]).all(), name
    money(ages[list(MONEY)], second[list(MONEY)])
    assert np.allclose(ages["profit_squares"], second["profit_squares"], rtol=1e-9, atol=1e-4)
    assert np.allclose(ages["largest"], second["largest"], atol=0.006)
    assert sizes(firm.base).to_dict() == second["customers"].groupby("cohort").first().reindex(
        sizes(firm.base).index).fillna(sizes(firm.base)).to_dict()  # fmt: skip


def test_sums_by_age_are_never_more_than_the_cohort_has_to_date(firm, ages):
    """At the greatest complete age of the oldest cohort, what came later is what is missing from the total."""
    days = firm.plain.days
    for cohort in ages.index.unique("cohort"):
        last = ages.loc[cohort].index.max()
        part = days[days["cohort"] == cohort]
        later = part[part["age_days"] >= last * firm.plain.step]
        assert ages.loc[(cohort, last), "profit"] + later["profit"].sum() == pytest.approx(
            part["profit"].sum(), abs=0.005
        )


def spread(values) -> float:
    """Standard error of a mean, from the values themselves."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))


def second_values(firm, cohort, age):
    """Profit of each customer of a cohort up to an age."""
    part = firm.plain.days[firm.plain.days["cohort"] == cohort]
    until = part[part["age_days"] < age * firm.plain.step].groupby("customer")["profit"].sum()
    return until.reindex(part["customer"].unique(), fill_value=0.0)


@pytest.fixture(scope="module")
def age(ages):
    return horizon(ages, 12)


@pytest.fixture(scope="module")
def table(firm, ages, age):
    return compared(firm.base, ages, age, SMALLEST)


def test_the_age_to_compare_at_is_the_longest_that_enough_cohorts_have_completed(ages):
    cohorts = ages.index.unique("cohort")
    reached = {n: sum((cohort, n) in ages.index for cohort in cohorts) for n in range(1, 30)}
    for longest in (1, 3, 12, 30):
        fitting = [n for n, count in reached.items() if n <= longest and count >= max(2, len(cohorts) / 2)]
        fitting = fitting or [n for n, count in reached.items() if n <= longest and count >= 2]
        assert horizon(ages, longest) == max(fitting, default=0)


def test_cohorts_at_the_same_age(firm, second, table, age):
    known = [
        cohort for cohort, n in second.index if n == age and second.loc[(cohort, n), "customers"] >= SMALLEST
    ]
    assert table.index[table["value"].notna()].tolist() == known
    assert table["label"].tolist() == [firm.windows.labels[cohort] for cohort in table.index]
    together = math.fsum(v for cohort in known for v in second_values(firm, cohort, age)) / max(
        sum(len(second_values(firm, cohort, age)) for cohort in known), 1
    )
    for cohort in known:
        raw, row, values = second.loc[(cohort, age)], table.loc[cohort], second_values(firm, cohort, age)
        n, mean = raw["customers"], values.mean()
        error = spread(values.round(2).to_list())
        assert row["value"] == pytest.approx(mean, abs=1e-6)
        assert (row["low"], row["high"]) == pytest.approx(
            (mean - 1.96 * error, mean + 1.96 * error), rel=1e-3, abs=1e-3
        )
        assert row["error"] == pytest.approx(error, rel=1e-5)
        assert row["index"] == pytest.approx(100 * mean / together, abs=1e-6) or together <= 0
        for name, count in (("repeat", raw["repeaters"]), ("active", raw["active"])):
            found = row[[f"{name}_{end}" for end in ("share", "low", "high")]].tolist()
            assert found == pytest.approx([count / n, *wilson_interval(int(count), int(n))])
        assert row["orders"] * row["order_value"] * row["margin"] - row["winning"] == pytest.approx(mean)
        assert row["orders"] == pytest.approx(raw["orders"] / n)
        assert row["order_value"] == pytest.approx(raw["net_sales"] / raw["orders"])
        assert row["winning"] == pytest.approx(raw["acquisition_cost"] / n)


def test_what_changed_from_cohort_to_cohort_adds_up(table):
    known = table[table["value"].notna()]
    factors = ["orders", "order_value", "margin"]
    for old, new in zip(known.index[:-1], known.index[1:], strict=True):
        before, now = known.loc[old], known.loc[new]
        assert now["change"] == pytest.approx(now["value"] - before["value"])
        half = 1.959963984540054 * math.sqrt(before["error"] ** 2 + now["error"] ** 2)
        assert (now["change_low"], now["change_high"]) == pytest.approx(
            (now["change"] - half, now["change"] + half)
        )
        for factor in factors:
            moved = []
            for order in permutations(factors):
                first = order[: order.index(factor)]
                rest = math.prod(
                    (now if name in first else before)[name] for name in factors if name != factor
                )
                moved.append(rest * (now[factor] - before[factor]))
            assert now[f"from_{factor}"] == pytest.approx(sum(moved) / 6, abs=1e-9)
        parts = now[["from_orders", "from_order_value", "from_margin", "from_winning"]].sum()
        assert parts == pytest.approx(now["change"], abs=1e-9)


def test_the_trend_is_a_line_through_all_customers(firm, table, age):
    """Least squares with one row per customer at the height of their cohort's value; spread within cohorts pooled."""
    known = table[table["value"].notna()]
    found = trend(firm.base, table)
    years = known.index.to_numpy(float) * firm.windows.months / 12
    if len(known) < 3 or (known.index[-1] - known.index[0] + 1) * firm.windows.months < 9:
        assert found is None
        return
    values = [second_values(firm, cohort, age).to_numpy() for cohort in known.index]
    sizes = [len(part) for part in values]
    rows = np.column_stack([np.ones(sum(sizes)), np.repeat(years, sizes)])
    height = np.concatenate(values)
    (level, slope), *_ = np.linalg.lstsq(rows, height, rcond=None)
    within = sum(((part - part.mean()) ** 2).sum() for part in values) / (sum(sizes) - len(sizes))
    line = level + slope * years
    means = np.array([part.mean() for part in values])
    birge = max(1.0, (sizes * (means - line) ** 2).sum() / within / (len(known) - 2))
    few = stats.t(len(known) - 2).ppf(0.975)
    half = few * math.sqrt(np.linalg.inv(rows.T @ rows)[1, 1] * within * birge)
    assert found.per_year == pytest.approx(slope, rel=1e-4, abs=1e-4)
    assert found.interval == pytest.approx((slope - half, slope + half), rel=1e-4, abs=1e-4)
    assert found.fitted.to_numpy() == pytest.approx(line, rel=1e-4, abs=1e-4)


def test_pooled_cohorts_are_one_cohort(firm, ages, second, money):
    """Added up, neighbouring cohorts are what their customers taken together are."""
    there = ages.index.unique("cohort")
    cohorts = range(int(there[0]), int(there[0]) + 2)
    mine = pooled(ages, cohorts)
    common = [n for n in ages.index.unique("age") if all((c, n) in ages.index for c in cohorts if c in there)]
    assert mine.index.tolist() == common
    for n in common:
        values = pd.concat([second_values(firm, c, n) for c in cohorts if c in there])
        row, raw = mine.loc[n], second.loc[[(c, n) for c in cohorts if c in there]].sum()
        assert row["customers"] == len(values)
        assert row["value"] == pytest.approx(values.mean(), abs=1e-6)
        error = spread(values.round(2).to_list())
        assert row["error"] == pytest.approx(error, rel=1e-4)
        assert row["repeat_share"] == raw["repeaters"] / raw["customers"]
        assert row["active_share"] == raw["active"] / raw["customers"]


def test_the_value_to_date_begins_with_the_cost_of_winning(firm, ages):
    cohort = int(ages.index.unique("cohort")[0])
    life = pooled(ages, range(cohort, cohort + 1))
    curve = from_the_start(life, firm.windows.months)
    won = firm.plain.days[firm.plain.days["cohort"] == cohort]
    cost = won["acquisition"].sum() / won["customer"].nunique()
    assert curve["value"].tolist() == pytest.approx([-cost, *life["value"]], abs=1e-6)
    assert curve["age_months"].tolist() == [n * firm.windows.months for n in range(len(life) + 1)]
    assert curve.loc[0, ["low", "high"]].isna().all() and curve["low"].notna().sum() == len(life)
