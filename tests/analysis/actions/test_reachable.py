"""Whom to leave in peace: contacted lately, or refused."""

from datetime import date

import ibis
import pandas as pd
import pytest

from crmlib.analysis.actions.reachable import reachable
from crmlib.errors import ParameterError

TODAY = date(2026, 6, 30)


def contacts(*rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "contacted_on", "arm"])
    return ibis.memtable(frame.assign(contacted_on=pd.to_datetime(frame["contacted_on"]).dt.date))


def test_who_was_contacted_within_the_rest_days_rests():
    table = contacts(
        ("A", "2026-05-02", "treatment"), ("B", "2026-05-01", "treatment"), ("C", "2026-06-01", "control"),
        ("D", "2026-07-01", "treatment"),
    )  # fmt: skip
    assert reachable(TODAY, 60, table).resting.tolist() == ["A"]
    assert reachable(TODAY, 61, table).resting.tolist() == ["A", "B"]
    assert reachable(TODAY, 0, table).resting.empty


def test_another_engine_finds_the_same_customers(on_sqlite):
    table = contacts(("A", "2026-05-02", "treatment"), ("B", "2026-05-01", "treatment"))
    people = ibis.memtable(pd.DataFrame({"customer_id": ["A", "B"], "contact_consent": [True, False]}))
    found = reachable(TODAY, 60, on_sqlite(table), on_sqlite(people))
    assert (found.resting.tolist(), found.refused.tolist()) == (["A"], ["B"])


def test_earlier_lists_count_as_contacts():
    listed = pd.Series([date(2026, 6, 1), date(2026, 1, 1)], index=["A", "B"])
    assert reachable(TODAY, 60, listed=listed).resting.tolist() == ["A"]


def test_only_a_refusal_is_a_refusal():
    people = ibis.memtable(
        pd.DataFrame(
            {"customer_id": ["A", "B", "C"], "contact_consent": pd.array([True, False, None], "boolean")}
        )
    )
    found = reachable(TODAY, 60, customers=people)
    assert found.refused.tolist() == ["B"] and found.consent_known
    assert not reachable(TODAY, 60, customers=people.select("customer_id")).consent_known


def test_rest_days_below_zero_are_refused():
    with pytest.raises(ParameterError, match="rest_days = -1"):
        reachable(TODAY, -1)
