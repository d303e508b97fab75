"""States on two days: the earlier one knows nothing of the later, and the rules are the same."""

import datetime as dt

import pandas as pd
import pytest

from crmlib.analysis.churn.activity import customer_activity
from crmlib.analysis.churn.point_in_time import known_until
from crmlib.analysis.ledger import order_lines
from crmlib.analysis.period import Period
from crmlib.analysis.profitability import profit_in
from crmlib.analysis.segments.customer_features import features_on
from crmlib.analysis.segments.direction_change import direction_change
from crmlib.analysis.segments.directions import direction_rules, directions
from crmlib.analysis.segments.voices import voices_on
from crmlib.errors import TooLittleData

PERIOD = Period(dt.date(2025, 11, 1), dt.date(2026, 4, 30), 6)


@pytest.fixture(scope="module")
def firm(tables, untidy):
    rows = untidy(11, customers=60, lines=420)
    said = [
        {"customer_id": f"K{i:02d}", "answered_on": f"2025-{i % 12 + 1:02d}-09", "recommend_0_10": 5 + i % 6}
        for i in range(40)
    ]
    return tables(**vars(rows), survey=said)


def change(made, **options):
    activity = customer_activity(made, dt.date(2026, 6, 30), 0.35)
    return direction_change(made, activity, order_lines(made("orders"), 0.35), PERIOD, **options)


def test_the_state_a_period_ago_is_what_would_have_been_said_then(firm):
    found = change(firm, silent_days=120, window_days=60)
    day = PERIOD.previous().last
    then = known_until(firm, day)
    features = features_on(then, customer_activity(then, day, 0.35), PERIOD.previous())
    profit = profit_in(then, order_lines(then("orders"), 0.35), PERIOD.previous())
    profit = (profit["profit"] + profit["acquisition_cost"]).reindex(features.index).fillna(0)
    features["expected_profit"] = (profit * features["active_chance"]).round(6)
    assert (profit < features["money"] - 1).any() and (profit < 0).any()
    rules = direction_rules(features, "expected_profit", 0.2, 60, 120)
    alone = directions(features, rules, voices_on(then, day).customers)
    assert found.rules == rules and found.before.customers["state"].nunique() > 3
    pd.testing.assert_frame_equal(found.before.customers, alone.customers)


def test_everybody_known_by_the_end_is_counted_once(firm):
    found = change(firm)
    assert found.moves.counts.to_numpy().sum() == len(found.after.customers)
    won = found.after.customers.index.difference(found.before.customers.index)
    assert found.moves.counts.loc["new"].sum() == len(won) > 0
    assert found.before.rules == found.after.rules == found.rules
    assert found.after.left_out == ("referrals", "reviews")


def test_without_a_model_of_buying_the_profit_stands_alone(tables):
    rows = [
        {"customer_id": who, "ordered_at": f"{day} 10:00:00", "net_amount": amount}
        for who, day, amount in [("A", "2025-05-03", 10), ("B", "2025-07-01", 90), ("A", "2026-02-01", 40)]
    ]
    made = tables(orders=rows)
    activity = customer_activity(made, dt.date(2026, 6, 30), 0.5)
    found = direction_change(made, activity, order_lines(made("orders"), 0.5), PERIOD)
    assert found.rules.value == "profit" and found.rules.first_rank == 45
    assert found.before.customers["state"].to_dict() == {"A": "steady", "B": "keep"}
    assert found.after.customers["state"].to_dict() == {"A": "steady", "B": "resting"}
    assert found.moves.counts.loc["keep", "resting"] == 1


def test_one_period_of_data_is_too_little(firm):
    late = Period.ending(dt.date(2025, 12, 31), 12)
    with pytest.raises(TooLittleData, match="two periods"):
        direction_change(firm, customer_activity(firm, dt.date(2026, 6, 30), 0.35), firm("orders"), late)
