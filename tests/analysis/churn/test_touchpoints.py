"""Tables beside the orders: which events are service, and what is known of a customer on a day."""

from datetime import date

import numpy as np
import pytest

from crmlib.analysis.churn.activity import customer_activity, number_of
from crmlib.analysis.churn.touchpoints import touchpoints

ORDERS = [
    {"customer_id": who, "ordered_at": "2026-01-01", "net_amount": "1"} for who in ("A", "B", "C")
]  # fmt: skip
DAY = number_of(date(2026, 3, 31))


@pytest.fixture
def seen(tables):
    def on(*numbers, words=None, **rows):
        found = tables(orders=ORDERS, **rows)
        made = touchpoints(found, customer_activity(found, date(2026, 6, 30), 0.4), **(words or {}))
        return made.on(numbers or [DAY])

    return on


def test_service_is_told_by_names_of_activities(seen):
    events = [
        {"customer_id": "A", "occurred_on": "2026-03-31", "activity": "Reclamo telefonico", "quantity": "2"},
        {"customer_id": "A", "occurred_on": "2026-03-01", "activity": "phone call", "quantity": None},
        {"customer_id": "A", "occurred_on": "2025-10-01", "activity": "complaint", "quantity": "1"},
        {"customer_id": "B", "occurred_on": "2026-03-01", "activity": "parcel delivery", "quantity": "1"},
        {"customer_id": "B", "occurred_on": "2026-04-01", "activity": "complaint", "quantity": "1"},
    ]
    found = seen(events=events)[DAY]
    assert found["service_contacts_3m"].tolist() == [3, 0, 0]
    assert found["service_contacts_12m"].tolist() == [4, 0, 0]
    assert found["complaints_3m"].tolist() == [2, 0, 0]
    assert found["complaints_12m"].tolist() == [3, 0, 0]
    own = seen(events=events, words={"service_words": ["delivery"], "complaint_words": ["phone"]})[DAY]
    assert own["service_contacts_12m"].tolist() == [0, 1, 0]
    assert own["complaints_12m"].tolist() == [1, 0, 0]


def test_last_answers_and_their_age_and_missing_stays_missing(seen):
    survey = [
        {"customer_id": "A", "answered_on": "2026-03-01", "satisfaction": "4", "recommend_0_10": None},
        {"customer_id": "A", "answered_on": "2026-03-01", "satisfaction": "7", "recommend_0_10": None},
        {"customer_id": "A", "answered_on": "2026-02-01", "satisfaction": "9", "recommend_0_10": "8"},
        {"customer_id": "A", "answered_on": "2026-03-20", "satisfaction": None, "recommend_0_10": None},
        {"customer_id": "B", "answered_on": "2026-03-02", "satisfaction": None, "recommend_0_10": "3"},
        {"customer_id": "C", "answered_on": "2026-04-02", "satisfaction": "1", "recommend_0_10": "1"},
    ]
    later = number_of(date(2026, 4, 30))
    found = seen(DAY, later, survey=survey)
    np.testing.assert_array_equal(found[DAY]["satisfaction"], [5.5, np.nan, np.nan])
    np.testing.assert_array_equal(found[DAY]["satisfaction_age_days"], [30, np.nan, np.nan])
    np.testing.assert_array_equal(found[DAY]["recommend"], [8, 3, np.nan])
    np.testing.assert_array_equal(found[later]["satisfaction"], [5.5, np.nan, 1])


def test_one_question_alone(seen):
    survey = [{"customer_id": "B", "answered_on": "2026-03-01", "recommend_0_10": "6"}]
    found = seen(survey=survey)[DAY]
    np.testing.assert_array_equal(found["recommend"], [np.nan, 6, np.nan])
    assert "satisfaction" not in found


def test_campaigns_count_those_contacted_and_not_those_held_out(seen):
    contacts = [
        {"customer_id": "A", "campaign_id": "1", "contacted_on": "2026-03-01", "arm": "treatment"},
        {"customer_id": "A", "campaign_id": "2", "contacted_on": "2024-03-01", "arm": "treatment"},
        {"customer_id": "B", "campaign_id": "1", "contacted_on": "2026-03-01", "arm": "control"},
        {"customer_id": "C", "campaign_id": "2", "contacted_on": "2024-03-31", "arm": "treatment"},
    ]
    found = seen(contacts=contacts)[DAY]
    assert found["campaigns_12m"].tolist() == [1, 0, 0]
    np.testing.assert_array_equal(found["campaign_age_days"], [30, np.nan, 730])


def test_attributes_are_not_known_before_the_customer_is_won(seen):
    customers = [
        {"customer_id": "A", "acquired_on": "2026-01-01", "region": "north", "club_member_since": "2026-04-01"},
        {"customer_id": "B", "acquired_on": "2026-04-01", "region": "south", "club_member_since": "2026-02-01"},
        {"customer_id": "C", "acquired_on": None, "region": "west", "club_member_since": "2026-03-31"},
    ]  # fmt: skip
    found = seen(customers=customers)[DAY]
    assert found["region"].tolist() == ["north", None, "west"]
    assert found["club"].tolist() == ["no member", None, "member"]


def test_a_contract_ends_at_the_end_of_its_last_day(seen):
    contracts = [
        {"contract_id": "1", "customer_id": "A", "started_on": "2026-01-01", "ended_on": "2026-03-31"},
        {"contract_id": "2", "customer_id": "A", "started_on": "2026-03-31", "ended_on": "2026-04-01"},
        {"contract_id": "3", "customer_id": "B", "started_on": "2026-01-01", "ended_on": None},
        {"contract_id": "4", "customer_id": "B", "started_on": "2026-04-01", "ended_on": None},
    ]
    assert seen(contracts=contracts)[DAY]["contracts_running"].tolist() == [1, 1, 0]


def test_tables_that_are_not_there_add_nothing(seen):
    assert seen()[DAY] == {}
