import numpy as np
import pytest

from crmlib.intake.simulate.campaigns import RESPONSE_DAYS, campaigns
from crmlib.intake.simulate.company import CONTRACT, PERSUADABLE, SLEEPING_DOG, UNMOVED, window_of
from crmlib.intake.simulate.company import constant as c


@pytest.fixture(scope="module")
def responses(chunk):
    """Orders within four weeks of each contact, counted from the orders alone."""
    key = chunk.orders["person"] * 10_000 + chunk.orders["day"]
    key = np.sort(key)
    begin = chunk.contacts["person"] * 10_000 + chunk.contacts["day"]
    return np.searchsorted(key, begin + RESPONSE_DAYS, "right") - np.searchsorted(key, begin, "right")


def cell(chunk, responses, response):
    mine = chunk.people["response"][chunk.contacts["person"]] == response
    treated = chunk.contacts["treated"]
    return responses[mine & treated].mean(), responses[mine & ~treated].mean()


def test_campaigns_fit_into_the_window():
    for months in (12, 36, 47):
        window = window_of(months)
        days = [day for _, day, _ in campaigns(window)]
        assert len(days) >= 4
        assert min(days) >= 0
        assert max(days) + RESPONSE_DAYS < window.days


def test_arms_are_random(chunk):
    contacts, people = chunk.contacts, chunk.people
    assert 1 - contacts["treated"].mean() == pytest.approx(c("control_share"), abs=0.01)
    for trait in ("rate", "satisfaction", "order_value", "web_share"):
        values = people[trait][contacts["person"]]
        treated, control = values[contacts["treated"]], values[~contacts["treated"]]
        error = np.sqrt(treated.var() / treated.size + control.var() / control.size)
        assert abs(treated.mean() - control.mean()) < 4 * error, trait


def test_persuadables_order_more_when_contacted(chunk, responses):
    treated, control = cell(chunk, responses, PERSUADABLE)
    assert treated - control == pytest.approx(c("persuadable_extra_orders") * 0.8, abs=0.08)  # some had left


def test_the_unmoved_stay_unmoved(chunk, responses):
    treated, control = cell(chunk, responses, UNMOVED)
    assert abs(treated - control) < 0.03


def test_sleeping_dogs_leave_when_contacted_and_only_they(chunk):
    contacts = chunk.contacts
    response = chunk.people["response"][contacts["person"]]
    assert not contacts["left"][~contacts["treated"]].any()
    assert not contacts["left"][response != SLEEPING_DOG].any()
    dogs = contacts["treated"] & (response == SLEEPING_DOG)
    assert 0.5 * c("sleeping_dog_leaves") < contacts["left"][dogs].mean() <= 1.1 * c("sleeping_dog_leaves")


def test_annoyed_customers_order_less_afterwards(chunk, window):
    """Compare the year after the contact: what a short-sighted test would miss."""
    contacts, people = chunk.contacts, chunk.people
    dogs = (people["response"][contacts["person"]] == SLEEPING_DOG) & (contacts["day"] < window.days - 365)
    alive_later = people["lifetime_end"][contacts["person"]] > contacts["day"] + 180
    treated = contacts["treated"]
    assert alive_later[dogs & treated].mean() < alive_later[dogs & ~treated].mean() - 0.02


def test_contract_customers_are_not_in_campaigns(chunk):
    assert not (chunk.people["kind"][chunk.contacts["person"]] == CONTRACT).any()


def test_truth_adds_up_to_the_contacts(db):
    counted = db.sql("""
        SELECT campaign_id, contact_class, count(*) FILTER (arm = 'treatment') AS treated,
               count(*) FILTER (arm = 'control') AS control
        FROM contacts JOIN truth_customers USING (customer_id) GROUP BY ALL ORDER BY ALL""").fetchall()
    stated = db.sql("""SELECT campaign_id, contact_class, treated, control FROM truth_campaigns
                       WHERE treated + control > 0 ORDER BY ALL""").fetchall()
    assert counted == stated
