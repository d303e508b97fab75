"""Customers of today have the covariates that a test on the next day would have."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.candidates import candidates
from crmlib.analysis.targeting.experiments import experiment
from crmlib.errors import TooLittleData

DAY = dt.date(2026, 3, 1)


def frames(seed=1, size=400):
    rng = np.random.default_rng(seed)
    net = rng.gamma(2, 20, size).round(2)
    lines = pd.DataFrame(
        {"customer_id": [f"C{i:02d}" for i in rng.integers(0, 40, size)], "order_id": [str(i) for i in range(size)],
         "day": [dt.date(2024, 1, 1) + dt.timedelta(days=int(i)) for i in rng.integers(0, 900, size)],
         "net_sales": net, "cost_of_goods": net / 2, "bought": True}
    )  # fmt: skip
    lines = lines.assign(list_sales=0.0, discounts=0.0, returns=0.0, returned_goods=0.0)
    names = [f"C{i:02d}" for i in range(40)]
    past = pd.DataFrame(
        {"customer_id": names[:30], "campaign_id": "past", "contacted_on": dt.date(2025, 9, 1)}
    )
    now = pd.DataFrame({"customer_id": names, "campaign_id": "now", "contacted_on": DAY})
    contacts = pd.concat([past, now])
    arm = np.where(rng.random(70) < 0.5, "treatment", "control")
    return lines, contacts.assign(arm=arm, cost=0.0, action="mail")


def test_they_are_those_of_a_test_on_the_next_day():
    lines, contacts = frames()
    test = experiment(ibis.memtable(contacts), ibis.memtable(lines), dt.date(2026, 6, 18))
    then = test.rows[test.rows["campaign_id"] == "now"].set_index("customer_id")
    found = candidates(
        ibis.memtable(contacts), ibis.memtable(lines), DAY - dt.timedelta(days=1), active_days=10**4
    )
    assert found.columns.tolist() == ["contacted_on", *test.covariates]
    pd.testing.assert_frame_equal(found, then.loc[found.index, found.columns], check_dtype=False)


def test_who_has_not_ordered_for_long_is_none():
    lines, _ = frames()
    as_of = DAY - dt.timedelta(days=1)
    found = candidates(None, ibis.memtable(lines), as_of, active_days=60)
    known = lines[[d <= as_of for d in lines["day"]]].groupby("customer_id")["day"].max()
    assert set(found.index) == {name for name, day in known.items() if (as_of - day).days < 60}
    assert (found["recency_days"] <= 60).all() and found.index.is_monotonic_increasing
    assert (found["contacts_before"] == 0).all()


def test_without_an_active_customer_there_is_nobody_to_contact():
    lines, _ = frames()
    with pytest.raises(TooLittleData, match="within 30 days up to 2030"):
        candidates(None, ibis.memtable(lines), dt.date(2030, 1, 1), active_days=30)
