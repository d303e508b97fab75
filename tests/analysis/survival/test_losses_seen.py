"""Contractual churn: counted by hand, windows that end with a month, and which question the tables allow."""

import datetime as dt

import pandas as pd
import pytest

from crmlib.analysis.intervals import wilson_interval
from crmlib.analysis.survival.losses_seen import contractual_churn, kind_of_loss
from crmlib.errors import ParameterError, TooLittleData

AS_OF = dt.date(2025, 12, 31)


def contracts(**columns):
    """30 that run, 6 that ended within the year, 2 before it, 3 that began in it (one of these ended)."""
    rows = [("2020-01-01", None)] * 30
    rows += [("2023-05-01", "2025-01-01")] * 3 + [("2023-05-01", "2025-12-31")] * 3
    rows += [("2020-01-01", "2024-12-31"), ("2020-01-01", "2023-06-30")]
    rows += [("2025-02-01", None), ("2025-03-01", "2025-06-30"), ("2024-12-31", "2026-01-01")]
    frame = pd.DataFrame(rows, columns=["started_on", "ended_on"])
    frame["contract_id"] = frame["customer_id"] = [f"K{n:02d}" for n in range(len(frame))]
    return frame.assign(**columns)


def test_churn_is_who_ran_at_the_beginning_and_ended_by_the_end():
    found = contractual_churn(contracts(fee=10.0, period_months=1), AS_OF)
    # The last one began on the evening the count begins and ends after the last known day: it runs.
    assert (found.since, found.running_before, found.ended) == (dt.date(2024, 12, 31), 37, 6)
    assert found.rate == pytest.approx(6 / 37, rel=1e-5)
    assert (found.low, found.high) == pytest.approx(wilson_interval(6, 37), rel=1e-5)
    assert (found.fee_before, found.fee_lost, found.signed) == (37 * 120.0, 720.0, 2)
    assert (found.running_now, found.fee_now) == (32, 32 * 120.0)
    assert "2024-12-31" in found.definition and "2025-12-31" in found.definition


def test_what_runs_now_is_what_ran_less_the_lost_plus_the_signed_that_stayed():
    found = contractual_churn(contracts(), AS_OF)
    assert found.running_now == found.running_before - found.ended + 1  # of two signed, one has ended
    assert found.fee_before != found.fee_before and found.fee_rate != found.fee_rate  # no fee is known


def test_fees_weigh_the_large_contracts():
    fees = [10.0] * 30 + [1000.0] * 6 + [10.0] * 5
    found = contractual_churn(contracts(fee=fees, period_months=12), AS_OF)
    assert (
        found.fee_rate == pytest.approx(6000 / 6310, rel=1e-5)
        and found.fee_low < found.fee_rate < found.fee_high
    )


@pytest.mark.parametrize(
    ("months", "since"), [(1, "2025-11-30"), (6, "2025-06-30"), (12, "2024-12-31"), (24, "2023-12-31")]
)
def test_windows_end_and_begin_with_a_month(months, since):
    assert contractual_churn(contracts(), AS_OF, months).since.isoformat() == since


def test_what_comes_later_changes_nothing():
    table = contracts(fee=1.0)
    later = table.assign(ended_on=table["ended_on"].where(table["ended_on"] <= "2025-12-31", "2026-02-01"))
    assert contractual_churn(table, AS_OF).ended == contractual_churn(later, AS_OF).ended


def test_too_few_and_no_window_are_refused():
    with pytest.raises(TooLittleData, match="contracts that ran on 2018-12-31"):
        contractual_churn(contracts(), dt.date(2019, 12, 31))
    with pytest.raises(ParameterError, match="months = 0"):
        contractual_churn(contracts(), AS_OF, 0)


def test_the_kind_of_loss_follows_from_the_tables():
    table = contracts()
    ids = table["customer_id"]
    assert kind_of_loss(table, ids, AS_OF).kind == "contractual"
    some = kind_of_loss(table, pd.concat([ids, pd.Series(["x"] * 3 + ["y", "z"])]).drop_duplicates(), AS_OF)
    assert (some.kind, some.under_contract, some.customers) == ("mixed", 41, 44)
    assert kind_of_loss(None, ids, AS_OF).kind == "non-contractual"
    assert kind_of_loss(table.assign(ended_on=None), ids, AS_OF).kind == "non-contractual"
    assert kind_of_loss(table.drop(columns="ended_on"), ids, AS_OF).share == 0
    assert kind_of_loss(table, ids, dt.date(2021, 1, 1)).kind == "non-contractual"  # no end is known yet


def test_telco_lost_its_leavers_in_the_last_month(telco):
    contracts, as_of = telco
    found = contractual_churn(contracts, as_of, months=1)
    # All 1,869 ends are booked on the day before the file was made; who began that month cannot be in the count.
    began = pd.to_datetime(contracts["started_on"]) >= "2019-12-02"
    assert (found.running_before, found.ended) == (7043 - int(began.sum()), 1869)
    assert kind_of_loss(contracts, contracts["customer_id"], as_of).kind == "contractual"
