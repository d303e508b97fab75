"""Waits between purchases: open ones count, and truth comes out of data cut short."""

import os
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.churn.activity import customer_activity
from crmlib.analysis.churn.rhythm import purchase_rhythm
from crmlib.errors import TooLittleData
from crmlib.intake import open_data

REAL = os.environ.get("CRMLIB_REAL_DATA")
FIRST = date(2025, 1, 1)


def rhythm_of(tables, days, length):
    """Days by customer, counted from the first one."""
    rows = [
        {"customer_id": who, "ordered_at": str(FIRST + timedelta(days=int(day))), "net_amount": "1"}
        for who, own in days.items()
        for day in own
    ]
    return purchase_rhythm(customer_activity(tables(orders=rows), FIRST + timedelta(days=length - 1), 0.4))


def test_waits_by_hand(tables):
    found = rhythm_of(tables, {"A": [0, 10, 15], "B": [5], "C": [2, 12]}, 21)
    assert found.waits.values.tolist() == [
        [5, False, 1], [5, True, 1], [8, False, 1], [10, True, 2], [15, False, 1],
    ]  # fmt: skip
    assert (found.customers, found.purchases) == (3, 6)
    # At 5 days one of 6 has come back, at 10 days two of the 3 who are still followed.
    np.testing.assert_allclose(found.curve["share"], [1 / 6, 1 - 5 / 6 / 3])
    assert found.comes_back == pytest.approx(1 - 5 / 18)
    assert found.days_until(0.2) == 5 and found.days_until(0.9) == 10
    assert found.quantiles.loc[0.9].tolist() == [10, 10]


def test_open_waits_bring_back_the_true_rhythm(tables):
    """Exponential waits with a mean of 100 days, seen for 250 days: nine in ten take 230 days."""
    rng = np.random.default_rng(1)
    days = {}
    for number in range(400):
        times = np.floor(np.cumsum(np.append(rng.uniform(0, 60), rng.exponential(100, 30))))
        days[f"C{number}"] = sorted(set(times[times < 250]))
    found = rhythm_of(tables, days, 250)
    open_counted = found.curve["share"][found.curve["days"] <= 100].iloc[-1]
    alone = found.waits[found.waits["over"]]
    finished = alone.loc[alone["days"] <= 100, "customers"].sum() / alone["customers"].sum()
    assert open_counted == pytest.approx(1 - np.exp(-1), abs=0.03)
    assert finished > 0.75  # finished waits alone look much quicker
    assert (found.quantiles["days"] >= found.quantiles["finished_alone"]).all()


def test_those_who_never_come_back_do_not_lengthen_the_rhythm_of_those_who_do(tables):
    """Half of the customers buy once and leave; the others come every ten days."""
    days = {f"S{n}": range(n % 10, 200, 10) for n in range(50)} | {f"L{n}": [n % 10] for n in range(50)}
    found = rhythm_of(tables, days, 200)
    assert found.comes_back < 0.97
    assert found.days_until(0.9) == 10


def test_nobody_who_bought_twice_is_refused(tables):
    with pytest.raises(TooLittleData, match="2 customers, none of whom bought on two days"):
        rhythm_of(tables, {"A": [0], "B": [3]}, 30)


@pytest.mark.skipif(not REAL, reason="set CRMLIB_REAL_DATA to the folder of the public files")
def test_the_rhythm_of_cdnow(tmp_path):
    """23,570 customers; 30,000 and more of their purchases can be told apart by day."""
    maps = Path(__file__).parents[3] / "data" / "maps" / "cdnow.toml"
    data = open_data(Path(REAL, "cdnow", "CDNOW_master.txt.gz"), cache=tmp_path, run_file=maps)
    found = purchase_rhythm(customer_activity(data.table, data.as_of, data.gross_margin))
    lines = pd.read_csv(Path(REAL, "cdnow", "CDNOW_master.txt.gz"), sep=r"\s+")
    days = lines.groupby(["customer_id", "date"])["dollar_value"].sum()
    days = days[days > 0].reset_index()
    assert found.purchases == len(days) and found.customers == days["customer_id"].nunique()
    assert 0.6 < found.comes_back < 0.8
