"""The product to offer next: found where there is enough to learn from, and left out where there is not."""

from datetime import date, timedelta

import pytest

from crmlib.analysis.actions.recommended import recommended

TODAY = date(2026, 6, 30)


@pytest.fixture(scope="module")
def orders(build):
    """Whoever buys a cup buys the saucer of the same kind some time within a year."""
    rows = []
    for number in range(1800):
        kind, begin = number % 3, TODAY - timedelta(days=number % 900)
        for product, day in (("cup", begin), ("saucer", begin + timedelta(days=20 + number * 7 % 360))):
            if day <= TODAY:
                rows.append({
                    "customer_id": f"C{number}", "ordered_at": str(day), "product_id": f"{product}{kind}", "net_amount": "9"
                })  # fmt: skip
    return build("orders", rows)


def test_what_goes_together_is_found_and_offered(orders):
    found = recommended(orders, None, TODAY, 0.5)
    table = found.choice.tested_on.table
    assert found.choice.beats_popular and table.loc[found.choice.method, "hit_rate"] > 0.9
    assert found.offers["product_id"].notna().all() and (found.offers["probability"] > 0).all()


def test_too_little_to_learn_from_is_no_recommendation(orders, build):
    assert recommended(orders.filter(orders.customer_id.isin(["C1", "C2"])), None, TODAY, 0.5) is None
    assert recommended(orders.drop("product_id"), None, TODAY, 0.5) is None
