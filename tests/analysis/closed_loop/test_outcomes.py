"""Margins within windows: both ends count, windows do not disturb each other, and every engine adds up the same."""

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.closed_loop.outcomes import margins_before, margins_within
from crmlib.errors import DataError, ParameterError

HOSTILE = "'; DROP TABLE x; --<b>"
DAYS = [date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 31), date(2026, 6, 1)]


@pytest.fixture(scope="module")
def frame():
    return pd.DataFrame(
        {
            "customer_id": [HOSTILE] * 4 + [None, "b"],
            "day": [*DAYS, DAYS[1], DAYS[1]],
            "net_sales": [1.0, 20.0, -5.0, 400.0, 9.0, 7.0],
            "cost_of_goods": [0.0, 10.0, -2.0, 100.0, 3.0, 7.5],
        }
    )


def windows(*rows, index=None):
    return pd.DataFrame(rows, index=index, columns=["customer_id", "first_day", "last_day"])


@pytest.mark.parametrize("engine", [ibis.duckdb, ibis.sqlite])
def test_both_ends_of_a_window_count(frame, engine):
    lines = engine.connect().create_table("lines", frame)
    asked = windows(
        (HOSTILE, DAYS[1], DAYS[2]),
        (HOSTILE, DAYS[0], DAYS[1]),
        ("b", DAYS[1], DAYS[1]),
        ("nobody", DAYS[0], DAYS[3]),
        (HOSTILE, DAYS[3], DAYS[2]),
        index=[5, 5, 3, 2, 1],
    )
    found = margins_within(lines, asked)
    assert found.tolist() == [7.0, 11.0, -0.5, 0.0, 0.0]
    assert found.index.tolist() == [5, 5, 3, 2, 1]


def test_the_same_windows_in_any_order(frame):
    lines = ibis.memtable(frame)
    asked = windows(*((name, DAYS[0], DAYS[n]) for name in (HOSTILE, "b") for n in range(4)))
    shuffled = asked.sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(margins_within(lines, shuffled).sort_index(), margins_within(lines, asked))


def test_no_windows_no_margins(frame):
    assert margins_within(ibis.memtable(frame), windows()).empty


def test_a_window_without_a_day_is_refused(frame):
    with pytest.raises(DataError, match="without a first or a last day"):
        margins_within(ibis.memtable(frame), windows(("b", None, DAYS[1])))


def test_margins_before_end_with_the_known_day(frame):
    lines = ibis.memtable(frame)
    assert margins_before(lines, [HOSTILE, "x"], DAYS[2], 31).to_dict() == {HOSTILE: 7.0, "x": 0.0}
    assert margins_before(lines, [HOSTILE], DAYS[2], 32).tolist() == [8.0]
    with pytest.raises(ParameterError):
        margins_before(lines, [HOSTILE], DAYS[2], 0)


def test_many_customers_add_up_to_all_their_lines():
    rng = np.random.default_rng(2)
    names = [f"C{n:03d}" for n in range(200)]
    lines = pd.DataFrame(
        {
            "customer_id": rng.choice(names, 2000),
            "day": [DAYS[0] + timedelta(days=int(n)) for n in rng.integers(0, 60, 2000)],
            "net_sales": np.round(rng.normal(30, 20, 2000), 2),
            "cost_of_goods": 0.0,
        }
    )
    found = margins_before(ibis.memtable(lines), names, DAYS[3], 33)
    inside = lines[lines["day"].map(lambda day: DAYS[0] <= day <= DAYS[3])]
    pd.testing.assert_series_equal(
        found,
        inside.groupby("customer_id")["net_sales"].sum().reindex(names, fill_value=0.0),
        check_names=False,
    )
