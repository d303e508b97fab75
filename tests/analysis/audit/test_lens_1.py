"""Lens 1 on real files: factors, averages, distributions and tenths, each worked a second way."""

import math
from collections import Counter
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.one_period import (
    active,
    averages_two_ways,
    money_distribution,
    order_distribution,
    profit_factors,
    tenths,
    tenths_of_profit,
)


def test_the_four_factors_multiply_to_the_whole_profit(change):
    raw = change.plain_now
    buyers, orders = (raw["orders"] > 0).sum(), raw["orders"].sum()
    sales, profit = raw["net_sales"].sum(), raw["profit"].sum()
    found = profit_factors(change.now)
    expected = [buyers, orders / buyers, sales / orders, profit / sales]
    assert found.tolist() == pytest.approx(expected, rel=1e-9)
    assert round(found.prod(), 2) == round(profit, 2)


def test_averages_as_ratios_of_totals_and_as_means_of_ratios(change):
    sums, values, margins = [0, 0.0, 0.0], [], []
    for row in change.plain_now.itertuples():
        sums = [sums[0] + row.orders, sums[1] + row.net_sales, sums[2] + row.profit]
        if row.orders:
            values.append(row.net_sales / row.orders)
            if round(row.net_sales, 6) > 0:
                margins.append(row.profit / row.net_sales)
    table = averages_two_ways(change.now)
    assert table.loc["order_value"].tolist() == pytest.approx(
        [sums[1] / sums[0], math.fsum(values) / len(values)]
    )
    assert table.loc["margin"].tolist() == pytest.approx(
        [sums[2] / sums[1], math.fsum(margins) / len(margins)]
    )


def test_the_distribution_of_orders_counts_every_active_customer_once(change):
    counts = Counter(change.plain_now["orders"])
    table = order_distribution(change.now["orders"]).set_index("label")["customers"]
    expected = {str(n): counts[n] for n in range(1, 6)}
    expected |= {"6–10": sum(counts[n] for n in range(6, 11)), "11–20": sum(counts[n] for n in range(11, 21)),
                 "21+": sum(count for n, count in counts.items() if n > 20)}  # fmt: skip
    assert table.to_dict() == {label: expected[label] for label in table.index}
    assert table.sum() == len(active(change.now)) == sum(c for n, c in counts.items() if n > 0)


@pytest.mark.parametrize("column", ["net_sales", "profit"])
def test_the_distribution_of_money_counts_every_customer_once(change, column):
    values = change.plain_now[column].round(6)
    table = money_distribution(change.now[column])
    assert table["low"].tolist()[1:] == table["high"].tolist()[:-1]
    for row in table.itertuples():
        assert row.customers == sum(row.low <= value < row.high for value in values)
        assert row.marked == (row.high <= 0)
    assert table["customers"].sum() == len(values)


def test_no_bin_of_money_is_narrower_than_a_cent():
    table = money_distribution(pd.Series([0.004, 0.008, 0.012, 0.03]))
    assert table["low"].tolist() == [0.0, 0.01, 0.02, 0.03] and table["customers"].tolist() == [2, 1, 0, 1]


def second_tenths(values: pd.Series) -> pd.Series:
    """A customer's place is that of the middle of those with the same value; places are cut in ten."""
    ordered = np.sort(values.to_numpy())
    higher = len(ordered) - np.searchsorted(ordered, values.to_numpy(), side="right")
    equal = len(ordered) - higher - np.searchsorted(ordered, values.to_numpy(), side="left")
    twice = 2 * higher + equal + 1
    return pd.Series(
        [min(10, max(1, -(-int(t) * 10 // (2 * len(ordered))))) for t in twice], index=values.index
    )


@pytest.mark.parametrize("by", ["profit", "net_sales"])
def test_tenths_hold_everybody_and_all_the_money(change, money, by):
    raw = change.plain_now.round(6)
    tenth = second_tenths(raw[by])
    found, groups = tenths(change.now, by), raw.groupby(tenth.rename("tenth"))
    assert found["customers"].to_dict() == groups.size().to_dict()
    money(found[["orders", "net_sales", "profit"]], groups[["orders", "net_sales", "profit"]].sum())
    assert found["customers"].sum() == len(raw)
    assert round(found["profit"].sum(), 2) == round(raw["profit"].sum(), 2)
    money(found["share"], groups["profit"].sum() / raw["profit"].sum(), cents=1e-9)


def test_tenths_of_profit_are_filled_from_the_best_customer_on(change):
    """One customer after the other, in exact decimals."""
    ordered = sorted((Decimal(str(value)) for value in change.plain_now["profit"].round(6)), reverse=True)
    total, earned, parts, sums = sum(ordered), Decimal(0), Counter(), Counter()
    for profit in ordered:
        if profit < 0:
            part = "loss"
        elif profit == 0:
            part = "nothing"
        elif earned >= total:
            part = "beyond"
        else:
            part = f"tenth {int(earned * 10 / total) + 1}"
        parts[part] += 1
        sums[part] += profit
        earned += profit
    table = tenths_of_profit(change.now["profit"]).set_index("part")
    assert table["customers"].to_dict() == {part: parts[part] for part in table.index}
    assert set(parts) <= set(table.index)
    assert table["profit"].tolist() == pytest.approx([float(sums[part]) for part in table.index], abs=1e-4)
    assert round(table["profit"].sum(), 2) == round(float(total), 2)
