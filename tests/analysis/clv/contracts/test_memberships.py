"""Renewals of contracts, against a second way that walks from renewal to renewal in plain Python."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.contracts.memberships import pooled, renewals_of, survivors_of
from crmlib.analysis.clv.contracts.sbg import ShiftedBetaGeometric
from crmlib.analysis.clv.contracts.survivors import Survivors
from crmlib.errors import TooLittleData

AS_OF = dt.date(2026, 6, 30)


def later(day: dt.date, months: int) -> dt.date:
    """The same day so many months later; the first of the next month where there is none."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    try:
        return dt.date(year, month, day.day)
    except ValueError:
        return dt.date(year + month // 12, month % 12 + 1, 1)


def walked(started, ended, months, as_of=AS_OF):
    due = made = 0
    while (day := later(started, (due + 1) * months)) <= as_of:
        due += 1
        made += ended is None or ended > as_of or ended >= day
    return due, made


def renewed(started, ended=None, months=12, as_of=AS_OF):
    row = {"started_on": [started], "ended_on": [ended], "period_months": [months]}
    return tuple(renewals_of(pd.DataFrame(row), as_of).iloc[0])


def drawn(seed, size=400, as_of=AS_OF):
    rng = np.random.default_rng(seed)
    started = [as_of - dt.timedelta(days=int(d)) for d in rng.integers(-60, 2_000, size)]
    months = rng.choice([1, 3, 6, 12, 12, 12, 24], size)
    ended = [
        rng.choice([None, later(s, int(m) * int(k)) - dt.timedelta(days=1), s + dt.timedelta(days=int(d))])
        for s, m, k, d in zip(started, months, rng.integers(1, 8, size), rng.integers(0, 1_500, size), strict=True)
    ]  # fmt: skip
    return pd.DataFrame(
        {"started_on": started, "ended_on": ended, "period_months": months},
        index=[f"M{i:04d}" for i in range(size)],
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("as_of", [AS_OF, dt.date(2024, 2, 29), dt.date(2025, 3, 1)])
def test_renewals_are_those_of_a_walk_from_one_to_the_next(seed, as_of):
    contracts = drawn(seed, as_of=as_of)
    found = renewals_of(contracts, as_of)
    there = contracts[[s <= as_of for s in contracts["started_on"]]]
    assert found.index.tolist() == there.index.tolist() and len(there) < len(contracts)
    assert list(found.itertuples(index=False, name=None)) == [
        walked(*row, as_of) for row in there.itertuples(index=False, name=None)
    ]
    assert (found["made"] <= found["due"]).all() and found.dtypes.eq("int64").all()


@pytest.mark.parametrize(
    ("started", "ended", "months", "expected"),
    [
        ("2023-03-01", "2025-02-28", 12, (3, 1)),
        ("2023-03-01", "2024-02-29", 12, (3, 0)),  # a period that ends with a leap day
        ("2024-02-29", "2025-02-28", 12, (2, 0)),  # no such day in 2025: due on March 1
        ("2024-02-29", "2025-02-27", 12, (2, 0)),
        ("2024-02-29", "2025-03-01", 12, (2, 1)),
        ("2026-01-31", "2026-03-30", 1, (4, 1)),  # due on March 1, March 31, May 1, May 31
        ("2026-01-31", "2026-04-29", 1, (4, 2)),
        ("2026-01-31", "2026-04-30", 1, (4, 2)),
        ("2026-01-31", None, 1, (4, 4)),
        ("2023-07-10", "2024-01-15", 12, (2, 0)),  # before the first renewal
        ("2023-07-10", "2023-07-01", 12, (2, 0)),  # before it started
        ("2023-07-10", "2024-11-10", 12, (2, 1)),  # in the middle of its second year
        ("2022-01-10", "2024-07-10", 12, (4, 2)),  # half a year after the second renewal
        ("2022-01-10", "2023-07-10", 12, (4, 1)),  # half a year after the first
        ("2025-06-30", None, 12, (1, 1)),
        ("2025-07-01", None, 12, (0, 0)),  # due tomorrow
        ("2025-07-01", "2026-06-30", 12, (0, 0)),
        ("2024-07-01", "2026-06-30", 12, (1, 1)),  # ends today; what is due tomorrow is not looked at
        ("2024-06-30", "2026-06-29", 12, (2, 1)),  # ended yesterday, and was due today
        ("2023-06-30", "2027-01-01", 12, (3, 3)),  # an end that is not known yet
        ("2026-06-30", None, 1, (0, 0)),
    ],
)
def test_contracts_by_hand(started, ended, months, expected):
    assert renewed(started, ended, months) == expected


def test_periods_are_years_where_they_are_missing():
    rows = {"started_on": ["2023-03-01"] * 4, "ended_on": [None, "2025-02-28"] * 2}
    contracts = pd.DataFrame(rows)
    found = renewals_of(contracts, AS_OF)
    assert found["due"].tolist() == [3] * 4 and found["made"].tolist() == [3, 1, 3, 1]
    for missing in (np.nan, None, 0, 0.0):
        pd.testing.assert_frame_equal(renewals_of(contracts.assign(period_months=missing), AS_OF), found)
    given = renewals_of(contracts.assign(period_months=[1, np.nan, 6, 12]), AS_OF)
    assert given["due"].tolist() == [39, 3, 6, 3]


def test_a_table_of_the_engine_reads_the_same():
    contracts = drawn(1).astype({"period_months": "int32"})
    table = ibis.memtable(
        contracts.assign(ended_on=contracts["ended_on"].where(contracts["ended_on"].notna(), None))
    )
    found = renewals_of(table.execute(), AS_OF)
    np.testing.assert_array_equal(found, renewals_of(contracts, AS_OF))


def test_a_contract_that_starts_later_or_on_no_known_day_is_left_out():
    contracts = pd.DataFrame({"started_on": ["2026-07-01", None, "2026-06-30"], "ended_on": None})
    assert renewals_of(contracts, AS_OF).index.tolist() == [2]


def test_what_ends_later_does_not_change_what_is_known():
    contracts = drawn(2)
    known = contracts.assign(ended_on=[e if e and e <= AS_OF else None for e in contracts["ended_on"]])
    assert not known.equals(contracts)
    pd.testing.assert_frame_equal(renewals_of(known, AS_OF), renewals_of(contracts, AS_OF))


def test_survivors_are_counted_one_by_one():
    renewals = renewals_of(drawn(3), AS_OF)
    found = survivors_of(renewals)
    for cohort, period, customers in found.itertuples(index=False):
        own = renewals[renewals["due"] == cohort]
        assert customers == sum(made >= period for made in own["made"])
    starts = found[found["period"] == 0].set_index("cohort")["customers"]
    assert starts.sum() == (renewals["due"] > 0).sum()
    assert found["cohort"].min() == 1
    mixed = survivors_of(renewals.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(mixed, found)


def test_survivors_by_hand():
    renewals = pd.DataFrame({"due": [0, 2, 2, 2, 1, 1], "made": [0, 2, 1, 0, 1, 0]})
    found = survivors_of(renewals)
    assert found.to_numpy().tolist() == [[1, 0, 2], [1, 1, 1], [2, 0, 3], [2, 1, 2], [2, 2, 1]]
    rates = pooled(found)
    assert rates.to_numpy().tolist() == [[5, 3, 0.6], [2, 1, 0.5]] and rates.index.tolist() == [1, 2]


def test_contracts_without_a_renewal_due_are_refused():
    for renewals in (
        renewals_of(drawn(1), dt.date(2000, 1, 1)),
        pd.DataFrame({"due": [0, 0], "made": [0, 0]}),
    ):
        with pytest.raises(TooLittleData, match="without a renewal due"):
            survivors_of(renewals)


def test_a_renewal_before_which_all_had_left_has_no_rate():
    found = pooled(survivors_of(pd.DataFrame({"due": [3, 3], "made": [1, 0]})))
    assert found["share"].tolist()[:2] == [0.5, 0.0] and np.isnan(found["share"].loc[3])


@pytest.mark.parametrize("seed", range(3))
def test_pooled_renewals_are_those_the_contractual_models_read(seed):
    survivors = survivors_of(renewals_of(drawn(seed), AS_OF))
    found, folded = pooled(survivors), Survivors.of(survivors)
    np.testing.assert_allclose(found["after"], folded.renewed)
    np.testing.assert_allclose(found["before"], folded.renewed + folded.ended)


def test_a_model_of_contracts_finds_what_the_contracts_were_drawn_from():
    """Ages of one to seven years; each contract ends at a renewal with a chance of its own, from Beta(0.7, 1.2)."""
    rng = np.random.default_rng(5)
    size = 6_000
    started = [AS_OF - dt.timedelta(days=int(d)) for d in rng.integers(1, 2_700, size)]
    years = rng.geometric(rng.beta(0.7, 1.2, size))
    ended = [
        later(s, 12 * int(min(y, 50))) - dt.timedelta(days=1) for s, y in zip(started, years, strict=True)
    ]
    contracts = pd.DataFrame({"started_on": started, "ended_on": ended})
    model = ShiftedBetaGeometric().fit(survivors_of(renewals_of(contracts, AS_OF)))
    error = np.abs(model.params_ - [0.7, 1.2]) / model.standard_errors_
    assert error.max() < 3 and model.params_.to_list() == pytest.approx([0.7, 1.2], rel=0.15)
