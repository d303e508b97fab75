"""Pairs of periods: features of one day, the profit that followed, and no look ahead."""

import datetime as dt

import pandas as pd
import pytest

from crmlib.analysis.churn.activity import customer_activity
from crmlib.analysis.churn.point_in_time import known_until
from crmlib.analysis.ledger import order_lines
from crmlib.analysis.period import Period
from crmlib.analysis.profitability import profit_in
from crmlib.analysis.segments.customer_features import features_on
from crmlib.analysis.segments.period_pairs import next_period_pairs, reaches_back

LAST = Period(dt.date(2026, 1, 1), dt.date(2026, 4, 30), 4)


@pytest.fixture(scope="module")
def pairs(tables, untidy):
    rows = vars(untidy(8))
    made = tables(**rows)
    activity = customer_activity(made, dt.date(2026, 6, 30), 0.35)
    lines = order_lines(made("orders"), 0.35)
    return made, lines, next_period_pairs(made, activity, lines, LAST)


def test_two_neighbouring_pairs_know_their_own_days_only(pairs):
    made, _, (later, earlier) = pairs
    assert (later.known, later.next) == (LAST.previous(), LAST)
    assert (earlier.known, earlier.next) == (LAST.previous().previous(), LAST.previous())
    for pair in (later, earlier):
        cut = known_until(made, pair.known.last)
        activity = customer_activity(cut, pair.known.last, 0.35)
        alone = features_on(cut, activity, pair.known)
        alone = alone[alone["frequency"] > 0].drop(columns="money")
        pd.testing.assert_frame_equal(pair.features.drop(columns="money"), alone)
        people = profit_in(cut, order_lines(cut("orders"), 0.35), pair.known)
        assert (pair.features["frequency"] > 0).all() and len(pair.features) > 10
        expected = people["profit"] + people["acquisition_cost"]
        assert pair.features["money"].to_numpy() == pytest.approx(expected.reindex(pair.features.index))


def test_the_profit_that_followed_has_no_cost_of_winning_and_is_nothing_for_who_stayed_away(pairs):
    made, lines, (later, _) = pairs
    people = profit_in(made, lines, LAST)
    expected = (people["profit"] + people["acquisition_cost"]).reindex(later.features.index)
    assert later.later.index.equals(later.features.index)
    assert later.later.to_numpy() == pytest.approx(expected.fillna(0).to_numpy())
    assert people["acquisition_cost"].sum() > 0 and (expected.isna().any() or (later.later == 0).any())


def test_a_short_history_has_one_pair(pairs):
    made, lines, _ = pairs
    activity = customer_activity(made, dt.date(2026, 6, 30), 0.35)
    later, earlier = next_period_pairs(made, activity, lines, Period.ending(dt.date(2026, 4, 30), 6))
    assert earlier is None and isinstance(later.later, pd.Series)


def test_some_closed_days_at_the_start_do_not_shorten_what_was_seen(tables):
    rows = [{"customer_id": "A", "ordered_at": "2025-01-19 10:00:00", "net_amount": "5"}]
    activity = customer_activity(tables(orders=rows), dt.date(2026, 6, 30), 0.35)
    assert reaches_back(activity, Period.ending(dt.date(2025, 12, 31), 12))
    assert not reaches_back(activity, Period.ending(dt.date(2025, 12, 30), 13))
