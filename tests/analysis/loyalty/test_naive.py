"""The usual comparisons are wrong in the direction they are said to be wrong in."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.loyalty.naive import ALIKE, BEFORE, FLAWS, MEMBERS, PLAIN, naive_comparisons
from crmlib.analysis.loyalty.panel import NEVER, ClubPanel

TRUE = 0.08


@pytest.fixture(scope="module")
def compared(big_club):
    return naive_comparisons(big_club)


def test_each_comparison_misses_the_truth_on_its_own_side(compared):
    assert list(compared.index) == [MEMBERS, BEFORE, ALIKE, PLAIN]
    assert compared.loc[MEMBERS, "low"] > 10 * TRUE
    assert compared.loc[[ALIKE, PLAIN], "low"].min() > TRUE
    assert compared.loc[BEFORE, "high"] < TRUE
    assert compared["flaw"].to_dict() == FLAWS


def test_members_against_others_by_hand():
    """Last 12 months of 24: a member with 2 orders in 12 months, others with 1 in 12, 30 of each."""
    people = pd.DataFrame(
        {"begins": 0, "proven": 22, "joined": [-1, NEVER] * 30, "left": NEVER},
        index=pd.Index([f"C{n}" for n in range(60)], name="customer_id"),
    )
    who = np.repeat(np.arange(60), 2)
    rows = pd.DataFrame({"customer": who, "month": np.tile([3, 20], 60), "orders": 1.0 + (who % 2 == 0)})
    panel = ClubPanel(pd.period_range("2024-01", periods=24, freq="M"), people, rows)
    found = naive_comparisons(panel)
    assert list(found.index) == [MEMBERS]  # nobody joined within the data
    assert found.loc[MEMBERS, "effect"] == pytest.approx(1.0)


def test_the_month_of_joining_counts_for_neither_side():
    people = pd.DataFrame(
        {"begins": 0, "proven": 22, "joined": 18, "left": NEVER},
        index=pd.Index([f"C{n}" for n in range(40)], name="customer_id"),
    )
    rows = pd.DataFrame({"customer": np.repeat(np.arange(40), 3), "month": np.tile([14, 18, 20], 40)})
    rows["orders"] = np.where(rows["month"] == 18, 9.0, 3.0)
    panel = ClubPanel(pd.period_range("2024-01", periods=24, freq="M"), people, rows)
    # 3 orders in the 6 months 12 to 17 as another, 3 in the 5 months 19 to 23 as a member.
    assert naive_comparisons(panel).loc[MEMBERS, "effect"] == pytest.approx(6 / 5 - 1)


def test_a_member_who_left_is_one_of_the_others_again():
    people = pd.DataFrame(
        {"begins": 0, "proven": 22, "joined": -1, "left": 17},
        index=pd.Index([f"C{n}" for n in range(40)], name="customer_id"),
    )
    rows = pd.DataFrame({"customer": np.repeat(np.arange(40), 2), "month": np.tile([15, 20], 40)})
    rows["orders"] = np.where(rows["month"] == 15, 3.0, 1.0)
    panel = ClubPanel(pd.period_range("2024-01", periods=24, freq="M"), people, rows)
    # Months 12 to 17 as a member with 3 orders, 18 to 23 as another with 1.
    assert naive_comparisons(panel).loc[MEMBERS, "effect"] == pytest.approx(2.0)


def test_joiners_after_against_before_by_hand():
    people = pd.DataFrame(
        {"begins": 2, "proven": 22, "joined": 12, "left": 15},
        index=pd.Index([f"C{n}" for n in range(40)], name="customer_id"),
    )
    rows = pd.DataFrame({"customer": np.repeat(np.arange(40), 4), "month": np.tile([1, 5, 12, 14], 40)})
    rows["orders"] = np.tile([9.0, 5.0, 9.0, 3.0], 40)
    panel = ClubPanel(pd.period_range("2024-01", periods=24, freq="M"), people, rows)
    # 3 orders in the 3 months 13 to 15, 5 in the 10 months 2 to 11.
    assert naive_comparisons(panel).loc[BEFORE, "effect"] == pytest.approx((3 / 3) / (5 / 10) - 1)


def test_joiners_against_others_with_as_many_orders_by_hand():
    """All had 2 orders in 12 months. Joiners make 4 in the 6 months up to leaving; others 2 in the 4 before they join."""
    kinds = {"joins": (0, 22, 12, 18), "later": (0, 22, 17, NEVER), "fewer": (0, 22, NEVER, NEVER)}
    orders = {"joins": {3: 2, 14: 4, 20: 9}, "later": {3: 2, 14: 2, 20: 9}, "fewer": {3: 1, 14: 7}}
    people = pd.DataFrame(list(kinds.values()) * 40, columns=["begins", "proven", "joined", "left"])
    people.index = pd.Index([f"C{n:03d}" for n in range(120)], name="customer_id")
    rows = [(n, month, count) for n in range(120) for month, count in list(orders.values())[n % 3].items()]
    panel = ClubPanel(
        pd.period_range("2024-01", periods=24, freq="M"),
        people,
        pd.DataFrame(rows, columns=["customer", "month", "orders"]).astype({"orders": float}),
    )
    # The later ones, when they join, have nobody with as many orders to be compared with.
    assert naive_comparisons(panel).loc[ALIKE, "effect"] == pytest.approx((4 / 6) / (2 / 4) - 1)


def test_without_selection_and_leaving_all_agree(loyal):
    panel = loyal.drawn(size=20_000, seed=9, leaving=0.0, selection=0.0)
    found = naive_comparisons(panel)
    for name in (MEMBERS, ALIKE, PLAIN):
        assert found.loc[name, "low"] - 0.03 < TRUE < found.loc[name, "high"] + 0.03


def test_what_cannot_be_compared_is_left_out(loyal):
    panel = loyal.drawn(size=200, seed=9)
    nobody = replace(panel, customers=panel.customers.assign(joined=NEVER))
    assert naive_comparisons(nobody).empty
