"""Features of orders by hand, on days before and after the purchases."""

from datetime import date

import numpy as np
import pytest

from crmlib.analysis.churn.activity import customer_activity, number_of
from crmlib.analysis.churn.purchase_features import (
    breadth_on,
    features_of_orders,
    histories_on,
    length_of,
    recent_half,
)

LINES = [
    ("A", "2025-01-10", "100", "20", "web", "P1"),
    ("A", "2025-05-10", "60", "0", "shop", "P2"),
    ("A", "2025-06-10", "-30", "0", "shop", "P2"),
    ("A", "2025-11-10", "40", "10", "shop", "P1"),
    ("B", "2025-12-01", "50", "0", "web", None),
]
ORDERS = [
    {"customer_id": who, "ordered_at": day, "net_amount": net, "discount_amount": off, "channel": channel,
     "product_id": product}
    for who, day, net, off, channel, product in LINES
]  # fmt: skip
DAY, EARLY = number_of(date(2025, 12, 31)), number_of(date(2025, 5, 9))


@pytest.fixture(scope="module")
def made(tables):
    activity = customer_activity(tables(orders=ORDERS), date(2026, 6, 30), 0.5)
    known = histories_on(activity, [EARLY, DAY], (3, 12))
    found = {
        n: features_of_orders(part, n, (3, 12), np.full(len(part["who"]), np.nan))
        for n, part in known.items()
    }
    return known, found, breadth_on({}.get, activity, [DAY], 12)


def test_a_year_by_hand(made):
    found = made[1][DAY]
    assert found["recency_days"].tolist() == [51, 30]
    assert found["tenure_days"].tolist() == [355, 30]
    np.testing.assert_array_equal(found["cadence_days"], [(120 + 184) / 2, np.nan])
    np.testing.assert_allclose(found["cadence_ratio"], [51 / 152, np.nan], atol=1e-6)
    np.testing.assert_array_equal(found["longest_gap_days"], [184, np.nan])
    assert found["orders_3m"].tolist() == [1, 1] and found["orders_12m"].tolist() == [3, 1]
    assert found["net_sales_12m"].tolist() == [170, 50] and found["gross_margin_3m"].tolist() == [20, 25]
    np.testing.assert_allclose(found["trend_orders"], [(1 - 2) / 3, 1], atol=1e-6)
    np.testing.assert_allclose(found["trend_sales"], [(40 - 130) / 170, 1], atol=1e-6)
    np.testing.assert_allclose(found["return_share"], [30 / 200, 0], atol=1e-6)
    np.testing.assert_allclose(found["discount_share"], [30 / 230, 0], atol=1e-6)


def test_the_day_before_the_second_purchase_knows_of_one(made):
    known, found, _ = made
    assert known[EARLY]["who"].tolist() == [0] and known[EARLY]["purchases"].tolist() == [1]
    assert np.isnan(found[EARLY]["cadence_days"]).all() and found[EARLY]["recency_days"].tolist() == [119]


def test_breadth_and_the_channel_of_most_days(made):
    breadth = made[2][DAY]
    assert breadth["products"].tolist() == [2, 0] and breadth["channels"].tolist() == [2, 1]
    assert breadth["main_channel"].tolist() == ["shop", "web"]


def test_a_day_of_winning_counts_if_it_is_known_by_then(made):
    known = made[0][DAY]
    found = features_of_orders(known, DAY, (3, 12), np.array([DAY - 900.0, DAY + 5.0]))
    assert found["tenure_days"].tolist() == [900, 30]


def test_stretches_are_whole_days():
    assert [length_of(months) for months in (1, 3, 6, 12)] == [30, 91, 182, 365]
    assert [recent_half(months) for months in (1, 5, 12)] == [1, 2, 6]
