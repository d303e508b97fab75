"""Durations: the counting of months, late entry, what is left out, and what is refused."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.survival.durations import beginning_of_sight, checked_contracts, contract_durations
from crmlib.errors import DataError, ParameterError, TooLittleData

AS_OF = dt.date(2026, 6, 30)


def contracts(rows, **columns):
    """The rows to look at, and forty plain ones that make the table large enough."""
    plain = [("2026-01-01", "2026-03-31")] * 10 + [("2026-01-01", None)] * 30
    frame = pd.DataFrame([*rows, *plain], columns=["started_on", "ended_on"])
    frame.insert(0, "contract_id", [f"M{n:03d}" for n in range(len(frame))])
    return frame.assign(customer_id=frame["contract_id"], **columns)


@pytest.mark.parametrize(
    ("started", "ended", "months", "days"),
    [
        ("2026-01-01", "2026-01-31", 1, 31),  # to the last day of its first month
        ("2026-01-01", "2026-02-01", 2, 32),  # one day into the second
        ("2026-01-15", "2026-02-14", 1, 31),
        ("2026-01-31", "2026-02-28", 1, 29),  # February has no 31st: over on the first of March
        ("2026-01-31", "2026-03-01", 2, 30),
        ("2025-07-01", "2026-06-30", 12, 365),
        ("2026-05-10", "2026-05-10", 1, 1),
        ("2026-05-10", None, 1, 52),  # 51 days and today: one month completed
        ("2025-06-30", None, 12, 366),
        ("2025-07-01", None, 12, 365),  # today was the last day of the twelfth month
        ("2025-07-02", None, 11, 364),
        ("2025-07-02", "2026-07-01", 11, 364),  # ends tomorrow: not known yet
    ],
)
def test_months_are_begun_ones_for_ends_and_completed_ones_for_the_rest(started, ended, months, days):
    table = contracts([(started, ended)])
    for unit, expected in (("months", months), ("days", days)):
        row = contract_durations(table, AS_OF, unit=unit).table.iloc[0]
        assert row["contract_id"] == "M000" and row["duration"] == expected
        assert (
            row["ended"] == (ended is not None and ended <= "2026-06-30") and row["running"] != row["ended"]
        )


def test_periods_are_those_of_each_contract():
    rows = [("2023-03-01", "2025-02-28"), ("2023-03-01", None), ("2023-03-01", "2025-03-01")]
    table = contracts(rows, period_months=[12] * 3 + [3] * 40)
    found = contract_durations(table, AS_OF, unit="periods").table.set_index("contract_id")["duration"]
    assert found[["M000", "M001", "M002"]].tolist() == [2, 3, 3]
    assert found["M003":"M012"].eq(1).all() and found["M013":].eq(2).all()


def test_an_ended_period_agrees_with_the_renewals_counted_for_lifetime_value():
    from crmlib.analysis.clv.contracts.memberships import renewals_of

    rng = np.random.default_rng(3)
    started = pd.Timestamp("2018-01-01") + pd.to_timedelta(rng.integers(0, 2000, 300), unit="D")
    years = rng.integers(1, 9, 300)
    ended = pd.Series(
        [s + pd.DateOffset(years=int(y)) - pd.Timedelta(days=1) for s, y in zip(started, years, strict=True)]
    )
    table = pd.DataFrame(
        {
            "contract_id": range(300),
            "customer_id": range(300),
            "started_on": started,
            "ended_on": ended,
            "period_months": 12,
        }
    )
    found = contract_durations(table, AS_OF, unit="periods").table.set_index("contract_id")
    made = renewals_of(table, AS_OF)["made"]
    over = found.index[found["ended"]]
    assert len(over) > 100 and (found.loc[over, "duration"] == made[over] + 1).all()


def test_contracts_without_a_month_are_left_out_and_named():
    table = contracts([("2026-06-15", None), ("2026-06-15", "2026-06-14"), ("2026-07-01", None)])
    found = contract_durations(table, AS_OF)
    assert found.without_exposure.to_dict("list") == {
        "contract_id": ["M000", "M001"], "reason": ["not one month old", "ended before it began"],
    }  # fmt: skip
    assert (found.contracts, found.ended, found.late_entries) == (40, 10, 0)


def test_old_contracts_enter_at_the_age_they_had():
    table = contracts(
        [("2024-01-01", None), ("2024-01-10", None), ("2025-12-20", "2026-01-05"), ("2026-02-01", None)]
    )
    found = contract_durations(table, AS_OF, observed_from=dt.date(2026, 1, 1))
    entry = found.table.set_index("contract_id")["entry"]
    # 24 whole months; 23 and a bit, rounded up; a month seen in part counts for nobody; born in sight.
    assert entry["M000"] == 24 and entry["M001"] == 24 and entry["M003"] == 0
    assert found.without_exposure["reason"].tolist() == ["ended in the month it came into sight"]
    assert found.late_entries == 2


def test_late_entry_takes_out_the_bias_of_survivors():
    """Contracts whose monthly chance to end is 5 %: a register of survivors looks better than that without entry."""
    rng = np.random.default_rng(8)
    size = 6000
    start = rng.integers(-60, 24, size)
    life = rng.geometric(0.05, size)
    seen = start + life > 0
    month = np.datetime64("2024-01") + start[seen]
    day, end = (pd.to_datetime(months.astype("datetime64[D]")) for months in (month, month + life[seen]))
    end = end - pd.Timedelta(days=1)
    table = pd.DataFrame(
        {
            "contract_id": range(seen.sum()),
            "customer_id": range(seen.sum()),
            "started_on": day,
            "ended_on": end,
        }
    )
    as_of, first = dt.date(2025, 12, 31), dt.date(2024, 1, 1)
    assert beginning_of_sight(table, first) == first
    rates = []
    for observed_from in (None, first):
        found = contract_durations(table, as_of, observed_from).table
        rates.append(found["ended"].sum() / (found["duration"] - found["entry"]).sum())
    assert rates[0] < 0.04 and rates[1] == pytest.approx(0.05, abs=0.003)


def test_an_end_before_the_beginning_of_sight_is_refused():
    with pytest.raises(DataError, match="ends before 2026-01-01, at 1 of 41 contracts: M000"):
        contract_durations(
            contracts([("2024-01-01", "2025-01-01")]), AS_OF, observed_from=dt.date(2026, 1, 1)
        )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("2026-02-01", "2026-01-01")], "ended_on before started_on, at 1 of 41 contracts: M000"),
        ([(None, "2026-01-01"), (None, None)], "no started_on, at 2 of 42 contracts: M000, M001"),
    ],
)
def test_contracts_that_cannot_be_are_named(rows, message):
    with pytest.raises(DataError, match=message):
        contract_durations(contracts(rows), AS_OF)


def test_contracts_that_stand_twice_or_lack_a_column_are_refused():
    table = contracts([])
    with pytest.raises(DataError, match="the same contract_id twice, at 1 of 41 contracts: M000"):
        checked_contracts(pd.concat([table, table.head(1)]))
    with pytest.raises(DataError, match="contracts without ended_on"):
        checked_contracts(table.drop(columns="ended_on"))
    with pytest.raises(ParameterError, match="unit = 'weeks'"):
        contract_durations(table, AS_OF, unit="weeks")


def test_too_little_is_refused():
    with pytest.raises(TooLittleData, match="10 contracts"):
        contract_durations(contracts([]).head(10), AS_OF)
    with pytest.raises(TooLittleData, match="of which 0 ended"):
        contract_durations(contracts([]).assign(ended_on=pd.NaT), AS_OF)


def test_fees_are_per_year_and_the_input_stays_as_it_was():
    table = contracts([], fee=12.0, period_months=[0, 1, 12, 24] * 10)
    before = table.copy(deep=True)
    found = contract_durations(table.set_index(table.index + 7), AS_OF).table
    assert found["fee_per_year"].head(4).tolist() == [12.0, 144.0, 12.0, 6.0]
    pd.testing.assert_frame_equal(table, before)


def test_the_beginning_of_sight_is_where_no_end_was_kept():
    table = contracts([("2020-01-01", None)])
    assert beginning_of_sight(table, dt.date(2026, 1, 1)) == dt.date(2026, 1, 1)
    assert beginning_of_sight(table, dt.date(2026, 6, 1)) is None  # ends of March are in the table
    assert beginning_of_sight(table, dt.date(2019, 1, 1)) is None  # nobody is older


def test_telco_has_the_rows_ends_and_zero_tenures_of_its_file(telco):
    """Counted in the file itself: 7,043 rows, 1,869 left (26.54 %), 11 with tenure 0."""
    found = contract_durations(*telco)
    assert found.contracts == 7043 - 11 and found.ended == 1869
    assert (
        set(found.without_exposure["reason"]) == {"not one month old"} and len(found.without_exposure) == 11
    )
    assert found.table["duration"].max() == 72 and found.ended / 7043 == pytest.approx(0.2654, abs=5e-5)
    assert found.table["fee_per_year"].sum() / 12 == pytest.approx(
        456_116.60
        - telco[0]
        .set_index("contract_id")
        .loc[found.without_exposure["contract_id"], "fee"]
        .astype(float)
        .sum()
    )
