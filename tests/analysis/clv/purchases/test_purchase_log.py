"""The log of purchase days: the same numbers as the summaries that ask the engine each time."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.purchases.purchase_log import PurchaseLog
from crmlib.analysis.clv.purchases.summary import last_gaps, purchase_summary, purchases_in
from crmlib.analysis.period import Period
from crmlib.errors import ParameterError, TooLittleData

START, AS_OF = dt.date(2025, 1, 1), dt.date(2025, 12, 31)


def drawn(seed, rows=400, customers=40):
    """Order lines with returns, gifts, several lines a day, anonymous sales, and days after `AS_OF`."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, customers + 4, rows)
    return pd.DataFrame(
        {
            "customer_id": [f"Kä{number}" if number < customers else None for number in numbers],
            "day": [START + dt.timedelta(days=int(d)) for d in rng.integers(0, 60, rows) * 7],
            "net_sales": rng.choice([-20.0, -5.5, 0.0, 5.5, 33.33], rows, p=[0.08, 0.07, 0.15, 0.4, 0.3]),
        }
    )


@pytest.mark.parametrize("purchase", ["paid", "bought", "any"])
@pytest.mark.parametrize("until", [AS_OF, dt.date(2025, 6, 30)])
@pytest.mark.parametrize("since", [None, dt.date(2025, 2, 1)])
@pytest.mark.parametrize("money_over", ["all", "repeats"])
def test_histories_are_those_of_the_summary(purchase, until, since, money_over):
    lines = ibis.memtable(drawn(1))
    found = PurchaseLog.of(lines, AS_OF, since=since, purchase=purchase).until(until).histories(money_over)
    expected = purchase_summary(
        lines, AS_OF, until=until, since=since, purchase=purchase, money_over=money_over
    )
    names = ["x", "t_x", "T", "n", "money", "returned"]
    assert len(expected) > 10
    pd.testing.assert_frame_equal(found[names], expected[names])
    gaps = last_gaps(lines, AS_OF, until=until, purchase=purchase).loc[found.index]
    np.testing.assert_allclose(found["log_itts"], gaps["log_itts"], atol=1e-8)
    days = pd.to_datetime("1970-01-01") + pd.to_timedelta(found["first_day"], unit="D")
    assert (days == expected["first_on"]).all()
    assert (found["recency_days"] == found["T"] - found["t_x"]).all()


@pytest.mark.parametrize("purchase", ["paid", "bought", "any"])
def test_sums_are_those_of_a_period_with_what_came_back(purchase):
    lines, period = ibis.memtable(drawn(2)), Period(dt.date(2025, 3, 1), dt.date(2025, 8, 31), 6)
    customers = pd.Index(["Kä3", "nobody", "Kä12", "Kä0"], name="customer_id")
    found = PurchaseLog.of(lines, AS_OF, purchase=purchase).sums(period.first, period.last, customers)
    expected = purchases_in(lines, period, purchase=purchase, customers=customers)
    assert found["purchases"].to_list() == expected["purchases"].to_list()
    np.testing.assert_allclose(found["money"], expected["net_sales"] + expected["returned"], atol=1e-9)
    assert found.loc["nobody"].eq(0).all()


def test_the_order_of_lines_and_what_comes_later_change_nothing():
    table = drawn(3)
    later = table[table["day"] > dt.date(2025, 6, 30)]
    one = PurchaseLog.of(ibis.memtable(table), AS_OF).until(dt.date(2025, 6, 30)).histories()
    other = PurchaseLog.of(
        ibis.memtable(table.drop(later.index).sample(frac=1, random_state=1)), dt.date(2025, 6, 30)
    )
    pd.testing.assert_frame_equal(one, other.histories())


def test_the_data_begin_with_the_first_line_or_when_the_first_purchase_can_be_trusted():
    lines = ibis.memtable(drawn(1))
    assert PurchaseLog.of(lines, AS_OF).first == START
    assert PurchaseLog.of(lines, AS_OF, since=dt.date(2025, 3, 5)).first == dt.date(2025, 3, 5)


def test_without_known_customers_there_is_no_log():
    with pytest.raises(TooLittleData, match="no line of a known customer up to 2024-12-31"):
        PurchaseLog.of(ibis.memtable(drawn(1)), dt.date(2024, 12, 31))
    with pytest.raises(ParameterError, match="purchase = 'orders'"):
        PurchaseLog.of(ibis.memtable(drawn(1)), AS_OF, purchase="orders")


def test_customers_who_only_send_back_have_no_history():
    table = pd.DataFrame({"customer_id": ["A", "B"], "day": [START] * 2, "net_sales": [-3.0, 4.0]})
    log = PurchaseLog.of(ibis.memtable(table), AS_OF)
    assert list(log.histories().index) == ["B"]
    assert PurchaseLog.of(ibis.memtable(table[:1]), AS_OF).histories().empty
