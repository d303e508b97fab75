"""Repeat purchases by month, against plain pandas; rates, against a general optimiser."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from crmlib.analysis.clv.purchases.summary import purchase_summary
from crmlib.analysis.clv.timing.pareto_nbd import ParetoNBD
from crmlib.analysis.clv.trust.monthly_repeats import (
    days_by_month,
    enough,
    fitted_rates,
    gain_test,
    month_dummies,
    repeats_by_month,
    years_since,
)
from crmlib.errors import DataError, TooLittleData

FIRST, LAST = dt.date(2023, 1, 1), dt.date(2024, 12, 31)
TRUTH = ParetoNBD().with_params([1.2, 60.0, 0.8, 500.0])


def drawn(seed, rows=1_500, customers=150):
    rng = np.random.default_rng(seed)
    who = rng.integers(0, customers, rows)
    day = rng.integers(3 * who, 730)
    return pd.DataFrame(
        {
            "customer_id": np.char.add("C", who.astype(str)),
            "day": [FIRST + dt.timedelta(days=int(d)) for d in day],
            "net_sales": rng.choice([5.0, 20.0, 33.33], rows),
        }
    )


def test_months_are_those_of_plain_pandas():
    table = drawn(9)
    customers = purchase_summary(ibis.memtable(table), LAST)[::2]
    found = repeats_by_month(TRUTH, ibis.memtable(table), customers, LAST)
    own = table[table["customer_id"].isin(customers.index)].drop_duplicates(["customer_id", "day"])
    first = own.groupby("customer_id")["day"].transform("min")
    actual = pd.to_datetime(own.loc[own["day"] > first, "day"]).dt.to_period("M").value_counts()
    assert (found["actual"].to_numpy() == actual.reindex(found.index.to_period("M"), fill_value=0)).all()
    assert found["actual"].sum() == customers["x"].sum()
    assert found["expected"].sum() == pytest.approx(
        TRUTH.expected_orders(customers["T"].to_numpy(float)).sum()
    )
    assert found["days"].sum() == customers["T"].max() + 1
    ends = [dt.date(2024, 2, 29), dt.date(2024, 3, 31)]
    age = [np.maximum((pd.Timestamp(end) - customers["first_on"]).dt.days, 0).to_numpy(float) for end in ends]
    march = (TRUTH.expected_orders(age[1]) - TRUTH.expected_orders(age[0])).sum()
    assert found.loc["2024-03-01", "expected"] == pytest.approx(march)


def test_months_without_purchases_are_there():
    days = [dt.date(2024, 1, 30), dt.date(2024, 2, 2), dt.date(2024, 12, 30)]
    lines = ibis.memtable(pd.DataFrame({"customer_id": "A", "day": days, "net_sales": 5.0}))
    found = repeats_by_month(TRUTH, lines, purchase_summary(lines, LAST), LAST)
    assert found.index[0] == pd.Timestamp(2024, 1, 1) and len(found) == 12
    assert found["actual"].tolist() == [0, 1] + [0] * 9 + [1]
    assert found["days"].iloc[0] == 2


def test_what_counts_as_a_purchase_is_for_the_caller_to_say():
    table = pd.DataFrame(
        {"customer_id": "A", "day": [dt.date(2024, m, 1) for m in (1, 3, 5)], "net_sales": [5.0, 0.0, 5.0]}
    )
    lines = ibis.memtable(table)
    for purchase, repeats in (("paid", 1), ("any", 2)):
        customers = purchase_summary(lines, LAST, purchase=purchase)
        assert repeats_by_month(TRUTH, lines, customers, LAST, purchase=purchase)["actual"].sum() == repeats


def test_a_last_day_before_the_first_purchases_is_refused():
    lines = ibis.memtable(drawn(1))
    customers = purchase_summary(lines, LAST)
    with pytest.raises(DataError, match="first_on"):
        repeats_by_month(TRUTH, lines, customers, dt.date(2023, 3, 1))
    with pytest.raises(DataError, match="first_on"):
        repeats_by_month(TRUTH, lines, customers[[]], LAST)
    with pytest.raises(DataError, match="0 customers"):
        repeats_by_month(TRUTH, lines, customers[:0], LAST)


def test_rates_are_those_of_a_general_optimiser():
    from scipy.optimize import minimize

    rng = np.random.default_rng(2)
    design = np.column_stack([np.ones(30), rng.standard_normal((30, 2))])
    expected = rng.uniform(5, 50, 30)
    actual = rng.negative_binomial(5, 0.2, 30).astype(float)

    def against(effects):
        mean = expected * np.exp(design @ effects)
        return (mean - actual * np.log(mean)).sum()

    found = fitted_rates(actual, expected, design)
    np.testing.assert_allclose(found.effects, minimize(against, np.zeros(3), tol=1e-10).x, atol=1e-4)
    assert found.free == 27 and found.dispersion > 1
    with pytest.raises(TooLittleData, match="3 months for 3 effects"):
        fitted_rates(actual[:3], expected[:3], design[:3])
    with pytest.raises(TooLittleData):
        fitted_rates(actual, expected, design[:, [0, 0]])


def test_the_test_of_effects_keeps_its_level_where_months_differ_by_more_than_chance():
    rng = np.random.default_rng(4)
    when = pd.date_range("2021-01-01", periods=48, freq="MS")
    plain = np.column_stack([np.ones(48), years_since(when)])
    full = np.column_stack([month_dummies(when), years_since(when)])
    expected = rng.uniform(40, 160, 48)
    p_values = []
    for _ in range(300):
        actual = rng.negative_binomial(expected / 2, 1 / 3).astype(float)
        p_values.append(
            gain_test(fitted_rates(actual, expected, plain), fitted_rates(actual, expected, full))[1]
        )
    assert kstest(p_values, "uniform").pvalue > 0.001


def test_months_and_days_are_counted():
    when = pd.date_range("2023-11-01", periods=14, freq="MS")
    assert month_dummies(when).sum() == 14 and month_dummies(when)[0].argmax() == 10
    assert np.diff(years_since(when)) == pytest.approx(1 / 12) and years_since(when).sum() == pytest.approx(0)
    assert days_by_month(dt.date(2024, 1, 31), 366).tolist() == [
        31,
        29,
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ]
    assert days_by_month(dt.date(2023, 12, 30), 2).tolist() == [1] + [0] * 10 + [1]
    months = pd.DataFrame({"actual": 1, "expected": [4.9, 5.0, 6.0]}, index=when[:3])
    assert len(enough(months)) == 2
