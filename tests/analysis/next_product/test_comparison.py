"""Methods tried on next orders: measures by hand, and the rule that simple methods stay unless beaten beyond chance."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.next_product import comparison
from crmlib.analysis.next_product.comparison import compare_methods
from crmlib.analysis.next_product.methods import BEFORE, NEXT, NOT_YET, POPULAR, TOGETHER
from crmlib.errors import TooLittleData


def compared(buyers, rule, **options):
    return compare_methods(buyers.drawn(rule), buyers.DAY - 60, buyers.DAY, **options)


@pytest.fixture(scope="module")
def taste(buyers):
    return compared(buyers, "taste")


def test_tastes_are_found_by_what_is_bought_together(taste):
    assert taste.best == taste.simplest == TOGETHER
    assert taste.table.loc[NOT_YET, "behind_high"] < 0


def test_chains_are_found_by_what_is_bought_next(buyers):
    found = compared(buyers, "chain", new_only=False, top=2)
    assert found.best == found.simplest == NEXT
    assert found.table.loc[NEXT, "hit_rate"] > 0.6


def test_where_there_is_no_rule_what_sells_most_stays(buyers):
    assert compared(buyers, "chance", new_only=False).simplest == POPULAR
    assert compared(buyers, "chance").simplest in (POPULAR, NOT_YET)


def test_measures_by_hand(buyers):
    """120 customers bought item 0, 60 of them item 1 too. Next come 1 and 3, for all who have not bought 1."""
    rows = [(n, 1000, 0) for n in range(240)] + [(n, 1001, 1) for n in range(120)]
    rows += [(n, 1010, item) for n in range(240) for item in (1, 3)]
    found = compare_methods(buyers.laid_out(rows, items=4), 1005, 1020, top=1).table
    # Customers 0 to 119 get item 2 or 3 offered first: both unknown, so a tie that hits or not for all of them.
    assert found.loc[NOT_YET, "hit_rate"] >= 0.5
    assert found.loc[POPULAR, "hit_rate"] == 0  # item 0, which nobody buys next
    assert found.loc[POPULAR, "coverage"] == 0.25
    late = compare_methods(buyers.laid_out(rows, items=4), 1005, 1020, top=2, new_only=False).table
    # Popular offers 0 and 1 to all; the next order is 1 and 3: a hit in place 2, half of it foreseen.
    assert late.loc[POPULAR, ["hit_rate", "recall", "reciprocal_rank"]].tolist() == [1.0, 0.5, 0.5]
    # The first half bought 0 and 1 once: a tie that goes to 0, which sells more.
    assert late.loc[BEFORE, "hit_rate"] == 1.0


def test_intervals_hold_the_rate_and_differences_are_within_customers(taste):
    table = taste.table
    assert (table["low"] < table["hit_rate"]).all() and (table["hit_rate"] < table["high"]).all()
    wide = (table["high"] - table["low"]) / 2
    assert wide.loc[TOGETHER] == pytest.approx(
        1.96
        * np.sqrt(table.loc[TOGETHER, "hit_rate"] * (1 - table.loc[TOGETHER, "hit_rate"]) / taste.customers),
        rel=0.2,
    )
    assert table.loc[taste.best, ["behind_best", "behind_low", "behind_high"]].tolist() == [0, 0, 0]


def test_nothing_after_the_test_and_no_name_matters(buyers, taste):
    base = buyers.drawn("taste")
    rows = np.column_stack([base.customer, base.day, base.item])
    later = np.column_stack([base.customer, base.day + 1000, (base.item + 1) % buyers.ITEMS])
    again = compare_methods(buyers.laid_out(np.vstack([rows, later])), buyers.DAY - 60, buyers.DAY)
    pd.testing.assert_frame_equal(again.table, taste.table)


def test_a_next_order_without_anything_new_counts_only_if_all_items_do(buyers):
    rows = [(n, day, 0) for n in range(150) for day in (1000, 1010)] + [(n, 990, 1) for n in range(150)]
    histories = buyers.laid_out(rows, items=3)
    with pytest.raises(TooLittleData, match="0 customers with a next order of something new"):
        compare_methods(histories, 1005, 1020, top=1)
    assert compare_methods(histories, 1005, 1020, top=1, new_only=False).customers == 150


def test_of_many_customers_a_part_is_drawn(buyers, monkeypatch, taste):
    monkeypatch.setattr(comparison, "MOST_CUSTOMERS", 400)
    part = compared(buyers, "taste")
    assert part.customers <= 400 < taste.customers and part.simplest == TOGETHER
