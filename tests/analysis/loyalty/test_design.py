"""Which months of which customers take part."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.loyalty.design import Design, bookings
from crmlib.analysis.loyalty.panel import NEVER, ClubPanel
from crmlib.errors import ParameterError, TooLittleData


def panel_of(*people):
    """Customers as begins, proven, joined, left; 24 months; 40 of each, so that there are enough."""
    frame = pd.DataFrame(list(people) * 40, columns=["begins", "proven", "joined", "left"])
    frame.index = pd.Index([f"C{n:03d}" for n in range(len(frame))], name="customer_id")
    rows = pd.DataFrame({"customer": [0], "month": [1], "orders": [2.0], "margin": [0.0]})
    return ClubPanel(pd.period_range("2024-01", periods=24, freq="M"), frame, rows)


JOINER = (2, 20, 10, NEVER)
NEVER_JOINED = (0, 15, NEVER, NEVER)
MEMBER_BEFORE = (0, 20, -1, NEVER)


def test_a_joiner_counts_from_the_month_after_and_his_base_ends_the_month_before():
    joiners, set_aside = Design().after(panel_of(JOINER))
    assert (joiners.base_first[0], joiners.base_last[0], joiners.last[0]) == (2, 9, 20)
    assert set_aside == {"too short before": 0, "not seen as a customer after": 0}
    assert Design(base_months=4).after(panel_of(JOINER))[0].base_first[0] == 6


def test_membership_ends_the_months_of_a_joiner():
    assert Design().after(panel_of((2, 20, 10, 14)))[0].last[0] == 14


def test_anticipation_takes_months_before_joining_out_of_base_and_comparison():
    design = Design(anticipation=2)
    assert design.after(panel_of(JOINER))[0].base_last[0] == 7
    assert design.others(panel_of(JOINER)).until[0] == 7
    assert design.ahead(panel_of(JOINER)).last[0] == 7


def test_joiners_are_set_aside_by_reason():
    short, gone = (8, 20, 10, NEVER), (2, 10, 10, NEVER)
    joiners, set_aside = Design().after(panel_of(JOINER, short, gone, NEVER_JOINED, MEMBER_BEFORE))
    assert joiners.used[:5].tolist() == [True, False, False, False, False]
    assert set_aside == {"too short before": 40, "not seen as a customer after": 40}


def test_others_stand_until_they_join_or_were_last_seen():
    others = Design().others(panel_of(JOINER, NEVER_JOINED, MEMBER_BEFORE))
    assert others.until[:3].tolist() == [9, 15, -2]
    assert Design(known_alive=False).others(panel_of(NEVER_JOINED)).until[0] == 23


def test_the_trial_before_joining_has_a_base_of_its_own():
    ahead = Design(leads=3).ahead(panel_of(JOINER))
    assert (ahead.base_first[0], ahead.base_last[0], ahead.last[0]) == (2, 6, 9)


def test_groups_are_numbered_whatever_they_are_called():
    panel = panel_of(JOINER, NEVER_JOINED)
    strata = pd.Series(["web", None] * 40, panel.customers.index)
    codes = Design().others(panel, strata.iloc[::-1]).group
    assert len(np.unique(codes)) == 2 and codes[0] != codes[1] and codes[0] == codes[2]


def test_bookings_leave_zeros_out():
    panel = panel_of(JOINER)
    assert bookings(panel, "orders").amount.tolist() == [2.0]
    assert bookings(panel, "margin").amount.size == 0


@pytest.mark.parametrize(
    "options", [{"horizon": 0}, {"least_before": 0}, {"leads": 0}, {"anticipation": -1}, {"anticipation": 12}]
)
def test_lengths_out_of_range_are_refused(options):
    with pytest.raises(ParameterError, match=next(iter(options))):
        Design(**options)


def test_unknown_outcomes_and_too_few_joiners_are_refused():
    with pytest.raises(ParameterError, match="smiles"):
        bookings(panel_of(JOINER), "smiles")
    with pytest.raises(TooLittleData, match="0 of 0 joiners"):
        Design().after(panel_of(NEVER_JOINED))
