"""Where earlier lists tell nothing the page says why; and who is left in peace because of them is counted."""

from datetime import date

import pandas as pd
import pytest

from crmlib.analysis.actions.reachable import Reachable
from crmlib.analysis.closed_loop.stored_lists import StoredLists
from crmlib.display import earlier
from crmlib.display.actions import earlier_lists, sentences

NONE = pd.DataFrame({"list_id": [], "listed_on": []})
ONE = pd.DataFrame({"list_id": ["may"], "listed_on": [pd.Timestamp(date(2026, 5, 31))]})


@pytest.fixture
def wb(shops):
    return shops["all"]


@pytest.mark.parametrize(
    ("lists", "left_out", "reason"),
    [
        (StoredLists(NONE), {}, "There is no earlier list yet; the next run finds this one."),
        (StoredLists(NONE), {"31 May 2026": "Its file was changed."}, "No earlier list can be used."),
        (StoredLists(NONE, ("List may: left out.",)), {}, "No earlier list can be used."),
        (StoredLists(ONE), {}, "No earlier list can be compared yet."),
    ],
)
def test_why_nothing_is_known_of_earlier_lists(wb, monkeypatch, lists, left_out, reason):
    found = earlier.EarlierTables(None, left_out)
    monkeypatch.setattr(earlier_lists, "read_earlier_tables", lambda name: found)
    assert earlier_lists.nothing_earned(wb, lists).bundle["reason"] == reason


def test_both_arms_of_earlier_lists_are_counted_among_those_left_in_peace(wb):
    ids = pd.Index([f"C{number}" for number in range(9)])
    said = sentences.reach(wb, Reachable(ids[:0], ids[:3], 60, True, ids[2:7])).text
    for words in ("7 customers are left in peace", "5 customers were on a list of the last 90 days",
                  "contacted or held out", "3 customers had a contact in the last 60 days"):  # fmt: skip
        assert words in said
    one = sentences.reach(wb, Reachable(ids[:0], ids[:0], 60, True, ids[:1])).text
    assert "1 customer is left in peace" in one and "1 customer was on a list" in one
