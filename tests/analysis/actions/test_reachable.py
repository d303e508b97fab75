"""Whom to leave in peace: contacted lately, or refused."""

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.actions.lot import RESPONSE_DAYS
from crmlib.analysis.actions.options import Options
from crmlib.analysis.actions.reachable import reachable
from crmlib.analysis.closed_loop.earned import earned
from crmlib.analysis.closed_loop.stored_lists import read_lists
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


def listed(day, arm, channel="letter"):
    """Rows of one list as stored; `arm` by customer."""
    return pd.DataFrame({
        "list_id": f"actions-{day}", "definition": "3f", "listed_on": day, "expires_on": day + timedelta(days=30),
        "customer_id": list(arm), "action": "save", "arm": list(arm.values()), "channel": channel, "gain": 40.0,
        "cost": 2.0, "expected_profit": 4.0,
    })  # fmt: skip


def test_both_arms_of_an_earlier_list_are_left_in_peace_until_its_response_is_known():
    day = date(2026, 5, 31)
    stored = listed(day, {"A": "contact", "B": "hold out", "C": "leave alone"})
    offers = {
        name: pd.DataFrame({"gain": 9.0, "cost": 1.0}, index=list("ABC")) for name in ("save", "reprice")
    }
    options = Options.of(pd.Index(list("ABC")), offers)
    for after, rest, in_peace in (
        (30, 60, "AB"),
        (89, 60, "AB"),
        (89, 0, "AB"),
        (90, 60, ""),
        (90, 120, "A"),
    ):
        today = day + timedelta(days=after)
        found = reachable(today, rest, earlier=read_lists(stored, pd.Index(list("ABC")), today))
        assert found.left_in_peace.tolist() == list(in_peace)
        left = options.where(found.allows(options))
        who = left.customers[left.table["customer"]]
        assert sorted(who[left.names() == "save"]) == sorted(set("ABC") - set(in_peace))
        assert sorted(who[left.names() == "reprice"]) == list("ABC")


@pytest.mark.parametrize("brings", [0.0, 5.0])
def test_lists_that_follow_monthly_are_measured_without_bias(brings):
    """Every letter brings so much 40 days later, whoever gets it: four lists in a row, each of all who may be written to.

    With the rest of those contacted alone, those held out are written to a month later, and seem to earn as much.
    """
    rng, ids = np.random.default_rng(3), pd.Index([f"C{number:04d}" for number in range(1500)])
    first = date(2026, 1, 31)
    bought = [pd.DataFrame({"customer_id": ids, "day": first + timedelta(days=20 * k), "net_sales": rng.gamma(2, 5, 1500)})
              for k in range(12)]  # fmt: skip
    stored = []
    for month in range(4):
        today = first + timedelta(days=30 * month)
        lists = read_lists(pd.concat(stored) if stored else None, ids, today)
        free = ids.difference(reachable(today, 60, earlier=lists).left_in_peace)
        if free.empty:
            continue
        chosen = free[rng.random(len(free)) < 0.7] if month == 0 else free
        held = rng.random(len(chosen)) < 0.4
        stored.append(listed(today, dict(zip(chosen, np.where(held, "hold out", "contact"), strict=True))))
        bought.append(
            pd.DataFrame(
                {"customer_id": chosen[~held], "day": today + timedelta(days=40), "net_sales": brings}
            )
        )
    lines = ibis.memtable(pd.concat(bought, ignore_index=True).assign(cost_of_goods=0.0))
    end = first + timedelta(days=90 + RESPONSE_DAYS)
    table = earned(read_lists(pd.concat(stored), ids, end), lines, end, response_days=RESPONSE_DAYS).by_list
    assert len(table) == 3 and table["told"].all()
    assert ((table["effect"] - brings).abs() < 3 * table["error"]).all()


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
