"""Stored lists are used as they are or left out with a sentence that counts; nothing breaks and nothing is invented."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.actions import action_list, menu
from crmlib.analysis.closed_loop.stored_lists import COLUMNS, NO_CHANNEL, read_lists
from crmlib.analysis.targeting.decision import CONTACT, HOLD_OUT, LEAVE

TODAY = date(2026, 6, 30)
KNOWN = pd.Index(list("ABCD"))
HOSTILE = "<b>=1+1</b>"


def test_the_list_of_the_month_says_what_a_later_month_asks():
    assert set(COLUMNS) <= set(action_list.COLUMNS)
    assert (action_list.CONTACT, action_list.HOLD_OUT, action_list.LEAVE_ALONE) == (CONTACT, HOLD_OUT, LEAVE)
    assert menu.NONE == NO_CHANNEL


def test_lists_of_several_months_are_read_in_order_of_time(stored_list):
    stored = pd.concat([stored_list(), stored_list(date(2026, 4, 30), arm="contact")])
    found = read_lists(stored.sample(frac=1, random_state=1), KNOWN, TODAY)
    assert found.lists == ("actions-2026-04-30", "actions-2026-05-31") and found.notes == ()
    assert list(found.rows.columns) == list(COLUMNS) and len(found.rows) == 8
    assert found.last_contacted().dt.strftime("%m-%d").to_dict() == {
        "A": "05-31", "B": "04-30", "C": "05-31", "D": "04-30"}  # fmt: skip


def test_who_is_reached_by_no_channel_was_not_contacted(stored_list):
    stored = stored_list(arm="contact", channel=["letter", "none", "phone", "none"])
    assert read_lists(stored, KNOWN, TODAY).last_contacted().index.tolist() == ["A", "C"]


def test_both_arms_are_observed_until_the_response_is_known(stored_list):
    """The list of 31 May is 30 days old; of 90 days, the last is 29 August."""
    stored = pd.concat([stored_list(ids="AB"), stored_list(date(2026, 3, 10), ids="CD")])
    for day, who in (
        (TODAY, "AB"),
        (date(2026, 5, 31), "ABCD"),
        (date(2026, 8, 28), "AB"),
        (date(2026, 8, 29), ""),
    ):
        assert read_lists(stored, KNOWN, day).observed(day, 90).tolist() == list(who)
    unseen = read_lists(stored_list(channel=["letter", "none", "phone", "none"]), KNOWN, TODAY)
    assert unseen.observed(TODAY, 90).tolist() == ["A", "C"]
    assert read_lists(None, KNOWN, TODAY).observed(TODAY, 90).empty


def test_who_is_left_alone_is_on_no_list(stored_list):
    stored = stored_list(arm=["contact", "leave alone", "hold out", "leave alone"])
    assert read_lists(stored, KNOWN, TODAY).rows["customer_id"].tolist() == ["A", "C"]
    assert (
        len(
            read_lists(
                stored.assign(expires_on=[date(2026, 6, 30), None, date(2026, 6, 14), None]), KNOWN, TODAY
            ).rows
        )
        == 2
    )
    nobody = read_lists(stored_list(arm="leave alone"), KNOWN, TODAY)
    assert nobody.rows.empty and nobody.notes == ()


@pytest.mark.parametrize("nothing", [None, pd.DataFrame(), pd.DataFrame(columns=[*COLUMNS, "run_as_of"])])
def test_without_lists_there_is_nothing_and_no_note(nothing):
    found = read_lists(nothing, KNOWN, TODAY)
    assert found.rows.empty and found.notes == () and found.lists == ()
    assert list(found.rows.columns) == list(COLUMNS) and found.last_contacted().empty


def test_other_columns_are_left_out_with_their_names(stored_list):
    found = read_lists(stored_list().drop(columns=["gain", "arm"]), KNOWN, TODAY)
    assert found.rows.empty
    assert found.notes == ("4 rows of earlier lists left out: without arm, gain.",)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"definition": "4a"}, "written under another definition"),
        ({"definition": None}, "written under another definition"),
        ({"listed_on": date(2026, 7, 1), "expires_on": date(2026, 7, 30)}, "of a later day than the data"),
        ({"expires_on": date(2026, 5, 1)}, "expires before it was written"),
        ({"listed_on": HOSTILE}, "not one day of writing"),
        ({"listed_on": [date(2026, 5, 30)] * 3 + [date(2026, 5, 31)]}, "not one day of writing"),
        ({"expires_on": [date(2026, 6, 30)] * 3 + [None]}, "without a day of expiry"),
        ({"arm": HOSTILE}, "arms that are not known"),
        ({"arm": None}, "arms that are not known"),
        ({"action": None}, "without an id or an action"),
        ({"customer_id": ["X", "Y", "Z", "Q"]}, "none of its customers is known"),
        ({"customer_id": ["A", "Y", "Z", "Q"]}, "of its 4 customers 3 are not known"),
    ],
)
def test_a_list_that_cannot_be_used_is_left_out_and_the_others_stay(stored_list, change, reason):
    stored = pd.concat([stored_list(**change), stored_list(date(2026, 4, 30))])
    found = read_lists(stored, KNOWN, TODAY, definition="3f")
    assert found.lists == ("actions-2026-04-30",)
    [note] = found.notes
    assert note.startswith("List actions-2026-05-31: left out with 4 rows") and reason in note


def test_any_definition_is_taken_where_none_is_asked_for(stored_list):
    assert len(read_lists(stored_list(definition="4a"), KNOWN, TODAY).rows) == 4


def test_customers_who_are_gone_are_counted(stored_list):
    found = read_lists(stored_list(), KNOWN.drop("D"), TODAY)
    assert found.rows["customer_id"].tolist() == ["A", "B", "C"]
    assert found.notes == ("List actions-2026-05-31: 1 customer is not known today and left out.",)


def test_a_customer_who_stands_twice_counts_once_or_not_at_all(stored_list):
    stored = stored_list()
    twice = pd.concat([stored, stored.iloc[[0]], stored.iloc[[1]].assign(arm="contact")])
    found = read_lists(twice, KNOWN, TODAY)
    assert found.rows["customer_id"].tolist() == ["A", "C", "D"]
    assert found.notes == (
        "List actions-2026-05-31: 1 customer with contradicting rows left out.",
        "List actions-2026-05-31: rows that stand twice, counted once: 1.",
    )


def test_amounts_that_are_none_are_left_out(stored_list):
    stored = stored_list(gain=["much", 3.0, 3.0, 3.0], cost=[1.0, np.inf, 1.0, 1.0])
    found = read_lists(stored, KNOWN, TODAY)
    assert found.rows["customer_id"].tolist() == ["C", "D"]
    assert "2 customers without a gain, a cost or a profit" in found.notes[0]


def test_a_list_stored_by_two_runs_counts_as_the_first_stored_it(stored_list):
    later = stored_list(arm="hold out", run_as_of=pd.Timestamp("2026-06-15"))
    found = read_lists(pd.concat([later, stored_list()]), KNOWN, TODAY)
    assert (found.rows["arm"] == "contact").sum() == 2
    assert found.notes == (
        "List actions-2026-05-31: stored by more than one run; 4 rows of the later ones left out.",
    )


def test_rows_without_the_name_of_a_list_are_counted(stored_list):
    stored = stored_list(list_id=["x", "x", None, "x"])
    found = read_lists(stored, KNOWN, TODAY)
    assert len(found.rows) == 3 and found.notes == ("1 row of earlier lists left out: they name no list.",)


def test_hostile_text_stays_text(stored_list):
    stored = stored_list(action=HOSTILE, list_id=HOSTILE, customer_id=[HOSTILE, "B", "C", "D"])
    found = read_lists(stored, pd.Index([HOSTILE, "B", "C", "D"]), TODAY)
    assert found.rows["action"].eq(HOSTILE).all() and HOSTILE in found.rows["customer_id"].tolist()
    assert found.lists == (HOSTILE,)
