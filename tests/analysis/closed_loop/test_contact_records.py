"""Whether lists were carried out, and which recorded campaigns are the lists themselves."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.closed_loop.contact_records import contact_records
from crmlib.analysis.closed_loop.stored_lists import read_lists

TODAY = date(2026, 6, 30)
IDS = list("ABCDEFGH")
HOSTILE = "x' OR 1=1; <i>"


def recorded(*contacts):
    """Contacts as (customer, campaign, day), all of them made."""
    frame = pd.DataFrame(contacts, columns=["customer_id", "campaign_id", "contacted_on"])
    return ibis.memtable(frame.assign(arm="treatment"))


def rows(stored):
    return read_lists(stored, pd.Index(IDS), TODAY).rows


JUNE_2 = date(2026, 6, 2)


def test_contacts_within_the_time_of_the_list_are_counted_by_arm(stored_list):
    """A, C, E and G were to be contacted; G was only on the day of the list, E only after its expiry."""
    contacts = recorded(("A", "june", JUNE_2), ("C", "june", TODAY), ("G", "june", date(2026, 5, 31)),
                        ("E", "june", date(2026, 7, 1)), ("B", "other", JUNE_2))  # fmt: skip
    found = contact_records(rows(stored_list(ids=IDS)), contacts, TODAY)
    assert found.table.loc[("actions-2026-05-31", "save")].tolist() == [0.5, 0.25, False]


def test_a_campaign_that_reaches_both_arms_alike_is_not_the_list(stored_list):
    contacts = recorded(*((name, "spring", JUNE_2) for name in IDS))
    found = contact_records(rows(stored_list(ids=IDS)), contacts, TODAY)
    assert not found.table["carried_out"].any() and found.table["reached"].item() == 1.0


def test_the_campaign_that_is_the_list_is_named_and_no_other(stored_list):
    own = [(name, HOSTILE, JUNE_2) for name in IDS[::2]]
    earlier = [(name, "march", date(2026, 3, 1)) for name in IDS[::2]]
    wide = [(name, "newsletter", JUNE_2) for name in [*IDS, "X", "Y"]]
    found = contact_records(rows(stored_list(ids=IDS)), recorded(*own, *earlier, *wide), TODAY)
    assert found.campaigns == (HOSTILE,)


def test_actions_of_a_list_are_told_apart(stored_list):
    stored = stored_list(ids=IDS, action=["save"] * 4 + ["up"] * 4)
    found = contact_records(rows(stored), recorded(("A", "s", JUNE_2), ("C", "s", JUNE_2)), TODAY)
    assert found.table["carried_out"].to_dict() == {
        ("actions-2026-05-31", "save"): True, ("actions-2026-05-31", "up"): False}  # fmt: skip


@pytest.mark.parametrize("change", [{"listed_on": date(2026, 6, 20)}, {"channel": "none"}])
def test_what_no_record_can_show_counts_as_carried_out(stored_list, change):
    """Nothing was recorded yet since the list, or its action contacts nobody."""
    stored = stored_list(ids=IDS, **change)
    found = contact_records(rows(stored), recorded(("B", "june", JUNE_2)), TODAY)
    assert found.table["carried_out"].all() and found.table[["reached", "reached_held_out"]].isna().all(
        axis=None
    )


def test_what_is_recorded_after_the_last_known_day_is_not_known(stored_list):
    contacts = recorded(*((name, "june", date(2026, 6, 15)) for name in IDS[::2]))
    found = contact_records(rows(stored_list(ids=IDS)), contacts, date(2026, 6, 14))
    assert found.table["reached"].isna().all() and found.campaigns == ()


def test_those_held_out_are_no_contacts_even_if_recorded(stored_list):
    table = pd.DataFrame({"customer_id": IDS, "campaign_id": "june", "contacted_on": JUNE_2})
    table["arm"] = np.where(np.arange(8) % 2 == 0, "treatment", "control")
    found = contact_records(rows(stored_list(ids=IDS)), ibis.memtable(table), TODAY)
    assert found.table.iloc[0].tolist() == [1.0, 0.0, True] and found.campaigns == ("june",)


def test_without_lists_there_is_nothing():
    found = contact_records(rows(None), recorded(("A", "june", JUNE_2)), TODAY)
    assert found.table.empty and found.campaigns == ()
