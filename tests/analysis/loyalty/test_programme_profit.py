"""The profit of a club by hand: effect, fees, rewards and discounts, and when it can be decided."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.ledger import order_lines
from crmlib.analysis.loyalty.membership import Club
from crmlib.analysis.loyalty.programme_profit import (
    DISCOUNTS,
    END,
    FEES,
    KEEP,
    MARGIN,
    NOT_KNOWN,
    PROFIT,
    REWARDS,
    programme_profit,
)
from crmlib.analysis.period import Period
from crmlib.errors import ParameterError, TooLittleData

YEAR = Period.ending(dt.date(2025, 12, 31), 12)


def effect(size=0.25, low=0.0, high=0.5, outcome="orders", influence=(0.1, -0.1)):
    return SimpleNamespace(
        effect=size, low=low, high=high, outcome=outcome, level=0.95, influence=np.array(influence)
    )


def members(fee=12.0):
    frame = pd.DataFrame(
        {
            "joined_on": pd.to_datetime(["2020-01-01", "2025-07-02", "2021-01-01"]),
            "ended_on": pd.to_datetime([None, None, "2024-12-31"]),
            "fee_per_year": [fee, 12.0, 12.0],
        },
        index=pd.Index(["A", "B", "C"], name="customer_id"),
    )
    return Club(frame, YEAR.last)


@pytest.fixture(scope="module")
def lines(build):
    def line(customer, day, net, discount=0):
        return {"customer_id": customer, "ordered_at": f"{day} 09:00:00", "net_amount": net,
                "cost_of_goods": net / 2, "discount_amount": discount}  # fmt: skip

    rows = [
        line("A", "2025-03-01", 400, 100),
        line("A", "2024-03-01", 999),  # another year
        line("B", "2025-07-01", 999),  # a day before joining
        line("B", "2025-07-02", 100),
        line("C", "2025-01-01", 999),  # a day after the end
        line("C", "2024-12-31", 60),  # the last day, in the year before
        line(None, "2025-05-01", 999),
        line("Z", "2025-05-01", 999),
    ]
    return order_lines(build("orders", rows), 0.5)


def test_by_hand(lines):
    """Members brought a margin of 250 in 1.5 years; at an effect of 25 % a fifth of it is the club's."""
    found = programme_profit(members(), lines, effect(), YEAR, reward_cost_per_year=20.0)
    assert found.members_margin == 250 and found.members_list_sales == 600
    assert found.member_years == pytest.approx(1.5, abs=0.002)
    table = found.table
    assert table.loc[MARGIN, ["total", "low", "high"]].tolist() == pytest.approx([50, 0, 250 / 3])
    assert table.loc[FEES, "total"] == pytest.approx(12 * found.member_years)
    assert table.loc[REWARDS, "total"] == pytest.approx(-20 * found.member_years)
    assert found.profit[0] == pytest.approx(50 - 8 * found.member_years)
    assert table.drop(index=PROFIT)["total"].sum() == pytest.approx(found.profit[0])
    assert table.loc[PROFIT, "per_member_year"] == pytest.approx(found.profit[0] / found.member_years)
    assert found.decision == NOT_KNOWN


def test_the_last_day_of_a_membership_counts(lines):
    before = Period.ending(dt.date(2024, 12, 31), 12)
    assert programme_profit(members(), lines, effect(), before, 0.0).members_margin == (999 + 60) / 2


def test_at_the_break_even_effect_nothing_is_earned(lines):
    even = programme_profit(members(), lines, effect(), YEAR, 20.0).break_even_effect
    at_it = programme_profit(members(), lines, effect(even, 0, 1), YEAR, 20.0)
    assert at_it.profit[0] == pytest.approx(0, abs=0.01) and even > 0


def test_a_cost_above_everything_has_no_break_even(lines):
    found = programme_profit(members(), lines, effect(), YEAR, 1000.0)
    assert found.break_even_effect == float("inf") and found.decision == END


def test_fees_above_rewards_keep_a_club_that_does_nothing(lines):
    assert programme_profit(members(), lines, effect(0, -0.001, 0.001), YEAR, 5.0).decision == KEEP


def test_cheaper_sales_that_came_anyway_are_a_cost(lines):
    """Without the club members would have paid 2 of 100 more: 12 on list sales of 600."""
    rise = SimpleNamespace(rise=0.02, low=0.01, high=0.03, influence=np.array([0.01, -0.01]))
    found = programme_profit(members(), lines, effect(), YEAR, 20.0, rise)
    assert found.table.loc[DISCOUNTS, ["total", "low", "high"]].tolist() == pytest.approx([-12, -18, -6])
    without = (250 + 12) / 1.25
    assert found.profit[0] == pytest.approx(250 - without - 8 * found.member_years)
    moved = (262 * 0.8 * 0.1 - 600 * 0.8 * 0.01) * np.sqrt(2)
    assert found.profit[2] - found.profit[0] == pytest.approx(1.959964 * moved, rel=1e-5)
    assert found.table.drop(index=PROFIT)["total"].sum() == pytest.approx(found.profit[0])


def test_fees_that_are_not_known_count_as_nothing_and_it_is_said(lines):
    found = programme_profit(members(fee=np.nan), lines, effect(), YEAR, 20.0)
    assert not found.fees_known
    assert found.table.loc[FEES, "total"] == pytest.approx(12 * 183 / 365.25, rel=0.01)


def test_what_makes_no_sense_is_refused(lines):
    with pytest.raises(ParameterError, match="reward_cost_per_year = -1"):
        programme_profit(members(), lines, effect(), YEAR, -1.0)
    rise = SimpleNamespace(rise=0.0, low=0.0, high=0.0, influence=np.zeros(2))
    with pytest.raises(ParameterError, match="effect on margin"):
        programme_profit(members(), lines, effect(outcome="margin"), YEAR, 1.0, rise)
    early = Period.ending(dt.date(2019, 12, 31), 12)
    with pytest.raises(TooLittleData, match="no member"):
        programme_profit(members(), lines, effect(), early, 1.0)
